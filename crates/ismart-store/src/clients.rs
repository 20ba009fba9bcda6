//! Clients and sites: rows for what the configuration names.

use ismart_domain::{ClientId, SiteId};

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, system, tenant};

/// A client's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Identity.
    pub id: ClientId,
    /// Name in the configuration.
    pub slug: String,
    /// Name for people.
    pub name: String,
}

/// A site's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRow {
    /// Identity.
    pub id: SiteId,
    /// Whose it is.
    pub client_id: ClientId,
    /// Name of its folder.
    pub slug: String,
    /// Name for people.
    pub name: String,
}

/// Finds the client of this slug, or makes it; the name follows the configuration.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn ensure_client(tx: &mut Tx, slug: &str, name: &str) -> Result<ClientId, StoreError> {
    let id: ClientId = tx.env().new_id();
    let now = tx.env().now();
    Statement::system(system!(
        "INSERT INTO clients (id, slug, name, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slug) DO UPDATE SET name = excluded.name",
        "clients are the tenants themselves"
    ))
    .id(id)
    .text(slug)
    .text(name)
    .instant(now)
    .run(tx)
    .await?;
    let found =
        Statement::system(system!("SELECT id FROM clients WHERE slug = $1", "looks up the tenant itself"))
            .text(slug)
            .first(tx, |row| row.parsed(0))
            .await?;
    found.ok_or_else(|| StoreError::Corrupt { what: format!("client {slug}"), why: "it vanished".into() })
}

/// Finds the site of this slug, or makes it.
///
/// # Errors
/// [`StoreError::Corrupt`] when the site belongs to another client; engine errors.
pub async fn ensure_site(
    tx: &mut Tx,
    client_id: ClientId,
    slug: &str,
    name: &str,
) -> Result<SiteId, StoreError> {
    let id: SiteId = tx.env().new_id();
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO sites (client_id, id, slug, name, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (slug) DO UPDATE SET name = excluded.name"
        ),
        client_id,
    )
    .id(id)
    .text(slug)
    .text(name)
    .instant(now)
    .run(tx)
    .await?;
    let found =
        Statement::tenant(tenant!("SELECT id FROM sites WHERE client_id = $1 AND slug = $2"), client_id)
            .text(slug)
            .first(tx, |row| row.parsed(0))
            .await?;
    found.ok_or_else(|| StoreError::Corrupt {
        what: format!("site {slug}"),
        why: "it belongs to another client; give the site folder another name".into(),
    })
}

/// All clients, by name.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn list(conn: &mut Conn) -> Result<Vec<Client>, StoreError> {
    Statement::system(system!(
        "SELECT id, slug, name FROM clients ORDER BY name",
        "the agency's list of tenants"
    ))
    .all(conn, |row| Ok(Client { id: row.parsed(0)?, slug: row.text(1)?, name: row.text(2)? }))
    .await
}

/// The sites of a client, by name.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn sites(conn: &mut Conn, client_id: ClientId) -> Result<Vec<SiteRow>, StoreError> {
    Statement::tenant(
        tenant!("SELECT id, slug, name FROM sites WHERE client_id = $1 ORDER BY name"),
        client_id,
    )
    .all(conn, |row| Ok(SiteRow { id: row.parsed(0)?, client_id, slug: row.text(1)?, name: row.text(2)? }))
    .await
}
