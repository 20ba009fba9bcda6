//! The API of the real server: keys, clients kept apart, repeats, tags, and what schemathesis makes of it.

mod writes;

use std::process::{Command, Output};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{self, HEAVY, Server, data_folder, form, hidden, post_form, reqwest_client, root, say};

const CONFIG: &str = "[console]\nhosts = ['127.0.0.1']\n[http]\nper_minute = 1000000\n[api]\nper_minute = 1000000\n\
    [[client]]\nslug = 'avtograd'\nname = 'Автоград'\n[[client]]\nslug = 'other'\nname = 'Другой'\n";
const ALL: [&str; 5] = ["content:read", "content:write", "forms:submit", "leads:read", "leads:write"];

/// A server with two clients: `avtograd` has two sites, `other` has one.
struct House {
    server: Server,
    client: reqwest::Client,
    _data: tempfile::TempDir,
}

/// What a call was answered.
struct Got {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }
}

impl House {
    async fn open(config: &str) -> Self {
        let data = data_folder(config);
        let sites = data.path().join("sites");
        for (name, client) in [("second", "avtograd"), ("stranger", "other")] {
            let copied =
                Command::new("cp").arg("-r").arg(sites.join("avtograd")).arg(sites.join(name)).status();
            assert!(copied.unwrap().success());
            let file = sites.join(name).join("config/site.toml");
            let text = std::fs::read_to_string(&file).unwrap();
            let text = text.replace("client = \"avtograd\"", &format!("client = \"{client}\""));
            let hosts = format!("hosts = [\"{name}.example\"]");
            let called = format!("name = \"{name}\"");
            let line = |line: &str| match line {
                line if line.starts_with("hosts = ") => hosts.clone(),
                line if line.starts_with("name = ") => called.clone(),
                line => line.to_owned(),
            };
            std::fs::write(&file, text.lines().map(line).collect::<Vec<_>>().join("\n")).unwrap();
        }
        for (login, client) in [("ours", "avtograd"), ("theirs", "other")] {
            server::user(data.path(), login, client, "owner", "en");
        }
        Self { server: Server::start(data.path()).await, client: reqwest_client(), _data: data }
    }

