//! From the fields of a request to a stored object.

use super::call::{ApiError, Call};
use super::directory::deal_stages;
use super::entity::Entity;
use super::fields::{Field, Kind, MULTI};
use super::journal::Entry;
use super::log::{Created, FindingKind};
use super::multi::{classic_multi, item_multi};
use super::params::items;
use super::store::StoredItem;
use super::value::{Coerced, coerce, cut, integer, iso, php_type, yes_no};
use serde_json::{Map, Value, json};

/// Whose names and whose strictness apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `crm.item.*`: camelCase, wrong values are refused.
    Item {
        /// `useOriginalUfNames` was set.
        original_uf: bool,
    },
    /// `crm.lead.*` and its sisters: upper case, wrong values are cast.
    Classic,
}

const TITLE_LIMIT: usize = 255;

/// Stores a new object; gives its id.
pub(super) fn create(
    call: &mut Call<'_>,
    entity: Entity,
    fields: &Value,
    style: Style,
) -> Result<u64, ApiError> {
    let mut item = StoredItem { entity, id: 0, created_at: call.now, values: Map::new(), multi: Vec::new() };
    apply(call, &mut item, fields, style, true)?;
    for field in call.directory.fields(entity).iter().filter(|field| field.required) {
        let missing = item.values.get(field.key()).is_none_or(|v| v.is_null() || v.as_str() == Some(""));
        if missing {
            return Err(ApiError::new(
                400,
                "CRM_FIELD_ERROR_REQUIRED",
                format!("Поле «{}» обязательно для заполнения", field.title),
            ));
        }
    }
    item.id = call.store.next_id(entity.code());
    defaults(call, &mut item, style);
    let id = item.id;
    call.store.commit(Entry::Item(item)).map_err(|error| ApiError::storage(&error))?;
    call.created.push(Created { kind: entity.code(), id });
    if entity == Entity::Lead && call.directory.simple_mode {
        convert(call, id)?;
    }
    Ok(id)
}

/// Changes an object; an update that changes nothing is not stored.
pub(super) fn update(
    call: &mut Call<'_>,
    mut item: StoredItem,
    fields: &Value,
    style: Style,
) -> Result<(), ApiError> {
    let before = item.clone();
    apply(call, &mut item, fields, style, false)?;
    if item == before {
        return Ok(());
    }
    stamp(call, &mut item, &["updatedTime"], &["updatedBy"]);
    call.store.commit(Entry::Item(item)).map_err(|error| ApiError::storage(&error))
}

fn apply(
    call: &mut Call<'_>,
    item: &mut StoredItem,
    fields: &Value,
    style: Style,
    creating: bool,
) -> Result<(), ApiError> {
    let entity = item.entity;
    let directory = call.directory;
    let funnel = item.number("categoryId");
    let mut sent = items(fields);
    // The funnel decides which stages exist, so it is read before the stage.
    sent.sort_by_key(|(name, _)| !matches!(name.as_str(), "categoryId" | "CATEGORY_ID"));
    for (name, value) in sent {
        if entity != Entity::Deal && style == Style::Classic && MULTI.contains(&name.as_str()) {
            classic_multi(call, item, &name, value);
            continue;
        }
        if entity != Entity::Deal && style != Style::Classic && name == "fm" {
            item_multi(call, item, value, creating)?;
            continue;
        }
        let parameter = format!("fields.{name}");
        let Some(field) = directory.fields(entity).iter().find(|field| matches(field, &name, style)) else {
            call.find(FindingKind::UnknownField, &parameter, "the portal has no such field and ignored it");
            continue;
        };
        if field.read_only {
            call.find(FindingKind::ReadOnlyField, &parameter, "the field is read-only and was ignored");
            continue;
        }
        let value = read(call, field, value, style, &parameter)?;
        set(call, item, field, value, &parameter)?;
    }
    if !creating && item.number("categoryId") != funnel {
        enter_funnel(call, item);
    }
    Ok(())
}

/// A deal moved to another funnel without a stage of it begins at that funnel's first stage.
fn enter_funnel(call: &Call<'_>, item: &mut StoredItem) {
    let stages = stages(item);
    let first = call.directory.dictionary(&stages).next().map(|status| status.status_id.clone());
    if let Some(first) = first
        && call.directory.status(&stages, item.text("stageId")).is_none()
    {
        set_stage(call, item, &first);
    }
}

fn matches(field: &Field, name: &str, style: Style) -> bool {
    let own = match style {
        Style::Item { original_uf } => field.item_name(original_uf),
        Style::Classic => &field.classic,
    };
    !own.is_empty() && own == name
}

