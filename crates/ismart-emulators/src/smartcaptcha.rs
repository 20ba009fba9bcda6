//! Yandex SmartCaptcha's `validate`, as a site meets it: a token is good once, a wrong key is told in the maker's words.
//!
//! Not emulated: the widget, and its puzzles.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the maker behaves from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// It works.
    #[default]
    Well,
    /// It answers 503 with a page for people.
    Down,
    /// It never answers.
    Hanging,
}

#[derive(Debug, Default)]
struct Known {
    given: BTreeSet<String>,
    mood: Mood,
    asked: Vec<String>,
}

#[derive(Debug)]
struct Core {
    server_key: String,
    known: Mutex<Known>,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running maker; closed when dropped.
#[derive(Debug)]
pub struct SmartCaptcha {
    core: Arc<Core>,
    url: String,
    task: JoinHandle<()>,
}

impl Drop for SmartCaptcha {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmartCaptcha {
    /// Opens it on a free port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(server_key: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/validate", listener.local_addr()?);
        let core = Arc::new(Core { server_key: server_key.to_owned(), known: Mutex::default() });
        let router = Router::new().route("/validate", post(validate)).with_state(core.clone());
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { core, url, task })
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A person has passed: his browser has this token now.
    pub fn pass(&self, token: &str) {
        self.core.lock().given.insert(token.to_owned());
    }

    /// Behaves like this from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.core.lock().mood = mood;
    }

    /// The addresses of the people it was asked about.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.core.lock().asked.clone()
    }
}

async fn validate(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let value = |name: &str| {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (mood, good) = {
        let mut known = core.lock();
        known.asked.push(value("ip"));
        let good = value("secret") == core.server_key && known.given.remove(&value("token"));
        (known.mood, good)
    };
    match mood {
        Mood::Well => {}
        Mood::Down => {
            let page = "<html><body>503</body></html>";
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "text/html")], page)
                .into_response();
        }
        Mood::Hanging => return std::future::pending().await,
    }
    let answer = if value("secret") != core.server_key {
        json!({ "status": "failed", "message": "Authentication failed. Invalid secret.", "host": "" })
    } else if good {
        json!({ "status": "ok", "message": "", "host": "" })
    } else {
        json!({ "status": "failed", "message": "Token invalid or expired.", "host": "" })
    };
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}
