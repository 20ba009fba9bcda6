use std::collections::BTreeMap;

use ismart_domain::contact::{PersonName, Phone};
use ismart_domain::conversation::{Author, Extras, Inbound, Mode};
use ismart_domain::delivery::{self, Answer, DeliveryError, DeliveryState, Trial};
use ismart_domain::lead::{Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Utm};
use ismart_domain::user::{Role, User};
use ismart_domain::{ClientId, EventBody, Secret, SiteId};
use ismart_store::conversations::{NewMessage, Progress};
use ismart_store::deliveries::Ending;
use ismart_store::{
    Store, StoreError, Tx, bookings, clients, conversations, deliveries, effects, events, figures, leads,
    users, visits,
};
use jiff::SignedDuration;

use crate::engines::{self, Temporary};

/// Proves a promise on every engine that is at hand.
pub(crate) async fn on_every_engine<F: Future<Output = ()>>(promise: impl Fn(Temporary) -> F) {
    promise(engines::sqlite().await).await;
    if let Some(temporary) = engines::postgres().await {
        promise(temporary).await;
    }
}

#[tokio::test]
async fn p1_a_failed_write_leaves_nothing() {
    on_every_engine(failed_write).await;
}

#[tokio::test]
async fn p2_writes_of_many_callers_do_not_mix() {
    on_every_engine(many_callers).await;
}

#[tokio::test]
async fn p3_leads_are_numbered_and_found_again() {
    on_every_engine(numbered_leads).await;
}

#[tokio::test]
async fn p4_the_outbox_survives_a_crash() {
    on_every_engine(outbox).await;
}

#[tokio::test]
async fn p5_a_message_is_stored_once() {
    on_every_engine(messages).await;
}

#[tokio::test]
async fn p6_a_turn_yields_to_the_person_who_took_over() {
    on_every_engine(takeover).await;
}

#[tokio::test]
async fn p7_a_slot_is_never_booked_twice() {
    on_every_engine(slots).await;
}

#[tokio::test]
async fn p8_another_client_sees_nothing() {
    on_every_engine(tenants).await;
}

#[tokio::test]
async fn p9_figures_come_from_events() {
    on_every_engine(figures_from_events).await;
}

#[tokio::test]
async fn p10_sessions_end() {
    on_every_engine(sessions).await;
}

pub(crate) async fn tenant(store: &Store, slug: &'static str) -> (ClientId, SiteId) {
    store
        .write(move |tx| {
            Box::pin(async move {
                let client = clients::ensure_client(tx, slug, "Автоград").await?;
                let site = clients::ensure_site(tx, client, slug, "avtograd.ru").await?;
                Ok::<_, StoreError>((client, site))
            })
        })
        .await
        .unwrap()
}

pub(crate) fn draft(site_id: SiteId, key: Option<&str>) -> LeadDraft {
    LeadDraft {
        site_id,
        intent: Intent::TestDrive,
        name: Some(PersonName::parse("Иван Петров").unwrap()),
        phone: Some(Phone::parse("+7 910 123-45-67").unwrap()),
        email: None,
        comment: "Хочу посмотреть".into(),
        subject: None,
        amount: None,
        source: LeadSource {
            channel: Channel::Form { form: "test-drive".into() },
            page_url: "https://a.ru/".into(),
            referrer: None,
            utm: Utm::default(),
            visit_id: None,
        },
        consents: vec![ConsentDraft {
            purpose: ConsentPurpose::Processing,
            text: "Согласен".into(),
            version: "1".into(),
            url: "/consent".into(),
            page_url: "/".into(),
            ip: None,
            user_agent: None,
        }],
        fields: BTreeMap::new(),
        files: Vec::new(),
        signals: Vec::new(),
        idempotency_key: key.map(str::to_owned),
        test: false,
    }
}

async fn failed_write(t: Temporary) {
    let result: Result<(), StoreError> = t
        .store
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                clients::ensure_client(tx, "gone", "Gone").await?;
                Err(StoreError::Stopped)
            })
        })
        .await;
    assert!(matches!(result, Err(StoreError::Stopped)));
    let panicked: Result<(), StoreError> = t
        .store
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                clients::ensure_client(tx, "gone", "Gone").await?;
                panic!("on purpose")
            })
        })
        .await;
    assert!(matches!(panicked, Err(StoreError::Commit(_))), "{panicked:?}");
    let all = clients::list(&mut t.store.read().await.unwrap()).await.unwrap();
    assert!(all.is_empty(), "{all:?}");
}