fn read(
    call: &mut Call<'_>,
    field: &Field,
    value: &Value,
    style: Style,
    parameter: &str,
) -> Result<Value, ApiError> {
    match (coerce(field.kind, value, call.offset), style) {
        (Coerced::Ok(value), _) => Ok(value),
        (Coerced::Lossy(value, why), _) => {
            let kind = if field.kind == Kind::DateTime {
                FindingKind::AmbiguousTime
            } else {
                FindingKind::ValueChanged
            };
            call.find(kind, parameter, why);
            Ok(value)
        }
        (Coerced::NotIterable(php), Style::Item { .. }) => Err(ApiError::new(
            400,
            100,
            format!("Expected iterable value for multiple field, but got {php} instead"),
        )),
        (Coerced::Invalid, Style::Item { .. }) => Err(not_valid(field)),
        (Coerced::NotIterable(_), Style::Classic) => {
            call.find(
                FindingKind::ValueChanged,
                parameter,
                "one value was sent for a list and taken as a list of one",
            );
            Ok(json!(integer(value).into_iter().collect::<Vec<i64>>()))
        }
        (Coerced::Invalid, Style::Classic) => {
            let text = format!("{} cannot be read as this field's type; nothing was stored", php_type(value));
            call.find(FindingKind::ValueChanged, parameter, text);
            Ok(Value::Null)
        }
    }
}

