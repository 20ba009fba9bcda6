//! Conversations and their messages.

use ismart_domain::conversation::{Author, Conversation, Extras, Inbound, Message, Mode};
use ismart_domain::{ClientId, ConversationId, MessageId, SiteId, UserId, VisitId, VisitorId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// A message to be stored.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Chosen by the sender; a repeat is recognised by it.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// Name shown with it.
    pub name: Option<String>,
    /// The text.
    pub text: String,
    /// Buttons, links, cards, form.
    pub extras: Extras,
    /// What the visitor sent besides the text.
    pub inbound: Option<Inbound>,
}

/// A message of a visitor with what he sent besides the text.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// Button, contact, page.
    pub inbound: Inbound,
}

/// One line of the console's inbox.
#[derive(Debug, Clone)]
pub struct Line {
    /// The conversation.
    pub conversation: Conversation,
    /// Text of its last message.
    pub last_text: String,
    /// Author of its last message.
    pub last_author: Author,
    /// Name or phone of its newest lead, if there is one.
    pub person: Option<String>,
}

/// Stores a new conversation.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn start(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    visitor_id: VisitorId,
    visit_id: Option<VisitId>,
    worker: &str,
) -> Result<ConversationId, StoreError> {
    let id: ConversationId = tx.env().new_id();
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO conversations (client_id, id, site_id, visitor_id, visit_id, worker, mode, memory, last_seq,
             handled_seq, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $9)"
        ),
        client_id,
    )
    .id(id)
    .id(site_id)
    .id(visitor_id)
    .maybe(visit_id)
    .text(worker)
    .text(Mode::Worker.code())
    .text("null")
    .instant(now)
    .run(tx)
    .await?;
    Ok(id)
}

fn read(row: &Columns<'_>) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        site_id: row.parsed(2)?,
        visitor_id: row.parsed(3)?,
        worker: row.text(4)?,
        mode: row.code(5, Mode::from_code)?,
        user_id: row.maybe_parsed(6)?,
        memory: row.json(7)?,
        last_seq: row.number(8)?,
        handled_seq: row.number(9)?,
        person_due_at: row.maybe_instant(10)?,
        created_at: row.instant(11)?,
        updated_at: row.instant(12)?,
    })
}

/// Reads a conversation.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(
    conn: &mut Conn,
    client_id: ClientId,
    id: ConversationId,
) -> Result<Option<Conversation>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, visitor_id, worker, mode, user_id, memory, last_seq, handled_seq,
             person_due_at, created_at, updated_at FROM conversations WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// The visitor's newest conversation.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn latest(
    conn: &mut Conn,
    client_id: ClientId,
    visitor_id: VisitorId,
) -> Result<Option<Conversation>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, visitor_id, worker, mode, user_id, memory, last_seq, handled_seq,
             person_due_at, created_at, updated_at FROM conversations
             WHERE client_id = $1 AND visitor_id = $2 ORDER BY created_at DESC LIMIT 1"
        ),
        client_id,
    )
    .id(visitor_id)
    .first(conn, read)
    .await
}

/// Conversations whose last visitor message nobody has answered or left to a person: what a restart must take up.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn unhandled(conn: &mut Conn) -> Result<Vec<(ClientId, ConversationId)>, StoreError> {
    Statement::system(system!(
        "SELECT DISTINCT c.client_id, c.id FROM conversations c JOIN messages m ON m.conversation_id = c.id
         WHERE m.author = 'visitor' AND m.seq > c.handled_seq",
        "the worker runtime serves all clients"
    ))
    .all(conn, |row| Ok((row.parsed(0)?, row.parsed(1)?)))
    .await
}

