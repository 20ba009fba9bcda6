//! What is bought, read from the content of the site and from the fields of the form.

use axum::http::{HeaderMap, StatusCode};
use ismart_domain::lead::{Channel, Intent, LeadDraft, LeadSource, Subject};
use ismart_domain::money::{Currency, Money};
use ismart_domain::payment::Purchase;
use ismart_domain::{Email, PersonName, Phone};
use ismart_sites::Snapshot;
use serde_json::{Map, Value};

use super::super::fields::{Fields, agreements};
use super::{LIST, Refusal};
use crate::origin::{Asked, Origin, text};
use crate::platform::Shop;

/// The most tickets of one order.
const MOST: i64 = 20;
/// The name of the form in leads.
const FORM: &str = "pay";

/// What is sold.
struct Event<'s> {
    slug: String,
    /// Its page.
    page: String,
    /// The object that has price and seats.
    item: &'s Value,
}

/// Reads an order, and the number of seats that the content offers.
pub(super) fn read(
    shop: &Shop,
    asked: &Asked,
    origin: &Origin,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<(Purchase, Option<i64>), Refusal> {
    let slug = slug(fields.get("slug").unwrap_or_default());
    if slug.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Refusal::new(status, "EVENT_INVALID", "Событие не указано", LIST));
    }
    let Some(event) = event(&asked.site, &shop.collection, slug) else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "EVENT_NOT_FOUND", "Событие не найдено", LIST));
    };
    let unit = event.item.get("price").and_then(kopecks).filter(|minor| *minor > 0);
    let Some(minor) = unit else {
        let (status, message) = (StatusCode::UNPROCESSABLE_ENTITY, "Оплата для этого события недоступна");
        return Err(Refusal::new(status, "PRICE_UNAVAILABLE", message, &event.page));
    };
    let seats = event.item.get("seatsLeft").and_then(seats_of);
    let (email, tickets) = person(fields, seats).map_err(|errors| Refusal::invalid(errors, &event.page))?;
    let title = event.item.get("title").and_then(Value::as_str).unwrap_or(&event.slug).to_owned();
    let lead = lead(asked, origin, headers, fields, &event, &title, email);
    let purchase = Purchase {
        site_id: asked.place.site_id,
        item: event.slug,
        title,
        date: date(event.item),
        page: event.page,
        tickets,
        unit: Money { minor, currency: Currency::Rub },
        phone: fields.get("phone").unwrap_or_default().to_owned(),
        lead,
        idempotency_key: fields.get("idempotency_key").map(|key| key.chars().take(128).collect()),
        request_id: origin.request_id.clone(),
    };
    Ok((purchase, seats))
}

/// What is said when there are not so many seats.
pub(super) fn wrong_count() -> Map<String, Value> {
    Map::from_iter([("tickets".to_owned(), "Неверное количество мест".into())])
}

/// The name of an event as it can be a file's.
fn slug(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let plain: String = lower.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    plain.trim_matches('-').to_owned()
}

fn event<'s>(site: &'s Snapshot, collection: &str, slug: String) -> Option<Event<'s>> {
    let config = site.config();
    let collection = config.collections.get(collection)?;
    let language = config.default_language.as_deref().or_else(|| site.languages().next())?;
    let entity = site.json(&format!("data/json/{language}/{}/{slug}.json", collection.data_dir))?;
    if !entity.is_object() || entity.get("visible") == Some(&Value::Bool(false)) {
        return None;
    }
    let item =
        collection.item_key.as_ref().map_or(Some(entity), |key| entity.get(key)).unwrap_or(&Value::Null);
    let page =
        collection.entity_url_pattern.replace("{nav_slug}", &collection.nav_slug).replace("{slug}", &slug);
    Some(Event { slug, page, item })
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

/// A number of seats; `None` when they are not counted.
pub(crate) fn seats_of(value: &Value) -> Option<i64> {
    number(value).map(whole)
}

/// A number without its fraction.
fn whole(number: f64) -> i64 {
    format!("{:.0}", number.trunc()).parse().unwrap_or(0)
}

/// A price in roubles, in kopecks.
fn kopecks(price: &Value) -> Option<i64> {
    format!("{:.0}", number(price)? * 100.0).parse().ok()
}

