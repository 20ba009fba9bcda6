//! The outbox: one row per lead and destination, and every attempt made on it.

use ismart_domain::delivery::{Delivery, DeliveryState, Next};
use ismart_domain::{ClientId, DeliveryId, LeadId, UserId};
use jiff::{SignedDuration, Timestamp};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// A delivery that the dispatcher has taken up.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The client.
    pub client_id: ClientId,
    /// The delivery, in the state it was found in; `attempts` counts the one that begins.
    pub delivery: Delivery,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: i64,
    /// Begin.
    pub started_at: Timestamp,
    /// End.
    pub finished_at: Timestamp,
    /// State that it led to.
    pub outcome: String,
    /// What the destination said, secrets masked.
    pub detail: Option<String>,
    /// The requests and answers as JSON, secrets and personal data masked, as long as they are kept.
    pub trace: Option<String>,
}

pub(crate) fn read(row: &Columns<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.parsed(0)?,
        lead_id: row.parsed(1)?,
        destination: row.text(2)?,
        state: row.code(3, DeliveryState::from_code)?,
        attempts: u32::try_from(row.number(4)?).unwrap_or(u32::MAX),
        due_at: row.instant(5)?,
        external_id: row.maybe_text(6)?,
        reason: row.maybe_text(7)?,
        updated_at: row.instant(8)?,
        begun_at: row.maybe_instant(9)?,
    })
}

/// Stores a delivery, due at once (or already delivered, for the built-in inbox).
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    destination: &str,
    state: DeliveryState,
) -> Result<Delivery, StoreError> {
    let env = tx.env().clone();
    let now = env.now();
    let delivery = Delivery {
        id: env.new_id(),
        lead_id,
        destination: destination.to_owned(),
        state,
        attempts: 0,
        due_at: now,
        external_id: None,
        reason: None,
        updated_at: now,
        begun_at: None,
    };
    Statement::tenant(
        tenant!(
            "INSERT INTO deliveries (client_id, id, lead_id, destination, state, attempts, due_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $6, $6)"
        ),
        client_id,
    )
    .id(delivery.id)
    .id(lead_id)
    .text(destination)
    .text(state.code())
    .instant(now)
    .run(tx)
    .await?;
    Ok(delivery)
}

/// Takes up to `limit` due deliveries of one destination, oldest lead first, and marks them as being sent.
/// A paused delivery is due again when its time has come, so that mended settings are noticed. One that is being sent is
/// due again when nobody wrote down what came of it for a long time: it is then asked about.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn claim(
    tx: &mut Tx,
    client_id: ClientId,
    destination: &str,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let now = tx.env().now();
    let mut due = Statement::tenant(
        tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at
             FROM deliveries
             WHERE client_id = $1 AND destination = $2
               AND state IN ('queued', 'sending', 'waiting', 'verifying', 'paused') AND due_at <= $3 ORDER BY created_at, id LIMIT $4"
        ),
        client_id,
    )
    .text(destination)
    .instant(now)
    .number(limit)
    .all(tx, read)
    .await?;
    for delivery in &mut due {
        delivery.attempts = delivery.attempts.saturating_add(1);
        delivery.begun_at = delivery.begun_at.or(Some(now));
        if delivery.state == DeliveryState::Sending {
            delivery.state = DeliveryState::Verifying;
        }
        // A delivery that must be verified first keeps saying so: a crash now must not forget it.
        let state =
            if delivery.state == DeliveryState::Verifying { delivery.state } else { DeliveryState::Sending };
        let lease = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        Statement::tenant(
            tenant!(
                "UPDATE deliveries SET state = $3, attempts = $4, due_at = $5, updated_at = $6, begun_at = $7
                 WHERE client_id = $1 AND id = $2"
            ),
            client_id,
        )
        .id(delivery.id)
        .text(state.code())
        .number(i64::from(delivery.attempts))
        .instant(lease)
        .instant(now)
        .maybe_instant(delivery.begun_at)
        .run(tx)
        .await?;
    }
    Ok(due.into_iter().map(|delivery| Claimed { client_id, delivery }).collect())
}

/// Longer than any attempt takes, its waits for limits included.
const LEASE: SignedDuration = SignedDuration::from_mins(15);

/// How long after a start an interrupted attempt is asked about: the destination may still be working on it, and would
/// then truthfully say that it has no such lead.
const SETTLING: SignedDuration = SignedDuration::from_secs(30);

/// Turns deliveries that were being sent when the process died into ones to be verified: the destination may have
/// them. Gives how many. Call it once, before the dispatcher starts.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn recover(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.env().now();
    let settled = now.checked_add(SETTLING).unwrap_or(now);
    Statement::system(system!(
        "UPDATE deliveries SET state = 'verifying', due_at = $1, updated_at = $2,
         reason = 'the server stopped during an attempt'
         WHERE state = 'sending' OR (state = 'verifying' AND due_at > $1)",
        "start-up recovers the outbox of all clients"
    ))
    .instant(settled)
    .instant(now)
    .run(tx)
    .await
}