/// The inbox: conversations of a client, newest change first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn inbox(
    conn: &mut Conn,
    client_id: ClientId,
    mode: Option<Mode>,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT c.id, c.client_id, c.site_id, c.visitor_id, c.worker, c.mode, c.user_id, c.memory, c.last_seq,
             c.handled_seq, c.person_due_at, c.created_at, c.updated_at, m.text, m.author,
             (SELECT COALESCE(l.name, l.phone) FROM leads l WHERE l.conversation_id = c.id
              ORDER BY l.accepted_at DESC LIMIT 1)
             FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
             WHERE c.client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR c.mode = $2) ORDER BY c.updated_at DESC LIMIT $3"
        ),
        client_id,
    )
    .maybe(mode.map(Mode::code))
    .number(limit)
    .all(conn, |row| {
        Ok(Line {
            conversation: read(row)?,
            last_text: row.text(13)?,
            last_author: row.code(14, Author::from_code)?,
            person: row.maybe_text(15)?,
        })
    })
    .await
}

/// Appends a message and gives its place. A message whose id is already in the conversation is not stored again:
/// its place is given with `false`.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add_message(
    tx: &mut Tx,
    client_id: ClientId,
    conversation_id: ConversationId,
    message: &NewMessage,
) -> Result<(i64, bool), StoreError> {
    let known = Statement::tenant(
        tenant!("SELECT seq FROM messages WHERE client_id = $1 AND conversation_id = $2 AND id = $3"),
        client_id,
    )
    .id(conversation_id)
    .id(message.id)
    .first(tx, |row| row.number(0))
    .await?;
    if let Some(seq) = known {
        return Ok((seq, false));
    }
    let now = tx.env().now();
    let seq = Statement::tenant(
        tenant!(
            "UPDATE conversations SET last_seq = last_seq + 1, updated_at = $3
             WHERE client_id = $1 AND id = $2 RETURNING last_seq"
        ),
        client_id,
    )
    .id(conversation_id)
    .instant(now)
    .first(tx, |row| row.number(0))
    .await?
    .ok_or_else(|| StoreError::Corrupt {
        what: format!("conversation {conversation_id}"),
        why: "not found".into(),
    })?;
    let inbound = message.inbound.as_ref().map(serde_json::to_string).transpose();
    let inbound =
        inbound.map_err(|e| StoreError::Corrupt { what: "a message".into(), why: e.to_string() })?;
    Statement::tenant(
        tenant!(
            "INSERT INTO messages (client_id, conversation_id, seq, id, author, name, text, extras, inbound, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        client_id,
    )
    .id(conversation_id)
    .number(seq)
    .id(message.id)
    .text(message.author.code())
    .maybe(message.name.as_deref())
    .text(&message.text)
    .json(&message.extras)?
    .maybe(inbound)
    .instant(now)
    .run(tx)
    .await?;
    Ok((seq, true))
}

fn read_message(row: &Columns<'_>) -> Result<Message, StoreError> {
    Ok(Message {
        seq: row.number(0)?,
        id: row.parsed(1)?,
        author: row.code(2, Author::from_code)?,
        name: row.maybe_text(3)?,
        text: row.text(4)?,
        extras: row.json(5)?,
        at: row.instant(6)?,
    })
}

/// Messages after place `after`, in order, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn messages(
    conn: &mut Conn,
    client_id: ClientId,
    conversation_id: ConversationId,
    after: i64,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT seq, id, author, name, text, extras, at FROM messages
             WHERE client_id = $1 AND conversation_id = $2 AND seq > $3 ORDER BY seq LIMIT $4"
        ),
        client_id,
    )
    .id(conversation_id)
    .number(after)
    .number(limit)
    .all(conn, read_message)
    .await
}

/// The visitor's messages after place `after`, in order: what a turn has to answer.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn received(
    conn: &mut Conn,
    client_id: ClientId,
    conversation_id: ConversationId,
    after: i64,
) -> Result<Vec<Received>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT seq, id, author, name, text, extras, at, COALESCE(inbound, '{}') FROM messages
             WHERE client_id = $1 AND conversation_id = $2 AND seq > $3 AND author = 'visitor' ORDER BY seq"
        ),
        client_id,
    )
    .id(conversation_id)
    .number(after)
    .all(conn, |row| Ok(Received { message: read_message(row)?, inbound: row.json(7)? }))
    .await
}

