//! From a lead to the fields of a portal's record.

use ismart_domain::lead::Lead;
use serde_json::{Map, Number, Value, json};

use crate::mapping::Rule;
use crate::story::{COMMENT_LIMIT, story};
use crate::text::{NameParts, cut, one_line, plain, split_name};

/// Marks records as ours; with [`Lead::origin_id`] it finds them again.
pub(super) const ORIGINATOR: &str = "ismart";

const TITLE_LIMIT: usize = 255;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Lead,
    Deal,
    Contact,
}

impl Entity {
    /// `entityTypeId` of the universal methods.
    pub(super) fn type_id(self) -> u8 {
        match self {
            Self::Lead => 1,
            Self::Deal => 2,
            Self::Contact => 3,
        }
    }

    /// The name in classic methods and in the timeline.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Deal => "deal",
            Self::Contact => "contact",
        }
    }
}

/// What the settings add to every record.
#[derive(Debug, Clone)]
pub(super) struct Extras {
    pub(super) source_id: String,
    pub(super) assigned_by_id: Option<u64>,
    pub(super) comment: Option<String>,
    /// What goes into which field besides.
    pub(super) rules: Vec<Rule>,
}

/// The fields of a lead, or of a deal in a portal without leads. Names are those of the universal methods.
pub(super) fn request(lead: &Lead, entity: Entity, contacts: &[u64], extras: &Extras) -> Map<String, Value> {
    let mut fields = origin(lead, extras);
    fields.insert("title".into(), title(lead).into());
    fields.insert("comments".into(), comments(lead, entity, extras).into());
    if let Some(sum) = lead.draft.amount.and_then(|amount| amount.decimal().parse::<Number>().ok()) {
        fields.insert("opportunity".into(), sum.into());
        fields.insert("currencyId".into(), "RUB".into());
        fields.insert("isManualOpportunity".into(), "Y".into());
    }
    if entity == Entity::Lead {
        person(lead, &mut fields);
    }
    match contacts {
        [] => {}
        [only] if entity == Entity::Lead => {
            fields.insert("contactId".into(), json!(only));
        }
        several => {
            fields.insert("contactIds".into(), json!(several));
        }
    }
    fields
}

/// The fields of a new contact, for a portal without leads.
pub(super) fn contact(lead: &Lead, extras: &Extras) -> Map<String, Value> {
    let mut fields = origin(lead, extras);
    person(lead, &mut fields);
    if lead.draft.name.is_none() {
        // A contact without any name is shown as an empty line.
        let shown = lead.draft.phone.as_ref().map(|phone| phone.pretty());
        let shown = shown.or_else(|| lead.draft.email.as_ref().map(|email| email.as_str().to_owned()));
        fields.insert("name".into(), shown.unwrap_or_else(|| title(lead)).into());
    }
    fields
}

/// Where the record comes from: common to all kinds.
fn origin(lead: &Lead, extras: &Extras) -> Map<String, Value> {
    let source = &lead.draft.source;
    let mut fields = Map::new();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value.map(one_line).filter(|value| !value.is_empty()) {
            fields.insert(key.to_owned(), cut(&value, TITLE_LIMIT).into());
        }
    };
    put("originatorId", Some(ORIGINATOR));
    put("originId", Some(&lead.origin_id()));
    put("sourceId", Some(&extras.source_id));
    put("sourceDescription", Some(&source.page_url));
    put("utmSource", source.utm.source.as_deref());
    put("utmMedium", source.utm.medium.as_deref());
    put("utmCampaign", source.utm.campaign.as_deref());
    put("utmContent", source.utm.content.as_deref());
    put("utmTerm", source.utm.term.as_deref());
    if let Some(user) = extras.assigned_by_id {
        fields.insert("assignedById".into(), user.into());
    }
    fields
}

fn person(lead: &Lead, fields: &mut Map<String, Value>) {
    let NameParts { first, second, last } =
        lead.draft.name.as_ref().map(|name| split_name(name.as_str())).unwrap_or_default();
    for (key, part) in [("name", first), ("secondName", second), ("lastName", last)] {
        if let Some(part) = part {
            fields.insert(key.to_owned(), part.into());
        }
    }
    let multi = |kind: &str, value: &str| json!({"typeId": kind, "valueType": "WORK", "value": value});
    let phone = lead.draft.phone.as_ref().map(|phone| multi("PHONE", phone.e164()));
    let email = lead.draft.email.as_ref().map(|email| multi("EMAIL", email.as_str()));
    fields.insert("fm".into(), phone.into_iter().chain(email).collect());
}

fn title(lead: &Lead) -> String {
    let mark = if lead.draft.test { "Тест. " } else { "" };
    cut(&one_line(&plain(&format!("{mark}{}", lead.title()))), TITLE_LIMIT)
}

/// Everything about the request that has no field of its own, for the manager who calls.
fn comments(lead: &Lead, entity: Entity, extras: &Extras) -> String {
    let lines = story(lead, entity == Entity::Deal, extras.comment.as_deref());
    cut(&plain(&lines.join("\n")), COMMENT_LIMIT)
}

/// The person's words for the record's timeline; `None` when he said nothing.
pub(super) fn timeline(lead: &Lead) -> Option<String> {
    let text = plain(lead.draft.comment.trim());
    (!text.trim().is_empty()).then(|| cut(&text, COMMENT_LIMIT))
}

/// The same fields under the names and in the shapes of the classic methods: `utmSource` → `UTM_SOURCE`,
/// `fm` → `PHONE` and `EMAIL`.
pub(super) fn classic(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in fields {
        if name != "fm" {
            out.insert(upper_snake(name), value.clone());
            continue;
        }
        for entry in value.as_array().into_iter().flatten() {
            let part = |key: &str| entry.get(key).cloned().unwrap_or(Value::Null);
            let kind = entry.get("typeId").and_then(Value::as_str).unwrap_or_default();
            out.insert(kind.to_owned(), json!([{"VALUE": part("value"), "VALUE_TYPE": part("valueType")}]));
        }
    }
    out
}

fn upper_snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
