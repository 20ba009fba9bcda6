//! The desk over a real database with the shipped package.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::conversation::{Author, ConsentText, Inbound, Message, Mode};
use ismart_domain::ports::Toolbox;
use ismart_domain::user::{Role, User};
use ismart_domain::{ConversationId, Env, Event, EventBody};
use ismart_store::visits::{self, Visitor};
use ismart_store::{Store, StoreError, Tx, clients, conversations, events, users};
use ismart_workers::desk::{Desk, DeskError, Furniture, Incoming, Workplace};
use ismart_workers::{Package, Vocabulary, Worker};
use jiff::tz::TimeZone;
use tokio::sync::broadcast::Receiver;

struct Office {
    store: Store,
    desk: Desk,
    visitor: Visitor,
    person: User,
    _folder: tempfile::TempDir,
}

async fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&folder.path().join("ismart.db"), Env::system()).await.unwrap();
    let visitor = store
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                let client_id = clients::ensure_client(tx, "a", "Автоград").await?;
                let site_id = clients::ensure_site(tx, client_id, "a", "a.ru").await?;
                let id = visits::add_visitor(tx, client_id, site_id, "token").await?;
                Ok::<_, StoreError>(Visitor { id, client_id, site_id })
            })
        })
        .await
        .unwrap();
    let desk = Desk::new(store.clone());
    let package = format!("{}/../../workers/lead-assistant", env!("CARGO_MANIFEST_DIR"));
    let package = Package::load(std::path::Path::new(&package)).unwrap();
    let furniture = Furniture {
        worker: Arc::new(Worker::new(Arc::new(package), &Vocabulary::default())),
        toolbox: Toolbox::default(),
        zone: TimeZone::UTC,
        language: "ru".to_owned(),
        business: serde_json::json!({ "name": "Автоград", "phone": "+7 4822 00-10-00" }),
        consent: ConsentText {
            label: "Согласен".into(), url: "/consent".into(), version: "1".into()
        },
        consent_full: "Согласен".to_owned(),
        avatar: None,
        due_by: Arc::new(|now| now + jiff::SignedDuration::from_mins(15)),
    };
    let place = Workplace::furnish(visitor.client_id, visitor.site_id, furniture, store.env()).await;
    desk.open(vec![place]);
    let person = User {
        id: store.env().new_id(),
        client_id: Some(visitor.client_id),
        login: "anna".into(),
        name: "Анна".into(),
        role: Role::Operator,
        language: "ru".into(),
    };
    Office { store, desk, visitor, person, _folder: folder }
}

fn incoming(store: &Store, text: &str) -> Incoming {
    Incoming {
        id: store.env().new_id(),
        text: text.to_owned(),
        inbound: Inbound::default(),
        ip: None,
        user_agent: None,
    }
}

impl Office {
    async fn messages(&self) -> (ConversationId, Mode, Vec<Message>) {
        let mut conn = self.store.read().await.unwrap();
        let client = self.visitor.client_id;
        let found = conversations::latest(&mut conn, client, self.visitor.id).await.unwrap().unwrap();
        let all = conversations::messages(&mut conn, client, found.id, 0, 100).await.unwrap();
        (found.id, found.mode, all)
    }

    /// Says something and waits for an event.
    async fn say(&self, text: &str, until: impl Fn(&EventBody) -> bool) -> i64 {
        let mut heard = self.store.listen();
        let seq = self.desk.receive(self.visitor, incoming(&self.store, text)).await.unwrap();
        wait(&mut heard, until).await;
        seq
    }
}

async fn wait(heard: &mut Receiver<Arc<Event>>, until: impl Fn(&EventBody) -> bool) {
    let found = async { while !until(&heard.recv().await.unwrap().body) {} };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("the awaited event did not come");
}

fn decided(body: &EventBody) -> bool {
    matches!(body, EventBody::DecisionMade { .. })
}

#[tokio::test]
async fn p1_a_message_is_stored_before_it_is_acknowledged_and_once() {
    let o = office().await;
    let message = incoming(&o.store, "Здравствуйте! Есть ли у вас кроссоверы?");
    let mut heard = o.store.listen();
    let first = o.desk.receive(o.visitor, message.clone()).await.unwrap();
    let (_, _, stored) = o.messages().await;
    assert_eq!(stored[0].id, message.id, "what was acknowledged is in the database");
    let again = o.desk.receive(o.visitor, message).await.unwrap();
    assert_eq!((first, again), (1, 1));
    wait(&mut heard, decided).await;
    let (_, _, all) = o.messages().await;
    assert_eq!(all.iter().filter(|m| m.author == Author::Visitor).count(), 1);
}

#[tokio::test]
async fn p2_a_turn_writes_replies_memory_and_events_together() {
    let o = office().await;
    o.say("Здравствуйте, вы робот или человек?", decided).await;
    let (id, mode, all) = o.messages().await;
    assert_eq!(mode, Mode::Worker);
    assert!(all.iter().any(|m| m.author == Author::Worker && m.name.as_deref() == Some("Вера")), "{all:?}");
    let mut conn = o.store.read().await.unwrap();
    let log = events::of_conversation(&mut conn, o.visitor.client_id, id).await.unwrap();
    let decision = log.iter().find(|l| decided(&l.event.body)).unwrap();
    let replies = log.iter().filter(|l| {
        matches!(l.event.body, EventBody::MessageStored { author: Author::Worker, .. })
            && l.event.trace_id == decision.event.trace_id
    });
    assert_eq!(replies.count(), all.len() - 1, "replies and decision share one trace");
    let conversation = conversations::get(&mut conn, o.visitor.client_id, id).await.unwrap().unwrap();
    assert_eq!(conversation.handled_seq, 1);
    assert!(conversation.memory.is_object());
}

