//! Outcomes: the records of CRMs that leads became, what hooks said to look at, and how far changes have been read.

use ismart_domain::lead::Utm;
use ismart_domain::money::{Currency, Money};
use ismart_domain::outcome::{Known, RecordKind, RecordRef, Stage};
use ismart_domain::{ClientId, LeadId, SiteId};
use jiff::Timestamp;
use serde::Deserialize;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, tenant};

fn record(row: &Columns<'_>, kind: usize, id: usize) -> Result<RecordRef, StoreError> {
    let number = row.number(id)?;
    let id = u64::try_from(number).map_err(|_negative| StoreError::Corrupt {
        what: "column record_id".into(),
        why: format!("{number} is below 0"),
    })?;
    Ok(RecordRef { kind: row.parsed::<RecordKind>(kind)?, id })
}

fn number(record: RecordRef) -> i64 {
    i64::try_from(record.id).unwrap_or(i64::MAX)
}

fn read(row: &Columns<'_>) -> Result<Known, StoreError> {
    let minor = row.maybe_text(7)?.and_then(|text| text.parse().ok());
    Ok(Known {
        record: record(row, 0, 1)?,
        lead_id: row.parsed(2)?,
        stage: row.code(3, Stage::from_code)?,
        reached: u8::try_from(row.number(4)?).unwrap_or(0),
        status: row.text(5)?,
        owner: row.maybe_text(6)?,
        amount: minor.map(|minor| Money { minor, currency: Currency::Rub }),
        reason: row.maybe_text(8)?,
        changed_at: row.instant(9)?,
        asked_at: row.instant(10)?,
    })
}

/// What is known of a record.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn known(
    conn: &mut Conn,
    client_id: ClientId,
    source: &str,
    record: RecordRef,
) -> Result<Option<Known>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT kind, record_id, lead_id, stage, reached, status, owner, CAST(minor AS TEXT), reason, changed_at,
                    asked_at
             FROM outcome_records WHERE client_id = $1 AND source = $2 AND kind = $3 AND record_id = $4"
        ),
        client_id,
    )
    .text(source)
    .id(record.kind)
    .number(number(record))
    .first(conn, read)
    .await
}

/// The records of a lead, with the destination that each lies at, the furthest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<(String, Known)>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT kind, record_id, lead_id, stage, reached, status, owner, CAST(minor AS TEXT), reason, changed_at,
                    asked_at, source
             FROM outcome_records WHERE client_id = $1 AND lead_id = $2 ORDER BY reached DESC, changed_at DESC"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, |row| Ok((row.text(11)?, read(row)?)))
    .await
}

/// The records of a source that were read longest ago and are not known to be deleted, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn read_longest_ago(
    conn: &mut Conn,
    client_id: ClientId,
    source: &str,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<RecordRef>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT kind, record_id FROM outcome_records
             WHERE client_id = $1 AND source = $2 AND asked_at < $3 AND stage <> 'deleted'
             ORDER BY asked_at LIMIT $4"
        ),
        client_id,
    )
    .text(source)
    .instant(before)
    .number(limit)
    .all(conn, |row| record(row, 0, 1))
    .await
}

/// Writes down what is known of a record.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn keep(tx: &mut Tx, client_id: ClientId, source: &str, known: &Known) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO outcome_records (client_id, source, kind, record_id, lead_id, stage, reached, status, owner,
                                          minor, reason, changed_at, asked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CAST(CAST($10 AS TEXT) AS BIGINT), $11, $12, $13)
             ON CONFLICT (client_id, source, kind, record_id) DO UPDATE SET stage = $6, reached = $7, status = $8,
               owner = $9, minor = CAST(CAST($10 AS TEXT) AS BIGINT), reason = $11, changed_at = $12, asked_at = $13"
        ),
        client_id,
    )
    .text(source)
    .id(known.record.kind)
    .number(number(known.record))
    .id(known.lead_id)
    .text(known.stage.code())
    .number(i64::from(known.reached))
    .text(known.status.as_str())
    .maybe(known.owner.as_deref())
    .maybe(known.amount.map(|amount| amount.minor))
    .maybe(known.reason.as_deref())
    .instant(known.changed_at)
    .instant(known.asked_at)
    .run(tx)
    .await?;
    Ok(())
}

