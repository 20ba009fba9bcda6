//! What a worker did, gathered from the event log. Each event is read once: a look at the page reads only what has
//! been written since the look before.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ismart_domain::{ClientId, ConversationId, EventBody, SiteId};
use ismart_store::events::{self, Logged};
use ismart_store::{Conn, StoreError};
use jiff::Timestamp;

use super::period::Period;

/// Events read at once.
const BATCH: i64 = 2000;

/// The logs of all clients.
#[derive(Debug, Default)]
pub(super) struct WorkerLogs(Mutex<HashMap<ClientId, Arc<tokio::sync::Mutex<WorkerLog>>>>);

impl WorkerLogs {
    /// The client's log.
    pub(super) fn of(&self, client_id: ClientId) -> Arc<tokio::sync::Mutex<WorkerLog>> {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logs.entry(client_id).or_default().clone()
    }
}

/// What the workers of one client did.
#[derive(Debug, Default)]
pub(super) struct WorkerLog {
    /// Place of the last event read.
    seq: i64,
    started: Vec<(Timestamp, Option<SiteId>, ConversationId)>,
    turns: Vec<(Timestamp, Option<SiteId>, u64)>,
    handovers: Vec<(Timestamp, Option<SiteId>)>,
    leads: Vec<(Timestamp, Option<SiteId>)>,
    /// Conversations that a person was promised or came to.
    with_person: HashSet<ConversationId>,
}

/// The figures of a worker on a site in a period.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct WorkerFigures {
    /// Dialogues begun.
    pub(super) dialogues: i64,
    /// Of them, dialogues that no person was promised to or came to.
    pub(super) alone: i64,
    /// Turns.
    pub(super) turns: i64,
    /// Promises of a person.
    pub(super) handovers: i64,
    /// Leads out of dialogues.
    pub(super) leads: i64,
    /// Half of the turns took no longer, microseconds.
    pub(super) median_us: Option<u64>,
    /// 95 of 100 turns took no longer, microseconds.
    pub(super) p95_us: Option<u64>,
}

impl WorkerLog {
    /// Reads what has been written since the last time.
    ///
    /// # Errors
    /// [`StoreError`] of the engine; what was read stays.
    pub(super) async fn catch_up(&mut self, conn: &mut Conn, client_id: ClientId) -> Result<(), StoreError> {
        loop {
            let batch = events::after(conn, client_id, self.seq, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(()) };
            self.seq = last.seq;
            batch.iter().for_each(|logged| self.take(logged));
        }
    }

    fn take(&mut self, logged: &Logged) {
        let (at, site) = (logged.event.at, logged.event.site_id);
        match &logged.event.body {
            EventBody::ConversationStarted { conversation_id, .. } => {
                self.started.push((at, site, *conversation_id))
            }
            EventBody::DecisionMade { duration_us, .. } => self.turns.push((at, site, *duration_us)),
            EventBody::HandoverRequested { conversation_id, .. } => {
                self.handovers.push((at, site));
                self.with_person.insert(*conversation_id);
            }
            EventBody::HandoverTaken { conversation_id, .. } => {
                self.with_person.insert(*conversation_id);
            }
            EventBody::LeadAccepted { conversation_id: Some(_), test: false, .. } => {
                self.leads.push((at, site))
            }
            _ => {}
        }
    }

    /// The figures of a site in a period.
    pub(super) fn figures(&self, site_id: SiteId, period: Period) -> WorkerFigures {
        let within = |at: Timestamp, site: Option<SiteId>| {
            site == Some(site_id) && (period.from..period.to).contains(&at)
        };
        let count = |list: &[(Timestamp, Option<SiteId>)]| {
            signed(list.iter().filter(|(at, site)| within(*at, *site)).count())
        };
        let started: Vec<ConversationId> =
            self.started.iter().filter(|(at, site, _)| within(*at, *site)).map(|(.., id)| *id).collect();
        let mut durations: Vec<u64> =
            self.turns.iter().filter(|(at, site, _)| within(*at, *site)).map(|(.., took)| *took).collect();
        durations.sort_unstable();
        WorkerFigures {
            dialogues: signed(started.len()),
            alone: signed(started.iter().filter(|id| !self.with_person.contains(id)).count()),
            turns: signed(durations.len()),
            handovers: count(&self.handovers),
            leads: count(&self.leads),
            median_us: rank(&durations, 50),
            p95_us: rank(&durations, 95),
        }
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The smallest value that `percent` of a hundred values do not exceed.
fn rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_values_that_occurred() {
        assert_eq!(rank(&[], 50), None);
        assert_eq!(rank(&[7], 95), Some(7));
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!((rank(&hundred, 50), rank(&hundred, 95)), (Some(50), Some(95)));
        assert_eq!(rank(&[1, 2, 3], 50), Some(2));
    }
}
