use crate::portal::{start, start_with};
use ismart_emulators::bitrix24::{Ending, Entity, FindingKind, Switch};
use serde_json::{Value, json};

#[tokio::test]
async fn p11_methods_are_called_in_any_case_and_any_encoding() {
    let t = start().await;
    let hook = t.portal.webhook_url();
    let get = format!("{hook}crm.lead.Add.json?fields[TITLE]=%D0%A2&fields[PHONE][0][VALUE]=%2B79990000001");
    let body: Value = t.http.get(get).send().await.unwrap().json().await.unwrap();
    assert!(body["result"].is_u64(), "{body}");
    let form = t
        .http
        .post(format!("{hook}CRM.LEAD.ADD"))
        .header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
        .body("fields%5BTITLE%5D=%D0%A2&fields%5BPHONE%5D%5B0%5D%5BVALUE%5D=%2B79990000001");
    let body: Value = form.send().await.unwrap().json().await.unwrap();
    assert!(body["result"].is_u64(), "{body}");
    t.ok("crm.lead.add", json!({"fields": {"TITLE": "Т", "PHONE": [{"VALUE": "+79990000001"}]}})).await;
    let ledger = t.portal.ledger();
    for lead in ledger.leads() {
        assert_eq!((lead.text("title"), lead.phones()), ("Т", vec!["+79990000001"]));
    }
    assert_eq!(ledger.leads().len(), 3);
    let methods: Vec<String> = t.portal.requests().into_iter().map(|record| record.method).collect();
    assert_eq!(methods, ["crm.lead.add", "crm.lead.add", "crm.lead.add"]);
}

#[tokio::test]
async fn p12_strangers_are_refused_and_secrets_stay_out_of_the_log() {
    let t = start_with(|builder| builder.access_token("at-1", 17)).await;
    let base = t.portal.base_url();
    let status = async |url: String| {
        let response = t.http.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap()["error"].take())
    };
    let no_auth = (401, json!("NO_AUTH_FOUND"));
    assert_eq!(status(format!("{base}rest/17/wr0ng/profile")).await, no_auth);
    assert_eq!(status(format!("{base}rest/18/s3cret/profile")).await, no_auth);
    assert_eq!(status(format!("{base}rest/s3cret/17/profile")).await, no_auth);
    assert_eq!(status(format!("{base}rest/profile")).await, no_auth);
    assert_eq!(status(format!("{base}rest/profile?auth=at-2")).await, no_auth);
    assert_eq!(status(format!("{base}rest/profile?auth=at-1")).await, (200, Value::Null));
    t.portal.faults().turn(Switch::ExpireAccess { on: true }).unwrap();
    assert_eq!(status(format!("{base}rest/profile?auth=at-1")).await, (401, json!("expired_token")));
    t.portal.faults().expire_webhook(true).unwrap();
    assert_eq!(t.refused("profile", json!({})).await.0, 401);
    t.portal.faults().expire_webhook(false).unwrap();
    t.ok("profile", json!({"auth": "body-token"})).await;

    let log = serde_json::to_string(&t.portal.requests()).unwrap();
    for secret in ["s3cret", "wr0ng", "at-1", "at-2", "body-token"] {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
    assert!(log.contains("/rest/17/***/profile"));
    assert!(!format!("{:?}", t.portal).contains("s3cret"));
}

#[tokio::test]
async fn rights_end_at_scopes_application_methods_and_dismissal() {
    let t = start().await;
    t.portal.faults().turn(Switch::RemoveScope { scope: "crm".into() }).unwrap();
    let (status, code, _) = t.refused("crm.item.add", json!({"entityTypeId": 1, "fields": {}})).await;
    assert_eq!((status, code), (403, json!("insufficient_scope")));
    t.ok("profile", json!({})).await;
    for method in ["event.bind", "event.offline.get", "imconnector.register", "placement.bind"] {
        let (status, code, _) = t.refused(method, json!({})).await;
        assert_eq!((status, code), (403, json!("WRONG_AUTH_TYPE")), "{method}");
    }
    let (status, code, _) = t.refused("crm.phantom", json!({})).await;
    assert_eq!((status, code), (404, json!("ERROR_METHOD_NOT_FOUND")));
    t.portal.faults().turn(Switch::DismissUser { id: 17, on: true }).unwrap();
    let (status, code, _) = t.refused("profile", json!({})).await;
    assert_eq!((status, code), (403, json!("INVALID_CREDENTIALS")));
    let error = t.portal.faults().turn(Switch::DismissUser { id: 404, on: true }).unwrap_err();
    assert_eq!(error.to_string(), "the portal has no user 404; see user.get");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_found_and_harm_nothing() {
    let t = start().await;
    let cases: [(&str, &[u8], FindingKind); 5] = [
        ("application/json", b"{\"fields\":", FindingKind::BrokenBody),
        ("application/json", b"[1,2]", FindingKind::BrokenBody),
        ("application/json", b"\xff\xfe", FindingKind::BrokenBody),
        ("application/x-www-form-urlencoded", b"\xff\xfe", FindingKind::BrokenBody),
        ("multipart/form-data; boundary=x", b"--x--", FindingKind::NotEmulated),
    ];
    for (content_type, body, kind) in cases {
        let url = format!("{}crm.lead.add", t.portal.webhook_url());
        let request = t.http.post(url).header("Content-Type", content_type).body(body.to_vec());
        assert_eq!(request.send().await.unwrap().status(), 400, "{content_type}");
        let last = t.portal.findings().pop().unwrap();
        assert_eq!((last.kind, last.parameter.as_str()), (kind, "body"), "{content_type}");
    }
    let nowhere = t.http.get(format!("{}rest/1/2/3/4/5", t.portal.base_url())).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    assert_eq!(t.portal.count(Entity::Lead), 0);
}

#[tokio::test]
async fn every_request_is_on_record_with_its_time_and_outcome() {
    let t = start_with(|builder| builder.log_limit(2)).await;
    t.add_lead(json!({"title": "Т"})).await;
    t.clock.advance(5);
    t.refused("crm.lead.get", json!({"id": 1})).await;
    t.ok("profile", json!({})).await;
    let records = t.portal.requests();
    assert_eq!(records.len(), 2, "the oldest leaves");
    assert_eq!(t.portal.requests_total(), 3);
    assert_eq!((records[0].seq, records[0].status, records[0].error.as_deref()), (2, 400, Some("")));
    assert_eq!(records[0].at.to_string(), "2026-05-14T07:26:37Z");
    assert_eq!((records[1].status, &records[1].error, records[1].ending), (200, &None, Ending::Answered));
}

#[tokio::test]
async fn one_seed_gives_one_history() {
    let history = async |seed: u64| {
        let t = start_with(|builder| builder.seed(seed)).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (_, body) =
                t.call("crm.item.add", json!({"entityTypeId": 1, "fields": {"title": "Т"}})).await;
            seen.push((body["result"]["item"]["id"].clone(), body["time"]["operating"].clone()));
        }
        seen
    };
    assert_eq!(history(7).await, history(7).await);
    assert_ne!(history(7).await, history(8).await);
}
