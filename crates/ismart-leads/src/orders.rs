//! Orders: written down before the bank hears of them, and paid only when the bank says so and the sum is right. See
//! `orders.contract.md`.

mod watch;

use std::sync::Arc;

use ismart_domain::payment::{
    Asked, Cause, GatewayError, Order, OrderNumber, OrderState, Purchase, Report, Verdict, Ways, judge, pause,
};
use ismart_domain::ports::PaymentGateway;
use ismart_domain::{ClientId, EventBody, SiteId};
use ismart_store::events::Scope;
use ismart_store::{Store, StoreError, Tx, events, orders};
use jiff::{SignedDuration, Timestamp};

use crate::{AcceptError, accept};
pub use watch::Watch;

/// Questions that a fresh order has behind it, as far as pauses are concerned: the first one by itself comes after two
/// minutes, when most people have paid and come back.
const FRESH: u32 = 3;
/// How long a registration may take before an order without an answer is asked about.
const REGISTERING: SignedDuration = SignedDuration::from_mins(1);

/// Takes the money of one site through one bank. Cheap to clone.
#[derive(Clone)]
pub struct Till {
    store: Store,
    gateway: Arc<dyn PaymentGateway>,
    settings: Arc<TillSettings>,
}

/// What a till is told.
#[derive(Debug, Clone)]
pub struct TillSettings {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Destinations of the leads that paid orders become, besides the inbox.
    pub destinations: Vec<String>,
    /// The address of the site without final slash: people come back to it.
    pub base_url: String,
    /// How long a person has to pay.
    pub session: SignedDuration,
}

impl std::fmt::Debug for Till {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Till").field("kind", &self.gateway.kind()).finish_non_exhaustive()
    }
}

/// Why nothing can be paid.
#[derive(Debug, thiserror::Error)]
pub enum BuyError {
    /// There are fewer seats.
    #[error("only {left} seats are left")]
    Seats {
        /// How many are left.
        left: i64,
    },
    /// The same order is being registered at this moment.
    #[error("the order is being registered; ask again in a moment")]
    Busy,
    /// The bank did not take it.
    #[error(transparent)]
    Bank(#[from] GatewayError),
    /// It could not be written down; the bank was not asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an order could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The bank gave no usable answer: the order stays as it is and is asked about again.
    #[error(transparent)]
    Bank(#[from] GatewayError),
    /// What the bank said could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The order changed in between, or is gone.
    #[error("the order {0} was changed by somebody else at the same moment")]
    Raced(OrderNumber),
    /// Its lead was not accepted.
    #[error("the lead of a paid order was not accepted: {0}")]
    Lead(AcceptError),
}

/// An order after the bank was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The order as it stands.
    pub order: Order,
    /// What the bank's answer means.
    pub verdict: Verdict,
    /// Whether this call saw the money first.
    pub first: bool,
}

impl Till {
    /// A till of a site.
    #[must_use]
    pub fn new(store: Store, gateway: Arc<dyn PaymentGateway>, settings: TillSettings) -> Self {
        Self { store, gateway, settings: Arc::new(settings) }
    }

    /// The bank.
    #[must_use]
    pub fn gateway(&self) -> &dyn PaymentGateway {
        self.gateway.as_ref()
    }

    /// What it was told.
    #[must_use]
    pub fn settings(&self) -> &TillSettings {
        &self.settings
    }

    /// Writes the order down, tells the bank, and gives the order with the bank's page. `seats` is the number that the
    /// content offers, if it counts them. A repeat with the same idempotency key gives the order that exists.
    ///
    /// # Errors
    /// [`BuyError`]. After an unclear answer of the bank the order stays open and is asked about.
    pub async fn buy(&self, purchase: Purchase, seats: Option<i64>) -> Result<Order, BuyError> {
        let client_id = self.settings.client_id;
        let (order, known) =
            self.store.write(move |tx: &mut Tx| Box::pin(begin(tx, client_id, purchase, seats))).await?;
        if known {
            return if order.pay_url.is_some() { Ok(order) } else { Err(BuyError::Busy) };
        }
        let ways = self.ways(&order.number);
        match self.gateway.register(&order, &ways).await {
            Ok(registered) => {
                let mut order = order;
                order.state = OrderState::Pending;
                order.bank_id = Some(registered.bank_id);
                order.pay_url = Some(registered.pay_url);
                order.checks = FRESH;
                order.due_at = self.later(FRESH);
                Ok(self.moved(order, OrderState::New, Cause::Bank, None).await?)
            }
            Err(error) => {
                tracing::error!(error = %error, order = %order.number, "the bank did not register an order");
                let (mut order, reason) = (order, error.to_string());
                if !matches!(error, GatewayError::Unreachable { ambiguous: true, .. }) {
                    order.state = OrderState::Failed;
                    order.due_at = None;
                    order.reason = Some(reason.clone());
                }
                self.moved(order, OrderState::New, Cause::Bank, Some(reason)).await?;
                Err(error.into())
            }
        }
    }

