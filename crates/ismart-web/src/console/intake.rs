//! `GET /console/intake`: what came in and could not be read as a lead, for a person to make one of it or to discard it;
//! the ways in, and how they are.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::lead::{Channel, Intent, LeadDraft};
use ismart_domain::user::Right;
use ismart_domain::{EventBody, UnreadId};
use ismart_leads::AcceptError;
use ismart_leads::intake::{Door, Facts, Frame, Guard, Mapping, Meaning};
use ismart_store::events::{self, Scope};
use ismart_store::unread::{self, Unread, UnreadState};
use ismart_store::{Conn, StoreError, Tx, clients, files, mailboxes, users};
use serde::Serialize;

use super::fault::Fault;
use super::fields::Fields;
use super::files::FileLine;
use super::moment::{Teller, When};
use super::page::Place;
use super::plain;
use super::seat::{Answering, People, Posted, Seat, Seated};
use crate::platform::Platform;

/// How many are shown at once.
const SHOWN: i64 = 100;
/// The longest reason of a person, characters.
const VERDICT: usize = 500;
/// On what ground the data of somebody is kept whom a person wrote down.
const BASIS: &str = "Обращение человека, прочитанное сотрудником клиента";

#[derive(Serialize)]
struct IntakePage {
    waiting: Vec<Line>,
    settled: Vec<Line>,
    doors: Vec<DoorLine>,
    may_import: bool,
}

#[derive(Serialize)]
struct Line {
    id: String,
    door: String,
    kind: String,
    when: When,
    reason: String,
    state: &'static str,
    tone: &'static str,
    lead: Option<String>,
    by: Option<String>,
    settled: Option<When>,
    verdict: Option<String>,
}

#[derive(Serialize)]
struct DoorLine {
    name: String,
    kind: String,
    site: String,
    address: Option<String>,
    state: Option<&'static str>,
    tone: &'static str,
    tried: Option<When>,
    note: String,
}

/// Shows what waits, what was decided, and the doors.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
) -> Result<Html<String>, Fault> {
    let teller = seat.teller(&platform);
    let client_id = seat.client.id;
    let mut conn = platform.store.read().await?;
    let people = users::of_client(&mut conn, client_id).await?;
    let name = |id| people.iter().find(|user| user.id == id).map(|user| user.name.clone());
    let mut lists = Vec::new();
    for waiting in [true, false] {
        let found = unread::list(&mut conn, client_id, waiting, SHOWN).await?;
        let lines = found.into_iter().map(|one| {
            let by = one.settled_by.and_then(name);
            line(&seat, &teller, one, by)
        });
        lists.push(lines.collect::<Vec<_>>());
    }
    let doors = doors(&platform, &seat, &teller, &mut conn).await?;
    drop(conn);
    let (settled, waiting) = (lists.pop().unwrap_or_default(), lists.pop().unwrap_or_default());
    let page = IntakePage { waiting, settled, doors, may_import: seat.may(Right::ImportLeads) };
    seat.page(&platform, Place::Intake, seat.texts().get("nav.intake"), "intake.twig", &page).await
}

fn line(seat: &Seat, teller: &Teller, one: Unread, by: Option<String>) -> Line {
    let texts = seat.texts();
    let (state, tone) = match one.state {
        UnreadState::Waiting => ("intake.waiting", "busy"),
        UnreadState::Lead => ("intake.became_lead", "good"),
        UnreadState::Discarded => ("intake.discarded", ""),
    };
    Line {
        id: one.id.to_string(),
        door: one.door,
        kind: plain::named(texts, "door", &one.kind),
        when: teller.when(one.received_at),
        reason: plain::unfit(texts, &one.reason),
        state: texts.get(state),
        tone,
        lead: one.lead_id.map(|id| id.to_string()),
        by,
        settled: one.settled_at.map(|at| teller.when(at)),
        verdict: one.verdict.filter(|verdict| !verdict.is_empty()),
    }
}

