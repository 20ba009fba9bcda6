//! The law of conservation: accepted = delivered + in flight + held + refused with a reason. Once counted from the rows,
//! once from the event log, which know nothing of each other.

use std::collections::BTreeMap;

use ismart_domain::delivery::{DeliveryState, Standing};
use ismart_domain::{ClientId, DeliveryId, LeadId};
use serde::{Deserialize, Serialize};

use crate::engine::{Conn, StoreError, Tx};
use crate::events::{self, Logged};
use crate::sql::{Statement, tenant};

/// What stands in place of a destination where whole leads are counted.
pub const WHOLE: &str = "*";

/// Leads, or deliveries of one destination, by what they count as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sum {
    /// Accepted.
    pub accepted: i64,
    /// Delivered.
    pub delivered: i64,
    /// In flight.
    pub in_flight: i64,
    /// Held.
    pub held: i64,
    /// Refused with a reason.
    pub refused: i64,
}

impl Sum {
    /// Whether accepted is the sum of the rest.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.accepted == self.delivered + self.in_flight + self.held + self.refused
    }

    /// Counts `by` more (or fewer) of this standing; `None` is accepted, but nowhere to be found.
    pub fn count(&mut self, standing: Option<Standing>, by: i64) {
        self.accepted += by;
        match standing {
            Some(Standing::Delivered) => self.delivered += by,
            Some(Standing::InFlight) => self.in_flight += by,
            Some(Standing::Held) => self.held += by,
            Some(Standing::Refused) => self.refused += by,
            None => {}
        }
    }

    /// Adds another sum.
    pub fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.in_flight += other.in_flight;
        self.held += other.held;
        self.refused += other.refused;
    }
}

/// Sums by day of acceptance (UTC, counted from 1970) and destination; [`WHOLE`] for whole leads. Test leads count too:
/// the law knows no exception.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    sums: BTreeMap<i64, BTreeMap<String, Sum>>,
}

impl Counts {
    /// Counts one lead with its deliveries, `by` times.
    fn count(&mut self, lead: &Standings, by: i64) {
        let day = self.sums.entry(lead.day).or_default();
        let outside = lead.deliveries.values().filter(|(name, _)| name != INBOX);
        let of = |found: Vec<Option<Standing>>| {
            if found.is_empty() || found.contains(&None) {
                None
            } else {
                Standing::of_lead(found.into_iter().flatten())
            }
        };
        let seen: Vec<_> = outside.map(|(_, standing)| *standing).collect();
        let all: Vec<_> = lead.deliveries.values().map(|(_, standing)| *standing).collect();
        let whole = of(if seen.is_empty() { all } else { seen });
        day.entry(WHOLE.to_owned()).or_default().count(whole, by);
        for (name, standing) in lead.deliveries.values() {
            day.entry(name.clone()).or_default().count(*standing, by);
        }
        // What adds up to nothing is as if it had never been.
        day.retain(|_, sum| *sum != Sum::default());
        if day.is_empty() {
            self.sums.remove(&lead.day);
        }
    }

