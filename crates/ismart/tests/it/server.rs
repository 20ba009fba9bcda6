//! Starts and stops the real binary.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Path of the binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_ismart");

/// Held by tests that keep both cores busy for minutes: side by side they would only slow each other down.
pub(crate) static HEAVY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Past the test harness's capture: a part that was not run must be seen.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

impl Server {
    /// Starts `ismart serve` on `port` over `data`; does not wait.
    pub(crate) fn spawn(data: &Path, port: u16) -> Self {
        let child = Command::new(BINARY)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, base: format!("http://127.0.0.1:{port}") }
    }

    /// Starts `ismart serve` and waits until it is healthy.
    pub(crate) async fn start(data: &Path) -> Self {
        let server = Self::spawn(data, free_port());
        server.healthy().await;
        server
    }

    /// Waits until `/health` answers 200.
    pub(crate) async fn healthy(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let client = reqwest_client();
        loop {
            let answer = client.get(format!("{}/health", self.base)).send().await;
            if answer.is_ok_and(|a| a.status() == 200) {
                return;
            }
            assert!(Instant::now() < deadline, "the server did not become healthy within a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGHUP.
    #[cfg(unix)]
    pub(crate) fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        // A process that has ended already is as good as killed.
        let _ended = self.child.kill().is_err();
        self.child.wait().unwrap();
    }
}

/// What `ismart demo` printed.
pub(crate) struct Demo {
    child: Child,
    pub(crate) site: String,
    pub(crate) portal: String,
    pub(crate) login: String,
    pub(crate) password: String,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ended = self.child.kill().is_err();
        self.child.wait().unwrap();
    }
}

impl Demo {
    /// Runs the newcomer's command and reads what it prints.
    pub(crate) fn start(data: &Path, extra: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["demo", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(extra)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut found = [String::new(), String::new(), String::new()];
        for line in lines.by_ref() {
            let line = line.unwrap();
            for (place, word) in found.iter_mut().zip(["Site", "Sign in", "Bitrix24"]) {
                if let Some(rest) = line.trim().strip_prefix(word) {
                    *place = rest.trim().to_owned();
                }
            }
            if line.contains("Ctrl-C") {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        let [site, sign_in, portal] = found;
        let mut words = sign_in.split_whitespace();
        let login = words.next().unwrap_or_default().to_owned();
        let password = words.nth(1).unwrap_or_default().to_owned();
        let portal = portal.split_whitespace().next().unwrap_or_default().to_owned();
        assert!(
            site.starts_with("http://") && portal.starts_with("http://"),
            "the demo printed no addresses"
        );
        Self { child, site: site.trim_end_matches('/').to_owned(), portal, login, password }
    }
}

/// The outside: a client that shares nothing with the product's own.
pub(crate) fn reqwest_client() -> reqwest::Client {
    ismart_testing::http_client().unwrap()
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A data folder with the demo dealer's site and this configuration.
pub(crate) fn data_folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples/avtograd"), &folder.path().join("sites/avtograd"));
    std::fs::write(folder.path().join("ismart.toml"), config).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A form token that is old enough to be used.
pub(crate) async fn form_token(client: &reqwest::Client, base: &str) -> String {
    let answer = client.get(format!("{base}/api/form-token")).send().await.unwrap();
    let body: serde_json::Value = answer.json().await.unwrap();
    let wait = body["min_age"].as_u64().unwrap();
    tokio::time::sleep(Duration::from_millis(wait * 1000 + 1000)).await;
    body["token"].as_str().unwrap().to_owned()
}

/// The password of everyone that [`user`] makes.
pub(crate) const PASSWORD: &str = "a long enough password";

/// Makes a person of a client with a role, as an administrator does: by command.
pub(crate) fn user(data: &Path, login: &str, client: &str, role: &str, language: &str) {
    let mut child = Command::new(BINARY)
        .args(["user", login, "--client", client, "--role", role, "--language", language, "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// The value of a hidden field of a page.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// Fields as a form sends them.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

fn cookies(answer: &reqwest::Response) -> String {
    let lines = answer.headers().get_all("set-cookie").iter();
    lines.map(|line| line.to_str().unwrap().split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

/// Sends a form to the console.
pub(crate) async fn post_form(
    client: &reqwest::Client,
    address: String,
    cookie: &str,
    form: String,
) -> reqwest::Response {
    let request = client.post(address).header("cookie", cookie);
    request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap()
}

/// Signs a person in; gives his cookies.
pub(crate) async fn sign_in(client: &reqwest::Client, base: &str, login: &str) -> String {
    let address = format!("{base}/console/sign-in");
    let door = client.get(&address).send().await.unwrap();
    let cookie = cookies(&door);
    let csrf = hidden(&door.text().await.unwrap(), "csrf");
    let form = form(&[("csrf", &csrf), ("login", login), ("password", PASSWORD)]);
    let entered = post_form(client, address, &cookie, form).await;
    assert_eq!(entered.status().as_u16(), 303);
    cookies(&entered)
}
