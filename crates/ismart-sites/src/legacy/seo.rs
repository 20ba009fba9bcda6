//! SEO of entities, as the builders of the PHP platform make it.

mod event;
mod restaurant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::content::{cast, inner, set};
use crate::config::{Builder, Collection, LegacyCollection};
use crate::snapshot::Snapshot;

/// What a builder looks at.
pub(super) struct Asked<'s> {
    pub(super) site: &'s Snapshot,
    pub(super) language: &'s str,
    pub(super) collection: &'s Collection,
    pub(super) more: &'s LegacyCollection,
    /// The entity with absolute paths.
    pub(super) entity: &'s Value,
    /// The base address of the request, without final slash.
    pub(super) base_url: &'s str,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// The address of the live site.
    fn live(&self) -> &str {
        self.more.live_base_url.as_deref().unwrap_or(self.base_url)
    }

    /// The address of the entity on the live site.
    fn url(&self) -> String {
        let slug = cast(self.entity.get("slug"));
        format!("{}{}", self.live(), self.collection.entity_url_pattern.replace("{slug}", &slug))
    }

    fn site_name(&self) -> &str {
        self.collection.site_name.as_deref().unwrap_or("Site")
    }

    /// Whether a file of the live site lies in the folder.
    fn is_there(&self, url: &str) -> bool {
        let path = match url.strip_prefix(self.live()) {
            Some(path) => path,
            None => path_of(url),
        };
        self.site.files().get(&format!("/{}", path.trim_start_matches('/'))).is_some()
    }

    /// The picture for messengers: the JPEG made beside the given one, else it when it is a JPEG, else the fallback.
    fn social(&self, image: &str, fallback: &str) -> String {
        if let Some(candidate) = with_ending(image, "-og.jpg").filter(|candidate| self.is_there(candidate)) {
            return candidate;
        }
        let lower = image.to_lowercase();
        let jpeg =
            [".jpg", ".jpeg"].iter().any(|end| lower.ends_with(end) || lower.contains(&format!("{end}?")));
        if jpeg || fallback.is_empty() { image.to_owned() } else { fallback.to_owned() }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.site.config().time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// The path of an address without query.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path =
        if url.contains("://") { rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("") } else { rest };
    path.split(['?', '#']).next().unwrap_or(path)
}

/// The address with the ending of a picture replaced; `None` when it has none.
fn with_ending(url: &str, ending: &str) -> Option<String> {
    let (stem, old) = url.rsplit_once('.')?;
    let picture = ["jpg", "jpeg", "png", "webp", "avif"].contains(&old.to_lowercase().as_str());
    picture.then(|| format!("{stem}{ending}"))
}

/// The media type that an address promises.
fn media_type(url: &str, known: &[(&str, &'static str)]) -> &'static str {
    let ending = path_of(url).rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_lowercase());
    known.iter().find(|(name, _)| *name == ending).map_or("image/jpeg", |(_, media)| media)
}

/// The SEO of an entity, in the shape of a SEO file.
pub(super) fn of(asked: &Asked<'_>) -> Value {
    match asked.more.builder {
        Builder::Short => short(asked),
        Builder::Plain => plain(asked),
        Builder::Restaurant => restaurant::seo(asked),
        Builder::Event => event::seo(asked),
    }
}

/// When the SEO of an entity changes by itself: the start of another timetable.
pub(super) fn changes_at(asked: &Asked<'_>) -> Option<Timestamp> {
    if asked.more.builder == Builder::Restaurant { restaurant::changes_at(asked) } else { None }
}

fn named(name: &str, content: &str) -> Value {
    json!({"name": name, "content": content})
}

fn property(name: &str, content: &str) -> Value {
    json!({"property": name, "content": content})
}

fn first(candidates: &[Option<&Value>]) -> String {
    cast(candidates.iter().flatten().find(|value| !value.is_null()).copied())
}

fn short(asked: &Asked<'_>) -> Value {
    let inner = inner(asked.collection, asked.entity);
    let slug = asked.entity.get("slug");
    let title = first(&[inner.get("name"), inner.get("title"), slug]);
    let description = first(&[
        asked.entity.pointer("/desc/short"),
        asked.entity.pointer("/desc/full"),
        inner.get("desc"),
        inner.get("lead"),
    ]);
    json!({
        "title": title,
        "meta": [
            named("description", &description),
            property("og:type", &asked.collection.og_type),
            property("og:title", &title),
            property("og:description", &description),
        ],
        "json_ld": null,
        "json_ld_faq": null,
    })
}

fn plain(asked: &Asked<'_>) -> Value {
    let mut seo = short(asked);
    let picture = format!("{}/data/img/seo/og.jpg?v=3", asked.base_url);
    let global = asked.site.global();
    let name = cast(set(global, "name").or_else(|| set(global, "site_name")));
    if let Some(meta) = seo.get_mut("meta").and_then(Value::as_array_mut) {
        meta.push(property("og:image", &picture));
        if !name.is_empty() {
            meta.push(property("og:site_name", &name));
        }
    }
    seo
}
