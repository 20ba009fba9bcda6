//! The settings of an e-mail destination.

use ismart_domain::Secret;
use lettre::Address;
use lettre::message::Mailbox;
use serde_json::{Map, Value};

use crate::address::is_loopback;
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};
use crate::text::one_line;

pub(super) const FIELDS: &[Field] = &[
    Field {
        key: "host",
        required: true,
        title_ru: "Почтовый сервер",
        title_en: "Mail server",
        help_ru: "Имя сервера, как в его сертификате: smtp.yandex.ru",
        help_en: "the server's name as its certificate has it: smtp.yandex.ru",
        ..OPTIONAL
    },
    Field {
        key: "port",
        kind: FieldKind::Number,
        title_ru: "Порт",
        title_en: "Port",
        help_ru: "Без него: 465 для tls, 587 для starttls, 25 без шифрования",
        help_en: "without it 465 for tls, 587 for starttls, 25 without encryption",
        ..OPTIONAL
    },
    Field {
        key: "encryption",
        kind: FieldKind::Choice(&["tls", "starttls", "none"]),
        default: Some("tls"),
        title_ru: "Шифрование",
        title_en: "Encryption",
        help_ru: "tls — с первого байта; starttls — после команды и обязательно; none — только на этой машине",
        help_en: "tls: from the first byte; starttls: after the command, and always; none: only on this machine",
        ..OPTIONAL
    },
    Field {
        key: "user",
        title_ru: "Пользователь",
        title_en: "User",
        help_ru: "Обычно адрес ящика, от которого уходят письма",
        help_en: "usually the address of the mailbox that letters come from",
        ..OPTIONAL
    },
    Field {
        key: "password",
        kind: FieldKind::Secret,
        title_ru: "Пароль",
        title_en: "Password",
        help_ru: "У Яндекса, Mail.ru и Google — пароль приложения, не обычный",
        help_en: "with Yandex, Mail.ru and Google an application password, not the usual one",
        ..OPTIONAL
    },
    Field {
        key: "from",
        required: true,
        title_ru: "От кого",
        title_en: "From",
        help_ru: "Адрес того же ящика; можно с именем: Автоград <site@avtograd.ru>",
        help_en: "the address of the same mailbox; may have a name: Avtograd <site@avtograd.ru>",
        ..OPTIONAL
    },
    Field {
        key: "to",
        required: true,
        title_ru: "Кому",
        title_en: "To",
        help_ru: "Адреса через запятую",
        help_en: "addresses separated by commas",
        ..OPTIONAL
    },
    Field {
        key: "subject_prefix",
        title_ru: "Начало темы",
        title_en: "Beginning of the subject",
        help_ru: "Ставится перед темой каждого письма",
        help_en: "stands before the subject of every letter",
        ..OPTIONAL
    },
    Field {
        key: "comment",
        title_ru: "Примечание",
        title_en: "Note",
        help_ru: "Добавляется к каждому письму",
        help_en: "a text added to every letter",
        ..OPTIONAL
    },
    Field {
        key: "tls_name",
        title_ru: "Имя в сертификате",
        title_en: "Name in the certificate",
        help_ru: "Если сертификат сервера выдан на другое имя, чем host",
        help_en: "where the server's certificate has another name than host",
        ..OPTIONAL
    },
    Field {
        key: "ca",
        title_ru: "Свой корневой сертификат",
        title_en: "Root certificate of your own",
        help_ru: "PEM, обычно { file = \"ca.pem\" }: для сервера, которому система не доверяет",
        help_en: "PEM, usually { file = \"ca.pem\" }: for a server that the system does not trust",
        ..OPTIONAL
    },
    Field {
        key: "hello",
        title_ru: "Наше имя",
        title_en: "Our name",
        help_ru: "Как представляться серверу (EHLO); без него — домен адреса from",
        help_en: "how to introduce ourselves (EHLO); without it the domain of from",
        ..OPTIONAL
    },
    Field {
        key: "per_minute",
        kind: FieldKind::Number,
        default: Some("30"),
        title_ru: "Писем в минуту",
        title_en: "Letters a minute",
        help_ru: "Сколько допускает почтовый сервер",
        help_en: "as many as the mail server permits",
        ..OPTIONAL
    },
];