async fn doors(
    platform: &Platform,
    seat: &Seat,
    teller: &Teller,
    conn: &mut Conn,
) -> Result<Vec<DoorLine>, StoreError> {
    let texts = seat.texts();
    let mut lines = Vec::new();
    for door in platform.doors.of_client(seat.client.id) {
        let mut line = DoorLine {
            name: door.name.clone(),
            kind: plain::named(texts, "door", door.kind),
            site: door.site.key.clone(),
            address: address(seat, &door),
            state: None,
            tone: "",
            tried: None,
            note: String::new(),
        };
        if matches!(door.guard, Guard::Mailbox(_)) {
            let state = mailboxes::get(conn, seat.client.id, &door.name).await?;
            let (key, tone) = match &state {
                None => ("intake.mailbox_new", ""),
                Some(state) if state.failures == 0 => ("intake.mailbox_good", "good"),
                Some(_) => ("intake.mailbox_failed", "bad"),
            };
            (line.state, line.tone) = (Some(texts.get(key)), tone);
            line.tried = state.as_ref().map(|state| teller.when(state.tried_at));
            line.note = state.map(|state| state.note).unwrap_or_default();
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Where a sender sends to; the key is not told.
fn address(seat: &Seat, door: &Door) -> Option<String> {
    let base = seat.origin.base();
    match door.guard {
        Guard::Signed(_) => Some(format!("{base}/api/leads/in/{}", door.name)),
        Guard::Key(_) => Some(format!("{base}/api/calls/in/{}?key=…", door.name)),
        Guard::Mailbox(_) => None,
    }
}

#[derive(Serialize)]
struct OnePage {
    line: Line,
    waits: bool,
    may: bool,
    body: String,
    media_type: String,
    files: Vec<FileLine>,
    form: Form,
    intents: Vec<IntentChoice>,
    fault: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Form {
    name: String,
    phone: String,
    email: String,
    comment: String,
}

#[derive(Serialize)]
struct IntentChoice {
    code: &'static str,
    title: &'static str,
    current: bool,
}

/// Shows one thing that came in, with what can be made of it.
pub(super) async fn one(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    page(&platform, &seat, &id, None, None).await
}

async fn find(conn: &mut Conn, seat: &Seat, id: &str) -> Result<Unread, Fault> {
    let id: UnreadId = id.parse().or(Err(Fault::Missing))?;
    unread::get(conn, seat.client.id, id).await?.ok_or(Fault::Missing)
}

async fn page(
    platform: &Platform,
    seat: &Seat,
    id: &str,
    given: Option<&Fields>,
    fault: Option<&'static str>,
) -> Result<Html<String>, Fault> {
    let texts = seat.texts();
    let mut conn = platform.store.read().await?;
    let found = find(&mut conn, seat, id).await?;
    let came = files::of_unread(&mut conn, seat.client.id, found.id).await?;
    let by = match found.settled_by {
        Some(user) => users::name_of(&mut conn, user).await?,
        None => None,
    };
    drop(conn);
    let form = match given {
        Some(fields) => {
            let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
            Form { name: text("name"), phone: text("phone"), email: text("email"), comment: text("comment") }
        }
        None => guessed(platform, &found),
    };
    let wanted = given.and_then(|fields| fields.get("intent")).unwrap_or("other").to_owned();
    let intents = Intent::ALL.into_iter().map(|intent| IntentChoice {
        code: intent.code(),
        title: plain::intent(texts, intent),
        current: intent.code() == wanted,
    });
    let page = OnePage {
        waits: found.state == UnreadState::Waiting,
        may: seat.may(Right::Answer),
        body: found.body.clone(),
        media_type: found.media_type.clone(),
        files: came.iter().map(|file| FileLine::of(seat, file)).collect(),
        form,
        intents: intents.collect(),
        fault: fault.map(|key| texts.get(key)),
        line: line(seat, &seat.teller(platform), found, by),
    };
    seat.page(platform, Place::Intake, texts.get("intake.one"), "intake_one.twig", &page).await
}

/// What can be read of it, for the person to complete.
fn guessed(platform: &Platform, found: &Unread) -> Form {
    let facts = match serde_json::from_str(&found.body) {
        Ok(value) => Facts::of_json(&value),
        Err(_) => Facts::of_pairs(found.body.lines().filter_map(|line| {
            let (name, text) = line.split_once(": ")?;
            Some((name.to_owned(), text.to_owned()))
        })),
    };
    let mapping = platform.doors.get(&found.door).map_or_else(Mapping::default, |door| door.mapping.clone());
    let reading = mapping.read(&facts);
    let text = |meaning| reading.get(meaning).unwrap_or_default().to_owned();
    Form {
        name: text(Meaning::Name),
        phone: text(Meaning::Phone),
        email: text(Meaning::Email),
        comment: text(Meaning::Comment),
    }
}

/// `POST /console/intake/{id}/lead`: a person makes a lead of it.
pub(super) async fn make(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let mut conn = platform.store.read().await?;
    let found = find(&mut conn, &seat, &id).await?;
    let sites = clients::sites(&mut conn, seat.client.id).await?;
    let came = files::of_unread(&mut conn, seat.client.id, found.id).await?;
    drop(conn);
    if !sites.iter().any(|site| site.id == found.site_id) {
        return Err(Fault::Missing);
    }
    let Some(mut draft) = draft(&seat, &found, &fields) else {
        return Ok(page(&platform, &seat, &id, Some(&fields), Some("intake.fault_contact"))
            .await?
            .into_response());
    };
    draft.files = came;
    let places = platform.world.load_full();
    let place = places.places.values().find(|place| place.site_id == found.site_id);
    let destinations = place.map(|place| place.destinations.clone()).unwrap_or_default();
    let (client_id, user_id, trace_id) = (seat.client.id, seat.session.user.id, platform.env.new_id());
    let (site_id, unread_id) = (found.site_id, found.id);
    let made: Result<Option<ismart_domain::LeadId>, AcceptError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let still = unread::get(tx, client_id, unread_id).await?;
                if !still.is_some_and(|one| one.state == UnreadState::Waiting) {
                    return Ok(None);
                }
                let accepted = ismart_leads::accept(tx, client_id, &destinations, draft, trace_id).await?;
                let lead_id = accepted.lead.id;
                unread::settle(tx, client_id, unread_id, Some(lead_id), user_id, "").await?;
                files::hand_on(tx, client_id, unread_id, lead_id).await?;
                let scope = Scope { client_id, site_id: Some(site_id), trace_id };
                let settled = EventBody::UnreadSettled { unread_id, lead_id: Some(lead_id), user_id };
                events::append(tx, scope, settled).await?;
                Ok(Some(lead_id))
            })
        })
        .await;
    match made {
        Ok(Some(lead)) => Ok(Redirect::to(&format!("/console/leads/{lead}")).into_response()),
        Ok(None) => Ok(Redirect::to(&format!("/console/intake/{id}")).into_response()),
        Err(AcceptError::Store(error)) => Err(error.into()),
        Err(_) => Ok(page(&platform, &seat, &id, Some(&fields), Some("intake.fault_contact"))
            .await?
            .into_response()),
    }
}

