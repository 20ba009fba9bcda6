//! The HTTP face: reading requests, sending or refusing answers.

use super::admin;
use super::core::{Answer, Core, Incoming, Target};
use super::hooks;
use super::page;
use crate::php::parse_php;
use crate::serve::{closed, pause};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Map, Value};
use std::sync::Arc;

const MAX_BODY: usize = 32 * 1024 * 1024;

pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/", get(page::leads))
        .route("/oauth2/{*rest}", any(request))
        .route("/api/v4/{*rest}", any(request))
        .nest("/__emulator", admin::router(Arc::clone(&core)))
        .with_state(core)
}

async fn request(State(core): State<Arc<Core>>, request: Request) -> Response {
    let incoming = match read(request).await {
        Ok(incoming) => incoming,
        Err(status) => return status.into_response(),
    };
    // A task of its own: a real server goes on working when the caller hangs up.
    let work = tokio::spawn(async move {
        let strike = core.strike(&incoming);
        pause(strike.wait_before).await;
        let after = strike.wait_after;
        let worker = Arc::clone(&core);
        // Journal writes wait for the disk.
        let done = tokio::task::spawn_blocking(move || worker.perform(&incoming, &strike)).await;
        let answer = done.map(|(answer, news)| {
            hooks::tell(&core, &news);
            answer
        });
        pause(after).await;
        answer
    });
    match work.await {
        Ok(Ok(answer)) => respond(answer),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn read(request: Request) -> Result<Incoming, StatusCode> {
    let http_method = request.method().as_str().to_owned();
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let query = parse_php(request.uri().query().unwrap_or_default());
    let headers = request.headers().clone();
    let text = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let bytes = match axum::body::to_bytes(request.into_body(), MAX_BODY).await {
        Ok(bytes) => bytes,
        Err(_) => return Err(StatusCode::PAYLOAD_TOO_LARGE),
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let target = target(&http_method, &parts, &headers)?;
    let form =
        text(header::CONTENT_TYPE).to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let (body, broken) = if form && matches!(target, Target::Token) {
        (Value::Object(parse_php(&String::from_utf8_lossy(&bytes))), None)
    } else if bytes.is_empty() {
        (Value::Null, None)
    } else {
        match serde_json::from_slice(&bytes) {
            Ok(body) => (body, None),
            Err(error) => (Value::Null, Some(format!("the body is no JSON: {error}"))),
        }
    };
    let host = text(header::HOST);
    let scheme = if host.ends_with(".ru") || host.ends_with(".com") { "https" } else { "http" };
    let bearer = text(header::AUTHORIZATION);
    let bearer = bearer.strip_prefix("Bearer ").or_else(|| bearer.strip_prefix("bearer "));
    let as_user =
        headers.get("x-context-user-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    Ok(Incoming {
        http_method,
        target,
        bearer: bearer.map(|token| token.trim().to_owned()),
        as_user,
        origin: format!("{scheme}://{host}"),
        query: plain(query),
        body,
        broken,
        path,
    })
}

/// An empty query is `{}`.
fn plain(query: Map<String, Value>) -> Map<String, Value> {
    query.into_iter().filter(|(key, _)| !key.is_empty()).collect()
}

fn target(method: &str, parts: &[&str], headers: &HeaderMap) -> Result<Target, StatusCode> {
    match parts {
        ["oauth2", "access_token"] if method == "POST" => Ok(Target::Token),
        ["oauth2", "access_token"] => Err(StatusCode::METHOD_NOT_ALLOWED),
        ["oauth2", "account", "current", "subdomain"] => {
            let refresh = headers.get("x-refresh-token").and_then(|value| value.to_str().ok());
            Ok(Target::Subdomain { refresh: refresh.unwrap_or_default().to_owned() })
        }
        ["api", "v4", rest @ ..] => Ok(Target::api(method, rest)),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

fn respond(answer: Answer) -> Response {
    let (status, content_type, bytes) = match answer {
        Answer::Bytes { status, content_type, bytes } => (status, content_type, bytes),
        Answer::Drop => return closed(),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if bytes.is_empty() {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}
