//! The API for programs, `/api/v1`: content, sections as fragments of HTML, collections, forms, leads.
//!
//! Handlers carry their own description; [`openapi_json`] is made of these, and nothing else says what the API can do.
//! With a key (`Authorization: Bearer ism_…`) it answers on the console's hosts; what visitors can see anyway is also
//! answered without a key on the site's own host. See `api.contract.md`.

mod access;
mod collections;
mod conditional;
mod cursor;
mod deprecation;
mod document;
mod drafts;
mod forms;
mod ground;
mod leads;
mod making;
mod meter;
mod pages;
mod places;
mod query;
pub(crate) mod scope;
mod sections;
mod sites;
mod submissions;
mod writing;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::platform::Platform;
use crate::problem::Problem;
pub(crate) use access::PREFIX;
pub(crate) use meter::Desk;

/// Where version 1 stands.
const BASE: &str = "/api/v1";

/// Every operation; the description is made of the same list.
fn operations() -> OpenApiRouter<Arc<Platform>> {
    let operations = OpenApiRouter::new()
        .routes(routes!(sites::list))
        .routes(routes!(sites::show))
        .routes(routes!(sites::facts, writing::facts))
        .routes(routes!(pages::list, making::page))
        .routes(routes!(pages::show, writing::page, making::remove_page))
        .routes(routes!(pages::document))
        .routes(routes!(pages::seo, writing::seo))
        .routes(routes!(sections::list, making::section))
        .routes(routes!(sections::fragment, making::remove_section))
        .routes(routes!(collections::list))
        .routes(routes!(collections::entities, making::entity))
        .routes(routes!(collections::entity, writing::entity, making::remove_entity))
        .routes(routes!(collections::document))
        .routes(routes!(drafts::show, drafts::discard))
        .routes(routes!(drafts::verdict))
        .routes(routes!(drafts::publish))
        .routes(routes!(drafts::link, drafts::close))
        .routes(routes!(places::redirects))
        .routes(routes!(places::sitemap))
        .routes(routes!(forms::list))
        .routes(routes!(forms::show))
        .routes(routes!(submissions::submit))
        .routes(routes!(leads::list))
        .routes(routes!(leads::show))
        .routes(routes!(leads::send_again));
    OpenApiRouter::with_openapi(document::head()).nest(BASE, operations)
}

/// The whole description, finished.
static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> =
    LazyLock::new(|| document::finished(operations().split_for_parts().1));

/// The OpenAPI 3.1 description of the API, as `/api/v1/openapi.json` serves it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&*DOCUMENT)?;
    text.push('\n');
    Ok(text)
}

/// The description as a value, for the page that shows it.
pub(crate) fn openapi() -> &'static utoipa::openapi::OpenApi {
    &DOCUMENT
}

/// Everything under `/api/v1`.
pub(crate) fn router() -> Router<Arc<Platform>> {
    operations()
        .split_for_parts()
        .0
        .route("/api/v1/openapi.json", get(described))
        .route("/api/v1", get(nowhere))
        .route("/api/v1/{*rest}", get(nowhere).fallback(nowhere))
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(deprecation::tell))
        .layer(from_fn(meter::tell))
}

async fn described(headers: HeaderMap) -> Result<Response, Problem> {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| openapi_json().ok());
    let missing =
        || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "document", "The description could not be made.");
    let text = TEXT.as_deref().ok_or_else(missing)?;
    Ok(conditional::bytes(&headers, "application/json", text.as_bytes().to_vec()))
}

async fn nowhere() -> Problem {
    Problem::not_found(
        "There is no such operation. GET /api/v1/openapi.json lists all, /api/docs explains them.",
    )
}

async fn other_method() -> Response {
    let detail = "The address is right, the method is not: `Allow` names those that it knows.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response()
}
