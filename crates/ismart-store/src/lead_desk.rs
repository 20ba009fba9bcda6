//! What people do with leads: hold, release, refuse, own, mark, and come back to a view; and the rules of each client.

use std::collections::HashMap;

use ismart_domain::delivery::{Delivery, DeliveryState};
use ismart_domain::{ClientId, LeadId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::deliveries;
use crate::engine::{Conn, StoreError, Tx};
use crate::judgements::{self, Judgement};
use crate::sql::{Statement, TenantSql, tenant};

/// How many ids one statement takes.
const AT_ONCE: usize = 50;

/// Binds up to [`AT_ONCE`] ids as `$2` to `$51`.
fn of_ids<'q>(sql: TenantSql, client_id: ClientId, ids: &[LeadId]) -> Statement<'q> {
    let mut statement = Statement::tenant(sql, client_id);
    for at in 0..AT_ONCE {
        statement = statement.maybe(ids.get(at));
    }
    statement
}

/// The deliveries of many leads at once, by lead, in order of their destination.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn deliveries_of(
    conn: &mut Conn,
    client_id: ClientId,
    leads: &[LeadId],
) -> Result<HashMap<LeadId, Vec<Delivery>>, StoreError> {
    let mut found: HashMap<LeadId, Vec<Delivery>> = HashMap::new();
    for ids in leads.chunks(AT_ONCE) {
        let sql = tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at FROM deliveries
             WHERE client_id = $1 AND lead_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
               $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38,
               $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51) ORDER BY lead_id, destination"
        );
        for delivery in of_ids(sql, client_id, ids).all(conn, deliveries::read).await? {
            found.entry(delivery.lead_id).or_default().push(delivery);
        }
    }
    Ok(found)
}

/// The marks of many leads at once.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn marks_of(
    conn: &mut Conn,
    client_id: ClientId,
    leads: &[LeadId],
) -> Result<HashMap<LeadId, Vec<String>>, StoreError> {
    let mut found: HashMap<LeadId, Vec<String>> = HashMap::new();
    for ids in leads.chunks(AT_ONCE) {
        let sql = tenant!(
            "SELECT lead_id, mark FROM lead_marks
             WHERE client_id = $1 AND lead_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
               $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38,
               $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51) ORDER BY lead_id, mark"
        );
        let all =
            of_ids(sql, client_id, ids).all(conn, |row| Ok((row.parsed::<LeadId>(0)?, row.text(1)?))).await?;
        for (lead_id, mark) in all {
            found.entry(lead_id).or_default().push(mark);
        }
    }
    Ok(found)
}

/// The judgements on many leads at once.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn judgements_of(
    conn: &mut Conn,
    client_id: ClientId,
    leads: &[LeadId],
) -> Result<HashMap<LeadId, Judgement>, StoreError> {
    let mut found = HashMap::new();
    for ids in leads.chunks(AT_ONCE) {
        let sql = tenant!(
            "SELECT lead_id, score, signals, state, at, decided_at, decided_by, reason, note FROM judgements
             WHERE client_id = $1 AND lead_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
               $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38,
               $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)"
        );
        for judgement in of_ids(sql, client_id, ids).all(conn, judgements::read).await? {
            found.insert(judgement.lead_id, judgement);
        }
    }
    Ok(found)
}

/// Stops every delivery of a lead that has not ended and is not under way. Gives those that were stopped.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn hold(tx: &mut Tx, client_id: ClientId, lead_id: LeadId) -> Result<Vec<Delivery>, StoreError> {
    let now = tx.env().now();
    // What may have been carried out already is not held: it must be asked about first.
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = 'held', updated_at = $3 WHERE client_id = $1 AND lead_id = $2
               AND state IN ('queued', 'waiting', 'paused') AND destination <> 'inbox'
             RETURNING id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at"
        ),
        client_id,
    )
    .id(lead_id)
    .instant(now)
    .all(tx, deliveries::read)
    .await
}

/// Lets every held delivery of a lead go: the inbox has it, the others are due at once. Gives them.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn release(tx: &mut Tx, client_id: ClientId, lead_id: LeadId) -> Result<Vec<Delivery>, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = CASE WHEN destination = 'inbox' THEN 'delivered' ELSE 'queued' END,
               due_at = $3, updated_at = $3 WHERE client_id = $1 AND lead_id = $2 AND state = 'held'
             RETURNING id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at"
        ),
        client_id,
    )
    .id(lead_id)
    .instant(now)
    .all(tx, deliveries::read)
    .await
}

/// Closes every delivery of a lead that nobody has and that is not under way, with the reason. Gives them.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn refuse(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    reason: &str,
) -> Result<Vec<Delivery>, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = 'refused', reason = $3, updated_at = $4 WHERE client_id = $1 AND lead_id = $2
               AND state IN ('held', 'queued', 'waiting', 'paused', 'needs_attention')
             RETURNING id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at"
        ),
        client_id,
    )
    .id(lead_id)
    .text(reason)
    .instant(now)
    .all(tx, deliveries::read)
    .await
}

