//! Outcomes over the emulators: real hooks, shuffled, doubled and lost, and the poll that repairs them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Form, Router};
use ismart_connect::{Egress, find_outcomes};
use ismart_domain::lead::Lead;
use ismart_domain::outcome::{Known, RecordKind, RecordRef, Stage, StageMap};
use ismart_domain::{ClientId, Env, EventBody, ManualClock, SiteId};
use ismart_emulators::bitrix24::{EventManners, PortalHandle};
use ismart_leads::outcomes::{Followed, Heard, Reader, hear};
use ismart_store::{Store, StoreError, Tx, clients, events, leads, outcomes};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::leads::full;

const NAME: &str = "crm";

/// Our side: a store and a reader of the destination.
struct Ours {
    store: Store,
    clock: Arc<ManualClock>,
    client: ClientId,
    site: SiteId,
    egress: Egress,
    _folder: tempfile::TempDir,
}

impl Ours {
    async fn start(now: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (env, clock) = Env::manual(now, 3);
        let store = Store::open_sqlite(&folder.path().join("ismart.db"), env).await.unwrap();
        let made: Result<_, StoreError> = store
            .write(|tx: &mut Tx| {
                Box::pin(async move {
                    let client = clients::ensure_client(tx, "a", "Автоград").await?;
                    Ok((client, clients::ensure_site(tx, client, "a", "a.ru").await?))
                })
            })
            .await;
        let (client, site) = made.unwrap();
        Self { store, clock, client, site, egress: crate::contract::egress(), _folder: folder }
    }

    fn reader(&self, kind: &str, settings: &Map<String, Value>, stages: StageMap) -> Reader {
        let source = (find_outcomes(kind).unwrap().open)(settings, &self.egress).unwrap();
        let every = SignedDuration::from_mins(10);
        let followed = Followed { client_id: self.client, name: NAME.into(), source, stages, every };
        Reader::new(self.store.clone(), followed)
    }

    async fn lead(&self, n: u32) -> Lead {
        let mut draft = full(n).draft;
        draft.site_id = self.site;
        draft.idempotency_key = Some(n.to_string());
        let client = self.client;
        let made: Result<Lead, StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { Ok(leads::add(tx, client, draft, "f", None).await?.0) })
            })
            .await;
        made.unwrap()
    }

    async fn known(&self, kind: RecordKind, id: u64) -> Option<Known> {
        let mut conn = self.store.read().await.unwrap();
        outcomes::known(&mut conn, self.client, NAME, RecordRef { kind, id }).await.unwrap()
    }

    /// The steps of a lead that were told, in order.
    async fn told(&self, lead: &Lead) -> Vec<(Stage, Option<i64>)> {
        let mut conn = self.store.read().await.unwrap();
        let log = events::of_lead(&mut conn, self.client, lead.id).await.unwrap();
        let step = |body: EventBody| match body {
            EventBody::OutcomeRecorded { step, minor, .. } => Some((step.unwrap(), minor)),
            _ => None,
        };
        log.into_iter().filter_map(|logged| step(logged.event.body)).collect()
    }

    /// Takes hooks as the server does, without the reading.
    async fn listen(&self, kind: &'static str) -> String {
        let app =
            Router::new().route("/hooks", post(take)).with_state((self.store.clone(), self.client, kind));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// Reads until nothing is noted any more.
    async fn settle(&self, reader: &Reader) -> Heard {
        let mut all = Heard::default();
        loop {
            let heard = reader.look().await.unwrap();
            all.read += heard.read;
            all.news += heard.news;
            if heard.read == 0 {
                return all;
            }
        }
    }
}

