//! A site of the PHP platform made ready for one base address.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::content::{cast, entity, fill_from, fill_list, frame, inner, page, set, slugs};
use super::{links_base, seo};
use crate::config::{Collection, Fill, Fonts, Legacy, LegacyCollection, Variables};
use crate::content::Language;
use crate::host::Host;
use crate::json::absolute;
use crate::snapshot::Snapshot;
use crate::templates::{Array, Value, value};
use crate::view::{LanguageView, Seo, current_language, settings};

/// Everything that renderings of a legacy site need, ready.
#[derive(Debug)]
pub(crate) struct LegacyView {
    languages: HashMap<String, Ready>,
}

/// One language.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) pages: HashMap<String, ReadyPage>,
    /// Key of a collection → slug → its visible entity.
    pub(super) entities: HashMap<String, HashMap<String, ReadyEntity>>,
    pub(super) seo: HashMap<String, Seo>,
    pub(super) home_title: String,
}

/// One page: as it stands in its file, and as the list of a collection.
#[derive(Debug)]
pub(super) struct ReadyPage {
    pub(super) plain: Shape,
    pub(super) list: Option<Shape>,
    /// Its own title, where the file has one.
    pub(super) title: Option<String>,
}

/// Page, sections and first picture, as templates see them.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) page: Value,
    pub(super) sections: Value,
    pub(super) hero: Value,
}

/// One entity.
#[derive(Debug)]
pub(super) struct ReadyEntity {
    pub(super) entity: Value,
    pub(super) seo: Seo,
    /// The moment from which another SEO holds, and that SEO.
    pub(super) later: Option<(Timestamp, Seo)>,
    pub(super) breadcrumb: Value,
    pub(super) frame: Value,
    pub(super) url_path: String,
}

impl LegacyView {
    pub(crate) fn build(
        site: &Snapshot,
        policies: &Legacy,
        host: &Host,
    ) -> (Self, HashMap<String, LanguageView>) {
        let mut languages = HashMap::new();
        let mut views = HashMap::new();
        for language in &site.content().languages {
            let shared = Arc::new(shared(site, policies, host, language));
            views.insert(language.code.clone(), LanguageView::of_variables(shared));
            languages.insert(language.code.clone(), Ready::build(site, policies, host, language));
        }
        (Self { languages }, views)
    }

    pub(super) fn language(&self, code: &str) -> Option<&Ready> {
        self.languages.get(code)
    }
}

/// The variables that all pages of a language share.
fn shared(site: &Snapshot, policies: &Legacy, host: &Host, language: &Language) -> Array {
    let base = format!("{}/", host.base_url);
    let settings = settings(site);
    let mut shared = Array::new();
    let mut set = |name: &str, value: Value| shared.insert(name, value);
    match policies.variables {
        Variables::Slim => {
            set("config", Value::map([("settings", settings.clone())]));
            set("settings", settings);
            let fonts = match &policies.fonts {
                Fonts::Nothing => Vec::new(),
                Fonts::Css => css_fonts(host.parts.files.text("/assets/css/base/fonts.css").unwrap_or("")),
                Fonts::Listed(fonts) => {
                    let there = |font: &&String| site.files().get(&format!("/{font}")).is_some();
                    fonts.iter().filter(there).cloned().collect()
                }
            };
            set("preload_fonts", Value::list(fonts.into_iter().map(Value::from)));
            set("captcha_client_key", Value::from(policies.captcha_client_key.as_str()));
        }
        Variables::Core => {
            let under = |path: &str| Value::from(format!("{base}{path}"));
            let urls = Value::map([
                ("base", under("")),
                ("assets", under("assets/")),
                ("data", under("data/")),
                ("images", under("data/img/")),
                ("css", under("assets/css/build/")),
                ("js", under("assets/js/build/")),
            ]);
            let config = [("base_url", Value::from(base.as_str())), ("urls", urls), ("settings", settings)];
            set("config", Value::map(config));
        }
    }
    set("global", value(&absolute(site.global(), &host.base_url)));
    set("currentLang", current_language(site, language, &host.base_url));
    set("lang_code", Value::from(language.code.as_str()));
    set("base_url", Value::from(base));
    shared
}

/// The fonts that a style names, relative to the site, none twice.
fn css_fonts(css: &str) -> Vec<String> {
    let mut fonts: Vec<String> = Vec::new();
    for rest in css.split("url").skip(1) {
        let Some(rest) = rest.trim_start().strip_prefix('(') else { continue };
        let path = rest.split(')').next().unwrap_or("").trim().trim_matches(['\'', '"']).trim();
        let font = match path.strip_prefix("../../") {
            Some(rest) => format!("assets/{rest}"),
            None if path.contains("fonts/") => path.to_owned(),
            None => continue,
        };
        if !fonts.contains(&font) {
            fonts.push(font);
        }
    }
    fonts
}

