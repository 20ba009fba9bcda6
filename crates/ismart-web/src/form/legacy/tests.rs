//! The contract of forms, over HTTP, on a site of the newest PHP generation and beside one of ours.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use ismart_domain::ports::{Captcha, Judged};
use ismart_domain::{BoxFuture, Env, ManualClock, Secret};
use ismart_sites::{External, Fleet, SiteFolder, Snapshot};
use ismart_store::{Store, StoreError, Tx, clients};
use ismart_workers::desk::Desk;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fleet::FleetFolders;
use crate::platform::Place;
use crate::{Guard, Options, Platform, World, form_token};

const HOST: &str = "utro.example";

struct Shop {
    platform: Arc<Platform>,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

fn site(root: &Path, name: &str, host: &str, more: &str) -> Arc<Snapshot> {
    let folder = root.join(name);
    for (path, text) in [
        ("config/site.toml", &*format!("client = \"utro\"\nname = \"Утро\"\nhosts = [\"{host}\"]\n{more}")),
        ("data/json/global.json", "{}"),
        ("data/json/ru/pages/index.json", "{\"sections\": []}"),
        ("data/json/ru/pages/404.json", "{\"sections\": []}"),
        ("templates/pages/page.twig", "{{ page_id }}"),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    SiteFolder::new(folder).load(&External::default()).unwrap()
}

impl Shop {
    async fn open(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (env, clock) = Env::manual("2026-11-20T09:00:00Z".parse().unwrap(), 11);
        let store = Store::open_sqlite(&folder.path().join("ismart.db"), env.clone()).await.unwrap();
        let (client_id, site_id) = store
            .write(|tx: &mut Tx| {
                Box::pin(async move {
                    let client = clients::ensure_client(tx, "utro", "Утро").await?;
                    Ok::<_, StoreError>((client, clients::ensure_site(tx, client, "utro", HOST).await?))
                })
            })
            .await
            .unwrap();
        let place = |slug: &str| Place {
            client_id,
            site_id,
            slug: slug.to_owned(),
            name: "Утро".to_owned(),
            destinations: Vec::new(),
            worker: None,
            consent_label: "Согласен".to_owned(),
            consent_url: "/policy".to_owned(),
            consent_version: "1".to_owned(),
            consent_text: "Текст согласия".to_owned(),
            marketing: None,
            phone: "+7 487 000-00-00".to_owned(),
        };
        let legacy = format!("{more}\n[legacy]\ngeneration = \"gen3\"\n");
        let sites =
            vec![site(folder.path(), "old", HOST, &legacy), site(folder.path(), "new", "new.example", "")];
        let places = ["old", "new"].map(|slug| (slug.to_owned(), Arc::new(place(slug))));
        let world =
            World { fleet: Fleet::new(sites).unwrap(), places: HashMap::from(places), ..World::default() };
        let options = Options {
            console_hosts: vec!["console.test".into()],
            https: false,
            trusted_proxies: vec![],
            demo: false,
            per_minute: 20,
            api_per_minute: 600,
            keep: 1 << 20,
            watch: false,
            form_secret: Secret::new("form"),
            cores: Arc::default(),
            fleet: FleetFolders::default(),
            files: folder.path().join("files"),
        };
        let desk = Desk::new(store.clone());
        let world = Arc::new(ArcSwap::from_pointee(world));
        let platform = Arc::new(Platform::new(store, world, desk, Vec::new(), options));
        Self { platform, clock, _folder: folder }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header("accept", "application/json");
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
        let response = crate::router(self.platform.clone()).oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    fn token(&self) -> String {
        let token = form_token::issue(&self.platform.options.form_secret, self.platform.env.now());
        self.clock.advance(SignedDuration::from_secs(5));
        token
    }

    /// How many leads wait for a person.
    async fn held(&self) -> i64 {
        let mut conn = self.platform.store.read().await.unwrap();
        let client = clients::list(&mut conn).await.unwrap()[0].id;
        ismart_store::judgements::held(&mut conn, client).await.unwrap()
    }

    async fn leads(&self) -> usize {
        let mut conn = self.platform.store.read().await.unwrap();
        let client = clients::list(&mut conn).await.unwrap()[0].id;
        let events = ismart_store::events::after(&mut conn, client, 0, 1000).await.unwrap();
        events.iter().filter(|line| line.event.body.kind() == "lead.accepted").count()
    }
}

#[tokio::test]
async fn a_form_is_answered_in_the_order_of_the_contract() {
    let shop = Shop::open("").await;
    let good =
        json!({ "phone": "+7 910 123-45-67", "policy": "on", "name": "R2D2", "idempotency_key": "k1" });
    let (status, answer) = shop.ask("POST", "/api/send", &[], good.clone()).await;
    assert_eq!((status.as_u16(), &answer["code"]), (419, &json!("TOKEN_INVALID")));
    assert_eq!(answer["message"], "Не удалось подтвердить отправку. Попробуйте ещё раз.");
    assert_eq!(answer["retry_after"], 3);
    let empty = Request::builder().method("POST").uri("/api/send").header("host", HOST).body(Body::empty());
    let answer = crate::router(shop.platform.clone()).oneshot(empty.unwrap()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 419, "an unknown body has no fields");
    let with = |token: String, fields: &Value| {
        let mut body = fields.clone();
        body["form_token"] = token.into();
        body
    };
    let bad = json!({ "phone": "12", "policy": "yes", "email": "x" });
    let (status, answer) = shop.ask("POST", "/api/send/", &[], with(shop.token(), &bad)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("VALIDATION_ERROR")));
    assert_eq!(
        answer["errors"],
        json!({ "email": "Неверный E-mail", "phone": "Неверный телефон", "policy": "Согласитесь с политикой" })
    );
    assert_eq!(shop.held().await, 1, "what the contract refuses is kept for a person");
    let (status, first) = shop.ask("POST", "/api/send", &[], with(shop.token(), &good)).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_eq!((&first["success"], &first["message"]), (&json!(true), &json!("Заявка успешно отправлена")));
    assert_eq!(first["channels"], json!({ "inbox": "success" }));
    assert!(first.get("test").is_none());
    let (_, again) = shop.ask("POST", "/api/send", &[], with(shop.token(), &good)).await;
    assert_eq!(again, first, "the same key is the same lead");
    assert_eq!(
        (shop.leads().await, shop.held().await),
        (1, 0),
        "the one that was kept, released by its own sender"
    );
}

#[tokio::test]
async fn phones_are_taken_as_the_platform_takes_them() {
    let shop = Shop::open("").await;
    for phone in
        ["123-45-67", "380 50 123 45 67", "+1 202 555 0123", "8 (4872) 12-34-56", "доб. 5: 712 34 56 7"]
    {
        let body = json!({ "phone": phone, "policy": "on", "form_token": shop.token() });
        let (status, answer) = shop.ask("POST", "/api/send", &[], body).await;
        assert_eq!(status, StatusCode::OK, "{phone}: {answer}");
    }
    for phone in ["123456", "1234567890123456", "звоните"] {
        let body = json!({ "phone": phone, "policy": "on", "form_token": shop.token() });
        let (_, answer) = shop.ask("POST", "/api/send", &[], body).await;
        assert_eq!(answer["errors"], json!({ "phone": "Неверный телефон" }), "{phone}");
    }
}

#[tokio::test]
async fn errors_are_told_to_scripts_as_json() {
    let words =
        "[legacy.errors.405]\ntitle = \"Метод не разрешён\"\nmessage = \"Только читать, см. /help\"\n";
    let shop = Shop::open(words).await;
    for (method, path) in [("POST", "/contacts"), ("PUT", "/api/send"), ("DELETE", "/")] {
        let (status, answer) = shop.ask(method, path, &[], json!({})).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(
            answer,
            json!({ "error": "Метод не разрешён", "message": "Только читать, см. /help", "request_id": "" })
        );
        let ours = shop.ask(method, path, &[("host", "new.example")], json!({})).await;
        assert!(ours.1.get("request_id").is_none(), "{method} {path}");
    }
    let missing = shop.ask("GET", "/nowhere", &[], json!({})).await;
    assert_eq!(missing.0, StatusCode::NOT_FOUND);
    assert!(!missing.1.is_object(), "a page for people all the same: {}", missing.1);
}

/// A maker of captchas that says what its token says.
struct Maker;

impl Captcha for Maker {
    fn judge<'a>(&'a self, token: &'a str, ip: &'a str) -> BoxFuture<'a, Judged> {
        assert_eq!(ip, "127.0.0.1");
        Box::pin(async move {
            match token {
                "person" => Judged::Person,
                "away" => Judged::Unknown { reason: "nobody answers".into() },
                _ => Judged::Robot,
            }
        })
    }
}

