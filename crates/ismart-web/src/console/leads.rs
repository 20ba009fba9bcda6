//! `GET /console/leads`: the list of leads, and the same list as a file.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ismart_domain::delivery::{Delivery, DeliveryState};
use ismart_domain::lead::{Intent, Lead};
use ismart_store::leads::{self, Filter};
use ismart_store::{Conn, StoreError, deliveries};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::language::Language;
use super::moment::{Teller, When};
use super::page::Place;
use super::seat::{People, Seat, Seated};
use super::{csv, local, plain};
use crate::platform::Platform;

/// Leads on one page.
const PAGE: usize = 50;
/// Leads read at once for a file.
const BATCH: i64 = 500;

/// The wish in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    q: String,
    #[serde(default)]
    intent: String,
    #[serde(default)]
    state: String,
    /// Only leads before the one of this moment (microseconds since 1970) and number, joined by a dot.
    #[serde(default)]
    before: String,
}

impl Wish {
    /// The wish as the store reads it; codes that do not exist ask for nothing.
    fn filter(&self) -> Filter {
        Filter {
            search: Some(self.q.chars().take(100).collect::<String>()).filter(|q| !q.trim().is_empty()),
            intent: Intent::from_code(&self.intent).map(|intent| intent.code().to_owned()),
            state: DeliveryState::from_code(&self.state).map(|state| state.code().to_owned()),
            before: self.before.split_once('.').and_then(|(at, number)| {
                Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, number.parse().ok()?))
            }),
            ..Filter::default()
        }
    }

    /// The wish as a query, without the place of the page.
    fn query(&self) -> String {
        [("q", &self.q), ("intent", &self.intent), ("state", &self.state)]
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", local::encoded(value)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

#[derive(Serialize)]
struct LeadsPage {
    q: String,
    intents: Vec<Choice>,
    states: Vec<Choice>,
    filtered: bool,
    leads: Vec<LeadLine>,
    /// Address of the next page.
    more: Option<String>,
    /// Address of the first page, when this is not it.
    first: Option<String>,
    file: String,
    shown: String,
}

#[derive(Serialize)]
struct Choice {
    code: &'static str,
    title: String,
    current: bool,
}

/// A lead in the list.
#[derive(Serialize)]
struct LeadLine {
    id: String,
    number: i64,
    when: When,
    person: String,
    contact: String,
    intent: String,
    subject: String,
    channel: String,
    states: Vec<StateBadge>,
    test: bool,
}

/// A delivery's state at a glance.
#[derive(Debug, Serialize)]
pub(super) struct StateBadge {
    destination: String,
    title: String,
    tone: &'static str,
}

/// Shows the list; for scripts, only its table.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Response, Fault> {
    let (teller, filter) = (seat.teller(&platform), wish.filter());
    let mut conn = platform.store.read().await?;
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut found = leads::list(&mut conn, seat.client.id, &filter, limit).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let mut lines = Vec::with_capacity(found.len());
    for lead in &found {
        lines.push(line(&mut conn, &seat, &teller, lead).await?);
    }
    drop(conn);
    let query = wish.query();
    let address = |path: &str, rest: &str| match (query.is_empty(), rest.is_empty()) {
        (true, true) => path.to_owned(),
        (true, false) => format!("{path}?{rest}"),
        (false, true) => format!("{path}?{query}"),
        (false, false) => format!("{path}?{query}&{rest}"),
    };
    let last = found
        .last()
        .filter(|_| more)
        .map(|lead| format!("{}.{}", lead.accepted_at.as_microsecond(), lead.number));
    let page = LeadsPage {
        q: wish.q.clone(),
        intents: intents(&seat, &filter),
        states: states(&seat, &filter),
        filtered: filter.search.is_some() || filter.intent.is_some() || filter.state.is_some(),
        shown: seat.texts().count("leads.shown", i64::try_from(lines.len()).unwrap_or(i64::MAX)),
        leads: lines,
        more: last.map(|last| address("/console/leads", &format!("before={last}"))),
        first: (!wish.before.is_empty()).then(|| address("/console/leads", "")),
        file: address("/console/leads/file.csv", ""),
    };
    if seat.by_script {
        return Ok(seat.part("part/leads.twig", &page)?.into_response());
    }
    let title = seat.texts().get("nav.leads");
    Ok(seat.page(&platform, Place::Leads, title, "leads.twig", &page).await?.into_response())
}

fn intents(seat: &Seat, filter: &Filter) -> Vec<Choice> {
    let choice = |intent: Intent| Choice {
        code: intent.code(),
        title: plain::intent(seat.texts(), intent).to_owned(),
        current: filter.intent.as_deref() == Some(intent.code()),
    };
    Intent::ALL.map(choice).into()
}

