//! The raw log of requests and what was odd about them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// What is wrong with a request that the real service would still take without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A parameter that the method description calls required is absent.
    MissingRequired,
    /// A value's type differs from the method description.
    WrongType,
    /// A parameter that the method description does not name.
    UnknownParameter,
    /// A field the service does not have; it is ignored.
    UnknownField,
    /// A read-only field was sent; it is ignored.
    ReadOnlyField,
    /// A value was changed on its way in (cut, cast, defaulted).
    ValueChanged,
    /// A dictionary value or a linked object that does not exist was stored nevertheless.
    DanglingReference,
    /// A multi-field entry was ignored.
    MultiFieldIgnored,
    /// A moment without an offset.
    AmbiguousTime,
    /// The body could not be read.
    BrokenBody,
    /// The real service can do this, the emulator cannot.
    NotEmulated,
}

/// One oddity of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What sort of oddity.
    pub kind: FindingKind,
    /// The method as the emulator names it.
    pub method: String,
    /// Which parameter, with its path: `fields.PHONE`.
    pub parameter: String,
    /// What happened, in words.
    pub text: String,
}

/// An object that a request created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Created {
    /// `lead`, `contact`, `company`, `deal`, `comment`, `task` … as the service names it.
    pub kind: &'static str,
    /// The id the service gave it.
    pub id: u64,
}

/// How a request ended on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// An answer was sent.
    Answered,
    /// The connection was closed before anything was stored.
    DroppedBeforeCommit,
    /// Everything was stored, then the connection was closed without an answer.
    DroppedAfterCommit,
}

/// One request as it came, secrets masked, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRecord {
    /// Position in the log, from 1, without gaps.
    pub seq: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// HTTP method.
    pub http_method: String,
    /// The path, a secret in it written as `***`.
    pub path: String,
    /// The operation as fault rules name it: a REST method in lower case, or `leads.complex`.
    pub method: String,
    /// The parameters, tokens written as `***`.
    pub params: Map<String, Value>,
    /// The key inside a `batch`, when the call came in one.
    pub batch_key: Option<String>,
    /// HTTP status of the answer; inside a batch the status the call alone would have had.
    pub status: u16,
    /// The error code of the answer; may be an empty text, as with a real Bitrix24 portal.
    pub error: Option<String>,
    /// What it created.
    pub created: Vec<Created>,
    /// What was odd about it.
    pub findings: Vec<Finding>,
    /// How it ended on the wire.
    pub ending: Ending,
}

/// The log itself; the oldest records leave when it is full.
#[derive(Debug)]
pub(crate) struct RequestLog {
    records: VecDeque<RequestRecord>,
    limit: usize,
    next: u64,
}

impl RequestLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { records: VecDeque::new(), limit: limit.max(1), next: 1 }
    }

    pub(crate) fn push(&mut self, mut record: RequestRecord) {
        record.seq = self.next;
        self.next = self.next.saturating_add(1);
        if self.records.len() >= self.limit {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.records.iter().cloned().collect()
    }

    pub(crate) fn tail(&self, count: usize) -> Vec<RequestRecord> {
        let skip = self.records.len().saturating_sub(count);
        self.records.iter().skip(skip).cloned().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.records.iter().flat_map(|record| record.findings.iter().cloned()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
    }
}

/// Names of parameters that carry a token.
const SECRET_NAMES: [&str; 4] = ["auth", "access_token", "refresh_token", "client_secret"];

/// A copy of the parameters with every token written as `***`, at any depth.
pub(crate) fn mask(params: &Map<String, Value>) -> Map<String, Value> {
    let is_secret = |key: &str, value: &Value| {
        value.is_string() && SECRET_NAMES.iter().any(|name| key.eq_ignore_ascii_case(name))
    };
    params
        .iter()
        .map(|(key, value)| {
            let shown = if is_secret(key, value) { Value::String("***".into()) } else { masked(value) };
            (key.clone(), shown)
        })
        .collect()
}

fn masked(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(mask(map)),
        Value::Array(list) => list.iter().map(masked).collect(),
        other => other.clone(),
    }
}
