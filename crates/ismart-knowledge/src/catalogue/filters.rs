//! A typed question over the stock.

use std::sync::Arc;

use super::alias;
use super::vehicle::{Availability, Drive, Fuel, Gearbox, Vehicle};
use super::words::{folded, stems};

/// Which gearboxes will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GearboxChoice {
    /// Any that needs no clutch pedal: what people mean by «автомат».
    TwoPedals,
    /// Exactly this one.
    Exactly(Gearbox),
}

/// Which drive will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriveChoice {
    /// Any that drives one axle.
    OneAxle,
    /// Exactly this one.
    Exactly(Drive),
}

/// In which order answers come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// What can be bought today first, then the order of the feed.
    #[default]
    Availability,
    /// Cheapest first.
    Price,
    /// Dearest first.
    PriceDown,
    /// Newest first.
    Year,
    /// Least driven first.
    Run,
}

impl Sort {
    pub(super) fn arrange(self, items: &mut [Arc<Vehicle>]) {
        // Every sort here is stable, so the order of the feed breaks ties.
        match self {
            Self::Availability => items.sort_by_key(|v| v.availability),
            Self::Price => items.sort_by_key(|v| v.price),
            Self::PriceDown => items.sort_by_key(|v| std::cmp::Reverse(v.price)),
            Self::Year => items.sort_by_key(|v| std::cmp::Reverse(v.year)),
            Self::Run => items.sort_by_key(|v| v.run_km),
        }
    }
}

/// What is wanted. An empty list or `None` asks for nothing; a property that a vehicle's feed did not tell
/// satisfies no wish about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    /// One of these brands, in Latin or Russian spelling.
    pub brands: Vec<String>,
    /// One of these models or families, in Latin or Russian spelling: `Tiggo` finds `Tiggo 4` and `Tiggo 8`.
    pub models: Vec<String>,
    /// One of these bodies; the first words are enough: «внедорожник» finds «Внедорожник 5 дв.».
    pub bodies: Vec<String>,
    /// One of these colours, in any grammatical form.
    pub colors: Vec<String>,
    /// None of these colours.
    pub not_colors: Vec<String>,
    /// None of these brands.
    pub not_brands: Vec<String>,
    /// Gearbox.
    pub gearbox: Option<GearboxChoice>,
    /// Drive.
    pub drive: Option<DriveChoice>,
    /// Fuel.
    pub fuel: Option<Fuel>,
    /// Availability.
    pub availability: Option<Availability>,
    /// Lowest price, whole roubles.
    pub price_min: Option<i64>,
    /// Highest price, whole roubles.
    pub price_max: Option<i64>,
    /// Oldest model year.
    pub year_min: Option<u16>,
    /// Newest model year.
    pub year_max: Option<u16>,
    /// Highest mileage, kilometres.
    pub run_max: Option<u32>,
    /// Least horsepower.
    pub power_min: Option<u16>,
    /// Sold as new, or used.
    pub is_new: Option<bool>,
    /// Order.
    pub sort: Sort,
    /// How many at most; `None` for all.
    pub limit: Option<usize>,
}

impl Filters {
    /// Makes the texts comparable once for the whole search.
    pub(super) fn prepared(&self) -> Prepared<'_> {
        Prepared {
            filters: self,
            brands: self.brands.iter().map(|name| alias::brand_key(name)).collect(),
            not_brands: self.not_brands.iter().map(|name| alias::brand_key(name)).collect(),
            models: self.models.iter().map(|name| alias::model_key(name)).collect(),
            bodies: self.bodies.iter().map(|name| stems(name)).collect(),
            colors: self.colors.iter().map(|name| stems(name)).collect(),
            not_colors: self.not_colors.iter().map(|name| stems(name)).collect(),
        }
    }

    /// Whether one vehicle matches.
    #[must_use]
    pub fn admits(&self, vehicle: &Vehicle) -> bool {
        self.prepared().admits(vehicle)
    }
}

/// Filters with their texts folded.
pub(super) struct Prepared<'a> {
    filters: &'a Filters,
    brands: Vec<String>,
    not_brands: Vec<String>,
    models: Vec<String>,
    bodies: Vec<Vec<String>>,
    colors: Vec<Vec<String>>,
    not_colors: Vec<Vec<String>>,
}

impl Prepared<'_> {
    pub(super) fn admits(&self, vehicle: &Vehicle) -> bool {
        self.numbers_fit(vehicle) && self.choices_fit(vehicle) && self.names_fit(vehicle)
    }

    fn numbers_fit(&self, vehicle: &Vehicle) -> bool {
        let wanted = self.filters;
        wanted.price_min.is_none_or(|least| vehicle.price >= least)
            && wanted.price_max.is_none_or(|most| vehicle.price <= most)
            && wanted.year_min.is_none_or(|least| vehicle.year >= least)
            && wanted.year_max.is_none_or(|most| vehicle.year <= most)
            && wanted.run_max.is_none_or(|most| vehicle.run_km <= most)
            && wanted.power_min.is_none_or(|least| vehicle.power_hp.is_some_and(|power| power >= least))
    }

    fn choices_fit(&self, vehicle: &Vehicle) -> bool {
        let wanted = self.filters;
        wanted.gearbox.is_none_or(|choice| {
            vehicle.gearbox.is_some_and(|gearbox| match choice {
                GearboxChoice::TwoPedals => gearbox != Gearbox::Manual,
                GearboxChoice::Exactly(exact) => gearbox == exact,
            })
        }) && wanted.drive.is_none_or(|choice| {
            vehicle.drive.is_some_and(|drive| match choice {
                DriveChoice::OneAxle => drive != Drive::All,
                DriveChoice::Exactly(exact) => drive == exact,
            })
        }) && wanted.fuel.is_none_or(|fuel| vehicle.fuel == Some(fuel))
            && wanted.availability.is_none_or(|availability| vehicle.availability == availability)
            && wanted.is_new.is_none_or(|is_new| vehicle.is_new == is_new)
    }

    fn names_fit(&self, vehicle: &Vehicle) -> bool {
        let brand = folded(&vehicle.brand);
        if (!self.brands.is_empty() && !self.brands.contains(&brand)) || self.not_brands.contains(&brand) {
            return false;
        }
        if !self.models.is_empty() {
            let model = folded(&vehicle.model);
            if !self.models.iter().any(|wanted| is_model_or_family(&model, wanted)) {
                return false;
            }
        }
        let body = || vehicle.body.as_deref().map(stems).unwrap_or_default();
        let color = || vehicle.color.as_deref().map(stems).unwrap_or_default();
        (self.bodies.is_empty() || starts_with_any(&body(), &self.bodies))
            && (self.colors.is_empty() || holds_any(&color(), &self.colors))
            && !holds_any(&color(), &self.not_colors)
    }
}

/// `RAV 4`, `RAV-4` and `RAV4` are one model; `Niva` is the family of `Niva Travel`, but `X3` is none of `X30`.
fn is_model_or_family(model: &str, wanted: &str) -> bool {
    let family = model.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(' '));
    !wanted.is_empty() && (family || model.replace(' ', "") == wanted.replace(' ', ""))
}

fn starts_with_any(words: &[String], wishes: &[Vec<String>]) -> bool {
    wishes.iter().any(|wish| !wish.is_empty() && words.starts_with(wish))
}

/// «серый» is in «темно-серый металлик».
fn holds_any(words: &[String], wishes: &[Vec<String>]) -> bool {
    wishes.iter().any(|wish| !wish.is_empty() && wish.iter().all(|word| words.contains(word)))
}
