//! Who asks: the sender's address behind trusted proxies, host, scheme, and an id for the request.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ismart_sites::Snapshot;

use crate::platform::{Place, Platform};
use crate::problem::Problem;

/// What is known about the sender of a request.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// His address.
    pub(crate) ip: IpAddr,
    /// The host asked for, with port if there was one.
    pub(crate) host: String,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// Given back as `X-Request-Id` and written to the log.
    pub(crate) request_id: String,
}

impl Origin {
    /// `scheme://host`.
    pub(crate) fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Finds the origin, opens the request's log span, and names the request in the answer.
pub(crate) async fn identify(
    State(platform): State<Arc<Platform>>,
    mut request: Request,
    next: Next,
) -> Response {
    use tracing::Instrument;
    let origin = origin(&platform, &request);
    let id = origin.request_id.clone();
    let span = tracing::info_span!(
        "request", "request.id" = %id, method = %request.method(), path = request.uri().path(), host = %origin.host
    );
    request.extensions_mut().insert(origin);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn origin(platform: &Platform, request: &Request) -> Origin {
    let headers = request.headers();
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip().to_canonical());
    let trusted = |ip: &IpAddr| platform.options.trusted_proxies.contains(ip);
    let behind_proxy = trusted(&peer);
    let ip = if behind_proxy { forwarded_for(headers, trusted).unwrap_or(peer) } else { peer };
    let https =
        platform.options.https || (behind_proxy && text(headers, "x-forwarded-proto") == Some("https"));
    let host = text(headers, header::HOST.as_str()).or(request.uri().host()).unwrap_or("").to_owned();
    let given = text(headers, REQUEST_ID.as_str()).filter(|id| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    Origin {
        ip,
        host,
        scheme: if https { "https" } else { "http" },
        request_id: given.map_or_else(|| platform.env.token(), str::to_owned),
    }
}

/// The last address in the chain that is not one of our own proxies: what lies further left was written by
/// strangers.
fn forwarded_for(headers: &HeaderMap, trusted: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
    let chain: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    chain.into_iter().rev().find(|ip| !trusted(ip))
}

/// A header's text, if it is there and readable.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

impl FromRequestParts<Arc<Platform>> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Platform>) -> Result<Self, Problem> {
        let missing =
            || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "origin", "The request was not identified.");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// The site that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) site: Arc<Snapshot>,
    pub(crate) place: Arc<Place>,
}

/// Why no site answers.
#[derive(Debug)]
pub(crate) enum Nowhere {
    /// The host belongs to no site.
    Unknown(String),
    /// The site of this key could not be loaded.
    Down(String),
}

impl IntoResponse for Nowhere {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown(host) => {
                let host: String = host.chars().take(100).collect();
                let detail = format!(
                    "No site is served at the host `{host}`. Check the address, or add the host to a site's config/site.toml."
                );
                Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", detail).into_response()
            }
            Self::Down(site) => {
                let detail = format!(
                    "The site `{site}` cannot be shown at the moment. Please come back in a few minutes."
                );
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "site_down", detail);
                ([(header::RETRY_AFTER, "120")], problem).into_response()
            }
        }
    }
}

impl FromRequestParts<Arc<Platform>> for Asked {
    type Rejection = Nowhere;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Nowhere> {
        // The pilot kit has found the site by its key.
        if let Some(found) = parts.extensions.get::<Self>() {
            return Ok(found.clone());
        }
        let host = parts.extensions.get::<Origin>().map(|o| o.host.clone()).unwrap_or_default();
        let found = platform.site(&host).map(|(site, place)| Self { site, place });
        found.ok_or_else(|| platform.down(&host).map_or(Nowhere::Unknown(host), Nowhere::Down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_write_their_own_address() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 203.0.113.9, 10.0.0.1"));
        let found = forwarded_for(&headers, |ip| *ip == proxy);
        assert_eq!(found, Some("203.0.113.9".parse().unwrap()));
    }
}
