//! The pictures of a site inside the editor: found, taken in, described and chosen without leaving the page.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use ismart_media::Item;
use serde::{Deserialize, Serialize};

use super::super::fault::Fault;
use super::super::local;
use super::super::plain;
use super::super::seat::{Picturing, Seat, Seated};
use super::upload::{received, take};
use super::{Alt, Shelf, Tile, UseChoice, blocking, missing, shelf, tile, uses};
use crate::platform::Platform;

/// Pictures shown at once.
const AT_ONCE: usize = 24;

/// The wish in the address.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Wish {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: usize,
    /// The picture that the field holds, below `data/img`.
    #[serde(default)]
    current: String,
}

#[derive(Serialize)]
struct Pictures {
    told: Option<String>,
    refused: bool,
    pictures: Vec<Tile>,
    current: String,
    shown: String,
    more: Option<String>,
    /// The picture that was just taken in.
    taken: Option<String>,
}

/// `GET /console/media/{site}/pictures`: those that fit, the present one and the newest first.
pub(in crate::console) async fn pictures(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Path(site): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    let shelf = shelf(&platform, &seat, &site)?;
    let part = listed(&seat, &shelf, &wish).await?;
    seat.part("part/pictures.twig", &part)
}

async fn listed(seat: &Seat, shelf: &Shelf, wish: &Wish) -> Result<Pictures, Fault> {
    let library = shelf.library.clone();
    let mut items = blocking(move || library.list()).await?.map_err(|error| missing(&error))?;
    let q = wish.q.trim().to_lowercase();
    items.retain(|item| q.is_empty() || super::fits(item, &q));
    items.sort_by_key(|item| item.path != wish.current);
    let languages: Vec<&str> = shelf.site.languages().collect();
    let start = wish.page.saturating_mul(AT_ONCE);
    let one = |item: &Item| tile(seat, &shelf.place.slug, item, &languages);
    let address = || {
        let slug = local::encoded(&shelf.place.slug);
        let (q, current) = (local::encoded(&wish.q), local::encoded(&wish.current));
        format!("/console/media/{slug}/pictures?q={q}&current={current}&page={}", wish.page + 1)
    };
    Ok(Pictures {
        told: None,
        refused: false,
        pictures: items.iter().skip(start).take(AT_ONCE).map(one).collect(),
        current: wish.current.clone(),
        shown: seat.texts().count("media.shown", i64::try_from(items.len()).unwrap_or(i64::MAX)),
        more: (items.len() > start + AT_ONCE).then(address),
        taken: None,
    })
}

/// `POST /console/media/{site}/pictures`: takes a picture in; the answer lists it first, or says why it was refused.
pub(in crate::console) async fn add(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Path(site): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    let sent = received(&seat, request).await?;
    let shelf = shelf(&platform, &seat, &site)?;
    let done = take(&platform, &seat, &shelf, sent).await?;
    // The page in the editor shows it before its sizes are made.
    platform.editing.touched(&shelf.place.slug);
    let taken = done.paths.first().cloned();
    let wish = Wish { current: taken.clone().unwrap_or_default(), ..Wish::default() };
    let mut part = listed(&seat, &shelf, &wish).await?;
    let told = seat.texts().get("media.told_added").to_owned();
    part.refused = !done.refusals.is_empty();
    part.told = Some(if part.refused { done.refusals.join(" ") } else { told });
    part.taken = taken;
    let html = seat.part("part/pictures.twig", &part)?;
    let status = if part.refused { done.status } else { StatusCode::OK };
    Ok((status, html).into_response())
}

#[derive(Serialize)]
struct OnePicture {
    tile: Tile,
    focal: ismart_media::Focal,
    alts: Vec<Alt>,
    uses: Vec<UseChoice>,
}

/// `GET /console/media/{site}/picture/{path}`: what is said of one picture, as a form.
pub(in crate::console) async fn picture(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Path((site, path)): Path<(String, String)>,
) -> Result<Html<String>, Fault> {
    let Shelf { site, place, library } = shelf(&platform, &seat, &site)?;
    let item = blocking(move || library.get(&path)).await?.map_err(|error| missing(&error))?;
    let languages: Vec<&str> = site.languages().collect();
    let sidecar = item.sidecar.clone().unwrap_or_default();
    let purpose = if sidecar.purpose.is_empty() { "card" } else { &sidecar.purpose };
    let alts = languages.iter().map(|code| Alt {
        title: plain::named(seat.texts(), "language", code),
        text: sidecar.alt.get(*code).cloned().unwrap_or_default(),
        missing: !sidecar.alt.contains_key(*code),
        code: (*code).to_owned(),
    });
    let part = OnePicture {
        tile: tile(&seat, &place.slug, &item, &languages),
        focal: sidecar.focal,
        alts: alts.collect(),
        uses: uses(&seat, purpose),
    };
    seat.part("part/picture.twig", &part)
}
