//! Errors of a site of the PHP platform, told to scripts as its handlers tell them: as JSON, where `Accept` names it.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_sites::legacy::Generation;
use ismart_sites::{Page, Snapshot};
use serde_json::json;

use crate::origin::text;

/// The answer for a script, when a page of an error was made for one. Pages that are not there stay pages: the platform
/// shows them to everybody.
pub(super) fn for_script(page: &Page, site: &Snapshot, asked: &HeaderMap) -> Option<Response> {
    let legacy = site.config().legacy.as_ref().filter(|legacy| legacy.generation >= Generation::Gen2a)?;
    if !wants_json(asked) {
        return None;
    }
    // The id of the request never reaches the platform's handlers.
    let body = match page.status {
        405 => {
            let said = legacy.errors.get("405").or_else(|| legacy.errors.get("500"));
            let (title, message) = said.cloned().unwrap_or_else(|| ("Ошибка".to_owned(), String::new()));
            json!({ "error": title, "message": message, "request_id": "" })
        }
        500 => {
            if let Some(failure) = &page.failure {
                tracing::error!(page = %page.key.page_id, error = %failure, "a page could not be rendered");
            }
            json!({ "error": "Internal Server Error", "request_id": "" })
        }
        _ => return None,
    };
    // The platform writes slashes with a backslash before them.
    let body = body.to_string().replace('/', "\\/");
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some((status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
}

/// Whether one of the accepted types is JSON, by its whole name.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = text(headers, "accept").unwrap_or_default();
    accepted.split(',').any(|part| {
        part.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    })
}