    /// Adds counts of other leads.
    pub fn merge(&mut self, other: &Self) {
        for (day, name, sum) in other.all() {
            self.sums.entry(day).or_default().entry(name.to_owned()).or_default().add(*sum);
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Every sum with its day and destination.
    pub fn all(&self) -> impl Iterator<Item = (i64, &str, &Sum)> {
        self.sums.iter().flat_map(|(day, of_day)| of_day.iter().map(|(name, sum)| (*day, name.as_str(), sum)))
    }

    /// The sums over all days from `since` on, by destination.
    #[must_use]
    pub fn totals(&self, since: Option<i64>) -> BTreeMap<String, Sum> {
        let mut totals: BTreeMap<String, Sum> = BTreeMap::new();
        for (_, name, sum) in self.all().filter(|(day, ..)| since.is_none_or(|since| *day >= since)) {
            totals.entry(name.to_owned()).or_default().add(*sum);
        }
        totals
    }

    /// Days and destinations where the law is broken, or where these counts differ from the others.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<(i64, String)> {
        let broken = self.all().chain(other.all()).filter(|(.., sum)| !sum.holds());
        let mut found: Vec<(i64, String)> = broken.map(|(day, name, _)| (day, name.to_owned())).collect();
        let at = |counts: &Self, day: i64, name: &str| {
            counts.sums.get(&day).and_then(|of_day| of_day.get(name)).copied().unwrap_or_default()
        };
        for (day, name, _) in self.all().chain(other.all()) {
            if at(self, day, name) != at(other, day, name) {
                found.push((day, name.to_owned()));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

const INBOX: &str = "inbox";
const MICROS_OF_A_DAY: i64 = 86_400_000_000;

/// Counts from the rows of leads and deliveries, in one statement. A lead without a delivery, and a refusal without a
/// reason, are accepted and nothing else: the law is broken there.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_rows(conn: &mut Conn, client_id: ClientId) -> Result<Counts, StoreError> {
    let found = Statement::tenant(
        tenant!(
            "WITH ranked AS (
               SELECT l.id AS lead_id, l.accepted_at / 86400000000 AS day, d.destination,
                 CASE WHEN d.id IS NULL THEN 0
                   WHEN d.state = 'refused' AND (d.reason IS NULL OR d.reason = '') THEN 0
                   WHEN d.state = 'refused' THEN 1 WHEN d.state = 'delivered' THEN 2
                   WHEN d.state IN ('held', 'needs_attention') THEN 3 ELSE 4 END AS rank
               FROM leads l LEFT JOIN deliveries d ON d.lead_id = l.id AND d.client_id = l.client_id
               WHERE l.client_id = $1),
             whole AS (
               SELECT lead_id, day,
                 CASE WHEN SUM(CASE WHEN destination <> 'inbox' THEN 1 ELSE 0 END) > 0
                   THEN CASE WHEN MIN(CASE WHEN destination <> 'inbox' THEN rank END) = 0 THEN 0
                     ELSE MAX(CASE WHEN destination <> 'inbox' THEN rank END) END
                   ELSE MIN(rank) END AS rank
               FROM ranked GROUP BY lead_id, day)
             SELECT day, destination, CAST(rank AS BIGINT), COUNT(*) FROM ranked WHERE destination IS NOT NULL
               GROUP BY day, destination, rank
             UNION ALL SELECT day, '*', CAST(rank AS BIGINT), COUNT(*) FROM whole GROUP BY day, rank"
        ),
        client_id,
    )
    .all(conn, |row| Ok((row.number(0)?, row.text(1)?, row.number(2)?, row.number(3)?)))
    .await?;
    let mut counts = Counts::default();
    for (day, destination, rank, count) in found {
        let sum = counts.sums.entry(day).or_default().entry(destination).or_default();
        sum.count(Standing::of_rank(rank), count);
    }
    Ok(counts)
}

/// What one lead came to, by the rows or by the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standings {
    day: i64,
    /// Destination and standing by delivery. A delivery that says something impossible has no standing.
    deliveries: BTreeMap<DeliveryId, (String, Option<Standing>)>,
}

/// A lead over which rows and log differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The lead.
    pub lead_id: LeadId,
    /// What is wrong with it, for people.
    pub what: String,
}

/// What the log says of leads between two ids, by the events up to `until`.
async fn logged(
    conn: &mut Conn,
    client_id: ClientId,
    after: &str,
    last: &str,
    until: i64,
) -> Result<BTreeMap<LeadId, Standings>, StoreError> {
    let found = Statement::tenant(
        tenant!(
            "SELECT seq, id, client_id, site_id, at, trace_id, data FROM events
             WHERE client_id = $1 AND lead_id > $2 AND lead_id <= $3 AND seq <= $4
               AND kind IN ('lead.accepted', 'delivery.changed') ORDER BY lead_id, seq"
        ),
        client_id,
    )
    .text(after)
    .text(last)
    .number(until)
    .all(conn, events::read)
    .await?;
    let mut leads: BTreeMap<LeadId, Standings> = BTreeMap::new();
    for event in &found {
        take(&mut leads, event);
    }
    Ok(leads)
}

/// Lets an event change what its lead came to. What the log says of a lead that it never accepted is kept on the day of
/// its first event, so that it shows as a difference.
fn take(leads: &mut BTreeMap<LeadId, Standings>, logged: &Logged) {
    use ismart_domain::EventBody;
    let day = logged.event.at.as_microsecond().div_euclid(MICROS_OF_A_DAY);
    let Some(lead_id) = logged.event.body.lead_id() else { return };
    let lead = leads.entry(lead_id).or_insert_with(|| Standings { day, ..Standings::default() });
    match &logged.event.body {
        EventBody::LeadAccepted { .. } => lead.day = day,
        EventBody::DeliveryChanged { delivery_id, destination, state, .. } => {
            lead.deliveries.insert(*delivery_id, (destination.clone(), Some(state.standing())));
        }
        _ => {}
    }
}

/// Ids of leads in order after `after`, at most `limit`.
async fn ids(
    conn: &mut Conn,
    client_id: ClientId,
    after: &str,
    limit: i64,
) -> Result<Vec<LeadId>, StoreError> {
    Statement::tenant(
        tenant!("SELECT id FROM leads WHERE client_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
        client_id,
    )
    .text(after)
    .number(limit)
    .all(conn, |row| row.parsed(0))
    .await
}

/// What the rows say of leads between two ids.
async fn stored(
    conn: &mut Conn,
    client_id: ClientId,
    after: &str,
    last: &str,
) -> Result<BTreeMap<LeadId, Standings>, StoreError> {
    let found = Statement::tenant(
        tenant!(
            "SELECT l.id, l.accepted_at, d.id, d.destination, d.state, d.reason FROM leads l
             LEFT JOIN deliveries d ON d.lead_id = l.id AND d.client_id = l.client_id
             WHERE l.client_id = $1 AND l.id > $2 AND l.id <= $3 ORDER BY l.id"
        ),
        client_id,
    )
    .text(after)
    .text(last)
    .all(conn, |row| {
        let delivery = row.maybe_parsed::<DeliveryId>(2)?;
        let state = row.maybe_text(4)?;
        let reason = row.maybe_text(5)?.is_some_and(|reason| !reason.is_empty());
        // A refusal without a reason, and a state that nobody knows, stand for nothing.
        let standing = state.as_deref().and_then(DeliveryState::from_code).map(DeliveryState::standing);
        let standing = standing.filter(|standing| *standing != Standing::Refused || reason);
        let day = row.instant(1)?.as_microsecond().div_euclid(MICROS_OF_A_DAY);
        Ok((row.parsed::<LeadId>(0)?, day, delivery, row.maybe_text(3)?.unwrap_or_default(), standing))
    })
    .await?;
    let mut leads: BTreeMap<LeadId, Standings> = BTreeMap::new();
    for (lead_id, day, delivery, destination, standing) in found {
        let lead = leads.entry(lead_id).or_insert_with(|| Standings { day, ..Standings::default() });
        if let Some(delivery) = delivery {
            lead.deliveries.insert(delivery, (destination, standing));
        }
    }
    Ok(leads)
}

/// The place of the newest event of a client.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn head(conn: &mut Conn, client_id: ClientId) -> Result<i64, StoreError> {
    let found = Statement::tenant(tenant!("SELECT MAX(seq) FROM events WHERE client_id = $1"), client_id)
        .first(conn, |row| row.maybe_number(0))
        .await?;
    Ok(found.flatten().unwrap_or(0))
}

/// A piece of the way through all leads: where it ended, and what was found there.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// Give it to the next call; `None` when all leads were seen.
    pub after: Option<String>,
    /// What the log counts there.
    pub counts: Counts,
    /// Where rows and log differ.
    pub differences: Vec<Difference>,
    /// How many leads were compared.
    pub leads: usize,
}

