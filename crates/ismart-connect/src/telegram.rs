//! Notices of leads to a chat of Telegram, by a bot.
//!
//! The service can neither be asked for a message nor recognise a repeat: after a lost answer a lead may stand in the chat
//! twice, under its one number.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::Shown;
use ismart_domain::{BoxFuture, Secret};
use ismart_http::{Client, Response};
use serde_json::{Map, Value, json};

use crate::address::{authority, confidential};
use crate::effect::Effect;
use crate::limit::{Limits, Rate};
use crate::notice::Notice;
use crate::rehearse::{Plain, Rehearsing, plainly, readable};
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};
use crate::text::one_line;
use crate::verdict::Verdict;
use crate::{Egress, Entry, Memory, Opened};

const KIND: &str = "telegram";
const SERVICE: &str = "https://api.telegram.org";
/// The service's own limit is 4096.
const TEXT_LIMIT: usize = 4000;
const SEND: &str = "sendMessage";

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "Telegram",
    title_en: "Telegram",
    fields: FIELDS,
    memory: Memory::Forgets,
    open,
    rehearse,
};

const FIELDS: &[Field] = &[
    Field {
        key: "token",
        kind: FieldKind::Secret,
        required: true,
        title_ru: "Токен бота",
        title_en: "Bot token",
        help_ru: "@BotFather → /newbot, вида 123456:AA…",
        help_en: "@BotFather → /newbot, like 123456:AA…",
        ..OPTIONAL
    },
    Field {
        key: "chat_id",
        required: true,
        title_ru: "Чат",
        title_en: "Chat",
        help_ru: "Номер чата; у групп он отрицательный. Бот должен быть в группе, человек должен написать боту первым",
        help_en: "the number of the chat; groups have negative ones. The bot must be in the group; a person must write to the \
                  bot first",
        ..OPTIONAL
    },
    Field {
        key: "thread_id",
        kind: FieldKind::Number,
        title_ru: "Тема форума",
        title_en: "Topic",
        help_ru: "Номер темы, если группа — форум",
        help_en: "the number of a topic, where the group is a forum",
        ..OPTIONAL
    },
    Field {
        key: "comment",
        title_ru: "Примечание",
        title_en: "Note",
        help_ru: "Добавляется к каждому сообщению",
        help_en: "a text added to every message",
        ..OPTIONAL
    },
    Field {
        key: "per_minute",
        kind: FieldKind::Number,
        default: Some("20"),
        title_ru: "Сообщений в минуту",
        title_en: "Messages a minute",
        help_ru: "Telegram допускает в группе 20",
        help_en: "Telegram permits 20 in a group",
        ..OPTIONAL
    },
    Field {
        key: "api",
        default: Some(SERVICE),
        title_ru: "Адрес Bot API",
        title_en: "Address of the Bot API",
        help_ru: "Свой сервер Bot API, если до обычного нет дороги",
        help_en: "a Bot API server of your own, where the usual one cannot be reached",
        ..OPTIONAL
    },
];

#[derive(Debug)]
struct Telegram {
    api: String,
    host: String,
    secrets: [Secret; 1],
    configured: i64,
    /// The chat that messages go to: another one after the group has become a supergroup.
    chat: AtomicI64,
    thread: Option<u64>,
    comment: Option<String>,
    http: Client,
    limits: Arc<Limits>,
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Telegram, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let token = reader.secret("token");
    if let Some(token) = &token
        && !looks_like_token(token.reveal())
    {
        reader.problem("token", "is no token of a bot; it looks like 123456:AA… and comes from @BotFather");
    }
    let chat = match reader.text("chat_id").map(str::parse::<i64>) {
        Some(Err(_)) => {
            reader.problem("chat_id", "must be the number of a chat, like 504141 or -1001234567890");
            None
        }
        Some(Ok(0)) => {
            reader.problem("chat_id", "must not be 0");
            None
        }
        Some(Ok(chat)) => Some(chat),
        None => None,
    };
    let api = match confidential(reader.text("api").unwrap_or(SERVICE)) {
        Ok(api) => Some(api),
        Err(reason) => {
            reader.problem("api", reason);
            None
        }
    };
    let thread = reader.number("thread_id");
    let comment = reader.text("comment").map(str::to_owned);
    let per_minute = reader.number("per_minute").and_then(|number| u32::try_from(number).ok()).unwrap_or(20);
    reader.finish()?;
    let (Some(token), Some(chat), Some(api)) = (token, chat, api) else {
        return Err(SettingsError::of("token", "is missing"));
    };
    let host = authority(&api);
    let rate = Rate { burst: 3, interval: Duration::from_secs(60) / per_minute };
    Ok(Telegram {
        api: api.as_str().trim_end_matches('/').to_owned(),
        limits: egress.limits(&format!("{KIND} {host} {chat}"), rate),
        host,
        secrets: [token],
        configured: chat,
        chat: AtomicI64::new(chat),
        thread,
        comment,
        http: egress.http().clone(),
    })
}

