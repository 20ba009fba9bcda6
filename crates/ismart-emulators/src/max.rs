//! MAX's bot API as a bot that sends notices meets it.
//!
//! Emulated: `GET /me`, `GET /chats/{id}`, `POST /messages` with `chat_id` or `user_id`, `GET /messages` by chat. The token
//! stands bare in `Authorization`; in the query it is refused.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Given};
use axum::response::Response;
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::StartError;
use crate::fault::Wording;
use crate::stage::{Call, Kept, Reply, Running, Stage, number, parameters, play, text};

/// The longest text.
const TEXT_LIMIT: usize = 4000;

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `mid.…`.
    pub mid: String,
    /// The chat or the person.
    pub to: i64,
    /// The text.
    pub text: String,
}

/// What the service keeps.
#[derive(Debug)]
pub struct Keeps {
    token: String,
    revoked: bool,
    open: BTreeSet<i64>,
    messages: Vec<Message>,
}

/// A running API with one bot.
#[derive(Debug)]
pub struct Max(Running<Keeps>);

impl Deref for Max {
    type Target = Running<Keeps>;

    fn deref(&self) -> &Running<Keeps> {
        &self.0
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json; charset=utf-8",
    refusal: |status, code| {
        let code = code.unwrap_or(if status == 429 { "too.many.requests" } else { "proto.payload" });
        json!({"code": code, "message": "refused by a fault rule"})
    },
    torn: r#"{"message":{"body":{"mid":"mid."#,
};

impl Max {
    /// Opens it on a free port of this machine, or on `listen`, for one bot with this token.
    ///
    /// # Errors
    /// [`StartError`] when the address is taken.
    pub async fn start(
        token: &str,
        listen: Option<SocketAddr>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let keeps =
            Keeps { token: token.to_owned(), revoked: false, open: BTreeSet::new(), messages: Vec::new() };
        let ledger = |keeps: &Keeps| {
            let shown = keeps.messages.iter();
            shown.map(|one| json!({"mid": one.mid, "to": one.to, "text": one.text})).collect()
        };
        let stage = Stage::new(Box::new(clock), WORDING, ledger, keeps);
        let router = Router::new().fallback(any(call)).with_state(stage.clone());
        Ok(Self(Running::start(stage, router, listen).await?))
    }

    /// A chat or a person can be written to, or not any more.
    pub fn chat(&self, id: i64, on: bool) {
        let mut kept = self.stage.lock();
        if on {
            kept.state.open.insert(id);
        } else {
            kept.state.open.remove(&id);
        }
    }

    /// The token is not valid any more.
    pub fn revoke(&self) {
        self.stage.lock().state.revoked = true;
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

async fn call(Given(stage): Given<Arc<Stage<Keeps>>>, request: Request) -> Response {
    let http_method = request.method().as_str().to_owned();
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = token.unwrap_or_default().to_owned();
    let read = parameters(request).await;
    let operation = match (http_method.as_str(), path.as_str()) {
        ("GET", "/me") => "me",
        ("POST", "/messages") => "messages.send",
        ("GET", "/messages") => "messages.list",
        ("GET", chat) if chat.starts_with("/chats/") => "chats.get",
        ("POST", "/subscriptions") => "subscriptions.add",
        _ => "unknown",
    };
    let call = Call {
        http_method,
        path: path.clone(),
        operation: operation.to_owned(),
        writes: operation == "messages.send",
        params: crate::log::mask(&read.clone().unwrap_or_default()),
    };
    play(stage, call, move |kept, now| {
        if kept.state.revoked || token != kept.state.token {
            return no(401, "verify.token", "Invalid access_token");
        }
        if kept.over(now).is_some() {
            return no(429, "too.many.requests", "Too many requests");
        }
        let params = match read {
            Ok(params) => params,
            Err(reason) => return no(400, "proto.payload", &reason),
        };
        match operation {
            "me" => Reply::json(
                200,
                json!({"user_id": 9001, "first_name": "Заявки", "name": "Заявки", "username": "acme_leads_bot",
                       "is_bot": true, "last_activity_time": now.as_millisecond()}),
            ),
            "messages.send" => send(kept, &params, now),
            "subscriptions.add" => Reply::json(200, json!({"success": true})),
            "messages.list" => {
                let chat = number(&params, "chat_id").unwrap_or_default();
                let found = kept.state.messages.iter().filter(|one| one.to == chat);
                Reply::json(200, json!({"messages": found.map(|one| shown(one, now)).collect::<Vec<_>>()}))
            }
            "chats.get" => {
                let Some(id) = path.trim_start_matches("/chats/").parse().ok().filter(|id| kept.state.open.contains(id))
                else {
                    return no(404, "chat.not.found", "Chat not found");
                };
                Reply::json(
                    200,
                    json!({"chat_id": id, "type": "chat", "status": "active", "title": "Отдел продаж",
                           "participants_count": 5, "is_public": false, "last_event_time": now.as_millisecond()}),
                )
            }
            _ => no(404, "not.found", "Method not found"),
        }
    })
    .await
}

fn no(status: u16, code: &str, message: &str) -> Reply {
    Reply::refusal(status, code, json!({"code": code, "message": message}))
}

fn shown(message: &Message, now: Timestamp) -> Value {
    let chat = message.to < 0;
    json!({
        "sender": {"user_id": 9001, "first_name": "Заявки", "is_bot": true, "last_activity_time": now.as_millisecond()},
        "recipient": {"chat_id": message.to, "chat_type": if chat { "chat" } else { "dialog" },
                      "user_id": if chat { Value::Null } else { message.to.into() }},
        "timestamp": now.as_millisecond(),
        "body": {"mid": message.mid, "seq": 1, "text": message.text, "attachments": []},
    })
}

fn send(kept: &mut Kept<Keeps>, params: &Map<String, Value>, now: Timestamp) -> Reply {
    let Some(to) = number(params, "chat_id").or_else(|| number(params, "user_id")) else {
        return no(400, "proto.payload", "Missing required parameter: chat_id or user_id");
    };
    if !kept.state.open.contains(&to) {
        return if number(params, "user_id").is_some() {
            no(403, "chat.denied", "User has stopped the bot")
        } else {
            no(404, "chat.not.found", "Chat not found")
        };
    }
    let written = text(params, "text").unwrap_or_default();
    if written.trim().is_empty() {
        return no(400, "proto.payload", "text: must not be empty");
    }
    if written.chars().count() > TEXT_LIMIT {
        return no(400, "proto.payload", "text: size must be between 0 and 4000");
    }
    let number_of = u64::try_from(kept.state.messages.len()).unwrap_or(u64::MAX).saturating_add(1);
    let message = Message { mid: format!("mid.{number_of:016x}"), to, text: written };
    let answer = json!({"message": shown(&message, now)});
    kept.state.messages.push(message);
    Reply::json(200, answer).made("message", number_of)
}
