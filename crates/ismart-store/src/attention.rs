//! The queue of people: deliveries that wait for a decision, each with the person who answers for it and a deadline.

use ismart_domain::delivery::Delivery;
use ismart_domain::{ClientId, DeliveryId, LeadId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// A delivery in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The client.
    pub client_id: ClientId,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Its lead.
    pub lead_id: LeadId,
    /// Where it was to go.
    pub destination: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// Who answers for it.
    pub user_id: Option<UserId>,
    /// Until when he decides.
    pub due_at: Timestamp,
    /// How often nobody had decided in time.
    pub level: u32,
}

fn read(row: &Columns<'_>) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        client_id: row.parsed(0)?,
        delivery_id: row.parsed(1)?,
        lead_id: row.parsed(2)?,
        destination: row.text(3)?,
        since: row.instant(4)?,
        user_id: row.maybe_parsed(5)?,
        due_at: row.instant(6)?,
        level: u32::try_from(row.number(7)?).unwrap_or(u32::MAX),
    })
}

/// Puts a delivery into the queue, or hands one that is there to another person.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put(
    tx: &mut Tx,
    client_id: ClientId,
    delivery_id: DeliveryId,
    user_id: Option<UserId>,
    due_at: Timestamp,
    level: u32,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO attention (client_id, delivery_id, since, user_id, due_at, level)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (delivery_id) DO UPDATE SET user_id = $4, due_at = $5, level = $6"
        ),
        client_id,
    )
    .id(delivery_id)
    .instant(now)
    .maybe(user_id)
    .instant(due_at)
    .number(i64::from(level))
    .run(tx)
    .await?;
    Ok(())
}

/// Takes a delivery out of the queue. Gives whether it was there.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn remove(tx: &mut Tx, client_id: ClientId, delivery_id: DeliveryId) -> Result<bool, StoreError> {
    let removed = Statement::tenant(
        tenant!("DELETE FROM attention WHERE client_id = $1 AND delivery_id = $2"),
        client_id,
    )
    .id(delivery_id)
    .run(tx)
    .await?;
    Ok(removed > 0)
}

/// A delivery's place in the queue, if it is there.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    delivery_id: DeliveryId,
) -> Result<Option<Waiting>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT a.client_id, a.delivery_id, d.lead_id, d.destination, a.since, a.user_id, a.due_at, a.level
             FROM attention a JOIN deliveries d ON d.id = a.delivery_id
             WHERE a.client_id = $1 AND a.delivery_id = $2"
        ),
        client_id,
    )
    .id(delivery_id)
    .first(conn, read)
    .await
}

/// How many deliveries each person of a client answers for.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn loads(conn: &mut Conn, client_id: ClientId) -> Result<Vec<(UserId, i64)>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT user_id, COUNT(*) FROM attention WHERE client_id = $1 AND user_id IS NOT NULL GROUP BY user_id"
        ),
        client_id,
    )
    .all(conn, |row| Ok((row.parsed(0)?, row.number(1)?)))
    .await
}

/// How many deliveries of a client wait for a person, and how many of them for too long.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn counts(conn: &mut Conn, client_id: ClientId) -> Result<(i64, i64), StoreError> {
    let now = conn.env().now();
    let found = Statement::tenant(
        tenant!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN due_at < $2 THEN 1 ELSE 0 END), 0) AS BIGINT)
             FROM attention WHERE client_id = $1"
        ),
        client_id,
    )
    .instant(now)
    .first(conn, |row| Ok((row.number(0)?, row.number(1)?)))
    .await?;
    Ok(found.unwrap_or_default())
}

/// The deliveries about which nobody has decided in time, longest overdue first, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn overdue(conn: &mut Conn, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let now = conn.env().now();
    Statement::system(system!(
        "SELECT a.client_id, a.delivery_id, d.lead_id, d.destination, a.since, a.user_id, a.due_at, a.level
         FROM attention a JOIN deliveries d ON d.id = a.delivery_id
         WHERE a.due_at < $1 ORDER BY a.due_at, a.delivery_id LIMIT $2",
        "one look over the queues of all clients"
    ))
    .instant(now)
    .number(limit)
    .all(conn, read)
    .await
}

/// How many deliveries of a client were handed on because nobody had decided in time, and are not overdue again.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn escalated(conn: &mut Conn, client_id: ClientId) -> Result<i64, StoreError> {
    let now = conn.env().now();
    let found = Statement::tenant(
        tenant!("SELECT COUNT(*) FROM attention WHERE client_id = $1 AND level > 0 AND due_at >= $2"),
        client_id,
    )
    .instant(now)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}

/// Deliveries that need a person and are not in the queue, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn unassigned(conn: &mut Conn, limit: i64) -> Result<Vec<(ClientId, Delivery)>, StoreError> {
    Statement::system(system!(
        "SELECT d.id, d.lead_id, d.destination, d.state, d.attempts, d.due_at, d.external_id, d.reason, d.updated_at,
                d.begun_at, d.client_id
         FROM deliveries d LEFT JOIN attention a ON a.delivery_id = d.id
         WHERE d.state = 'needs_attention' AND a.delivery_id IS NULL ORDER BY d.created_at LIMIT $1",
        "one look over the queues of all clients"
    ))
    .number(limit)
    .all(conn, |row| Ok((row.parsed(10)?, crate::deliveries::read(row)?)))
    .await
}
