//! Servers, visitors and load for tests and measurements.
//!
//! [`Server`] runs the real program on a free port; [`Visitor`] talks to it as the chat widget does; [`Spread`]
//! sums up how long things took. The program `load` puts them together.

mod chat;
mod folder;
mod server;
mod spread;
mod sse;

pub use chat::{ChatError, Follower, Heard, Visitor};
pub use folder::{FolderError, data_folder};
pub use server::{Server, StartError};
pub use spread::Spread;

/// A client for HTTP without TLS, redirects and proxies, with connections of its own.
///
/// # Errors
/// When the client cannot be set up.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    // The client wants a provider of cryptography even where nothing is encrypted. Whoever comes second finds one.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _second = rustls::crypto::ring::default_provider().install_default().is_err();
    }
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}
