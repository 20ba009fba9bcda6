//! A feed that lost most of its items is more likely a fault of the export than a great sale.

use std::sync::Arc;

use super::Catalogue;
use crate::feed::{Feed, ItemProblem};

/// Why the stock of before stayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the new feed holds {new} items where the stock of before holds {old}, less than half; the stock of before \
     stays on the site; if so many were really sold, accept the feed by hand"
)]
pub struct Shrunk {
    /// Items on the site.
    pub old: usize,
    /// Items in the new feed.
    pub new: usize,
}

/// What came of a new feed.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The stock to show.
    pub catalogue: Arc<Catalogue>,
    /// Faults of single items of the new feed.
    pub problems: Vec<ItemProblem>,
    /// Set when the stock of before was kept.
    pub shrunk: Option<Shrunk>,
}

/// Takes a new feed in place of the old stock, unless more than half of the items vanished.
#[must_use]
pub fn admit(old: Option<&Arc<Catalogue>>, feed: Feed) -> Admission {
    let new = feed.vehicles.len();
    match old {
        Some(old) if new * 2 < old.len() => Admission {
            catalogue: Arc::clone(old),
            problems: feed.problems,
            shrunk: Some(Shrunk { old: old.len(), new }),
        },
        _ => Admission {
            catalogue: Arc::new(Catalogue::new(feed.vehicles)),
            problems: feed.problems,
            shrunk: None,
        },
    }
}
