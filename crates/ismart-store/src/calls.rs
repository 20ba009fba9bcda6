//! What providers told of calls: one row a call, however often and in whatever order it was told of.

use ismart_domain::{ClientId, LeadId};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, tenant};

/// What is known of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// The lead that it is.
    pub lead_id: LeadId,
    /// Stored name of how far it has come.
    pub phase: String,
    /// How long people spoke.
    pub seconds: Option<i64>,
    /// Where it can be listened to.
    pub recording: Option<String>,
    /// The number that was called.
    pub line: Option<String>,
}

fn read(row: &Columns<'_>) -> Result<CallRow, StoreError> {
    let seconds: Option<i64> = row.maybe_parsed(2)?;
    Ok(CallRow {
        lead_id: row.parsed(0)?,
        phase: row.text(1)?,
        seconds,
        recording: row.maybe_text(3)?,
        line: row.maybe_text(4)?,
    })
}

/// What is known of a call, if it was told of.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    door: &str,
    call_id: &str,
) -> Result<Option<CallRow>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT lead_id, phase, CAST(seconds AS TEXT), recording, line FROM calls
             WHERE client_id = $1 AND door = $2 AND call_id = $3"
        ),
        client_id,
    )
    .text(door)
    .text(call_id)
    .first(conn, read)
    .await
}

/// The calls that a lead is of, the last told of first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<CallRow>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT lead_id, phase, CAST(seconds AS TEXT), recording, line FROM calls
             WHERE client_id = $1 AND lead_id = $2 ORDER BY updated_at DESC"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, read)
    .await
}

/// Keeps what is known of a call.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put(
    tx: &mut Tx,
    client_id: ClientId,
    door: &str,
    call_id: &str,
    call: &CallRow,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO calls (client_id, door, call_id, lead_id, phase, seconds, recording, line, updated_at)
             VALUES ($1, $2, $3, $4, $5, CAST($6 AS BIGINT), $7, $8, $9)
             ON CONFLICT (client_id, door, call_id) DO UPDATE SET phase = excluded.phase, seconds = excluded.seconds,
             recording = excluded.recording, line = excluded.line, updated_at = excluded.updated_at"
        ),
        client_id,
    )
    .text(door)
    .text(call_id)
    .id(call.lead_id)
    .text(&call.phase)
    .maybe(call.seconds)
    .maybe(call.recording.as_ref())
    .maybe(call.line.as_ref())
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}
