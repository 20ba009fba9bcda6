//! The settings of a Bitrix24 destination.

use std::time::Duration;

use ismart_domain::Secret;
use serde_json::{Map, Value};

use super::record::Extras;
use super::webhook::Webhook;
use crate::limit::Rate;
use crate::mapping;
use crate::settings::{Field, FieldKind, Reader, SettingsError};

/// Which family of methods is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The universal methods, `crm.item.*`.
    Item,
    /// The classic ones, `crm.lead.*`: for portals and hooks that know no others.
    Lead,
}

pub(super) const FIELDS: &[Field] = &[
    Field {
        key: "webhook",
        kind: FieldKind::Secret,
        required: true,
        default: None,
        title_ru: "Адрес вебхука",
        title_en: "Webhook address",
        help_ru: "Портал → Разработчикам → Другое → Входящий вебхук, право CRM; адрес вида \
                  https://ПОРТАЛ/rest/ПОЛЬЗОВАТЕЛЬ/КЛЮЧ/",
        help_en: "portal → Developer resources → Other → Inbound webhook with the right CRM; an address like \
                  https://PORTAL/rest/USER/SECRET/",
    },
    Field {
        key: "mode",
        kind: FieldKind::Choice(&["item", "lead"]),
        required: false,
        default: Some("item"),
        title_ru: "Методы",
        title_en: "Methods",
        help_ru: "item — универсальные методы crm.item.*; lead — прежние crm.lead.*",
        help_en: "item: the universal methods crm.item.*; lead: the classic crm.lead.*",
    },
    Field {
        key: "source_id",
        kind: FieldKind::Text,
        required: false,
        default: Some("WEB"),
        title_ru: "Источник",
        title_en: "Source",
        help_ru: "Код источника из справочника портала",
        help_en: "the code of a source in the portal's list of sources",
    },
    Field {
        key: "assigned_by_id",
        kind: FieldKind::Number,
        required: false,
        default: None,
        title_ru: "Ответственный",
        title_en: "Responsible",
        help_ru: "Номер сотрудника портала; без него отвечает владелец вебхука",
        help_en: "the number of an employee of the portal; without it the webhook's owner is responsible",
    },
    Field {
        key: "comment",
        kind: FieldKind::Text,
        required: false,
        default: None,
        title_ru: "Примечание",
        title_en: "Note",
        help_ru: "Добавляется к комментарию каждой заявки",
        help_en: "a text added to the comment of every request",
    },
    Field {
        key: "fields",
        kind: FieldKind::Text,
        required: false,
        default: None,
        title_ru: "Поля",
        title_en: "Fields",
        help_ru: "Что писать в поля записи, через точку с запятой: UF_CRM_1=subject; UF_CRM_2=#31; UF_CRM_3=form:Город. \
                  Слева поле портала, справа: intent, subject, subject_key, page, referrer, number, comment, name, phone, \
                  email, key, date, amount, utm_source (и другие utm_…), form:ИМЯ, text:СЛОВА или #НОМЕР значения списка",
        help_en: "what goes into fields of the record, separated by semicolons: UF_CRM_1=subject; UF_CRM_2=#31; \
                  UF_CRM_3=form:City. On the left a field of the portal, on the right: intent, subject, subject_key, page, \
                  referrer, number, comment, name, phone, email, key, date, amount, utm_source (and the other utm_…), \
                  form:NAME, text:WORDS or #NUMBER of a value of a list",
    },
    Field {
        key: "rate",
        kind: FieldKind::Number,
        required: false,
        default: Some("2"),
        title_ru: "Запросов в секунду",
        title_en: "Requests a second",
        help_ru: "Сколько допускает тариф портала: 2, на «Энтерпрайз» 5",
        help_en: "what the portal's plan permits: 2, Enterprise 5",
    },
    Field {
        key: "burst",
        kind: FieldKind::Number,
        required: false,
        default: Some("40"),
        title_ru: "Запросов подряд",
        title_en: "Requests at once",
        help_ru: "Меньше предела портала (50, на «Энтерпрайз» 250), чтобы осталось место другим программам",
        help_en: "below the portal's limit (50, Enterprise 250), so that other programs find room",
    },
];

/// The bucket of the ordinary cloud plans is 50 requests, drained by 2 a second. The burst stays below it, so that
/// requests bunched up by the network, and a second programme on this machine, still find room.
const ORDINARY: Rate = Rate { burst: 40, interval: Duration::from_millis(500) };

fn rate(reader: &Reader<'_>) -> Rate {
    let number = |key: &str| reader.number(key).and_then(|number| u32::try_from(number).ok());
    Rate {
        burst: number("burst").unwrap_or(ORDINARY.burst),
        interval: number("rate").map_or(ORDINARY.interval, |rate| Duration::from_secs(1) / rate),
    }
}

/// Settings, read.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) webhook: Webhook,
    pub(super) mode: Mode,
    pub(super) extras: Extras,
    pub(super) rate: Rate,
}

pub(super) fn read(values: &Map<String, Value>) -> Result<Settings, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let parsed = reader.secret("webhook").map(|address: Secret| Webhook::parse(&address));
    let webhook = match parsed {
        Some(Ok(webhook)) => Some(webhook),
        Some(Err(reason)) => {
            reader.problem("webhook", reason);
            None
        }
        None => None,
    };
    let mode = if reader.text("mode") == Some("lead") { Mode::Lead } else { Mode::Item };
    let rules = reader.text("fields").map_or(Ok(Vec::new()), mapping::rules).unwrap_or_else(|reason| {
        reader.problem("fields", reason);
        Vec::new()
    });
    let extras = Extras {
        rules,
        source_id: reader.text("source_id").unwrap_or("WEB").to_owned(),
        assigned_by_id: reader.number("assigned_by_id"),
        comment: reader.text("comment").map(str::to_owned),
    };
    let rate = rate(&reader);
    match (webhook, reader.finish()) {
        (_, Err(error)) => Err(error),
        (Some(webhook), Ok(())) => Ok(Settings { webhook, mode, extras, rate }),
        (None, Ok(())) => Err(SettingsError::of("webhook", "is missing")),
    }
}
