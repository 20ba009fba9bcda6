//! The console: where a client's people answer visitors, work on leads and see what their worker achieves.
//!
//! Pages are rendered on the server from the templates in `console/`; texts stand in `console/texts`, none here.
//! Reading and answering work without scripts; scripts add live changes and keys.

pub mod accounts;

mod api_docs;
mod assets;
mod calls;
mod chart;
mod csrf;
mod csv;
mod dashboard;
mod deliveries;
mod destinations;
mod fault;
mod fields;
mod files;
mod findings;
mod fleet;
mod imports;
mod inbox;
mod intake;
mod joining;
pub mod keys;
mod language;
mod lead;
mod lead_desk;
mod leads;
mod live;
mod local;
mod media;
mod moment;
mod orders;
mod outcomes;
mod page;
mod period;
mod person;
mod plain;
mod preferences;
mod seat;
mod sign_in;
mod site;
mod talk;
#[cfg(test)]
pub(crate) mod tests;
mod thread;
mod throttle;
mod tokens;
mod view;
mod worker;
mod worker_log;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::platform::Platform;

/// The largest body of a form of the console, bytes.
const BODY_LIMIT: usize = 32 * 1024;

/// What the console remembers between requests; lives as long as its router.
#[derive(Debug, Default)]
struct Room {
    throttle: throttle::Throttle,
    worker_logs: worker_log::WorkerLogs,
    usages: site::Usages,
}

/// The pages of the console, to be nested at `/console`. It answers only on the console's hosts.
pub fn router() -> Router<Arc<Platform>> {
    let pages = Router::new()
        .route("/", get(dashboard::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/language", post(preferences::language))
        .route("/theme", post(preferences::theme))
        .route("/client", post(preferences::client))
        .route("/inbox", get(inbox::show))
        .route("/inbox/lines", get(inbox::lines))
        .route("/inbox/{id}", get(thread::show))
        .route("/inbox/{id}/take-over", post(talk::take_over))
        .route("/inbox/{id}/say", post(talk::say))
        .route("/inbox/{id}/give-back", post(talk::give_back))
        .route("/leads", get(leads::show))
        .route("/leads/file.csv", get(leads::export))
        .route("/leads/bulk", post(lead_desk::bulk))
        .route("/leads/views", post(lead_desk::save_view))
        .route("/leads/{id}", get(lead::show))
        .route("/merges/{id}/undo", post(person::undo))
        .route("/persons/{id}/join", post(person::join))
        .route("/deliveries/{id}/send-again", get(lead::confirm).post(lead::send_again))
        .route("/files/{id}", get(files::download))
        .route("/intake", get(intake::show))
        .route("/intake/{id}", get(intake::one))
        .route("/intake/{id}/lead", post(intake::make))
        .route("/intake/{id}/discard", post(intake::discard))
        .route(
            "/imports",
            get(imports::show).post(imports::take_in).layer(DefaultBodyLimit::max(imports::DRAINED)),
        )
        .route("/imports/{id}", get(imports::one).post(imports::change))
        .route("/imports/{id}/faults.csv", get(imports::faults))
        .merge(deliveries::router())
        .route("/orders", get(orders::show))
        .route("/orders/{number}", get(orders::one))
        .route("/orders/{number}/ask", post(orders::ask))
        .route("/worker", get(worker::show))
        .route("/worker/{site}/switch", post(worker::switch))
        .route("/destinations", get(destinations::show))
        .route("/destinations/add", get(joining::show))
        .route("/destinations/edit", get(joining::show))
        .route("/destinations/try", post(joining::try_out))
        .route("/destinations/save", post(joining::save))
        .route("/destinations/remove", post(joining::remove))
        .route("/fleet", get(fleet::show))
        .route("/fleet/check", post(fleet::check))
        .route("/fleet/plan", post(fleet::plan))
        .route("/fleet/sites/{site}", get(fleet::site))
        .route("/fleet/rollouts/{id}", get(fleet::rollout))
        .route("/fleet/rollouts/{id}/roll", post(fleet::roll))
        .route("/fleet/rollouts/{id}/back", post(fleet::back))
        .route("/fleet/rollouts/{id}/sites/{site}", get(fleet::preview))
        .route("/fleet/rollouts/{id}/sites/{site}/picture", get(fleet::picture))
        .merge(site::router())
        .route("/preview/{token}", get(site::open_preview))
        .route("/preview/{token}/", get(site::open_preview))
        .route("/preview/{token}/{*path}", get(site::open_preview))
        .route("/media", get(media::show).post(media::take_in).layer(DefaultBodyLimit::max(media::DRAINED)))
        .route("/media/{site}/file/{*path}", get(media::file))
        .route(
            "/media/{site}/pictures",
            get(media::pictures).post(media::add).layer(DefaultBodyLimit::max(media::DRAINED)),
        )
        .route("/media/{site}/picture/{*path}", get(media::picture))
        .route("/media/{site}/about/{*path}", get(media::about).post(media::describe))
        .route("/media/{site}/make/{*path}", post(media::make))
        .route("/media/{site}/remove/{*path}", post(media::remove))
        .route(
            "/media/{site}/replace/{*path}",
            post(media::replace).layer(DefaultBodyLimit::max(media::DRAINED)),
        )
        .route("/tokens", get(tokens::show).post(tokens::make))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/assets/{name}", get(assets::file))
        .fallback(fault::nowhere)
        .method_not_allowed_fallback(fault::nowhere)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(Extension(Arc::new(Room::default())));
    secured(pages)
}

/// The streams of the console, to be nested at `/console/live` outside of time limits and compression.
pub fn live_router() -> Router<Arc<Platform>> {
    secured(Router::new().route("/feed", get(live::follow)).fallback(fault::nowhere))
}

/// The page that explains the API, to be merged at the root: it needs no sign-in and holds nothing of any client.
pub fn api_docs_router() -> Router<Arc<Platform>> {
    secured(Router::new().route("/api/docs", get(api_docs::show)))
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn secured(router: Router<Arc<Platform>>) -> Router<Arc<Platform>> {
    router
        .layer(from_fn(fault::dress))
        .layer(header("content-security-policy", POLICY))
        .layer(header("x-frame-options", "DENY"))
        .layer(header("referrer-policy", "same-origin"))
        .layer(header("cross-origin-opener-policy", "same-origin"))
        .layer(header("permissions-policy", "camera=(), geolocation=(), microphone=()"))
        .layer(header("cache-control", "no-store"))
}

/// A header that a handler may have set itself.
fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
}
