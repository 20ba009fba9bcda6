use crate::portal::{Fixture, start, start_with};
use ismart_emulators::bitrix24::{Ending, Entity, Fault, FaultBody, Limits, Rule, Switch};
use serde_json::{Value, json};
use std::time::Duration;

async fn send(t: &Fixture, method: &str) -> Result<(u16, Vec<u8>), reqwest::Error> {
    let url = format!("{}{method}", t.portal.webhook_url());
    let body = json!({"entityTypeId": 1, "fields": {"title": "Т", "originId": "ld_1"}});
    let response = t.http.post(url).json(&body).send().await?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await?.to_vec()))
}

#[tokio::test]
async fn p15_a_drop_before_commit_stores_nothing() {
    let t = start().await;
    t.portal.faults().drop_before_commit(1);
    let error = send(&t, "crm.item.add").await.unwrap_err();
    assert!(error.is_request() || error.is_body(), "{error:?}");
    assert_eq!(t.portal.count(Entity::Lead), 0);
    assert_eq!(t.portal.requests()[0].ending, Ending::DroppedBeforeCommit);
    assert_eq!(send(&t, "crm.item.add").await.unwrap().0, 200, "only once");
}

#[tokio::test]
async fn p16_a_drop_after_commit_stores_and_says_nothing() {
    let t = start().await;
    t.portal.faults().drop_after_commit(1);
    send(&t, "crm.item.list").await.unwrap();
    assert!(send(&t, "crm.item.add").await.is_err());
    let ledger = t.portal.ledger();
    let [lead] = ledger.leads()[..] else { panic!("stored once") };
    let record = t.portal.requests().pop().unwrap();
    assert_eq!(record.ending, Ending::DroppedAfterCommit);
    assert_eq!(record.created[0].id, lead.id);
    let found = t.ok("crm.item.list", json!({"entityTypeId": 1, "filter": {"=originId": "ld_1"}})).await;
    assert_eq!(found["items"][0]["id"], lead.id);
}

#[tokio::test]
async fn a_drop_reaches_commands_inside_a_batch() {
    let t = start().await;
    t.portal.faults().add(Rule::new(Fault::DropAfterCommit).method("crm.lead.add").times(1));
    let cmd = json!({"cmd": {"a": "crm.lead.add?fields[TITLE]=T"}});
    let url = format!("{}batch", t.portal.webhook_url());
    assert!(t.http.post(url).json(&cmd).send().await.is_err());
    assert_eq!(t.portal.count(Entity::Lead), 1);
}

#[tokio::test]
async fn p17_statuses_come_with_every_kind_of_body() {
    let t = start().await;
    let cases = [
        (503, FaultBody::Json, true),
        (429, FaultBody::Code("OPERATION_TIME_LIMIT".into()), true),
        (502, FaultBody::Html, false),
        (500, FaultBody::Empty, false),
        (200, FaultBody::Garbage, false),
        (200, FaultBody::Truncated, false),
    ];
    for (status, body, readable) in cases {
        t.portal.faults().status(status, 2, body.clone());
        for _ in 0..2 {
            let (got, bytes) = send(&t, "crm.item.add").await.unwrap();
            assert_eq!(got, status);
            assert_eq!(serde_json::from_slice::<Value>(&bytes).is_ok(), readable, "{body:?}");
        }
        assert!(t.portal.faults().rules().is_empty());
    }
    assert_eq!(t.portal.count(Entity::Lead), 0);
}

#[tokio::test]
async fn an_error_can_hide_a_success() {
    let t = start().await;
    let fault = Fault::Status { code: 500, body: FaultBody::Json, after_commit: true };
    t.portal.faults().add(Rule::new(fault).method("crm.item.add").times(1));
    let (status, bytes) = send(&t, "crm.item.add").await.unwrap();
    assert_eq!(status, 500);
    assert!(String::from_utf8(bytes).unwrap().contains("INTERNAL_SERVER_ERROR"));
    assert_eq!(t.portal.count(Entity::Lead), 1);
}

