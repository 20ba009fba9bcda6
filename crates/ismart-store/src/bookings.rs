//! Reserved time slots. A slot has as many lanes as people can be served at once; a unique index on the lane makes
//! a double booking impossible.

use ismart_domain::{BookingId, ClientId, ConversationId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, tenant};

/// A reserved slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Identity.
    pub id: BookingId,
    /// The site.
    pub site_id: SiteId,
    /// Begin.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// Which of the parallel places, from 0.
    pub lane: i64,
    /// What is used: the car's key.
    pub resource: Option<String>,
    /// For whom.
    pub name: String,
    /// His phone, E.164.
    pub phone: String,
    /// The conversation it came from.
    pub conversation_id: Option<ConversationId>,
}

fn read(row: &Columns<'_>) -> Result<Booking, StoreError> {
    Ok(Booking {
        id: row.parsed(0)?,
        site_id: row.parsed(1)?,
        starts_at: row.instant(2)?,
        ends_at: row.instant(3)?,
        lane: row.number(4)?,
        resource: row.maybe_text(5)?,
        name: row.text(6)?,
        phone: row.text(7)?,
        conversation_id: row.maybe_parsed(8)?,
    })
}

/// The bookings of a site that begin in `[from, to)`, in order.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn between(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Booking>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, site_id, starts_at, ends_at, lane, resource, name, phone, conversation_id FROM bookings
             WHERE client_id = $1 AND site_id = $2 AND starts_at >= $3 AND starts_at < $4 ORDER BY starts_at, lane"
        ),
        client_id,
    )
    .id(site_id)
    .instant(from)
    .instant(to)
    .all(conn, read)
    .await
}

/// Stores a booking under an idempotency key.
///
/// # Errors
/// [`StoreError`] of the engine; a taken lane is refused by a unique index.
pub async fn add(tx: &mut Tx, client_id: ClientId, booking: &Booking, key: &str) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO bookings (client_id, id, site_id, starts_at, ends_at, lane, resource, name, phone,
             conversation_id, idempotency_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        ),
        client_id,
    )
    .id(booking.id)
    .id(booking.site_id)
    .instant(booking.starts_at)
    .instant(booking.ends_at)
    .number(booking.lane)
    .maybe(booking.resource.as_deref())
    .text(&booking.name)
    .text(&booking.phone)
    .maybe(booking.conversation_id)
    .text(key)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// Reads a booking.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(conn: &mut Conn, client_id: ClientId, id: BookingId) -> Result<Option<Booking>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, site_id, starts_at, ends_at, lane, resource, name, phone, conversation_id FROM bookings
             WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}
