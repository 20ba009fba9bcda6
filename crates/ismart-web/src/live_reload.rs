//! For those who write templates: an open page shows itself again when its site was loaded again.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;

use crate::assets::static_text;
use crate::platform::Platform;
use crate::problem::Problem;

/// What a watched page gets before its end.
pub(crate) const TAG: &str = "<script src=\"/ismart/live-reload.js\" async></script>";

const SCRIPT: &str = include_str!("live_reload.js");

/// Puts the tag into a page.
pub(crate) fn with_tag(html: String) -> String {
    match html.rfind("</body>") {
        Some(at) => {
            let (before, after) = html.split_at_checked(at).unwrap_or((&html, ""));
            format!("{before}{TAG}{after}")
        }
        None => html + TAG,
    }
}

/// `GET /ismart/live-reload.js`.
pub(crate) async fn script(State(platform): State<Arc<Platform>>, headers: HeaderMap) -> Response {
    if !platform.options.watch {
        return nothing();
    }
    static_text(SCRIPT, "text/javascript; charset=utf-8", &headers)
}

/// `GET /ismart/live-reload`: an event whenever sites were loaded again.
pub(crate) async fn follow(State(platform): State<Arc<Platform>>) -> Response {
    if !platform.options.watch {
        return nothing();
    }
    Sse::new(changes(&platform)).keep_alive(KeepAlive::default()).into_response()
}

fn changes(platform: &Platform) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let mut loaded = platform.fleet.loaded.subscribe();
    loaded.mark_unchanged();
    futures::stream::unfold(loaded, |mut loaded| async move {
        loaded.changed().await.ok()?;
        let count = *loaded.borrow_and_update();
        Some((Ok(Event::default().event("loaded").data(count.to_string())), loaded))
    })
}

fn nothing() -> Response {
    Problem::not_found("Pages show themselves again only under `ismart serve --watch`.").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_stands_at_the_end_of_the_body() {
        assert_eq!(with_tag("<body>x</body></html>".into()), format!("<body>x{TAG}</body></html>"));
        assert_eq!(with_tag("x".into()), format!("x{TAG}"));
    }
}
