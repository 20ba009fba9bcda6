//! The queue of people: what no repetition can bring to its destination waits for a person who answers for it.
//!
//! Every delivery in the queue has an owner, found by rule, and a deadline in the client's working time. Whoever lets it
//! pass loses the delivery to the next one who may decide. A person sends it again, sends it elsewhere, or closes it
//! with a reason: it then counts as refused.

use ismart_domain::delivery::{Decision, Delivery, DeliveryState};
use ismart_domain::user::{Right, User};
use ismart_domain::{ClientId, DeliveryId, EventBody, TraceId, UserId};
use ismart_store::events::Scope;
use ismart_store::{Store, StoreError, Tx, attention, deliveries, events, outcomes, users};
use jiff::Timestamp;

use crate::dispatch::{Care, changed};

/// Tells the rules of a client's destination.
pub type CareOf = dyn Fn(ClientId, &str) -> Care + Send + Sync;

/// Deliveries handed on at once.
const HANDED_ON: i64 = 100;
/// A person's reason is kept up to so many characters.
const REASON_LIMIT: usize = 500;

/// Why a decision was not carried out. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The delivery is not there, or not in a state about which anything can be decided.
    #[error(
        "this delivery is not there to be decided about: it was delivered, is being sent, held or refused"
    )]
    NotOpen,
    /// A reason is needed.
    #[error("say why: a reason is kept with the lead")]
    NoReason,
    /// The lead already goes to that destination.
    #[error("the lead already has a delivery to `{0}`; send that one again instead")]
    AlreadyThere(String),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The person; `None` for a command on the machine itself.
    pub user_id: Option<UserId>,
    /// Why, in his words.
    pub reason: String,
}

impl Decider {
    /// A decider with a reason.
    ///
    /// # Errors
    /// [`DecideError::NoReason`] when there are no words in it.
    pub fn new(user_id: Option<UserId>, reason: &str) -> Result<Self, DecideError> {
        let reason: String = reason.trim().chars().take(REASON_LIMIT).collect();
        if reason.is_empty() { Err(DecideError::NoReason) } else { Ok(Self { user_id, reason }) }
    }
}

/// Who answers for a delivery to this destination: the person whom the configuration names; or else the one of the
/// client's own people who may decide and has least to decide; or else one of the agency's. `not` has had his time.
async fn owner(
    tx: &mut Tx,
    client_id: ClientId,
    named: Option<&str>,
    not: Option<UserId>,
) -> Result<Option<UserId>, StoreError> {
    let people = users::of_client(tx, client_id).await?;
    let mut able: Vec<&User> =
        people.iter().filter(|user| user.role.may(Right::Replay) && Some(user.id) != not).collect();
    let named = named.map(str::to_lowercase);
    if let Some(user) = able.iter().find(|user| named.as_deref() == Some(user.login.as_str())) {
        return Ok(Some(user.id));
    }
    let loads = attention::loads(tx, client_id).await?;
    let load = |user: &User| loads.iter().find(|(id, _)| *id == user.id).map_or(0, |(_, count)| *count);
    able.sort_by_key(|user| (user.client_id.is_none(), load(user), user.login.clone()));
    Ok(able.first().map(|user| user.id))
}

/// Puts a delivery into the queue, with an owner and a deadline.
///
/// # Errors
/// [`StoreError`]; nothing was written.
pub(crate) async fn take_in(
    tx: &mut Tx,
    client_id: ClientId,
    delivery: &Delivery,
    care: &Care,
    trace_id: TraceId,
) -> Result<(), StoreError> {
    let user_id = owner(tx, client_id, care.owner.as_deref(), None).await?;
    let due_at = care.hours.after(tx.env().now(), care.decide_within, &care.zone);
    assign(tx, client_id, delivery, user_id, due_at, 0, trace_id).await
}

async fn assign(
    tx: &mut Tx,
    client_id: ClientId,
    delivery: &Delivery,
    user_id: Option<UserId>,
    due_at: Timestamp,
    level: u32,
    trace_id: TraceId,
) -> Result<(), StoreError> {
    attention::put(tx, client_id, delivery.id, user_id, due_at, level).await?;
    let site_id = outcomes::site_of(tx, client_id, delivery.lead_id).await?;
    let body = EventBody::DeliveryAssigned {
        delivery_id: delivery.id,
        lead_id: delivery.lead_id,
        user_id,
        due_at,
        level,
    };
    events::append(tx, Scope { client_id, site_id, trace_id }, body).await
}

/// Makes a person the one who answers for a delivery in the queue; the deadline stays.
///
/// # Errors
/// [`DecideError::NotOpen`] when it is not in the queue.
pub async fn hand_to(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
    user_id: UserId,
) -> Result<(), DecideError> {
    let waiting = attention::get(tx, client_id, id).await?.ok_or(DecideError::NotOpen)?;
    let delivery = deliveries::get(tx, client_id, id).await?.ok_or(DecideError::NotOpen)?;
    let trace_id = tx.env().new_id();
    assign(tx, client_id, &delivery, Some(user_id), waiting.due_at, waiting.level, trace_id).await?;
    Ok(())
}

