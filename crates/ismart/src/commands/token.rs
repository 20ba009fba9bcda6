//! `ismart token`: keys of the API for programs.

use std::process::ExitCode;

use clap::Args;
use ismart_domain::Env;
use ismart_store::{clients, users};
use ismart_web::console::keys::{self, NewKey};

use super::Place;
use crate::output::{self, Failed};
use crate::{config, wiring};

/// The key.
#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(flatten)]
    place: Place,
    /// What the key is called in the console
    name: String,
    /// Sign-in name of the person who answers for the key
    #[arg(long, value_name = "NAME")]
    login: String,
    /// Slug of the client whose data it opens
    #[arg(long, value_name = "SLUG")]
    client: String,
    /// The one site that it is for; without it all sites of the client
    #[arg(long, value_name = "SLUG")]
    site: Option<String>,
    /// What it may do: content:read, content:write, forms:submit, leads:read, leads:write; may be given more than once
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// Days that it works
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

/// Makes a key and prints it, this one time.
pub(super) async fn token(token: Token) -> Result<ExitCode, Failed> {
    let loaded = config::load(token.place.config.as_deref(), &token.place.data)?;
    let env = Env::system();
    let store = wiring::open_store(&loaded.config, &token.place.data, env.clone()).await?;
    let mut conn = store.read().await?;
    let user = users::by_login(&mut conn, &token.login.to_lowercase()).await?.map(|(user, _)| user);
    let user = user.ok_or_else(|| {
        let fix = "add the person first: ismart user NAME --client SLUG";
        Failed::one("--login", format!("nobody signs in as `{}`", token.login), fix)
    })?;
    let known = clients::list(&mut conn).await?;
    let client = known.iter().find(|client| client.slug == token.client).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|client| client.slug.as_str()).collect();
        let fix =
            format!("name one of: {}; clients are known after their first `ismart serve`", names.join(", "));
        Failed::one("--client", format!("there is no client `{}`", token.client), fix)
    })?;
    if user.client_id.is_some_and(|id| id != client.id) {
        let why = format!("`{}` works for another client", user.login);
        return Err(Failed::one("--login", why, "name a person of this client, or of the agency"));
    }
    let site_id = match &token.site {
        None => None,
        Some(slug) => {
            let sites = clients::sites(&mut conn, client.id).await?;
            let found = sites.iter().find(|site| site.slug == *slug).map(|site| site.id);
            Some(found.ok_or_else(|| {
                let names: Vec<&str> = sites.iter().map(|site| site.slug.as_str()).collect();
                let fix = format!("name one of: {}", names.join(", "));
                Failed::one("--site", format!("`{}` has no site `{slug}`", client.slug), fix)
            })?)
        }
    };
    drop(conn);
    let new = NewKey {
        client_id: client.id,
        site_id,
        name: token.name,
        scopes: token.scopes,
        days: Some(i64::from(token.days)),
    };
    let made = keys::make(&store, &env, &user, new).await;
    let made = made.map_err(|e| Failed::one("token", e.to_string(), "mend it and run the command again"))?;
    output::note("Keep this key now: it cannot be shown again.");
    output::line(made.reveal());
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
