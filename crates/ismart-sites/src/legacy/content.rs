//! Pages and entities as the PHP platform finds them in the JSON files of a site.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::{Collection, Fill};
use crate::content::{is_empty, page_file};
use crate::snapshot::Snapshot;

/// What PHP's `isset` lets through: there and not null.
pub(super) fn set<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|found| !found.is_null())
}

/// A text of a value that PHP would cast: numbers count, lists do not.
pub(super) fn cast(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(true)) => "1".to_owned(),
        _ => String::new(),
    }
}

/// The JSON of a page.
pub(super) fn page<'s>(site: &'s Snapshot, language: &str, id: &str) -> Option<&'s Arc<Value>> {
    site.content().files.get(&page_file(language, id)).filter(|page| page.is_object() || page.is_array())
}

/// Slugs among items: texts, and objects with a slug; none twice.
fn slugs_of(items: Option<&Value>) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for item in items.and_then(Value::as_array).into_iter().flatten() {
        let slug = item.as_str().or_else(|| item.get("slug")?.as_str()).filter(|slug| !slug.is_empty());
        if let Some(slug) = slug.filter(|slug| !slugs.iter().any(|known| known == slug)) {
            slugs.push(slug.to_owned());
        }
    }
    slugs
}

fn section_items<'v>(page: &'v Value, name: &str) -> Option<&'v Value> {
    let mut sections = page.get("sections").and_then(Value::as_array).into_iter().flatten();
    let found = |section: &&Value| {
        section.get("name").and_then(Value::as_str) == Some(name)
            && section.pointer("/data/items").is_some_and(Value::is_array)
    };
    sections.find(found)?.pointer("/data/items")
}

/// The slugs that the site lists for a collection.
pub(super) fn slugs(site: &Snapshot, language: &str, collection: &Collection) -> Vec<String> {
    let Some(page) = page(site, language, &collection.slugs_page) else { return Vec::new() };
    let listed = slugs_of(page.get(&collection.slugs_source));
    if listed.is_empty() { slugs_of(section_items(page, &collection.nav_slug)) } else { listed }
}

/// The entity of a slug with its slug in it; `None` when it is absent or hidden.
pub(super) fn entity(site: &Snapshot, language: &str, collection: &Collection, slug: &str) -> Option<Value> {
    let file = format!("data/json/{language}/{}/{slug}.json", collection.data_dir);
    let found = site.content().files.get(&file)?;
    let key = collection.item_key.as_deref().filter(|key| !key.is_empty());
    if key.is_some_and(|key| is_empty(found.get(key))) || found.get("visible") == Some(&Value::Bool(false)) {
        return None;
    }
    let mut map = found.as_object()?.clone();
    map.insert("slug".to_owned(), slug.into());
    Some(Value::Object(map))
}

/// The part of an entity that `item_key` names.
pub(super) fn inner<'v>(collection: &Collection, entity: &'v Value) -> &'v Value {
    match collection.item_key.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => entity.get(key).unwrap_or(&Value::Null),
        None => entity,
    }
}

/// An entity as lists show it.
fn item(collection: &Collection, entity: &Value, full: bool) -> Value {
    let inner = inner(collection, entity);
    let or = |keys: &[&str]| keys.iter().find_map(|key| set(inner, key)).cloned();
    let empty = || Value::from("");
    let cover = or(&["cover"]).unwrap_or_else(|| json!({"src": ""}));
    let mut flat = Map::new();
    flat.insert("slug".to_owned(), entity.get("slug").cloned().unwrap_or_default());
    if full {
        flat.insert("id".to_owned(), or(&["id"]).unwrap_or_default());
        flat.insert("visible".to_owned(), set(entity, "visible").cloned().unwrap_or(Value::Bool(true)));
    }
    flat.insert("cover".to_owned(), cover);
    if full {
        flat.insert("hex".to_owned(), or(&["hex"]).unwrap_or_else(empty));
    }
    flat.insert("date".to_owned(), or(&["date"]).unwrap_or_else(empty));
    let title: &[&str] = if full { &["title", "name"] } else { &["title"] };
    flat.insert("title".to_owned(), or(title).unwrap_or_else(empty));
    flat.insert("desc".to_owned(), or(&["desc", "lead"]).unwrap_or_else(empty));
    if full {
        flat.insert("href".to_owned(), or(&["href"]).unwrap_or_else(empty));
        for key in ["types", "feature", "tags", "category", "season"] {
            if let Some(value) = set(inner, key) {
                flat.insert(key.to_owned(), value.clone());
            }
        }
    }
    Value::Object(flat)
}

