//! `GET /console/leads/{id}`: one lead with its proofs, deliveries and history; sending a delivery again.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::delivery::{Delivery, DeliveryState, Standing};
use ismart_domain::lead::{Consent, Lead};
use ismart_domain::user::{Right, User};
use ismart_domain::{DeliveryId, LeadId};
use ismart_leads::queue::DecideError;
use ismart_store::deliveries::{self, Attempt};
use ismart_store::judgements::{self, Ruling};
use ismart_store::repeats::{self, Repeat};
use ismart_store::{Conn, StoreError, calls, clients, events, files, lead_desk, leads, users};
use serde::Serialize;

use super::calls::CallLine;
use super::fault::Fault;
use super::files::FileLine;
use super::leads::Choice;
use super::moment::{Teller, When};
use super::outcomes::{self, OutcomeLine};
use super::page::Place;
use super::person::{self, PersonView};
use super::plain::{self, Historian, HistoryLine};
use super::seat::{People, Posted, Replaying, Seat, Seated};
use crate::platform::Platform;
use crate::replay;

#[derive(Serialize)]
struct LeadPage {
    id: String,
    number: i64,
    title: String,
    when: When,
    test: bool,
    person: Option<String>,
    /// Address for calling, and the number as people read it.
    phone: Option<(String, String)>,
    email: Option<String>,
    intent: String,
    subject: Option<String>,
    comment: String,
    /// Other facts, each with its name.
    facts: Vec<(String, String)>,
    page_url: Option<String>,
    conversation: Option<String>,
    utm: Vec<(&'static str, String)>,
    consents: Vec<ConsentView>,
    files: Vec<FileLine>,
    calls: Vec<CallLine>,
    deliveries: Vec<DeliveryView>,
    may_replay: bool,
    history: Vec<HistoryLine>,
    desk: Desk,
    person_of: Option<PersonView>,
    repeats: Vec<RepeatView>,
    outcomes: Vec<OutcomeLine>,
}

/// What people may decide about the lead.
#[derive(Serialize)]
struct Desk {
    may: bool,
    here: String,
    standing: Option<String>,
    tone: &'static str,
    held: bool,
    score: Option<i64>,
    reasons: Vec<String>,
    note: Option<String>,
    owner: Option<String>,
    owners: Vec<Choice>,
    marks: Vec<String>,
    refusals: Vec<Choice>,
    can_hold: bool,
    can_refuse: bool,
}

/// The same wish, come again with something new.
#[derive(Serialize)]
struct RepeatView {
    when: When,
    fresh: String,
    comment: String,
    contacts: String,
}

#[derive(Serialize)]
struct ConsentView {
    purpose: String,
    version: String,
    sha256: String,
    when: When,
    text: String,
    url: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
}

#[derive(Serialize)]
struct DeliveryView {
    id: String,
    destination: String,
    title: String,
    tone: &'static str,
    external_id: Option<String>,
    reason: Option<String>,
    when: When,
    /// When the next attempt is due, while there will be one.
    next: Option<When>,
    simulated: Option<String>,
    can_replay: bool,
    attempts: Vec<AttemptView>,
}

#[derive(Serialize)]
struct AttemptView {
    number: i64,
    when: When,
    took: String,
    outcome: String,
    tone: &'static str,
    detail: Option<String>,
}

/// Shows a lead.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    let id: LeadId = id.parse().or(Err(Fault::Missing))?;
    let client = seat.client.id;
    let teller = seat.teller(&platform);
    let mut conn = platform.store.read().await?;
    let lead = leads::get(&mut conn, client, id).await?.ok_or(Fault::Missing)?;
    let consents = leads::consents(&mut conn, client, id).await?;
    let mut views = Vec::new();
    for delivery in deliveries::of_lead(&mut conn, client, id).await? {
        let attempts = deliveries::attempts(&mut conn, client, delivery.id).await?;
        views.push(delivery_view(&seat, &teller, &delivery, attempts));
    }
    let came = files::of_lead(&mut conn, client, id).await?;
    let came: Vec<FileLine> = came.iter().map(|file| FileLine::of(&seat, file)).collect();
    let rung = calls::of_lead(&mut conn, client, id).await?;
    let users = users::of_client(&mut conn, client).await?;
    let history = history(&mut conn, &seat, &teller, id, &users).await?;
    let person_of = person::of_lead(&mut conn, &seat, &teller, id, &users).await?;
    let desk = desk(&mut conn, &seat, id, &users).await?;
    let repeats = repeats::of_lead(&mut conn, client, id).await?;
    let outcomes = outcomes::of_lead(&mut conn, &seat, &teller, id).await?;
    let sites = clients::sites(&mut conn, client).await?;
    drop(conn);
    let site = sites.into_iter().find(|site| site.id == lead.draft.site_id).map(|site| site.name);
    let repeats = repeats.iter().map(|repeat| repeat_view(&seat, &teller, repeat)).collect();
    let told = Told { consents, deliveries: views, history, desk, person_of, repeats };
    let mut page = page(&seat, &teller, lead, site, told);
    page.files = came;
    page.calls = rung.into_iter().map(|call| CallLine::of(&seat, call)).collect();
    page.outcomes = outcomes;
    let title = format!("{}\u{a0}{}", seat.texts().get("lead.one"), page.number);
    seat.page(&platform, Place::Leads, title, "lead.twig", &page).await
}

