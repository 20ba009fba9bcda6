//! Tasks and notes.

use super::call::{ApiError, Call, Flaws, News, Outcome, Reply, Violation};
use super::cards::{self, PAGE_AT_MOST};
use super::kind::Kind;
use super::show;
use super::store::{Change, Item};
use crate::log::FindingKind;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const TASK_KEYS: [&str; 14] = [
    "id",
    "text",
    "complete_till",
    "entity_id",
    "entity_type",
    "task_type_id",
    "responsible_user_id",
    "duration",
    "is_completed",
    "result",
    "created_by",
    "updated_by",
    "request_id",
    "created_at",
];

const NOTE_KEYS: [&str; 8] = [
    "id",
    "entity_id",
    "note_type",
    "params",
    "created_by",
    "responsible_user_id",
    "request_id",
    "is_need_to_trigger_digital_pipeline",
];

/// Notes of each type and the parameters that they need.
const NOTE_TYPES: [(&str, &[&str]); 9] = [
    ("common", &["text"]),
    ("call_in", &["uniq", "duration", "source", "link", "phone"]),
    ("call_out", &["uniq", "duration", "source", "link", "phone"]),
    ("service_message", &["service", "text"]),
    ("extended_service_message", &["service", "text"]),
    ("message_cashier", &["status", "text"]),
    ("sms_in", &["text", "phone"]),
    ("sms_out", &["text", "phone"]),
    ("geolocation", &["text", "address", "longitude", "latitude"]),
];

pub(super) fn add_tasks(call: &mut Call<'_>) -> Outcome {
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in cards::limited(call)? {
        let mut flaws = Flaws::new();
        let mut item = call.blank(Kind::Task);
        for (key, value) in [
            ("responsible_user_id", json!(call.user_id)),
            ("created_by", json!(call.user_id)),
            ("updated_by", json!(call.user_id)),
            ("entity_id", Value::Null),
            ("entity_type", Value::Null),
            ("duration", json!(0)),
            ("is_completed", json!(false)),
            ("task_type_id", json!(1)),
            ("result", json!([])),
        ] {
            item.values.insert(key.to_owned(), value);
        }
        for key in ["text", "complete_till"] {
            if sent.get(key).is_none_or(Value::is_null) {
                flaws.push(Violation::missing(key));
            }
        }
        write_task(call, &mut item, &sent, &mut flaws);
        done.push((item.id, request_id.clone(), None));
        if !flaws.is_empty() {
            wrong.push((request_id, flaws));
            continue;
        }
        call.event(Kind::Task, item.id, "task_added", json!([]), json!([]));
        let shown = json!({"id": item.id, "element_id": item.values.get("entity_id"), "text": item.text("text"),
                           "task_type": item.values.get("task_type_id"), "complete_till": item.values.get("complete_till"),
                           "responsible_user_id": item.values.get("responsible_user_id")});
        call.news.push(News { setting: "add_task", top: "task", action: "add", shown });
        call.changes.push(Change::Item(item));
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    Ok(Reply::ok(show::written_objects(call, "tasks", "tasks", &done)))
}

fn write_task(call: &mut Call<'_>, item: &mut Item, sent: &Map<String, Value>, flaws: &mut Flaws) {
    call.known_keys(sent, &TASK_KEYS, "");
    for key in ["complete_till", "duration", "task_type_id", "created_by", "updated_by"] {
        match sent.get(key) {
            None | Some(Value::Null) => {}
            Some(value) if value.is_i64() || value.is_u64() => {
                item.values.insert(key.to_owned(), value.clone());
            }
            Some(Value::Number(part)) if key == "complete_till" => {
                call.find(
                    FindingKind::WrongType,
                    key,
                    "a moment with a fraction was sent; the fraction was dropped",
                );
                let whole = part.to_string().split('.').next().and_then(|whole| whole.parse::<i64>().ok());
                item.values.insert(key.to_owned(), json!(whole));
            }
            Some(_) => flaws.push(Violation::wrong_type(key, "int")),
        }
    }
    match sent.get("text") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            item.values.insert("text".into(), json!(text));
        }
        Some(_) => flaws.push(Violation::wrong_type("text", "string")),
    }
    if let Some(done) = sent.get("is_completed").and_then(Value::as_bool) {
        item.values.insert("is_completed".into(), json!(done));
    }
    if let Some(result) = sent.get("result").filter(|result| result.is_object()) {
        item.values.insert("result".into(), result.clone());
    }
    match sent.get("responsible_user_id").and_then(Value::as_u64) {
        Some(id) if id > 0 && !call.setup.user(id).is_some_and(|user| user.active) => {
            flaws.push(Violation::no_choice("responsible_user_id"));
        }
        Some(id) if id > 0 => {
            item.values.insert("responsible_user_id".into(), json!(id));
        }
        _ => {}
    }
    let Some(id) = sent.get("entity_id").and_then(Value::as_u64) else { return };
    let kind = sent.get("entity_type").and_then(Value::as_str).and_then(Kind::from_plural);
    match kind.filter(|kind| kind.is_card()) {
        Some(kind) if call.exists(kind, id) => {
            item.values.insert("entity_id".into(), json!(id));
            item.values.insert("entity_type".into(), json!(kind.plural()));
        }
        Some(_) => flaws.push(Violation::no_choice("entity_id")),
        None => flaws.push(Violation::no_choice("entity_type")),
    }
}