/// Hands deliveries on whose owners let their deadlines pass; gives how many. `care` tells the rules of a client's
/// destination.
///
/// # Errors
/// [`StoreError`]; what was handed on before it stays so.
pub async fn escalate(store: &Store, care: &CareOf) -> Result<usize, StoreError> {
    let overdue = attention::overdue(&mut store.read().await?, HANDED_ON).await?;
    let count = overdue.len();
    for waiting in overdue {
        let care = care(waiting.client_id, &waiting.destination);
        store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let client_id = waiting.client_id;
                    let found = deliveries::get(tx, client_id, waiting.delivery_id).await?;
                    let open = found.filter(|one| one.state == DeliveryState::NeedsAttention);
                    let Some(delivery) = open else {
                        attention::remove(tx, client_id, waiting.delivery_id).await?;
                        return Ok::<_, StoreError>(());
                    };
                    let next = owner(tx, client_id, None, waiting.user_id).await?.or(waiting.user_id);
                    let due_at = care.hours.after(tx.env().now(), care.decide_within, &care.zone);
                    let trace_id = tx.env().new_id();
                    tracing::warn!(delivery.id = %delivery.id, destination = delivery.destination,
                                   level = waiting.level + 1, "nobody decided about a delivery in time");
                    let level = waiting.level.saturating_add(1);
                    assign(tx, client_id, &delivery, next, due_at, level, trace_id).await
                })
            })
            .await?;
    }
    Ok(count)
}

/// Takes in deliveries that need a person and are in nobody's hands; gives how many.
///
/// # Errors
/// [`StoreError`]; what was taken in before it stays so.
pub async fn adopt(store: &Store, care: &CareOf) -> Result<usize, StoreError> {
    let lost = attention::unassigned(&mut store.read().await?, HANDED_ON).await?;
    let count = lost.len();
    for (client_id, delivery) in lost {
        let care = care(client_id, &delivery.destination);
        store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let trace_id = tx.env().new_id();
                    take_in(tx, client_id, &delivery, &care, trace_id).await
                })
            })
            .await?;
    }
    Ok(count)
}

/// Appends the event of a person's decision, after the one of the state that it led to.
pub(crate) async fn decided(
    tx: &mut Tx,
    client_id: ClientId,
    delivery: &Delivery,
    decision: Decision,
    decider: &Decider,
    trace_id: TraceId,
) -> Result<(), StoreError> {
    attention::remove(tx, client_id, delivery.id).await?;
    changed(tx, client_id, delivery, trace_id).await?;
    let site_id = outcomes::site_of(tx, client_id, delivery.lead_id).await?;
    let body = EventBody::DeliveryDecided {
        delivery_id: delivery.id,
        lead_id: delivery.lead_id,
        destination: delivery.destination.clone(),
        decision,
        user_id: decider.user_id,
        reason: ismart_domain::secret::mask_personal(&decider.reason),
    };
    events::append(tx, Scope { client_id, site_id, trace_id }, body).await
}

/// Closes a delivery that was not made: it counts as refused, with this reason.
///
/// # Errors
/// [`DecideError::NotOpen`] when it was delivered, is being sent, is held or was refused already.
pub async fn close(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
    decider: &Decider,
) -> Result<Delivery, DecideError> {
    let closed = deliveries::close(tx, client_id, id, &decider.reason).await?.ok_or(DecideError::NotOpen)?;
    let trace_id = tx.env().new_id();
    decided(tx, client_id, &closed, Decision::Refused, decider, trace_id).await?;
    Ok(closed)
}

/// Sends a lead to another destination in place of this delivery, which is closed.
///
/// # Errors
/// [`DecideError::NotOpen`] as for [`close`]; [`DecideError::AlreadyThere`] when the lead has a delivery there.
pub async fn send_elsewhere(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
    destination: &str,
    decider: &Decider,
) -> Result<Delivery, DecideError> {
    let open = deliveries::get(tx, client_id, id).await?.ok_or(DecideError::NotOpen)?;
    let all = deliveries::of_lead(tx, client_id, open.lead_id).await?;
    if all.iter().any(|one| one.destination == destination) {
        return Err(DecideError::AlreadyThere(destination.to_owned()));
    }
    let reason = format!("sent to {destination} instead: {}", decider.reason);
    let closed = deliveries::close(tx, client_id, id, &reason).await?.ok_or(DecideError::NotOpen)?;
    let trace_id = tx.env().new_id();
    decided(tx, client_id, &closed, Decision::Moved, decider, trace_id).await?;
    let made = deliveries::add(tx, client_id, open.lead_id, destination, DeliveryState::Queued).await?;
    changed(tx, client_id, &made, trace_id).await?;
    Ok(made)
}