#[tokio::test]
async fn a_captcha_is_asked_and_loses_nobody_when_it_is_away() {
    let shop = Shop::open("").await;
    let world = shop.platform.world.load_full();
    let site_id = world.places["old"].site_id;
    let guards = HashMap::from([(site_id, Guard(Arc::new(Maker)))]);
    shop.platform.world.store(Arc::new(World { guards, ..World::clone(&world) }));
    let send = async |n: u32, token: &str| {
        let phone = format!("+7 910 123-45-{n}");
        let body =
            json!({ "phone": phone, "policy": "on", "smart-token": token, "form_token": shop.token() });
        shop.ask("POST", "/api/send", &[], body).await
    };
    for (n, robot) in [(10, ""), (11, "forged")] {
        let (status, answer) = send(n, robot).await;
        assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("CAPTCHA_INVALID")), "{robot}");
    }
    for (n, person) in [(12, "person"), (13, "away"), (14, "host-not-allowed")] {
        assert_eq!(send(n, person).await.0, StatusCode::OK, "{person}");
    }
    assert_eq!(shop.leads().await, 5, "nothing is dropped");
    let mut conn = shop.platform.store.read().await.unwrap();
    let client = clients::list(&mut conn).await.unwrap()[0].id;
    let all = ismart_store::leads::list(&mut conn, client, &Default::default(), 10).await.unwrap();
    let mut held = Vec::new();
    for lead in all.iter().rev() {
        held.push(ismart_leads::holding::is_held(&mut conn, client, lead.id).await.unwrap());
    }
    assert_eq!(held, [true, true, false, true, true], "who was not checked waits for a person");
    assert!(all.iter().all(|lead| !lead.draft.fields.contains_key("smart-token")));
}

