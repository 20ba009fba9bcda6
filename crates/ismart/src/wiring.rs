//! The root: opens the parts and joins them. No rule of the business stands here.

mod captcha;
mod destinations;
pub(crate) mod doors;
mod feeds;
pub(crate) mod mailboxes;
mod place;
mod queue;
mod reload;
mod shop;
mod sites;
mod tokens;
mod watching;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ismart_connect::Egress;
use ismart_domain::ports::Connector;
use ismart_domain::{ClientId, Env, Secret};
use ismart_http::{AddressPolicy, Client};
use ismart_leads::Destination;
use ismart_leads::outcomes::Followed;
use ismart_sites::Snapshot;
use ismart_store::lead_desk;
use ismart_store::{Store, StoreError, Tx, clients, users};
use ismart_web::editing::Editing;
use ismart_web::fleet::FleetFolders;
use ismart_web::{ClientProfile, DestinationProfile, Options, Platform, World};
use ismart_workers::desk::Desk;
use jiff::tz::TimeZone;

use crate::config::{ClientSection, Config, DestinationSection, LeadsSection, Loaded};
use crate::output::{Failed, Trouble};

pub(crate) use destinations::{Book, kinds};
pub(crate) use feeds::Feeds;
pub(crate) use queue::{Rules, vigil};
use reload::Found;
pub(crate) use reload::Reloader;
pub(crate) use sites::cores;
pub(crate) use watching::Watching;

/// Folder of the roll-outs beside the sites.
pub(crate) const ROLLOUTS: &str = "rollouts";

/// Folder of files of senders in the data folder.
const FILES: &str = "files";

/// Name of the database file in the data folder.
const DATABASE: &str = "ismart.db";

/// Where files of senders lie.
pub(crate) fn files_folder(data: &Path) -> std::path::PathBuf {
    data.join(FILES)
}

/// A destination that is not the real one: screens say so.
#[derive(Debug, Clone)]
pub(crate) struct Simulation {
    /// Name of the destination.
    pub(crate) destination: String,
    /// Address of the emulator's page.
    pub(crate) page: String,
}

/// Everything, joined.
pub(crate) struct Wired {
    pub(crate) store: Store,
    pub(crate) platform: Arc<Platform>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) rules: Rules,
    pub(crate) followed: Vec<Followed>,
    pub(crate) reloader: Arc<Reloader>,
    /// Settings that can be changed while the server runs; none in the demonstration.
    pub(crate) cover: Option<destinations::Cover>,
    pub(crate) feeds: Feeds,
    /// The folder that paths of the configuration start from.
    pub(crate) base: std::path::PathBuf,
    pub(crate) warnings: Vec<Trouble>,
}

/// Opens the database that the configuration names.
pub(crate) async fn open_store(config: &Config, data: &Path, env: Env) -> Result<Store, Failed> {
    if let Some(url) = &config.store.postgres {
        return Ok(Store::open_postgres(url.reveal(), config.store.connections.unwrap_or(16), env).await?);
    }
    std::fs::create_dir_all(data).map_err(|error| {
        Failed::one(
            data.display().to_string(),
            error.to_string(),
            "give a folder that can be written with --data",
        )
    })?;
    Ok(Store::open_sqlite(&data.join(DATABASE), env).await?)
}

/// The way out that all connectors share.
fn egress(config: &Config) -> Result<Egress, Failed> {
    client(config).map(Egress::new)
}

fn client(config: &Config) -> Result<Client, Failed> {
    let allow =
        if config.http.allow_loopback { AddressPolicy::AllowLoopback } else { AddressPolicy::PublicOnly };
    let settings = ismart_http::Settings {
        connect_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(60),
        user_agent: concat!("iSmart/", env!("CARGO_PKG_VERSION")).to_owned(),
        allow,
        ..ismart_http::Settings::default()
    };
    Client::new(settings)
        .map_err(|e| Failed::one("http client", e.to_string(), "check the certificates of the system"))
}

/// Opens the connector of one destination of a client with a way out of its own: for `doctor`.
pub(crate) async fn open_connector(
    config: &Config,
    store: &Store,
    client: &ClientSection,
    section: &DestinationSection,
) -> Result<Arc<dyn Connector>, Failed> {
    let id = client_row(store, &client.slug, &client.name).await?;
    open_with(&tokens::keeping(&egress(config)?, store, id), section, "configuration")
}