fn items(
    site: &Snapshot,
    language: &str,
    collection: &Collection,
    slugs: &[String],
    full: bool,
) -> Vec<Value> {
    let all = slugs.iter().filter_map(|slug| entity(site, language, collection, slug));
    all.map(|entity| item(collection, &entity, full)).collect()
}

fn sections_of(page: &mut Value) -> Option<&mut Vec<Value>> {
    page.get_mut("sections")?.as_array_mut()
}

fn put_items(section: &mut Value, items: &[Value]) {
    if let Some(data) = section.get_mut("data").and_then(Value::as_object_mut) {
        data.insert("items".to_owned(), items.to_vec().into());
    }
}

/// Fills the sections that name a collection with `items_from`.
pub(super) fn fill_from(site: &Snapshot, language: &str, page: &mut Value) {
    let collections = &site.config().collections;
    for section in sections_of(page).into_iter().flatten() {
        let Some(data) = section.get("data") else { continue };
        let Some(from) = data.get("items_from").and_then(Value::as_str) else { continue };
        if data.get("items").and_then(Value::as_array).is_some_and(|items| !items.is_empty()) {
            continue;
        }
        let named = collections.get(from).or_else(|| collections.values().find(|c| c.nav_slug == from));
        let Some(collection) = named else { continue };
        let mut slugs = slugs(site, language, collection);
        if slugs.is_empty() {
            slugs = crate::content::folder_slugs(
                &site.content().files,
                &format!("data/json/{language}/{}/", collection.data_dir),
            );
        }
        if slugs.is_empty() {
            continue;
        }
        let mut items = items(site, language, collection, &slugs, true);
        if let Some(limit) = data.get("limit").and_then(Value::as_u64).filter(|limit| *limit > 0) {
            items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        put_items(section, &items);
    }
}

/// Fills the list page of a collection.
pub(super) fn fill_list(
    site: &Snapshot,
    language: &str,
    collection: &Collection,
    (fill, full): (Fill, bool),
    page: &mut Value,
) {
    let mut slugs = slugs_of(page.get("items"));
    if slugs.is_empty() {
        slugs = slugs_of(section_items(page, &collection.nav_slug));
    }
    if slugs.is_empty() {
        return;
    }
    let items = items(site, language, collection, &slugs, full);
    for section in sections_of(page).into_iter().flatten() {
        let Some(data) = section.get("data").filter(|data| data.is_object() || data.is_array()) else {
            continue;
        };
        let wanted = match fill {
            Fill::Nothing => false,
            Fill::Named => section.get("name").and_then(Value::as_str) == Some(&collection.nav_slug),
            Fill::Empty => match data.get("items") {
                None | Some(Value::Null) => true,
                Some(items) => items.as_array().is_some_and(Vec::is_empty),
            },
        };
        if wanted {
            if data.is_array() {
                // What PHP reads from `[]` is an empty map as well.
                *section.get_mut("data").unwrap_or(&mut Value::Null) = json!({});
            }
            put_items(section, &items);
            if fill == Fill::Named {
                return;
            }
        }
    }
}

/// What the list page gives to the pages of its entities: the data of its section `frame`.
pub(super) fn frame(site: &Snapshot, language: &str, collection: &Collection) -> Option<Value> {
    let page = page(site, language, &collection.list_page_id)?;
    let mut sections = page.get("sections")?.as_array()?.iter();
    let found = sections.find(|section| {
        section.get("name").and_then(Value::as_str) == Some("frame") && set(section, "data").is_some()
    });
    found?.get("data").cloned()
}

/// The slugs of all visible entities: language → collection → slugs. Worked out once for a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Visible(HashMap<String, HashMap<String, HashSet<String>>>);

impl Visible {
    pub(crate) fn of(site: &Snapshot) -> Self {
        let collections = |code: &str| {
            let of = |collection: &Collection| {
                let all = slugs(site, code, collection).into_iter();
                all.filter(|slug| entity(site, code, collection, slug).is_some()).collect()
            };
            site.config().collections.values().map(|c| (c.key.clone(), of(c))).collect()
        };
        let languages = site.content().languages.iter();
        Self(languages.map(|language| (language.code.clone(), collections(&language.code))).collect())
    }

    pub(super) fn has(&self, language: &str, collection: &str, slug: &str) -> bool {
        self.0.get(language).and_then(|all| all.get(collection)).is_some_and(|slugs| slugs.contains(slug))
    }
}
