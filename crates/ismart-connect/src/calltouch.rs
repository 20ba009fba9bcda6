//! Leads as requests in CallTouch, which ties them to the visitor's advertising.
//!
//! The service makes a second request of a repeat; its journal is asked for the lead's number before anything is sent.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::Shown;
use ismart_domain::{BoxFuture, Env, Secret};
use ismart_http::{Client, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::address::{authority, confidential, form};
use crate::effect::Effect;
use crate::limit::{Limits, Rate};
use crate::rehearse::{Plain, Rehearsing, plainly};
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};
use crate::story::story;
use crate::text::{cut, one_line};
use crate::verdict::Verdict;
use crate::{Egress, Entry, Memory, Opened};

const KIND: &str = "calltouch";
const SERVICE: &str = "https://api.calltouch.ru";
const SUBJECT_LIMIT: usize = 250;
const COMMENT_LIMIT: usize = 4000;
/// Names under which forms send the visitor's session.
const SESSIONS: [&str; 4] = ["_ct_session_id", "ct_session_id", "session_id", "sessionId"];
/// A journal of some days of a busy account.
const JOURNAL_LIMIT: usize = 16 * 1024 * 1024;

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "CallTouch",
    title_en: "CallTouch",
    fields: FIELDS,
    memory: Memory::Asked,
    open,
    rehearse,
};