#[tokio::test]
async fn p3_the_worker_is_silent_while_a_person_leads_and_useful_afterwards() {
    let o = office().await;
    o.say("Здравствуйте! Есть ли у вас кроссоверы?", decided).await;
    let (id, _, before) = o.messages().await;
    let client = o.visitor.client_id;
    let early = o.desk.say(client, id, &o.person, o.store.env().new_id(), "Добрый день".into()).await;
    assert!(matches!(early, Err(DeskError::NotTaken)), "{early:?}");
    o.desk.take_over(client, id, &o.person).await.unwrap();
    o.desk.take_over(client, id, &o.person).await.unwrap();
    let rival = User { id: o.store.env().new_id(), name: "Олег".into(), ..o.person.clone() };
    assert!(matches!(o.desk.take_over(client, id, &rival).await, Err(DeskError::LedByAnother)));
    o.desk.receive(o.visitor, incoming(&o.store, "А какая цена у Haval Jolion?")).await.unwrap();
    let message = o.store.env().new_id();
    let first = o.desk.say(client, id, &o.person, message, "Сейчас посмотрю".into()).await.unwrap();
    let again = o.desk.say(client, id, &o.person, message, "Сейчас посмотрю".into()).await.unwrap();
    assert_eq!(first, again, "a repeated click says it once");
    o.desk.give_back(client, id, &o.person).await.unwrap();
    o.say("Спасибо! Какие у вас часы работы?", decided).await;
    let (_, mode, all) = o.messages().await;
    assert_eq!(mode, Mode::Worker);
    let during: Vec<_> = all.iter().skip(before.len()).collect();
    let back = during.iter().position(|m| m.text.contains("вернул")).unwrap();
    assert!(during[..back].iter().all(|m| m.author != Author::Worker), "{during:?}");
    assert!(during[back..].iter().any(|m| m.author == Author::Worker), "{during:?}");
}

#[tokio::test]
async fn p4_what_a_stop_left_unanswered_is_answered_after_the_start() {
    let o = office().await;
    let (visitor, message) = (o.visitor, incoming(&o.store, "Здравствуйте, вы робот или человек?"));
    // The process died between the commit of the message and the turn: only the rows are there.
    let stored: Result<ConversationId, StoreError> = o
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let (client, site) = (visitor.client_id, visitor.site_id);
                let id = conversations::start(tx, client, site, visitor.id, None, "lead-assistant").await?;
                let new = conversations::NewMessage {
                    id: message.id,
                    author: Author::Visitor,
                    name: None,
                    text: message.text,
                    extras: Default::default(),
                    inbound: Some(message.inbound),
                };
                conversations::add_message(tx, client, id, &new).await?;
                Ok(id)
            })
        })
        .await;
    stored.unwrap();
    assert_eq!(o.desk.resume().await.unwrap(), 1);
    let (_, _, all) = o.messages().await;
    assert!(all.iter().any(|m| m.author == Author::Worker), "{all:?}");
    assert_eq!(o.desk.resume().await.unwrap(), 0);
}

#[tokio::test]
async fn p5_a_paused_worker_leaves_the_conversation_to_people_with_a_time() {
    let o = office().await;
    let (client, site, person) = (o.visitor.client_id, o.visitor.site_id, o.person.clone());
    let paused: Result<(), StoreError> = o
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                users::put(tx, &person, &ismart_domain::Secret::new("x")).await?;
                conversations::switch_worker(tx, client, site, "lead-assistant", false, person.id).await
            })
        })
        .await;
    paused.unwrap();
    o.say("Здравствуйте! Есть кроссоверы?", |body| {
        matches!(body, EventBody::HandoverRequested { .. })
    })
    .await;
    let (_, mode, all) = o.messages().await;
    assert_eq!((mode, all.len()), (Mode::Waiting, 1), "{all:?}");
    let waiting = conversations::waiting(&mut o.store.read().await.unwrap(), client).await.unwrap();
    assert_eq!(waiting, (1, 0));
}

#[tokio::test]
async fn p6_a_burst_of_fragments_gets_one_answer() {
    let o = office().await;
    let mut heard = o.store.listen();
    for text in ["привет", "а вы", "робот или человек?"] {
        o.desk.receive(o.visitor, incoming(&o.store, text)).await.unwrap();
    }
    wait(&mut heard, |body| matches!(body, EventBody::DecisionMade { seq: 3, .. })).await;
    let (id, _, _) = o.messages().await;
    let log =
        events::of_conversation(&mut o.store.read().await.unwrap(), o.visitor.client_id, id).await.unwrap();
    assert_eq!(log.iter().filter(|l| decided(&l.event.body)).count(), 1);
}

#[tokio::test]
async fn p7_another_clients_people_cannot_reach_a_conversation() {
    let o = office().await;
    o.say("Здравствуйте, вы робот или человек?", decided).await;
    let (id, _, _) = o.messages().await;
    let foreign = o.store.env().new_id();
    assert!(matches!(o.desk.take_over(foreign, id, &o.person).await, Err(DeskError::Missing)));
    assert!(matches!(o.desk.give_back(foreign, id, &o.person).await, Err(DeskError::Missing)));
}
