//! The queue of people, replays, quiet hours, test slots and lanes, on a real database.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::{Decision, Delivery, DeliveryError, DeliveryState, PERSEVERANCE};
use ismart_domain::lead::Lead;
use ismart_domain::user::{Role, User};
use ismart_domain::{EventBody, Secret, UserId};
use ismart_leads::queue::{self, DecideError, Decider};
use ismart_leads::{Care, Destination, Dispatcher, replay};
use ismart_store::deliveries::{self, Pick};
use ismart_store::{StoreError, Tx, attention, events, users};
use jiff::SignedDuration;
use tokio::sync::watch;

use crate::delivery::{Crm, retry};
use crate::setup::Setup;

async fn person(setup: &Setup, login: &str, role: Role, own: bool) -> UserId {
    let id: UserId = setup.store.env().new_id();
    let user = User {
        id,
        client_id: own.then_some(setup.client),
        login: login.into(),
        name: login.into(),
        role,
        language: "ru".into(),
    };
    setup
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { users::put(tx, &user, &Secret::new("x")).await }))
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    let mut conn = setup.store.read().await.unwrap();
    users::by_login(&mut conn, login).await.unwrap().unwrap().0.id
}

struct At {
    setup: Setup,
    crm: Arc<Crm>,
    stop: watch::Sender<bool>,
    lanes: ismart_leads::Lanes,
    task: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl At {
    async fn work(setup: Setup, crm: Crm, care: Care) -> Self {
        let crm = Arc::new(crm);
        let destination = Destination { care, ..Destination::new(setup.client, "crm", crm.clone()) };
        let (stop, stopped) = watch::channel(false);
        let dispatcher = Dispatcher::new(setup.store.clone(), vec![destination]);
        let lanes = dispatcher.lanes();
        let task = tokio::spawn(dispatcher.run(stopped));
        Self { setup, crm, stop, lanes, task }
    }

    async fn lead(&self, phone: &str) -> Lead {
        self.setup.accept(self.setup.draft(phone)).await.unwrap().lead
    }

    async fn delivery(&self, lead: &Lead, destination: &str) -> Option<Delivery> {
        let mut conn = self.setup.store.read().await.unwrap();
        let all = deliveries::of_lead(&mut conn, self.setup.client, lead.id).await.unwrap();
        all.into_iter().find(|one| one.destination == destination)
    }

    /// Lets time pass in steps until the delivery is in this state.
    async fn until(&self, lead: &Lead, state: DeliveryState, step: SignedDuration) -> Delivery {
        for _ in 0..3000 {
            if let Some(found) = self.delivery(lead, "crm").await.filter(|one| one.state == state) {
                return found;
            }
            self.setup.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the delivery never became {}: {:?}", state.code(), self.delivery(lead, "crm").await);
    }

    async fn decide<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut Tx) -> ismart_domain::BoxFuture<'t, Result<T, DecideError>>
        + Send
        + 'static,
    ) -> Result<T, DecideError> {
        self.setup.store.write(work).await
    }

