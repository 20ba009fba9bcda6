//! The content of a site: pages, SEO and collections per language, in memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::config::{Collection, CollectionSource, SITE_TOML, SiteConfig};
use crate::finding::Finding;
use crate::json;

/// One entity of a collection.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) slug: String,
    /// Its file; `None` when it came from a feed.
    pub(crate) file: Option<String>,
    pub(crate) json: Arc<Value>,
    /// The decoded path of its one address, without language and final slash.
    pub(crate) path: String,
}

impl Entity {
    /// The part of the entity that holds its content.
    pub(crate) fn item(&self, collection: &Collection) -> &Value {
        collection.item_key.as_deref().and_then(|key| self.json.get(key)).unwrap_or(&self.json)
    }

    /// What people call it.
    pub(crate) fn name(&self, collection: &Collection) -> &str {
        let item = self.item(collection);
        ["name", "title"]
            .iter()
            .find_map(|key| json::text(item, key).or_else(|| json::text(&self.json, key)))
            .unwrap_or(&self.slug)
    }
}

/// The visible entities of a collection in their order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Entities {
    pub(crate) all: Vec<Entity>,
    by_slug: HashMap<String, usize>,
}

impl Entities {
    fn add(&mut self, entity: Entity) {
        self.by_slug.insert(entity.slug.clone(), self.all.len());
        self.all.push(entity);
    }

    pub(crate) fn index(&self, slug: &str) -> Option<usize> {
        self.by_slug.get(slug).copied()
    }

    pub(crate) fn get(&self, slug: &str) -> Option<&Entity> {
        self.all.get(self.index(slug)?)
    }
}

/// All content in one language.
#[derive(Debug, Clone)]
pub(crate) struct Language {
    pub(crate) code: String,
    pub(crate) pages: BTreeMap<String, Arc<Value>>,
    pub(crate) seo: BTreeMap<String, Arc<Value>>,
    pub(crate) collections: IndexMap<String, Entities>,
    /// Decoded path of an entity's one address → collection and place.
    pub(crate) paths: HashMap<String, (String, usize)>,
}

impl Language {
    /// A language without content.
    pub(crate) fn none() -> &'static Self {
        static NONE: std::sync::LazyLock<Language> = std::sync::LazyLock::new(|| Language {
            code: String::new(),
            pages: BTreeMap::new(),
            seo: BTreeMap::new(),
            collections: IndexMap::new(),
            paths: HashMap::new(),
        });
        &NONE
    }

    pub(crate) fn entities(&self, collection: &str) -> Option<&Entities> {
        self.collections.get(collection)
    }
}

/// Every JSON file under `data/`, and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Path relative to the site folder → content.
    pub(crate) files: BTreeMap<String, Arc<Value>>,
    pub(crate) global: Arc<Value>,
    /// Codes that the site declares, the default first.
    pub(crate) codes: Vec<String>,
    /// Languages that have content, the default first.
    pub(crate) languages: Vec<Language>,
}

/// The file of shared facts.
pub(crate) const GLOBAL: &str = "data/json/global.json";

/// The file of a page.
pub(crate) fn page_file(language: &str, page_id: &str) -> String {
    format!("data/json/{language}/pages/{page_id}.json")
}

/// The file of a page's SEO.
pub(crate) fn seo_file(language: &str, page_id: &str) -> String {
    format!("data/json/{language}/seo/{page_id}.json")
}

