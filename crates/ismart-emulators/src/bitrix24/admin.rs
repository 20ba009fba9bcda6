//! `/__emulator/…`: the tester's door, no part of the emulated API, open to this machine only.

use super::core::Core;
use super::fault::parse_rule;
use super::ledger::Ledger;
use super::switch::{Faults, Switch};
use crate::serve::{only_this_machine, problem};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn router(core: Arc<Core>) -> Router<Arc<Core>> {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/requests", get(requests).delete(forget_requests))
        .route("/findings", get(findings))
        .route("/faults", get(rules).post(add_rule).delete(clear))
        .route("/switch", axum::routing::post(turn))
        .layer(middleware::from_fn(only_this_machine))
        .with_state::<Arc<Core>>(core)
}

async fn ledger(State(core): State<Arc<Core>>) -> Json<Ledger> {
    Json(Ledger::of(&core.lock().store))
}

#[derive(Deserialize)]
struct Tail {
    tail: Option<usize>,
}

async fn requests(State(core): State<Arc<Core>>, Query(tail): Query<Tail>) -> Response {
    let state = core.lock();
    let shown = match tail.tail {
        Some(count) => state.log.tail(count),
        None => state.log.records(),
    };
    Json(json!({"total": state.log.total(), "requests": shown})).into_response()
}

async fn forget_requests(State(core): State<Arc<Core>>) -> StatusCode {
    core.lock().log.clear();
    StatusCode::NO_CONTENT
}

async fn findings(State(core): State<Arc<Core>>) -> Response {
    Json(core.lock().log.findings()).into_response()
}

async fn rules(State(core): State<Arc<Core>>) -> Response {
    Json(Faults::new(core).rules()).into_response()
}

async fn add_rule(State(core): State<Arc<Core>>, Json(sent): Json<Value>) -> Response {
    match parse_rule(sent) {
        Ok(rule) => {
            let faults = Faults::new(core);
            faults.add(rule);
            Json(faults.rules()).into_response()
        }
        Err(text) => problem(StatusCode::BAD_REQUEST, text),
    }
}

async fn clear(State(core): State<Arc<Core>>) -> StatusCode {
    Faults::new(core).clear();
    StatusCode::NO_CONTENT
}

async fn turn(State(core): State<Arc<Core>>, Json(sent): Json<Value>) -> Response {
    let switch: Switch = match serde_json::from_value(sent) {
        Ok(switch) => switch,
        Err(error) => {
            let text = format!("not a switch: {error}; example: {{\"switch\":\"simple_crm\",\"on\":true}}");
            return problem(StatusCode::BAD_REQUEST, text);
        }
    };
    match Faults::new(core).turn(switch) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem(StatusCode::BAD_REQUEST, error.to_string()),
    }
}
