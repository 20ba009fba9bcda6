//! A restaurant: Open Graph, schema.org's Restaurant, questions and answers.

use jiff::{Timestamp, civil};
use serde_json::{Map, Value, json};

use super::super::content::{cast, set};
use super::super::json::{Style, encode};
use super::{Asked, media_type, named, property};
use crate::content::is_empty;

const MEDIA: &[(&str, &str)] = &[("png", "image/png"), ("webp", "image/webp"), ("gif", "image/gif")];

pub(super) fn seo(asked: &Asked<'_>) -> Value {
    let entity = asked.entity;
    let restaurant = entity.get("restaurant").unwrap_or(&Value::Null);
    let name = cast(set(restaurant, "name").or_else(|| entity.get("slug")));
    let description = description(entity);
    let (live, url, site_name) = (asked.live(), asked.url(), asked.site_name());
    let fallback = asked.collection.fallback_og_image.as_deref().unwrap_or("/data/img/seo/og.webp");
    let fallback = if fallback.is_empty() {
        String::new()
    } else {
        format!("{live}/{}", fallback.trim_start_matches('/'))
    };
    let cover = entity.pointer("/covers/0/src").and_then(Value::as_str).filter(|src| !src.is_empty());
    let picture = match cover {
        Some(src) => live_address(src, live),
        None => fallback.clone(),
    };
    let picture = asked.social(&picture, &fallback);
    let own_title = cast(entity.get("metaTitle")).trim().to_owned();
    let title = match (own_title.is_empty(), name.is_empty()) {
        (false, _) => own_title,
        (true, false) => format!("{name} — {site_name}"),
        (true, true) => site_name.to_owned(),
    };
    let meta = json!([
        named("description", &description),
        property("og:url", &url),
        property("og:type", &asked.collection.og_type),
        property("og:title", &name),
        property("og:description", &description),
        property("og:site_name", site_name),
        property("og:image", &picture),
        property("og:image:secure_url", &picture),
        property("og:image:type", media_type(&picture, MEDIA)),
    ]);
    let images = images(asked, &picture);
    json!({
        "title": title,
        "meta": meta,
        "json_ld": thing(asked, restaurant, &description, images, &url),
        "json_ld_faq": questions(asked, restaurant),
    })
}

fn live_address(src: &str, live: &str) -> String {
    match src.find("/data/").and_then(|at| src.get(at..)) {
        Some(path) => format!("{live}{path}"),
        None => format!("{live}/{}", src.trim_start_matches('/')),
    }
}

fn description(entity: &Value) -> String {
    let own = cast(entity.get("metaDescription")).trim().to_owned();
    if !own.is_empty() {
        return own;
    }
    let short = cast(entity.pointer("/desc/short")).trim().to_owned();
    if !short.is_empty() {
        return short;
    }
    match entity.pointer("/desc/full") {
        Some(Value::Array(parts)) => {
            let parts: Vec<String> = parts.iter().map(|part| cast(Some(part))).collect();
            parts.join(" ").trim().to_owned()
        }
        other => cast(other).trim().to_owned(),
    }
}

/// Pictures of the gallery, else of the covers, as far as they are built.
fn images(asked: &Asked<'_>, fallback: &str) -> Vec<String> {
    let list = |key: &str| asked.entity.get(key).and_then(Value::as_array).filter(|items| !items.is_empty());
    let mut images: Vec<String> = Vec::new();
    for item in list("gallery").or_else(|| list("covers")).into_iter().flatten() {
        let src = cast(item.get("src"));
        if src.is_empty() {
            continue;
        }
        let absolute = src.starts_with("http://") || src.starts_with("https://");
        let address = if absolute { src } else { live_address(&src, asked.live()) };
        if let Some(built) = built(asked, &address).filter(|built| !images.contains(built)) {
            images.push(built);
        }
    }
    if images.is_empty() && !fallback.is_empty() {
        images.push(fallback.to_owned());
    }
    images
}

/// The built picture of a raw one, or the raw one itself where it is there.
fn built(asked: &Asked<'_>, address: &str) -> Option<String> {
    let raw = address.rsplit_once("/raw/").filter(|(_, name)| !name.contains('/'));
    if let Some((folder, name)) = raw
        && let Some(webp) = super::with_ending(name, ".webp")
    {
        for size in ["1600", "800"] {
            let candidate = format!("{folder}/{size}/{webp}");
            if asked.is_there(&candidate) {
                return Some(candidate);
            }
        }
    }
    asked.is_there(address).then(|| address.to_owned())
}