    async fn log(&self, lead: &Lead) -> Vec<EventBody> {
        let mut conn = self.setup.store.read().await.unwrap();
        let log = events::of_lead(&mut conn, self.setup.client, lead.id).await.unwrap();
        log.into_iter().map(|logged| logged.event.body).collect()
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

fn refusal() -> Result<(), DeliveryError> {
    Err(DeliveryError::Rejected { reason: "no such stage".into() })
}

const SECONDS: SignedDuration = SignedDuration::from_secs(5);

#[tokio::test]
async fn p9_what_cannot_be_delivered_in_76_hours_waits_for_a_person_with_a_deadline() {
    let setup = Setup::new().await;
    let owner = person(&setup, "owner", Role::Owner, true).await;
    person(&setup, "operator", Role::Operator, true).await;
    person(&setup, "agency", Role::Agency, false).await;
    let crm = Crm::default();
    for _ in 0..500 {
        crm.then(false, retry(false));
    }
    let at = At::work(setup, crm, Care::default()).await;
    let lead = at.lead("89101234567").await;
    let waiting = at.until(&lead, DeliveryState::NeedsAttention, SignedDuration::from_mins(30)).await;
    let mut conn = at.setup.store.read().await.unwrap();
    let attempts = deliveries::attempts(&mut conn, at.setup.client, waiting.id).await.unwrap();
    let (last, before) = attempts.split_last().unwrap();
    let first = before.first().unwrap().started_at;
    assert!(last.finished_at.duration_since(first) >= PERSEVERANCE, "given up early: {attempts:?}");
    let late = before.iter().find(|one| one.started_at.duration_since(first) >= PERSEVERANCE);
    assert!(late.is_none(), "tried again after the last time: {attempts:?}");
    let entry = attention::get(&mut conn, at.setup.client, waiting.id).await.unwrap().unwrap();
    drop(conn);
    assert_eq!((entry.user_id, entry.level), (Some(owner), 0), "only who may decide answers for it");
    assert!(entry.due_at > waiting.updated_at);
    let told = at.log(&lead).await;
    let assigned = |body: &EventBody| matches!(body, EventBody::DeliveryAssigned { user_id: Some(id), .. } if *id == owner);
    assert!(told.iter().any(assigned), "{told:?}");
    at.end().await;
}

#[tokio::test]
async fn p10_a_deadline_that_passes_hands_the_delivery_on() {
    let setup = Setup::new().await;
    let first = person(&setup, "boss", Role::Owner, true).await;
    let second = person(&setup, "chief", Role::Owner, true).await;
    let agency = person(&setup, "agency", Role::Agency, false).await;
    let crm = Crm::default();
    crm.then(false, refusal());
    crm.then(false, refusal());
    let care = Care { owner: Some("chief".into()), ..Care::default() };
    let at = At::work(setup, crm, care.clone()).await;
    let lead = at.lead("89101234567").await;
    let one = at.until(&lead, DeliveryState::NeedsAttention, SECONDS).await;
    let whose = async |at: &At| {
        let mut conn = at.setup.store.read().await.unwrap();
        let found = attention::get(&mut conn, at.setup.client, one.id).await.unwrap().unwrap();
        (found.user_id.unwrap(), found.level)
    };
    assert_eq!(whose(&at).await, (second, 0), "the configuration names him");
    let rules = move |_: ismart_domain::ClientId, _: &str| care.clone();
    assert_eq!(queue::escalate(&at.setup.store, &rules).await.unwrap(), 0, "not before the deadline");
    for expected in [(first, 1), (second, 2)] {
        at.setup.clock.advance(SignedDuration::from_hours(24 * 7));
        assert_eq!(queue::escalate(&at.setup.store, &rules).await.unwrap(), 1);
        assert_eq!(whose(&at).await, expected);
    }
    let (client, id) = (at.setup.client, one.id);
    at.decide(move |tx| Box::pin(async move { queue::hand_to(tx, client, id, agency).await })).await.unwrap();
    assert_eq!(whose(&at).await, (agency, 2));
    at.end().await;
}

#[tokio::test]
async fn p11_a_person_closes_with_a_reason_sends_again_or_sends_elsewhere() {
    let setup = Setup::new().await;
    let boss = person(&setup, "boss", Role::Owner, true).await;
    let crm = Crm::default();
    for _ in 0..3 {
        crm.then(false, refusal());
    }
    let at = At::work(setup, crm, Care::default()).await;
    let client = at.setup.client;
    let mut waiting = Vec::new();
    for phone in ["89101234561", "89101234562", "89101234563"] {
        let lead = at.lead(phone).await;
        let one = at.until(&lead, DeliveryState::NeedsAttention, SECONDS).await;
        waiting.push((lead, one.id));
    }
    assert!(matches!(Decider::new(Some(boss), "  "), Err(DecideError::NoReason)));
    let why = Decider::new(Some(boss), "звонили на +79101234567, не нужен").unwrap();

    let (closed, id) = waiting.remove(0);
    let by = why.clone();
    at.decide(move |tx| Box::pin(async move { queue::close(tx, client, id, &by).await })).await.unwrap();
    assert_eq!(at.delivery(&closed, "crm").await.unwrap().state, DeliveryState::Refused);
    let told = at.log(&closed).await;
    let Some(EventBody::DeliveryDecided { decision, user_id, reason, .. }) = told.last() else {
        panic!("{told:?}")
    };
    assert_eq!((*decision, *user_id), (Decision::Refused, Some(boss)));
    assert!(!reason.contains("9101234"), "the log holds no phones: {reason}");
    let by = why.clone();
    let twice = at.decide(move |tx| Box::pin(async move { replay::again(tx, client, id, &by).await })).await;
    assert!(matches!(twice, Err(DecideError::NotOpen)), "{twice:?}");

    let (again, id) = waiting.remove(0);
    let by = why.clone();
    at.decide(move |tx| Box::pin(async move { replay::again(tx, client, id, &by).await })).await.unwrap();
    at.until(&again, DeliveryState::Delivered, SECONDS).await;
    assert_eq!(at.crm.copies(&again), 1);

    let (moved, id) = waiting.remove(0);
    let by = why.clone();
    let there = at
        .decide(move |tx| Box::pin(async move { queue::send_elsewhere(tx, client, id, "crm", &by).await }))
        .await;
    assert!(matches!(there, Err(DecideError::AlreadyThere(_))), "{there:?}");
    at.decide(move |tx| Box::pin(async move { queue::send_elsewhere(tx, client, id, "mail", &why).await }))
        .await
        .unwrap();
    assert_eq!(at.delivery(&moved, "crm").await.unwrap().state, DeliveryState::Refused);
    assert_eq!(at.delivery(&moved, "mail").await.unwrap().state, DeliveryState::Queued);
    let mut conn = at.setup.store.read().await.unwrap();
    assert_eq!(attention::counts(&mut conn, client).await.unwrap(), (0, 0), "nothing is left in the queue");
    drop(conn);
    at.end().await;
}

#[tokio::test]
async fn p12_a_replay_shows_first_what_it_means_and_doubles_nothing() {
    let setup = Setup::new().await;
    let at = At::work(setup, Crm::default(), Care::default()).await;
    let client = at.setup.client;
    let mut leads = Vec::new();
    for n in 0..12 {
        let lead = at.lead(&format!("891012345{n:02}")).await;
        at.until(&lead, DeliveryState::Delivered, SECONDS).await;
        leads.push(lead);
    }
    let from = leads[3].accepted_at;
    let pick = Pick {
        destination: Some("crm".into()),
        states: vec![DeliveryState::Delivered],
        since: Some(from),
        ..Pick::default()
    };
    let shown = replay::preview(&at.setup.store, client, &pick).await.unwrap();
    assert_eq!((shown.count, shown.first.len()), (9, 9));
    assert_eq!(shown.first[0].lead_number, leads[3].number);
    assert_eq!(at.log(&leads[3]).await.len(), 5, "a look changes nothing");
    let why = Decider::new(None, "проверка").unwrap();
    assert_eq!(replay::all(&at.setup.store, client, &pick, &why).await.unwrap(), 9);
    for lead in &leads {
        at.until(lead, DeliveryState::Delivered, SECONDS).await;
        assert_eq!(at.crm.copies(lead), 1, "a delivered lead is asked about, not sent again");
    }
    let told = at.log(&leads[3]).await;
    let decided = told.iter().filter(|body| matches!(body, EventBody::DeliveryDecided { .. })).count();
    assert_eq!(decided, 1);
    let one = Pick { lead_id: Some(leads[0].id), ..Pick::default() };
    assert_eq!(
        replay::preview(&at.setup.store, client, &one).await.unwrap().count,
        1,
        "the inbox is not meant"
    );
    let nobody = Pick { destination: Some("other".into()), ..Pick::default() };
    assert_eq!(replay::all(&at.setup.store, client, &nobody, &why).await.unwrap(), 0);
    at.end().await;
}

/// A mailbox: it takes everything and can be asked nothing.
#[derive(Default)]
struct Mailbox(std::sync::atomic::AtomicUsize);

impl ismart_domain::ports::Connector for Mailbox {
    fn kind(&self) -> &'static str {
        "mailbox"
    }

    fn deliver<'a>(&'a self, _: &'a Lead) -> ismart_domain::BoxFuture<'a, Result<String, DeliveryError>> {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move { Ok(format!("letter-{number}")) })
    }

