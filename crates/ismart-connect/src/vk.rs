//! Notices of leads by messages of a VK community.
//!
//! The service cannot be asked for a message, and recognises a repeat by `random_id`, which is made of the lead.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::Shown;
use ismart_domain::{BoxFuture, Secret};
use ismart_http::{Client, Response};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::address::{authority, confidential, form};
use crate::effect::Effect;
use crate::limit::{Limits, Rate};
use crate::notice::Notice;
use crate::rehearse::{Plain, Rehearsing, plainly};
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};
use crate::text::one_line;
use crate::verdict::Verdict;
use crate::{Egress, Entry, Memory, Opened};

const KIND: &str = "vk";
const SERVICE: &str = "https://api.vk.com";
const VERSION: &str = "5.199";
/// Documents name 4096 and 9000.
const TEXT_LIMIT: usize = 4000;
const SEND: &str = "messages.send";
/// Numbers above are conversations, below are people.
const CONVERSATIONS: u64 = 2_000_000_000;

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "ВКонтакте",
    title_en: "VK",
    fields: FIELDS,
    memory: Memory::Recognises,
    open,
    rehearse,
};

const FIELDS: &[Field] = &[
    Field {
        key: "token",
        kind: FieldKind::Secret,
        required: true,
        title_ru: "Ключ сообщества",
        title_en: "Key of the community",
        help_ru: "Сообщество → Управление → Работа с API → Создать ключ, право «Сообщения сообщества»",
        help_en: "community → Manage → API usage → Create key, with the right “community messages”",
        ..OPTIONAL
    },
    Field {
        key: "peer_id",
        kind: FieldKind::Number,
        required: true,
        title_ru: "Кому",
        title_en: "To whom",
        help_ru: "Номер человека, который разрешил сообщения сообщества, или беседы: 2000000000 + её номер",
        help_en: "the number of a person who permits messages of the community, or of a conversation: 2000000000 + its number",
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
        help_ru: "ВКонтакте допускает 20",
        help_en: "VK permits 20",
        ..OPTIONAL
    },
    Field {
        key: "api",
        default: Some(SERVICE),
        title_ru: "Адрес API",
        title_en: "Address of the API",
        help_ru: "Только если API доступен по другому адресу",
        help_en: "only where the API is reached by another address",
        ..OPTIONAL
    },
];

