//! From a lead to what an account keeps of it.

use ismart_domain::lead::Lead;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::mapping::{Target, price};
use super::schema::Schema;
use super::settings::Extras;
use crate::mapping::{Source, decimal};
use crate::story::{COMMENT_LIMIT, story};
use crate::text::{NameParts, cut, one_line, split_name};

/// Names and short texts are refused beyond this.
const SHORT: usize = 255;
/// One object carries so many values.
const VALUES_AT_MOST: usize = 40;
/// A sort of field that takes long texts.
const LONG_KINDS: [&str; 1] = ["textarea"];

/// The lead without its person.
pub(super) fn lead(lead: &Lead, own: u64, schema: &Schema, extras: &Extras) -> Map<String, Value> {
    let mut fields = Map::new();
    let mark = if lead.draft.test { "Тест. " } else { "" };
    fields.insert("name".into(), cut(&one_line(&format!("{mark}{}", lead.title())), SHORT).into());
    for (key, value) in [
        ("pipeline_id", extras.pipeline_id),
        ("status_id", extras.status_id),
        ("responsible_user_id", extras.responsible_user_id),
    ] {
        if let Some(value) = value {
            fields.insert(key.to_owned(), value.into());
        }
    }
    let (price, values) = values(lead, own, schema, extras);
    // What was paid already is the price, unless the settings name another.
    let paid = || lead.draft.amount.and_then(|sum| u64::try_from(sum.whole()).ok());
    if let Some(price) = price.or_else(paid) {
        fields.insert("price".into(), price.into());
    }
    fields.insert("custom_fields_values".into(), Value::Array(values));
    let test = lead.draft.test.then_some("Тест");
    let tags: Vec<Value> = extras
        .tags
        .iter()
        .map(String::as_str)
        .chain(test)
        .map(|tag| json!({"name": cut(tag, SHORT)}))
        .collect();
    if !tags.is_empty() {
        fields.insert("tags_to_add".into(), Value::Array(tags));
    }
    fields.insert("request_id".into(), lead.origin_id().into());
    let mut embedded = Map::new();
    if let Some(source) = &extras.source {
        embedded.insert("source".into(), json!({"external_id": source, "type": "widget"}));
    }
    fields.insert("_embedded".into(), Value::Object(embedded));
    fields
}

/// The price and the values of custom fields: our key first, then what settings say, then marks of advertising.
fn values(lead: &Lead, own: u64, schema: &Schema, extras: &Extras) -> (Option<u64>, Vec<Value>) {
    let mut cost = None;
    let mut all = vec![json!({"field_id": own, "values": [{"value": lead.origin_id()}]})];
    let mut filled = vec![own];
    for mapping in &extras.mappings {
        let text = mapping.source.text(lead);
        let field = match (&mapping.target, schema.target(&mapping.target)) {
            (Target::Price, _) => {
                cost = text.as_deref().and_then(price);
                continue;
            }
            (_, Some(field)) => field,
            // `check` and the refusal of the account name a field that is gone; the lead goes without it.
            (_, None) => continue,
        };
        let value = match (&mapping.source, text) {
            (Source::Choice(choice), _) => json!({"enum_id": choice}),
            (_, Some(text)) if field.is_list() => {
                let wanted = text.trim().to_lowercase();
                match field.choices.iter().find(|(_, title)| title.trim().to_lowercase() == wanted) {
                    Some((id, _)) => json!({"enum_id": id}),
                    None => continue,
                }
            }
            (_, Some(text)) if LONG_KINDS.contains(&field.kind.as_str()) => {
                json!({"value": cut(&text, COMMENT_LIMIT)})
            }
            (_, Some(text)) => match fitting(&field.kind, &text) {
                Some(value) => json!({"value": value}),
                None => continue,
            },
            (_, None) => continue,
        };
        filled.push(field.id);
        all.push(json!({"field_id": field.id, "values": [value]}));
    }
    let utm = &lead.draft.source.utm;
    for (code, value) in [
        ("UTM_SOURCE", &utm.source),
        ("UTM_MEDIUM", &utm.medium),
        ("UTM_CAMPAIGN", &utm.campaign),
        ("UTM_CONTENT", &utm.content),
        ("UTM_TERM", &utm.term),
        ("REFERRER", &lead.draft.source.referrer),
    ] {
        let value = value.as_deref().map(one_line).filter(|value| !value.is_empty());
        if let (Some(field), Some(value)) = (schema.mark(code).filter(|id| !filled.contains(id)), value) {
            all.push(json!({"field_id": field, "values": [{"value": cut(&value, SHORT)}]}));
        }
    }
    all.truncate(VALUES_AT_MOST);
    (cost, all)
}