/// Compares rows and log over the next `limit` leads after `after` (empty at first), lead by lead, by the events up to
/// `until`. Memory does not grow with the number of leads. While leads come in and go out, a lead whose newest event
/// lies after `until` may differ for a moment: ask about those again.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn compare(
    conn: &mut Conn,
    client_id: ClientId,
    after: &str,
    limit: i64,
    until: i64,
) -> Result<Piece, StoreError> {
    let page = ids(conn, client_id, after, limit).await?;
    let full = i64::try_from(page.len()).is_ok_and(|n| n >= limit);
    // Past the last lead the log may still speak of leads whose rows are gone.
    let last = match page.last() {
        Some(last) if full => last.to_string(),
        _ => "~".to_owned(),
    };
    let said = logged(conn, client_id, after, &last, until).await?;
    let rows = stored(conn, client_id, after, &last).await?;
    let mut piece = Piece { after: full.then_some(last), leads: rows.len(), ..Piece::default() };
    for lead in said.values() {
        piece.counts.count(lead, 1);
    }
    for (lead_id, row) in &rows {
        match said.get(lead_id) {
            None => piece.differences.push(Difference {
                lead_id: *lead_id,
                what: "the row is there, but the log never accepted it".to_owned(),
            }),
            Some(log) => piece.differences.extend(differs(*lead_id, row, log)),
        }
    }
    for lead_id in said.keys().filter(|lead_id| !rows.contains_key(lead_id)) {
        piece.differences.push(Difference {
            lead_id: *lead_id,
            what: "the log accepted it, but its row is gone".to_owned(),
        });
    }
    Ok(piece)
}

