//! A portal that answers as written: for the shapes that the emulator has no switch for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::post;
use serde_json::{Map, Value, json};

/// Status, content type and body.
pub(crate) type Script = (u16, &'static str, String);

type Scripts = Arc<Mutex<HashMap<String, Script>>>;

pub(crate) struct Scripted {
    scripts: Scripts,
    calls: Arc<Mutex<Vec<String>>>,
    url: String,
}

#[derive(Clone)]
struct Shared {
    scripts: Scripts,
    calls: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn json_answer(status: u16, body: Value) -> Script {
    (status, "application/json", body.to_string())
}

impl Scripted {
    /// A portal of the classic mode that knows nobody and calls every new record 41.
    pub(crate) async fn start() -> Self {
        let nothing = json!({"result": {"result": {"own": {"items": []}, "phone": [], "email": []},
                                        "result_error": [], "result_total": [], "result_next": [],
                                        "result_time": []}});
        let scripts = HashMap::from([
            ("crm.settings.mode.get".to_owned(), json_answer(200, json!({"result": 1}))),
            ("batch".to_owned(), json_answer(200, nothing)),
            ("crm.item.add".to_owned(), json_answer(200, json!({"result": {"item": {"id": 41}}}))),
            ("crm.timeline.comment.add".to_owned(), json_answer(200, json!({"result": 1}))),
        ]);
        let shared = Shared { scripts: Arc::new(Mutex::new(scripts)), calls: Arc::default() };
        let app = Router::new().route("/rest/1/hushkey/{method}", post(answer)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/rest/1/hushkey/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { scripts: shared.scripts, calls: shared.calls, url }
    }

    pub(crate) fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("webhook".to_owned(), json!(self.url))])
    }

    pub(crate) fn say(&self, method: &str, script: Script) {
        self.scripts.lock().unwrap().insert(method.to_owned(), script);
    }

    /// The methods called so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

async fn answer(
    State(shared): State<Shared>,
    Path(method): Path<String>,
    _body: Bytes,
) -> (StatusCode, HeaderMap, String) {
    let method = method.trim_end_matches(".json").to_owned();
    let (status, kind, body) = shared.scripts.lock().unwrap()[&method].clone();
    shared.calls.lock().unwrap().push(method);
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("content-type"), HeaderValue::from_static(kind));
    if (300..400).contains(&status) {
        let moved = HeaderValue::from_static("https://new.bitrix24.ru/rest/1/hushkey/x.json");
        headers.insert(HeaderName::from_static("location"), moved);
    }
    (StatusCode::from_u16(status).unwrap(), headers, body)
}
