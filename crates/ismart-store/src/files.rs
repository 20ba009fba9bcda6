//! Files that came with leads, or with what is no lead yet. The bytes lie elsewhere; what no row here names is nobody's.

use ismart_domain::lead::FileRef;
use ismart_domain::{ClientId, FileId, LeadId, UnreadId};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

fn read(row: &Columns<'_>) -> Result<FileRef, StoreError> {
    let bytes = row.number(3)?;
    Ok(FileRef {
        id: row.parsed(0)?,
        name: row.text(1)?,
        media_type: row.text(2)?,
        bytes: u64::try_from(bytes)
            .map_err(|e| StoreError::Corrupt { what: "column bytes".to_owned(), why: e.to_string() })?,
        sha256: row.text(4)?,
    })
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A lead's.
    Lead(LeadId),
    /// Of something that is no lead yet.
    Unread(UnreadId),
}

/// Names a file.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(tx: &mut Tx, client_id: ClientId, owner: Owner, file: &FileRef) -> Result<(), StoreError> {
    let now = tx.env().now();
    let (lead, unread) = match owner {
        Owner::Lead(id) => (Some(id), None),
        Owner::Unread(id) => (None, Some(id)),
    };
    Statement::tenant(
        tenant!(
            "INSERT INTO files (client_id, id, lead_id, unread_id, name, media_type, bytes, sha256, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        client_id,
    )
    .id(file.id)
    .maybe(lead)
    .maybe(unread)
    .text(&file.name)
    .text(&file.media_type)
    .number(i64::try_from(file.bytes).unwrap_or(i64::MAX))
    .text(&file.sha256)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// The files of a lead, in the order in which they came.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<FileRef>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, name, media_type, bytes, sha256 FROM files WHERE client_id = $1 AND lead_id = $2
             ORDER BY created_at, id"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, read)
    .await
}

/// The files of what is no lead yet, in the order in which they came.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_unread(
    conn: &mut Conn,
    client_id: ClientId,
    unread_id: UnreadId,
) -> Result<Vec<FileRef>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, name, media_type, bytes, sha256 FROM files WHERE client_id = $1 AND unread_id = $2
             ORDER BY created_at, id"
        ),
        client_id,
    )
    .id(unread_id)
    .all(conn, read)
    .await
}

/// Gives the files of what has become a lead to the lead.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn hand_on(tx: &mut Tx, client_id: ClientId, from: UnreadId, to: LeadId) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!("UPDATE files SET lead_id = $3 WHERE client_id = $1 AND unread_id = $2"),
        client_id,
    )
    .id(from)
    .id(to)
    .run(tx)
    .await?;
    Ok(())
}

/// A file of this client.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(conn: &mut Conn, client_id: ClientId, id: FileId) -> Result<Option<FileRef>, StoreError> {
    Statement::tenant(
        tenant!("SELECT id, name, media_type, bytes, sha256 FROM files WHERE client_id = $1 AND id = $2"),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// Whether any row names this file.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn is_named(conn: &mut Conn, id: FileId) -> Result<bool, StoreError> {
    let found = Statement::system(system!(
        "SELECT COUNT(*) FROM files WHERE id = $1",
        "the sweep looks at the files of all clients on the disk"
    ))
    .id(id)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0) > 0)
}
