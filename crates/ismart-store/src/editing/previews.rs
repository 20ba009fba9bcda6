//! Links that show a draft to people who do not sign in.

use ismart_domain::{ClientId, DrafterId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, system, tenant};

/// Whose draft a link shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Whose draft.
    pub drafter: DrafterId,
    /// End.
    pub expires_at: Timestamp,
}

/// Opens a link; the token itself is never stored.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn open_preview(tx: &mut Tx, preview: &Preview, token_sha256: &str) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO site_previews (client_id, token_sha256, site_id, drafter, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        preview.client_id,
    )
    .text(token_sha256)
    .id(preview.site_id)
    .id(preview.drafter)
    .instant(now)
    .instant(preview.expires_at)
    .run(tx)
    .await?;
    Ok(())
}

/// What a link shows, unless it has expired or was closed.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn preview(conn: &mut Conn, token_sha256: &str) -> Result<Option<Preview>, StoreError> {
    let now = conn.env().now();
    Statement::system(system!(
        "SELECT client_id, site_id, drafter, expires_at FROM site_previews WHERE token_sha256 = $1 AND expires_at > $2",
        "the token alone tells whose it is"
    ))
    .text(token_sha256)
    .instant(now)
    .first(conn, |row| {
        Ok(Preview {
            client_id: row.parsed(0)?,
            site_id: row.parsed(1)?,
            drafter: row.parsed(2)?,
            expires_at: row.instant(3)?,
        })
    })
    .await
}

/// Closes all links to a drafter's draft of a site.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn close_previews(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    drafter: DrafterId,
) -> Result<u64, StoreError> {
    Statement::tenant(
        tenant!("DELETE FROM site_previews WHERE client_id = $1 AND site_id = $2 AND drafter = $3"),
        client_id,
    )
    .id(site_id)
    .id(drafter)
    .run(tx)
    .await
}
