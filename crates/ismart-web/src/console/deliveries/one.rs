//! One delivery: every attempt with what was sent and told, and what a person may decide.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use ismart_domain::delivery::{Delivery, DeliveryState};
use ismart_domain::lead::Lead;
use ismart_domain::user::Right;
use ismart_domain::{BoxFuture, DeliveryId};
use ismart_leads::queue::{self, DecideError, Decider};
use ismart_leads::{Shown, replay};
use ismart_store::deliveries::{self, Attempt};
use ismart_store::{Conn, Tx, attention, leads, users};
use serde::Serialize;

use super::name_of;
use crate::console::fault::Fault;
use crate::console::moment::{self, Teller, When};
use crate::console::page::Place;
use crate::console::plain;
use crate::console::seat::{People, Posted, Replaying, Seat, Seated};
use crate::platform::Platform;

#[derive(Serialize)]
struct DeliveryPage {
    id: String,
    lead_id: String,
    number: i64,
    person: String,
    destination: String,
    state: String,
    tone: &'static str,
    reason: Option<String>,
    external_id: Option<String>,
    changed: When,
    next: Option<When>,
    owner: Option<String>,
    decide_by: Option<When>,
    late: bool,
    attempts: Vec<AttemptLine>,
    may_decide: bool,
    can_replay: bool,
    can_close: bool,
    /// Other destinations that the lead has not gone to.
    elsewhere: Vec<String>,
    /// People who may answer for it: id, name, whether he does.
    people: Vec<(String, String, bool)>,
}

#[derive(Serialize)]
struct AttemptLine {
    number: i64,
    when: When,
    took: String,
    outcome: String,
    tone: &'static str,
    detail: Option<String>,
    exchanges: Vec<Shown>,
}

fn attempt_line(seat: &Seat, teller: &Teller, attempt: Attempt) -> AttemptLine {
    let texts = seat.texts();
    let state = DeliveryState::from_code(&attempt.outcome);
    let took = attempt.finished_at.duration_since(attempt.started_at);
    let exchanges: Vec<Shown> = match attempt.trace.as_deref().map(serde_json::from_str) {
        Some(Ok(exchanges)) => exchanges,
        // Forgotten after their time, or written by another version.
        Some(Err(_)) | None => Vec::new(),
    };
    AttemptLine {
        number: attempt.number,
        when: teller.when(attempt.started_at),
        took: moment::millis(seat.look.language, u64::try_from(took.as_micros()).unwrap_or(0)),
        outcome: state.map_or(attempt.outcome, |state| plain::state(texts, state).to_owned()),
        tone: state.map_or("busy", plain::tone),
        detail: attempt.detail,
        exchanges,
    }
}

/// The delivery of this id with its lead, if it is the client's.
async fn find(conn: &mut Conn, seat: &Seat, id: &str) -> Result<(Delivery, Lead), Fault> {
    let id: DeliveryId = id.parse().or(Err(Fault::Missing))?;
    let delivery = deliveries::get(conn, seat.client.id, id).await?.ok_or(Fault::Missing)?;
    let lead = leads::get(conn, seat.client.id, delivery.lead_id).await?.ok_or(Fault::Missing)?;
    Ok((delivery, lead))
}

/// Shows a delivery.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    let (client, texts, teller) = (seat.client.id, seat.texts(), seat.teller(&platform));
    let mut conn = platform.store.read().await?;
    let (delivery, lead) = find(&mut conn, &seat, &id).await?;
    let attempts = deliveries::attempts(&mut conn, client, delivery.id).await?;
    let siblings = deliveries::of_lead(&mut conn, client, lead.id).await?;
    let waiting = attention::get(&mut conn, client, delivery.id).await?;
    let people = users::of_client(&mut conn, client).await?;
    drop(conn);
    let again = matches!(
        delivery.state,
        DeliveryState::Waiting | DeliveryState::Verifying | DeliveryState::Paused | DeliveryState::Queued
    );
    let there = |name: &str| siblings.iter().any(|one| one.destination == name);
    let owner = waiting.as_ref().map(|one| name_of(texts, &people, one.user_id));
    let answers = waiting.as_ref().and_then(|one| one.user_id);
    let able = people.iter().filter(|user| waiting.is_some() && user.role.may(Right::Replay));
    let page = DeliveryPage {
        id: delivery.id.to_string(),
        lead_id: lead.id.to_string(),
        number: lead.number,
        person: lead
            .draft
            .name
            .map_or_else(|| texts.get("lead.nameless").to_owned(), |n| n.as_str().to_owned()),
        destination: plain::destination_name(texts, &delivery.destination),
        state: plain::state(texts, delivery.state).to_owned(),
        tone: plain::tone(delivery.state),
        reason: delivery.reason.clone(),
        external_id: delivery.external_id.clone(),
        changed: teller.when(delivery.updated_at),
        next: again.then(|| teller.when(delivery.due_at)),
        owner,
        late: waiting.as_ref().is_some_and(|one| one.due_at < teller.now),
        decide_by: waiting.as_ref().map(|one| teller.when(one.due_at)),
        attempts: attempts.into_iter().rev().map(|one| attempt_line(&seat, &teller, one)).collect(),
        may_decide: seat.may(Right::Replay),
        can_replay: crate::replay::is_possible(&delivery),
        can_close: crate::replay::is_possible(&delivery),
        elsewhere: seat
            .client
            .destinations
            .iter()
            .filter(|one| one.test == lead.draft.test && !there(&one.name))
            .map(|one| one.name.clone())
            .collect(),
        people: able.map(|user| (user.id.to_string(), user.name.clone(), Some(user.id) == answers)).collect(),
    };
    let title = format!("{}\u{a0}{}: {}", texts.get("lead.one"), page.number, page.destination);
    seat.page(&platform, Place::Deliveries, title, "delivery.twig", &page).await
}

