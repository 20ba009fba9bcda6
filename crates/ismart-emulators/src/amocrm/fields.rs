//! Values of custom fields: what a request may send, and what the account makes of it.

use super::call::{Call, Flaws, Violation};
use super::kind::Kind;
use super::store::{CustomField, FieldValue, Item, plain};
use crate::log::FindingKind;
use serde_json::{Map, Value, json};

/// So many values of fields one object of a request may carry.
const VALUES_AT_MOST: usize = 40;
/// Short texts are refused beyond so many characters.
const TEXT_AT_MOST: usize = 256;

/// Reads `custom_fields_values` into the object: what is named is replaced, the rest stays.
pub(super) fn write(call: &mut Call<'_>, item: &mut Item, sent: &Value, at: &str, flaws: &mut Flaws) {
    let path = |rest: &str| format!("{at}custom_fields_values{rest}");
    if sent.is_null() {
        return;
    }
    let Some(list) = sent.as_array() else {
        return flaws.push(Violation::wrong_type(path(""), "array"));
    };
    if list.len() > VALUES_AT_MOST {
        return flaws.push(Violation::new(
            "TooMuch",
            path(""),
            "This collection should contain 40 elements or less.",
        ));
    }
    for (index, entry) in list.iter().enumerate() {
        let here = path(&format!(".{index}"));
        let Some(entry) = entry.as_object() else {
            flaws.push(Violation::wrong_type(here, "object"));
            continue;
        };
        let Some(field) = named(call, item.kind, entry) else {
            let named_by =
                if entry.get("field_id").is_some_and(|id| !id.is_null()) { "field_id" } else { "field_code" };
            flaws.push(Violation::no_choice(format!("{here}.{named_by}")));
            continue;
        };
        let keys = ["field_id", "field_code", "field_name", "field_type", "is_computed", "values"];
        call.known_keys(entry, &keys, &here);
        let values = match entry.get("values") {
            Some(Value::Array(values)) => values.as_slice(),
            Some(Value::Null) => &[],
            None => {
                flaws.push(Violation::missing(format!("{here}.values")));
                continue;
            }
            Some(_) => {
                flaws.push(Violation::wrong_type(format!("{here}.values"), "array"));
                continue;
            }
        };
        let before = flaws.len();
        let read: Vec<Map<String, Value>> = values
            .iter()
            .enumerate()
            .filter_map(|(at, value)| one(call, &field, value, &format!("{here}.values.{at}"), flaws))
            .collect();
        if flaws.len() > before {
            continue;
        }
        if read.len() > 1 && !matches!(field.field_type.as_str(), "multitext" | "multiselect") {
            call.find(FindingKind::ValueChanged, &here, "the field holds one value; the others were dropped");
        }
        replace(item, &field, read);
    }
}

fn named(call: &Call<'_>, kind: Kind, entry: &Map<String, Value>) -> Option<CustomField> {
    let id = entry.get("field_id").and_then(Value::as_u64);
    let code = entry.get("field_code").and_then(Value::as_str);
    call.store.field(kind, id, code).cloned()
}

/// The whole field is replaced: a list of phones that is sent is the list of phones from then on.
fn replace(item: &mut Item, field: &CustomField, mut values: Vec<Map<String, Value>>) {
    if !matches!(field.field_type.as_str(), "multitext" | "multiselect") {
        values.truncate(1);
    }
    let place = item.fields.iter().position(|known| known.field_id == field.id);
    match (place, values.is_empty()) {
        (Some(at), true) => {
            item.fields.remove(at);
        }
        (Some(at), false) => {
            if let Some(known) = item.fields.get_mut(at) {
                known.values = values;
            }
        }
        (None, true) => {}
        (None, false) => item.fields.push(FieldValue { field_id: field.id, values }),
    }
}

