//! A path of the template context back to the file and the JSON pointer that it was made of.

use ismart_twig::{PathStep, ValuePath};
use serde::Serialize;
use serde_json::Value;

use crate::config::Collection;
use crate::content::{Entity, GLOBAL, page_file, seo_file};
use crate::json::{child, text};
use crate::route::Target;
use crate::snapshot::Snapshot;

/// A value of the content: the file and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, relative to the site folder.
    pub file: String,
    /// The JSON pointer of the value (RFC 6901).
    pub pointer: String,
}

impl Place {
    pub(crate) fn new(file: impl Into<String>, pointer: impl Into<String>) -> Self {
        Self { file: file.into(), pointer: pointer.into() }
    }

    /// The value in the site's content.
    #[must_use]
    pub fn value<'s>(&self, site: &'s Snapshot) -> Option<&'s Value> {
        site.json(&self.file)?.pointer(&self.pointer)
    }
}

/// Finds the places of context paths of one page.
pub(super) struct Tracer<'s> {
    pub(super) site: &'s Snapshot,
    pub(super) target: &'s Target<'s>,
}

impl<'s> Tracer<'s> {
    /// The place that a context path was made of, if it is content.
    pub(super) fn trace(&self, path: &ValuePath) -> Option<Place> {
        let (first, rest) = path.steps().split_first()?;
        let PathStep::Key(name) = first else { return None };
        let found = match name.as_str() {
            "global" => Some(Place::new(GLOBAL, pointer(rest))),
            "currentLang" => self.current_language(rest),
            "pageData" => self.page(rest),
            "sections" => {
                let mut steps = vec![PathStep::Key("sections".into())];
                steps.extend(rest.iter().cloned());
                self.page(&steps)
            }
            "collections" => self.collections(rest),
            "pageSeoData" => self.seo(&pointer(rest)),
            "pageTitle" => self.seo("/title").or_else(|| self.page_title()),
            "breadcrumb" => self.breadcrumb(rest),
            name => self.entity(name, rest),
        };
        found.filter(|place| place.value(self.site).is_some())
    }

    /// The files that make the page, nearest first.
    pub(super) fn near(&self) -> Vec<String> {
        let code = &self.target.language.code;
        let mut files: Vec<String> =
            self.target.entity.and_then(|(_, entity)| entity.file.clone()).into_iter().collect();
        files.push(page_file(code, self.target.page_id));
        files.push(seo_file(code, self.target.page_id));
        files.push(GLOBAL.to_owned());
        files
    }

    fn current_language(&self, rest: &[PathStep]) -> Option<Place> {
        let declared = self.site.global().get("lang")?.as_array()?;
        let at = declared.iter().position(|l| text(l, "code") == Some(&self.target.language.code))?;
        Some(Place::new(GLOBAL, format!("/lang/{at}{}", pointer(rest))))
    }

    fn page(&self, steps: &[PathStep]) -> Option<Place> {
        let file = page_file(&self.target.language.code, self.target.page_id);
        let own = Place::new(&file, pointer(steps));
        if own.value(self.site).is_some() {
            return Some(own);
        }
        // A list that was filled from a collection: the items are the collection's.
        let [
            PathStep::Key(_),
            section,
            PathStep::Key(data),
            PathStep::Key(items),
            PathStep::Index(at),
            tail @ ..,
        ] = steps
        else {
            return None;
        };
        if data != "data" || items != "items" {
            return None;
        }
        let section = Place::new(file, pointer(&[PathStep::Key("sections".into()), section.clone()]));
        let from =
            section.value(self.site).and_then(|s| s.pointer("/data/items_from")).and_then(Value::as_str);
        let collections = &self.site.config().collections;
        let collection = match from {
            Some(key) => collections.get(key),
            None => collections.values().find(|c| c.list_page_id == self.target.page_id),
        }?;
        self.item(collection, *at, tail)
    }

    fn collections(&self, rest: &[PathStep]) -> Option<Place> {
        let [PathStep::Key(key), PathStep::Key(items), PathStep::Index(at), tail @ ..] = rest else {
            return None;
        };
        let collection = self.site.config().collections.get(key.as_str())?;
        (items == "items").then(|| self.item(collection, *at, tail))?
    }

