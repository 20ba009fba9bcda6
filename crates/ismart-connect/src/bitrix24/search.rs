//! What a portal already has of a lead: the record itself, and the person.

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use serde_json::{Value, json};

use super::answer::{BatchAnswer, id};
use super::judge::Effect;
use super::portal::Portal;
use super::query::Command;
use super::record::{Entity, ORIGINATOR};
use super::settings::Mode;

/// A request of one person is linked to so many of his contacts at most.
const CONTACTS_AT_MOST: usize = 5;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The record made of this very lead.
    pub(super) own: Option<u64>,
    /// Contacts with the lead's phone or e-mail address, without repeats.
    pub(super) contacts: Vec<u64>,
}

/// Looks for the record and the person in one request.
pub(super) async fn look(
    portal: &Portal,
    mode: Mode,
    entity: Entity,
    lead: &Lead,
) -> Result<Found, DeliveryError> {
    let (method, params) = by_origin(mode, entity, lead);
    let mut commands = vec![Command { key: "own", method, params }];
    commands.extend(by_person(lead));
    let answer = portal.batch(&commands).await?;
    let own = match answer.outcomes.get("own") {
        Some(Ok(rows)) => first_id(rows),
        Some(Err(refusal)) => return Err(portal.judge(method, Effect::Reads).refusal(refusal)),
        None => {
            return Err(portal.judge(method, Effect::Reads).later(None, "a search was not carried out"));
        }
    };
    let mut contacts = Vec::new();
    for command in commands.iter().skip(1) {
        contacts.extend(people(portal, &answer, command)?);
    }
    contacts.sort_unstable();
    contacts.dedup();
    contacts.truncate(CONTACTS_AT_MOST);
    Ok(Found { own, contacts })
}

/// Looks for the record alone.
pub(super) async fn find(
    portal: &Portal,
    mode: Mode,
    entity: Entity,
    lead: &Lead,
) -> Result<Option<u64>, DeliveryError> {
    let (method, params) = by_origin(mode, entity, lead);
    Ok(first_id(&portal.call(method, &params, Effect::Reads).await?))
}

fn by_origin(mode: Mode, entity: Entity, lead: &Lead) -> (&'static str, Value) {
    let origin = lead.origin_id();
    match (mode, entity) {
        (Mode::Item, _) => {
            let filter = json!({"=originatorId": ORIGINATOR, "=originId": origin});
            let params = json!({"entityTypeId": entity.type_id(), "filter": filter, "select": ["id"],
                                "order": {"id": "ASC"}});
            ("crm.item.list", params)
        }
        (Mode::Lead, entity) => {
            let method = if entity == Entity::Deal { "crm.deal.list" } else { "crm.lead.list" };
            let filter = json!({"=ORIGINATOR_ID": ORIGINATOR, "=ORIGIN_ID": origin});
            (method, json!({"filter": filter, "select": ["ID"], "order": {"ID": "ASC"}}))
        }
    }
}

/// The portal compares most, not all, spellings of a number, so it is asked for those that people type.
fn by_person(lead: &Lead) -> Vec<Command> {
    let ask = |key, kind: &str, values: Vec<String>| {
        let params = json!({"type": kind, "values": values, "entity_type": "CONTACT"});
        Command { key, method: "crm.duplicate.findbycomm", params }
    };
    let phone = lead.draft.phone.as_ref().map(|phone| ask("phone", "PHONE", spellings(phone.e164())));
    let email = lead.draft.email.as_ref().map(|email| ask("email", "EMAIL", vec![email.matching()]));
    phone.into_iter().chain(email).collect()
}

fn spellings(e164: &str) -> Vec<String> {
    let mut all = vec![e164.to_owned()];
    if let Some(digits) = e164.strip_prefix('+') {
        all.push(digits.to_owned());
        if let Some(national) = digits.strip_prefix('7') {
            all.push(format!("8{national}"));
        }
    }
    all
}

/// The contacts that one search found. A portal that may not be searched still takes the lead; a portal that
/// asks to wait does not.
fn people(portal: &Portal, answer: &BatchAnswer, command: &Command) -> Result<Vec<u64>, DeliveryError> {
    match answer.outcomes.get(command.key) {
        Some(Ok(found)) => {
            let contacts = found.get("CONTACT").and_then(Value::as_array);
            Ok(contacts.into_iter().flatten().filter_map(id).collect())
        }
        Some(Err(refusal)) => match portal.judge(command.method, Effect::Reads).refusal(refusal) {
            error @ DeliveryError::Retry { .. } => Err(error),
            error => {
                tracing::warn!(portal = %portal.webhook.portal, error = %error,
                               "the person cannot be searched for; the request goes in unlinked");
                Ok(Vec::new())
            }
        },
        None => Ok(Vec::new()),
    }
}

/// The id of the first row of a list, in either family of methods.
fn first_id(result: &Value) -> Option<u64> {
    let rows = result.get("items").unwrap_or(result);
    let first = rows.as_array()?.first()?;
    id(first.get("id").or_else(|| first.get("ID"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_asked_for_as_people_type_them() {
        assert_eq!(spellings("+79101234567"), ["+79101234567", "79101234567", "89101234567"]);
        assert_eq!(spellings("+998901234567"), ["+998901234567", "998901234567"]);
    }

    #[test]
    fn rows_of_both_families_are_read() {
        assert_eq!(first_id(&json!({"items": [{"id": 5}, {"id": 6}]})), Some(5));
        assert_eq!(first_id(&json!([{"ID": "5"}])), Some(5));
        for empty in [json!({"items": []}), json!([]), json!({}), json!(true), json!([{"TITLE": "x"}])] {
            assert_eq!(first_id(&empty), None, "{empty}");
        }
    }
}
