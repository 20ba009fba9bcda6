//! A site made ready for one base address: content as template values, converted once.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::Collection;
use crate::content::{Entities, Entity, Language};
use crate::host::Host;
use crate::json::{self, absolute};
use crate::seo::entity_seo;
use crate::snapshot::Snapshot;
use crate::templates::{Array, Engine, Value, value};

/// Everything a rendering needs, ready.
#[derive(Debug)]
pub(crate) struct View {
    base_url: Arc<str>,
    pub(crate) engine: Engine,
    languages: HashMap<String, LanguageView>,
    /// What a site of the PHP platform has instead of the pages and entities of its languages.
    pub(crate) legacy: Option<crate::legacy::LegacyView>,
}

/// One language of a view.
#[derive(Debug)]
pub(crate) struct LanguageView {
    /// Variables that all pages of the language share.
    pub(crate) shared: Arc<Array>,
    pub(crate) pages: HashMap<String, PageView>,
    /// Key of a collection → its entities in their order.
    pub(crate) entities: HashMap<String, Vec<EntityView>>,
    /// The title of the home page in the navigation.
    pub(crate) home_title: String,
}

impl LanguageView {
    /// A language with variables and no pages: those of a legacy site are kept elsewhere.
    pub(crate) fn of_variables(shared: Arc<Array>) -> Self {
        Self { shared, pages: HashMap::new(), entities: HashMap::new(), home_title: String::new() }
    }
}

/// One page, with the items of its lists in place.
#[derive(Debug)]
pub(crate) struct PageView {
    pub(crate) page: Value,
    pub(crate) sections: Value,
    pub(crate) title: Option<String>,
    pub(crate) seo: Seo,
    pub(crate) hero: Value,
}

/// One entity.
#[derive(Debug)]
pub(crate) struct EntityView {
    pub(crate) entity: Value,
    pub(crate) seo: Seo,
}

/// SEO of a page: ready, or with Twig in its strings.
#[derive(Debug)]
pub(crate) enum Seo {
    Ready(Value),
    Twig(Arc<Json>),
    Absent,
}

impl Seo {
    pub(crate) fn of(value: &Json, base_url: &str) -> Self {
        let ready = absolute(value, base_url);
        let mut twig = false;
        json::strings(&ready, "", &mut |_, text| twig |= has_twig(text));
        if twig { Self::Twig(Arc::new(ready)) } else { Self::Ready(self::value(&ready)) }
    }
}