async fn many_callers(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let tasks: Vec<_> = (0..200)
        .map(|i| {
            let store = t.store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx: &mut Tx| {
                        Box::pin(async move {
                            let (lead, _) = leads::add(tx, client, draft(site, None), "f", None).await?;
                            if i % 3 == 0 { Err(StoreError::Stopped) } else { Ok(lead.number) }
                        })
                    })
                    .await
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.extend(task.await.unwrap().ok());
    }
    numbers.sort_unstable();
    let expected: Vec<i64> = (1..=133).collect();
    assert_eq!(numbers, expected, "numbers have no gap and no double");
    assert_eq!(leads::count(&mut t.store.read().await.unwrap(), client, site).await.unwrap(), 133);
}

async fn numbered_leads(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let (lead, consents) = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { leads::add(tx, client, draft(site, Some("k1")), "f", None).await })
        })
        .await
        .unwrap();
    assert_eq!(lead.number, 1);
    let twice = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { leads::add(tx, client, draft(site, Some("k1")), "f", None).await })
        })
        .await;
    assert!(matches!(twice, Err(StoreError::Sql(_))), "the key is unique");
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(leads::by_key(&mut conn, client, "k1").await.unwrap().as_ref(), Some(&lead));
    assert_eq!(leads::consents(&mut conn, client, lead.id).await.unwrap(), consents);
    assert_eq!(consents[0].text_sha256.len(), 64);
    for search in ["Иван", "иван", "8 910 123", "№1", "+79101234567"] {
        let filter = leads::Filter { search: Some(search.into()), ..Default::default() };
        assert_eq!(leads::list(&mut conn, client, &filter, 10).await.unwrap().len(), 1, "{search}");
    }
    for search in ["Пётр%", "_", "999999"] {
        let filter = leads::Filter { search: Some(search.into()), ..Default::default() };
        assert_eq!(leads::list(&mut conn, client, &filter, 10).await.unwrap().len(), 0, "{search}");
    }
}

async fn outbox(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let lead = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let (lead, _) = leads::add(tx, client, draft(site, None), "f", None).await?;
                deliveries::add(tx, client, lead.id, "bitrix", DeliveryState::Queued).await?;
                Ok::<_, StoreError>(lead)
            })
        })
        .await
        .unwrap();
    let claim = || async {
        t.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { deliveries::claim(tx, client, "bitrix", 10).await })
            })
            .await
            .unwrap()
    };
    let claimed = claim().await;
    assert_eq!((claimed.len(), claimed[0].delivery.attempts), (1, 1));
    assert!(claim().await.is_empty(), "what is being sent is not taken twice");
    let recovered: Result<u64, StoreError> =
        t.store.write(|tx: &mut Tx| Box::pin(async move { deliveries::recover(tx).await })).await;
    assert_eq!(recovered.unwrap(), 1);
    assert!(claim().await.is_empty(), "the destination may still be working on it");
    t.clock.advance(SignedDuration::from_secs(31));
    let again = claim().await;
    assert_eq!(
        again[0].delivery.state,
        DeliveryState::Verifying,
        "after a crash the destination is asked first"
    );
    let now = t.store.env().now();
    let failed = Answer::Failed(DeliveryError::Retry { after: None, ambiguous: false, reason: "503".into() });
    let next = delivery::after(failed, Trial { attempts: 2, begun_at: now, now, jitter: 0 });
    let taken = again[0].delivery.clone();
    t.store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let trace = Some("[]".to_owned());
                deliveries::finish(tx, client, &taken, Ending { next: &next, started_at: now, trace }).await
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert!(claim().await.is_empty(), "not due yet");
    t.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(claim().await.len(), 1);
    let mut conn = t.store.read().await.unwrap();
    let all = deliveries::of_lead(&mut conn, client, lead.id).await.unwrap();
    assert_eq!((all.len(), all[0].attempts), (1, 3));
    let attempts = deliveries::attempts(&mut conn, client, all[0].id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].outcome.as_str()), (1, "waiting"));
    assert_eq!(attempts[0].trace.as_deref(), Some("[]"));
    assert_eq!(deliveries::counts(&mut conn, client).await.unwrap()[0].2, 1);
}

async fn conversation(store: &Store, client: ClientId, site: SiteId) -> ismart_domain::ConversationId {
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let visitor = visits::add_visitor(tx, client, site, &ismart_store::sha256_hex("t")).await?;
                conversations::start(tx, client, site, visitor, None, "lead-assistant").await
            })
        })
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"))
}