    fn find<'a>(
        &'a self,
        _: &'a Lead,
    ) -> ismart_domain::BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(async { Ok(None) })
    }

    fn check(&self) -> ismart_domain::BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(async { Ok("a mailbox".to_owned()) })
    }
}

#[tokio::test]
async fn p12_a_replay_to_a_destination_that_cannot_be_asked_sends_nothing_twice() {
    let setup = Setup::new().await;
    let at = At::work(setup, Crm::default(), Care::default()).await;
    let mailbox = Arc::new(Mailbox::default());
    let care = Care { forgets: true, ..Care::default() };
    at.lanes.replace(vec![Destination { care, ..Destination::new(at.setup.client, "crm", mailbox.clone()) }]);
    let lead = at.lead("89101234567").await;
    let first = at.until(&lead, DeliveryState::Delivered, SECONDS).await;
    let (client, why) = (at.setup.client, Decider::new(None, "проверка").unwrap());
    at.decide(move |tx| Box::pin(async move { replay::again(tx, client, first.id, &why).await }))
        .await
        .unwrap();
    let again = at.until(&lead, DeliveryState::Delivered, SECONDS).await;
    assert_eq!(again.external_id, first.external_id);
    assert_eq!(mailbox.0.load(std::sync::atomic::Ordering::SeqCst), 1);
    at.end().await;
}

