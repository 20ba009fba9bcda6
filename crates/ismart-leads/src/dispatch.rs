//! The dispatcher: takes due deliveries, oldest lead first, and brings each to a final state.
//!
//! A lead has one delivery to a destination, and a delivery is in one hand at a time: nothing of a lead can overtake its
//! first delivery there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ismart_domain::delivery::{
    self, Answer, Delivery, DeliveryError, DeliveryState, Hours, Next, Quiet, Trial,
};
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::{ClientId, Event, EventBody, TraceId};
use ismart_store::deliveries::Ending;
use ismart_store::events::Scope;
use ismart_store::{Store, StoreError, Tx, deliveries, events, leads, outcomes};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::{queue, trace};

/// How many deliveries to one destination are under way at once.
const AT_ONCE: i64 = 4;
/// The longest pause between two looks into the outbox.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One place that a client's leads go to.
#[derive(Clone)]
pub struct Destination {
    /// The client.
    pub client_id: ClientId,
    /// Name in the client's configuration.
    pub name: String,
    /// The edge that brings leads there.
    pub connector: Arc<dyn Connector>,
    /// Who reads it when, and who answers for it.
    pub care: Care,
}

impl Destination {
    /// A destination that is never quiet and whose queue falls to whoever may decide.
    #[must_use]
    pub fn new(client_id: ClientId, name: impl Into<String>, connector: Arc<dyn Connector>) -> Self {
        Self { client_id, name: name.into(), connector, care: Care::default() }
    }
}

/// How a destination is dealt with besides bringing leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    /// Zone of the client's day.
    pub zone: TimeZone,
    /// Hours in which nothing is sent, where people read along.
    pub quiet: Option<Quiet>,
    /// Sign-in name of the person who answers for deliveries that need one.
    pub owner: Option<String>,
    /// The client's working hours: deadlines count only them.
    pub hours: Hours,
    /// Working time within which a person decides about a delivery that needs one.
    pub decide_within: SignedDuration,
    /// It cannot be asked for a lead.
    pub forgets: bool,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            quiet: None,
            owner: None,
            hours: Hours::default(),
            decide_within: SignedDuration::from_hours(4),
            forgets: false,
        }
    }
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("name", &self.name).field("kind", &self.connector.kind()).finish()
    }
}

/// Tells long-running work to finish what it has begun and end.
pub type Stop = watch::Receiver<bool>;

/// Delivers leads.
#[derive(Debug)]
pub struct Dispatcher {
    store: Store,
    lanes: Lanes,
}

/// The destinations that a running [`Dispatcher`] delivers to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lanes(watch::Sender<Arc<Vec<Destination>>>);

impl Lanes {
    /// Delivers to these from here on. A lane whose destination is gone or changed finishes its attempts first; what
    /// lies there for a destination that is gone waits until it is back.
    pub fn replace(&self, destinations: Vec<Destination>) {
        self.0.send_replace(Arc::new(destinations));
    }

    /// The destinations of now.
    #[must_use]
    pub fn list(&self) -> Arc<Vec<Destination>> {
        self.0.borrow().clone()
    }
}

/// Keeps away from a destination that is down: one probe at a time, with growing pauses.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    until: Option<Timestamp>,
}

impl Breaker {
    /// Learns from an answer. A refusal of one lead says nothing about the destination.
    fn learn(&mut self, error: Option<&DeliveryError>, now: Timestamp, jitter: u8) {
        let pause = match error {
            Some(DeliveryError::Retry { after, .. }) => {
                self.failures = self.failures.saturating_add(1);
                let own = delivery::backoff(self.failures, jitter).min(SignedDuration::from_mins(1));
                after.unwrap_or(SignedDuration::ZERO).max(own)
            }
            Some(DeliveryError::Settings { .. }) => SignedDuration::from_secs(30),
            Some(DeliveryError::Rejected { .. }) | None => {
                *self = Self::default();
                return;
            }
        };
        self.until = now.checked_add(pause).ok();
    }

