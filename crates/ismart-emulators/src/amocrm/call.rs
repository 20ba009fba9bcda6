//! One operation: what it is given and what it may answer.

use super::kind::Kind;
use super::setup::Setup;
use super::store::{Change, Event, Item, Store, Tag};
use crate::log::{Created, Finding, FindingKind};
use crate::rng::Rng;
use serde_json::{Map, Value, json};

/// One thing wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) code: &'static str,
    pub(super) path: String,
    pub(super) detail: String,
}

impl Violation {
    pub(super) fn new(code: &'static str, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, path: path.into(), detail: detail.into() }
    }

    /// A value that is none of those which exist: a stage, a field, a choice.
    pub(super) fn no_choice(path: impl Into<String>) -> Self {
        Self::new("NotSupportedChoice", path, "The value you selected is not a valid choice.")
    }

    pub(super) fn wrong_type(path: impl Into<String>, expected: &str) -> Self {
        Self::new("InvalidType", path, format!("This value should be of type {expected}."))
    }

    pub(super) fn missing(path: impl Into<String>) -> Self {
        Self::new("FieldMissing", path, "This field is missing.")
    }
}

/// What is wrong with one object of a request.
pub(super) type Flaws = Vec<Violation>;

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    /// For the log.
    pub(super) code: String,
    pub(super) body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Json(Value),
    Html,
    Empty,
}

/// The title that goes with a status.
pub(super) fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500..=599 => "Internal Server Error",
        _ => "Error",
    }
}

impl ApiError {
    /// A refusal in the form of `application/problem+json`.
    pub(super) fn problem(status: u16, code: &str, detail: &str) -> Self {
        let kind = format!("https://httpstatus.es/{status}");
        let body = json!({"title": title(status), "type": kind, "status": status, "detail": detail});
        Self { status, code: code.to_owned(), body: Body::Json(body) }
    }

    /// A refusal of the token endpoint.
    pub(super) fn oauth(status: u16, hint: &str, detail: &str) -> Self {
        let kind = "https://developers.amocrm.ru/v3/errors/OAuthProblemJson";
        let title = "Некорректный запрос";
        let body = json!({"hint": hint, "title": title, "type": kind, "status": status, "detail": detail});
        Self { status, code: hint.to_owned(), body: Body::Json(body) }
    }

    /// The page that stands before an account which was blocked for its many requests.
    pub(super) fn blocked() -> Self {
        Self { status: 403, code: "blocked".to_owned(), body: Body::Html }
    }

    pub(super) fn not_found() -> Self {
        Self::problem(404, "not_found", "Not found")
    }

    /// What is wrong with which object of the request.
    pub(super) fn invalid(wrong: Vec<(String, Flaws)>) -> Self {
        let code = wrong.first().and_then(|(_, flaws)| flaws.first()).map_or("invalid", |flaw| flaw.code);
        let told = |flaw: &Violation| json!({"code": flaw.code, "path": flaw.path, "detail": flaw.detail});
        let errors: Vec<Value> = wrong
            .iter()
            .map(|(request_id, flaws)| {
                let errors: Vec<Value> = flaws.iter().map(told).collect();
                json!({"request_id": request_id, "errors": errors})
            })
            .collect();
        let body = json!({
            "validation-errors": errors, "title": title(400), "type": "https://httpstatus.es/400",
            "status": 400, "detail": "Request validation failed",
        });
        Self { status: 400, code: code.to_owned(), body: Body::Json(body) }
    }

    /// One thing wrong with the request's only object.
    pub(super) fn flaw(violation: Violation) -> Self {
        Self::invalid(vec![("0".to_owned(), vec![violation])])
    }
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Body::Json(body) }
    }

    pub(super) fn nothing() -> Self {
        Self { status: 204, body: Body::Empty }
    }
}

/// The objects of a request, each with its `request_id`.
pub(super) type Objects = Vec<(String, Map<String, Value>)>;

pub(super) type Outcome = Result<Reply, ApiError>;

/// A change that subscribers are told.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// `add_lead`, `status_lead` …
    pub(super) setting: &'static str,
    /// `leads`, `contacts`, `task`, `unsorted`.
    pub(super) top: &'static str,
    /// `add`, `update`, `status`, `delete`, `note`.
    pub(super) action: &'static str,
    /// The object as it became.
    pub(super) shown: Value,
}

