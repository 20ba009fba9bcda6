//! A form sent through the API: the same door as on the site, and each key of a repeat answered alike.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_domain::lead::LeadDraft;
use ismart_leads::AcceptError;
use ismart_store::api_answers::{self, Answered};
use ismart_store::{StoreError, Tx, sha256_hex};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::AtSite;
use super::forms;
use super::query::{Body, Segments};
use super::scope::Submitting;
use crate::form::Fields;
use crate::origin::text;
use crate::platform::Platform;
use crate::problem::Problem;

/// Name of this operation among kept answers.
const OPERATION: &str = "submissions";

/// A form as it was filled in.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// What was filled in, by the names of the form's fields.
    #[schema(example = json!({"name": "Анна", "phone": "+7 910 123-45-67"}))]
    fields: BTreeMap<String, String>,
    /// Whether the person agreed to the processing of personal data, having read the form's `consent`.
    consent: bool,
    /// Address of the page that he was on.
    #[serde(default)]
    #[schema(max_length = 2000, required = false)]
    page_url: Option<String>,
    /// Whom the proof of consent names; the caller itself without it.
    #[serde(default)]
    #[schema(required = false)]
    visitor: Option<Visitor>,
}

/// The person's browser.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Visitor {
    /// His network address.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$",
        example = "203.0.113.7")]
    ip: Option<String>,
    /// His browser, as it names itself.
    #[serde(default)]
    #[schema(max_length = 300, required = false)]
    user_agent: Option<String>,
}

/// The lead that a form became.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    /// Identity of the lead.
    #[schema(format = "uuid")]
    lead: String,
    /// Its number for people.
    #[schema(minimum = 1)]
    number: i64,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// Whether the same request had come before: the lead is then the earlier one.
    repeated: bool,
    /// Whether it counts for nothing: a field that only robots fill in was filled in.
    test: bool,
}

/// Send a form
///
/// The answer comes after the lead is durably stored. A repeat with the same `Idempotency-Key` and body gets the same
/// answer (with `Idempotency-Replayed: true`) and makes no second lead, for ever; the same key with another body is
/// refused.
#[utoipa::path(
    post, path = "/sites/{site}/forms/{form}/submissions", operation_id = "submitForm", tag = "Forms",
    params(("site" = String, Path, description = "Key of the site"), ("form" = String, Path, description = "Name of the form"),
        ("Idempotency-Key" = String, Header, description = "The caller's own key of this submission, such as a UUID",
            pattern = "^[A-Za-z0-9_.:-]{8,128}$", example = "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d")),
    request_body = Submission,
    security(("key" = ["forms:submit"])),
    responses((status = 201, description = "Stored", body = Submitted,
        headers(("Location" = String), ("Idempotency-Replayed" = String)))),
)]
pub(super) async fn submit(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Submitting>,
    Segments((_, name)): Segments<(String, String)>,
    headers: HeaderMap,
    Body(submission): Body<Submission>,
) -> Result<Response, Problem> {
    let key = key(&headers)?.to_owned();
    let forms = platform.api.forms(&at.site, platform.env.now());
    let form = forms::find(&forms, &name)?.name.clone();
    let request = Request { form: &form, submission: &submission };
    let request_sha256 = sha256_hex(&String::from_utf8_lossy(&super::conditional::encoded(&request)?));
    let draft = draft(&at, &form, submission, &headers)?;
    let answered = accept(&platform, &at, key, request_sha256, draft).await?;
    let (answer, replayed) = answered;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::CREATED);
    let json = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (status, json, answer.body).into_response();
    if replayed {
        response.headers_mut().insert("idempotency-replayed", axum::http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What a key stands for.
#[derive(Serialize)]
struct Request<'r> {
    form: &'r str,
    submission: &'r Submission,
}

fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let detail =
        "Send `Idempotency-Key`: 8 to 128 letters, digits and `_.:-` that name this submission and no other.";
    let plain = |key: &&str| {
        (8..=128).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
    };
    text(headers, "idempotency-key")
        .filter(plain)
        .ok_or_else(|| Problem::bad_request("idempotency_key", detail))
}