/// Whether a content string is a template.
pub(crate) fn has_twig(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

impl View {
    pub(crate) fn build(site: &Snapshot, host: Host) -> Self {
        let base_url = host.base_url.clone();
        if let Some(policies) = &site.config().legacy {
            let (legacy, languages) = crate::legacy::LegacyView::build(site, policies, &host);
            return Self { base_url, engine: Engine::new(host), languages, legacy: Some(legacy) };
        }
        let fonts = Value::list(host.fonts().into_iter().map(Value::from));
        let settings = settings(site);
        let config = Value::map([("settings", settings.clone())]);
        let global = value(&absolute(site.global(), &base_url));
        let mut languages = HashMap::new();
        for language in &site.content().languages {
            let lists = Lists::build(site, language, &base_url);
            let mut shared = Array::new();
            shared.insert("settings", settings.clone());
            shared.insert("config", config.clone());
            shared.insert("global", global.clone());
            shared.insert("currentLang", current_language(site, language, &base_url));
            shared.insert("lang_code", Value::from(language.code.as_str()));
            shared.insert("base_url", Value::from(base_url.as_ref()));
            shared.insert("captcha_client_key", Value::Null);
            shared.insert("preload_fonts", fonts.clone());
            shared.insert("collections", lists.context(site, language));
            let view = LanguageView {
                shared: Arc::new(shared),
                pages: pages(site, language, &lists, &base_url),
                entities: entities(site, language, &base_url),
                home_title: home_title(site, language),
            };
            languages.insert(language.code.clone(), view);
        }
        Self { base_url, engine: Engine::new(host), languages, legacy: None }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn language(&self, code: &str) -> Option<&LanguageView> {
        self.languages.get(code)
    }
}

/// What templates see as `settings`: public facts of the configuration, never a secret.
pub(crate) fn settings(site: &Snapshot) -> Value {
    let config = site.config();
    let codes = &site.content().codes;
    let mut settings = serde_json::Map::new();
    settings.insert("default_lang".to_owned(), codes.first().cloned().into());
    settings.insert("available_langs".to_owned(), codes.clone().into());
    settings.insert("site_name".to_owned(), config.name.clone().into());
    settings.insert("time_zone".to_owned(), config.time_zone.clone().into());
    settings.insert("sitemap_pages".to_owned(), config.sitemap_pages.clone().into());
    let map = config.route_map.iter().map(|(slug, page)| (slug.clone(), page.clone().into()));
    settings.insert("route_map".to_owned(), Json::Object(map.collect()));
    settings.insert("yandex_metric_id".to_owned(), 0.into());
    settings.extend(config.settings.clone());
    value(&Json::Object(settings))
}

pub(crate) fn current_language(site: &Snapshot, language: &Language, base_url: &str) -> Value {
    let declared = site.global().get("lang").and_then(Json::as_array).into_iter().flatten();
    let mut found = declared.filter(|lang| json::text(lang, "code") == Some(&language.code));
    match found.next() {
        Some(lang) => value(&absolute(lang, base_url)),
        None => Value::map([("code", Value::from(language.code.as_str()))]),
    }
}

/// The items of the navigation in a language.
pub(crate) fn navigation<'s>(site: &'s Snapshot, language: &str) -> impl Iterator<Item = (&'s str, &'s str)> {
    let items = site.global().get("nav").and_then(|nav| nav.get(language)?.get("items"));
    let items = items.and_then(Json::as_array).into_iter().flatten();
    items.filter_map(|item| Some((item.get("href")?.as_str()?.trim_matches('/'), json::text(item, "title")?)))
}

fn home_title(site: &Snapshot, language: &Language) -> String {
    let named = navigation(site, &language.code).find(|(href, _)| href.is_empty());
    let default = if language.code == "ru" { "Главная" } else { "Home" };
    named.map_or(default, |(_, title)| title).to_owned()
}

fn pages(site: &Snapshot, language: &Language, lists: &Lists, base_url: &str) -> HashMap<String, PageView> {
    let mut pages = HashMap::new();
    for (id, page) in &language.pages {
        let raw = value(&absolute(page, base_url));
        let collection = site.config().collections.values().find(|c| c.list_page_id == *id);
        let page = lists.inject(raw, collection);
        let sections = page.get("sections").filter(|s| s.as_array().is_some()).cloned();
        let sections = sections.unwrap_or_else(|| Value::from(Array::new()));
        let title = page.get("title").and_then(Value::as_str).map(str::to_owned);
        let seo = language.seo.get(id).map_or(Seo::Absent, |seo| Seo::of(seo, base_url));
        let hero = hero(&sections);
        pages.insert(id.clone(), PageView { page, sections, title, seo, hero });
    }
    pages
}

fn entities(site: &Snapshot, language: &Language, base_url: &str) -> HashMap<String, Vec<EntityView>> {
    let view = |collection: &Collection, entities: &Entities| {
        let pattern = collection.seo.as_deref().and_then(|id| language.seo.get(id)).map(AsRef::as_ref);
        let all = entities.all.iter().map(|entity| {
            // What an editor wrote may hold Twig; what a feed brought is text.
            let own = entity.file.as_ref().and_then(|_| entity.json.get("seo")).filter(|seo| seo.is_object());
            EntityView {
                entity: with_href(site, language, entity, base_url),
                seo: match own.or(pattern) {
                    Some(written) => Seo::of(written, base_url),
                    None => Seo::of_plain(&entity_seo(site, language, collection, entity, base_url)),
                },
            }
        });
        all.collect()
    };
    let collections = site.config().collections.values();
    collections
        .filter_map(|collection| {
            Some((collection.key.clone(), view(collection, language.entities(&collection.key)?)))
        })
        .collect()
}

/// The entity as templates see it: its JSON and its address, unless it has a `href` of its own.
fn with_href(site: &Snapshot, language: &Language, entity: &Entity, base_url: &str) -> Value {
    let ready = value(&absolute(&entity.json, base_url));
    if ready.get("href").is_some() {
        return ready;
    }
    let mut array = ready.as_array().cloned().unwrap_or_default();
    array.insert("href", Value::from(site.address(language, &entity.path)));
    Value::from(array)
}

impl Seo {
    /// SEO made of facts: braces in them are text, never a template.
    fn of_plain(json: &Json) -> Self {
        Self::Ready(value(json))
    }
}

/// The lists of all collections in one language, as templates see them.
struct Lists {
    items: HashMap<String, Array>,
}

impl Lists {
    fn build(site: &Snapshot, language: &Language, base_url: &str) -> Self {
        let mut items = HashMap::new();
        for collection in site.config().collections.values() {
            let Some(entities) = language.entities(&collection.key) else { continue };
            let list: Array = entities
                .all
                .iter()
                .map(|entity| {
                    let mut item = serde_json::Map::new();
                    item.insert("slug".to_owned(), entity.slug.clone().into());
                    item.insert("visible".to_owned(), true.into());
                    if let Some(content) = entity.item(collection).as_object() {
                        item.extend(content.iter().map(|(key, value)| (key.clone(), value.clone())));
                    }
                    for key in ["id", "cover", "date", "title", "desc"] {
                        if let (false, Some(value)) = (item.contains_key(key), entity.json.get(key)) {
                            item.insert(key.to_owned(), value.clone());
                        }
                    }
                    if !item.contains_key("title") {
                        item.insert("title".to_owned(), entity.name(collection).into());
                    }
                    item.insert("href".to_owned(), site.address(language, &entity.path).into());
                    value(&absolute(&Json::Object(item), base_url))
                })
                .collect();
            items.insert(collection.key.clone(), list);
        }
        Self { items }
    }

    /// The variable `collections`: key → items and the address of the list.
    fn context(&self, site: &Snapshot, language: &Language) -> Value {
        Value::map(site.config().collections.values().filter_map(|collection| {
            let items = self.items.get(&collection.key)?;
            let segment = site.config().segment_of(&collection.list_page_id);
            let href = site.address(language, &format!("/{segment}"));
            let entry = [("items", Value::from(items.clone())), ("href", Value::from(href))];
            Some((collection.key.as_str(), Value::map(entry)))
        }))
    }

    /// Puts items into the sections of a page that ask for them: `items_from` names a collection (with
    /// `limit`), and on the list page of a collection the section of its name, or one with empty `items`.
    fn inject(&self, page: Value, collection: Option<&Collection>) -> Value {
        let Some(sections) = page.get("sections").and_then(Value::as_array) else { return page };
        let mut changed = false;
        let mut all = Array::new();
        for (key, section) in sections.iter() {
            let filled = self.fill(section, collection);
            changed |= filled.is_some();
            all.insert(key.to_key(), filled.unwrap_or_else(|| section.clone()));
        }
        if !changed {
            return page;
        }
        let mut copy = page.as_array().cloned().unwrap_or_default();
        copy.insert("sections", Value::from(all));
        Value::from(copy)
    }

    fn fill(&self, section: &Value, collection: Option<&Collection>) -> Option<Value> {
        let data = section.get("data");
        let from = data.and_then(|data| data.get("items_from")).and_then(Value::as_str);
        let items = match from {
            Some(key) => self.items.get(key)?,
            None => {
                let collection = collection?;
                let present = data.and_then(|data| data.get("items"));
                let empty = present.is_some_and(|items| items.as_array().is_some_and(Array::is_empty));
                let named = section.get("name").and_then(Value::as_str) == Some(&collection.nav_slug);
                if !empty && !named {
                    return None;
                }
                self.items.get(&collection.key)?
            }
        };
        let limit = data.and_then(|data| data.get("limit")).map_or(0, Value::to_int);
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let items: Array = items.values().take(limit).cloned().collect();
        let mut data = data.and_then(Value::as_array).cloned().unwrap_or_default();
        data.insert("items", Value::from(items));
        let mut section = section.as_array().cloned()?;
        section.insert("data", Value::from(data));
        Some(Value::from(section))
    }
}

/// The picture of the first slide of the page's `intro`, to be loaded early.
fn hero(sections: &Value) -> Value {
    let found = sections.as_array().and_then(|sections| {
        let intro = sections
            .values()
            .find(|section| section.get("name").is_none_or(|name| name.as_str() == Some("intro")))?;
        let slide = intro.get("data")?.get("slider")?.get("items")?.as_array()?.first()?;
        if let Some(cover) = slide.get("cover").filter(|cover| cover.as_str().is_some()) {
            return Some(cover.clone());
        }
        let image = slide.get("image")?;
        ["raw", "src"].iter().find_map(|key| image.get(key).filter(|v| v.as_str().is_some())).cloned()
    });
    found.unwrap_or(Value::Null)
}
