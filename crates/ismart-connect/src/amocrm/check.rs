//! Trying an account without leaving anything in it.

use ismart_domain::delivery::DeliveryError;
use ismart_domain::rehearsal::Misfit;
use serde_json::Value;

use super::account::Account;
use super::answer::{embedded, id};
use super::mapping::{Mapping, Target};
use super::schema::{Field, OWN_NAME, Schema, by_hand};
use super::settings::Extras;
use crate::effect::Effect;
use crate::mapping::Source;

/// Who we are, what leads look like, and whether everything that settings name is there.
pub(super) async fn run(account: &Account, extras: &Extras) -> Result<String, DeliveryError> {
    let schema = Schema::read(account).await?;
    let line = look(account, extras, &schema).await?;
    match misfits(&schema, extras).first() {
        None => Ok(line),
        Some(Misfit { field, reason, remedy }) => {
            let host = &account.place.host;
            Err(wrong(account, &format!("{host}: the field {field} of leads {reason}; {remedy}")))
        }
    }
}

/// The same without the fields that `fields` names.
pub(super) async fn look(
    account: &Account,
    extras: &Extras,
    schema: &Schema,
) -> Result<String, DeliveryError> {
    let about = account.get("account", "").await?;
    let about = about.as_ref();
    let number = |key: &str| about.and_then(|about| about.get(key)).and_then(Value::as_u64);
    let Some(user) = number("current_user_id") else {
        let judge = account.judge("account", Effect::Reads);
        return Err(judge.later(None, "the account does not say whose the token is"));
    };
    let name = about.and_then(|about| about.get("name")).and_then(Value::as_str).unwrap_or("?");
    let owner = employee(account, user, "token").await?;
    let admin = owner.get("rights").and_then(|rights| rights.get("is_admin")).and_then(Value::as_bool);
    let own = match schema.own() {
        Some(_) => format!("field “{OWN_NAME}” is there"),
        None if admin == Some(false) => return Err(wrong(account, &by_hand(&account.place.host))),
        None => format!("field “{OWN_NAME}” will be made with the first lead"),
    };
    let stage = pipeline(account, extras).await?;
    if let Some(user) = extras.responsible_user_id {
        employee(account, user, "responsible_user_id").await?;
    }
    source(account, extras).await?;
    let owner = owner.get("name").and_then(Value::as_str).unwrap_or("?");
    let line = format!(
        "account {} “{name}”, token of {owner} ({user}); leads go to {stage}; {own}",
        account.place.host
    );
    Ok(crate::text::cut(&crate::text::one_line(&line), 500))
}

fn wrong(account: &Account, reason: &str) -> DeliveryError {
    account.judge("account", Effect::Reads).setting(reason)
}

/// An active employee.
async fn employee(account: &Account, number: u64, setting: &str) -> Result<Value, DeliveryError> {
    let gone = |state: &str| {
        let remedy = if setting == "token" {
            "make `token` under an active administrator".to_owned()
        } else {
            format!("put the number of an active one into `{setting}`")
        };
        wrong(
            account,
            &format!("{}: the employee {number} of `{setting}` {state}; {remedy}", account.place.host),
        )
    };
    let mut found = None;
    for page in 1..=20 {
        let body = account.get("users", &format!("?limit=250&page={page}")).await?;
        found = embedded(body.as_ref(), "users").iter().find(|user| id(user) == Some(number)).cloned();
        let next = body.as_ref().and_then(|body| body.get("_links")).and_then(|links| links.get("next"));
        if found.is_some() || next.is_none() {
            break;
        }
    }
    let found = found.ok_or_else(|| gone("does not exist"))?;
    match found.get("rights").and_then(|rights| rights.get("is_active")).and_then(Value::as_bool) {
        Some(false) => Err(gone("is switched off")),
        _ => Ok(found),
    }
}

/// What of `fields` does not fit the account.
pub(super) fn misfits(schema: &Schema, extras: &Extras) -> Vec<Misfit> {
    let misfit = |mapping: &Mapping| {
        let named = match &mapping.target {
            Target::Price if mapping.source.may_be_number() => return None,
            Target::Price => {
                let reason = "is the price and gets no number".to_owned();
                let remedy = "fill it from amount or from form:NAME in `fields`".to_owned();
                return Some(Misfit { field: "price".to_owned(), reason, remedy });
            }
            Target::Id(id) => id.to_string(),
            Target::Code(code) => code.clone(),
        };
        let (reason, remedy) = match schema.target(&mapping.target) {
            None => {
                ("does not exist: it was deleted, or never was".to_owned(), "correct `fields`".to_owned())
            }
            Some(field) => unfit(field, &named, &mapping.source)?,
        };
        Some(Misfit { field: named, reason, remedy })
    };
    extras.mappings.iter().filter_map(misfit).collect()
}

