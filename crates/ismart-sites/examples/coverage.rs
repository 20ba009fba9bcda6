//! Counts the visible texts of a site that click-to-edit leads to their source.
//!
//! `cargo run --release -p ismart-sites --example coverage -- FOLDER [--all]`
//!
//! Every page and entity in every language is rendered once. A text is *literal* when a template holds it word for
//! word, *reached* when its file and JSON pointer are known (*found* when only its wording told them), *unknown*
//! otherwise. `--all` lists what was not reached. Then every reached text is put to the proof: all values that a page
//! shows are changed in a draft, the page is rendered again, and each text must have changed with its value.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use ismart_sites::edit::{Changes, Counts, Marked, Spot, SpotKind, Way, marked};
use ismart_sites::{CollectionSource, External, Request, SiteFolder, Snapshot};
use jiff::Timestamp;
use serde_json::Value;

/// Put into every value of a page; no site has it.
const MARK: &str = "\u{2602}";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = SiteFolder::new(arguments.next().unwrap_or_else(|| "examples/avtograd".to_owned()));
    let list = arguments.next().is_some();
    let config = folder.config().map_err(told)?;
    let mut external = External::default();
    for (key, collection) in &config.collections {
        if collection.source == CollectionSource::Feed {
            external.collections.insert(key.clone(), Vec::new());
        }
    }
    let site = folder.load(&external).map_err(told)?;
    let mut out = std::io::stdout().lock();
    let now: Timestamp = "2026-11-26T09:00:00Z".parse()?;
    let host = site.config().hosts.first().cloned().unwrap_or_else(|| "localhost".to_owned());
    let (mut all, mut pages) = (Counts::default(), 0);
    let (mut tried, mut changed) = (0, 0);
    let mut lost: BTreeMap<(String, String), usize> = BTreeMap::new();
    for document in site.documents() {
        let page = match marked(&site, &Request::get(&host, &document.url, now)) {
            Ok(Some(page)) => page,
            Ok(None) => continue,
            Err(failure) => {
                writeln!(out, "{} fails: {failure}", document.url)?;
                continue;
            }
        };
        pages += 1;
        all.visible += page.counts.visible;
        all.literal += page.counts.literal;
        all.reached += page.counts.reached;
        all.found += page.counts.found;
        all.unknown += page.counts.unknown;
        let (of_page, changed_of_page) = proven(&site, &page, &Request::get(&host, &document.url, now));
        tried += of_page;
        changed += changed_of_page;
        for spot in page.spots {
            if spot.place.is_none() && spot.kind == SpotKind::Text && (list || spot.way != Way::Template) {
                *lost.entry((spot.template, spot.text)).or_default() += 1;
            }
        }
    }
    for ((template, text), count) in &lost {
        writeln!(out, "{count:>5} {template:<44} {text}")?;
    }
    let share = |part: usize, of: usize| {
        let tenths = (part * 10_000).checked_div(of).unwrap_or(10_000);
        format!("{}.{:02} %", tenths / 100, tenths % 100)
    };
    let content = all.visible - all.literal;
    writeln!(out, "pages {pages}, visible texts {}, literal in templates {}", all.visible, all.literal)?;
    writeln!(
        out,
        "reached {} (found by wording {}), unknown {}: {} of the texts from content, {} of all visible texts",
        all.reached,
        all.found,
        all.unknown,
        share(all.reached, content),
        share(all.reached, all.visible)
    )?;
    writeln!(
        out,
        "proof: of {tried} parts of texts {changed} changed with their value: {}",
        share(changed, tried)
    )?;
    Ok(())
}

/// How many texts of a page have a place, and how many of them change when all those values change.
fn proven(site: &Snapshot, page: &Marked, request: &Request<'_>) -> (usize, usize) {
    let texts = |page: &Marked| -> Vec<Spot> {
        page.spots
            .iter()
            .filter(|spot| spot.kind == SpotKind::Text && spot.place.is_some())
            .cloned()
            .collect()
    };
    let before = texts(page);
    let mut files: BTreeMap<String, Value> = BTreeMap::new();
    for place in before.iter().filter_map(|spot| spot.place.as_ref()) {
        let Some(whole) = site.json(&place.file) else { continue };
        let file = files.entry(place.file.clone()).or_insert_with(|| whole.clone());
        if let Some(value) = file.pointer_mut(&place.pointer) {
            spoil(value);
        }
    }
    let changes: Changes = files.into_iter().map(|(file, value)| (file, Some(value.to_string()))).collect();
    let Ok(draft) = site.overlaid(&changes) else { return (before.len(), 0) };
    let Ok(Some(page)) = marked(&draft, request) else { return (before.len(), 0) };
    let after: Vec<String> = page
        .spots
        .iter()
        .filter(|spot| {
            spot.kind == SpotKind::Text && (spot.text.contains(MARK) || spot.text.contains("7001"))
        })
        .map(|spot| spot.text.replace(MARK, ""))
        .collect();
    (before.len(), after.len().min(before.len()))
}

/// Changes every text and number of a value so that it can be told; each text piece of markup for itself.
fn spoil(value: &mut Value) {
    match value {
        Value::String(text) if !text.contains(MARK) => {
            if text.contains('<') {
                let parts: Vec<String> = text
                    .split('<')
                    .map(|part| match part.split_once('>') {
                        Some((tag, rest)) if !rest.trim().is_empty() => format!("{tag}>{MARK}{rest}"),
                        None if !part.trim().is_empty() => format!("{MARK}{part}"),
                        _ => part.to_owned(),
                    })
                    .collect();
                *text = parts.join("<");
            } else {
                text.push_str(MARK);
            }
        }
        Value::Number(number) if number.as_u64() != Some(7001) => *value = Value::from(7001),
        Value::Array(items) => items.iter_mut().for_each(spoil),
        Value::Object(map) => map.values_mut().for_each(spoil),
        _ => {}
    }
}

fn told(findings: Vec<ismart_sites::Finding>) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
