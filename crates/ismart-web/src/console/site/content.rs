//! `GET /console/site`, `GET /console/site/{site}`: the sites of a client; pages and collections of one.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_sites::edit;
use serde::Serialize;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::page::Place;
use super::super::seat::{Editing, Seated};
use super::feed::{self, FeedLine};
use super::open;
use crate::editing::Access;
use crate::platform::Platform;

#[derive(Serialize)]
struct SitesPage {
    sites: Vec<SiteLine>,
}

#[derive(Serialize)]
struct SiteLine {
    key: String,
    name: String,
    host: String,
}

/// The sites that a person may change; the only one is opened at once.
pub(in super::super) async fn sites(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
) -> Result<Response, Fault> {
    let world = platform.world.load();
    let mut sites = Vec::new();
    for place in world.places.values().filter(|place| place.client_id == seat.client.id) {
        let user = &seat.session.user;
        if Access::of(&platform.store, user, place.client_id, place.site_id).await?.any() {
            let live = platform.editing.site(&place.slug);
            let host = live.and_then(|site| site.snapshot.config().hosts.first().cloned());
            let (key, name) = (place.slug.clone(), place.name.clone());
            sites.push(SiteLine { key, name, host: host.unwrap_or_default() });
        }
    }
    sites.sort_by(|a, b| a.name.cmp(&b.name));
    if let [only] = sites.as_slice() {
        return Ok(Redirect::to(&format!("/console/site/{}", only.key)).into_response());
    }
    let title = seat.texts().get("nav.site");
    Ok(seat
        .page(&platform, Place::Site, title, "site/sites.twig", &SitesPage { sites })
        .await?
        .into_response())
}

#[derive(Serialize)]
struct ContentPage {
    languages: Vec<LanguageLine>,
    language: String,
    pages: Vec<PageRow>,
    collections: Vec<CollectionRow>,
    facts: Option<String>,
    feed: Option<FeedLine>,
}

#[derive(Serialize)]
struct LanguageLine {
    code: String,
    current: bool,
}

#[derive(Serialize)]
struct PageRow {
    id: String,
    title: String,
    url: String,
    file: String,
    seo: Option<String>,
    changed: bool,
    mine: bool,
}

#[derive(Serialize)]
struct CollectionRow {
    key: String,
    fed: bool,
    ordered: bool,
    mine: bool,
    entities: Vec<EntityRow>,
    more: usize,
}

#[derive(Serialize)]
struct EntityRow {
    slug: String,
    title: String,
    url: Option<String>,
    file: Option<String>,
    changed: bool,
}

/// Entities of a collection that one page shows.
const SHOWN: usize = 200;

/// Pages and collections.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    platform.editing.observe(&opened.site).await?;
    let shown = opened.draft.shown(&opened.site);
    let codes: Vec<String> = shown.languages().map(str::to_owned).collect();
    let query = Fields::new(query);
    let language = query.get("lang").filter(|code| codes.iter().any(|known| known == code));
    let language = language.map(str::to_owned).or_else(|| codes.first().cloned()).unwrap_or_default();
    let changed = |file: &str| opened.draft.changes.contains_key(file);
    let mine = |file: &str| opened.access.may_edit(&shown, file, "", None);
    let pages = edit::pages(&shown, &language).into_iter().map(|page| PageRow {
        changed: changed(&page.file) || page.seo.as_deref().is_some_and(changed),
        mine: mine(&page.file),
        id: page.id,
        title: page.title,
        url: page.url,
        file: page.file,
        seo: page.seo,
    });
    let collections = edit::collections(&shown, &language).into_iter().map(|collection| {
        let more = collection.entities.len().saturating_sub(SHOWN);
        let entities = collection.entities.into_iter().take(SHOWN).map(|entity| EntityRow {
            changed: entity.file.as_deref().is_some_and(changed),
            slug: entity.slug,
            title: entity.title,
            url: entity.url,
            file: entity.file,
        });
        CollectionRow {
            mine: !collection.fed && mine(&format!("{}x.json", collection.folder)),
            key: collection.key,
            fed: collection.fed,
            ordered: collection.order.is_some(),
            entities: entities.collect(),
            more,
        }
    });
    let feed = feed::line(&platform, &seat, &opened).await?;
    let facts = mine("data/json/global.json").then(|| "data/json/global.json".to_owned());
    let body = ContentPage {
        pages: pages.collect(),
        collections: collections.collect(),
        languages: codes
            .iter()
            .map(|code| LanguageLine { code: code.clone(), current: *code == language })
            .collect(),
        language,
        facts,
        feed,
    };
    opened.screen(&platform, &seat, "content", "site/content.twig", &body).await
}