    /// A value of an item of a list: the entity's content, or what lies beside it.
    fn item(&self, collection: &Collection, at: i64, tail: &[PathStep]) -> Option<Place> {
        let entity = self.target.language.entities(&collection.key)?.all.get(usize::try_from(at).ok()?)?;
        let file = entity.file.as_ref()?;
        let tail_pointer = pointer(tail);
        let inside = collection.item_key.as_deref().map(|key| child("", key)).unwrap_or_default();
        let candidates = [format!("{inside}{tail_pointer}"), tail_pointer.clone()];
        let found = candidates.into_iter().find(|pointer| entity.json.pointer(pointer).is_some());
        match found {
            Some(pointer) => Some(Place::new(file, pointer)),
            None if tail_pointer == "/title" => self.name(collection, entity),
            None => None,
        }
    }

    /// Where the name of an entity stands.
    fn name(&self, collection: &Collection, entity: &Entity) -> Option<Place> {
        let inside = collection.item_key.as_deref().map(|key| child("", key)).unwrap_or_default();
        let mut places = ["name", "title"].into_iter().flat_map(|key| [child(&inside, key), child("", key)]);
        let named = |pointer: &String| {
            entity.json.pointer(pointer).and_then(Value::as_str).is_some_and(|name| !name.is_empty())
        };
        Some(Place::new(entity.file.as_ref()?, places.find(named)?))
    }

    fn entity(&self, name: &str, rest: &[PathStep]) -> Option<Place> {
        let (collection, entity) = self.target.entity?;
        if name != "entity" && name != collection.extras_key {
            return None;
        }
        let tail = pointer(rest);
        let inside = collection.item_key.as_deref().map(|key| child("", key)).unwrap_or_default();
        let mut candidates = [tail.clone(), format!("{inside}{tail}")].into_iter();
        let pointer = candidates.find(|pointer| entity.json.pointer(pointer).is_some())?;
        Some(Place::new(entity.file.as_ref()?, pointer))
    }

    /// A value of the page's SEO, wherever it was made from.
    fn seo(&self, tail: &str) -> Option<Place> {
        let code = &self.target.language.code;
        let Some((collection, entity)) = self.target.entity else {
            return Some(Place::new(seo_file(code, self.target.page_id), tail));
        };
        let own = format!("/seo{tail}");
        if entity.json.pointer(&own).is_some() {
            return Some(Place::new(entity.file.as_ref()?, own));
        }
        if let Some(id) = &collection.seo {
            return Some(Place::new(seo_file(code, id), tail));
        }
        match tail {
            "/title" => {
                self.either(collection, entity, &["metaTitle"]).or_else(|| self.name(collection, entity))
            }
            "/meta/0/content" => {
                let keys = ["metaDescription", "desc", "lead", "description", "text"];
                self.either(collection, entity, &keys)
            }
            _ => None,
        }
    }

    fn either(&self, collection: &Collection, entity: &Entity, keys: &[&str]) -> Option<Place> {
        let inside = collection.item_key.as_deref().map(|key| child("", key)).unwrap_or_default();
        let mut places = keys.iter().flat_map(|key| [child(&inside, key), child("", key)]);
        let pointer = places.find(|pointer| entity.json.pointer(pointer).is_some_and(Value::is_string))?;
        Some(Place::new(entity.file.as_ref()?, pointer))
    }

    fn page_title(&self) -> Option<Place> {
        Some(Place::new(page_file(&self.target.language.code, self.target.page_id), "/title"))
    }

    fn breadcrumb(&self, rest: &[PathStep]) -> Option<Place> {
        let [PathStep::Index(at), PathStep::Key(key)] = rest else { return None };
        if key != "name" {
            return None;
        }
        match (at, self.target.entity) {
            (0, _) => self.navigation(""),
            (1, Some((collection, _))) => {
                let segment = self.site.config().segment_of(&collection.list_page_id);
                self.navigation(segment).or_else(|| self.page_title())
            }
            (_, Some((collection, entity))) => self.name(collection, entity),
            (_, None) => {
                self.seo("/title").filter(|p| p.value(self.site).is_some()).or_else(|| self.page_title())
            }
        }
    }

    /// The title of an address in the navigation.
    fn navigation(&self, segment: &str) -> Option<Place> {
        let code = &self.target.language.code;
        let items = self.site.global().get("nav")?.get(code)?.get("items")?.as_array()?;
        let at = items.iter().position(|item| text_of(item, "href").trim_matches('/') == segment)?;
        Some(Place::new(GLOBAL, format!("/nav/{code}/items/{at}/title")))
    }
}

fn text_of<'v>(item: &'v Value, key: &str) -> &'v str {
    item.get(key).and_then(Value::as_str).unwrap_or("\u{0}")
}

fn pointer(steps: &[PathStep]) -> String {
    steps.iter().cloned().collect::<ValuePath>().pointer()
}
