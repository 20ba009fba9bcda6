//! Objects and lists as a `GET` shows them, in HAL.

use super::call::{Call, Reply};
use super::fields;
use super::kind::Kind;
use super::store::Item;
use crate::log::FindingKind;
use crate::php::build_php;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `{"self": {"href": …}}`.
pub(super) fn self_link(call: &Call<'_>, path: &str) -> Value {
    json!({"self": {"href": format!("{}/api/v4/{path}", call.origin)}})
}

/// An object as a single `GET` and a list show it.
pub(super) fn item(call: &Call<'_>, item: &Item) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(item.id));
    let value = |key: &str| item.values.get(key).cloned().unwrap_or(Value::Null);
    let mut put = |key: &str, value: Value| {
        shown.insert(key.to_owned(), value);
    };
    let names: &[&str] = match item.kind {
        Kind::Lead => &["name", "price", "responsible_user_id", "status_id", "pipeline_id", "loss_reason_id"],
        Kind::Contact => &["name", "first_name", "last_name", "responsible_user_id"],
        Kind::Company => &["name", "responsible_user_id"],
        Kind::Task => &[
            "responsible_user_id",
            "entity_id",
            "entity_type",
            "duration",
            "is_completed",
            "task_type_id",
            "text",
            "result",
            "complete_till",
        ],
        Kind::Note => &["entity_id", "responsible_user_id", "note_type", "params"],
    };
    for name in names {
        put(name, value(name));
    }
    put("group_id", json!(0));
    put("created_by", value("created_by"));
    put("updated_by", value("updated_by"));
    put("created_at", json!(item.created_at));
    put("updated_at", json!(item.updated_at));
    if item.kind.is_card() {
        put("closest_task_at", Value::Null);
        put("is_deleted", json!(false));
        put("custom_fields_values", fields::show(call, item));
    }
    match item.kind {
        Kind::Lead => {
            put("closed_at", value("closed_at"));
            put("score", Value::Null);
            put("labor_cost", Value::Null);
            if call.with("source_id") {
                put("source_id", value("source_id"));
            }
            if call.with("is_price_modified_by_robot") {
                put("is_price_modified_by_robot", json!(false));
            }
        }
        Kind::Contact => put("is_unsorted", json!(item.unsorted)),
        _ => {}
    }
    put("account_id", json!(call.setup.account_id));
    put("_links", self_link(call, &path(item)));
    if item.kind.is_card() {
        put("_embedded", embedded(call, item));
    }
    Value::Object(shown)
}

fn path(item: &Item) -> String {
    match item.kind {
        Kind::Note => format!("{}/notes/{}", item.text("entity_type"), item.id),
        kind => format!("{}/{}", kind.plural(), item.id),
    }
}

fn embedded(call: &Call<'_>, item: &Item) -> Value {
    let tags: Vec<Value> = item
        .tags
        .iter()
        .filter_map(|id| Some(json!({"id": id, "name": call.tag_name(*id)?, "color": null})))
        .collect();
    let mut shown = Map::from_iter([("tags".to_owned(), Value::Array(tags))]);
    let linked = |kind: Kind| -> Vec<Value> {
        let ids = item.linked(kind);
        let one = |(at, id): (usize, u64)| {
            let path = format!("{}/{id}", kind.plural());
            let mut map = Map::from_iter([("id".to_owned(), json!(id))]);
            if kind == Kind::Contact {
                map.insert("is_main".into(), json!(at == 0));
            }
            map.insert("_links".into(), self_link(call, &path));
            Value::Object(map)
        };
        ids.into_iter().enumerate().map(one).collect()
    };
    if item.kind != Kind::Company {
        shown.insert("companies".into(), Value::Array(linked(Kind::Company)));
    }
    if item.kind == Kind::Lead && call.with("contacts") {
        shown.insert("contacts".into(), Value::Array(linked(Kind::Contact)));
    }
    if item.kind != Kind::Lead && call.with("leads") {
        let ours = call.store.iter(Kind::Lead).filter(|lead| lead.linked(item.kind).contains(&item.id));
        let leads =
            ours.map(|lead| json!({"id": lead.id, "_links": self_link(call, &format!("leads/{}", lead.id))}));
        shown.insert("leads".into(), leads.collect());
    }
    if item.kind == Kind::Lead && call.with("loss_reason") {
        shown.insert("loss_reason".into(), json!([]));
    }
    Value::Object(shown)
}

/// Which page of a list is asked for.
struct Page {
    number: usize,
    limit: usize,
}

fn asked_page(call: &mut Call<'_>, most: usize) -> Page {
    let number = |name: &str| call.asked(name).and_then(|text| text.parse::<usize>().ok());
    let (page, limit) = (number("page").unwrap_or(1).max(1), number("limit").unwrap_or(50).max(1));
    if limit > most {
        call.find(FindingKind::ValueChanged, "limit", format!("a page has {most} at most"));
    }
    Page { number: page, limit: limit.min(most) }
}

