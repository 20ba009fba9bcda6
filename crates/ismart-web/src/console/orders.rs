//! `GET /console/orders`: what people paid for on the client's sites, one order with every step it took, and a question
//! to the bank by hand.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use ismart_domain::SiteId;
use ismart_domain::payment::{self, Cause, Order, OrderNumber, OrderState};
use ismart_domain::user::Right;
use ismart_leads::orders::SettleError;
use ismart_store::clients::{self, SiteRow};
use ismart_store::orders::{self, Step};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::language::Texts;
use super::local::encoded;
use super::moment::{Teller, When};
use super::page::Place;
use super::plain;
use super::seat::{People, Posted, Replaying, Seat, Seated};
use crate::platform::Platform;

/// Orders on one page.
const PAGE: usize = 50;

/// The wish in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    site: String,
    #[serde(default)]
    state: String,
    /// Only orders before this moment, microseconds since 1970.
    before: Option<i64>,
}

#[derive(Serialize)]
struct OrdersPage {
    sites: Vec<Choice>,
    states: Vec<Choice>,
    filtered: bool,
    orders: Vec<OrderLine>,
    shown: String,
    more: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    code: String,
    title: String,
    current: bool,
}

/// An order in the list.
#[derive(Serialize)]
struct OrderLine {
    number: String,
    when: When,
    person: String,
    title: String,
    date: String,
    tickets: String,
    amount: String,
    state: String,
    tone: &'static str,
    site: String,
}

fn tone(state: OrderState) -> &'static str {
    match state {
        OrderState::Paid => "good",
        OrderState::New | OrderState::Pending => "busy",
        OrderState::Disputed => "bad",
        OrderState::Failed => "",
    }
}

fn state_title(texts: &Texts, state: OrderState) -> String {
    plain::named(texts, "order_state", state.code())
}

fn site_name(sites: &[SiteRow], id: SiteId) -> String {
    sites.iter().find(|site| site.id == id).map(|site| site.name.clone()).unwrap_or_default()
}

fn person(texts: &Texts, order: &Order) -> String {
    let draft = &order.purchase.lead;
    let typed = || draft.fields.get("name").cloned();
    let name = draft.name.as_ref().map(|name| name.as_str().to_owned()).or_else(typed);
    name.unwrap_or_else(|| texts.get("lead.nameless").to_owned())
}

/// A reason in the person's language where it is one of ours; the bank's words are left as they are.
fn told(texts: &Texts, reason: &str) -> String {
    let sums = reason.strip_prefix("paid ").and_then(|sums| sums.split_once(", asked "));
    match (reason, sums) {
        (payment::NOT_IN_TIME, _) => texts.get("order.not_in_time").to_owned(),
        (payment::UNKNOWN_TO_BANK, _) => texts.get("order.unknown_to_bank").to_owned(),
        (_, Some((paid, asked))) => texts.say("order.sums", &[("paid", paid), ("asked", asked)]),
        (other, None) => other.to_owned(),
    }
}

impl OrderLine {
    fn of(seat: &Seat, teller: &Teller, sites: &[SiteRow], order: &Order) -> Self {
        let texts = seat.texts();
        Self {
            number: order.number.to_string(),
            when: teller.when(order.created_at),
            person: person(texts, order),
            title: order.purchase.title.clone(),
            date: order.purchase.date.clone(),
            tickets: seat.number(i64::from(order.purchase.tickets)),
            amount: order.amount.to_string(),
            state: state_title(texts, order.state),
            tone: tone(order.state),
            site: site_name(sites, order.purchase.site_id),
        }
    }
}

/// Shows the list.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    let (client, texts, teller) = (seat.client.id, seat.texts(), seat.teller(&platform));
    let mut conn = platform.store.read().await?;
    let sites = clients::sites(&mut conn, client).await?;
    let site = sites.iter().find(|site| site.slug == wish.site).map(|site| site.id);
    let state = OrderState::from_code(&wish.state);
    let before = wish.before.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut found = orders::list(&mut conn, client, site, state, before, limit).await?;
    drop(conn);
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().filter(|_| more).map(|order| order.created_at.as_microsecond());
    let shown = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let page = OrdersPage {
        sites: sites
            .iter()
            .map(|one| Choice {
                code: one.slug.clone(),
                title: one.name.clone(),
                current: Some(one.id) == site,
            })
            .collect(),
        states: OrderState::ALL
            .iter()
            .map(|one| Choice {
                code: one.code().to_owned(),
                title: state_title(texts, *one),
                current: Some(*one) == state,
            })
            .collect(),
        filtered: site.is_some() || state.is_some(),
        orders: found.iter().map(|order| OrderLine::of(&seat, &teller, &sites, order)).collect(),
        shown: texts.count("orders.shown", shown),
        more: last.map(|micros| {
            format!(
                "/console/orders?site={}&state={}&before={micros}",
                encoded(&wish.site),
                encoded(&wish.state)
            )
        }),
    };
    seat.page(&platform, Place::Orders, texts.get("nav.orders"), "orders.twig", &page).await
}