    fn closed(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// How many deliveries may begin: one probe after a failure.
    fn allowed(&self) -> i64 {
        if self.failures > 0 { 1 } else { AT_ONCE }
    }
}

impl Dispatcher {
    /// Prepares delivery to these destinations.
    #[must_use]
    pub fn new(store: Store, destinations: Vec<Destination>) -> Self {
        Self { store, lanes: Lanes(watch::Sender::new(Arc::new(destinations))) }
    }

    /// The handle by which destinations are added and removed while it runs.
    #[must_use]
    pub fn lanes(&self) -> Lanes {
        self.lanes.clone()
    }

    /// Takes up what a crash left behind, then delivers until told to stop. Attempts under way are finished first.
    ///
    /// # Errors
    /// [`StoreError`] when the start-up recovery fails; later failures of the store are logged and tried again.
    pub async fn run(self, mut stop: Stop) -> Result<(), StoreError> {
        let recovered = self.store.write(|tx: &mut Tx| Box::pin(deliveries::recover(tx))).await?;
        if recovered > 0 {
            tracing::info!(
                deliveries = recovered,
                "deliveries interrupted by the last stop will be verified"
            );
        }
        let mut wanted = self.lanes.0.subscribe();
        let mut running: Vec<Running> = Vec::new();
        while !*stop.borrow() {
            let destinations = wanted.borrow_and_update().clone();
            self.match_lanes(&mut running, &destinations);
            tokio::select! {
                _ = stop.changed() => {}
                changed = wanted.changed() => if changed.is_err() { break },
            }
        }
        for lane in &running {
            lane.stop.send_replace(true);
        }
        for ended in join_all(running.into_iter().map(|lane| lane.task)).await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a delivery lane ended unexpectedly");
            }
        }
        Ok(())
    }

    /// Ends the lanes that are not wanted as they are, and begins those that are missing. A new lane of the same name
    /// begins when the old one has ended: a delivery is never in two hands.
    fn match_lanes(&self, running: &mut Vec<Running>, wanted: &[Destination]) {
        let (mut kept, mut ending) = (Vec::new(), Vec::new());
        for lane in running.drain(..) {
            if wanted.iter().any(|one| lane.is(one)) {
                kept.push(lane);
            } else {
                lane.stop.send_replace(true);
                ending.push(lane);
            }
        }
        for destination in wanted {
            if kept.iter().any(|lane| lane.is(destination)) {
                continue;
            }
            let before = ending.iter().position(|lane| {
                lane.destination.client_id == destination.client_id
                    && lane.destination.name == destination.name
            });
            let before = before.map(|at| ending.swap_remove(at).task);
            let (stop, stopped) = watch::channel(false);
            let lane = Lane {
                store: self.store.clone(),
                destination: destination.clone(),
                breaker: Breaker::default(),
                doubted: None,
            };
            let task = tokio::spawn(async move {
                if let Some(Err(error)) = match before {
                    Some(before) => Some(before.await),
                    None => None,
                } {
                    tracing::error!(error = %error, "a delivery lane ended unexpectedly");
                }
                lane.run(stopped).await;
            });
            kept.push(Running { destination: destination.clone(), stop, task });
        }
        // Those that nobody follows are still waited for at the end.
        kept.append(&mut ending);
        *running = kept;
    }
}

/// A lane at work.
struct Running {
    destination: Destination,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Whether it delivers to exactly this destination, and goes on doing so.
    fn is(&self, destination: &Destination) -> bool {
        let own = &self.destination;
        !*self.stop.borrow()
            && own.client_id == destination.client_id
            && own.name == destination.name
            && own.care == destination.care
            && Arc::ptr_eq(&own.connector, &destination.connector)
    }
}

/// The work for one destination.
struct Lane {
    store: Store,
    destination: Destination,
    breaker: Breaker,
    /// Since when attempts may have ended without that being written.
    doubted: Option<Timestamp>,
}

