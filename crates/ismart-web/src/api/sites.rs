//! Sites and the facts that all their pages share.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{AtSite, Granted};
use super::conditional;
use super::cursor::Listing;
use super::ground::InDraft;
use super::query::Wish;
use super::scope::Content;
use crate::platform::{Place, Platform};
use crate::problem::Problem;

/// A site.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Site {
    /// Its key, which names it in every address of the API.
    site: String,
    /// Name for people.
    name: String,
    /// Host names that it answers to.
    hosts: Vec<String>,
    /// Public root of its addresses; null when it is taken from the request.
    base_url: Option<String>,
    /// Codes of its languages, the default first.
    languages: Vec<String>,
    /// IANA zone of the business.
    time_zone: String,
    /// Keys of its collections.
    collections: Vec<String>,
    /// Name of the worker package that it employs, if any.
    worker: Option<String>,
}

fn shown(site: &ismart_sites::Snapshot, place: &Place) -> Site {
    let config = site.config();
    Site {
        site: config.site.clone(),
        name: config.name.clone(),
        hosts: config.hosts.clone(),
        base_url: config.base_url.clone(),
        languages: site.languages().map(str::to_owned).collect(),
        time_zone: config.time_zone.clone(),
        collections: config.collections.keys().cloned().collect(),
        worker: place.worker.clone(),
    }
}

/// The sites that the key is for
#[utoipa::path(
    get, path = "/sites", operation_id = "listSites", tag = "Sites",
    security(("key" = ["content:read"])),
    responses((status = 200, description = "All of them, by key", body = Listing<Site>, headers(("ETag" = String)))),
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Granted(key, PhantomData): Granted<Content>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let world = platform.world.load();
    let mut items: Vec<Site> = world
        .fleet
        .sites()
        .iter()
        .filter_map(|site| {
            let place = world.places.get(&site.config().site)?;
            key.opens(place).then(|| shown(site, place))
        })
        .collect();
    items.sort_by(|a, b| a.site.cmp(&b.site));
    conditional::json(&headers, &Listing { items, next: None })
}

/// One site
#[utoipa::path(
    get, path = "/sites/{site}", operation_id = "getSite", tag = "Sites",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "The site", body = Site, headers(("ETag" = String)))),
)]
pub(super) async fn show(at: AtSite<Content>, headers: HeaderMap) -> Result<Response, Problem> {
    conditional::json(&headers, &shown(&at.site, &at.place))
}

/// Facts that all pages share: `global.json`
///
/// Phones, addresses, opening hours, navigation: whatever stands on more than one page.
#[utoipa::path(
    get, path = "/sites/{site}/facts", operation_id = "getFacts", tag = "Sites",
    params(("site" = String, Path, description = "Key of the site"), InDraft),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "The content of `data/json/global.json`", body = Value,
        headers(("ETag" = String)))),
)]
pub(super) async fn facts(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    Wish(wish): Wish<InDraft>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    conditional::json(&headers, at.site.global())
}
