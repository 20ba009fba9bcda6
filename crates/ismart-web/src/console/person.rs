//! The person behind a lead: all his leads, what joined them, who else may be the same; joining and taking apart.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use ismart_domain::lead::Lead;
use ismart_domain::user::User;
use ismart_domain::{LeadId, MergeId, PersonId};
use ismart_leads::persons::{self as people, JoinError};
use ismart_store::persons::{self, Merge};
use ismart_store::{Conn, StoreError, Tx};
use serde::Serialize;

use super::fault::Fault;
use super::local;
use super::moment::{Teller, When};
use super::plain;
use super::seat::{Answering, Posted, Seat};
use crate::platform::Platform;

/// Leads of a person that are shown.
const SHOWN: i64 = 50;

/// The person as the card of a lead shows him.
#[derive(Serialize)]
pub(super) struct PersonView {
    id: String,
    /// Every phone and address that he left.
    contacts: Vec<String>,
    names: Vec<String>,
    leads: Vec<LeadLink>,
    count: String,
    merges: Vec<MergeView>,
    /// Others who left the same phone or address.
    perhaps: Vec<PerhapsView>,
}

#[derive(Serialize)]
struct LeadLink {
    id: String,
    number: i64,
    what: String,
    channel: String,
    when: When,
    current: bool,
}

#[derive(Serialize)]
struct MergeView {
    id: String,
    text: String,
    when: When,
    /// The lead that showed it.
    lead: Option<String>,
    undone: Option<String>,
}

#[derive(Serialize)]
struct PerhapsView {
    id: String,
    name: String,
    contact: String,
    lead: String,
    number: i64,
    when: When,
}

/// Reads the person of a lead; `None` while a lead of old waits for him.
pub(super) async fn of_lead(
    conn: &mut Conn,
    seat: &Seat,
    teller: &Teller,
    lead: LeadId,
    users: &[User],
) -> Result<Option<PersonView>, StoreError> {
    let client = seat.client.id;
    let Some(id) = persons::of_lead(conn, client, lead).await? else { return Ok(None) };
    let texts = seat.texts();
    let leads = persons::leads_of(conn, client, id, SHOWN).await?;
    let merges = persons::merges(conn, client, id).await?;
    let perhaps = persons::perhaps(conn, client, id, 5).await?;
    let link = |one: &Lead| LeadLink {
        id: one.id.to_string(),
        number: one.number,
        what: one.draft.subject.as_ref().map_or_else(
            || plain::intent(texts, one.draft.intent).to_owned(),
            |subject| format!("{}: {}", plain::intent(texts, one.draft.intent), subject.title),
        ),
        channel: plain::named(texts, "channel", one.draft.source.channel.code()),
        when: teller.when(one.accepted_at),
        current: one.id == lead,
    };
    let other = |(id, lead): (PersonId, Lead)| PerhapsView {
        id: id.to_string(),
        name: name(&lead).unwrap_or_else(|| texts.get("lead.nameless").to_owned()),
        contact: contacts(&lead).join(", "),
        lead: lead.id.to_string(),
        number: lead.number,
        when: teller.when(lead.accepted_at),
    };
    Ok(Some(PersonView {
        id: id.to_string(),
        contacts: distinct(leads.iter().flat_map(contacts)),
        names: distinct(leads.iter().filter_map(name)),
        count: texts.count("person.leads", i64::try_from(leads.len()).unwrap_or(i64::MAX)),
        leads: leads.iter().map(link).collect(),
        merges: merges.iter().map(|merge| merge_view(seat, teller, merge, users)).collect(),
        perhaps: perhaps.into_iter().map(other).collect(),
    }))
}

fn name(lead: &Lead) -> Option<String> {
    lead.draft.name.as_ref().map(|name| name.as_str().to_owned())
}

fn contacts(lead: &Lead) -> Vec<String> {
    let phone = lead.draft.phone.as_ref().map(ismart_domain::Phone::pretty);
    let email = lead.draft.email.as_ref().map(|email| email.as_str().to_owned());
    phone.into_iter().chain(email).collect()
}

fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

fn merge_view(seat: &Seat, teller: &Teller, merge: &Merge, users: &[User]) -> MergeView {
    let texts = seat.texts();
    let name = |id| {
        users.iter().find(|user| user.id == id).map_or(texts.get("event.someone"), |user| user.name.as_str())
    };
    MergeView {
        id: merge.id.to_string(),
        text: match merge.user_id {
            Some(user) => texts.say("person.merged_by", &[("name", name(user))]),
            None => texts.get("person.merged").to_owned(),
        },
        when: teller.when(merge.at),
        lead: merge.lead_id.map(|lead| lead.to_string()),
        undone: merge.undone_by.map(|user| texts.say("person.undone_by", &[("name", name(user))])),
    }
}

/// Where a decision leads back to.
fn back(fields: &super::fields::Fields) -> Response {
    Redirect::to(&format!("{}#person", local::safe(fields.get("back").unwrap_or("/console/leads"))))
        .into_response()
}

/// `POST /console/merges/{id}/undo`: what was joined is two again.
pub(super) async fn undo(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let id: MergeId = id.parse().or(Err(Fault::Missing))?;
    let (client, user) = (seat.client.id, seat.session.user.id);
    let split = platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { people::split(tx, client, id, user).await }))
        .await;
    match split {
        Ok(true) => Ok(back(&fields)),
        Ok(false) => Err(Fault::Missing),
        Err(error) => Err(error.into()),
    }
}

/// `POST /console/persons/{id}/join`: this person and `other` are one, or (with `apart`) are known to be two.
pub(super) async fn join(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let one: PersonId = id.parse().or(Err(Fault::Missing))?;
    let other: PersonId = fields.get("other").unwrap_or_default().parse().or(Err(Fault::Missing))?;
    let (client, user) = (seat.client.id, seat.session.user.id);
    let apart = fields.get("apart").is_some();
    let done = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if apart {
                    return people::keep_apart(tx, client, one, other, user).await;
                }
                people::join_by_hand(tx, client, one, other, user).await.map(|_| ())
            })
        })
        .await;
    match done {
        Ok(()) => Ok(back(&fields)),
        Err(JoinError::Nothing) => Err(Fault::Missing),
        Err(JoinError::Apart) => Err(Fault::Led("person.apart")),
        Err(JoinError::Store(error)) => Err(error.into()),
    }
}
