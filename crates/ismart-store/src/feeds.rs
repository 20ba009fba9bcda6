//! How the fetching of inventory feeds went: when, with what result, and what the source said of its age.

use ismart_domain::{ClientId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// What came of a fetching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedOutcome {
    /// A new stock is on the site.
    Fresh,
    /// The source has nothing new.
    Same,
    /// It was read and not believed: the stock of before stays.
    Kept,
    /// It could not be fetched or read: the stock of before stays.
    Failed,
}

impl FeedOutcome {
    const ALL: [Self; 4] = [Self::Fresh, Self::Same, Self::Kept, Self::Failed];

    /// The stored name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Same => "same",
            Self::Kept => "kept",
            Self::Failed => "failed",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }

    /// Whether what is on the site is what the source has.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Fresh | Self::Same)
    }
}

/// The last fetching of a site's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    /// Where it was fetched from.
    pub url: String,
    /// Tag of what was taken last.
    pub etag: Option<String>,
    /// Age of what was taken last, as the source wrote it.
    pub last_modified: Option<String>,
    /// The last try.
    pub tried_at: Timestamp,
    /// The last time that the site had what the source has.
    pub good_at: Option<Timestamp>,
    /// What came of the last try.
    pub outcome: FeedOutcome,
    /// Why, for people; empty when all is well.
    pub note: String,
    /// Items of the feed that was taken last.
    pub items: i64,
    /// Tries without success since the last good one.
    pub failures: i64,
}

/// Keeps how a fetching went.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    state: &FeedState,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO site_feeds (client_id, site_id, url, etag, last_modified, tried_at, good_at, state, note, items,
             failures) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (site_id) DO UPDATE SET url = excluded.url, etag = excluded.etag,
             last_modified = excluded.last_modified, tried_at = excluded.tried_at, good_at = excluded.good_at,
             state = excluded.state, note = excluded.note, items = excluded.items, failures = excluded.failures"
        ),
        client_id,
    )
    .id(site_id)
    .text(&state.url)
    .maybe(state.etag.as_ref())
    .maybe(state.last_modified.as_ref())
    .instant(state.tried_at)
    .maybe_instant(state.good_at)
    .text(state.outcome.code())
    .text(&state.note)
    .number(state.items)
    .number(state.failures)
    .run(tx)
    .await?;
    Ok(())
}

/// How the last fetching for a site went; `None` before the first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_site(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
) -> Result<Option<FeedState>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT url, etag, last_modified, tried_at, good_at, state, note, items, failures FROM site_feeds
             WHERE client_id = $1 AND site_id = $2"
        ),
        client_id,
    )
    .id(site_id)
    .first(conn, |row| {
        Ok(FeedState {
            url: row.text(0)?,
            etag: row.maybe_text(1)?,
            last_modified: row.maybe_text(2)?,
            tried_at: row.instant(3)?,
            good_at: row.maybe_instant(4)?,
            outcome: row.code(5, FeedOutcome::from_code)?,
            note: row.text(6)?,
            items: row.number(7)?,
            failures: row.number(8)?,
        })
    })
    .await
}
