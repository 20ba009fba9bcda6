//! `GET /console`: what the sites bring, from the event log.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Html;
use ismart_domain::conversation::Mode;
use ismart_domain::delivery::DeliveryState;
use ismart_domain::user::Right;
use ismart_store::conversations::{self, Line};
use ismart_store::figures::{self, Funnel};
use ismart_store::{Conn, StoreError, deliveries};
use jiff::Timestamp;
use serde::Serialize;

use super::chart::Bars;
use super::fault::Fault;
use super::inbox;
use super::moment::{self, Teller};
use super::outcomes::{self, Sales};
use super::page::Place;
use super::period::{self, Choice, LENGTHS, Period};
use super::plain;
use super::seat::{Figures, Seat, Seated};
use crate::platform::Platform;

/// Conversations shown that wait for a person.
const WAITING_SHOWN: usize = 5;

#[derive(Serialize)]
struct DashboardPage {
    periods: Vec<Choice>,
    /// Nothing has happened in the period.
    empty: bool,
    steps: Vec<Step>,
    charts: Vec<Chart>,
    days: Vec<DayLine>,
    destinations: Vec<DestinationLine>,
    waiting: Waiting,
    /// What became of the period's leads at the client.
    sales: Option<Sales>,
    sees_people: bool,
}

/// One step of the funnel.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Step {
    key: &'static str,
    title: &'static str,
    value: String,
    /// Share of the step that it is measured by.
    share: String,
    /// Length of its bar, thousandths of the longest.
    length: i64,
    change: Change,
}

/// How a figure stands to the period before.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change {
    /// `up`, `down`, `same`, or `none` when there was nothing before.
    tone: &'static str,
    text: String,
    before: String,
}

#[derive(Serialize)]
struct Chart {
    key: &'static str,
    title: &'static str,
    total: String,
    top: String,
    says: String,
    first: String,
    last: String,
    bars: Bars,
}

#[derive(Debug, Default, Clone)]
struct DayCounts {
    visits: i64,
    conversations: i64,
    leads: i64,
}

#[derive(Serialize)]
struct DayLine {
    date: String,
    visits: String,
    conversations: String,
    leads: String,
}

/// A destination with the states of its deliveries.
#[derive(Debug, Serialize)]
pub(super) struct DestinationLine {
    pub(super) name: String,
    pub(super) states: Vec<StateLine>,
}

/// How many deliveries are in a state.
#[derive(Debug, Serialize)]
pub(super) struct StateLine {
    state: &'static str,
    title: String,
    tone: &'static str,
    count: String,
}

#[derive(Serialize)]
struct Waiting {
    count: i64,
    says: String,
    overdue: i64,
    overdue_says: String,
    lines: Vec<WaitingLine>,
}

#[derive(Serialize)]
struct WaitingLine {
    id: String,
    person: String,
    text: String,
    due: String,
    overdue: bool,
}

/// Shows the dashboard.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Figures>,
    Query(asked): Query<period::Asked>,
) -> Result<Html<String>, Fault> {
    let teller = seat.teller(&platform);
    let period = asked.period(teller.now, &teller.zone);
    let mut conn = platform.store.read().await?;
    let client = seat.client.id;
    let funnel = figures::funnel(&mut conn, client, period.from, period.to).await?;
    let before = figures::funnel(&mut conn, client, period.before, period.from).await?;
    let days = day_counts(&mut conn, &seat, period, &teller).await?;
    let destinations = destinations(&mut conn, &seat).await?;
    let waiting = waiting(&mut conn, &seat, &teller).await?;
    let sales = outcomes::sales(&mut conn, &seat, period.from, period.to).await?;
    drop(conn);
    let page = DashboardPage {
        periods: choices(&seat, period.days),
        empty: funnel == Funnel::default(),
        steps: steps(&seat, funnel, before),
        charts: charts(&seat, &days),
        days: days.iter().rev().map(|(date, counts)| day_line(&seat, date, counts)).collect(),
        destinations,
        waiting,
        sales,
        sees_people: seat.may(Right::SeePeople),
    };
    let title = seat.texts().get("nav.dashboard");
    seat.page(&platform, Place::Dashboard, title, "dashboard.twig", &page).await
}

