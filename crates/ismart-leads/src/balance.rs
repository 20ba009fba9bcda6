//! The proof that nothing was lost: accepted = delivered + in flight + held + refused, counted once from the rows and once
//! from the event log. A command counts both from nothing; the running server does it every minute and remembers how far
//! it has counted the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ismart_domain::ClientId;
use ismart_store::balance::{self as counting, Counts, Difference, Sum, WHOLE};
use ismart_store::{Conn, Store, StoreError, Tx, clients};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::dispatch::Stop;
use crate::persons;

/// How often the server counts.
const EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Leads compared at once.
const PAGE: i64 = 500;
/// Differing leads that are named.
const NAMED: usize = 1000;

/// What was counted, and whether it agrees.
#[derive(Debug, Clone)]
pub struct Proof {
    /// When.
    pub at: Timestamp,
    /// From the rows.
    pub rows: Counts,
    /// From the event log.
    pub log: Counts,
    /// Leads over which the two differ, the first thousand.
    pub differences: Vec<Difference>,
    /// Days (UTC, counted from 1970) and destinations where the law is broken or the counts differ.
    pub places: Vec<(i64, String)>,
}

impl Proof {
    /// Whether the law holds everywhere and both counts agree.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.differences.is_empty() && self.places.is_empty()
    }

    /// What is wrong, in one line with the first leads; `None` when it balances.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        if self.holds() {
            return None;
        }
        let first: Vec<String> =
            self.differences.iter().take(5).map(|d| format!("{}: {}", d.lead_id, d.what)).collect();
        let sum = self.whole();
        Some(format!(
            "accepted {}, but delivered {} + in flight {} + held {} + refused {}; {} leads differ. {}",
            sum.accepted,
            sum.delivered,
            sum.in_flight,
            sum.held,
            sum.refused,
            self.differences.len(),
            first.join("; ")
        ))
    }

    /// Whole leads of all days, by the rows.
    #[must_use]
    pub fn whole(&self) -> Sum {
        self.rows.totals(None).get(WHOLE).copied().unwrap_or_default()
    }
}

/// Counts rows and log of a client from nothing, over one state of the database. Memory does not grow with the number of
/// leads.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`] for an event that cannot be read.
pub async fn check(store: &Store, client_id: ClientId) -> Result<Proof, StoreError> {
    let at = store.env().now();
    store
        .snapshot(move |conn| {
            Box::pin(async move {
                let until = counting::head(conn, client_id).await?;
                let (log, differences) = recount(conn, client_id, until).await?;
                let rows = counting::of_rows(conn, client_id).await?;
                let places = rows.differences(&log);
                Ok(Proof { at, rows, log, differences, places })
            })
        })
        .await
}

/// The log from its first event to `until`, compared with the rows lead by lead.
async fn recount(
    conn: &mut Conn,
    client_id: ClientId,
    until: i64,
) -> Result<(Counts, Vec<Difference>), StoreError> {
    let (mut log, mut differences, mut after) = (Counts::default(), Vec::new(), String::new());
    loop {
        let piece = counting::compare(conn, client_id, &after, PAGE, until).await?;
        log.merge(&piece.counts);
        let room = NAMED.saturating_sub(differences.len());
        differences.extend(piece.differences.into_iter().take(room));
        match piece.after {
            Some(next) => after = next,
            None => return Ok((log, differences)),
        }
    }
}

