//! `ismart pilot`: answers from a site's knowledge for a site that somebody else serves.

mod crawl;
mod folder;
mod line;
mod text;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use ismart_http::{AddressPolicy, Client, Settings};
use url::Url;

use super::Place;
use crate::config::{self, Loaded};
use crate::output::{self, Failed};

/// A site that somebody else serves.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Pilot {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Read a site, give it a worker that answers from its pages, and print the line for its pages
    Add(Box<Add>),
    /// Read the pages of a site again
    Refresh(Refresh),
}

#[derive(Debug, Args)]
struct Add {
    #[command(flatten)]
    place: Place,
    /// Address of the site, for example https://dealer.example
    address: Url,
    /// Key of the site [default: made of its host]
    #[arg(long)]
    key: Option<String>,
    /// Slug of the client it belongs to [default: the key]
    #[arg(long)]
    client: Option<String>,
    /// Name for people [default: the site's own]
    #[arg(long)]
    name: Option<String>,
    /// Worker package [default: the one of the site's line of business, or `general-assistant`]
    #[arg(long)]
    worker: Option<String>,
    /// Address at which visitors reach this server, for the printed line [default: the first host of the console]
    #[arg(long)]
    server: Option<Url>,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Args)]
struct Refresh {
    #[command(flatten)]
    place: Place,
    /// Key of the site
    key: String,
    #[command(flatten)]
    reading: Reading,
}

/// How the pages are read.
#[derive(Debug, Args)]
struct Reading {
    /// Read the site's folder (`data/json/…/pages`) instead of its pages
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Pages at most
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pages: u16,
    /// Milliseconds between two requests
    #[arg(long, default_value_t = 250)]
    pause: u64,
}

/// A site as it was read.
#[derive(Debug, Default)]
struct Known {
    /// What it calls itself.
    name: Option<String>,
    /// Its phone, as a page shows it.
    phone: Option<String>,
    /// Address of the consent or policy that its pages link to.
    policy: Option<String>,
    /// Code of its language.
    language: Option<String>,
    pages: Vec<Page>,
}

/// A page as it was read.
#[derive(Debug, Clone, PartialEq)]
struct Page {
    /// Path and query on the site.
    path: String,
    title: String,
    /// Its text, in the form of a page's content.
    content: serde_json::Value,
}

/// Runs the tool.
pub(super) async fn pilot(pilot: Pilot) -> Result<ExitCode, Failed> {
    match pilot.tool {
        Tool::Add(add) => self::add(*add).await,
        Tool::Refresh(refresh) => self::refresh(refresh).await,
    }
}

async fn add(add: Add) -> Result<ExitCode, Failed> {
    let loaded = config::load(add.place.config.as_deref(), &add.place.data)?;
    let address = root(&add.address)?;
    let key = add.key.unwrap_or_else(|| key_of(&address));
    write::check_key(&key)?;
    let folder = loaded.base.join(&loaded.config.sites).join(&key);
    if folder.exists() {
        return Err(Failed::one(
            folder.display().to_string(),
            "is there already",
            format!("read its pages again with `ismart pilot refresh {key}`, or give another --key"),
        ));
    }
    let known = read(&loaded, &address, &add.reading).await?;
    let worker = add.worker.unwrap_or_else(|| line::worker(&known).to_owned());
    let site = write::NewSite {
        client: add.client.unwrap_or_else(|| key.clone()),
        name: add.name.or_else(|| known.name.clone()).unwrap_or_else(|| key.clone()),
        worker,
        key: key.clone(),
        address,
    };
    write::site(&folder, &site, &known)?;
    output::line(format_args!("{} pages of {} are known", known.pages.len(), site.address));
    output::line(format_args!("site folder: {}", folder.display()));
    output::line(format_args!(
        "worker: {} (`[worker] package` in config/site.toml names another)",
        site.worker
    ));
    let server = server(add.server.as_ref(), &loaded);
    output::line(format_args!("\nPut this line into the pages, before </body>:\n"));
    output::line(format_args!("{}", ismart_web::pilot_line(&server, &key)));
    output::line(format_args!("\nA running server takes it in after SIGHUP, or when it starts."));
    Ok(ExitCode::SUCCESS)
}

