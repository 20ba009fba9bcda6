//! Inventory feeds: bytes in, vehicles and an account of every item that was refused.
//!
//! The reader streams: it holds one item at a time, whatever the size of the file.

mod autoru;
mod decode;
mod element;
mod field;
pub mod modification;
mod problem;
mod realty;
mod yrl;

use std::collections::HashSet;
use std::io::Read;

pub use self::problem::{ItemProblem, Verdict};
pub use self::realty::{FLAT_FORMATS, Finish, Flat, FlatFeed};

use self::element::{Element, Elements};
use self::field::Report;
use crate::catalogue::Vehicle;

/// One feed format: how to recognise it and how to read one item of it.
#[derive(Debug)]
pub struct Format<T: 'static = Vehicle> {
    /// The stable code that configurations name: `auto-ru`.
    pub code: &'static str,
    /// Name for people: `auto.ru`.
    pub name: &'static str,
    /// Names of the elements from the root down to one item.
    pub path: &'static [&'static str],
    /// Reads one item; `None` when the report says why not, or when the item is not to be shown.
    read: fn(&Element, &Limits, &mut Report<'_>) -> Option<T>,
}

/// Every format that can be read. A further one is one module and one line here.
pub static FORMATS: &[Format] = &[autoru::FORMAT];

/// What counts as possible in this business; whatever lies outside is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Oldest and newest model year.
    pub years: (u16, u16),
    /// Lowest and highest price, whole roubles.
    pub prices: (i64, i64),
    /// Highest mileage, kilometres.
    pub run_km: u32,
    /// Largest unpacked feed, bytes: a packed bomb stops here.
    pub bytes: u64,
}

impl Limits {
    /// Limits for a feed read in `year`: model years up to the next one, prices of 10,000 to 500 million
    /// roubles, up to 1.5 million kilometres, up to 512 MiB unpacked.
    #[must_use]
    pub fn in_year(year: u16) -> Self {
        Self {
            years: (1950, year.saturating_add(1)),
            prices: (10_000, 500_000_000),
            run_km: 1_500_000,
            bytes: 512 * 1024 * 1024,
        }
    }
}

/// What a feed gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Code of the format that was recognised.
    pub format: &'static str,
    /// Good items, in the order of the feed, each key, VIN and slug once.
    pub vehicles: Vec<Vehicle>,
    /// What was wrong with the others (and small faults of the good ones).
    pub problems: Vec<ItemProblem>,
    /// Items the dealer himself asked to hide.
    pub hidden: usize,
}

impl Feed {
    /// Reads a whole feed: XML in UTF-8, UTF-16 or the encoding it declares, plain or gzip.
    ///
    /// # Errors
    /// [`FeedError`] when nothing of it may be used: it cannot be read, ends early, is of an unknown format,
    /// or holds no item that could be shown. A bad item alone is never an error.
    pub fn read(source: impl Read, limits: &Limits) -> Result<Self, FeedError> {
        let mut seen = Seen::default();
        let read = read_items(source, limits, FORMATS, |vehicle, report| seen.admit(vehicle, report))?;
        let Items { format, items, problems, hidden } = read;
        let mut feed = Self { format, vehicles: items, problems, hidden };
        crate::catalogue::give_slugs(&mut feed.vehicles);
        Ok(feed)
    }
}

/// What was read of a feed, whatever its items are.
struct Items<T> {
    format: &'static str,
    items: Vec<T>,
    problems: Vec<ItemProblem>,
    hidden: usize,
}

/// Reads every item; `admit` has the last word about a good one.
fn read_items<T>(
    source: impl Read,
    limits: &Limits,
    formats: &'static [Format<T>],
    mut admit: impl FnMut(&T, &mut Report<'_>) -> bool,
) -> Result<Items<T>, FeedError> {
    let mut elements = Elements::open(source, limits.bytes, formats)?;
    let mut read = Items { format: "", items: Vec::new(), problems: Vec::new(), hidden: 0 };
    let mut position = 0;
    while let Some((format, element)) = elements.next()? {
        position += 1;
        read.format = format.code;
        let before = read.problems.len();
        let mut report = Report::new(position, element.line, &mut read.problems);
        let item = (format.read)(&element, limits, &mut report).filter(|item| admit(item, &mut report));
        match item {
            Some(item) => read.items.push(item),
            None if read.problems.len() == before => read.hidden += 1,
            None => {}
        }
    }
    if position == 0 {
        return Err(FeedError::Empty);
    }
    if read.items.is_empty() && read.hidden == 0 {
        let first = read.problems.first().map(ToString::to_string).unwrap_or_default();
        return Err(FeedError::NoneUsable { items: position, first });
    }
    Ok(read)
}

/// Keys and VINs already taken by an earlier item.
#[derive(Default)]
struct Seen {
    keys: HashSet<String>,
    vins: HashSet<String>,
}

impl Seen {
    fn admit(&mut self, vehicle: &Vehicle, report: &mut Report<'_>) -> bool {
        if !self.keys.insert(vehicle.key.clone()) {
            report.reject(
                "unique_id",
                format!("an earlier item has the same key `{}`", vehicle.key),
                "give every item its own id",
            );
            return false;
        }
        if let Some(vin) = &vehicle.vin
            && !self.vins.insert(vin.clone())
        {
            report.reject(
                "vin",
                format!("an earlier item has the same VIN `{vin}`"),
                "remove the repeated item or correct its VIN",
            );
            return false;
        }
        true
    }
}

/// Why a whole feed cannot be used; the stock of before stays.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The bytes could not be read or unpacked.
    #[error("the feed cannot be read near line {line}: {reason}; fetch it again")]
    Unreadable {
        /// Line of the text where it stopped.
        line: usize,
        /// What the reader said.
        reason: String,
    },
    /// It is not XML, or the XML is broken or ends early.
    #[error("the feed is not whole XML, line {line}: {reason}; export or fetch it again")]
    Broken {
        /// Line of the text.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// It unpacks to more than is allowed.
    #[error("the feed is larger than {limit} bytes; split it or leave out what is not for sale")]
    TooLarge {
        /// The limit, bytes.
        limit: u64,
    },
    /// Elements are nested deeper than any known format nests them.
    #[error("line {line}: elements are nested deeper than {limit} levels; this is no inventory feed")]
    TooDeep {
        /// Line of the text.
        line: usize,
        /// The limit.
        limit: usize,
    },
    /// The encoding named in the declaration does not exist.
    #[error("the XML declaration names the encoding `{name}`, which is unknown; use UTF-8 or windows-1251")]
    Encoding {
        /// As declared.
        name: String,
    },
    /// The root element belongs to no known format.
    #[error("the root element `{root}` is of no known feed format; known are: {known}")]
    UnknownFormat {
        /// Name of the root element.
        root: String,
        /// Names of the known formats.
        known: String,
    },
    /// Well-formed, but without a single item.
    #[error("the feed holds no items; check the export settings of the system that makes it")]
    Empty,
    /// There are items, yet every one was refused.
    #[error("none of the {items} items can be used; the first: {first}")]
    NoneUsable {
        /// How many there were.
        items: usize,
        /// What was wrong with the first.
        first: String,
    },
}