async fn history(
    conn: &mut Conn,
    seat: &Seat,
    teller: &Teller,
    id: LeadId,
    users: &[User],
) -> Result<Vec<HistoryLine>, StoreError> {
    let events = events::of_lead(conn, seat.client.id, id).await?;
    Ok(Historian { texts: seat.texts(), teller, users }.lines(&events))
}

/// What stands beside a lead.
struct Told {
    consents: Vec<Consent>,
    deliveries: Vec<DeliveryView>,
    history: Vec<HistoryLine>,
    desk: Desk,
    person_of: Option<PersonView>,
    repeats: Vec<RepeatView>,
}

async fn desk(conn: &mut Conn, seat: &Seat, id: LeadId, users: &[User]) -> Result<Desk, StoreError> {
    let (texts, client) = (seat.texts(), seat.client.id);
    let judged = judgements::of_lead(conn, client, id).await?;
    let owner = lead_desk::owner(conn, client, id).await?;
    let marks = lead_desk::marks_of(conn, client, &[id]).await?.remove(&id).unwrap_or_default();
    let all = deliveries::of_lead(conn, client, id).await?;
    let outside = all.iter().filter(|delivery| delivery.destination != ismart_leads::INBOX);
    let states: Vec<DeliveryState> = outside.map(|delivery| delivery.state).collect();
    let states = if states.is_empty() { all.iter().map(|delivery| delivery.state).collect() } else { states };
    let standing = Standing::of_lead(states.iter().map(|state| state.standing()));
    let held = judged.as_ref().is_some_and(|judged| judged.ruling == Ruling::Held);
    let any = |wanted: &[DeliveryState]| states.iter().any(|state| wanted.contains(state));
    let open = [DeliveryState::Queued, DeliveryState::Waiting, DeliveryState::Paused];
    Ok(Desk {
        may: seat.may(Right::Answer),
        here: format!("/console/leads/{id}"),
        standing: standing.map(|standing| plain::named(texts, "standing", standing.code())),
        tone: standing.map_or("bad", plain::standing_tone),
        held,
        score: judged.as_ref().map(|judged| judged.verdict.score),
        reasons: judged.as_ref().map(|judged| plain::reasons(texts, judged)).unwrap_or_default(),
        note: judged.and_then(|judged| judged.note),
        owner: owner.and_then(|id| users.iter().find(|user| user.id == id)).map(|user| user.name.clone()),
        owners: users
            .iter()
            .map(|user| Choice {
                code: user.id.to_string(),
                title: user.name.clone(),
                current: owner == Some(user.id),
            })
            .collect(),
        marks,
        refusals: plain::refusals(texts),
        can_hold: !held && any(&open),
        can_refuse: held || any(&open) || any(&[DeliveryState::NeedsAttention]),
    })
}

