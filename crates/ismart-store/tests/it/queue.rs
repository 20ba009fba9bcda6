use ismart_domain::delivery::DeliveryState;
use ismart_domain::lead::Lead;
use ismart_domain::money::Money;
use ismart_domain::outcome::{Known, RecordKind, RecordRef, Stage};
use ismart_domain::{BoxFuture, ClientId, DeliveryId, EventBody, SiteId, UserId};
use ismart_store::deliveries::Pick;
use ismart_store::events::Scope;
use ismart_store::outcomes::Look;
use ismart_store::{StoreError, Tx, attention, deliveries, events, incidents, leads, outcomes};
use jiff::SignedDuration;

use crate::engines::Temporary;
use crate::promises::{draft, on_every_engine, tenant};

async fn write<T: Send + 'static>(
    t: &Temporary,
    work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
) -> T {
    t.store.write(work).await.unwrap()
}

async fn lead(t: &Temporary, client: ClientId, site: SiteId, mark: &str) -> Lead {
    let mut draft = draft(site, None);
    draft.source.utm.source = (!mark.is_empty()).then(|| mark.to_owned());
    write(t, move |tx| Box::pin(async move { Ok(leads::add(tx, client, draft, "f", None).await?.0) })).await
}

async fn delivery(t: &Temporary, client: ClientId, lead: &Lead, to: &'static str) -> DeliveryId {
    let id = lead.id;
    write(t, move |tx| {
        Box::pin(async move { Ok(deliveries::add(tx, client, id, to, DeliveryState::Queued).await?.id) })
    })
    .await
}

#[tokio::test]
async fn p18_deliveries_are_picked_counted_and_decided_about() {
    on_every_engine(picking).await;
}

async fn picking(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let (stranger, _) = tenant(&t.store, "b").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let one = lead(&t, client, site, "").await;
        ids.push((one.number, delivery(&t, client, &one, if n == 4 { "mail" } else { "crm" }).await));
        t.clock.advance(SignedDuration::from_mins(1));
    }
    let crm = Pick { destination: Some("crm".into()), ..Pick::default() };
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(deliveries::count(&mut conn, client, &crm).await.unwrap(), 4);
    assert_eq!(deliveries::count(&mut conn, stranger, &crm).await.unwrap(), 0);
    let page = deliveries::picked(&mut conn, client, &crm, None, 3).await.unwrap();
    let last = (page[2].created_at, page[2].delivery.id);
    let rest = deliveries::picked(&mut conn, client, &crm, Some(last), 3).await.unwrap();
    let numbers: Vec<i64> = page.iter().chain(&rest).map(|one| one.lead_number).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "oldest first, none twice");
    let since = Pick { since: Some(page[1].created_at), until: Some(rest[0].created_at), ..crm.clone() };
    assert_eq!(deliveries::count(&mut conn, client, &since).await.unwrap(), 2);
    drop(conn);

    let (id, user): (DeliveryId, UserId) = (ids[0].1, t.store.env().new_id());
    let due = t.store.env().now();
    write(&t, move |tx| Box::pin(attention::put(tx, client, id, Some(user), due, 0))).await;
    let mut conn = t.store.read().await.unwrap();
    let mine = Pick { owner: Some(user), ..Pick::default() };
    assert_eq!(deliveries::picked(&mut conn, client, &mine, None, 9).await.unwrap()[0].owner, Some(user));
    assert_eq!(attention::loads(&mut conn, client).await.unwrap(), [(user, 1)]);
    assert_eq!(attention::counts(&mut conn, client).await.unwrap(), (1, 0));
    drop(conn);
    t.clock.advance(SignedDuration::from_secs(1));
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(attention::overdue(&mut conn, 9).await.unwrap()[0].delivery_id, id);
    assert_eq!(attention::counts(&mut conn, client).await.unwrap(), (1, 1));
    drop(conn);
    let closed = write(&t, move |tx| Box::pin(deliveries::close(tx, client, id, "нет"))).await.unwrap();
    assert_eq!((closed.state, closed.reason.as_deref()), (DeliveryState::Refused, Some("нет")));
    assert!(
        write(&t, move |tx| Box::pin(deliveries::replay(tx, client, id))).await.is_none(),
        "it stays refused"
    );
    let states = Pick { states: vec![DeliveryState::Refused, DeliveryState::Paused], ..Pick::default() };
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(deliveries::count(&mut conn, client, &states).await.unwrap(), 1);
    drop(conn);
    let until = due.checked_add(SignedDuration::from_hours(9)).unwrap();
    let off = write(&t, move |tx| Box::pin(deliveries::postpone(tx, client, "crm", until, "night"))).await;
    assert_eq!((off.len(), off[0].state, off[0].due_at), (3, DeliveryState::Waiting, until));
    assert!(write(&t, |tx| Box::pin(deliveries::forget_traces(tx, jiff::Timestamp::MAX))).await == 0);
}

