//! Who may change what of a site, where his role alone does not say it.

use ismart_domain::{ClientId, SiteId, UserId};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// A part of a site that a person may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub user_id: UserId,
    /// Which site.
    pub site_id: SiteId,
    /// `*` for the whole site, `page:ID`, `collection:KEY`, `section:NAME`, `facts`, `seo` or `redirects`.
    pub scope: String,
    /// Whether he may publish it as well.
    pub may_publish: bool,
}

/// Gives or changes a grant.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put_grant(tx: &mut Tx, client_id: ClientId, grant: &Grant) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO site_grants (client_id, site_id, user_id, scope, may_publish) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (site_id, user_id, scope) DO UPDATE SET may_publish = excluded.may_publish"
        ),
        client_id,
    )
    .id(grant.site_id)
    .id(grant.user_id)
    .text(&grant.scope)
    .number(i64::from(grant.may_publish))
    .run(tx)
    .await?;
    Ok(())
}

/// Takes all grants of a person on a site back.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn revoke_grants(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    user_id: UserId,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!("DELETE FROM site_grants WHERE client_id = $1 AND site_id = $2 AND user_id = $3"),
        client_id,
    )
    .id(site_id)
    .id(user_id)
    .run(tx)
    .await?;
    Ok(())
}

/// All grants of a person at a client.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn grants_of(
    conn: &mut Conn,
    client_id: ClientId,
    user_id: UserId,
) -> Result<Vec<Grant>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT site_id, scope, may_publish FROM site_grants WHERE client_id = $1 AND user_id = $2 ORDER BY scope"
        ),
        client_id,
    )
    .id(user_id)
    .all(conn, |row| {
        Ok(Grant { user_id, site_id: row.parsed(0)?, scope: row.text(1)?, may_publish: row.number(2)? != 0 })
    })
    .await
}

/// All grants on a site.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn grants(conn: &mut Conn, client_id: ClientId, site_id: SiteId) -> Result<Vec<Grant>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT user_id, scope, may_publish FROM site_grants WHERE client_id = $1 AND site_id = $2
             ORDER BY user_id, scope"
        ),
        client_id,
    )
    .id(site_id)
    .all(conn, |row| {
        Ok(Grant { user_id: row.parsed(0)?, site_id, scope: row.text(1)?, may_publish: row.number(2)? != 0 })
    })
    .await
}
