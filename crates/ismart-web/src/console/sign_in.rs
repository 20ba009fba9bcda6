//! Signing in and out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::user::User;
use ismart_domain::{EventBody, Secret};
use ismart_store::events::{self, Scope};
use ismart_store::users::{self, Session};
use ismart_store::{Store, StoreError, Tx, sha256_hex};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::fields::Fields;
use super::language::Language;
use super::page::{Asked, LANGUAGE, Look, cookie};
use super::preferences::{remembered, set_cookie};
use super::seat::{COOKIE, Figures, Posted};
use super::{Room, accounts, csrf, local, seat, view};
use crate::platform::Platform;

/// How long one is signed in, hours.
const HOURS: i64 = 12;
/// Cookie of the page of signing in: its form must carry the same value.
const DOOR: &str = "ismart_door";

/// What the address of the page says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    next: String,
    #[serde(default)]
    lang: String,
}

#[derive(Serialize)]
struct SignInPage {
    look: Look,
    next: String,
    csrf: String,
    login: String,
    error: Option<String>,
    demo: bool,
    shortest: usize,
}

/// `GET /console/sign-in`.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    mut asked: Asked,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let next = local::safe(&wish.next);
    if seat::session(&headers, &platform).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let chosen = Language::from_code(&wish.lang);
    if let Some(language) = chosen {
        asked.look.language = language;
    }
    let mut response = form(&platform, asked.look, &headers, next, "", None, StatusCode::OK)?;
    let line = chosen.and_then(|l| remembered(LANGUAGE, l.code(), platform.options.https));
    set_cookie(&mut response, line);
    Ok(response)
}

fn form(
    platform: &Platform,
    look: Look,
    headers: &HeaderMap,
    next: &str,
    login: &str,
    error: Option<String>,
    status: StatusCode,
) -> Result<Response, Fault> {
    let known =
        cookie(headers, DOOR).filter(|door| door.len() == 32 && door.bytes().all(|b| b.is_ascii_hexdigit()));
    let door = known.map_or_else(|| platform.env.token(), str::to_owned);
    let page = SignInPage {
        look,
        next: next.to_owned(),
        csrf: door.clone(),
        login: login.chars().take(100).collect(),
        error,
        demo: platform.options.demo,
        shortest: accounts::SHORTEST,
    };
    let mut response = (status, Html(view::render("sign_in.twig", look.language, &page)?)).into_response();
    let secure = if platform.options.https { "; Secure" } else { "" };
    let line = format!("{DOOR}={door}; Path=/console; HttpOnly; SameSite=Strict{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    Ok(response)
}

/// `POST /console/sign-in`.
pub(super) async fn enter(
    State(platform): State<Arc<Platform>>,
    Extension(room): Extension<Arc<Room>>,
    asked: Asked,
    request: Request,
) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    let ours = csrf::from_our_page(&headers, &asked.origin.host);
    let fields = Fields::read(request).await?;
    let texts = asked.look.language.texts();
    let next = local::safe(fields.get("next").unwrap_or(""));
    let login = accounts::folded(fields.get("login").unwrap_or(""));
    let again = |status, error| form(&platform, asked.look, &headers, next, &login, Some(error), status);
    let door = cookie(&headers, DOOR).unwrap_or("");
    if !ours || !csrf::same(fields.get(csrf::FIELD).unwrap_or(""), door) {
        return again(StatusCode::FORBIDDEN, texts.get("sign_in.stale").to_owned());
    }
    let now = platform.env.now();
    if let Err(seconds) = room.throttle.take(&login, asked.origin.ip, now) {
        let wait = texts.count("sign_in.wait", seconds);
        let mut response = again(StatusCode::TOO_MANY_REQUESTS, wait)?;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(response);
    }
    let password: String = fields.get("password").unwrap_or("").chars().take(accounts::LONGEST + 1).collect();
    match right(&platform.store, &login, Secret::new(password)).await? {
        Some(user) => {
            room.throttle.forget(&login, asked.origin.ip);
            let token = open(&platform, user, asked.origin.ip).await?;
            let secure = if platform.options.https { "; Secure" } else { "" };
            let seconds = HOURS * 3600;
            let line =
                format!("{COOKIE}={token}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
            let mut response = Redirect::to(next).into_response();
            let line = HeaderValue::from_str(&line).or(Err(Fault::Broken))?;
            response.headers_mut().append(header::SET_COOKIE, line);
            Ok(response)
        }
        None => again(StatusCode::UNPROCESSABLE_ENTITY, texts.get("sign_in.wrong").to_owned()),
    }
}

/// The user, if login and password are right.
async fn right(store: &Store, login: &str, password: Secret) -> Result<Option<User>, Fault> {
    let found = users::by_login(&mut store.read().await?, login).await?;
    let (user, hash) = found.unzip();
    Ok(if accounts::matches(hash, password).await { user } else { None })
}

/// Opens a session and gives its token.
async fn open(platform: &Platform, user: User, ip: IpAddr) -> Result<String, Fault> {
    let env = &platform.env;
    let token = hex::encode(env.random::<32>());
    let digest = sha256_hex(&token);
    let expires_at = env.now().checked_add(SignedDuration::from_hours(HOURS)).or(Err(Fault::Broken))?;
    let session = Session {
        id: env.new_id(),
        csrf: Secret::new(hex::encode(env.random::<32>())),
        client_id: user.client_id,
        expires_at,
        user,
    };
    let trace_id = env.new_id();
    // An event belongs to a client; the agency's people begin at the first one.
    let concerned = session.user.client_id.or_else(|| platform.clients().first().map(|client| client.id));
    tracing::info!(user.id = %session.user.id, ip = %ip, "signed in");
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                users::open_session(tx, &session, &digest).await?;
                let user_id = session.user.id;
                if let Some(client_id) = concerned {
                    let scope = Scope { client_id, site_id: None, trace_id };
                    events::append(tx, scope, EventBody::UserSignedIn { user_id }).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(token)
}

/// `POST /console/sign-out`.
pub(super) async fn leave(
    State(platform): State<Arc<Platform>>,
    Posted { seat, .. }: Posted<Figures>,
) -> Result<Response, Fault> {
    let id = seat.session.id;
    platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { users::close_session(tx, id).await }))
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    let secure = if platform.options.https { "; Secure" } else { "" };
    let gone = format!("{COOKIE}=; Path=/console; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
    let mut response = Redirect::to("/console/sign-in").into_response();
    if let Ok(line) = HeaderValue::from_str(&gone) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}