impl Content {
    /// Makes sense of the parsed files.
    pub(crate) fn build(
        config: &SiteConfig,
        files: BTreeMap<String, Arc<Value>>,
        feeds: &BTreeMap<String, Vec<Value>>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let global =
            files.get(GLOBAL).cloned().unwrap_or_else(|| Arc::new(Value::Object(serde_json::Map::new())));
        let codes = codes(config, &global);
        let mut languages = Vec::new();
        for code in &codes {
            let mut language = Language {
                code: code.clone(),
                pages: folder(&files, &format!("data/json/{code}/pages/")),
                seo: folder(&files, &format!("data/json/{code}/seo/")),
                collections: IndexMap::new(),
                paths: HashMap::new(),
            };
            // The PHP platform answers in every declared language, if only to say that there is no such page.
            if language.pages.is_empty() && config.legacy.is_none() {
                continue;
            }
            let default = languages.is_empty();
            // A language that does not list a collection does not show it.
            let listed = |c: &&Collection| default || language.pages.contains_key(&c.list_page_id);
            let collections: Vec<&Collection> = config.collections.values().filter(listed).collect();
            for collection in collections {
                let entities = entities(collection, &language, &files, feeds, findings);
                for (index, entity) in entities.all.iter().enumerate() {
                    language.paths.entry(entity.path.clone()).or_insert((collection.key.clone(), index));
                }
                language.collections.insert(collection.key.clone(), entities);
            }
            languages.push(language);
        }
        if languages.first().map(|language| &language.code) != codes.first() {
            let code = codes.first().map_or("ru", String::as_str);
            findings.push(Finding::error(
                "content.language",
                format!("data/json/{code}/pages"),
                format!("there is no page in the default language `{code}`"),
                "add at least index.json, or set `default_language` in config/site.toml",
            ));
        }
        Self { files, global, codes, languages }
    }

    /// The language of unprefixed addresses.
    pub(crate) fn default_language(&self) -> Option<&Language> {
        self.languages.first()
    }
}

fn codes(config: &SiteConfig, global: &Value) -> Vec<String> {
    let declared = global.get("lang").and_then(Value::as_array).into_iter().flatten();
    let mut codes: Vec<String> =
        declared.filter_map(|lang| Some(json::text(lang, "code")?.to_owned())).collect();
    if let Some(default) = &config.default_language {
        codes.retain(|code| code != default);
        codes.insert(0, default.clone());
    }
    if codes.is_empty() {
        codes.push("ru".to_owned());
    }
    codes
}

/// The files directly in a folder, by name without extension.
fn folder(files: &BTreeMap<String, Arc<Value>>, prefix: &str) -> BTreeMap<String, Arc<Value>> {
    files
        .range(prefix.to_owned()..)
        .take_while(|(path, _)| path.starts_with(prefix))
        .filter_map(|(path, value)| {
            let id = path.strip_prefix(prefix)?.strip_suffix(".json")?;
            (!id.contains('/')).then(|| (id.to_owned(), value.clone()))
        })
        .collect()
}

/// The names of the files directly in a folder, in the order of people.
pub(crate) fn folder_slugs(files: &BTreeMap<String, Arc<Value>>, prefix: &str) -> Vec<String> {
    let mut slugs: Vec<String> = folder(files, prefix).into_keys().collect();
    slugs.sort_by(|a, b| natural(a, b));
    slugs
}

fn entities(
    collection: &Collection,
    language: &Language,
    files: &BTreeMap<String, Arc<Value>>,
    feeds: &BTreeMap<String, Vec<Value>>,
    findings: &mut Vec<Finding>,
) -> Entities {
    let mut entities = Entities::default();
    match collection.source {
        CollectionSource::Feed => match feeds.get(&collection.key) {
            Some(items) => from_feed(collection, items, &mut entities, findings),
            None => findings.push(Finding::error(
                "collection.feed",
                SITE_TOML,
                format!(
                    "the collection `{}` has source = \"feed\", but no feed was read for it",
                    collection.key
                ),
                "set [inventory] feed and format, or source = \"json\"",
            )),
        },
        CollectionSource::Json => from_files(collection, language, files, &mut entities),
    }
    entities
}