fn date(item: &Value) -> String {
    let part = |key: &str| {
        let value = item.get("date").and_then(|date| date.get(key))?;
        value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
    };
    let parts = ["day", "month", "time"].into_iter().filter_map(part).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// Judges the fields of the person; gives his address and how many tickets he wants.
fn person(fields: &Fields, seats: Option<i64>) -> Result<(Option<Email>, u32), Map<String, Value>> {
    let mut errors = Map::new();
    if fields.get("name").is_none_or(|name| name.chars().count() < 2) {
        errors.insert("name".to_owned(), "Укажите имя".into());
    }
    let email = fields.get("email").and_then(|email| Email::parse(email).ok());
    if email.is_none() {
        errors.insert("email".to_owned(), "Неверный E-mail".into());
    }
    if fields.get("policy") != Some("on") {
        errors.insert("policy".to_owned(), "Согласитесь с политикой".into());
    }
    // Nothing is left where the content says 0; where it says nothing, seats are not counted.
    let most = seats.map_or(MOST, |seats| seats.clamp(0, MOST));
    let wanted: String =
        fields.get("tickets").unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    let tickets = wanted.parse::<u32>().ok().filter(|tickets| (1..=most).contains(&i64::from(*tickets)));
    if tickets.is_none() {
        errors.extend(wrong_count());
    }
    match tickets {
        Some(tickets) if errors.is_empty() => Ok((email, tickets)),
        _ => Err(errors),
    }
}

/// What becomes of the order once it is paid.
fn lead(
    asked: &Asked,
    origin: &Origin,
    headers: &HeaderMap,
    fields: &Fields,
    event: &Event<'_>,
    title: &str,
    email: Option<Email>,
) -> LeadDraft {
    let page_url = format!("{}{}", origin.base(), event.page);
    let came_from =
        text(headers, "referer").filter(|url| url.starts_with(&origin.base())).unwrap_or(&page_url);
    let user_agent = text(headers, "user-agent").map(|ua| ua.chars().take(300).collect());
    let name = fields.get("name").map(PersonName::parse);
    let phone = fields.get("phone").map(Phone::as_typed);
    let mut others = fields.others();
    for machinery in ["slug", "tickets", "csrf_token"] {
        others.remove(machinery);
    }
    // What is no name or phone by our rules is kept as it was typed: the platform asks nothing of them here.
    for (key, odd) in [("name", matches!(name, Some(Err(_)))), ("phone", matches!(phone, Some(Err(_))))] {
        if let Some(typed) = fields.get(key).filter(|_| odd) {
            others.insert(key.to_owned(), typed.to_owned());
        }
    }
    LeadDraft {
        site_id: asked.place.site_id,
        intent: Intent::Purchase,
        name: name.and_then(Result::ok),
        phone: phone.and_then(Result::ok),
        email,
        comment: String::new(),
        subject: Some(Subject { key: event.slug.clone(), title: title.to_owned() }),
        amount: None,
        source: LeadSource {
            channel: Channel::Form { form: FORM.to_owned() },
            page_url: page_url.clone(),
            referrer: fields.get("referrer").map(str::to_owned),
            utm: fields.utm(came_from),
            visit_id: fields.get("visit_id").and_then(|id| id.parse().ok()),
        },
        consents: agreements(
            &asked.place,
            origin,
            user_agent,
            &page_url,
            fields.get("marketing") == Some("on"),
        ),
        fields: others,
        files: Vec::new(),
        signals: Vec::new(),
        idempotency_key: None,
        test: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prices_are_exact_to_the_kopeck() {
        assert_eq!(kopecks(&json!(6500)), Some(650_000));
        assert_eq!(kopecks(&json!("1999.99")), Some(199_999));
        assert_eq!(kopecks(&json!(0.1)), Some(10));
        assert_eq!(kopecks(&json!(19.99)), Some(1999), "which binary fractions make 1998.9999");
        for none in [json!(null), json!("от 5000"), json!([]), json!("NaN"), json!("inf")] {
            assert_eq!(kopecks(&none), None, "{none}");
        }
    }

    #[test]
    fn names_of_events_reach_no_other_files() {
        assert_eq!(slug("  Dinner-2026 "), "dinner-2026");
        assert_eq!(slug("../../config/site"), "configsite");
        assert_eq!(slug("--"), "");
        assert_eq!(slug("ужин"), "");
    }

    #[test]
    fn seats_are_never_oversold_by_what_the_content_says() {
        let fields = |tickets: &str| {
            let all = [("name", "Анна"), ("email", "a@b.ru"), ("policy", "on"), ("tickets", tickets)];
            Fields::new(all.map(|(name, value)| (name.to_owned(), value.to_owned())))
        };
        let bought = |tickets: &str, seats| person(&fields(tickets), seats).map(|(_, tickets)| tickets).ok();
        assert_eq!(bought("2", None), Some(2));
        assert_eq!(bought("20", None), Some(20));
        assert_eq!(bought("21", None), None);
        assert_eq!(bought("3", Some(2)), None);
        assert_eq!(bought("1", Some(0)), None, "sold out is sold out");
        for odd in ["", "0", "-1", "x", "99999999999999999999"] {
            assert_eq!(bought(odd, None), None, "{odd}");
        }
    }

    #[test]
    fn dates_are_written_as_on_the_page() {
        let item = json!({"date": {"day": "15", "month": "августа", "time": "19:00", "weekday": "суббота"}});
        assert_eq!(date(&item), "15 августа 19:00");
        assert_eq!(date(&json!({"date": {"day": 1, "month": ""}})), "1");
        assert_eq!(date(&json!({})), "");
    }
}