    /// Makes a key as a person does: in the console.
    async fn key(&self, login: &str, scopes: &[&str], site: Option<&str>) -> String {
        let base = &self.server.base;
        let cookie = server::sign_in(&self.client, base, login).await;
        let tokens = self.client.get(format!("{base}/console/tokens")).header("cookie", &cookie);
        let text = tokens.send().await.unwrap().text().await.unwrap();
        let mut fields =
            vec![("csrf", hidden(&text, "csrf")), ("name", "test".to_owned()), ("term", "30".to_owned())];
        fields.extend(scopes.iter().map(|scope| ("scope", (*scope).to_owned())));
        if let Some(site) = site {
            let (before, _) =
                text.split_once(&format!(">{site}</option>")).unwrap_or_else(|| panic!("{text}"));
            let (_, id) = before.rsplit_once("value=\"").unwrap();
            fields.push(("site", id.trim_end_matches('"').to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let address = format!("{base}/console/tokens");
        let made = post_form(&self.client, address, &cookie, form(&fields)).await.text().await.unwrap();
        let (_, rest) = made.split_once("id=\"key\">").unwrap_or_else(|| panic!("{made}"));
        rest.split('<').next().unwrap().to_owned()
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        more: &[(&str, &str)],
        body: Option<Value>,
    ) -> Got {
        let mut request = self.client.request(method, format!("{}{path}", self.server.base));
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Got { status, headers, text: answer.text().await.unwrap() }
    }

    async fn get(&self, path: &str, key: &str) -> Got {
        self.call(Method::GET, &format!("/api/v1{path}"), key, &[], None).await
    }

    /// Sends a form; gives the lead.
    async fn submit(&self, key: &str, site: &str, idempotency_key: &str, body: Value) -> Got {
        let path = format!("/api/v1/sites/{site}/forms/callback/submissions");
        self.call(Method::POST, &path, key, &[("idempotency-key", idempotency_key)], Some(body)).await
    }
}

fn filled() -> Value {
    json!({ "fields": { "name": "Анна", "phone": "+7 910 123-45-67" }, "consent": true })
}

/// Every operation of the description: method, path, whether it answers without a key too.
fn operations(document: &Value) -> Vec<(Method, String, bool)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let open = operation["security"].as_array().unwrap().iter().any(|s| s == &json!({}));
            all.push((method.to_uppercase().parse().unwrap(), path.clone(), open));
        }
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

/// A body that the operation reads.
fn body_of(method: &Method, path: &str) -> Option<Value> {
    let content = json!({ "sections": [] });
    if *method == Method::PUT {
        return Some(json!({ "content": content }));
    }
    let last = path.rsplit('/').next().unwrap();
    match (method == Method::POST, last) {
        (true, "submissions") => Some(filled()),
        (true, "pages") => Some(json!({ "id": "contacts", "content": content })),
        (true, "entities") => Some(json!({ "slug": "new", "content": content })),
        (true, "sections") => Some(json!({ "name": "text", "data": {} })),
        (true, "publication") => Some(json!({})),
        _ => None,
    }
}

#[tokio::test]
async fn clients_are_kept_apart_in_every_operation() {
    let house = House::open(CONFIG).await;
    let document = house.get("/openapi.json", "").await;
    let committed = std::fs::read_to_string(root().join("docs/reference/openapi.json")).unwrap();
    assert!(document.text == committed, "docs/reference/openapi.json differs: run cargo xtask generate");
    let ours = house.key("ours", &ALL, None).await;
    let theirs = house.key("theirs", &ALL, None).await;
    let of_second = house.key("ours", &ALL, Some("second")).await;
    let powerless = house.key("ours", &["forms:submit"], None).await;
    let sent = house.submit(&ours, "avtograd", "isolation-1", filled()).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let lead = sent.json()["lead"].as_str().unwrap().to_owned();
    let whole = house.get(&format!("/leads/{lead}"), &ours).await.json();
    let delivery = whole["deliveries"][0]["id"].as_str().unwrap().to_owned();
    let cars = house.get("/sites/avtograd/collections/cars/entities", &ours).await.json();
    let slug = cars["items"][0]["slug"].as_str().unwrap().to_owned();
    let ids = [
        ("{site}", "avtograd"),
        ("{page}", "index"),
        ("{file}", "0.html"),
        ("{collection}", "cars"),
        ("{slug}", &*slug),
        ("{form}", "callback"),
        ("{lead}", &*lead),
        ("{delivery}", &*delivery),
    ];
    for (method, path, open) in operations(&document.json()) {
        let path = ids.iter().fold(path, |path, (name, id)| path.replace(name, id));
        assert!(!path.contains('{'), "{path}: a parameter that this test does not know");
        let named = path.contains("/avtograd") || path.contains(&*lead);
        let body = body_of(&method, &path);
        let call = |key: String, host: &'static str| {
            let (house, method, path, body) = (&house, method.clone(), path.clone(), body.clone());
            async move {
                let mut more = vec![("idempotency-key", "isolation-2")];
                if !host.is_empty() {
                    more.push(("host", host));
                }
                house.call(method, &path, &key, &more, body).await
            }
        };
        let what = format!("{method} {path}");
        for (key, who) in [(&theirs, "another client"), (&of_second, "a key of another site")] {
            let got = call(key.clone(), "").await;
            if named {
                assert_eq!(got.status, StatusCode::NOT_FOUND, "{who}: {what}: {}", got.text);
            }
            for trace in ["avtograd.localhost", "910", &*lead] {
                assert!(!got.text.contains(trace), "{who}: {what} tells {trace}: {}", got.text);
            }
        }
        let wrong = "ism_".to_owned() + &"0".repeat(64);
        for key in [String::new(), wrong, "nothing".to_owned()] {
            let got = call(key, "").await;
            assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{what}: {}", got.text);
            assert!(got.header("www-authenticate").starts_with("Bearer"), "{what}");
            assert_eq!(got.header("content-type"), "application/problem+json", "{what}");
        }
        if !path.ends_with("submissions") {
            assert_eq!(call(powerless.clone(), "").await.status, StatusCode::FORBIDDEN, "{what}");
        }
        let got = call(ours.clone(), "").await;
        let unread = method != Method::GET && got.text.contains("\"if_match\"");
        let fine = got.status.is_success() || got.status == StatusCode::CONFLICT || unread;
        assert!(fine, "{what}: {} {}", got.status, got.text);
        assert!(got.header("ratelimit").contains(";r="), "{what}");
        // A site's own host shows what visitors see, and nothing more; another site's shows nothing.
        let own = call(String::new(), "avtograd.localhost").await.status;
        let expected = if open { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(own, expected, "{what} on the site's host");
        assert_eq!(call(String::new(), "second.example").await.status, StatusCode::NOT_FOUND, "{what}");
        assert_eq!(call(ours.clone(), "second.example").await.status, StatusCode::NOT_FOUND, "{what}");
    }
}

#[tokio::test]
async fn content_comes_in_pages_with_tags_and_as_fragments() {
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &["content:read"], None).await;
    let sites = house.get("/sites", &key).await.json();
    let names: Vec<&str> =
        sites["items"].as_array().unwrap().iter().map(|s| s["site"].as_str().unwrap()).collect();
    assert_eq!(names, ["avtograd", "second"]);
    // Pages of a list follow each other without gap.
    let mut slugs = Vec::new();
    let mut next = String::new();
    loop {
        let page = house.get(&format!("/sites/avtograd/collections/cars/entities?limit=7{next}"), &key).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let page = page.json();
        slugs
            .extend(page["items"].as_array().unwrap().iter().map(|c| c["slug"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let all = house.get("/sites/avtograd/collections/cars/entities?limit=200", &key).await.json();
    let whole: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|c| c["slug"].as_str().unwrap()).collect();
    assert!(whole.len() > 14 && slugs == whole, "{slugs:?}");
    // Filters and order.
    let path = "/sites/avtograd/collections/cars/entities?filter=price%3E%3D2000000&sort=-price&limit=200";
    let dear = house.get(path, &key).await.json();
    let prices: Vec<i64> =
        dear["items"].as_array().unwrap().iter().map(|c| c["item"]["price"].as_i64().unwrap()).collect();
    assert!(!prices.is_empty() && prices.len() < whole.len());
    assert!(
        prices.windows(2).all(|pair| pair[0] >= pair[1]) && prices.iter().all(|price| *price >= 2_000_000)
    );
    // Every visible section is found in the document of its page.
    let path = "/api/v1/sites/avtograd/pages/index/document.html";
    let document = house.call(Method::GET, path, &key, &[], None).await;
    assert_eq!(document.header("content-security-policy"), "sandbox");
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = squeeze(&document.text);
    let sections = house.get("/sites/avtograd/pages/index/sections", &key).await.json();
    let mut fragments = 0;
    for section in sections["items"].as_array().unwrap() {
        let Some(href) = section["href"].as_str() else { continue };
        let got = house.call(Method::GET, href, &key, &[], None).await;
        assert_eq!(got.status, StatusCode::OK, "{href}: {}", got.text);
        assert!(page.contains(&squeeze(&got.text)), "{href} is no part of its page");
        let by_name =
            format!("/sites/avtograd/pages/index/sections/{}.html", section["name"].as_str().unwrap());
        assert_eq!(house.get(&by_name, &key).await.status, StatusCode::OK, "{by_name}");
        fragments += 1;
    }
    assert!(fragments > 3);
    // Tags.
    let first = house.get("/sites/avtograd/pages/index", &key).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(
        first.json()["content"]["sections"].as_array().unwrap().len(),
        sections["items"].as_array().unwrap().len()
    );
    let path = "/api/v1/sites/avtograd/pages/index";
    let again = house.call(Method::GET, path, &key, &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let forms = house.get("/sites/avtograd/forms", &key).await.json();
    let callback = forms["items"].as_array().unwrap().iter().find(|form| form["name"] == "callback").unwrap();
    let phone = callback["fields"].as_array().unwrap().iter().find(|field| field["name"] == "phone").unwrap();
    assert_eq!(
        (phone["required"].as_bool(), phone["kind"].as_str()),
        (Some(true), Some("tel")),
        "{callback}"
    );
    // Wrong questions say why.
    for (path, status, code) in [
        ("/sites/avtograd/pages?limit=0", 400, "limit"),
        ("/sites/avtograd/pages?limit=x", 400, "query"),
        ("/sites/avtograd/pages?limit=1&limit=2", 400, "query"),
        ("/sites/avtograd/pages?colour=red", 400, "query"),
        ("/sites/avtograd/pages?language=RU", 400, "language"),
        ("/sites/avtograd/pages?language=fr", 404, "language"),
        ("/sites/avtograd/pages?cursor=zz", 404, "cursor"),
        ("/sites/avtograd/pages/no-such", 404, "not_found"),
        ("/sites/avtograd/pages/index/sections/99.html", 404, "not_found"),
        ("/sites/avtograd/pages/index/sections/0.json", 404, "not_found"),
        ("/sites/avtograd/pages/..%2F..%2Fetc", 404, "not_found"),
        ("/sites/avtograd/collections/none/entities", 404, "collection"),
        ("/sites/avtograd/collections/cars/entities?filter=price", 400, "filter"),
        ("/nothing", 404, "not_found"),
    ] {
        let got = house.get(path, &key).await;
        assert_eq!(
            (got.status.as_u16(), got.json()["code"].as_str()),
            (status, Some(code)),
            "{path}: {}",
            got.text
        );
    }
    let other = house.call(Method::PUT, "/api/v1/sites", &key, &[], None).await;
    assert_eq!(
        (other.status, other.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"),
        "{}",
        other.text
    );
}

#[tokio::test]
async fn a_submission_is_stored_once() {
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &ALL, None).await;
    let first = house.submit(&key, "avtograd", "repeat-001", filled()).await;
    let again = house.submit(&key, "avtograd", "repeat-001", filled()).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.text, again.text);
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    let mut other = filled();
    other["fields"]["name"] = json!("Пётр");
    let refused = house.submit(&key, "avtograd", "repeat-001", other.clone()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["code"], "idempotency_key_reused");
    // Many at once under one key are one lead.
    let mut body = filled();
    body["fields"]["phone"] = json!("+7 910 765-43-21");
    let calls = (0..8).map(|_| house.submit(&key, "avtograd", "repeat-002", body.clone()));
    let many = futures(calls).await;
    assert!(many.iter().all(|got| got.status == StatusCode::CREATED && got.text == many[0].text));
    let leads = house.get("/leads", &key).await.json();
    assert_eq!(leads["items"].as_array().unwrap().len(), 2, "{leads}");
    let newest = house.get("/leads?limit=1", &key).await.json();
    let cursor = newest["next"].as_str().unwrap();
    let oldest = house.get(&format!("/leads?cursor={cursor}"), &key).await.json();
    assert_eq!(oldest["items"][0]["id"], first.json()["lead"]);
    assert_eq!((oldest["items"][0]["phone"].as_str(), oldest["next"].as_str()), (Some("+79101234567"), None));
    // What cannot be taken says why, and its key stays free.
    let mut wrong = filled();
    wrong["fields"]["phone"] = json!("12");
    wrong["consent"] = json!(false);
    let refused = house.submit(&key, "avtograd", "repeat-003", wrong).await;
    let errors = refused.json()["errors"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        (refused.status, errors),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["phone".to_owned(), "policy".to_owned()])
    );
    assert_eq!(house.submit(&key, "avtograd", "repeat-003", other).await.status, StatusCode::CREATED);
    let path = "/api/v1/sites/avtograd/forms/callback/submissions";
    for (headers, body, status) in [
        (vec![], filled(), 400),
        (vec![("idempotency-key", "short")], filled(), 400),
        (vec![("idempotency-key", "long-enough")], json!({ "fields": {}, "consent": true, "extra": 1 }), 422),
        (vec![("idempotency-key", "long-enough")], json!([1]), 422),
    ] {
        let got = house.call(Method::POST, path, &key, &headers, Some(body)).await;
        assert_eq!(got.status.as_u16(), status, "{}", got.text);
    }
    let huge = json!({ "fields": { "message": "x".repeat(100_000) }, "consent": true });
    let got = house.call(Method::POST, path, &key, &[("idempotency-key", "long-enough")], Some(huge)).await;
    assert_eq!(
        (got.status, got.json()["code"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("body_too_large"))
    );
}

async fn futures<T>(calls: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = calls.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (call, slot) in pending.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = call.as_mut().poll(cx)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_key_that_asks_too_much_is_told_when_to_come_again() {
    let house = House::open(&CONFIG.replace("[api]\nper_minute = 1000000", "[api]\nper_minute = 3")).await;
    let (key, other) = (house.key("ours", &ALL, None).await, house.key("ours", &ALL, None).await);
    let mut left = Vec::new();
    for _ in 0..3 {
        let got = house.get("/sites", &key).await;
        assert_eq!((got.status, got.header("ratelimit-policy")), (StatusCode::OK, "\"default\";q=3;w=60"));
        left.push(got.header("ratelimit").split(';').nth(1).unwrap().to_owned());
    }
    assert_eq!(left, ["r=2", "r=1", "r=0"]);
    let got = house.get("/sites", &key).await;
    assert_eq!((got.status, got.json()["code"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("too_many")));
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(house.get("/sites", &other).await.status, StatusCode::OK, "another key is not concerned");
}

#[tokio::test]
async fn content_is_changed_through_the_gate_and_never_blindly() {
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &ALL, None).await;
    let reader = house.key("ours", &["content:read"], None).await;
    let path = "/api/v1/sites/avtograd/pages/contacts";
    let read = house.call(Method::GET, path, &key, &[], None).await;
    let tag = read.header("etag").to_owned();
    let mut content = read.json()["content"].clone();
    content["title"] = json!("Контакты через API");
    let change = json!({ "content": content, "message": "new title" });
    let put = |key: &str, tag: String, body: Value| {
        let (house, key) = (&house, key.to_owned());
        async move {
            let more: Vec<(&str, &str)> = if tag.is_empty() { vec![] } else { vec![("if-match", &tag)] };
            house.call(Method::PUT, path, &key, &more, Some(body)).await
        }
    };
    assert_eq!(put(&reader, tag.clone(), change.clone()).await.status, StatusCode::FORBIDDEN);
    for (tag, status, code) in [("", 400, "if_match"), ("\"other\"", 412, "changed"), ("*", 412, "changed")] {
        let got = put(&key, tag.to_owned(), change.clone()).await;
        assert_eq!(
            (got.status.as_u16(), got.json()["code"].as_str()),
            (status, Some(code)),
            "{tag}: {}",
            got.text
        );
    }
    let done = put(&key, tag.clone(), change.clone()).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.json()["revision"].as_i64().unwrap() > 0, "{}", done.text);
    assert_eq!(done.json()["file"], "data/json/ru/pages/contacts.json");
    let now = house.call(Method::GET, path, &key, &[], None).await;
    assert_eq!(now.json()["content"]["title"], "Контакты через API");
    assert_eq!(put(&key, tag, change).await.status, StatusCode::PRECONDITION_FAILED, "somebody was faster");
    // What would disappoint visitors is held, with the reason, and leaves nothing behind.
    let tag = now.header("etag").to_owned();
    let broken =
        json!({ "content": { "title": "x", "sections": [{ "name": "no-such-section", "data": {} }] } });
    let held = put(&key, tag.clone(), broken).await;
    assert_eq!(held.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", held.text);
    assert!(!held.json()["errors"].as_object().unwrap().is_empty(), "{}", held.text);
    let same = house.call(Method::GET, path, &key, &[], None).await;
    assert_eq!(same.header("etag"), tag);
    for wrong in [json!([]), json!({ "content": [] }), json!({ "content": {}, "more": 1 }), json!("x")] {
        assert_eq!(put(&key, tag.clone(), wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // What a feed brings is changed in the feed.
    let cars = house.get("/sites/avtograd/collections/cars/entities?limit=1", &key).await.json();
    let car = cars["items"][0]["href"].as_str().unwrap().split('?').next().unwrap().to_owned();
    let body = json!({ "content": {} });
    let got = house.call(Method::PUT, &car, &key, &[("if-match", "\"x\"")], Some(body)).await;
    assert_eq!((got.status, got.json()["code"].as_str()), (StatusCode::CONFLICT, Some("feed")));
}

/// The program, installed as `.ci/run` does it.
fn schemathesis() -> Option<std::path::PathBuf> {
    let path = root().join("e2e/.venv/bin/schemathesis");
    path.exists().then_some(path)
}

#[tokio::test]
async fn schemathesis_finds_nothing() {
    let Some(program) = schemathesis() else {
        say(
            "NOT RUN: schemathesis is missing; python3 -m venv e2e/.venv && e2e/.venv/bin/pip install -r e2e/requirements.txt",
        );
        assert!(
            std::env::var_os("ISMART_REQUIRE").is_none(),
            "ISMART_REQUIRE is set: nothing may leave itself out"
        );
        return;
    };
    let _alone = HEAVY.lock().await;
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &ALL, None).await;
    let sent = house.submit(&key, "avtograd", "schemathesis", filled()).await.json();
    let base = house.server.base.clone();
    // The program leaves a cache where it stands.
    let place = tempfile::tempdir().unwrap();
    let standing = place.path().to_path_buf();
    let run = move || -> Output {
        Command::new(program)
            .arg("--config-file")
            .arg(root().join("crates/ismart/tests/schemathesis.toml"))
            .args(["run", "--no-color"])
            .arg(format!("{base}/api/v1/openapi.json"))
            .current_dir(standing)
            .env("ISMART_KEY", key)
            .env("ISMART_LEAD", sent["lead"].as_str().unwrap())
            .output()
            .unwrap()
    };
    let output = tokio::time::timeout(Duration::from_secs(600), tokio::task::spawn_blocking(run))
        .await
        .unwrap()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("No issues found"), "{text}");
    // A run that never got in would find nothing either.
    assert!(!text.contains("401"), "{text}");
    say(text.lines().rev().take(3).collect::<Vec<_>>().join(" ").trim());
}
