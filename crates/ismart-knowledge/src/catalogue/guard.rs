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

impl Shrunk {
    /// Says so when more than half of the items vanished.
    ///
    /// ```
    /// use ismart_knowledge::catalogue::Shrunk;
    ///
    /// assert_eq!(Shrunk::judge(10, 5), None);
    /// assert_eq!(Shrunk::judge(10, 4), Some(Shrunk { old: 10, new: 4 }));
    /// ```
    #[must_use]
    pub fn judge(old: usize, new: usize) -> Option<Self> {
        (new * 2 < old).then_some(Self { old, new })
    }
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
    let shrunk = old.and_then(|old| Shrunk::judge(old.len(), new));
    match (old, shrunk) {
        (Some(old), Some(shrunk)) => {
            Admission { catalogue: Arc::clone(old), problems: feed.problems, shrunk: Some(shrunk) }
        }
        _ => Admission {
            catalogue: Arc::new(Catalogue::new(feed.vehicles)),
            problems: feed.problems,
            shrunk: None,
        },
    }
}
