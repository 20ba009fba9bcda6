//! The account behind its HTTP face: one request in, one answer out, everything on record.

use super::call::{ApiError, Body, Call, News, Outcome, Violation};
use super::hooks::{Delivered, Manners};
use super::limit::{Admission, Limits, Meter};
use super::oauth::{self, Integration};
use super::route::{self, Missing, Route};
use super::setup::Setup;
use super::store::Store;
use crate::fault::{FaultBody, Rules, Strike, Wording, html};
use crate::log::{Ending, Finding, FindingKind, RequestLog, RequestRecord, mask};
use crate::rng::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub(super) type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything the account is, behind one lock: its answers are as serial as a database's writes.
pub(super) struct Core {
    pub(super) clock: Clock,
    /// Ticks after every request, every turned switch and every delivered hook.
    pub(super) changes: watch::Sender<()>,
    /// By how much the pauses between tries of a hook are shortened.
    pub(super) pace: u32,
    state: Mutex<State>,
}

/// An authorisation code or a long-lived token that was given out.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) code: String,
    pub(super) client_id: String,
    pub(super) user_id: u64,
    pub(super) until: i64,
}

pub(super) struct State {
    pub(super) store: Store,
    pub(super) setup: Setup,
    pub(super) meter: Meter,
    pub(super) limits: Limits,
    pub(super) log: RequestLog,
    pub(super) rules: Rules,
    pub(super) rng: Rng,
    pub(super) integrations: Vec<Integration>,
    pub(super) codes: Vec<Issued>,
    pub(super) long_lived: Vec<Issued>,
    /// Long-lived tokens are refused.
    pub(super) revoked: bool,
    pub(super) unpaid: bool,
    pub(super) gone: bool,
    pub(super) duplicates: bool,
    pub(super) search_lag: i64,
    pub(super) skew: SignedDuration,
    pub(super) manners: Manners,
    pub(super) delivered: Vec<Delivered>,
    pub(super) bad_answers: BTreeMap<u64, VecDeque<i64>>,
}

/// A request, read from the wire.
pub(super) struct Incoming {
    pub(super) http_method: String,
    pub(super) path: String,
    /// `Err` when there is no such path or method.
    pub(super) target: Target,
    pub(super) bearer: Option<String>,
    pub(super) as_user: Option<u64>,
    pub(super) origin: String,
    pub(super) query: Map<String, Value>,
    pub(super) body: Value,
    /// Why the body could not be read.
    pub(super) broken: Option<String>,
}

/// What a request is about.
pub(super) enum Target {
    Token,
    Subdomain { refresh: String },
    Api(Box<Route>),
    Nothing(Missing),
}

impl Target {
    pub(super) fn operation(&self) -> &str {
        match self {
            Self::Token => "oauth.token",
            Self::Subdomain { .. } => "oauth.subdomain",
            Self::Api(route) => &route.operation,
            Self::Nothing(_) => "unknown",
        }
    }

    fn writes(&self) -> bool {
        match self {
            Self::Token => true,
            Self::Api(route) => route.writes,
            Self::Subdomain { .. } | Self::Nothing(_) => false,
        }
    }

    pub(super) fn api(method: &str, path: &[&str]) -> Self {
        match route::find(method, path) {
            Ok(route) => Self::Api(Box::new(route)),
            Err(missing) => Self::Nothing(missing),
        }
    }
}