/// How the way to the server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Tls,
    StartTls,
    None,
}

/// The server, and who we are to it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    /// User and password.
    pub(super) login: Option<(String, Secret)>,
    pub(super) tls_name: String,
    pub(super) ca: Option<String>,
    pub(super) hello: String,
}

/// Settings, read.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) server: Server,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Address>,
    pub(super) subject_prefix: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) per_minute: u32,
}

/// The recipients, each once.
fn recipients(text: &str) -> Result<Vec<Address>, String> {
    let mut all: Vec<Address> = Vec::new();
    for part in text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        let address: Address =
            part.parse().map_err(|error| format!("`{part}` is no address of mail: {error}"))?;
        if !all.contains(&address) {
            all.push(address);
        }
    }
    match all.len() {
        0 => Err("names nobody".to_owned()),
        1..=20 => Ok(all),
        _ => Err("names more than 20 mailboxes; use a list of the mail server".to_owned()),
    }
}

fn encryption(reader: &mut Reader<'_>, host: &str) -> Encryption {
    match reader.text("encryption") {
        Some("starttls") => Encryption::StartTls,
        Some("none") => {
            if !host.is_empty() && !is_loopback(host) {
                reader
                    .problem("encryption", "none is only for a server on this machine; use tls or starttls");
            }
            Encryption::None
        }
        _ => Encryption::Tls,
    }
}

pub(super) fn read(values: &Map<String, Value>) -> Result<Settings, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let host = reader.text("host").unwrap_or_default().to_owned();
    if !host.is_empty() && (host.contains(['/', '@', ' ']) || host.contains("://")) {
        reader.problem("host", "must be a bare name such as smtp.yandex.ru");
    }
    let encryption = encryption(&mut reader, &host);
    let usual = match encryption {
        Encryption::Tls => 465,
        Encryption::StartTls => 587,
        Encryption::None => 25,
    };
    let port = reader.number("port").map_or(Ok(usual), u16::try_from).unwrap_or_else(|_too_large| {
        reader.problem("port", "must be 1 to 65535");
        usual
    });
    let (user, password) = (reader.text("user").map(str::to_owned), reader.secret("password"));
    let given = |key: &str| values.get(key).is_some_and(|value| !value.is_null());
    if given("user") != given("password") {
        let (missing, beside) = if given("user") { ("password", "user") } else { ("user", "password") };
        reader.problem(missing, format!("is missing beside `{beside}`"));
    }
    let from = match reader.text("from").map(str::parse::<Mailbox>) {
        Some(Err(error)) => {
            reader.problem("from", format!("is no address of mail: {error}"));
            None
        }
        Some(Ok(from)) => Some(from),
        None => None,
    };
    let to = match reader.text("to").map(recipients) {
        Some(Err(reason)) => {
            reader.problem("to", reason);
            None
        }
        Some(Ok(to)) => Some(to),
        None => None,
    };
    let own = |key: &str| reader.text(key).map(one_line);
    let (subject_prefix, comment) = (own("subject_prefix"), own("comment"));
    let tls_name = own("tls_name").unwrap_or_else(|| host.clone());
    let hello = own("hello");
    let ca = reader.text("ca").map(str::to_owned);
    if ca.as_ref().is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----")) {
        reader.problem("ca", "is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----");
    }
    let per_minute = reader.number("per_minute").and_then(|number| u32::try_from(number).ok()).unwrap_or(30);
    reader.finish()?;
    let (Some(from), Some(to)) = (from, to) else { return Err(SettingsError::of("from", "is missing")) };
    let hello = hello.unwrap_or_else(|| from.email.domain().to_owned());
    let login = user.zip(password);
    let server = Server { host, port, encryption, login, tls_name, ca, hello };
    Ok(Settings { server, from, to, subject_prefix, comment, per_minute })
}
