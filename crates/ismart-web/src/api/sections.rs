//! Sections of a page as fragments of HTML, for other pages and for applications.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ismart_sites::{FragmentError, SectionKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::AtSite;
use super::cursor::Listing;
use super::pages::{self, InLanguage};
use super::query::{Segments, Wish};
use super::scope::{Content, Shown};
use super::{BASE, conditional};
use crate::platform::Platform;
use crate::problem::Problem;

/// A section of a page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Section {
    /// Its place in the page's list, from 0.
    #[schema(minimum = 0)]
    index: usize,
    /// Its name.
    name: String,
    /// Whether visitors see it.
    visible: bool,
    /// Where its HTML is; null when visitors do not see it.
    href: Option<String>,
}

/// The sections of a page
#[utoipa::path(
    get, path = "/sites/{site}/pages/{page}/sections", operation_id = "listSections", tag = "Sections",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "In the order of the page", body = Listing<Section>,
        headers(("ETag" = String)))),
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let entry = pages::find(&at.site, &language, &id)?;
    let site = &at.place.slug;
    let base = format!("{BASE}/sites/{site}/pages/{}/sections", entry.id);
    let items = entry
        .sections()
        .map(|section| Section {
            index: section.index,
            name: section.name.to_owned(),
            visible: section.visible,
            href: section.visible.then(|| format!("{base}/{}.html?language={language}", section.index)),
        })
        .collect();
    conditional::json(&headers, &Listing { items, next: None })
}

/// One section as a fragment of HTML
///
/// The section is named by its place (`0.html`) or by its name (`intro.html`, the first of that name). The fragment is
/// what the page holds: styles and scripts are those of the site.
#[utoipa::path(
    get, path = "/sites/{site}/pages/{page}/sections/{file}", operation_id = "getSection", tag = "Sections",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        ("file" = String, Path, description = "Place or name of the section, and `.html`",
            pattern = "^[A-Za-z0-9_-]{1,80}\\.html$", example = "0.html"),
        InLanguage),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "The fragment", body = String, content_type = "text/html",
        headers(("ETag" = String)))),
)]
pub(super) async fn fragment(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Shown>,
    Segments((_, id, file)): Segments<(String, String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let wrong =
        || Problem::not_found("A section is named by its place or name and `.html`, for example `0.html`.");
    let name = file.strip_suffix(".html").filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let key = name.parse().map_or(SectionKey::Named(name), SectionKey::At);
    let path = pages::find(&at.site, &language, &id)?.path.unwrap_or_else(|| "/".to_owned());
    let request = pages::request(&platform, &at, &path);
    match at.site.section(&language, &id, key, &request) {
        Ok(html) => Ok(conditional::html(&headers, &language, html)),
        Err(FragmentError::Render(failure)) => Err(pages::broken(Some(failure))),
        Err(error @ FragmentError::NoTemplate(_)) => {
            Err(Problem::new(StatusCode::NOT_FOUND, "no_template", format!("{error}.")))
        }
        Err(error @ (FragmentError::NoPage(_) | FragmentError::NoSection)) => {
            Err(Problem::not_found(format!("{error}: the list of sections names all.")))
        }
    }
}
