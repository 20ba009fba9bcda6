//! `/console/media`: the pictures of a site: taking in, describing, the point that stays visible, replacing, removing.

mod picker;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_media::{Focal, Format, Item, Library, LibraryError, Use};
use ismart_sites::Snapshot;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::local;
use super::page::Place;
use super::seat::{Picturing, Posted, Seat, Seated};
use crate::platform::{Place as SitePlace, Platform};

pub(super) use picker::{add, picture, pictures};
pub(super) use upload::{DRAINED, MOST, replace, take_in};

/// Pictures are decoded and written one after the other: each takes some hundred megabytes for seconds.
static BENCH: Semaphore = Semaphore::const_new(1);
/// Pictures on one page.
const PAGE: usize = 60;
/// Pages told of in the list of the heaviest.
const HEAVIEST: usize = 5;

/// The wish in the address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    site: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: usize,
    /// What became of the last action: key of a text.
    #[serde(default)]
    told: String,
}

/// A site of the seat's client, with its folder of pictures.
pub(super) struct Shelf {
    pub(super) site: Arc<Snapshot>,
    pub(super) place: Arc<SitePlace>,
    pub(super) library: Library,
}

#[derive(Serialize)]
struct MediaPage {
    site: String,
    sites: Vec<SiteChoice>,
    q: String,
    told: Option<String>,
    shown: String,
    pictures: Vec<Tile>,
    more: Option<String>,
    uses: Vec<UseChoice>,
    heaviest: Vec<PageWeight>,
    most: String,
}

#[derive(Serialize)]
struct SiteChoice {
    key: String,
    name: String,
    current: bool,
}

#[derive(Serialize)]
struct UseChoice {
    name: &'static str,
    title: String,
    budget: String,
    current: bool,
}

#[derive(Serialize)]
struct Tile {
    path: String,
    name: String,
    href: String,
    src: String,
    size: Option<(u32, u32)>,
    weight: String,
    /// Position of the picture in its frame, in per cent.
    at: (u16, u16),
    /// Languages without a text.
    silent: String,
    waits: bool,
}

#[derive(Serialize)]
struct PageWeight {
    path: String,
    weight: String,
}

#[derive(Serialize)]
struct OnePage {
    site: String,
    site_name: String,
    tile: Tile,
    focal: Focal,
    alts: Vec<Alt>,
    uses: Vec<UseChoice>,
    variants: Vec<VariantLine>,
    over_budget: Option<String>,
    mentions: Vec<String>,
    mentioned: String,
    told: Option<String>,
    is_drawing: bool,
    most: String,
}

#[derive(Serialize)]
struct Alt {
    code: String,
    title: String,
    text: String,
    missing: bool,
}

#[derive(Serialize)]
struct VariantLine {
    kind: String,
    width: u32,
    height: u32,
    weight: String,
}

/// The client's sites, the one asked for or the first.
pub(super) fn shelf(platform: &Platform, seat: &Seat, key: &str) -> Result<Shelf, Fault> {
    let world = platform.world.load();
    let mut places: Vec<_> =
        world.places.values().filter(|place| place.client_id == seat.client.id).collect();
    places.sort_by(|a, b| a.name.cmp(&b.name).then(a.slug.cmp(&b.slug)));
    let place = if key.is_empty() { places.first() } else { places.iter().find(|place| place.slug == key) };
    let slug = place.map(|place| place.slug.clone()).ok_or(Fault::Missing)?;
    let (site, place) = platform.site_of_key(&slug).ok_or(Fault::Missing)?;
    let library = Library::new(site.root().join("data/img"));
    Ok(Shelf { site, place, library })
}

/// Work on files and pixels, where waiting is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LibraryError> + Send + 'static,
) -> Result<Result<T, LibraryError>, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(error = %error, "work on a picture was broken off");
        Fault::Broken
    })
}

/// A refusal for the log, and a page for the person.
pub(super) fn missing(error: &LibraryError) -> Fault {
    match error {
        LibraryError::Missing(_) => Fault::Missing,
        error => {
            tracing::error!(error = %error, "the folder of pictures failed");
            Fault::Store
        }
    }
}

/// Shows the pictures of a site; for scripts, only the grid.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Query(wish): Query<Wish>,
) -> Result<Response, Fault> {
    let page = page(&platform, &seat, &wish, None).await?;
    if seat.by_script {
        return Ok(seat.part("part/media.twig", &page)?.into_response());
    }
    let title = seat.texts().get("nav.media");
    Ok(seat.page(&platform, Place::Media, title, "media.twig", &page).await?.into_response())
}

