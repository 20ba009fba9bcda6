//! Trying a portal without leaving anything in it.

use ismart_domain::delivery::DeliveryError;
use ismart_domain::rehearsal::Misfit;
use serde_json::{Value, json};

use super::CrmMode;
use super::answer::{BatchAnswer, id};
use super::judge::Effect;
use super::portal::Portal;
use super::query::Command;
use super::record::{Entity, Extras};
use super::schema::{self, Schema};
use super::settings::Mode;

/// Whether everything that settings name is there, the fields of `fields` included.
pub(super) async fn run(portal: &Portal, mode: Mode, extras: &Extras) -> Result<String, DeliveryError> {
    let (line, schema, _) = look(portal, mode, extras).await?;
    match schema.misfits(&extras.rules).first() {
        None => Ok(line),
        Some(Misfit { field, reason, remedy }) => {
            Err(settings(portal, format!("the field {field} {reason}; {remedy}")))
        }
    }
}

/// Two requests: who we are and what we may, then what the records look like.
pub(super) async fn look(
    portal: &Portal,
    mode: Mode,
    extras: &Extras,
) -> Result<(String, Schema, Entity), DeliveryError> {
    let commands = [
        Command { key: "profile", method: "profile", params: json!({}) },
        Command { key: "scope", method: "scope", params: json!({}) },
        Command { key: "mode", method: "crm.settings.mode.get", params: json!({}) },
    ];
    let answer = portal.batch(&commands).await?;
    let [profile, scope, crm] = &commands;
    let scopes = texts(&outcome(portal, &answer, scope)?);
    if !scopes.iter().any(|scope| scope == "crm") {
        return Err(settings(
            portal,
            format!(
                "the webhook lacks the right `crm` (it has: {}); tick it in the webhook's settings",
                list(&scopes)
            ),
        ));
    }
    let profile = outcome(portal, &answer, profile)?;
    let crm = outcome(portal, &answer, crm)?;
    let Some(crm) = CrmMode::read(&crm) else {
        let judge = portal.judge("crm.settings.mode.get", Effect::Reads);
        return Err(judge.later(None, format!("the portal names an unknown CRM mode: {crm}")));
    };
    let (responsible, schema) = look_closer(portal, mode, crm.entity(), extras, &scopes).await?;
    let becomes = match crm {
        CrmMode::Classic => "classic CRM mode, requests become leads",
        CrmMode::Simple => "simple CRM mode, requests become deals",
    };
    let portal = &portal.webhook.portal;
    let line = format!(
        "portal {portal}, user {}, rights: {}; {becomes}{responsible}",
        person(&profile),
        list(&scopes)
    );
    Ok((line, schema, crm.entity()))
}

/// Fields, sources and the responsible employee. Gives what to add to the line for people.
async fn look_closer(
    portal: &Portal,
    mode: Mode,
    entity: Entity,
    extras: &Extras,
    scopes: &[String],
) -> Result<(String, Schema), DeliveryError> {
    let (method, params) = schema::method(mode, entity);
    let mut schema = Schema::default();
    let mut commands = vec![
        Command { key: "fields", method, params },
        Command {
            key: "sources",
            method: "crm.status.list",
            params: json!({"filter": {"ENTITY_ID": "SOURCE"}, "order": {"SORT": "ASC"}}),
        },
    ];
    let responsible = extras.assigned_by_id;
    let may_see_users =
        scopes.iter().any(|scope| scope == "user" || scope == "user_brief" || scope == "user_basic");
    if let Some(user) = responsible.filter(|_| may_see_users) {
        commands.push(Command { key: "user", method: "user.get", params: json!({"FILTER": {"ID": user}}) });
    }
    let answer = portal.batch(&commands).await?;
    for command in &commands {
        let result = outcome(portal, &answer, command)?;
        match command.key {
            "fields" => schema = Schema::read(&result),
            "sources" => source(portal, &result, extras)?,
            _ => employee(portal, &result, responsible)?,
        }
    }
    let words = match responsible {
        Some(user) if may_see_users => format!(", responsible: user {user}"),
        Some(user) => format!(", responsible: user {user} (not checked: the webhook lacks the right `user`)"),
        None => String::new(),
    };
    Ok((words, schema))
}

fn source(portal: &Portal, result: &Value, extras: &Extras) -> Result<(), DeliveryError> {
    let rows = result.as_array().map(Vec::as_slice).unwrap_or_default();
    let codes: Vec<&str> =
        rows.iter().filter_map(|row| row.get("STATUS_ID").and_then(Value::as_str)).collect();
    if codes.contains(&extras.source_id.as_str()) || codes.is_empty() {
        return Ok(());
    }
    let wanted = &extras.source_id;
    Err(settings(
        portal,
        format!(
            "`source_id` is {wanted}, and the portal's sources are {}; choose one of them",
            codes.join(", ")
        ),
    ))
}

fn employee(portal: &Portal, result: &Value, wanted: Option<u64>) -> Result<(), DeliveryError> {
    let wanted = wanted.unwrap_or_default();
    let row = result.as_array().into_iter().flatten().find(|row| row.get("ID").and_then(id) == Some(wanted));
    let active = match row.and_then(|row| row.get("ACTIVE")) {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(active)) => active == "Y" || active == "1" || active == "true",
        _ => row.is_some(),
    };
    if active {
        return Ok(());
    }
    let state = if row.is_some() { "is dismissed" } else { "does not exist" };
    Err(settings(
        portal,
        format!("`assigned_by_id` is {wanted}, and this employee {state}; put the number of an active one"),
    ))
}

fn outcome(portal: &Portal, answer: &BatchAnswer, command: &Command) -> Result<Value, DeliveryError> {
    let judge = portal.judge(command.method, Effect::Reads);
    match answer.outcomes.get(command.key) {
        Some(Ok(result)) => Ok(result.clone()),
        Some(Err(refusal)) => Err(judge.refusal(refusal)),
        None => Err(judge.later(None, format!("{} was not carried out", command.method))),
    }
}

fn settings(portal: &Portal, reason: String) -> DeliveryError {
    let reason = portal.judge("batch", Effect::Reads).clean(&format!("{}: {reason}", portal.webhook.portal));
    DeliveryError::Settings { reason }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_lowercase)).collect()
}

fn list(scopes: &[String]) -> String {
    if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") }
}

fn person(profile: &Value) -> String {
    let part = |key: &str| profile.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = format!("{} {}", part("NAME"), part("LAST_NAME"));
    let number = profile.get("ID").and_then(id).map_or_else(|| "?".to_owned(), |id| id.to_string());
    format!("{} ({number})", name.trim()).trim().to_owned()
}
