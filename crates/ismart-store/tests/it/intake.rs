//! Rows of doors: files, what cannot be read, calls, imports, mailboxes; each client's are its own.

use ismart_domain::lead::FileRef;
use ismart_domain::{ClientId, LeadId, SiteId, UserId};
use ismart_store::calls::{self, CallRow};
use ismart_store::files::{self, Owner};
use ismart_store::imports::{self, Fault, Import, ImportState, Tally};
use ismart_store::mailboxes::{self, MailboxState};
use ismart_store::unread::{self, NewUnread, UnreadState};
use ismart_store::{StoreError, Tx};

use crate::engines::{Temporary, start};
use crate::promises::{on_every_engine, tenant};

#[tokio::test]
async fn p14_what_comes_in_by_doors_is_kept_and_is_its_clients_alone() {
    on_every_engine(kept).await;
}

fn new(site_id: SiteId, key: &str) -> NewUnread {
    NewUnread {
        site_id,
        door: "portal".into(),
        kind: "webhook".into(),
        key: key.into(),
        media_type: "application/json".into(),
        body: "{}".into(),
        reason: "nothing".into(),
    }
}

async fn kept(t: Temporary) {
    let (client, site) = tenant(&t.store, "avtograd").await;
    let (other, _) = tenant(&t.store, "other").await;
    let env = t.store.env().clone();
    let (lead, user): (LeadId, UserId) = (env.new_id(), env.new_id());
    let file = FileRef {
        id: env.new_id(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        bytes: 7,
        sha256: "ab".repeat(32),
    };
    let named = file.clone();
    let (first, second) = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let first = unread::add(tx, client, &new(site, "k1")).await?;
                let second = unread::add(tx, client, &new(site, "k2")).await?;
                files::add(tx, client, Owner::Unread(first), &named).await?;
                Ok::<_, StoreError>((first, second))
            })
        })
        .await
        .unwrap();
    let doubled: Result<_, StoreError> = t
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { unread::add(tx, client, &new(site, "k1")).await }))
        .await;
    assert!(matches!(doubled, Err(StoreError::Sql(_))), "one key is one arrival");
    let settled: [bool; 3] = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let done = [
                    unread::settle(tx, client, first, Some(lead), user, "").await?,
                    unread::settle(tx, client, first, None, user, "again").await?,
                    unread::settle(tx, other, second, None, user, "foreign").await?,
                ];
                files::hand_on(tx, client, first, lead).await?;
                Ok::<_, StoreError>(done)
            })
        })
        .await
        .unwrap();
    assert_eq!(settled, [true, false, false]);
    let mut conn = t.store.read().await.unwrap();
    let one = unread::by_key(&mut conn, client, "portal", "k1").await.unwrap().unwrap();
    assert_eq!((one.state, one.lead_id, one.settled_by), (UnreadState::Lead, Some(lead), Some(user)));
    assert_eq!(unread::waiting(&mut conn, client).await.unwrap(), 1);
    assert_eq!(unread::list(&mut conn, client, true, 9).await.unwrap().len(), 1);
    assert_eq!(unread::list(&mut conn, other, true, 9).await.unwrap(), []);
    assert_eq!(unread::get(&mut conn, other, first).await.unwrap(), None);
    assert_eq!(files::of_lead(&mut conn, client, lead).await.unwrap(), std::slice::from_ref(&file));
    assert_eq!(files::get(&mut conn, other, file.id).await.unwrap(), None);
    assert!(files::is_named(&mut conn, file.id).await.unwrap());
    drop(conn);
    call(&t, client, other, lead).await;
    mailbox(&t, client, other).await;
    import(&t, client, other, site).await;
}

async fn call(t: &Temporary, client: ClientId, other: ClientId, lead: LeadId) {
    let begun = CallRow { lead_id: lead, phase: "begun".into(), seconds: None, recording: None, line: None };
    let over = CallRow {
        phase: "over".into(),
        seconds: Some(61),
        recording: Some("https://r/1".into()),
        ..begun.clone()
    };
    for row in [begun, over.clone()] {
        let written: Result<(), StoreError> = t
            .store
            .write(move |tx: &mut Tx| Box::pin(async move { calls::put(tx, client, "ct", "7", &row).await }))
            .await;
        written.unwrap();
    }
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(calls::get(&mut conn, client, "ct", "7").await.unwrap(), Some(over.clone()));
    assert_eq!(calls::of_lead(&mut conn, client, lead).await.unwrap(), [over]);
    assert_eq!(calls::get(&mut conn, other, "ct", "7").await.unwrap(), None);
}

async fn mailbox(t: &Temporary, client: ClientId, other: ClientId) {
    let mut state = MailboxState {
        validity: i64::from(u32::MAX),
        last_uid: 5,
        tried_at: start(),
        good_at: None,
        note: "away".into(),
        failures: 2,
    };
    for good in [None, Some(start())] {
        state.good_at = good;
        let kept = state.clone();
        let written: Result<(), StoreError> = t
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { mailboxes::put(tx, client, "post", &kept).await })
            })
            .await;
        written.unwrap();
    }
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(mailboxes::get(&mut conn, client, "post").await.unwrap(), Some(state));
    assert_eq!(mailboxes::get(&mut conn, other, "post").await.unwrap(), None);
}

async fn import(t: &Temporary, client: ClientId, other: ClientId, site: SiteId) {
    let mut import = Import {
        id: t.store.env().new_id(),
        client_id: client,
        site_id: site,
        file_name: "a.csv".into(),
        sha256: "cd".repeat(32),
        plan: serde_json::json!({ "columns": [] }),
        state: ImportState::Draft,
        last_row: 0,
        tally: Tally::default(),
        reason: String::new(),
        made_by: "Anna".into(),
        created_at: start(),
        updated_at: start(),
    };
    for (state, row) in [(ImportState::Draft, 0), (ImportState::Running, 200)] {
        (import.state, import.last_row) = (state, row);
        import.tally.added = row;
        let kept = import.clone();
        let written: Result<(), StoreError> = t
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    imports::put(tx, &kept).await?;
                    let fault = Fault {
                        row: 3,
                        reason: "no phone".into(),
                        cells: vec!["Иван".into(), String::new()],
                    };
                    imports::add_fault(tx, client, kept.id, &fault).await
                })
            })
            .await;
        written.unwrap();
    }
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(imports::running(&mut conn).await.unwrap(), [import.clone()]);
    assert_eq!(imports::of_client(&mut conn, client, 9).await.unwrap(), [import.clone()]);
    assert_eq!(
        imports::of_file(&mut conn, client, site, &import.sha256).await.unwrap(),
        Some(import.clone())
    );
    assert_eq!(imports::get(&mut conn, other, import.id).await.unwrap(), None);
    assert_eq!(imports::faults(&mut conn, client, import.id, 0, 9).await.unwrap().len(), 1);
    assert_eq!(imports::faults(&mut conn, client, import.id, 3, 9).await.unwrap(), []);
}
