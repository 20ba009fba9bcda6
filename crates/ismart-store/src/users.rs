//! People of the console and their sessions.

use ismart_domain::user::{Role, User};
use ismart_domain::{ClientId, Secret, SessionId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system};

/// A signed-in browser.
#[derive(Debug, Clone)]
pub struct Session {
    /// Identity.
    pub id: SessionId,
    /// Who.
    pub user: User,
    /// The token that every form must carry.
    pub csrf: Secret,
    /// The client that the agency's user looks at.
    pub client_id: Option<ClientId>,
    /// End.
    pub expires_at: Timestamp,
}

fn read_user(row: &Columns<'_>, first: usize) -> Result<User, StoreError> {
    Ok(User {
        id: row.parsed(first)?,
        client_id: row.maybe_parsed(first + 1)?,
        login: row.text(first + 2)?,
        name: row.text(first + 3)?,
        role: row.code(first + 4, Role::from_code)?,
        language: row.text(first + 5)?,
    })
}

/// Stores a user, or changes the one with the same login.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put(tx: &mut Tx, user: &User, password_hash: &Secret) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::system(system!(
        "INSERT INTO users (id, client_id, login, name, role, language, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (login) DO UPDATE SET client_id = excluded.client_id, name = excluded.name, role = excluded.role,
         language = excluded.language, password_hash = excluded.password_hash",
        "logins are unique over all clients"
    ))
    .id(user.id)
    .maybe(user.client_id)
    .text(&user.login)
    .text(&user.name)
    .text(user.role.code())
    .text(&user.language)
    .text(password_hash.reveal())
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// The user of a login with his password hash.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_login(conn: &mut Conn, login: &str) -> Result<Option<(User, Secret)>, StoreError> {
    Statement::system(system!(
        "SELECT id, client_id, login, name, role, language, password_hash FROM users WHERE login = $1",
        "before sign-in no tenant is known"
    ))
    .text(login)
    .first(conn, |row| Ok((read_user(row, 0)?, Secret::new(row.text(6)?))))
    .await
}

/// The name that visitors see of a user.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn name_of(conn: &mut Conn, id: UserId) -> Result<Option<String>, StoreError> {
    Statement::system(system!(
        "SELECT name FROM users WHERE id = $1",
        "the agency's people belong to no tenant"
    ))
    .id(id)
    .first(conn, |row| row.text(0))
    .await
}

/// All users whom this client may see: its own and the agency's.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_client(conn: &mut Conn, client_id: ClientId) -> Result<Vec<User>, StoreError> {
    Statement::system(system!(
        "SELECT id, client_id, login, name, role, language FROM users WHERE client_id = $1 OR client_id IS NULL
         ORDER BY name",
        "the agency's people belong to no tenant"
    ))
    .id(client_id)
    .all(conn, |row| read_user(row, 0))
    .await
}

/// Remembers the language that a user chose.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn set_language(tx: &mut Tx, id: UserId, language: &str) -> Result<(), StoreError> {
    Statement::system(system!("UPDATE users SET language = $2 WHERE id = $1", "a user's own setting"))
        .id(id)
        .text(language)
        .run(tx)
        .await?;
    Ok(())
}

/// Opens a session; the token itself is never stored.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn open_session(tx: &mut Tx, session: &Session, token_sha256: &str) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::system(system!(
        "INSERT INTO sessions (id, user_id, token_sha256, csrf, client_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        "a session belongs to a user, who may be the agency's"
    ))
    .id(session.id)
    .id(session.user.id)
    .text(token_sha256)
    .text(session.csrf.reveal())
    .maybe(session.client_id)
    .instant(now)
    .instant(session.expires_at)
    .run(tx)
    .await?;
    Ok(())
}

/// The session whose token has this SHA-256, unless it has expired.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn session(conn: &mut Conn, token_sha256: &str) -> Result<Option<Session>, StoreError> {
    let now = conn.env().now();
    Statement::system(system!(
        "SELECT s.id, s.csrf, s.client_id, s.expires_at, u.id, u.client_id, u.login, u.name, u.role, u.language
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_sha256 = $1 AND s.expires_at > $2",
        "the token alone tells who it is"
    ))
    .text(token_sha256)
    .instant(now)
    .first(conn, |row| {
        Ok(Session {
            id: row.parsed(0)?,
            csrf: Secret::new(row.text(1)?),
            client_id: row.maybe_parsed(2)?,
            expires_at: row.instant(3)?,
            user: read_user(row, 4)?,
        })
    })
    .await
}

/// Chooses the client that an agency's session looks at.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn look_at(tx: &mut Tx, id: SessionId, client_id: ClientId) -> Result<(), StoreError> {
    Statement::system(system!(
        "UPDATE sessions SET client_id = $2 WHERE id = $1",
        "the agency moves between tenants"
    ))
    .id(id)
    .id(client_id)
    .run(tx)
    .await?;
    Ok(())
}

/// Ends a session, and with it all that have expired.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn close_session(tx: &mut Tx, id: SessionId) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::system(system!(
        "DELETE FROM sessions WHERE id = $1 OR expires_at <= $2",
        "sessions of all tenants expire alike"
    ))
    .id(id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// Reads a setting of the installation.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn setting(conn: &mut Conn, name: &str) -> Result<Option<String>, StoreError> {
    Statement::system(system!(
        "SELECT value FROM settings WHERE name = $1",
        "settings of the whole installation"
    ))
    .text(name)
    .first(conn, |row| row.text(0))
    .await
}

/// Writes a setting of the installation, unless it already has a value; gives the value in force.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn ensure_setting(tx: &mut Tx, name: &str, value: &str) -> Result<String, StoreError> {
    Statement::system(system!(
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        "settings of the whole installation"
    ))
    .text(name)
    .text(value)
    .run(tx)
    .await?;
    let found = setting(tx, name).await?;
    found.ok_or_else(|| StoreError::Corrupt { what: format!("setting {name}"), why: "it vanished".into() })
}