pub(super) fn change_tasks(call: &mut Call<'_>) -> Outcome {
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in cards::limited(call)? {
        let id = sent.get("id").and_then(Value::as_u64).unwrap_or_default();
        match change(call, id, &sent) {
            Ok(()) => done.push((id, request_id, Some(call.now))),
            Err(flaws) => wrong.push((request_id, flaws)),
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    Ok(Reply::ok(show::written_objects(call, "tasks", "tasks", &done)))
}

pub(super) fn change_task(call: &mut Call<'_>) -> Outcome {
    let sent = call.object()?.clone();
    let id = call.id.unwrap_or_default();
    if !call.exists(Kind::Task, id) {
        return Err(ApiError::not_found());
    }
    change(call, id, &sent).map_err(|flaws| ApiError::invalid(vec![("0".to_owned(), flaws)]))?;
    let link = show::self_link(call, &format!("tasks/{id}"));
    Ok(Reply::ok(json!({"id": id, "updated_at": call.now, "_links": link})))
}

fn change(call: &mut Call<'_>, id: u64, sent: &Map<String, Value>) -> Result<(), Flaws> {
    let Some(mut item) = call.current(Kind::Task, id) else {
        return Err(vec![Violation::new("NotFound", "id", "Element not found")]);
    };
    let was_done = item.values.get("is_completed") == Some(&json!(true));
    let mut flaws = Flaws::new();
    write_task(call, &mut item, sent, &mut flaws);
    if !flaws.is_empty() {
        return Err(flaws);
    }
    item.updated_at = call.now;
    if !was_done && item.values.get("is_completed") == Some(&json!(true)) {
        call.event(Kind::Task, id, "task_completed", json!([]), json!([]));
    }
    call.changes.push(Change::Item(item));
    Ok(())
}

pub(super) fn list_tasks(call: &mut Call<'_>) -> Outcome {
    let all: Vec<Arc<Item>> = call.store.iter(Kind::Task).cloned().collect();
    let all = show::filtered(call, all);
    let all = show::ordered(call, all);
    Ok(show::list(call, "tasks", "tasks", &all, PAGE_AT_MOST, |call, item| show::item(call, item)))
}

pub(super) fn get_task(call: &mut Call<'_>) -> Outcome {
    call.kind = Kind::Task;
    cards::get(call)
}

/// `POST /{kind}/notes` and `POST /{kind}/{id}/notes`.
pub(super) fn add_notes(call: &mut Call<'_>) -> Outcome {
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in cards::limited(call)? {
        let mut flaws = Flaws::new();
        call.known_keys(&sent, &NOTE_KEYS, "");
        let owner = call.id.or_else(|| sent.get("entity_id").and_then(Value::as_u64));
        match owner {
            None => flaws.push(Violation::missing("entity_id")),
            Some(id) if !call.exists(call.kind, id) => flaws.push(Violation::no_choice("entity_id")),
            Some(_) => {}
        }
        let note_type = sent.get("note_type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let params = sent.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
        match NOTE_TYPES.iter().find(|(name, _)| *name == note_type) {
            None => flaws.push(Violation::no_choice("note_type")),
            Some((_, required)) => {
                for key in required.iter().filter(|key| params.get(**key).is_none_or(Value::is_null)) {
                    flaws.push(Violation::missing(format!("params.{key}")));
                }
                for key in params
                    .keys()
                    .filter(|key| !required.contains(&key.as_str()) && *key != "call_responsible")
                {
                    let parameter = format!("params.{key}");
                    call.findings.push(crate::log::Finding {
                        kind: FindingKind::UnknownField,
                        method: call.operation.to_owned(),
                        parameter,
                        text: "the note type has no such parameter; it was ignored".to_owned(),
                    });
                }
            }
        }
        if !flaws.is_empty() {
            wrong.push((request_id, flaws));
            continue;
        }
        let mut item = call.blank(Kind::Note);
        let owner = owner.unwrap_or_default();
        for (key, value) in [
            ("entity_id", json!(owner)),
            ("entity_type", json!(call.kind.plural())),
            ("note_type", json!(note_type)),
            ("params", Value::Object(params)),
            ("responsible_user_id", json!(call.user_id)),
            ("created_by", sent.get("created_by").cloned().unwrap_or(json!(call.user_id))),
            ("updated_by", json!(call.user_id)),
        ] {
            item.values.insert(key.to_owned(), value);
        }
        done.push((item.id, request_id, owner));
        call.event(
            call.kind,
            owner,
            &format!("{note_type}_note_added"),
            json!([]),
            json!([{"note": {"id": item.id}}]),
        );
        let shown = json!({"note": {"id": item.id, "element_id": owner, "note_type": note_type,
                                    "date_create": call.now, "created_by": call.user_id,
                                    "text": item.values.get("params").map(Value::to_string)}});
        let (setting, top) =
            if call.kind == Kind::Lead { ("note_lead", "leads") } else { ("note_contact", "contacts") };
        call.news.push(News { setting, top, action: "note", shown });
        call.changes.push(Change::Item(item));
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    let path = format!("{}/notes", call.kind.plural());
    let shown: Vec<Value> = done
        .iter()
        .map(|(id, request_id, owner)| {
            json!({"id": id, "entity_id": owner, "request_id": request_id,
                   "_links": show::self_link(call, &format!("{path}/{id}"))})
        })
        .collect();
    Ok(Reply::ok(json!({"_links": show::self_link(call, &path), "_embedded": {"notes": shown}})))
}

pub(super) fn list_notes(call: &mut Call<'_>) -> Outcome {
    let (kind, owner) = (call.kind.plural(), call.id.and_then(|id| i64::try_from(id).ok()));
    if let Some(id) = call.id
        && !call.exists(call.kind, id)
    {
        return Err(ApiError::not_found());
    }
    let ours = call.store.iter(Kind::Note).filter(|note| {
        note.text("entity_type") == kind && owner.is_none_or(|owner| note.number("entity_id") == Some(owner))
    });
    let all: Vec<Arc<Item>> = ours.cloned().collect();
    let all = show::filtered(call, all);
    let all = show::ordered(call, all);
    let path = match call.id {
        Some(id) => format!("{kind}/{id}/notes"),
        None => format!("{kind}/notes"),
    };
    Ok(show::list(call, &path, "notes", &all, PAGE_AT_MOST, |call, item| show::item(call, item)))
}

pub(super) fn get_note(call: &mut Call<'_>) -> Outcome {
    let ours = call.kind.plural();
    let found = call.id.and_then(|id| call.store.get(Kind::Note, id)).cloned();
    Ok(match found.filter(|note| note.text("entity_type") == ours) {
        Some(note) => Reply::ok(show::item(call, &note)),
        None => Reply::nothing(),
    })
}