#[derive(Serialize)]
struct OrderPage {
    line: OrderLine,
    page: String,
    unit: String,
    phone: String,
    email: String,
    reason: Option<String>,
    bank_id: Option<String>,
    paid: Option<When>,
    /// When the bank is asked again by itself.
    next: Option<When>,
    lead: Option<String>,
    steps: Vec<StepLine>,
    may_ask: bool,
}

#[derive(Serialize)]
struct StepLine {
    when: When,
    state: String,
    tone: &'static str,
    cause: String,
    note: Option<String>,
}

fn step_line(texts: &Texts, teller: &Teller, step: Step) -> StepLine {
    StepLine {
        when: teller.when(step.at),
        state: state_title(texts, step.state),
        tone: tone(step.state),
        cause: plain::named(texts, "order_cause", step.cause.code()),
        note: step.note.map(|note| told(texts, &note)),
    }
}

async fn found(platform: &Platform, seat: &Seat, number: &str) -> Result<(Order, Vec<Step>), Fault> {
    let number: OrderNumber = number.parse().or(Err(Fault::Missing))?;
    let mut conn = platform.store.read().await?;
    let order = orders::of_client(&mut conn, seat.client.id, &number).await?.ok_or(Fault::Missing)?;
    let steps = orders::steps(&mut conn, seat.client.id, &number).await?;
    Ok((order, steps))
}

/// Shows one order.
pub(super) async fn one(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Path(number): Path<String>,
) -> Result<Html<String>, Fault> {
    let (order, steps) = found(&platform, &seat, &number).await?;
    let (texts, teller) = (seat.texts(), seat.teller(&platform));
    let sites = clients::sites(&mut platform.store.read().await?, seat.client.id).await?;
    let draft = &order.purchase.lead;
    let phone =
        draft.phone.as_ref().map_or_else(|| order.purchase.phone.clone(), ismart_domain::Phone::pretty);
    let sells = platform.shop(order.purchase.site_id).is_some();
    let page = OrderPage {
        line: OrderLine::of(&seat, &teller, &sites, &order),
        page: draft.source.page_url.clone(),
        unit: order.purchase.unit.to_string(),
        phone,
        email: draft.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default(),
        reason: order.reason.as_deref().map(|reason| told(texts, reason)),
        bank_id: order.bank_id.clone(),
        paid: order.paid_at.map(|at| teller.when(at)),
        next: order.due_at.map(|at| teller.when(at)),
        lead: order.lead_id.map(|id| id.to_string()),
        steps: steps.into_iter().rev().map(|step| step_line(texts, &teller, step)).collect(),
        may_ask: sells && order.state != OrderState::Paid && seat.may(Right::Replay),
    };
    let title = format!("{} {}", texts.get("order.one"), page.line.title);
    seat.page(&platform, Place::Orders, title, "order.twig", &page).await
}

/// Asks the bank how an order stands, at once.
pub(super) async fn ask(
    State(platform): State<Arc<Platform>>,
    Path(number): Path<String>,
    posted: Posted<Replaying>,
) -> Result<Redirect, Fault> {
    let (order, _) = found(&platform, &posted.seat, &number).await?;
    let shop = platform.shop(order.purchase.site_id).ok_or(Fault::Invalid("order_fault.closed"))?;
    match shop.till.settle(&order, Cause::Person).await {
        Ok(_) | Err(SettleError::Raced(_)) => Ok(Redirect::to(&format!("/console/orders/{}", order.number))),
        Err(SettleError::Bank(error)) => {
            tracing::warn!(error = %error, order = %order.number, "the bank did not answer a person's question");
            Err(Fault::Invalid("order_fault.bank"))
        }
        Err(SettleError::Store(error)) => Err(error.into()),
        Err(error @ SettleError::Lead(_)) => {
            tracing::error!(error = %error, order = %order.number, "an order could not be settled");
            Err(Fault::Store)
        }
    }
}
