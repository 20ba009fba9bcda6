//! The event log: append-only, typed, written in the transaction of its cause.

use ismart_domain::{ClientId, ConversationId, Event, EventBody, LeadId, SiteId, TraceId};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, tenant};

/// On whose behalf events are written.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The client.
    pub client_id: ClientId,
    /// The site, if it concerns one.
    pub site_id: Option<SiteId>,
    /// What ties the events of one cause.
    pub trace_id: TraceId,
}

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Place in the log; grows.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// Appends one event, dated now; listeners hear of it after the commit.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn append(tx: &mut Tx, scope: Scope, body: EventBody) -> Result<(), StoreError> {
    let env = tx.env().clone();
    let event = Event {
        id: env.new_id(),
        client_id: scope.client_id,
        site_id: scope.site_id,
        at: env.now(),
        trace_id: scope.trace_id,
        body,
    };
    Statement::tenant(
        tenant!(
            "INSERT INTO events (client_id, id, site_id, at, trace_id, kind, version, conversation_id, lead_id, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        scope.client_id,
    )
    .id(event.id)
    .maybe(scope.site_id)
    .instant(event.at)
    .id(scope.trace_id)
    .text(event.body.kind())
    .number(i64::from(event.body.version()))
    .maybe(event.body.conversation_id())
    .maybe(event.body.lead_id())
    .json(&event.body)?
    .run(tx)
    .await?;
    tx.announce(event);
    Ok(())
}

pub(crate) fn read(row: &Columns<'_>) -> Result<Logged, StoreError> {
    Ok(Logged {
        seq: row.number(0)?,
        event: Event {
            id: row.parsed(1)?,
            client_id: row.parsed(2)?,
            site_id: row.maybe_parsed(3)?,
            at: row.instant(4)?,
            trace_id: row.parsed(5)?,
            body: row.json(6)?,
        },
    })
}

/// The events of a client after place `after`, in order, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn after(
    conn: &mut Conn,
    client_id: ClientId,
    after: i64,
    limit: i64,
) -> Result<Vec<Logged>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT seq, id, client_id, site_id, at, trace_id, data FROM events
             WHERE client_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
        ),
        client_id,
    )
    .number(after)
    .number(limit)
    .all(conn, read)
    .await
}

/// Every event of a lead, in order.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<Logged>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT seq, id, client_id, site_id, at, trace_id, data FROM events
             WHERE client_id = $1 AND lead_id = $2 ORDER BY seq"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, read)
    .await
}

/// Every event of a conversation, in order.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_conversation(
    conn: &mut Conn,
    client_id: ClientId,
    conversation_id: ConversationId,
) -> Result<Vec<Logged>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT seq, id, client_id, site_id, at, trace_id, data FROM events
             WHERE client_id = $1 AND conversation_id = $2 ORDER BY seq"
        ),
        client_id,
    )
    .id(conversation_id)
    .all(conn, read)
    .await
}
