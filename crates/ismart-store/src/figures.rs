//! Figures of the dashboard, counted from the event log and from nothing else.

use ismart_domain::ClientId;
use jiff::Timestamp;

use crate::engine::{Conn, StoreError};
use crate::sql::{Statement, tenant};

/// The funnel of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Visits begun.
    pub visits: i64,
    /// Conversations begun.
    pub conversations: i64,
    /// Leads accepted, test leads left out.
    pub leads: i64,
    /// Of them, leads that a CRM has taken.
    pub delivered: i64,
}

/// The funnel of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Day number since 1970 in the zone that the caller shifted by.
    pub day: i64,
    /// Kind of the event.
    pub kind: String,
    /// How many.
    pub count: i64,
}

/// Counts the funnel over events in `[from, to)`.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn funnel(
    conn: &mut Conn,
    client_id: ClientId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Funnel, StoreError> {
    let found = Statement::tenant(
        tenant!(
            "SELECT
               CAST(COALESCE(SUM(CASE WHEN kind = 'visit.started' THEN 1 ELSE 0 END), 0) AS BIGINT),
               CAST(COALESCE(SUM(CASE WHEN kind = 'conversation.started' THEN 1 ELSE 0 END), 0) AS BIGINT),
               CAST(COALESCE(SUM(CASE WHEN kind = 'lead.accepted' AND data LIKE '%\"test\":false%' THEN 1 ELSE 0 END), 0)
                    AS BIGINT)
             FROM events WHERE client_id = $1 AND at >= $2 AND at < $3
               AND kind IN ('visit.started', 'conversation.started', 'lead.accepted')"
        ),
        client_id,
    )
    .instant(from)
    .instant(to)
    .first(conn, |row| {
        Ok(Funnel { visits: row.number(0)?, conversations: row.number(1)?, leads: row.number(2)?, delivered: 0 })
    })
    .await?;
    let delivered = Statement::tenant(
        tenant!(
            "SELECT COUNT(DISTINCT d.lead_id) FROM events d JOIN events a ON a.lead_id = d.lead_id
               AND a.kind = 'lead.accepted' AND a.client_id = d.client_id
             WHERE d.client_id = $1 AND a.at >= $2 AND a.at < $3 AND a.data LIKE '%\"test\":false%'
               AND d.kind = 'delivery.changed' AND d.data LIKE '%\"state\":\"delivered\"%'
               AND d.data NOT LIKE '%\"destination\":\"inbox\"%'"
        ),
        client_id,
    )
    .instant(from)
    .instant(to)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(Funnel { delivered: delivered.unwrap_or(0), ..found.unwrap_or_default() })
}

/// Counts events of the funnel's kinds by day; `shift` is the zone's offset from UTC in microseconds.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn days(
    conn: &mut Conn,
    client_id: ClientId,
    from: Timestamp,
    to: Timestamp,
    shift: i64,
) -> Result<Vec<Day>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT (at + $4) / 86400000000, kind, COUNT(*) FROM events
             WHERE client_id = $1 AND at >= $2 AND at < $3
               AND (kind IN ('visit.started', 'conversation.started')
                    OR (kind = 'lead.accepted' AND data LIKE '%\"test\":false%'))
             GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        client_id,
    )
    .instant(from)
    .instant(to)
    .number(shift)
    .all(conn, |row| Ok(Day { day: row.number(0)?, kind: row.text(1)?, count: row.number(2)? }))
    .await
}

/// Counts events of one kind in `[from, to)`.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn count(
    conn: &mut Conn,
    client_id: ClientId,
    kind: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<i64, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT COUNT(*) FROM events WHERE client_id = $1 AND kind = $2 AND at >= $3 AND at < $4"),
        client_id,
    )
    .text(kind)
    .instant(from)
    .instant(to)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}
