//! Outcomes: what became of leads at the client, read from the client's CRM.
//!
//! A hook only says which record to look at; the look is noted durably before the hook is answered. A poll repairs what
//! hooks lost: it reads what changed since the last time, with an overlap, and from time to time records of ours that
//! were not read for long, to notice deletions. Nothing is ever written to the CRM, so that no loop can exist; what we
//! made ourselves is the state from which news is counted ([`ismart_domain::outcome::learn`]).

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ismart_domain::delivery::{DeliveryError, backoff};
use ismart_domain::outcome::{Known, Lesson, RecordKind, RecordRef, RecordState, StageMap, learn};
use ismart_domain::ports::{OutcomeSource, Readings};
use ismart_domain::{ClientId, EventBody, LeadId, TraceId};
use ismart_store::events::Scope;
use ismart_store::outcomes::{self, Look};
use ismart_store::{Store, StoreError, Tx, events};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Stop;

/// The longest pause between two looks at what hooks noted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Records read in one request.
const AT_ONCE: i64 = 50;
/// A poll begins so long before the last change that it knows: clocks of a portal's machines differ, and a change takes
/// time to be seen.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// How far back the first poll goes.
const FIRST_LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 90);
/// A record of ours is read again at the latest after so long.
const REREAD_AFTER: SignedDuration = SignedDuration::from_hours(6);
/// Wrong settings are asked about again after so long.
const AFTER_SETTINGS: SignedDuration = SignedDuration::from_mins(5);

