//! Dictionaries, funnels, users and what the portal says about itself.

use super::listing;
use crate::bitrix24::call::{ApiError, Call, Outcome, Reply};
use crate::bitrix24::directory::{Status, User};
use crate::bitrix24::entity::Entity;
use crate::bitrix24::log::FindingKind;
use crate::bitrix24::params::items;
use crate::bitrix24::value::{flag, integer, iso};
use serde_json::{Map, Value, json};

pub(super) fn status_list(call: &mut Call<'_>) -> Outcome {
    let filter = call.param("filter").cloned().unwrap_or(Value::Null);
    let mut rows: Vec<(usize, &Status)> = call.directory.statuses.iter().enumerate().collect();
    for (key, wanted) in items(&filter) {
        let name = key.trim_start_matches('=');
        let wanted: Vec<String> = match wanted {
            Value::String(text) => vec![text.clone()],
            other => items(other).into_iter().filter_map(|(_, v)| v.as_str().map(str::to_owned)).collect(),
        };
        match name {
            "ENTITY_ID" => rows.retain(|(_, status)| wanted.contains(&status.entity_id)),
            "STATUS_ID" => rows.retain(|(_, status)| wanted.contains(&status.status_id)),
            _ => call.find(FindingKind::NotEmulated, &format!("filter.{key}"), "this filter is not applied"),
        }
    }
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let shown: Vec<Value> =
        rows.into_iter().enumerate().map(|(sort, (at, s))| status_row(sort, at, s)).collect();
    Ok(Reply { result: json!(shown), total: Some(total), next: None })
}

fn status_row(sort: usize, at: usize, status: &Status) -> Value {
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| row.insert(key.to_owned(), value);
    put("ID", (101 + 2 * at).to_string().into());
    put("ENTITY_ID", status.entity_id.clone().into());
    put("STATUS_ID", status.status_id.clone().into());
    put("NAME", status.name.clone().into());
    put("NAME_INIT", status.name.clone().into());
    put("SORT", (10 * (sort + 1)).to_string().into());
    put("SYSTEM", (if sort == 0 { "Y" } else { "N" }).into());
    put("CATEGORY_ID", Value::Null);
    put("COLOR", Value::Null);
    // The dictionary writes "in work" as null, the objects write it as P.
    put("SEMANTICS", status.semantics.filter(|c| *c != 'P').map_or(Value::Null, |c| c.to_string().into()));
    if let Some(semantics) = status.semantics {
        let word = match semantics {
            'S' => "success",
            'F' => "failure",
            _ => "process",
        };
        put("EXTRA", json!({"SEMANTICS": word, "COLOR": Value::Null}));
    }
    Value::Object(row)
}

pub(super) fn category_list(call: &mut Call<'_>) -> Outcome {
    let wanted = integer(call.required("entityTypeId")?);
    if wanted != Some(Entity::Deal.type_id()) {
        return Err(ApiError::new(
            400,
            "ENTITY_TYPE_NOT_SUPPORTED",
            "Воронки для этого типа не поддерживаются",
        ));
    }
    let shown: Vec<Value> = call
        .directory
        .categories
        .iter()
        .map(|category| {
            json!({"id": category.id, "name": category.name, "sort": 100 + category.id, "entityTypeId": 2,
                   "isDefault": if category.id == 0 { "Y" } else { "N" }})
        })
        .collect();
    let total = u64::try_from(shown.len()).unwrap_or(u64::MAX);
    Ok(Reply { result: json!({"categories": shown}), total: Some(total), next: None })
}

pub(super) fn mode(call: &mut Call<'_>) -> Outcome {
    Ok(Reply::of(if call.directory.simple_mode { 2 } else { 1 }))
}

fn user_row(user: &User) -> Value {
    json!({"ID": user.id.to_string(), "ACTIVE": user.active, "NAME": user.name, "LAST_NAME": user.last_name,
           "EMAIL": user.email, "USER_TYPE": "employee", "UF_DEPARTMENT": [1], "TIME_ZONE": "", "IS_ONLINE": "N"})
}

pub(super) fn users(call: &mut Call<'_>) -> Outcome {
    // The parameter is FILTER in the description, clients send it in either case; some put the
    // conditions straight into the call.
    let filter = call.param("FILTER").or_else(|| call.param("filter")).cloned();
    let filter = filter.unwrap_or_else(|| Value::Object(call.params.clone()));
    let wanted = |name: &str| filter.get(name).or_else(|| filter.get(format!("={name}").as_str()));
    let ids: Option<Vec<i64>> = wanted("ID").map(|value| match value {
        Value::Array(_) | Value::Object(_) => {
            items(value).into_iter().filter_map(|(_, v)| integer(v)).collect()
        }
        single => integer(single).into_iter().collect(),
    });
    let active = wanted("ACTIVE").and_then(flag);
    let rows: Vec<Value> = call
        .directory
        .users
        .iter()
        .filter(|user| {
            ids.as_ref().is_none_or(|ids| i64::try_from(user.id).is_ok_and(|id| ids.contains(&id)))
        })
        .filter(|user| active.is_none_or(|active| user.active == active))
        .map(user_row)
        .collect();
    let page = listing::page(&rows, listing::start(call));
    Ok(Reply { result: json!(page.items), total: Some(page.total), next: page.next })
}

fn me<'a>(call: &Call<'a>) -> Result<&'a User, ApiError> {
    let user = call.directory.user(call.user_id);
    user.ok_or_else(|| ApiError::new(403, "INVALID_CREDENTIALS", "Invalid request credentials"))
}

pub(super) fn current_user(call: &mut Call<'_>) -> Outcome {
    Ok(Reply::of(user_row(me(call)?)))
}

pub(super) fn profile(call: &mut Call<'_>) -> Outcome {
    let user = me(call)?;
    Ok(Reply::of(json!({"ID": user.id.to_string(), "ADMIN": user.id == 1, "NAME": user.name,
                        "LAST_NAME": user.last_name, "PERSONAL_GENDER": "", "TIME_ZONE": ""})))
}

pub(super) fn scope(call: &mut Call<'_>) -> Outcome {
    Ok(Reply::of(json!(call.scopes)))
}

pub(super) fn server_time(call: &mut Call<'_>) -> Outcome {
    Ok(Reply::of(iso(call.now, call.offset)))
}

pub(super) fn method_get(call: &mut Call<'_>) -> Outcome {
    let name = call.required("name")?.as_str().unwrap_or_default().to_lowercase();
    let known = super::find(&name);
    let open = known.is_some_and(|m| m.scope.is_empty() || call.scopes.iter().any(|scope| scope == m.scope));
    let exists = known.is_some() || name == "batch";
    Ok(Reply::of(json!({"isExisting": exists, "isAvailable": open || name == "batch"})))
}
