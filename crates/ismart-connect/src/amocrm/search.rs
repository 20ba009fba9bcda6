//! What an account already has of a lead: the record itself, and the person.

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::account::Account;
use super::answer::{embedded, id};

/// Looks for the record by the account's search, which may lag behind.
pub(super) async fn own(account: &Account, field: u64, lead: &Lead) -> Result<Option<u64>, DeliveryError> {
    let key = lead.origin_id();
    let found = account.get("leads", &format!("?limit=50&query={}", encoded(&key))).await?;
    Ok(holding(found.as_ref(), field, &key))
}

/// Looks for the record among the newest ones, which the lag of the search does not hide.
pub(super) async fn newest(account: &Account, field: u64, lead: &Lead) -> Result<Option<u64>, DeliveryError> {
    let found = account.get("leads", "?limit=250&order%5Bid%5D=desc").await?;
    Ok(holding(found.as_ref(), field, &lead.origin_id()))
}

/// The oldest of the leads whose field holds exactly this text: a search takes more than that.
fn holding(body: Option<&Value>, field: u64, key: &str) -> Option<u64> {
    let has = |lead: &&Value| values(lead).any(|(id, _, value)| id == Some(field) && value == key);
    embedded(body, "leads").iter().filter(has).filter_map(id).min()
}

/// The values of an object's custom fields: field, code, value.
fn values(object: &Value) -> impl Iterator<Item = (Option<u64>, &str, &str)> {
    let fields = object.get("custom_fields_values").and_then(Value::as_array).into_iter().flatten();
    fields.flat_map(|field| {
        let number = field.get("field_id").and_then(Value::as_u64);
        let code = field.get("field_code").and_then(Value::as_str).unwrap_or_default();
        let values = field.get("values").and_then(Value::as_array).into_iter().flatten();
        values.filter_map(move |value| Some((number, code, value.get("value")?.as_str()?)))
    })
}

/// The contact with the lead's phone, or else with its address. An account that may not be searched still takes the
/// lead; one that asks to wait does not.
pub(super) async fn person(account: &Account, lead: &Lead) -> Result<Option<u64>, DeliveryError> {
    let phone = lead.draft.phone.as_ref().map(|phone| digits(phone.e164()));
    let email = lead.draft.email.as_ref().map(|email| email.matching());
    for (code, wanted) in [("PHONE", phone), ("EMAIL", email)] {
        let Some(wanted) = wanted else { continue };
        let found = match account.get("contacts", &format!("?limit=50&query={}", encoded(&wanted))).await {
            Ok(found) => found,
            Err(error @ DeliveryError::Retry { .. }) => return Err(error),
            Err(error) => {
                tracing::warn!(account = %account.place.host, error = %error,
                               "the person cannot be searched for; the request goes in with a card of its own");
                return Ok(None);
            }
        };
        let same = |value: &str| match code {
            "PHONE" => digits(value) == wanted,
            _ => value.trim().to_lowercase() == wanted.to_lowercase(),
        };
        let is_his = |card: &&Value| values(card).any(|(_, have, value)| have == code && same(value));
        let cards = embedded(found.as_ref(), "contacts").iter();
        if let Some(known) = cards.filter(is_his).filter_map(id).min() {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

/// The digits of a Russian number as in `+7…`, whatever it was written as.
fn digits(phone: &str) -> String {
    let all: String = phone.chars().filter(char::is_ascii_digit).collect();
    match (all.len(), all.strip_prefix('8')) {
        (11, Some(national)) => format!("7{national}"),
        (10, _) => format!("7{all}"),
        _ => all,
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// P3 of the connector's contract leans on it: another lead that only resembles is not ours.
    #[test]
    fn only_the_exact_key_in_the_own_field_counts() {
        let lead = |id: u64, field: u64, value: &str| json!({"id": id, "custom_fields_values": [{"field_id": field, "values": [{"value": value}]}]});
        let body = json!({"_embedded": {"leads": [lead(9, 5, "lead-a"), lead(7, 5, "lead-a"), lead(3, 6, "lead-a"),
                                                  lead(2, 5, "lead-a2"), {"id": 1, "custom_fields_values": null}]}});
        assert_eq!(holding(Some(&body), 5, "lead-a"), Some(7));
        assert_eq!(holding(Some(&body), 5, "lead"), None);
        assert_eq!(holding(None, 5, "lead-a"), None);
    }

    #[test]
    fn spellings_of_one_phone_are_one() {
        for spelling in ["+79101234567", "8 (910) 123-45-67", "9101234567"] {
            assert_eq!(digits(spelling), "79101234567");
        }
        assert_eq!(digits("+998901234567"), "998901234567");
    }
}