impl Ready {
    fn build(site: &Snapshot, policies: &Legacy, host: &Host, language: &Language) -> Self {
        let base_url = &host.base_url;
        let code = language.code.as_str();
        let mut pages = HashMap::new();
        for (id, raw) in &language.pages {
            let mut plain = raw.as_ref().clone();
            if policies.items_from {
                fill_from(site, code, &mut plain);
            }
            let mut collections = site.config().collections.values();
            let list = collections.find(|c| c.list_page_id == *id).and_then(|collection| {
                let fill = policies.collection(&collection.key).fill;
                if fill == Fill::Nothing {
                    return None;
                }
                let mut list = plain.clone();
                fill_list(site, code, collection, (fill, policies.full_items), &mut list);
                (list != plain).then(|| Shape::of(&list, policies, base_url))
            });
            let title = set(&plain, "title").map(|title| cast(Some(title)));
            pages.insert(id.clone(), ReadyPage { plain: Shape::of(&plain, policies, base_url), list, title });
        }
        let seo = language.seo.iter().map(|(id, seo)| (id.clone(), Seo::of(seo, base_url))).collect();
        let home_title = home_title(site, code);
        let mut entities = HashMap::new();
        for collection in site.config().collections.values() {
            let more = policies.collection(&collection.key);
            let maker =
                Maker { site, policies, host, code, collection, more: &more, home_title: &home_title };
            entities.insert(collection.key.clone(), maker.entities());
        }
        Self { pages, entities, seo, home_title }
    }
}

impl Shape {
    fn of(page: &Json, policies: &Legacy, base_url: &str) -> Self {
        let page = absolute(page, base_url);
        let sections = page.get("sections").filter(|sections| sections.is_array() || sections.is_object());
        let hero = match policies.variables {
            Variables::Slim => hero(sections, policies.sized_hero),
            Variables::Core => Json::Null,
        };
        let sections = sections.map_or_else(|| Value::from(Array::new()), value);
        Self { page: value(&page), sections, hero: value(&hero) }
    }

    /// A page that has a name and these sections.
    pub(super) fn bare(name: &str, sections: Option<&Self>) -> Self {
        let list = sections.map_or_else(|| Value::from(Array::new()), |shape| shape.sections.clone());
        let page = Value::map([("name", Value::from(name)), ("sections", list.clone())]);
        Self { page, sections: list, hero: sections.map_or(Value::Null, |shape| shape.hero.clone()) }
    }
}

/// The picture of the first slide of the first section `intro` (or without name).
fn hero(sections: Option<&Json>, sized: bool) -> Json {
    let found = || {
        let mut all = sections?.as_array()?.iter();
        let intro = all.find(|section| set(section, "name").is_none_or(|name| name == "intro"))?;
        let slide = intro.pointer("/data/slider/items/0")?;
        if let Some(cover) = slide.get("cover").filter(|cover| cover.is_string()) {
            return Some(cover.clone());
        }
        let image = slide.get("image")?;
        if sized && let Some(sizes) = hero_sizes(image) {
            return Some(sizes);
        }
        ["raw", "src"].iter().find_map(|key| image.get(key).filter(|path| path.is_string())).cloned()
    };
    found().unwrap_or(Json::Null)
}

fn hero_sizes(image: &Json) -> Option<Json> {
    const SIZES: &[&str] = &["400", "800", "1280", "1600", "1920", "2560"];
    let sizes = |map: &Json| -> Vec<(String, Json)> {
        let path =
            |key: &str| map.get(key).filter(|path| path.as_str().is_some_and(|path| path != "#")).cloned();
        SIZES.iter().filter_map(|key| Some(((*key).to_owned(), path(key)?))).collect()
    };
    let mut all: serde_json::Map<String, Json> = sizes(image).into_iter().collect();
    if all.is_empty() {
        return None;
    }
    if let Some(horizontal) = image.get("horizontal") {
        all.extend(sizes(horizontal));
    }
    Some(Json::Object(all))
}