fn repeat_view(seat: &Seat, teller: &Teller, repeat: &Repeat) -> RepeatView {
    let texts = seat.texts();
    let draft = &repeat.draft;
    let new = |name: &str| repeat.fresh.iter().any(|fresh| fresh == name);
    let phone = draft.phone.as_ref().filter(|_| new("phone")).map(ismart_domain::Phone::pretty);
    let email = draft.email.as_ref().filter(|_| new("email")).map(|email| email.as_str().to_owned());
    let name = draft.name.as_ref().filter(|_| new("name")).map(|name| name.as_str().to_owned());
    RepeatView {
        when: teller.when(repeat.at),
        fresh: repeat
            .fresh
            .iter()
            .map(|name| plain::named(texts, "fresh", name))
            .collect::<Vec<_>>()
            .join(", "),
        comment: if new("comment") { draft.comment.clone() } else { String::new() },
        contacts: name.into_iter().chain(phone).chain(email).collect::<Vec<_>>().join(", "),
    }
}

fn page(seat: &Seat, teller: &Teller, lead: Lead, site: Option<String>, told: Told) -> LeadPage {
    let Told { consents, deliveries, history, desk, person_of, repeats } = told;
    let texts = seat.texts();
    let draft = lead.draft;
    let intent = plain::intent(texts, draft.intent).to_owned();
    let conversation = draft.source.channel.conversation_id().map(|id| id.to_string());
    let fact = |key: &str, value: Option<String>| {
        Some((texts.get(key).to_owned(), value.filter(|v| !v.is_empty())?))
    };
    let channel = plain::channel(texts, &draft.source.channel);
    let mut facts: Vec<(String, String)> = [
        fact("lead.channel", Some(channel)),
        fact("lead.site", site),
        fact("lead.referrer", draft.source.referrer),
    ]
    .into_iter()
    .flatten()
    .collect();
    // Files have a list of their own; what is told of them is for CRMs.
    let others = draft.fields.into_iter().filter(|(name, _)| name != "files" || draft.files.is_empty());
    facts.extend(others.map(|(name, value)| (plain::named(texts, "field", &name), value)));
    let marks = draft.source.utm;
    let utm = [
        ("utm_source", marks.source),
        ("utm_medium", marks.medium),
        ("utm_campaign", marks.campaign),
        ("utm_content", marks.content),
        ("utm_term", marks.term),
    ];
    LeadPage {
        id: lead.id.to_string(),
        number: lead.number,
        title: draft.subject.as_ref().map_or_else(|| intent.clone(), |s| format!("{intent}: {}", s.title)),
        when: teller.when(lead.accepted_at),
        test: draft.test,
        person: draft.name.map(|name| name.as_str().to_owned()),
        phone: draft.phone.map(|phone| (format!("tel:{}", phone.e164()), phone.pretty())),
        email: draft.email.map(|email| email.as_str().to_owned()),
        intent,
        subject: draft.subject.map(|subject| subject.title),
        comment: draft.comment,
        facts,
        page_url: Some(draft.source.page_url).filter(|url| link(url)),
        conversation,
        utm: utm.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        consents: consents.into_iter().map(|consent| consent_view(seat, teller, consent)).collect(),
        files: Vec::new(),
        calls: Vec::new(),
        deliveries,
        may_replay: seat.may(Right::Replay),
        history,
        desk,
        person_of,
        repeats,
        outcomes: Vec::new(),
    }
}

/// Whether an address that a browser sent may be a link here.
fn link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn consent_view(seat: &Seat, teller: &Teller, consent: Consent) -> ConsentView {
    ConsentView {
        purpose: plain::named(seat.texts(), "purpose", consent.draft.purpose.code()),
        version: consent.draft.version,
        sha256: consent.text_sha256,
        when: teller.when(consent.given_at),
        text: consent.draft.text,
        url: Some(consent.draft.url).filter(|url| link(url)),
        ip: consent.draft.ip,
        user_agent: consent.draft.user_agent,
    }
}

