//! Telegram's Bot API as a bot that sends notices meets it: its errors, its limits, its way to say when to come back.
//!
//! Emulated: `getMe`, `getChat`, `sendMessage`, by GET and POST, as query, form, `multipart/form-data` and JSON. Every other
//! method is answered 404, as the service does with methods that it does not know.

use std::collections::BTreeMap;
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

/// The longest text after the markup was read.
const TEXT_LIMIT: usize = 4096;

/// How a chat stands to the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chat {
    /// It takes messages.
    Open,
    /// The person has blocked the bot.
    Blocked,
    /// The bot was removed from the group.
    Kicked,
    /// The group became a supergroup of this id.
    Moved(i64),
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number in the chat.
    pub id: u64,
    /// The chat.
    pub chat: i64,
    /// The text as sent, with its markup.
    pub text: String,
    /// The topic of a forum, if one was named.
    pub thread: Option<i64>,
}

/// What the service keeps.
#[derive(Debug)]
pub struct Keeps {
    token: String,
    revoked: bool,
    chats: BTreeMap<i64, Chat>,
    messages: Vec<Message>,
}

/// A running Bot API with one bot.
#[derive(Debug)]
pub struct Telegram(Running<Keeps>);

impl Deref for Telegram {
    type Target = Running<Keeps>;

    fn deref(&self) -> &Running<Keeps> {
        &self.0
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json",
    refusal: |status, code| refused(status, code.unwrap_or("Bad Request: refused by a fault rule"), None),
    torn: r#"{"ok":true,"result":{"message_id":1"#,
};

fn refused(status: u16, description: &str, parameters: Option<Value>) -> Value {
    let parameters = match (parameters, status) {
        (None, 429) => Some(json!({"retry_after": 7})),
        (given, _) => given,
    };
    let mut body = json!({"ok": false, "error_code": status, "description": description});
    if let (Some(parameters), Value::Object(map)) = (parameters, &mut body) {
        map.insert("parameters".into(), parameters);
    }
    body
}

impl Telegram {
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
            Keeps { token: token.to_owned(), revoked: false, chats: BTreeMap::new(), messages: Vec::new() };
        let ledger = |keeps: &Keeps| {
            let shown = keeps.messages.iter();
            shown.map(|one| json!({"message_id": one.id, "chat_id": one.chat, "text": one.text})).collect()
        };
        let stage = Stage::new(Box::new(clock), WORDING, ledger, keeps);
        let router = Router::new().route("/{bot}/{method}", any(call)).with_state(stage.clone());
        Ok(Self(Running::start(stage, router, listen).await?))
    }

