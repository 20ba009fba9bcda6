//! `ismart user`: people who may sign in to the console.

use std::io::Read;
use std::process::ExitCode;

use clap::Args;
use ismart_domain::user::Role;
use ismart_domain::{Env, Secret};
use ismart_store::{StoreError, Tx, clients};
use ismart_web::console::accounts::{self, NewUser};

use super::Place;
use crate::output::{self, Failed};
use crate::{config, wiring};

/// The person.
#[derive(Debug, Args)]
pub(super) struct User {
    #[command(flatten)]
    place: Place,
    /// Sign-in name
    login: String,
    /// Name shown to visitors and colleagues [default: the sign-in name]
    #[arg(long)]
    name: Option<String>,
    /// analyst, editor, operator, owner or agency
    #[arg(long, default_value = "owner", value_parser = role)]
    role: Role,
    /// Slug of the client he works for; without it he belongs to the agency
    #[arg(long)]
    client: Option<String>,
    /// Interface language: ru or en
    #[arg(long, default_value = "ru", value_parser = ["ru", "en"])]
    language: String,
}

fn role(code: &str) -> Result<Role, String> {
    Role::from_code(code).ok_or_else(|| "use analyst, editor, operator, owner or agency".to_owned())
}

/// Adds the person, or changes his password; the password is read from standard input, never from the command line.
pub(super) async fn user(user: User) -> Result<ExitCode, Failed> {
    let loaded = config::load(user.place.config.as_deref(), &user.place.data)?;
    if user.client.is_none() && user.role != Role::Agency {
        return Err(Failed::one("--client", "is missing", "name the client, or give --role agency"));
    }
    let password = read_password()?;
    let env = Env::system();
    let store = wiring::open_store(&loaded.config, &user.place.data, env.clone()).await?;
    let client_id = match user.client {
        None => None,
        Some(slug) => {
            let section = loaded.config.clients.iter().find(|c| c.slug == slug);
            let name = section.map_or_else(|| slug.clone(), |c| c.name.clone());
            let id: Result<_, StoreError> = store
                .write(move |tx: &mut Tx| {
                    Box::pin(async move { clients::ensure_client(tx, &slug, &name).await })
                })
                .await;
            Some(id?)
        }
    };
    let new = NewUser {
        client_id,
        name: user.name.unwrap_or_else(|| user.login.clone()),
        login: user.login,
        role: user.role,
        language: user.language,
    };
    let stored = accounts::set_password(&store, &env, new, &password).await;
    let stored =
        stored.map_err(|e| Failed::one("user", e.to_string(), "mend it and run the command again"))?;
    output::line(format_args!("{} may sign in as {}", stored.name, stored.login));
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn read_password() -> Result<Secret, Failed> {
    output::note("password (end with Enter or end of input):");
    let mut text = String::new();
    let read = std::io::stdin().take(4096).read_to_string(&mut text);
    read.map_err(|e| {
        Failed::one("standard input", e.to_string(), "pipe the password in: ismart user NAME < file")
    })?;
    let line = text.lines().next().unwrap_or("").to_owned();
    Ok(Secret::new(line))
}
