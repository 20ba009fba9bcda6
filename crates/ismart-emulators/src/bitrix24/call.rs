//! One call of one method: what it is given and what it may answer.

use super::directory::Directory;
use super::entity::Entity;
use super::log::{Created, Finding, FindingKind};
use super::store::Store;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value};

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) result: Value,
    pub(super) total: Option<u64>,
    pub(super) next: Option<u64>,
}

impl Reply {
    pub(super) fn of(result: impl Into<Value>) -> Self {
        Self { result: result.into(), total: None, next: None }
    }
}

/// A refusal in the portal's shape.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    /// Text as a rule; some old methods send a number.
    pub(super) code: Value,
    pub(super) text: String,
}

impl ApiError {
    pub(super) fn new(status: u16, code: impl Into<Value>, text: impl Into<String>) -> Self {
        Self { status, code: code.into(), text: text.into() }
    }

    /// The classic methods' refusal: HTTP 400 with an empty code.
    pub(super) fn wordless(text: &str) -> Self {
        Self::new(400, "", text)
    }

    pub(super) fn missing_parameter(name: &str) -> Self {
        Self::new(400, 100, format!("Could not find value for parameter {{{name}}}"))
    }

    /// The journal refused a write: the portal is broken and nothing was stored.
    pub(super) fn storage(error: &std::io::Error) -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", format!("The portal cannot store: {error}"))
    }

    pub(super) fn code_text(&self) -> String {
        match &self.code {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The two keys every error has.
    pub(super) fn shape(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("error".into(), self.code.clone());
        map.insert("error_description".into(), self.text.clone().into());
        map
    }
}

pub(super) type Outcome = Result<Reply, ApiError>;

/// What a method works with.
pub(super) struct Call<'a> {
    pub(super) method: &'static str,
    pub(super) params: &'a Map<String, Value>,
    pub(super) store: &'a mut Store,
    pub(super) directory: &'a Directory,
    pub(super) scopes: &'a [String],
    pub(super) user_id: u64,
    pub(super) now: Timestamp,
    pub(super) offset: Offset,
    pub(super) findings: Vec<Finding>,
    pub(super) created: Vec<Created>,
}

impl Call<'_> {
    pub(super) fn find(&mut self, kind: FindingKind, parameter: &str, text: impl Into<String>) {
        self.findings.push(Finding {
            kind,
            method: self.method.to_owned(),
            parameter: parameter.to_owned(),
            text: text.into(),
        });
    }

    /// A parameter that is there and is not null.
    pub(super) fn param(&self, name: &str) -> Option<&Value> {
        self.params.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, name: &str) -> Result<&Value, ApiError> {
        self.param(name).ok_or_else(|| ApiError::missing_parameter(name))
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.param(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn exists(&self, entity: Entity, id: i64) -> bool {
        u64::try_from(id).is_ok_and(|id| self.store.exists(entity, id))
    }
}
