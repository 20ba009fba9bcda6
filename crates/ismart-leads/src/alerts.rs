//! Alerts: what a person should know of without looking. Each occasion is told once, and once when it is over.
//!
//! Four rules: a site that brings no leads although by its own rhythm it should ([`silence`]); a destination that fails;
//! the queue of people with deadlines that passed; a ledger that does not balance.

mod silence;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::Hours;
use ismart_domain::ports::Notifier;
use ismart_domain::{BoxFuture, ClientId, EventBody, SiteId};
use ismart_store::events::Scope;
use ismart_store::incidents::{self, HourOfLeads, Incident};
use ismart_store::{Store, StoreError, Tx, attention, deliveries, events};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Stop;
use crate::dispatch::Care;
use crate::queue::{self, CareOf};

pub use silence::{LOOKED_BACK, Silence, silence};

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Silences are judged at every so manieth look: a rhythm is read from four weeks of leads.
const SILENCE_EVERY: u32 = 10;
/// A destination fails when it has been failing for so long.
const FAILING_FOR: SignedDuration = SignedDuration::from_mins(15);
/// Requests and answers of attempts are kept for so long.
const TRACES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A site whose leads are waited for.
#[derive(Debug, Clone)]
pub struct WatchedSite {
    /// The site.
    pub id: SiteId,
    /// Name for people.
    pub name: String,
    /// When its leads are waited for.
    pub hours: Hours,
    /// A silence is never told of before so much of these hours has passed.
    pub floor: SignedDuration,
}

/// A client that is watched over.
#[derive(Clone)]
pub struct Watched {
    /// The client.
    pub id: ClientId,
    /// Name for people.
    pub name: String,
    /// Zone of its day.
    pub zone: TimeZone,
    /// Its sites.
    pub sites: Vec<WatchedSite>,
    /// Who is told.
    pub notifiers: Vec<Arc<dyn Notifier>>,
}

/// What is wrong with a ledger, in words; `None` when it balances.
pub type Balance =
    Arc<dyn Fn(ClientId) -> BoxFuture<'static, Result<Option<String>, StoreError>> + Send + Sync>;

/// Finds what is wrong, tells people, hands on what nobody decided about.
#[derive(Clone)]
pub struct Vigil {
    store: Store,
    clients: Arc<dyn Fn() -> Vec<Watched> + Send + Sync>,
    care: Arc<CareOf>,
    balance: Option<Balance>,
}

impl std::fmt::Debug for Vigil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vigil").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The leads of sites by hours.
type Rhythms = BTreeMap<SiteId, Vec<HourOfLeads>>;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    client_id: ClientId,
    alert: &'static str,
    subject: String,
    facts: Facts,
}

/// Figures of an alert, for its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Name for people of what it is about.
    pub name: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// How many.
    pub count: i64,
    /// What was said.
    pub said: String,
}

const SILENCE: &str = "silence";
const DESTINATION: &str = "destination";
const QUEUE: &str = "queue";
const LEDGER: &str = "ledger";

impl Vigil {
    /// A vigil over the clients that `clients` tells, with the rules of destinations that `care` tells.
    #[must_use]
    pub fn new(
        store: Store,
        clients: impl Fn() -> Vec<Watched> + Send + Sync + 'static,
        care: impl Fn(ClientId, &str) -> Care + Send + Sync + 'static,
    ) -> Self {
        Self { store, clients: Arc::new(clients), care: Arc::new(care), balance: None }
    }

    /// Watches over the balance of ledgers too.
    #[must_use]
    pub fn with_balance(self, balance: Balance) -> Self {
        Self { balance: Some(balance), ..self }
    }