/// Asks for a lead and gives up after 50 ms.
async fn give_up(t: &Fixture) {
    let url = format!("{}crm.item.add", t.portal.webhook_url());
    let body = json!({"entityTypeId": 1, "fields": {"title": "Т"}});
    let request = t.http.post(url).json(&body).timeout(Duration::from_millis(50));
    assert!(request.send().await.unwrap_err().is_timeout());
}

async fn stored_within_a_minute(t: &Fixture) {
    let stored = t.portal.until(|portal| portal.count(Entity::Lead) == 1);
    tokio::time::timeout(Duration::from_secs(60), stored).await.unwrap();
}

#[tokio::test]
async fn a_late_answer_belongs_to_a_stored_lead() {
    let t = start().await;
    t.portal.faults().add(Rule::new(Fault::Latency { ms: 3_600_000, after_commit: true }).times(1));
    give_up(&t).await;
    stored_within_a_minute(&t).await;
}

#[tokio::test]
async fn p18_a_slow_call_is_done_even_when_its_caller_left() {
    let t = start().await;
    t.portal.faults().add(Rule::new(Fault::Latency { ms: 1500, after_commit: false }).times(1));
    give_up(&t).await;
    stored_within_a_minute(&t).await;
}

#[tokio::test]
async fn p19_chances_lose_and_double_nothing_a_ledger_could_not_tell() {
    let t = start_with(|builder| builder.seed(42)).await;
    let faults = t.portal.faults();
    faults.add(Rule::new(Fault::DropBeforeCommit).chance(0.2));
    faults.add(Rule::new(Fault::DropAfterCommit).chance(0.2));
    let mut answered = 0;
    for _ in 0..200 {
        answered += usize::from(send(&t, "crm.item.add").await.is_ok());
    }
    let records = t.portal.requests();
    let ended = |ending: Ending| records.iter().filter(|record| record.ending == ending).count();
    let (before, after) = (ended(Ending::DroppedBeforeCommit), ended(Ending::DroppedAfterCommit));
    assert_eq!(answered, ended(Ending::Answered));
    assert_eq!(t.portal.count(Entity::Lead), answered + after);
    assert_eq!(answered + after + before, 200);
    assert!(before > 0 && after > 0);
}

#[tokio::test]
async fn p20_simple_mode_turns_a_lead_into_contact_and_deal() {
    let t = start().await;
    t.portal.faults().turn(Switch::SimpleCrm { on: true }).unwrap();
    assert_eq!(t.ok("crm.settings.mode.get", json!({})).await, json!(2));
    let lead = t
        .add_lead(json!({"title": "Т", "name": "Иван", "originatorId": "ismart", "originId": "ld_1",
                         "fm": [{"typeId": "PHONE", "value": "+79990000001"}]}))
        .await;
    let ledger = t.portal.ledger();
    assert_eq!(ledger.leads()[0].text("stageId"), "CONVERTED");
    assert_eq!(ledger.contacts()[0].phones(), ["+79990000001"]);
    let found = t.ok("crm.item.list", json!({"entityTypeId": 2, "filter": {"leadId": lead}})).await;
    assert_eq!(found["items"][0]["contactId"], ledger.contacts()[0].id);
    assert_eq!(t.portal.requests()[1].created.len(), 3);
}

#[tokio::test]
async fn a_removed_stage_refuses_and_an_empty_code_is_still_an_error() {
    let t = start().await;
    t.portal.faults().remove_stage("STATUS", "NEW").unwrap();
    let add = json!({"entityTypeId": 1, "fields": {"stageId": "NEW"}});
    assert_eq!(t.refused("crm.item.add", add.clone()).await.1, "CRM_FIELD_ERROR_VALUE_NOT_VALID");
    t.portal.faults().turn(Switch::EmptyErrorCode { on: true }).unwrap();
    assert_eq!(t.refused("crm.item.add", add).await.1, "");
    assert_eq!(t.refused("crm.phantom", json!({})).await.1, "");
    let again = t.portal.faults().remove_stage("STATUS", "NEW").unwrap_err();
    assert_eq!(again.to_string(), "the dictionary STATUS has no NEW; see crm.status.list");
    let none = t.portal.faults().remove_field(Entity::Deal, "phantom").unwrap_err();
    assert_eq!(none.to_string(), "a deal has no field phantom; see crm.item.fields");
}