/// Whether a person may ask for another attempt: the store would carry it out.
fn delivery_view(seat: &Seat, teller: &Teller, delivery: &Delivery, attempts: Vec<Attempt>) -> DeliveryView {
    let texts = seat.texts();
    let again = matches!(
        delivery.state,
        DeliveryState::Waiting | DeliveryState::Verifying | DeliveryState::Paused | DeliveryState::Queued
    );
    let configured = seat.client.destinations.iter().find(|d| d.name == delivery.destination);
    let attempt = |attempt: Attempt| {
        let state = DeliveryState::from_code(&attempt.outcome);
        let took = attempt.finished_at.duration_since(attempt.started_at);
        AttemptView {
            number: attempt.number,
            when: teller.when(attempt.started_at),
            took: super::moment::millis(seat.look.language, u64::try_from(took.as_micros()).unwrap_or(0)),
            outcome: state.map_or(attempt.outcome, |state| plain::state(texts, state).to_owned()),
            tone: state.map_or("busy", plain::tone),
            detail: attempt.detail,
        }
    };
    DeliveryView {
        id: delivery.id.to_string(),
        destination: plain::destination_name(texts, &delivery.destination),
        title: plain::state(texts, delivery.state).to_owned(),
        tone: plain::tone(delivery.state),
        external_id: delivery.external_id.clone(),
        reason: delivery.reason.clone(),
        when: teller.when(delivery.updated_at),
        next: again.then(|| teller.when(delivery.due_at)),
        simulated: configured.and_then(|d| d.simulated.clone()),
        can_replay: replay::is_possible(delivery),
        attempts: attempts.into_iter().map(attempt).collect(),
    }
}

#[derive(Serialize)]
struct ConfirmPage {
    delivery: DeliveryView,
    lead_id: String,
    number: i64,
    person: Option<String>,
}

/// The delivery of this id with its lead, if it is the client's.
async fn find(conn: &mut Conn, seat: &Seat, id: &str) -> Result<(Delivery, Lead), Fault> {
    let id: DeliveryId = id.parse().or(Err(Fault::Missing))?;
    let delivery = deliveries::get(conn, seat.client.id, id).await?.ok_or(Fault::Missing)?;
    let lead = leads::get(conn, seat.client.id, delivery.lead_id).await?.ok_or(Fault::Missing)?;
    Ok((delivery, lead))
}

/// `GET /console/deliveries/{id}/send-again`: says what will happen and asks.
pub(super) async fn confirm(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Replaying>,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    let mut conn = platform.store.read().await?;
    let (delivery, lead) = find(&mut conn, &seat, &id).await?;
    drop(conn);
    let page = ConfirmPage {
        delivery: delivery_view(&seat, &seat.teller(&platform), &delivery, Vec::new()),
        lead_id: lead.id.to_string(),
        number: lead.number,
        person: lead.draft.name.map(|name| name.as_str().to_owned()),
    };
    let title = seat.texts().get("replay.title");
    seat.page(&platform, Place::Leads, title, "send_again.twig", &page).await
}

/// `POST /console/deliveries/{id}/send-again`: the delivery is due at once.
pub(super) async fn send_again(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, fields, .. }: Posted<Replaying>,
) -> Result<Response, Fault> {
    let mut conn = platform.store.read().await?;
    let (delivery, lead) = find(&mut conn, &seat, &id).await?;
    drop(conn);
    if !replay::is_possible(&delivery) {
        return Err(Fault::Led("replay.not_needed"));
    }
    tracing::info!(user.id = %seat.session.user.id, delivery.id = %delivery.id, "a delivery was asked for again");
    let user = Some(seat.session.user.id);
    let why = fields.get("reason").filter(|why| !why.trim().is_empty()).unwrap_or("asked for in the console");
    match replay::ask(&platform, seat.client.id, delivery.id, user, why).await {
        Err(DecideError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(Fault::Led("replay.not_needed")),
        Ok(()) => {}
    }
    Ok(Redirect::to(&format!("/console/leads/{}#deliveries", lead.id)).into_response())
}