#[derive(Debug)]
struct Vk {
    api: String,
    host: String,
    secrets: [Secret; 1],
    peer: u64,
    comment: Option<String>,
    http: Client,
    limits: Arc<Limits>,
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Vk, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let (token, peer) = (reader.secret("token"), reader.number("peer_id"));
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
    let (Some(token), Some(peer), Some(api)) = (token, peer, api) else {
        return Err(SettingsError::of("token", "is missing"));
    };
    let host = authority(&api);
    // One key may serve several destinations, and the limit is the community's.
    let community = hex::encode(Sha256::digest(token.reveal()).get(..8).unwrap_or_default());
    let rate = Rate { burst: 5, interval: Duration::from_secs(1) / rate };
    Ok(Vk {
        api: api.as_str().trim_end_matches('/').to_owned(),
        limits: egress.limits(&format!("{KIND} {host} {community}"), rate),
        host,
        secrets: [token],
        peer,
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

/// A number of 31 bits that is the lead's own: never 0, which would switch the guard off.
fn random_id(lead: &Lead) -> u32 {
    let digest = Sha256::digest(lead.origin_id());
    let bytes = digest.first_chunk::<4>().copied().unwrap_or_default();
    (u32::from_be_bytes(bytes) & 0x7fff_ffff).max(1)
}

/// The result, or code and words of a refusal; `None` when the answer is none of the service's own.
fn read(response: &Response) -> Option<Result<Value, (u64, String)>> {
    let Ok(Value::Object(mut body)) = serde_json::from_slice(response.body()) else { return None };
    if let Some(error) = body.get("error") {
        let code = error.get("error_code").and_then(Value::as_u64)?;
        let said = error.get("error_msg").and_then(Value::as_str).unwrap_or_default();
        return Some(Err((code, one_line(said))));
    }
    body.remove("response").filter(|_| response.is_success()).map(Ok)
}

impl Vk {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.host, secrets: &self.secrets, address: "api", effect }
    }

    fn message(&self, lead: &Lead) -> Vec<(&'static str, String)> {
        vec![
            ("peer_id", self.peer.to_string()),
            ("random_id", random_id(lead).to_string()),
            ("message", Notice::of(lead, self.comment.as_deref()).plain(TEXT_LIMIT)),
            ("dont_parse_links", "1".to_owned()),
            ("disable_mentions", "1".to_owned()),
        ]
    }

    async fn call(
        &self,
        method: &str,
        params: &[(&'static str, String)],
        effect: Effect,
    ) -> Result<Value, DeliveryError> {
        let verdict = self.verdict(effect);
        self.limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
        let [token] = &self.secrets;
        let own = [("access_token", token.reveal()), ("v", VERSION)];
        let form = form(own.into_iter().chain(params.iter().map(|(key, value)| (*key, value.as_str()))));
        let url = format!("{}/method/{method}", self.api);
        let request = self.http.post(&url).body("application/x-www-form-urlencoded", form);
        let response = request.send().await.map_err(|failure| verdict.failure(&failure))?;
        match read(&response) {
            Some(Ok(result)) => Ok(result),
            Some(Err((code, said))) => Err(self.judge(code, &said, verdict)),
            None => Err(verdict.foreign(&response)),
        }
    }

    fn judge(&self, code: u64, said: &str, verdict: Verdict<'_>) -> DeliveryError {
        let said = format!("VK refused: {code} {said}");
        match code {
            4 | 5 => verdict.settings(format!(
                "{said}: the key was deleted or belongs to nobody; make a new one in the community's settings and put it into \
                 `token`"
            )),
            6 => {
                self.limits.full(Duration::from_secs(1));
                verdict.later(Some(Duration::from_secs(1)), format!("{said}; it asks to wait"))
            }
            9 => verdict.later(Some(Duration::from_secs(60)), format!("{said}: too much of the same")),
            29 => verdict.later(Some(Duration::from_secs(3600)), format!("{said}: the quota is used up")),
            1 | 10 => verdict.unclear(said),
            14 => verdict.settings(format!("{said}: VK asks for a captcha; open the community in a browser and answer it")),
            7 | 15 | 27 | 28 => verdict.settings(format!(
                "{said}: the key in `token` lacks the right to messages; make one with “community messages” and switch the \
                 messages of the community on"
            )),
            900..=902 => verdict.settings(format!(
                "{said}: the person of `peer_id` does not permit messages of the community; let him open the community and \
                 permit them, or put another number there"
            )),
            917 | 925 | 927 | 945 | 983 => verdict.settings(format!(
                "{said}: the community is not in the conversation of `peer_id`, or may not write there; invite it again"
            )),
            3 | 8 | 11 => verdict.settings(format!("{said}: this is not the API of VK; correct `api`")),
            _ => verdict.refused(said),
        }
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let result = self.call(SEND, &self.message(lead), Effect::Creates).await?;
        match result.as_u64() {
            Some(id) => Ok(id.to_string()),
            None => {
                Err(self.verdict(Effect::Creates).unclear("VK sent a message and did not say its number"))
            }
        }
    }

    async fn try_out(&self) -> Result<String, DeliveryError> {
        let verdict = self.verdict(Effect::Reads);
        let groups = self.call("groups.getById", &[], Effect::Reads).await?;
        let group = groups.get("groups").and_then(|list| list.get(0)).or_else(|| groups.get(0));
        let name = group.and_then(|group| group.get("name")).and_then(Value::as_str).unwrap_or("?");
        let id = group.and_then(|group| group.get("id")).and_then(Value::as_u64).unwrap_or_default();
        let rights = self.call("groups.getTokenPermissions", &[], Effect::Reads).await?;
        let list = rights.get("permissions").and_then(Value::as_array);
        let has =
            list.into_iter().flatten().any(|one| one.get("name").and_then(Value::as_str) == Some("messages"));
        if !has {
            return Err(verdict.settings(
                "the key in `token` lacks the right to messages; make one with the right “community messages”",
            ));
        }
        if self.peer < CONVERSATIONS {
            let params = [("group_id", id.to_string()), ("user_id", self.peer.to_string())];
            let answer = self.call("messages.isMessagesFromGroupAllowed", &params, Effect::Reads).await?;
            if answer.get("is_allowed").and_then(Value::as_u64) != Some(1) {
                return Err(verdict.settings(
                    "the person of `peer_id` does not permit messages of the community; let him open the community and \
                     permit them, or put another number there",
                ));
            }
        }
        let to = if self.peer < CONVERSATIONS { "a person" } else { "a conversation" };
        Ok(verdict.clean(&format!("community “{}” writes to {to}", one_line(name))))
    }
}

impl Plain for Vk {
    fn shown(&self, lead: &Lead) -> Vec<Shown> {
        let mut lines = vec!["access_token=***".to_owned(), format!("v={VERSION}")];
        lines.extend(self.message(lead).into_iter().map(|(key, value)| format!("{key}={value}")));
        vec![Shown { what: format!("POST {}/method/{SEND}", self.api), body: lines.join("\n") }]
    }
}

impl Connector for Vk {
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
