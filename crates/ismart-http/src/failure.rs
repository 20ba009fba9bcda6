//! Why there is no answer, told by whether the request can have been carried out.

use std::error::Error;
use std::net::IpAddr;

use crate::address::{AddressRefused, NameUnknown};

/// Why a request brought no answer. No text holds the path, the query or the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing was carried out: the request never left. It may be repeated without a look.
    #[error("{host}: the request was not sent: {reason}")]
    NotSent {
        /// The host.
        host: String,
        /// What was in the way.
        reason: NotSent,
    },
    /// The request, or a part of it, was sent; what became of it is unknown.
    #[error("{host}: the request was sent, but {reason}")]
    Ambiguous {
        /// The host.
        host: String,
        /// How the answer was lost.
        reason: Lost,
    },
    /// An answer came, and was too long to read. The request was carried out.
    #[error("{host}: the answer (status {status}) is longer than the permitted {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The status of the answer.
        status: u16,
        /// The limit in bytes.
        limit: usize,
    },
}

impl Failure {
    /// Whether the other side may have done what it was asked.
    #[must_use]
    pub fn may_have_been_executed(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }
}

/// What kept a request from leaving.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Address, header or body are wrong.
    #[error("it is malformed: {0}")]
    Invalid(String),
    /// The address guard forbids the connection.
    #[error("its address {0} is not public; permit the network in the configuration if that is meant")]
    AddressRefused(IpAddr),
    /// The name has no address.
    #[error("the name was not found ({0}); check its spelling and the network")]
    Name(String),
    /// Nobody listens there, or the way is closed.
    #[error("no connection ({0})")]
    Connect(String),
    /// No connection within the time permitted for it.
    #[error("no connection within the permitted time")]
    ConnectTimeout,
    /// The encrypted connection failed.
    #[error("no secure connection ({0})")]
    Tls(String),
    /// The machine trusts nobody.
    #[error(
        "this machine has no root certificates; install the package ca-certificates or set SSL_CERT_FILE \
         and restart"
    )]
    NoCertificates,
}

/// How an answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The deadline passed.
    #[error("no answer came within the permitted time")]
    Timeout,
    /// The connection ended before an answer.
    #[error("the connection was closed without an answer ({0})")]
    Closed(String),
    /// The connection ended inside the answer.
    #[error("the answer broke off ({0})")]
    Body(String),
}

/// Reads a failure out of the library's error, whose own text would name the whole address.
pub(crate) fn classify(error: &reqwest::Error, host: &str) -> Failure {
    let not_sent = |reason| Failure::NotSent { host: host.to_owned(), reason };
    let lost = |reason| Failure::Ambiguous { host: host.to_owned(), reason };
    if let Some(AddressRefused(address)) = cause(error) {
        return not_sent(NotSent::AddressRefused(*address));
    }
    if let Some(NameUnknown(text)) = cause(error) {
        return not_sent(NotSent::Name(text.clone()));
    }
    if error.is_builder() {
        return not_sent(NotSent::Invalid(deepest(error)));
    }
    if error.is_connect() {
        return not_sent(match cause::<rustls::Error>(error) {
            _ if error.is_timeout() => NotSent::ConnectTimeout,
            Some(tls) => NotSent::Tls(tls.to_string()),
            None => NotSent::Connect(deepest(error)),
        });
    }
    if error.is_timeout() {
        lost(Lost::Timeout)
    } else if error.is_body() || error.is_decode() {
        lost(Lost::Body(deepest(error)))
    } else {
        lost(Lost::Closed(deepest(error)))
    }
}

/// The first cause of this type. An `io::Error` hides what it carries from `source`, so it is opened.
fn cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut at = Some(error);
    while let Some(link) = at {
        if let Some(found) = link.downcast_ref::<E>() {
            return Some(found);
        }
        at = match link.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => link.source(),
        };
    }
    None
}

/// The text of the last cause; it names no address.
fn deepest(error: &reqwest::Error) -> String {
    let mut at: Option<&(dyn Error + 'static)> = error.source();
    let mut text = None;
    while let Some(link) = at {
        text = Some(link.to_string());
        at = link.source();
    }
    text.unwrap_or_else(|| "no detail".to_owned())
}