/// The log counted on from where it was counted to, against the rows. Only when these differ are leads looked at one by
/// one; when the leads then agree, the counted log had fallen behind and is counted anew.
async fn count_on(store: &Store, client_id: ClientId) -> Result<Proof, StoreError> {
    let at = store.env().now();
    let (proof, changed, until) = store
        .snapshot(move |conn| {
            Box::pin(async move {
                let until = counting::head(conn, client_id).await?;
                let kept = counting::kept(conn, client_id).await?;
                let mut changed = kept.as_ref().is_none_or(|(from, _)| *from != until);
                let (from, mut log, mut differences) = match kept {
                    Some((from, log)) if from <= until => (from, log, Vec::new()),
                    _ => {
                        let (log, differences) = recount(conn, client_id, until).await?;
                        (until, log, differences)
                    }
                };
                let mut after = String::new();
                loop {
                    let leads = counting::touched(conn, client_id, from, until, &after, PAGE).await?;
                    let Some(last) = leads.last() else { break };
                    after = last.to_string();
                    for lead_id in leads {
                        counting::advance(conn, client_id, &mut log, lead_id, from, until).await?;
                    }
                }
                let rows = counting::of_rows(conn, client_id).await?;
                if !rows.differences(&log).is_empty() {
                    (log, differences) = recount(conn, client_id, until).await?;
                    changed = true;
                }
                let places = rows.differences(&log);
                Ok((Proof { at, rows, log, differences, places }, changed, until))
            })
        })
        .await?;
    if changed {
        let log = proof.log.clone();
        store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { counting::keep(tx, client_id, until, &log).await })
            })
            .await?;
    }
    Ok(proof)
}

/// The newest proof of each client.
type Proofs = HashMap<ClientId, Arc<Proof>>;

/// Counts again and again while the server runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    store: Store,
    proofs: watch::Sender<Proofs>,
}

impl Ledger {
    /// A ledger that has not counted yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, proofs: watch::Sender::new(Proofs::new()) }
    }

    /// The newest proof of a client; `None` before the first count.
    #[must_use]
    pub fn proof(&self, client_id: ClientId) -> Option<Arc<Proof>> {
        self.proofs.borrow().get(&client_id).cloned()
    }

    /// Hears of every count.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<HashMap<ClientId, Arc<Proof>>> {
        self.proofs.subscribe()
    }

    /// Counts one client now.
    ///
    /// # Errors
    /// [`StoreError`]; the last proof stays.
    pub async fn count(&self, client_id: ClientId) -> Result<Arc<Proof>, StoreError> {
        let proof = Arc::new(count_on(&self.store, client_id).await?);
        if let Some(complaint) = proof.complaint() {
            tracing::error!(client.id = %client_id, complaint, "the ledger of leads does not balance");
        }
        let kept = proof.clone();
        self.proofs.send_modify(|proofs| {
            proofs.insert(client_id, kept);
        });
        Ok(proof)
    }

    /// Gives leads of old their persons, then counts every client about once a minute until told to stop; less often
    /// where counting takes long, so that it never takes more than a thirtieth of the time.
    pub async fn run(self, mut stop: Stop) {
        self.adopt().await;
        while !*stop.borrow() {
            let begun = self.store.env().now();
            for client_id in self.clients().await {
                if let Err(error) = self.count(client_id).await {
                    tracing::error!(error = %error, client.id = %client_id, "the ledger of leads could not be counted");
                }
                if *stop.borrow() {
                    return;
                }
            }
            let took = self.store.env().now().duration_since(begun);
            let pause = took.saturating_mul(30).max(EVERY);
            let pause = Duration::try_from(pause).unwrap_or(Duration::from_secs(60));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn clients(&self) -> Vec<ClientId> {
        let all = async { clients::list(&mut self.store.read().await?).await }.await;
        match all {
            Ok(all) => all.into_iter().map(|client| client.id).collect(),
            Err(error) => {
                tracing::error!(error = %error, "the clients could not be read");
                Vec::new()
            }
        }
    }

    async fn adopt(&self) {
        for client_id in self.clients().await {
            match persons::adopt(&self.store, client_id).await {
                Ok(0) => {}
                Ok(leads) => {
                    tracing::info!(leads, client.id = %client_id, "earlier leads were given their persons")
                }
                Err(error) => {
                    tracing::error!(error = %error, client.id = %client_id, "earlier leads wait for their persons");
                }
            }
        }
    }
}
