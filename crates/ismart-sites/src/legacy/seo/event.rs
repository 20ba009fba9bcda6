//! An event: Open Graph, schema.org's Event with its tickets.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde_json::{Map, Value, json};

use super::super::content::{cast, set};
use super::super::json::{Style, encode};
use super::{Asked, media_type, named, property};

const MEDIA: &[(&str, &str)] = &[("png", "image/png"), ("webp", "image/webp"), ("avif", "image/avif")];

const MONTHS: &[&str] = &[
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

pub(super) fn seo(asked: &Asked<'_>) -> Value {
    let entity = asked.entity;
    let event = entity.get("event").unwrap_or(&Value::Null);
    let name = cast(set(event, "title").or_else(|| entity.get("slug"))).trim().to_owned();
    let description = description(entity);
    let (url, site_name) = (asked.url(), asked.site_name());
    let fallback = asked.collection.fallback_og_image.as_deref().map(str::trim).unwrap_or_default();
    let fallback = if fallback.is_empty() { String::new() } else { on_live(fallback, asked.live()) };
    let images = images(asked, &fallback);
    let first = images.first().map_or("", String::as_str);
    let picture = if first.is_empty() { fallback } else { asked.social(first, &fallback) };
    let mut meta = Vec::new();
    if !asked.collection.sitemap {
        meta.push(named("robots", "noindex, follow"));
    }
    meta.extend([
        named("description", &description),
        property("og:url", &url),
        property("og:type", &asked.collection.og_type),
        property("og:title", &name),
        property("og:description", &description),
        property("og:site_name", site_name),
    ]);
    if !picture.is_empty() {
        meta.push(property("og:image", &picture));
        meta.push(property("og:image:secure_url", &picture));
        meta.push(property("og:image:type", media_type(&picture, MEDIA)));
        if picture.ends_with("-og.jpg") {
            meta.push(property("og:image:width", "1200"));
            meta.push(property("og:image:height", "630"));
        }
    }
    json!({
        "title": title(asked, event, &name),
        "meta": meta,
        "json_ld": thing(asked, event, &description, images, &url),
    })
}

fn on_live(src: &str, live: &str) -> String {
    if let Some(path) = src.find("/data/").and_then(|at| src.get(at..)) {
        return format!("{live}{path}");
    }
    if src.starts_with("http://") || src.starts_with("https://") {
        return src.to_owned();
    }
    format!("{live}/{}", src.trim_start_matches('/'))
}

fn title(asked: &Asked<'_>, event: &Value, name: &str) -> String {
    let site_name = asked.site_name();
    let own = cast(asked.entity.get("metaTitle")).trim().to_owned();
    if !own.is_empty() {
        return own;
    }
    if name.is_empty() {
        return site_name.to_owned();
    }
    let place = cast(event.pointer("/restaurant/name")).trim().to_owned();
    let parts: Vec<String> =
        [human_date(event, &asked.zone()), place].into_iter().filter(|part| !part.is_empty()).collect();
    let rest = if parts.is_empty() { site_name.to_owned() } else { parts.join(", ") };
    format!("{name} — {rest}")
}

/// `23 августа 2026`: the calendar day of the moment in the zone of the site.
fn human_date(event: &Value, zone: &TimeZone) -> String {
    let Some(date) = event.get("date") else { return String::new() };
    let iso = date.get("iso").and_then(Value::as_str).unwrap_or("").trim();
    let moment: Option<Timestamp> = iso.parse().ok();
    let day = moment.map(|moment| moment.to_zoned(zone.clone()).date());
    if let Some(day) = day.or_else(|| iso.get(..10)?.parse::<civil::Date>().ok()) {
        let month = usize::try_from(day.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
        return format!("{} {} {}", day.day(), month.copied().unwrap_or_default(), day.year());
    }
    let part = |key: &str| cast(date.get(key)).trim().to_owned();
    match (part("day"), part("month")) {
        (day, month) if !day.is_empty() && !month.is_empty() => format!("{day} {month}"),
        _ => String::new(),
    }
}

fn description(entity: &Value) -> String {
    let own = cast(entity.get("metaDescription")).trim().to_owned();
    if !own.is_empty() {
        return own;
    }
    match entity.get("lead") {
        Some(Value::Array(parts)) => {
            let parts: Vec<String> = parts.iter().map(|part| cast(Some(part))).collect();
            parts.join(" ").trim().to_owned()
        }
        other => cast(other).trim().to_owned(),
    }
}

fn images(asked: &Asked<'_>, fallback: &str) -> Vec<String> {
    let covers = asked.entity.get("covers").and_then(Value::as_array).into_iter().flatten();
    let mut images: Vec<String> = Vec::new();
    for src in covers.map(|cover| cast(cover.get("src"))).filter(|src| !src.is_empty()) {
        let address = on_live(&src, asked.live());
        if !images.contains(&address) {
            images.push(address);
        }
    }
    if images.is_empty() && !fallback.is_empty() {
        images.push(fallback.to_owned());
    }
    images
}

fn thing(asked: &Asked<'_>, event: &Value, description: &str, images: Vec<String>, url: &str) -> Value {
    let text = |pointer: &str| cast(event.pointer(pointer)).trim().to_owned();
    let (name, start) = (text("/title"), text("/date/iso"));
    if name.is_empty() || start.is_empty() {
        return Value::Null;
    }
    let mut thing = Map::new();
    let mut put = |key: &str, value: Value| thing.insert(key.to_owned(), value);
    put("@context", "https://schema.org".into());
    put("@type", "Event".into());
    put("@id", format!("{url}#event").into());
    put("name", name.into());
    put("startDate", start.into());
    put("eventStatus", "https://schema.org/EventScheduled".into());
    put("eventAttendanceMode", "https://schema.org/OfflineEventAttendanceMode".into());
    put("url", url.into());
    if !description.is_empty() {
        put("description", description.into());
    }
    if !images.is_empty() {
        put("image", images.into());
    }
    let (place, address) = (text("/restaurant/name"), text("/restaurant/address"));
    if !place.is_empty() || !address.is_empty() {
        let mut location = json!({"@type": "Place"});
        if !place.is_empty() {
            insert(&mut location, "name", place.into());
        }
        if !address.is_empty() {
            let postal = json!({"@type": "PostalAddress", "streetAddress": address, "addressCountry": "RU"});
            insert(&mut location, "address", postal);
        }
        put("location", location);
    }
    if let Some(offer) = offer(event, url) {
        put("offers", offer);
    }
    put("organizer", json!({"@id": format!("{}/#organization", asked.live())}));
    Value::String(encode(&Value::Object(thing), Style { plain_slashes: true, pretty: true }))
}

fn insert(value: &mut Value, key: &str, item: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), item);
    }
}

/// What PHP's `is_numeric` takes, as a number.
fn numeric(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim_start().trim_end().parse().ok(),
        _ => None,
    }
}

fn offer(event: &Value, url: &str) -> Option<Value> {
    let price = set(event, "priceFrom").or_else(|| set(event, "price"))?;
    numeric(price)?;
    let tickets = cast(event.get("ticketUrl")).trim().to_owned();
    let sold_out = event.get("seatsLeft").and_then(numeric).is_some_and(|left| left < 1.0);
    let currency = match cast(event.get("currency")).trim() {
        "$" | "USD" => "USD",
        "€" | "EUR" => "EUR",
        _ => "RUB",
    };
    Some(json!({
        "@type": "Offer",
        "price": cast(Some(price)),
        "priceCurrency": currency,
        "availability": if sold_out { "https://schema.org/SoldOut" } else { "https://schema.org/InStock" },
        "url": if tickets.is_empty() { url } else { &tickets },
    }))
}
