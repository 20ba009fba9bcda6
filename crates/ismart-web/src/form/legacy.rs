//! Forms of sites of the PHP platform: the newest generation's contract, answer by answer. Its scripts read these
//! codes and keys, and its monitoring sends test leads with a key of its own.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_domain::Secret;
use ismart_domain::lead::LeadDraft;
use ismart_domain::ports::Judged;
use ismart_domain::spam::Signal;
use ismart_leads::{AcceptError, Accepted};
use ismart_sites::Snapshot;
use ismart_store::Tx;
use serde_json::{Value, json};
use std::sync::Arc;
use subtle::ConstantTimeEq;

use super::fields::{Fields, Invalid};
use super::files::Sent;
use super::suspicion::{self, Sender};
use super::{Refusal, page_expired, reading, store};
use crate::form_token;
use crate::origin::{Asked, Origin, text};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::site;

/// The header of monitoring.
const TEST_KEY: &str = "x-ismart-key";

/// Whether the forms of a site follow this contract.
pub(super) fn follows(site: &Snapshot) -> bool {
    site.config().legacy.is_some()
}

/// A group of the site's settings that the form's rules stand in.
fn guard<'s>(site: &'s Snapshot, key: &str) -> Option<&'s str> {
    site.config().settings.get("form_guard")?.get(key)?.as_str()
}

/// The fields that must be filled in: `phone` unless the site says otherwise.
pub(super) fn required(site: &Snapshot) -> Vec<&str> {
    let said = guard(site, "required_fields").unwrap_or("phone");
    let fields: Vec<&str> = said.split(',').map(str::trim).filter(|field| !field.is_empty()).collect();
    if fields.is_empty() { vec!["phone"] } else { fields }
}

/// The trap of this site that was filled in.
fn trap<'f>(site: &'f Snapshot, fields: &Fields) -> Option<&'f str> {
    let traps = guard(site, "trap_field").unwrap_or("company_site, website");
    traps.split(',').map(str::trim).find(|name| fields.get(name).is_some())
}

/// Whether the request carries the key that monitoring derives from the host.
fn is_test(secret: &Secret, headers: &HeaderMap, host: &str) -> bool {
    let host = host.split(':').next().unwrap_or(host).to_lowercase();
    let expected = form_token::sign(secret, &host);
    let given = text(headers, TEST_KEY).unwrap_or("").trim();
    !host.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
}

/// Takes a form in the order of the contract: trap, token, fields; success is said after it was stored.
pub(super) async fn send(
    platform: &Platform,
    origin: &Origin,
    asked: &Asked,
    headers: &HeaderMap,
    sent_in: Sent,
) -> Response {
    let Sent { fields, files } = sent_in;
    let fields = &fields;
    let user_agent = text(headers, "user-agent").map(|ua| ua.chars().take(300).collect::<String>());
    let draft = fields.draft(&asked.place, &asked.site, origin, user_agent);
    // What the contract refuses is answered as it says, and kept for a person all the same.
    let from = Sender { platform, origin, asked };
    if let Err(wait) = platform.limits.take(origin.ip, platform.env.now()) {
        if draft.is_ok()
            && let Ok(signal) = suspicion::of_haste(platform, origin, wait)
        {
            from.keep(draft, files, signal).await;
        }
        return too_many(wait);
    }
    if let Some(field) = trap(&asked.site, fields) {
        from.keep(draft, files, Signal::Trap { field: field.to_owned() }).await;
        return trapped(origin);
    }
    let test = is_test(&platform.options.form_secret, headers, &origin.host);
    let mut unchecked = None;
    if !test {
        if let Some((signal, _)) = suspicion::of_token(platform, fields.get("form_token")) {
            from.keep(draft, files, signal).await;
            return refused(
                page_expired(),
                "TOKEN_INVALID",
                TOKEN,
                origin,
                "retry_after",
                json!(form_token::MIN_AGE),
            );
        }
        match captcha(platform, origin, asked, fields).await {
            Judged::Robot => {
                from.keep(draft, files, Signal::CaptchaRobot).await;
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return refused(status, "CAPTCHA_INVALID", CAPTCHA, origin, "", Value::Null);
            }
            Judged::Unknown { reason } => unchecked = Some(Signal::CaptchaUnknown { reason }),
            Judged::Person => {}
        }
    }
    let mut draft = match draft {
        Ok(draft) => draft,
        Err(Invalid { errors }) => return invalid(origin, json!(errors)),
    };
    draft.test |= test;
    // Losing a person because somebody else's service is away would be worse than holding him for a while.
    draft.signals.extend(unchecked);
    super::files::name(platform, origin, &mut draft, &files);
    match store(platform, asked, draft, files).await {
        Ok(accepted) => sent(&accepted, json!({ "inbox": "success" }), test),
        Err(AcceptError::NoContact) => invalid(origin, json!({ "phone": "Неверный телефон" })),
        Err(AcceptError::NoConsent) => invalid(origin, json!({ "policy": "Согласитесь с политикой" })),
        Err(AcceptError::Store(error)) => {
            tracing::error!(error = %error, "a form could not be stored");
            refused(
                StatusCode::BAD_GATEWAY,
                "DELIVERY_FAILED",
                FAILED,
                origin,
                "channels",
                json!({ "inbox": "failed" }),
            )
        }
    }
}

