//! What came in by a door and could not be read as a lead: it waits for a person and counts as what it is.

use ismart_domain::{ClientId, LeadId, SiteId, UnreadId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, tenant};

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadState {
    /// A person is to read it.
    Waiting,
    /// A person made a lead of it.
    Lead,
    /// A person said that it is none.
    Discarded,
}

impl UnreadState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Lead, Self::Discarded];

    /// The stored name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Lead => "lead",
            Self::Discarded => "discarded",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// Something that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Identity.
    pub id: UnreadId,
    /// The site that it came in for.
    pub site_id: SiteId,
    /// Name of the door.
    pub door: String,
    /// Kind of the door.
    pub kind: String,
    /// When it came.
    pub received_at: Timestamp,
    /// What it is, as its sender says.
    pub media_type: String,
    /// As it came.
    pub body: String,
    /// Why it is no lead.
    pub reason: String,
    /// What became of it.
    pub state: UnreadState,
    /// The lead that it became.
    pub lead_id: Option<LeadId>,
    /// Who decided.
    pub settled_by: Option<UserId>,
    /// When.
    pub settled_at: Option<Timestamp>,
    /// Why, in his words.
    pub verdict: Option<String>,
}

/// Something that comes in.
#[derive(Debug, Clone)]
pub struct NewUnread {
    /// The site that it comes in for.
    pub site_id: SiteId,
    /// Name of the door.
    pub door: String,
    /// Kind of the door.
    pub kind: String,
    /// What it is known by at this door: a repeat is the same.
    pub key: String,
    /// What it is, as its sender says.
    pub media_type: String,
    /// As it came.
    pub body: String,
    /// Why it is no lead.
    pub reason: String,
}

fn read(row: &Columns<'_>) -> Result<Unread, StoreError> {
    Ok(Unread {
        id: row.parsed(0)?,
        site_id: row.parsed(1)?,
        door: row.text(2)?,
        kind: row.text(3)?,
        received_at: row.instant(4)?,
        media_type: row.text(5)?,
        body: row.text(6)?,
        reason: row.text(7)?,
        state: row.code(8, UnreadState::from_code)?,
        lead_id: row.maybe_parsed(9)?,
        settled_by: row.maybe_parsed(10)?,
        settled_at: row.maybe_instant(11)?,
        verdict: row.maybe_text(12)?,
    })
}

/// Keeps something.
///
/// # Errors
/// [`StoreError`] of the engine; a second one under the same key is refused by a unique index.
pub async fn add(tx: &mut Tx, client_id: ClientId, new: &NewUnread) -> Result<UnreadId, StoreError> {
    let (id, now) = (tx.env().new_id(), tx.env().now());
    Statement::tenant(
        tenant!(
            "INSERT INTO unread (client_id, id, site_id, door, kind, arrival_key, received_at, media_type, body, reason,
             state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        client_id,
    )
    .id(id)
    .id(new.site_id)
    .text(&new.door)
    .text(&new.kind)
    .text(&new.key)
    .instant(now)
    .text(&new.media_type)
    .text(&new.body)
    .text(&new.reason)
    .text(UnreadState::Waiting.code())
    .run(tx)
    .await?;
    Ok(id)
}

/// What came under this key, if anything did.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_key(
    conn: &mut Conn,
    client_id: ClientId,
    door: &str,
    key: &str,
) -> Result<Option<Unread>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, site_id, door, kind, received_at, media_type, body, reason, state, lead_id, settled_by,
             settled_at, verdict FROM unread WHERE client_id = $1 AND door = $2 AND arrival_key = $3"
        ),
        client_id,
    )
    .text(door)
    .text(key)
    .first(conn, read)
    .await
}

/// One of this client.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(conn: &mut Conn, client_id: ClientId, id: UnreadId) -> Result<Option<Unread>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, site_id, door, kind, received_at, media_type, body, reason, state, lead_id, settled_by,
             settled_at, verdict FROM unread WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// Those that wait, oldest first; or those that were decided on, newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn list(
    conn: &mut Conn,
    client_id: ClientId,
    waiting: bool,
    limit: i64,
) -> Result<Vec<Unread>, StoreError> {
    let statement = if waiting {
        tenant!(
            "SELECT id, site_id, door, kind, received_at, media_type, body, reason, state, lead_id, settled_by,
             settled_at, verdict FROM unread WHERE client_id = $1 AND state = 'waiting' ORDER BY received_at, id LIMIT $2"
        )
    } else {
        tenant!(
            "SELECT id, site_id, door, kind, received_at, media_type, body, reason, state, lead_id, settled_by,
             settled_at, verdict FROM unread WHERE client_id = $1 AND state <> 'waiting'
             ORDER BY settled_at DESC, id LIMIT $2"
        )
    };
    Statement::tenant(statement, client_id).number(limit).all(conn, read).await
}

/// How many wait.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn waiting(conn: &mut Conn, client_id: ClientId) -> Result<i64, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT COUNT(*) FROM unread WHERE client_id = $1 AND state = 'waiting'"),
        client_id,
    )
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}

/// Decides on one that waits; false when somebody else has decided already.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn settle(
    tx: &mut Tx,
    client_id: ClientId,
    id: UnreadId,
    lead_id: Option<LeadId>,
    user_id: UserId,
    verdict: &str,
) -> Result<bool, StoreError> {
    let now = tx.env().now();
    let state = if lead_id.is_some() { UnreadState::Lead } else { UnreadState::Discarded };
    let rows = Statement::tenant(
        tenant!(
            "UPDATE unread SET state = $3, lead_id = $4, settled_by = $5, settled_at = $6, verdict = $7
             WHERE client_id = $1 AND id = $2 AND state = 'waiting'"
        ),
        client_id,
    )
    .id(id)
    .text(state.code())
    .maybe(lead_id)
    .id(user_id)
    .instant(now)
    .text(verdict)
    .run(tx)
    .await?;
    Ok(rows == 1)
}
