//! A mail server as a program that sends mail meets it: `EHLO`, `STARTTLS`, `AUTH`, greylisting, refusals at every step,
//! connections that end before or after the message was taken.
//!
//! What arrived is kept by `Message-ID`: [`Smtp::letters`] shows each letter once, with how often it came, as a mailbox does
//! that suppresses doubles.

mod letter;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::StartError;
use crate::fault::{Fault, Rule, Rules, Strike};
use crate::rng::Rng;

pub use letter::Letter;

/// How connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// After `STARTTLS`; before it the server takes no password.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// Describes a server before it starts.
pub struct Builder {
    listen: SocketAddr,
    encryption: Encryption,
    tls: Option<TlsAcceptor>,
    keeps: Keeps,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What the server keeps.
struct Keeps {
    user: Option<(String, String)>,
    /// `From` must be the mailbox that signed in.
    owned: bool,
    /// Seconds that a new triple of sender, recipient and address has to wait.
    greylist: Option<i64>,
    seen: BTreeMap<String, i64>,
    unknown: BTreeSet<String>,
    size_limit: usize,
    letters: Vec<Letter>,
    complaints: Vec<String>,
    commands: Vec<String>,
    rules: Rules,
    rng: Rng,
}

struct Core {
    encryption: Encryption,
    tls: Option<TlsAcceptor>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    keeps: Mutex<Keeps>,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, Keeps> {
        self.keeps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a command down, its words left out, and says what strikes it.
    fn strike(&self, operation: &str) -> Strike {
        let keeps = &mut *self.lock();
        keeps.commands.push(operation.to_owned());
        let Keeps { rules, rng, .. } = keeps;
        rules.strike(&[(operation.to_owned(), operation == "message")], || rng.unit())
    }
}

/// A running mail server. Dropping it stops it.
pub struct Smtp {
    core: Arc<Core>,
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Builder {
    /// Takes mail only of this user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.keeps.user = Some((name.to_owned(), password.to_owned()));
        self
    }

    /// Takes mail only from the mailbox that signed in.
    #[must_use]
    pub fn owned(mut self) -> Self {
        self.keeps.owned = true;
        self
    }

    /// Lets a new pair of sender and recipient wait so many seconds.
    #[must_use]
    pub fn greylist(mut self, seconds: i64) -> Self {
        self.keeps.greylist = Some(seconds);
        self
    }

    /// The longest message, bytes. Default 10 MB.
    #[must_use]
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.keeps.size_limit = bytes;
        self
    }

    /// Encrypts with this certificate chain and key, both PEM.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn encrypt(mut self, encryption: Encryption, chain: &str, key: &str) -> Result<Self, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let chain = chain.map_err(|error| format!("the certificate: {error}"))?;
        let key =
            PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| format!("the key: {error}"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| error.to_string())?;
        self.tls = Some(TlsAcceptor::from(Arc::new(config)));
        self.encryption = encryption;
        Ok(self)
    }

    /// Where to listen. Default `127.0.0.1:0`, any free port.
    #[must_use]
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Opens the server.
    ///
    /// # Errors
    /// [`StartError`] when the address is taken.
    pub async fn start(self) -> Result<Smtp, StartError> {
        let wanted = self.listen;
        let failed = |source| StartError::Listen { addr: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let core = Arc::new(Core {
            encryption: self.encryption,
            tls: self.tls,
            clock: self.clock,
            keeps: Mutex::new(self.keeps),
        });
        let task = tokio::spawn(serve(listener, core.clone()));
        Ok(Smtp { core, addr, task })
    }
}

async fn serve(listener: TcpListener, core: Arc<Core>) {
    let mut sessions = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            sessions.spawn(session::run(stream, core.clone()));
        }
        while sessions.try_join_next().is_some() {}
    }
}

impl Smtp {
    /// Begins a server whose time comes from `clock`.
    pub fn builder(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Builder {
        Builder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            encryption: Encryption::None,
            tls: None,
            clock: Box::new(clock),
            keeps: Keeps {
                user: None,
                owned: false,
                greylist: None,
                seen: BTreeMap::new(),
                unknown: BTreeSet::new(),
                size_limit: 10 * 1024 * 1024,
                letters: Vec::new(),
                complaints: Vec::new(),
                commands: Vec::new(),
                rules: Rules::default(),
                rng: Rng::new(0),
            },
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The letters, each `Message-ID` once, in the order of arrival.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.core.lock().letters.clone()
    }

    /// What was odd about the letters; a program that is right causes none.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.core.lock().complaints.clone()
    }

    /// The commands so far, without their words: `ehlo`, `auth`, `mail`, `rcpt`, `data`, `message`.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        self.core.lock().commands.clone()
    }

    /// Asks for another password from now on.
    pub fn change_password(&self, password: &str) {
        if let Some((_, known)) = &mut self.core.lock().user {
            password.clone_into(known);
        }
    }

    /// Does not know this mailbox from now on.
    pub fn forget_mailbox(&self, address: &str) {
        self.core.lock().unknown.insert(address.to_ascii_lowercase());
    }

    /// Knows this mailbox again.
    pub fn know_mailbox(&self, address: &str) {
        self.core.lock().unknown.remove(&address.to_ascii_lowercase());
    }

    /// Misbehaves once at the next step of this name (`connect`, `ehlo`, `auth`, `mail`, `rcpt`, `data`, `message`).
    pub fn once(&self, fault: Fault, step: &str) {
        self.misbehave(Rule::new(fault).method(step).times(1));
    }

    /// Misbehaves by this rule from now on.
    pub fn misbehave(&self, rule: Rule) {
        self.core.lock().rules.add(rule);
    }

    /// Forgets all rules.
    pub fn behave(&self) {
        self.core.lock().rules.clear();
    }

    /// Stops and closes all connections; the port is free afterwards.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // Aborted is what was asked for.
        drop((&mut self.task).await);
    }
}
