//! The portal behind its HTTP face: one request in, one answer out, everything on record.

use super::batch;
use super::call::{ApiError, Call, Outcome, Reply};
use super::directory::Directory;
use super::events::{EventManners, Outgoing, ToldEvent};
use super::fault::{FaultBody, Rules, Strike, Wording};
use super::limit::{Limits, Meters};
use super::log::{Created, Ending, Finding, FindingKind, RequestLog, RequestRecord, mask};
use super::methods;
use super::rng::Rng;
use super::schema::MethodSchemas;
use super::store::Store;
use super::value::iso;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub(super) type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything the portal is, behind one lock: its answers are as serial as a database's writes.
pub(super) struct Core {
    pub(super) clock: Clock,
    pub(super) schemas: Option<MethodSchemas>,
    pub(super) webhook: Webhook,
    /// Ticks after every request and every turned switch.
    pub(super) changes: watch::Sender<()>,
    state: Mutex<State>,
}

/// The incoming webhook's owner and secret.
pub(super) struct Webhook {
    pub(super) user_id: u64,
    pub(super) secret: String,
}

pub(super) struct State {
    pub(super) store: Store,
    pub(super) directory: Directory,
    pub(super) meters: Meters,
    pub(super) limits: Limits,
    pub(super) log: RequestLog,
    pub(super) rules: Rules,
    pub(super) rng: Rng,
    pub(super) offset: Offset,
    pub(super) scopes: Vec<String>,
    /// Access tokens of applications and the users behind them.
    pub(super) tokens: Vec<(String, u64)>,
    pub(super) webhook_expired: bool,
    pub(super) access_expired: bool,
    pub(super) empty_error_code: bool,
    /// Keys of batch commands that are refused.
    pub(super) refused_keys: Vec<String>,
    pub(super) skew: SignedDuration,
    /// Who is told of changes, and how.
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) manners: EventManners,
    pub(super) told: Vec<ToldEvent>,
    pub(super) member_id: String,
}

/// Who calls.
pub(super) enum Auth {
    Webhook { user: String, secret: String },
    Token(String),
    None,
}

/// A request, read from the wire.
pub(super) struct Incoming {
    pub(super) peer: IpAddr,
    pub(super) http_method: String,
    /// Already masked.
    pub(super) path: String,
    pub(super) auth: Auth,
    /// In lower case, without a suffix.
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
    pub(super) findings: Vec<Finding>,
}

/// What goes back.
pub(super) enum Answer {
    Json { status: u16, body: Value },
    Raw { status: u16, content_type: &'static str, bytes: Vec<u8> },
    Drop,
}

/// What one method call came to.
pub(super) struct Executed {
    pub(super) outcome: Outcome,
    pub(super) findings: Vec<Finding>,
    pub(super) created: Vec<Created>,
}

impl Core {
    pub(super) fn new(clock: Clock, schemas: Option<MethodSchemas>, webhook: Webhook, state: State) -> Self {
        Self { clock, schemas, webhook, changes: watch::Sender::new(()), state: Mutex::new(state) }
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
        let writes = |name: &str| methods::find(name).is_some_and(|method| method.writes);
        let calls: Vec<(String, bool)> = if incoming.method == "batch" {
            let inner = batch::commands(&incoming.params).into_iter().map(|command| command.method);
            std::iter::once(("batch".to_owned(), false))
                .chain(inner.map(|m| (m.clone(), writes(&m))))
                .collect()
        } else {
            vec![(incoming.method.clone(), writes(&incoming.method))]
        };
        let State { rules, rng, .. } = &mut *self.lock();
        rules.strike(&calls, || rng.unit())
    }

    /// Does what the request asks, unless a fault forbids it, and records it.
    pub(super) fn perform(&self, incoming: &Incoming, strike: &Strike) -> Answer {
        let answer = self.perform_quietly(incoming, strike);
        self.changes.send_replace(());
        answer
    }

