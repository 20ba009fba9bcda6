//! `POST /api/send`: a form of a site becomes a lead. The contract is the PHP platform's: field names, codes and
//! status of its answers; what differs is that "success" means "durably stored", and that what a robot may have sent is
//! taken as well, and held for a person.

mod fields;
mod files;
pub(crate) mod legacy;
pub(crate) mod pay;
mod reading;
mod suspicion;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use ismart_domain::lead::LeadDraft;
use ismart_leads::intake::Laid;
use ismart_leads::{AcceptError, Accepted};
use ismart_sites::PerRequest;
use ismart_store::Tx;
use serde_json::json;

use crate::form_token;
use crate::origin::{Asked, Origin, text};
use crate::platform::Platform;
pub(crate) use fields::{Fields, Invalid, language};
use files::Sent;

/// `GET /api/form-token`: a token for a form that was not rendered by us.
pub(crate) async fn token(State(platform): State<Arc<Platform>>, _: Asked) -> Response {
    let token = form_token::issue(&platform.options.form_secret, platform.env.now());
    let body = json!({ "token": token, "min_age": form_token::MIN_AGE });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Why a form was not taken.
enum Refusal {
    Invalid(Invalid),
    TooMany(u32),
    Unreadable(StatusCode, String),
    Accept(AcceptError),
}

/// Takes a form.
pub(crate) async fn send(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let wants_json = wants_json(&headers);
    let as_php = wants_json && legacy::follows(&asked.site);
    let (fields, result) = match reading::read_with_files(request, &platform, &asked).await {
        Ok(sent) if as_php => return legacy::send(&platform, &origin, &asked, &headers, sent).await,
        Ok(Sent { fields, files }) => {
            let result = accept(&platform, &origin, &asked, &headers, &fields, files).await;
            (fields, result)
        }
        // The contract reads nothing from a body that it does not know, and goes on from there.
        Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, _)) if as_php => {
            return legacy::send(&platform, &origin, &asked, &headers, Sent::default()).await;
        }
        Err((status, why)) => (Fields::default(), Err(Refusal::Unreadable(status, why))),
    };
    match result {
        Ok(accepted) if wants_json => Json(json!({
            "success": true,
            "message": texts(&asked).sent,
            "request_id": accepted.lead.id,
            "number": accepted.lead.number,
            "channels": { "inbox": "success" },
            "test": accepted.lead.draft.test && fields.honeypot().is_none(),
        }))
        .into_response(),
        Ok(accepted) => {
            let page = fields.page_path(&origin).unwrap_or_else(|| "/".to_owned());
            let join = if page.contains('?') { '&' } else { '?' };
            let form = fields.form_key();
            let number = accepted.lead.number;
            Redirect::to(&format!("{page}{join}sent={number}&form={form}#f-{form}")).into_response()
        }
        Err(refusal) if as_php => legacy::unreadable(&refusal, &origin),
        Err(refusal) if wants_json => refuse_json(refusal, &asked),
        Err(refusal) => refuse_page(&platform, &origin, &asked, refusal, &fields),
    }
}

async fn accept(
    platform: &Platform,
    origin: &Origin,
    asked: &Asked,
    headers: &HeaderMap,
    fields: &Fields,
    files: Vec<Laid>,
) -> Result<Accepted, Refusal> {
    let hurried = platform.limits.take(origin.ip, platform.env.now()).err();
    let user_agent = text(headers, "user-agent").map(|ua| ua.chars().take(300).collect());
    let mut draft = fields
        .draft(&asked.place, &asked.site, origin, user_agent)
        .map_err(|invalid| hurried.map_or(Refusal::Invalid(invalid), Refusal::TooMany))?;
    if let Some(wait) = hurried {
        draft.signals.push(suspicion::of_haste(platform, origin, wait).map_err(Refusal::TooMany)?);
    }
    draft.signals.extend(suspicion::of_token(platform, fields.get("form_token")).map(|(signal, _)| signal));
    files::name(platform, origin, &mut draft, &files);
    store(platform, asked, draft, files).await.map_err(Refusal::Accept)
}

