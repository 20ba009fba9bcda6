//! The gate before a publication: what would disappoint visitors if the draft went live.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::disk::Changes;
use super::facts::disagreements;
use super::schema::{deviations, schema_of};
use super::trace::Place;
use super::walk::{SpotKind, marked};
use crate::answer::{Answer, FileBody, Request};
use crate::check::check;
use crate::finding::{Finding, Severity};
use crate::snapshot::{Snapshot, primary_base};

/// Bytes that one page may weigh with its pictures, styles and scripts before the gate warns.
pub const WEIGHT_BUDGET: u64 = 2_500_000;

/// Something that the gate found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hold {
    /// What.
    #[serde(flatten)]
    pub finding: Finding,
    /// Nothing is published while it is there.
    pub blocking: bool,
    /// The site that visitors see has it already: this draft is not to blame.
    pub known: bool,
}

/// The verdict over a draft.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// Everything found, what blocks first, what was there before last.
    pub holds: Vec<Hold>,
}

impl Gate {
    /// Whether something stands in the way whatever the reason.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.holds.iter().any(|hold| hold.blocking)
    }

    /// Whether publishing needs a reason: the draft brings something that was not there before.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.holds.iter().any(|hold| !hold.blocking && !hold.known)
    }
}

/// Judges `draft` beside the `live` site. A new error blocks; a new warning asks for a reason; what the live site has
/// already is shown, and holds nobody up.
#[must_use]
pub fn gate(live: &Snapshot, draft: &Snapshot, changes: &Changes, now: Timestamp) -> Gate {
    compare(live, draft, changes, &examined(live, now), &examined(draft, now))
}

/// [`gate`] with what was found before: [`examined`] of both sites.
#[must_use]
pub fn compare(
    live: &Snapshot,
    draft: &Snapshot,
    changes: &Changes,
    live_findings: &[Finding],
    draft_findings: &[Finding],
) -> Gate {
    let usual = strange(live, live, changes);
    let before: HashSet<_> = live_findings.iter().chain(&usual).map(key).collect();
    let found = draft_findings.iter().cloned().chain(strange(live, draft, changes));
    let mut holds: Vec<Hold> = found
        .map(|mut finding| {
            let known = before.contains(&key(&finding));
            if changes.contains_key(&finding.file) {
                // The line on disk is not the line of the draft.
                finding.position = None;
                finding.excerpt = None;
            }
            Hold { blocking: finding.severity == Severity::Error && !known, known, finding }
        })
        .collect();
    holds.sort_by_key(|hold| (!hold.blocking, hold.known));
    holds.dedup();
    Gate { holds }
}

/// Everything that the gate looks for in a whole site; every page is rendered.
#[must_use]
pub fn examined(site: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let mut all = check(site, now);
    all.extend(disagreements(site));
    all.extend(pages(site, now));
    all
}

fn key(finding: &Finding) -> (&'static str, String, Option<String>, String) {
    (finding.rule, finding.file.clone(), finding.pointer.clone(), finding.reason.clone())
}

/// Values of the changed files that are not as all others of their kind.
fn strange(live: &Snapshot, site: &Snapshot, changes: &Changes) -> Vec<Finding> {
    let mut all = Vec::new();
    for file in changes.keys() {
        let Some(value) = site.json(file) else { continue };
        let sections = value.get("sections").and_then(serde_json::Value::as_array);
        let places: Vec<String> = match sections {
            Some(sections) => (0..sections.len()).map(|at| format!("/sections/{at}/data")).collect(),
            None => vec![String::new()],
        };
        for place in places {
            let Some(value) = value.pointer(&place) else { continue };
            // The live site's content says what is usual; a new file is compared with its kin there.
            let usual = super::schema::kin(live, file, &place);
            let Some(schema) = schema_of(live, file, &place).filter(|_| usual.len() > 2) else { continue };
            let mut found = Vec::new();
            deviations(value, &schema.shape, &place, &mut found);
            for (pointer, what) in found {
                let mut finding = Finding::warning(
                    "schema.unusual",
                    file.clone(),
                    format!("`{pointer}` {what}, unlike the {} others of its kind", usual.len() - 1),
                    "check the value; the template may expect it",
                );
                finding.pointer = Some(pointer);
                all.push(finding);
            }
        }
    }
    all
}

/// Every page rendered once: pictures without a text, pages that weigh too much.
fn pages(site: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    let base = primary_base(site.config());
    let (scheme, host) = base.split_once("://").unwrap_or(("https", &base));
    for document in site.documents() {
        let request = Request { scheme, ..Request::get(host, &document.url, now) };
        let Answer::Page(page) = site.answer(&request) else { continue };
        let file = document.file.clone().unwrap_or_else(|| document.url.clone());
        let mut bytes = u64::try_from(page.html.len()).unwrap_or(u64::MAX);
        let tags = crate::check::tags(&page.html);
        let mut seen = HashSet::new();
        for tag in &tags {
            if tag.name == "img" && tag.get("alt").is_none() {
                let source = tag.get("src").unwrap_or("");
                let place = picture(site, &request, source);
                let mut finding = Finding::warning(
                    "picture.alt",
                    place.as_ref().map_or(file.clone(), |place| place.file.clone()),
                    format!("the picture {source} on {} has no alternative text", document.url),
                    "describe the picture, or write an empty text if it only decorates",
                );
                finding.pointer = place.map(|place| place.pointer);
                all.push(finding);
            }
            let loaded = match tag.name.as_str() {
                "img" | "script" | "source" => tag.get("src"),
                "link" if tag.get("rel") == Some("stylesheet") => tag.get("href"),
                _ => None,
            };
            let Some(path) = loaded.map(|link| link.strip_prefix(&base).unwrap_or(link)) else { continue };
            if path.starts_with('/') && seen.insert(path.to_owned()) {
                bytes +=
                    *weights.entry(path.to_owned()).or_insert_with(|| weight(site, host, scheme, path, now));
            }
        }
        if bytes > WEIGHT_BUDGET {
            all.push(Finding::warning(
                "page.weight",
                file,
                format!(
                    "{} weighs {} KB with its files; the budget is {} KB",
                    document.url,
                    bytes / 1000,
                    WEIGHT_BUDGET / 1000
                ),
                "use smaller pictures",
            ));
        }
    }
    all
}

/// Where the address of a picture stands.
fn picture(site: &Snapshot, request: &Request<'_>, source: &str) -> Option<Place> {
    let page = marked(site, request).ok()??;
    let is = |kind: &SpotKind| matches!(kind, SpotKind::Attribute(name) if name == "src");
    page.spots.into_iter().find(|spot| is(&spot.kind) && spot.text == source)?.place
}

fn weight(site: &Snapshot, host: &str, scheme: &str, path: &str, now: Timestamp) -> u64 {
    let request = Request { scheme, ..Request::get(host, path, now) };
    match site.answer(&request) {
        Answer::File { body: FileBody::Memory(bytes), .. } => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        Answer::File { body: FileBody::Disk { len, .. }, .. } => len,
        _ => 0,
    }
}
