//! The HTTP face: reading requests, sending or refusing answers.

use super::admin;
use super::batch::method_name;
use super::core::{Answer, Auth, Core, Incoming};
use super::events;
use super::log::{Finding, FindingKind};
use super::page;
use super::params::parse_php;
use crate::serve::{closed, pause, peer};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const MAX_BODY: usize = 32 * 1024 * 1024;

pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/", get(page::leads))
        .route("/rest/{*rest}", any(rest))
        .nest("/__emulator", admin::router(Arc::clone(&core)))
        .with_state(core)
}

async fn rest(State(core): State<Arc<Core>>, Path(path): Path<String>, request: Request) -> Response {
    let incoming = match read(&path, request).await {
        Ok(incoming) => incoming,
        Err(status) => return status.into_response(),
    };
    // A task of its own: a real server goes on working when the caller hangs up.
    let work = tokio::spawn(async move {
        let strike = core.strike(&incoming);
        pause(strike.wait_before).await;
        let after = strike.wait_after;
        // Journal writes wait for the disk.
        let teller = Arc::clone(&core);
        let answer = tokio::task::spawn_blocking(move || core.perform(&incoming, &strike)).await;
        events::tell(&teller);
        pause(after).await;
        answer
    });
    match work.await {
        Ok(Ok(answer)) => respond(answer),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn read(path: &str, request: Request) -> Result<Incoming, StatusCode> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (auth, method, masked) = match segments.as_slice() {
        [user, secret, method] => (
            Auth::Webhook { user: (*user).to_owned(), secret: (*secret).to_owned() },
            *method,
            format!("/rest/{}/***/{method}", shown_user(user)),
        ),
        [method] => (Auth::None, *method, format!("/rest/{method}")),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let peer = peer(&request).map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
    let http_method = request.method().as_str().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let bytes = match axum::body::to_bytes(request.into_body(), MAX_BODY).await {
        Ok(bytes) => bytes,
        Err(_) => return Err(StatusCode::PAYLOAD_TOO_LARGE),
    };
    let name = method_name(method);
    let mut findings = Vec::new();
    let mut params = parse_php(&query);
    match body_params(&content_type, &bytes) {
        Ok(body) => params.extend(body),
        Err((kind, text)) => {
            findings.push(Finding { kind, method: name.clone(), parameter: "body".into(), text });
        }
    }
    if method.to_lowercase().ends_with(".xml") {
        findings.push(Finding {
            kind: FindingKind::NotEmulated,
            method: name.clone(),
            parameter: String::new(),
            text: "XML answers; JSON was sent".into(),
        });
    }
    let token = match params.get("auth") {
        Some(Value::String(token)) => Some(token.clone()),
        _ => None,
    };
    let auth = match (auth, token) {
        (Auth::None, Some(token)) => Auth::Token(token),
        (auth, _) => auth,
    };
    Ok(Incoming { peer, http_method, path: masked, auth, method: name, params, findings })
}

/// Who swapped user and secret by mistake still has the secret kept out of the log.
fn shown_user(user: &str) -> &str {
    if user.bytes().all(|byte| byte.is_ascii_digit()) { user } else { "***" }
}

fn body_params(content_type: &str, bytes: &Bytes) -> Result<Map<String, Value>, (FindingKind, String)> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if content_type.starts_with("multipart/") {
        return Err((FindingKind::NotEmulated, "multipart bodies are not read".into()));
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Ok(parse_php(text)),
            Err(error) => Err((FindingKind::BrokenBody, format!("the form is not UTF-8: {error}"))),
        };
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Ok(_) => Err((FindingKind::BrokenBody, "the body is JSON but no object".into())),
        Err(error) => Err((FindingKind::BrokenBody, format!("the body is no JSON: {error}"))),
    }
}

fn respond(answer: Answer) -> Response {
    let (status, content_type, bytes) = match answer {
        Answer::Json { status, body } => {
            (status, "application/json; charset=utf-8", body.to_string().into_bytes())
        }
        Answer::Raw { status, content_type, bytes } => (status, content_type, bytes),
        Answer::Drop => return closed(),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}
