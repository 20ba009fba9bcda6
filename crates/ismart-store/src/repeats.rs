//! Requests that came again: one lead, with what was new kept beside it.

use ismart_domain::lead::{Lead, LeadDraft};
use ismart_domain::{ClientId, LeadId, PersonId, RepeatId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::leads;
use crate::sql::{Statement, tenant};

/// A request that came again.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// Identity.
    pub id: RepeatId,
    /// The lead that it belongs to.
    pub lead_id: LeadId,
    /// When.
    pub at: Timestamp,
    /// Names of what was new.
    pub fresh: Vec<String>,
    /// What came, whole.
    pub draft: LeadDraft,
}

/// Keeps a repeat; a `key` that nobody used before is good for ever, as the lead's own. The lead is found by the new
/// words as well.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    fresh: &[String],
    draft: &LeadDraft,
    key: Option<&str>,
) -> Result<RepeatId, StoreError> {
    let id: RepeatId = tx.env().new_id();
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO lead_repeats (client_id, id, lead_id, at, idempotency_key, fresh, draft)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        client_id,
    )
    .id(id)
    .id(lead_id)
    .instant(now)
    .maybe(key)
    .json(&fresh)?
    .json(draft)?
    .run(tx)
    .await?;
    Statement::tenant(
        tenant!("UPDATE leads SET words = words || $3 WHERE client_id = $1 AND id = $2"),
        client_id,
    )
    .id(lead_id)
    .text(leads::words(draft))
    .run(tx)
    .await?;
    Ok(id)
}

/// The repeats of a lead, oldest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<Repeat>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, at, fresh, draft FROM lead_repeats WHERE client_id = $1 AND lead_id = $2 ORDER BY at, id"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, |row| {
        Ok(Repeat {
            id: row.parsed(0)?,
            lead_id,
            at: row.instant(1)?,
            fresh: row.json(2)?,
            draft: row.json(3)?,
        })
    })
    .await
}

/// The lead that a repeat with this key belongs to.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_key(conn: &mut Conn, client_id: ClientId, key: &str) -> Result<Option<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT l.id, l.client_id, l.number, l.accepted_at, l.draft FROM lead_repeats r
             JOIN leads l ON l.id = r.lead_id WHERE r.client_id = $1 AND r.idempotency_key = $2"
        ),
        client_id,
    )
    .text(key)
    .first(conn, leads::read)
    .await
}

/// The newest lead of the same person, merged persons included, that wants the same as this request and was accepted
/// after `since`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn same_wish(
    conn: &mut Conn,
    client_id: ClientId,
    person_id: PersonId,
    draft: &LeadDraft,
    since: Timestamp,
) -> Result<Option<Lead>, StoreError> {
    // A cross join keeps SQLite to this order: it would else read all leads of the window for each request.
    let near = Statement::tenant(
        tenant!(
            "WITH RECURSIVE up(id, parent) AS (
               SELECT id, merged_into FROM persons WHERE client_id = $1 AND id = $2
               UNION ALL SELECT p.id, p.merged_into FROM persons p JOIN up ON p.id = up.parent),
             tree(id) AS (
               SELECT id FROM up WHERE parent IS NULL
               UNION ALL SELECT p.id FROM persons p JOIN tree ON p.merged_into = tree.id)
             SELECT l.id, l.client_id, l.number, l.accepted_at, l.draft FROM tree CROSS JOIN leads l
             WHERE l.person_id = tree.id AND l.client_id = $1 AND l.accepted_at > $3 AND l.site_id = $4 AND l.intent = $5
               AND l.test = $6
             ORDER BY l.accepted_at DESC, l.number DESC LIMIT 20"
        ),
        client_id,
    )
    .id(person_id)
    .instant(since)
    .id(draft.site_id)
    .text(draft.intent.code())
    .number(i64::from(draft.test))
    .all(conn, leads::read)
    .await?;
    // Another car, or money that was paid, is another wish.
    let subject = |draft: &LeadDraft| draft.subject.as_ref().map(|subject| subject.key.clone());
    Ok(near.into_iter().find(|lead| {
        subject(&lead.draft) == subject(draft) && lead.draft.amount.is_none() && draft.amount.is_none()
    }))
}
