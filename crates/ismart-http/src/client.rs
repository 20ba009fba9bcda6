//! The client.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use crate::address::{AddressPolicy, Guarded};
use crate::exchange::{self, Exchange};
use crate::failure::{Failure, NotSent, classify};
use crate::response::Response;
use crate::roots;

/// How the client behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long name, connection and encryption may take together.
    pub connect_timeout: Duration,
    /// How long a request may take from its first step to the last byte of the answer.
    pub total_timeout: Duration,
    /// What the client calls itself.
    pub user_agent: String,
    /// Which addresses may be reached.
    pub allow: AddressPolicy,
    /// The longest permitted answer, in bytes.
    pub body_limit: usize,
}

impl Default for Settings {
    /// 5 s to connect, 30 s in all, public addresses, 2 MiB.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            user_agent: concat!("iSmart/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow: AddressPolicy::PublicOnly,
            body_limit: 2 * 1024 * 1024,
        }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("the HTTP client cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// A setting is wrong.
    #[error("the HTTP client cannot be built; check the user agent `{user_agent}`: {source}")]
    Build {
        /// The name that was to be used.
        user_agent: String,
        /// The library's error.
        source: reqwest::Error,
    },
}

/// The one way out. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    settings: Settings,
    trusts_somebody: bool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.0.settings).finish()
    }
}

impl Client {
    /// Makes a client. Proxies named in the environment are not used, redirects are not followed.
    ///
    /// # Errors
    /// [`ClientError`] when TLS or the user agent cannot be set up. Missing root certificates are no error
    /// here: requests over `https` then fail with [`NotSent::NoCertificates`].
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let trust = roots::system()?;
        let policy = Arc::new(settings.allow.clone());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(trust.config)
            .dns_resolver(Guarded(policy))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.total_timeout)
            .user_agent(&settings.user_agent)
            .build()
            .map_err(|source| ClientError::Build { user_agent: settings.user_agent.clone(), source })?;
        Ok(Self(Arc::new(Inner { http, settings, trusts_somebody: trust.roots > 0 })))
    }

    /// How the client behaves: for what goes out by another protocol under the same rules.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Begins a GET request.
    pub fn get(&self, url: &str) -> Request {
        self.request(Method::GET, url)
    }

    /// Begins a POST request.
    pub fn post(&self, url: &str) -> Request {
        self.request(Method::POST, url)
    }

    fn request(&self, method: Method, url: &str) -> Request {
        let url = Url::parse(url).map_err(|error| NotSent::Invalid(format!("the address is wrong: {error}")));
        let inner = url.map(|url| reqwest::Request::new(method.clone(), url));
        Request {
            client: self.clone(),
            method,
            inner,
            secret_path: false,
            body_limit: self.0.settings.body_limit,
        }
    }

    /// What must hold before anything is sent: a scheme that is spoken, a permitted literal address (names
    /// are checked once they are resolved), and somebody to trust.
    fn admit(&self, url: &Url) -> Result<(), NotSent> {
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "http" => {}
            "https" if self.0.trusts_somebody => {}
            "https" => return Err(NotSent::NoCertificates),
            other => return Err(NotSent::Invalid(format!("the scheme `{other}` is not spoken"))),
        }
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.0.settings.allow.permits(address) => Err(NotSent::AddressRefused(address)),
            _ => Ok(()),
        }
    }
}

/// A request under construction. What is wrong with it is told by [`Request::send`].
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: Client,
    method: Method,
    inner: Result<reqwest::Request, NotSent>,
    secret_path: bool,
    body_limit: usize,
}

impl std::fmt::Debug for Request {
    /// Method and host only: path, headers and body may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.inner.as_ref().map(|request| authority(request.url()));
        f.debug_struct("Request").field("method", &self.method).field("host", &host).finish_non_exhaustive()
    }
}

impl Request {
    /// Keeps path and query out of traces: they hold a secret.
    pub fn secret_path(mut self) -> Self {
        self.secret_path = true;
        self
    }

