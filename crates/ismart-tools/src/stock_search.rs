//! `stock_search`: which vehicles fit the wishes.
//!
//! Arguments, all optional: `brand`, `model`, `body`, `colors`, `not_colors` (texts or lists of texts), `gearbox`
//! (`manual`, `automatic` for any without a clutch pedal, `torque_converter`, `robot`, `variator`), `drive` (`all`,
//! `front`, `rear`, `two_wheel`), `fuel` (`petrol`, `diesel`, `hybrid`, `electric`, `gas`), `price_min`, `price_max`
//! (roubles), `year_min`, `run_max` (km), `power_min` (hp), `is_new`, `sort` (`price`, `-price`, `year`, `run`),
//! `limit` (3 unless told). Gives `total`, `items`, `filters_text`; cards and sources of the items.

use ismart_domain::BoxFuture;
use ismart_domain::money::grouped;
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use ismart_knowledge::Filters;
use ismart_knowledge::catalogue::{Catalogue, Drive, DriveChoice, Fuel, Gearbox, GearboxChoice, Sort};
use serde_json::{Value, json};

use crate::reader::Reader;
use crate::shown;
use crate::site_knowledge::Knowledge;

const KNOWN: [&str; 16] = [
    "brand",
    "model",
    "body",
    "colors",
    "not_colors",
    "gearbox",
    "drive",
    "fuel",
    "price_min",
    "price_max",
    "year_min",
    "run_max",
    "power_min",
    "is_new",
    "sort",
    "limit",
];
const GEARBOXES: [(&str, GearboxChoice); 5] = [
    ("manual", GearboxChoice::Exactly(Gearbox::Manual)),
    ("automatic", GearboxChoice::TwoPedals),
    ("torque_converter", GearboxChoice::Exactly(Gearbox::Automatic)),
    ("robot", GearboxChoice::Exactly(Gearbox::Robot)),
    ("variator", GearboxChoice::Exactly(Gearbox::Variator)),
];
const DRIVES: [(&str, DriveChoice); 4] = [
    ("all", DriveChoice::Exactly(Drive::All)),
    ("front", DriveChoice::Exactly(Drive::Front)),
    ("rear", DriveChoice::Exactly(Drive::Rear)),
    ("two_wheel", DriveChoice::OneAxle),
];
const FUELS: [(&str, Fuel); 5] = [
    ("petrol", Fuel::Petrol),
    ("diesel", Fuel::Diesel),
    ("hybrid", Fuel::Hybrid),
    ("electric", Fuel::Electric),
    ("gas", Fuel::Gas),
];
const SORTS: [(&str, Sort); 4] =
    [("price", Sort::Price), ("-price", Sort::PriceDown), ("year", Sort::Year), ("run", Sort::Run)];
const ROUBLES: (i64, i64) = (0, 1_000_000_000);
const SHOWN: i64 = 3;

/// See the module.
#[derive(Debug)]
pub struct StockSearch(Knowledge);

impl StockSearch {
    /// Searches the stock of this site.
    #[must_use]
    pub fn new(knowledge: Knowledge) -> Self {
        Self(knowledge)
    }

    fn run(&self, scope: &ToolScope, arguments: &Value) -> Result<ToolOutcome, ToolError> {
        let site = self.0.load();
        let mut filters = read(arguments)?;
        widen_drive(&mut filters, &site.catalogue);
        widen_body(&mut filters, &site.catalogue);
        let found = site.catalogue.search(&filters);
        let russian = scope.language != "en";
        let items: Vec<Value> = found.items.iter().map(|vehicle| shown::short(vehicle, russian)).collect();
        Ok(ToolOutcome {
            data: json!({
                "total": found.total,
                "items": items,
                "filters_text": describe(&filters, russian),
            }),
            sources: found.items.iter().map(|vehicle| shown::source(vehicle)).collect(),
            cards: found.items.iter().map(|vehicle| shown::card(vehicle, russian)).collect(),
            ..ToolOutcome::default()
        })
    }
}

impl Tool for StockSearch {
    fn name(&self) -> &'static str {
        "stock_search"
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move { self.run(scope, arguments) })
    }
}