fn draft(
    at: &AtSite<Submitting>,
    form: &str,
    submission: Submission,
    headers: &HeaderMap,
) -> Result<LeadDraft, Problem> {
    let wrong = |detail: &str| Err(Problem::bad_request("body", detail));
    if submission.fields.len() > 200 {
        return wrong("`fields` has at most 200 fields.");
    }
    if submission.page_url.as_ref().is_some_and(|url| url.chars().count() > 2000) {
        return wrong("`page_url` has at most 2000 characters.");
    }
    let (mut origin, mut user_agent) = (at.origin.clone(), text(headers, "user-agent").map(str::to_owned));
    if let Some(visitor) = submission.visitor {
        if let Some(ip) = visitor.ip {
            let Ok(ip) = ip.parse::<IpAddr>() else {
                return Err(unprocessable("visitor.ip", "This is no network address."));
            };
            origin.ip = ip;
        }
        if visitor.user_agent.as_ref().is_some_and(|name| name.chars().count() > 300) {
            return wrong("`visitor.user_agent` has at most 300 characters.");
        }
        user_agent = visitor.user_agent.or(user_agent);
    }
    let machinery = [
        ("form_name".to_owned(), form.to_owned()),
        ("policy".to_owned(), if submission.consent { "on".to_owned() } else { String::new() }),
        ("page_url".to_owned(), submission.page_url.unwrap_or_default()),
    ];
    let filled = submission.fields.into_iter().filter(|(name, _)| {
        !matches!(name.as_str(), "form_name" | "policy" | "page_url" | "form_token" | "idempotency_key")
    });
    let fields = Fields::new(machinery.into_iter().chain(filled));
    let user_agent = user_agent.map(|name| name.chars().take(300).collect());
    fields.draft(&at.place, &at.site, &origin, user_agent).map_err(|invalid| {
        let detail = "The form is not filled in as its fields ask: `errors` says what to mend.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fields", detail).with_errors(invalid.errors)
    })
}

fn unprocessable(field: &str, why: &str) -> Problem {
    let errors = BTreeMap::from([(field.to_owned(), why.to_owned())]);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fields", why).with_errors(errors)
}

/// Why nothing was stored.
#[derive(Debug)]
enum Refused {
    OtherBody,
    Accept(AcceptError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Accept(AcceptError::Store(error))
    }
}

impl From<AcceptError> for Refused {
    fn from(error: AcceptError) -> Self {
        Self::Accept(error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::OtherBody => {
                let detail = "This Idempotency-Key was used for another submission: give each its own key.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
            }
            Refused::Accept(AcceptError::Store(error)) => error.into(),
            Refused::Accept(error) => unprocessable("fields", &format!("Nothing was stored: {error}.")),
        }
    }
}

/// Stores the lead with its answer, or finds the answer of the same key.
async fn accept(
    platform: &Platform,
    at: &AtSite<Submitting>,
    key: String,
    request_sha256: String,
    draft: LeadDraft,
) -> Result<(Answered, bool), Problem> {
    let client_id = at.place.client_id;
    let destinations = at.place.destinations.clone();
    let trace_id = platform.env.new_id();
    let (again, digest) = (key.clone(), request_sha256.clone());
    let stored: Result<(Answered, bool), Refused> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if let Some(found) = api_answers::find(tx, client_id, OPERATION, &key).await? {
                    return same(found, &request_sha256);
                }
                let accepted = ismart_leads::accept(tx, client_id, &destinations, draft, trace_id).await?;
                let body = Submitted {
                    lead: accepted.lead.id.to_string(),
                    number: accepted.lead.number,
                    accepted_at: accepted.lead.accepted_at.to_string(),
                    repeated: accepted.repeated,
                    test: accepted.lead.draft.test,
                };
                let body = serde_json::to_string(&body)
                    .map_err(|e| StoreError::Corrupt { what: "an answer".to_owned(), why: e.to_string() })?;
                let answer = Answered { request_sha256, status: 201, body };
                api_answers::keep(tx, client_id, OPERATION, &key, &answer).await?;
                Ok((answer, false))
            })
        })
        .await;
    match stored {
        // Two requests with one key at once: the second is refused by the table and finds the answer of the first.
        Err(Refused::Accept(AcceptError::Store(StoreError::Sql(error)))) => {
            let mut conn = platform.store.read().await?;
            match api_answers::find(&mut conn, client_id, OPERATION, &again).await? {
                Some(found) => Ok(same(found, &digest)?),
                None => Err(StoreError::Sql(error).into()),
            }
        }
        stored => Ok(stored?),
    }
}

fn same(found: Answered, request_sha256: &str) -> Result<(Answered, bool), Refused> {
    if found.request_sha256 == request_sha256 { Ok((found, true)) } else { Err(Refused::OtherBody) }
}