/// Items of the navigation in a language: address without slashes, title.
fn navigation<'s>(site: &'s Snapshot, code: &str) -> Vec<(&'s str, Option<&'s str>)> {
    let items = site.global().get("nav").and_then(|nav| nav.get(code)?.get("items")?.as_array());
    let pair = |item: &'s Json| {
        let href = item.get("href").and_then(Json::as_str)?;
        Some((href.trim_matches('/'), item.get("title").and_then(Json::as_str)))
    };
    items.into_iter().flatten().filter_map(pair).collect()
}

fn home_title(site: &Snapshot, code: &str) -> String {
    let home = navigation(site, code).into_iter().find(|(href, _)| href.is_empty());
    home.and_then(|(_, title)| title).unwrap_or("Главная").to_owned()
}

pub(super) fn crumb(name: &str, url: &str) -> Value {
    Value::map([("name", Value::from(name)), ("url", Value::from(url))])
}

/// Makes the entities of a collection ready.
struct Maker<'m> {
    site: &'m Snapshot,
    policies: &'m Legacy,
    host: &'m Host,
    code: &'m str,
    collection: &'m Collection,
    more: &'m LegacyCollection,
    home_title: &'m str,
}

impl Maker<'_> {
    fn entities(&self) -> HashMap<String, ReadyEntity> {
        let frame =
            if self.policies.full_items { frame(self.site, self.code, self.collection) } else { None };
        let frame = frame.map_or(Value::Null, |frame| value(&absolute(&frame, &self.host.base_url)));
        let slugs = slugs(self.site, self.code, self.collection);
        let one = |slug: String| {
            let found = entity(self.site, self.code, self.collection, &slug)?;
            let found = absolute(&found, &self.host.base_url);
            let ready = self.ready(&slug, &found, frame.clone());
            Some((slug, ready))
        };
        slugs.into_iter().filter_map(one).collect()
    }

    fn ready(&self, slug: &str, entity: &Json, frame: Value) -> ReadyEntity {
        let base_url = self.host.base_url.as_ref();
        let asked = |now: Timestamp| seo::Asked {
            site: self.site,
            language: self.code,
            collection: self.collection,
            more: self.more,
            entity,
            base_url,
            now,
        };
        let start = Timestamp::UNIX_EPOCH;
        let later = seo::changes_at(&asked(start))
            .map(|moment| (moment, Seo::of(&seo::of(&asked(moment)), base_url)));
        ReadyEntity {
            entity: value(entity),
            seo: Seo::of(&seo::of(&asked(start)), base_url),
            later,
            breadcrumb: self.breadcrumb(slug, entity),
            frame,
            url_path: format!("{}/{}", self.collection.nav_slug.trim_matches('/'), slug.trim_matches('/')),
        }
    }

    fn breadcrumb(&self, slug: &str, entity: &Json) -> Value {
        let nav = &self.collection.nav_slug;
        let inner = inner(self.collection, entity);
        let name = cast(set(inner, "name").or_else(|| set(inner, "title")).or_else(|| entity.get("slug")));
        let slash = if self.more.crumb_at_root || !self.policies.entity_sections { "/" } else { "" };
        let named = navigation(self.site, self.code).into_iter().rfind(|(href, _)| href == nav);
        let title = named.and_then(|(_, title)| title).map(str::to_owned).or_else(|| self.list_title());
        let last =
            if self.more.crumb_at_root { format!("/{slug}{slash}") } else { format!("/{nav}/{slug}{slash}") };
        Value::list([
            crumb(self.home_title, "/"),
            crumb(&title.unwrap_or_else(|| capital(nav)), &format!("/{nav}{slash}")),
            crumb(&name, &last),
        ])
    }

    /// The title of the list where the navigation has none.
    fn list_title(&self) -> Option<String> {
        if self.more.list_title.is_some() {
            return self.more.list_title.clone();
        }
        let page = page(self.site, self.code, &self.collection.list_page_id)?;
        let title = cast(set(page, "title").or_else(|| set(page, "name")));
        Some(title).filter(|title| !title.is_empty() && *title != self.collection.nav_slug)
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| format!("{}{}", first.to_ascii_uppercase(), chars.as_str()))
}

/// What Twig itself knows on a legacy site, macros included: name → value.
pub(crate) fn globals(host: &Host, policies: &Legacy) -> Vec<(&'static str, Value)> {
    let base = links_base(policies, &host.base_url);
    let mut all = vec![("base_url", Value::from(format!("{base}/")))];
    if policies.variables == Variables::Slim {
        all.push(("global", value(&absolute(&host.parts.content.global, &base))));
        all.push(("payment_enabled", Value::from(policies.payment)));
    }
    all
}

/// What a page is that nobody wrote.
pub(super) fn absent_page() -> Shape {
    Shape::bare("404", None)
}
