//! What an attempt sent and was told, in a form that people may see: secrets and what tells who the person is are cut
//! out before it is stored.

use ismart_domain::lead::Lead;
use ismart_domain::secret::mask_personal;
use ismart_http::Exchange;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Characters that are kept of one body.
const BODY_KEPT: usize = 4000;

/// One request with its answer, masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// `POST`.
    pub method: String,
    /// Where to, without secrets.
    pub address: String,
    /// What was sent.
    pub request: String,
    /// The status of the answer, when one came.
    pub status: Option<u16>,
    /// The answer, or why there is none.
    pub answer: String,
    /// How long it took, milliseconds.
    pub millis: u64,
}

/// The exchanges of an attempt as JSON to store; `None` when nothing was asked of the outside.
pub(crate) fn written(exchanges: &[Exchange], lead: &Lead) -> Option<String> {
    let mask = Mask::of(lead);
    let shown: Vec<Shown> = exchanges
        .iter()
        .map(|one| Shown {
            method: one.method.clone(),
            address: mask.text(&one.address),
            request: mask.body(&one.request),
            status: one.status,
            answer: mask.body(&one.answer),
            millis: one.millis,
        })
        .collect();
    if shown.is_empty() { None } else { serde_json::to_string(&shown).ok() }
}

/// Knows what of a lead must not be seen.
struct Mask {
    /// Texts with what stands in their place, longest first.
    texts: Vec<(String, String)>,
}

/// Parts of names of values that open something.
const SECRET_NAMES: [&str; 8] =
    ["secret", "token", "password", "passwd", "authorization", "apikey", "api_key", "signature"];

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

impl Mask {
    fn of(lead: &Lead) -> Self {
        let draft = &lead.draft;
        let mut hidden: Vec<(String, String)> = Vec::new();
        let mut hide = |text: &str, shown: &str| {
            let text = text.trim();
            if text.chars().count() >= 2 {
                hidden.push((text.to_owned(), shown.to_owned()));
                let encoded = encoded(text);
                if encoded != text {
                    hidden.push((encoded, shown.to_owned()));
                }
            }
        };
        if let Some(name) = &draft.name {
            hide(name.as_str(), "***");
            name.as_str().split_whitespace().for_each(|part| hide(part, "***"));
        }
        if let Some(email) = &draft.email {
            hide(email.as_str(), "***");
            hide(&email.matching(), "***");
        }
        for line in draft.comment.lines().filter(|line| line.trim().chars().count() >= 4) {
            hide(line, &format!("({} characters of the person)", line.trim().chars().count()));
        }
        for ip in draft.consents.iter().filter_map(|consent| consent.ip.as_deref()) {
            hide(ip, "***");
        }
        hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        hidden.dedup();
        Self { texts: hidden }
    }

    fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (hidden, shown) in &self.texts {
            if out.contains(hidden.as_str()) {
                out = out.replace(hidden.as_str(), shown);
            }
        }
        mask_personal(&out)
    }

    fn body(&self, body: &str) -> String {
        let masked = match serde_json::from_str::<Value>(body) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => self.value(value).to_string(),
            _ if is_form(body) => self.form(body),
            _ => self.text(body),
        };
        let mut kept: String = masked.chars().take(BODY_KEPT).collect();
        if kept.len() < masked.len() {
            kept.push('…');
        }
        kept
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Number(number) => {
                let shown = self.text(&number.to_string());
                if shown == number.to_string() { Value::Number(number) } else { Value::String(shown) }
            }
            Value::Array(list) => Value::Array(list.into_iter().map(|one| self.value(one)).collect()),
            Value::Object(map) => {
                // Where a password stands, a code beside it buys tokens.
                let opens = map.keys().any(|key| is_secret(key));
                let entry = |(key, value): (String, Value)| {
                    let hidden = is_secret(&key) || (opens && key == "code");
                    let value = if hidden { Value::String("***".into()) } else { self.value(value) };
                    (key, value)
                };
                Value::Object(map.into_iter().map(entry).collect::<Map<String, Value>>())
            }
            other => other,
        }
    }

    fn form(&self, body: &str) -> String {
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) || name == "code" => format!("{name}=***"),
            Some((name, value)) => format!("{name}={}", self.text(value)),
            None => self.text(pair),
        };
        body.split('&').map(pair).collect::<Vec<_>>().join("&")
    }
}