fn thing(asked: &Asked<'_>, restaurant: &Value, description: &str, images: Vec<String>, url: &str) -> String {
    let own_url = cast(set(restaurant, "url").or(Some(&Value::from(url))));
    let take = |key: &str| restaurant.get(key).cloned().unwrap_or_default();
    let mut thing = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() && value.as_str() != Some("") {
            thing.insert(key.to_owned(), value);
        }
    };
    put("@context", "https://schema.org".into());
    put("@type", "Restaurant".into());
    put("@id", format!("{own_url}#restaurant").into());
    put("name", take("name"));
    put("description", description.into());
    put("image", if images.is_empty() { Value::Null } else { images.into() });
    put("telephone", restaurant.pointer("/telephone/title").cloned().unwrap_or_default());
    put("address", take("address"));
    put("geo", take("geo"));
    put("url", own_url.into());
    put("priceRange", take("priceRange"));
    put("currenciesAccepted", "RUB".into());
    put("hasMap", take("hasMap"));
    put("menu", take("menuLink"));
    put(
        "acceptsReservations",
        if is_empty(restaurant.get("bookingPoint")) { Value::Null } else { true.into() },
    );
    put("parentOrganization", json!({"@id": format!("{}/#organization", asked.live())}));
    put("sameAs", restaurant.get("sameAs").filter(|list| filled_list(list)).cloned().unwrap_or_default());
    let hours = opening_hours(asked, restaurant);
    let specification = specification(&hours);
    put(
        "openingHoursSpecification",
        if specification.is_empty() { Value::Null } else { specification.into() },
    );
    put(
        "servesCuisine",
        restaurant.get("servesCuisine").filter(|v| !is_empty(Some(v))).cloned().unwrap_or_default(),
    );
    encode(&Value::Object(thing), Style::default())
}

fn filled_list(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    }
}

fn question(name: &Value, answer: &str) -> Value {
    json!({"@type": "Question", "name": name, "acceptedAnswer": {"@type": "Answer", "text": answer}})
}

fn page_of(questions: Vec<Value>, style: Style) -> Value {
    let page = json!({"@context": "https://schema.org", "@type": "FAQPage", "mainEntity": questions});
    Value::String(encode(&page, style))
}

fn questions(asked: &Asked<'_>, restaurant: &Value) -> Value {
    let own = asked.entity.get("faq").and_then(Value::as_array).into_iter().flatten();
    let own: Vec<Value> = own
        .filter_map(|pair| {
            let text =
                |key: &str| Some(cast(pair.get(key)).trim().to_owned()).filter(|text| !text.is_empty());
            Some(question(&Value::from(text("q")?), &text("a")?))
        })
        .collect();
    if !own.is_empty() {
        return page_of(own, Style { plain_slashes: true, pretty: false });
    }
    let shared = asked.site.global().get("restaurant-faq");
    let Some(words) = shared.and_then(|all| set(all, asked.language).or_else(|| set(all, "ru"))) else {
        return Value::Null;
    };
    if !words.is_object() {
        return Value::Null;
    }
    let mut all = Vec::new();
    let mut ask = |key: &str, answer: String| {
        if let Some(name) = set(words, key).filter(|_| !answer.is_empty()) {
            all.push(question(name, &answer));
        }
    };
    if let Some(address) = restaurant.get("address").filter(|address| !is_empty(Some(address))) {
        let locality = cast(address.get("addressLocality"));
        let locality = if locality.is_empty() { locality } else { format!(", {locality}") };
        ask("where", format!("{}{locality}", cast(address.get("streetAddress"))).trim().to_owned());
    }
    let hours: Vec<String> = opening_hours(asked, restaurant)
        .iter()
        .map(|entry| format!("{} {}", cast(entry.get("days")), cast(entry.get("hours"))).trim().to_owned())
        .filter(|text| !text.is_empty() && text != "0")
        .collect();
    ask("hours", hours.join("; "));
    if let Some(cuisine) = restaurant.get("servesCuisine").and_then(Value::as_array) {
        let cuisine: Vec<String> = cuisine.iter().map(|item| cast(Some(item))).collect();
        ask("cuisine", cuisine.join(", "));
    }
    ask("contact", cast(restaurant.pointer("/telephone/title")));
    ask("price", cast(restaurant.get("priceRange")));
    if all.is_empty() { Value::Null } else { page_of(all, Style::default()) }
}