    /// Watches until told to stop.
    pub async fn run(self, mut stop: Stop) {
        let mut turn: u32 = 0;
        while !*stop.borrow() {
            if let Err(error) = self.look(turn.is_multiple_of(SILENCE_EVERY)).await {
                tracing::error!(error = %error, "the vigil could not look at everything");
            }
            turn = turn.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
    }

    /// One look at everything.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read or written.
    pub async fn round(&self) -> Result<(), StoreError> {
        self.look(true).await
    }

    async fn look(&self, silences: bool) -> Result<(), StoreError> {
        queue::adopt(&self.store, &*self.care).await?;
        let handed_on = queue::escalate(&self.store, &*self.care).await?;
        if handed_on > 0 {
            tracing::warn!(deliveries = handed_on, "deliveries were handed on: nobody decided in time");
        }
        let clients = (self.clients)();
        self.judge(&clients, silences).await?;
        self.tell(&clients).await?;
        let before = self.store.env().now().checked_sub(TRACES_KEPT).unwrap_or(Timestamp::MIN);
        self.store
            .write(move |tx: &mut Tx| Box::pin(async move { deliveries::forget_traces(tx, before).await }))
            .await
            .map(|_| ())
    }

    /// Opens incidents that were found and ends those that are over.
    async fn judge(&self, clients: &[Watched], silences: bool) -> Result<(), StoreError> {
        let mut conn = self.store.read().await?;
        let open: Vec<Incident> =
            incidents::live(&mut conn).await?.into_iter().filter(|one| one.ended_at.is_none()).collect();
        drop(conn);
        let mut found = Vec::new();
        let mut rhythms = BTreeMap::new();
        for client in clients {
            if silences {
                let rhythm = self.rhythm(client).await?;
                self.silent(client, &rhythm, &mut found);
                rhythms.extend(rhythm);
            }
            self.waiting(client, &mut found).await?;
            if let Some(balance) = &self.balance
                && let Some(said) = balance(client.id).await?
            {
                let facts = Facts { name: client.name.clone(), said, ..Facts::default() };
                found.push(Found { client_id: client.id, alert: LEDGER, subject: "ledger".into(), facts });
            }
        }
        self.failing(&mut found).await?;
        let over: Vec<Incident> = open
            .into_iter()
            .filter(|one| {
                let still = found.iter().any(|found| {
                    found.client_id == one.client_id
                        && found.alert == one.alert
                        && found.subject == one.subject
                });
                let judged = silences || one.alert != SILENCE;
                judged && !still && is_over(one, &rhythms)
            })
            .collect();
        self.write(found, over).await
    }

    async fn rhythm(&self, client: &Watched) -> Result<Rhythms, StoreError> {
        let mut conn = self.store.read().await?;
        let since = conn.env().now().checked_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
        let mut times: Rhythms = client.sites.iter().map(|site| (site.id, Vec::new())).collect();
        for (site, at) in incidents::rhythm(&mut conn, client.id, since).await? {
            if let Some(known) = times.get_mut(&site) {
                known.push(at);
            }
        }
        Ok(times)
    }

    fn silent(&self, client: &Watched, rhythm: &Rhythms, found: &mut Vec<Found>) {
        let now = self.store.env().now();
        for site in &client.sites {
            let times = rhythm.get(&site.id).map(Vec::as_slice).unwrap_or_default();
            let Some(quiet) = silence(times, now, &client.zone, &site.hours, site.floor) else { continue };
            let facts = Facts {
                name: site.name.clone(),
                since: Some(quiet.since),
                count: quiet.expected,
                said: String::new(),
            };
            found.push(Found { client_id: client.id, alert: SILENCE, subject: site.id.to_string(), facts });
        }
    }

    async fn waiting(&self, client: &Watched, found: &mut Vec<Found>) -> Result<(), StoreError> {
        let (waiting, overdue) = attention::counts(&mut self.store.read().await?, client.id).await?;
        let escalated = attention::escalated(&mut self.store.read().await?, client.id).await?;
        if overdue + escalated > 0 {
            let facts = Facts {
                name: client.name.clone(),
                count: overdue + escalated,
                said: waiting.to_string(),
                since: None,
            };
            found.push(Found { client_id: client.id, alert: QUEUE, subject: "queue".into(), facts });
        }
        Ok(())
    }

    async fn failing(&self, found: &mut Vec<Found>) -> Result<(), StoreError> {
        let mut conn = self.store.read().await?;
        let before = conn.env().now().checked_sub(FAILING_FOR).unwrap_or(Timestamp::MIN);
        for health in deliveries::failing(&mut conn, before).await? {
            let facts = Facts {
                name: health.destination.clone(),
                since: Some(health.since),
                count: health.failing,
                said: health.reason.unwrap_or_default(),
            };
            found.push(Found {
                client_id: health.client_id,
                alert: DESTINATION,
                subject: health.destination,
                facts,
            });
        }
        Ok(())
    }

    async fn write(&self, found: Vec<Found>, over: Vec<Incident>) -> Result<(), StoreError> {
        if found.is_empty() && over.is_empty() {
            return Ok(());
        }
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for one in found {
                        let facts = serde_json::to_string(&one.facts).unwrap_or_default();
                        let opened =
                            incidents::open(tx, one.client_id, one.alert, &one.subject, &facts).await?;
                        if opened.is_some() {
                            let body =
                                EventBody::AlertRaised { alert: one.alert.into(), subject: one.subject };
                            let scope = Scope {
                                client_id: one.client_id,
                                site_id: None,
                                trace_id: tx.env().new_id(),
                            };
                            events::append(tx, scope, body).await?;
                        }
                    }
                    for one in over {
                        if incidents::end(tx, one.client_id, one.id).await? {
                            let body = EventBody::AlertEnded { alert: one.alert, subject: one.subject };
                            let scope = Scope {
                                client_id: one.client_id,
                                site_id: None,
                                trace_id: tx.env().new_id(),
                            };
                            events::append(tx, scope, body).await?;
                        }
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
    }

    /// Tells what is still to be told. What nobody could be told of is tried again at the next look.
    async fn tell(&self, clients: &[Watched]) -> Result<(), StoreError> {
        for one in incidents::live(&mut self.store.read().await?).await? {
            let over = one.ended_at.is_some();
            let due = match (over, one.told_at) {
                (false, None) => true,
                // What was over before anybody was told needs no telling.
                (true, told) => told.is_some() && one.end_told_at.is_none(),
                (false, Some(_)) => false,
            };
            let client = clients.iter().find(|client| client.id == one.client_id);
            let forgotten = over && one.told_at.is_none();
            let told = forgotten || (due && self.told(client, &one).await);
            if told {
                let (client_id, id) = (one.client_id, one.id);
                self.store
                    .write(move |tx: &mut Tx| {
                        Box::pin(async move { incidents::told(tx, client_id, id, over).await })
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Whether anybody was told, or there is nobody to tell.
    async fn told(&self, client: Option<&Watched>, one: &Incident) -> bool {
        let Some(client) = client else { return true };
        let text = text(client, one);
        tracing::warn!(client = client.name, alert = one.alert, over = one.ended_at.is_some(), "{text}");
        let mut any = client.notifiers.is_empty();
        for notifier in &client.notifiers {
            match notifier.tell(&text).await {
                Ok(()) => any = true,
                Err(error) => {
                    tracing::error!(notifier = notifier.name(), error = %error, "an alert was not told");
                }
            }
        }
        any
    }
}

/// Whether an incident that is not found any more is over. A silence is over when a lead came, not when the working
/// day ends.
fn is_over(one: &Incident, rhythms: &Rhythms) -> bool {
    if one.alert != SILENCE {
        return true;
    }
    let Ok(site) = one.subject.parse::<SiteId>() else { return true };
    // A site that is gone is waited for no longer.
    rhythms.get(&site).is_none_or(|times| times.last().is_some_and(|hour| hour.last > one.opened_at))
}

/// What people read: a heading and what to do.
#[must_use]
pub fn text(client: &Watched, one: &Incident) -> String {
    let facts: Facts = match serde_json::from_str(&one.facts) {
        Ok(facts) => facts,
        // The alert itself counts; its figures only make it clearer.
        Err(_unreadable) => Facts { name: one.subject.clone(), ..Facts::default() },
    };
    let at = |at: Timestamp| at.to_zoned(client.zone.clone()).strftime("%d.%m %H:%M").to_string();
    let since = facts.since.map(at).unwrap_or_default();
    if let Some(ended) = one.ended_at {
        let what = match one.alert.as_str() {
            SILENCE => format!("Заявки с сайта {} снова идут", facts.name),
            DESTINATION => format!("Получатель «{}» снова принимает заявки", facts.name),
            QUEUE => "Очередь решений разобрана".to_owned(),
            _ => "Баланс заявок снова сходится".to_owned(),
        };
        return format!("{}: {what}\nКонец: {}", client.name, at(ended));
    }
    let (what, todo) = match one.alert.as_str() {
        SILENCE => (
            format!("Нет заявок с сайта {} с {since}", facts.name),
            format!("Обычно за это время их приходит около {}. Проверьте формы и рекламу.", facts.count),
        ),
        DESTINATION => (
            format!("Получатель «{}» не принимает заявки с {since}", facts.name),
            format!(
                "Ждут: {}. Ответ получателя: {}\nЗаявки не потеряны, попытки продолжаются.",
                facts.count, facts.said
            ),
        ),
        QUEUE => (
            format!("Решения по доставке просрочены: {}", facts.count),
            format!("Всего ждут решения: {}. Откройте «Доставки» в консоли.", facts.said),
        ),
        _ => ("Баланс заявок не сходится".to_owned(), facts.said.clone()),
    };
    format!("{}: {what}\n{todo}", client.name)
}