    /// Asks the bank how an order stands and writes down what follows. However often and from wherever this is called,
    /// a paid order becomes one lead.
    ///
    /// # Errors
    /// [`SettleError`]; the order is then unchanged, but for being asked about again soon.
    pub async fn settle(&self, order: &Order, cause: Cause) -> Result<Settled, SettleError> {
        if order.state == OrderState::Paid {
            return Ok(Settled { order: order.clone(), verdict: Verdict::Paid, first: false });
        }
        let asked = match &order.bank_id {
            Some(id) => Asked::BankId(id),
            None => Asked::Number(order.number.as_str()),
        };
        let report = match self.gateway.report(asked).await {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(error = %error, order = %order.number, "the bank cannot be asked about an order");
                self.ask_again(order, cause, &error).await?;
                return Err(error.into());
            }
        };
        let (settings, number) = (self.settings.clone(), order.number.clone());
        let settled = self
            .store
            .write(move |tx: &mut Tx| Box::pin(conclude(tx, settings, number, report, cause)))
            .await;
        match settled {
            // Somebody else wrote the same answer down: what he made of it is what holds.
            Err(SettleError::Raced(number)) => {
                let order = self.find(&number).await?.ok_or(SettleError::Raced(number))?;
                let verdict = if order.state == OrderState::Paid { Verdict::Paid } else { Verdict::Moving };
                Ok(Settled { order, verdict, first: false })
            }
            other => other,
        }
    }

    /// The order of this number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, number: &OrderNumber) -> Result<Option<Order>, StoreError> {
        let mut conn = self.store.read().await?;
        orders::get(&mut conn, self.settings.client_id, self.settings.site_id, number).await
    }

    /// The order that the bank knows by this id of its own; where we do not, the bank is asked for our number.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn find_by_bank_id(&self, bank_id: &str) -> Result<Option<Order>, SettleError> {
        let mut conn = self.store.read().await?;
        let TillSettings { client_id, site_id, .. } = *self.settings;
        if let Some(order) = orders::by_bank_id(&mut conn, client_id, site_id, bank_id).await? {
            return Ok(Some(order));
        }
        drop(conn);
        let report = self.gateway.report(Asked::BankId(bank_id)).await?;
        match report.number.parse() {
            Ok(number) => Ok(self.find(&number).await?),
            Err(_) => Ok(None),
        }
    }

    /// Makes an order due soon, because the bank has news of it and cannot be asked now.
    async fn ask_again(&self, order: &Order, cause: Cause, error: &GatewayError) -> Result<(), StoreError> {
        let mut next = order.clone();
        if !order.state.is_open() {
            return Ok(());
        }
        // News start the questions anew; a question that nobody asked for goes on as it was.
        next.checks = if cause == Cause::Watch { order.checks.saturating_add(1) } else { 0 };
        next.due_at = self.later(next.checks);
        let note = (cause != Cause::Watch).then(|| error.to_string());
        self.moved(next, order.state, cause, note).await.map(drop)
    }

    fn later(&self, checks: u32) -> Option<Timestamp> {
        self.store.env().now().checked_add(pause(checks)).ok()
    }

    fn ways(&self, number: &OrderNumber) -> Ways {
        let back = format!("{}/pay/return?order={number}", self.settings.base_url);
        Ways { failed: format!("{back}&fail=1"), back }
    }

    /// Writes a changed order; nothing when it has moved on meanwhile. Gives the order as it stands.
    async fn moved(
        &self,
        mut order: Order,
        was: OrderState,
        cause: Cause,
        note: Option<String>,
    ) -> Result<Order, StoreError> {
        order.updated_at = self.store.env().now();
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    if orders::change(tx, &order, was).await? && (order.state != was || note.is_some()) {
                        orders::step(tx, &order, cause, note.as_deref()).await?;
                        if order.state != was {
                            announce(tx, &order).await?;
                        }
                    }
                    Ok(order)
                })
            })
            .await
    }
}

