//! The dealer XML of auto.ru: `<data><cars><car>`.

use super::element::Element;
use super::field::{Report, short, whole_number};
use super::{Format, Limits, modification};
use crate::catalogue::{Availability, Discounts, Vehicle};

pub(super) const FORMAT: Format =
    Format { code: "auto-ru", name: "auto.ru", path: &["data", "cars", "car"], read };

/// A car driven this far at most, without an owner before, is sold as new.
const NEW_RUN_KM: u32 = 100;

fn read(item: &Element, limits: &Limits, report: &mut Report<'_>) -> Option<Vehicle> {
    let vin = vin(item, report);
    let key = item.text_of("unique_id").or(vin.as_deref()).or_else(|| item.text_of("url"));
    let Some(key) = key else {
        report.reject(
            "unique_id",
            "the item has no unique_id, VIN or url to be known by",
            "fill in `unique_id`",
        );
        return None;
    };
    report.name(key);
    if item.text_of("action").is_some_and(|action| action.eq_ignore_ascii_case("hide")) {
        return None;
    }
    let brand = report.required("mark_id", item.text_of("mark_id"));
    let folder = report.required("folder_id", item.text_of("folder_id"));
    let (low, high) = limits.years;
    let year = report.number("year", item.text_of("year"), (low.into(), high.into()), "years");
    let price = report.number("price", item.text_of("price"), limits.prices, "roubles");
    let currency_known = currency_is_rouble(item, report);
    let owners = owners(item.text_of("owners_number"), report);
    let run_km = run(item, owners, limits, report);
    let (brand, folder, year, price, run_km) = (brand?, folder?, year?, price?, run_km?);
    if !currency_known {
        return None;
    }
    let (model, generation) = model_and_generation(folder);
    let modification = item.text_of("modification_id").unwrap_or_default();
    let technical = modification::parse(modification);
    Some(Vehicle {
        key: key.to_owned(),
        slug: String::new(),
        vin,
        brand: brand.to_owned(),
        model,
        generation,
        modification: modification.to_owned(),
        trim: owned(item.text_of("complectation_name")),
        body: owned(item.text_of("body_type")),
        color: owned(item.text_of("color")),
        year: u16::try_from(year).ok()?,
        run_km,
        price,
        availability: availability(item.text_of("availability"), report),
        is_new: owners.unwrap_or(0) == 0 && run_km <= NEW_RUN_KM,
        owners,
        gearbox: technical.gearbox,
        drive: technical.drive,
        fuel: technical.fuel,
        power_hp: technical.power_hp,
        engine_dl: technical.engine_dl,
        images: images(item, report),
        description: crate::passages::plain_text(item.text_of("description").unwrap_or_default()),
        options: options(item.text_of("extras").unwrap_or_default()),
        discounts: Discounts {
            max: discount("max_discount", item, price, report),
            tradein: discount("tradein_discount", item, price, report),
            credit: discount("credit_discount", item, price, report),
            insurance: discount("insurance_discount", item, price, report),
        },
        place: owned(item.text_of("poi_id")),
    })
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// 17 Latin letters and digits without I, O and Q; a wrong one is left out, because a worker would quote it.
fn vin(item: &Element, report: &mut Report<'_>) -> Option<String> {
    let text = item.text_of("vin")?;
    let vin: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    let good =
        vin.len() == 17 && vin.chars().all(|c| c.is_ascii_alphanumeric() && !matches!(c, 'I' | 'O' | 'Q'));
    if good {
        return Some(vin);
    }
    if let Some(key) = item.text_of("unique_id") {
        report.name(key);
    }
    report.note(
        "vin",
        format!("`{}` is no VIN (17 letters and digits without I, O and Q)", short(text)),
        "correct the VIN",
    );
    None
}

fn currency_is_rouble(item: &Element, report: &mut Report<'_>) -> bool {
    let currency = item.text_of("currency").unwrap_or("RUR").to_uppercase();
    let good = matches!(currency.as_str(), "RUR" | "RUB" | "РУБ" | "₽");
    if !good {
        let reason = format!("the price is in `{}`, and only roubles are shown", short(&currency));
        report.reject("currency", reason, "give the price in roubles");
    }
    good
}

/// Former owners: 0 none, 3 three or more.
fn owners(text: Option<&str>, report: &mut Report<'_>) -> Option<u8> {
    let text = text?;
    let lower = text.to_lowercase();
    let count = match lower.as_str() {
        "не было владельцев" | "нет" | "0" => Some(0),
        "один владелец" | "один" | "1" => Some(1),
        "два владельца" | "два" | "2" => Some(2),
        "три и более" | "три" | "3" | "4" | "5" => Some(3),
        _ => None,
    };
    if count.is_none() {
        let fix = "use «Не было владельцев», «Один владелец», «Два владельца» or «Три и более»";
        report.note("owners_number", format!("`{}` is not understood", short(text)), fix);
    }
    count
}

/// Mileage in kilometres. A car that had owners must state it: nobody may read "0 km" that was only a gap.
fn run(item: &Element, owners: Option<u8>, limits: &Limits, report: &mut Report<'_>) -> Option<u32> {
    let text = item.text_of("run");
    if text.is_none() && owners == Some(0) {
        return Some(0);
    }
    let run = report.number("run", text, (0, limits.run_km.into()), "kilometres")?;
    let metric = item.text_of("run_metric").unwrap_or("км").to_lowercase();
    let kilometres = if matches!(metric.as_str(), "mi" | "миль" | "мили" | "miles") {
        run.saturating_mul(1609) / 1000
    } else {
        run
    };
    u32::try_from(kilometres).ok()
}

/// `A7, II (4K)` is the model A7 of the generation II (4K).
fn model_and_generation(folder: &str) -> (String, Option<String>) {
    match folder.split_once(',') {
        Some((model, generation)) if !model.trim().is_empty() => {
            let generation = generation.trim();
            (model.trim().to_owned(), (!generation.is_empty()).then(|| generation.to_owned()))
        }
        _ => (folder.trim().to_owned(), None),
    }
}

/// What is not known to stand in the yard is promised to nobody as standing there.
fn availability(text: Option<&str>, report: &mut Report<'_>) -> Availability {
    let lower = text.unwrap_or_default().to_lowercase();
    if lower.starts_with("в наличии") {
        Availability::InStock
    } else if lower.starts_with("заброни") || lower.starts_with("резерв") {
        Availability::Reserved
    } else {
        if !lower.starts_with("на заказ") && !lower.starts_with("под заказ") && !lower.starts_with("в пути")
        {
            let what = if lower.is_empty() {
                "it is absent".to_owned()
            } else {
                format!("`{}` is not understood", short(&lower))
            };
            let reason = format!("{what} and is read as «На заказ»");
            report.note("availability", reason, "use «В наличии», «На заказ» or «Забронирован»");
        }
        Availability::OnOrder
    }
}

fn images(item: &Element, report: &mut Report<'_>) -> Vec<String> {
    let all: Vec<&str> = item.child("images").map(|e| e.texts_of("image").collect()).unwrap_or_default();
    let mut kept = Vec::with_capacity(all.len());
    for address in all.into_iter().filter(|address| !address.is_empty()) {
        let rooted = address.starts_with('/') && !address.starts_with("//");
        if rooted || address.starts_with("https://") || address.starts_with("http://") {
            kept.push(address.to_owned());
        } else {
            let reason = format!("`{}` is not the address of a picture", short(address));
            report.note("images", reason, "give addresses that begin with https:// or /");
        }
    }
    kept
}

/// `extras` is one text divided by commas; a comma inside brackets does not divide.
fn options(text: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let parts = text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        matches!(c, ',' | ';' | '\n') && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A discount in whole roubles; one that eats the price is left out.
fn discount(field: &str, item: &Element, price: i64, report: &mut Report<'_>) -> Option<i64> {
    let text = item.text_of(field)?;
    match whole_number(text) {
        Some(0) => None,
        Some(amount) if amount < price => Some(amount),
        Some(amount) => {
            let reason = format!("{amount} is not less than the price {price}");
            report.note(field, reason, "correct the discount");
            None
        }
        None => {
            let reason = format!("`{}` is not a whole number", short(text));
            report.note(field, reason, "write digits only, in roubles");
            None
        }
    }
}
