//! Judgements on suspected requests, and what people decided about them.

use ismart_domain::lead::LeadDraft;
use ismart_domain::spam::{Past, Refusal, Signal, Verdict};
use ismart_domain::{ClientId, LeadId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, tenant};

/// Where a judged lead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Suspected a little; it went on its way.
    Passed,
    /// Waits for a person.
    Held,
    /// A person let it go, or its sender proved to be one.
    Released,
    /// A person closed it.
    Refused,
}

impl Ruling {
    /// Every ruling.
    pub const ALL: [Self; 4] = [Self::Passed, Self::Held, Self::Released, Self::Refused];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Held => "held",
            Self::Released => "released",
            Self::Refused => "refused",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ruling| ruling.code() == code)
    }
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The lead.
    pub lead_id: LeadId,
    /// The score and its reasons.
    pub verdict: Verdict,
    /// Where it stands.
    pub ruling: Ruling,
    /// When it was judged.
    pub at: Timestamp,
    /// When a person decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// Why it was refused.
    pub reason: Option<Refusal>,
    /// What the person wrote beside it.
    pub note: Option<String>,
}

pub(crate) fn read(row: &Columns<'_>) -> Result<Judgement, StoreError> {
    let signals: Vec<Signal> = row.json(2)?;
    Ok(Judgement {
        lead_id: row.parsed(0)?,
        verdict: Verdict { score: row.number(1)?, signals },
        ruling: row.code(3, Ruling::from_code)?,
        at: row.instant(4)?,
        decided_at: row.maybe_instant(5)?,
        decided_by: row.maybe_parsed(6)?,
        reason: row.maybe_text(7)?.and_then(|code| Refusal::from_code(&code)),
        note: row.maybe_text(8)?,
    })
}

/// What became of earlier held requests with the phone, the e-mail address or the network address of this one.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn past(conn: &mut Conn, client_id: ClientId, draft: &LeadDraft) -> Result<Past, StoreError> {
    let mut past = Past::default();
    let found = Statement::tenant(
        tenant!(
            "SELECT state, COUNT(*) FROM (
               SELECT lead_id, state FROM judgements WHERE client_id = $1 AND phone = $2 AND state IN ('released', 'refused')
               UNION SELECT lead_id, state FROM judgements
                 WHERE client_id = $1 AND email = $3 AND state IN ('released', 'refused')
               UNION SELECT lead_id, state FROM judgements
                 WHERE client_id = $1 AND sender = $4 AND state IN ('released', 'refused')) decided
             GROUP BY state"
        ),
        client_id,
    )
    .maybe(draft.phone.as_ref().map(|phone| phone.e164().to_owned()))
    .maybe(draft.email.as_ref().map(ismart_domain::Email::matching))
    .maybe(sender(draft))
    .all(conn, |row| Ok((row.text(0)?, row.number(1)?)))
    .await?;
    for (state, count) in found {
        match state.as_str() {
            "refused" => past.refused = count,
            _ => past.released = count,
        }
    }
    Ok(past)
}

/// The network address that a request came from, as its consents prove it.
fn sender(draft: &LeadDraft) -> Option<&str> {
    draft.consents.iter().find_map(|consent| consent.ip.as_deref())
}

/// Keeps a judgement.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    draft: &LeadDraft,
    verdict: &Verdict,
    ruling: Ruling,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO judgements (client_id, lead_id, score, signals, state, phone, email, sender, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (lead_id) DO UPDATE SET state = excluded.state, decided_at = NULL, decided_by = NULL,
               reason = NULL, note = NULL"
        ),
        client_id,
    )
    .id(lead_id)
    .number(verdict.score)
    .json(&verdict.signals)?
    .text(ruling.code())
    .maybe(draft.phone.as_ref().map(|phone| phone.e164().to_owned()))
    .maybe(draft.email.as_ref().map(ismart_domain::Email::matching))
    .maybe(sender(draft))
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// What a person decided, or the same sender proved.
#[derive(Debug, Clone)]
pub struct Decision<'d> {
    /// Where the lead stands from here on.
    pub ruling: Ruling,
    /// Who decided.
    pub user_id: Option<UserId>,
    /// Why it was refused.
    pub reason: Option<Refusal>,
    /// What the person wrote beside it.
    pub note: Option<&'d str>,
}

/// Writes a decision into the judgement of a lead, if it has one.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn decide(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    decision: &Decision<'_>,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE judgements SET state = $3, decided_at = $4, decided_by = $5, reason = $6, note = $7
             WHERE client_id = $1 AND lead_id = $2"
        ),
        client_id,
    )
    .id(lead_id)
    .text(decision.ruling.code())
    .instant(now)
    .maybe(decision.user_id)
    .maybe(decision.reason.map(Refusal::code))
    .maybe(decision.note)
    .run(tx)
    .await?;
    Ok(())
}

/// The judgement on a lead, if there was anything to judge.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Option<Judgement>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT lead_id, score, signals, state, at, decided_at, decided_by, reason, note FROM judgements
             WHERE client_id = $1 AND lead_id = $2"
        ),
        client_id,
    )
    .id(lead_id)
    .first(conn, read)
    .await
}

/// How many leads wait for a decision.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn held(conn: &mut Conn, client_id: ClientId) -> Result<i64, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT COUNT(*) FROM judgements WHERE client_id = $1 AND state = 'held'"),
        client_id,
    )
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}