/// What a turn changes in its conversation.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The worker's memory.
    pub memory: serde_json::Value,
    /// `seq` of the last visitor message that was dealt with.
    pub handled_seq: i64,
    /// Who leads from here on.
    pub mode: Mode,
    /// Until when a person is due.
    pub person_due_at: Option<Timestamp>,
}

/// Writes the result of a turn, if the conversation is still led as the turn found it and nobody else has dealt with
/// its messages. Gives `false` (and writes nothing) otherwise: the turn's texts must not be sent.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn progress(
    tx: &mut Tx,
    client_id: ClientId,
    id: ConversationId,
    found_mode: Mode,
    progress: &Progress,
) -> Result<bool, StoreError> {
    let now = tx.env().now();
    let rows = Statement::tenant(
        tenant!(
            "UPDATE conversations SET memory = $3, handled_seq = $4, mode = $5, person_due_at = $6, updated_at = $7
             WHERE client_id = $1 AND id = $2 AND mode = $8 AND handled_seq < $4"
        ),
        client_id,
    )
    .id(id)
    .json(&progress.memory)?
    .number(progress.handled_seq)
    .text(progress.mode.code())
    .maybe_instant(progress.person_due_at)
    .instant(now)
    .text(found_mode.code())
    .run(tx)
    .await?;
    Ok(rows == 1)
}

/// Marks messages up to `seq` as dealt with, without touching the worker's memory.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn handled(
    tx: &mut Tx,
    client_id: ClientId,
    id: ConversationId,
    seq: i64,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "UPDATE conversations SET handled_seq = $3 WHERE client_id = $1 AND id = $2 AND handled_seq < $3"
        ),
        client_id,
    )
    .id(id)
    .number(seq)
    .run(tx)
    .await?;
    Ok(())
}

/// Changes who leads. Gives `false` when the conversation does not exist.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn lead_by(
    tx: &mut Tx,
    client_id: ClientId,
    id: ConversationId,
    mode: Mode,
    user_id: Option<UserId>,
) -> Result<bool, StoreError> {
    let now = tx.env().now();
    let rows = Statement::tenant(
        tenant!(
            "UPDATE conversations SET mode = $3, user_id = $4, person_due_at = NULL, updated_at = $5
             WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .text(mode.code())
    .maybe(user_id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(rows == 1)
}

/// How many conversations wait for a person, and how many of them past their time.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn waiting(conn: &mut Conn, client_id: ClientId) -> Result<(i64, i64), StoreError> {
    let now = conn.env().now();
    let found = Statement::tenant(
        tenant!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN person_due_at < $2 THEN 1 ELSE 0 END), 0) AS BIGINT)
             FROM conversations WHERE client_id = $1 AND mode = 'waiting'"
        ),
        client_id,
    )
    .instant(now)
    .first(conn, |row| Ok((row.number(0)?, row.number(1)?)))
    .await?;
    Ok(found.unwrap_or((0, 0)))
}

/// Whether the worker answers on this site; on unless someone paused it.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn worker_active(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    worker: &str,
) -> Result<bool, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT active FROM worker_switches WHERE client_id = $1 AND site_id = $2 AND worker = $3"),
        client_id,
    )
    .id(site_id)
    .text(worker)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found != Some(0))
}

/// Pauses or resumes the worker on a site.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn switch_worker(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    worker: &str,
    active: bool,
    user_id: UserId,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO worker_switches (client_id, site_id, worker, active, user_id, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (site_id, worker) DO UPDATE SET active = excluded.active, user_id = excluded.user_id,
             at = excluded.at"
        ),
        client_id,
    )
    .id(site_id)
    .text(worker)
    .number(i64::from(active))
    .id(user_id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}
