//! `crm.lead.*`, `crm.contact.*`, `crm.deal.*`, `crm.company.*`: upper-case names, text values,
//! errors without a code.

use super::listing::{self, Listing, Order};
use crate::bitrix24::call::{ApiError, Call, Outcome, Reply};
use crate::bitrix24::entity::Entity;
use crate::bitrix24::fields::{self, MULTI};
use crate::bitrix24::filter::Target;
use crate::bitrix24::journal::Entry;
use crate::bitrix24::log::FindingKind;
use crate::bitrix24::params::{is_php_array, items};
use crate::bitrix24::render;
use crate::bitrix24::store::StoredItem;
use crate::bitrix24::value::integer;
use crate::bitrix24::writing::{self, Style};
use serde_json::{Map, Value, json};

fn fields_of(call: &Call<'_>) -> Result<Value, ApiError> {
    match call.param("fields") {
        Some(fields) if is_php_array(fields) => Ok(fields.clone()),
        _ => Err(ApiError::wordless("Parameter 'fields' must be array.")),
    }
}

fn stored(call: &Call<'_>, entity: Entity) -> Result<StoredItem, ApiError> {
    // The classic methods take the parameter in either case.
    let id = call.param("id").or_else(|| call.param("ID")).and_then(integer).filter(|id| *id > 0);
    let id = id.and_then(|id| u64::try_from(id).ok());
    let id = id.ok_or_else(|| ApiError::wordless("ID is not defined or invalid."))?;
    let item = call.store.get(entity, id).ok_or_else(|| ApiError::wordless("Not found"))?;
    Ok(item.as_ref().clone())
}

pub(super) fn add(call: &mut Call<'_>, entity: Entity) -> Outcome {
    let fields = fields_of(call)?;
    let id = writing::create(call, entity, &fields, Style::Classic)?;
    Ok(Reply::of(id))
}

pub(super) fn update(call: &mut Call<'_>, entity: Entity) -> Outcome {
    let item = stored(call, entity)?;
    let fields = fields_of(call)?;
    writing::update(call, item, &fields, Style::Classic)?;
    Ok(Reply::of(true))
}

pub(super) fn delete(call: &mut Call<'_>, entity: Entity) -> Outcome {
    let id = stored(call, entity)?.id;
    call.store.commit(Entry::Deleted { entity, id }).map_err(|error| ApiError::storage(&error))?;
    Ok(Reply::of(true))
}

pub(super) fn get(call: &mut Call<'_>, entity: Entity) -> Outcome {
    let item = stored(call, entity)?;
    Ok(Reply::of(Value::Object(render::classic(call.directory, &item, false))))
}

pub(super) fn fields(call: &mut Call<'_>, entity: Entity) -> Outcome {
    let mut map = Map::new();
    for field in call.directory.fields(entity).iter().filter(|field| !field.classic.is_empty()) {
        map.insert(field.classic.clone(), field.description(true));
    }
    if entity != Entity::Deal {
        for type_id in MULTI {
            map.insert(type_id.to_owned(), fields::multi_description(type_id));
        }
    }
    Ok(Reply::of(Value::Object(map)))
}

pub(super) fn list(call: &mut Call<'_>, entity: Entity) -> Outcome {
    let directory = call.directory;
    let lookup = |name: &str| {
        if MULTI.contains(&name) {
            return Some(Target::Multi(name.to_owned()));
        }
        let field = directory.fields(entity).iter().find(|f| !f.classic.is_empty() && f.classic == name)?;
        Some(Target::Field { key: field.key().to_owned(), kind: field.kind })
    };
    let mut unknown = Vec::new();
    let filter = listing::filter(call, &lookup, &mut unknown);
    let mut order = Vec::new();
    for (name, way) in call.param("order").map(items).unwrap_or_default() {
        match lookup(&name) {
            Some(Target::Field { key, kind }) => {
                order.push(Order { key, kind, descending: listing::direction(way).unwrap_or(false) });
            }
            _ => unknown.push(name),
        }
    }
    for name in unknown {
        let text = "the portal has no such field and ignored it: the answer is wider than asked for";
        call.find(FindingKind::UnknownField, &name, text);
    }
    let select = listing::select(call);
    let page = Listing { entity, filter, order, start: listing::start(call) }.run(call);
    let shown: Vec<Value> = page
        .items
        .iter()
        .map(|item| Value::Object(render::select_classic(render::classic(directory, item, true), &select)))
        .collect();
    Ok(Reply { result: json!(shown), total: Some(page.total), next: page.next })
}
