//! One error shape at the HTTP boundary: RFC 9457 problem details, logged once, here.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_store::StoreError;
use serde::Serialize;

/// A refusal or failure, as the client of the API reads it (RFC 9457).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Stable code for programs.
    code: &'static str,
    /// What happened, to what, and what to do.
    detail: String,
    /// What is wrong with each field, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, nullable = false, required = false)]
    errors: Option<BTreeMap<String, String>>,
    #[serde(skip)]
    retry_after: Option<u32>,
    #[serde(skip)]
    challenged: bool,
}

impl Problem {
    /// A problem with a stable code and a text for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: None,
            retry_after: None,
            challenged: false,
        }
    }

    /// The same with what is wrong with each field.
    #[must_use]
    pub fn with_errors(mut self, errors: BTreeMap<String, String>) -> Self {
        self.errors = Some(errors);
        self
    }

    /// 401: no key of the API, or none that works; `WWW-Authenticate` says that a key opens this.
    #[must_use]
    pub(crate) fn no_key() -> Self {
        let detail = "Send a key that works: `Authorization: Bearer ism_…`. Keys are made in the console under API keys.";
        Self { challenged: true, ..Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail) }
    }

    /// 400 with the reason.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404 for a thing that is not there, or not this client's.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 429; `seconds` until the next try may succeed.
    #[must_use]
    pub fn too_many(seconds: u32) -> Self {
        let detail = format!("Too many requests. Try again in {seconds} s.");
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail) }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The text for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_disk_full() {
            tracing::error!(error = %error, "the disk is full");
            let detail = "The server has no room to store this. Nothing was written; please call us.";
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage_full", detail);
        }
        tracing::error!(error = %error, "the store failed");
        let detail = "The server could not store or read this. Nothing was written; try again in a minute.";
        Self { retry_after: Some(30), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after, challenged) = (self.status(), self.retry_after, self.challenged);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if challenged {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"iSmart API\""));
        }
        response
    }
}
