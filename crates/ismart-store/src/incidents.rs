//! Alerts: what is or was wrong, each occasion once, and whether people were told.

use ismart_domain::id::Id;
use ismart_domain::{ClientId, EventId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// One occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Identity.
    pub id: EventId,
    /// The client.
    pub client_id: ClientId,
    /// Which rule found it: `silence`, `destination`, `queue`, `ledger`.
    pub alert: String,
    /// What it is about: a site's or a destination's name.
    pub subject: String,
    /// Figures and words for the texts, as JSON.
    pub facts: String,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// When people were told that it is there.
    pub told_at: Option<Timestamp>,
    /// When people were told that it is over.
    pub end_told_at: Option<Timestamp>,
}

fn read(row: &Columns<'_>) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        alert: row.text(2)?,
        subject: row.text(3)?,
        facts: row.text(4)?,
        opened_at: row.instant(5)?,
        ended_at: row.maybe_instant(6)?,
        told_at: row.maybe_instant(7)?,
        end_told_at: row.maybe_instant(8)?,
    })
}

/// Opens an incident. Gives nothing when the same one is open already; its facts are then made those of now.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn open(
    tx: &mut Tx,
    client_id: ClientId,
    alert: &str,
    subject: &str,
    facts: &str,
) -> Result<Option<EventId>, StoreError> {
    let (id, now): (EventId, _) = (tx.env().new_id(), tx.env().now());
    let kept = Statement::tenant(
        tenant!(
            "INSERT INTO incidents (client_id, id, alert, subject, facts, opened_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (client_id, alert, subject) WHERE ended_at IS NULL DO UPDATE SET facts = $5
             RETURNING id"
        ),
        client_id,
    )
    .id(id)
    .text(alert)
    .text(subject)
    .text(facts)
    .instant(now)
    .first(tx, |row| row.parsed::<EventId>(0))
    .await?;
    Ok(kept.filter(|kept| kept.uuid() == id.uuid()))
}

/// Ends an incident. Gives whether it was open.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn end(tx: &mut Tx, client_id: ClientId, id: EventId) -> Result<bool, StoreError> {
    let now = tx.env().now();
    let ended = Statement::tenant(
        tenant!("UPDATE incidents SET ended_at = $3 WHERE client_id = $1 AND id = $2 AND ended_at IS NULL"),
        client_id,
    )
    .id(id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(ended > 0)
}

/// Writes down that people were told: of the end, when it is over, or else of the beginning.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn told(tx: &mut Tx, client_id: ClientId, id: EventId, over: bool) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE incidents SET told_at = COALESCE(told_at, $3),
             end_told_at = CASE WHEN $4 = 1 THEN $3 ELSE end_told_at END WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .instant(now)
    .number(i64::from(over))
    .run(tx)
    .await?;
    Ok(())
}

/// The incidents of all clients that are open, or of which people are still to be told.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn live(conn: &mut Conn) -> Result<Vec<Incident>, StoreError> {
    Statement::system(system!(
        "SELECT id, client_id, alert, subject, facts, opened_at, ended_at, told_at, end_told_at FROM incidents
         WHERE ended_at IS NULL OR end_told_at IS NULL ORDER BY opened_at, id",
        "one look over the alerts of all clients"
    ))
    .all(conn, read)
    .await
}

/// The newest incidents of a client, open ones first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn list(conn: &mut Conn, client_id: ClientId, limit: i64) -> Result<Vec<Incident>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, alert, subject, facts, opened_at, ended_at, told_at, end_told_at FROM incidents
             WHERE client_id = $1 ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, opened_at DESC LIMIT $2"
        ),
        client_id,
    )
    .number(limit)
    .all(conn, read)
    .await
}

/// The leads of one hour of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourOfLeads {
    /// Begin of the hour, UTC.
    pub from: Timestamp,
    /// How many.
    pub count: u32,
    /// The last of them.
    pub last: Timestamp,
}

/// How many leads came in each hour since `since`, by site, oldest hour first; test leads left out.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn rhythm(
    conn: &mut Conn,
    client_id: ClientId,
    since: Timestamp,
) -> Result<Vec<(ismart_domain::SiteId, HourOfLeads)>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT site_id, MIN(accepted_at - accepted_at % 3600000000), COUNT(*), MAX(accepted_at) FROM leads
             WHERE client_id = $1 AND accepted_at >= $2 AND test = 0
             GROUP BY site_id, accepted_at / 3600000000 ORDER BY 2"
        ),
        client_id,
    )
    .instant(since)
    .all(conn, |row| {
        let count = u32::try_from(row.number(2)?).unwrap_or(u32::MAX);
        Ok((row.parsed(0)?, HourOfLeads { from: row.instant(1)?, count, last: row.instant(3)? }))
    })
    .await
}
