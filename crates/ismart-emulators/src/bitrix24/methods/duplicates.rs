//! `crm.duplicate.findbycomm`.

use crate::bitrix24::call::{ApiError, Call, Outcome, Reply};
use crate::bitrix24::entity::Entity;
use crate::bitrix24::params::items;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// From so many hits of one kind on, the later kinds are not searched.
const ENOUGH: usize = 20;
const MAX_VALUES: usize = 20;

/// This method puts a sentence where others put a code.
fn sentence(error: &str, text: &str) -> ApiError {
    ApiError::new(400, error, text)
}

pub(super) fn find(call: &mut Call<'_>) -> Outcome {
    let type_id = call.text("type").to_uppercase();
    match type_id.as_str() {
        "" => {
            return Err(sentence("Communication type is not defined", "Name the type: PHONE or EMAIL"));
        }
        "PHONE" | "EMAIL" => {}
        other => {
            let error = format!("Communication type '{other}' is not supported in current context");
            return Err(sentence(&error, "Name the type: PHONE or EMAIL"));
        }
    }
    let values: Vec<String> = call
        .param("values")
        .map(items)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(_, value)| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .filter(|value| !value.trim().is_empty())
        .collect();
    if values.is_empty() {
        return Err(sentence("Communication values is not defined", "Give up to 20 values"));
    }
    if values.len() > MAX_VALUES {
        call.find(
            crate::bitrix24::log::FindingKind::ValueChanged,
            "values",
            "more than 20 values; the rest was ignored",
        );
    }
    let wanted = call.text("entity_type").to_uppercase();
    let mut found = Map::new();
    for entity in [Entity::Lead, Entity::Contact, Entity::Company] {
        if !wanted.is_empty() && wanted != entity.upper() {
            continue;
        }
        let ids: BTreeSet<u64> = values
            .iter()
            .take(MAX_VALUES)
            .flat_map(|value| call.store.by_comm(entity, &type_id, value))
            .collect();
        let enough = ids.len() >= ENOUGH;
        if !ids.is_empty() {
            let ids: Vec<u64> = ids.into_iter().take(ENOUGH).collect();
            found.insert(entity.upper().to_owned(), json!(ids));
        }
        if enough {
            break;
        }
    }
    // PHP writes an empty map as a list.
    Ok(Reply::of(if found.is_empty() { json!([]) } else { Value::Object(found) }))
}
