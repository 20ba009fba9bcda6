//! Addresses that visitors asked sites for: rules of redirects that were followed, and addresses that lead nowhere.

use ismart_domain::{ClientId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// What an address is to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressKind {
    /// The `from` of a rule for one address.
    Exact,
    /// The `from_prefix` of a rule for all below it.
    Prefix,
    /// It led nowhere.
    Missing,
    /// No address: from when on the site is counted.
    Since,
}

impl AddressKind {
    const ALL: [Self; 4] = [Self::Exact, Self::Prefix, Self::Missing, Self::Since];

    /// The stored name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Missing => "missing",
            Self::Since => "since",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// How often an address was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// What it is.
    pub kind: AddressKind,
    /// The `from` of the rule as its file has it, or the path that leads nowhere.
    pub address: String,
    /// How often.
    pub hits: i64,
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// Where the last visitor came from: a path of the site or another host.
    pub referrer: Option<String>,
}

/// Adds what was counted to what is there.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    tallies: &[Tally],
) -> Result<(), StoreError> {
    for tally in tallies {
        Statement::tenant(
            tenant!(
                "INSERT INTO site_addresses (client_id, site_id, kind, address, hits, first_at, last_at, referrer)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (site_id, kind, address) DO UPDATE SET hits = site_addresses.hits + excluded.hits,
                 last_at = excluded.last_at, referrer = COALESCE(excluded.referrer, site_addresses.referrer)"
            ),
            client_id,
        )
        .id(site_id)
        .text(tally.kind.code())
        .text(&tally.address)
        .number(tally.hits)
        .instant(tally.first_at)
        .instant(tally.last_at)
        .maybe(tally.referrer.as_ref())
        .run(tx)
        .await?;
    }
    Ok(())
}

/// Everything counted of a site, the most asked for first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_site(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
) -> Result<Vec<Tally>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT kind, address, hits, first_at, last_at, referrer FROM site_addresses
             WHERE client_id = $1 AND site_id = $2 ORDER BY hits DESC, last_at DESC, address"
        ),
        client_id,
    )
    .id(site_id)
    .all(conn, |row| {
        Ok(Tally {
            kind: row.code(0, AddressKind::from_code)?,
            address: row.text(1)?,
            hits: row.number(2)?,
            first_at: row.instant(3)?,
            last_at: row.instant(4)?,
            referrer: row.maybe_text(5)?,
        })
    })
    .await
}

/// Forgets addresses that lead nowhere but for `keep` of them: those asked for most, and of these the latest.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn prune(tx: &mut Tx, client_id: ClientId, site_id: SiteId, keep: i64) -> Result<u64, StoreError> {
    Statement::tenant(
        tenant!(
            "DELETE FROM site_addresses WHERE client_id = $1 AND site_id = $2 AND kind = 'missing' AND address NOT IN (
             SELECT address FROM site_addresses WHERE client_id = $1 AND site_id = $2 AND kind = 'missing'
             ORDER BY hits DESC, last_at DESC, address LIMIT $3)"
        ),
        client_id,
    )
    .id(site_id)
    .number(keep)
    .run(tx)
    .await
}

/// Forgets one address; with `None`, all that lead nowhere.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn forget(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    address: Option<&str>,
) -> Result<u64, StoreError> {
    Statement::tenant(
        tenant!(
            "DELETE FROM site_addresses WHERE client_id = $1 AND site_id = $2 AND kind = 'missing'
             AND ($3 = '' OR address = $3)"
        ),
        client_id,
    )
    .id(site_id)
    .text(address.unwrap_or_default())
    .run(tx)
    .await
}