/// The lead that was delivered to a destination as this record number, with its site.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn delivered_as(
    conn: &mut Conn,
    client_id: ClientId,
    destination: &str,
    id: u64,
) -> Result<Option<LeadId>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT lead_id FROM deliveries WHERE client_id = $1 AND destination = $2 AND external_id = $3
             ORDER BY created_at LIMIT 1"
        ),
        client_id,
    )
    .text(destination)
    .id(id)
    .first(conn, |row| row.parsed(0))
    .await
}

/// The site of a lead; `None` when there is no such lead.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn site_of(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Option<SiteId>, StoreError> {
    Statement::tenant(tenant!("SELECT site_id FROM leads WHERE client_id = $1 AND id = $2"), client_id)
        .id(lead_id)
        .first(conn, |row| row.parsed(0))
        .await
}

/// Notes that a record is to be read, due at once. A record that is noted already stays noted once.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn note(
    tx: &mut Tx,
    client_id: ClientId,
    source: &str,
    record: RecordRef,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO outcome_looks (client_id, source, kind, record_id, told_at, due_at, tries)
             VALUES ($1, $2, $3, $4, $5, $5, 0)
             ON CONFLICT (client_id, source, kind, record_id) DO UPDATE SET told_at = $5, due_at = $5, tries = 0"
        ),
        client_id,
    )
    .text(source)
    .id(record.kind)
    .number(number(record))
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// A noted record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Which.
    pub record: RecordRef,
    /// When it was noted last.
    pub told_at: Timestamp,
    /// How often it could not be read.
    pub tries: u32,
}

/// The noted records of a source that are due, oldest first, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn noted(
    conn: &mut Conn,
    client_id: ClientId,
    source: &str,
    limit: i64,
) -> Result<Vec<Look>, StoreError> {
    let now = conn.env().now();
    Statement::tenant(
        tenant!(
            "SELECT kind, record_id, told_at, tries FROM outcome_looks
             WHERE client_id = $1 AND source = $2 AND due_at <= $3 ORDER BY due_at, record_id LIMIT $4"
        ),
        client_id,
    )
    .text(source)
    .instant(now)
    .number(limit)
    .all(conn, |row| {
        Ok(Look {
            record: record(row, 0, 1)?,
            told_at: row.instant(2)?,
            tries: u32::try_from(row.number(3)?).unwrap_or(u32::MAX),
        })
    })
    .await
}

/// How many records of a source are noted, due or not.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn noted_count(conn: &mut Conn, client_id: ClientId, source: &str) -> Result<i64, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT COUNT(*) FROM outcome_looks WHERE client_id = $1 AND source = $2"),
        client_id,
    )
    .text(source)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}

/// Strikes a noted record off, unless it was noted again since.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn strike(tx: &mut Tx, client_id: ClientId, source: &str, look: Look) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "DELETE FROM outcome_looks
             WHERE client_id = $1 AND source = $2 AND kind = $3 AND record_id = $4 AND told_at <= $5"
        ),
        client_id,
    )
    .text(source)
    .id(look.record.kind)
    .number(number(look.record))
    .instant(look.told_at)
    .run(tx)
    .await?;
    Ok(())
}

/// Puts a noted record off that could not be read.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put_off(
    tx: &mut Tx,
    client_id: ClientId,
    source: &str,
    look: Look,
    until: Timestamp,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "UPDATE outcome_looks SET due_at = $5, tries = tries + 1
             WHERE client_id = $1 AND source = $2 AND kind = $3 AND record_id = $4 AND told_at = $6"
        ),
        client_id,
    )
    .text(source)
    .id(look.record.kind)
    .number(number(look.record))
    .instant(until)
    .instant(look.told_at)
    .run(tx)
    .await?;
    Ok(())
}

/// How far the changes of one kind of record have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Up to here, by the source's clock.
    pub since: Timestamp,
    /// When that was, by ours.
    pub read_at: Timestamp,
}