async fn store(
    platform: &Platform,
    asked: &Asked,
    draft: LeadDraft,
    files: Vec<Laid>,
) -> Result<Accepted, AcceptError> {
    if !files.is_empty() {
        return files::store(platform, asked, draft, files).await;
    }
    let client_id = asked.place.client_id;
    let destinations = asked.place.destinations.clone();
    let trace_id = platform.env.new_id();
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { ismart_leads::accept(tx, client_id, &destinations, draft, trace_id).await })
        })
        .await
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = text(headers, "accept").unwrap_or("");
    let by_script =
        text(headers, "x-requested-with").is_some_and(|v| v.eq_ignore_ascii_case("xmlhttprequest"));
    by_script || !accept.contains("text/html")
}

/// What the visitor reads, in the language of the site.
struct Texts {
    sent: &'static str,
    check: &'static str,
    too_many: &'static str,
    store: &'static str,
}

fn texts(asked: &Asked) -> Texts {
    if language(&asked.site) == "en" {
        Texts {
            sent: "Your request has been received.",
            check: "Please check the marked fields.",
            too_many: "Too many requests. Please wait a minute and send the form again.",
            store: "We could not store your request. Please call us:",
        }
    } else {
        Texts {
            sent: "Заявка принята.",
            check: "Проверьте отмеченные поля.",
            too_many: "Слишком много заявок подряд. Подождите минуту и отправьте форму ещё раз.",
            store: "Не удалось сохранить заявку. Пожалуйста, позвоните нам:",
        }
    }
}

/// Status, code and text of a refusal.
fn explain(refusal: &Refusal, asked: &Asked) -> (StatusCode, &'static str, String) {
    let texts = texts(asked);
    match refusal {
        Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", texts.check.to_owned()),
        Refusal::TooMany(_) => {
            (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", texts.too_many.to_owned())
        }
        Refusal::Unreadable(status, why) => (*status, "BODY_INVALID", why.clone()),
        Refusal::Accept(AcceptError::NoContact | AcceptError::NoConsent) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", texts.check.to_owned())
        }
        Refusal::Accept(AcceptError::Store(error)) => {
            tracing::error!(error = %error, "a form could not be stored");
            let status = if error.is_disk_full() {
                StatusCode::INSUFFICIENT_STORAGE
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            (status, "STORE_FAILED", format!("{} {}", texts.store, asked.place.phone))
        }
    }
}

/// 419, the PHP platform's status for a token that is no longer good.
fn page_expired() -> StatusCode {
    StatusCode::from_u16(419).unwrap_or(StatusCode::FORBIDDEN)
}

/// A refusal as the PHP platform words it.
#[derive(serde::Serialize)]
struct Refused {
    success: bool,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<std::collections::BTreeMap<String, String>>,
}

fn refuse_json(refusal: Refusal, asked: &Asked) -> Response {
    let (status, code, message) = explain(&refusal, asked);
    let (errors, wait) = match refusal {
        Refusal::Invalid(invalid) => (Some(invalid.errors), None),
        Refusal::TooMany(seconds) => (None, Some(i64::from(seconds))),
        Refusal::Unreadable(..) | Refusal::Accept(_) => (None, None),
    };
    let mut response = (status, Json(Refused { success: false, code, message, errors })).into_response();
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Without JavaScript: the page of the form again, with what was typed and what is wrong with it.
fn refuse_page(
    platform: &Platform,
    origin: &Origin,
    asked: &Asked,
    refusal: Refusal,
    fields: &Fields,
) -> Response {
    let (status, _, message) = explain(&refusal, asked);
    let mut errors = match refusal {
        Refusal::Invalid(invalid) => invalid.errors,
        _ => std::collections::BTreeMap::new(),
    };
    errors.entry("form".to_owned()).or_insert(message);
    let state = json!({
        "name": fields.get("form_name").unwrap_or_default(),
        "errors": errors,
        "values": fields.shown(),
        "sent": false,
    });
    let now = platform.env.now();
    let token = form_token::issue(&platform.options.form_secret, now);
    let page = fields.page_path(origin).unwrap_or_else(|| "/".to_owned());
    let (path, query) = page.split_once('?').map_or((page.as_str(), None), |(p, q)| (p, Some(q)));
    let question = ismart_sites::Request {
        method: "GET",
        path,
        query,
        host: &origin.host,
        scheme: origin.scheme,
        if_none_match: None,
        per_request: PerRequest {
            now,
            form_token: Some(&token),
            request_id: Some(&origin.request_id),
            form_state: Some(&state),
        },
    };
    let mut response = crate::site::respond(asked.site.answer(&question), &HeaderMap::new());
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response.headers_mut().insert(header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    response
}
