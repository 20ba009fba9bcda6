//! `GET /console/destinations`: where leads go, how far they came, and what went wrong last.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use ismart_domain::delivery::DeliveryState;
use ismart_domain::user::Right;
use ismart_store::leads::{self, Filter};
use ismart_store::{Conn, StoreError, deliveries};
use serde::Serialize;

use super::dashboard::{self, StateLine};
use super::fault::Fault;
use super::moment::{Teller, When};
use super::page::Place;
use super::plain;
use super::seat::{Figures, Seat, Seated};
use crate::platform::Platform;

/// Leads looked through for the last failure of a state.
const LOOKED_THROUGH: i64 = 50;

#[derive(Serialize)]
struct DestinationsPage {
    destinations: Vec<DestinationView>,
    sees_people: bool,
    only_inbox: bool,
    /// Settings can be changed here, and by this person.
    joins: bool,
}

#[derive(Serialize)]
struct DestinationView {
    /// In the configuration.
    key: String,
    name: String,
    kind: String,
    simulated: Option<String>,
    /// It is in the configuration, or built in.
    configured: bool,
    states: Vec<StateLine>,
    failure: Option<Failure>,
}

#[derive(Serialize)]
struct Failure {
    lead_id: String,
    number: i64,
    title: String,
    tone: &'static str,
    reason: String,
    when: When,
}

/// Shows the destinations.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Figures>,
) -> Result<Html<String>, Fault> {
    let teller = seat.teller(&platform);
    let texts = seat.texts();
    let mut conn = platform.store.read().await?;
    let mut views = Vec::new();
    for line in dashboard::destinations(&mut conn, &seat).await? {
        let configured = seat.client.destinations.iter().find(|found| found.name == line.name);
        let built_in = line.name == ismart_leads::INBOX;
        // Reasons may quote what the person wrote.
        let failure = if seat.may(Right::SeePeople) && !built_in {
            last_failure(&mut conn, &seat, &teller, &line.name).await?
        } else {
            None
        };
        let kind = if built_in { "inbox" } else { configured.map_or("unknown", |found| found.kind.as_str()) };
        views.push(DestinationView {
            key: configured.map(|found| found.name.clone()).unwrap_or_default(),
            name: plain::destination_name(texts, &line.name),
            kind: plain::named(texts, "kind", kind),
            simulated: configured.and_then(|found| found.simulated.clone()),
            configured: built_in || configured.is_some(),
            states: line.states,
            failure,
        });
    }
    drop(conn);
    let page = DestinationsPage {
        only_inbox: views.len() == 1,
        joins: seat.may(Right::ManageTokens) && !platform.joining.kinds().is_empty(),
        destinations: views,
        sees_people: seat.may(Right::SeePeople),
    };
    seat.page(&platform, Place::Destinations, texts.get("nav.destinations"), "destinations.twig", &page).await
}

/// The newest delivery that a person must look at or that is being repeated, with what the destination said.
async fn last_failure(
    conn: &mut Conn,
    seat: &Seat,
    teller: &Teller,
    destination: &str,
) -> Result<Option<Failure>, StoreError> {
    let mut newest: Option<(jiff::Timestamp, Failure)> = None;
    let failing = [
        DeliveryState::NeedsAttention,
        DeliveryState::Paused,
        DeliveryState::Waiting,
        DeliveryState::Verifying,
    ];
    for state in failing {
        let filter = Filter { state: Some(state.code().to_owned()), ..Filter::default() };
        for lead in leads::list(conn, seat.client.id, &filter, LOOKED_THROUGH).await? {
            let all = deliveries::of_lead(conn, seat.client.id, lead.id).await?;
            let Some(found) = all.into_iter().find(|d| d.destination == destination && d.state == state)
            else {
                continue;
            };
            let Some(reason) = found.reason else { continue };
            if newest.as_ref().is_none_or(|(at, _)| *at < found.updated_at) {
                let failure = Failure {
                    lead_id: lead.id.to_string(),
                    number: lead.number,
                    title: plain::state(seat.texts(), state).to_owned(),
                    tone: plain::tone(state),
                    reason,
                    when: teller.when(found.updated_at),
                };
                newest = Some((found.updated_at, failure));
            }
        }
    }
    Ok(newest.map(|(_, failure)| failure))
}
