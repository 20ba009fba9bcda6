//! Whose certificates are trusted: the operating system's store.
//!
//! One store that the machine's owner controls serves public services, a client's own authority and the
//! Russian national one alike (`SSL_CERT_FILE` and `SSL_CERT_DIR` add to it). A copy compiled into the
//! binary would grow stale with it.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The TLS settings, and how many root certificates they trust.
pub(crate) struct Trust {
    pub(crate) config: ClientConfig,
    pub(crate) roots: usize,
}

/// Reads the system's store. Unreadable entries are skipped: stores of real machines have them.
pub(crate) fn system() -> Result<Trust, rustls::Error> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(error = %error, "a place of root certificates cannot be read");
    }
    let mut store = RootCertStore::empty();
    let (roots, skipped) = store.add_parsable_certificates(found.certs);
    if roots == 0 {
        tracing::warn!(skipped, "no root certificates found: https addresses cannot be reached");
    }
    // The provider is given here, not installed for the process: another library may bring its own.
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Trust { config, roots })
}
