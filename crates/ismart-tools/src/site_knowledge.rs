//! What the reading tools know of one site: stock, pages, business, credit. One immutable snapshot; a newer one
//! takes its place as a whole, so that no answer mixes two states.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ismart_domain::conversation::SourceLink;
use ismart_knowledge::{Catalogue, Index};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::business::{Business, BusinessError};
use crate::credit::{Credit, CreditError};

/// The snapshot.
#[derive(Debug)]
pub struct SiteKnowledge {
    /// The stock.
    pub catalogue: Arc<Catalogue>,
    /// The pages.
    pub index: Arc<Index>,
    /// Name, address, phones, hours.
    pub business: Business,
    /// Declared credit programmes.
    pub credit: Credit,
    /// The page with address and hours, for the link under such an answer.
    pub contacts: Option<SourceLink>,
    /// The page about credit, for the link under an estimate.
    pub credit_page: Option<SourceLink>,
}

/// The present snapshot of one site; every call of a tool loads it afresh.
pub type Knowledge = Arc<ArcSwap<SiteKnowledge>>;

/// Why `global.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GlobalError {
    /// `business` is wrong.
    #[error("global.json, business: {0}")]
    Business(#[from] BusinessError),
    /// `credit` is wrong.
    #[error("global.json, credit: {0}")]
    Credit(#[from] CreditError),
}

impl SiteKnowledge {
    /// Puts a snapshot together; `global` is the site's `global.json`, `zone` the site's time zone.
    ///
    /// # Errors
    /// [`GlobalError`] when `business` or `credit` has a wrong value. Either may be absent: then questions about
    /// it are refused.
    pub fn new(
        catalogue: Arc<Catalogue>,
        index: Arc<Index>,
        global: &Value,
        zone: &TimeZone,
    ) -> Result<Self, GlobalError> {
        Ok(Self {
            catalogue,
            index,
            business: Business::from_global(global, zone)?,
            credit: Credit::from_global(global)?,
            contacts: None,
            credit_page: None,
        })
    }
}
