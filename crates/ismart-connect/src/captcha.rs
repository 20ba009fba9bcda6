//! Yandex SmartCaptcha: asks its maker whether the sender of a form was a person.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::ports::{Captcha, Judged};
use ismart_domain::{BoxFuture, Secret};
use ismart_http::Client;
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::Egress;
use crate::settings::{Field, FieldKind, Reader, SettingsError};

/// Where the maker is asked.
const MAKER: &str = "https://smartcaptcha.yandexcloud.net/validate";
/// A person waits for the answer.
const PATIENCE: u64 = 5;

/// The settings of `[captcha]`.
pub const CAPTCHA_FIELDS: &[Field] = &[
    Field {
        key: "server_key",
        kind: FieldKind::Secret,
        required: true,
        default: None,
        title_ru: "Ключ сервера",
        title_en: "Server key",
        help_ru: "Yandex Cloud → SmartCaptcha → капча → ключ сервера",
        help_en: "Yandex Cloud → SmartCaptcha → the captcha → server key",
    },
    Field {
        key: "url",
        kind: FieldKind::Text,
        required: false,
        default: Some(MAKER),
        title_ru: "Адрес проверки",
        title_en: "Address of the check",
        help_ru: "Только для проверки с эмулятором",
        help_en: "only to try it with an emulator",
    },
    Field {
        key: "timeout_seconds",
        kind: FieldKind::Number,
        required: false,
        default: Some("5"),
        title_ru: "Сколько ждать, с",
        title_en: "Time to wait, s",
        help_ru: "Дольше посетитель не ждёт: заявка принимается без проверки",
        help_en: "a visitor waits no longer: the lead is then taken unchecked",
    },
];

#[derive(Debug)]
struct SmartCaptcha {
    url: String,
    server_key: Secret,
    patience: Duration,
    http: Client,
}

/// Reads `[captcha]`; sends nothing.
///
/// # Errors
/// Everything that is wrong with the settings.
pub fn open_captcha(values: &Map<String, Value>, egress: &Egress) -> Result<Arc<dyn Captcha>, SettingsError> {
    let mut reader = Reader::new(values, CAPTCHA_FIELDS);
    let url = reader.text("url").unwrap_or(MAKER).to_owned();
    let good = Url::parse(&url).is_ok_and(|url| {
        let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        url.scheme() == "https" || (url.scheme() == "http" && here)
    });
    if !good {
        reader.problem("url", "must begin with https://");
    }
    let server_key = reader.secret("server_key");
    let patience = Duration::from_secs(reader.number("timeout_seconds").unwrap_or(PATIENCE).min(20));
    reader.finish()?;
    let server_key = server_key.ok_or_else(|| SettingsError::of("server_key", "is missing"))?;
    Ok(Arc::new(SmartCaptcha { url, server_key, patience, http: egress.http().clone() }))
}

impl SmartCaptcha {
    fn form(&self, token: &str, ip: &str) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("secret", self.server_key.reveal())
            .append_pair("token", token)
            .append_pair("ip", ip);
        form.finish()
    }

    async fn asked(&self, token: &str, ip: &str) -> Judged {
        let form = self.form(token, ip);
        let request = self.http.post(&self.url).timeout(self.patience);
        match request.body("application/x-www-form-urlencoded", form).send().await {
            Ok(answer) => read(answer.body()),
            Err(failure) => Judged::Unknown { reason: failure.to_string() },
        }
    }
}

/// Only a plain word of the maker makes a robot of anybody.
fn read(body: &[u8]) -> Judged {
    let unread = Judged::Unknown { reason: "the maker's answer cannot be read".to_owned() };
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return unread };
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    match text("status") {
        "ok" => Judged::Person,
        "" => unread,
        // A wrong key of ours says nothing about the sender.
        _ if text("message").starts_with("Authentication failed") => {
            Judged::Unknown { reason: "the maker does not know the server key".to_owned() }
        }
        _ => Judged::Robot,
    }
}

impl Captcha for SmartCaptcha {
    fn judge<'a>(&'a self, token: &'a str, ip: &'a str) -> BoxFuture<'a, Judged> {
        Box::pin(self.asked(token, ip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_word_makes_a_robot() {
        assert_eq!(read(br#"{"status":"ok","host":"a.ru"}"#), Judged::Person);
        assert_eq!(read(br#"{"status":"failed","message":"Token invalid or expired"}"#), Judged::Robot);
        let unknown = |body: &[u8]| matches!(read(body), Judged::Unknown { .. });
        for body in ["", "<html>", "[]", "{}", r#"{"status":5}"#] {
            assert!(unknown(body.as_bytes()), "{body}");
        }
        assert!(unknown(br#"{"status":"failed","message":"Authentication failed. Invalid secret."}"#));
    }
}
