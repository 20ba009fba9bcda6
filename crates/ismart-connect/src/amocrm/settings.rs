//! The settings of an amoCRM destination.

use std::time::Duration;

use ismart_domain::Secret;
use serde_json::{Map, Value};

use super::mapping::{self, Mapping};
use super::place::Place;
use super::tokens::Integration;
use crate::limit::Rate;
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};

pub(super) const FIELDS: &[Field] = &[
    Field {
        key: "account",
        required: true,
        title_ru: "Аккаунт",
        title_en: "Account",
        help_ru: "Адрес аккаунта: https://ИМЯ.amocrm.ru",
        help_en: "the account's address: https://NAME.amocrm.ru",
        ..OPTIONAL
    },
    Field {
        key: "token",
        kind: FieldKind::Secret,
        required: true,
        title_ru: "Долгосрочный токен",
        title_en: "Long-lived token",
        help_ru: "amoМаркет → своя интеграция → Ключи и доступы → Долгосрочный токен, под администратором; вместе с \
                  client_id — код авторизации, он живёт 20 минут",
        help_en: "amoMarket → your own integration → Keys and scopes → Long-lived token, made by an administrator; \
                  beside client_id the authorisation code, which lives 20 minutes",
        ..OPTIONAL
    },
    Field {
        key: "client_id",
        title_ru: "ID интеграции",
        title_en: "Integration id",
        help_ru: "Только для подключения по OAuth, без долгосрочного токена",
        help_en: "only for OAuth, without a long-lived token",
        ..OPTIONAL
    },
    Field {
        key: "client_secret",
        kind: FieldKind::Secret,
        title_ru: "Секретный ключ интеграции",
        title_en: "Integration secret",
        help_ru: "Там же, где ID интеграции",
        help_en: "beside the integration id",
        ..OPTIONAL
    },
    Field {
        key: "redirect_uri",
        title_ru: "Ссылка для перенаправления",
        title_en: "Redirect address",
        help_ru: "Знак в знак как в настройках интеграции",
        help_en: "character for character as in the integration's settings",
        ..OPTIONAL
    },
    Field {
        key: "pipeline_id",
        kind: FieldKind::Number,
        title_ru: "Воронка",
        title_en: "Pipeline",
        help_ru: "Номер воронки из адреса её страницы; без него — главная воронка",
        help_en: "the number of the pipeline, from the address of its page; without it the main one",
        ..OPTIONAL
    },
    Field {
        key: "status_id",
        kind: FieldKind::Number,
        title_ru: "Этап",
        title_en: "Stage",
        help_ru: "Номер этапа этой воронки; без него — первый этап",
        help_en: "the number of a stage of this pipeline; without it the first one",
        ..OPTIONAL
    },
    Field {
        key: "responsible_user_id",
        kind: FieldKind::Number,
        title_ru: "Ответственный",
        title_en: "Responsible",
        help_ru: "Номер сотрудника; без него отвечает владелец токена",
        help_en: "the number of an employee; without it the token's owner is responsible",
        ..OPTIONAL
    },
    Field {
        key: "source",
        title_ru: "Источник",
        title_en: "Source",
        help_ru: "Внешний номер источника этой интеграции (external_id)",
        help_en: "the external id of a source of this integration",
        ..OPTIONAL
    },
    Field {
        key: "tags",
        default: Some("iSmart"),
        title_ru: "Теги",
        title_en: "Tags",
        help_ru: "Через запятую; новых тегов заводить не нужно",
        help_en: "separated by commas; tags that do not exist are made",
        ..OPTIONAL
    },
    Field {
        key: "fields",
        title_ru: "Поля",
        title_en: "Fields",
        help_ru: "Что писать в поля сделки, через точку с запятой: 294471=subject; VIN=subject_key; 294480=#552211; \
                  price=form:Бюджет. Слева номер или код поля (или price), справа: intent, subject, subject_key, \
                  page, referrer, number, comment, name, phone, email, key, date, amount, utm_source (и другие utm_…), form:ИМЯ, \
                  text:СЛОВА или #НОМЕР варианта списка",
        help_en: "what goes into fields of the lead, separated by semicolons: 294471=subject; VIN=subject_key; \
                  294480=#552211; price=form:Budget. On the left the number or code of a field (or price), on the \
                  right: intent, subject, subject_key, page, referrer, number, comment, name, phone, email, key, date, \
                  amount, utm_source (and the other utm_…), form:NAME, text:WORDS or #NUMBER of a choice",
        ..OPTIONAL
    },
    Field {
        key: "task",
        kind: FieldKind::Choice(&["yes", "no"]),
        default: Some("yes"),
        title_ru: "Задача менеджеру",
        title_en: "Task for the manager",
        help_ru: "yes — с каждой заявкой ставится задача связаться; no — не ставится",
        help_en: "yes: every request comes with a task to call; no: without one",
        ..OPTIONAL
    },
    Field {
        key: "task_minutes",
        kind: FieldKind::Number,
        default: Some("30"),
        title_ru: "Срок задачи, минут",
        title_en: "Task due in minutes",
        help_ru: "Считается от приёма заявки",
        help_en: "counted from the acceptance of the request",
        ..OPTIONAL
    },
    Field {
        key: "comment",
        title_ru: "Примечание",
        title_en: "Note",
        help_ru: "Добавляется к примечанию каждой заявки",
        help_en: "a text added to the note of every request",
        ..OPTIONAL
    },
    Field {
        key: "rate",
        kind: FieldKind::Number,
        default: Some("5"),
        title_ru: "Запросов в секунду",
        title_en: "Requests a second",
        help_ru: "amoCRM допускает 7; меньше, чтобы осталось место другим программам",
        help_en: "amoCRM permits 7; fewer, so that other programs find room",
        ..OPTIONAL
    },
];

