//! A fleet of copies of one site: how soon it serves, and what it holds in memory.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use ismart_testing::{Server, http_client};
use serde::Serialize;

use crate::Trouble;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// Sites of the fleet.
    sites: usize,
    /// Pages that were asked for.
    pages: usize,
    /// From the start of the process to its first answer, milliseconds; the database is there already.
    start_ms: f64,
    /// The same of an empty server: what is not the sites' own.
    empty_start_ms: f64,
    /// Resident memory after the start, mebibytes.
    start_mib: f64,
    /// Resident memory after every page of every site was shown, mebibytes.
    shown_mib: f64,
    /// Resident memory of a server with one site after its start, mebibytes.
    one_mib: f64,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sites, pages, start_ms, empty_start_ms, start_mib, shown_mib, one_mib } = self;
        writeln!(f, "{sites} sites: start {start_ms:.0} ms (one site {empty_start_ms:.0} ms)")?;
        write!(
            f,
            "memory {start_mib:.0} MiB after the start, {shown_mib:.0} MiB after {pages} pages of all sites (one site {one_mib:.0} MiB)"
        )
    }
}

/// Starts a server over `sites` copies of `site`, and over one copy beside it; asks every page of every site once.
pub(crate) async fn measure(binary: &Path, site: &Path, sites: usize) -> Result<Found, Trouble> {
    let few = folder(site, 1)?;
    let many = folder(site, sites)?;
    // The first start makes the database and its rows: every later one finds them.
    for data in [few.path(), many.path()] {
        Server::start(binary, "serve", data, &[] as &[&str]).await?.terminate().await?;
    }
    let mut alone = Server::start(binary, "serve", few.path(), &[] as &[&str]).await?;
    let empty_start = alone.took();
    let one_mib = memory(alone.id())?;
    alone.terminate().await?;
    let mut server = Server::start(binary, "serve", many.path(), &[] as &[&str]).await?;
    let start = server.took();
    let start_mib = memory(server.id())?;
    let pages = show(server.url(), sites).await?;
    let shown_mib = memory(server.id())?;
    server.terminate().await?;
    let millis = |took: Duration| took.as_secs_f64() * 1000.0;
    Ok(Found {
        sites,
        pages,
        start_ms: millis(start),
        empty_start_ms: millis(empty_start),
        start_mib,
        shown_mib,
        one_mib,
    })
}

fn host(number: usize) -> String {
    format!("site-{number:04}.example")
}

/// A data folder with so many copies of a site: each of its own client, key and host.
fn folder(site: &Path, sites: usize) -> Result<tempfile::TempDir, Trouble> {
    let data = tempfile::tempdir()?;
    let text = std::fs::read_to_string(site.join("config/site.toml"))?;
    let mut config: toml::Table = text.parse()?;
    // A worker has its own price, which is measured elsewhere; a base address would hide the hosts.
    for key in ["worker", "base_url"] {
        config.remove(key);
    }
    for number in 0..sites {
        let root = data.path().join("sites").join(format!("site-{number:04}"));
        copy(site, &root)?;
        let name = format!("site-{number:04}");
        config.insert("site".to_owned(), name.clone().into());
        config.insert("client".to_owned(), name.into());
        config.insert("hosts".to_owned(), toml::Value::Array(vec![host(number).into()]));
        std::fs::write(root.join("config/site.toml"), config.to_string())?;
    }
    // As behind a proxy with HTTPS: links of pages are made for one address, not for two.
    std::fs::write(data.path().join("ismart.toml"), "[http]\nhttps = true\n[log]\nfilter = \"error\"\n")?;
    Ok(data)
}

/// Copies a folder; large files that no page is made of are linked, so that a thousand copies fit on a disk.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() && std::fs::hard_link(entry.path(), &target).is_err() {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    // The configuration is written anew: a link would change the original.
    let own = to.join("site.toml");
    if own.exists() {
        std::fs::remove_file(own)?;
    }
    Ok(())
}

async fn show(url: &str, sites: usize) -> Result<usize, Trouble> {
    let client = http_client()?;
    let deadline = Instant::now() + Duration::from_secs(600);
    let mut pages = 0;
    for number in 0..sites {
        let host = host(number);
        let ask = |path: String| client.get(format!("{url}{path}")).header("host", &host).send();
        let sitemap = ask("/sitemap.xml".to_owned()).await?.error_for_status()?.text().await?;
        for address in sitemap.split("<loc>").skip(1).filter_map(|rest| rest.split("</loc>").next()) {
            let (_, rest) = address.split_once("://").unwrap_or(("", address));
            let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned();
            let answer = ask(path.clone()).await?;
            // Sitemaps of old sites name pages that are not there; a page that fails is another matter.
            if answer.status().is_server_error() {
                return Err(format!("{host}{path} answers {}", answer.status()).into());
            }
            answer.bytes().await?;
            pages += 1;
        }
        if Instant::now() > deadline {
            return Err("the pages of the fleet took longer than ten minutes".into());
        }
    }
    Ok(pages)
}

/// Resident memory of a process, mebibytes.
fn memory(process: Option<u32>) -> Result<f64, Trouble> {
    let process = process.ok_or("the server is gone")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))
        .map_err(|error| format!("memory is read from /proc, which needs Linux: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("/proc names no VmRSS")?;
    let kib: u32 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(f64::from(kib) / 1024.0)
}