/// Makes what waits for mended settings of a destination due now. Gives how many deliveries.
///
/// # Errors
/// [`StoreError`].
pub async fn wake(tx: &mut Tx, client_id: ClientId, destination: &str) -> Result<u64, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET due_at = $3 WHERE client_id = $1 AND destination = $2 AND state = 'paused'"
        ),
        client_id,
    )
    .text(destination)
    .instant(now)
    .run(tx)
    .await
}

/// Turns deliveries whose attempts began at or after `since` and were never written down as ended into ones to be
/// verified: the database was away when that was to be done, and the destination may have them. Gives how many. Call it
/// when no attempt to this destination is under way.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn doubt(
    tx: &mut Tx,
    client_id: ClientId,
    destination: &str,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = 'verifying', due_at = $3, updated_at = $4,
             reason = 'the database was away at the end of an attempt'
             WHERE client_id = $1 AND destination = $2 AND state = 'sending' AND updated_at >= $5"
        ),
        client_id,
    )
    .text(destination)
    .instant(now.checked_add(SETTLING).unwrap_or(now))
    .instant(now)
    .instant(since)
    .run(tx)
    .await
}

/// What an attempt led to.
#[derive(Debug)]
pub struct Ending<'e> {
    /// The state to write.
    pub next: &'e Next,
    /// When it began.
    pub started_at: Timestamp,
    /// Requests and answers as JSON, masked.
    pub trace: Option<String>,
}

/// Writes what an attempt led to. What a person refused meanwhile stays refused, unless the destination has it. Gives
/// whether the state was written.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn finish(
    tx: &mut Tx,
    client_id: ClientId,
    delivery: &Delivery,
    ending: Ending<'_>,
) -> Result<bool, StoreError> {
    let env = tx.env().clone();
    let now = env.now();
    let Ending { next, started_at, trace } = ending;
    let written = Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = $3, due_at = $4, external_id = COALESCE($5, external_id), reason = $6,
             updated_at = $7 WHERE client_id = $1 AND id = $2 AND (state <> 'refused' OR $3 = 'delivered')"
        ),
        client_id,
    )
    .id(delivery.id)
    .text(next.state.code())
    .instant(next.due_at)
    .maybe(next.external_id.as_deref())
    .maybe(next.reason.as_deref())
    .instant(now)
    .run(tx)
    .await?;
    let id: ismart_domain::EventId = env.new_id();
    Statement::tenant(
        tenant!(
            "INSERT INTO attempts (client_id, id, delivery_id, number, started_at, finished_at, outcome, detail, trace)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        client_id,
    )
    .id(id)
    .id(delivery.id)
    .number(i64::from(delivery.attempts))
    .instant(started_at)
    .instant(now)
    .text(next.state.code())
    .maybe(next.reason.as_deref().or(next.external_id.as_deref()))
    .maybe(trace)
    .run(tx)
    .await?;
    Ok(written > 0)
}

/// Puts off the due deliveries of a destination that people read: nothing was tried. Gives them.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn postpone(
    tx: &mut Tx,
    client_id: ClientId,
    destination: &str,
    until: Timestamp,
    reason: &str,
) -> Result<Vec<Delivery>, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = 'waiting', due_at = $4, reason = $5, updated_at = $3
             WHERE client_id = $1 AND destination = $2 AND state IN ('queued', 'waiting') AND due_at <= $3
             RETURNING id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at"
        ),
        client_id,
    )
    .text(destination)
    .instant(now)
    .instant(until)
    .text(reason)
    .all(tx, read)
    .await
}

/// Makes a delivery due at once, unless it is being sent, held or refused, or the destination is the inbox. What may
/// have been carried out is asked about first: a person's click must not double a lead. Gives it when it was changed.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn replay(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = CASE WHEN attempts > 0 THEN 'verifying' ELSE 'queued' END, due_at = $3,
             updated_at = $3, begun_at = NULL
             WHERE client_id = $1 AND id = $2 AND state NOT IN ('sending', 'held', 'refused') AND destination <> 'inbox'
             RETURNING id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at"
        ),
        client_id,
    )
    .id(id)
    .instant(now)
    .first(tx, read)
    .await
}

/// Closes a delivery that was not made, with a person's reason. Gives it when it was changed.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn close(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
    reason: &str,
) -> Result<Option<Delivery>, StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "UPDATE deliveries SET state = 'refused', reason = $4, updated_at = $3
             WHERE client_id = $1 AND id = $2 AND state NOT IN ('sending', 'delivered', 'held', 'refused')
               AND destination <> 'inbox'
             RETURNING id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at"
        ),
        client_id,
    )
    .id(id)
    .instant(now)
    .text(reason)
    .first(tx, read)
    .await
}

