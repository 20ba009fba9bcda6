//! The settings of a destination in Google Sheets.

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use url::Url;

use super::key::Key;
use crate::address::confidential;
use crate::mapping::{Rule, Source, rules};
use crate::settings::{Field, FieldKind, OPTIONAL, Reader, SettingsError};

const SERVICE: &str = "https://sheets.googleapis.com";
const COLUMNS: &str = "Дата=date; Имя=name; Телефон=phone; Почта=email; Что нужно=intent; Предмет=subject; \
                       Комментарий=comment; Страница=page; Источник=utm_source; Канал=utm_medium; Кампания=utm_campaign; \
                       Номер=number";

pub(super) const FIELDS: &[Field] = &[
    Field {
        key: "key",
        kind: FieldKind::Secret,
        required: true,
        title_ru: "Ключ сервисного аккаунта",
        title_en: "Key of a service account",
        help_ru: "Google Cloud → IAM → Сервисные аккаунты → Ключи → JSON, обычно { file = \"google.json\" }",
        help_en: "Google Cloud → IAM → Service accounts → Keys → JSON, usually { file = \"google.json\" }",
        ..OPTIONAL
    },
    Field {
        key: "spreadsheet",
        required: true,
        title_ru: "Таблица",
        title_en: "Spreadsheet",
        help_ru: "Часть адреса таблицы между /d/ и /edit; откройте доступ сервисному аккаунту как редактору",
        help_en: "the part of its address between /d/ and /edit; share it with the service account as an editor",
        ..OPTIONAL
    },
    Field {
        key: "abroad",
        kind: FieldKind::Choice(&["agreed"]),
        required: true,
        title_ru: "Передача за границу",
        title_en: "Transfer abroad",
        help_ru: "agreed — клиент уведомил Роскомнадзор о трансграничной передаче: имена и телефоны уходят в Google",
        help_en: "agreed: the client has notified the authority of a transfer abroad: names and phones go to Google",
        ..OPTIONAL
    },
    Field {
        key: "sheet",
        default: Some("Заявки"),
        title_ru: "Лист",
        title_en: "Sheet",
        help_ru: "Название листа таблицы",
        help_en: "the title of a sheet",
        ..OPTIONAL
    },
    Field {
        key: "columns",
        title_ru: "Столбцы",
        title_en: "Columns",
        help_ru: "Заголовок=что, через точку с запятой, по порядку после столбца A с ключом заявки: Имя=name; Телефон=phone; \
                  Город=form:Город. Справа: date, name, phone, email, intent, subject, subject_key, comment, page, referrer, \
                  number, amount, utm_source, utm_medium, utm_campaign, utm_content, utm_term, form:ИМЯ, text:СЛОВА",
        help_en: "HEADING=WHAT, separated by semicolons, in order behind column A with the lead's key: Name=name; Phone=phone; \
                  City=form:City. On the right: date, name, phone, email, intent, subject, subject_key, comment, page, \
                  referrer, number, amount, utm_source, utm_medium, utm_campaign, utm_content, utm_term, form:NAME, text:WORDS",
        ..OPTIONAL
    },
    Field {
        key: "time_zone",
        default: Some("Europe/Moscow"),
        title_ru: "Часовой пояс",
        title_en: "Time zone",
        help_ru: "В котором писать дату: Europe/Moscow",
        help_en: "in which dates are written: Europe/Moscow",
        ..OPTIONAL
    },
    Field {
        key: "per_minute",
        kind: FieldKind::Number,
        default: Some("50"),
        title_ru: "Запросов в минуту",
        title_en: "Requests a minute",
        help_ru: "Google допускает 60 чтений и 60 записей",
        help_en: "Google permits 60 reads and 60 writes",
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

/// Settings, read.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) key: Key,
    pub(super) api: Url,
    pub(super) spreadsheet: String,
    pub(super) sheet: String,
    pub(super) columns: Vec<Rule>,
    pub(super) zone: TimeZone,
    pub(super) per_minute: u32,
}

fn columns(text: &str) -> Result<Vec<Rule>, String> {
    let all = rules(text)?;
    if all.len() > 25 {
        return Err("names more than 25 columns".to_owned());
    }
    match all.iter().find(|rule| matches!(rule.source, Source::Choice(_))) {
        Some(rule) => {
            Err(format!("`{}`: a spreadsheet has no lists of choices; write text:WORDS", rule.target))
        }
        None => Ok(all),
    }
}

pub(super) fn read(values: &Map<String, Value>) -> Result<Settings, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let key = match reader.secret("key").map(|json| Key::read(&json)) {
        Some(Err(reason)) => {
            reader.problem("key", reason);
            None
        }
        Some(Ok(key)) => Some(key),
        None => None,
    };
    let spreadsheet = reader.text("spreadsheet").map(str::to_owned);
    let plain = |text: &String| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if spreadsheet.as_ref().is_some_and(|text| !plain(text)) {
        reader.problem("spreadsheet", "must be the part of the address between /d/ and /edit");
    }
    let columns = columns(reader.text("columns").unwrap_or(COLUMNS)).unwrap_or_else(|reason| {
        reader.problem("columns", reason);
        Vec::new()
    });
    let zone =
        TimeZone::get(reader.text("time_zone").unwrap_or("Europe/Moscow")).unwrap_or_else(|_unknown| {
            reader.problem("time_zone", "is no time zone; give an IANA name such as Europe/Moscow");
            TimeZone::UTC
        });
    let api = match confidential(reader.text("api").unwrap_or(SERVICE)) {
        Ok(api) => Some(api),
        Err(reason) => {
            reader.problem("api", reason);
            None
        }
    };
    let sheet = reader.text("sheet").unwrap_or("Заявки").to_owned();
    let per_minute = reader.number("per_minute").and_then(|number| u32::try_from(number).ok()).unwrap_or(50);
    reader.finish()?;
    match (key, spreadsheet, api) {
        (Some(key), Some(spreadsheet), Some(api)) => {
            Ok(Settings { key, api, spreadsheet, sheet, columns, zone, per_minute })
        }
        _ => Err(SettingsError::of("key", "is missing")),
    }
}
