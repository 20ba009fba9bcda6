//! Telling people that something is wrong: by a bot of Telegram, by letters.

use std::sync::Arc;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::ports::Notifier;
use ismart_domain::{BoxFuture, Secret};
use ismart_http::{Failure, NotSent, Response};
use serde_json::{Map, Value, json};

use crate::address::is_loopback;
use crate::settings::{Field, FieldKind, Reader};
use crate::text::{cut, one_line};
use crate::{Egress, SettingsError, email};

/// A notifier, or everything that is wrong with its settings.
pub type NotifierOpened = Result<Arc<dyn Notifier>, SettingsError>;

/// A way to tell people.
#[derive(Debug)]
pub struct NotifierEntry {
    /// The name in configurations: `telegram`.
    pub kind: &'static str,
    /// The settings.
    pub fields: &'static [Field],
    /// Makes a notifier of settings. Reads them only; sends nothing.
    pub open: fn(&Map<String, Value>, &Egress) -> NotifierOpened,
}

/// All ways to tell people.
pub static NOTIFIERS: &[NotifierEntry] = &[
    NotifierEntry { kind: "telegram", fields: TELEGRAM_FIELDS, open: telegram },
    NotifierEntry { kind: "email", fields: email::FIELDS, open: email::notifier },
];

/// The entry of this kind.
#[must_use]
pub fn find_notifier(kind: &str) -> Option<&'static NotifierEntry> {
    NOTIFIERS.iter().find(|entry| entry.kind == kind)
}

/// The longest text of a message.
const TELEGRAM_LIMIT: usize = 4000;
const TELEGRAM_API: &str = "https://api.telegram.org";

const TELEGRAM_FIELDS: &[Field] = &[
    Field {
        key: "token",
        kind: FieldKind::Secret,
        required: true,
        default: None,
        title_ru: "Токен бота",
        title_en: "Token of the bot",
        help_ru: "выдаёт @BotFather",
        help_en: "@BotFather gives it",
    },
    Field {
        key: "chat_id",
        kind: FieldKind::Text,
        required: true,
        default: None,
        title_ru: "Чат",
        title_en: "Chat",
        help_ru: "номер чата или @имя канала; бот должен быть в нём",
        help_en: "number of the chat or @name of the channel; the bot must be in it",
    },
    Field {
        key: "api",
        kind: FieldKind::Text,
        required: false,
        default: Some(TELEGRAM_API),
        title_ru: "Адрес Bot API",
        title_en: "Address of the Bot API",
        help_ru: "свой сервер Bot API, если он есть",
        help_en: "your own server of the Bot API, if there is one",
    },
];

struct Telegram {
    api: String,
    token: Secret,
    chat_id: String,
    egress: Egress,
}

fn telegram(values: &Map<String, Value>, egress: &Egress) -> NotifierOpened {
    let mut reader = Reader::new(values, TELEGRAM_FIELDS);
    let token = reader.secret("token");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
    if token.as_ref().is_some_and(|token| !token.reveal().chars().all(plain)) {
        reader.problem("token", "is no token of a bot: copy it whole from @BotFather");
    }
    let api = reader.text("api").unwrap_or(TELEGRAM_API).trim_end_matches('/').to_owned();
    let host = url::Url::parse(&api).ok().and_then(|url| url.host_str().map(str::to_owned));
    if !(api.starts_with("https://") || host.as_deref().is_some_and(is_loopback)) {
        reader.problem("api", "must begin with https:// ; http would show the token to the network");
    }
    let chat_id = reader.text("chat_id").unwrap_or_default().to_owned();
    reader.finish()?;
    let token = token.ok_or_else(|| SettingsError::of("token", "is missing"))?;
    Ok(Arc::new(Telegram { api, token, chat_id, egress: egress.clone() }))
}

impl Telegram {
    async fn send(&self, text: &str) -> Result<(), DeliveryError> {
        let url = format!("{}/bot{}/sendMessage", self.api, self.token.reveal());
        let body = json!({
            "chat_id": self.chat_id, "text": cut(text, TELEGRAM_LIMIT), "link_preview_options": {"is_disabled": true},
        });
        match self.egress.http().post(&url).secret_path().json(&body).send().await {
            Ok(response) => self.judge(&response),
            Err(
                failure @ Failure::NotSent {
                    reason: NotSent::AddressRefused(_) | NotSent::Invalid(_), ..
                },
            ) => Err(DeliveryError::Settings { reason: failure.to_string() }),
            Err(failure) => {
                let ambiguous = failure.may_have_been_executed();
                Err(DeliveryError::Retry { after: None, ambiguous, reason: failure.to_string() })
            }
        }
    }

    fn judge(&self, response: &Response) -> Result<(), DeliveryError> {
        let answer = match response.json::<Value>() {
            Ok(answer) => answer,
            // A proxy's page: the status alone speaks.
            Err(_no_json) => Value::Null,
        };
        if response.is_success() && answer.get("ok").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let said = answer.get("description").and_then(Value::as_str).unwrap_or("no reason given");
        let status = response.status();
        let reason = format!("Telegram answered {status}: {}", cut(&one_line(said), 200));
        let wait = answer.get("parameters").and_then(|p| p.get("retry_after")).and_then(Value::as_i64);
        Err(match status {
            401 | 404 => DeliveryError::Settings {
                reason: format!(
                    "{reason}; the bot's token is wrong or was revoked: take a new one from @BotFather"
                ),
            },
            400 | 403 => DeliveryError::Settings {
                reason: format!(
                    "{reason}; add the bot to the chat `{}` and let it write there",
                    self.chat_id
                ),
            },
            _ => DeliveryError::Retry {
                after: wait.map(jiff::SignedDuration::from_secs),
                ambiguous: status >= 500,
                reason,
            },
        })
    }
}

impl Notifier for Telegram {
    fn name(&self) -> &str {
        "telegram"
    }

    fn tell<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), DeliveryError>> {
        Box::pin(self.send(text))
    }
}
