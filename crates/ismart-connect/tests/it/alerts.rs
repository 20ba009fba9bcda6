//! Alerts on a real database, told by a bot of Telegram that misbehaves.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use ismart_connect::find_notifier;
use ismart_domain::delivery::{DeliveryState, Hours, Next};
use ismart_domain::ports::Notifier;
use ismart_domain::{BoxFuture, ClientId, Env, ManualClock, SiteId};
use ismart_leads::Care;
use ismart_leads::alerts::{Vigil, Watched, WatchedSite};
use ismart_store::deliveries::{self, Ending};
use ismart_store::{Store, StoreError, Tx, clients, leads};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::contract::egress;
use crate::leads::full;

/// What the bot was asked to say, and what it answers next.
#[derive(Clone, Default)]
struct Bot {
    said: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
}

async fn speak(
    State(bot): State<Bot>,
    Path(token): Path<String>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let refused = bot.answers.lock().unwrap().pop();
    let (status, answer) = match refused {
        Some(refused) => refused,
        None if token != "bot7:hush" => (401, json!({"ok": false, "description": "Unauthorized"})),
        None => {
            bot.said.lock().unwrap().push(body["text"].as_str().unwrap().to_owned());
            (200, json!({"ok": true, "result": {"message_id": 1}}))
        }
    };
    (StatusCode::from_u16(status).unwrap(), Json(answer))
}

impl Bot {
    async fn start() -> (Self, String) {
        let bot = Self::default();
        let app = Router::new().route("/{token}/sendMessage", post(speak)).with_state(bot.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (bot, url)
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock().unwrap())
    }
}

fn settings(api: &str, token: &str) -> Map<String, Value> {
    let all = json!({"token": token, "chat_id": "-100500", "api": api});
    all.as_object().unwrap().clone()
}

fn notifier(api: &str) -> Arc<dyn Notifier> {
    (find_notifier("telegram").unwrap().open)(&settings(api, "7:hush"), &egress()).unwrap()
}

struct House {
    store: Store,
    clock: Arc<ManualClock>,
    client: ClientId,
    site: SiteId,
    vigil: Vigil,
    wrong: Arc<Mutex<Option<String>>>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn of(notifiers: Vec<Arc<dyn Notifier>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (env, clock) = Env::manual("2026-11-20T07:00:00Z".parse().unwrap(), 5);
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
        let watched = move || {
            let site = WatchedSite {
                id: site,
                name: "a.ru".into(),
                hours: Hours::default(),
                floor: SignedDuration::from_hours(3),
            };
            vec![Watched {
                id: client,
                name: "Автоград".into(),
                zone: TimeZone::get("Europe/Moscow").unwrap(),
                sites: vec![site],
                notifiers: notifiers.clone(),
            }]
        };
        let wrong: Arc<Mutex<Option<String>>> = Arc::default();
        let seen = wrong.clone();
        let balance = move |_| -> BoxFuture<'static, Result<Option<String>, StoreError>> {
            let seen = seen.lock().unwrap().clone();
            Box::pin(async move { Ok(seen) })
        };
        let vigil =
            Vigil::new(store.clone(), watched, |_, _| Care::default()).with_balance(Arc::new(balance));
        Self { store, clock, client, site, vigil, wrong, _folder: folder }
    }

    async fn lead(&self, n: u32) {
        let (mut draft, client) = (full(n).draft, self.client);
        draft.site_id = self.site;
        draft.idempotency_key = Some(n.to_string());
        let written: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let (lead, _) = leads::add(tx, client, draft, "f", None).await?;
                    deliveries::add(tx, client, lead.id, "crm", DeliveryState::Queued).await.map(|_| ())
                })
            })
            .await;
        written.unwrap();
    }

    /// Ends an attempt of every due delivery.
    async fn attempt(&self, state: DeliveryState) {
        let client = self.client;
        let written: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let now = tx.env().now();
                    for one in deliveries::claim(tx, client, "crm", 9).await? {
                        let next = Next { state, due_at: now, external_id: None, reason: Some("503".into()) };
                        let ending = Ending { next: &next, started_at: now, trace: None };
                        deliveries::finish(tx, client, &one.delivery, ending).await?;
                    }
                    Ok(())
                })
            })
            .await;
        written.unwrap();
    }
}

#[tokio::test]
async fn a_failing_destination_is_told_once_and_its_recovery_once() {
    let (bot, url) = Bot::start().await;
    let house = House::of(vec![notifier(&url)]).await;
    house.lead(1).await;
    house.attempt(DeliveryState::Waiting).await;
    house.vigil.round().await.unwrap();
    assert_eq!(bot.said(), Vec::<String>::new(), "a moment is no failure");
    house.clock.advance(SignedDuration::from_mins(20));
    bot.answers.lock().unwrap().push((429, json!({"ok": false, "parameters": {"retry_after": 3}})));
    house.vigil.round().await.unwrap();
    assert_eq!(bot.said(), Vec::<String>::new(), "the bot was busy");
    for _ in 0..3 {
        house.clock.advance(SignedDuration::from_mins(1));
        house.vigil.round().await.unwrap();
    }
    let said = bot.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("«crm» не принимает заявки") && said[0].contains("503"), "{said:?}");
    house.attempt(DeliveryState::Delivered).await;
    for _ in 0..2 {
        house.vigil.round().await.unwrap();
    }
    let said = bot.said();
    assert!(said.len() == 1 && said[0].contains("снова принимает"), "{said:?}");
}