/// The cursor of one kind of record of a source; `None` before the first reading.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn cursor(
    conn: &mut Conn,
    client_id: ClientId,
    source: &str,
    kind: RecordKind,
) -> Result<Option<Cursor>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT since, read_at FROM outcome_cursors WHERE client_id = $1 AND source = $2 AND kind = $3"
        ),
        client_id,
    )
    .text(source)
    .id(kind)
    .first(conn, |row| Ok(Cursor { since: row.instant(0)?, read_at: row.instant(1)? }))
    .await
}

/// Moves a cursor; it never goes back.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn move_cursor(
    tx: &mut Tx,
    client_id: ClientId,
    source: &str,
    kind: RecordKind,
    since: Timestamp,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO outcome_cursors (client_id, source, kind, since, read_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (client_id, source, kind) DO UPDATE
             SET since = CASE WHEN outcome_cursors.since < $4 THEN $4 ELSE outcome_cursors.since END, read_at = $5"
        ),
        client_id,
    )
    .text(source)
    .id(kind)
    .instant(since)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// A lead of a period with how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Its site.
    pub site_id: SiteId,
    /// Its advertising source, if it has one.
    pub mark: Option<String>,
    /// The furthest place in the funnel.
    pub reached: u8,
    /// Whether it is lost or deleted now.
    pub lost: bool,
    /// What was paid, minor units of roubles.
    pub minor: i64,
}

#[derive(Deserialize)]
struct Marked {
    source: MarkedSource,
}

#[derive(Deserialize)]
struct MarkedSource {
    #[serde(default)]
    utm: Utm,
}

#[derive(Deserialize)]
#[serde(tag = "kind", content = "data")]
enum Told {
    #[serde(rename = "outcome.recorded")]
    Outcome { step: Option<Stage>, record: Option<String>, minor: Option<i64>, source: String },
}

/// How far the leads accepted in `[from, to)` came, by the event log. Test leads are left out.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn fates(
    conn: &mut Conn,
    client_id: ClientId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Fate>, StoreError> {
    let leads = Statement::tenant(
        tenant!(
            "SELECT id, site_id, draft FROM leads WHERE client_id = $1 AND accepted_at >= $2 AND accepted_at < $3
               AND test = 0"
        ),
        client_id,
    )
    .instant(from)
    .instant(to)
    .all(conn, |row| Ok((row.text(0)?, row.parsed::<SiteId>(1)?, row.json::<Marked>(2)?)))
    .await?;
    let told = Statement::tenant(
        tenant!(
            "SELECT e.lead_id, e.data FROM events e JOIN leads l ON l.id = e.lead_id
             WHERE e.client_id = $1 AND e.kind = 'outcome.recorded' AND l.accepted_at >= $2 AND l.accepted_at < $3
             ORDER BY e.seq"
        ),
        client_id,
    )
    .instant(from)
    .instant(to)
    .all(conn, |row| Ok((row.text(0)?, row.json::<Told>(1)?)))
    .await?;
    Ok(join(leads, told))
}

/// The last stage and sum of each record of a lead, and the furthest place that any had.
fn join(leads: Vec<(String, SiteId, Marked)>, told: Vec<(String, Told)>) -> Vec<Fate> {
    use std::collections::HashMap;
    type Records = HashMap<String, (Option<Stage>, i64)>;
    let mut by_lead: HashMap<String, (u8, Records)> = HashMap::new();
    for (lead, Told::Outcome { step, record, minor, source }) in told {
        let (reached, records) = by_lead.entry(lead).or_default();
        *reached = (*reached).max(step.and_then(Stage::rank).unwrap_or(0));
        let record = format!("{source} {}", record.unwrap_or_default());
        records.insert(record, (step, minor.unwrap_or(0)));
    }
    let fate = |(id, site_id, marked): (String, SiteId, Marked)| {
        let (reached, records) = by_lead.remove(&id).unwrap_or_default();
        let paid = records.values().filter(|(step, _)| *step == Some(Stage::Money)).map(|(_, minor)| minor);
        let out = |step: &Option<Stage>| matches!(step, Some(Stage::Lost | Stage::Deleted));
        Fate {
            site_id,
            mark: marked.source.utm.source,
            reached,
            lost: !records.is_empty() && records.values().all(|(step, _)| out(step)),
            minor: paid.sum(),
        }
    };
    leads.into_iter().map(fate).collect()
}