fn read(arguments: &Value) -> Result<Filters, ToolError> {
    let reader = Reader::new(arguments, &KNOWN)?;
    let small = |name: &str, range: (i64, i64)| -> Result<Option<u32>, ToolError> {
        Ok(reader.number(name, range)?.and_then(|number| u32::try_from(number).ok()))
    };
    Ok(Filters {
        brands: reader.texts("brand")?,
        models: reader.texts("model")?,
        bodies: reader.texts("body")?,
        colors: reader.texts("colors")?,
        not_colors: reader.texts("not_colors")?,
        gearbox: reader.choice("gearbox", &GEARBOXES)?,
        drive: reader.choice("drive", &DRIVES)?,
        fuel: reader.choice("fuel", &FUELS)?,
        price_min: reader.number("price_min", ROUBLES)?,
        price_max: reader.number("price_max", ROUBLES)?,
        year_min: small("year_min", (1900, 2200))?.and_then(|year| year.try_into().ok()),
        run_max: small("run_max", (0, 10_000_000))?,
        power_min: small("power_min", (0, 5000))?.and_then(|power| power.try_into().ok()),
        is_new: reader.flag("is_new")?,
        sort: reader.choice("sort", &SORTS)?.unwrap_or_default(),
        limit: usize::try_from(reader.number("limit", (1, 50))?.unwrap_or(SHOWN)).ok(),
        ..Filters::default()
    })
}

/// Feeds tell all-wheel drive apart and seldom which of two axles is driven. Where no vehicle tells, a wish for the
/// front or rear axle becomes a wish for one axle, and the description says so.
fn widen_drive(filters: &mut Filters, catalogue: &Catalogue) {
    if let Some(DriveChoice::Exactly(wanted @ (Drive::Front | Drive::Rear))) = filters.drive
        && !catalogue.vehicles().iter().any(|vehicle| vehicle.drive == Some(wanted))
    {
        filters.drive = Some(DriveChoice::OneAxle);
    }
}

/// Some feeds know no crossovers and call them off-roaders. There a wish for the one is a wish for the other, and the
/// description says so.
fn widen_body(filters: &mut Filters, catalogue: &Catalogue) {
    const CROSSOVER: &str = "кроссовер";
    let known =
        catalogue.vocabulary().bodies.iter().any(|body| body.name.to_lowercase().starts_with(CROSSOVER));
    if !known {
        for body in filters.bodies.iter_mut().filter(|body| body.to_lowercase() == CROSSOVER) {
            "внедорожник".clone_into(body);
        }
    }
}

/// The wishes in words: `Haval, кроссовер, автомат, до 2 000 000 ₽, кроме: серебристый`.
fn describe(filters: &Filters, russian: bool) -> String {
    let say = |ru: &str, en: &str| if russian { ru.to_owned() } else { en.to_owned() };
    let money = |amount: i64| format!("{}\u{a0}₽", grouped(amount.unsigned_abs()));
    let or = if russian { " или " } else { " or " };
    let mut parts: Vec<String> = [&filters.brands, &filters.models, &filters.bodies, &filters.colors]
        .into_iter()
        .filter(|names| !names.is_empty())
        .map(|names| names.join(or))
        .collect();
    parts.extend(filters.is_new.map(|new| if new { say("новый", "new") } else { say("с пробегом", "used") }));
    parts.extend(filters.gearbox.map(|choice| match choice {
        GearboxChoice::TwoPedals => say("автомат", "automatic"),
        GearboxChoice::Exactly(exact) => shown::gearbox(exact, russian).to_owned(),
    }));
    parts.extend(filters.drive.map(|choice| match choice {
        DriveChoice::OneAxle => shown::drive(Drive::TwoWheel, russian).to_owned(),
        DriveChoice::Exactly(exact) => shown::drive(exact, russian).to_owned(),
    }));
    parts.extend(filters.fuel.map(|fuel| shown::fuel(fuel, russian).to_owned()));
    parts.extend(filters.price_min.map(|price| format!("{} {}", say("от", "from"), money(price))));
    parts.extend(filters.price_max.map(|price| format!("{} {}", say("до", "up to"), money(price))));
    parts.extend(filters.year_min.map(|year| match russian {
        true => format!("не старше {year} года"),
        false => format!("{year} or newer"),
    }));
    parts.extend(filters.run_max.map(|run| match russian {
        true => format!("пробег до {}\u{a0}км", grouped(run.into())),
        false => format!("up to {}\u{a0}km driven", grouped(run.into())),
    }));
    parts.extend(filters.power_min.map(|power| match russian {
        true => format!("от {power}\u{a0}л.с."),
        false => format!("from {power}\u{a0}hp"),
    }));
    if !filters.not_colors.is_empty() {
        parts.push(format!("{} {}", say("кроме:", "except:"), filters.not_colors.join(", ")));
    }
    parts.join(", ")
}
