//! The console through HTTP, over a store of its own.

mod access;
mod deliveries;
mod ledger;
mod orders;
mod pages;
mod seed;
mod site;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use tower::ServiceExt;

pub(crate) use self::seed::House;
use self::seed::PASSWORD;

/// The host on which the console answers in tests.
const HOST: &str = "console.test";

/// An answer, read whole.
struct Got {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// The value of a cookie that was set.
    fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
    }

    /// The token that the page's forms carry.
    fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("the page has a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A browser.
struct Browser {
    app: Router,
    cookies: Vec<(String, String)>,
    extra: Vec<(&'static str, String)>,
}

impl Browser {
    fn new(house: &House) -> Self {
        let platform = Arc::clone(&house.platform);
        let app = Router::new()
            .nest("/console/live", super::live_router())
            .nest("/console", super::router())
            .merge(super::api_docs_router())
            .layer(from_fn_with_state(platform.clone(), crate::origin::identify))
            .with_state(platform);
        Self { app, cookies: Vec::new(), extra: Vec::new() }
    }

    /// A browser in which this person has signed in.
    async fn of(house: &House, login: &str) -> Self {
        let mut browser = Self::new(house);
        let got = browser.sign_in(login, PASSWORD).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.body);
        browser
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Got {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header(header::COOKIE, cookies.join("; "));
        if !self.extra.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, HOST);
        }
        for (name, value) in &self.extra {
            request = request.header(*name, value);
        }
        let response = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 8 * 1024 * 1024).await.unwrap();
        let got = Got {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        for line in got.headers.get_all(header::SET_COOKIE) {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(found, _)| found != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        got
    }

    async fn get(&mut self, path: &str) -> Got {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Got {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", super::local::encoded(value))).collect();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body.join("&"))).await
    }

    async fn sign_in(&mut self, login: &str, password: &str) -> Got {
        let csrf = self.get("/console/sign-in").await.csrf();
        self.post("/console/sign-in", &[("csrf", &csrf), ("login", login), ("password", password)]).await
    }
}