/// What an operation works with. Nothing it does counts before its changes are committed.
pub(super) struct Call<'a> {
    pub(super) operation: &'a str,
    pub(super) kind: Kind,
    pub(super) id: Option<u64>,
    pub(super) uid: &'a str,
    pub(super) query: &'a Map<String, Value>,
    pub(super) body: &'a Value,
    pub(super) store: &'a mut Store,
    pub(super) setup: &'a Setup,
    pub(super) rng: &'a mut Rng,
    pub(super) user_id: u64,
    pub(super) duplicates: bool,
    pub(super) search_lag: i64,
    /// Unix seconds.
    pub(super) now: i64,
    /// `https://acme.amocrm.ru`, as the caller reached it.
    pub(super) origin: &'a str,
    pub(super) changes: Vec<Change>,
    pub(super) news: Vec<News>,
    pub(super) findings: Vec<Finding>,
    pub(super) created: Vec<Created>,
}

impl Call<'_> {
    /// Notes what the real service takes without a word.
    pub(super) fn find(&mut self, kind: FindingKind, parameter: &str, text: impl Into<String>) {
        self.findings.push(Finding {
            kind,
            method: self.operation.to_owned(),
            parameter: parameter.to_owned(),
            text: text.into(),
        });
    }

    /// Notes keys that no documentation names.
    pub(super) fn known_keys(&mut self, map: &Map<String, Value>, known: &[&str], at: &str) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let parameter = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            self.find(FindingKind::UnknownField, &parameter, "there is no such key; it was ignored");
        }
    }

    /// An object as it will be: changed by this request, or as it is stored.
    pub(super) fn current(&self, kind: Kind, id: u64) -> Option<Item> {
        let pending = self.changes.iter().rev().find_map(|change| match change {
            Change::Item(item) if item.kind == kind && item.id == id => Some(item.clone()),
            _ => None,
        });
        pending.or_else(|| self.store.get(kind, id).map(|item| Item::clone(item)))
    }

    pub(super) fn exists(&self, kind: Kind, id: u64) -> bool {
        self.current(kind, id).is_some()
    }

    /// The tag of this name, made if there is none.
    pub(super) fn tag(&mut self, kind: Kind, name: &str) -> u64 {
        let same = |tag: &Tag| tag.kind == kind && tag.name.to_lowercase() == name.to_lowercase();
        let pending = self.changes.iter().find_map(|change| match change {
            Change::Tag(tag) if same(tag) => Some(tag.id),
            _ => None,
        });
        let known = self.store.tags.values().find(|tag| same(tag)).map(|tag| tag.id);
        if let Some(id) = pending.or(known) {
            return id;
        }
        let id = self.store.next_id("tags");
        self.changes.push(Change::Tag(Tag { id, kind, name: name.to_owned() }));
        id
    }

    /// A tag that is stored or about to be.
    pub(super) fn tag_name(&self, id: u64) -> Option<String> {
        let pending = self.changes.iter().find_map(|change| match change {
            Change::Tag(tag) if tag.id == id => Some(tag.name.clone()),
            _ => None,
        });
        pending.or_else(|| self.store.tags.get(&id).map(|tag| tag.name.clone()))
    }

    /// A new object without content.
    pub(super) fn blank(&mut self, kind: Kind) -> Item {
        let id = self.store.next_id(kind.plural());
        self.created.push(Created { kind: kind.code(), id });
        Item {
            kind,
            id,
            created_at: self.now,
            updated_at: self.now,
            searchable_at: self.now.saturating_add(self.search_lag),
            unsorted: false,
            values: Map::new(),
            fields: Vec::new(),
            tags: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Notes what happened for `GET /events`.
    pub(super) fn event(
        &mut self,
        kind: Kind,
        entity_id: u64,
        event_type: &str,
        before: Value,
        after: Value,
    ) {
        let id = format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
        self.changes.push(Change::Event(Event {
            id,
            kind,
            entity_id,
            event_type: event_type.to_owned(),
            created_by: self.user_id,
            created_at: self.now,
            before,
            after,
        }));
    }

    /// A text parameter of the query.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// Whether `with=` names this.
    pub(super) fn with(&self, name: &str) -> bool {
        self.asked("with").is_some_and(|list| list.split(',').any(|part| part.trim() == name))
    }

    /// The object of a request that takes one.
    pub(super) fn object(&self) -> Result<&Map<String, Value>, ApiError> {
        self.body.as_object().ok_or_else(|| ApiError::flaw(Violation::wrong_type("", "object")))
    }

    /// The objects of a request that takes many, each with its `request_id`.
    pub(super) fn objects(&self) -> Result<Objects, ApiError> {
        let wrong = || ApiError::flaw(Violation::wrong_type("", "array of objects"));
        let list = self.body.as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
        let mut objects = Vec::with_capacity(list.len());
        for (at, entry) in list.iter().enumerate() {
            let map = entry.as_object().ok_or_else(wrong)?;
            let request_id = match map.get("request_id") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                _ => at.to_string(),
            };
            objects.push((request_id, map.clone()));
        }
        Ok(objects)
    }
}