fn states(seat: &Seat, filter: &Filter) -> Vec<Choice> {
    let choice = |state: DeliveryState| Choice {
        code: state.code(),
        title: plain::state(seat.texts(), state).to_owned(),
        current: filter.state.as_deref() == Some(state.code()),
    };
    DeliveryState::ALL.map(choice).into()
}

async fn line(conn: &mut Conn, seat: &Seat, teller: &Teller, lead: &Lead) -> Result<LeadLine, StoreError> {
    let texts = seat.texts();
    let deliveries = deliveries::of_lead(conn, seat.client.id, lead.id).await?;
    Ok(LeadLine {
        id: lead.id.to_string(),
        number: lead.number,
        when: teller.when(lead.accepted_at),
        person: lead
            .draft
            .name
            .as_ref()
            .map_or_else(|| texts.get("lead.nameless").to_owned(), |n| n.as_str().to_owned()),
        contact: contact(lead),
        intent: plain::intent(texts, lead.draft.intent).to_owned(),
        subject: lead.draft.subject.as_ref().map(|subject| subject.title.clone()).unwrap_or_default(),
        channel: plain::named(texts, "channel", lead.draft.source.channel.code()),
        states: badges(seat, &deliveries),
        test: lead.draft.test,
    })
}

/// Phone, or else e-mail address.
fn contact(lead: &Lead) -> String {
    let phone = lead.draft.phone.as_ref().map(ismart_domain::Phone::pretty);
    phone.or_else(|| lead.draft.email.as_ref().map(|email| email.as_str().to_owned())).unwrap_or_default()
}

/// The states worth a look: those outside, or the inbox alone when there is nothing outside.
fn badges(seat: &Seat, all: &[Delivery]) -> Vec<StateBadge> {
    let badge = |delivery: &Delivery| StateBadge {
        destination: plain::destination_name(seat.texts(), &delivery.destination),
        title: plain::state(seat.texts(), delivery.state).to_owned(),
        tone: plain::tone(delivery.state),
    };
    let outside: Vec<StateBadge> =
        all.iter().filter(|d| d.destination != ismart_leads::INBOX).map(badge).collect();
    if outside.is_empty() { all.iter().map(badge).collect() } else { outside }
}

/// `GET /console/leads/file.csv`: every lead that the filter lets through, with the columns of the list.
pub(super) async fn export(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Response, Fault> {
    let teller = seat.teller(&platform);
    let mut filter = Filter { before: None, ..wish.filter() };
    let mut conn = platform.store.read().await?;
    let mut rows = vec![head(&seat)];
    loop {
        let batch = leads::list(&mut conn, seat.client.id, &filter, BATCH).await?;
        for lead in &batch {
            let deliveries = deliveries::of_lead(&mut conn, seat.client.id, lead.id).await?;
            rows.push(row(&seat, &teller, lead, &deliveries));
        }
        match batch.last() {
            Some(last) if i64::try_from(batch.len()).is_ok_and(|n| n >= BATCH) => {
                filter.before = Some((last.accepted_at, last.number));
            }
            _ => break,
        }
    }
    drop(conn);
    let (count, user) = (rows.len() - 1, seat.session.user.id);
    tracing::info!(user.id = %user, client.id = %seat.client.id, leads = count, "leads were taken out as a file");
    let separator = if seat.look.language == Language::Ru { ';' } else { ',' };
    let day = teller.now.to_zoned(teller.zone.clone()).strftime("%Y-%m-%d").to_string();
    let name = format!("attachment; filename=\"leads-{}-{day}.csv\"", seat.client.slug);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, csv::file(separator, rows)).into_response())
}

const COLUMNS: [&str; 10] = [
    "lead.number",
    "lead.accepted",
    "lead.person",
    "lead.phone",
    "lead.email",
    "lead.intent",
    "lead.subject",
    "lead.channel",
    "lead.comment",
    "lead.deliveries",
];

fn head(seat: &Seat) -> Vec<String> {
    COLUMNS.map(|key| seat.texts().get(key).to_owned()).into()
}

fn row(seat: &Seat, teller: &Teller, lead: &Lead, deliveries: &[Delivery]) -> Vec<String> {
    let texts = seat.texts();
    let draft = &lead.draft;
    let at = lead.accepted_at.to_zoned(teller.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let states: Vec<String> = badges(seat, deliveries)
        .into_iter()
        .map(|badge| format!("{}: {}", badge.destination, badge.title))
        .collect();
    let channel = plain::channel(texts, &draft.source.channel);
    vec![
        lead.number.to_string(),
        at,
        draft.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        draft.phone.as_ref().map(ismart_domain::Phone::pretty).unwrap_or_default(),
        draft.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default(),
        plain::intent(texts, draft.intent).to_owned(),
        draft.subject.as_ref().map(|subject| subject.title.clone()).unwrap_or_default(),
        channel,
        draft.comment.clone(),
        states.join("; "),
    ]
}