async fn page(
    platform: &Platform,
    seat: &Seat,
    wish: &Wish,
    told: Option<String>,
) -> Result<MediaPage, Fault> {
    let Shelf { site, place, library } = shelf(platform, seat, &wish.site)?;
    let items = blocking(move || library.list()).await?.map_err(|error| missing(&error))?;
    let languages: Vec<&str> = site.languages().collect();
    let heaviest = heaviest(&site, &items, seat);
    let q = wish.q.trim().to_lowercase();
    let found: Vec<&Item> = items.iter().filter(|item| q.is_empty() || fits(item, &q)).collect();
    let start = wish.page.saturating_mul(PAGE);
    let pictures: Vec<Tile> =
        found.iter().skip(start).take(PAGE).map(|item| tile(seat, &place.slug, item, &languages)).collect();
    let more = (found.len() > start + PAGE).then(|| {
        let query = [("site", place.slug.as_str()), ("q", &wish.q)]
            .map(|(n, v)| format!("{n}={}", local::encoded(v)));
        format!("/console/media?{}&page={}", query.join("&"), wish.page + 1)
    });
    let world = platform.world.load();
    let mut sites: Vec<SiteChoice> = world
        .places
        .values()
        .filter(|other| other.client_id == seat.client.id)
        .map(|other| SiteChoice {
            key: other.slug.clone(),
            name: other.name.clone(),
            current: other.slug == place.slug,
        })
        .collect();
    sites.sort_by(|a, b| a.name.cmp(&b.name).then(a.key.cmp(&b.key)));
    Ok(MediaPage {
        site: place.slug.clone(),
        sites,
        q: wish.q.clone(),
        told: told.or_else(|| self::told(seat, &wish.told)),
        shown: seat.texts().count("media.shown", i64::try_from(found.len()).unwrap_or(i64::MAX)),
        pictures,
        more,
        uses: uses(seat, "card"),
        heaviest,
        most: weight(seat, MOST as u64),
    })
}

/// Whether a picture's name or one of its descriptions holds a text, which is in lower case.
fn fits(item: &Item, q: &str) -> bool {
    let said = item.sidecar.iter().flat_map(|sidecar| sidecar.alt.values());
    item.path.to_lowercase().contains(q) || said.into_iter().any(|text| text.to_lowercase().contains(q))
}

/// The text of what became of an action.
fn told(seat: &Seat, key: &str) -> Option<String> {
    let known = ["added", "saved", "replaced", "removed", "making"];
    known.contains(&key).then(|| seat.texts().get(&format!("media.told_{key}")).to_owned())
}

fn uses(seat: &Seat, current: &str) -> Vec<UseChoice> {
    let choice = |one: &Use| UseChoice {
        name: one.name,
        title: seat.texts().get(&format!("media.use_{}", one.name)).to_owned(),
        budget: weight(seat, one.budget),
        current: one.name == current,
    };
    ismart_media::USES.iter().map(choice).collect()
}

fn tile(seat: &Seat, site: &str, item: &Item, languages: &[&str]) -> Tile {
    let sidecar = item.sidecar.clone().unwrap_or_default();
    let encoded: Vec<String> = item.path.split('/').map(local::encoded).collect();
    let encoded = encoded.join("/");
    let drawing = item.path.ends_with(".svg");
    Tile {
        name: item.path.rsplit('/').next().unwrap_or(&item.path).to_owned(),
        href: format!("/console/media/{site}/about/{encoded}"),
        src: format!("/console/media/{site}/file/{encoded}"),
        size: item.size,
        weight: weight(seat, item.bytes),
        at: (sidecar.focal.x / 10, sidecar.focal.y / 10),
        silent: sidecar.silent(languages).join(", "),
        waits: item.sidecar.is_some() && sidecar.variants.is_empty() && !drawing,
        path: item.path.clone(),
    }
}

/// Bytes for people.
pub(super) fn weight(seat: &Seat, bytes: u64) -> String {
    let (unit, tenths) = if bytes >= 1024 * 1024 {
        ("media.mb", bytes * 10 / (1024 * 1024))
    } else {
        ("media.kb", bytes * 10 / 1024)
    };
    let whole = i64::try_from(tenths / 10).unwrap_or(i64::MAX);
    let number = if unit == "media.mb" {
        format!("{}{}{}", seat.number(whole), seat.texts().get("media.point"), tenths % 10)
    } else {
        seat.number(whole.max(1))
    };
    format!("{number} {}", seat.texts().get(unit))
}

