//! `GET /console/deliveries`: leads on their way, those that wait for a person first of all; what is wrong now; sending
//! many again after a look at what that means.

mod one;
mod replay;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Html;
use axum::routing::{get, post};
use ismart_domain::delivery::DeliveryState;
use ismart_domain::user::{Right, User};
use ismart_domain::{DeliveryId, UserId};
use ismart_leads::alerts::Facts;
use ismart_store::deliveries::{self, Listed, Pick};
use ismart_store::incidents::{self, Incident};
use ismart_store::{attention, users};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::language::Texts;
use super::local::encoded;
use super::moment::{Teller, When};
use super::page::Place;
use super::plain;
use super::seat::{People, Seat, Seated};
use crate::platform::Platform;

/// Deliveries on one page.
const PAGE: usize = 50;
/// Alerts shown.
const ALERTS: i64 = 5;

/// The pages of deliveries.
pub(super) fn router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/deliveries", get(show))
        .route("/deliveries/replay", get(replay::ask).post(replay::replay))
        .route("/deliveries/{id}", get(one::show))
        .route("/deliveries/{id}/again", post(one::again))
        .route("/deliveries/{id}/elsewhere", post(one::elsewhere))
        .route("/deliveries/{id}/close", post(one::close))
        .route("/deliveries/{id}/hand", post(one::hand))
}

/// States chosen together, by name.
const GROUPS: [(&str, &[DeliveryState]); 3] = [
    ("attention", &[DeliveryState::NeedsAttention]),
    (
        "open",
        &[
            DeliveryState::Queued,
            DeliveryState::Sending,
            DeliveryState::Waiting,
            DeliveryState::Verifying,
            DeliveryState::Paused,
            DeliveryState::NeedsAttention,
        ],
    ),
    ("failing", &[DeliveryState::Waiting, DeliveryState::Verifying, DeliveryState::Paused]),
];
/// Ages to choose from, hours.
const AGES: [(&str, i64); 4] = [("hour", 1), ("day", 24), ("week", 168), ("month", 720)];

/// The wish in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    state: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    age: String,
    #[serde(default)]
    whose: String,
    /// Only deliveries after this one: microseconds since 1970 and its id.
    #[serde(default)]
    after: String,
}

impl Wish {
    /// What is meant. Names that do not exist narrow nothing; without a state those that are open are meant.
    fn pick(&self, seat: &Seat, now: Timestamp) -> Pick {
        let group = GROUPS.iter().find(|(name, _)| *name == self.state);
        let single = DeliveryState::from_code(&self.state);
        let states = match (group, single, self.state.as_str()) {
            (Some((_, states)), ..) => states.to_vec(),
            (None, Some(state), _) => vec![state],
            (None, None, "any") => Vec::new(),
            _ => GROUPS.iter().find(|(name, _)| *name == "open").map(|(_, s)| s.to_vec()).unwrap_or_default(),
        };
        let hours = AGES.iter().find(|(name, _)| *name == self.age).map(|(_, hours)| *hours);
        Pick {
            destination: (!self.to.is_empty()).then(|| self.to.clone()),
            states,
            since: hours.and_then(|hours| now.checked_sub(SignedDuration::from_hours(hours)).ok()),
            owner: (self.whose == "mine").then_some(seat.session.user.id),
            ..Pick::default()
        }
    }

    /// The wish as a query, without the place of the page.
    fn query(&self) -> String {
        let pairs = [("state", &self.state), ("to", &self.to), ("age", &self.age), ("whose", &self.whose)];
        let set = pairs.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
    }

    fn after(&self) -> Option<(Timestamp, DeliveryId)> {
        let (micros, id) = self.after.split_once('-')?;
        Some((Timestamp::from_microsecond(micros.parse().ok()?).ok()?, id.parse().ok()?))
    }
}

#[derive(Serialize)]
struct Choice {
    code: String,
    title: String,
    current: bool,
}

#[derive(Serialize)]
struct DeliveriesPage {
    states: Vec<Choice>,
    destinations: Vec<Choice>,
    ages: Vec<Choice>,
    mine: bool,
    filtered: bool,
    deliveries: Vec<Line>,
    shown: String,
    more: Option<String>,
    /// Address of the look at sending all these again.
    replay: Option<String>,
    waiting: String,
    overdue: String,
    alerts: Vec<AlertLine>,
}

/// A delivery in a list.
#[derive(Serialize)]
pub(super) struct Line {
    id: String,
    number: i64,
    person: String,
    destination: String,
    state: String,
    tone: &'static str,
    made: When,
    attempts: String,
    next: Option<When>,
    reason: String,
    owner: String,
    decide_by: Option<When>,
    late: bool,
}

/// What is or was wrong.
#[derive(Serialize)]
struct AlertLine {
    title: String,
    text: String,
    tone: &'static str,
    begun: When,
    ended: Option<When>,
}

fn name_of(texts: &Texts, people: &[User], id: Option<UserId>) -> String {
    let known = id.and_then(|id| people.iter().find(|user| user.id == id));
    known.map_or_else(|| texts.get("queue.nobody").to_owned(), |user| user.name.clone())
}