/// The lead that a person wrote down; nothing when nobody could be called back.
fn draft(seat: &Seat, found: &Unread, fields: &Fields) -> Option<LeadDraft> {
    let said = [Meaning::Name, Meaning::Phone, Meaning::Email, Meaning::Comment];
    let facts = Facts::of_pairs(
        said.into_iter()
            .filter_map(|meaning| Some((meaning.code().to_owned(), fields.get(meaning.code())?.to_owned()))),
    );
    let intent = fields.get("intent").and_then(Intent::from_code).unwrap_or(Intent::Other);
    let frame = Frame {
        site_id: found.site_id,
        channel: Channel::Person { user_id: seat.session.user.id },
        basis: BASIS.to_owned(),
        intent,
        ip: None,
        key: format!("unread-{}", found.id),
        files: Vec::new(),
    };
    let mut draft = Mapping::default().read(&facts).draft(frame).ok()?;
    draft.fields.insert("door".to_owned(), found.door.clone());
    Some(draft)
}

/// `POST /console/intake/{id}/discard`: a person says that it is no lead, and why.
pub(super) async fn discard(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let found = find(&mut platform.store.read().await?, &seat, &id).await?;
    let verdict: String = fields.get("verdict").unwrap_or_default().trim().chars().take(VERDICT).collect();
    if verdict.chars().count() < 3 {
        return Ok(page(&platform, &seat, &id, None, Some("intake.fault_verdict")).await?.into_response());
    }
    let (client_id, user_id, trace_id) = (seat.client.id, seat.session.user.id, platform.env.new_id());
    let written: Result<(), StoreError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if unread::settle(tx, client_id, found.id, None, user_id, &verdict).await? {
                    let scope = Scope { client_id, site_id: Some(found.site_id), trace_id };
                    let settled = EventBody::UnreadSettled { unread_id: found.id, lead_id: None, user_id };
                    events::append(tx, scope, settled).await?;
                }
                Ok(())
            })
        })
        .await;
    written?;
    Ok(Redirect::to("/console/intake").into_response())
}