impl Lane {
    async fn run(mut self, mut stop: Stop) {
        let mut news = self.store.listen();
        while !*stop.borrow() {
            match self.round().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(error = %error, destination = %self.destination.name, "the outbox cannot be read");
                }
            }
            let wait = async {
                loop {
                    match news.recv().await {
                        Ok(event) if self.concerns(&event) => break,
                        Ok(_) => {}
                        Err(broadcast::error::RecvError::Lagged(_)) => break,
                        Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            tokio::select! {
                () = wait => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
    }

    fn concerns(&self, event: &Event) -> bool {
        event.client_id == self.destination.client_id
            && matches!(&event.body, EventBody::DeliveryChanged { destination, state, .. }
                if *destination == self.destination.name && *state != DeliveryState::Delivered)
    }

    /// One look into the outbox; gives how many deliveries were worked on.
    async fn round(&mut self) -> Result<usize, StoreError> {
        let now = self.store.env().now();
        if !self.breaker.closed(now) {
            return Ok(0);
        }
        let client_id = self.destination.client_id;
        if let Some(since) = self.doubted {
            let name = self.destination.name.clone();
            self.store
                .write(move |tx: &mut Tx| {
                    Box::pin(async move { deliveries::doubt(tx, client_id, &name, since).await })
                })
                .await?;
        }
        // Until the round has ended well, nobody knows what became of the attempts that begin in it.
        self.doubted = self.doubted.or(Some(now));
        let worked = self.work(now).await?;
        self.doubted = None;
        Ok(worked)
    }

    async fn work(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let client_id = self.destination.client_id;
        if let Some(until) =
            self.destination.care.quiet.and_then(|q| q.until(now, &self.destination.care.zone))
        {
            return self.put_off(until).await;
        }
        let (name, limit) = (self.destination.name.clone(), self.breaker.allowed());
        let claimed = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { deliveries::claim(tx, client_id, &name, limit).await })
            })
            .await?;
        let found = self.leads_of(&claimed).await?;
        let worked = claimed.len();
        let attempts = claimed.into_iter().filter_map(|claim| {
            let lead = found.get(&claim.delivery.lead_id)?.clone();
            Some(attempt(self.store.clone(), self.destination.clone(), claim.delivery, lead))
        });
        for answer in join_all(attempts).await {
            let error = answer?;
            let [jitter] = self.store.env().random();
            self.breaker.learn(error.as_ref(), self.store.env().now(), jitter);
        }
        Ok(worked)
    }

    /// Lets what is due wait until people may be written to again. What is to be verified waits too, and keeps its state.
    async fn put_off(&self, until: Timestamp) -> Result<usize, StoreError> {
        let (client_id, name) = (self.destination.client_id, self.destination.name.clone());
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let reason = format!("quiet hours until {}", until.strftime("%Y-%m-%d %H:%M UTC"));
                    let put_off = deliveries::postpone(tx, client_id, &name, until, &reason).await?;
                    let trace_id = tx.env().new_id();
                    for delivery in &put_off {
                        changed(tx, client_id, delivery, trace_id).await?;
                    }
                    Ok::<_, StoreError>(put_off.len())
                })
            })
            .await
    }

    async fn leads_of(
        &self,
        claimed: &[deliveries::Claimed],
    ) -> Result<HashMap<ismart_domain::LeadId, Lead>, StoreError> {
        let mut found = HashMap::new();
        if claimed.is_empty() {
            return Ok(found);
        }
        let mut conn = self.store.read().await?;
        for claim in claimed {
            let id = claim.delivery.lead_id;
            if let Some(lead) = leads::get(&mut conn, claim.client_id, id).await? {
                found.insert(id, lead);
            }
        }
        Ok(found)
    }
}

