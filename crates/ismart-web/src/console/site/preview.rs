//! `GET /console/preview/{token}/…`: a draft for people who do not sign in.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use ismart_sites::edit::Marked;
use ismart_store::{editing, sha256_hex};

use super::super::fault::Fault;
use super::super::page::Asked as Browser;
use super::stage::{Asked, below, framed};
use crate::platform::Platform;

/// Nothing runs: the page is shown as it would look before its scripts.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline' https:; img-src * data: blob:; \
     font-src * data:; media-src *; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A page or file of the draft that a link shows.
pub(in super::super) async fn open(
    State(platform): State<Arc<Platform>>,
    browser: Browser,
    Path(parts): Path<Vec<(String, String)>>,
    uri: Uri,
) -> Result<Response, Fault> {
    let token = parts.first().map(|(_, token)| token.as_str()).filter(|token| token.len() >= 32);
    let token = token.ok_or(Fault::Missing)?.to_owned();
    let mut conn = platform.store.read().await?;
    let preview = editing::preview(&mut conn, &sha256_hex(&token)).await?.ok_or(Fault::Missing)?;
    drop(conn);
    let world = platform.world.load();
    let place = world
        .places
        .values()
        .find(|place| place.site_id == preview.site_id && place.client_id == preview.client_id);
    let site = place.and_then(|place| platform.editing.site(&place.slug)).ok_or(Fault::Missing)?;
    let draft = platform.editing.draft(&site, preview.drafter).await?;
    let shown = draft.shown(&site);
    let prefix = format!("/console/preview/{token}");
    let path = below(&uri, &format!("/preview/{token}"));
    let asked = Asked { path: &path, query: uri.query(), prefix: &prefix, now: platform.env.now() };
    if let Some(answer) = asked.file(&shown) {
        return Ok(answer);
    }
    let says = browser.look.language.texts().get("site.preview.banner");
    match asked.page(&shown, |page| bannered(page, says)) {
        Ok(Some((status, html))) => Ok(framed(status, html, POLICY)),
        Ok(None) => Err(Fault::Missing),
        Err(failure) => {
            tracing::debug!(error = %failure, "a page of a draft could not be shown");
            Err(Fault::Broken)
        }
    }
}

/// The page with a line that says what it is.
fn bannered(page: Marked, says: &str) -> String {
    let line = format!(
        "<div role=\"note\" style=\"position:sticky;top:0;z-index:2147483647;padding:8px 16px;background:#20242c;\
         color:#fff;font:14px/1.4 system-ui,sans-serif;text-align:center\">{says}</div>"
    );
    let body = page.html.find("<body").and_then(|at| page.html.get(at..)?.find('>').map(|end| at + end + 1));
    match body {
        Some(at) => {
            let (head, tail) = page.html.split_at(at);
            format!("{head}{line}{tail}")
        }
        None => line + &page.html,
    }
}