/// Whether a body looks like the fields of a form.
fn is_form(body: &str) -> bool {
    body.contains('=') && !body.contains(['<', '\n', ' ', '{'])
}

/// A text as forms write it.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ismart_domain::id::Id;
    use ismart_domain::lead::{Channel, Intent, LeadDraft, LeadSource, Utm};
    use ismart_domain::{ClientId, Email, LeadId, PersonName, Phone, SiteId};

    use super::*;

    fn lead() -> Lead {
        let id = uuid();
        let draft: LeadDraft = serde_json::from_value(serde_json::json!({
            "site_id": SiteId::from_uuid(id), "intent": Intent::TestDrive,
            "name": PersonName::parse("Иван Петров").unwrap(), "phone": Phone::parse("89101234567").unwrap(),
            "email": Email::parse("Ivan@mail.ru").unwrap(), "comment": "Приеду в субботу с женой\nда",
            "subject": null, "consents": [], "fields": {}, "idempotency_key": null, "test": false,
            "source": LeadSource {
                channel: Channel::Form { form: "f".into() }, page_url: "https://a.ru/".into(), referrer: None,
                utm: Utm::default(), visit_id: None,
            },
        }))
        .unwrap();
        Lead {
            id: LeadId::from_uuid(id),
            client_id: ClientId::from_uuid(id),
            number: 7,
            accepted_at: jiff::Timestamp::UNIX_EPOCH,
            draft,
        }
    }

    fn uuid() -> uuid::Uuid {
        uuid::Uuid::from_u128(5)
    }

    fn shown(request: &str, answer: &str) -> Shown {
        let exchange = Exchange {
            method: "POST".into(),
            address: "https://p.example/***".into(),
            request: request.into(),
            status: Some(200),
            answer: answer.into(),
            millis: 5,
        };
        let stored = written(&[exchange], &lead()).unwrap();
        serde_json::from_str::<Vec<Shown>>(&stored).unwrap().remove(0)
    }

    #[test]
    fn neither_the_person_nor_a_secret_is_stored() {
        let bodies = [
            r#"{"fields":{"name":"Иван","lastName":"Петров","fm":[{"value":"+79101234567"}],"comments":"Комментарий: Приеду в субботу с женой","mail":"ivan@mail.ru"},"phone":79101234567}"#,
            r#"{"client_secret":"hush","code":"hush","grant_type":"authorization_code"}"#,
            r#"{"access_token":"hush","refresh_token":"hush","expires_in":86400}"#,
            "access_token=hush&message=%D0%98%D0%B2%D0%B0%D0%BD&peer_id=5&email=ivan%40mail.ru",
            "Subject: Иван Петров, +7 (910) 123-45-67, Ivan@mail.ru",
            r#"{"cmd":{"p":"crm.duplicate.findbycomm?values%5B0%5D=%2B79101234567&values%5B1%5D=ivan%40mail.ru"}}"#,
        ];
        for body in bodies {
            for text in [shown(body, "").request, shown("", body).answer] {
                for told in [
                    "Иван",
                    "Петров",
                    "9101234",
                    "910) 123",
                    "van@",
                    "van%40",
                    "hush",
                    "женой",
                    "%D0%98%D0%B2",
                ] {
                    assert!(!text.contains(told), "{told} in {text}");
                }
            }
        }
        let told = shown(r#"{"result":{"item":{"id":9051,"stageId":"NEW"}}}"#, "").request;
        assert_eq!(told, r#"{"result":{"item":{"id":9051,"stageId":"NEW"}}}"#, "what tells nothing stays");
    }

    #[test]
    fn long_bodies_are_cut_and_nothing_asked_is_nothing_stored() {
        let long = shown(&"я ".repeat(5000), "").request;
        assert_eq!(long.chars().count(), BODY_KEPT + 1);
        assert_eq!(written(&[], &lead()), None);
    }
}