fn open_with(
    egress: &Egress,
    section: &DestinationSection,
    place: &str,
) -> Result<Arc<dyn Connector>, Failed> {
    let place = format!("{place}: destination `{}`", section.name);
    let Some(entry) = ismart_connect::find(&section.kind) else {
        let known: Vec<&str> = ismart_connect::CONNECTORS.iter().map(|entry| entry.kind).collect();
        return Err(Failed::one(
            place,
            format!("there is no connector `{}`", section.kind),
            format!("use one of: {}", known.join(", ")),
        ));
    };
    (entry.open)(&section.settings, egress).map_err(|error| {
        let troubles = error.problems.into_iter().map(|problem| {
            Trouble::new(format!("{place}: {}", problem.key), problem.reason, "correct the setting")
        });
        Failed(troubles.collect())
    })
}

/// Joins everything: store, clients, destinations, desk, sites.
///
/// # Errors
/// All problems that make serving impossible.
pub(crate) async fn wire(
    loaded: &Loaded,
    data: &Path,
    env: Env,
    simulation: Option<Simulation>,
) -> Result<Wired, Failed> {
    let config = &loaded.config;
    let packages = workers::load_all(loaded).map_err(Failed)?;
    let store = open_store(config, data, env.clone()).await?;
    // What a crash kept out of the folders is brought there before anything is read from them.
    let completed = Editing::recover(&store, || sites::roots(loaded)).await;
    match completed {
        Ok(0) => {}
        Ok(count) => tracing::info!(publications = count, "publications were completed after a crash"),
        Err(error) => {
            return Err(Failed::one(
                "sites",
                error.to_string(),
                "mend the cause and start again; nothing is lost",
            ));
        }
    }
    let cores = sites::cores(loaded);
    let found = Found::all(loaded, &cores, &env)?;
    let egress = egress(config)?;
    let rules = Rules::of(config, &egress, &loaded.file.display().to_string())?;
    let (profiles, destinations, outcomes) =
        open_clients(loaded, &egress, &store, simulation.as_ref()).await?;
    let secret = form_secret(&store, &env).await?;
    let desk = Desk::new(store.clone());
    let options = Options {
        console_hosts: config.console.hosts.clone(),
        https: config.http.https || config.http.tls.is_some(),
        watch: config.http.watch,
        trusted_proxies: config.http.trusted_proxies.clone(),
        demo: simulation.is_some(),
        per_minute: config.http.per_minute,
        keep: u64::from(config.http.keep_mb) * 1024 * 1024,
        api_per_minute: config.api.per_minute,
        form_secret: secret,
        cores: cores.clone(),
        fleet: FleetFolders { sites: loaded.base.join(&config.sites), rollouts: loaded.base.join(ROLLOUTS) },
        files: files_folder(data),
    };
    let world = Arc::new(ArcSwap::from_pointee(World::default()));
    let platform = Arc::new(Platform::new(store.clone(), world, desk, profiles, options));
    let cover = simulation.is_none().then(|| destinations::Cover {
        file: loaded.file.clone(),
        data: data.to_path_buf(),
        egress: egress.clone(),
    });
    let reloader = Arc::new(Reloader::new(loaded.for_sites(), cores, packages, egress));
    let warnings = reloader.start(&platform, found).await?;
    platform.doors.open(doors::open(loaded, &store).await?);
    let feeds = Feeds::new(client(config)?, platform.clone(), reloader.clone());
    platform.hooks.replace(outcomes.hooks);
    let (followed, base) = (outcomes.followed, loaded.base.clone());
    Ok(Wired { store, platform, destinations, rules, followed, reloader, cover, feeds, base, warnings })
}

/// Rows for every client named by the configuration, and its opened destinations.
async fn open_clients(
    loaded: &Loaded,
    egress: &Egress,
    store: &Store,
    simulation: Option<&Simulation>,
) -> Result<(Vec<ClientProfile>, Vec<Destination>, queue::Outcomes), Failed> {
    let (mut profiles, mut destinations, mut troubles) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = queue::Outcomes::default();
    let file = loaded.file.display().to_string();
    let named: Vec<(String, String, String)> = loaded
        .config
        .clients
        .iter()
        .map(|client| (client.slug.clone(), client.name.clone(), client.time_zone.clone()))
        .collect();
    for (slug, name, zone) in named {
        let id = client_row(store, &slug, &name).await?;
        let egress = &tokens::keeping(egress, store, id);
        let Some(client) = loaded.config.clients.iter().find(|client| client.slug == slug) else { continue };
        queue::mark_test_slots(store, id, &client.destinations).await?;
        take_rules(store, id, client.leads).await?;
        let mut shown = Vec::new();
        for section in &client.destinations {
            let followed = outcomes.follow(egress, id, client, section, &file);
            troubles.extend(followed.err().into_iter().flat_map(|Failed(found)| found));
            match open_with(egress, section, &file) {
                Ok(connector) => {
                    let care = queue::care(client, section);
                    let name = section.name.clone();
                    destinations.push(Destination { care, ..Destination::new(id, name, connector) });
                    let simulated =
                        simulation.filter(|s| s.destination == section.name).map(|s| s.page.clone());
                    shown.push(DestinationProfile {
                        name: section.name.clone(),
                        kind: section.kind.clone(),
                        simulated,
                        test: section.test,
                        sites: section.sites.clone(),
                    });
                }
                Err(Failed(found)) => troubles.extend(found),
            }
        }
        let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
        profiles.push(ClientProfile { id, slug, name, zone, destinations: shown });
    }
    if troubles.is_empty() { Ok((profiles, destinations, outcomes)) } else { Err(Failed(troubles)) }
}

