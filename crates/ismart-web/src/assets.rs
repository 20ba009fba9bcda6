//! Files of the platform itself, inside the binary.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_store::sha256_hex;

const WIDGET: &str = include_str!("../../../widget/widget.js");

/// The chat widget.
pub(crate) async fn widget(headers: HeaderMap) -> Response {
    static_text(WIDGET, "text/javascript; charset=utf-8", &headers)
}

/// A text with its ETag, or 304 when the browser has it.
pub(crate) fn static_text(text: &'static str, content_type: &'static str, headers: &HeaderMap) -> Response {
    let digest = sha256_hex(text);
    let etag = format!("\"{}\"", digest.get(..16).unwrap_or_default());
    let common = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, "public, no-cache".to_owned())];
    let known =
        headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(&etag));
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, content_type)], text).into_response()
}
