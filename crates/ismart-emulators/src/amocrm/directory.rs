//! What an account is made of: itself, people, pipelines, fields, tags, sources, subscriptions, events.

use super::call::{ApiError, Call, Flaws, Outcome, Reply, Violation};
use super::cards::{self, PAGE_AT_MOST};
use super::setup::{Pipeline, Stage, User};
use super::show;
use super::store::{Change, Choice, CustomField, Event, Hook, Source, Tag};
use serde_json::{Map, Value, json};

const HOOKS_AT_MOST: usize = 100;
const SOURCES_AT_MOST: usize = 100;
const EVENTS_PAGE: usize = 100;
const FIELDS_PAGE: usize = 50;

/// Types of fields that a request may create.
const FIELD_TYPES: [&str; 16] = [
    "text",
    "numeric",
    "checkbox",
    "select",
    "multiselect",
    "date",
    "date_time",
    "url",
    "textarea",
    "radiobutton",
    "streetaddress",
    "smart_address",
    "birthday",
    "legal_entity",
    "price",
    "tracking_data",
];

/// What one may subscribe to: an action and what it is done to.
const HOOK_ACTIONS: [&str; 7] = ["add", "update", "delete", "restore", "status", "responsible", "note"];
const HOOK_OBJECTS: [&str; 8] =
    ["lead", "contact", "company", "customer", "task", "unsorted", "talk", "chat_template_review"];

pub(super) fn account(call: &mut Call<'_>) -> Outcome {
    let mut shown = json!({
        "id": call.setup.account_id, "name": "Тестовый аккаунт", "subdomain": call.setup.subdomain,
        "created_at": 1_500_000_000, "created_by": 0, "updated_at": 1_500_000_000, "updated_by": 0,
        "current_user_id": call.user_id, "country": "RU", "currency": "RUB", "currency_symbol": "₽",
        "customers_mode": "disabled", "is_unsorted_on": call.setup.unsorted_on,
        "is_loss_reason_enabled": true, "mobile_feature_version": 0, "is_helpbot_enabled": false,
        "is_technical_account": false, "contact_name_display_order": 1,
        "_links": show::self_link(call, "account"), "_embedded": {},
    });
    if let Value::Object(map) = &mut shown {
        for (key, value) in
            [("amojo_id", json!("f3c6340d-410e-4ad1-9f7e-c5e663904909")), ("version", json!(11))]
        {
            if call.with(key) {
                map.insert(key.to_owned(), value);
            }
        }
        let mut embedded = Map::new();
        if call.with("task_types") {
            let one = |id: u64, name: &str, code: &str| json!({"id": id, "name": name, "color": null, "icon_id": null, "code": code});
            embedded.insert(
                "task_types".into(),
                json!([one(1, "Связаться", "FOLLOW_UP"), one(2, "Встреча", "MEETING")]),
            );
        }
        if call.with("users_groups") {
            embedded.insert("users_groups".into(), json!([{"id": 0, "name": "Отдел продаж", "uuid": null}]));
        }
        map.insert("_embedded".into(), Value::Object(embedded));
    }
    Ok(Reply::ok(shown))
}

fn user(call: &Call<'_>, user: &User) -> Value {
    let all = json!({"view": "A", "edit": "A", "add": "A", "delete": "A", "export": "A"});
    json!({
        "id": user.id, "name": user.name, "email": user.email, "lang": "ru", "amojo_id": "", "uuid": "",
        "rights": {"leads": all, "contacts": all, "companies": all, "tasks": {"edit": "A", "delete": "A"},
                   "mail_access": false, "catalog_access": false, "files_access": false, "status_rights": [],
                   "is_admin": user.admin, "is_free": false, "is_active": user.active, "group_id": null,
                   "role_id": null},
        "_links": show::self_link(call, &format!("users/{}", user.id)),
        "_embedded": {"roles": [], "groups": []},
    })
}

pub(super) fn users(call: &mut Call<'_>) -> Outcome {
    let all = call.setup.users.clone();
    Ok(show::list(call, "users", "users", &all, PAGE_AT_MOST, user))
}

pub(super) fn get_user(call: &mut Call<'_>) -> Outcome {
    let found = call.id.and_then(|id| call.setup.user(id));
    found.map(|found| Reply::ok(user(call, found))).ok_or_else(ApiError::not_found)
}

