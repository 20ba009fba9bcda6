//! VK's API as a community that writes to people meets it: every answer is a 200, errors stand inside.
//!
//! Emulated: `messages.send` with its `random_id`, `messages.isMessagesFromGroupAllowed`, `groups.getById`,
//! `groups.getTokenPermissions`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State as Given};
use axum::response::Response;
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::StartError;
use crate::fault::Wording;
use crate::log::FindingKind;
use crate::stage::{Call, Kept, Reply, Running, Stage, number, parameters, play, text};

/// The longest message.
const TEXT_LIMIT: usize = 9000;
/// The community.
const GROUP: i64 = 204_711;

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub id: u64,
    /// To whom.
    pub peer: i64,
    /// What keeps it from being sent twice.
    pub random_id: i64,
    /// The text.
    pub text: String,
}

/// What the service keeps.
#[derive(Debug)]
pub struct Keeps {
    token: String,
    revoked: bool,
    may_write: bool,
    open: BTreeSet<i64>,
    sent: BTreeMap<(i64, i64), u64>,
    messages: Vec<Message>,
}

/// A running API with one community.
#[derive(Debug)]
pub struct Vk(Running<Keeps>);

impl Deref for Vk {
    type Target = Running<Keeps>;

    fn deref(&self) -> &Running<Keeps> {
        &self.0
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json; charset=utf-8",
    refusal: |_, code| {
        error(code.and_then(|code| code.parse().ok()).unwrap_or(10), "refused by a fault rule", &Map::new())
    },
    torn: r#"{"response":1"#,
};

fn error(code: i64, message: &str, params: &Map<String, Value>) -> Value {
    let told = params.iter().filter(|(key, _)| key.as_str() != "access_token");
    let told: Vec<Value> = told.map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({"error": {"error_code": code, "error_msg": message, "request_params": told}})
}

impl Vk {
    /// Opens it on a free port of this machine, or on `listen`, for one community with this token.
    ///
    /// # Errors
    /// [`StartError`] when the address is taken.
    pub async fn start(
        token: &str,
        listen: Option<SocketAddr>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let keeps = Keeps {
            token: token.to_owned(),
            revoked: false,
            may_write: true,
            open: BTreeSet::new(),
            sent: BTreeMap::new(),
            messages: Vec::new(),
        };
        let ledger = |keeps: &Keeps| {
            let shown = keeps.messages.iter();
            shown.map(|one| json!({"id": one.id, "peer_id": one.peer, "text": one.text})).collect()
        };
        let stage = Stage::new(Box::new(clock), WORDING, ledger, keeps);
        let router = Router::new().route("/method/{method}", any(call)).with_state(stage.clone());
        Ok(Self(Running::start(stage, router, listen).await?))
    }

    /// A person or a conversation permits messages of the community, or does not.
    pub fn permit(&self, peer: i64, on: bool) {
        let mut kept = self.stage.lock();
        if on {
            kept.state.open.insert(peer);
        } else {
            kept.state.open.remove(&peer);
        }
    }

    /// The token is not valid any more.
    pub fn revoke(&self) {
        self.stage.lock().state.revoked = true;
    }

    /// The token has the right to messages, or has not.
    pub fn may_write(&self, on: bool) {
        self.stage.lock().state.may_write = on;
    }

    /// What was sent, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.stage.lock().state.messages.clone()
    }

    /// Stops serving.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }
}

async fn call(
    Given(stage): Given<Arc<Stage<Keeps>>>,
    Path(method): Path<String>,
    request: Request,
) -> Response {
    let http_method = request.method().as_str().to_owned();
    let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let params = parameters(request).await.unwrap_or_default();
    let call = Call {
        http_method,
        path: format!("/method/{method}"),
        operation: method.to_ascii_lowercase(),
        writes: method == "messages.send",
        params: crate::log::mask(&params),
    };
    play(stage, call, move |kept, now| {
        let token = text(&params, "access_token").or(bearer).unwrap_or_default();
        if kept.state.revoked || token != kept.state.token {
            let said = "User authorization failed: invalid access_token (4).";
            return no(5, said, &params);
        }
        if kept.over(now).is_some() {
            return no(6, "Too many requests per second", &params);
        }
        if text(&params, "v").is_none() {
            return no(8, "Invalid request: v (version) is required", &params);
        }
        match method.as_str() {
            "messages.send" => send(kept, &params),
            "messages.isMessagesFromGroupAllowed" => {
                let user = number(&params, "user_id").unwrap_or_default();
                yes(json!({"is_allowed": i32::from(kept.state.open.contains(&user))}))
            }
            "groups.getById" => yes(json!({
                "groups": [{"id": GROUP, "name": "Автоград", "screen_name": "avtograd", "type": "page", "is_closed": 0}],
                "profiles": []
            })),
            "groups.getTokenPermissions" => {
                let list = if kept.state.may_write {
                    json!([{"name": "messages", "setting": 4096}, {"name": "manage", "setting": 262_144}])
                } else {
                    json!([{"name": "manage", "setting": 262_144}])
                };
                yes(json!({"mask": 266_240, "permissions": list}))
            }
            _ => no(3, "Unknown method passed", &params),
        }
    })
    .await
}

fn yes(result: Value) -> Reply {
    Reply::json(200, json!({"response": result}))
}

fn no(code: i64, message: &str, params: &Map<String, Value>) -> Reply {
    Reply::refusal(200, code, error(code, message, params))
}

fn send(kept: &mut Kept<Keeps>, params: &Map<String, Value>) -> Reply {
    let keeps = &mut kept.state;
    if !keeps.may_write {
        return no(15, "Access denied: group messages are not permitted for this token", params);
    }
    let Some(random_id) = number(params, "random_id") else {
        return no(
            100,
            "One of the parameters specified was missing or invalid: random_id is a required parameter",
            params,
        );
    };
    let Some(peer) = number(params, "peer_id").or_else(|| number(params, "user_id")) else {
        return no(
            100,
            "One of the parameters specified was missing or invalid: you should specify peer_id",
            params,
        );
    };
    if !keeps.open.contains(&peer) {
        return no(901, "Can't send messages for users without permission", params);
    }
    let written = text(params, "message").unwrap_or_default();
    if written.trim().is_empty() {
        return no(100, "One of the parameters specified was missing or invalid: message is empty", params);
    }
    if written.chars().count() > TEXT_LIMIT {
        return no(914, "Message is too long", params);
    }
    // Zero switches the guard off.
    if random_id != 0
        && let Some(id) = keeps.sent.get(&(peer, random_id))
    {
        return yes(json!(id));
    }
    let id = u64::try_from(keeps.messages.len()).unwrap_or(u64::MAX).saturating_add(1);
    keeps.sent.insert((peer, random_id), id);
    keeps.messages.push(Message { id, peer, random_id, text: written });
    let reply = yes(json!(id)).made("message", id);
    match i32::try_from(random_id) {
        Ok(_) => reply,
        Err(_) => reply.odd(FindingKind::ValueChanged, "random_id", "is no 32-bit number"),
    }
}