/// A destination whose outcomes are followed.
#[derive(Clone)]
pub struct Followed {
    /// The client.
    pub client_id: ClientId,
    /// Name of the destination.
    pub name: String,
    /// Reads its records.
    pub source: Arc<dyn OutcomeSource>,
    /// What its statuses mean.
    pub stages: StageMap,
    /// The pause between two polls.
    pub every: SignedDuration,
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followed").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Notes that these records are to be read. Answer a hook only after the transaction has been committed.
///
/// # Errors
/// [`StoreError`]; nothing was noted.
pub async fn hear(
    store: &Store,
    client_id: ClientId,
    source: &str,
    records: Vec<RecordRef>,
) -> Result<(), StoreError> {
    let source = source.to_owned();
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                for record in records {
                    outcomes::note(tx, client_id, &source, record).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Follows destinations while the server runs.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    followed: watch::Sender<Vec<Followed>>,
}

/// The handle by which the followed destinations are changed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Following(watch::Sender<Vec<Followed>>);

impl Following {
    /// Follows these from here on.
    pub fn replace(&self, followed: Vec<Followed>) {
        self.0.send_replace(followed);
    }
}

impl Follower {
    /// Prepares to follow these.
    #[must_use]
    pub fn new(store: Store, followed: Vec<Followed>) -> Self {
        Self { store, followed: watch::Sender::new(followed) }
    }

    /// The handle by which the followed destinations are changed.
    #[must_use]
    pub fn following(&self) -> Following {
        Following(self.followed.clone())
    }

    /// Reads what hooks noted and polls until told to stop.
    pub async fn run(self, mut stop: Stop) {
        let mut wanted = self.followed.subscribe();
        while !*stop.borrow() {
            let followed = wanted.borrow_and_update().clone();
            let (end, ended) = watch::channel(false);
            let tasks: Vec<JoinHandle<()>> = followed
                .into_iter()
                .map(|one| tokio::spawn(Reader::new(self.store.clone(), one).run(ended.clone())))
                .collect();
            tokio::select! {
                _ = stop.changed() => {}
                _ = wanted.changed() => {}
            }
            end.send_replace(true);
            for task in join_all(tasks).await {
                if let Err(error) = task {
                    tracing::error!(error = %error, "following outcomes ended unexpectedly");
                }
            }
        }
    }
}

/// Why a round did not end well.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The CRM did not answer as hoped.
    #[error(transparent)]
    Source(#[from] DeliveryError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// Records read.
    pub read: usize,
    /// Pieces of news among them.
    pub news: usize,
}

impl Heard {
    fn add(&mut self, other: Self) {
        self.read += other.read;
        self.news += other.news;
    }
}

/// Reads the records of one followed destination.
#[derive(Debug, Clone)]
pub struct Reader {
    store: Store,
    followed: Followed,
}

impl Reader {
    /// A reader of this destination.
    #[must_use]
    pub fn new(store: Store, followed: Followed) -> Self {
        Self { store, followed }
    }

    async fn run(self, mut stop: Stop) {
        let mut failures = 0;
        let mut poll_at = Timestamp::MIN;
        while !*stop.borrow() {
            let now = self.store.env().now();
            let round = async {
                let mut heard = self.look().await?;
                if poll_at <= now {
                    heard.add(self.poll().await?);
                    heard.add(self.reread().await?);
                }
                Ok::<_, FollowError>(heard)
            };
            let name = &self.followed.name;
            match round.await {
                Ok(heard) => {
                    failures = 0;
                    if poll_at <= now {
                        poll_at = now.checked_add(self.followed.every).unwrap_or(Timestamp::MAX);
                    }
                    if heard.news > 0 {
                        tracing::info!(destination = name, read = heard.read, news = heard.news, "outcomes");
                    }
                }
                Err(FollowError::Source(error)) => {
                    failures += 1;
                    let [jitter] = self.store.env().random();
                    poll_at = now.checked_add(pause(&error, failures, jitter)).unwrap_or(Timestamp::MAX);
                    tracing::warn!(destination = name, error = %error, failures, "outcomes cannot be read");
                }
                Err(FollowError::Store(error)) => {
                    tracing::error!(destination = name, error = %error, "outcomes cannot be written down");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
    }

    /// Reads the records that hooks noted, at most fifty.
    ///
    /// # Errors
    /// [`FollowError`]; what was not read stays noted and is put off.
    pub async fn look(&self) -> Result<Heard, FollowError> {
        let Followed { client_id, name, .. } = &self.followed;
        let looks = outcomes::noted(&mut self.store.read().await?, *client_id, name, AT_ONCE).await?;
        if looks.is_empty() {
            return Ok(Heard::default());
        }
        let records: Vec<RecordRef> = looks.iter().map(|look| look.record).collect();
        match self.read(&records, &looks).await {
            Err(FollowError::Source(error)) => {
                self.put_off(&looks, &error).await?;
                Err(error.into())
            }
            other => other,
        }
    }

    async fn put_off(&self, looks: &[Look], error: &DeliveryError) -> Result<(), StoreError> {
        let (client_id, name) = (self.followed.client_id, self.followed.name.clone());
        let (looks, error) = (looks.to_vec(), error.clone());
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for look in looks {
                        let [jitter] = tx.env().random();
                        let wait = pause(&error, look.tries.saturating_add(1), jitter);
                        let until = tx.env().now().checked_add(wait).unwrap_or(Timestamp::MAX);
                        outcomes::put_off(tx, client_id, &name, look, until).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Reads records of ours that were not read for long: deletions leave no trace among the changes.
    ///
    /// # Errors
    /// [`FollowError`].
    pub async fn reread(&self) -> Result<Heard, FollowError> {
        let Followed { client_id, name, .. } = &self.followed;
        let mut conn = self.store.read().await?;
        let before = conn.env().now().checked_sub(REREAD_AFTER).unwrap_or(Timestamp::MIN);
        let records = outcomes::read_longest_ago(&mut conn, *client_id, name, before, AT_ONCE).await?;
        drop(conn);
        if records.is_empty() { Ok(Heard::default()) } else { self.read(&records, &[]).await }
    }

    async fn read(&self, records: &[RecordRef], looks: &[Look]) -> Result<Heard, FollowError> {
        let asked_at = self.store.env().now();
        let read = self.followed.source.read(records).await?;
        Ok(self.take(asked_at, read, looks.to_vec()).await?)
    }

    /// Reads everything that changed since the last poll.
    ///
    /// # Errors
    /// [`FollowError`]; the next poll begins where this one began.
    pub async fn poll(&self) -> Result<Heard, FollowError> {
        let mut heard = Heard::default();
        for kind in self.followed.source.kinds() {
            heard.add(self.poll_kind(*kind).await?);
        }
        Ok(heard)
    }

    async fn poll_kind(&self, kind: RecordKind) -> Result<Heard, FollowError> {
        let Followed { client_id, name, source, .. } = &self.followed;
        let cursor = outcomes::cursor(&mut self.store.read().await?, *client_id, name, kind).await?;
        let now = self.store.env().now();
        let since = match cursor {
            Some(cursor) => cursor.since.checked_sub(OVERLAP),
            None => now.checked_sub(FIRST_LOOK_BACK),
        }
        .unwrap_or(Timestamp::UNIX_EPOCH);
        let (mut heard, mut newest, mut after) = (Heard::default(), since, None);
        loop {
            let asked_at = self.store.env().now();
            let page = source.changed(kind, since, after).await?;
            newest = page.records.iter().map(|state| state.changed_at).max().unwrap_or(newest).max(newest);
            let read = page.records.into_iter().map(|state| (state.record, Some(state))).collect();
            heard.add(self.take(asked_at, read, Vec::new()).await?);
            match page.next {
                Some(next) if after != Some(next) => after = Some(next),
                _ => break,
            }
        }
        let (client_id, name) = (*client_id, name.clone());
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { outcomes::move_cursor(tx, client_id, &name, kind, newest).await })
            })
            .await
            .map(|()| heard)
            .map_err(FollowError::Store)
    }

    /// Writes down what was read, in one transaction, and strikes off what was noted.
    async fn take(&self, asked_at: Timestamp, read: Readings, looks: Vec<Look>) -> Result<Heard, StoreError> {
        let followed = self.followed.clone();
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let mut heard = Heard { read: read.len(), news: 0 };
                    for (record, state) in &read {
                        heard.news +=
                            usize::from(take(tx, &followed, *record, state.as_ref(), asked_at).await?);
                    }
                    for look in looks {
                        outcomes::strike(tx, followed.client_id, &followed.name, look).await?;
                    }
                    Ok::<_, StoreError>(heard)
                })
            })
            .await
    }
}

