//! Pages: their list, their JSON, their SEO, and the page as visitors get it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ismart_sites::{Answer, PageEntry, PerRequest, Request, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::access::AtSite;
use super::cursor::{self, Listing};
use super::query::{Segments, Wish};
use super::scope::{Asks, Content, Shown};
use super::{BASE, conditional};
use crate::platform::Platform;
use crate::problem::Problem;

/// The language of what is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InLanguage {
    /// Code of a language of the site; the default language without it.
    #[param(pattern = "^[a-z]{2}$", nullable = false)]
    pub(super) language: Option<String>,
    /// `true` for the key's own draft instead of what visitors have.
    #[param(nullable = false)]
    pub(super) draft: Option<bool>,
}

/// The language and place in a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListWish {
    /// Code of a language of the site; the default language without it.
    #[param(pattern = "^[a-z]{2}$", nullable = false)]
    language: Option<String>,
    /// `next` of the page before.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// How many at once, 50 without it.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u16>,
    /// `true` for the key's own draft instead of what visitors have.
    #[param(nullable = false)]
    draft: Option<bool>,
}

/// A page in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageLine {
    /// The page's id: the name of its file.
    id: String,
    /// Code of its language.
    language: String,
    /// What people call it.
    title: String,
    /// Its path on the site; null for the page that is shown where there is none.
    path: Option<String>,
    /// Where the API has it.
    href: String,
}

/// A page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    /// The page's id: the name of its file.
    id: String,
    /// Code of its language.
    language: String,
    /// What people call it.
    title: String,
    /// Its path on the site; null for the page that is shown where there is none.
    path: Option<String>,
    /// Its file, relative to the site folder.
    file: String,
    /// The file's content: usually an object with `sections`, a list of `name`, `visible`, `data`.
    content: Value,
}

/// The SEO of a page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageSeo {
    /// Its file, relative to the site folder.
    file: String,
    /// The file's content, Twig in its strings as written; null when the page has no SEO file.
    content: Value,
}

/// The code of a language of the site: the one wished for, or the default.
pub(super) fn language(site: &Snapshot, wish: Option<&str>) -> Result<String, Problem> {
    let Some(wish) = wish else {
        return Ok(site.languages().next().unwrap_or("ru").to_owned());
    };
    if wish.len() != 2 || !wish.bytes().all(|b| b.is_ascii_lowercase()) {
        return Err(Problem::bad_request(
            "language",
            "`language` is a code of two small letters, such as `ru`.",
        ));
    }
    let known: Vec<&str> = site.languages().collect();
    if known.contains(&wish) {
        return Ok(wish.to_owned());
    }
    let detail = format!("The site has no content in `{wish}`. It has: {}.", known.join(", "));
    Err(Problem::new(StatusCode::NOT_FOUND, "language", detail))
}

/// The page, or the problem that says how to find one.
pub(super) fn find<'s>(site: &'s Snapshot, language: &str, id: &str) -> Result<PageEntry<'s>, Problem> {
    site.page_of(language, id).ok_or_else(|| {
        let id: String = id.chars().take(100).collect();
        Problem::not_found(format!("There is no page `{id}` in `{language}`: the list of pages names all."))
    })
}

/// All pages of a language
#[utoipa::path(
    get, path = "/sites/{site}/pages", operation_id = "listPages", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ListWish),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "By id", body = Listing<PageLine>, headers(("ETag" = String)))),
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    Wish(wish): Wish<ListWish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = cursor::limit(wish.limit)?;
    let at = at.over(&platform, wish.draft).await?;
    let language = language(&at.site, wish.language.as_deref())?;
    let all: Vec<PageEntry<'_>> = at.site.pages(&language).collect();
    let (page, next) = cursor::slice(all, wish.cursor.as_deref(), limit, |entry| entry.id.to_owned())?;
    let site = &at.place.slug;
    let line = |entry: PageEntry<'_>| PageLine {
        href: format!("{BASE}/sites/{site}/pages/{}?language={language}", entry.id),
        id: entry.id.to_owned(),
        language: entry.language.to_owned(),
        title: entry.title.to_owned(),
        path: entry.path,
    };
    conditional::json(&headers, &Listing { items: page.into_iter().map(line).collect(), next })
}

/// A page's JSON
#[utoipa::path(
    get, path = "/sites/{site}/pages/{page}", operation_id = "getPage", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "The page", body = Page, headers(("ETag" = String)))),
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = language(&at.site, wish.language.as_deref())?;
    conditional::json(&headers, &shown(find(&at.site, &language, &id)?))
}

pub(super) fn shown(entry: PageEntry<'_>) -> Page {
    Page {
        id: entry.id.to_owned(),
        language: entry.language.to_owned(),
        title: entry.title.to_owned(),
        path: entry.path,
        file: entry.file,
        content: entry.content.as_ref().clone(),
    }
}

/// A page's SEO
#[utoipa::path(
    get, path = "/sites/{site}/pages/{page}/seo", operation_id = "getPageSeo", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "Title, meta and JSON-LD", body = PageSeo, headers(("ETag" = String)))),
)]
pub(super) async fn seo(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = language(&at.site, wish.language.as_deref())?;
    conditional::json(&headers, &shown_seo(find(&at.site, &language, &id)?))
}

pub(super) fn shown_seo(entry: PageEntry<'_>) -> PageSeo {
    let content = entry.seo.map_or(Value::Null, |seo| seo.as_ref().clone());
    PageSeo { file: entry.seo_file, content }
}

/// A page as visitors get it
#[utoipa::path(
    get, path = "/sites/{site}/pages/{page}/document.html", operation_id = "getPageDocument", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "The whole HTML document", body = String, content_type = "text/html",
        headers(("ETag" = String)))),
)]
pub(super) async fn document(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Shown>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = language(&at.site, wish.language.as_deref())?;
    let path = find(&at.site, &language, &id)?.path;
    let path =
        path.ok_or_else(|| Problem::not_found("This page has no address: it is shown where there is none."))?;
    rendered(&platform, &at, &language, &path, &headers)
}

/// The document at a path of the site.
pub(super) fn rendered<A: Asks>(
    platform: &Platform,
    at: &AtSite<A>,
    language: &str,
    path: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    match at.site.answer(&request(platform, at, path)) {
        Answer::Page(page) if page.status == 500 => Err(broken(page.failure)),
        Answer::Page(page) => Ok(conditional::html(headers, language, page.html)),
        _ => Err(Problem::not_found(
            "A rule of redirects stands at the address of this page: it cannot be seen.",
        )),
    }
}

/// A request for a page of the site as a visitor would make it. Nothing in it differs from one request to the next,
/// so that the answer's tag stays the same.
pub(super) fn request<'r, A: Asks>(platform: &Platform, at: &'r AtSite<A>, path: &'r str) -> Request<'r> {
    let host = at.site.config().hosts.first().map_or(at.origin.host.as_str(), String::as_str);
    Request {
        scheme: if platform.options.https { "https" } else { at.origin.scheme },
        per_request: PerRequest {
            now: platform.env.now(),
            form_token: None,
            request_id: None,
            form_state: None,
        },
        ..Request::get(host, path, platform.env.now())
    }
}

/// A template failed: the log has the place, the caller has the sentence.
pub(super) fn broken(failure: Option<ismart_sites::RenderFailure>) -> Problem {
    let why = failure.map_or_else(String::new, |failure| failure.to_string());
    tracing::error!(error = %why, "a page could not be rendered for the API");
    let detail = "A template of the site failed. `ismart check` names the place.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "template", detail)
}