#[tokio::test]
async fn p19_a_failing_destination_is_seen_until_it_delivers() {
    on_every_engine(failing).await;
}

async fn failing(t: Temporary) {
    use ismart_domain::delivery::Next;
    let (client, site) = tenant(&t.store, "a").await;
    let one = lead(&t, client, site, "").await;
    delivery(&t, client, &one, "crm").await;
    let finish = async |state: DeliveryState| {
        let begun = t.store.env().now();
        write(&t, move |tx| {
            Box::pin(async move {
                let taken = deliveries::claim(tx, client, "crm", 1).await?.remove(0).delivery;
                let next = Next { state, due_at: begun, external_id: None, reason: Some("503".into()) };
                let ending = deliveries::Ending { next: &next, started_at: begun, trace: None };
                deliveries::finish(tx, client, &taken, ending).await
            })
        })
        .await
    };
    let seen = async || {
        let mut conn = t.store.read().await.unwrap();
        let before = t.store.env().now().checked_sub(SignedDuration::from_mins(15)).unwrap();
        deliveries::failing(&mut conn, before).await.unwrap()
    };
    assert!(finish(DeliveryState::Waiting).await);
    assert_eq!(seen().await, [], "a minute is no failure");
    t.clock.advance(SignedDuration::from_mins(20));
    let found = seen().await;
    assert_eq!((found.len(), found[0].failing, found[0].reason.as_deref()), (1, 1, Some("503")));
    assert!(finish(DeliveryState::Delivered).await);
    assert_eq!(seen().await, []);
}

#[tokio::test]
async fn p20_an_incident_is_there_once_per_occasion() {
    on_every_engine(incident).await;
}

async fn incident(t: Temporary) {
    let (client, _) = tenant(&t.store, "a").await;
    let open =
        async || write(&t, move |tx| Box::pin(incidents::open(tx, client, "silence", "s", "{}"))).await;
    let first = open().await.unwrap();
    assert_eq!(open().await, None, "it is open already");
    write(&t, move |tx| Box::pin(incidents::told(tx, client, first, false))).await;
    assert!(write(&t, move |tx| Box::pin(incidents::end(tx, client, first))).await);
    assert!(!write(&t, move |tx| Box::pin(incidents::end(tx, client, first))).await);
    let mut conn = t.store.read().await.unwrap();
    let live = incidents::live(&mut conn).await.unwrap();
    assert!(live.len() == 1 && live[0].told_at.is_some() && live[0].end_told_at.is_none());
    drop(conn);
    write(&t, move |tx| Box::pin(incidents::told(tx, client, first, true))).await;
    let second = open().await.unwrap();
    assert_ne!(first, second, "another occasion");
    let mut conn = t.store.read().await.unwrap();
    let all = incidents::list(&mut conn, client, 9).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [second, first], "open ones first");
    assert_eq!(incidents::live(&mut conn).await.unwrap().len(), 1);
}

#[tokio::test]
async fn p21_records_looks_and_cursors_of_outcomes_are_kept() {
    on_every_engine(outcome).await;
}