/// The field that the captcha's script leaves its token in.
const CAPTCHA_FIELD: &str = "smart-token";
/// What the script writes when the site's address is not among those that its owner named: his fault, not the sender's.
const HOST_NOT_ALLOWED: &str = "host-not-allowed";

/// What is known of the sender; a person's where the site asks nobody.
async fn captcha(platform: &Platform, origin: &Origin, asked: &Asked, fields: &Fields) -> Judged {
    let guard = platform.world.load().guards.get(&asked.place.site_id).cloned();
    let Some(guard) = guard else { return Judged::Person };
    let judged = match fields.get(CAPTCHA_FIELD) {
        None => return Judged::Robot,
        Some(HOST_NOT_ALLOWED) => {
            Judged::Unknown { reason: "the captcha's cabinet does not name this host".to_owned() }
        }
        Some(token) => guard.0.judge(token, &origin.ip.to_string()).await,
    };
    if let Judged::Unknown { reason } = &judged {
        tracing::warn!(reason, site = asked.place.slug, "a captcha could not be checked");
    }
    judged
}

const TOKEN: &str = "Не удалось подтвердить отправку. Попробуйте ещё раз.";
const CAPTCHA: &str = "Не удалось подтвердить, что вы человек. Обновите страницу и попробуйте снова.";
const FAILED: &str = "Не получилось отправить заявку. Позвоните нам или попробуйте позже.";
const SENT: &str = "Заявка успешно отправлена";

/// A robot reads success.
fn trapped(origin: &Origin) -> Response {
    let body = json!({
        "success": true, "message": SENT, "channels": [], "request_id": origin.request_id,
    });
    Json(body).into_response()
}

fn sent(accepted: &Accepted, channels: Value, test: bool) -> Response {
    let mut body = json!({
        "success": true, "message": SENT, "channels": channels, "request_id": accepted.lead.id,
    });
    if let Some(map) = body.as_object_mut().filter(|_| test) {
        map.insert("test".to_owned(), true.into());
    }
    Json(body).into_response()
}

fn refused(
    status: StatusCode,
    code: &str,
    message: &str,
    origin: &Origin,
    key: &str,
    value: Value,
) -> Response {
    let mut body = serde_json::Map::new();
    body.insert("success".to_owned(), false.into());
    body.insert("code".to_owned(), code.into());
    body.insert("message".to_owned(), message.into());
    if !key.is_empty() {
        body.insert(key.to_owned(), value);
    }
    body.insert("request_id".to_owned(), origin.request_id.clone().into());
    (status, Json(Value::Object(body))).into_response()
}

