//! Renders every page of a site many times and prints nanoseconds a page beside a reference of the same run.
//!
//! `cargo run --release -p ismart-sites --example render -- examples/avtograd [feed.json]`
//!
//! `feed.json` is `{"cars": [ … ]}`; without it each feed collection gets 40 made entities, so that figures of
//! lists mean something. The reference copies 200 bytes, as the plainest answer would.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use ismart_sites::{Answer, CollectionSource, External, Request, SiteFolder};
use jiff::Timestamp;
use serde_json::json;

const ROUNDS: usize = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = SiteFolder::new(arguments.next().unwrap_or_else(|| "examples/avtograd".to_owned()));
    let external = match arguments.next() {
        Some(feed) => External {
            collections: serde_json::from_str(&std::fs::read_to_string(feed)?)?,
            ..External::default()
        },
        None => made(&folder)?,
    };
    let begun = Instant::now();
    let site = folder
        .load(&external)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "load                     {:>10.1} ms", begun.elapsed().as_secs_f64() * 1e3)?;
    let now: Timestamp = "2026-11-22T12:00:00Z".parse()?;
    let host = site.config().hosts.first().cloned().unwrap_or_default();
    writeln!(out, "{:<24} {:>10} {:>10} {:>10} {:>8}", "page", "best ns", "median ns", "p99 ns", "bytes")?;
    let mut rows: Vec<(String, usize, Vec<Duration>)> = Vec::new();
    let mut shown = std::collections::HashMap::new();
    for document in site.documents() {
        // A few entities stand for all of a collection.
        let count: &mut usize = shown.entry(document.entity.map(|(key, _)| key)).or_default();
        *count += 1;
        if document.entity.is_some() && *count > 2 {
            continue;
        }
        let request = Request::get(&host, &document.url, now);
        let mut times = Vec::with_capacity(ROUNDS);
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = black_box(site.answer(black_box(&request)));
            times.push(begun.elapsed());
            if let Answer::Page(page) = answer {
                bytes = page.html.len();
            }
        }
        rows.push((document.url, bytes, times));
    }
    let source = [7_u8; 200];
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        black_box(black_box(&source).to_vec());
        times.push(begun.elapsed());
    }
    rows.push(("reference: copy 200 B".to_owned(), source.len(), times));
    for (name, bytes, mut times) in rows {
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 1000).map_or(0, Duration::as_nanos);
        writeln!(out, "{name:<24} {:>10} {:>10} {:>10} {bytes:>8}", at(0), at(500), at(990))?;
    }
    Ok(())
}

fn made(folder: &SiteFolder) -> Result<External, Box<dyn Error>> {
    let config = folder
        .config()
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let feeds = config.collections.values().filter(|c| c.source == CollectionSource::Feed);
    let cars = feeds.map(|collection| {
        let cars = (1..=40).map(|n| {
            let content = json!({
                "slug": format!("car-{n}"), "title": format!("Автомобиль {n}"), "price": 1_000_000 + n * 10_000,
                "year": 2020 + n % 6, "mileage": n * 1000, "desc": "Один владелец, сервисная книжка",
            });
            let mut entity = content.clone();
            if let (Some(key), Some(map)) = (&collection.item_key, entity.as_object_mut()) {
                map.insert(key.clone(), content);
            }
            entity
        });
        (collection.key.clone(), cars.collect())
    });
    Ok(External { collections: cars.collect(), ..External::default() })
}
