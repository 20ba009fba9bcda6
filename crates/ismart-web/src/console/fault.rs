//! What goes wrong, as a page of the console or, for scripts, as a piece of one. Nothing of the inside is told.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_store::StoreError;
use ismart_workers::desk::DeskError;
use serde::Serialize;

use super::local;
use super::page::Look;
use super::view;
use crate::origin::text;
use crate::problem::Problem;

/// Why a page was not shown or a change not made.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Nobody is signed in; the page asked for, to come back to.
    SignIn(String),
    /// The role has not the right.
    Forbidden,
    /// The request was not made by a page of ours, or by one of an ended session.
    NotOurs,
    /// There is no such thing, or it is another client's.
    Missing,
    /// The form cannot be taken as it is: key of the text that says why.
    Invalid(&'static str),
    /// The conversation is led by someone else, or by nobody.
    Led(&'static str),
    /// The database refused.
    Store,
    /// A page could not be made.
    Broken,
    /// An answer of the HTTP edge itself.
    Edge(Problem),
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::NotOurs => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Led(_) => StatusCode::CONFLICT,
            Self::Store => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Edge(problem) => problem.status(),
        }
    }

    /// Keys of the heading and of the sentence that says what to do.
    fn keys(&self) -> (&'static str, &'static str) {
        match self {
            Self::SignIn(_) => ("fault.sign_in.title", "fault.sign_in.text"),
            Self::Forbidden => ("fault.forbidden.title", "fault.forbidden.text"),
            Self::NotOurs => ("fault.not_ours.title", "fault.not_ours.text"),
            Self::Missing => ("fault.missing.title", "fault.missing.text"),
            Self::Invalid(text) => ("fault.invalid.title", text),
            Self::Led(text) => ("fault.led.title", text),
            Self::Store => ("fault.store.title", "fault.store.text"),
            Self::Broken | Self::Edge(_) => ("fault.broken.title", "fault.broken.text"),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, "the store failed under the console");
        Self::Store
    }
}

impl From<view::ViewError> for Fault {
    fn from(error: view::ViewError) -> Self {
        tracing::error!(error = %error, "a page of the console could not be made");
        Self::Broken
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Edge(problem)
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Missing => Self::Missing,
            DeskError::LedByAnother => Self::Led("fault.led.by_another"),
            DeskError::NotTaken => Self::Led("fault.led.not_taken"),
            DeskError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Fault {
    /// A bare answer that carries the fault; [`dress`] makes a page of it.
    fn into_response(self) -> Response {
        if let Self::Edge(problem) = self {
            return problem.into_response();
        }
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// There is no such page.
pub(super) async fn nowhere(_asked: super::page::Asked) -> Fault {
    Fault::Missing
}

#[derive(Serialize)]
struct FaultPage {
    look: Look,
    status: u16,
    title: &'static str,
    text: &'static str,
    request_id: String,
}

/// Makes pages of faults, in the look that the browser chose.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let look = Look::of(request.headers());
    let by_script = request.headers().contains_key("hx-request");
    let request_id = request.extensions().get::<crate::origin::Origin>().map(|o| o.request_id.clone());
    let response = next.run(request).await;
    let Some(fault) = response.extensions().get::<Fault>().cloned() else { return response };
    if let Fault::SignIn(page) = &fault {
        return to_sign_in(page, by_script);
    }
    let (title, text) = fault.keys();
    let texts = look.language.texts();
    let page = FaultPage {
        status: fault.status().as_u16(),
        title: texts.get(title),
        text: texts.get(text),
        request_id: request_id.unwrap_or_default(),
        look,
    };
    let template = if by_script { "part/fault.twig" } else { "fault.twig" };
    match view::render(template, look.language, &page) {
        Ok(html) => {
            let mut headers = HeaderMap::new();
            if matches!(fault, Fault::Store) {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            }
            (fault.status(), headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(error = %error, "the page of a fault could not be made");
            fault.status().into_response()
        }
    }
}

fn to_sign_in(page: &str, by_script: bool) -> Response {
    let page = local::safe(page);
    let place = if page == "/console" {
        "/console/sign-in".to_owned()
    } else {
        format!("/console/sign-in?next={}", local::encoded(page))
    };
    if !by_script {
        return Redirect::to(&place).into_response();
    }
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    if let Ok(value) = HeaderValue::from_str(&place) {
        response.headers_mut().insert("hx-redirect", value);
    }
    response
}

/// The page that a script stood on, as far as it says so and it is ours.
pub(super) fn page_of(headers: &HeaderMap) -> Option<&str> {
    let url = text(headers, "hx-current-url").or_else(|| text(headers, "referer"))?;
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}