async fn messages(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let id = conversation(&t.store, client, site).await;
    let message = NewMessage {
        id: t.store.env().new_id(),
        author: Author::Visitor,
        name: None,
        text: "Здравствуйте".into(),
        extras: Extras::default(),
        inbound: Some(Inbound { page: "/".into(), ..Default::default() }),
    };
    for (expected_new, round) in [(true, 1), (false, 2)] {
        let message = message.clone();
        let (seq, new) = t
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { conversations::add_message(tx, client, id, &message).await })
            })
            .await
            .unwrap();
        assert_eq!((seq, new), (1, expected_new), "round {round}");
    }
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(conversations::unhandled(&mut conn).await.unwrap(), [(client, id)]);
    let received = conversations::received(&mut conn, client, id, 0).await.unwrap();
    assert_eq!((received.len(), received[0].inbound.page.as_str()), (1, "/"));
    let inbox = conversations::inbox(&mut conn, client, None, 10).await.unwrap();
    assert_eq!((inbox.len(), inbox[0].last_text.as_str()), (1, "Здравствуйте"));
    assert!(conversations::inbox(&mut conn, client, Some(Mode::Person), 10).await.unwrap().is_empty());
}

async fn takeover(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let id = conversation(&t.store, client, site).await;
    let user: ismart_domain::UserId = t.store.env().new_id();
    let due = engines::start();
    let write = |found: Mode, seq: i64| {
        let progress = Progress {
            memory: serde_json::json!({"flow": 1}),
            handled_seq: seq,
            mode: Mode::Waiting,
            person_due_at: Some(due),
        };
        t.store.write(move |tx: &mut Tx| {
            Box::pin(async move { conversations::progress(tx, client, id, found, &progress).await })
        })
    };
    let first: Result<bool, StoreError> = write(Mode::Worker, 1).await;
    assert!(first.unwrap());
    let twice: Result<bool, StoreError> = write(Mode::Waiting, 1).await;
    assert!(!twice.unwrap(), "what another turn dealt with is not answered again");
    assert_eq!(conversations::waiting(&mut t.store.read().await.unwrap(), client).await.unwrap(), (1, 0));
    t.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(conversations::waiting(&mut t.store.read().await.unwrap(), client).await.unwrap(), (1, 1));
    let taken: Result<bool, StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { conversations::lead_by(tx, client, id, Mode::Person, Some(user)).await })
        })
        .await;
    assert!(taken.unwrap());
    let late: Result<bool, StoreError> = write(Mode::Waiting, 2).await;
    assert!(!late.unwrap(), "the worker's late turn is refused");
    let found = conversations::get(&mut t.store.read().await.unwrap(), client, id).await.unwrap().unwrap();
    assert_eq!((found.mode, found.user_id), (Mode::Person, Some(user)));
}

async fn slots(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let book = |key: &'static str, lane: i64| {
        t.store.write(move |tx: &mut Tx| {
            Box::pin(async move {
                let booking = bookings::Booking {
                    id: tx.env().new_id(),
                    site_id: site,
                    starts_at: engines::start(),
                    ends_at: engines::start(),
                    lane,
                    resource: None,
                    name: "Иван".into(),
                    phone: "+79101234567".into(),
                    conversation_id: None,
                };
                bookings::add(tx, client, &booking, key).await?;
                let outcome = ismart_domain::ports::ToolOutcome::default();
                effects::note(tx, client, key, "book_test_drive", &outcome).await
            })
        })
    };
    let results: [Result<(), StoreError>; 3] =
        [book("k1", 0).await, book("k2", 0).await, book("k3", 1).await];
    assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
    let mut conn = t.store.read().await.unwrap();
    assert!(effects::find(&mut conn, client, "k1").await.unwrap().is_some());
    assert!(effects::find(&mut conn, client, "k2").await.unwrap().is_none(), "undone with its booking");
    let to = engines::start().checked_add(SignedDuration::from_secs(1)).unwrap();
    let found = bookings::between(&mut conn, client, site, engines::start(), to).await.unwrap();
    assert_eq!(found.len(), 2);
}

