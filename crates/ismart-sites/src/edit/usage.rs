//! On which pages a value of the content is seen.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::trace::Place;
use super::walk::marked;
use crate::answer::Request;
use crate::snapshot::{Snapshot, primary_base};

/// Value → the paths of the pages that show it, in the order of the site's documents.
pub type Usage = BTreeMap<Place, Vec<String>>;

/// Renders every page once and notes where each value of the content is shown; of each collection `entities` pages
/// stand for all.
#[must_use]
pub fn usages(site: &Snapshot, now: Timestamp, entities: usize) -> Usage {
    let mut usage = Usage::new();
    let base = primary_base(site.config());
    let (scheme, host) = base.split_once("://").unwrap_or(("https", &base));
    let mut shown: BTreeMap<(String, String), usize> = BTreeMap::new();
    for document in site.documents() {
        if let Some((key, _)) = document.entity {
            let count = shown.entry((document.language.to_owned(), key.to_owned())).or_default();
            *count += 1;
            if *count > entities {
                continue;
            }
        }
        let request = Request { scheme, ..Request::get(host, &document.url, now) };
        // A page that fails shows nothing; the gate tells of it.
        let Ok(Some(page)) = marked(site, &request) else { continue };
        for place in page.spots.into_iter().filter_map(|spot| spot.place) {
            let pages = usage.entry(place).or_default();
            if pages.last() != Some(&document.url) {
                pages.push(document.url.clone());
            }
        }
    }
    usage
}
