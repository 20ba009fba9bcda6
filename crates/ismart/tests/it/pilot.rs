//! The pilot kit: a site that somebody else serves, on another port, gets answers from its own pages.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{BINARY, HEAVY, Server, data_folder, reqwest_client, root, say};

const CONFIG: &str =
    "[http]\nallow_loopback = true\nper_minute = 100000\n[console]\nhosts = ['127.0.0.1', 'localhost']\n";

/// A site as PHP would serve it, which notes what it was asked for.
struct OldSite {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl OldSite {
    /// Serves pages that hold `line`.
    fn open(line: Arc<Mutex<String>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = head.next().and_then(Result::ok).unwrap_or_default();
                for line in head.by_ref() {
                    if line.is_ok_and(|line| line.is_empty()) {
                        break;
                    }
                }
                let path = first.split_whitespace().nth(1).unwrap_or("/").to_owned();
                let (status, kind, body) = answer(&path, &line.lock().unwrap());
                seen.lock().unwrap().push(path);
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                // A browser may leave before the last byte.
                let _left = stream.write_all((head + &body).as_bytes()).is_err();
            }
        });
        Self { port, asked }
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn page(title: &str, text: &str, line: &str) -> String {
    format!(
        "<!doctype html><html lang=ru><head><meta charset=utf-8><title>{title}</title>\
         <meta property=og:site_name content=\"Автоцентр Колесо\"></head><body><nav><a href=/>Главная</a> \
         <a href=/delivery.php>Доставка</a> <a href=/secret/plan>План</a> <a href=/gone>Нет</a> \
         <a href=https://elsewhere.example/>Чужая</a></nav><h1>{title}</h1>{text}<footer><a href=tel:+74951234567>\
         +7 495 123-45-67</a> <a href=/policy>Политика обработки персональных данных</a></footer>{line}</body></html>"
    )
}

fn answer(path: &str, line: &str) -> (&'static str, &'static str, String) {
    let html = |text: String| ("200 OK", "text/html; charset=utf-8", text);
    match path {
        "/" => html(page(
            "Автоцентр «Колесо»",
            "<p>Продаём и обслуживаем автомобили с 2004 года, ждём вас.</p>",
            line,
        )),
        "/delivery.php" => html(page(
            "Доставка автомобиля",
            "<p>Доставим купленный автомобиль автовозом в любой город России за 25 рублей за километр.</p>\
             <h2>Как встретить автовоз</h2><p>Водитель позвонит за день до приезда и назовёт место разгрузки.</p>",
            line,
        )),
        "/service" => {
            html(page("Сервис", "<p>Цех работает каждый день с 9 до 21 часа, запись по телефону.</p>", line))
        }
        "/policy" => html(page(
            "Политика",
            "<p>Мы обрабатываем персональные данные, чтобы ответить на вопрос.</p>",
            line,
        )),
        "/robots.txt" => ("200 OK", "text/plain", "User-agent: *\nDisallow: /secret/\n".to_owned()),
        "/sitemap.xml" => (
            "200 OK",
            "application/xml",
            "<urlset><url><loc>/service</loc></url><url><loc>/old</loc></url></urlset>".to_owned(),
        ),
        "/old" => ("302 Found\r\nlocation: /service", "text/html", String::new()),
        _ => ("404 Not Found", "text/html", "<h1>404</h1>".to_owned()),
    }
}

