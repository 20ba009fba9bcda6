//! The outbox: one row per lead and destination, and every attempt made on it.

use ismart_domain::delivery::{Delivery, DeliveryState, Next};
use ismart_domain::{ClientId, DeliveryId, LeadId};
use jiff::{SignedDuration, Timestamp};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// A delivery that the dispatcher has taken up.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The client.
    pub client_id: ClientId,
    /// The delivery, in the state it was found in; `attempts` counts the one that begins.
    pub delivery: Delivery,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: i64,
    /// Begin.
    pub started_at: Timestamp,
    /// End.
    pub finished_at: Timestamp,
    /// State that it led to.
    pub outcome: String,
    /// What the destination said, secrets masked.
    pub detail: Option<String>,
}

fn read(row: &Columns<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.parsed(0)?,
        lead_id: row.parsed(1)?,
        destination: row.text(2)?,
        state: row.code(3, DeliveryState::from_code)?,
        attempts: u32::try_from(row.number(4)?).unwrap_or(u32::MAX),
        due_at: row.instant(5)?,
        external_id: row.maybe_text(6)?,
        reason: row.maybe_text(7)?,
        updated_at: row.instant(8)?,
    })
}

/// Stores a delivery, due at once (or already delivered, for the built-in inbox).
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    destination: &str,
    state: DeliveryState,
) -> Result<Delivery, StoreError> {
    let env = tx.env().clone();
    let now = env.now();
    let delivery = Delivery {
        id: env.new_id(),
        lead_id,
        destination: destination.to_owned(),
        state,
        attempts: 0,
        due_at: now,
        external_id: None,
        reason: None,
        updated_at: now,
    };
    Statement::tenant(
        tenant!(
            "INSERT INTO deliveries (client_id, id, lead_id, destination, state, attempts, due_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $6, $6)"
        ),
        client_id,
    )
    .id(delivery.id)
    .id(lead_id)
    .text(destination)
    .text(state.code())
    .instant(now)
    .run(tx)
    .await?;
    Ok(delivery)
}

/// Takes up to `limit` due deliveries of one destination, oldest lead first, and marks them as being sent.
/// A paused delivery is due again when its time has come, so that mended settings are noticed.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn claim(
    tx: &mut Tx,
    client_id: ClientId,
    destination: &str,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let now = tx.env().now();
    let mut due = Statement::tenant(
        tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at FROM deliveries
             WHERE client_id = $1 AND destination = $2 AND state IN ('queued', 'waiting', 'verifying', 'paused')
               AND due_at <= $3 ORDER BY created_at, id LIMIT $4"
        ),
        client_id,
    )
    .text(destination)
    .instant(now)
    .number(limit)
    .all(tx, read)
    .await?;
    for delivery in &mut due {
        delivery.attempts = delivery.attempts.saturating_add(1);
        // A delivery that must be verified first keeps saying so: a crash now must not forget it.
        let state =
            if delivery.state == DeliveryState::Verifying { delivery.state } else { DeliveryState::Sending };
        let lease = now.checked_add(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MAX);
        Statement::tenant(
            tenant!(
                "UPDATE deliveries SET state = $3, attempts = $4, due_at = $5, updated_at = $6
                 WHERE client_id = $1 AND id = $2"
            ),
            client_id,
        )
        .id(delivery.id)
        .text(state.code())
        .number(i64::from(delivery.attempts))
        .instant(lease)
        .instant(now)
        .run(tx)
        .await?;
    }
    Ok(due.into_iter().map(|delivery| Claimed { client_id, delivery }).collect())
}

/// How long after a start an interrupted attempt is asked about: the destination may still be working on it, and would
/// then truthfully say that it has no such lead.
const SETTLING: SignedDuration = SignedDuration::from_secs(30);

/// Turns deliveries that were being sent when the process died into ones to be verified: the destination may have
/// them. Gives how many. Call it once, before the dispatcher starts.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn recover(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.env().now();
    let settled = now.checked_add(SETTLING).unwrap_or(now);
    Statement::system(system!(
        "UPDATE deliveries SET state = 'verifying', due_at = $1, updated_at = $2,
         reason = 'the server stopped during an attempt'
         WHERE state = 'sending' OR (state = 'verifying' AND due_at > $1)",
        "start-up recovers the outbox of all clients"
    ))
    .instant(settled)
    .instant(now)
    .run(tx)
    .await
}

/// Writes what an attempt led to.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn finish(
    tx: &mut Tx,
    client_id: ClientId,
    delivery: &Delivery,
    next: &Next,
    started_at: Timestamp,
) -> Result<(), StoreError> {
    let env = tx.env().clone();
    let now = env.now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = $3, due_at = $4, external_id = COALESCE($5, external_id), reason = $6,
             updated_at = $7 WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(delivery.id)
    .text(next.state.code())
    .instant(next.due_at)
    .maybe(next.external_id.as_deref())
    .maybe(next.reason.as_deref())
    .instant(now)
    .run(tx)
    .await?;
    let id: ismart_domain::EventId = env.new_id();
    Statement::tenant(
        tenant!(
            "INSERT INTO attempts (client_id, id, delivery_id, number, started_at, finished_at, outcome, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        client_id,
    )
    .id(id)
    .id(delivery.id)
    .number(i64::from(delivery.attempts))
    .instant(started_at)
    .instant(now)
    .text(next.state.code())
    .maybe(next.reason.as_deref().or(next.external_id.as_deref()))
    .run(tx)
    .await?;
    Ok(())
}

/// Makes a delivery due at once, whatever its state but delivered. Gives it when it was changed.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn replay(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let now = tx.env().now();
    // What may have been executed is asked about first: a person's click must not double a lead.
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = CASE WHEN attempts > 0 THEN 'verifying' ELSE 'queued' END, due_at = $3,
             updated_at = $3 WHERE client_id = $1 AND id = $2
             AND state IN ('needs_attention', 'paused', 'waiting', 'verifying', 'queued')"
        ),
        client_id,
    )
    .id(id)
    .instant(now)
    .run(tx)
    .await?;
    get(tx, client_id, id).await
}

/// Reads a delivery.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at FROM deliveries
             WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// The deliveries of a lead, in order of their destination.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<Delivery>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at FROM deliveries
             WHERE client_id = $1 AND lead_id = $2 ORDER BY destination"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, read)
    .await
}

/// The attempts of a delivery, in order.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn attempts(
    conn: &mut Conn,
    client_id: ClientId,
    delivery_id: DeliveryId,
) -> Result<Vec<Attempt>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, started_at, finished_at, outcome, detail FROM attempts
             WHERE client_id = $1 AND delivery_id = $2 ORDER BY number, started_at"
        ),
        client_id,
    )
    .id(delivery_id)
    .all(conn, |row| {
        Ok(Attempt {
            number: row.number(0)?,
            started_at: row.instant(1)?,
            finished_at: row.instant(2)?,
            outcome: row.text(3)?,
            detail: row.maybe_text(4)?,
        })
    })
    .await
}

/// How many deliveries of a client are in each state, by destination.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn counts(
    conn: &mut Conn,
    client_id: ClientId,
) -> Result<Vec<(String, DeliveryState, i64)>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT destination, state, COUNT(*) FROM deliveries WHERE client_id = $1
             GROUP BY destination, state ORDER BY destination, state"
        ),
        client_id,
    )
    .all(conn, |row| Ok((row.text(0)?, row.code(1, DeliveryState::from_code)?, row.number(2)?)))
    .await
}
