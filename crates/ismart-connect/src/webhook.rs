//! Leads to a program of the client's own, as webhooks signed by the Standard Webhooks specification.
//!
//! The receiver cannot be asked; it recognises a repeat by `webhook-id`, which is the same for every attempt of a lead. The body
//! is described in `docs/reference/webhook.md` and `webhook/lead.v1.schema.json`.

mod body;
mod sign;

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::Shown;
use ismart_domain::{BoxFuture, Env, Secret};
use ismart_http::{Client, Response};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

use self::sign::SigningKey;
use crate::address::{authority, confidential};
use crate::effect::Effect;
use crate::limit::{Limits, Rate};
use crate::rehearse::{Plain, Rehearsing, plainly, readable};
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};
use crate::verdict::Verdict;
use crate::{Egress, Entry, Memory, Opened};

const KIND: &str = "webhook";

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "Подписанный вебхук",
    title_en: "Signed webhook",
    fields: FIELDS,
    memory: Memory::Recognises,
    open,
    rehearse,
};

const FIELDS: &[Field] = &[
    Field {
        key: "url",
        required: true,
        title_ru: "Адрес",
        title_en: "Address",
        help_ru: "Куда отправлять: https://…",
        help_en: "where to send: https://…",
        ..OPTIONAL
    },
    Field {
        key: "secret",
        kind: FieldKind::Secret,
        required: true,
        title_ru: "Секрет подписи",
        title_en: "Signing secret",
        help_ru: "whsec_ и 24–64 случайных байта в base64; тот же у получателя",
        help_en: "whsec_ and 24 to 64 random bytes in base64; the receiver has the same",
        ..OPTIONAL
    },
    Field {
        key: "old_secret",
        kind: FieldKind::Secret,
        title_ru: "Прежний секрет",
        title_en: "Previous secret",
        help_ru: "На время замены: подписываем обоими, пока получатель не перейдёт на новый",
        help_en: "while it is being replaced: both sign until the receiver has the new one",
        ..OPTIONAL
    },
    Field {
        key: "rate",
        kind: FieldKind::Number,
        default: Some("10"),
        title_ru: "Запросов в секунду",
        title_en: "Requests a second",
        help_ru: "Сколько выдержит получатель",
        help_en: "as many as the receiver bears",
        ..OPTIONAL
    },
];

#[derive(Debug)]
struct Webhook {
    /// May hold a secret of the receiver's own in path or query: never shown.
    url: Secret,
    host: String,
    /// Tells apart what two receivers get of one lead.
    mark: String,
    keys: Vec<SigningKey>,
    secrets: Vec<Secret>,
    http: Client,
    limits: Arc<Limits>,
    env: Env,
}

fn key(reader: &mut Reader<'_>, name: &str) -> Option<(Secret, SigningKey)> {
    let secret = reader.secret(name)?;
    match SigningKey::read(&secret) {
        Ok(key) => Some((secret, key)),
        Err(reason) => {
            reader.problem(name, reason);
            None
        }
    }
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Webhook, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let url = match reader.text("url").map(confidential) {
        Some(Err(reason)) => {
            reader.problem("url", reason);
            None
        }
        Some(Ok(url)) => Some(url),
        None => None,
    };
    let (new, old) = (key(&mut reader, "secret"), key(&mut reader, "old_secret"));
    let rate = reader.number("rate").and_then(|rate| u32::try_from(rate).ok()).unwrap_or(10);
    reader.finish()?;
    let (Some(url), Some(new)) = (url, new) else { return Err(SettingsError::of("url", "is missing")) };
    let host = authority(&url);
    let (mut secrets, keys): (Vec<Secret>, Vec<SigningKey>) = std::iter::once(new).chain(old).unzip();
    secrets.extend(inner_secrets(&url));
    Ok(Webhook {
        mark: hex::encode(Sha256::digest(url.as_str()).get(..4).unwrap_or_default()),
        limits: egress
            .limits(&format!("{KIND} {host}"), Rate { burst: 5, interval: Duration::from_secs(1) / rate }),
        url: Secret::new(url.as_str()),
        host,
        keys,
        secrets,
        http: egress.http().clone(),
        env: egress.env().clone(),
    })
}

/// Parts of the address by which the receiver knows who calls: its path's last piece and its query.
fn inner_secrets(url: &Url) -> Vec<Secret> {
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let parts = [last, url.query().unwrap_or_default()];
    parts.into_iter().filter(|part| part.len() >= 8).map(Secret::new).collect()
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    plainly(make(values, egress), lead)
}

impl Webhook {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.host, secrets: &self.secrets, address: "url", effect }
    }

    /// The same for every attempt to bring this lead there.
    fn id(&self, lead: &Lead) -> String {
        format!("{}-{}", lead.origin_id(), self.mark)
    }

    async fn send(&self, id: &str, body: &Value, effect: Effect) -> Result<(), DeliveryError> {
        let verdict = self.verdict(effect);
        self.limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
        let bytes = body.to_string();
        let at = self.env.now().as_second().to_string();
        let signatures: Vec<String> =
            self.keys.iter().map(|key| key.sign(id, &at, bytes.as_bytes())).collect();
        let request = self.http.post(self.url.reveal()).secret_path();
        let request = request.body("application/json", bytes);
        let request = request.header("webhook-id", id).header("webhook-timestamp", &at);
        let response = request.header("webhook-signature", &signatures.join(" ")).send().await;
        let response = response.map_err(|failure| verdict.failure(&failure))?;
        if response.is_success() { Ok(()) } else { Err(self.judge(&response, verdict)) }
    }

    fn judge(&self, response: &Response, verdict: Verdict<'_>) -> DeliveryError {
        let status = response.status();
        let said = format!("{} answered {status}", self.host);
        match status {
            300..=399 => verdict.settings(format!("{said}: it redirects; put the new address into `url`")),
            401 | 403 => verdict.settings(format!(
                "{said}: it does not accept the signature; give the receiver the secret of `secret`, or put the receiver's own \
                 there, and check the clocks"
            )),
            404 | 405 => verdict.settings(format!("{said}: nobody takes webhooks there; correct `url`")),
            410 => verdict.settings(format!(
                "{said}: the receiver has ended the subscription; subscribe again and correct `url`, or remove the destination"
            )),
            429 | 503 => verdict.throttled(response, &said),
            408 | 500.. => verdict.unclear(said),
            _ => verdict.refused(said),
        }
    }
}

impl Plain for Webhook {
    fn shown(&self, lead: &Lead) -> Vec<Shown> {
        let headers = format!(
            "webhook-id: {}\nwebhook-timestamp: {}\nwebhook-signature: v1,***\n\n",
            self.id(lead),
            self.env.now().as_second()
        );
        let body = format!("{headers}{}", readable(&body::created(lead)));
        vec![Shown { what: format!("POST https://{}/***", self.host), body }]
    }
}

impl Connector for Webhook {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(async move {
            let id = self.id(lead);
            self.send(&id, &body::created(lead), Effect::Creates).await?;
            Ok(id)
        })
    }

    fn find<'a>(&'a self, _lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(async move {
            let now = self.env.now();
            // A check is an event of its own kind: who follows the specification answers 2xx and does nothing.
            self.send(&format!("check-{}", self.env.token()), &body::check(now), Effect::Reads).await?;
            Ok(self.verdict(Effect::Reads).clean(&format!("{} takes signed webhooks", self.host)))
        })
    }
}
