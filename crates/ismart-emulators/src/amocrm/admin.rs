//! `/__emulator/…`: the tester's door, no part of the emulated API, open to this machine only.

use super::core::{Core, shown_limits};
use super::ledger::Ledger;
use super::switch::{Faults, Switch};
use crate::fault::parse_rule;
use crate::serve::{only_this_machine, problem};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn router(core: Arc<Core>) -> Router<Arc<Core>> {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/requests", get(requests))
        .route(
            "/findings",
            get(|State(core): State<Arc<Core>>| async move { Json(core.lock().log.findings()) }),
        )
        .route(
            "/deliveries",
            get(|State(core): State<Arc<Core>>| async move { Json(core.lock().delivered.clone()) }),
        )
        .route(
            "/limits",
            get(|State(core): State<Arc<Core>>| async move { Json(shown_limits(&core.lock())) }),
        )
        .route("/faults", post(add_rule).get(rules).delete(clear))
        .route("/switch", post(turn))
        .layer(middleware::from_fn(only_this_machine))
        .with_state::<Arc<Core>>(core)
}

async fn ledger(State(core): State<Arc<Core>>) -> Json<Ledger> {
    Json(Ledger::of(&core.lock().store))
}

async fn requests(State(core): State<Arc<Core>>) -> Response {
    let state = core.lock();
    Json(json!({"total": state.log.total(), "requests": state.log.records()})).into_response()
}

async fn rules(State(core): State<Arc<Core>>) -> Response {
    Json(Faults::new(core).rules()).into_response()
}

async fn add_rule(State(core): State<Arc<Core>>, Json(sent): Json<Value>) -> Response {
    let faults = Faults::new(core);
    match parse_rule(sent) {
        Ok(rule) => faults.add(rule),
        Err(text) => return problem(StatusCode::BAD_REQUEST, text),
    }
    Json(faults.rules()).into_response()
}

async fn clear(State(core): State<Arc<Core>>) -> StatusCode {
    Faults::new(core).clear();
    StatusCode::NO_CONTENT
}

async fn turn(State(core): State<Arc<Core>>, Json(sent): Json<Value>) -> Response {
    let switch = match serde_json::from_value::<Switch>(sent) {
        Ok(switch) => switch,
        Err(error) => {
            let text = format!("not a switch: {error}; example: {{\"switch\":\"unpaid\",\"on\":true}}");
            return problem(StatusCode::BAD_REQUEST, text);
        }
    };
    match Faults::new(core).turn(switch) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem(StatusCode::BAD_REQUEST, error.to_string()),
    }
}
