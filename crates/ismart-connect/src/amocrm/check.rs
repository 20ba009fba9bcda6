//! Trying an account without leaving anything in it.

use ismart_domain::delivery::DeliveryError;
use serde_json::Value;

use super::account::Account;
use super::answer::{embedded, id};
use super::mapping::{Source, Target};
use super::schema::{OWN_NAME, Schema, by_hand};
use super::settings::Extras;
use crate::effect::Effect;

/// Who we are, what leads look like, and whether everything that settings name is there.
pub(super) async fn run(account: &Account, extras: &Extras) -> Result<String, DeliveryError> {
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
    let schema = Schema::read(account).await?;
    let own = match schema.own() {
        Some(_) => format!("field “{OWN_NAME}” is there"),
        None if admin == Some(false) => return Err(wrong(account, &by_hand(&account.place.host))),
        None => format!("field “{OWN_NAME}” will be made with the first lead"),
    };
    fields(account, &schema, extras)?;
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

/// Every field and choice that `fields` names exists.
fn fields(account: &Account, schema: &Schema, extras: &Extras) -> Result<(), DeliveryError> {
    let host = &account.place.host;
    for mapping in &extras.mappings {
        let named = match &mapping.target {
            Target::Price => continue,
            Target::Id(id) => id.to_string(),
            Target::Code(code) => code.clone(),
        };
        let Some(field) = schema.target(&mapping.target) else {
            let reason = format!(
                "{host} has no field {named} of leads: it was deleted, or never was; correct `fields`"
            );
            return Err(wrong(account, &reason));
        };
        let is_list = matches!(field.kind.as_str(), "select" | "multiselect" | "radiobutton");
        let reason = match &mapping.source {
            Source::Choice(choice) if !field.choices.contains(choice) => {
                let known: Vec<String> = field.choices.iter().map(u64::to_string).collect();
                format!(
                    "{host}: the field {named} “{}” has no choice {choice}; its choices are {}; correct `fields`",
                    field.name,
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                )
            }
            Source::Choice(_) => continue,
            _ if is_list => format!(
                "{host}: the field {named} “{}” is a list of choices; write {named}=#NUMBER of a choice in `fields`",
                field.name
            ),
            _ if [
                "text",
                "textarea",
                "url",
                "numeric",
                "price",
                "monetary",
                "streetaddress",
                "tracking_data",
            ]
            .contains(&field.kind.as_str()) =>
            {
                continue;
            }
            _ => format!(
                "{host}: the field {named} “{}” is a {} and takes no texts; choose another in `fields`",
                field.name, field.kind
            ),
        };
        return Err(wrong(account, &reason));
    }
    Ok(())
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
