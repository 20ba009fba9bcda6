//! Orders of sites, every step that they took, and the seats that are left.

use ismart_domain::money::{Currency, Money};
use ismart_domain::payment::{Cause, Order, OrderNumber, OrderState};
use ismart_domain::{ClientId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// One step of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The state from here on.
    pub state: OrderState,
    /// What moved it.
    pub cause: Cause,
    /// What was said about it.
    pub note: Option<String>,
}

fn read(row: &Columns<'_>) -> Result<Order, StoreError> {
    Ok(Order {
        number: row.parsed(0)?,
        client_id: row.parsed(1)?,
        amount: Money { minor: row.number(2)?, currency: Currency::Rub },
        state: row.code(3, OrderState::from_code)?,
        bank_id: row.maybe_text(4)?,
        pay_url: row.maybe_text(5)?,
        reason: row.maybe_text(6)?,
        lead_id: row.maybe_parsed(7)?,
        created_at: row.instant(8)?,
        updated_at: row.instant(9)?,
        paid_at: row.maybe_instant(10)?,
        due_at: row.maybe_instant(11)?,
        checks: u32::try_from(row.number(12)?).unwrap_or(u32::MAX),
        purchase: row.json(13)?,
    })
}

/// Stores a new order.
///
/// # Errors
/// [`StoreError`] of the engine; a second order with the same idempotency key is refused by a unique index.
pub async fn add(tx: &mut Tx, order: &Order) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO orders (client_id, number, site_id, item, tickets, amount, state, idempotency_key, created_at,
             updated_at, due_at, checks, purchase)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12)"
        ),
        order.client_id,
    )
    .id(&order.number)
    .id(order.purchase.site_id)
    .text(&order.purchase.item)
    .number(i64::from(order.purchase.tickets))
    .number(order.amount.minor)
    .text(order.state.code())
    .maybe(order.purchase.idempotency_key.as_deref())
    .instant(order.created_at)
    .maybe_instant(order.due_at)
    .number(i64::from(order.checks))
    .json(&order.purchase)?
    .run(tx)
    .await?;
    Ok(())
}

/// Writes what changed of an order, unless somebody moved it out of the state `was` in between; says whether it was
/// written.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn change(tx: &mut Tx, order: &Order, was: OrderState) -> Result<bool, StoreError> {
    let rows = Statement::tenant(
        tenant!(
            "UPDATE orders SET state = $4, bank_id = $5, pay_url = $6, reason = $7, lead_id = $8, updated_at = $9,
             paid_at = $10, due_at = $11, checks = $12 WHERE client_id = $1 AND number = $2 AND state = $3"
        ),
        order.client_id,
    )
    .id(&order.number)
    .text(was.code())
    .text(order.state.code())
    .maybe(order.bank_id.as_deref())
    .maybe(order.pay_url.as_deref())
    .maybe(order.reason.as_deref())
    .maybe(order.lead_id)
    .instant(order.updated_at)
    .maybe_instant(order.paid_at)
    .maybe_instant(order.due_at)
    .number(i64::from(order.checks))
    .run(tx)
    .await?;
    Ok(rows == 1)
}

/// Notes a step of an order, dated now.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn step(tx: &mut Tx, order: &Order, cause: Cause, note: Option<&str>) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO order_steps (client_id, order_number, seq, at, state, cause, note)
             SELECT $1, $2, COALESCE(MAX(seq), 0) + 1, $3, $4, $5, $6 FROM order_steps
             WHERE client_id = $1 AND order_number = $2"
        ),
        order.client_id,
    )
    .id(&order.number)
    .instant(now)
    .text(order.state.code())
    .text(cause.code())
    .maybe(note)
    .run(tx)
    .await?;
    Ok(())
}

/// The steps of an order, oldest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn steps(
    conn: &mut Conn,
    client_id: ClientId,
    number: &OrderNumber,
) -> Result<Vec<Step>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT at, state, cause, note FROM order_steps WHERE client_id = $1 AND order_number = $2 ORDER BY seq"
        ),
        client_id,
    )
    .id(number)
    .all(conn, |row| {
        Ok(Step {
            at: row.instant(0)?,
            state: row.code(1, OrderState::from_code)?,
            cause: row.code(2, Cause::from_code)?,
            note: row.maybe_text(3)?,
        })
    })
    .await
}

/// Reads an order of a site.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    number: &OrderNumber,
) -> Result<Option<Order>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, client_id, amount, state, bank_id, pay_url, reason, lead_id, created_at, updated_at, paid_at,
             due_at, checks, purchase FROM orders WHERE client_id = $1 AND site_id = $2 AND number = $3"
        ),
        client_id,
    )
    .id(site_id)
    .id(number)
    .first(conn, read)
    .await
}

/// The order of a site that the bank knows by this id of its own.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_bank_id(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    bank_id: &str,
) -> Result<Option<Order>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, client_id, amount, state, bank_id, pay_url, reason, lead_id, created_at, updated_at, paid_at,
             due_at, checks, purchase FROM orders WHERE client_id = $1 AND site_id = $2 AND bank_id = $3"
        ),
        client_id,
    )
    .id(site_id)
    .text(bank_id)
    .first(conn, read)
    .await
}

