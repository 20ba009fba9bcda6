//! Keys of the API: who may call it, for what, until when.

use ismart_domain::{ApiTokenId, ClientId, SiteId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// A key of the API; the key itself is known to nobody but its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Identity.
    pub id: ApiTokenId,
    /// Whose rows it opens.
    pub client_id: ClientId,
    /// The one site that it is for; `None` for all sites of the client.
    pub site_id: Option<SiteId>,
    /// What its maker calls it.
    pub name: String,
    /// Its first characters, by which people recognise it.
    pub hint: String,
    /// Wire names of what it may do.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

fn read(row: &Columns<'_>) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        site_id: row.maybe_parsed(2)?,
        name: row.text(3)?,
        hint: row.text(4)?,
        scopes: row.text(5)?.split_whitespace().map(str::to_owned).collect(),
        created_by: row.parsed(6)?,
        created_at: row.instant(7)?,
        expires_at: row.maybe_instant(8)?,
        last_used_at: row.maybe_instant(9)?,
        revoked_at: row.maybe_instant(10)?,
    })
}

/// Stores a key; of the key itself only the SHA-256.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(tx: &mut Tx, token: &ApiToken, token_sha256: &str) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO api_tokens (client_id, id, site_id, name, hint, token_sha256, scopes, created_by, created_at,
             expires_at, last_used_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        ),
        token.client_id,
    )
    .id(token.id)
    .maybe(token.site_id)
    .text(&token.name)
    .text(&token.hint)
    .text(token_sha256)
    .text(token.scopes.join(" "))
    .id(token.created_by)
    .instant(token.created_at)
    .maybe_instant(token.expires_at)
    .maybe_instant(token.last_used_at)
    .maybe_instant(token.revoked_at)
    .run(tx)
    .await?;
    Ok(())
}

/// The key with this SHA-256, whether or not it still works.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_sha256(conn: &mut Conn, token_sha256: &str) -> Result<Option<ApiToken>, StoreError> {
    Statement::system(system!(
        "SELECT id, client_id, site_id, name, hint, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
         FROM api_tokens WHERE token_sha256 = $1",
        "the key alone tells which tenant asks"
    ))
    .text(token_sha256)
    .first(conn, read)
    .await
}

/// All keys of a client, the newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_client(conn: &mut Conn, client_id: ClientId) -> Result<Vec<ApiToken>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, name, hint, scopes, created_by, created_at, expires_at, last_used_at,
             revoked_at FROM api_tokens WHERE client_id = $1 ORDER BY created_at DESC, id DESC"
        ),
        client_id,
    )
    .all(conn, read)
    .await
}

/// Takes a key back; false when the client has no such key or it was taken back before.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn revoke(tx: &mut Tx, client_id: ClientId, id: ApiTokenId) -> Result<bool, StoreError> {
    let now = tx.env().now();
    let touched = Statement::tenant(
        tenant!(
            "UPDATE api_tokens SET revoked_at = $3 WHERE client_id = $1 AND id = $2 AND revoked_at IS NULL"
        ),
        client_id,
    )
    .id(id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(touched > 0)
}

/// Notes that a key was used.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn touch(tx: &mut Tx, client_id: ClientId, id: ApiTokenId) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!("UPDATE api_tokens SET last_used_at = $3 WHERE client_id = $1 AND id = $2"),
        client_id,
    )
    .id(id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}
