//! The pilot kit: the chat of a site that somebody else serves, by one line of script.
//!
//! ```html
//! <script src="https://HOST/pilot.js" data-site="KEY" async></script>
//! ```
//!
//! The script is the widget; with `data-site` it talks to `/pilot/KEY/api/chat/…` of its own origin. Only pages of
//! the origins that the site names may ask (`[pilot] origins` of `config/site.toml`, and its `hosts`); the visitor is
//! known by a token that the page keeps, never by a cookie. See `pilot.contract.md`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ismart_sites::SiteConfig;

use crate::chat;
use crate::origin::{Asked, text};
use crate::platform::Platform;
use crate::problem::Problem;

/// How long a browser may remember what it asked before a request, seconds.
const REMEMBERED: &str = "7200";

/// The script, and the calls that end at once.
pub(crate) fn router(platform: &Arc<Platform>) -> Router<Arc<Platform>> {
    let calls = Router::new()
        .route("/pilot/{site}/api/chat/visit", post(chat::visit::start))
        .route("/pilot/{site}/api/chat/messages", post(chat::messages::send));
    Router::new().route("/pilot.js", get(script)).merge(guarded(platform, calls))
}

/// The stream of answers, which has no time limit.
pub(crate) fn streams(platform: &Arc<Platform>) -> Router<Arc<Platform>> {
    guarded(platform, Router::new().route("/pilot/{site}/api/chat/stream", get(chat::stream::follow)))
}

fn guarded(platform: &Arc<Platform>, calls: Router<Arc<Platform>>) -> Router<Arc<Platform>> {
    calls.layer(from_fn_with_state(platform.clone(), guard))
}

/// The widget, which any page may load; `Access-Control-Allow-Origin` lets pages pin it by its digest.
async fn script(headers: HeaderMap) -> Response {
    let mut response = crate::assets::widget(headers).await;
    let open = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    for (name, value) in open {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Finds the site of the path, and lets its own pages in.
async fn guard(State(platform): State<Arc<Platform>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let site = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(params) => params.iter().find(|(name, _)| *name == "site").map(|(_, key)| key.to_owned()),
        Err(_) => None,
    };
    let found = site.and_then(|key| platform.site_of_key(&key)).filter(|(_, place)| place.worker.is_some());
    let Some((site, place)) = found else {
        return Problem::not_found("There is no chat of this name: check `data-site` of the script.")
            .into_response();
    };
    let origin = text(&parts.headers, "origin").map(str::to_owned);
    if parts.method == Method::OPTIONS {
        return readable(StatusCode::NO_CONTENT.into_response(), origin.as_deref());
    }
    // A request without an origin comes from no page of another site: the token alone opens it.
    if let Some(origin) = origin.as_deref().filter(|origin| !permits(site.config(), origin)) {
        return readable(refusal(origin, &site.config().site), Some(origin));
    }
    parts.extensions.insert(Asked { site, place });
    readable(next.run(Request::from_parts(parts, body)).await, origin.as_deref())
}

/// Whether pages of this origin may use the site's chat.
fn permits(config: &SiteConfig, origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return false;
    }
    let named = origins(config).any(|named| named.eq_ignore_ascii_case(origin));
    named || config.hosts.iter().any(|host| host.eq_ignore_ascii_case(authority))
}

/// The line that a page of another server holds; `server` is where visitors reach us, without final slash.
#[must_use]
pub fn line(server: &str, site: &str) -> String {
    format!("<script src=\"{server}/pilot.js\" data-site=\"{site}\" async></script>")
}

/// `[pilot] origins` of the site.
pub(crate) fn origins(config: &SiteConfig) -> impl Iterator<Item = &str> {
    let named = config.section("pilot").and_then(|table| table.get("origins")).and_then(|v| v.as_array());
    named.into_iter().flatten().filter_map(|value| value.as_str()).map(|origin| origin.trim_end_matches('/'))
}

fn refusal(origin: &str, site: &str) -> Response {
    tracing::info!(%origin, %site, "a page that is not the site's asked for its chat");
    let detail = "Pages of this origin may not use this chat: add the origin to `origins` under [pilot] in the site's \
                  config/site.toml.";
    Problem::new(StatusCode::FORBIDDEN, "origin", detail).into_response()
}

/// Adds the headers that let the page read the answer. Refusals are readable too: a widget that cannot read them takes
/// them for a broken line, and shows itself.
fn readable(mut response: Response, origin: Option<&str>) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(Ok(origin)) = origin.map(HeaderValue::from_str) else { return response };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let lines = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after"),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    for (name, value) in lines {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_that_the_site_names_are_let_in() {
        let text = "client = \"a\"\nname = \"A\"\nhosts = [\"new.example\"]\n[pilot]\norigins = [\"https://old.example\", \"http://127.0.0.1:8099/\"]\n";
        let config = SiteConfig::parse(text, "a").unwrap();
        for good in
            ["https://old.example", "HTTPS://OLD.example", "http://127.0.0.1:8099", "https://new.example"]
        {
            assert!(permits(&config, good), "{good}");
        }
        for bad in [
            "null",
            "",
            "http://old.example",
            "https://old.example.evil.example",
            "https://old.example:8443",
            "http://127.0.0.1",
            "https://new.example:1",
            "file://",
            "ftp://new.example",
        ] {
            assert!(!permits(&config, bad), "{bad}");
        }
    }
}
