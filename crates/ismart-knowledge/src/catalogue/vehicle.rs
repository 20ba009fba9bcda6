//! One vehicle of the stock.

use ismart_domain::Money;
use ismart_domain::money::grouped;
use serde_json::{Value, json};

/// Where vehicles live on the site.
const PATH: &str = "/cars/";

/// Whether it can be bought today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Availability {
    /// Stands at the dealer's.
    InStock,
    /// Is ordered or on its way.
    OnOrder,
    /// Somebody has reserved it.
    Reserved,
}

/// Gearbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gearbox {
    /// Manual.
    Manual,
    /// Automatic with a torque converter.
    Automatic,
    /// Automated manual, with one clutch or two.
    Robot,
    /// Continuously variable.
    Variator,
}

/// Driven wheels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drive {
    /// All.
    All,
    /// Front.
    Front,
    /// Rear.
    Rear,
    /// One axle, and the feed does not say which.
    TwoWheel,
}

/// What it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fuel {
    /// Petrol.
    Petrol,
    /// Diesel.
    Diesel,
    /// Hybrid of any kind.
    Hybrid,
    /// Electric.
    Electric,
    /// Gas.
    Gas,
}

impl Availability {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::OnOrder => "on_order",
            Self::Reserved => "reserved",
        }
    }

    /// As a visitor reads it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::InStock => "в наличии",
            Self::OnOrder => "под заказ",
            Self::Reserved => "забронирован",
        }
    }
}

impl Gearbox {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Automatic => "automatic",
            Self::Robot => "robot",
            Self::Variator => "variator",
        }
    }

    /// As a visitor reads it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Manual => "механика",
            Self::Automatic => "автомат",
            Self::Robot => "робот",
            Self::Variator => "вариатор",
        }
    }
}

impl Drive {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Front => "front",
            Self::Rear => "rear",
            Self::TwoWheel => "two_wheel",
        }
    }

    /// As a visitor reads it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::All => "полный привод",
            Self::Front => "передний привод",
            Self::Rear => "задний привод",
            Self::TwoWheel => "привод на одну ось",
        }
    }
}

impl Fuel {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Petrol => "petrol",
            Self::Diesel => "diesel",
            Self::Hybrid => "hybrid",
            Self::Electric => "electric",
            Self::Gas => "gas",
        }
    }

    /// As a visitor reads it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Petrol => "бензин",
            Self::Diesel => "дизель",
            Self::Hybrid => "гибрид",
            Self::Electric => "электро",
            Self::Gas => "газ",
        }
    }
}

/// What the dealer takes off the price under conditions, whole roubles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discounts {
    /// All together at most.
    pub max: Option<i64>,
    /// For a car given in part payment.
    pub tradein: Option<i64>,
    /// For buying on credit.
    pub credit: Option<i64>,
    /// For insuring at the dealer's.
    pub insurance: Option<i64>,
}

/// A vehicle as the feed described it. `None` means that the feed did not say or was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vehicle {
    /// The dealer's own stable id.
    pub key: String,
    /// Last part of the page's address; unique in the feed and the same in every later feed.
    pub slug: String,
    /// Vehicle identification number, 17 characters.
    pub vin: Option<String>,
    /// Brand.
    pub brand: String,
    /// Model.
    pub model: String,
    /// Generation.
    pub generation: Option<String>,
    /// The technical text, raw.
    pub modification: String,
    /// Trim level.
    pub trim: Option<String>,
    /// Body.
    pub body: Option<String>,
    /// Colour.
    pub color: Option<String>,
    /// Model year.
    pub year: u16,
    /// Mileage, kilometres.
    pub run_km: u32,
    /// Price, whole roubles.
    pub price: i64,
    /// Whether it can be bought today.
    pub availability: Availability,
    /// Sold as new.
    pub is_new: bool,
    /// Former owners; 3 means three or more.
    pub owners: Option<u8>,
    /// Gearbox.
    pub gearbox: Option<Gearbox>,
    /// Driven wheels.
    pub drive: Option<Drive>,
    /// What it runs on.
    pub fuel: Option<Fuel>,
    /// Horsepower.
    pub power_hp: Option<u16>,
    /// Engine volume, tenths of a litre.
    pub engine_dl: Option<u16>,
    /// Addresses of pictures, the main one first.
    pub images: Vec<String>,
    /// Plain text.
    pub description: String,
    /// Equipment.
    pub options: Vec<String>,
    /// Conditional discounts.
    pub discounts: Discounts,
    /// Where it stands.
    pub place: Option<String>,
}

