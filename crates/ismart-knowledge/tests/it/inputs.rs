//! Inputs shared by the tests.

use std::path::PathBuf;

use ismart_domain::Entropy as _;
use ismart_domain::env::SeededEntropy;
use ismart_knowledge::{Feed, FeedError, Limits};

/// Limits of the year 2026.
pub(crate) fn limits() -> Limits {
    Limits::in_year(2026)
}

/// Reads a feed of these bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<Feed, FeedError> {
    Feed::read(bytes, &limits())
}

/// A feed of one car; `fields` may repeat a default field, the first one counts.
pub(crate) fn car(fields: &str) -> String {
    format!(
        "<car>{fields}<unique_id>a1</unique_id><mark_id>Kia</mark_id><folder_id>Rio, IV</folder_id>\
         <modification_id>1.6 AT (123 л.с.)</modification_id><run>0</run><year>2026</year>\
         <price>1500000</price><color>Белый</color><body_type>Седан</body_type>\
         <availability>В наличии</availability></car>"
    )
}

/// Wraps cars into a whole feed.
pub(crate) fn feed_of(cars: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<data><cars>{cars}</cars></data>")
}

/// The demo dealer's own feed.
pub(crate) fn demo_feed() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/avtograd/data/feeds/stock.xml");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Repeatable random numbers.
pub(crate) struct Dice(SeededEntropy);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number from 0 up to, not including, `end`.
    pub(crate) fn below(&self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % u64::try_from(end).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn maybe(&self) -> bool {
        self.below(3) == 0
    }
}
