//! `GET /console/site/{site}/edit`: the real page beside the field of what was clicked.
//! `GET /console/site/{site}/page/…`: that page, from the person's draft, with the place of every text. It runs no
//! script but ours and is shown nowhere but in our own frame.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use ismart_sites::edit::{Marked, Spot, marked, rehomed, styles};
use ismart_sites::{Answer, FileBody, RenderFailure, Request, Snapshot};
use serde::Serialize;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::seat::{Editing, Seat, Seated};
use super::open;
use crate::platform::Platform;

/// The console's own policy, and a frame of ours in the page.
const FRAMING: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Serialize)]
struct StagePage {
    path: String,
    frame: String,
    /// What the script says of its own accord.
    words: Vec<(&'static str, &'static str)>,
}

/// The screen.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let path = query.get("path").filter(|path| is_path(path)).unwrap_or("/").to_owned();
    let texts = seat.texts();
    let word = |name: &'static str, key: &'static str| (name, texts.find(key).unwrap_or(key));
    let words = vec![
        word("saving", "site.edit.saving"),
        word("saved", "site.edit.saved"),
        word("failed", "site.edit.failed"),
        word("computed", "site.edit.computed"),
        word("template", "site.edit.template"),
    ];
    let frame = format!("/console/site/{key}/page{path}");
    let page = StagePage { path, frame, words };
    let html = opened.screen(&platform, &seat, "edit", "site/edit.twig", &page).await?;
    let mut response = html.into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAMING));
    Ok(response)
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1000
        && path.bytes().all(|b| b.is_ascii_graphic())
}

/// The page in the frame, or a file that it needs.
pub(in super::super) async fn page(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(parts): Path<Vec<(String, String)>>,
    uri: Uri,
) -> Result<Response, Fault> {
    let key = parts.first().map(|(_, key)| key.clone()).unwrap_or_default();
    let opened = open(&platform, &seat, &key).await?;
    let prefix = format!("/console/site/{key}/page");
    let path = below(&uri, &format!("/site/{key}/page"));
    let shown = opened.draft.shown(&opened.site);
    let asked = Asked { path: &path, query: uri.query(), prefix: &prefix, now: platform.env.now() };
    if let Some(answer) = asked.file(&shown) {
        return Ok(answer);
    }
    match asked.page(&shown, edited) {
        Ok(Some((status, html))) => Ok(framed(status, html, &policy(&seat))),
        Ok(None) => Err(Fault::Missing),
        Err(failure) => Ok(framed(StatusCode::OK, failed(&seat, &failure), &policy(&seat))),
    }
}

/// The part of the path behind the prefix; `/` when there is none.
pub(super) fn below(uri: &Uri, prefix: &str) -> String {
    match uri.path().strip_prefix(prefix).unwrap_or("") {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

/// A request for something of a draft.
pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) prefix: &'a str,
    pub(super) now: jiff::Timestamp,
}

impl Asked<'_> {
    fn request<'r>(&'r self, site: &Snapshot, host: &'r str) -> Request<'r> {
        let secure = site.config().base_url.as_deref().is_none_or(|base| base.starts_with("https"));
        let scheme = if secure { "https" } else { "http" };
        Request { query: self.query, scheme, ..Request::get(host, self.path, self.now) }
    }

    /// A file or a redirect of the site, its own addresses put below the prefix; `None` when the path is a page.
    pub(super) fn file(&self, site: &Snapshot) -> Option<Response> {
        let host = host(site);
        let base = base(site, &host);
        match site.answer(&self.request(site, &host)) {
            Answer::File { body, content_type, .. } => {
                let bytes = match body {
                    FileBody::Memory(bytes) => bytes.to_vec(),
                    FileBody::Disk { path, .. } => std::fs::read(path).ok()?,
                };
                let bytes = if content_type.starts_with("text/css") {
                    styles(&String::from_utf8_lossy(&bytes), &base, self.prefix).into_bytes()
                } else {
                    bytes
                };
                let headers =
                    [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "private, max-age=60")];
                // A drawing may hold scripts: nothing runs in what is shown here.
                let alone = [(
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; style-src 'unsafe-inline'; sandbox",
                )];
                Some((headers, alone, bytes).into_response())
            }
            Answer::Redirect { location, .. } => {
                let own =
                    location.strip_prefix(&base).filter(|rest| rest.is_empty() || rest.starts_with('/'));
                let path = own.unwrap_or(&location);
                // Elsewhere is not shown here.
                let to = if path.starts_with('/') {
                    format!("{}{path}", self.prefix)
                } else {
                    self.prefix.to_owned()
                };
                Some(axum::response::Redirect::to(&to).into_response())
            }
            _ => None,
        }
    }

    /// The page with its addresses below the prefix; `None` when there is none, not even one that says so.
    pub(super) fn page(
        &self,
        site: &Snapshot,
        finish: impl FnOnce(Marked) -> String,
    ) -> Result<Option<(StatusCode, String)>, RenderFailure> {
        let host = host(site);
        let base = base(site, &host);
        let Some(page) = marked(site, &self.request(site, &host))? else { return Ok(None) };
        let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
        let page = Marked { html: rehomed(&page.html, &base, self.prefix), ..page };
        Ok(Some((status, finish(page))))
    }
}

fn host(site: &Snapshot) -> String {
    let base = site.config().base_url.as_deref().and_then(|base| base.split_once("://"));
    let first = || site.config().hosts.first().map(String::as_str);
    base.map(|(_, host)| host).or_else(first).unwrap_or("localhost").to_owned()
}

fn base(site: &Snapshot, host: &str) -> String {
    site.config().base_url.clone().unwrap_or_else(|| format!("https://{host}"))
}

/// The page with our script and what the marks stand for.
fn edited(page: Marked) -> String {
    #[derive(Serialize)]
    struct Known<'s> {
        title: &'s str,
        file: Option<&'s str>,
        spots: &'s [Spot],
        failure: Option<String>,
    }
    let known = Known {
        title: &page.title,
        file: page.file.as_deref(),
        spots: &page.spots,
        failure: page.failure.as_ref().map(ToString::to_string),
    };
    // The data must not be able to end its element.
    let json = serde_json::to_string(&known).unwrap_or_default().replace('<', "\\u003c");
    let ours = format!(
        "<script type=\"application/json\" id=\"is-spots\">{json}</script>\
         <script src=\"/console/assets/edit.js\" defer data-is-own></script>"
    );
    match page.html.rfind("</body>") {
        Some(at) => {
            let (head, tail) = page.html.split_at(at);
            format!("{head}{ours}{tail}")
        }
        None => page.html + &ours,
    }
}

/// Nothing but our script runs; pictures, styles and fonts may come from anywhere.
fn policy(seat: &Seat) -> String {
    let script = format!("{}://{}/console/assets/edit.js", seat.origin.scheme, seat.origin.host);
    format!(
        "default-src 'none'; script-src {script}; style-src 'self' 'unsafe-inline' https:; img-src * data: blob:; \
         font-src * data:; media-src *; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
}

/// A page for a frame of ours.
pub(super) fn framed(status: StatusCode, html: String, policy: &str) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (status, headers, Html(html)).into_response()
}

fn failed(seat: &Seat, failure: &RenderFailure) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html><html lang=\"{}\"><head><title>{title}</title></head><body><h1>{title}</h1><pre>{}</pre></body></html>",
        seat.look.language.code(),
        escape(&failure.to_string()),
        title = escape(seat.texts().get("site.edit.page_failed")),
    )
}
