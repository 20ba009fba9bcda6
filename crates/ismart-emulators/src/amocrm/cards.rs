//! Leads, contacts and companies: add, change, get, list.

use super::call::{ApiError, Call, Flaws, News, Objects, Outcome, Reply, Violation};
use super::fields;
use super::kind::Kind;
use super::setup::{LOST, WON};
use super::show;
use super::store::{Change, Item, Link};
use crate::log::FindingKind;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A writing request takes so many objects.
pub(super) const OBJECTS_AT_MOST: usize = 250;
/// A page of a list has so many.
pub(super) const PAGE_AT_MOST: usize = 250;
const NAME_AT_MOST: usize = 255;

const KEYS: [&str; 21] = [
    "id",
    "name",
    "first_name",
    "last_name",
    "price",
    "status_id",
    "pipeline_id",
    "loss_reason_id",
    "closed_at",
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
    "responsible_user_id",
    "group_id",
    "custom_fields_values",
    "tags_to_add",
    "tags_to_delete",
    "visitor_uid",
    "_embedded",
    "request_id",
];

pub(super) fn add(call: &mut Call<'_>) -> Outcome {
    let objects = limited(call)?;
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in objects {
        let mut flaws = Flaws::new();
        let item = make(call, call.kind, &sent, "", &mut flaws);
        done.push((item.id, request_id.clone(), None));
        if flaws.is_empty() {
            added(call, item);
        } else {
            wrong.push((request_id, flaws));
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    let plural = call.kind.plural();
    Ok(Reply::ok(show::written_objects(call, plural, plural, &done)))
}

/// The objects of a request, not too many of them.
pub(super) fn limited(call: &Call<'_>) -> Result<Objects, ApiError> {
    let objects = call.objects()?;
    if objects.len() > OBJECTS_AT_MOST {
        let detail = format!("This collection should contain {OBJECTS_AT_MOST} elements or less.");
        return Err(ApiError::flaw(Violation::new("TooMuch", "", detail)));
    }
    Ok(objects)
}

/// A new object of what was sent; not yet part of the changes.
pub(super) fn make(
    call: &mut Call<'_>,
    kind: Kind,
    sent: &Map<String, Value>,
    at: &str,
    flaws: &mut Flaws,
) -> Item {
    let mut item = call.blank(kind);
    item.values.insert("responsible_user_id".into(), json!(call.user_id));
    item.values.insert("created_by".into(), json!(call.user_id));
    item.values.insert("updated_by".into(), json!(call.user_id));
    if kind == Kind::Lead {
        item.values.insert("name".into(), json!(format!("Сделка #{}", item.id)));
        item.values.insert("price".into(), json!(0));
        if let Some(pipeline) = call.setup.main_pipeline() {
            item.values.insert("pipeline_id".into(), json!(pipeline.id));
            item.values.insert("status_id".into(), json!(pipeline.first().map(|stage| stage.id)));
        }
    } else {
        item.values.insert("name".into(), json!(""));
    }
    write(call, &mut item, sent, at, flaws);
    if kind == Kind::Contact && item.text("name").is_empty() {
        call.find(
            FindingKind::MissingRequired,
            "name",
            "a contact without a name is an empty line to managers",
        );
    }
    item
}

/// Puts a new object among the changes and tells about it.
pub(super) fn added(call: &mut Call<'_>, item: Item) {
    let (kind, id) = (item.kind, item.id);
    call.event(kind, id, &format!("{}_added", kind.code()), json!([]), json!([]));
    let setting = match kind {
        Kind::Lead => "add_lead",
        Kind::Contact => "add_contact",
        _ => "add_company",
    };
    tell(call, setting, "add", &item);
    call.changes.push(Change::Item(item));
}

fn tell(call: &mut Call<'_>, setting: &'static str, action: &'static str, item: &Item) {
    let top = if item.kind == Kind::Lead { "leads" } else { "contacts" };
    let shown = hooked(call, item);
    call.news.push(News { setting, top, action, shown });
}

/// An object in the older shape in which hooks carry it.
fn hooked(call: &Call<'_>, item: &Item) -> Value {
    let mut shown = Map::from_iter([("id".to_owned(), json!(item.id))]);
    for key in ["name", "status_id", "pipeline_id", "price", "responsible_user_id", "created_by"] {
        if let Some(value) = item.values.get(key) {
            shown.insert(key.to_owned(), value.clone());
        }
    }
    shown.insert("modified_user_id".into(), item.values.get("updated_by").cloned().unwrap_or(json!(0)));
    shown.insert("created_user_id".into(), item.values.get("created_by").cloned().unwrap_or(json!(0)));
    shown.insert("date_create".into(), json!(item.created_at));
    shown.insert("last_modified".into(), json!(item.updated_at));
    shown.insert("account_id".into(), json!(call.setup.account_id));
    if item.kind != Kind::Lead {
        shown.insert("type".into(), json!(item.kind.code()));
    }
    let fields: Vec<Value> = item
        .fields
        .iter()
        .filter_map(|filled| {
            let field = call.store.fields.get(&filled.field_id)?;
            let values: Vec<Value> = filled
                .values
                .iter()
                .map(|value| match value.get("enum_id") {
                    Some(choice) => json!({"value": value.get("value"), "enum": choice}),
                    None => json!({"value": value.get("value")}),
                })
                .collect();
            Some(json!({"id": field.id, "name": field.name, "code": field.code, "values": values}))
        })
        .collect();
    if !fields.is_empty() {
        shown.insert("custom_fields".into(), Value::Array(fields));
    }
    Value::Object(shown)
}

pub(super) fn change_many(call: &mut Call<'_>) -> Outcome {
    let objects = limited(call)?;
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in objects {
        let Some(id) = sent.get("id").and_then(Value::as_u64) else {
            wrong.push((request_id, vec![Violation::missing("id")]));
            continue;
        };
        match change(call, id, &sent) {
            Ok(at) => done.push((id, request_id, Some(at))),
            Err(flaws) => wrong.push((request_id, flaws)),
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    let plural = call.kind.plural();
    Ok(Reply::ok(show::written_objects(call, plural, plural, &done)))
}

pub(super) fn change_one(call: &mut Call<'_>) -> Outcome {
    let sent = call.object()?.clone();
    let id = call.id.unwrap_or_default();
    if !call.exists(call.kind, id) {
        return Err(ApiError::not_found());
    }
    let at = change(call, id, &sent).map_err(|flaws| ApiError::invalid(vec![("0".to_owned(), flaws)]))?;
    let link = show::self_link(call, &format!("{}/{id}", call.kind.plural()));
    Ok(Reply::ok(json!({"id": id, "updated_at": at, "_links": link})))
}

fn change(call: &mut Call<'_>, id: u64, sent: &Map<String, Value>) -> Result<i64, Flaws> {
    let Some(before) = call.current(call.kind, id) else {
        return Err(vec![Violation::new("NotFound", "id", "Element not found")]);
    };
    let mut item = before.clone();
    item.updated_at = call.now.max(item.updated_at);
    item.searchable_at = call.now.saturating_add(call.search_lag);
    item.values.insert("updated_by".into(), json!(call.user_id));
    let mut flaws = Flaws::new();
    write(call, &mut item, sent, "", &mut flaws);
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let at = item.updated_at;
    changed(call, &before, item);
    Ok(at)
}

/// Puts a changed object among the changes and tells about it.
pub(super) fn changed(call: &mut Call<'_>, before: &Item, item: Item) {
    let (update, moved) = match item.kind {
        Kind::Lead => ("update_lead", before.number("status_id") != item.number("status_id")),
        Kind::Contact => ("update_contact", false),
        _ => ("update_company", false),
    };
    if moved {
        let at = |item: &Item| json!([{"lead_status": {"id": item.number("status_id"), "pipeline_id": item.number("pipeline_id")}}]);
        call.event(item.kind, item.id, "lead_status_changed", at(before), at(&item));
        let mut shown = hooked(call, &item);
        if let Value::Object(map) = &mut shown {
            map.insert("old_status_id".into(), json!(before.number("status_id")));
            map.insert("old_pipeline_id".into(), json!(before.number("pipeline_id")));
        }
        call.news.push(News { setting: "status_lead", top: "leads", action: "status", shown });
    }
    if item.kind == Kind::Lead && before.number("responsible_user_id") != item.number("responsible_user_id") {
        tell(call, "responsible_lead", "responsible", &item);
    }
    tell(call, update, "update", &item);
    call.changes.push(Change::Item(item));
}

/// Writes what was sent into the object.
pub(super) fn write(
    call: &mut Call<'_>,
    item: &mut Item,
    sent: &Map<String, Value>,
    at: &str,
    flaws: &mut Flaws,
) {
    call.known_keys(sent, &KEYS, at.trim_end_matches('.'));
    let path = |key: &str| format!("{at}{key}");
    for key in ["name", "first_name", "last_name"] {
        match sent.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.chars().count() > NAME_AT_MOST => {
                let detail = "This value is too long. It should have 255 characters or less.";
                flaws.push(Violation::new("TooLong", path(key), detail));
            }
            Some(Value::String(text)) => {
                item.values.insert(key.to_owned(), json!(text));
            }
            Some(_) => flaws.push(Violation::wrong_type(path(key), "string")),
        }
    }
    let parts = [item.text("first_name"), item.text("last_name")].join(" ").trim().to_owned();
    let renamed = sent.contains_key("first_name") || sent.contains_key("last_name");
    if item.kind == Kind::Contact && renamed && !sent.get("name").is_some_and(Value::is_string) {
        item.values.insert("name".into(), json!(parts));
    }
    for key in ["price", "loss_reason_id", "closed_at", "created_by", "updated_by"] {
        match sent.get(key) {
            None | Some(Value::Null) => {}
            Some(value) if value.is_i64() || value.is_u64() => {
                item.values.insert(key.to_owned(), value.clone());
            }
            Some(_) => flaws.push(Violation::wrong_type(path(key), "int")),
        }
    }
    for (key, place) in [("created_at", &mut item.created_at), ("updated_at", &mut item.updated_at)] {
        match sent.get(key) {
            None | Some(Value::Null) => {}
            Some(value) => match value.as_i64() {
                Some(seconds) => *place = seconds,
                None => flaws.push(Violation::wrong_type(path(key), "int")),
            },
        }
    }
    responsible(call, item, sent, at, flaws);
    if item.kind == Kind::Lead {
        stage(call, item, sent, at, flaws);
    }
    if let Some(values) = sent.get("custom_fields_values") {
        fields::write(call, item, values, at, flaws);
    }
    tags(call, item, sent, at, flaws);
    if let Some(embedded) = sent.get("_embedded").and_then(Value::as_object) {
        links(call, item, embedded, at, flaws);
    }
}

fn responsible(call: &Call<'_>, item: &mut Item, sent: &Map<String, Value>, at: &str, flaws: &mut Flaws) {
    match sent.get("responsible_user_id") {
        None | Some(Value::Null) => {}
        Some(value) => match value.as_u64() {
            Some(0) => {}
            Some(id) if call.setup.user(id).is_some_and(|user| user.active) => {
                item.values.insert("responsible_user_id".into(), json!(id));
            }
            Some(_) => flaws.push(Violation::no_choice(format!("{at}responsible_user_id"))),
            None => flaws.push(Violation::wrong_type(format!("{at}responsible_user_id"), "int")),
        },
    }
}

/// Pipeline and stage. A stage belongs to one pipeline; the two last ones belong to all.
fn stage(call: &mut Call<'_>, item: &mut Item, sent: &Map<String, Value>, at: &str, flaws: &mut Flaws) {
    let number = |key: &str| sent.get(key).filter(|value| !value.is_null());
    let (pipeline_sent, status_sent) = (number("pipeline_id"), number("status_id"));
    for (key, value) in [("pipeline_id", pipeline_sent), ("status_id", status_sent)] {
        if value.is_some_and(|value| value.as_u64().is_none()) {
            return flaws.push(Violation::wrong_type(format!("{at}{key}"), "int"));
        }
    }
    let current = item.number("pipeline_id").and_then(|id| u64::try_from(id).ok());
    let pipeline_id = pipeline_sent.and_then(Value::as_u64).or(current);
    let Some(pipeline) = pipeline_id.and_then(|id| call.setup.open_pipeline(id)) else {
        return flaws.push(Violation::no_choice(format!("{at}pipeline_id")));
    };
    let status = match status_sent.and_then(Value::as_u64) {
        Some(status) => {
            let known = pipeline.stages.iter().find(|stage| stage.id == status && !stage.unsorted);
            if known.is_none() {
                return flaws.push(Violation::no_choice(format!("{at}status_id")));
            }
            if pipeline_sent.is_none() && (status == WON || status == LOST) {
                let text =
                    "the stage is in every pipeline; without `pipeline_id` the lead's own one was taken";
                call.find(FindingKind::DanglingReference, "status_id", text);
            }
            Some(status)
        }
        None if pipeline_sent.is_some() && pipeline_id != current => pipeline.first().map(|stage| stage.id),
        None => item.number("status_id").and_then(|id| u64::try_from(id).ok()),
    };
    item.values.insert("pipeline_id".into(), json!(pipeline.id));
    item.values.insert("status_id".into(), json!(status));
    let closed = status == Some(WON) || status == Some(LOST);
    let was_closed = item.values.get("closed_at").is_some_and(|at| !at.is_null());
    if closed && !was_closed {
        item.values.insert("closed_at".into(), json!(call.now));
    } else if !closed {
        item.values.insert("closed_at".into(), Value::Null);
    }
}

fn tags(call: &mut Call<'_>, item: &mut Item, sent: &Map<String, Value>, at: &str, flaws: &mut Flaws) {
    let embedded = sent.get("_embedded").and_then(Value::as_object).and_then(|map| map.get("tags"));
    match embedded {
        Some(Value::Null) => item.tags.clear(),
        Some(list) => {
            item.tags = named_tags(call, item.kind, list, &format!("{at}_embedded.tags"), true, flaws)
        }
        None => {}
    }
    if let Some(list) = sent.get("tags_to_add").filter(|list| !list.is_null()) {
        for id in named_tags(call, item.kind, list, &format!("{at}tags_to_add"), true, flaws) {
            if !item.tags.contains(&id) {
                item.tags.push(id);
            }
        }
    }
    if let Some(list) = sent.get("tags_to_delete").filter(|list| !list.is_null()) {
        let gone = named_tags(call, item.kind, list, &format!("{at}tags_to_delete"), false, flaws);
        item.tags.retain(|id| !gone.contains(id));
    }
}

fn named_tags(
    call: &mut Call<'_>,
    kind: Kind,
    list: &Value,
    at: &str,
    make: bool,
    flaws: &mut Flaws,
) -> Vec<u64> {
    let Some(list) = list.as_array() else {
        flaws.push(Violation::wrong_type(at, "array"));
        return Vec::new();
    };
    let mut ids = Vec::new();
    for (index, tag) in list.iter().enumerate() {
        let id = tag.get("id").and_then(Value::as_u64);
        let name = tag.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
        match (id, name) {
            (Some(id), _) if call.tag_name(id).is_some() => ids.push(id),
            (Some(_), _) => flaws.push(Violation::no_choice(format!("{at}.{index}.id"))),
            (None, Some(name)) if make => ids.push(call.tag(kind, name)),
            (None, Some(name)) => {
                let known = call.store.tags.values().find(|tag| tag.kind == kind && tag.name == name);
                ids.extend(known.map(|tag| tag.id));
            }
            (None, None) => flaws.push(Violation::missing(format!("{at}.{index}.name"))),
        }
    }
    ids.dedup();
    ids
}

/// `_embedded`: existing contacts and companies by id, and the source.
fn links(call: &mut Call<'_>, item: &mut Item, embedded: &Map<String, Value>, at: &str, flaws: &mut Flaws) {
    for (key, kind) in [("contacts", Kind::Contact), ("companies", Kind::Company)] {
        let list = embedded.get(key).and_then(Value::as_array);
        for (index, entry) in list.into_iter().flatten().enumerate() {
            let Some(id) = entry.get("id").and_then(Value::as_u64) else { continue };
            if !call.exists(kind, id) {
                flaws.push(Violation::no_choice(format!("{at}_embedded.{key}.{index}.id")));
                continue;
            }
            let main = entry.get("is_main").and_then(Value::as_bool).unwrap_or(index == 0);
            item.links.retain(|link| (link.kind, link.id) != (kind, id));
            item.links.push(Link { kind, id, main });
        }
    }
    let Some(source) = embedded.get("source").and_then(Value::as_object) else { return };
    let external = source.get("external_id").map(super::store::plain).unwrap_or_default();
    match call.store.sources.values().find(|known| known.external_id == external) {
        Some(known) => {
            item.values.insert("source_id".into(), json!(known.id));
        }
        None => {
            let text = format!("there is no source with the external id `{external}`; none was set");
            call.find(FindingKind::DanglingReference, "_embedded.source", text);
        }
    }
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    let found = call.id.and_then(|id| call.store.get(call.kind, id)).cloned();
    Ok(match found {
        Some(item) => Reply::ok(show::item(call, &item)),
        None => Reply::nothing(),
    })
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let kind = call.kind;
    let visible = |item: &&Arc<Item>| !item.unsorted;
    let all: Vec<Arc<Item>> = match call.asked("query").map(str::trim).filter(|query| !query.is_empty()) {
        Some(query) => {
            let ids = call.store.search(kind, query, call.now);
            ids.iter().filter_map(|id| call.store.get(kind, *id)).filter(visible).cloned().collect()
        }
        None => call.store.iter(kind).filter(visible).cloned().collect(),
    };
    let all = show::filtered(call, all);
    let all = show::ordered(call, all);
    Ok(show::list(call, kind.plural(), kind.plural(), &all, PAGE_AT_MOST, |call, item| {
        show::item(call, item)
    }))
}

/// `/{kind}/{id}/link`, `/unlink`, `/links`.
pub(super) fn link(call: &mut Call<'_>) -> Outcome {
    relink(call, true)
}

pub(super) fn unlink(call: &mut Call<'_>) -> Outcome {
    relink(call, false)
}

fn relink(call: &mut Call<'_>, on: bool) -> Outcome {
    let id = call.id.unwrap_or_default();
    let Some(before) = call.current(call.kind, id) else { return Err(ApiError::not_found()) };
    let mut item = before.clone();
    let mut flaws = Flaws::new();
    let mut done = Vec::new();
    for (at, (_, sent)) in call.objects()?.into_iter().enumerate() {
        let to = sent.get("to_entity_id").and_then(Value::as_u64);
        let kind = sent.get("to_entity_type").and_then(Value::as_str).and_then(Kind::from_plural);
        let (Some(to), Some(kind)) = (to, kind.filter(|kind| kind.is_card())) else {
            flaws.push(Violation::missing(format!("{at}.to_entity_id")));
            continue;
        };
        if !call.exists(kind, to) {
            flaws.push(Violation::no_choice(format!("{at}.to_entity_id")));
            continue;
        }
        let main = sent
            .get("metadata")
            .and_then(|metadata| metadata.get("is_main"))
            .and_then(Value::as_bool)
            .unwrap_or(false);
        item.links.retain(|link| (link.kind, link.id) != (kind, to));
        if on {
            item.links.push(Link { kind, id: to, main });
        }
        done.push(json!({"entity_id": id, "entity_type": call.kind.plural(), "to_entity_id": to,
                         "to_entity_type": kind.plural(), "metadata": {"main_contact": main}}));
    }
    if !flaws.is_empty() {
        return Err(ApiError::invalid(vec![("0".to_owned(), flaws)]));
    }
    changed(call, &before, item);
    if !on {
        return Ok(Reply::nothing());
    }
    let path = format!("{}/{id}/links", call.kind.plural());
    Ok(show::whole(call, &path, "links", done))
}

pub(super) fn linked(call: &mut Call<'_>) -> Outcome {
    let id = call.id.unwrap_or_default();
    let Some(item) = call.current(call.kind, id) else { return Err(ApiError::not_found()) };
    let all = item.links.iter().map(|link| {
        json!({"to_entity_id": link.id, "to_entity_type": link.kind.plural(),
               "metadata": {"main_contact": link.main}})
    });
    let path = format!("{}/{id}/links", call.kind.plural());
    let all = all.collect();
    Ok(show::whole(call, &path, "links", all))
}
