//! Styles and scripts of the console, inside the binary.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::fault::Fault;
use super::page::Asked;
use crate::assets::static_text;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Every file that pages name.
pub(super) static FILES: &[(&str, &str, &str)] = &[
    ("api.js", SCRIPT, include_str!("../../../../console/scripts/api.js")),
    ("console.css", STYLE, include_str!("../../../../console/styles/console.css")),
    ("console.js", SCRIPT, include_str!("../../../../console/scripts/console.js")),
    ("edit.js", SCRIPT, include_str!("../../../../console/scripts/edit.js")),
    ("htmx.min.js", SCRIPT, include_str!("../../../../console/vendor/htmx.min.js")),
    ("icon.svg", PICTURE, include_str!("../../../../console/styles/icon.svg")),
    ("media.js", SCRIPT, include_str!("../../../../console/scripts/media.js")),
    ("pick.js", SCRIPT, include_str!("../../../../console/scripts/pick.js")),
    ("signs.svg", PICTURE, include_str!("../../../../console/styles/signs.svg")),
];

/// `GET /console/assets/{name}`.
pub(super) async fn file(_asked: Asked, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|(found, ..)| *found == name) {
        Some((_, kind, text)) => static_text(text, kind, &headers),
        None => Fault::Missing.into_response(),
    }
}