/// Gives a lead another owner, or none; false when it had him already.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn assign(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    owner: Option<UserId>,
) -> Result<bool, StoreError> {
    let changed = Statement::tenant(
        tenant!(
            "UPDATE leads SET owner_id = $3 WHERE client_id = $1 AND id = $2
             AND COALESCE(owner_id, '') <> COALESCE(CAST($3 AS TEXT), '')"
        ),
        client_id,
    )
    .id(lead_id)
    .maybe(owner)
    .run(tx)
    .await?;
    Ok(changed > 0)
}

/// Who works on a lead.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn owner(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Option<UserId>, StoreError> {
    let found =
        Statement::tenant(tenant!("SELECT owner_id FROM leads WHERE client_id = $1 AND id = $2"), client_id)
            .id(lead_id)
            .first(conn, |row| row.maybe_parsed(0))
            .await?;
    Ok(found.flatten())
}

/// Puts a mark on a lead or takes it away; false when nothing changed.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn mark(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    mark: &str,
    on: bool,
) -> Result<bool, StoreError> {
    let now = tx.env().now();
    let changed = if on {
        Statement::tenant(
            tenant!(
                "INSERT INTO lead_marks (client_id, lead_id, mark, at) SELECT $1, id, $3, $4 FROM leads
                 WHERE client_id = $1 AND id = $2 ON CONFLICT (lead_id, mark) DO NOTHING"
            ),
            client_id,
        )
        .id(lead_id)
        .text(mark)
        .instant(now)
        .run(tx)
        .await?
    } else {
        Statement::tenant(
            tenant!("DELETE FROM lead_marks WHERE client_id = $1 AND lead_id = $2 AND mark = $3"),
            client_id,
        )
        .id(lead_id)
        .text(mark)
        .run(tx)
        .await?
    };
    Ok(changed > 0)
}

/// Every mark in use, with how many leads have it.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn marks(conn: &mut Conn, client_id: ClientId) -> Result<Vec<(String, i64)>, StoreError> {
    Statement::tenant(
        tenant!("SELECT mark, COUNT(*) FROM lead_marks WHERE client_id = $1 GROUP BY mark ORDER BY mark"),
        client_id,
    )
    .all(conn, |row| Ok((row.text(0)?, row.number(1)?)))
    .await
}

/// A view that somebody saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name, unique for the client.
    pub name: String,
    /// The query of the list's address.
    pub query: String,
    /// Who saved it.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
}

/// The saved views of a client, by name.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn views(conn: &mut Conn, client_id: ClientId) -> Result<Vec<View>, StoreError> {
    Statement::tenant(
        tenant!("SELECT name, query, user_id, at FROM lead_views WHERE client_id = $1 ORDER BY name"),
        client_id,
    )
    .all(conn, |row| {
        Ok(View { name: row.text(0)?, query: row.text(1)?, user_id: row.parsed(2)?, at: row.instant(3)? })
    })
    .await
}

/// Saves a view; one of the same name is replaced.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn save_view(
    tx: &mut Tx,
    client_id: ClientId,
    name: &str,
    query: &str,
    user_id: UserId,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO lead_views (client_id, name, query, user_id, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (client_id, name) DO UPDATE SET query = excluded.query, user_id = excluded.user_id,
               at = excluded.at"
        ),
        client_id,
    )
    .text(name)
    .text(query)
    .id(user_id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// Forgets a view; false when there is none of this name.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn drop_view(tx: &mut Tx, client_id: ClientId, name: &str) -> Result<bool, StoreError> {
    let gone =
        Statement::tenant(tenant!("DELETE FROM lead_views WHERE client_id = $1 AND name = $2"), client_id)
            .text(name)
            .run(tx)
            .await?;
    Ok(gone > 0)
}

/// Rules of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// The same wish of the same person within these minutes is the same lead.
    pub repeat_minutes: i64,
    /// At this score a lead is held.
    pub spam_limit: i64,
    /// A phone or address with more different names than this says nothing about who somebody is.
    pub names: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { repeat_minutes: 10, spam_limit: ismart_domain::spam::LIMIT, names: 3 }
    }
}

/// The rules of a client; the usual ones where the configuration says nothing.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn rules(conn: &mut Conn, client_id: ClientId) -> Result<Rules, StoreError> {
    let found = Statement::tenant(tenant!("SELECT rules FROM lead_rules WHERE client_id = $1"), client_id)
        .first(conn, |row| row.json(0))
        .await?;
    Ok(found.unwrap_or_default())
}

/// Takes the rules of a client from the configuration.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put_rules(tx: &mut Tx, client_id: ClientId, rules: Rules) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO lead_rules (client_id, rules) VALUES ($1, $2)
             ON CONFLICT (client_id) DO UPDATE SET rules = excluded.rules"
        ),
        client_id,
    )
    .json(&rules)?
    .run(tx)
    .await?;
    Ok(())
}

/// How a lead that is held or not begins its way.
#[must_use]
pub fn first_state(held: bool, inbox: bool) -> DeliveryState {
    match (held, inbox) {
        (true, _) => DeliveryState::Held,
        (false, true) => DeliveryState::Delivered,
        (false, false) => DeliveryState::Queued,
    }
}
