//! Where the reading of mailboxes stands, and how the last look went.

use ismart_domain::ClientId;
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// A mailbox that is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxState {
    /// The numbering that `last_uid` belongs to.
    pub validity: i64,
    /// The last letter that was read.
    pub last_uid: i64,
    /// The last look.
    pub tried_at: Timestamp,
    /// The last look that went well.
    pub good_at: Option<Timestamp>,
    /// Why the last one did not, for people; empty when all is well.
    pub note: String,
    /// Looks that failed since the last good one.
    pub failures: i64,
}

/// How the last look into a mailbox went; `None` before the first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    door: &str,
) -> Result<Option<MailboxState>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT validity, last_uid, tried_at, good_at, note, failures FROM mailboxes
             WHERE client_id = $1 AND door = $2"
        ),
        client_id,
    )
    .text(door)
    .first(conn, |row| {
        Ok(MailboxState {
            validity: row.number(0)?,
            last_uid: row.number(1)?,
            tried_at: row.instant(2)?,
            good_at: row.maybe_instant(3)?,
            note: row.text(4)?,
            failures: row.number(5)?,
        })
    })
    .await
}

/// Keeps how a look went.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put(
    tx: &mut Tx,
    client_id: ClientId,
    door: &str,
    state: &MailboxState,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO mailboxes (client_id, door, validity, last_uid, tried_at, good_at, note, failures)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (client_id, door) DO UPDATE SET validity = excluded.validity, last_uid = excluded.last_uid,
             tried_at = excluded.tried_at, good_at = excluded.good_at, note = excluded.note,
             failures = excluded.failures"
        ),
        client_id,
    )
    .text(door)
    .number(state.validity)
    .number(state.last_uid)
    .instant(state.tried_at)
    .maybe_instant(state.good_at)
    .text(&state.note)
    .number(state.failures)
    .run(tx)
    .await?;
    Ok(())
}