fn pilot(data: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(BINARY).arg("pilot").args(arguments).arg("--data").arg(data).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// A data folder with the pilot of the old site, and what the command printed.
fn added(old: &OldSite) -> (tempfile::TempDir, String) {
    let data = data_folder(CONFIG);
    let (done, text) = pilot(data.path(), &["add", &old.origin(), "--key", "koleso", "--pause", "0"]);
    assert!(done, "{text}");
    (data, text)
}

#[tokio::test]
async fn strange_origins_are_refused() {
    let old = OldSite::open(Arc::default());
    let (data, printed) = added(&old);
    assert!(printed.contains("4 pages of"), "{printed}");
    assert!(printed.contains("/pilot.js\" data-site=\"koleso\" async></script>"), "{printed}");
    let asked = old.asked.lock().unwrap().clone();
    assert_eq!(asked[0], "/robots.txt");
    assert!(!asked.iter().any(|path| path.starts_with("/secret")), "robots.txt forbids it: {asked:?}");
    assert!(asked.iter().filter(|path| *path == "/delivery.php").count() == 1, "{asked:?}");
    // What is there is not overwritten; what is wrong is said.
    let (done, text) = pilot(data.path(), &["add", &old.origin(), "--key", "koleso"]);
    assert!(!done && text.contains("is there already"), "{text}");
    let (done, text) = pilot(data.path(), &["add", &old.origin(), "--key", "../evil"]);
    assert!(!done && text.contains("cannot name a site"), "{text}");
    let (done, text) = pilot(data.path(), &["refresh", "avtograd"]);
    assert!(!done && text.contains("no `address` under [pilot]"), "{text}");
    let (done, text) = pilot(data.path(), &["refresh", "koleso", "--pause", "0"]);
    assert!(done && text.contains("4 pages"), "{text}");

    let server = Server::start(data.path()).await;
    let client = reqwest_client();
    let visit = format!("{}/pilot/koleso/api/chat/visit", server.base);
    let call = |url: String, origin: &'static str| {
        let request =
            client.post(url).json(&json!({ "visitor": null, "page": "http://x/", "language": "ru" }));
        async move { request.header("origin", origin).send().await.unwrap() }
    };
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let got = call(visit.clone(), origin).await;
        assert_eq!(got.status(), StatusCode::FORBIDDEN, "{origin}");
        let problem: Value = got.json().await.unwrap();
        assert_eq!(problem["code"], "origin", "{problem}");
    }
    let own = old.origin();
    let preflight = client.request(reqwest::Method::OPTIONS, &visit).header("origin", &own);
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-origin"], own.as_str());
    let got = client.post(&visit).header("origin", &own).json(&json!({ "page": own })).send().await.unwrap();
    assert_eq!(got.status(), StatusCode::OK);
    assert_eq!(got.headers()["access-control-allow-origin"], own.as_str());
    assert!(got.headers().get("access-control-allow-credentials").is_none(), "no cookie is ever needed");
    assert!(got.headers().get("set-cookie").is_none());
    let welcome: Value = got.json().await.unwrap();
    assert_eq!(welcome["business"]["phone"], "+7 495 123-45-67");
    // A visitor of one site is nobody on another.
    let token = welcome["visitor"].as_str().unwrap();
    let messages = format!("{}/api/chat/messages", server.base);
    let message = json!({ "id": "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d", "text": "Привет" });
    let other = client.post(messages).bearer_auth(token).json(&message).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    let none = call(format!("{}/pilot/nobody/api/chat/visit", server.base), "https://evil.example").await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_of_another_origin_gets_answers() {
    let node = Command::new("node").arg("--version").output().is_ok_and(|o| o.status.success());
    let chromium = Command::new("chromium").arg("--version").output().is_ok_and(|o| o.status.success());
    if !(node && chromium && root().join("e2e/node_modules/playwright-core").exists()) {
        say(
            "NOT RUN in a browser: node, chromium or playwright-core missing; npm ci --ignore-scripts --prefix e2e",
        );
        assert!(
            std::env::var_os("ISMART_REQUIRE").is_none(),
            "ISMART_REQUIRE is set: nothing may leave itself out"
        );
        return;
    }
    let _alone = HEAVY.lock().await;
    let line = Arc::new(Mutex::new(String::new()));
    let (old, strange) = (OldSite::open(line.clone()), OldSite::open(line.clone()));
    let (data, _) = added(&old);
    let server = Server::start(data.path()).await;
    *line.lock().unwrap() =
        format!("<script src=\"{}/pilot.js\" data-site=\"koleso\" async></script>", server.base);
    let (own, other) = (old.origin(), strange.origin());
    let run = move || {
        Command::new("node")
            .args(["--test", "pilot.test.mjs"])
            .current_dir(root().join("e2e"))
            .env("PILOT_SITE", own)
            .env("PILOT_STRANGER", other)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("# pass") || text.contains("ℹ pass"), "the runner ran no test: {text}");
}