fn from_feed(collection: &Collection, items: &[Value], entities: &mut Entities, findings: &mut Vec<Finding>) {
    for (index, item) in items.iter().enumerate() {
        let file = format!("feed of [collections.{}]", collection.key);
        let pointer = format!("/{index}");
        let mut fault = |reason: String, fix: &str| {
            let mut finding = Finding::error("collection.entity", file.clone(), reason, fix);
            finding.pointer = Some(pointer.clone());
            // One feed feeds all languages: its faults are told once.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        };
        let Some(slug) = json::text(item, "slug") else {
            fault("an entity has no slug".to_owned(), "give every entity of the feed a unique slug");
            continue;
        };
        if slug.chars().any(|c| c.is_control() || c.is_uppercase() || c == '/' || c == '\\')
            || slug.starts_with('.')
        {
            fault(
                format!("`{slug}` cannot be part of an address"),
                "use lower-case letters, digits and hyphens",
            );
            continue;
        }
        if entities.get(slug).is_some() {
            fault(format!("the slug `{slug}` is used twice"), "give every entity of the feed a unique slug");
            continue;
        }
        if item.get("visible") != Some(&Value::Bool(false)) {
            entities.add(entity(collection, slug, None, Arc::new(item.clone())));
        }
    }
}

fn from_files(
    collection: &Collection,
    language: &Language,
    files: &BTreeMap<String, Arc<Value>>,
    entities: &mut Entities,
) {
    let prefix = format!("data/json/{}/{}/", language.code, collection.data_dir);
    let slugs = listed_slugs(collection, language).unwrap_or_else(|| folder_slugs(files, &prefix));
    for slug in slugs {
        let file = format!("{prefix}{slug}.json");
        let Some(value) = files.get(&file) else { continue };
        let empty = collection.item_key.as_deref().is_some_and(|key| is_empty(value.get(key)));
        let content = collection.item_key.as_deref().and_then(|key| value.get(key));
        let off = |value: &Value| value.get("visible") == Some(&Value::Bool(false));
        let hidden = off(value) || content.is_some_and(off);
        if !empty && !hidden && entities.get(&slug).is_none() {
            entities.add(entity(collection, &slug, Some(file), value.clone()));
        }
    }
}

fn entity(collection: &Collection, slug: &str, file: Option<String>, json: Arc<Value>) -> Entity {
    let path =
        collection.entity_url_pattern.replace("{nav_slug}", &collection.nav_slug).replace("{slug}", slug);
    Entity { slug: slug.to_owned(), file, json, path }
}

/// What PHP's `empty` says of a key.
pub(crate) fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty() || text == "0",
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::Bool(true)) => false,
    }
}

/// The slugs that a page lists, in its order; `None` when no page does.
pub(crate) fn listed_slugs(collection: &Collection, language: &Language) -> Option<Vec<String>> {
    let page = [&collection.slugs_page, &collection.list_page_id]
        .into_iter()
        .find_map(|id| language.pages.get(id))?;
    let from = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| Some(item.as_str().or_else(|| json::text(item, "slug"))?.to_owned()))
            .collect()
    };
    let direct = page.get(&collection.slugs_source).map(from).unwrap_or_default();
    if !direct.is_empty() {
        return Some(direct);
    }
    let mut sections = page.get("sections").and_then(Value::as_array).into_iter().flatten();
    let section = sections.find(|section| json::text(section, "name") == Some(&collection.nav_slug))?;
    Some(from(section.pointer("/data/items")?)).filter(|slugs| !slugs.is_empty())
}

/// The order of people: `item2` before `item10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (left, rest_a) = chunk(a);
        let (right, rest_b) = chunk(b);
        if left.is_empty() || right.is_empty() {
            return left.len().cmp(&right.len());
        }
        let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(left) && digits(right) {
            let (x, y) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            x.len().cmp(&y.len()).then(x.cmp(y))
        } else {
            left.cmp(right)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// The leading run of digits or of other characters, and the rest.
fn chunk(text: &str) -> (&str, &str) {
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_do() {
        let mut names = vec!["item10", "item2", "a", "item02b", "item2b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "item2", "item02b", "item2b", "item10"]);
    }

    #[test]
    fn emptiness_is_that_of_php() {
        assert!(is_empty(Some(&serde_json::json!("0"))));
        assert!(is_empty(Some(&serde_json::json!({}))));
        assert!(!is_empty(Some(&serde_json::json!({"name": ""}))));
    }
}