    fn perform_quietly(&self, incoming: &Incoming, strike: &Strike) -> Answer {
        let state = &mut *self.lock();
        let now = self.now(state);
        let mut record = RequestRecord {
            seq: 0,
            at: now,
            http_method: incoming.http_method.clone(),
            path: incoming.path.clone(),
            method: incoming.method.clone(),
            params: mask(&incoming.params),
            batch_key: None,
            status: 0,
            error: None,
            created: Vec::new(),
            findings: incoming.findings.clone(),
            ending: Ending::Answered,
        };
        if strike.drop_before {
            record.ending = Ending::DroppedBeforeCommit;
            state.log.push(record);
            return Answer::Drop;
        }
        if let Some((status, body)) = &strike.status_before {
            record.status = *status;
            record.error = Some("fault".to_owned());
            state.log.push(record);
            return raw(*status, body);
        }
        let (status, body, inner) = self.answer(state, incoming, now, &mut record);
        record.status = status;
        let answer = if strike.drop_after {
            record.ending = Ending::DroppedAfterCommit;
            Answer::Drop
        } else if let Some((status, body)) = &strike.status_after {
            record.status = *status;
            record.error = Some("fault".to_owned());
            raw(*status, body)
        } else {
            Answer::Json { status, body }
        };
        let ending = record.ending;
        state.log.push(record);
        for mut record in inner {
            record.ending = ending;
            state.log.push(record);
        }
        answer
    }

    fn answer(
        &self,
        state: &mut State,
        incoming: &Incoming,
        now: Timestamp,
        record: &mut RequestRecord,
    ) -> (u16, Value, Vec<RequestRecord>) {
        let admitted = self.admit(state, incoming, now);
        let user_id = match admitted {
            Ok(user_id) => user_id,
            Err(error) => {
                let error = state.blanked(error);
                record.error = Some(error.code_text());
                return (error.status, Value::Object(error.shape()), Vec::new());
            }
        };
        let by_webhook = matches!(incoming.auth, Auth::Webhook { .. });
        if incoming.method == "batch" {
            return match batch::run(self, state, incoming, user_id, now, record) {
                Ok((result, inner)) => {
                    let time = self.time(state, now, "batch", false);
                    (200, json!({"result": result, "time": time}), inner)
                }
                Err(error) => {
                    record.error = Some(error.code_text());
                    (error.status, Value::Object(error.shape()), Vec::new())
                }
            };
        }
        let done = self.execute(state, &incoming.method, &incoming.params, user_id, by_webhook, now);
        record.findings.extend(done.findings);
        record.created = done.created;
        let time = self.time(state, now, &incoming.method, true);
        match done.outcome {
            Ok(reply) => (200, body(reply, time), Vec::new()),
            Err(error) => {
                record.error = Some(error.code_text());
                let mut shape = error.shape();
                if error.status == 429 {
                    shape.insert("time".into(), time);
                }
                (error.status, Value::Object(shape), Vec::new())
            }
        }
    }