/// One value as the account will show it.
fn one(
    call: &mut Call<'_>,
    field: &CustomField,
    sent: &Value,
    at: &str,
    flaws: &mut Flaws,
) -> Option<Map<String, Value>> {
    let Some(sent) = sent.as_object() else {
        flaws.push(Violation::wrong_type(at, "object"));
        return None;
    };
    let given = |key: &str| sent.get(key).filter(|value| !value.is_null());
    let chosen = given("enum_id").is_some() || given("enum_code").is_some();
    match field.field_type.as_str() {
        "multitext" => {
            let value = text(call, given("value"), at, usize::MAX, flaws)?;
            let code = given("enum_code").and_then(Value::as_str).unwrap_or("WORK").to_uppercase();
            let id = given("enum_id").and_then(Value::as_u64);
            let choice = field.choices.iter().find(|choice| match id {
                Some(id) => choice.id == id,
                None => choice.code.as_deref() == Some(&code),
            });
            let Some(choice) = choice else {
                let key = if id.is_some() { "enum_id" } else { "enum_code" };
                flaws.push(Violation::no_choice(format!("{at}.{key}")));
                return None;
            };
            Some(shown(json!(value), Some((choice.id, choice.code.clone()))))
        }
        "select" | "multiselect" | "radiobutton" => {
            let id = given("enum_id").and_then(Value::as_u64);
            let code = given("enum_code").and_then(Value::as_str);
            let value = given("value").map(plain);
            let choice = field.choices.iter().find(|choice| match (id, code) {
                (Some(id), _) => choice.id == id,
                (None, Some(code)) => choice.code.as_deref() == Some(code),
                (None, None) => Some(&choice.value) == value.as_ref(),
            });
            let Some(choice) = choice else {
                let key = if id.is_some() { "enum_id" } else { "value" };
                flaws.push(Violation::no_choice(format!("{at}.{key}")));
                return None;
            };
            Some(shown(json!(choice.value), Some((choice.id, choice.code.clone()))))
        }
        kind => {
            if chosen {
                call.find(FindingKind::ValueChanged, at, "the field has no choices; `enum_id` was ignored");
            }
            simple(call, kind, given("value"), at, flaws).map(|value| shown(value, None))
        }
    }
}

fn simple(
    call: &mut Call<'_>,
    kind: &str,
    value: Option<&Value>,
    at: &str,
    flaws: &mut Flaws,
) -> Option<Value> {
    let at_value = format!("{at}.value");
    let fitting = match kind {
        "numeric" | "price" | "monetary" => value.and_then(|value| match value {
            Value::Number(_) => Some(json!(plain(value))),
            Value::String(text) => text.trim().parse::<f64>().is_ok().then(|| json!(text.trim())),
            _ => None,
        }),
        "checkbox" => value.and_then(|value| match value {
            Value::Bool(_) => Some(value.clone()),
            other => other.as_u64().filter(|flag| *flag < 2).map(|flag| json!(flag == 1)),
        }),
        "date" | "date_time" | "birthday" => value.and_then(|value| match value {
            Value::Number(number) => number.as_i64().map(|seconds| json!(seconds)),
            Value::String(text) => {
                let moment = text.parse::<jiff::Timestamp>().ok()?;
                Some(json!(moment.as_second()))
            }
            _ => None,
        }),
        "textarea" => return text(call, value, at, usize::MAX, flaws).map(Value::from),
        _ => return text(call, value, at, TEXT_AT_MOST, flaws).map(Value::from),
    };
    if fitting.is_none() {
        let expected = if kind == "checkbox" { "bool" } else { kind };
        flaws.push(Violation::wrong_type(at_value, expected));
    }
    fitting
}

fn text(
    call: &mut Call<'_>,
    value: Option<&Value>,
    at: &str,
    limit: usize,
    flaws: &mut Flaws,
) -> Option<String> {
    let path = format!("{at}.value");
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => {
            call.find(FindingKind::WrongType, &path, "a number was sent into a text; it was cast");
            number.to_string()
        }
        _ => {
            flaws.push(Violation::wrong_type(path, "string"));
            return None;
        }
    };
    if text.chars().count() > limit {
        let detail = format!("This value is too long. It should have {limit} characters or less.");
        flaws.push(Violation::new("TooLong", path, detail));
        return None;
    }
    if text.trim().is_empty() {
        call.find(FindingKind::ValueChanged, &path, "the value is empty; nothing is shown");
        return None;
    }
    Some(text)
}

fn shown(value: Value, choice: Option<(u64, Option<String>)>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("value".into(), value);
    if let Some((id, code)) = choice {
        map.insert("enum_id".into(), json!(id));
        map.insert("enum_code".into(), json!(code));
    }
    map
}

/// The values as a `GET` shows them; `null` when nothing is filled.
pub(super) fn show(call: &Call<'_>, item: &Item) -> Value {
    let filled: Vec<Value> = item
        .fields
        .iter()
        .filter_map(|value| {
            let field = call.store.fields.get(&value.field_id)?;
            Some(json!({
                "field_id": field.id, "field_name": field.name, "field_code": field.code,
                "field_type": field.field_type, "values": value.values,
            }))
        })
        .collect();
    if filled.is_empty() { Value::Null } else { Value::Array(filled) }
}