fn stage(call: &Call<'_>, pipeline: &Pipeline, at: usize, stage: &Stage) -> Value {
    let path = format!("leads/pipelines/{}/statuses/{}", pipeline.id, stage.id);
    json!({
        "id": stage.id, "name": stage.name, "sort": (at + 1) * 10, "is_editable": stage.id > 1000 && !stage.unsorted,
        "pipeline_id": pipeline.id, "color": "#99ccff", "type": u8::from(stage.unsorted),
        "account_id": call.setup.account_id, "_links": show::self_link(call, &path),
    })
}

fn pipeline(call: &Call<'_>, pipeline: &Pipeline) -> Value {
    let stages = pipeline.stages.iter().enumerate().map(|(at, one)| stage(call, pipeline, at, one));
    let stages: Vec<Value> = stages.collect();
    json!({
        "id": pipeline.id, "name": pipeline.name, "sort": 1, "is_main": pipeline.main,
        "is_unsorted_on": call.setup.unsorted_on, "is_archive": pipeline.archived,
        "account_id": call.setup.account_id,
        "_links": show::self_link(call, &format!("leads/pipelines/{}", pipeline.id)),
        "_embedded": {"statuses": stages},
    })
}

pub(super) fn pipelines(call: &mut Call<'_>) -> Outcome {
    let open = call.setup.pipelines.iter().filter(|pipeline| !pipeline.archived);
    let all = open.map(|one| pipeline(call, one)).collect();
    Ok(show::whole(call, "leads/pipelines", "pipelines", all))
}

pub(super) fn get_pipeline(call: &mut Call<'_>) -> Outcome {
    let found = call.id.and_then(|id| call.setup.open_pipeline(id));
    found.map(|found| Reply::ok(pipeline(call, found))).ok_or_else(ApiError::not_found)
}

pub(super) fn statuses(call: &mut Call<'_>) -> Outcome {
    let found = call.id.and_then(|id| call.setup.open_pipeline(id)).ok_or_else(ApiError::not_found)?;
    let all = found.stages.iter().enumerate().map(|(at, one)| stage(call, found, at, one)).collect();
    Ok(show::whole(call, &format!("leads/pipelines/{}/statuses", found.id), "statuses", all))
}

fn field(call: &Call<'_>, field: &CustomField) -> Value {
    let choices: Vec<Value> = (0..)
        .zip(&field.choices)
        .map(|(sort, choice): (u64, &Choice)| {
            let mut map = Map::from_iter([
                ("id".to_owned(), json!(choice.id)),
                ("value".to_owned(), json!(choice.value)),
                ("sort".to_owned(), json!(sort)),
            ]);
            if let Some(code) = &choice.code {
                map.insert("code".into(), json!(code));
            }
            Value::Object(map)
        })
        .collect();
    let path = format!("{}/custom_fields/{}", field.kind.plural(), field.id);
    json!({
        "id": field.id, "name": field.name, "type": field.field_type, "account_id": call.setup.account_id,
        "code": field.code, "sort": 500, "is_api_only": field.api_only,
        "enums": if choices.is_empty() { Value::Null } else { Value::Array(choices) },
        "group_id": null, "required_statuses": [], "is_deletable": !field.predefined,
        "is_predefined": field.predefined, "entity_type": field.kind.plural(), "tracking_callback": null,
        "remind": null, "triggers": [], "currency": null, "hidden_statuses": [], "chained_lists": null,
        "_links": show::self_link(call, &path),
    })
}

pub(super) fn fields(call: &mut Call<'_>) -> Outcome {
    let kind = call.kind;
    let wanted: Option<Vec<String>> =
        call.query.get("filter").and_then(|filter| filter.get("type")).map(|types| {
            crate::php::items(types).into_iter().map(|(_, one)| super::store::plain(one)).collect()
        });
    let ours = call.store.fields.values().filter(|field| {
        field.kind == kind && wanted.as_ref().is_none_or(|types| types.contains(&field.field_type))
    });
    let all: Vec<CustomField> = ours.cloned().collect();
    let path = format!("{}/custom_fields", kind.plural());
    let total = all.len();
    let mut reply = show::list(call, &path, "custom_fields", &all, FIELDS_PAGE, field);
    if let super::call::Body::Json(Value::Object(map)) = &mut reply.body {
        map.insert("_total_items".into(), json!(total));
    }
    Ok(reply)
}

