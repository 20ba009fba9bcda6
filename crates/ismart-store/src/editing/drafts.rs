//! What people prepare: one draft per drafter and site, file by file.

use ismart_domain::{ClientId, DrafterId, SiteId};
use jiff::Timestamp;

use super::{maybe_blob, put_blob};
use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// One file of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFile {
    /// Relative to the site folder.
    pub path: String,
    /// The published text that the draft began with; `None` when there was no file.
    pub base: Option<String>,
    /// The text of the draft; `None` takes the file away.
    pub text: Option<String>,
    /// The last change.
    pub updated_at: Timestamp,
}

/// A person or key with a draft of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    /// Who.
    pub drafter: DrafterId,
    /// How many files.
    pub files: i64,
    /// The last change.
    pub updated_at: Timestamp,
}

/// Keeps a file of a draft. `base` counts only when the file is new in the draft.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put_draft(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    drafter: DrafterId,
    path: &str,
    base: Option<&str>,
    text: Option<&str>,
) -> Result<(), StoreError> {
    let base = match base {
        Some(base) => Some(put_blob(tx, client_id, base).await?),
        None => None,
    };
    let digest = match text {
        Some(text) => Some(put_blob(tx, client_id, text).await?),
        None => None,
    };
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO site_drafts (client_id, site_id, drafter, path, base_digest, digest, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (site_id, drafter, path) DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at"
        ),
        client_id,
    )
    .id(site_id)
    .id(drafter)
    .text(path)
    .maybe(base)
    .maybe(digest)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// A drafter's draft of a site, by path.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn drafts(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    drafter: DrafterId,
) -> Result<Vec<DraftFile>, StoreError> {
    let rows = Statement::tenant(
        tenant!(
            "SELECT path, base_digest, digest, updated_at FROM site_drafts
             WHERE client_id = $1 AND site_id = $2 AND drafter = $3 ORDER BY path"
        ),
        client_id,
    )
    .id(site_id)
    .id(drafter)
    .all(conn, |row| Ok((row.text(0)?, row.maybe_text(1)?, row.maybe_text(2)?, row.instant(3)?)))
    .await?;
    let mut files = Vec::new();
    for (path, base, digest, updated_at) in rows {
        files.push(DraftFile {
            path,
            base: maybe_blob(conn, client_id, base.as_deref()).await?,
            text: maybe_blob(conn, client_id, digest.as_deref()).await?,
            updated_at,
        });
    }
    Ok(files)
}

/// Forgets a file of a draft, or, with `None`, all of it.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn drop_draft(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    drafter: DrafterId,
    path: Option<&str>,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "DELETE FROM site_drafts WHERE client_id = $1 AND site_id = $2 AND drafter = $3 AND ($4 = '' OR path = $4)"
        ),
        client_id,
    )
    .id(site_id)
    .id(drafter)
    .text(path.unwrap_or_default())
    .run(tx)
    .await?;
    Ok(())
}

/// Everyone who has a draft of the site, the latest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn drafters(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
) -> Result<Vec<Drafted>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT drafter, COUNT(*), MAX(updated_at) FROM site_drafts WHERE client_id = $1 AND site_id = $2
             GROUP BY drafter ORDER BY MAX(updated_at) DESC"
        ),
        client_id,
    )
    .id(site_id)
    .all(conn, |row| {
        Ok(Drafted { drafter: row.parsed(0)?, files: row.number(1)?, updated_at: row.instant(2)? })
    })
    .await
}
