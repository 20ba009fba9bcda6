//! Comments and to-dos in the timeline of an object.

use super::listing;
use crate::bitrix24::call::{ApiError, Call, Outcome, Reply};
use crate::bitrix24::entity::Entity;
use crate::bitrix24::journal::Entry;
use crate::bitrix24::log::{Created, FindingKind};
use crate::bitrix24::params::items;
use crate::bitrix24::store::{Activity, Comment};
use crate::bitrix24::value::{integer, iso, parse_moment};
use serde_json::{Value, json};

fn by_code(code: &str) -> Option<Entity> {
    Entity::ALL.into_iter().find(|entity| entity.code() == code.to_lowercase())
}

fn owner_not_found() -> ApiError {
    ApiError::new(400, "OWNER_NOT_FOUND", "Владелец элемента не найден")
}

pub(super) fn comment_add(call: &mut Call<'_>) -> Outcome {
    let fields = call.required("fields")?.clone();
    let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let (Some(id), Some(kind)) = (field("ENTITY_ID"), field("ENTITY_TYPE").and_then(Value::as_str)) else {
        return Err(ApiError::missing_parameter("ENTITY_ID, ENTITY_TYPE"));
    };
    let text = field("COMMENT").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(ApiError::new(400, "INVALID_ARG_VALUE", "Комментарий пуст"));
    }
    let entity = by_code(kind).ok_or_else(owner_not_found)?;
    let entity_id = integer(id).and_then(|id| u64::try_from(id).ok()).ok_or_else(owner_not_found)?;
    if !call.store.exists(entity, entity_id) {
        return Err(owner_not_found());
    }
    if field("FILES").is_some() {
        call.find(FindingKind::NotEmulated, "fields.FILES", "files of comments are not kept");
    }
    for (name, _) in items(&fields) {
        if !["ENTITY_ID", "ENTITY_TYPE", "COMMENT", "FILES", "AUTHOR_ID"].contains(&name.as_str()) {
            call.find(FindingKind::UnknownField, &format!("fields.{name}"), "comments have no such field");
        }
    }
    let comment = Comment {
        id: call.store.next_id("comment"),
        entity,
        entity_id,
        comment: text.to_owned(),
        author_id: call.user_id,
        created_at: call.now,
    };
    let id = comment.id;
    call.store.commit(Entry::Comment(comment)).map_err(|error| ApiError::storage(&error))?;
    call.created.push(Created { kind: "comment", id });
    Ok(Reply::of(id))
}

pub(super) fn comment_list(call: &mut Call<'_>) -> Outcome {
    let filter = call.required("filter")?;
    let owner = |name: &str| filter.get(name).or_else(|| filter.get(format!("={name}").as_str()));
    let (Some(id), Some(kind)) = (
        owner("ENTITY_ID").and_then(integer),
        owner("ENTITY_TYPE").and_then(Value::as_str).and_then(by_code),
    ) else {
        return Err(ApiError::missing_parameter("ENTITY_ID, ENTITY_TYPE"));
    };
    let mut rows: Vec<&Comment> = call
        .store
        .comments
        .iter()
        .filter(|comment| comment.entity == kind && i64::try_from(comment.entity_id) == Ok(id))
        .collect();
    let descending =
        call.param("order").and_then(|order| order.get("ID")).and_then(listing::direction).unwrap_or(false);
    if descending {
        rows.reverse();
    }
    let page = listing::page(&rows, listing::start(call));
    let shown: Vec<Value> = page
        .items
        .iter()
        .map(|comment| {
            json!({"ID": comment.id.to_string(), "ENTITY_ID": comment.entity_id.to_string(),
                   "ENTITY_TYPE": comment.entity.code(), "CREATED": iso(comment.created_at, call.offset),
                   "COMMENT": comment.comment, "AUTHOR_ID": comment.author_id.to_string(), "FILES": {}})
        })
        .collect();
    Ok(Reply { result: json!(shown), total: Some(page.total), next: page.next })
}

pub(super) fn todo_add(call: &mut Call<'_>) -> Outcome {
    let owner_type = integer(call.required("ownerTypeId")?);
    let owner_id = integer(call.required("ownerId")?).and_then(|id| u64::try_from(id).ok());
    let deadline = call.required("deadline")?.as_str().unwrap_or_default().to_owned();
    let Some(owner) = owner_type.and_then(Entity::from_type_id) else {
        return Err(ApiError::new(400, "NOT_FOUND", "Объект CRM не найден"));
    };
    let Some(owner_id) = owner_id.filter(|id| call.store.exists(owner, *id)) else {
        return Err(owner_not_found());
    };
    let Some(moment) = parse_moment(&deadline, call.offset) else {
        return Err(ApiError::new(400, "WRONG_DATETIME_FORMAT", "Неверный формат даты"));
    };
    if !moment.explicit {
        call.find(
            FindingKind::AmbiguousTime,
            "deadline",
            "a moment without an offset is read in the portal's zone",
        );
    }
    let responsible = call.param("responsibleId").and_then(integer).and_then(|id| u64::try_from(id).ok());
    if let Some(id) = responsible.filter(|id| call.directory.user(*id).is_none()) {
        call.find(FindingKind::DanglingReference, "responsibleId", format!("{id} does not exist"));
    }
    let activity = Activity {
        id: call.store.next_id("activity"),
        owner,
        owner_id,
        deadline: moment.at,
        title: call.text("title").to_owned(),
        description: call.text("description").to_owned(),
        responsible_id: responsible.unwrap_or(call.user_id),
        created_at: call.now,
    };
    let id = activity.id;
    call.store.commit(Entry::Activity(activity)).map_err(|error| ApiError::storage(&error))?;
    call.created.push(Created { kind: "activity", id });
    Ok(Reply::of(json!({"id": id})))
}