/// Says which destinations of a client take test leads, in place of what was said before.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn set_test_slots(tx: &mut Tx, client_id: ClientId, names: &[String]) -> Result<(), StoreError> {
    Statement::tenant(tenant!("DELETE FROM test_slots WHERE client_id = $1"), client_id).run(tx).await?;
    for name in names {
        Statement::tenant(
            tenant!("INSERT INTO test_slots (client_id, destination) VALUES ($1, $2)"),
            client_id,
        )
        .text(name)
        .run(tx)
        .await?;
    }
    Ok(())
}

/// The destinations of a client that test leads reach.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn test_slots(conn: &mut Conn, client_id: ClientId) -> Result<Vec<String>, StoreError> {
    Statement::tenant(
        tenant!("SELECT destination FROM test_slots WHERE client_id = $1 ORDER BY destination"),
        client_id,
    )
    .all(conn, |row| row.text(0))
    .await
}

/// Forgets requests and answers of attempts that ended before `before`, at most a thousand at once. Gives how many.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn forget_traces(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    Statement::system(system!(
        "UPDATE attempts SET trace = NULL WHERE id IN
         (SELECT id FROM attempts WHERE trace IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT 1000)",
        "what attempts sent is kept for the same time for all clients"
    ))
    .instant(before)
    .run(tx)
    .await
}

/// Reads a delivery.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at
             FROM deliveries
             WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// The deliveries of a lead, in order of their destination.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<Delivery>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, lead_id, destination, state, attempts, due_at, external_id, reason, updated_at, begun_at
             FROM deliveries
             WHERE client_id = $1 AND lead_id = $2 ORDER BY destination"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, read)
    .await
}

/// The attempts of a delivery, in order.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn attempts(
    conn: &mut Conn,
    client_id: ClientId,
    delivery_id: DeliveryId,
) -> Result<Vec<Attempt>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT number, started_at, finished_at, outcome, detail, trace FROM attempts
             WHERE client_id = $1 AND delivery_id = $2 ORDER BY number, started_at"
        ),
        client_id,
    )
    .id(delivery_id)
    .all(conn, |row| {
        Ok(Attempt {
            number: row.number(0)?,
            started_at: row.instant(1)?,
            finished_at: row.instant(2)?,
            outcome: row.text(3)?,
            detail: row.maybe_text(4)?,
            trace: row.maybe_text(5)?,
        })
    })
    .await
}

/// How many deliveries of a client are in each state, by destination.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn counts(
    conn: &mut Conn,
    client_id: ClientId,
) -> Result<Vec<(String, DeliveryState, i64)>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT destination, state, COUNT(*) FROM deliveries WHERE client_id = $1
             GROUP BY destination, state ORDER BY destination, state"
        ),
        client_id,
    )
    .all(conn, |row| Ok((row.text(0)?, row.code(1, DeliveryState::from_code)?, row.number(2)?)))
    .await
}

/// Which deliveries are meant. What is `None` or empty does not narrow; the inbox is never meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// Those of this lead.
    pub lead_id: Option<LeadId>,
    /// Those to this destination.
    pub destination: Option<String>,
    /// Those in one of these states.
    pub states: Vec<DeliveryState>,
    /// Those made at or after this moment.
    pub since: Option<Timestamp>,
    /// Those made before this moment.
    pub until: Option<Timestamp>,
    /// Those in the queue of people that this person answers for.
    pub owner: Option<UserId>,
}

impl Pick {
    /// The states as one text to look in: `,queued,waiting,`.
    fn states(&self) -> Option<String> {
        let codes: Vec<&str> = self.states.iter().map(|state| state.code()).collect();
        (!codes.is_empty()).then(|| format!(",{},", codes.join(",")))
    }

    fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        statement
            .maybe(self.lead_id)
            .maybe(self.destination.as_deref())
            .maybe(self.states())
            .number(self.since.map_or(i64::MIN, Timestamp::as_microsecond))
            .number(self.until.map_or(i64::MAX, Timestamp::as_microsecond))
            .maybe(self.owner)
    }
}

/// A delivery in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The delivery.
    pub delivery: Delivery,
    /// When it was made.
    pub created_at: Timestamp,
    /// Number of its lead.
    pub lead_number: i64,
    /// Name of the person, if he gave one.
    pub person: Option<String>,
    /// Who answers for it in the queue of people; `None` outside of it, or when nobody does.
    pub owner: Option<UserId>,
    /// Until when he decides.
    pub decide_by: Option<Timestamp>,
}

