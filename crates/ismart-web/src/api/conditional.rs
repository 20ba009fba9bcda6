//! Answers with their `ETag`, and 304 for those who have them already.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::origin::text;
use crate::problem::Problem;

/// A value as JSON.
pub(super) fn json(headers: &HeaderMap, value: &impl Serialize) -> Result<Response, Problem> {
    Ok(bytes(headers, "application/json", encoded(value)?))
}

/// A value as the bytes of its JSON.
pub(super) fn encoded(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| {
        tracing::error!(error = %error, "an answer of the API could not be written as JSON");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "answer", "The answer could not be written as JSON.")
    })
}

/// HTML of a site. It must not run as a page of the host that serves the API.
pub(super) fn html(headers: &HeaderMap, language: &str, html: String) -> Response {
    let mut response = bytes(headers, "text/html; charset=utf-8", html.into_bytes());
    let more = response.headers_mut();
    more.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    if let Ok(language) = HeaderValue::from_str(language) {
        more.insert(header::CONTENT_LANGUAGE, language);
    }
    response
}

/// Bytes of a type, or 304 when the caller has them.
pub(super) fn bytes(headers: &HeaderMap, content_type: &'static str, body: Vec<u8>) -> Response {
    let etag = etag(&body);
    let common = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::VARY, "authorization".to_owned()),
    ];
    if text(headers, "if-none-match").is_some_and(|tags| names(tags, &etag)) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// The strong tag of these bytes.
pub(super) fn etag(body: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(body));
    format!("\"{}\"", digest.get(..24).unwrap_or(&digest))
}

/// Whether a list of tags names this one. Compression weakens tags on the way, so that weak ones count too.
pub(super) fn names(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_whole() {
        let tag = etag(b"x");
        assert!(names(&tag, &tag) && names(&format!("\"a\", W/{tag}"), &tag) && names("*", &tag));
        assert!(!names("\"a\"", &tag) && !names("", &tag) && !names(tag.trim_matches('"'), &tag));
    }
}