#[tokio::test]
async fn p13_people_are_left_alone_at_night_and_other_destinations_are_not() {
    let setup = Setup::new().await;
    // 12:00 in Moscow: the day's quiet hours are made to be now.
    let zone = jiff::tz::TimeZone::get("Europe/Moscow").unwrap();
    let care = Care { zone, quiet: Some("11:00-13:00".parse().unwrap()), ..Care::default() };
    let at = At::work(setup, Crm::default(), care.clone()).await;
    let awake = Arc::new(Crm::default());
    let mut both = at.lanes.list().to_vec();
    both.push(Destination::new(at.setup.client, "awake", awake.clone()));
    at.lanes.replace(both);
    let lead = at.lead("89101234567").await;
    let (client, lead_id) = (at.setup.client, lead.id);
    let added: Result<Delivery, StoreError> = at
        .setup
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(
                async move { deliveries::add(tx, client, lead_id, "awake", DeliveryState::Queued).await },
            )
        })
        .await;
    added.unwrap();
    let one = at.until(&lead, DeliveryState::Waiting, SignedDuration::ZERO).await;
    while awake.copies(&lead) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((one.attempts, one.due_at), (0, "2026-11-20T10:00:00Z".parse().unwrap()));
    assert!(one.reason.unwrap().contains("quiet hours"));
    at.setup.clock.advance(SignedDuration::from_mins(59));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(at.crm.copies(&lead), 0);
    at.until(&lead, DeliveryState::Delivered, SignedDuration::from_secs(30)).await;
    assert!(at.setup.store.env().now() >= one.due_at);
    assert_eq!(at.crm.copies(&lead), 1);
    at.end().await;
}

#[tokio::test]
async fn p4_a_test_lead_reaches_only_destinations_made_for_it() {
    let setup = Setup::new().await;
    let client = setup.client;
    let slots: Result<(), StoreError> = setup
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { deliveries::set_test_slots(tx, client, &["probe".to_owned()]).await })
        })
        .await;
    slots.unwrap();
    let mut draft = setup.draft("89101234567");
    draft.test = true;
    let tested = setup.accept(draft).await.unwrap().lead;
    let real = setup.accept(setup.draft("89101234568")).await.unwrap().lead;
    let mut conn = setup.store.read().await.unwrap();
    let mut to = Vec::new();
    for lead in [&tested, &real] {
        let all = deliveries::of_lead(&mut conn, client, lead.id).await.unwrap();
        to.push(all.into_iter().map(|one| one.destination).collect::<Vec<_>>());
    }
    assert_eq!(to, [["inbox", "probe"], ["crm", "inbox"]]);
}

#[tokio::test]
async fn p14_destinations_come_and_go_while_leads_are_delivered() {
    let setup = Setup::new().await;
    let at = At::work(setup, Crm::default(), Care::default()).await;
    let first = at.lead("89101234561").await;
    at.until(&first, DeliveryState::Delivered, SECONDS).await;
    at.lanes.replace(Vec::new());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = at.lead("89101234562").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(at.delivery(&second, "crm").await.unwrap().state, DeliveryState::Queued, "it waits");
    let other = Arc::new(Crm::default());
    at.lanes.replace(vec![Destination::new(at.setup.client, "crm", other.clone())]);
    at.until(&second, DeliveryState::Delivered, SECONDS).await;
    assert_eq!((at.crm.copies(&second), other.copies(&second)), (0, 1));
    assert_eq!(at.lanes.list().len(), 1);
    at.end().await;
}
