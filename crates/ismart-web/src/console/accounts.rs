//! Passwords: argon2id, and the same work whether or not a login exists.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use ismart_domain::user::{Role, User};
use ismart_domain::{ClientId, Env, Secret};
use ismart_store::{Store, StoreError, Tx, users};

/// The fewest characters of a password.
pub const SHORTEST: usize = 10;
/// The most characters of a password: what lies beyond would be work for nothing.
pub const LONGEST: usize = 256;

/// What an unknown login is checked against, so that it takes as long as a known one. No password gives this hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$aXNtYXJ0LWNvbnNvbGUtMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A person of the console, before he is stored.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The client he works for; `None` for the agency's own staff.
    pub client_id: Option<ClientId>,
    /// Sign-in name; stored in lower case.
    pub login: String,
    /// Name shown to visitors and colleagues.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Interface language: `ru` or `en`.
    pub language: String,
}

/// Why a user was not stored.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The password is too easy to guess, or too long.
    #[error("the password has {found} characters; {SHORTEST} to {LONGEST} are needed")]
    Password {
        /// How many characters it has.
        found: usize,
    },
    /// The login cannot be typed in reliably.
    #[error("the login `{0}` needs 1 to 100 characters without spaces")]
    Login(String),
    /// Role and client contradict each other.
    #[error("role `{role}` {why}")]
    Client {
        /// The role's wire name.
        role: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The hash function refused.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores a user with his password, or changes the one with the same login. Only the argon2id hash is kept.
/// Takes some tens of milliseconds of processor time.
///
/// # Errors
/// [`AccountError`]; nothing was written.
pub async fn set_password(
    store: &Store,
    env: &Env,
    user: NewUser,
    password: &Secret,
) -> Result<User, AccountError> {
    let length = password.reveal().chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Err(AccountError::Password { found: length });
    }
    let login = folded(&user.login);
    if login.is_empty() || login.chars().count() > 100 || login.chars().any(char::is_whitespace) {
        return Err(AccountError::Login(user.login));
    }
    match (user.role, user.client_id) {
        (Role::Agency, Some(_)) => {
            return Err(AccountError::Client { role: Role::Agency.code(), why: "belongs to no client" });
        }
        (Role::Agency, None) | (_, Some(_)) => {}
        (role, None) => return Err(AccountError::Client { role: role.code(), why: "needs a client" }),
    }
    let salt: [u8; 16] = env.random();
    let hash = hash(password.clone(), salt).await?;
    let user = User {
        id: env.new_id(),
        client_id: user.client_id,
        login,
        name: user.name,
        role: user.role,
        language: user.language,
    };
    let stored = user.clone();
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                users::put(tx, &stored, &hash).await?;
                let found = users::by_login(tx, &stored.login).await?;
                Ok(found.map_or(stored, |(user, _)| user))
            })
        })
        .await
}

/// A login as it is stored and looked up.
pub(super) fn folded(login: &str) -> String {
    login.trim().to_lowercase()
}

async fn hash(password: Secret, salt: [u8; 16]) -> Result<Secret, AccountError> {
    let work = move || {
        let made = Argon2::default().hash_password_with_salt(password.reveal().as_bytes(), &salt);
        made.map(|hash| Secret::new(hash.to_string())).map_err(|e| AccountError::Hash(e.to_string()))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| AccountError::Hash(e.to_string()))?
}

/// Whether this is the password of the hash. Without a hash the same work is done and the answer is no.
pub(super) async fn matches(hash: Option<Secret>, password: Secret) -> bool {
    let work = move || {
        let known = hash.is_some();
        let text = hash.as_ref().map_or(NOBODY, Secret::reveal);
        let right = PasswordHash::new(text)
            .is_ok_and(|hash| Argon2::default().verify_password(password.reveal().as_bytes(), &hash).is_ok());
        known && right
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "a password could not be checked");
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_login_matches() {
        let hash = hash(Secret::new("correct horse"), [7; 16]).await.unwrap();
        assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.reveal());
        assert!(matches(Some(hash.clone()), Secret::new("correct horse")).await);
        assert!(!matches(Some(hash), Secret::new("Correct horse")).await);
        assert!(!matches(None, Secret::new("")).await);
        assert!(!matches(Some(Secret::new("rubbish")), Secret::new("rubbish")).await);
    }

    #[test]
    fn the_unknown_login_costs_the_same_work() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let params = argon2::Params::try_from(&hash).unwrap();
        assert_eq!(params.m_cost(), argon2::Params::default().m_cost());
        assert_eq!(params.t_cost(), argon2::Params::default().t_cost());
        assert_eq!(hash.algorithm.as_str(), "argon2id");
    }
}