/// One page of a list; 204 when there is nothing on it.
pub(super) fn list<T>(
    call: &mut Call<'_>,
    path: &str,
    key: &str,
    all: &[T],
    most: usize,
    show: impl Fn(&Call<'_>, &T) -> Value,
) -> Reply {
    let Page { number, limit } = asked_page(call, most);
    let from = limit.saturating_mul(number.saturating_sub(1));
    let shown: Vec<Value> = all.iter().skip(from).take(limit).map(|one| show(call, one)).collect();
    if shown.is_empty() {
        return Reply::nothing();
    }
    let mut others = Vec::new();
    for (name, value) in call.query.iter().filter(|(name, _)| !matches!(name.as_str(), "page" | "limit")) {
        build_php(name, value, &mut others);
    }
    let href = |page: usize| {
        let rest: String = others.iter().map(|text| format!("&{text}")).collect();
        json!({"href": format!("{}/api/v4/{path}?page={page}&limit={limit}{rest}", call.origin)})
    };
    let mut links = Map::from_iter([("self".to_owned(), href(number))]);
    if from.saturating_add(limit) < all.len() {
        links.insert("next".into(), href(number.saturating_add(1)));
    }
    if number > 1 {
        links.insert("first".into(), href(1));
        links.insert("prev".into(), href(number.saturating_sub(1)));
    }
    Reply::ok(json!({"_page": number, "_links": links, "_embedded": {key: shown}}))
}

/// A list that is never cut: pipelines, hooks, sources.
pub(super) fn whole(call: &Call<'_>, path: &str, key: &str, all: Vec<Value>) -> Reply {
    if all.is_empty() {
        return Reply::nothing();
    }
    Reply::ok(json!({
        "_total_items": all.len(), "_page": 1, "_page_count": 1,
        "_links": self_link(call, path), "_embedded": {key: all},
    }))
}

/// The short form in which a writing request answers: id, `request_id`, link.
pub(super) fn written_objects(
    call: &Call<'_>,
    path: &str,
    key: &str,
    done: &[(u64, String, Option<i64>)],
) -> Value {
    let shown: Vec<Value> = done
        .iter()
        .map(|(id, request_id, updated_at)| {
            let mut map = Map::from_iter([("id".to_owned(), json!(id))]);
            if let Some(at) = updated_at {
                map.insert("updated_at".into(), json!(at));
            }
            map.insert("request_id".into(), json!(request_id));
            map.insert("_links".into(), self_link(call, &format!("{path}/{id}")));
            Value::Object(map)
        })
        .collect();
    json!({"_links": self_link(call, path), "_embedded": {key: shown}})
}

/// Objects in the order that is asked for: `order[updated_at]=desc`; by id without it.
pub(super) fn ordered(call: &mut Call<'_>, mut all: Vec<Arc<Item>>) -> Vec<Arc<Item>> {
    let Some(order) = call.query.get("order").and_then(Value::as_object) else { return all };
    let Some((key, way)) = order.iter().next() else { return all };
    let down = way.as_str().is_some_and(|way| way.eq_ignore_ascii_case("desc"));
    match key.as_str() {
        "id" => all.sort_by_key(|item| item.id),
        "created_at" => all.sort_by_key(|item| (item.created_at, item.id)),
        "updated_at" => all.sort_by_key(|item| (item.updated_at, item.id)),
        "complete_till" => all.sort_by_key(|item| (item.number("complete_till"), item.id)),
        other => {
            let text = format!("lists cannot be ordered by `{other}`; it was ignored");
            call.find(FindingKind::UnknownParameter, "order", text);
            return all;
        }
    }
    if down {
        all.reverse();
    }
    all
}

/// Objects that `filter[…]` lets through.
pub(super) fn filtered(call: &mut Call<'_>, mut all: Vec<Arc<Item>>) -> Vec<Arc<Item>> {
    let Some(filter) = call.query.get("filter").and_then(Value::as_object).cloned() else { return all };
    for (key, wanted) in &filter {
        match key.as_str() {
            "id" => {
                let ids = numbers(wanted);
                all.retain(|item| i64::try_from(item.id).is_ok_and(|id| ids.contains(&id)));
            }
            "entity_id" | "responsible_user_id" | "pipeline_id" | "task_type_id" | "created_by" => {
                let ids = numbers(wanted);
                all.retain(|item| item.number(key).is_some_and(|id| ids.contains(&id)));
            }
            "entity_type" | "note_type" => {
                let names = texts(wanted);
                all.retain(|item| names.iter().any(|name| name == item.text(key)));
            }
            "is_completed" => {
                let done = texts(wanted).iter().any(|text| text == "1" || text == "true");
                all.retain(|item| item.values.get("is_completed") == Some(&json!(done)));
            }
            "updated_at" | "created_at" => {
                let edge = |name: &str| wanted.get(name).and_then(|edge| numbers(edge).first().copied());
                let (from, to) = (edge("from").unwrap_or(i64::MIN), edge("to").unwrap_or(i64::MAX));
                let at = |item: &Item| if key == "updated_at" { item.updated_at } else { item.created_at };
                all.retain(|item| (from..=to).contains(&at(item)));
            }
            other => {
                let text = format!("there is no filter `{other}`; it was ignored");
                call.find(FindingKind::UnknownParameter, "filter", text);
            }
        }
    }
    all
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn numbers(value: &Value) -> Vec<i64> {
    texts(value).iter().flat_map(|text| text.split(',')).filter_map(|text| text.trim().parse().ok()).collect()
}
