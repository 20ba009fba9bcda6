//! The stock of a dealer as an immutable snapshot: typed questions, exact answers.
//! Promises: `catalogue.contract.md`.

mod alias;
mod filters;
mod guard;
mod lookup;
mod slug;
mod vehicle;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use self::filters::{DriveChoice, Filters, GearboxChoice, Sort};
pub use self::guard::{Admission, Shrunk, admit};
pub use self::lookup::Match;
pub use self::slug::slugify;
pub use self::vehicle::{Availability, Discounts, Drive, Fuel, Gearbox, Vehicle};

pub(crate) use self::slug::give_slugs;

/// A count of vehicles that share a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The value as the feed spells it most often.
    pub name: String,
    /// How many vehicles have it.
    pub count: usize,
}

/// A model and the brand it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelTerm {
    /// Brand.
    pub brand: String,
    /// Model.
    pub name: String,
    /// How many vehicles.
    pub count: usize,
}

/// Everything that can be asked for, as it is in stock; each list is sorted by count, then by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Brands.
    pub brands: Vec<Term>,
    /// Models.
    pub models: Vec<ModelTerm>,
    /// Bodies.
    pub bodies: Vec<Term>,
    /// Colours.
    pub colors: Vec<Term>,
    /// Lowest and highest price, whole roubles.
    pub prices: Option<(i64, i64)>,
    /// Oldest and newest model year.
    pub years: Option<(u16, u16)>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How many vehicles match, whatever the limit.
    pub total: usize,
    /// The first of them.
    pub items: Vec<Arc<Vehicle>>,
}

/// The stock at one moment. Never changes: a newer feed makes a newer catalogue.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    vehicles: Vec<Arc<Vehicle>>,
    by_key: HashMap<String, Arc<Vehicle>>,
    by_vin: HashMap<String, Arc<Vehicle>>,
    by_slug: HashMap<String, Arc<Vehicle>>,
    vocabulary: Vocabulary,
    titles: lookup::Titles,
}

impl Catalogue {
    /// Makes a snapshot; the order of the feed is kept.
    #[must_use]
    pub fn new(vehicles: Vec<Vehicle>) -> Self {
        let vehicles: Vec<Arc<Vehicle>> = vehicles.into_iter().map(Arc::new).collect();
        let map = |key: fn(&Vehicle) -> Option<String>| {
            vehicles.iter().filter_map(|v| key(v).map(|k| (k, Arc::clone(v)))).collect::<HashMap<_, _>>()
        };
        Self {
            by_key: map(|v| Some(v.key.clone())),
            by_vin: map(|v| v.vin.clone()),
            by_slug: map(|v| Some(v.slug.clone())),
            vocabulary: Vocabulary::of(&vehicles),
            titles: lookup::Titles::of(&vehicles),
            vehicles,
        }
    }

    /// All vehicles in the order of the feed.
    #[must_use]
    pub fn vehicles(&self) -> &[Arc<Vehicle>] {
        &self.vehicles
    }

    /// How many vehicles there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.vehicles.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.vehicles.is_empty()
    }

    /// Finds by key, by VIN in any case, or by slug.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Vehicle>> {
        let id = id.trim();
        self.by_key
            .get(id)
            .or_else(|| self.by_vin.get(&id.to_uppercase()))
            .or_else(|| self.by_slug.get(&id.to_lowercase()))
    }

    /// All that match, in the order of `filters.sort`; vehicles that can be bought today come first unless
    /// an order was asked for. Equal ones keep the order of the feed.
    #[must_use]
    pub fn search(&self, filters: &Filters) -> Found {
        let test = filters.prepared();
        let mut items: Vec<Arc<Vehicle>> =
            self.vehicles.iter().filter(|vehicle| test.admits(vehicle)).cloned().collect();
        filters.sort.arrange(&mut items);
        let total = items.len();
        items.truncate(filters.limit.unwrap_or(usize::MAX));
        Found { total, items }
    }

    /// Vehicles whose name resembles the text ("рав 4", "хавал джолион", "ocatvia"), best first, at most
    /// `limit`. Cyrillic spellings of Latin names count as the same name.
    #[must_use]
    pub fn lookup(&self, text: &str, limit: usize) -> Vec<Match> {
        self.titles.find(text, limit)
    }

    /// What the stock consists of.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

impl Vocabulary {
    fn of(vehicles: &[Arc<Vehicle>]) -> Self {
        let mut models: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for vehicle in vehicles {
            *models.entry((&vehicle.brand, &vehicle.model)).or_default() += 1;
        }
        let mut models: Vec<ModelTerm> = models
            .into_iter()
            .map(|((brand, name), count)| ModelTerm { brand: brand.to_owned(), name: name.to_owned(), count })
            .collect();
        models.sort_by_key(|model| std::cmp::Reverse(model.count));
        let bounds = |values: &mut dyn Iterator<Item = i64>| {
            values.fold(None, |bounds: Option<(i64, i64)>, value| {
                Some(bounds.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })
        };
        let years = bounds(&mut vehicles.iter().map(|v| i64::from(v.year)));
        Self {
            brands: terms(vehicles.iter().map(|v| v.brand.as_str())),
            models,
            bodies: terms(vehicles.iter().filter_map(|v| v.body.as_deref())),
            colors: terms(vehicles.iter().filter_map(|v| v.color.as_deref())),
            prices: bounds(&mut vehicles.iter().map(|v| v.price)),
            years: years.and_then(|(low, high)| Some((low.try_into().ok()?, high.try_into().ok()?))),
        }
    }
}

/// Counts values; spellings that differ in case or ё alone are one value.
fn terms<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Term> {
    let mut spellings: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for value in values {
        *spellings.entry(words::folded(value)).or_default().entry(value).or_default() += 1;
    }
    let mut terms: Vec<Term> = spellings
        .into_values()
        .filter_map(|spelling| {
            let count = spelling.values().sum();
            let name = spelling.into_iter().max_by_key(|(_, count)| *count)?.0;
            Some(Term { name: name.to_owned(), count })
        })
        .collect();
    terms.sort_by_key(|term| std::cmp::Reverse(term.count));
    terms
}
