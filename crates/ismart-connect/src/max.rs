//! Notices of leads to a chat of MAX, by a bot.
//!
//! A message has no key of ours: after a lost answer a lead may stand in the chat twice, under its one number.

use std::sync::Arc;
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

const KIND: &str = "max";
const SERVICE: &str = "https://platform-api2.max.ru";
/// The service's own limit is 4000.
const TEXT_LIMIT: usize = 3900;

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "MAX",
    title_en: "MAX",
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
        help_ru: "business.max.ru → Чат-боты → Интеграция",
        help_en: "business.max.ru → chat bots → integration",
        ..OPTIONAL
    },
    Field {
        key: "chat_id",
        title_ru: "Чат",
        title_en: "Chat",
        help_ru: "Номер группового чата, в котором есть бот; или задайте user_id",
        help_en: "the number of a group that the bot is in; or give user_id",
        ..OPTIONAL
    },
    Field {
        key: "user_id",
        kind: FieldKind::Number,
        title_ru: "Человек",
        title_en: "Person",
        help_ru: "Номер человека, который начал диалог с ботом; или задайте chat_id",
        help_en: "the number of a person who began a dialogue with the bot; or give chat_id",
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
        key: "rate",
        kind: FieldKind::Number,
        default: Some("10"),
        title_ru: "Запросов в секунду",
        title_en: "Requests a second",
        help_ru: "MAX допускает 30",
        help_en: "MAX permits 30",
        ..OPTIONAL
    },
    Field {
        key: "api",
        default: Some(SERVICE),
        title_ru: "Адрес API",
        title_en: "Address of the API",
        help_ru: "Только если API доступен по другому адресу. Сертификат сервиса выдан российским удостоверяющим центром: его \
                  корень должен быть в хранилище системы",
        help_en: "only where the API is reached by another address. The service's certificate is of the Russian national \
                  authority, whose root must be in the system's store",
        ..OPTIONAL
    },
];

/// To whom messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Chat(i64),
    Person(u64),
}

#[derive(Debug)]
struct Max {
    api: String,
    host: String,
    secrets: [Secret; 1],
    to: To,
    comment: Option<String>,
    http: Client,
    limits: Arc<Limits>,
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Max, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let token = reader.secret("token");
    let chat = reader.text("chat_id").map(str::parse::<i64>);
    let person = reader.number("user_id");
    let named = |key: &str| values.get(key).is_some_and(|value| !value.is_null());
    let to = match (chat, person) {
        (Some(Ok(_)), Some(_)) => {
            reader.problem("user_id", "stands beside `chat_id`; give one of the two");
            None
        }
        (Some(Ok(chat)), None) => Some(To::Chat(chat)),
        (Some(Err(_)), _) => {
            reader.problem("chat_id", "must be the number of a chat");
            None
        }
        (None, Some(person)) => Some(To::Person(person)),
        (None, None) => {
            // A value that cannot be read was told about already; nothing at all is told about beside the token.
            if token.is_some() && !named("chat_id") && !named("user_id") {
                reader.problem("chat_id", "is missing; give `chat_id` or `user_id`");
            }
            None
        }
    };
    let api = match confidential(reader.text("api").unwrap_or(SERVICE)) {
        Ok(api) => Some(api),
        Err(reason) => {
            reader.problem("api", reason);
            None
        }
    };
    let comment = reader.text("comment").map(str::to_owned);
    let rate = reader.number("rate").and_then(|rate| u32::try_from(rate).ok()).unwrap_or(10);
    reader.finish()?;
    let (Some(token), Some(to), Some(api)) = (token, to, api) else {
        return Err(SettingsError::of("chat_id", "is missing; give `chat_id` or `user_id`"));
    };
    let host = authority(&api);
    let rate = Rate { burst: 5, interval: Duration::from_secs(1) / rate };
    Ok(Max {
        api: api.as_str().trim_end_matches('/').to_owned(),
        limits: egress.limits(&format!("{KIND} {host}"), rate),
        host,
        secrets: [token],
        to,
        comment,
        http: egress.http().clone(),
    })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    plainly(make(values, egress), lead)
}

/// Code and words of a refusal.
fn refusal(body: &Value) -> Option<(String, String)> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(one_line);
    Some((text("code")?, text("message").unwrap_or_default()))
}