/// How long a source is left alone after an error.
fn pause(error: &DeliveryError, failures: u32, jitter: u8) -> SignedDuration {
    let own = backoff(failures, jitter);
    match error {
        DeliveryError::Retry { after, .. } => after.unwrap_or(SignedDuration::ZERO).max(own),
        DeliveryError::Settings { .. } | DeliveryError::Rejected { .. } => own.max(AFTER_SETTINGS),
    }
}

/// Learns from one reading; gives whether it was news.
async fn take(
    tx: &mut Tx,
    followed: &Followed,
    record: RecordRef,
    state: Option<&RecordState>,
    asked_at: Timestamp,
) -> Result<bool, StoreError> {
    let Followed { client_id, name, stages, .. } = followed;
    let known = outcomes::known(tx, *client_id, name, record).await?;
    let lead_id = match (&known, state) {
        (Some(known), _) => Some(known.lead_id),
        (None, Some(state)) => whose(tx, followed, state).await?,
        (None, None) => None,
    };
    // Records of other people's making are none of our business.
    let Some(lead_id) = lead_id else { return Ok(false) };
    match learn(known.as_ref(), state, lead_id, stages, asked_at) {
        None | Some(Lesson::Stale) => Ok(false),
        Some(Lesson::Same(now)) => {
            outcomes::keep(tx, *client_id, name, &now).await?;
            Ok(false)
        }
        Some(Lesson::News(now)) => {
            outcomes::keep(tx, *client_id, name, &now).await?;
            tell(tx, followed, &now).await?;
            Ok(true)
        }
    }
}

/// The lead that a record came of: it says so itself, or the record that it was made of is one of ours.
async fn whose(tx: &mut Tx, followed: &Followed, state: &RecordState) -> Result<Option<LeadId>, StoreError> {
    let Followed { client_id, name, .. } = followed;
    if let Some(lead_id) = state.origin
        && outcomes::site_of(tx, *client_id, lead_id).await?.is_some()
    {
        return Ok(Some(lead_id));
    }
    let Some(parent) = state.parent else { return Ok(None) };
    if let Some(known) = outcomes::known(tx, *client_id, name, parent).await? {
        return Ok(Some(known.lead_id));
    }
    outcomes::delivered_as(tx, *client_id, name, parent.id).await
}

async fn tell(tx: &mut Tx, followed: &Followed, now: &Known) -> Result<(), StoreError> {
    let site_id = outcomes::site_of(tx, followed.client_id, now.lead_id).await?;
    let trace_id: TraceId = tx.env().new_id();
    let body = EventBody::OutcomeRecorded {
        lead_id: now.lead_id,
        source: followed.name.clone(),
        stage: now.status.clone(),
        step: Some(now.stage),
        record: Some(now.record.to_string()),
        owner: now.owner.clone(),
        minor: now.amount.map(|amount| amount.minor),
        reason: now.reason.as_deref().map(ismart_domain::secret::mask_personal),
        changed_at: Some(now.changed_at),
    };
    events::append(tx, Scope { client_id: followed.client_id, site_id, trace_id }, body).await
}
