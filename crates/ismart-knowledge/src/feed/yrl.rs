//! Yandex's format of real estate: `<realty-feed><offer internal-id="…">`.

use super::element::Element;
use super::field::{Report, short, whole_number};
use super::realty::{Finish, Flat};
use super::{Format, Limits};

pub(super) const FORMAT: Format<Flat> =
    Format { code: "yrl", name: "Yandex.Realty (YRL)", path: &["realty-feed", "offer"], read };

/// The smallest and the largest flat, tenths of a square metre.
const AREAS: (i64, i64) = (80, 20_000);

fn read(item: &Element, limits: &Limits, report: &mut Report<'_>) -> Option<Flat> {
    let Some(key) = item.attribute("internal-id").or_else(|| item.text_of("url")) else {
        report.reject(
            "internal-id",
            "the item has no internal-id or url to be known by",
            "fill in `internal-id`",
        );
        return None;
    };
    report.name(key);
    if !is_flat_for_sale(item) {
        return None;
    }
    let price = price(item, limits, report);
    let area_dm = area(item, "area", report);
    let floor = report.number("floor", item.text_of("floor"), (-3, 200), "floors");
    let studio = item.text_of("studio").is_some_and(yes)
        || item.text_of("rooms").is_some_and(|t| t.eq_ignore_ascii_case("студия"));
    let rooms =
        if studio { Some(0) } else { report.number("rooms", item.text_of("rooms"), (0, 20), "rooms") };
    let (price, area_dm, floor, rooms) = (price?, area_dm?, floor?, rooms?);
    let maybe = |field: &str| item.text_of(field).and_then(whole_number);
    let (plan, images) = pictures(item, report);
    Some(Flat {
        key: key.to_owned(),
        slug: String::new(),
        complex: owned(item.text_of("building-name")),
        number: item.child("location").and_then(|place| place.text_of("apartment")).and_then(whole_number),
        section: owned(item.text_of("building-section")),
        floor,
        floors_total: maybe("floors-total"),
        rooms,
        area_dm,
        living_dm: optional_area(item, "living-space", area_dm, report),
        kitchen_dm: optional_area(item, "kitchen-space", area_dm, report),
        price,
        finish: finish(item.text_of("renovation"), report),
        view: owned(item.text_of("window-view")),
        plan,
        images,
        description: crate::passages::plain_text(item.text_of("description").unwrap_or_default()),
        handover: maybe("built-year")
            .map(|year| (year, maybe("ready-quarter").filter(|q| (1..=4).contains(q)))),
        reserved: item.text_of("deal-status").is_some_and(|text| text.to_lowercase().contains("брон")),
    })
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "да" | "true" | "1" | "+" | "yes")
}

/// Houses, rooms and what is let are in such feeds too; they are no flats for sale.
fn is_flat_for_sale(item: &Element) -> bool {
    let says = |field: &str, words: &[&str]| {
        item.text_of(field).is_none_or(|text| words.contains(&text.to_lowercase().as_str()))
    };
    says("type", &["продажа", "sale"]) && says("category", &["квартира", "flat", "студия", "апартаменты"])
}

/// Whole roubles. A price per square metre is no price of a flat.
fn price(item: &Element, limits: &Limits, report: &mut Report<'_>) -> Option<i64> {
    let Some(price) = item.child("price") else {
        report.reject("price", "it is absent or empty", "fill in `price`");
        return None;
    };
    let currency = price.text_of("currency").unwrap_or("RUR").to_uppercase();
    if !matches!(currency.as_str(), "RUR" | "RUB" | "РУБ" | "₽") {
        let reason = format!("the price is in `{}`, and only roubles are shown", short(&currency));
        report.reject("price", reason, "give the price in roubles");
        return None;
    }
    if let Some(unit) = price.text_of("unit") {
        let reason = format!("the price is for one `{}`", short(unit));
        report.reject("price", reason, "give the price of the whole flat, without `unit`");
        return None;
    }
    report.number("price", price.text_of("value"), limits.prices, "roubles")
}

/// Tenths of a square metre of `60.4`, `60,4` or `60`.
fn decimetres(text: &str) -> Option<i64> {
    let text = text.trim().replace(',', ".");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) || whole.is_empty() {
        return None;
    }
    let tenth: i64 = rest.get(..1).unwrap_or("0").parse().ok()?;
    let round = i64::from(rest.get(1..2).is_some_and(|next| next >= "5"));
    whole.parse::<i64>().ok()?.checked_mul(10)?.checked_add(tenth + round)
}

fn area(item: &Element, field: &str, report: &mut Report<'_>) -> Option<i64> {
    let text = report.required(field, item.child(field).and_then(|area| area.text_of("value")))?;
    match decimetres(text).filter(|dm| (AREAS.0..=AREAS.1).contains(dm)) {
        Some(dm) => Some(dm),
        None => {
            let reason = format!("`{}` is no area of a flat, which is 8 to 2000 m²", short(text));
            report.reject(field, reason, format!("correct `{field}` in the system that makes the feed"));
            None
        }
    }
}

/// A part of the flat is smaller than the flat.
fn optional_area(item: &Element, field: &str, whole: i64, report: &mut Report<'_>) -> Option<i64> {
    let text = item.child(field).and_then(|area| area.text_of("value"))?;
    let found = decimetres(text).filter(|dm| *dm > 0 && *dm < whole);
    if found.is_none() {
        let reason =
            format!("`{}` is no area within a flat of {}.{} m²", short(text), whole / 10, whole % 10);
        report.note(field, reason, format!("correct `{field}`"));
    }
    found
}

fn finish(text: Option<&str>, report: &mut Report<'_>) -> Option<Finish> {
    let lower = text?.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let found = if says(&["предчист", "white", "вайт"]) {
        Some(Finish::White)
    } else if says(&["чернов", "без отделки", "требует"]) {
        Some(Finish::Rough)
    } else if says(&["чистов", "с отделкой", "под ключ", "евро", "дизайн", "хорош", "отличн"])
    {
        Some(Finish::Full)
    } else {
        None
    };
    if found.is_none() {
        let fix = "use «черновая отделка», «предчистовая отделка» or «чистовая отделка»";
        report.note("renovation", format!("`{}` is not understood", short(&lower)), fix);
    }
    found
}

/// The plan and the other pictures.
fn pictures(item: &Element, report: &mut Report<'_>) -> (Option<String>, Vec<String>) {
    let (mut plan, mut images) = (None, Vec::new());
    for image in item.every("image").filter(|image| !image.text().is_empty()) {
        let address = image.text();
        if !(address.starts_with("https://")
            || address.starts_with("http://")
            || (address.starts_with('/') && !address.starts_with("//")))
        {
            let reason = format!("`{}` is not the address of a picture", short(address));
            report.note("image", reason, "give addresses that begin with https:// or /");
        } else if plan.is_none() && image.attribute("tag").is_some_and(|tag| tag == "plan") {
            plan = Some(address.to_owned());
        } else {
            images.push(address.to_owned());
        }
    }
    (plan, images)
}
