//! Flats for sale: what feeds of builders and agencies tell of them.

use std::collections::HashSet;
use std::io::Read;

use ismart_domain::money::grouped;
use serde_json::{Value, json};

use super::problem::ItemProblem;
use super::{FeedError, Format, Items, Limits, read_items, yrl};
use crate::catalogue::slugify;

/// Every format of flats that can be read. A further one is one module and one line here.
pub static FLAT_FORMATS: &[Format<Flat>] = &[yrl::FORMAT];

/// How a flat is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finish {
    /// Bare walls.
    Rough,
    /// Ready for the last layer.
    White,
    /// Ready to live in.
    Full,
}

impl Finish {
    /// The stable code that templates read.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Rough => "rough",
            Self::White => "white",
            Self::Full => "full",
        }
    }
}

/// One flat.
#[derive(Debug, Clone, PartialEq)]
pub struct Flat {
    /// Stable key in the seller's system.
    pub key: String,
    /// End of its address on the site.
    pub slug: String,
    /// Name of the complex, as the feed has it.
    pub complex: Option<String>,
    /// Number of the flat.
    pub number: Option<i64>,
    /// Section of the building, as the feed has it.
    pub section: Option<String>,
    /// Floor.
    pub floor: i64,
    /// Floors of the building.
    pub floors_total: Option<i64>,
    /// Rooms; 0 for a studio.
    pub rooms: i64,
    /// Whole area, tenths of a square metre.
    pub area_dm: i64,
    /// Living area, tenths of a square metre.
    pub living_dm: Option<i64>,
    /// Kitchen, tenths of a square metre.
    pub kitchen_dm: Option<i64>,
    /// Price, whole roubles.
    pub price: i64,
    /// How it is handed over.
    pub finish: Option<Finish>,
    /// What is seen from its windows.
    pub view: Option<String>,
    /// Address of its plan.
    pub plan: Option<String>,
    /// Addresses of pictures.
    pub images: Vec<String>,
    /// In the seller's words.
    pub description: String,
    /// Year and quarter in which it is handed over.
    pub handover: Option<(i64, Option<i64>)>,
    /// The seller holds it for somebody.
    pub reserved: bool,
}

impl Flat {
    /// What a person calls it.
    #[must_use]
    pub fn title(&self) -> String {
        match (self.number, self.rooms) {
            (Some(number), _) => format!("Квартира № {number}"),
            (None, 0) => format!("Студия, {} м²", tenths(self.area_dm).replace('.', ",")),
            (None, rooms) => {
                format!("{rooms}-комнатная квартира, {} м²", tenths(self.area_dm).replace('.', ","))
            }
        }
    }

    /// The shape that site templates read. Unknown properties are `null`.
    #[must_use]
    pub fn entity(&self) -> Value {
        let metres = |dm: i64| serde_json::from_str::<Value>(&tenths(dm)).unwrap_or(Value::Null);
        json!({
            "id": self.key,
            "slug": self.slug,
            "visible": true,
            "title": self.title(),
            "complex": self.complex.as_deref().map(complex_slug),
            "complex_name": self.complex,
            "number": self.number,
            "section": self.section.as_deref().map(|text| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)),
            "floor": self.floor,
            "floors_total": self.floors_total,
            "rooms": self.rooms,
            "area": metres(self.area_dm),
            "living": self.living_dm.map(metres),
            "kitchen": self.kitchen_dm.map(metres),
            "price": self.price,
            "price_text": format!("{} ₽", grouped(self.price.unsigned_abs())),
            "finish": self.finish.map(Finish::code),
            "view": self.view,
            "plan": self.plan,
            "images": self.images,
            "description": self.description,
            "status": if self.reserved { "reserved" } else { "free" },
            "features": [],
            "handover": self.handover.map(|(year, quarter)| json!({ "year": year, "quarter": quarter })),
        })
    }
}

/// `ЖК «Тихий берег»` and `Тихий берег` are one complex.
fn complex_slug(name: &str) -> String {
    let bare = name.trim();
    let bare = ["жилой комплекс", "жк", "мкр"]
        .iter()
        .find_map(|word| bare.to_lowercase().strip_prefix(word).map(str::to_owned))
        .filter(|rest| !rest.starts_with(char::is_alphabetic))
        .unwrap_or_else(|| bare.to_owned());
    slugify(&bare)
}

/// Tenths as a decimal number.
fn tenths(dm: i64) -> String {
    if dm % 10 == 0 { (dm / 10).to_string() } else { format!("{}.{}", dm / 10, dm % 10) }
}

/// What a feed of flats gave.
#[derive(Debug, Clone, PartialEq)]
pub struct FlatFeed {
    /// Code of the format that was recognised.
    pub format: &'static str,
    /// Good items, in the order of the feed, each key once.
    pub flats: Vec<Flat>,
    /// What was wrong with the others (and small faults of the good ones).
    pub problems: Vec<ItemProblem>,
    /// Items that are not for sale as flats.
    pub hidden: usize,
}

impl FlatFeed {
    /// Reads a whole feed of flats: XML in UTF-8, UTF-16 or the encoding it declares, plain or gzip.
    ///
    /// # Errors
    /// [`FeedError`] when nothing of it may be used. A bad item alone is never an error.
    pub fn read(source: impl Read, limits: &Limits) -> Result<Self, FeedError> {
        let mut keys = HashSet::new();
        let read = read_items(source, limits, FLAT_FORMATS, |flat, report| {
            let fresh = keys.insert(flat.key.clone());
            if !fresh {
                report.reject(
                    "internal-id",
                    format!("an earlier item has the same key `{}`", flat.key),
                    "give every item its own id",
                );
            }
            fresh
        })?;
        let Items { format, items, problems, hidden } = read;
        let mut feed = Self { format, flats: items, problems, hidden };
        give_slugs(&mut feed.flats);
        Ok(feed)
    }
}

/// Addresses that stay the same whenever the same flat comes again: made of its key.
fn give_slugs(flats: &mut [Flat]) {
    let mut taken = HashSet::new();
    for flat in flats {
        let base = slugify(&flat.key);
        let base = if base.is_empty() { "flat".to_owned() } else { format!("kv-{base}") };
        let numbered = (2..).map(|n| format!("{base}-{n}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|slug| !taken.contains(slug));
        flat.slug = free.unwrap_or(base);
        taken.insert(flat.slug.clone());
    }
}