impl Max {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.host, secrets: &self.secrets, address: "api", effect }
    }

    fn address(&self) -> String {
        match self.to {
            To::Chat(chat) => format!("{}/messages?chat_id={chat}", self.api),
            To::Person(person) => format!("{}/messages?user_id={person}", self.api),
        }
    }

    fn setting(&self) -> &'static str {
        match self.to {
            To::Chat(_) => "chat_id",
            To::Person(_) => "user_id",
        }
    }

    fn message(&self, lead: &Lead) -> Value {
        let text = Notice::of(lead, self.comment.as_deref()).html(TEXT_LIMIT);
        json!({"text": cut_markup(text), "format": "html", "notify": true, "disable_link_preview": true})
    }

    async fn call(&self, url: &str, body: Option<&Value>, effect: Effect) -> Result<Value, DeliveryError> {
        let verdict = self.verdict(effect);
        self.limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
        let [token] = &self.secrets;
        let request = match body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let response = request.header("Authorization", token.reveal()).send().await;
        let response = response.map_err(|failure| verdict.failure(&failure))?;
        match serde_json::from_slice::<Value>(response.body()) {
            Ok(body) if response.is_success() && body.is_object() && refusal(&body).is_none() => Ok(body),
            Ok(body) => match refusal(&body) {
                Some((code, said)) => Err(self.judge(&response, &code, &said, verdict)),
                None => Err(verdict.foreign(&response)),
            },
            Err(_unreadable) => Err(verdict.foreign(&response)),
        }
    }

    fn judge(&self, response: &Response, code: &str, said: &str, verdict: Verdict<'_>) -> DeliveryError {
        let said = format!("MAX refused: {} {code} {said}", response.status());
        let setting = self.setting();
        match response.status() {
            401 => verdict.settings(format!(
                "{said}: the bot's token was revoked or belongs to nobody; take it anew from business.max.ru and put it into \
                 `token`"
            )),
            403 | 404 => verdict.settings(format!(
                "{said}: the bot cannot write to `{setting}`; take it into the chat again, let the person begin a dialogue with \
                 it, or put another number there"
            )),
            429 => {
                self.limits.full(Duration::from_secs(1));
                verdict.throttled(response, &said)
            }
            408 | 500.. => verdict.unclear(said),
            _ if code == "attachment.not.ready" => verdict.later(Some(Duration::from_secs(2)), said),
            _ => verdict.refused(said),
        }
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let answer = self.call(&self.address(), Some(&self.message(lead)), Effect::Creates).await?;
        let body = answer.get("message").and_then(|message| message.get("body"));
        match body.and_then(|body| body.get("mid")).and_then(Value::as_str) {
            Some(mid) => Ok(mid.to_owned()),
            None => {
                Err(self.verdict(Effect::Creates).unclear("MAX sent a message and did not say its number"))
            }
        }
    }

    async fn try_out(&self) -> Result<String, DeliveryError> {
        let me = self.call(&format!("{}/me", self.api), None, Effect::Reads).await?;
        let name = |value: &Value, keys: [&str; 2]| {
            let found = keys.iter().find_map(|key| value.get(*key).and_then(Value::as_str));
            one_line(found.unwrap_or("?"))
        };
        let bot = name(&me, ["username", "first_name"]);
        let to = match self.to {
            To::Chat(chat) => {
                let chat = self.call(&format!("{}/chats/{chat}", self.api), None, Effect::Reads).await?;
                if chat.get("status").and_then(Value::as_str).is_some_and(|status| status != "active") {
                    return Err(self.verdict(Effect::Reads).settings(
                        "the bot is not in the chat of `chat_id` any more; take it in again or put another number there",
                    ));
                }
                format!("“{}”", name(&chat, ["title", "type"]))
            }
            To::Person(_) => "a person (whether he permits it shows with the first message)".to_owned(),
        };
        Ok(self.verdict(Effect::Reads).clean(&format!("bot @{bot} writes to {to}")))
    }
}

/// Markup counts here: a text whose escapes made it too long goes without its end.
fn cut_markup(html: String) -> String {
    if html.chars().count() <= TEXT_LIMIT {
        return html;
    }
    let mut kept: String = html.chars().take(TEXT_LIMIT - 8).collect();
    // Not in the middle of an escape.
    if let Some(at) = kept.rfind('&')
        && kept.get(at..).is_some_and(|tail| !tail.contains(';'))
    {
        kept.truncate(at);
    }
    let closed = if kept.contains("</b>") { "" } else { "</b>" };
    format!("{kept}…{closed}")
}

impl Plain for Max {
    fn shown(&self, lead: &Lead) -> Vec<Shown> {
        vec![Shown { what: format!("POST {}", self.address()), body: readable(&self.message(lead)) }]
    }
}

impl Connector for Max {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_not_cut_in_the_middle() {
        let html = format!("<b>Заявка</b>\n\n{}", "&lt;".repeat(2000));
        let cut = cut_markup(html);
        assert!(cut.chars().count() <= TEXT_LIMIT && cut.ends_with("&lt;…"));
        assert!(cut_markup(format!("<b>{}", "x".repeat(5000))).ends_with("…</b>"));
        assert_eq!(cut_markup("<b>a</b>".into()), "<b>a</b>");
    }
}