/// The pages whose content names the heaviest pictures. Of a picture with sizes the widest AVIF counts.
fn heaviest(site: &Snapshot, items: &[Item], seat: &Seat) -> Vec<PageWeight> {
    let heavy = |item: &Item| {
        let variants = item.sidecar.iter().flat_map(|sidecar| &sidecar.variants);
        variants
            .filter(|variant| variant.kind == "image/avif")
            .map(|variant| variant.bytes)
            .max()
            .unwrap_or(item.bytes)
    };
    let weights: BTreeMap<&str, u64> = items.iter().map(|item| (item.path.as_str(), heavy(item))).collect();
    let Some(language) = site.languages().next() else { return Vec::new() };
    let mut pages: Vec<(String, u64)> = site
        .pages(language)
        .filter_map(|page| {
            let named = ismart_sites::pictures_of(page.content);
            let sum = named.iter().filter_map(|path| weights.get(path.as_str())).sum();
            Some((page.path?, sum))
        })
        .filter(|(_, sum)| *sum > 0)
        .collect();
    pages.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    pages
        .into_iter()
        .take(HEAVIEST)
        .map(|(path, sum)| PageWeight { path, weight: weight(seat, sum) })
        .collect()
}

/// `GET /console/media/{site}/file/{path}`: a picture, shown as a picture and as nothing else.
pub(super) async fn file(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Path((site, path)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let library = shelf(&platform, &seat, &site)?.library;
    let name = path.clone();
    let bytes = blocking(move || library.read(&name)).await?.map_err(|error| missing(&error))?;
    let kind = match path.rsplit_once('.').map(|(_, end)| end) {
        Some("avif") => "image/avif",
        _ => ismart_media::examine(&bytes)
            .map_or("application/octet-stream", |header| header.format.media_type()),
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    // A drawing that came here past the library must not run as a page of the console.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    Ok(response)
}

/// `GET /console/media/{site}/about/{path}`: one picture.
pub(super) async fn about(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Path((site, path)): Path<(String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    one(&platform, &seat, &site, &path, told(&seat, &wish.told)).await
}

/// The page of one picture.
pub(super) async fn one(
    platform: &Platform,
    seat: &Seat,
    site: &str,
    path: &str,
    told: Option<String>,
) -> Result<Html<String>, Fault> {
    let Shelf { site, place, library } = shelf(platform, seat, site)?;
    let name = path.to_owned();
    let item = blocking(move || library.get(&name)).await?.map_err(|error| missing(&error))?;
    let languages: Vec<&str> = site.languages().collect();
    let sidecar = item.sidecar.clone().unwrap_or_default();
    let purpose = if sidecar.purpose.is_empty() { "card" } else { &sidecar.purpose };
    let heaviest = sidecar.variants.iter().filter(|v| v.kind == "image/avif").map(|v| v.bytes).max();
    let budget = Use::named(purpose).map_or(u64::MAX, |one| one.budget);
    let mentions = site.mentions(&format!("data/img/{}", item.path));
    let alt = |code: &&str| Alt {
        title: super::plain::named(seat.texts(), "language", code),
        text: sidecar.alt.get(*code).cloned().unwrap_or_default(),
        missing: !sidecar.alt.contains_key(*code),
        code: (*code).to_owned(),
    };
    let variant = |found: &ismart_media::SidecarVariant| VariantLine {
        kind: found.kind.trim_start_matches("image/").to_uppercase(),
        width: found.width,
        height: found.height,
        weight: weight(seat, found.bytes),
    };
    let page = OnePage {
        site: place.slug.clone(),
        site_name: place.name.clone(),
        tile: tile(seat, &place.slug, &item, &languages),
        focal: sidecar.focal,
        alts: languages.iter().map(alt).collect(),
        uses: uses(seat, purpose),
        variants: sidecar.variants.iter().map(variant).collect(),
        over_budget: heaviest.filter(|bytes| *bytes > budget).map(|bytes| weight(seat, bytes)),
        mentioned: seat.texts().count("media.mentioned", i64::try_from(mentions.len()).unwrap_or(i64::MAX)),
        mentions,
        told,
        is_drawing: item.path.ends_with(Format::Svg.extension()),
        most: weight(seat, MOST as u64),
    };
    seat.page(platform, Place::Media, page.tile.name.clone(), "media_one.twig", &page).await
}

/// `POST /console/media/{site}/about/{path}`: what it shows, the point that stays visible, what it is used for.
pub(super) async fn describe(
    State(platform): State<Arc<Platform>>,
    Path((site, path)): Path<(String, String)>,
    Posted { seat, fields, .. }: Posted<Picturing>,
) -> Result<Redirect, Fault> {
    let shelf = shelf(&platform, &seat, &site)?;
    let part =
        |name: &str| fields.get(name).and_then(|text| text.trim().parse::<u16>().ok()).filter(|n| *n <= 1000);
    let (Some(x), Some(y)) = (part("x"), part("y")) else { return Err(Fault::Invalid("fault.invalid.form")) };
    let purpose = fields.get("purpose").and_then(Use::named).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let mut alt = BTreeMap::new();
    for code in shelf.site.languages() {
        let text = fields.get(&format!("alt-{code}")).unwrap_or("").trim();
        // Nothing to say must be said: an empty text is kept only when the picture is marked as decoration.
        if !text.is_empty() || fields.get(&format!("plain-{code}")).is_some() {
            alt.insert(code.to_owned(), text.chars().filter(|c| !c.is_control()).take(300).collect());
        }
    }
    let (library, name) = (shelf.library.clone(), path.clone());
    let again = blocking(move || {
        let old = library.get(&name)?.sidecar.unwrap_or_default();
        library.describe(&name, alt, Focal::new(x, y), Some(purpose))?;
        Ok(old.purpose != purpose.name && !name.ends_with(".svg"))
    });
    let again = again.await?.map_err(|error| missing(&error))?;
    if again {
        make_sizes(&platform, &shelf, path.clone());
    } else {
        platform.editing.touched(&shelf.place.slug);
    }
    Ok(back(&site, &path, "saved"))
}

/// `POST /console/media/{site}/make/{path}`: makes the sizes anew.
pub(super) async fn make(
    State(platform): State<Arc<Platform>>,
    Path((site, path)): Path<(String, String)>,
    Posted { seat, .. }: Posted<Picturing>,
) -> Result<Redirect, Fault> {
    let shelf = shelf(&platform, &seat, &site)?;
    let (library, name) = (shelf.library.clone(), path.clone());
    blocking(move || library.get(&name)).await?.map_err(|error| missing(&error))?;
    make_sizes(&platform, &shelf, path.clone());
    Ok(back(&site, &path, "making"))
}

/// `POST /console/media/{site}/remove/{path}`.
pub(super) async fn remove(
    State(platform): State<Arc<Platform>>,
    Path((site, path)): Path<(String, String)>,
    Posted { seat, .. }: Posted<Picturing>,
) -> Result<Redirect, Fault> {
    let shelf = shelf(&platform, &seat, &site)?;
    let (library, name) = (shelf.library.clone(), path.clone());
    blocking(move || library.remove(&name)).await?.map_err(|error| missing(&error))?;
    tracing::info!(user.id = %seat.session.user.id, site, path, "a picture was removed");
    platform.editing.touched(&shelf.place.slug);
    Ok(Redirect::to(&format!("/console/media?site={}&told=removed", local::encoded(&site))))
}

/// Makes the sizes of a picture beside the request; visitors get them when they are done.
pub(super) fn make_sizes(platform: &Arc<Platform>, shelf: &Shelf, path: String) {
    let (platform, library, slug) = (platform.clone(), shelf.library.clone(), shelf.place.slug.clone());
    tokio::spawn(async move {
        let Ok(_turn) = BENCH.acquire().await else { return };
        let name = path.clone();
        match tokio::task::spawn_blocking(move || library.finish(&name)).await {
            Ok(Ok(over)) => {
                tracing::info!(site = slug, path, over_budget = ?over, "the sizes of a picture were made")
            }
            Ok(Err(error)) => {
                tracing::error!(site = slug, path, error = %error, "the sizes of a picture were not made")
            }
            Err(error) => tracing::error!(site = slug, path, error = %error, "making sizes was broken off"),
        }
        platform.editing.touched(&slug);
    });
}

fn back(site: &str, path: &str, told: &str) -> Redirect {
    let path: Vec<String> = path.split('/').map(local::encoded).collect();
    Redirect::to(&format!("/console/media/{}/about/{}?told={told}", local::encoded(site), path.join("/")))
}