fn invalid(origin: &Origin, errors: Value) -> Response {
    refused(
        StatusCode::UNPROCESSABLE_ENTITY,
        "VALIDATION_ERROR",
        "Проверьте поля формы",
        origin,
        "errors",
        errors,
    )
}

fn too_many(wait: u32) -> Response {
    let body = json!({
        "success": false, "code": "RATE_LIMIT_EXCEEDED", "message": "Слишком много запросов. Попробуйте позже.",
    });
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait.to_string())], Json(body)).into_response()
}

/// What could not be read at all, in the words of the contract.
pub(super) fn unreadable(refusal: &Refusal, origin: &Origin) -> Response {
    match refusal {
        Refusal::Unreadable(status, why) => refused(*status, "BODY_INVALID", why, origin, "", Value::Null),
        _ => refused(StatusCode::BAD_REQUEST, "BODY_INVALID", FAILED, origin, "", Value::Null),
    }
}

/// `POST /api/widget-rescue`: a contact that was left in a call-back widget, which has sent it already: it is kept as a
/// lead that stays with us, so that nobody is called twice.
pub(crate) async fn widget_rescue(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    if !follows(&asked.site) {
        return site::serve(State(platform), origin, asked, request).await;
    }
    let now = platform.env.now();
    if let Err(wait) = platform.limits.take(origin.ip, now) {
        return Ok(too_many(wait));
    }
    let headers = request.headers().clone();
    let Ok(fields) = reading::read(request).await else {
        return Ok(short(&origin, StatusCode::BAD_REQUEST, "BODY_INVALID"));
    };
    let token = fields.get("form_token").unwrap_or_default();
    if form_token::check(&platform.options.form_secret, token, now).is_err() {
        return Ok(short(&origin, page_expired(), "TOKEN_INVALID"));
    }
    let digits = fields.get("phone").unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    if !(10..=15).contains(&digits) {
        return Ok(short(&origin, StatusCode::UNPROCESSABLE_ENTITY, "PHONE_INVALID"));
    }
    let user_agent = text(&headers, "user-agent").map(|ua| ua.chars().take(300).collect::<String>());
    let registered = match fields.widget_draft(&asked.place, &origin, user_agent) {
        Some(draft) => kept(&platform, &asked, draft).await,
        None => false,
    };
    let body = json!({ "success": true, "registered": registered, "request_id": origin.request_id });
    Ok(Json(body).into_response())
}

/// Keeps a lead that goes nowhere; says whether it is there.
async fn kept(platform: &Platform, asked: &Asked, draft: LeadDraft) -> bool {
    let (client_id, trace_id) = (asked.place.client_id, platform.env.new_id());
    let stored: Result<Accepted, AcceptError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { ismart_leads::accept(tx, client_id, &[], draft, trace_id).await })
        })
        .await;
    stored
        .inspect_err(|error| tracing::error!(error = %error, "a contact of a widget could not be kept"))
        .is_ok()
}

fn short(origin: &Origin, status: StatusCode, code: &str) -> Response {
    let body = json!({ "success": false, "code": code, "request_id": origin.request_id });
    (status, Json(body)).into_response()
}

/// `/_f`: the beacon of a form's steps; that it came is all there is to it.
pub(crate) async fn beacon(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    if follows(&asked.site) && matches!(request.method().as_str(), "GET" | "HEAD" | "POST") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    site::serve(State(platform), origin, asked, request).await
}

/// Other methods at the addresses of forms: pages of a legacy site, otherwise refused.
pub(crate) async fn elsewhere(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    if follows(&asked.site) {
        return site::serve(State(platform), origin, asked, request).await;
    }
    let detail = format!("{} is not possible at this address.", request.method());
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail))
}

#[cfg(test)]
mod tests;
