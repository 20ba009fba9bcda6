//! What goes wrong outside: broken content, strange requests, a CRM that misbehaves. Each must give a clear error in
//! the right place, and nothing may be lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ismart_domain::delivery::{Delivery, DeliveryState};
use ismart_domain::lead::Lead;
use ismart_domain::{ClientId, Env};
use ismart_emulators::bitrix24::{Entity, Fault, FaultBody, Limits, Portal, PortalHandle, Rule};
use ismart_store::{Store, clients, deliveries, leads};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::server::{BINARY, Server, data_folder, form_token, free_port, reqwest_client};

const ABOUT: &str = "sites/avtograd/data/json/ru/pages/about.json";

/// `ismart serve` whose log can be read while it runs; killed when dropped.
struct Watched {
    child: Child,
    base: String,
    log: PathBuf,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A process that has ended already is as good as killed.
        let _ended = self.child.kill().is_err();
        self.child.wait().unwrap();
    }
}

impl Watched {
    async fn start(data: &Path) -> Self {
        let (log, port) = (data.join("log.txt"), free_port());
        let child = Command::new(BINARY)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let server = Self { child, base: format!("http://127.0.0.1:{port}"), log };
        until("the server is healthy", async || {
            let answer = reqwest_client().get(server.url("/health")).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        server
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Tells the server to load its sites again.
    fn reload(&self) {
        let told = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    async fn page(&self, path: &str) -> (u16, String) {
        let answer = reqwest_client().get(self.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn post(&self, path: &str) -> RequestBuilder {
        reqwest_client().post(self.url(path))
    }

    async fn form(&self, fields: &Value) -> (u16, Value) {
        read(self.post("/api/send").json(fields).send().await.unwrap()).await
    }
}

/// Asks until the answer is yes.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "did not happen within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} without JSON: {text}")))
}

/// Fields that are accepted.
fn fields(token: &str, phone: &str, key: &str) -> Value {
    json!({
        "name": "Иван", "phone": phone, "policy": "on", "form_name": "callback", "form_token": token,
        "idempotency_key": key, "page_url": "/contacts", "message": key,
    })
}

fn with(mut fields: Value, name: &str, value: &str) -> Value {
    fields[name] = json!(value);
    fields
}

/// The only client and its leads.
async fn stored(data: &Path) -> (Store, ClientId, Vec<Lead>) {
    let store = Store::open_sqlite(&data.join("ismart.db"), Env::system()).await.unwrap();
    let mut conn = store.read().await.unwrap();
    let client = clients::list(&mut conn).await.unwrap()[0].id;
    let found = leads::list(&mut conn, client, &leads::Filter::default(), 1000).await.unwrap();
    drop(conn);
    (store, client, found)
}

#[test]
fn broken_content_stops_the_start_with_file_line_and_repair() {
    let data = data_folder("");
    std::fs::write(data.path().join(ABOUT), "{\n  \"name\": \"about\",\n  \"sections\": [,]\n}").unwrap();
    let out = Command::new(BINARY)
        .args(["serve", "--listen", "127.0.0.1:0", "--data", &data.path().display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("about.json:3:") && said.contains("fix:"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_keeps_the_old_site_until_the_new_one_is_sound() {
    let data = data_folder("");
    let server = Watched::start(data.path()).await;
    let (about, sound) = (data.path().join(ABOUT), std::fs::read_to_string(data.path().join(ABOUT)).unwrap());
    let (status, before) = server.page("/about").await;
    assert_eq!(status, 200);

    std::fs::write(&about, "{ \"name\": \"about\",\n broken").unwrap();
    server.reload();
    until("the log says that the old site stays", async || server.log().contains("the old one stays")).await;
    assert!(server.log().contains("about.json:2"), "{}", server.log());
    let (status, after) = server.page("/about").await;
    assert_eq!(status, 200);
    let heading = |page: &str| page.split("<h1").nth(1).unwrap().split("</h1>").next().unwrap().to_owned();
    assert_eq!(heading(&before), heading(&after));

    let page: Value = serde_json::from_str(&sound).unwrap();
    let title = page["sections"][0]["data"]["title"].as_str().unwrap();
    std::fs::write(&about, sound.replace(title, "Заголовок после правки")).unwrap();
    server.reload();
    until("the mended site is served", async || {
        server.page("/about").await.1.contains("Заголовок после правки")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_template_breaks_its_pages_only_and_shows_no_internals() {
    let data = data_folder("");
    let templates = data.path().join("sites/avtograd/templates");
    std::fs::write(
        templates.join("pages/offer.twig"),
        "{% extends 'base.twig' %}\n{% block content %}{{ 1 +",
    )
    .unwrap();
    let server = Watched::start(data.path()).await;
    let offers = std::fs::read_dir(data.path().join("sites/avtograd/data/json/ru/offers")).unwrap();
    let offer = offers
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .next()
        .unwrap();
    let answer = reqwest_client().get(server.url(&format!("/offers/{offer}"))).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = answer.text().await.unwrap();
    for internal in [".twig", "{%", "panicked", "ismart_", &data.path().display().to_string()] {
        assert!(!body.contains(internal), "the page shows `{internal}`: {body}");
    }
    assert!(
        body.contains("<h1") && body.contains(&request_id),
        "a page for people with a number to name: {body}"
    );
    assert!(server.log().contains("offer.twig:2"), "the log names file and line: {}", server.log());
    for path in ["/", "/offers", "/contacts"] {
        assert_eq!(server.page(path).await.0, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_cannot_be_answered_say_why_and_the_next_one_is() {
    let data = data_folder("[http]\nper_minute = 100000\n");
    let server = Watched::start(data.path()).await;
    hosts_and_pages(&server).await;
    let token = form_token(&reqwest_client(), &server.base).await;
    bodies_of_forms(&server, &token).await;
    fields_of_forms(&server, &token).await;
    let (_, _, none) = stored(data.path()).await;
    assert_eq!(none.len(), 0, "what was refused left no lead");
    tokens_of_forms(&server, &token).await;
    repeats(&server, &token, data.path()).await;
    messages(&server).await;
}

async fn hosts_and_pages(server: &Watched) {
    let answer = reqwest_client().get(server.url("/")).header("host", "nobody.example").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let (status, problem) = read(answer).await;
    assert_eq!((status, problem["code"].as_str()), (421, Some("unknown_host")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("nobody.example"), "{problem}");
    let (status, page) = server.page("/no/such/page").await;
    assert_eq!(status, 404);
    assert!(page.contains("Автоград") && page.contains("href=\"/"), "the site's own page: {page}");
    for path in
        ["/../../etc/passwd", "/%2e%2e/%2e%2e/ismart.toml", "/data/../config/site.toml", "/%00", "/%ff"]
    {
        let (status, page) = server.page(path).await;
        assert!((400..500).contains(&status), "{path} gave {status}: {page}");
    }
}

async fn bodies_of_forms(server: &Watched, token: &str) {
    let large = with(fields(token, "+7 910 000-00-01", "large"), "message", &"я".repeat(50_000));
    let urlencoded =
        ("application/x-www-form-urlencoded", format!("name=Ivan&message={}", "x".repeat(100_000)));
    for (kind, body) in [("application/json", large.to_string()), urlencoded] {
        let request = server.post("/api/send").header("content-type", kind).body(body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 413, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains("64 KB"), "{answer}");
        assert_eq!(answer["success"], false);
    }
    for (kind, body, expected) in [
        ("application/json", "{\"name\": \"Иван\", ", 400),
        ("application/json", "[1, 2]", 400),
        ("application/json", "", 400),
        ("application/x-www-form-urlencoded", "", 422),
        ("text/plain", "name=Иван", 415),
        ("multipart/form-data; boundary=x", "--x\r\nbroken", 400),
    ] {
        let request = server.post("/api/send").header("content-type", kind).body(body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, expected, "{kind} {body}: {answer}");
        assert_eq!(answer["success"], false);
        assert!(!answer["message"].as_str().unwrap().is_empty(), "{answer}");
    }
}

async fn fields_of_forms(server: &Watched, token: &str) {
    let good = fields(token, "+7 910 000-00-01", "fields");
    for (name, value, field) in [
        ("phone", "12", "phone"),
        ("phone", "телефон", "phone"),
        ("phone", "", "phone"),
        ("phone", "+7 910 000-00-01'; DROP TABLE leads; --", "phone"),
        ("email", "почта", "email"),
        ("policy", "", "policy"),
        ("policy", "off", "policy"),
    ] {
        let (status, answer) = server.form(&with(good.clone(), name, value)).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (422, Some("VALIDATION_ERROR")),
            "{name}={value}: {answer}"
        );
        assert!(
            answer["errors"][field].as_str().is_some_and(|text| !text.is_empty()),
            "{name}={value}: {answer}"
        );
    }
    let wrong = with(with(good, "phone", "12"), "policy", "");
    let (_, answer) = server.form(&wrong).await;
    let found: BTreeMap<String, String> = serde_json::from_value(answer["errors"].clone()).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["phone", "policy"], "all errors at once");
}

/// A token that is missing, forged or too fresh is a sign of a robot: its lead is taken, and held.
async fn tokens_of_forms(server: &Watched, token: &str) {
    let (unix, sign) = token.split_once('.').unwrap();
    let older = unix.parse::<i64>().unwrap() - 10_000;
    let answer = reqwest_client().get(server.url("/api/form-token")).send().await.unwrap();
    let (_, fresh) = read(answer).await;
    let early = fresh["token"].as_str().unwrap().to_owned();
    let bad = [
        "".to_owned(),
        "x".to_owned(),
        "1.2".to_owned(),
        format!("{older}.{sign}"),
        format!("{token}0"),
        early,
    ];
    for (n, bad) in bad.into_iter().enumerate() {
        let phone = format!("+7 910 000-01-{n:02}");
        let form = fields(&bad, &phone, &format!("tokens-{n}"));
        let (status, answer) = server.form(&form).await;
        assert_eq!((status, answer["success"].as_bool()), (200, Some(true)), "{bad}: {answer}");
    }
}

async fn repeats(server: &Watched, token: &str, data: &Path) {
    let first = fields(token, "+7 910 000-00-01", "once");
    let (status, answer) = server.form(&first).await;
    assert_eq!((status, answer["success"].as_bool()), (200, Some(true)), "{answer}");
    let number = answer["number"].as_i64().unwrap();
    // The same key: whatever the network repeated. Another key: the visitor pressed the button again.
    let edited = with(with(first.clone(), "message", "другое"), "name", "Пётр");
    for again in [first.clone(), edited, with(first.clone(), "idempotency_key", "twice")] {
        let (status, answer) = server.form(&again).await;
        assert_eq!((status, answer["number"].as_i64()), (200, Some(number)), "{answer}");
    }
    let all =
        tokio::join!(server.form(&first), server.form(&first), server.form(&first), server.form(&first));
    for (status, answer) in [all.0, all.1, all.2, all.3] {
        assert_eq!((status, answer["number"].as_i64()), (200, Some(number)), "{answer}");
    }
    let robot = with(fields(token, "+7 910 000-00-02", "robot"), "company_site", "http://spam.example");
    let (status, answer) = server.form(&robot).await;
    assert_eq!((status, answer["success"].as_bool()), (200, Some(true)), "a robot learns nothing: {answer}");

    let (store, client, found) = stored(data).await;
    let mut conn = store.read().await.unwrap();
    let mut held = Vec::new();
    for lead in &found {
        if ismart_leads::holding::is_held(&mut conn, client, lead.id).await.unwrap() {
            held.push(lead.draft.signals[0].code());
            let ways = deliveries::of_lead(&mut conn, client, lead.id).await.unwrap();
            assert!(ways.iter().all(|way| way.state.code() == "held"), "what is held goes nowhere: {ways:?}");
        }
    }
    held.sort_unstable();
    let expected = [
        "token_fast",
        "token_forged",
        "token_forged",
        "token_forged",
        "token_forged",
        "token_missing",
        "trap",
    ];
    assert_eq!(held, expected);
    assert_eq!(found.len(), held.len() + 1, "one lead of the person, the others held");
}

async fn messages(server: &Watched) {
    let arrival = json!({ "visitor": null, "page": server.url("/"), "referrer": "", "language": "ru" });
    let (_, welcome) = read(server.post("/api/chat/visit").json(&arrival).send().await.unwrap()).await;
    let token = welcome["visitor"].as_str().unwrap().to_owned();
    let say = |token: &str, text: &str| {
        let id = uuid(&Env::system());
        let body = json!({ "id": id, "text": text, "choice": null, "contact": null, "page": "/" });
        server.post("/api/chat/messages").bearer_auth(token).json(&body)
    };
    let raw = |kind: &str, body: &'static str| {
        server.post("/api/chat/messages").bearer_auth(&token).header("content-type", kind).body(body)
    };
    let shapeless = json!({ "id": "7", "text": "привет" });
    let cases = [
        (say(&token, &"x".repeat(100 * 1024)), 413, "body_too_large"),
        (say(&token, &"я".repeat(2001)), 413, "message_too_long"),
        (say(&token, "   "), 400, "message_empty"),
        (say("0123456789abcdef0123456789abcdef", "привет"), 401, "unknown_visitor"),
        (say("", "привет"), 401, "unknown_visitor"),
        (raw("application/json", "{\"id\": "), 400, "body_invalid"),
        (raw("application/json", "{\"text\": 5}"), 422, "body_invalid"),
        (raw("text/plain", "привет"), 415, "body_invalid"),
        (server.post("/api/chat/messages").bearer_auth(&token).json(&shapeless), 400, "message_id"),
    ];
    for (request, expected, code) in cases {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{code}");
        let (status, problem) = read(answer).await;
        assert_eq!((status, problem["code"].as_str()), (expected, Some(code)), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
    }
    let (status, stored) = read(say(&token, &"я".repeat(2000)).send().await.unwrap()).await;
    assert_eq!((status, stored["seq"].as_i64()), (202, Some(1)), "what was refused took no number: {stored}");
}

fn uuid(env: &Env) -> String {
    env.new_id::<ismart_domain::MessageId>().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_told_when_to_come_again() {
    let data = data_folder("[http]\nper_minute = 2\n");
    let server = Server::start(data.path()).await;
    let arrival = json!({ "visitor": null, "page": "/", "referrer": "", "language": "ru" });
    for (path, body, code) in [
        ("/api/send", json!({ "name": "Иван" }), "RATE_LIMIT_EXCEEDED"),
        ("/api/chat/visit", arrival, "too_many"),
    ] {
        let mut last = None;
        for _ in 0..5 {
            let request = reqwest_client().post(format!("{}{path}", server.base)).json(&body);
            let answer = request.send().await.unwrap();
            if answer.status() == 429 {
                last = Some(answer);
                break;
            }
        }
        let answer = last.unwrap_or_else(|| panic!("{path} takes a flood"));
        let seconds: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        let (_, body) = read(answer).await;
        assert_eq!(body["code"], code, "{body}");
    }
    let page = reqwest_client().get(&server.base).send().await.unwrap();
    assert_eq!(page.status(), 200, "pages are served all the same");
}

/// One way of misbehaving on the call that makes the record, each on a portal of its own.
fn misbehaviour() -> Vec<(&'static str, Rule)> {
    let status = |code, body, after_commit| Fault::Status { code, body, after_commit };
    let faults = [
        ("unavailable", status(503, FaultBody::Json, false)),
        ("throttled", status(429, FaultBody::Json, false)),
        ("proxy-page", status(502, FaultBody::Html, false)),
        ("proxy-page-after-commit", status(502, FaultBody::Html, true)),
        ("garbage-after-commit", status(200, FaultBody::Garbage, true)),
        ("cut-after-commit", status(200, FaultBody::Truncated, true)),
        ("dropped", Fault::DropBeforeCommit),
        ("dropped-after-commit", Fault::DropAfterCommit),
    ];
    faults.map(|(name, fault)| (name, Rule::new(fault).times(1).method("crm.item.add"))).into()
}

async fn portal(secret: &str) -> PortalHandle {
    let portal = Portal::builder(|| Env::system().now()).webhook(1, secret).limits(Limits::off());
    portal.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misbehaving_crm_gets_every_lead_once() {
    let mut config =
        "[http]\nallow_loopback = true\n[[client]]\nslug = \"avtograd\"\nname = \"А\"\n".to_owned();
    let mut portals = Vec::new();
    for (name, rule) in misbehaviour() {
        let portal = portal("drill").await;
        portal.faults().add(rule);
        config += &destination(name, &portal.webhook_url());
        portals.push((name, portal));
    }
    let closed = portal("right").await;
    config += &destination("closed", &closed.webhook_url().replace("/right/", "/wrongsecret/"));
    let data = data_folder(&config);
    let server = Watched::start(data.path()).await;
    let token = form_token(&reqwest_client(), &server.base).await;
    let (status, answer) = server.form(&fields(&token, "+7 910 000-00-03", "faults")).await;
    assert_eq!(status, 200, "success does not wait for any CRM: {answer}");

    let (store, client, found) = stored(data.path()).await;
    let lead = found.first().unwrap();
    let ways = async || -> BTreeMap<String, Delivery> {
        let mut conn = store.read().await.unwrap();
        let all = deliveries::of_lead(&mut conn, client, lead.id).await.unwrap();
        all.into_iter().map(|way| (way.destination.clone(), way)).collect()
    };
    until("every delivery ends", async || {
        let now = ways().await;
        now.values().all(|way| way.state.is_final() || way.state == DeliveryState::Paused)
    })
    .await;
    let end = ways().await;
    for (name, portal) in &portals {
        let way = &end[*name];
        assert_eq!(way.state, DeliveryState::Delivered, "{name}: {way:?}");
        assert!(way.attempts > 1, "{name}: the fault did not strike: {way:?}");
        let ledger = portal.ledger();
        let copies = ledger.leads();
        assert_eq!(copies.len(), 1, "{name}: one lead in the portal");
        assert_eq!(copies[0].text("originId"), lead.origin_id(), "{name}");
        assert_eq!(way.external_id, Some(copies[0].id.to_string()), "{name}");
    }
    let way = &end["closed"];
    assert_eq!(way.state, DeliveryState::Paused, "the lead waits: {way:?}");
    let reason = way.reason.as_deref().unwrap();
    assert!(
        reason.contains("webhook") && !reason.contains("wrongsecret"),
        "what to mend, no secret: {reason}"
    );
    assert_eq!(closed.count(Entity::Lead), 0);
    assert!(!server.log().contains("wrongsecret"), "secrets stay out of the log");
    assert!(
        !server.log().contains("910 000-00-03") && !server.log().contains("79100000003"),
        "persons stay out of it"
    );
}

fn destination(name: &str, webhook: &str) -> String {
    format!(
        "[[client.destination]]\nname = \"{name}\"\nkind = \"bitrix24\"\n[client.destination.settings]\n\
         webhook = \"{webhook}\"\nrate = 1000\nburst = 1000\n"
    )
}