/// Appends the event of a delivery's new state.
pub(crate) async fn changed(
    tx: &mut Tx,
    client_id: ClientId,
    delivery: &Delivery,
    trace_id: TraceId,
) -> Result<(), StoreError> {
    let site_id = outcomes::site_of(tx, client_id, delivery.lead_id).await?;
    let body = EventBody::DeliveryChanged {
        delivery_id: delivery.id,
        lead_id: delivery.lead_id,
        destination: delivery.destination.clone(),
        state: delivery.state,
        attempts: delivery.attempts,
    };
    events::append(tx, Scope { client_id, site_id, trace_id }, body).await
}

/// Asks the destination, or hands the lead over. What a destination is known to have taken is not sent to it again when
/// it could not say so itself.
async fn exchange(destination: &Destination, delivery: &Delivery, lead: &Lead) -> Answer {
    let connector = destination.connector.as_ref();
    if let (true, DeliveryState::Verifying, Some(external_id)) =
        (destination.care.forgets, delivery.state, &delivery.external_id)
    {
        return Answer::Accepted { external_id: external_id.clone() };
    }
    if delivery.state != DeliveryState::Verifying {
        return match connector.deliver(lead).await {
            Ok(external_id) => Answer::Accepted { external_id },
            Err(error) => Answer::Failed(error),
        };
    }
    match connector.find(lead).await {
        Ok(Some(external_id)) => Answer::Accepted { external_id },
        Ok(None) => Answer::Absent,
        // A failed question leaves the matter as open as it was.
        Err(DeliveryError::Retry { after, reason, .. }) => {
            Answer::Failed(DeliveryError::Retry { after, ambiguous: true, reason })
        }
        Err(error) => Answer::Failed(error),
    }
}

/// One attempt, from question to stored answer; gives the error for the breaker.
async fn attempt(
    store: Store,
    destination: Destination,
    delivery: Delivery,
    lead: Lead,
) -> Result<Option<DeliveryError>, StoreError> {
    let started_at = store.env().now();
    let work = exchange(&destination, &delivery, &lead);
    let (answer, exchanges) = ismart_http::watched(work).await;
    let error = match &answer {
        Answer::Failed(error) => Some(error.clone()),
        Answer::Accepted { .. } | Answer::Absent => None,
    };
    let [jitter] = store.env().random();
    let trial = Trial {
        attempts: delivery.attempts,
        begun_at: delivery.begun_at.unwrap_or(started_at),
        now: store.env().now(),
        jitter,
    };
    let mut next = delivery::after(answer, trial);
    // Wrong settings say nothing about an attempt whose end is unknown: it stays to be verified.
    if delivery.state == DeliveryState::Verifying && next.state == DeliveryState::Paused {
        next.state = DeliveryState::Verifying;
    }
    log(&destination, &lead, &delivery, &next);
    let trace = trace::written(&exchanges, &lead);
    let trace_id = store.env().new_id();
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let ending = Ending { next: &next, started_at, trace };
                let client_id = destination.client_id;
                if !deliveries::finish(tx, client_id, &delivery, ending).await? {
                    return Ok::<_, StoreError>(());
                }
                let now = Delivery { state: next.state, ..delivery };
                changed(tx, client_id, &now, trace_id).await?;
                if next.state == DeliveryState::NeedsAttention {
                    queue::take_in(tx, client_id, &now, &destination.care, trace_id).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(error)
}

fn log(destination: &Destination, lead: &Lead, delivery: &Delivery, next: &Next) {
    let (name, attempts, state) = (destination.name.as_str(), delivery.attempts, next.state.code());
    let reason = next.reason.as_deref().unwrap_or("");
    match next.state {
        DeliveryState::NeedsAttention | DeliveryState::Paused => tracing::warn!(
            "lead.id" = %lead.id, destination = name, attempts, state, reason, "a delivery needs a person"
        ),
        _ => tracing::info!("lead.id" = %lead.id, destination = name, attempts, state, reason, "delivery"),
    }
}
