//! The body of a webhook, version 1. What it promises stands in `lead.v1.schema.json`: fields are only ever added.

use ismart_domain::lead::{Channel, Lead};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The version in every body.
const VERSION: u32 = 1;

/// A lead was accepted.
pub(super) fn created(lead: &Lead) -> Value {
    let draft = &lead.draft;
    let utm = &draft.source.utm;
    let consents: Vec<Value> = draft
        .consents
        .iter()
        .map(|consent| {
            json!({"purpose": consent.purpose.code(), "version": consent.version, "url": consent.url,
                   "page_url": consent.page_url})
        })
        .collect();
    let subject = draft.subject.as_ref().map(|subject| json!({"key": subject.key, "title": subject.title}));
    let amount = draft.amount.map(|amount| json!({"value": amount.decimal(), "currency": "RUB"}));
    let fields: Map<String, Value> =
        draft.fields.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let files: Vec<Value> = draft
        .files
        .iter()
        .map(|file| {
            json!({"id": file.id.to_string(), "name": file.name, "media_type": file.media_type, "bytes": file.bytes,
                   "sha256": file.sha256})
        })
        .collect();
    json!({
        "type": "lead.created",
        "version": VERSION,
        "timestamp": lead.accepted_at.to_string(),
        "data": {
            "id": lead.origin_id(),
            "number": lead.number,
            "site_id": draft.site_id.to_string(),
            "test": draft.test,
            "title": lead.title(),
            "intent": draft.intent.code(),
            "person": {
                "name": draft.name.as_ref().map(|name| name.as_str()),
                "phone": draft.phone.as_ref().map(|phone| phone.e164()),
                "email": draft.email.as_ref().map(|email| email.as_str()),
            },
            "comment": draft.comment,
            "subject": subject,
            "amount": amount,
            "fields": fields,
            "source": {
                "channel": draft.source.channel.code(),
                "form": match &draft.source.channel {
                    Channel::Form { form } => Value::String(form.clone()),
                    _ => Value::Null,
                },
                "page_url": draft.source.page_url,
                "referrer": draft.source.referrer,
                "visit_id": draft.source.visit_id.as_ref().map(ToString::to_string),
                "utm": {"source": utm.source, "medium": utm.medium, "campaign": utm.campaign, "content": utm.content,
                        "term": utm.term},
            },
            "consents": consents,
            "files": files,
        },
    })
}

/// Somebody tries the address.
pub(super) fn check(now: Timestamp) -> Value {
    json!({"type": "check", "version": VERSION, "timestamp": now.to_string(), "data": {}})
}