impl Vehicle {
    /// `Haval Jolion Elite, 2026`.
    #[must_use]
    pub fn title(&self) -> String {
        let trim = self.trim.as_deref().map(|trim| format!(" {trim}")).unwrap_or_default();
        format!("{} {}{trim}, {}", self.brand, self.model, self.year)
    }

    /// Address of its page on the site.
    #[must_use]
    pub fn href(&self) -> String {
        format!("{PATH}{}", self.slug)
    }

    /// `2 490 000 ₽`.
    #[must_use]
    pub fn price_text(&self) -> String {
        Money::roubles(self.price).to_string()
    }

    /// `41 000 км`, or `новый`.
    #[must_use]
    pub fn run_text(&self) -> String {
        if self.is_new {
            "новый".to_owned()
        } else {
            format!("{}\u{a0}км", grouped(self.run_km.into()))
        }
    }

    /// `1.6 л, 90 л.с., бензин`: whatever of it is known.
    #[must_use]
    pub fn engine_text(&self) -> String {
        let litres = self.engine_dl.map(|dl| format!("{}.{}\u{a0}л", dl / 10, dl % 10));
        let power = self.power_hp.map(|hp| format!("{hp}\u{a0}л.с."));
        let fuel = self.fuel.map(|fuel| fuel.text().to_owned());
        [litres, power, fuel].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The most telling properties on one line: `2021, 41 000 км, робот, полный привод, серый`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = vec![self.year.to_string(), self.run_text()];
        parts.extend(self.gearbox.map(|g| g.text().to_owned()));
        parts.extend(self.drive.map(|d| d.text().to_owned()));
        parts.extend(self.color.as_ref().map(|c| c.to_lowercase()));
        parts.join(", ")
    }

    /// The shape that site templates read. Unknown properties are `null`.
    #[must_use]
    pub fn entity(&self) -> Value {
        json!({
            "id": self.key,
            "slug": self.slug,
            "href": self.href(),
            "vin": self.vin,
            "brand": self.brand,
            "model": self.model,
            "generation": self.generation,
            "modification": self.modification,
            "trim": self.trim,
            "title": self.title(),
            "body": self.body,
            "color": self.color,
            "year": self.year,
            "run_km": self.run_km,
            "run_text": self.run_text(),
            "price": self.price,
            "price_text": self.price_text(),
            "currency": "RUB",
            "availability": self.availability.code(),
            "availability_text": self.availability.text(),
            "is_new": self.is_new,
            "owners": self.owners,
            "gearbox": self.gearbox.map(Gearbox::code),
            "gearbox_text": self.gearbox.map(Gearbox::text),
            "drive": self.drive.map(Drive::code),
            "drive_text": self.drive.map(Drive::text),
            "fuel": self.fuel.map(Fuel::code),
            "fuel_text": self.fuel.map(Fuel::text),
            "power_hp": self.power_hp,
            "engine_l": self.engine_dl.map(|dl| f64::from(dl) / 10.0),
            "engine_text": self.engine_text(),
            "images": self.images,
            "description": self.description,
            "options": self.options,
            "discounts": {
                "max": self.discounts.max,
                "tradein": self.discounts.tradein,
                "credit": self.discounts.credit,
                "insurance": self.discounts.insurance,
            },
            "place": self.place,
            "summary": self.summary(),
        })
    }
}
