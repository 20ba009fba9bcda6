//! Who asks: a signed-in person with the right that the page needs, looking at one client.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use ismart_domain::user::Right;
use ismart_store::sha256_hex;
use ismart_store::users::{self, Session};

use super::csrf;
use super::fault::{Fault, page_of};
use super::fields::Fields;
use super::language::Language;
use super::page::{Asked, Look, cookie};
use crate::origin::{Origin, text};
use crate::platform::{ClientProfile, Platform};

/// Cookie of the session.
pub(super) const COOKIE: &str = "ismart_session";

/// A signed-in person at one client.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) session: Session,
    pub(super) client: Arc<ClientProfile>,
    pub(super) look: Look,
    pub(super) origin: Origin,
    /// A script asks for a piece of a page.
    pub(super) by_script: bool,
    /// Path and query of the page.
    pub(super) here: String,
}

impl Seat {
    /// Whether his role has the right.
    pub(super) fn may(&self, right: Right) -> bool {
        self.session.user.role.may(right)
    }
}

/// Names the right that a page needs; part of each handler's signature, so that none is forgotten.
pub(super) trait Needs: Send + Sync + 'static {
    const RIGHT: Right;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident = $right:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(super) enum $name {}
        impl Needs for $name {
            const RIGHT: Right = Right::$right;
        }
    )*};
}

needs! {
    /// See figures.
    Figures = SeeFigures;
    /// See conversations and leads.
    People = SeePeople;
    /// Take over, answer, give back.
    Answering = Answer;
    /// Send a delivery again.
    Replaying = Replay;
    /// Pause and resume a worker.
    Steering = SteerWorker;
    /// Change drafts of sites.
    Editing = EditSite;
    /// Publish drafts.
    Publishing = PublishSite;
    /// Give parts of a site to editors.
    Appointing = AppointEditors;
    /// Take in, describe and remove pictures.
    Picturing = EditSite;
    /// Make and revoke keys of the API.
    Keys = ManageTokens;
    /// Bring leads in from files.
    Importing = ImportLeads;
    /// Set up destinations, with their secrets.
    Joining = ManageTokens;
    /// Move between clients.
    Everywhere = AllClients;
}

/// A seat with the right `N`.
#[derive(Debug, Clone)]
pub(super) struct Seated<N>(pub(super) Seat, pub(super) PhantomData<N>);

impl<N: Needs> FromRequestParts<Arc<Platform>> for Seated<N> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Fault> {
        let seat = seat(parts, platform).await?;
        if seat.may(N::RIGHT) { Ok(Self(seat, PhantomData)) } else { Err(Fault::Forbidden) }
    }
}

/// A form sent from a page of ours by someone with the right `N`.
#[derive(Debug)]
pub(super) struct Posted<N> {
    pub(super) seat: Seat,
    pub(super) fields: Fields,
    right: PhantomData<N>,
}

impl<N: Needs> FromRequest<Arc<Platform>> for Posted<N> {
    type Rejection = Fault;

    async fn from_request(request: Request, platform: &Arc<Platform>) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let Seated(seat, right) = Seated::<N>::from_request_parts(&mut parts, platform).await?;
        let headers = parts.headers.clone();
        if !csrf::from_our_page(&headers, &seat.origin.host) {
            return Err(Fault::NotOurs);
        }
        let fields = Fields::read(Request::from_parts(parts, body)).await?;
        let given = text(&headers, csrf::HEADER).or(fields.get(csrf::FIELD)).unwrap_or("");
        if csrf::same(given, seat.session.csrf.reveal()) {
            Ok(Self { seat, fields, right })
        } else {
            Err(Fault::NotOurs)
        }
    }
}

impl Fields {
    /// Reads the fields of a form.
    pub(super) async fn read(request: Request) -> Result<Self, Fault> {
        let form: Result<Form<Vec<(String, String)>>, FormRejection> = Form::from_request(request, &()).await;
        match form {
            Ok(Form(pairs)) => Ok(Self::new(pairs)),
            Err(rejection) => {
                tracing::debug!(reason = %rejection.body_text(), "a form of the console was unreadable");
                Err(Fault::Invalid("fault.invalid.form"))
            }
        }
    }
}

async fn seat(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Seat, Fault> {
    let Asked { origin, mut look } = Asked::from_request_parts(parts, platform).await?;
    let headers = &parts.headers;
    let here = address(&parts.uri);
    let by_script = headers.contains_key("hx-request");
    let back = || {
        let page = (by_script || parts.method != axum::http::Method::GET).then(|| page_of(headers)).flatten();
        Fault::SignIn(page.unwrap_or(&here).to_owned())
    };
    let session = session(headers, platform).await?.ok_or_else(back)?;
    if let Some(language) = Language::from_code(&session.user.language) {
        look.language = language;
    }
    let client = client(&session, platform).ok_or(Fault::Forbidden)?;
    Ok(Seat { session, client, look, origin, by_script, here })
}

/// The address as the browser knows it: handlers see it without the part that the router is nested at.
fn address(uri: &Uri) -> String {
    let path = uri.path().strip_suffix('/').unwrap_or(uri.path());
    match uri.query() {
        Some(query) => format!("/console{path}?{query}"),
        None => format!("/console{path}"),
    }
}

/// The session of the request's cookie, unless it has ended.
pub(super) async fn session(headers: &HeaderMap, platform: &Platform) -> Result<Option<Session>, Fault> {
    let Some(token) = cookie(headers, COOKIE).filter(|token| token.len() == 64) else { return Ok(None) };
    Ok(users::session(&mut platform.store.read().await?, &sha256_hex(token)).await?)
}

/// The client that a session looks at: its user's own, or the one that the agency's user chose.
fn client(session: &Session, platform: &Platform) -> Option<Arc<ClientProfile>> {
    match session.user.client_id {
        Some(own) => platform.client(own),
        None if session.user.role.may(Right::AllClients) => session
            .client_id
            .and_then(|id| platform.client(id))
            .or_else(|| platform.clients().first().cloned()),
        None => None,
    }
}
