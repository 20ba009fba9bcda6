use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;

use crate::server::{Act, Server, client};

/// Collects everything that is traced, at every level, from every library.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Paper {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The paper of this process. One for all tests: a subscriber of a single test can miss what another test's
/// thread has registered.
fn paper() -> Paper {
    static PAPER: OnceLock<Paper> = OnceLock::new();
    let begin = || {
        let paper = Paper::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(paper.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        paper
    };
    PAPER.get_or_init(begin).clone()
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// P2: a secret path, a query, a header's value and a body are in no trace and in no error, at any level.
#[tokio::test]
async fn p2_secrets_are_not_traced() {
    let good = Server::start(Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
    let closed = Server::start(Act::Send("")).await;
    let paper = paper();
    for url in [good.url("/rest/hush-path?hush-query"), closed.url("/rest/hush-path?hush-query")] {
        let request =
            client().post(&url).secret_path().header("authorization", "hush-header").json(&"hush-body");
        assert!(!format!("{request:?}").contains("hush"));
        if let Err(failure) = request.send().await {
            assert!(!format!("{failure} {failure:?}").contains("hush"), "{failure}");
        }
    }
    let texts = paper.text();
    assert!(texts.contains("http.request"), "nothing was traced: {texts}");
    assert!(texts.contains("http.status=200") && texts.contains("duration_ms"), "{texts}");
    assert!(texts.contains(&format!("http.host={}", good.at)), "{texts}");
    assert!(!texts.contains("hush"), "{texts}");
}

#[tokio::test]
async fn p2_open_paths_are_traced_without_their_query() {
    let good = Server::start(Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
    let paper = paper();
    client().get(&good.url("/feed.xml?hush-query")).send().await.unwrap();
    let texts = paper.text();
    assert!(texts.contains("/feed.xml") && !texts.contains("hush"), "{texts}");
}
