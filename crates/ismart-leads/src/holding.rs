//! What a person decides about leads: hold, release, refuse, own, mark. Every decision is an event, and each can be said
//! twice without a second effect.

use ismart_domain::spam::{Refusal, Verdict};
use ismart_domain::{ClientId, EventBody, LeadId, UserId};
use ismart_store::events::Scope;
use ismart_store::judgements::{self, Decision, Ruling};
use ismart_store::{Conn, StoreError, Tx, attention, events, lead_desk, leads};

use crate::accept::tell_delivery;

/// Whether a lead waits for a decision.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn is_held(conn: &mut Conn, client_id: ClientId, lead_id: LeadId) -> Result<bool, StoreError> {
    let judgement = judgements::of_lead(conn, client_id, lead_id).await?;
    Ok(judgement.is_some_and(|judgement| judgement.ruling == Ruling::Held))
}

/// Lets a held lead go: its deliveries begin, once. False when it was not held.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn release(
    tx: &mut Tx,
    scope: Scope,
    lead_id: LeadId,
    user_id: Option<UserId>,
) -> Result<bool, StoreError> {
    if !is_held(tx, scope.client_id, lead_id).await? {
        return Ok(false);
    }
    let decision = Decision { ruling: Ruling::Released, user_id, reason: None, note: None };
    judgements::decide(tx, scope.client_id, lead_id, &decision).await?;
    events::append(tx, scope, EventBody::LeadReleased { lead_id, user_id }).await?;
    for delivery in lead_desk::release(tx, scope.client_id, lead_id).await? {
        tell_delivery(tx, scope, &delivery).await?;
    }
    Ok(true)
}

/// Stops what of a lead is not under way and not delivered yet. False when there was nothing to stop.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn hold(tx: &mut Tx, scope: Scope, lead_id: LeadId, user_id: UserId) -> Result<bool, StoreError> {
    let stopped = lead_desk::hold(tx, scope.client_id, lead_id).await?;
    let Some(lead) = leads::get(tx, scope.client_id, lead_id).await?.filter(|_| !stopped.is_empty()) else {
        return Ok(false);
    };
    judgements::add(tx, scope.client_id, lead_id, &lead.draft, &Verdict::default(), Ruling::Held).await?;
    let reasons = vec!["person".to_owned()];
    events::append(tx, scope, EventBody::LeadHeld { lead_id, score: 0, reasons, user_id: Some(user_id) })
        .await?;
    for delivery in stopped {
        tell_delivery(tx, scope, &delivery).await?;
    }
    Ok(true)
}

/// Closes what of a lead nobody has yet, with the reason. False when there was nothing to close.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn refuse(
    tx: &mut Tx,
    scope: Scope,
    lead_id: LeadId,
    reason: Refusal,
    note: Option<&str>,
    user_id: UserId,
) -> Result<bool, StoreError> {
    let words = match note {
        Some(note) => format!("{}: {note}", reason.code()),
        None => reason.code().to_owned(),
    };
    let closed = lead_desk::refuse(tx, scope.client_id, lead_id, &words).await?;
    if closed.is_empty() {
        return Ok(false);
    }
    let decision = Decision { ruling: Ruling::Refused, user_id: Some(user_id), reason: Some(reason), note };
    judgements::decide(tx, scope.client_id, lead_id, &decision).await?;
    events::append(tx, scope, EventBody::LeadRefused { lead_id, reason, user_id }).await?;
    for delivery in closed {
        attention::remove(tx, scope.client_id, delivery.id).await?;
        tell_delivery(tx, scope, &delivery).await?;
    }
    Ok(true)
}

/// Gives a lead another owner, or none. False when it had him already.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn assign(
    tx: &mut Tx,
    scope: Scope,
    lead_id: LeadId,
    owner: Option<UserId>,
    user_id: Option<UserId>,
) -> Result<bool, StoreError> {
    if !lead_desk::assign(tx, scope.client_id, lead_id, owner).await? {
        return Ok(false);
    }
    events::append(tx, scope, EventBody::LeadAssigned { lead_id, owner, user_id }).await?;
    Ok(true)
}

/// Puts a mark on a lead, or takes it away. False when nothing changed.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn mark(
    tx: &mut Tx,
    scope: Scope,
    lead_id: LeadId,
    mark: &str,
    on: bool,
    user_id: UserId,
) -> Result<bool, StoreError> {
    if !lead_desk::mark(tx, scope.client_id, lead_id, mark, on).await? {
        return Ok(false);
    }
    events::append(tx, scope, EventBody::LeadMarked { lead_id, mark: mark.to_owned(), on, user_id }).await?;
    Ok(true)
}