#[tokio::test]
async fn clearing_takes_every_fault_away() {
    let t = start_with(|builder| builder.limits(Limits::cloud())).await;
    let faults = t.portal.faults();
    faults.latency(Duration::from_secs(3600));
    faults.status(500, 100, FaultBody::Empty);
    faults.drop_after_commit(100);
    faults.expire_webhook(true).unwrap();
    faults.operating("profile", 1000.0).unwrap();
    faults.turn(Switch::ClockSkew { seconds: 86_400 }).unwrap();
    faults.clear();
    assert_eq!(t.ok("server.time", json!({})).await, "2026-05-14T10:26:32+03:00");
    assert!(faults.rules().is_empty());
}

#[tokio::test]
async fn a_skewed_clock_shows_in_dates() {
    let t = start().await;
    t.portal.faults().turn(Switch::ClockSkew { seconds: -3600 }).unwrap();
    assert_eq!(t.ok("server.time", json!({})).await, "2026-05-14T09:26:32+03:00");
}

#[tokio::test]
async fn p21_the_admin_endpoint_does_the_same_over_http() {
    let t = start().await;
    let at = |path: &str| format!("{}__emulator/{path}", t.portal.base_url());
    let rule = json!({"fault": "status", "code": 503, "times": 1, "method": "crm.item.add"});
    let set = t.http.post(at("faults")).json(&rule).send().await.unwrap();
    assert_eq!(set.status(), 200);
    assert_eq!(send(&t, "crm.item.add").await.unwrap().0, 503);
    assert_eq!(send(&t, "crm.item.add").await.unwrap().0, 200);
    let switch = json!({"switch": "simple_crm", "on": true});
    assert_eq!(t.http.post(at("switch")).json(&switch).send().await.unwrap().status(), 204);
    assert_eq!(t.ok("crm.settings.mode.get", json!({})).await, json!(2));

    let ledger: Value = t.http.get(at("ledger")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ledger["items"][0]["entity"], "lead");
    assert_eq!(ledger["items"][0]["values"]["originId"], "ld_1");
    let log: Value = t.http.get(at("requests?tail=1")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&log["total"], &log["requests"][0]["method"]), (&json!(3), &json!("crm.settings.mode.get")));
    let findings: Value = t.http.get(at("findings")).send().await.unwrap().json().await.unwrap();
    assert_eq!(findings, json!([]));
    assert_eq!(t.http.delete(at("faults")).send().await.unwrap().status(), 204);
    assert_eq!(t.http.delete(at("requests")).send().await.unwrap().status(), 204);
    assert!(t.portal.requests().is_empty());

    for wrong in [json!({"fault": "explode"}), json!([])] {
        let response = t.http.post(at("faults")).json(&wrong).send().await.unwrap();
        assert_eq!(response.status(), 400);
        assert!(response.text().await.unwrap().contains("example"));
    }
    let wrong = json!({"switch": "remove_stage", "entity_id": "STATUS", "status_id": "PHANTOM"});
    assert_eq!(t.http.post(at("switch")).json(&wrong).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn p22_other_sites_and_rebound_names_cannot_use_the_admin_endpoint() {
    let t = start().await;
    let at = |path: &str| format!("{}__emulator/{path}", t.portal.base_url());
    let rebound = t.http.get(at("ledger")).header("Host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), 403);
    let form =
        t.http.post(at("faults")).header("Content-Type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(form.status(), 415);
    assert!(t.portal.faults().rules().is_empty());
}
