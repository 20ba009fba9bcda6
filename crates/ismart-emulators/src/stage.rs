//! What the emulators of channels have in common: a lock, a log, faults, a limit, the tester's door.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State as Given;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::StartError;
use crate::fault::{Fault, FaultBody, Rule, Rules, Strike, Wording, parse_rule};
use crate::log::{Created, Ending, Finding, FindingKind, RequestLog, RequestRecord};
use crate::rng::Rng;
use crate::serve::{Server, closed, only_this_machine, pause, problem};

/// How many requests are remembered.
const LOG_LIMIT: usize = 100_000;

pub(crate) type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// So many requests in so many milliseconds; the next one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub requests: usize,
    /// In how long, milliseconds.
    pub millis: i64,
}

/// Everything behind the lock.
pub(crate) struct Kept<S> {
    pub(crate) state: S,
    pub(crate) log: RequestLog,
    pub(crate) rules: Rules,
    rng: Rng,
    quota: Option<Quota>,
    recent: VecDeque<i64>,
    highest: usize,
}

/// One service: its words, its clock, what it keeps.
pub(crate) struct Stage<S> {
    clock: Clock,
    wording: Wording,
    ledger: fn(&S) -> Value,
    kept: Mutex<Kept<S>>,
}

/// A request, read; secrets in `path` and `params` already masked.
pub(crate) struct Call {
    pub(crate) http_method: String,
    pub(crate) path: String,
    pub(crate) operation: String,
    pub(crate) writes: bool,
    pub(crate) params: Map<String, Value>,
}

/// What goes back.
#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) error: Option<String>,
    pub(crate) created: Vec<Created>,
    pub(crate) findings: Vec<(FindingKind, &'static str, String)>,
}

impl Reply {
    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), ..Self::default() }
    }

    /// A refusal with its code for the log.
    pub(crate) fn refusal(status: u16, code: impl ToString, body: Value) -> Self {
        Self { error: Some(code.to_string()), ..Self::json(status, body) }
    }

    /// Says what it created.
    pub(crate) fn made(mut self, kind: &'static str, id: u64) -> Self {
        self.created.push(Created { kind, id });
        self
    }

    /// Remarks on the request.
    pub(crate) fn odd(mut self, kind: FindingKind, parameter: &'static str, text: impl Into<String>) -> Self {
        self.findings.push((kind, parameter, text.into()));
        self
    }
}