/// Writes a new order down, or finds the one that was made under its key.
async fn begin(
    tx: &mut Tx,
    client_id: ClientId,
    purchase: Purchase,
    seats: Option<i64>,
) -> Result<(Order, bool), BuyError> {
    let env = tx.env().clone();
    let now = env.now();
    if let Some(key) = &purchase.idempotency_key
        && let Some(order) = orders::by_key(tx, client_id, purchase.site_id, key).await?
    {
        return Ok((order, true));
    }
    if let Some(seats) = seats {
        let since = orders::offer(tx, client_id, purchase.site_id, &purchase.item, seats).await?;
        let taken = orders::taken(tx, client_id, purchase.site_id, &purchase.item, since).await?;
        let left = seats.saturating_sub(taken).max(0);
        if i64::from(purchase.tickets) > left {
            return Err(BuyError::Seats { left });
        }
    }
    let order = Order {
        number: OrderNumber::of(env.random()),
        client_id,
        amount: purchase.amount(),
        purchase,
        state: OrderState::New,
        bank_id: None,
        pay_url: None,
        reason: None,
        lead_id: None,
        created_at: now,
        updated_at: now,
        paid_at: None,
        due_at: now.checked_add(REGISTERING).ok(),
        checks: 0,
    };
    orders::add(tx, &order).await?;
    orders::step(tx, &order, Cause::Form, None).await?;
    announce(tx, &order).await?;
    Ok((order, false))
}

/// Writes down what a report of the bank means for an order, and makes the lead of one that is paid.
async fn conclude(
    tx: &mut Tx,
    settings: Arc<TillSettings>,
    number: OrderNumber,
    report: Report,
    cause: Cause,
) -> Result<Settled, SettleError> {
    let now = tx.env().now();
    let TillSettings { client_id, site_id, .. } = *settings;
    let Some(mut order) = orders::get(tx, client_id, site_id, &number).await? else {
        return Err(SettleError::Raced(number));
    };
    let was = order.state;
    let verdict = judge(&order, &report, settings.session, now);
    if was == OrderState::Paid {
        return Ok(Settled { order, verdict: Verdict::Paid, first: false });
    }
    order.updated_at = now;
    if verdict != Verdict::Foreign {
        order.bank_id = order.bank_id.or(report.bank_id);
    }
    let mut note = None;
    match &verdict {
        Verdict::Paid => {
            order.state = OrderState::Paid;
            order.paid_at = Some(now);
            order.reason = None;
            order.due_at = None;
            let draft = lead_of(&order);
            let trace_id = tx.env().new_id();
            let accepted = accept(tx, client_id, &settings.destinations, draft, trace_id).await;
            let accepted = accepted.map_err(|error| match error {
                AcceptError::Store(error) => SettleError::Store(error),
                other => SettleError::Lead(other),
            })?;
            order.lead_id = Some(accepted.lead.id);
        }
        Verdict::Disputed(reason) | Verdict::Failed(reason) => {
            let disputed = matches!(verdict, Verdict::Disputed(_));
            order.state = if disputed { OrderState::Disputed } else { OrderState::Failed };
            order.reason = Some(reason.clone());
            order.due_at = None;
            note = Some(reason.clone());
        }
        Verdict::Open | Verdict::Moving if was.is_open() => {
            // A registration whose answer was lost has happened after all, as the bank knows the order.
            if order.bank_id.is_some() {
                order.state = OrderState::Pending;
            }
            order.checks = order.checks.saturating_add(1);
            order.due_at = now.checked_add(pause(order.checks)).ok();
        }
        Verdict::Open | Verdict::Moving => {}
        Verdict::Foreign => {
            note = Some(format!("the bank answers about another order: `{}`", shortened(&report.number)));
            order.checks = order.checks.saturating_add(1);
            order.due_at = order.due_at.and(now.checked_add(pause(order.checks)).ok());
        }
    }
    if !orders::change(tx, &order, was).await? {
        return Err(SettleError::Raced(number));
    }
    if order.state != was || note.is_some() {
        orders::step(tx, &order, cause, note.as_deref()).await?;
    }
    if order.state != was {
        announce(tx, &order).await?;
    }
    let first = order.state == OrderState::Paid;
    Ok(Settled { order, verdict, first })
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The lead of a paid order: its words say what was paid, and its key that there is only one.
fn lead_of(order: &Order) -> ismart_domain::lead::LeadDraft {
    let mut draft = order.purchase.lead.clone();
    draft.comment = format!("ОПЛАЧЕНО. Заказ {}. Сумма {}.", order.number, order.amount);
    draft.amount = Some(order.amount);
    draft.idempotency_key = Some(format!("order-{}", order.number));
    let event = [order.purchase.title.as_str(), order.purchase.date.as_str()];
    let event = event.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" — ");
    draft.fields.extend([
        ("event".to_owned(), event),
        ("tickets".to_owned(), order.purchase.tickets.to_string()),
        ("order".to_owned(), order.number.to_string()),
    ]);
    draft
}

async fn announce(tx: &mut Tx, order: &Order) -> Result<(), StoreError> {
    let trace_id = tx.env().new_id();
    let scope = Scope { client_id: order.client_id, site_id: Some(order.purchase.site_id), trace_id };
    let changed = EventBody::OrderChanged {
        order: order.number.clone(),
        state: order.state,
        minor: order.amount.minor,
        tickets: order.purchase.tickets,
        lead_id: order.lead_id,
    };
    events::append(tx, scope, changed).await
}
