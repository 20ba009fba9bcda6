//! Where a text of the content stands, when the rendering cannot tell.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::trace::Place;
use crate::json::{absolute, child};
use crate::snapshot::{Snapshot, primary_base};

/// Shorter texts stand everywhere and say nothing about where they came from.
const SHORTEST: usize = 2;

/// A part of a value that is this long is not there by chance.
const SURE: usize = 6;

/// Text → the places that have it.
type Table = HashMap<String, Vec<Place>>;

/// The texts of a site's content; made on first use and kept with the snapshot.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    whole: OnceLock<Table>,
    pieces: OnceLock<Table>,
}

/// The strings and numbers of a site's content by their text.
pub(super) struct Finder<'s> {
    site: &'s Snapshot,
    near: Vec<String>,
}

/// A text as readers see it: entities decoded, white space joined.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl<'s> Finder<'s> {
    /// A finder that prefers the files `near` a page, the first one most.
    pub(super) fn new(site: &'s Snapshot, near: Vec<String>) -> Self {
        Self { site, near }
    }

    /// The places whose whole value is `text`, nearest first.
    pub(super) fn whole(&self, text: &str) -> Vec<&Place> {
        let key = plain(text);
        if key.chars().count() < SHORTEST {
            return Vec::new();
        }
        self.sorted(self.all().get(&key))
    }

    /// The places whose markup holds `text` between two tags, or whose text holds it at all for longer ones.
    pub(super) fn pieces(&self, text: &str) -> Vec<&Place> {
        let key = plain(text);
        if key.chars().count() < SHORTEST {
            return Vec::new();
        }
        let table = self.site.texts().pieces.get_or_init(|| self.table(pieces_of));
        self.sorted(table.get(&key))
    }

    /// Up to `limit` places whose value has a part of `text`, or is a part of it: guesses for computed texts.
    pub(super) fn guesses(&self, text: &str, limit: usize) -> Vec<Place> {
        let key = plain(text);
        if key.chars().count() < 3 {
            return Vec::new();
        }
        let table = self.all();
        let mut scored: Vec<(usize, &String, &Place)> = Vec::new();
        for (value, places) in table {
            let long = value.chars().count() >= 3;
            if (long && key.contains(value.as_str())) || value.contains(&key) {
                let difference = value.len().abs_diff(key.len());
                scored.extend(
                    places.iter().map(|place| (self.distance(place) * 10_000 + difference, value, place)),
                );
            }
        }
        scored.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.2.cmp(b.2)));
        scored.into_iter().map(|(_, _, place)| place.clone()).take(limit).collect()
    }

    /// The place that most likely made `text`, beside what was shown just `before` it: the one whose whole value it
    /// is, or whose markup or longer text holds it.
    pub(super) fn likely(&self, text: &str, before: Option<&Place>) -> Option<Place> {
        let closest = |places: Vec<&Place>| {
            let shared = |place: &Place| before.map_or(0, |before| shared_steps(before, place));
            places.into_iter().rev().max_by_key(|place| shared(place)).cloned()
        };
        let (whole, pieces) = (self.whole(text), self.pieces(text));
        if !whole.is_empty() || !pieces.is_empty() {
            return closest(whole).or_else(|| closest(pieces));
        }
        let key = plain(text);
        if key.chars().count() < SURE || !key.chars().any(char::is_alphabetic) {
            return None;
        }
        let holding =
            self.all().iter().filter(|(value, _)| value.contains(&key)).flat_map(|(_, places)| places);
        let mut holding: Vec<&Place> = holding.collect();
        holding.sort_by_key(|place| (self.distance(place), *place));
        closest(holding)
    }

    fn all(&self) -> &Table {
        self.site.texts().whole.get_or_init(|| self.table(|text, add| add(plain(text))))
    }

    fn sorted<'t>(&self, places: Option<&'t Vec<Place>>) -> Vec<&'t Place> {
        let mut places: Vec<&Place> = places.into_iter().flatten().collect();
        places.sort_by_key(|place| self.distance(place));
        places
    }

    fn distance(&self, place: &Place) -> usize {
        self.near.iter().position(|file| *file == place.file).unwrap_or(self.near.len())
    }

    fn table(&self, keys: impl Fn(&str, &mut dyn FnMut(String))) -> Table {
        let base_url = primary_base(self.site.config());
        let mut table = Table::new();
        for (file, value) in &self.site.content().files {
            let value = absolute(value, &base_url);
            scalars(&value, "", &mut |pointer, text| {
                keys(text, &mut |key| {
                    table.entry(key).or_default().push(Place::new(file, pointer));
                });
            });
        }
        table
    }
}

/// How many first steps two places have in common; none when their files differ.
fn shared_steps(a: &Place, b: &Place) -> usize {
    if a.file != b.file {
        return 0;
    }
    a.pointer.split('/').zip(b.pointer.split('/')).take_while(|(a, b)| a == b).count()
}

/// Calls `see` with the pointer and the text of every string and number.
fn scalars(value: &Value, pointer: &str, see: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => see(pointer, text),
        Value::Number(number) => see(pointer, &number.to_string()),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                scalars(item, &child(pointer, &at.to_string()), see);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                scalars(item, &child(pointer, key), see);
            }
        }
        _ => {}
    }
}

/// The texts between the tags of a markup string.
fn pieces_of(text: &str, add: &mut dyn FnMut(String)) {
    if !text.contains('<') {
        return;
    }
    for part in text.split('<') {
        let part = part.split_once('>').map_or(part, |(_, after)| after);
        let part = plain(&super::walk::decoded(part));
        if !part.is_empty() {
            add(part);
        }
    }
}
