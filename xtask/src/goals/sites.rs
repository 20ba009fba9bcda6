//! Goals of sites: a fleet in one process, and pages that are kept ready.

use std::process::Command;

use serde::Deserialize;

use super::{Bench, Measured};

/// What `sites fleet --json` prints.
#[derive(Debug, Deserialize)]
struct Fleet {
    sites: u64,
    pages: u64,
    start_ms: f64,
    empty_start_ms: f64,
    start_mib: f64,
    shown_mib: f64,
    one_mib: f64,
}

pub(super) fn fleet(bench: &Bench) -> Result<Measured, String> {
    fleet_of(bench, 47).map(|found| judged(&found, 300.0, 1000.0))
}

pub(super) fn thousand(bench: &Bench) -> Result<Measured, String> {
    fleet_of(bench, 1000).map(|found| judged(&found, 6400.0, 22_000.0))
}

fn fleet_of(bench: &Bench, sites: u32) -> Result<Fleet, String> {
    let programs = bench.programs()?;
    let ran = bench.run(
        Command::new(&programs.sites)
            .args(["fleet", "--json", "--site", "examples/avtograd", "--sites", &sites.to_string()])
            .arg("--binary")
            .arg(&programs.ismart),
    )?;
    let last = ran.output.lines().last().unwrap_or("");
    serde_json::from_str(last).map_err(|error| format!("the tool printed no result: {error}"))
}

fn judged(found: &Fleet, mib: f64, millis: f64) -> Measured {
    let Fleet { sites, pages, start_ms, empty_start_ms, start_mib, shown_mib, one_mib } = found;
    Measured {
        figure: format!(
            "{sites} sites start in {start_ms:.0} ms; {start_mib:.0} MiB after the start, {shown_mib:.0} MiB after {pages} pages"
        ),
        reference: format!("one site: {empty_start_ms:.0} ms, {one_mib:.0} MiB"),
        holds: *pages > 0 && *shown_mib <= mib && *start_ms <= millis,
    }
}

/// What `sites kept --json` prints.
#[derive(Debug, Deserialize)]
struct Path {
    servers: Vec<Server>,
}

#[derive(Debug, Deserialize)]
struct Server {
    name: String,
    requests_a_second: f64,
    bytes: u64,
}

pub(super) fn kept(bench: &Bench) -> Result<Measured, String> {
    let programs = bench.programs()?;
    let ran = bench.run(
        Command::new(&programs.sites)
            .args(["kept", "--json", "--sites", "examples"])
            .arg("--binary")
            .arg(&programs.ismart),
    )?;
    beside(ran.output.lines().last().unwrap_or(""))
}

fn beside(json: &str) -> Result<Measured, String> {
    let paths: Vec<Path> =
        serde_json::from_str(json).map_err(|error| format!("the tool printed no result: {error}"))?;
    let of = |name: &str| {
        let servers = paths.iter().flat_map(|path| &path.servers);
        servers.clone().find(|server| server.name == name).ok_or_else(|| format!("`{name}` was not measured"))
    };
    let (ours, nginx) = (of("ismart")?, of("nginx")?);
    Ok(Measured {
        figure: format!("{:.0} requests/s of {} bytes", ours.requests_a_second, ours.bytes),
        reference: format!("nginx, the same bytes as a file: {:.0} requests/s", nginx.requests_a_second),
        holds: ours.bytes == nginx.bytes && ours.requests_a_second >= 0.5 * nginx.requests_a_second,
    })
}

/// What `sites published --json` prints.
#[derive(Debug, Deserialize)]
struct Published {
    visible_ms: Vec<f64>,
    answered_ms: f64,
    page_ms: f64,
}

pub(super) fn published(bench: &Bench) -> Result<Measured, String> {
    let programs = bench.programs()?;
    let ran = bench.run(
        Command::new(&programs.sites)
            .args(["published", "--json", "--sites", "examples", "--site", "avtograd", "--page", "about"])
            .arg("--binary")
            .arg(&programs.ismart),
    )?;
    seen(ran.output.lines().last().unwrap_or(""))
}

fn seen(json: &str) -> Result<Measured, String> {
    let found: Published =
        serde_json::from_str(json).map_err(|error| format!("the tool printed no result: {error}"))?;
    let longest = found.visible_ms.iter().copied().fold(0.0, f64::max);
    Ok(Measured {
        figure: format!(
            "{} publications: visible after {longest:.0} ms at most, answered after {:.0} ms (median)",
            found.visible_ms.len(),
            found.answered_ms
        ),
        reference: format!("the page itself: {:.1} ms", found.page_ms),
        holds: !found.visible_ms.is_empty() && longest <= 1000.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_publication_counts() {
        let line = |all: &str| format!("{{\"visible_ms\":[{all}],\"answered_ms\":200.0,\"page_ms\":2.0}}");
        assert!(seen(&line("300,900")).unwrap().holds);
        assert!(!seen(&line("300,1100,200")).unwrap().holds);
        assert!(!seen(&line("")).unwrap().holds);
        assert!(seen("").is_err());
    }

    #[test]
    fn memory_and_start_are_judged_together() {
        let fleet = |start_ms: f64, shown_mib: f64| Fleet {
            sites: 47,
            pages: 700,
            start_ms,
            empty_start_ms: 100.0,
            start_mib: 90.0,
            shown_mib,
            one_mib: 40.0,
        };
        assert!(judged(&fleet(900.0, 290.0), 300.0, 1000.0).holds);
        assert!(!judged(&fleet(1100.0, 290.0), 300.0, 1000.0).holds);
        assert!(!judged(&fleet(900.0, 310.0), 300.0, 1000.0).holds);
    }

    #[test]
    fn the_same_bytes_are_demanded() {
        let line = |ours: u32, bytes: u32| {
            format!(
                "[{{\"path\":\"/\",\"servers\":[{{\"name\":\"ismart\",\"requests_a_second\":{ours},\"bytes\":{bytes}}},{{\"name\":\"nginx\",\"requests_a_second\":1000,\"bytes\":10}}]}}]"
            )
        };
        assert!(beside(&line(600, 10)).unwrap().holds);
        assert!(!beside(&line(400, 10)).unwrap().holds);
        assert!(!beside(&line(600, 11)).unwrap().holds);
        assert!(beside("").is_err() && beside("[]").is_err());
    }
}
