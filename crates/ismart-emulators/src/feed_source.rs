//! A server that offers an inventory feed, as a dealer's stock system does: with tags, and with bad days.
//!
//! ```
//! use ismart_emulators::feed_source::FeedSource;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = FeedSource::start("<data/>").await?;
//! assert!(source.url().starts_with("http://127.0.0.1:"));
//! assert!(source.asked().is_empty());
//! # Ok(()) }
//! ```

use std::hash::{Hash as _, Hasher as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the source answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mood {
    /// With the feed, or 304 to those who have it.
    #[default]
    Well,
    /// With this status and a page for people.
    Fails(u16),
    /// With the first bytes of the feed, then the line is cut.
    Cut(usize),
    /// With a page for people and status 200, as a firewall does.
    Page,
    /// By leading elsewhere.
    Leads(String),
    /// With the whole feed each time: it knows no tags.
    Untagged,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFeed {
    /// `If-None-Match`.
    pub tag: Option<String>,
    /// `If-Modified-Since`.
    pub since: Option<String>,
    /// What was answered.
    pub status: u16,
}

#[derive(Debug, Default)]
struct Desk {
    content: String,
    mood: Mood,
    asked: Vec<AskedFeed>,
}

#[derive(Debug, Default)]
struct Shared(Mutex<Desk>);

/// The running source; it ends when it is dropped.
#[derive(Debug)]
pub struct FeedSource {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl FeedSource {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(content: impl Into<String>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Desk { content: content.into(), ..Desk::default() };
        let shared = Arc::new(Shared(Mutex::new(desk)));
        let app = Router::new().route("/stock.xml", get(answer)).with_state(shared.clone());
        let serving = tokio::spawn(async move {
            // It only ends by being dropped.
            let _ended = axum::serve(listener, app).await;
        });
        Ok(Self { address, shared, serving })
    }

    /// Where the feed is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/stock.xml", self.address)
    }

    /// Offers another feed.
    pub fn offer(&self, content: impl Into<String>) {
        self.desk(|desk| desk.content = content.into());
    }

    /// Answers in another way from now on.
    pub fn set(&self, mood: Mood) {
        self.desk(|desk| desk.mood = mood);
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<AskedFeed> {
        self.desk(|desk| desk.asked.clone())
    }

    fn desk<T>(&self, work: impl FnOnce(&mut Desk) -> T) -> T {
        work(&mut self.shared.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for FeedSource {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (tag, since) = (text(header::IF_NONE_MATCH), text(header::IF_MODIFIED_SINCE));
    let mut desk = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut hasher = std::hash::DefaultHasher::new();
    desk.content.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let kind = [(header::CONTENT_TYPE, "application/xml")];
    let response = match desk.mood.clone() {
        Mood::Well if tag.as_deref() == Some(&etag) => {
            (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()
        }
        Mood::Well => (kind, [(header::ETAG, etag)], desk.content.clone()).into_response(),
        Mood::Untagged => (kind, desk.content.clone()).into_response(),
        Mood::Page => "<!doctype html><title>Checking your browser</title>".into_response(),
        Mood::Leads(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Mood::Fails(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "<h1>Sorry</h1>").into_response()
        }
        Mood::Cut(at) => {
            let (length, part) = (desk.content.len(), desk.content.get(..at).unwrap_or_default().to_owned());
            let pieces = [Ok(part), Err(std::io::Error::other("the line is cut"))];
            let body = Body::from_stream(futures::stream::iter(pieces));
            (kind, [(header::CONTENT_LENGTH, length.to_string())], body).into_response()
        }
    };
    desk.asked.push(AskedFeed { tag, since, status: response.status().as_u16() });
    response
}