/// The order of a site that was made under this idempotency key.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_key(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    key: &str,
) -> Result<Option<Order>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, client_id, amount, state, bank_id, pay_url, reason, lead_id, created_at, updated_at, paid_at,
             due_at, checks, purchase FROM orders WHERE client_id = $1 AND site_id = $2 AND idempotency_key = $3"
        ),
        client_id,
    )
    .id(site_id)
    .text(key)
    .first(conn, read)
    .await
}

/// The order of this number, on whichever of the client's sites it was made.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_client(
    conn: &mut Conn,
    client_id: ClientId,
    number: &OrderNumber,
) -> Result<Option<Order>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, client_id, amount, state, bank_id, pay_url, reason, lead_id, created_at, updated_at, paid_at,
             due_at, checks, purchase FROM orders WHERE client_id = $1 AND number = $2"
        ),
        client_id,
    )
    .id(number)
    .first(conn, read)
    .await
}

/// A page of a client's orders, newest first: of one site, or of all.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn list(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: Option<SiteId>,
    state: Option<OrderState>,
    before: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, client_id, amount, state, bank_id, pay_url, reason, lead_id, created_at, updated_at, paid_at,
             due_at, checks, purchase FROM orders
             WHERE client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR site_id = $2)
               AND (CAST($3 AS TEXT) IS NULL OR state = $3) AND created_at < $4
             ORDER BY created_at DESC, number DESC LIMIT $5"
        ),
        client_id,
    )
    .maybe(site_id)
    .maybe(state.map(OrderState::code))
    .number(before.map_or(i64::MAX, Timestamp::as_microsecond))
    .number(limit)
    .all(conn, read)
    .await
}

/// Takes up to `limit` orders of all clients that the bank has to be asked about, those that waited longest first, and
/// keeps others from taking them until `lease`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn take_due(tx: &mut Tx, lease: Timestamp, limit: i64) -> Result<Vec<Order>, StoreError> {
    let now = tx.env().now();
    let due = Statement::system(system!(
        "SELECT number, client_id, amount, state, bank_id, pay_url, reason, lead_id, created_at, updated_at, paid_at,
         due_at, checks, purchase FROM orders WHERE due_at <= $1 ORDER BY due_at, number LIMIT $2",
        "one watch asks the banks of all clients"
    ))
    .instant(now)
    .number(limit)
    .all(tx, read)
    .await?;
    for order in &due {
        Statement::tenant(
            tenant!("UPDATE orders SET due_at = $3 WHERE client_id = $1 AND number = $2"),
            order.client_id,
        )
        .id(&order.number)
        .instant(lease)
        .run(tx)
        .await?;
    }
    Ok(due)
}

/// Makes orders due at once whose registration was cut off when the process died: the bank may know them. Gives how
/// many. Call it once, at the start.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn recover(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.env().now();
    Statement::system(system!(
        "UPDATE orders SET due_at = $1 WHERE state = 'new'",
        "start-up recovers the orders of all clients"
    ))
    .instant(now)
    .run(tx)
    .await
}

/// Notes how many seats the content offers for an item and gives since when it does. Within a transaction that counts
/// and adds, nobody else can do so for this item.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn offer(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    item: &str,
    seats: i64,
) -> Result<Timestamp, StoreError> {
    let now = tx.env().now();
    let since = Statement::tenant(
        tenant!(
            "INSERT INTO order_seats (client_id, site_id, item, seats, since) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (site_id, item) DO UPDATE SET
               since = CASE WHEN order_seats.seats = excluded.seats THEN order_seats.since ELSE excluded.since END,
               seats = excluded.seats
             RETURNING since"
        ),
        client_id,
    )
    .id(site_id)
    .text(item)
    .number(seats)
    .instant(now)
    .first(tx, |row| row.instant(0))
    .await?;
    Ok(since.unwrap_or(now))
}

/// How many seats of an item are taken: those of open and disputed orders, and those paid since `since`.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn taken(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    item: &str,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let found = Statement::tenant(
        tenant!(
            "SELECT CAST(COALESCE(SUM(tickets), 0) AS BIGINT) FROM orders
             WHERE client_id = $1 AND site_id = $2 AND item = $3
               AND (state IN ('new', 'pending', 'disputed') OR (state = 'paid' AND paid_at >= $4))"
        ),
        client_id,
    )
    .id(site_id)
    .text(item)
    .instant(since)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}

/// Seats of a site that are sold and still counted by its content: item, the number that the content said, and how many
/// of them are gone.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn sold(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
) -> Result<Vec<(String, i64, i64)>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT o.item, s.seats, CAST(SUM(o.tickets) AS BIGINT) FROM orders o
             JOIN order_seats s ON s.client_id = o.client_id AND s.site_id = o.site_id AND s.item = o.item
             WHERE o.client_id = $1 AND o.site_id = $2
               AND (o.state = 'disputed' OR (o.state = 'paid' AND o.paid_at >= s.since))
             GROUP BY o.item, s.seats ORDER BY o.item"
        ),
        client_id,
    )
    .id(site_id)
    .all(conn, |row| Ok((row.text(0)?, row.number(1)?, row.number(2)?)))
    .await
}
