use crate::portal::start;
use ismart_emulators::bitrix24::{Entity, Switch};
use serde_json::{Value, json};

#[tokio::test]
async fn p9_results_flow_between_commands_and_empties_are_lists() {
    let t = start().await;
    let (status, body) = t
        .call("batch", json!({"halt": 0, "cmd": {
            "c": "crm.contact.add?fields[NAME]=Ivan&fields[PHONE][0][VALUE]=%2B79990000001&fields[PHONE][0][VALUE_TYPE]=WORK",
            "l": "crm.lead.add?fields[TITLE]=Site&fields[CONTACT_ID]=$result[c]",
            "g": "crm.item.get?entityTypeId=1&id=$result[l]",
            "r": "crm.lead.list?select[]=ID&filter[ID]=$result[g][item][id]"}}))
        .await;
    assert_eq!(status, 200);
    let result = &body["result"];
    assert_eq!(result["result"]["g"]["item"]["contactId"], result["result"]["c"]);
    assert_eq!(result["result"]["r"][0]["ID"], result["result"]["l"].to_string());
    assert_eq!(result["result_error"], json!([]));
    assert_eq!(result["result_next"], json!([]));
    assert_eq!(result["result_total"], json!({"r": 1}));
    assert!(result["result_time"]["c"]["operating"].is_number());
    assert!(body["time"].get("operating").is_none(), "batch itself is not counted");
    assert_eq!(t.portal.ledger().contacts()[0].phones(), ["+79990000001"]);
    let records = t.portal.requests();
    let keys: Vec<Option<&str>> = records.iter().map(|record| record.batch_key.as_deref()).collect();
    assert_eq!(keys, [None, Some("c"), Some("l"), Some("g"), Some("r")]);
    assert_eq!(records[1].created[0].kind, "contact");
    assert!(t.portal.findings().is_empty(), "{:?}", t.portal.findings());
}

#[tokio::test]
async fn p10_each_key_fails_alone_and_halt_stops() {
    let t = start().await;
    let cmd = json!({"a": "crm.lead.get?id=1", "b": "crm.phantom", "c": "batch?cmd[x]=profile",
                     "d": "crm.item.add?entityTypeId=1&fields[title]=T"});
    let (status, body) = t.call("batch", json!({"halt": 0, "cmd": cmd})).await;
    assert_eq!(status, 200);
    let errors = &body["result"]["result_error"];
    assert_eq!(errors["a"], json!({"error": "", "error_description": "Not found"}));
    assert_eq!(errors["b"]["error"], "ERROR_METHOD_NOT_FOUND");
    assert_eq!(errors["c"]["error"], "ERROR_BATCH_METHOD_NOT_ALLOWED");
    assert!(body["result"]["result"]["d"]["item"]["id"].is_u64());
    assert!(body["result"]["result_time"].get("a").is_none());

    for halt in [json!(1), json!("1"), json!(true)] {
        let (_, body) = t.call("batch", json!({"halt": halt, "cmd": cmd})).await;
        assert_eq!(body["result"]["result"], json!([]));
        let missing: Vec<&str> = ["b", "c", "d"]
            .into_iter()
            .filter(|key| body["result"]["result_error"].get(key).is_none())
            .collect();
        assert_eq!(missing, ["b", "c", "d"], "not executed");
    }
    assert_eq!(t.portal.count(Entity::Lead), 1);
}

#[tokio::test]
async fn lists_of_commands_answer_with_lists() {
    let t = start().await;
    let (_, body) = t.call("batch", json!({"cmd": ["profile", "crm.settings.mode.get"]})).await;
    assert_eq!(body["result"]["result"][1], 1);
    let (_, body) = t.call("batch", json!({"cmd": ["profile", "crm.lead.get?id=1", "scope"]})).await;
    assert!(body["result"]["result"].is_object(), "a gap makes a map: {body}");
    assert_eq!(body["result"]["result"]["2"][0], "crm");
    let (status, body) = t.call("batch", json!({})).await;
    assert_eq!((status, &body["result"]["result"]), (200, &json!([])));
    assert_eq!(t.finding_texts(), ["MissingRequired cmd"]);
}

#[tokio::test]
async fn fifty_commands_are_enough() {
    let t = start().await;
    let commands = |n: usize| json!({"cmd": vec!["profile"; n]});
    assert_eq!(t.call("batch", commands(50)).await.0, 200);
    let (status, code, _) = t.refused("batch", commands(51)).await;
    assert_eq!((status, code), (400, json!("ERROR_BATCH_LENGTH_EXCEEDED")));
}

#[tokio::test]
async fn chosen_keys_can_be_refused() {
    let t = start().await;
    t.portal.faults().turn(Switch::PartialBatch { keys: vec!["l".into()] }).unwrap();
    let cmd = json!({"c": "crm.contact.add?fields[NAME]=I", "l": "crm.lead.add?fields[TITLE]=T"});
    let (_, body) = t.call("batch", json!({"cmd": cmd})).await;
    assert_eq!(body["result"]["result_error"]["l"]["error"], "");
    assert_eq!((t.portal.count(Entity::Contact), t.portal.count(Entity::Lead)), (1, 0));
}

#[tokio::test]
async fn a_form_carries_nested_commands() {
    let t = start().await;
    let body = "halt=0&cmd%5Ba%5D=crm.lead.add%3Ffields%255BTITLE%255D%3DSite%2B1&cmd%5Bb%5D=crm.lead.get%3Fid%3D%24result%5Ba%5D";
    let response = t
        .http
        .post(format!("{}batch.json", t.portal.webhook_url()))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["result"]["result"]["b"]["TITLE"], "Site 1", "{body}");
}