    /// A chat stands to the bot like this from now on.
    pub fn chat(&self, id: i64, chat: Chat) {
        self.stage.lock().state.chats.insert(id, chat);
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

async fn call(
    Given(stage): Given<Arc<Stage<Keeps>>>,
    Path((bot, method)): Path<(String, String)>,
    request: Request,
) -> Response {
    let http_method = request.method().as_str().to_owned();
    let read = parameters(request).await;
    let operation = method.to_ascii_lowercase();
    let call = Call {
        http_method,
        path: format!("/bot***/{method}"),
        writes: operation == "sendmessage",
        params: read.clone().unwrap_or_default(),
        operation: operation.clone(),
    };
    play(stage, call, move |kept, now| {
        let given = bot.strip_prefix("bot").unwrap_or_default();
        if kept.state.revoked || given != kept.state.token {
            return no(401, "Unauthorized");
        }
        match (read, operation.as_str()) {
            (Err(reason), _) => no(400, &format!("Bad Request: {reason}")),
            (Ok(_), "getme") => yes(
                json!({"id": 777_001, "is_bot": true, "first_name": "Заявки", "username": "acme_leads_bot",
                       "can_join_groups": true, "can_read_all_group_messages": false,
                       "supports_inline_queries": false}),
            ),
            (Ok(params), "getchat") => match chat(&kept.state, &params) {
                Ok(id) => yes(shown(id)),
                Err(reply) => *reply,
            },
            (Ok(params), "sendmessage") => send(kept, &params, now),
            (Ok(_), _) => no(404, "Not Found"),
        }
    })
    .await
}

fn yes(result: Value) -> Reply {
    Reply::json(200, json!({"ok": true, "result": result}))
}

fn no(status: u16, description: &str) -> Reply {
    Reply::refusal(status, description, refused(status, description, None))
}

fn shown(id: i64) -> Value {
    let kind = if id > 0 { "private" } else { "supergroup" };
    let mut chat = json!({"id": id, "type": kind});
    if let Value::Object(map) = &mut chat {
        let (key, name) =
            if id > 0 { ("first_name", "Анна") } else { ("title", "Отдел продаж") };
        map.insert(key.into(), name.into());
        // `getChat` of recent versions names these always, and clients demand them.
        map.insert("accent_color_id".into(), 1.into());
        map.insert("max_reaction_count".into(), 11.into());
        map.insert(
            "accepted_gift_types".into(),
            json!({"unlimited_gifts": false, "limited_gifts": false,
            "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false}),
        );
    }
    chat
}

/// The chat that a call names, when the bot may write to it.
fn chat(keeps: &Keeps, params: &Map<String, Value>) -> Result<i64, Box<Reply>> {
    let Some(id) = number(params, "chat_id") else {
        return Err(Box::new(no(400, "Bad Request: chat_id is empty")));
    };
    match keeps.chats.get(&id) {
        None => Err(Box::new(no(400, "Bad Request: chat not found"))),
        Some(Chat::Blocked) => Err(Box::new(no(403, "Forbidden: bot was blocked by the user"))),
        Some(Chat::Kicked) => Err(Box::new(no(403, "Forbidden: bot was kicked from the supergroup chat"))),
        Some(Chat::Moved(to)) => {
            let text = "Bad Request: group chat was upgraded to a supergroup chat";
            Err(Box::new(Reply::refusal(
                400,
                text,
                refused(400, text, Some(json!({"migrate_to_chat_id": to}))),
            )))
        }
        Some(Chat::Open) => Ok(id),
    }
}

fn send(kept: &mut Kept<Keeps>, params: &Map<String, Value>, now: Timestamp) -> Reply {
    if let Some(wait) = kept.over(now) {
        let seconds = (wait + 999) / 1000;
        let text = format!("Too Many Requests: retry after {seconds}");
        return Reply::refusal(429, &text, refused(429, &text, Some(json!({"retry_after": seconds}))));
    }
    let id = match chat(&kept.state, params) {
        Ok(id) => id,
        Err(reply) => return *reply,
    };
    let written = text(params, "text").unwrap_or_default();
    let html = text(params, "parse_mode").is_some_and(|mode| mode.eq_ignore_ascii_case("html"));
    let plain = if html {
        match strip(&written) {
            Ok(plain) => plain,
            Err(reason) => return no(400, &format!("Bad Request: can't parse entities: {reason}")),
        }
    } else {
        written.clone()
    };
    if plain.trim().is_empty() {
        return no(400, "Bad Request: message text is empty");
    }
    if plain.encode_utf16().count() > TEXT_LIMIT {
        return no(400, "Bad Request: message is too long");
    }
    let number_of = u64::try_from(kept.state.messages.len()).unwrap_or(u64::MAX).saturating_add(1);
    let thread = number(params, "message_thread_id");
    kept.state.messages.push(Message { id: number_of, chat: id, text: written, thread });
    let mut reply = yes(json!({
        "message_id": number_of, "date": now.as_second(), "chat": shown(id), "text": plain,
        "from": {"id": 777_001, "is_bot": true, "first_name": "Заявки", "username": "acme_leads_bot"},
    }))
    .made("message", number_of);
    for key in params.keys() {
        const KNOWN: [&str; 9] = [
            "chat_id",
            "text",
            "parse_mode",
            "message_thread_id",
            "disable_notification",
            "link_preview_options",
            "protect_content",
            "reply_markup",
            "disable_web_page_preview",
        ];
        if !KNOWN.contains(&key.as_str()) {
            reply = reply.odd(FindingKind::UnknownParameter, "sendMessage", key.clone());
        }
    }
    reply
}

/// Reads the HTML that messages may hold and gives the text that is left.
fn strip(html: &str) -> Result<String, String> {
    const TAGS: [&str; 14] = [
        "b",
        "strong",
        "i",
        "em",
        "u",
        "ins",
        "s",
        "strike",
        "del",
        "a",
        "code",
        "pre",
        "blockquote",
        "tg-spoiler",
    ];
    let mut out = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        if let Some(entity) = after.strip_prefix('&') {
            let known = [("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("quot;", '"')];
            match known.iter().find(|(name, _)| entity.starts_with(name)) {
                Some((name, c)) => {
                    out.push(*c);
                    rest = entity.get(name.len()..).unwrap_or_default();
                }
                None => {
                    out.push('&');
                    rest = entity;
                }
            }
            continue;
        }
        let Some((tag, following)) = after.get(1..).unwrap_or_default().split_once('>') else {
            return Err("unclosed start tag".to_owned());
        };
        rest = following;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name.trim()) {
                return Err(format!("unmatched end tag at byte offset, found \"</{}>\"", name.trim()));
            }
            continue;
        }
        let name = tag.split([' ', '\n']).next().unwrap_or_default().to_ascii_lowercase();
        if !TAGS.contains(&name.as_str()) {
            return Err(format!("unsupported start tag \"{name}\""));
        }
        open.push(name);
    }
    out.push_str(rest);
    match open.pop() {
        Some(name) => Err(format!("can't find end tag corresponding to start tag \"{name}\"")),
        None => Ok(out),
    }
}