#[tokio::test]
async fn robots_and_monitoring_are_known() {
    let shop = Shop::open("").await;
    let robot = json!({ "phone": "+7 910 123-45-67", "policy": "on", "website": "https://spam" });
    let (status, answer) = shop.ask("POST", "/api/send", &[], robot).await;
    assert_eq!((status, &answer["channels"]), (StatusCode::OK, &json!([])));
    assert_eq!(shop.held().await, 1);
    let key = form_token::sign(&shop.platform.options.form_secret, HOST);
    let lead = json!({ "phone": "+7 910 123-45-68", "policy": "on" });
    let (status, answer) = shop.ask("POST", "/api/send", &[("x-ismart-key", &key)], lead.clone()).await;
    assert_eq!((status, &answer["test"]), (StatusCode::OK, &json!(true)));
    let (status, _) = shop.ask("POST", "/api/send", &[("x-ismart-key", "guess")], lead).await;
    assert_eq!(status.as_u16(), 419);
    for _ in 0..30 {
        shop.ask("POST", "/api/send", &[], json!({})).await;
    }
    let (status, answer) = shop.ask("POST", "/api/send", &[], json!({})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("RATE_LIMIT_EXCEEDED")));
    assert!(answer.get("request_id").is_none());
    let held = shop.held().await;
    let hurried = json!({ "phone": "+7 910 123-45-69", "policy": "on" });
    assert_eq!(shop.ask("POST", "/api/send", &[], hurried).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(shop.held().await, held + 1, "who is too fast is answered so, and kept");
    for n in 0..100 {
        let flood = json!({ "phone": format!("+7 910 555-00-{n:02}"), "policy": "on" });
        shop.ask("POST", "/api/send", &[], flood).await;
    }
    assert_eq!(shop.held().await, held + 80, "a flood is not kept");
}

#[tokio::test]
async fn a_site_says_which_fields_it_needs() {
    let shop =
        Shop::open("[settings.form_guard]\nrequired_fields = \"email, name\"\ntrap_field = \"fax\"\n").await;
    let (_, answer) =
        shop.ask("POST", "/api/send", &[], json!({ "policy": "on", "form_token": shop.token() })).await;
    assert_eq!(answer["errors"], json!({ "email": "Неверный E-mail", "name": "Укажите имя" }));
    let letter = json!({ "policy": "on", "email": "a@b.ru", "name": "Анна", "form_token": shop.token() });
    assert_eq!(shop.ask("POST", "/api/send", &[], letter).await.0, StatusCode::OK);
    assert_eq!(shop.ask("POST", "/api/send", &[], json!({ "fax": "1" })).await.1["channels"], json!([]));
}

#[tokio::test]
async fn the_small_addresses_answer_as_they_did() {
    let shop = Shop::open("").await;
    assert_eq!(shop.ask("POST", "/_f", &[], json!({})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(shop.ask("GET", "/_f", &[("host", "new.example")], json!({})).await.0, StatusCode::NOT_FOUND);
    let (status, answer) = shop.ask("GET", "/api/form-token/", &[], json!({})).await;
    assert_eq!((status, &answer["min_age"]), (StatusCode::OK, &json!(3)));
    assert_eq!(
        shop.ask("GET", "/api/send", &[], json!({})).await.0,
        StatusCode::NOT_FOUND,
        "a page that is not there"
    );
    let ours = shop.ask("GET", "/api/send", &[("host", "new.example")], json!({})).await;
    assert_eq!(ours.0, StatusCode::METHOD_NOT_ALLOWED);
    let widget = |phone: &str, token: String| json!({ "phone": phone, "form_token": token });
    let rescue = async |body| shop.ask("POST", "/api/widget-rescue", &[], body).await;
    assert_eq!(rescue(widget("+7 910 123-45-67", String::new())).await.1["code"], "TOKEN_INVALID");
    assert_eq!(rescue(widget("910 123", shop.token())).await.1["code"], "PHONE_INVALID");
    let (status, answer) = rescue(widget("+7 910 123-45-67", shop.token())).await;
    assert_eq!(
        (status, &answer["success"], &answer["registered"]),
        (StatusCode::OK, &json!(true), &json!(true))
    );
    let keyed = |phone: &str, token: String| json!({ "phone": phone, "form_token": token, "idempotency_key": "w1", "utm_source": "ya" });
    for _ in 0..2 {
        rescue(keyed("8 910 123-45-99", shop.token())).await;
    }
    assert_eq!(shop.leads().await, 2, "one key is one lead");
}
