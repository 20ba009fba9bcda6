//! How a vehicle is shown in an answer, in the language of the conversation.

use ismart_domain::conversation::{Card, SourceLink};
use ismart_domain::money::grouped;
use ismart_knowledge::catalogue::{Availability, Drive, Fuel, Gearbox, Vehicle};
use serde_json::{Value, json};

/// The short form: what a search gives.
pub(crate) fn short(vehicle: &Vehicle, russian: bool) -> Value {
    json!({
        "key": vehicle.key,
        "title": vehicle.title(),
        "price": vehicle.price,
        "price_text": vehicle.price_text(),
        "year": vehicle.year,
        "run_km": vehicle.run_km,
        "run_text": run(vehicle, russian),
        "is_new": vehicle.is_new,
        "color": vehicle.color,
        "gearbox_text": vehicle.gearbox.map(|g| gearbox(g, russian)),
        "availability": vehicle.availability.code(),
        "availability_text": availability(vehicle.availability, russian),
        "url": vehicle.href(),
    })
}

/// The long form: what is known of one vehicle.
pub(crate) fn long(vehicle: &Vehicle, russian: bool) -> Value {
    let mut item = short(vehicle, russian);
    let more = json!({
        "vin": vehicle.vin,
        "brand": vehicle.brand,
        "model": vehicle.model,
        "generation": vehicle.generation,
        "trim": vehicle.trim,
        "body": vehicle.body,
        "description": vehicle.description,
        "options": vehicle.options,
        "power_hp": vehicle.power_hp,
        "engine_text": engine(vehicle, russian),
        "drive_text": vehicle.drive.map(|d| drive(d, russian)),
        "fuel_text": vehicle.fuel.map(|f| fuel(f, russian)),
        "owners": vehicle.owners,
        "discounts": {
            "max": vehicle.discounts.max,
            "tradein": vehicle.discounts.tradein,
            "credit": vehicle.discounts.credit,
            "insurance": vehicle.discounts.insurance,
        },
        "place": vehicle.place,
    });
    if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
        item.extend(more);
    }
    item
}

/// The card under a message.
pub(crate) fn card(vehicle: &Vehicle, russian: bool) -> Card {
    let mut parts = vec![run(vehicle, russian)];
    parts.extend(vehicle.gearbox.map(|g| gearbox(g, russian).to_owned()));
    parts.extend(vehicle.drive.filter(|d| *d == Drive::All).map(|d| drive(d, russian).to_owned()));
    parts.extend(vehicle.color.as_ref().map(|color| color.to_lowercase()));
    parts.push(availability(vehicle.availability, russian).to_owned());
    Card {
        title: vehicle.title(),
        text: parts.join(", "),
        price: vehicle.price_text(),
        image: vehicle.images.first().cloned(),
        url: vehicle.href(),
    }
}

/// The link to its page.
pub(crate) fn source(vehicle: &Vehicle) -> SourceLink {
    SourceLink { title: vehicle.title(), url: vehicle.href() }
}

fn run(vehicle: &Vehicle, russian: bool) -> String {
    match (russian, vehicle.is_new) {
        (true, _) => vehicle.run_text(),
        (false, true) => "new".to_owned(),
        (false, false) => format!("{}\u{a0}km", grouped(vehicle.run_km.into())),
    }
}

fn engine(vehicle: &Vehicle, russian: bool) -> String {
    if russian {
        return vehicle.engine_text();
    }
    let litres = vehicle.engine_dl.map(|dl| format!("{}.{}\u{a0}l", dl / 10, dl % 10));
    let power = vehicle.power_hp.map(|hp| format!("{hp}\u{a0}hp"));
    let burns = vehicle.fuel.map(|f| fuel(f, false).to_owned());
    [litres, power, burns].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(crate) fn gearbox(gearbox: Gearbox, russian: bool) -> &'static str {
    match (russian, gearbox) {
        (true, gearbox) => gearbox.text(),
        (false, Gearbox::Manual) => "manual",
        (false, Gearbox::Automatic) => "automatic",
        (false, Gearbox::Robot) => "robot",
        (false, Gearbox::Variator) => "CVT",
    }
}

pub(crate) fn drive(drive: Drive, russian: bool) -> &'static str {
    match (russian, drive) {
        (true, drive) => drive.text(),
        (false, Drive::All) => "four-wheel drive",
        (false, Drive::Front) => "front-wheel drive",
        (false, Drive::Rear) => "rear-wheel drive",
        (false, Drive::TwoWheel) => "two-wheel drive",
    }
}

pub(crate) fn fuel(fuel: Fuel, russian: bool) -> &'static str {
    match (russian, fuel) {
        (true, fuel) => fuel.text(),
        (false, Fuel::Petrol) => "petrol",
        (false, Fuel::Diesel) => "diesel",
        (false, Fuel::Hybrid) => "hybrid",
        (false, Fuel::Electric) => "electric",
        (false, Fuel::Gas) => "gas",
    }
}

fn availability(availability: Availability, russian: bool) -> &'static str {
    match (russian, availability) {
        (true, availability) => availability.text(),
        (false, Availability::InStock) => "in stock",
        (false, Availability::OnOrder) => "on order",
        (false, Availability::Reserved) => "reserved",
    }
}
