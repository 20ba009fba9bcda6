//! Publications whose time is yet to come.

use ismart_domain::{ClientId, ScheduleId, SiteId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// What became of a scheduled publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleState {
    /// Its time has not come.
    Waiting,
    /// It was published.
    Done,
    /// It could not be published; the note says why.
    Failed,
    /// Somebody took it back.
    Cancelled,
}

impl ScheduleState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Done, Self::Failed, Self::Cancelled];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A file of a scheduled publication, as its draft had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledFile {
    /// Relative to the site folder.
    pub path: String,
    /// The published text that the draft began with.
    pub base: Option<String>,
    /// The new text; `None` takes the file away.
    pub text: Option<String>,
}

/// A publication whose time is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Identity.
    pub id: ScheduleId,
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Who set it.
    pub user_id: UserId,
    /// When.
    pub due_at: Timestamp,
    /// What he said about it.
    pub message: String,
    /// Why in spite of a warning.
    pub reason: Option<String>,
    /// What is published.
    pub files: Vec<ScheduledFile>,
    /// What became of it.
    pub state: ScheduleState,
    /// Why it failed.
    pub note: Option<String>,
}

/// Keeps a publication for its time.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put_schedule(tx: &mut Tx, scheduled: &Scheduled) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO site_schedules
             (client_id, id, site_id, user_id, due_at, message, reason, files, state, note, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        scheduled.client_id,
    )
    .id(scheduled.id)
    .id(scheduled.site_id)
    .id(scheduled.user_id)
    .instant(scheduled.due_at)
    .text(&scheduled.message)
    .maybe(scheduled.reason.as_ref())
    .json(&scheduled.files)?
    .text(scheduled.state.code())
    .maybe(scheduled.note.as_ref())
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

fn read(row: &Columns<'_>) -> Result<Scheduled, StoreError> {
    Ok(Scheduled {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        site_id: row.parsed(2)?,
        user_id: row.parsed(3)?,
        due_at: row.instant(4)?,
        message: row.text(5)?,
        reason: row.maybe_text(6)?,
        files: row.json(7)?,
        state: row.code(8, ScheduleState::from_code)?,
        note: row.maybe_text(9)?,
    })
}

/// The scheduled publications of a site, the next one first; what is over comes last and is cut at `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn schedules(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    limit: i64,
) -> Result<Vec<Scheduled>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, user_id, due_at, message, reason, files, state, note FROM site_schedules
             WHERE client_id = $1 AND site_id = $2
             ORDER BY CASE state WHEN 'waiting' THEN 0 ELSE 1 END, due_at DESC LIMIT $3"
        ),
        client_id,
    )
    .id(site_id)
    .number(limit)
    .all(conn, read)
    .await
}

/// Everything whose time has come, the earliest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn due_schedules(conn: &mut Conn, limit: i64) -> Result<Vec<Scheduled>, StoreError> {
    let now = conn.env().now();
    Statement::system(system!(
        "SELECT id, client_id, site_id, user_id, due_at, message, reason, files, state, note FROM site_schedules
         WHERE state = 'waiting' AND due_at <= $1 ORDER BY due_at LIMIT $2",
        "one task publishes for all tenants"
    ))
    .instant(now)
    .number(limit)
    .all(conn, read)
    .await
}

/// Says what became of a waiting publication; `false` when it was not waiting any more.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn end_schedule(
    tx: &mut Tx,
    client_id: ClientId,
    id: ScheduleId,
    state: ScheduleState,
    note: Option<&str>,
) -> Result<bool, StoreError> {
    let touched = Statement::tenant(
        tenant!(
            "UPDATE site_schedules SET state = $3, note = $4 WHERE client_id = $1 AND id = $2 AND state = 'waiting'"
        ),
        client_id,
    )
    .id(id)
    .text(state.code())
    .maybe(note)
    .run(tx)
    .await?;
    Ok(touched > 0)
}

/// Takes a waiting publication of a site back; `false` when there is none of this id.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn cancel_schedule(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    id: ScheduleId,
) -> Result<bool, StoreError> {
    let touched = Statement::tenant(
        tenant!(
            "UPDATE site_schedules SET state = 'cancelled'
             WHERE client_id = $1 AND site_id = $2 AND id = $3 AND state = 'waiting'"
        ),
        client_id,
    )
    .id(site_id)
    .id(id)
    .run(tx)
    .await?;
    Ok(touched > 0)
}
