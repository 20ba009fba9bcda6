//! Making keys of the API, from the console and from the command line.

use ismart_domain::user::User;
use ismart_domain::{ClientId, Env, Secret, SiteId};
use ismart_store::api_tokens::{self, ApiToken};
use ismart_store::{Store, StoreError, Tx, sha256_hex};
use jiff::SignedDuration;

use crate::api::scope::Scope;

/// The longest name of a key, characters.
const NAME: usize = 80;
/// The characters of a key that stay readable.
const HINT: usize = 12;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose rows it opens.
    pub client_id: ClientId,
    /// The one site that it is for; `None` for all sites of the client.
    pub site_id: Option<SiteId>,
    /// What its maker calls it: 1 to 80 characters.
    pub name: String,
    /// Wire names of what it may do, at least one: `content:read`, `content:write`, `forms:submit`, `leads:read`,
    /// `leads:write`.
    pub scopes: Vec<String>,
    /// Days that it works; `None` until it is taken back.
    pub days: Option<i64>,
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, too long, or cannot be shown.
    #[error("the name of a key has 1 to {NAME} characters, without line breaks")]
    Name,
    /// It would open nothing, or something that is unknown.
    #[error("`{0}` is nothing that a key may do: give at least one of {all}", all = Scope::ALL.map(Scope::code).join(", "))]
    Scope(String),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a key for `user`, who answers for it. Only its SHA-256 is kept: what this gives back is the one chance to
/// read it.
///
/// # Errors
/// [`KeyError`]; nothing was written.
pub async fn make(store: &Store, env: &Env, user: &User, new: NewKey) -> Result<Secret, KeyError> {
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Err(KeyError::Name);
    }
    if let Some(unknown) = new.scopes.iter().find(|code| Scope::from_code(code).is_none()) {
        return Err(KeyError::Scope(unknown.clone()));
    }
    if new.scopes.is_empty() {
        return Err(KeyError::Scope(String::new()));
    }
    let now = env.now();
    let secret = format!("{}{}{}", crate::api::PREFIX, env.token(), env.token());
    let token = ApiToken {
        id: env.new_id(),
        client_id: new.client_id,
        site_id: new.site_id,
        name,
        hint: secret.chars().take(HINT).collect(),
        scopes: new.scopes,
        created_by: user.id,
        created_at: now,
        expires_at: new.days.map(|days| now + SignedDuration::from_hours(24 * days)),
        last_used_at: None,
        revoked_at: None,
    };
    tracing::info!(user.id = %user.id, token.id = %token.id, "a key of the API was made");
    let digest = sha256_hex(&secret);
    let stored: Result<(), StoreError> = store
        .write(move |tx: &mut Tx| Box::pin(async move { api_tokens::add(tx, &token, &digest).await }))
        .await;
    stored?;
    Ok(Secret::new(secret))
}
