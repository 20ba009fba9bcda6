use crate::portal::{Clock, client, start_with};
use ismart_emulators::bitrix24::{Entity, StartError};
use serde_json::json;

#[tokio::test]
async fn p23_what_was_answered_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portal.jsonl");
    let first = start_with(|builder| builder.journal(&path)).await;
    let lead = first
        .add_lead(json!({"title": "Т", "originatorId": "ismart", "originId": "ld_1",
                                     "fm": [{"typeId": "PHONE", "value": "+79990000001"}]}))
        .await;
    let gone = first.add_lead(json!({"title": "X"})).await;
    first.ok("crm.item.update", json!({"entityTypeId": 1, "id": lead, "fields": {"title": "Изменён"}})).await;
    first.ok("crm.item.delete", json!({"entityTypeId": 1, "id": gone})).await;
    let comment = json!({"fields": {"ENTITY_ID": lead, "ENTITY_TYPE": "lead", "COMMENT": "Диалог"}});
    first.ok("crm.timeline.comment.add", comment).await;
    let todo = json!({"ownerTypeId": 1, "ownerId": lead, "deadline": "2026-05-15T12:00:00+03:00"});
    first.ok("crm.activity.todo.add", todo).await;
    let addr = first.portal.addr();

    let clash = Clock::new().builder().journal(&path).start().await.unwrap_err();
    assert!(matches!(clash, StartError::Journal(_)), "{clash}");
    assert!(clash.to_string().contains("in use by another emulator"), "{clash}");
    let taken = Clock::new().builder().listen(addr).start().await.unwrap_err();
    assert!(taken.to_string().contains(&addr.to_string()), "{taken}");

    first.portal.shutdown().await;
    let second = start_with(|builder| builder.journal(&path).listen(addr)).await;
    assert_eq!(second.portal.addr(), addr, "the port is free after a shutdown");
    let ledger = second.portal.ledger();
    let [kept] = ledger.by_origin(Entity::Lead, "ismart", "ld_1")[..] else { panic!("one lead") };
    assert_eq!((kept.id, kept.text("title"), kept.phones()), (lead, "Изменён", vec!["+79990000001"]));
    assert_eq!((ledger.leads().len(), ledger.comments.len(), ledger.activities.len()), (1, 1, 1));
    let found =
        second.ok("crm.duplicate.findbycomm", json!({"type": "PHONE", "values": ["89990000001"]})).await;
    assert_eq!(found, json!({"LEAD": [lead]}));
    assert!(second.add_lead(json!({"title": "Новый"})).await > lead);
}

#[tokio::test]
async fn a_refused_or_dropped_call_leaves_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portal.jsonl");
    let t = start_with(|builder| builder.journal(&path)).await;
    t.refused("crm.item.add", json!({"entityTypeId": 1, "fields": {"stageId": "PHANTOM"}})).await;
    t.portal.faults().drop_before_commit(1);
    let url = format!("{}crm.lead.add", t.portal.webhook_url());
    assert!(t.http.post(url).json(&json!({"fields": {"TITLE": "Т"}})).send().await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

#[tokio::test]
async fn a_broken_journal_is_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portal.jsonl");
    std::fs::write(&path, "{\"op\":\"deleted\",\"entity\":\"lead\",\"id\":1}\n{\"op\":\"phantom\"}\n")
        .unwrap();
    let error = Clock::new().builder().journal(&path).start().await.unwrap_err().to_string();
    assert!(error.contains("portal.jsonl, line 2:"), "{error}");
    let nowhere = folder.path().join("no/such/folder.jsonl");
    let error = Clock::new().builder().journal(nowhere).start().await.unwrap_err().to_string();
    assert!(error.contains("check that the folder exists"), "{error}");
}

#[tokio::test]
async fn a_dropped_handle_closes_the_port() {
    let t = start_with(|builder| builder).await;
    let url = t.portal.base_url();
    drop(t);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while client().get(&url).send().await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "still serving");
        tokio::task::yield_now().await;
    }
}