    /// Sets a header. Its value never appears in traces.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.inner = self.inner.and_then(|mut request| {
            let (Ok(key), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
                return Err(NotSent::Invalid(format!("the header `{name}` is wrong")));
            };
            value.set_sensitive(true);
            request.headers_mut().insert(key, value);
            Ok(request)
        });
        self
    }

    /// Sets the body.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        if let Ok(request) = &mut self.inner {
            *request.body_mut() = Some(reqwest::Body::from(body.into()));
        }
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Sets a JSON body.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => {
                self.inner = self.inner.and(Err(NotSent::Invalid(format!("the body is no JSON: {error}"))));
                self
            }
        }
    }

    /// Gives this request another deadline than the client's.
    pub fn timeout(mut self, total: Duration) -> Self {
        if let Ok(request) = &mut self.inner {
            *request.timeout_mut() = Some(total);
        }
        self
    }

    /// Gives the answer to this request another limit, in bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sends the request once and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`Failure`], which says whether the request can have been carried out.
    pub async fn send(self) -> Result<Response, Failure> {
        let Self { client, method, inner, secret_path, body_limit } = self;
        let request = match inner {
            Ok(request) => request,
            Err(reason) => return Err(Failure::NotSent { host: "no host".to_owned(), reason }),
        };
        let url = request.url();
        let host = authority(url);
        let span = tracing::info_span!(
            "http.request",
            http.method = %method,
            http.host = %host,
            http.path = field::Empty,
            http.status = field::Empty,
            duration_ms = field::Empty,
        );
        if !secret_path {
            span.record("http.path", url.path());
        }
        if let Err(reason) = client.admit(url) {
            let failure = Failure::NotSent { host, reason };
            span.in_scope(|| tracing::debug!(error = %failure, "refused before sending"));
            return Err(failure);
        }
        let sent = exchange::watching().then(|| Sent::of(&request, &host, secret_path));
        let begun = Instant::now();
        let outcome = exchange(&client, request, &host, body_limit).instrument(span).await;
        if let Some(sent) = sent {
            exchange::note(|| sent.answered(&outcome, begun));
        }
        outcome
    }
}

/// What is noted of a request before it leaves.
struct Sent {
    method: String,
    address: String,
    request: String,
}

impl Sent {
    fn of(request: &reqwest::Request, host: &str, secret_path: bool) -> Self {
        let url = request.url();
        let address = if secret_path {
            format!("{}://{host}/***", url.scheme())
        } else {
            format!("{}://{host}{}", url.scheme(), url.path())
        };
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        Self { method: request.method().to_string(), address, request: exchange::beginning(body) }
    }

    fn answered(self, outcome: &Result<Response, Failure>, begun: Instant) -> Exchange {
        let (status, answer) = match outcome {
            Ok(response) => (Some(response.status), exchange::beginning(&response.body)),
            Err(failure) => (None, failure.to_string()),
        };
        Exchange {
            method: self.method,
            address: self.address,
            request: self.request,
            status,
            answer,
            millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Host and, where it is not the usual one, port.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn exchange(
    client: &Client,
    request: reqwest::Request,
    host: &str,
    limit: usize,
) -> Result<Response, Failure> {
    let begun = Instant::now();
    let outcome = match client.0.http.execute(request).await {
        Ok(answer) => read(answer, host, limit).await,
        Err(error) => Err(classify(&error, host)),
    };
    let span = Span::current();
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.record("duration_ms", millis);
    match &outcome {
        Ok(response) => {
            span.record("http.status", response.status);
            tracing::debug!(http.status = response.status, duration_ms = millis, "answered");
        }
        Err(failure) => tracing::debug!(error = %failure, duration_ms = millis, "failed"),
    }
    outcome
}

async fn read(mut answer: reqwest::Response, host: &str, limit: usize) -> Result<Response, Failure> {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error, host))? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(Failure::TooLarge { host: host.to_owned(), status, limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body: body.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine without a certificate store says what to install instead of distrusting everybody.
    #[tokio::test]
    async fn p7_without_root_certificates_only_https_is_closed() {
        let open = Client::new(Settings::default()).unwrap();
        let inner =
            Inner { http: open.0.http.clone(), settings: Settings::default(), trusts_somebody: false };
        let bare = Client(Arc::new(inner));
        let failure = bare.get("https://93.184.216.34/").send().await.unwrap_err();
        assert!(failure.to_string().contains("ca-certificates"), "{failure}");
        assert_eq!(bare.admit(&Url::parse("http://93.184.216.34/").unwrap()), Ok(()));
    }
}
