//! HTTPS and HTTP/2 without a proxy in front: `[http.tls]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::TlsSection;
use crate::output::Failed;

/// A browser that does not finish its greeting is let go after this.
const GREETING: Duration = Duration::from_secs(10);

/// Greetings at work and finished connections that wait to be taken.
const WAITING: usize = 256;

/// Certificate and key, read again when their files change.
#[derive(Debug)]
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    read: ArcSwap<Option<SystemTime>>,
}

impl Certificate {
    /// Reads both files; paths are relative to `base`.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn read(section: &TlsSection, base: &Path) -> Result<Arc<Self>, Failed> {
        let (certificate, key) = (base.join(&section.certificate), base.join(&section.key));
        let current = ArcSwap::new(Arc::new(read(&certificate, &key)?));
        let read = ArcSwap::from_pointee(changed(&certificate));
        Ok(Arc::new(Self { certificate, key, current, read }))
    }

    /// Takes up a renewed certificate; a broken one is told about and the old one stays.
    pub(crate) fn renew(&self) {
        let now = changed(&self.certificate);
        if **self.read.load() == now {
            return;
        }
        self.read.store(Arc::new(now));
        match read(&self.certificate, &self.key) {
            Ok(key) => {
                self.current.store(Arc::new(key));
                tracing::info!(file = %self.certificate.display(), "the renewed certificate is in use");
            }
            Err(Failed(troubles)) => {
                for trouble in troubles {
                    tracing::error!(
                        place = trouble.place,
                        reason = trouble.reason,
                        "the old certificate stays"
                    );
                }
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|meta| meta.modified()).ok()
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, Failed> {
    let wrong = |file: &Path, reason: String| {
        let repair = "give PEM files: the certificate with its chain, and the private key that belongs to it";
        Failed::one(file.display().to_string(), reason, repair)
    };
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| wrong(certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, private, &provider).map_err(|error| wrong(certificate, error.to_string()))
}

/// Connections whose greeting is done.
#[derive(Debug)]
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    /// Greets on `listener`, each connection on its own, so that a slow one keeps nobody waiting.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub(crate) fn start(listener: TcpListener, certificate: Arc<Certificate>) -> Result<Self, Failed> {
        let wrong = |reason: String| Failed::one("[http.tls]", reason, "check the certificate");
        let address = listener.local_addr().map_err(|error| wrong(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (give, ready) = mpsc::channel(WAITING);
        let mut listener = listener;
        tokio::spawn(async move {
            while !give.is_closed() {
                let (stream, peer) = Listener::accept(&mut listener).await;
                let (acceptor, give) = (acceptor.clone(), give.clone());
                tokio::spawn(async move {
                    match tokio::time::timeout(GREETING, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => {
                            let _stopping = give.send((stream, peer)).await.is_err();
                        }
                        Ok(Err(error)) => tracing::debug!(error = %error, %peer, "a greeting failed"),
                        Err(_late) => tracing::debug!(%peer, "a greeting took too long"),
                    }
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// The address of the other side of an encrypted connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}