async fn tenants(t: Temporary) {
    let (a, site) = tenant(&t.store, "a").await;
    let (b, _) = tenant(&t.store, "b").await;
    let id = conversation(&t.store, a, site).await;
    let lead = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { leads::add(tx, a, draft(site, Some("k")), "f", None).await })
        })
        .await
        .unwrap()
        .0;
    let mut conn = t.store.read().await.unwrap();
    assert!(leads::get(&mut conn, b, lead.id).await.unwrap().is_none());
    assert!(leads::by_key(&mut conn, b, "k").await.unwrap().is_none());
    assert!(leads::list(&mut conn, b, &leads::Filter::default(), 10).await.unwrap().is_empty());
    assert!(conversations::get(&mut conn, b, id).await.unwrap().is_none());
    assert!(clients::sites(&mut conn, b).await.unwrap().len() == 1);
    let stolen = t
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { clients::ensure_site(tx, b, "a", "x").await }))
        .await;
    assert!(matches!(stolen, Err(StoreError::Corrupt { .. })));
}

async fn figures_from_events(t: Temporary) {
    let (client, site) = tenant(&t.store, "a").await;
    let mut heard = t.store.listen();
    let undone: Result<(), StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let scope = events::Scope { client_id: client, site_id: None, trace_id: tx.env().new_id() };
                let lead_id = tx.env().new_id();
                events::append(
                    tx,
                    scope,
                    EventBody::LeadRepeated { lead_id, repeat_id: None, fresh: Vec::new() },
                )
                .await?;
                Err(StoreError::Stopped)
            })
        })
        .await;
    assert!(undone.is_err() && heard.try_recv().is_err(), "nobody hears of what was undone");
    t.store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let env = tx.env().clone();
                let scope = events::Scope { client_id: client, site_id: Some(site), trace_id: env.new_id() };
                for _ in 0..3 {
                    let body = EventBody::VisitStarted {
                        visit_id: env.new_id(),
                        visitor_id: env.new_id(),
                        path: "/".into(),
                        referrer_host: None,
                        utm: Utm::default(),
                    };
                    events::append(tx, scope, body).await?;
                }
                for test in [false, false, true] {
                    let lead_id = env.new_id();
                    let body = EventBody::LeadAccepted {
                        lead_id,
                        intent: Intent::Credit,
                        channel: "form".into(),
                        visit_id: None,
                        conversation_id: None,
                        test,
                    };
                    events::append(tx, scope, body).await?;
                    for destination in ["inbox", "bitrix"] {
                        let body = EventBody::DeliveryChanged {
                            delivery_id: env.new_id(),
                            lead_id,
                            destination: destination.into(),
                            state: DeliveryState::Delivered,
                            attempts: 1,
                        };
                        events::append(tx, scope, body).await?;
                    }
                }
                Ok::<_, StoreError>(())
            })
        })
        .await
        .unwrap();
    let mut conn = t.store.read().await.unwrap();
    let to = engines::start().checked_add(SignedDuration::from_hours(1)).unwrap();
    let funnel = figures::funnel(&mut conn, client, engines::start(), to).await.unwrap();
    assert_eq!(funnel, figures::Funnel { visits: 3, conversations: 0, leads: 2, delivered: 2 });
    let days = figures::days(&mut conn, client, engines::start(), to, 0).await.unwrap();
    assert_eq!(
        days.iter().map(|d| (d.kind.as_str(), d.count)).collect::<Vec<_>>(),
        [("lead.accepted", 2), ("visit.started", 3)]
    );
    let log = events::after(&mut conn, client, 0, 100).await.unwrap();
    assert_eq!(log.len(), 12);
    assert_eq!(heard.recv().await.unwrap().id, log[0].event.id, "listeners hear of what was committed");
    assert!(log.windows(2).all(|pair| pair[0].seq < pair[1].seq));
}

async fn sessions(t: Temporary) {
    let env = t.store.env().clone();
    let user = User {
        id: env.new_id(),
        client_id: None,
        login: "anna".into(),
        name: "Анна".into(),
        role: Role::Agency,
        language: "ru".into(),
    };
    let session = users::Session {
        id: env.new_id(),
        user: user.clone(),
        csrf: Secret::new("c"),
        client_id: None,
        expires_at: engines::start().checked_add(SignedDuration::from_hours(8)).unwrap(),
    };
    t.store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                users::put(tx, &user, &Secret::new("hash")).await?;
                users::open_session(tx, &session, "sha").await
            })
        })
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(users::session(&mut conn, "sha").await.unwrap().unwrap().user.login, "anna");
    assert!(users::session(&mut conn, "other").await.unwrap().is_none());
    t.clock.advance(SignedDuration::from_hours(9));
    assert!(users::session(&mut conn, "sha").await.unwrap().is_none(), "it has expired");
}