impl<S> Stage<S> {
    pub(crate) fn new(clock: Clock, wording: Wording, ledger: fn(&S) -> Value, state: S) -> Arc<Self> {
        let kept = Kept {
            state,
            log: RequestLog::new(LOG_LIMIT),
            rules: Rules::default(),
            rng: Rng::new(0),
            quota: None,
            recent: VecDeque::new(),
            highest: 0,
        };
        Arc::new(Self { clock, wording, ledger, kept: Mutex::new(kept) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Kept<S>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

impl<S> Kept<S> {
    /// Counts a request; how many milliseconds to wait when it is one too many.
    pub(crate) fn over(&mut self, now: Timestamp) -> Option<i64> {
        let now = now.as_millisecond();
        let quota = self.quota.unwrap_or(Quota { requests: usize::MAX, millis: 1000 });
        while self.recent.front().is_some_and(|at| now - at >= quota.millis) {
            self.recent.pop_front();
        }
        if self.recent.len() >= quota.requests {
            let oldest = self.recent.front().copied().unwrap_or(now);
            return Some((oldest + quota.millis - now).max(1));
        }
        self.recent.push_back(now);
        self.highest = self.highest.max(self.recent.len());
        None
    }

    /// Which faults strike a call, one of a protocol without HTTP.
    pub(crate) fn strike(&mut self, operation: &str, writes: bool) -> Strike {
        let Self { rules, rng, .. } = self;
        rules.strike(&[(operation.to_owned(), writes)], || rng.unit())
    }
}

/// The answer and how it ends.
enum Ended {
    Answer(Reply),
    Fault(u16, FaultBody),
    Drop,
}

/// Does one call within its faults: a task of its own, because a real server goes on working when the caller hangs up.
/// `refused` looks at limits and tokens, before a fault's status; `work` changes the state.
pub(crate) async fn play<S: Send + 'static>(
    stage: Arc<Stage<S>>,
    call: Call,
    work: impl FnOnce(&mut Kept<S>, Timestamp) -> Reply + Send + 'static,
) -> Response {
    let wording = stage.wording;
    let task = tokio::spawn(async move {
        let strike = stage.lock().strike(&call.operation, call.writes);
        pause(strike.wait_before).await;
        let ended = perform(&stage, call, &strike, work);
        pause(strike.wait_after).await;
        ended
    });
    match task.await {
        Ok(Ended::Answer(reply)) => respond(reply, wording.content_type),
        Ok(Ended::Fault(status, body)) => faulty(status, &body, &wording),
        Ok(Ended::Drop) => closed(),
        Err(_panicked) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn perform<S>(
    stage: &Stage<S>,
    call: Call,
    strike: &Strike,
    work: impl FnOnce(&mut Kept<S>, Timestamp) -> Reply,
) -> Ended {
    let now = stage.now();
    let kept = &mut *stage.lock();
    let Call { http_method, path, operation, params, .. } = call;
    let mut record = RequestRecord {
        seq: 0,
        at: now,
        http_method,
        path,
        method: operation,
        params,
        batch_key: None,
        status: 0,
        error: None,
        created: Vec::new(),
        findings: Vec::new(),
        ending: Ending::Answered,
    };
    if strike.drop_before {
        record.ending = Ending::DroppedBeforeCommit;
        kept.log.push(record);
        return Ended::Drop;
    }
    if let Some((status, body)) = &strike.status_before {
        record.status = *status;
        record.error = Some("fault".to_owned());
        kept.log.push(record);
        return Ended::Fault(*status, body.clone());
    }
    let mut reply = work(kept, now);
    record.status = reply.status;
    record.error = reply.error.take();
    record.created = std::mem::take(&mut reply.created);
    let method = record.method.clone();
    record.findings = std::mem::take(&mut reply.findings)
        .into_iter()
        .map(|(kind, parameter, text)| Finding {
            kind,
            method: method.clone(),
            parameter: parameter.to_owned(),
            text,
        })
        .collect();
    let ended = if strike.drop_after {
        record.ending = Ending::DroppedAfterCommit;
        Ended::Drop
    } else if let Some((status, body)) = &strike.status_after {
        record.status = *status;
        record.error = Some("fault".to_owned());
        Ended::Fault(*status, body.clone())
    } else {
        Ended::Answer(reply)
    };
    kept.log.push(record);
    ended
}

fn respond(reply: Reply, content_type: &'static str) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match reply.body {
        Some(Value::Null) | None => status.into_response(),
        Some(body) => (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response(),
    };
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is cut by a fault rule")]
struct Cut;

fn faulty(status: u16, body: &FaultBody, wording: &Wording) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (content_type, bytes) = body.render(status, wording);
    if *body == FaultBody::Truncated {
        // Announced as a stream, so that the reader sees that the end is missing.
        let pieces = futures::stream::iter([Ok(Bytes::from(bytes)), Err(Cut)]);
        return (code, [(header::CONTENT_TYPE, content_type)], Body::from_stream(pieces)).into_response();
    }
    let mut response = (code, [(header::CONTENT_TYPE, content_type)], bytes).into_response();
    if (300..400).contains(&status) {
        let moved = HeaderValue::from_static("https://moved.example/");
        response.headers_mut().insert(header::LOCATION, moved);
    }
    response
}

/// A service that is being served on this machine. Dropping it stops serving.
pub struct Running<S> {
    pub(crate) stage: Arc<Stage<S>>,
    server: Server,
}

impl<S> std::fmt::Debug for Running<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("addr", &self.server.addr()).finish_non_exhaustive()
    }
}

impl<S: Send + 'static> Running<S> {
    /// Serves `router` and the tester's door on a free port of this machine, or on `listen`.
    pub(crate) async fn start(
        stage: Arc<Stage<S>>,
        router: Router,
        listen: Option<SocketAddr>,
    ) -> Result<Self, StartError> {
        let router = router.nest("/__emulator", door(stage.clone()));
        let listen = listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let server = Server::start(listen, router).await?;
        Ok(Self { stage, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:41234`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// The request log, oldest first; secrets masked.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.stage.lock().log.records()
    }

    /// How often an operation was asked for.
    #[must_use]
    pub fn called(&self, operation: &str) -> usize {
        self.stage.lock().log.records().iter().filter(|record| record.method == operation).count()
    }

    /// What was odd about the requests; a connector that is right causes none.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.stage.lock().log.findings()
    }

    /// Misbehaves by this rule from now on.
    pub fn misbehave(&self, rule: Rule) {
        self.stage.lock().rules.add(rule);
    }

    /// Misbehaves once in the next call of this operation.
    pub fn once(&self, fault: Fault, operation: &str) {
        self.misbehave(Rule::new(fault).method(operation).times(1));
    }

    /// Forgets all rules.
    pub fn behave(&self) {
        self.stage.lock().rules.clear();
    }

    /// Refuses what goes over this; `None` refuses nothing.
    pub fn limit(&self, quota: Option<Quota>) {
        let mut kept = self.stage.lock();
        kept.quota = quota;
        kept.recent.clear();
    }

    /// The most requests that any span of the quota held, without those that were refused.
    #[must_use]
    pub fn highest(&self) -> usize {
        self.stage.lock().highest
    }

    /// Stops serving and closes all connections; the port is free afterwards.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

fn door<S: Send + 'static>(stage: Arc<Stage<S>>) -> Router {
    Router::new()
        .route("/ledger", get(ledger::<S>))
        .route("/requests", get(requests::<S>))
        .route("/findings", get(findings::<S>))
        .route("/faults", get(rules::<S>).post(add_rule::<S>).delete(forget_rules::<S>))
        .layer(middleware::from_fn(only_this_machine))
        .with_state(stage)
}

async fn ledger<S>(Given(stage): Given<Arc<Stage<S>>>) -> Json<Value> {
    Json((stage.ledger)(&stage.lock().state))
}

async fn requests<S>(Given(stage): Given<Arc<Stage<S>>>) -> Response {
    let kept = stage.lock();
    Json(json!({"total": kept.log.total(), "requests": kept.log.records()})).into_response()
}

async fn findings<S>(Given(stage): Given<Arc<Stage<S>>>) -> Response {
    Json(stage.lock().log.findings()).into_response()
}

async fn rules<S>(Given(stage): Given<Arc<Stage<S>>>) -> Response {
    Json(stage.lock().rules.list()).into_response()
}

async fn add_rule<S>(Given(stage): Given<Arc<Stage<S>>>, Json(sent): Json<Value>) -> Response {
    match parse_rule(sent) {
        Ok(rule) => {
            stage.lock().rules.add(rule);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(reason) => problem(StatusCode::UNPROCESSABLE_ENTITY, reason),
    }
}

async fn forget_rules<S>(Given(stage): Given<Arc<Stage<S>>>) -> StatusCode {
    stage.lock().rules.clear();
    StatusCode::NO_CONTENT
}

/// Reads parameters as clients of messengers send them: a query, and a body that is JSON, a form, or `multipart/form-data`.
pub(crate) async fn parameters(request: axum::extract::Request) -> Result<Map<String, Value>, String> {
    use axum::extract::FromRequest as _;
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut all = crate::php::parse_php(&query);
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("multipart/form-data") {
        let mut parts =
            axum::extract::Multipart::from_request(request, &()).await.map_err(|error| error.to_string())?;
        while let Some(part) = parts.next_field().await.map_err(|error| error.to_string())? {
            let name = part.name().unwrap_or_default().to_owned();
            let text = part.text().await.map_err(|error| error.to_string())?;
            all.insert(name, Value::String(text));
        }
        return Ok(all);
    }
    let bytes = axum::body::to_bytes(request.into_body(), 4 * 1024 * 1024)
        .await
        .map_err(|error| format!("the body cannot be read: {error}"))?;
    if bytes.is_empty() {
        return Ok(all);
    }
    if kind.starts_with("application/json") {
        let body: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("the body is no JSON: {error}"))?;
        all.extend(body.as_object().cloned().unwrap_or_default());
    } else {
        all.extend(crate::php::parse_php(&String::from_utf8_lossy(&bytes)));
    }
    Ok(all)
}

/// A parameter as a text, whatever JSON type it came in.
pub(crate) fn text(params: &Map<String, Value>, key: &str) -> Option<String> {
    match params.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// A parameter as a number, whatever JSON type it came in.
pub(crate) fn number(params: &Map<String, Value>, key: &str) -> Option<i64> {
    text(params, key)?.trim().parse().ok()
}