/// The first day of the next timetable.
fn switch_day(restaurant: &Value) -> Option<civil::Date> {
    let from = restaurant.get("openingHoursFrom")?;
    from.get("list").filter(|list| filled_list(list))?;
    from.get("date")?.as_str()?.trim().get(..10)?.parse().ok()
}

pub(super) fn changes_at(asked: &Asked<'_>) -> Option<Timestamp> {
    let day = switch_day(asked.entity.get("restaurant")?)?;
    day.to_zoned(asked.zone()).ok().map(|start| start.timestamp())
}

fn opening_hours(asked: &Asked<'_>, restaurant: &Value) -> Vec<Value> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let today = asked.now.to_zoned(asked.zone()).date();
    match switch_day(restaurant) {
        Some(day) if today >= day => list(restaurant.pointer("/openingHoursFrom/list")),
        _ => list(restaurant.get("openingHours")),
    }
}

const DAYS: &[(&str, &str)] = &[
    ("Пн", "Monday"),
    ("Вт", "Tuesday"),
    ("Ср", "Wednesday"),
    ("Чт", "Thursday"),
    ("Пт", "Friday"),
    ("Сб", "Saturday"),
    ("Вс", "Sunday"),
];

/// Hours as people write them (`Пн-Чт`, `9:00–23:00`, `Круглосуточно`) as schema.org wants them.
fn specification(hours: &[Value]) -> Vec<Value> {
    let dash = |c: char| matches!(c, '-' | '–' | '—');
    let mut all = Vec::new();
    for entry in hours {
        let days = days(&cast(entry.get("days")));
        let text = cast(entry.get("hours"));
        if days.is_empty() || text.trim().is_empty() {
            continue;
        }
        let (opens, closes) = if text.to_lowercase().contains("круглосуточно") {
            ("00:00".to_owned(), "23:59".to_owned())
        } else {
            let parts: Vec<&str> = text.split(dash).collect();
            let [opens, closes] = parts.as_slice() else { continue };
            let (Some(opens), Some(closes)) = (clock(opens), clock(closes)) else { continue };
            (opens, if closes == "00:00" { "23:59".to_owned() } else { closes })
        };
        all.push(json!({
            "@type": "OpeningHoursSpecification", "dayOfWeek": days, "opens": opens, "closes": closes,
        }));
    }
    all
}

fn clock(text: &str) -> Option<String> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    (digits(hours, 2) && digits(minutes, 2) && minutes.len() == 2).then(|| format!("{hours:0>2}:{minutes}"))
}

fn days(text: &str) -> Vec<&'static str> {
    let at = |name: &str| DAYS.iter().position(|(short, _)| *short == name.trim());
    let mut found: Vec<usize> = Vec::new();
    for group in text.split(',').map(str::trim).filter(|group| !group.is_empty()) {
        let ends: Vec<&str> = group.split(['-', '–', '—']).collect();
        let range = match ends.as_slice() {
            [from, to] => at(from).zip(at(to)),
            _ => None,
        };
        if let Some((from, to)) = range {
            let count = (to + DAYS.len() - from) % DAYS.len();
            found.extend((0..=count).map(|step| (from + step) % DAYS.len()));
        } else if let Some(day) = at(group) {
            found.push(day);
        }
    }
    let mut names = Vec::new();
    for name in found.into_iter().filter_map(|day| DAYS.get(day)).map(|(_, name)| *name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_people_become_hours_of_machines() {
        let hours = [
            json!({"days": "Пн-Чт, Вс", "hours": "9:00–23:00"}),
            json!({"days": "Пт — Пн", "hours": "12:00 - 00:00"}),
            json!({"days": "Сб", "hours": "Круглосуточно"}),
            json!({"days": "праздники", "hours": "9:00–23:00"}),
            json!({"days": "Вт", "hours": "с 9 до 18"}),
        ];
        assert_eq!(
            Value::from(specification(&hours)),
            json!([
                {"@type": "OpeningHoursSpecification", "dayOfWeek": ["Monday", "Tuesday", "Wednesday", "Thursday", "Sunday"], "opens": "09:00", "closes": "23:00"},
                {"@type": "OpeningHoursSpecification", "dayOfWeek": ["Friday", "Saturday", "Sunday", "Monday"], "opens": "12:00", "closes": "23:59"},
                {"@type": "OpeningHoursSpecification", "dayOfWeek": ["Saturday"], "opens": "00:00", "closes": "23:59"},
            ])
        );
    }
}
