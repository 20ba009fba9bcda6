//! Pages and collections as an editor sees them.

use serde_json::Value;

use super::trace::Place;
use crate::config::CollectionSource;
use crate::content::{listed_slugs, page_file, seo_file};
use crate::json::text;
use crate::route::NOT_FOUND;
use crate::snapshot::Snapshot;

/// A page of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLine {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Its path on the site.
    pub url: String,
    /// Its file.
    pub file: String,
    /// Its SEO file, if there is one.
    pub seo: Option<String>,
}

/// A collection of a site in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionLines {
    /// Its key.
    pub key: String,
    /// The folder of its files.
    pub folder: String,
    /// Whether a feed brings its entities, so that nothing can be edited.
    pub fed: bool,
    /// The list of slugs that orders it, if a page has one.
    pub order: Option<Place>,
    /// Its entities, the hidden ones among them.
    pub entities: Vec<EntityLine>,
}

/// An entity of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityLine {
    /// Its slug.
    pub slug: String,
    /// What people call it.
    pub title: String,
    /// Its path on the site; `None` while it is hidden.
    pub url: Option<String>,
    /// Its file; `None` when a feed brought it.
    pub file: Option<String>,
}

/// The pages of a language, the error page last.
#[must_use]
pub fn pages(site: &Snapshot, language: &str) -> Vec<PageLine> {
    let Some(content) = site.content().languages.iter().find(|l| l.code == language) else {
        return Vec::new();
    };
    let mut pages: Vec<PageLine> = content
        .pages
        .iter()
        .map(|(id, page)| {
            let seo = content.seo.get(id);
            let named = seo.and_then(|seo| text(seo, "title")).filter(|title| !title.contains("{{"));
            PageLine {
                title: text(page, "title").or(named).or_else(|| text(page, "name")).unwrap_or(id).to_owned(),
                url: site.address(content, &format!("/{}", site.config().segment_of(id))),
                file: page_file(language, id),
                seo: seo.map(|_| seo_file(language, id)),
                id: id.clone(),
            }
        })
        .collect();
    pages.sort_by_key(|page| (page.id == NOT_FOUND, page.id != "index"));
    pages
}

/// The collections of a language.
#[must_use]
pub fn collections(site: &Snapshot, language: &str) -> Vec<CollectionLines> {
    let Some(content) = site.content().languages.iter().find(|l| l.code == language) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for collection in site.config().collections.values() {
        let Some(shown) = content.entities(&collection.key) else { continue };
        let folder = format!("data/json/{language}/{}/", collection.data_dir);
        let mut entities: Vec<EntityLine> = shown
            .all
            .iter()
            .map(|entity| EntityLine {
                slug: entity.slug.clone(),
                title: entity.name(collection).to_owned(),
                url: Some(site.address(content, &entity.path)),
                file: entity.file.clone(),
            })
            .collect();
        for file in site.content().files.keys().filter(|file| file.starts_with(&folder)) {
            let slug = file.get(folder.len()..).unwrap_or("").trim_end_matches(".json");
            if !slug.contains('/') && !entities.iter().any(|entity| entity.slug == slug) {
                let (slug, title) = (slug.to_owned(), slug.to_owned());
                entities.push(EntityLine { slug, title, url: None, file: Some(file.clone()) });
            }
        }
        let order = listed_slugs(collection, content).and_then(|_| {
            let pages = [&collection.slugs_page, &collection.list_page_id];
            let (id, page) = pages.into_iter().find_map(|id| content.pages.get_key_value(id))?;
            let file = page_file(language, id);
            let direct = format!("/{}", collection.slugs_source);
            if page.pointer(&direct).and_then(Value::as_array).is_some_and(|items| !items.is_empty()) {
                return Some(Place::new(file, direct));
            }
            let sections = page.get("sections")?.as_array()?;
            let at = sections.iter().position(|s| text(s, "name") == Some(&collection.nav_slug))?;
            Some(Place::new(file, format!("/sections/{at}/data/items")))
        });
        all.push(CollectionLines {
            key: collection.key.clone(),
            folder,
            fed: collection.source == CollectionSource::Feed,
            order,
            entities,
        });
    }
    all
}