/// The text as its field takes it; `None` when it does not fit, which must not cost the lead.
fn fitting(kind: &str, text: &str) -> Option<Value> {
    let line = one_line(text);
    match kind {
        "numeric" | "price" | "monetary" => decimal(&line).map(Value::from),
        "text" | "url" | "streetaddress" | "tracking_data" => Some(cut(&line, SHORT).into()),
        _ => None,
    }
}

/// A new card of the person.
pub(super) fn contact(lead: &Lead, extras: &Extras) -> Map<String, Value> {
    let draft = &lead.draft;
    let mut fields = Map::new();
    let NameParts { first, second, last } =
        draft.name.as_ref().map(|name| split_name(name.as_str())).unwrap_or_default();
    let given: Vec<String> = first.into_iter().chain(second).collect();
    if given.is_empty() && last.is_none() {
        // A card without a name is an empty line to the managers.
        let shown = draft.phone.as_ref().map(|phone| phone.pretty());
        let shown = shown.or_else(|| draft.email.as_ref().map(|email| email.as_str().to_owned()));
        fields.insert("name".into(), cut(&shown.unwrap_or_else(|| lead.title()), SHORT).into());
    } else {
        fields.insert("first_name".into(), cut(&given.join(" "), SHORT).into());
        if let Some(last) = last {
            fields.insert("last_name".into(), cut(&last, SHORT).into());
        }
    }
    if let Some(user) = extras.responsible_user_id {
        fields.insert("responsible_user_id".into(), user.into());
    }
    let multi = |code: &str, value: &str| json!({"field_code": code, "values": [{"enum_code": "WORK", "value": value}]});
    let phone = draft.phone.as_ref().map(|phone| multi("PHONE", phone.e164()));
    let email = draft.email.as_ref().map(|email| multi("EMAIL", email.as_str()));
    let values: Vec<Value> = phone.into_iter().chain(email).collect();
    if !values.is_empty() {
        fields.insert("custom_fields_values".into(), Value::Array(values));
    }
    fields
}

/// The request in words, with the key by which a later attempt knows that the note is there.
pub(super) fn note(lead: &Lead, extras: &Extras) -> String {
    let visible = |c: &char| *c == '\n' || *c == '\t' || !c.is_control();
    let key = lead.origin_id();
    let words: String =
        story(lead, true, extras.comment.as_deref()).join("\n").chars().filter(visible).collect();
    format!("{}\niSmart ID: {key}", cut(words.trim(), COMMENT_LIMIT))
}

/// The task for the manager.
pub(super) fn task(lead: &Lead, id: u64, minutes: u64, extras: &Extras) -> Value {
    let wait = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX / 120));
    let due = lead.accepted_at.checked_add(wait).unwrap_or(lead.accepted_at);
    let mut task = json!({
        "text": cut(&one_line(&format!("Связаться: {}", lead.title())), SHORT), "complete_till": due.as_second(),
        "task_type_id": 1, "entity_id": id, "entity_type": "leads", "request_id": lead.origin_id(),
    });
    if let (Value::Object(map), Some(user)) = (&mut task, extras.responsible_user_id) {
        map.insert("responsible_user_id".into(), user.into());
    }
    task
}
