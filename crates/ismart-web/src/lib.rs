//! The HTTP edge: sites, chat, forms, console.
//!
//! One router serves all hosts: the paths of the platform itself (`/health`, `/api/send`, `/api/chat/…`,
//! `/api/v1/…`, `/ismart/…`, `/console/…`) and, for everything else, the site whose host was asked for.

mod api;
mod assets;
mod box_office;
mod chat;
pub mod console;
pub mod destinations;
pub mod editing;
pub mod feeds;
pub mod fleet;
mod footfall;
mod form;
mod form_token;
mod health;
pub mod hooks;
pub mod intake;
mod live_reload;
mod origin;
mod pilot;
mod platform;
mod problem;
mod rate;
mod replay;
mod site;

pub use api::openapi_json;
pub use footfall::Footfall;
pub use pilot::line as pilot_line;
pub use platform::{
    ClientProfile, DestinationProfile, Guard, Marketing, Options, Place, Platform, Shop, World,
};
pub use problem::Problem;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Redirect;
use axum::routing::{any, get, post};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// The largest body of a form or message, bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// Everything that one server answers.
pub fn router(platform: Arc<Platform>) -> Router {
    let compressed = CompressionLayer::new().compress_when(
        SizeAbove::new(512).and(NotForContentType::new("text/event-stream")).and(NotForContentType::IMAGES),
    );
    let bounded = Router::new()
        .route("/health", get(health::health))
        .route("/ping", get(health::ping))
        .route("/api/form-token", get(form::token))
        .route("/api/form-token/", get(form::token))
        .route("/api/leads/in/{door}", post(intake::lead))
        .route("/api/calls/in/{door}", get(intake::call).post(intake::call))
        .route("/api/widget-rescue", post(form::legacy::widget_rescue).fallback(form::legacy::elsewhere))
        .route("/api/widget-rescue/", post(form::legacy::widget_rescue).fallback(form::legacy::elsewhere))
        .route("/_f", any(form::legacy::beacon))
        .route(
            "/hooks/{client}/{destination}",
            post(hooks::hear).layer(DefaultBodyLimit::max(hooks::BODY_LIMIT)),
        )
        .route("/api/pay", post(form::pay::create).fallback(form::pay::elsewhere))
        .route("/pay/return", get(form::pay::back).fallback(form::pay::elsewhere))
        .route("/pay/callback", get(form::pay::notice).fallback(form::pay::elsewhere))
        .route("/api/chat/visit", post(chat::visit::start))
        .route("/api/chat/messages", post(chat::messages::send))
        .route("/ismart/widget.js", get(assets::widget))
        .route("/ismart/live-reload.js", get(live_reload::script))
        .route("/ismart/bookings/{id}", get(chat::calendar::download))
        .route("/console/", get(|| async { Redirect::permanent("/console") }))
        .nest("/console", console::router())
        .merge(console::api_docs_router())
        .merge(pilot::router(&platform))
        .fallback(site::serve)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(30)))
        .layer(compressed.clone());
    // Files of forms may come over slow lines.
    let forms = Router::new()
        .route("/api/send", post(form::send).fallback(form::legacy::elsewhere))
        .route("/api/send/", post(form::send).fallback(form::legacy::elsewhere))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_mins(5)))
        .layer(compressed.clone());
    // A change goes through the gate, which renders every page of the site.
    let programs = api::router()
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_mins(3)))
        .layer(compressed);
    let streams = Router::new()
        .route("/api/chat/stream", get(chat::stream::follow))
        .route("/ismart/live-reload", get(live_reload::follow))
        .nest("/console/live", console::live_router())
        .merge(pilot::streams(&platform));
    streams
        .merge(bounded)
        .merge(forms)
        .merge(programs)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(axum::middleware::from_fn_with_state(platform.clone(), origin::identify))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "strict-origin-when-cross-origin"))
        .layer(header("x-frame-options", "SAMEORIGIN"))
        .with_state(platform)
}

fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
}
