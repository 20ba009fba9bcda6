//! `GET /health`: whether sites can be served and leads stored; `GET /ping`: the cheapest answer there is, the
//! reference beside which load figures are printed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::platform::Platform;

/// 200 when the database answers and at least one site is loaded, else 503 with what is missing.
pub(crate) async fn health(State(platform): State<Arc<Platform>>) -> Response {
    let sites = platform.world.load().fleet.sites().len();
    let database = match platform.store.read().await {
        Ok(mut conn) => ismart_store::clients::list(&mut conn).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let (status, database) = match database {
        Ok(()) if sites > 0 => (StatusCode::OK, "ok".to_owned()),
        Ok(()) => (StatusCode::SERVICE_UNAVAILABLE, "ok".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    };
    let word = if status == StatusCode::OK { "ok" } else { "unavailable" };
    let body =
        json!({ "status": word, "sites": sites, "database": database, "version": env!("CARGO_PKG_VERSION") });
    (status, [("cache-control", "no-store")], Json(body)).into_response()
}

/// A plain 200.
pub(crate) async fn ping() -> &'static str {
    "ok\n"
}
