//! `crm.item.*`: one family of methods for every kind of object.

use super::listing::{self, Listing, Order};
use crate::bitrix24::call::{ApiError, Call, Outcome, Reply};
use crate::bitrix24::entity::Entity;
use crate::bitrix24::filter::Target;
use crate::bitrix24::journal::Entry;
use crate::bitrix24::params::{is_php_array, items};
use crate::bitrix24::render;
use crate::bitrix24::store::StoredItem;
use crate::bitrix24::value::{flag, integer};
use crate::bitrix24::writing::{self, Style};
use serde_json::{Map, Value, json};

fn entity(call: &Call<'_>) -> Result<Entity, ApiError> {
    let value = call.required("entityTypeId")?;
    integer(value)
        .and_then(Entity::from_type_id)
        .ok_or_else(|| ApiError::new(400, "NOT_FOUND", "Смарт-процесс не найден"))
}

fn original_uf(call: &Call<'_>) -> bool {
    call.param("useOriginalUfNames").and_then(flag).unwrap_or(false)
}

fn fields_of(call: &Call<'_>) -> Result<Value, ApiError> {
    let fields = call.required("fields")?;
    if is_php_array(fields) { Ok(fields.clone()) } else { Err(ApiError::missing_parameter("fields")) }
}

fn stored(call: &Call<'_>, entity: Entity) -> Result<StoredItem, ApiError> {
    let id = integer(call.required("id")?).and_then(|id| u64::try_from(id).ok());
    id.and_then(|id| call.store.get(entity, id))
        .map(|item| item.as_ref().clone())
        .ok_or_else(|| ApiError::new(400, "NOT_FOUND", "Элемент не найден"))
}

fn shown(call: &Call<'_>, entity: Entity, id: u64) -> Outcome {
    let item =
        call.store.get(entity, id).ok_or_else(|| ApiError::new(400, "NOT_FOUND", "Элемент не найден"))?;
    Ok(Reply::of(json!({"item": render::item(call.directory, item, original_uf(call))})))
}

pub(super) fn add(call: &mut Call<'_>) -> Outcome {
    let entity = entity(call)?;
    let fields = fields_of(call)?;
    let style = Style::Item { original_uf: original_uf(call) };
    let id = writing::create(call, entity, &fields, style)?;
    shown(call, entity, id)
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    let entity = entity(call)?;
    let item = stored(call, entity)?;
    let fields = fields_of(call)?;
    let style = Style::Item { original_uf: original_uf(call) };
    let id = item.id;
    writing::update(call, item, &fields, style)?;
    shown(call, entity, id)
}

pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let entity = entity(call)?;
    let id = stored(call, entity)?.id;
    call.store.commit(Entry::Deleted { entity, id }).map_err(|error| ApiError::storage(&error))?;
    Ok(Reply::of(json!([])))
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    let entity = entity(call)?;
    let id = stored(call, entity)?.id;
    shown(call, entity, id)
}

pub(super) fn fields(call: &mut Call<'_>) -> Outcome {
    let entity = entity(call)?;
    let original = original_uf(call);
    let mut map = Map::new();
    for field in call.directory.fields(entity).iter().filter(|field| !field.camel.is_empty()) {
        map.insert(field.item_name(original).to_owned(), field.description(false));
    }
    if entity != Entity::Deal {
        map.insert(
            "fm".into(),
            json!({"type": "crm_multifield", "isRequired": false, "isReadOnly": false, "isImmutable": false,
                   "isMultiple": true, "isDynamic": false, "title": "Мультиполя", "upperName": "FM"}),
        );
    }
    Ok(Reply::of(json!({"fields": map})))
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let entity = entity(call)?;
    let original = original_uf(call);
    let directory = call.directory;
    let lookup = |name: &str| {
        // Clients that list every method by `ID` do so here too, and the real portal obliges.
        let name = if name == "ID" { "id" } else { name };
        let field =
            directory.fields(entity).iter().find(|f| !f.camel.is_empty() && f.item_name(original) == name)?;
        Some(Target::Field { key: field.key().to_owned(), kind: field.kind })
    };
    let refuse = |text: String| ApiError::new(400, "INVALID_ARG_VALUE", text);

    let mut order = Vec::new();
    for (name, direction) in call.param("order").map(items).unwrap_or_default() {
        let Some(Target::Field { key, kind }) = lookup(&name) else {
            return Err(refuse(format!("Invalid order: field '{name}' is not allowed in order")));
        };
        let Some(descending) = listing::direction(direction) else {
            let got = direction.as_str().unwrap_or_default();
            return Err(refuse(format!(
                "Invalid order: allowed sort directions are ASC, DESC. But got '{got}' for field '{name}'"
            )));
        };
        order.push(Order { key, kind, descending });
    }
    let mut unknown = Vec::new();
    let filter = listing::filter(call, &lookup, &mut unknown);
    if let Some(name) = unknown.first() {
        return Err(refuse(format!("Invalid filter: field '{name}' is not allowed in filter")));
    }
    let select = listing::select(call);
    let page = Listing { entity, filter, order, start: listing::start(call) }.run(call);
    let shown: Vec<Value> = page
        .items
        .iter()
        .map(|item| Value::Object(render::select_item(render::item(directory, item, original), &select)))
        .collect();
    Ok(Reply { result: json!({"items": shown}), total: Some(page.total), next: page.next })
}