async fn take(
    State((store, client, kind)): State<(Store, ClientId, &'static str)>,
    Form(pairs): Form<Vec<(String, String)>>,
) {
    let message = (find_outcomes(kind).unwrap().hook)(&pairs);
    if kind == "bitrix24" {
        assert_eq!(message.proof.as_deref(), Some("app-token"));
    }
    hear(&store, client, NAME, message.records).await.unwrap();
}

/// What an employee does in the portal.
async fn employee(portal: &PortalHandle, method: &str, params: Value) -> Value {
    let http = crate::contract::egress();
    let url = format!("{}{method}.json", portal.webhook_url());
    let response = http.http().post(&url).json(&params).send().await.unwrap();
    assert!(response.is_success(), "{}", response.text());
    response.json::<Value>().unwrap()["result"].clone()
}

/// Waits until the portal has told so many events, the lost ones left out.
async fn told(portal: &PortalHandle, count: usize) {
    let all = portal.until(|portal| portal.told_events().len() >= count);
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("the events come");
}

fn noon() -> Timestamp {
    Timestamp::from_second(crate::bitrix24::NOON).unwrap()
}

#[tokio::test]
async fn a_lead_is_followed_to_the_money_of_its_deal_and_our_own_writes_are_no_news() {
    for mode in ["item", "lead"] {
        let ours = Ours::start(noon()).await;
        let portal = crate::bitrix24::portal(|builder| builder).await;
        portal.subscribe(&ours.listen("bitrix24").await, "app-token");
        let settings = crate::bitrix24::settings(&portal, json!({"mode": mode}));
        let stages = StageMap(BTreeMap::from([("PREPARATION".to_owned(), Stage::Visit)]));
        let reader = ours.reader("bitrix24", &settings, stages);
        let lead = ours.lead(1).await;
        let connector = crate::bitrix24::open(&settings, &ours.egress);
        let id: u64 = connector.deliver(&lead).await.unwrap().parse().unwrap();
        told(&portal, 1).await;
        assert_eq!(ours.settle(&reader).await.news, 0, "{mode}: what we made is no news");
        assert_eq!(ours.known(RecordKind::Lead, id).await.unwrap().stage, Stage::Lead);
        assert_eq!(reader.poll().await.unwrap().news, 0);
        assert_eq!(ours.told(&lead).await, []);

        let fields = json!({"entityTypeId": 1, "id": id, "fields": {"stageId": "IN_PROCESS"}});
        employee(&portal, "crm.item.update", fields).await;
        let fields = json!({"entityTypeId": 1, "id": id, "fields": {"stageId": "CONVERTED"}});
        employee(&portal, "crm.item.update", fields).await;
        let deal =
            json!({"entityTypeId": 2, "fields": {"title": "Сделка", "leadId": id, "opportunity": 2_490_000}});
        let deal = employee(&portal, "crm.item.add", deal).await["item"]["id"].as_u64().unwrap();
        told(&portal, 4).await;
        ours.settle(&reader).await;
        for stage in ["PREPARATION", "WON"] {
            let fields = json!({"entityTypeId": 2, "id": deal, "fields": {"stageId": stage}});
            let before = portal.told_events().len();
            employee(&portal, "crm.item.update", fields).await;
            told(&portal, before + 1).await;
            ours.settle(&reader).await;
        }
        let steps = ours.told(&lead).await;
        assert_eq!(steps.last(), Some(&(Stage::Money, Some(249_000_000))), "{mode}: {steps:?}");
        assert!(steps.iter().any(|(step, _)| *step == Stage::Visit), "{mode}: {steps:?}");
        assert!(steps.iter().any(|(step, _)| *step == Stage::Qualified), "{mode}: {steps:?}");
        assert_eq!(reader.poll().await.unwrap().news, 0, "{mode}: the poll knows it all");

        let before = portal.told_events().len();
        employee(&portal, "crm.item.delete", json!({"entityTypeId": 2, "id": deal})).await;
        told(&portal, before + 1).await;
        assert_eq!(ours.settle(&reader).await.news, 1, "{mode}: a deletion is an outcome");
        assert_eq!(ours.told(&lead).await.last(), Some(&(Stage::Deleted, Some(249_000_000))));
        assert_eq!(portal.findings(), [], "{mode}");
        portal.shutdown().await;
    }
}

#[tokio::test]
async fn lost_doubled_and_shuffled_hooks_end_in_what_the_portal_says() {
    for seed in 0..4 {
        let ours = Ours::start(noon()).await;
        let portal = crate::bitrix24::portal(|builder| builder.seed(seed)).await;
        portal.subscribe(&ours.listen("bitrix24").await, "app-token");
        portal.event_manners(EventManners { lost_percent: 40, duplicate: true, scatter_ms: 60 });
        let settings = crate::bitrix24::settings(&portal, json!({}));
        let reader = ours.reader("bitrix24", &settings, StageMap::default());
        let connector = crate::bitrix24::open(&settings, &ours.egress);
        let (entropy, _) = Env::manual(noon(), seed);
        let mut records = Vec::new();
        for n in 0..6 {
            let lead = ours.lead(n).await;
            let id: u64 = connector.deliver(&lead).await.unwrap().parse().unwrap();
            records.push((lead, id));
        }
        for _ in 0..40 {
            let [which, what] = entropy.random();
            let (_, id) = &records[usize::from(which) % records.len()];
            let stage = ["NEW", "IN_PROCESS", "PROCESSED", "JUNK"][usize::from(what) % 4];
            let fields =
                json!({"entityTypeId": 1, "id": id, "fields": {"stageId": stage, "opportunity": what}});
            employee(&portal, "crm.item.update", fields).await;
            if what % 5 == 0 {
                reader.look().await.unwrap();
                reader.poll().await.unwrap();
            }
        }
        // Hooks that are still on their way may come at any time; the poll does not need them.
        reader.poll().await.unwrap();
        tokio::time::sleep(Duration::from_millis(120)).await;
        ours.settle(&reader).await;
        let ledger = portal.ledger();
        for (lead, id) in &records {
            let made = ledger.leads().into_iter().find(|item| item.id == *id).unwrap().clone();
            let known = ours.known(RecordKind::Lead, *id).await.unwrap();
            assert_eq!(known.status, made.text("stageId"), "seed {seed}, lead {id}");
            assert_eq!(known.lead_id, lead.id);
            let steps = ours.told(lead).await;
            let last = steps.last().map_or(Stage::Lead, |(step, _)| *step);
            assert_eq!(last, known.stage, "seed {seed}: {steps:?}");
        }
        let writes = portal.requests().iter().filter(|one| one.method == "crm.item.add").count();
        assert_eq!(writes, records.len(), "following writes nothing");
        portal.shutdown().await;
    }
}

#[tokio::test]
async fn an_account_of_amocrm_tells_of_stages_sums_and_deletions() {
    let ours = Ours::start(noon()).await;
    let account = crate::amocrm::account(|builder| builder).await;
    let settings = crate::amocrm::settings(&account, json!({}));
    let reader = ours.reader("amocrm", &settings, StageMap::default());
    let url = ours.listen("amocrm").await;
    let at = account.base_url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let call = async |method: &str, path: &str, body: Value| {
        let (body, token) = (body.to_string(), crate::amocrm::TOKEN);
        let head = format!(
            "{method} /api/v4/{path} HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(&at).await.unwrap();
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    };
    call(
        "POST",
        "webhooks",
        json!({"destination": url, "settings": ["add_lead", "update_lead", "status_lead"], "sort": 10}),
    )
    .await;
    let lead = ours.lead(1).await;
    let connector = crate::amocrm::open(&settings, &ours.egress);
    let id: u64 = connector.deliver(&lead).await.unwrap().parse().unwrap();
    reader.poll().await.unwrap();
    ours.settle(&reader).await;
    assert_eq!(ours.told(&lead).await, [], "what we made is no news");
    let pipeline = crate::amocrm::PIPELINE;
    for (status, price) in [(crate::amocrm::STAGE, 0), (142, 150_000)] {
        let told = account.deliveries().len();
        call(
            "PATCH",
            &format!("leads/{id}"),
            json!({"status_id": status, "pipeline_id": pipeline, "price": price}),
        )
        .await;
        let more = account.until(|account| account.deliveries().len() > told);
        tokio::time::timeout(Duration::from_secs(20), more).await.expect("the hook comes");
        ours.settle(&reader).await;
    }
    let steps = ours.told(&lead).await;
    assert_eq!(steps.last(), Some(&(Stage::Money, Some(15_000_000))), "{steps:?}");
    assert_eq!(steps.first().map(|(step, _)| *step), Some(Stage::Qualified), "{steps:?}");
    ours.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(reader.poll().await.unwrap().news, 0);
    assert_eq!(account.findings(), []);
}