const FIELDS: &[Field] = &[
    Field {
        key: "site_id",
        kind: FieldKind::Number,
        required: true,
        title_ru: "ID личного кабинета",
        title_en: "Account id",
        help_ru: "Интеграции → Отправка данных во внешние системы → API и Webhooks",
        help_en: "Integrations → Sending data to other systems → API and Webhooks",
        ..OPTIONAL
    },
    Field {
        key: "token",
        kind: FieldKind::Secret,
        required: true,
        title_ru: "API-токен",
        title_en: "API token",
        help_ru: "Там же; им читается журнал заявок, чтобы не отправить заявку дважды",
        help_en: "in the same place; it reads the journal of requests, so that none is sent twice",
        ..OPTIONAL
    },
    Field {
        key: "subject",
        title_ru: "Название формы",
        title_en: "Name of the form",
        help_ru: "Одно для всех заявок; без него — название заявки",
        help_en: "one for all requests; without it the title of the request",
        ..OPTIONAL
    },
    Field {
        key: "tags",
        title_ru: "Теги",
        title_en: "Tags",
        help_ru: "Через запятую",
        help_en: "separated by commas",
        ..OPTIONAL
    },
    Field {
        key: "comment",
        title_ru: "Примечание",
        title_en: "Note",
        help_ru: "Добавляется к комментарию каждой заявки",
        help_en: "a text added to the comment of every request",
        ..OPTIONAL
    },
    Field {
        key: "rate",
        kind: FieldKind::Number,
        default: Some("5"),
        title_ru: "Запросов в секунду",
        title_en: "Requests a second",
        help_ru: "Сколько отправлять за секунду самое большее",
        help_en: "the most that are sent in a second",
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
struct CallTouch {
    api: String,
    host: String,
    site: u64,
    secrets: [Secret; 1],
    subject: Option<String>,
    tags: Option<String>,
    comment: Option<String>,
    http: Client,
    limits: Arc<Limits>,
    env: Env,
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<CallTouch, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let (site, token) = (reader.number("site_id"), reader.secret("token"));
    let api = match confidential(reader.text("api").unwrap_or(SERVICE)) {
        Ok(api) => Some(api),
        Err(reason) => {
            reader.problem("api", reason);
            None
        }
    };
    let own = |key: &str| reader.text(key).map(str::to_owned);
    let (subject, tags, comment) = (own("subject"), own("tags"), own("comment"));
    let rate = reader.number("rate").and_then(|rate| u32::try_from(rate).ok()).unwrap_or(5);
    reader.finish()?;
    let (Some(site), Some(token), Some(api)) = (site, token, api) else {
        return Err(SettingsError::of("site_id", "is missing"));
    };
    let host = authority(&api);
    let rate = Rate { burst: 3, interval: Duration::from_secs(1) / rate };
    Ok(CallTouch {
        api: api.as_str().trim_end_matches('/').to_owned(),
        limits: egress.limits(&format!("{KIND} {host} {site}"), rate),
        host,
        site,
        secrets: [token],
        subject,
        tags,
        comment,
        http: egress.http().clone(),
        env: egress.env().clone(),
    })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    plainly(make(values, egress), lead)
}

/// Code and words of a refusal, which may come under any status.
fn refusal(body: &Value) -> Option<String> {
    let inner = body.get("data").and_then(|data| data.get("apiErrorData")).unwrap_or(body);
    let code = inner.get("errorCode").filter(|code| !code.is_null())?;
    let said = inner.get("message").or_else(|| inner.get("errorMessage")).and_then(Value::as_str);
    Some(one_line(&format!("{code} {}", said.unwrap_or_default())))
}

impl CallTouch {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.host, secrets: &self.secrets, address: "api", effect }
    }

    fn address(&self) -> String {
        format!("{}/calls-service/RestAPI/requests/{}/register/", self.api, self.site)
    }

    fn request(&self, lead: &Lead) -> Vec<(&'static str, String)> {
        let draft = &lead.draft;
        let mark = if draft.test { "Тест. " } else { "" };
        let subject = self.subject.clone().unwrap_or_else(|| lead.title());
        let words = story(lead, false, self.comment.as_deref()).join("\n");
        let words: String = words.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        let session = SESSIONS.iter().find_map(|name| draft.fields.get(*name));
        // An empty or broken session makes the service refuse the whole request.
        let session =
            session.map(|id| id.trim()).filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
        let all = [
            ("requestNumber", Some(lead.origin_id())),
            ("subject", Some(cut(&one_line(&format!("{mark}{subject}")), SUBJECT_LIMIT))),
            ("fio", draft.name.as_ref().map(|name| cut(&one_line(name.as_str()), 200))),
            (
                "phoneNumber",
                draft.phone.as_ref().map(|phone| phone.e164().trim_start_matches('+').to_owned()),
            ),
            ("email", draft.email.as_ref().map(|email| email.as_str().to_owned())),
            ("requestUrl", Some(cut(&one_line(&draft.source.page_url), 2000))),
            ("comment", Some(cut(&words, COMMENT_LIMIT))),
            ("tags", self.tags.clone()),
            ("sessionId", session.map(str::to_owned)),
        ];
        let given = all.into_iter().filter_map(|(key, value)| Some((key, value?)));
        given.filter(|(_, value)| !value.trim().is_empty()).collect()
    }

    async fn call(&self, url: &str, form: Option<String>, effect: Effect) -> Result<Value, DeliveryError> {
        let verdict = self.verdict(effect);
        self.limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
        let request = match form {
            Some(form) => self.http.post(url).body("application/x-www-form-urlencoded; charset=utf-8", form),
            None => self.http.get(url).secret_path(),
        };
        let response = request.body_limit(JOURNAL_LIMIT).send().await;
        let response = response.map_err(|failure| verdict.failure(&failure))?;
        match serde_json::from_slice::<Value>(response.body()) {
            Ok(body) => match refusal(&body) {
                Some(said) => Err(self.judge(&response, &said, verdict)),
                None if response.is_success() => Ok(body),
                None => Err(verdict.foreign(&response)),
            },
            Err(_unreadable) => Err(verdict.foreign(&response)),
        }
    }

    fn judge(&self, response: &Response, said: &str, verdict: Verdict<'_>) -> DeliveryError {
        let said = format!("CallTouch refused: {} {said}", response.status());
        match response.status() {
            401 | 403 => verdict.settings(format!(
                "{said}: take the account id and the API token anew from the account's integrations and put them into `site_id` \
                 and `token`"
            )),
            404 => verdict.settings(format!("{said}: there is no such account; correct `site_id`")),
            429 => {
                self.limits.full(Duration::from_secs(5));
                verdict.throttled(response, &said)
            }
            408 | 500.. => verdict.unclear(said),
            _ => verdict.refused(said),
        }
    }

    /// The journal of the days in which a lead that was accepted at `since` can have been registered.
    async fn journal(&self, since: Timestamp) -> Result<Vec<Value>, DeliveryError> {
        let zone = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
        let day = |at: Timestamp, days: i64| {
            let moved = at.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(at);
            moved.to_zoned(zone.clone()).strftime("%m/%d/%Y").to_string()
        };
        let [token] = &self.secrets;
        let (site, from, to) = (self.site.to_string(), day(since, -1), day(self.env.now().max(since), 1));
        let query = [
            ("clientApiId", token.reveal()),
            ("siteId", site.as_str()),
            ("dateFrom", from.as_str()),
            ("dateTo", to.as_str()),
        ];
        let url = format!("{}/calls-service/RestAPI/requests?{}", self.api, form(query));
        match self.call(&url, None, Effect::Reads).await? {
            Value::Array(rows) => Ok(rows),
            Value::Object(mut map) => match map.remove("records").or_else(|| map.remove("requests")) {
                Some(Value::Array(rows)) => Ok(rows),
                _ => Err(self
                    .verdict(Effect::Reads)
                    .later(None, "CallTouch shows a journal that cannot be read")),
            },
            _ => {
                Err(self.verdict(Effect::Reads).later(None, "CallTouch shows a journal that cannot be read"))
            }
        }
    }

    async fn look(&self, lead: &Lead) -> Result<Option<String>, DeliveryError> {
        let own = lead.origin_id();
        let rows = self.journal(lead.accepted_at).await?;
        let found =
            rows.iter().find(|row| row.get("requestNumber").and_then(Value::as_str) == Some(own.as_str()));
        Ok(found.and_then(id))
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        if let Some(id) = self.look(lead).await? {
            return Ok(id);
        }
        let mut request = self.request(lead);
        let answer = match self.register(&request).await {
            // A session that the service has forgotten must not cost the lead: it was refused whole.
            Err(DeliveryError::Rejected { reason }) if request.iter().any(|(key, _)| *key == "sessionId") => {
                tracing::warn!(lead.id = %lead.id, reason, "CallTouch refused a request with its session; it goes without");
                request.retain(|(key, _)| *key != "sessionId");
                self.register(&request).await?
            }
            other => other?,
        };
        id(&answer).ok_or_else(|| {
            self.verdict(Effect::Creates).unclear("CallTouch took a request and did not say its number")
        })
    }

    async fn register(&self, request: &[(&'static str, String)]) -> Result<Value, DeliveryError> {
        let form = form(request.iter().map(|(key, value)| (*key, value.as_str())));
        self.call(&self.address(), Some(form), Effect::Creates).await
    }
}

fn id(row: &Value) -> Option<String> {
    match row.get("requestId")? {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        _ => None,
    }
}

impl Plain for CallTouch {
    fn shown(&self, lead: &Lead) -> Vec<Shown> {
        let lines: Vec<String> =
            self.request(lead).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![Shown { what: format!("POST {}", self.address()), body: lines.join("\n") }]
    }
}

impl Connector for CallTouch {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(self.hand_over(lead))
    }

    fn find<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(self.look(lead))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(async move {
            let today = self.journal(self.env.now()).await?;
            let line =
                format!("account {} of {}; {} requests since yesterday", self.site, self.host, today.len());
            Ok(self.verdict(Effect::Reads).clean(&line))
        })
    }
}
