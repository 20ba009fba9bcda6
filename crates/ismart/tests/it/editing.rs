//! The server is killed at random moments while somebody publishes; what was answered must be there, and no site may
//! be half of one publication and half of another.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ismart_domain::Env;
use serde_json::Value;

use crate::server::{self, BINARY, HEAVY, Server, data_folder, free_port, reqwest_client};

const KILLS: u32 = 20;
const FILES: [&str; 3] = ["pages/contacts", "pages/about", "pages/service"];
const FIELD: &str = "/sections/0/data/title";

fn config() -> &'static str {
    "[http]\nper_minute = 1000000\n[log]\nfilter = \"error\"\n[[client]]\nslug = \"avtograd\"\nname = \"Автоград\"\n"
}

/// A signed-in editor.
struct Editor {
    client: reqwest::Client,
    base: String,
    cookie: String,
    csrf: String,
}

fn add_user(data: &Path) {
    let mut child = Command::new(BINARY)
        .args(["user", "editor", "--role", "editor", "--client", "avtograd", "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("drill-password-1\n".as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn csrf(body: &str) -> String {
    let (_, rest) = body.split_once("name=\"csrf\" value=\"").expect("the page has a form");
    rest.split('"').next().unwrap().to_owned()
}

fn cookies(answer: &reqwest::Response, known: &mut BTreeMap<String, String>) {
    for line in answer.headers().get_all("set-cookie") {
        let pair = line.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        known.insert(name.to_owned(), value.to_owned());
    }
}

fn joined(known: &BTreeMap<String, String>) -> String {
    known.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

impl Editor {
    async fn sign_in(base: &str) -> Self {
        let client = reqwest_client();
        let mut known = BTreeMap::new();
        let door = client.get(format!("{base}/console/sign-in")).send().await.unwrap();
        cookies(&door, &mut known);
        let token = csrf(&door.text().await.unwrap());
        let entered = client
            .post(format!("{base}/console/sign-in"))
            .header("cookie", joined(&known))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("csrf={token}&login=editor&password=drill-password-1"))
            .send()
            .await
            .unwrap();
        cookies(&entered, &mut known);
        let cookie = joined(&known);
        let page = client
            .get(format!("{base}/console/site/avtograd"))
            .header("cookie", &cookie)
            .send()
            .await
            .unwrap();
        assert_eq!(page.status(), 200);
        let csrf = csrf(&page.text().await.unwrap());
        Self { client, base: base.to_owned(), cookie, csrf }
    }

    /// Sends a form as the console's script does; `None` when the server went away.
    async fn post(&self, path: &str, fields: &[(String, String)]) -> Option<reqwest::StatusCode> {
        let encode =
            |text: &str| -> String {
                text.bytes()
                    .map(|b| {
                        if b.is_ascii_alphanumeric() {
                            char::from(b).to_string()
                        } else {
                            format!("%{b:02X}")
                        }
                    })
                    .collect()
            };
        let body: Vec<String> = fields.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
        let answer = self
            .client
            .post(format!("{}/console/site/avtograd{path}", self.base))
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
            .send()
            .await
            .ok()?;
        Some(answer.status())
    }

    /// Changes one text in three files and publishes them together; whether that was answered.
    async fn publish(&self, n: u32) -> bool {
        let fields: Vec<(String, String)> = FILES
            .iter()
            .map(|file| (format!("s:data/json/ru/{file}.json#{FIELD}"), format!("Проверка {n}")))
            .collect();
        if self
            .post("/save", &fields)
            .await
            .is_none_or(|status| status.is_client_error() || status.is_server_error())
        {
            return false;
        }
        let message =
            [("message".to_owned(), format!("Проверка {n}")), ("reason".to_owned(), "drill".to_owned())];
        self.post("/publish", &message)
            .await
            .is_some_and(|status| status.is_redirection() || status.is_success())
    }
}

/// The number that each file carries; `None` before the first publication.
fn numbers(data: &Path) -> Vec<Option<u32>> {
    let read = |file: &&str| {
        let path = data.join(format!("sites/avtograd/data/json/ru/{file}.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        value.pointer(FIELD).unwrap().as_str().unwrap().strip_prefix("Проверка ")?.parse().ok()
    };
    FILES.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_while_publishing() {
    let _alone = HEAVY.lock().await;
    let data = data_folder(config());
    add_user(data.path());
    let port = free_port();
    let mut server = Server::spawn(data.path(), port);
    server.healthy().await;
    let editor = Editor::sign_in(&server.base).await;
    let (mut sent, mut last_answered, mut answered, mut lost, mut half) = (0, 0, 0, 0, 0);
    let mut between = 0;
    // A kill must find publications at work: the window follows the machine.
    let begun = Instant::now();
    sent += 1;
    assert!(editor.publish(sent).await, "the first publication");
    answered += 1;
    last_answered = last_answered.max(sent);
    let took = begun.elapsed();
    for _ in 0..KILLS {
        let share = u32::from(Env::system().random::<1>()[0]);
        let deadline = Instant::now() + took / 2 + took * share / 100;
        let work = async {
            loop {
                sent += 1;
                if editor.publish(sent).await {
                    last_answered = sent;
                    answered += 1;
                }
            }
        };
        let _cut = tokio::time::timeout_at(deadline.into(), work).await.is_err();
        server.kill();
        let at_kill = numbers(data.path());
        between += u32::from(at_kill.iter().any(|n| *n != at_kill[0]));
        server = Server::spawn(data.path(), port);
        server.healthy().await;
        let after = numbers(data.path());
        half += u32::from(after.iter().any(|n| *n != after[0]));
        lost += u32::from(after[0].unwrap_or(0) < last_answered);
        let page = reqwest_client().get(format!("{}/contacts", server.base)).send().await.unwrap();
        let body = page.text().await.unwrap();
        if let Some(n) = after[0] {
            assert!(body.contains(&format!("Проверка {n}")), "visitors do not see publication {n}");
        }
    }
    // Publish to visible, on the side: a figure, not a judgement.
    let mut slowest = Duration::ZERO;
    for n in 1..=10 {
        let text = 10_000 + n;
        let begun = Instant::now();
        assert!(editor.publish(text).await, "publication {text}");
        let page = reqwest_client().get(format!("{}/contacts", server.base)).send().await.unwrap();
        assert!(page.text().await.unwrap().contains(&format!("Проверка {text}")), "visible at once");
        slowest = slowest.max(begun.elapsed());
    }
    let counts = format!(
        "kills={KILLS} sent={sent} answered={answered} killed_between_files={between} lost={lost} half={half} \
         slowest_save_publish_visible_ms={}",
        slowest.as_millis()
    );
    server::say(&format!("publishing drill: {counts}"));
    // The goals read this line.
    println!("kill_nine_while_publishing: {counts}");
    assert_eq!((lost, half), (0, 0));
    assert!(answered > 5, "too few publications for a drill: {answered}");
}
