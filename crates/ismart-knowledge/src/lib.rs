//! What a worker may know: pages, inventory feeds, retrieval.

pub mod catalogue;
pub mod feed;
pub mod index;
pub mod passages;

pub use catalogue::{Catalogue, Filters, Found, Vehicle};
pub use feed::{Feed, FeedError, Flat, FlatFeed, ItemProblem, Limits};
pub use index::{Answer, Hit, Index};
pub use passages::{Passage, passages_from_page};
