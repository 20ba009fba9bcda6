//! Pages as knowledge: what a digital worker may quote, with the address to quote it from.

use serde_json::Value;

use crate::content::Language;
use crate::json::text;
use crate::route::NOT_FOUND;
use crate::snapshot::Snapshot;

/// One page or entity.
#[derive(Debug, Clone)]
pub struct Document<'s> {
    /// Language code.
    pub language: &'s str,
    /// Page id; for an entity the page that lists it.
    pub page_id: &'s str,
    /// Key of the collection and slug of an entity.
    pub entity: Option<(&'s str, &'s str)>,
    /// What people call it.
    pub title: &'s str,
    /// Its path on the site, percent-encoded.
    pub url: String,
    /// Its file, relative to the site folder; `None` for an entity of a feed.
    pub file: Option<String>,
    /// The page's JSON (`sections` holds what is shown) or the entity's.
    pub body: &'s Value,
}

/// See [`Snapshot::documents`].
pub(crate) fn documents(site: &Snapshot) -> impl Iterator<Item = Document<'_>> {
    site.content()
        .languages
        .iter()
        .flat_map(move |language| pages(site, language).chain(entities(site, language)))
}

fn pages<'s>(site: &'s Snapshot, language: &'s Language) -> impl Iterator<Item = Document<'s>> {
    let shown = language.pages.iter().filter(|(id, page)| *id != NOT_FOUND && page.get("sections").is_some());
    shown.map(move |(id, page)| {
        let seo =
            language.seo.get(id).and_then(|seo| text(seo, "title")).filter(|title| !title.contains("{{"));
        Document {
            language: &language.code,
            page_id: id,
            entity: None,
            title: text(page, "title").or(seo).or_else(|| text(page, "name")).unwrap_or(id),
            url: site.address(language, &format!("/{}", site.config().segment_of(id))),
            file: Some(crate::content::page_file(&language.code, id)),
            body: page,
        }
    })
}

fn entities<'s>(site: &'s Snapshot, language: &'s Language) -> impl Iterator<Item = Document<'s>> {
    site.config().collections.values().flat_map(move |collection| {
        let all = language.entities(&collection.key).map_or(&[][..], |entities| &entities.all);
        all.iter().map(move |entity| Document {
            language: &language.code,
            page_id: &collection.list_page_id,
            entity: Some((&collection.key, &entity.slug)),
            title: entity.name(collection),
            url: site.address(language, &entity.path),
            file: entity.file.clone(),
            body: &entity.json,
        })
    })
}