/// Lets acceptance know the rules of a client's leads.
async fn take_rules(store: &Store, client_id: ClientId, section: LeadsSection) -> Result<(), StoreError> {
    let rules = lead_desk::Rules {
        repeat_minutes: i64::from(section.repeat_minutes),
        spam_limit: i64::from(section.spam_limit),
        names: i64::from(section.names_per_contact),
    };
    if lead_desk::rules(&mut store.read().await?, client_id).await? == rules {
        return Ok(());
    }
    store
        .write(move |tx: &mut Tx| Box::pin(async move { lead_desk::put_rules(tx, client_id, rules).await }))
        .await
}

async fn client_row(store: &Store, slug: &str, name: &str) -> Result<ClientId, StoreError> {
    let known = clients::list(&mut store.read().await?).await?;
    if let Some(row) = known.iter().find(|row| row.slug == slug && row.name == name) {
        return Ok(row.id);
    }
    let (slug, name) = (slug.to_owned(), name.to_owned());
    store
        .write(move |tx: &mut Tx| Box::pin(async move { clients::ensure_client(tx, &slug, &name).await }))
        .await
}

/// The secret that signs form tokens: made once, the same after every restart.
async fn form_secret(store: &Store, env: &Env) -> Result<Secret, StoreError> {
    let fresh = format!("{}{}", env.token(), env.token());
    let secret: Result<String, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { users::ensure_setting(tx, "form_secret", &fresh).await })
        })
        .await;
    Ok(Secret::new(secret?))
}

/// Mends what a machine may mend in the content of every site; gives a line for each file that was written.
///
/// # Errors
/// When a folder cannot be read or a file not be written.
pub(crate) fn mend(loaded: &Loaded) -> Result<Vec<String>, Failed> {
    let mut done = Vec::new();
    for folder in sites::folders(loaded).map_err(|trouble| Failed(vec![trouble]))? {
        let fixed = ismart_sites::fix(&folder).map_err(|error| {
            Failed::one(folder.display().to_string(), error.to_string(), "check the rights of its files")
        })?;
        done.extend(
            fixed.into_iter().map(|one| format!("{}: {}", folder.join(&one.file).display(), one.what)),
        );
    }
    Ok(done)
}

/// All sites, loaded.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(crate) fn snapshots(loaded: &Loaded, env: &Env) -> Result<Vec<Arc<Snapshot>>, Failed> {
    let parts = sites::load_all(loaded, env).map_err(Failed)?;
    Ok(parts.into_iter().map(|part| part.snapshot).collect())
}

/// Everything that can be found wrong without the network: for `check`.
pub(crate) fn examine(loaded: &Loaded, env: &Env) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    match sites::load_all(loaded, env) {
        Ok(parts) => {
            let egress = egress(&loaded.config).ok();
            for part in &parts {
                troubles.extend(sites::examine(part, env.now()));
                troubles.extend(egress.iter().flat_map(|egress| shop::examine(egress, part)));
                troubles
                    .extend(egress.iter().filter_map(|egress| captcha::open(egress, part).err()).flatten());
            }
            troubles.extend(sites::conflicts(&parts));
        }
        Err(found) => troubles.extend(found),
    }
    troubles.extend(doors::examine(loaded, |client, site| {
        sites::configs(loaded).any(|config| config.client == client && config.site == site)
    }));
    if let Err(found) = workers::load_all(loaded) {
        troubles.extend(found);
    }
    match egress(&loaded.config) {
        Ok(egress) => {
            let egress = tokens::spending_none(&egress);
            let file = loaded.file.display().to_string();
            let rules = Rules::of(&loaded.config, &egress, &file);
            troubles.extend(rules.err().into_iter().flat_map(|Failed(found)| found));
            for client in &loaded.config.clients {
                for section in &client.destinations {
                    if let Err(Failed(found)) =
                        open_with(&egress, section, &loaded.file.display().to_string())
                    {
                        troubles.extend(found);
                    }
                }
            }
        }
        Err(Failed(found)) => troubles.extend(found),
    }
    troubles
}
