//! What a person sets for himself: language, colours, the client that the agency's people look at.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use ismart_domain::{ClientId, MessageId};
use ismart_store::{StoreError, Tx, users};

use super::csrf;
use super::fault::Fault;
use super::fields::Fields;
use super::language::Language;
use super::local;
use super::page::{Asked, LANGUAGE, THEME};
use super::seat::{Everywhere, Figures, Posted};
use crate::platform::Platform;

/// A year, seconds.
const YEAR: u32 = 31_536_000;

/// A cookie of the console that lives for a year and holds nothing secret.
pub(super) fn remembered(name: &str, value: &str, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/console; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&line).ok()
}

/// Adds a cookie to an answer.
pub(super) fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(line) = cookie {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
}

/// `POST /console/language`: stored with the user, and in the browser for the page of signing in.
pub(super) async fn language(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Figures>,
) -> Result<Response, Fault> {
    let language =
        fields.get("language").and_then(Language::from_code).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let id = seat.session.user.id;
    platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { users::set_language(tx, id, language.code()).await }))
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    let mut response = Redirect::to(local::safe(fields.get("next").unwrap_or(""))).into_response();
    let cookie = remembered(LANGUAGE, language.code(), platform.options.https);
    set_cookie(&mut response, cookie);
    Ok(response)
}

/// `POST /console/theme`: changes nothing on the server, so that it works before signing in too.
pub(super) async fn theme(
    State(platform): State<Arc<Platform>>,
    asked: Asked,
    request: Request,
) -> Result<Response, Fault> {
    if !csrf::from_our_page(request.headers(), &asked.origin.host) {
        return Err(Fault::NotOurs);
    }
    let fields = Fields::read(request).await?;
    let theme = match fields.get("theme") {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    };
    let next = fields.get("next").unwrap_or("");
    let next = if next == "/console/sign-in" { next } else { local::safe(next) };
    let mut response = Redirect::to(next).into_response();
    let cookie = remembered(THEME, theme, platform.options.https);
    set_cookie(&mut response, cookie);
    Ok(response)
}

/// `POST /console/client`: the agency's people move to another client.
pub(super) async fn client(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Everywhere>,
) -> Result<Redirect, Fault> {
    let id: ClientId = fields.get("client").and_then(|id| id.parse().ok()).ok_or(Fault::Missing)?;
    platform.client(id).ok_or(Fault::Missing)?;
    let session = seat.session.id;
    platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { users::look_at(tx, session, id).await }))
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    // The page that he stood on may show a thing of the client that he left: its list is shown instead.
    let next = local::safe(fields.get("next").unwrap_or(""));
    let path = next.split('?').next().unwrap_or("/console");
    let list = match path.rsplit_once('/') {
        Some((list, last)) if last.parse::<MessageId>().is_ok() => list,
        _ => path,
    };
    Ok(Redirect::to(list))
}