impl Line {
    fn of(seat: &Seat, teller: &Teller, people: &[User], listed: &Listed) -> Self {
        let (texts, delivery) = (seat.texts(), &listed.delivery);
        let again = matches!(
            delivery.state,
            DeliveryState::Waiting | DeliveryState::Verifying | DeliveryState::Paused | DeliveryState::Queued
        );
        Self {
            id: delivery.id.to_string(),
            number: listed.lead_number,
            person: listed.person.clone().unwrap_or_else(|| texts.get("lead.nameless").to_owned()),
            destination: plain::destination_name(texts, &delivery.destination),
            state: plain::state(texts, delivery.state).to_owned(),
            tone: plain::tone(delivery.state),
            made: teller.when(listed.created_at),
            attempts: seat.number(i64::from(delivery.attempts)),
            next: again.then(|| teller.when(delivery.due_at)),
            reason: delivery.reason.clone().unwrap_or_default(),
            owner: listed.decide_by.map(|_| name_of(texts, people, listed.owner)).unwrap_or_default(),
            decide_by: listed.decide_by.map(|at| teller.when(at)),
            late: listed.decide_by.is_some_and(|at| at < teller.now),
        }
    }
}

fn states(seat: &Seat, wish: &Wish) -> Vec<Choice> {
    let texts = seat.texts();
    let wanted = if wish.state.is_empty() { "open" } else { &wish.state };
    let group =
        GROUPS.iter().map(|(name, _)| ((*name).to_owned(), plain::named(texts, "delivery_group", name)));
    let single =
        DeliveryState::ALL.iter().map(|one| (one.code().to_owned(), plain::state(texts, *one).to_owned()));
    let any = ("any".to_owned(), texts.get("leads.any").to_owned());
    let choice = |(code, title): (String, String)| Choice { current: code == wanted, code, title };
    group.chain(single).chain([any]).map(choice).collect()
}

fn alert_line(seat: &Seat, teller: &Teller, one: &Incident) -> AlertLine {
    let texts = seat.texts();
    let facts: Facts = match serde_json::from_str(&one.facts) {
        Ok(facts) => facts,
        // The alert itself counts; its figures only make it clearer.
        Err(_unreadable) => Facts { name: one.subject.clone(), ..Facts::default() },
    };
    let since = facts.since.map(|at| teller.when(at).short().to_owned()).unwrap_or_default();
    let count = seat.number(facts.count);
    let key = match one.alert.as_str() {
        "silence" => "alert.silence",
        "destination" => "alert.destination",
        "queue" => "alert.queue",
        _ => "alert.ledger",
    };
    AlertLine {
        title: texts.say(key, &[("name", &facts.name), ("since", &since), ("count", &count)]),
        text: facts.said,
        tone: if one.ended_at.is_some() { "" } else { "bad" },
        begun: teller.when(one.opened_at),
        ended: one.ended_at.map(|at| teller.when(at)),
    }
}

/// Shows the list.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    let (client, texts, teller) = (seat.client.id, seat.texts(), seat.teller(&platform));
    let pick = wish.pick(&seat, teller.now);
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut conn = platform.store.read().await?;
    let mut found = deliveries::picked(&mut conn, client, &pick, wish.after(), limit).await?;
    let count = deliveries::count(&mut conn, client, &pick).await?;
    let people = users::of_client(&mut conn, client).await?;
    let (waiting, overdue) = attention::counts(&mut conn, client).await?;
    let alerts = incidents::list(&mut conn, client, ALERTS).await?;
    drop(conn);
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let query = wish.query();
    let last = found.last().filter(|_| more);
    let next = last.map(|one| format!("{}-{}", one.created_at.as_microsecond(), one.delivery.id));
    let destinations = seat.client.destinations.iter().map(|one| Choice {
        code: one.name.clone(),
        title: one.name.clone(),
        current: one.name == wish.to,
    });
    let ages = AGES.iter().map(|(name, _)| Choice {
        code: (*name).to_owned(),
        title: plain::named(texts, "delivery_age", name),
        current: wish.age == *name,
    });
    let page = DeliveriesPage {
        states: states(&seat, &wish),
        destinations: destinations.collect(),
        ages: ages.collect(),
        mine: wish.whose == "mine",
        filtered: !query.is_empty(),
        deliveries: found.iter().map(|one| Line::of(&seat, &teller, &people, one)).collect(),
        shown: texts.count("deliveries.shown", count),
        more: next.map(|after| format!("/console/deliveries?{query}&after={}", encoded(&after))),
        replay: (count > 0 && seat.may(Right::Replay)).then(|| format!("/console/deliveries/replay?{query}")),
        waiting: texts.count("queue.waiting", waiting),
        overdue: if overdue > 0 { texts.count("queue.overdue", overdue) } else { String::new() },
        alerts: alerts.iter().map(|one| alert_line(&seat, &teller, one)).collect(),
    };
    seat.page(&platform, Place::Deliveries, texts.get("nav.deliveries"), "deliveries.twig", &page).await
}