type Decided = Result<(), DecideError>;

/// Carries a decision out and shows the delivery again.
async fn decide(
    platform: &Platform,
    id: DeliveryId,
    work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Decided> + Send + 'static,
) -> Result<Redirect, Fault> {
    match platform.store.write(work).await {
        Ok(()) => Ok(Redirect::to(&format!("/console/deliveries/{id}"))),
        Err(DecideError::Store(error)) => Err(error.into()),
        Err(DecideError::NoReason) => Err(Fault::Invalid("queue_fault.reason")),
        Err(DecideError::NotOpen) => Err(Fault::Led("queue_fault.not_open")),
        Err(DecideError::AlreadyThere(_)) => Err(Fault::Led("queue_fault.already_there")),
    }
}

/// Who decides about what, and why.
async fn asked(
    platform: &Platform,
    posted: &Posted<Replaying>,
    id: &str,
) -> Result<(DeliveryId, Decider), Fault> {
    let (delivery, _) = find(&mut platform.store.read().await?, &posted.seat, id).await?;
    let why = posted.fields.get("reason").unwrap_or_default();
    let decider = Decider::new(Some(posted.seat.session.user.id), why);
    Ok((delivery.id, decider.or(Err(Fault::Invalid("queue_fault.reason")))?))
}

/// Sends it again, at once.
pub(super) async fn again(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    posted: Posted<Replaying>,
) -> Result<Redirect, Fault> {
    let (id, decider) = asked(&platform, &posted, &id).await?;
    let client = posted.seat.client.id;
    decide(&platform, id, move |tx| {
        Box::pin(async move { replay::again(tx, client, id, &decider).await.map(|_| ()) })
    })
    .await
}

/// Closes it with a reason.
pub(super) async fn close(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    posted: Posted<Replaying>,
) -> Result<Redirect, Fault> {
    let (id, decider) = asked(&platform, &posted, &id).await?;
    let client = posted.seat.client.id;
    decide(&platform, id, move |tx| {
        Box::pin(async move { queue::close(tx, client, id, &decider).await.map(|_| ()) })
    })
    .await
}

/// Sends the lead to another destination instead.
pub(super) async fn elsewhere(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    posted: Posted<Replaying>,
) -> Result<Redirect, Fault> {
    let (id, decider) = asked(&platform, &posted, &id).await?;
    let client = posted.seat.client.id;
    let to = posted.fields.get("to").unwrap_or_default().to_owned();
    if !posted.seat.client.destinations.iter().any(|one| one.name == to) {
        return Err(Fault::Invalid("queue_fault.destination"));
    }
    decide(&platform, id, move |tx| {
        Box::pin(async move { queue::send_elsewhere(tx, client, id, &to, &decider).await.map(|_| ()) })
    })
    .await
}

/// Makes another person answer for it.
pub(super) async fn hand(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    posted: Posted<Replaying>,
) -> Result<Redirect, Fault> {
    let mut conn = platform.store.read().await?;
    let (delivery, _) = find(&mut conn, &posted.seat, &id).await?;
    let people = users::of_client(&mut conn, posted.seat.client.id).await?;
    drop(conn);
    let wanted = posted.fields.get("to").unwrap_or_default();
    let able = people.iter().find(|user| user.id.to_string() == wanted && user.role.may(Right::Replay));
    let user = able.map(|user| user.id).ok_or(Fault::Invalid("queue_fault.person"))?;
    let (client, id) = (posted.seat.client.id, delivery.id);
    decide(&platform, id, move |tx| Box::pin(async move { queue::hand_to(tx, client, id, user).await })).await
}