/// What the settings add to every record.
#[derive(Debug, Clone)]
pub(super) struct Extras {
    pub(super) pipeline_id: Option<u64>,
    pub(super) status_id: Option<u64>,
    pub(super) responsible_user_id: Option<u64>,
    pub(super) source: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) mappings: Vec<Mapping>,
    /// Minutes from acceptance until the task is due; `None` for no task.
    pub(super) task_minutes: Option<u64>,
    pub(super) comment: Option<String>,
}

/// Settings, read.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) place: Place,
    pub(super) token: Secret,
    /// The application whose pairs of tokens are used; `None` for a token that lasts.
    pub(super) integration: Option<Integration>,
    pub(super) extras: Extras,
    pub(super) rate: Rate,
}

/// One request at a time: bunched up by the network, several at once could meet the limit of 7 in a second.
fn rate(reader: &Reader<'_>) -> Rate {
    let per_second = reader.number("rate").and_then(|rate| u32::try_from(rate).ok()).unwrap_or(5);
    Rate { burst: 1, interval: Duration::from_secs(1) / per_second }
}

/// The application, if one is named: then all three of its settings are needed.
fn integration(values: &Map<String, Value>, reader: &mut Reader<'_>) -> Option<Integration> {
    let client_id = reader.text("client_id")?.to_owned();
    for key in ["client_secret", "redirect_uri"] {
        if values.get(key).is_none_or(Value::is_null) {
            reader.problem(key, "is missing beside `client_id`; take it from the integration's settings");
        }
    }
    let client_secret = reader.secret("client_secret")?;
    Some(Integration { client_id, client_secret, redirect_uri: reader.text("redirect_uri")?.to_owned() })
}

pub(super) fn read(values: &Map<String, Value>) -> Result<Settings, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let place = reader.text("account").map(Place::parse).and_then(|parsed| match parsed {
        Ok(place) => Some(place),
        Err(reason) => {
            reader.problem("account", reason);
            None
        }
    });
    let mappings = match reader.text("fields").map(mapping::read) {
        Some(Ok(mappings)) => mappings,
        Some(Err(reason)) => {
            reader.problem("fields", reason);
            Vec::new()
        }
        None => Vec::new(),
    };
    let (pipeline_id, status_id) = (reader.number("pipeline_id"), reader.number("status_id"));
    if status_id.is_some() && values.get("pipeline_id").is_none_or(Value::is_null) {
        reader.problem("status_id", "needs `pipeline_id`: the stages “won” and “lost” are in every pipeline");
    }
    let token = reader.secret("token");
    if let Some(token) = &token
        && token.reveal().chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii())
    {
        reader
            .problem("token", "is no token: it has spaces or letters that tokens do not have; copy it whole");
    }
    let integration = integration(values, &mut reader);
    let tags = reader.text("tags").unwrap_or("iSmart").split(',').map(str::trim);
    let extras = Extras {
        pipeline_id,
        status_id,
        responsible_user_id: reader.number("responsible_user_id"),
        source: reader.text("source").map(str::to_owned),
        tags: tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        mappings,
        task_minutes: (reader.text("task") != Some("no"))
            .then(|| reader.number("task_minutes").unwrap_or(30)),
        comment: reader.text("comment").map(str::to_owned),
    };
    let rate = rate(&reader);
    match (place, token, reader.finish()) {
        (_, _, Err(error)) => Err(error),
        (Some(place), Some(token), Ok(())) => Ok(Settings { place, token, integration, extras, rate }),
        _ => Err(SettingsError::of("account", "is missing")),
    }
}
