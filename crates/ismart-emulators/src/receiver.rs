//! A receiver of signed webhooks (Standard Webhooks): checks the signature as a careful receiver does, takes each id once,
//! and can be away, full, or gone for good.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Given};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::StartError;
use crate::fault::Wording;
use crate::log::FindingKind;
use crate::stage::{Call, Reply, Running, Stage, play};

/// By how many seconds the time of a message may differ from the receiver's.
const TOLERANCE: i64 = 5 * 60;

/// A message that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// `webhook-id`.
    pub id: String,
    /// The body.
    pub body: Value,
    /// How often it came.
    pub times: usize,
}

/// What the receiver keeps.
#[derive(Debug)]
pub struct Keeps {
    secret: String,
    gone: bool,
    taken: Vec<Taken>,
    ids: BTreeSet<String>,
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver(Running<Keeps>);

impl Deref for Receiver {
    type Target = Running<Keeps>;

    fn deref(&self) -> &Running<Keeps> {
        &self.0
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json",
    refusal: |status, code| json!({"status": status, "error": code.unwrap_or("refused by a fault rule")}),
    torn: r#"{"ok":"#,
};

impl Receiver {
    /// Opens it on a free port of this machine, or on `listen`, with this secret (`whsec_…`).
    ///
    /// # Errors
    /// [`StartError`] when the address is taken.
    pub async fn start(
        secret: &str,
        listen: Option<SocketAddr>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let keeps = Keeps { secret: secret.to_owned(), gone: false, taken: Vec::new(), ids: BTreeSet::new() };
        let ledger =
            |keeps: &Keeps| keeps.taken.iter().map(|one| json!({"id": one.id, "body": one.body})).collect();
        let stage = Stage::new(Box::new(clock), WORDING, ledger, keeps);
        let router = Router::new().route("/hook", any(call)).with_state(stage.clone());
        Ok(Self(Running::start(stage, router, listen).await?))
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/hook", self.base_url())
    }

    /// Checks with this secret from now on.
    pub fn change_secret(&self, secret: &str) {
        secret.clone_into(&mut self.stage.lock().state.secret);
    }

    /// Answers 410 from now on: the subscription has ended.
    pub fn leave(&self, on: bool) {
        self.stage.lock().state.gone = on;
    }

    /// The messages that are not checks, oldest first; one that came again stands once.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.stage.lock().state.taken.clone()
    }

    /// Stops serving.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }
}

async fn call(Given(stage): Given<Arc<Stage<Keeps>>>, request: Request) -> Response {
    let http_method = request.method().as_str().to_owned();
    let headers = request.headers().clone();
    let bytes = axum::body::to_bytes(request.into_body(), 4 * 1024 * 1024).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let call = Call {
        http_method: http_method.clone(),
        path: "/hook".to_owned(),
        operation: if kind.is_empty() { "unknown".to_owned() } else { kind.clone() },
        writes: kind == "lead.created",
        params: body.as_object().cloned().unwrap_or_else(Map::new),
    };
    play(stage, call, move |kept, now| {
        if http_method != "POST" {
            return no(405, "POST only");
        }
        if kept.state.gone {
            return no(410, "the subscription has ended");
        }
        if let Some(wait) = kept.over(now) {
            let mut reply = no(429, "too many");
            reply.headers.push(("retry-after", ((wait + 999) / 1000).to_string()));
            return reply;
        }
        let keeps = &mut kept.state;
        let id = match verify(&keeps.secret, &headers, &bytes, now) {
            Ok(id) => id,
            Err(reason) => return no(401, reason),
        };
        if !body.is_object() || kind.is_empty() {
            return no(422, "no JSON object with a type");
        }
        if kind != "lead.created" {
            return Reply::json(204, Value::Null);
        }
        if let Some(known) = keeps.taken.iter_mut().find(|one| one.id == id) {
            known.times += 1;
            return if known.body == body {
                Reply::json(200, json!({"repeat": true}))
            } else {
                Reply::json(200, json!({"repeat": true})).odd(
                    FindingKind::ValueChanged,
                    "body",
                    "a repeat under a known id has another body",
                )
            };
        }
        keeps.ids.insert(id.clone());
        keeps.taken.push(Taken { id, body, times: 1 });
        let number = u64::try_from(keeps.taken.len()).unwrap_or(u64::MAX);
        Reply::json(202, json!({"ok": true})).made("lead", number)
    })
    .await
}

fn no(status: u16, reason: &str) -> Reply {
    Reply::refusal(status, reason, json!({"error": reason}))
}

/// Checks id, time and signature; gives the id.
fn verify(secret: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<String, &'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let id = text("webhook-id").ok_or("webhook-id is missing")?;
    let at = text("webhook-timestamp").ok_or("webhook-timestamp is missing")?;
    let signatures = text("webhook-signature").ok_or("webhook-signature is missing")?;
    let seconds: i64 =
        at.parse().map_err(|_bad: std::num::ParseIntError| "webhook-timestamp is no number")?;
    if (now.as_second() - seconds).abs() > TOLERANCE {
        return Err("webhook-timestamp is too old or too new");
    }
    let key = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = STANDARD.decode(key).map_err(|_bad: base64::DecodeError| "the receiver's secret is broken")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|_bad: hmac::digest::InvalidLength| "the receiver's secret is broken")?;
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    let wanted = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    if signatures.split(' ').any(|one| one == wanted) { Ok(id.to_owned()) } else { Err("no signature fits") }
}