fn looks_like_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(number, key)| {
        !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
            && key.len() >= 8
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    plainly(make(values, egress), lead)
}

/// A refusal in the service's own words.
struct Refusal {
    code: u64,
    said: String,
    retry_after: Option<u64>,
    moved_to: Option<i64>,
}

/// The result, the refusal, or `None` when the answer is none of the service's own.
fn read(response: &Response) -> Option<Result<Value, Refusal>> {
    let Ok(Value::Object(mut body)) = serde_json::from_slice(response.body()) else { return None };
    match body.get("ok").and_then(Value::as_bool)? {
        true if response.is_success() => Some(Ok(body.remove("result").unwrap_or(Value::Null))),
        true => None,
        false => {
            let parameters = body.get("parameters");
            let said = body.get("description").and_then(Value::as_str).unwrap_or_default();
            Some(Err(Refusal {
                code: body.get("error_code").and_then(Value::as_u64).unwrap_or(response.status().into()),
                said: one_line(said),
                retry_after: parameters.and_then(|one| one.get("retry_after")).and_then(Value::as_u64),
                moved_to: parameters.and_then(|one| one.get("migrate_to_chat_id")).and_then(Value::as_i64),
            }))
        }
    }
}

impl Telegram {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.host, secrets: &self.secrets, address: "api", effect }
    }

    /// The parameters of the message, to this chat.
    fn message(&self, lead: &Lead, chat: i64) -> Value {
        let text = Notice::of(lead, self.comment.as_deref()).html(TEXT_LIMIT);
        let mut message = json!({
            "chat_id": chat, "text": text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": true},
        });
        if let (Value::Object(map), Some(thread)) = (&mut message, self.thread) {
            map.insert("message_thread_id".into(), thread.into());
        }
        message
    }

    async fn call(&self, method: &str, params: &Value, effect: Effect) -> Result<Value, CallError> {
        let verdict = self.verdict(effect);
        let [token] = &self.secrets;
        let url = format!("{}/bot{}/{method}", self.api, token.reveal());
        let sent = self.http.post(&url).secret_path().json(params).send().await;
        let response = sent.map_err(|failure| verdict.failure(&failure))?;
        match read(&response) {
            Some(Ok(result)) => Ok(result),
            Some(Err(refusal)) => Err(self.judge(&refusal, effect)),
            None => Err(verdict.foreign(&response).into()),
        }
    }

    fn judge(&self, refusal: &Refusal, effect: Effect) -> CallError {
        let verdict = self.verdict(effect);
        let said = format!("Telegram refused: {} {}", refusal.code, refusal.said);
        if let Some(chat) = refusal.moved_to {
            return CallError::Moved(chat);
        }
        let lower = refusal.said.to_lowercase();
        CallError::Error(match refusal.code {
            401 | 404 => verdict.settings(format!(
                "{said}: the bot does not exist or its token was revoked; take the token anew from @BotFather and put it into \
                 `token`"
            )),
            403 => verdict.settings(format!(
                "{said}: the bot may not write to the chat of `chat_id`; unblock it or take it into the group again, or put \
                 another chat there"
            )),
            400 if lower.contains("chat not found") => verdict.settings(format!(
                "{said}: take the bot into the group, or write to the bot first, and put that chat's number into `chat_id`"
            )),
            400 if lower.contains("thread not found") || lower.contains("topic") => {
                verdict.settings(format!("{said}: put the number of an open topic into `thread_id`, or remove it"))
            }
            400 if lower.contains("rights") || lower.contains("forbidden") => verdict.settings(format!(
                "{said}: let the bot write in the chat of `chat_id`: make it an administrator or permit members to write"
            )),
            429 => {
                let pause = Duration::from_secs(refusal.retry_after.unwrap_or(30).max(1));
                self.limits.full(pause);
                verdict.later(Some(pause), format!("{said}; it asks to wait"))
            }
            408 | 500.. => verdict.unclear(said),
            _ => verdict.refused(said),
        })
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let verdict = self.verdict(Effect::Creates);
        // A group that became a supergroup refuses and names its new number: nothing was sent, one repeat is safe.
        for _ in 0..2 {
            self.limits.admit(&[SEND]).await.map_err(|wait| verdict.crowded(wait))?;
            let chat = self.chat.load(Ordering::Relaxed);
            match self.call(SEND, &self.message(lead, chat), Effect::Creates).await {
                Ok(result) => {
                    let id = result.get("message_id").and_then(Value::as_u64);
                    return id.map(|id| format!("{chat}/{id}")).ok_or_else(|| {
                        verdict.unclear("Telegram sent a message and did not say its number")
                    });
                }
                Err(CallError::Moved(chat)) => {
                    tracing::warn!(chat, "a group of Telegram has a new number; put it into `chat_id`");
                    self.chat.store(chat, Ordering::Relaxed);
                }
                Err(CallError::Error(error)) => return Err(error),
            }
        }
        Err(self.moved(verdict))
    }

    fn moved(&self, verdict: Verdict<'_>) -> DeliveryError {
        let chat = self.chat.load(Ordering::Relaxed);
        verdict.settings(format!(
            "the group of `chat_id` has become a supergroup; put its new number {chat} there"
        ))
    }

    async fn try_out(&self) -> Result<String, DeliveryError> {
        let verdict = self.verdict(Effect::Reads);
        let flat = |error| match error {
            CallError::Error(error) => error,
            CallError::Moved(chat) => {
                // The number is not personal: it must be shown whole.
                DeliveryError::Settings {
                    reason: format!(
                        "the group of `chat_id` has become a supergroup; put its new number {chat} there"
                    ),
                }
            }
        };
        let me = self.call("getMe", &json!({}), Effect::Reads).await.map_err(flat)?;
        let name = |value: &Value, keys: [&str; 3]| {
            let found = keys.iter().find_map(|key| value.get(*key).and_then(Value::as_str));
            one_line(found.unwrap_or("?"))
        };
        let chat = json!({"chat_id": self.configured});
        let chat = self.call("getChat", &chat, Effect::Reads).await.map_err(flat)?;
        let bot = name(&me, ["username", "first_name", "id"]);
        let line = format!("bot @{bot} writes to “{}”", name(&chat, ["title", "username", "first_name"]));
        Ok(verdict.clean(&line))
    }
}

/// Why a call gave nothing.
enum CallError {
    /// The group has another number now.
    Moved(i64),
    Error(DeliveryError),
}

impl From<DeliveryError> for CallError {
    fn from(error: DeliveryError) -> Self {
        Self::Error(error)
    }
}

impl Plain for Telegram {
    fn shown(&self, lead: &Lead) -> Vec<Shown> {
        let message = self.message(lead, self.configured);
        vec![Shown { what: format!("POST {}/bot***/{SEND}", self.api), body: readable(&message) }]
    }
}

impl Connector for Telegram {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(self.hand_over(lead))
    }

    fn find<'a>(&'a self, _lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(self.try_out())
    }
}
