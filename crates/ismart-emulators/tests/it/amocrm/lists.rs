use super::{PIPELINE, start};
use ismart_emulators::amocrm::Switch;
use serde_json::{Value, json};

fn ids(list: &Value, key: &str) -> Vec<u64> {
    let all = list["_embedded"][key].as_array().unwrap();
    all.iter().map(|one| one["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn p4_lists_are_paged_by_links_until_there_is_no_next() {
    let t = start().await;
    let many: Vec<Value> = (0..120).map(|n| json!({"name": format!("Лид {n}"), "price": n})).collect();
    let made = t.post("leads", json!(many)).await;
    let all = ids(&made, "leads");
    let mut seen = Vec::new();
    let mut next = Some(format!("{}/api/v4/leads?limit=50&with=contacts", t.account.base_url()));
    while let Some(url) = next {
        let page: Value =
            t.http.get(url).bearer_auth(super::TOKEN).send().await.unwrap().json().await.unwrap();
        seen.extend(ids(&page, "leads"));
        assert_eq!(page["_links"].get("prev").is_some(), page["_page"] != 1);
        next = page["_links"]["next"]["href"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, all);
    assert_eq!(t.call("GET", "leads?page=4&limit=50", None).await, (204, Value::Null));
    let newest = t.get("leads?limit=2&order[id]=desc").await;
    assert_eq!(ids(&newest, "leads"), [all[119], all[118]]);
    let wanted = format!("leads?filter[id][]={}&filter[id][]={}", all[3], all[5]);
    assert_eq!(ids(&t.get(&wanted).await, "leads"), [all[3], all[5]]);
    assert_eq!(t.get("leads?limit=300").await["_embedded"]["leads"].as_array().unwrap().len(), 120);
    assert_eq!(t.finding_texts(), ["ValueChanged limit"]);
    t.get("leads?order[colour]=asc&filter[colour]=red").await;
    assert_eq!(t.finding_texts().len(), 3, "what no list knows is ignored and found");
}

#[tokio::test]
async fn p4_changes_are_found_by_their_time() {
    let t = start().await;
    let old = t.add_lead(json!({"name": "старый"})).await;
    t.advance(100);
    let new = t.add_lead(json!({"name": "новый"})).await;
    let since = super::NOON + 50;
    assert_eq!(ids(&t.get(&format!("leads?filter[updated_at][from]={since}")).await, "leads"), [new]);
    t.advance(100);
    t.patch(&format!("leads/{old}"), json!({"price": 5})).await;
    assert_eq!(ids(&t.get("leads?order[updated_at]=desc").await, "leads"), [old, new]);
}

#[tokio::test]
async fn p4_query_finds_words_and_phones_in_any_spelling_once_the_index_has_them() {
    let t = start().await;
    let own = t
        .post("leads/custom_fields", json!([{"name": "iSmart ID", "type": "text", "code": "ISMART_ID"}]))
        .await["_embedded"]["custom_fields"][0]["id"]
        .clone();
    let lead = json!({"name": "Haval Jolion",
                      "custom_fields_values": [{"field_id": own, "values": [{"value": "lead-0198-aa"}]}]});
    let id = t.add_lead(lead).await;
    assert_eq!(ids(&t.get("leads?query=lead-0198-aa").await, "leads"), [id]);
    assert_eq!(ids(&t.get("leads?query=haval%20jol").await, "leads"), [id]);
    assert_eq!(t.call("GET", "leads?query=lead-0198-bb", None).await.0, 204);
    let contact = json!([{"name": "Иван", "custom_fields_values": [
        {"field_code": "PHONE", "values": [{"value": "8 (999) 000-00-01"}]},
        {"field_code": "EMAIL", "values": [{"value": "I@Example.ru"}]}]}]);
    let made = ids(&t.post("contacts", contact).await, "contacts");
    for query in ["%2B79990000001", "79990000001", "89990000001", "9990000001", "i@example.ru", "Иван"] {
        assert_eq!(ids(&t.get(&format!("contacts?query={query}")).await, "contacts"), made, "{query}");
    }
    t.account.faults().turn(Switch::SearchLag { seconds: 30 }).unwrap();
    let late = t.add_lead(json!({"name": "Опоздавший"})).await;
    assert_eq!(t.call("GET", "leads?query=Опоздавший", None).await.0, 204);
    assert_eq!(ids(&t.get("leads?order[id]=desc&limit=1").await, "leads"), [late], "the list does not lag");
    t.advance(30);
    assert_eq!(ids(&t.get("leads?query=Опоздавший").await, "leads"), [late]);
}

#[tokio::test]
async fn p10_fields_are_created_found_by_type_and_deleted() {
    let t = start().await;
    let marks = t.get("leads/custom_fields?filter[type][]=tracking_data").await;
    let codes: Vec<&str> = marks["_embedded"]["custom_fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    for code in ["UTM_SOURCE", "UTM_MEDIUM", "UTM_CAMPAIGN", "UTM_CONTENT", "UTM_TERM"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    let phones = t.get("contacts/custom_fields").await;
    let phone = phones["_embedded"]["custom_fields"].as_array().unwrap();
    let phone = phone.iter().find(|field| field["code"] == "PHONE").unwrap();
    assert_eq!((&phone["type"], phone["enums"].as_array().unwrap().len()), (&json!("multitext"), 6));
    let new = json!([{"name": "iSmart ID", "type": "text", "code": "ISMART_ID", "is_api_only": true}]);
    let made = t.post("leads/custom_fields", new.clone()).await;
    let made = made["_embedded"]["custom_fields"][0].clone();
    assert_eq!(
        (&made["type"], &made["is_api_only"], &made["request_id"]),
        (&json!("text"), &json!(true), &json!("0"))
    );
    assert_eq!(t.flaw("POST", "leads/custom_fields", new).await.1, "code");
    let (code, path) = t.flaw("POST", "leads/custom_fields", json!([{"name": "x", "type": "phantom"}])).await;
    assert_eq!((code.as_str(), path.as_str()), ("NotSupportedChoice", "type"));
    let path = format!("leads/custom_fields/{}", made["id"]);
    assert_eq!(t.call("DELETE", &path, None).await.0, 204);
    assert_eq!(t.call("GET", &path, None).await.0, 204);
    assert_eq!(t.call("DELETE", &path, None).await.0, 404);
}

#[tokio::test]
async fn p16_events_tell_what_happened_newest_first() {
    let t = start().await;
    let id = t.add_lead(json!({})).await;
    t.patch(&format!("leads/{id}"), json!({"status_id": 47_521_002, "pipeline_id": PIPELINE})).await;
    let events = t.get(&format!("events?filter[entity_id]={id}")).await;
    let types: Vec<&Value> =
        events["_embedded"]["events"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert_eq!(types, ["lead_status_changed", "lead_added"]);
    let moved = &events["_embedded"]["events"][0];
    assert_eq!(moved["value_after"][0]["lead_status"]["id"], 47_521_002);
    assert_eq!(t.get(&format!("events/{}", moved["id"].as_str().unwrap())).await, *moved);
    let only = t.get("events?filter[type]=lead_added").await;
    assert_eq!(only["_embedded"]["events"].as_array().unwrap().len(), 1);
}
