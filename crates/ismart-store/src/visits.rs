//! Visitors and their visits.

use ismart_domain::lead::Utm;
use ismart_domain::{ClientId, SiteId, VisitId, VisitorId};
use jiff::{SignedDuration, Timestamp};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, system, tenant};

/// A visit ends after this long without a page.
pub const VISIT_SILENCE: SignedDuration = SignedDuration::from_mins(30);

/// A known browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// Identity.
    pub id: VisitorId,
    /// The client whose site it came to.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
}

/// A stay of a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Identity.
    pub id: VisitId,
    /// Whose.
    pub visitor_id: VisitorId,
    /// Address of the first page.
    pub landing_url: String,
    /// Where he came from.
    pub referrer: Option<String>,
    /// Advertising marks of the first page.
    pub utm: Utm,
    /// Begin.
    pub started_at: Timestamp,
    /// Last page.
    pub last_at: Timestamp,
}

/// Finds the visitor whose token has this SHA-256 (hexadecimal).
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn by_token(conn: &mut Conn, token_sha256: &str) -> Result<Option<Visitor>, StoreError> {
    Statement::system(system!(
        "SELECT id, client_id, site_id FROM visitors WHERE token_sha256 = $1",
        "the token alone tells which tenant it belongs to"
    ))
    .text(token_sha256)
    .first(conn, |row| Ok(Visitor { id: row.parsed(0)?, client_id: row.parsed(1)?, site_id: row.parsed(2)? }))
    .await
}

/// Stores a new visitor.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add_visitor(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    token_sha256: &str,
) -> Result<VisitorId, StoreError> {
    let id: VisitorId = tx.env().new_id();
    let now = tx.env().now();
    Statement::tenant(
        tenant!("INSERT INTO visitors (client_id, id, site_id, token_sha256, created_at) VALUES ($1, $2, $3, $4, $5)"),
        client_id,
    )
    .id(id)
    .id(site_id)
    .text(token_sha256)
    .instant(now)
    .run(tx)
    .await?;
    Ok(id)
}

/// The visit that is still going on at `now`, if any.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn current(
    conn: &mut Conn,
    client_id: ClientId,
    visitor_id: VisitorId,
    now: Timestamp,
) -> Result<Option<Visit>, StoreError> {
    let since = now.checked_sub(VISIT_SILENCE).unwrap_or(Timestamp::MIN);
    Statement::tenant(
        tenant!(
            "SELECT id, visitor_id, landing_url, referrer, utm, started_at, last_at FROM visits
             WHERE client_id = $1 AND visitor_id = $2 AND last_at > $3 ORDER BY last_at DESC LIMIT 1"
        ),
        client_id,
    )
    .id(visitor_id)
    .instant(since)
    .first(conn, |row| {
        Ok(Visit {
            id: row.parsed(0)?,
            visitor_id: row.parsed(1)?,
            landing_url: row.text(2)?,
            referrer: row.maybe_text(3)?,
            utm: row.json(4)?,
            started_at: row.instant(5)?,
            last_at: row.instant(6)?,
        })
    })
    .await
}

/// Stores a new visit.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn start(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    visit: &Visit,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO visits (client_id, id, site_id, visitor_id, started_at, last_at, landing_url, referrer, utm)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        client_id,
    )
    .id(visit.id)
    .id(site_id)
    .id(visit.visitor_id)
    .instant(visit.started_at)
    .instant(visit.last_at)
    .text(&visit.landing_url)
    .maybe(visit.referrer.as_deref())
    .json(&visit.utm)?
    .run(tx)
    .await?;
    Ok(())
}

/// Notes that the visit goes on.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn touch(tx: &mut Tx, client_id: ClientId, visit_id: VisitId) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(tenant!("UPDATE visits SET last_at = $3 WHERE client_id = $1 AND id = $2"), client_id)
        .id(visit_id)
        .instant(now)
        .run(tx)
        .await?;
    Ok(())
}
