//! The dispatcher: takes due deliveries, oldest lead first, and brings each to a final state.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ismart_domain::delivery::{self, Answer, Delivery, DeliveryError, DeliveryState, Next};
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::{ClientId, Event, EventBody};
use ismart_store::events::Scope;
use ismart_store::{Store, StoreError, Tx, deliveries, events, leads};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, watch};

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
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("name", &self.name).field("kind", &self.connector.kind()).finish()
    }
}

/// Tells long-running work to finish what it has begun and end.
pub type Stop = watch::Receiver<bool>;

/// Delivers leads.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    store: Store,
    destinations: Vec<Destination>,
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
        Self { store, destinations }
    }

    /// Takes up what a crash left behind, then delivers until told to stop. Attempts under way are finished first.
    ///
    /// # Errors
    /// [`StoreError`] when the start-up recovery fails; later failures of the store are logged and tried again.
    pub async fn run(self, stop: Stop) -> Result<(), StoreError> {
        let recovered = self.store.write(|tx: &mut Tx| Box::pin(deliveries::recover(tx))).await?;
        if recovered > 0 {
            tracing::info!(
                deliveries = recovered,
                "deliveries interrupted by the last stop will be verified"
            );
        }
        let lanes = self.destinations.into_iter().map(|destination| {
            let lane = Lane { store: self.store.clone(), destination, breaker: Breaker::default() };
            tokio::spawn(lane.run(stop.clone()))
        });
        for ended in join_all(lanes).await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a delivery lane ended unexpectedly");
            }
        }
        Ok(())
    }
}

/// The work for one destination.
struct Lane {
    store: Store,
    destination: Destination,
    breaker: Breaker,
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

/// One attempt, from question to stored answer; gives the error for the breaker.
async fn attempt(
    store: Store,
    destination: Destination,
    delivery: Delivery,
    lead: Lead,
) -> Result<Option<DeliveryError>, StoreError> {
    let started_at = store.env().now();
    let connector = destination.connector.as_ref();
    let answer = if delivery.state == DeliveryState::Verifying {
        match connector.find(&lead).await {
            Ok(Some(external_id)) => Answer::Accepted { external_id },
            Ok(None) => Answer::Absent,
            // A failed question leaves the matter as open as it was.
            Err(DeliveryError::Retry { after, reason, .. }) => {
                Answer::Failed(DeliveryError::Retry { after, ambiguous: true, reason })
            }
            Err(error) => Answer::Failed(error),
        }
    } else {
        match connector.deliver(&lead).await {
            Ok(external_id) => Answer::Accepted { external_id },
            Err(error) => Answer::Failed(error),
        }
    };
    let error = match &answer {
        Answer::Failed(error) => Some(error.clone()),
        Answer::Accepted { .. } | Answer::Absent => None,
    };
    let [jitter] = store.env().random();
    let mut next = delivery::after(answer, delivery.attempts, store.env().now(), jitter);
    // Wrong settings say nothing about an attempt whose end is unknown: it stays to be verified.
    if delivery.state == DeliveryState::Verifying && next.state == DeliveryState::Paused {
        next.state = DeliveryState::Verifying;
    }
    log(&destination, &lead, &delivery, &next);
    let client_id = destination.client_id;
    let scope = Scope { client_id, site_id: Some(lead.draft.site_id), trace_id: store.env().new_id() };
    let changed = EventBody::DeliveryChanged {
        delivery_id: delivery.id,
        lead_id: lead.id,
        destination: destination.name,
        state: next.state,
        attempts: delivery.attempts,
    };
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                deliveries::finish(tx, client_id, &delivery, &next, started_at).await?;
                events::append(tx, scope, changed).await
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
