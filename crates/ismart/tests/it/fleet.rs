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
        Self::start_with(data, &[]).await
    }

    async fn start_with(data: &Path, further: &[&str]) -> Self {
        let log = std::fs::File::create(data.join("log")).unwrap();
        let child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--data", &data.display().to_string()])
            .args(further)
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

/// A fleet of three sites over a core of two versions.
fn cored(data: &Path) {
    for (version, mark) in [("1.0", "old"), ("1.1", "new")] {
        let root = data.join("cores/shop").join(version).join("templates");
        for folder in ["pages", "sections"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("pages/page.twig"), "{{ include('sections/mark.twig') }}").unwrap();
        std::fs::write(root.join("sections/mark.twig"), format!("<h1>{mark} {{{{ global.name }}}}</h1>\n"))
            .unwrap();
    }
    for name in ["one", "two", "three"] {
        let root = data.join("sites").join(name);
        for folder in ["config", "data/json/ru/pages"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        write(
            "config/site.toml",
            &format!(
                "client = \"{name}\"\nname = \"{name}\"\nhosts = [\"{name}.example\"]\n[core]\nname = \"shop\"\nversion = \"1.0\"\n"
            ),
        );
        write("data/json/global.json", &format!("{{\"name\": \"{name}\"}}"));
        write("data/json/ru/pages/index.json", "{\"sections\": []}");
    }
}

/// Runs `ismart fleet …` over the data folder: exit code and what it said.
fn fleet_command(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(BINARY)
        .arg("fleet")
        .args(arguments)
        .args(["--data", &data.display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_s_version_goes_out_by_waves_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    cored(data.path());
    // The third site would break: its own template asks for what the new core no longer has.
    let own = data.path().join("sites/three/templates/sections");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("mark.twig"), "{{ include('sections/gone.twig') }}").unwrap();
    std::fs::write(data.path().join("cores/shop/1.0/templates/sections/gone.twig"), "<h1>own three</h1>")
        .unwrap();
    let fleet = Fleet::start(data.path()).await;
    assert_eq!(fleet.ask("one.example", "/").await.1, "<h1>old one</h1>\n");
    assert_eq!(fleet.ask("three.example", "/").await.1, "<h1>own three</h1>");

    let (code, said) = fleet_command(data.path(), &["preview", "shop", "--to", "1.1"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("-<h1>old one</h1>") && said.contains("+<h1>new one</h1>"), "{said}");
    assert!(said.contains("three: BREAKS: / would answer 500"), "{said}");
    let (code, said) =
        fleet_command(data.path(), &["plan", "shop", "--to", "1.1", "--first", "two", "--waves", "1,100%"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fleet.ask("two.example", "/").await.1, "<h1>old two</h1>\n", "a plan changes nothing");

    let (code, said) = fleet_command(data.path(), &["roll"]);
    assert_eq!(code, Some(0), "{said}");
    fleet.until("two.example", 200, "<h1>new two</h1>").await;
    assert_eq!(fleet.ask("one.example", "/").await.1, "<h1>old one</h1>\n", "its wave has not begun");
    let (code, said) = fleet_command(data.path(), &["roll"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("three") && said.contains("held: / would answer 500"), "{said}");
    fleet.until("one.example", 200, "<h1>new one</h1>").await;
    assert_eq!(fleet.ask("three.example", "/").await.1, "<h1>own three</h1>", "what would break stays");
    let (code, said) = fleet_command(data.path(), &["drift"]);
    assert!(code == Some(0) && said.contains("shop 1.1") && said.contains("shop 1.0"), "{said}");

    let (code, said) = fleet_command(data.path(), &["back"]);
    assert_eq!(code, Some(0), "{said}");
    fleet.until("one.example", 200, "<h1>old one</h1>").await;
    fleet.until("two.example", 200, "<h1>old two</h1>").await;
    let (code, said) = fleet_command(data.path(), &["roll"]);
    assert!(code == Some(1) && said.contains("has no wave left"), "{said}");
    let (code, said) = fleet_command(data.path(), &["plan", "shop", "--to", "9"]);
    assert!(code == Some(1) && said.contains("use one of its versions: 1.0, 1.1"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_pages_hear_of_a_changed_template() {
    use futures::StreamExt;
    let data = tempfile::tempdir().unwrap();
    site(data.path(), "one", "before");
    let fleet = Fleet::start_with(data.path(), &["--watch"]).await;
    let (_, page) = fleet.ask("one.example", "/").await;
    assert!(page.contains("<script src=\"/ismart/live-reload.js\" async></script>"), "{page}");
    assert_eq!(fleet.ask("one.example", "/ismart/live-reload.js").await.0, 200);
    let url = format!("{}/ismart/live-reload", fleet.base);
    let events = http_client().unwrap().get(url).header("host", "one.example").send().await.unwrap();
    std::fs::write(data.path().join("sites/one/templates/sections/text.twig"), "<h2>{{ data.title }}</h2>")
        .unwrap();
    let mut stream = events.bytes_stream();
    let heard = tokio::time::timeout(Duration::from_secs(60), stream.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&heard).contains("event: loaded"), "{heard:?}");
    fleet.until("one.example", 200, "<h2>before</h2>").await;

    // Nobody who did not ask for it has this.
    let quiet = tempfile::tempdir().unwrap();
    site(quiet.path(), "one", "before");
    let fleet = Fleet::start(quiet.path()).await;
    assert_eq!(fleet.ask("one.example", "/").await.1, "<h1>before</h1>");
    assert_eq!(fleet.ask("one.example", "/ismart/live-reload").await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_and_http_2_need_no_proxy() {
    let data = tempfile::tempdir().unwrap();
    site(data.path(), "one", "secret");
    let made = rcgen::generate_simple_self_signed(vec!["one.example".to_owned()]).unwrap();
    std::fs::write(data.path().join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(data.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let toml = "[http.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    std::fs::write(data.path().join("ismart.toml"), toml).unwrap();
    let fleet = Fleet::start(data.path()).await;
    let port = fleet.base.rsplit_once(':').unwrap().1;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let _first = rustls::crypto::ring::default_provider().install_default();
    let client = || {
        let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().resolve("one.example", address);
        client.tls_certs_only([root])
    };
    let url = format!("https://one.example:{port}/");
    let answer = client().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), "<h1>secret</h1>");
    let old = client().http1_only().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!((old.version(), old.status().as_u16()), (reqwest::Version::HTTP_11, 200));

    std::fs::write(data.path().join("key.pem"), "no key").unwrap();
    let out = Command::new(BINARY)
        .args(["serve", "--listen", "127.0.0.1:0", "--data", &data.path().display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        out.status.code() == Some(1) && said.contains("key.pem") && said.contains("fix: give PEM files"),
        "{said}"
    );
}
