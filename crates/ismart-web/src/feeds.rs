//! Inventory feeds that sites fetch: what the configuration of a site asks for, and people who want it now.

use std::sync::{Mutex, PoisonError};

use ismart_sites::SiteConfig;
use tokio::sync::{Notify, oneshot};

/// Minutes between two fetchings unless the site says otherwise.
pub const USUAL: u32 = 60;
/// The shortest and the longest time between two fetchings, minutes.
pub const BOUNDS: (u32, u32) = (5, 7 * 24 * 60);

/// What an inventory feed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    /// Vehicles.
    Cars,
    /// Flats for sale.
    Flats,
}

impl FeedKind {
    /// What the feed of a site holds: `format` of `[inventory]`, `auto-ru` unless it says something else.
    ///
    /// # Errors
    /// When there is no such format, with those that there are.
    pub fn of(config: &SiteConfig) -> Result<Self, String> {
        let format = config.section("inventory").and_then(|table| table.get("format"));
        match format.map(|format| format.as_str().unwrap_or_default()) {
            None | Some("auto-ru") => Ok(Self::Cars),
            Some("yrl") => Ok(Self::Flats),
            Some(other) => {
                Err(format!("`format` of [inventory] is `auto-ru` (cars) or `yrl` (flats), not `{other}`"))
            }
        }
    }
}

/// `[inventory]` of a site that fetches its feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPlan {
    /// Where from.
    pub url: String,
    /// The file that keeps it, relative to the site folder.
    pub file: String,
    /// Minutes between two fetchings.
    pub every_minutes: u32,
    /// What it holds.
    pub kind: FeedKind,
}

impl FeedPlan {
    /// The plan of a site; nothing when its feed is a file that somebody else brings.
    ///
    /// # Errors
    /// What is wrong with `[inventory]`, with what to write instead.
    pub fn of(config: &SiteConfig) -> Result<Option<Self>, String> {
        let Some(table) = config.section("inventory") else { return Ok(None) };
        let text = |key: &str| table.get(key).and_then(|value| value.as_str());
        let Some(url) = text("url") else { return Ok(None) };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(format!("`url` of [inventory] is no web address: `{url}`; write https://…"));
        }
        let file = text("feed").unwrap_or("data/feeds/stock.xml");
        let inside = !file.starts_with('/') && !file.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !inside || !file.starts_with("data/") {
            return Err(format!("`feed` of [inventory] is no file below data/: `{file}`"));
        }
        let every = match table.get("every_minutes") {
            None => USUAL,
            Some(value) => {
                let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
                let number = number.filter(|number| (BOUNDS.0..=BOUNDS.1).contains(number));
                number.ok_or_else(|| {
                    format!("`every_minutes` of [inventory] is a number from {} to {}", BOUNDS.0, BOUNDS.1)
                })?
            }
        };
        let kind = FeedKind::of(config)?;
        Ok(Some(Self { url: url.to_owned(), file: file.to_owned(), every_minutes: every, kind }))
    }
}

/// Somebody wants a feed now.
#[derive(Debug)]
pub struct WantedFeed {
    /// Key of the site.
    pub site: String,
    /// Take it even when most of the stock would vanish.
    pub believed: bool,
    /// Hears when it was fetched, whatever came of it.
    pub done: oneshot::Sender<()>,
}

/// Where people ask for feeds, and the task that fetches them hears of it.
#[derive(Debug, Default)]
pub struct FeedDesk {
    wanted: Mutex<Vec<WantedFeed>>,
    bell: Notify,
}

impl FeedDesk {
    /// Asks for the feed of a site now; what is given ends when it was fetched.
    pub fn want(&self, site: &str, believed: bool) -> oneshot::Receiver<()> {
        let (done, heard) = oneshot::channel();
        let wanted = WantedFeed { site: site.to_owned(), believed, done };
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(wanted);
        self.bell.notify_one();
        heard
    }

    /// Waits until somebody asks.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Everything that was asked for since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<WantedFeed> {
        std::mem::take(&mut self.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