fn not_valid(field: &Field) -> ApiError {
    ApiError::new(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", format!("Неверное значение поля «{}»", field.title))
}

fn set(
    call: &mut Call<'_>,
    item: &mut StoredItem,
    field: &Field,
    value: Value,
    parameter: &str,
) -> Result<(), ApiError> {
    let key = field.key().to_owned();
    let mut value = value;
    match (field.kind, &value) {
        (Kind::Category, number) => {
            let id = number.as_i64().unwrap_or(0);
            if !call.directory.categories.iter().any(|category| category.id == id) {
                return Err(not_valid(field));
            }
        }
        (Kind::Status(_), Value::String(code)) if key == "stageId" => {
            let code = code.clone();
            if code.is_empty() {
                return Ok(());
            }
            return set_stage(call, item, &code).then_some(()).ok_or_else(|| not_valid(field));
        }
        (Kind::Status(dictionary), Value::String(code))
            if !code.is_empty() && call.directory.status(dictionary, code).is_none() =>
        {
            let text = format!("the dictionary {dictionary} has no {code}");
            call.find(FindingKind::DanglingReference, parameter, text);
        }
        (Kind::User | Kind::Users | Kind::Ref(_) | Kind::Refs(_), value) => {
            dangling(call, field.kind, value, parameter);
        }
        (Kind::Text, Value::String(text)) if key == "title" => {
            if let Some(short) = cut(text, TITLE_LIMIT) {
                call.find(FindingKind::ValueChanged, parameter, "longer than 255 characters and cut");
                value = Value::String(short);
            }
        }
        _ => {}
    }
    link_contacts(item, &key, &value);
    item.values.insert(key, value);
    Ok(())
}

/// Sets the stage of a lead or deal; false when its dictionary has no such code.
fn set_stage(call: &Call<'_>, item: &mut StoredItem, code: &str) -> bool {
    let Some(status) = call.directory.status(&stages(item), code) else { return false };
    if item.text("stageId") == code {
        return true;
    }
    let semantics = status.semantics.unwrap_or('P');
    item.values.insert("stageId".into(), code.into());
    item.values.insert("stageSemanticId".into(), semantics.to_string().into());
    stamp(call, item, &["movedTime"], &["movedBy"]);
    if semantics == 'P' {
        item.values.insert("dateClosed".into(), Value::Null);
    } else if item.entity == Entity::Lead {
        stamp(call, item, &["dateClosed"], &[]);
    } else {
        item.values.insert("closed".into(), yes_no(true));
    }
    true
}

fn stages(item: &StoredItem) -> String {
    match item.entity {
        Entity::Deal => deal_stages(item.number("categoryId").unwrap_or(0)),
        _ => "STATUS".to_owned(),
    }
}

fn dangling(call: &mut Call<'_>, kind: Kind, value: &Value, parameter: &str) {
    let ids: Vec<i64> = match value {
        Value::Array(list) => list.iter().filter_map(Value::as_i64).collect(),
        single => single.as_i64().into_iter().collect(),
    };
    for id in ids.into_iter().filter(|id| *id != 0) {
        let known = match kind {
            Kind::User | Kind::Users => u64::try_from(id).is_ok_and(|id| call.directory.user(id).is_some()),
            Kind::Ref("crm_contact") | Kind::Refs("crm_contact") => call.exists(Entity::Contact, id),
            Kind::Ref("crm_company") | Kind::Refs("crm_company") => call.exists(Entity::Company, id),
            Kind::Ref("crm_lead") => call.exists(Entity::Lead, id),
            _ => true,
        };
        if !known {
            call.find(FindingKind::DanglingReference, parameter, format!("{id} does not exist"));
        }
    }
}

/// One contact and the list of contacts are two views of one thing.
fn link_contacts(item: &mut StoredItem, key: &str, value: &Value) {
    let (ids, other) = match (key, value) {
        ("contactId", id) => {
            let list: Vec<Value> = id.as_i64().filter(|id| *id > 0).map(Value::from).into_iter().collect();
            (list.clone(), ("contactIds", Value::Array(list)))
        }
        ("contactIds", Value::Array(list)) => {
            (list.clone(), ("contactId", list.first().cloned().unwrap_or(json!(0))))
        }
        ("companyId", id) => {
            (id.as_i64().filter(|id| *id > 0).map(Value::from).into_iter().collect(), ("", Value::Null))
        }
        _ => return,
    };
    if !other.0.is_empty() {
        item.values.insert(other.0.to_owned(), other.1);
    }
    if item.entity == Entity::Lead && !ids.is_empty() {
        item.values.insert("isReturnCustomer".into(), yes_no(true));
    }
}

fn stamp(call: &Call<'_>, item: &mut StoredItem, times: &[&str], users: &[&str]) {
    let now = Value::String(iso(call.now, call.offset));
    for key in times {
        item.values.insert((*key).to_owned(), now.clone());
    }
    for key in users {
        item.values.insert((*key).to_owned(), call.user_id.into());
    }
}

fn defaults(call: &Call<'_>, item: &mut StoredItem, style: Style) {
    if matches!(item.entity, Entity::Lead | Entity::Deal) && item.text("stageId").is_empty() {
        let first = call.directory.dictionary(&stages(item)).next().map(|status| status.status_id.clone());
        if let Some(code) = first {
            set_stage(call, item, &code);
        }
    }
    if item.entity != Entity::Contact && item.text("title").is_empty() {
        let title = format!("{} #{}", item.entity.word(), item.id);
        item.values.insert("title".into(), title.into());
    }
    let first_source = call.directory.dictionary("SOURCE").next().map(|status| status.status_id.clone());
    let mut default = |key: &str, value: Value| {
        if item.values.get(key).is_none_or(Value::is_null) {
            item.values.insert(key.to_owned(), value);
        }
    };
    default("opened", yes_no(true));
    default("assignedById", call.user_id.into());
    match item.entity {
        Entity::Lead | Entity::Deal => {
            default("currencyId", "RUB".into());
            default("isManualOpportunity", yes_no(false));
            default("isReturnCustomer", yes_no(false));
            default("companyId", 0.into());
            default("contactId", 0.into());
            if let (Style::Item { .. }, Some(source)) = (style, first_source) {
                default("sourceId", source.into());
            }
        }
        Entity::Contact => default("export", yes_no(true)),
        Entity::Company => default("isMyCompany", yes_no(false)),
    }
    if item.entity == Entity::Deal {
        default("categoryId", 0.into());
        default("closed", yes_no(false));
        default("isNew", yes_no(true));
    }
    stamp(
        call,
        item,
        &["createdTime", "updatedTime", "lastActivityTime"],
        &["createdBy", "updatedBy", "lastActivityBy"],
    );
}

/// In simple mode the portal turns a lead into a contact and a deal at once.
fn convert(call: &mut Call<'_>, lead_id: u64) -> Result<(), ApiError> {
    let Some(lead) = call.store.get(Entity::Lead, lead_id).cloned() else { return Ok(()) };
    let pick = |keys: &[&str]| -> Map<String, Value> {
        keys.iter()
            .filter_map(|key| lead.values.get(*key).map(|value| ((*key).to_owned(), value.clone())))
            .collect()
    };
    let shared = [
        "assignedById",
        "opened",
        "sourceId",
        "originatorId",
        "originId",
        "comments",
        "utmSource",
        "utmMedium",
        "utmCampaign",
        "utmContent",
        "utmTerm",
    ];
    let mut contact = StoredItem {
        entity: Entity::Contact,
        id: call.store.next_id(Entity::Contact.code()),
        created_at: call.now,
        values: pick(&[&shared[..], &["name", "lastName", "secondName"][..]].concat()),
        multi: lead.multi.clone(),
    };
    for multi in &mut contact.multi {
        multi.id = call.store.next_id("multi");
    }
    contact.values.insert("leadId".into(), lead_id.into());
    defaults(call, &mut contact, Style::Classic);
    let mut deal = StoredItem {
        entity: Entity::Deal,
        id: call.store.next_id(Entity::Deal.code()),
        created_at: call.now,
        values: pick(
            &[&shared[..], &["title", "opportunity", "currencyId", "sourceDescription"][..]].concat(),
        ),
        multi: Vec::new(),
    };
    deal.values.insert("leadId".into(), lead_id.into());
    deal.values.insert("contactId".into(), contact.id.into());
    deal.values.insert("contactIds".into(), json!([contact.id]));
    defaults(call, &mut deal, Style::Classic);
    let mut converted = lead.as_ref().clone();
    set_stage(call, &mut converted, "CONVERTED");
    for item in [contact, deal] {
        call.created.push(Created { kind: item.entity.code(), id: item.id });
        call.store.commit(Entry::Item(item)).map_err(|error| ApiError::storage(&error))?;
    }
    call.store.commit(Entry::Item(converted)).map_err(|error| ApiError::storage(&error))
}