/// Why a field cannot hold what a rule writes, and what to do.
fn unfit(field: &Field, named: &str, source: &Source) -> Option<(String, String)> {
    let name = &field.name;
    let known = || -> String {
        let all: Vec<String> = field.choices.iter().map(|(id, _)| id.to_string()).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    match source {
        Source::Choice(_) if !field.is_list() => Some((
            format!("“{name}” is no list of choices"),
            format!("write a text, a number or form:NAME behind {named}= in `fields`"),
        )),
        Source::Choice(choice) if field.choices.iter().all(|(id, _)| id != choice) => Some((
            format!("“{name}” has no choice {choice}; its choices are {}", known()),
            "correct `fields`".to_owned(),
        )),
        Source::Choice(_) | Source::Form(_) if field.is_list() => None,
        _ if field.is_list() => Some((
            format!("“{name}” is a list of choices"),
            format!(
                "write {named}=#NUMBER of a choice in `fields`, or form:NAME whose values are the choices' titles"
            ),
        )),
        _ if field.is_number() && !source.may_be_number() => Some((
            format!("“{name}” holds a number"),
            format!("fill it from number, amount or form:NAME: {named}=… in `fields`"),
        )),
        _ if field.is_number() || field.is_text() => None,
        _ => Some((
            format!("“{name}” is a {} and takes no texts", field.kind),
            "choose another in `fields`".to_owned(),
        )),
    }
}

/// The pipeline and stage that leads go to, in words.
async fn pipeline(account: &Account, extras: &Extras) -> Result<String, DeliveryError> {
    let host = &account.place.host;
    let body = account.get("leads/pipelines", "").await?;
    let all = embedded(body.as_ref(), "pipelines");
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or("?").to_owned();
    let Some(wanted) = extras.pipeline_id else {
        let main = all.iter().find(|one| one.get("is_main").and_then(Value::as_bool) == Some(true));
        return Ok(main.map_or_else(|| "the main pipeline".to_owned(), |main| format!("“{}”", name(main))));
    };
    let known = |list: &[Value]| -> String {
        list.iter()
            .filter_map(|one| Some(format!("{} “{}”", id(one)?, name(one))))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let open = |one: &&Value| one.get("is_archive").and_then(Value::as_bool) != Some(true);
    let Some(pipeline) = all.iter().filter(open).find(|one| id(one) == Some(wanted)) else {
        let reason = format!(
            "{host}: the pipeline {wanted} of `pipeline_id` was closed or deleted; open ones are {}",
            known(all)
        );
        return Err(wrong(account, &reason));
    };
    let stages = embedded(Some(pipeline), "statuses");
    let taking: Vec<Value> =
        stages.iter().filter(|stage| stage.get("type").and_then(Value::as_u64) != Some(1)).cloned().collect();
    let Some(stage) = extras.status_id else {
        return Ok(format!("“{}”, its first stage", name(pipeline)));
    };
    match taking.iter().find(|one| id(one) == Some(stage)) {
        Some(found) => Ok(format!("“{}”, stage “{}”", name(pipeline), name(found))),
        None => {
            let reason = format!(
                "{host}: the pipeline “{}” has no stage {stage} of `status_id`; its stages are {}",
                name(pipeline),
                known(&taking)
            );
            Err(wrong(account, &reason))
        }
    }
}

async fn source(account: &Account, extras: &Extras) -> Result<(), DeliveryError> {
    let Some(wanted) = &extras.source else { return Ok(()) };
    let body = account.get("sources", "").await?;
    let all: Vec<String> = embedded(body.as_ref(), "sources")
        .iter()
        .filter_map(|one| match one.get("external_id")? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect();
    if all.contains(wanted) {
        return Ok(());
    }
    let known = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let reason = format!(
        "{}: this integration has no source `{wanted}` of `source`; its sources are {known}",
        account.place.host
    );
    Err(wrong(account, &reason))
}