    /// Authorisation and the rate limit; gives the user whose rights are used.
    fn admit(&self, state: &mut State, incoming: &Incoming, now: Timestamp) -> Result<u64, ApiError> {
        let no_auth = || ApiError::new(401, "NO_AUTH_FOUND", "Wrong authorization data");
        let user_id = match &incoming.auth {
            Auth::Webhook { user, secret } => {
                let known = *user == self.webhook.user_id.to_string() && *secret == self.webhook.secret;
                if !known || state.webhook_expired { Err(no_auth()) } else { Ok(self.webhook.user_id) }
            }
            Auth::Token(token) => match state.tokens.iter().find(|(known, _)| known == token) {
                Some(_) if state.access_expired => {
                    Err(ApiError::new(401, "expired_token", "The access token provided has expired."))
                }
                Some((_, user_id)) => Ok(*user_id),
                None => Err(no_auth()),
            },
            Auth::None => Err(no_auth()),
        }?;
        let active = state.directory.user(user_id).is_some_and(|user| user.active);
        if !active {
            return Err(ApiError::new(403, "INVALID_CREDENTIALS", "Invalid request credentials"));
        }
        if let Some(rate) = state.limits.rate
            && !state.meters.admit(incoming.peer, rate, now)
        {
            return Err(ApiError::new(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"));
        }
        Ok(user_id)
    }

    /// Runs one method, alone or inside a batch.
    pub(super) fn execute(
        &self,
        state: &mut State,
        name: &str,
        params: &Map<String, Value>,
        user_id: u64,
        by_webhook: bool,
        now: Timestamp,
    ) -> Executed {
        let refused = |state: &State, error: ApiError, findings: Vec<Finding>| Executed {
            outcome: Err(state.blanked(error)),
            findings,
            created: Vec::new(),
        };
        if by_webhook && methods::needs_application(name) {
            let text = "Current authorization type is denied for this method";
            return refused(state, ApiError::new(403, "WRONG_AUTH_TYPE", text), Vec::new());
        }
        let Some(method) = methods::find(name) else {
            let described = self.schemas.as_ref().is_some_and(|schemas| schemas.describes(name));
            let finding = Finding {
                kind: FindingKind::NotEmulated,
                method: name.to_owned(),
                parameter: String::new(),
                text: "a real portal has this method, the emulator has not".to_owned(),
            };
            let error = ApiError::new(404, "ERROR_METHOD_NOT_FOUND", "Method not found!");
            return refused(state, error, if described { vec![finding] } else { Vec::new() });
        };
        if !method.scope.is_empty() && !state.scopes.iter().any(|scope| scope == method.scope) {
            let text = "The request requires higher privileges than provided by the webhook token";
            return refused(state, ApiError::new(403, "insufficient_scope", text), Vec::new());
        }
        if let Some(limit) = state.limits.operating
            && state.meters.spent(name, now) >= limit
        {
            let text = "Method is blocked due to operation time limit.";
            return refused(state, ApiError::new(429, "OPERATION_TIME_LIMIT", text), Vec::new());
        }
        let checked = self.schemas.as_ref().map(|schemas| schemas.check(name, params)).unwrap_or_default();
        let mut call = Call {
            method: method.name,
            params,
            store: &mut state.store,
            directory: &state.directory,
            scopes: &state.scopes,
            user_id,
            now,
            offset: state.offset,
            findings: checked,
            created: Vec::new(),
        };
        let outcome = (method.run)(&mut call);
        let (findings, created) = (call.findings, call.created);
        let (floor, span) = if method.writes { (0.1, 0.3) } else { (0.01, 0.04) };
        // The real portal counts the work behind a call; here there is next to none, so it is simulated.
        let spent = floor + span * state.rng.unit();
        state.meters.spend(name, spent, now);
        Executed { outcome: outcome.map_err(|error| state.blanked(error)), findings, created }
    }

    /// The `time` block of an answer.
    pub(super) fn time(&self, state: &mut State, start: Timestamp, method: &str, operating: bool) -> Value {
        let finish = self.now(state).max(start);
        let (from, to) = (start.as_duration().as_secs_f64(), finish.as_duration().as_secs_f64());
        let mut map = Map::new();
        map.insert("start".into(), json!(from));
        map.insert("finish".into(), json!(to));
        map.insert("duration".into(), json!(to - from));
        map.insert("processing".into(), json!(to - from));
        map.insert("date_start".into(), iso(start, state.offset).into());
        map.insert("date_finish".into(), iso(finish, state.offset).into());
        if operating && state.limits.told {
            map.insert("operating_reset_at".into(), state.meters.reset_at(method, start).into());
            map.insert("operating".into(), json!(state.meters.spent(method, start)));
        }
        Value::Object(map)
    }
}

impl State {
    /// The error as this portal words it: with the switch on, old methods' way, without a code.
    fn blanked(&self, mut error: ApiError) -> ApiError {
        if self.empty_error_code {
            error.code = "".into();
        }
        error
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json; charset=utf-8",
    refusal: |status, code| {
        let code = code.unwrap_or_else(|| code_for(status));
        json!({"error": code, "error_description": "The request was refused by a fault rule"})
    },
    torn: r#"{"result":{"item":{"id":90"#,
};

fn code_for(status: u16) -> &'static str {
    match status {
        401 => "NO_AUTH_FOUND",
        403 => "ACCESS_DENIED",
        404 => "ERROR_METHOD_NOT_FOUND",
        429 => "OPERATION_TIME_LIMIT",
        503 => "QUERY_LIMIT_EXCEEDED",
        500..=599 => "INTERNAL_SERVER_ERROR",
        _ => "ERROR_CORE",
    }
}

fn raw(status: u16, body: &FaultBody) -> Answer {
    let (content_type, bytes) = body.render(status, &WORDING);
    Answer::Raw { status, content_type, bytes }
}

fn body(reply: Reply, time: Value) -> Value {
    let mut map = Map::new();
    map.insert("result".into(), reply.result);
    if let Some(next) = reply.next {
        map.insert("next".into(), next.into());
    }
    if let Some(total) = reply.total {
        map.insert("total".into(), total.into());
    }
    map.insert("time".into(), time);
    Value::Object(map)
}