async fn refresh(refresh: Refresh) -> Result<ExitCode, Failed> {
    let loaded = config::load(refresh.place.config.as_deref(), &refresh.place.data)?;
    write::check_key(&refresh.key)?;
    let folder = loaded.base.join(&loaded.config.sites).join(&refresh.key);
    let address = write::address_of(&folder)?;
    let known = read(&loaded, &address, &refresh.reading).await?;
    write::pages(&folder, &known)?;
    output::line(format_args!("{} pages of {address} are known; SIGHUP takes them in", known.pages.len()));
    Ok(ExitCode::SUCCESS)
}

/// Reads the site, or its folder.
async fn read(loaded: &Loaded, address: &Url, reading: &Reading) -> Result<Known, Failed> {
    let known = match &reading.folder {
        Some(folder) => folder::read(folder, usize::from(reading.pages))?,
        None => {
            let allow = if loaded.config.http.allow_loopback {
                AddressPolicy::AllowLoopback
            } else {
                AddressPolicy::PublicOnly
            };
            let user_agent = format!("{}/{}", crawl::AGENT, env!("CARGO_PKG_VERSION"));
            let client = Client::new(Settings { allow, user_agent, ..Settings::default() }).map_err(|e| {
                Failed::one("http client", e.to_string(), "check the certificates of the system")
            })?;
            let limits = crawl::Limits {
                pages: usize::from(reading.pages),
                pause: Duration::from_millis(reading.pause),
            };
            let (known, problems) = crawl::site(&client, address, &limits).await?;
            for problem in &problems {
                output::note(format_args!("warning: {problem}"));
            }
            known
        }
    };
    if known.pages.is_empty() {
        return Err(Failed::one(
            address.to_string(),
            "gave no page with text",
            "check the address and its robots.txt, or name the site's folder with --folder",
        ));
    }
    Ok(known)
}

/// The root of an address: scheme, host and port.
fn root(address: &Url) -> Result<Url, Failed> {
    let wrong = |why: &str| Failed::one(address.to_string(), why, "write for example https://dealer.example");
    if !matches!(address.scheme(), "http" | "https") || address.host_str().is_none() {
        return Err(wrong("is no address of a site"));
    }
    address.join("/").map_err(|e| wrong(&e.to_string()))
}

/// A key made of a host: `www.dealer.example` gives `dealer-example`.
fn key_of(address: &Url) -> String {
    let host = address.host_str().unwrap_or("site").trim_start_matches("www.");
    let mut key: String = host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if let Some(port) = address.port() {
        key.push_str(&format!("-{port}"));
    }
    key.trim_matches('-').to_ascii_lowercase()
}

/// Where visitors reach this server.
fn server(given: Option<&Url>, loaded: &Loaded) -> String {
    if let Some(given) = given {
        return given.as_str().trim_end_matches('/').to_owned();
    }
    let scheme = if loaded.config.http.https { "https" } else { "http" };
    let host = loaded.config.console.hosts.first().cloned();
    format!("{scheme}://{}", host.unwrap_or_else(|| loaded.config.listen.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_hosts() {
        for (address, key) in [
            ("https://www.Dealer.example/cars?x", "dealer-example"),
            ("http://127.0.0.1:8099/", "127-0-0-1-8099"),
            ("https://xn--80aaf.xn--p1ai/", "xn--80aaf-xn--p1ai"),
        ] {
            let address: Url = address.parse().unwrap();
            assert_eq!(key_of(&root(&address).unwrap()), key);
        }
        assert!(root(&"file:///etc/passwd".parse().unwrap()).is_err());
    }
}