async fn outcome(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let one = lead(&t, client, site, "yandex").await;
    let other = lead(&t, client, site, "").await;
    let record = RecordRef { kind: RecordKind::Deal, id: 41 };
    let now = t.store.env().now();
    let known = Known {
        record,
        lead_id: one.id,
        stage: Stage::Money,
        reached: 4,
        status: "WON".into(),
        owner: Some("17".into()),
        amount: Some(Money::roubles(900)),
        reason: None,
        changed_at: now,
        asked_at: now,
    };
    let kept = known.clone();
    write(&t, move |tx| Box::pin(async move { outcomes::keep(tx, client, "crm", &kept).await })).await;
    let kept = Known { amount: None, ..known.clone() };
    write(&t, move |tx| Box::pin(async move { outcomes::keep(tx, client, "crm", &kept).await })).await;
    let kept = known.clone();
    write(&t, move |tx| Box::pin(async move { outcomes::keep(tx, client, "crm", &kept).await })).await;
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(outcomes::known(&mut conn, client, "crm", record).await.unwrap(), Some(known.clone()));
    assert_eq!(outcomes::of_lead(&mut conn, client, one.id).await.unwrap(), [("crm".to_owned(), known)]);
    let later = now.checked_add(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(outcomes::read_longest_ago(&mut conn, client, "crm", later, 9).await.unwrap(), [record]);
    assert_eq!(outcomes::read_longest_ago(&mut conn, client, "crm", now, 9).await.unwrap(), []);
    drop(conn);

    for _ in 0..2 {
        write(&t, move |tx| Box::pin(async move { outcomes::note(tx, client, "crm", record).await })).await;
    }
    let mut conn = t.store.read().await.unwrap();
    let looks = outcomes::noted(&mut conn, client, "crm", 9).await.unwrap();
    assert_eq!(looks, [Look { record, told_at: now, tries: 0 }]);
    drop(conn);
    let look = looks[0];
    write(&t, move |tx| Box::pin(async move { outcomes::put_off(tx, client, "crm", look, later).await }))
        .await;
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(outcomes::noted(&mut conn, client, "crm", 9).await.unwrap(), []);
    assert_eq!(outcomes::noted_count(&mut conn, client, "crm").await.unwrap(), 1);
    drop(conn);
    t.clock.advance(SignedDuration::from_secs(5));
    write(&t, move |tx| Box::pin(async move { outcomes::note(tx, client, "crm", record).await })).await;
    write(&t, move |tx| Box::pin(async move { outcomes::strike(tx, client, "crm", look).await })).await;
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(outcomes::noted_count(&mut conn, client, "crm").await.unwrap(), 1, "it was noted again since");
    drop(conn);

    for since in [later, now] {
        write(&t, move |tx| Box::pin(outcomes::move_cursor(tx, client, "crm", RecordKind::Deal, since)))
            .await;
    }
    let mut conn = t.store.read().await.unwrap();
    let cursor = outcomes::cursor(&mut conn, client, "crm", RecordKind::Deal).await.unwrap().unwrap();
    assert_eq!(cursor.since, later, "a cursor never goes back");
    assert_eq!(outcomes::cursor(&mut conn, client, "crm", RecordKind::Lead).await.unwrap(), None);
    drop(conn);

    let lead_id = one.id;
    for (step, minor) in [(Stage::Deal, None), (Stage::Money, Some(90_000)), (Stage::Money, Some(95_000))] {
        let body = EventBody::OutcomeRecorded {
            lead_id,
            source: "crm".into(),
            stage: "x".into(),
            step: Some(step),
            record: Some("deal 41".into()),
            owner: None,
            minor,
            reason: None,
            changed_at: None,
        };
        write(&t, move |tx| {
            Box::pin(async move {
                let trace_id = tx.env().new_id();
                events::append(tx, Scope { client_id: client, site_id: Some(site), trace_id }, body).await
            })
        })
        .await;
    }
    let mut conn = t.store.read().await.unwrap();
    let end = t.store.env().now();
    let from = now.checked_sub(SignedDuration::from_secs(1)).unwrap();
    let mut fates = outcomes::fates(&mut conn, client, from, end).await.unwrap();
    fates.sort_by_key(|fate| fate.reached);
    let told: Vec<_> = fates.iter().map(|f| (f.mark.as_deref(), f.reached, f.lost, f.minor)).collect();
    assert_eq!(told, [(None, 0, false, 0), (Some("yandex"), 4, false, 95_000)]);
    assert_eq!(outcomes::site_of(&mut conn, client, other.id).await.unwrap(), Some(site));
}