fn differs(lead_id: LeadId, row: &Standings, log: &Standings) -> Option<Difference> {
    let name = |standing: Option<Standing>| standing.map_or("nothing", Standing::code);
    let mut wrong = Vec::new();
    if row.day != log.day {
        wrong.push("the day of acceptance differs".to_owned());
    }
    if row.deliveries.is_empty() {
        wrong.push("it has no delivery".to_owned());
    }
    for (id, (destination, standing)) in &row.deliveries {
        match log.deliveries.get(id) {
            None => wrong.push(format!("delivery {id} to {destination} is unknown to the log")),
            Some((_, said)) if said != standing => wrong.push(format!(
                "delivery {id} to {destination}: the row says {}, the log {}",
                name(*standing),
                name(*said)
            )),
            Some(_) => {}
        }
    }
    for (id, (destination, said)) in log.deliveries.iter().filter(|(id, _)| !row.deliveries.contains_key(id))
    {
        wrong.push(format!("delivery {id} to {destination}: the log says {}, the row is gone", name(*said)));
    }
    (!wrong.is_empty()).then(|| Difference { lead_id, what: wrong.join("; ") })
}

/// Which leads the events in `(from, until]` speak of.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn touched(
    conn: &mut Conn,
    client_id: ClientId,
    from: i64,
    until: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<LeadId>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT DISTINCT lead_id FROM events WHERE client_id = $1 AND seq > $2 AND seq <= $3 AND lead_id > $4
               AND kind IN ('lead.accepted', 'delivery.changed') ORDER BY lead_id LIMIT $5"
        ),
        client_id,
    )
    .number(from)
    .number(until)
    .text(after)
    .number(limit)
    .all(conn, |row| row.parsed(0))
    .await
}

/// Brings counts of the log from event `from` to event `until` for one lead.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn advance(
    conn: &mut Conn,
    client_id: ClientId,
    counts: &mut Counts,
    lead_id: LeadId,
    from: i64,
    until: i64,
) -> Result<(), StoreError> {
    let mut before: BTreeMap<LeadId, Standings> = BTreeMap::new();
    let mut now: BTreeMap<LeadId, Standings> = BTreeMap::new();
    for event in events::of_lead(conn, client_id, lead_id).await?.iter().filter(|event| event.seq <= until) {
        let speaks = matches!(event.event.body.kind(), "lead.accepted" | "delivery.changed");
        if !speaks {
            continue;
        }
        if event.seq <= from {
            take(&mut before, event);
        }
        take(&mut now, event);
    }
    if let Some(before) = before.get(&lead_id) {
        counts.count(before, -1);
    }
    if let Some(now) = now.get(&lead_id) {
        counts.count(now, 1);
    }
    Ok(())
}

/// What the log was counted to, and up to which event.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn kept(conn: &mut Conn, client_id: ClientId) -> Result<Option<(i64, Counts)>, StoreError> {
    Statement::tenant(tenant!("SELECT seq, counts FROM ledger_counts WHERE client_id = $1"), client_id)
        .first(conn, |row| Ok((row.number(0)?, row.json(1)?)))
        .await
}

/// Keeps what the log was counted to.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn keep(tx: &mut Tx, client_id: ClientId, seq: i64, counts: &Counts) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO ledger_counts (client_id, seq, counts, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (client_id) DO UPDATE SET seq = excluded.seq, counts = excluded.counts, at = excluded.at"
        ),
        client_id,
    )
    .number(seq)
    .json(counts)?
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}
