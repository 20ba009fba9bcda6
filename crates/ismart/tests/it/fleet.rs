//! Many sites in one process: no site's fault touches another.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ismart_testing::http_client;

const BINARY: &str = env!("CARGO_BIN_EXE_ismart");

struct Fleet {
    child: Child,
    base: String,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _gone = self.child.kill().is_err() || self.child.wait().is_err();
    }
}

impl Fleet {
    async fn start(data: &Path) -> Self {
        let log = std::fs::File::create(data.join("log")).unwrap();
        let child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--data", &data.display().to_string()])
            .stdout(log.try_clone().unwrap())
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let mut fleet = Self { child, base: String::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while fleet.base.is_empty() {
            let said = std::fs::read_to_string(data.join("log")).unwrap();
            assert!(Instant::now() < deadline && fleet.child.try_wait().unwrap().is_none(), "{said}");
            if let Some((_, rest)) = said.split_once("listening on ")
                && let Some((base, _)) = rest.split_once('\n')
            {
                fleet.base = base.trim().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        fleet
    }

    fn reload(&self) {
        let told = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    async fn ask(&self, host: &str, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.base);
        let answer = http_client().unwrap().get(url).header("host", host).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks until the answer has this status and text.
    async fn until(&self, host: &str, status: u16, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.ask(host, "/").await;
            if answer.0 == status && answer.1.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "{host} gives {} instead of {status}: {}", answer.0, answer.1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A small site of its own host.
fn site(data: &Path, name: &str, title: &str) {
    let root = data.join("sites").join(name);
    for folder in ["config", "data/json/ru/pages", "templates/pages", "templates/sections"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    write(
        "config/site.toml",
        &format!("client = \"{name}\"\nname = \"{title}\"\nhosts = [\"{name}.example\"]\n"),
    );
    write("data/json/global.json", "{\"lang\": [{\"code\": \"ru\"}]}");
    write(
        "data/json/ru/pages/index.json",
        &format!("{{\"sections\": [{{\"name\": \"text\", \"data\": {{\"title\": \"{title}\"}}}}]}}"),
    );
    write(
        "templates/pages/page.twig",
        "{% for section in sections %}{% include 'sections/' ~ section.name ~ '.twig' ignore missing with {'data': section.data} %}{% endfor %}",
    );
    write("templates/sections/text.twig", "<h1>{{ data.title }}</h1>");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_site_breaks_no_other() {
    let data = tempfile::tempdir().unwrap();
    for name in ["one", "two", "three"] {
        site(data.path(), name, name);
    }
    let index = data.path().join("sites/two/data/json/ru/pages/index.json");
    std::fs::write(&index, "{\"sections\": [").unwrap();
    let fleet = Fleet::start(data.path()).await;
    let said = std::fs::read_to_string(data.path().join("log")).unwrap();
    assert!(said.contains("two/data/json/ru/pages/index.json:1") && said.contains("fix:"), "{said}");
    assert_eq!(fleet.ask("one.example", "/").await, (200, "<h1>one</h1>".to_owned()));
    assert_eq!(fleet.ask("three.example", "/").await.0, 200);
    let (status, problem) = fleet.ask("two.example", "/").await;
    assert!(status == 503 && problem.contains("site_down"), "{status} {problem}");
    assert_eq!(fleet.ask("nobody.example", "/").await.0, 421);

    // Mended, it comes into service; what breaks meanwhile stays as it was.
    std::fs::write(&index, "{\"sections\": [{\"name\": \"text\", \"data\": {\"title\": \"back\"}}]}")
        .unwrap();
    std::fs::write(data.path().join("sites/one/data/json/global.json"), "[").unwrap();
    site(data.path(), "three", "changed");
    fleet.reload();
    fleet.until("two.example", 200, "<h1>back</h1>").await;
    fleet.until("three.example", 200, "<h1>changed</h1>").await;
    assert_eq!(fleet.ask("one.example", "/").await, (200, "<h1>one</h1>".to_owned()));

    // A template that does not compile is kept out as well, and a folder that is gone is no longer served.
    std::fs::write(data.path().join("sites/two/templates/sections/text.twig"), "{% if %}").unwrap();
    std::fs::remove_dir_all(data.path().join("sites/three")).unwrap();
    fleet.reload();
    fleet.until("three.example", 421, "unknown_host").await;
    assert_eq!(fleet.ask("two.example", "/").await.1, "<h1>back</h1>");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_kept_compressed_and_never_stale() {
    let data = tempfile::tempdir().unwrap();
    let long = "шины и диски ".repeat(200);
    site(data.path(), "one", &long);
    site(data.path(), "two", "two");
    let public = data.path().join("sites/one/public");
    std::fs::create_dir_all(&public).unwrap();
    std::fs::write(public.join("film.mp4"), (0..=255).collect::<Vec<u8>>()).unwrap();
    let fleet = Fleet::start(data.path()).await;
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        let mut request =
            http_client().unwrap().get(format!("{}{path}", fleet.base)).header("host", "one.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    };
    for encoding in ["br", "zstd", "gzip"] {
        let answer = ask("/", &[("accept-encoding", encoding)]).await;
        assert_eq!(answer.headers()["content-encoding"], encoding);
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
        assert!(answer.bytes().await.unwrap().len() < long.len() / 4);
        let again = ask("/", &[("accept-encoding", encoding), ("if-none-match", &etag)]).await;
        assert_eq!((again.status().as_u16(), again.bytes().await.unwrap().len()), (304, 0));
    }
    let before = ask("/", &[]).await;
    let etag = before.headers()["etag"].clone();
    site(data.path(), "one", "new");
    fleet.reload();
    fleet.until("one.example", 200, "<h1>new</h1>").await;
    let after = ask("/", &[("if-none-match", etag.to_str().unwrap())]).await;
    assert_eq!((after.status().as_u16(), after.text().await.unwrap().as_str()), (200, "<h1>new</h1>"));

    let part = ask("/film.mp4", &[("range", "bytes=10-19")]).await;
    assert_eq!(part.status().as_u16(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 10-19/256");
    assert_eq!(part.bytes().await.unwrap(), (10..20).collect::<Vec<u8>>());
    assert_eq!(ask("/film.mp4", &[("range", "bytes=999-")]).await.status().as_u16(), 416);
    let all = ask("/film.mp4", &[]).await;
    assert_eq!((all.status().as_u16(), all.bytes().await.unwrap().len()), (200, 256));
}
