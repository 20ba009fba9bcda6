//! Phones, addresses and messengers in the two spellings of a request.

use super::call::{ApiError, Call};
use super::fields::MULTI;
use super::log::FindingKind;
use super::params::{is_php_array, items};
use super::store::{Multi, StoredItem};
use super::value::{flag, integer, php_type};
use serde_json::Value;

/// `fm`: a list on creation, a map of operations on update.
pub(super) fn item_multi(
    call: &mut Call<'_>,
    item: &mut StoredItem,
    value: &Value,
    creating: bool,
) -> Result<(), ApiError> {
    if value.is_null() {
        return Ok(());
    }
    if !is_php_array(value) {
        let text = format!("Expected iterable value for multiple field, but got {} instead", php_type(value));
        return Err(ApiError::new(400, 100, text));
    }
    for (key, entry) in items(value) {
        let parameter = format!("fields.fm.{key}");
        let (type_id, value_type, value) =
            (part(entry, "typeId"), part(entry, "valueType"), part(entry, "value"));
        if !MULTI.contains(&type_id.as_str()) {
            call.find(
                FindingKind::MultiFieldIgnored,
                &parameter,
                "typeId is absent or unknown; the entry was ignored",
            );
            continue;
        }
        if creating || key.starts_with('n') {
            add_multi(call, item, &type_id, &value_type, &value, &parameter);
        } else {
            let id = key.parse::<u64>().ok();
            change_multi(call, item, &type_id, id, &value_type, &value, &parameter);
        }
    }
    Ok(())
}

/// `PHONE` and its sisters: an entry without `ID` is added, one with `ID` is changed or removed.
pub(super) fn classic_multi(call: &mut Call<'_>, item: &mut StoredItem, type_id: &str, value: &Value) {
    if !is_php_array(value) {
        let parameter = format!("fields.{type_id}");
        call.find(FindingKind::MultiFieldIgnored, &parameter, "a multi-field must be a list; it was ignored");
        return;
    }
    for (key, entry) in items(value) {
        let parameter = format!("fields.{type_id}.{key}");
        if !is_php_array(entry) {
            call.find(FindingKind::MultiFieldIgnored, &parameter, "an entry must be a map; it was ignored");
            continue;
        }
        let delete = entry.get("DELETE").and_then(flag).unwrap_or(false);
        let value = if delete { String::new() } else { part(entry, "VALUE") };
        let value_type = part(entry, "VALUE_TYPE");
        match entry.get("ID").and_then(integer) {
            Some(id) => {
                change_multi(call, item, type_id, u64::try_from(id).ok(), &value_type, &value, &parameter);
            }
            None => add_multi(call, item, type_id, &value_type, &value, &parameter),
        }
    }
}

fn part(entry: &Value, name: &str) -> String {
    match entry.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn add_multi(
    call: &mut Call<'_>,
    item: &mut StoredItem,
    type_id: &str,
    value_type: &str,
    value: &str,
    parameter: &str,
) {
    if value.trim().is_empty() {
        call.find(FindingKind::MultiFieldIgnored, parameter, "the value is empty; the entry was ignored");
        return;
    }
    let value_type = if value_type.is_empty() { "WORK" } else { value_type };
    item.multi.push(Multi {
        id: call.store.next_id("multi"),
        type_id: type_id.to_owned(),
        value_type: value_type.to_owned(),
        value: value.to_owned(),
    });
}

fn change_multi(
    call: &mut Call<'_>,
    item: &mut StoredItem,
    type_id: &str,
    id: Option<u64>,
    value_type: &str,
    value: &str,
    parameter: &str,
) {
    let Some(position) = item.multi.iter().position(|multi| Some(multi.id) == id && multi.type_id == type_id)
    else {
        call.find(
            FindingKind::MultiFieldIgnored,
            parameter,
            "the object has no entry with this id; nothing changed",
        );
        return;
    };
    if value.is_empty() {
        item.multi.remove(position);
    } else if let Some(multi) = item.multi.get_mut(position) {
        value.clone_into(&mut multi.value);
        if !value_type.is_empty() {
            value_type.clone_into(&mut multi.value_type);
        }
    }
}