#[tokio::test]
async fn a_queue_that_nobody_works_on_and_a_ledger_that_does_not_balance_are_told() {
    let (bot, url) = Bot::start().await;
    let house = House::of(vec![notifier(&url)]).await;
    house.lead(1).await;
    house.attempt(DeliveryState::NeedsAttention).await;
    house.vigil.round().await.unwrap();
    assert_eq!(bot.said(), Vec::<String>::new(), "it has its time");
    house.clock.advance(SignedDuration::from_hours(24 * 5));
    house.vigil.round().await.unwrap();
    house.vigil.round().await.unwrap();
    let said = bot.said();
    assert!(said.len() == 1 && said[0].contains("Решения по доставке просрочены: 1"), "{said:?}");
    *house.wrong.lock().unwrap() = Some("lead 7 is nowhere".into());
    house.vigil.round().await.unwrap();
    let said = bot.said();
    assert!(said.len() == 1 && said[0].contains("не сходится") && said[0].contains("lead 7"), "{said:?}");
    *house.wrong.lock().unwrap() = None;
    house.vigil.round().await.unwrap();
    assert!(bot.said()[0].contains("снова сходится"));
}

#[tokio::test]
async fn a_silence_is_told_by_the_sites_own_rhythm_and_ends_with_a_lead() {
    let (bot, url) = Bot::start().await;
    let house = House::of(vec![notifier(&url)]).await;
    // Four weeks of a lead every half hour of working time, then nothing.
    let (hours, zone) = (Hours::default(), TimeZone::get("Europe/Moscow").unwrap());
    house.clock.advance(SignedDuration::from_hours(-24 * 20));
    let mut n = 0;
    while house.store.env().now() < "2026-11-20T07:00:00Z".parse().unwrap() {
        if hours.open(house.store.env().now(), &zone) {
            n += 1;
            house.lead(n).await;
        }
        house.clock.advance(SignedDuration::from_mins(30));
    }
    house.vigil.round().await.unwrap();
    assert_eq!(bot.said(), Vec::<String>::new());
    house.clock.advance(SignedDuration::from_hours(4));
    house.vigil.round().await.unwrap();
    let said = bot.said();
    assert!(said.len() == 1 && said[0].contains("Нет заявок с сайта a.ru"), "{said:?}");
    house.clock.advance(SignedDuration::from_hours(9));
    house.vigil.round().await.unwrap();
    assert_eq!(bot.said(), Vec::<String>::new(), "the end of the working day ends no silence");
    house.lead(n + 1).await;
    house.vigil.round().await.unwrap();
    assert!(bot.said()[0].contains("снова идут"));
}

#[tokio::test]
async fn a_bot_says_what_is_wrong_with_it_and_never_its_token() {
    let (bot, url) = Bot::start().await;
    let open = find_notifier("telegram").unwrap().open;
    for (api, token, key) in [
        ("http://evil.example", "7:hush", "api"),
        (url.as_str(), "a b", "token"),
        (url.as_str(), "", "token"),
    ] {
        let Err(error) = open(&settings(api, token), &egress()) else { panic!("{api} {token}") };
        assert_eq!(error.problems[0].key, key);
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    let wrong = open(&settings(&url, "7:other"), &egress()).unwrap().tell("x").await.unwrap_err();
    assert!(wrong.to_string().contains("@BotFather"), "{wrong}");
    for (status, said, words) in [(403, "bot was kicked", "add the bot"), (502, "Bad Gateway", "502")] {
        bot.answers.lock().unwrap().push((status, json!({"ok": false, "description": said})));
        let error = notifier(&url).tell("x").await.unwrap_err();
        assert!(error.to_string().contains(words) && !error.to_string().contains("hush"), "{error}");
    }
    let away = notifier("http://127.0.0.1:9").tell("x").await.unwrap_err();
    assert!(!away.to_string().contains("hush"), "{away}");
}

#[tokio::test]
async fn letters_tell_too_and_a_server_that_is_away_is_asked_again() {
    use ismart_emulators::smtp::Smtp;
    let noon = "2026-11-20T09:00:00Z".parse().unwrap();
    let server = Smtp::builder(move || noon).start().await.unwrap();
    let at = server.addr();
    let settings = json!({"host": at.ip().to_string(), "port": at.port(), "encryption": "none",
                          "from": "alert@ismart.example", "to": "boss@a.ru"});
    let open = find_notifier("email").unwrap().open;
    let letters = open(settings.as_object().unwrap(), &egress()).unwrap();
    letters.tell("Автоград: Нет заявок с сайта a.ru\nПроверьте формы.").await.unwrap();
    assert_eq!(server.letters().len(), 1);
    assert_eq!(server.complaints(), Vec::<String>::new());
    server.shutdown().await;
    let away = letters.tell("x").await.unwrap_err();
    assert!(
        matches!(away, ismart_domain::delivery::DeliveryError::Retry { ambiguous: false, .. }),
        "{away:?}"
    );
}