pub(super) fn get_field(call: &mut Call<'_>) -> Outcome {
    let found = call.id.and_then(|id| call.store.field(call.kind, Some(id), None));
    Ok(match found.cloned() {
        Some(found) => Reply::ok(field(call, &found)),
        None => Reply::nothing(),
    })
}

pub(super) fn delete_field(call: &mut Call<'_>) -> Outcome {
    let found = call.id.and_then(|id| call.store.field(call.kind, Some(id), None));
    let Some(id) = found.filter(|field| !field.predefined).map(|field| field.id) else {
        return Err(ApiError::not_found());
    };
    call.changes.push(Change::FieldGone { id });
    Ok(Reply::nothing())
}

pub(super) fn add_fields(call: &mut Call<'_>) -> Outcome {
    let objects = cards::limited(call)?;
    if !call.setup.user(call.user_id).is_some_and(|user| user.admin) {
        return Err(ApiError::problem(403, "no_right", "You do not have permission for this action"));
    }
    let mut wrong = Vec::new();
    let mut made: Vec<(String, CustomField)> = Vec::new();
    for (request_id, sent) in objects {
        let mut flaws = Flaws::new();
        call.known_keys(
            &sent,
            &[
                "name",
                "type",
                "code",
                "sort",
                "group_id",
                "is_api_only",
                "enums",
                "required_statuses",
                "remind",
                "request_id",
            ],
            "",
        );
        let text = |key: &str| sent.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").filter(|name| !name.trim().is_empty());
        if name.is_none() {
            flaws.push(Violation::missing("name"));
        }
        let field_type = text("type");
        match &field_type {
            None => flaws.push(Violation::missing("type")),
            Some(one) if !FIELD_TYPES.contains(&one.as_str()) => flaws.push(Violation::no_choice("type")),
            Some(_) => {}
        }
        let code = text("code");
        let taken = code.as_deref().is_some_and(|code| {
            call.store.field(call.kind, None, Some(code)).is_some()
                || made.iter().any(|(_, field)| field.code.as_deref() == Some(code))
        });
        if taken {
            flaws.push(Violation::new("NotUnique", "code", "This value is already used."));
        }
        let choices = sent.get("enums").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let choices = choices
            .iter()
            .map(|choice| Choice {
                id: call.store.next_id("choices"),
                value: choice.get("value").map(super::store::plain).unwrap_or_default(),
                code: choice.get("code").and_then(Value::as_str).map(str::to_owned),
            })
            .collect();
        if !flaws.is_empty() {
            wrong.push((request_id, flaws));
            continue;
        }
        let field = CustomField {
            id: call.store.next_id("fields"),
            kind: call.kind,
            name: name.unwrap_or_default(),
            field_type: field_type.unwrap_or_default(),
            code,
            choices,
            api_only: sent.get("is_api_only").and_then(Value::as_bool).unwrap_or(false),
            predefined: false,
        };
        call.changes.push(Change::Field(field.clone()));
        made.push((request_id, field));
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    let shown: Vec<Value> = made
        .iter()
        .map(|(request_id, one)| {
            let mut shown = field(call, one);
            if let Value::Object(map) = &mut shown {
                map.insert("request_id".into(), json!(request_id));
            }
            shown
        })
        .collect();
    let path = format!("{}/custom_fields", call.kind.plural());
    Ok(Reply::ok(json!({"_total_items": shown.len(), "_links": show::self_link(call, &path),
                        "_embedded": {"custom_fields": shown}})))
}

pub(super) fn tags(call: &mut Call<'_>) -> Outcome {
    let kind = call.kind;
    let query = call.asked("query").unwrap_or_default().to_lowercase();
    let ours = call.store.tags.values();
    let ours = ours.filter(|tag| tag.kind == kind && tag.name.to_lowercase().contains(&query));
    let all: Vec<Tag> = ours.cloned().collect();
    let path = format!("{}/tags", kind.plural());
    Ok(show::list(
        call,
        &path,
        "tags",
        &all,
        PAGE_AT_MOST,
        |_, tag| json!({"id": tag.id, "name": tag.name, "color": null}),
    ))
}

pub(super) fn add_tags(call: &mut Call<'_>) -> Outcome {
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in cards::limited(call)? {
        match sent.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => {
                let id = call.tag(call.kind, name);
                done.push(json!({"id": id, "name": name, "color": null, "request_id": request_id}));
            }
            None => wrong.push((request_id, vec![Violation::missing("name")])),
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    let path = format!("{}/tags", call.kind.plural());
    Ok(Reply::ok(json!({"_total_items": done.len(), "_links": show::self_link(call, &path),
                        "_embedded": {"tags": done}})))
}

fn source(call: &Call<'_>, source: &Source) -> Value {
    json!({
        "id": source.id, "name": source.name, "pipeline_id": source.pipeline_id,
        "external_id": source.external_id, "default": source.default, "origin_code": null, "services": [],
        "_links": show::self_link(call, &format!("sources/{}", source.id)),
    })
}

pub(super) fn sources(call: &mut Call<'_>) -> Outcome {
    let all = call.store.sources.values().map(|one| source(call, one)).collect();
    Ok(show::whole(call, "sources", "sources", all))
}

pub(super) fn add_sources(call: &mut Call<'_>) -> Outcome {
    let objects = cards::limited(call)?;
    if call.store.sources.len().saturating_add(objects.len()) > SOURCES_AT_MOST {
        return Err(ApiError::problem(422, "too_many_sources", "An account has 100 sources at most"));
    }
    let mut wrong = Vec::new();
    let mut made: Vec<(String, Source)> = Vec::new();
    for (request_id, sent) in objects {
        let mut flaws = Flaws::new();
        let text = |key: &str| sent.get(key).map(super::store::plain).filter(|text| !text.trim().is_empty());
        let (name, external_id) = (text("name"), text("external_id"));
        for (key, value) in [("name", &name), ("external_id", &external_id)] {
            if value.is_none() {
                flaws.push(Violation::missing(key));
            }
        }
        let taken = call.store.sources.values().any(|known| Some(&known.external_id) == external_id.as_ref());
        if taken || made.iter().any(|(_, known)| Some(&known.external_id) == external_id.as_ref()) {
            flaws.push(Violation::new("NotUnique", "external_id", "This value is already used."));
        }
        let asked = sent.get("pipeline_id").and_then(Value::as_u64);
        let pipeline = match asked {
            Some(id) => call.setup.open_pipeline(id),
            None => call.setup.main_pipeline(),
        };
        if pipeline.is_none() {
            flaws.push(Violation::no_choice("pipeline_id"));
        }
        let pipeline_id = pipeline.map(|pipeline| pipeline.id).unwrap_or_default();
        if !flaws.is_empty() {
            wrong.push((request_id, flaws));
            continue;
        }
        let source = Source {
            id: call.store.next_id("sources"),
            name: name.unwrap_or_default(),
            external_id: external_id.unwrap_or_default(),
            pipeline_id,
            default: sent.get("default").and_then(Value::as_bool).unwrap_or(false),
        };
        call.changes.push(Change::Source(source.clone()));
        made.push((request_id, source));
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    let shown: Vec<Value> = made.iter().map(|(_, one)| source(call, one)).collect();
    Ok(show::whole(call, "sources", "sources", shown))
}

fn hook(call: &Call<'_>, hook: &Hook) -> Value {
    json!({
        "id": hook.id, "destination": hook.destination, "created_at": hook.created_at,
        "updated_at": hook.created_at, "account_id": call.setup.account_id, "created_by": call.user_id,
        "sort": hook.sort, "disabled": hook.disabled, "settings": hook.settings,
    })
}

fn administrator(call: &Call<'_>) -> Result<(), ApiError> {
    let admin = call.setup.user(call.user_id).is_some_and(|user| user.admin);
    if admin { Ok(()) } else { Err(ApiError::problem(403, "no_right", "Only administrators may do this")) }
}

pub(super) fn hooks(call: &mut Call<'_>) -> Outcome {
    administrator(call)?;
    let wanted =
        call.query.get("filter").and_then(|filter| filter.get("destination")).and_then(Value::as_str);
    let ours = call.store.hooks.values();
    let ours = ours.filter(|hook| wanted.is_none_or(|wanted| hook.destination == wanted));
    let all = ours.map(|one| hook(call, one)).collect();
    Ok(show::whole(call, "webhooks", "webhooks", all))
}

pub(super) fn add_hook(call: &mut Call<'_>) -> Outcome {
    administrator(call)?;
    let sent = call.object()?.clone();
    let mut flaws = Flaws::new();
    let destination = sent.get("destination").and_then(Value::as_str).unwrap_or_default().to_owned();
    let fits =
        (destination.starts_with("http://") || destination.starts_with("https://")) && destination.is_ascii();
    if !fits {
        flaws.push(Violation::new("InvalidUrl", "destination", "This value is not a valid URL."));
    }
    let mut settings = Vec::new();
    let asked = sent.get("settings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if asked.is_empty() {
        flaws.push(Violation::missing("settings"));
    }
    for (at, setting) in asked.iter().enumerate() {
        let known = setting.as_str().filter(|name| {
            name.split_once('_').is_some_and(|(action, object)| {
                HOOK_ACTIONS.contains(&action) && HOOK_OBJECTS.contains(&object)
            })
        });
        match known {
            Some(name) => settings.push(name.to_owned()),
            None => flaws.push(Violation::no_choice(format!("settings.{at}"))),
        }
    }
    if !flaws.is_empty() {
        return Err(ApiError::invalid(vec![("0".to_owned(), flaws)]));
    }
    let known = call.store.hooks.values().find(|hook| hook.destination == destination).cloned();
    if known.is_none() && call.store.hooks.len() >= HOOKS_AT_MOST {
        return Err(ApiError::problem(422, "too_many_hooks", "An account has 100 webhooks at most"));
    }
    let made = Hook {
        id: known.map_or_else(|| call.store.next_id("hooks"), |hook| hook.id),
        destination,
        settings,
        sort: sent.get("sort").and_then(Value::as_i64).unwrap_or(0),
        disabled: false,
        created_at: call.now,
    };
    let shown = hook(call, &made);
    call.changes.push(Change::Hook(made));
    Ok(Reply { status: 201, body: super::call::Body::Json(shown) })
}

pub(super) fn delete_hook(call: &mut Call<'_>) -> Outcome {
    administrator(call)?;
    let destination = call.object()?.get("destination").and_then(Value::as_str).unwrap_or_default();
    let Some(id) = call.store.hooks.values().find(|hook| hook.destination == destination).map(|hook| hook.id)
    else {
        return Err(ApiError::not_found());
    };
    call.changes.push(Change::HookGone { id });
    Ok(Reply::nothing())
}

fn event(call: &Call<'_>, event: &Event) -> Value {
    let path = format!("{}/{}", event.kind.plural(), event.entity_id);
    json!({
        "id": event.id, "type": event.event_type, "entity_id": event.entity_id,
        "entity_type": event.kind.code(), "created_by": event.created_by, "created_at": event.created_at,
        "value_after": event.after, "value_before": event.before, "account_id": call.setup.account_id,
        "_links": show::self_link(call, &format!("events/{}", event.id)),
        "_embedded": {"entity": {"id": event.entity_id, "_links": show::self_link(call, &path)}},
    })
}

/// The newest first.
pub(super) fn events(call: &mut Call<'_>) -> Outcome {
    let filter = call.query.get("filter").cloned().unwrap_or_default();
    let list = |key: &str| -> Option<Vec<String>> {
        let value = filter.get(key)?;
        Some(match value {
            Value::String(text) => text.split(',').map(str::to_owned).collect(),
            other => crate::php::items(other).into_iter().map(|(_, one)| super::store::plain(one)).collect(),
        })
    };
    let (types, ids) = (list("type"), list("entity_id"));
    let ours = call.store.events.iter().rev().filter(|event| {
        types.as_ref().is_none_or(|types| types.contains(&event.event_type))
            && ids.as_ref().is_none_or(|ids| ids.contains(&event.entity_id.to_string()))
    });
    let all: Vec<Event> = ours.cloned().collect();
    Ok(show::list(call, "events", "events", &all, EVENTS_PAGE, event))
}

pub(super) fn get_event(call: &mut Call<'_>) -> Outcome {
    let found = call.store.events.iter().find(|event| event.id == call.uid).cloned();
    Ok(match found {
        Some(found) => Reply::ok(event(call, &found)),
        None => Reply::nothing(),
    })
}