/// The deliveries that are meant, oldest first, from the one after `after` on.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn picked(
    conn: &mut Conn,
    client_id: ClientId,
    pick: &Pick,
    after: Option<(Timestamp, DeliveryId)>,
    limit: i64,
) -> Result<Vec<Listed>, StoreError> {
    let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at.as_microsecond(), id.to_string()));
    let statement = Statement::tenant(
        tenant!(
            "SELECT d.id, d.lead_id, d.destination, d.state, d.attempts, d.due_at, d.external_id, d.reason,
                    d.updated_at, d.begun_at, d.created_at, l.number, l.name, a.user_id, a.due_at
             FROM deliveries d JOIN leads l ON l.id = d.lead_id LEFT JOIN attention a ON a.delivery_id = d.id
             WHERE d.client_id = $1 AND d.destination <> 'inbox'
               AND (CAST($2 AS TEXT) IS NULL OR d.lead_id = $2) AND (CAST($3 AS TEXT) IS NULL OR d.destination = $3)
               AND (CAST($4 AS TEXT) IS NULL OR $4 LIKE '%,' || d.state || ',%')
               AND d.created_at >= $5 AND d.created_at < $6 AND (CAST($7 AS TEXT) IS NULL OR a.user_id = $7)
               AND (d.created_at > $8 OR (d.created_at = $8 AND d.id > $9))
             ORDER BY d.created_at, d.id LIMIT $10"
        ),
        client_id,
    );
    pick.bind(statement)
        .number(at)
        .text(id)
        .number(limit)
        .all(conn, |row| {
            Ok(Listed {
                delivery: read(row)?,
                created_at: row.instant(10)?,
                lead_number: row.number(11)?,
                person: row.maybe_text(12)?,
                owner: row.maybe_parsed(13)?,
                decide_by: row.maybe_instant(14)?,
            })
        })
        .await
}

/// How many deliveries are meant.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn count(conn: &mut Conn, client_id: ClientId, pick: &Pick) -> Result<i64, StoreError> {
    let statement = Statement::tenant(
        tenant!(
            "SELECT COUNT(*) FROM deliveries d LEFT JOIN attention a ON a.delivery_id = d.id
             WHERE d.client_id = $1 AND d.destination <> 'inbox'
               AND (CAST($2 AS TEXT) IS NULL OR d.lead_id = $2) AND (CAST($3 AS TEXT) IS NULL OR d.destination = $3)
               AND (CAST($4 AS TEXT) IS NULL OR $4 LIKE '%,' || d.state || ',%')
               AND d.created_at >= $5 AND d.created_at < $6 AND (CAST($7 AS TEXT) IS NULL OR a.user_id = $7)"
        ),
        client_id,
    );
    let found = pick.bind(statement).first(conn, |row| row.number(0)).await?;
    Ok(found.unwrap_or(0))
}

/// How one destination fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The client.
    pub client_id: ClientId,
    /// Name of the destination.
    pub destination: String,
    /// How many deliveries were tried and are to be tried again.
    pub failing: i64,
    /// Since when the oldest of them is being tried.
    pub since: Timestamp,
    /// What the destination said last to the oldest of them.
    pub reason: Option<String>,
}

/// The destinations that have deliveries which were tried before `before` and still are; nothing of them has been
/// delivered since.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn failing(conn: &mut Conn, before: Timestamp) -> Result<Vec<Health>, StoreError> {
    let tried = Statement::system(system!(
        "SELECT client_id, destination, COUNT(*), MIN(begun_at), MIN(reason) FROM deliveries
         WHERE state IN ('waiting', 'verifying', 'paused') AND begun_at < $1 AND attempts > 0
         GROUP BY client_id, destination ORDER BY client_id, destination",
        "one look over the destinations of all clients"
    ))
    .instant(before)
    .all(conn, |row| {
        Ok(Health {
            client_id: row.parsed(0)?,
            destination: row.text(1)?,
            failing: row.number(2)?,
            since: row.instant(3)?,
            reason: row.maybe_text(4)?,
        })
    })
    .await?;
    if tried.is_empty() {
        return Ok(tried);
    }
    // A delivered one keeps the moment of its delivery as the moment that it was due.
    let working: Vec<(ClientId, String)> = Statement::system(system!(
        "SELECT DISTINCT client_id, destination FROM deliveries
         WHERE state = 'delivered' AND due_at > $1 AND destination <> 'inbox'",
        "one look over the destinations of all clients"
    ))
    .instant(before)
    .all(conn, |row| Ok((row.parsed(0)?, row.text(1)?)))
    .await?;
    let works = |health: &Health| {
        working.iter().any(|(client, name)| *client == health.client_id && *name == health.destination)
    };
    Ok(tried.into_iter().filter(|health| !works(health)).collect())
}
