//! From a stored object to what the two families of methods show of it.

use super::directory::Directory;
use super::entity::Entity;
use super::fields::{Kind, MULTI};
use super::filter::value_of;
use super::store::StoredItem;
use super::value::classic as classic_value;
use serde_json::{Map, Value, json};

/// `crm.item.*`: typed values under camelCase names, with the flat aliases of phones and addresses.
pub(super) fn item(directory: &Directory, item: &StoredItem, original_uf: bool) -> Map<String, Value> {
    let mut map = Map::new();
    for field in directory.fields(item.entity).iter().filter(|field| !field.camel.is_empty()) {
        let value = value_of(item, field.key()).into_owned();
        let value = match (field.kind, value) {
            (kind, Value::Null) if kind.is_multiple() => json!([]),
            (_, value) => value,
        };
        map.insert(field.item_name(original_uf).to_owned(), value);
    }
    if item.entity != Entity::Deal {
        for (alias, type_id, value_type) in [
            ("phoneMobile", "PHONE", "MOBILE"),
            ("phoneWork", "PHONE", "WORK"),
            ("phoneMailing", "PHONE", "MAILING"),
            ("emailHome", "EMAIL", "HOME"),
            ("emailWork", "EMAIL", "WORK"),
            ("emailMailing", "EMAIL", "MAILING"),
            ("email", "EMAIL", ""),
            ("phone", "PHONE", ""),
        ] {
            map.insert(alias.to_owned(), first(item, type_id, value_type).into());
        }
        map.insert("fm".into(), multi(item));
    }
    map.insert("entityTypeId".into(), item.entity.type_id().into());
    map
}

fn first<'a>(item: &'a StoredItem, type_id: &str, value_type: &str) -> &'a str {
    item.multi
        .iter()
        .find(|m| m.type_id == type_id && (value_type.is_empty() || m.value_type == value_type))
        .map_or("", |m| m.value.as_str())
}

fn multi(item: &StoredItem) -> Value {
    item.multi
        .iter()
        .map(|m| json!({"id": m.id, "valueType": m.value_type, "value": m.value, "typeId": m.type_id}))
        .collect()
}

/// Only what `select` names; `id` always, `fm` only when it is named itself.
pub(super) fn select_item(mut full: Map<String, Value>, select: &[String]) -> Map<String, Value> {
    let all = select.is_empty() || select.iter().any(|name| name == "*");
    full.retain(|name, _| match name.as_str() {
        "id" => true,
        "fm" => select.iter().any(|wanted| wanted == "fm"),
        _ => all || select.contains(name),
    });
    full
}

/// The classic methods: every value is text; multi-fields stand under their type.
pub(super) fn classic(directory: &Directory, item: &StoredItem, list: bool) -> Map<String, Value> {
    let mut map = Map::new();
    for field in directory.fields(item.entity).iter().filter(|field| !field.classic.is_empty()) {
        if field.classic == "TRACE" || (field.kind.is_multiple() && !list) {
            continue;
        }
        let value = value_of(item, field.key());
        let value = match (field.kind, value.as_ref()) {
            // Lists show an absent link as "0", `get` shows it as null.
            (Kind::Ref(_), Value::Null) if list => json!("0"),
            (Kind::Ref(_), Value::Number(n)) if n.as_i64() == Some(0) && !list => Value::Null,
            (kind, value) => classic_value(kind, value),
        };
        map.insert(field.classic.clone(), value);
    }
    for type_id in MULTI {
        let entries: Vec<Value> = item
            .multi
            .iter()
            .filter(|m| m.type_id == type_id)
            .map(|m| {
                json!({"ID": m.id.to_string(), "VALUE_TYPE": m.value_type, "VALUE": m.value, "TYPE_ID": m.type_id})
            })
            .collect();
        if !entries.is_empty() {
            map.insert(type_id.to_owned(), Value::Array(entries));
        }
    }
    map
}

/// Only what `select` names: `*` means system fields without multi-fields and lists, `UF_*` the
/// custom ones; `ID` always.
pub(super) fn select_classic(mut full: Map<String, Value>, select: &[String]) -> Map<String, Value> {
    let star = select.is_empty() || select.iter().any(|name| name == "*");
    let custom = select.iter().any(|name| name == "UF_*");
    full.retain(|name, value| {
        let is_custom = name.starts_with("UF_");
        name == "ID"
            || select.contains(name)
            || (star && !is_custom && !value.is_array())
            || (custom && is_custom)
    });
    full
}