/// The periods to choose from.
pub(super) fn choices(seat: &Seat, days: i32) -> Vec<Choice> {
    let texts = seat.texts();
    let choice = |length: i32| Choice {
        days: length,
        title: texts.count("period.days", i64::from(length)),
        current: length == days,
    };
    LENGTHS.map(choice).into()
}

fn steps(seat: &Seat, funnel: Funnel, before: Funnel) -> Vec<Step> {
    let texts = seat.texts();
    let longest =
        [funnel.visits, funnel.conversations, funnel.leads, funnel.delivered].into_iter().max().unwrap_or(0);
    let step = |key, title, value, was, share: Option<(i64, &'static str)>| Step {
        key,
        title: texts.get(title),
        value: seat.number(value),
        share: share
            .and_then(|(whole, says)| Some((moment::tenths(value, whole)?, says)))
            .map(|(tenths, says)| texts.say(says, &[("p", &moment::percent(seat.look.language, tenths))]))
            .unwrap_or_default(),
        length: moment::tenths(value, longest).unwrap_or(0),
        change: change(seat, value, was),
    };
    vec![
        step("visits", "funnel.visits", funnel.visits, before.visits, None),
        step(
            "conversations",
            "funnel.conversations",
            funnel.conversations,
            before.conversations,
            Some((funnel.visits, "funnel.of_visits")),
        ),
        step("leads", "funnel.leads", funnel.leads, before.leads, Some((funnel.visits, "funnel.of_visits"))),
        step(
            "delivered",
            "funnel.delivered",
            funnel.delivered,
            before.delivered,
            Some((funnel.leads, "funnel.of_leads")),
        ),
    ]
}

fn change(seat: &Seat, value: i64, was: i64) -> Change {
    let texts = seat.texts();
    let before = texts.say("funnel.before", &[("n", &seat.number(was))]);
    let Some(tenths) = moment::tenths(value.saturating_sub(was), was) else {
        return Change {
            tone: "none",
            text: texts.get("funnel.no_before").to_owned(),
            before: String::new(),
        };
    };
    let whole = (tenths.abs() + 5) / 10 * 10 * tenths.signum();
    let text = moment::percent(seat.look.language, whole);
    let (tone, text) = match whole {
        0 => ("same", text),
        1.. => ("up", format!("+{text}")),
        _ => ("down", text),
    };
    Change { tone, text, before }
}

type Days = Vec<(String, DayCounts)>;

async fn day_counts(
    conn: &mut Conn,
    seat: &Seat,
    period: Period,
    teller: &Teller,
) -> Result<Days, StoreError> {
    let shift = i64::from(teller.zone.to_offset(period.to).seconds()) * 1_000_000;
    let counted = figures::days(conn, seat.client.id, period.from, period.to, shift).await?;
    let days = period.each_day().map(|(date, number)| {
        let mut counts = DayCounts::default();
        for day in counted.iter().filter(|day| day.day == number) {
            match day.kind.as_str() {
                "visit.started" => counts.visits = day.count,
                "conversation.started" => counts.conversations = day.count,
                _ => counts.leads = day.count,
            }
        }
        let date =
            date.to_zoned(teller.zone.clone()).map(|zoned| teller.date(&zoned, false)).unwrap_or_default();
        (date, counts)
    });
    Ok(days.collect())
}