/// What goes back.
pub(super) enum Answer {
    Bytes { status: u16, content_type: &'static str, bytes: Vec<u8> },
    Drop,
}

pub(super) const HAL: &str = "application/hal+json";
pub(super) const PROBLEM: &str = "application/problem+json";

const WORDING: Wording = Wording {
    content_type: PROBLEM,
    refusal: |status, code| {
        let error = if status == 400 {
            let code = if code.is_some() { "NotSupportedChoice" } else { "Invalid" };
            ApiError::flaw(Violation::new(code, "name", "The request was refused by a fault rule"))
        } else {
            ApiError::problem(status, code.unwrap_or("fault"), "The request was refused by a fault rule")
        };
        match error.body {
            Body::Json(body) => body,
            Body::Html | Body::Empty => Value::Null,
        }
    },
    torn: r#"[{"id":1018515"#,
};

impl Core {
    pub(super) fn new(clock: Clock, pace: u32, state: State) -> Self {
        Self { clock, changes: watch::Sender::new(()), pace: pace.max(1), state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self, state: &State) -> Timestamp {
        let now = (self.clock)();
        now.checked_add(state.skew).unwrap_or(now)
    }

    /// Which faults strike this request.
    pub(super) fn strike(&self, incoming: &Incoming) -> Strike {
        let call = (incoming.target.operation().to_owned(), incoming.target.writes());
        let State { rules, rng, .. } = &mut *self.lock();
        rules.strike(&[call], || rng.unit())
    }

    /// Does what the request asks, unless a fault forbids it, and records it.
    pub(super) fn perform(&self, incoming: &Incoming, strike: &Strike) -> (Answer, Vec<News>) {
        let done = self.perform_quietly(incoming, strike);
        self.changes.send_replace(());
        done
    }

    fn perform_quietly(&self, incoming: &Incoming, strike: &Strike) -> (Answer, Vec<News>) {
        let state = &mut *self.lock();
        let now = self.now(state);
        let mut params = incoming.query.clone();
        if !incoming.body.is_null() {
            params.insert("body".into(), incoming.body.clone());
        }
        let mut params = mask(&params);
        if matches!(incoming.target, Target::Token)
            && let Some(code) = params.get_mut("body").and_then(|body| body.get_mut("code"))
        {
            *code = "***".into();
        }
        let operation = incoming.target.operation().to_owned();
        let mut record = RequestRecord {
            seq: 0,
            at: now,
            http_method: incoming.http_method.clone(),
            path: incoming.path.clone(),
            method: operation.clone(),
            params,
            batch_key: None,
            status: 0,
            error: None,
            created: Vec::new(),
            findings: Vec::new(),
            ending: Ending::Answered,
        };
        if let Some(text) = &incoming.broken {
            record.findings.push(Finding {
                kind: FindingKind::BrokenBody,
                method: operation,
                parameter: "body".into(),
                text: text.clone(),
            });
        }
        if strike.drop_before {
            record.ending = Ending::DroppedBeforeCommit;
            state.log.push(record);
            return (Answer::Drop, Vec::new());
        }
        if let Some((status, body)) = &strike.status_before {
            record.status = *status;
            record.error = Some("fault".to_owned());
            state.log.push(record);
            return (faulty(*status, body), Vec::new());
        }
        let (outcome, news) = answer(state, incoming, now, &mut record);
        let (status, body) = match outcome {
            Ok(reply) => (reply.status, reply.body),
            Err(error) => {
                record.error = Some(error.code);
                (error.status, error.body)
            }
        };
        record.status = status;
        let answer = if strike.drop_after {
            record.ending = Ending::DroppedAfterCommit;
            Answer::Drop
        } else if let Some((status, body)) = &strike.status_after {
            record.status = *status;
            record.error = Some("fault".to_owned());
            faulty(*status, body)
        } else {
            sent(status, &body, matches!(incoming.target, Target::Token | Target::Subdomain { .. }))
        };
        state.log.push(record);
        (answer, news)
    }
}

fn faulty(status: u16, body: &FaultBody) -> Answer {
    let (content_type, bytes) = body.render(status, &WORDING);
    Answer::Bytes { status, content_type, bytes }
}

fn sent(status: u16, body: &Body, plain: bool) -> Answer {
    match body {
        Body::Json(value) => {
            let content_type = match status {
                200..=299 if plain => "application/json",
                200..=299 => HAL,
                _ => PROBLEM,
            };
            Answer::Bytes { status, content_type, bytes: value.to_string().into_bytes() }
        }
        Body::Html => Answer::Bytes { status, content_type: "text/html", bytes: html(status) },
        Body::Empty => Answer::Bytes { status, content_type: HAL, bytes: Vec::new() },
    }
}

fn answer(
    state: &mut State,
    incoming: &Incoming,
    now: Timestamp,
    record: &mut RequestRecord,
) -> (Outcome, Vec<News>) {
    let refused = |error| (Err(error), Vec::new());
    let seconds = now.as_second();
    let route = match &incoming.target {
        Target::Token => {
            let sent = incoming.body.as_object().cloned().unwrap_or_default();
            return (oauth::exchange(state, &sent, seconds), Vec::new());
        }
        Target::Subdomain { refresh } => return (oauth::subdomain(state, refresh), Vec::new()),
        Target::Api(route) => Ok(route),
        Target::Nothing(missing) => Err(*missing),
    };
    match state.meter.admit(state.limits, now) {
        Admission::Passed => {}
        Admission::TooMany => {
            return refused(ApiError::problem(429, "too_many", "Too many requests, try again later"));
        }
        Admission::Blocked => return refused(ApiError::blocked()),
    }
    let user_id = match admit(state, incoming, seconds) {
        Ok(user_id) => user_id,
        Err(error) => return refused(error),
    };
    let route = match route {
        Ok(route) => route,
        Err(Missing::Path) => return refused(ApiError::not_found()),
        Err(Missing::Method) => {
            return refused(ApiError::problem(405, "method", "Method not allowed"));
        }
    };
    if let Some(text) = &incoming.broken {
        return refused(ApiError::problem(400, "broken_body", text));
    }
    execute(state, incoming, route, user_id, seconds, record)
}

/// Whose rights a request has.
fn admit(state: &State, incoming: &Incoming, now: i64) -> Result<u64, ApiError> {
    if state.gone {
        return Err(ApiError::problem(401, "101", "Аккаунт не найден: запрошен несуществующий аккаунт"));
    }
    let token = incoming.bearer.as_deref().unwrap_or_default();
    let owner = oauth::user_of(state, token, now)?;
    if state.unpaid {
        return Err(ApiError::problem(402, "unpaid", "Аккаунт не оплачен"));
    }
    let user_id = incoming.as_user.unwrap_or(owner);
    let user =
        state.setup.user(user_id).ok_or_else(|| ApiError::problem(403, "no_user", "User not found"))?;
    if !user.active {
        return Err(ApiError::problem(401, "112", "Пользователь отключён в настройках аккаунта"));
    }
    Ok(user_id)
}

fn execute(
    state: &mut State,
    incoming: &Incoming,
    route: &Route,
    user_id: u64,
    now: i64,
    record: &mut RequestRecord,
) -> (Outcome, Vec<News>) {
    let mut call = Call {
        operation: &route.operation,
        kind: route.kind,
        id: route.id,
        uid: &route.uid,
        query: &incoming.query,
        body: &incoming.body,
        store: &mut state.store,
        setup: &state.setup,
        rng: &mut state.rng,
        user_id,
        duplicates: state.duplicates,
        search_lag: state.search_lag,
        now,
        origin: &incoming.origin,
        changes: Vec::new(),
        news: Vec::new(),
        findings: Vec::new(),
        created: Vec::new(),
    };
    let outcome = (route.run)(&mut call);
    let Call { changes, news, findings, created, .. } = call;
    record.findings.extend(findings);
    if outcome.is_err() {
        return (outcome, Vec::new());
    }
    if let Err(error) = state.store.commit(changes) {
        let text = format!("The account cannot store: {error}");
        return (Err(ApiError::problem(500, "storage", &text)), Vec::new());
    }
    record.created = created;
    (outcome, news)
}

/// How the account stands with its limits, for the tester's door.
pub(super) fn shown_limits(state: &State) -> Value {
    json!({"limits": state.limits, "highest_second": state.meter.highest, "blocked": state.meter.blocked})
}
