use crate::portal::{NOON, start, start_with};
use ismart_emulators::bitrix24::{Entity, Limits};
use serde_json::json;

#[tokio::test]
async fn p13_the_bucket_refuses_the_51st_request_and_drains_two_a_second() {
    let t = start_with(|builder| builder.limits(Limits::cloud())).await;
    for _ in 0..50 {
        t.ok("profile", json!({})).await;
    }
    let (status, code, _) = t.refused("profile", json!({})).await;
    assert_eq!((status, code), (503, json!("QUERY_LIMIT_EXCEEDED")));
    t.clock.advance(1);
    t.ok("profile", json!({})).await;
    t.ok("profile", json!({})).await;
    assert_eq!(t.refused("profile", json!({})).await.0, 503);
    t.portal.faults().rate_limit(false).unwrap();
    t.ok("profile", json!({})).await;
}

#[tokio::test]
async fn a_batch_counts_as_one_request() {
    let t = start_with(|builder| builder.limits(Limits::cloud())).await;
    for _ in 0..50 {
        assert_eq!(t.call("batch", json!({"cmd": vec!["profile"; 50]})).await.0, 200);
    }
    assert_eq!(t.refused("batch", json!({"cmd": ["profile"]})).await.0, 503);
}

#[tokio::test]
async fn p14_used_up_operating_time_blocks_one_method_until_it_slides_out() {
    let t = start().await;
    t.portal.faults().operating("crm.item.add", 480.0).unwrap();
    let add = json!({"entityTypeId": 1, "fields": {"title": "Т"}});
    let url = format!("{}crm.item.add", t.portal.webhook_url());
    let response = t.http.post(url).json(&add).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.headers().get("retry-after").is_none());
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["error"], "OPERATION_TIME_LIMIT");
    let reset = body["time"]["operating_reset_at"].as_i64().unwrap();
    assert!(reset > NOON && reset <= NOON + 600, "{reset}");
    t.ok("crm.item.list", json!({"entityTypeId": 1})).await;
    let inner = t.ok("batch", json!({"cmd": {"a": "crm.item.add?entityTypeId=1&fields[title]=T"}})).await;
    assert_eq!(inner["result_error"]["a"]["error"], "OPERATION_TIME_LIMIT");
    assert_eq!(t.portal.count(Entity::Lead), 0);
    t.clock.advance(reset - NOON);
    t.ok("crm.item.add", add).await;
}

#[tokio::test]
async fn a_portal_on_premise_refuses_nothing_and_tells_no_operating_time() {
    let t = start_with(|builder| builder.limits(Limits::on_premise())).await;
    for _ in 0..60 {
        let (status, body) = t.call("profile", json!({})).await;
        assert_eq!(status, 200);
        assert!(body["time"].get("operating").is_none(), "{body}");
    }
}