fn charts(seat: &Seat, days: &Days) -> Vec<Chart> {
    let texts = seat.texts();
    let chart = |key, title, pick: fn(&DayCounts) -> i64| {
        let total: i64 = days.iter().map(|(_, counts)| pick(counts)).sum();
        let bars = Bars::new(
            days.iter()
                .map(|(date, counts)| (pick(counts), format!("{date}: {}", seat.number(pick(counts)))))
                .collect(),
        );
        let best = days.iter().max_by_key(|(_, counts)| pick(counts));
        let (best_day, best_count) =
            best.map(|(date, counts)| (date.as_str(), pick(counts))).unwrap_or_default();
        let title = texts.get(title);
        let (total, best_count) = (seat.number(total), seat.number(best_count));
        let values = [("title", title), ("total", &total), ("day", best_day), ("most", &best_count)];
        Chart {
            key,
            title,
            says: texts.say("chart.says", &values),
            top: seat.number(bars.top()),
            first: days.first().map(|(date, _)| date.clone()).unwrap_or_default(),
            last: days.last().map(|(date, _)| date.clone()).unwrap_or_default(),
            total,
            bars,
        }
    };
    vec![
        chart("visits", "funnel.visits", |counts| counts.visits),
        chart("conversations", "funnel.conversations", |counts| counts.conversations),
        chart("leads", "funnel.leads", |counts| counts.leads),
    ]
}

fn day_line(seat: &Seat, date: &str, counts: &DayCounts) -> DayLine {
    DayLine {
        date: date.to_owned(),
        visits: seat.number(counts.visits),
        conversations: seat.number(counts.conversations),
        leads: seat.number(counts.leads),
    }
}

/// The states of all deliveries, by destination; those of the configuration are there even without deliveries.
pub(super) async fn destinations(conn: &mut Conn, seat: &Seat) -> Result<Vec<DestinationLine>, StoreError> {
    let counts = deliveries::counts(conn, seat.client.id).await?;
    let mut names: Vec<&str> = vec![ismart_leads::INBOX];
    let configured = seat.client.destinations.iter().map(|destination| destination.name.as_str());
    for name in configured.chain(counts.iter().map(|(name, ..)| name.as_str())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let line = |name: &str| {
        let states = DeliveryState::ALL.into_iter().filter_map(|state| {
            let (.., count) = counts.iter().find(|(found, at, _)| found == name && *at == state)?;
            Some(state_line(seat, state, *count))
        });
        DestinationLine { name: name.to_owned(), states: states.collect() }
    };
    Ok(names.into_iter().map(line).collect())
}

fn state_line(seat: &Seat, state: DeliveryState, count: i64) -> StateLine {
    StateLine {
        state: state.code(),
        title: plain::state(seat.texts(), state).to_owned(),
        tone: plain::tone(state),
        count: seat.number(count),
    }
}

async fn waiting(conn: &mut Conn, seat: &Seat, teller: &Teller) -> Result<Waiting, StoreError> {
    let (count, overdue) = conversations::waiting(conn, seat.client.id).await?;
    let mut lines = if seat.may(Right::SeePeople) && count > 0 {
        conversations::inbox(conn, seat.client.id, Some(Mode::Waiting), 200).await?
    } else {
        Vec::new()
    };
    lines.sort_by_key(|line| line.conversation.person_due_at.unwrap_or(Timestamp::MAX));
    let texts = seat.texts();
    Ok(Waiting {
        count,
        says: texts.count("nav.waiting", count),
        overdue,
        overdue_says: texts.count("waiting.overdue", overdue),
        lines: lines.iter().take(WAITING_SHOWN).map(|line| waiting_line(seat, teller, line)).collect(),
    })
}

fn waiting_line(seat: &Seat, teller: &Teller, line: &Line) -> WaitingLine {
    let texts = seat.texts();
    let due = line.conversation.person_due_at;
    let overdue = due.is_some_and(|due| due < teller.now);
    let key = if overdue { "waiting.late" } else { "waiting.left" };
    WaitingLine {
        id: line.conversation.id.to_string(),
        person: inbox::person(seat, line.person.as_deref(), &line.conversation.visitor_id.to_string()),
        text: line.last_text.chars().take(160).collect(),
        due: due.map(|due| texts.say(key, &[("time", &teller.distance(due))])).unwrap_or_default(),
        overdue,
    }
}
