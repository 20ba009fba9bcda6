//! A mailbox over IMAP. Nothing in it is changed: letters are read without being marked as read, and where reading stands
//! is the caller's to keep.

use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error;
use async_imap::{Client, Session};
use futures::TryStreamExt as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

/// How long the other side may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

type Line = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How the line is made safe.
#[derive(Debug, Clone)]
pub enum Security {
    /// TLS from the first byte; the certificate must be one for the host.
    Tls(Arc<ClientConfig>),
    /// Not at all.
    None,
}

impl Security {
    /// TLS with the system's certificate authorities, and those of a PEM file.
    ///
    /// # Errors
    /// [`MailboxError::Certificates`] when the file holds none, or there are none at all.
    pub fn tls(further: Option<&[u8]>) -> Result<Self, MailboxError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = further {
            let found: Vec<_> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(MailboxError::Certificates(
                    "the file holds no certificate in PEM form".to_owned(),
                ));
            }
        }
        if roots.is_empty() {
            return Err(MailboxError::Certificates("the system has no certificate authorities".to_owned()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| MailboxError::Certificates(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::Tls(Arc::new(config)))
    }
}

/// Whose mailbox it is.
#[derive(Clone)]
pub struct Account {
    /// Host of the server, as its certificate names it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name for signing in.
    pub user: String,
    /// Password.
    pub password: String,
    /// The folder that is read.
    pub folder: String,
    /// How the line is made safe.
    pub security: Security,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("host", &self.host)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Where reading stands: letters up to `last` have been read, as long as the folder's numbering is `validity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The numbering; another one means that all numbers are new.
    pub validity: u32,
    /// The last number that was read.
    pub last: u32,
}

/// A letter of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its number.
    pub uid: u32,
    /// Its length.
    pub size: u32,
    /// Its bytes; of one over the limit only the head.
    pub bytes: Vec<u8>,
    /// It was too long to be fetched whole.
    pub cut: bool,
}

/// Why a mailbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// There is no way to it.
    #[error(
        "{host}:{port} cannot be reached: {why}; check host and port, and that this machine may connect there"
    )]
    Unreachable {
        /// Host.
        host: String,
        /// Port.
        port: u16,
        /// What the system says.
        why: String,
    },
    /// The line cannot be made safe.
    #[error("{host} cannot be trusted: {why}; name the host as its certificate does, or give `ca_file`")]
    Untrusted {
        /// Host.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// Certificates of this side.
    #[error("certificates cannot be read: {0}")]
    Certificates(String),
    /// Name or password.
    #[error(
        "the server does not let `{user}` in: {said}; check user and password (most providers want one made for programs, and IMAP switched on in the mailbox's settings)"
    )]
    SignIn {
        /// The name.
        user: String,
        /// In the server's words.
        said: String,
    },
    /// The folder.
    #[error("the folder `{folder}` cannot be opened: {said}; check its name")]
    Folder {
        /// Its name.
        folder: String,
        /// In the server's words.
        said: String,
    },
    /// The line broke, or the server said what cannot be understood.
    #[error("the mailbox stopped answering: {0}; it is asked again later, and nothing is lost")]
    Broken(String),
}

/// An open mailbox.
pub struct Mailbox {
    session: Session<Line>,
    validity: u32,
    next: u32,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox")
            .field("validity", &self.validity)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Mailbox {
    /// Signs in and opens the folder for reading only.
    ///
    /// # Errors
    /// [`MailboxError`], which says what to correct.
    pub async fn open(account: &Account) -> Result<Self, MailboxError> {
        let line = line(account).await?;
        let mut client = Client::new(line);
        let greeting = within(async { client.read_response().await.map_err(Error::from) }).await?;
        if greeting.is_none() {
            return Err(MailboxError::Broken("it hung up without a greeting".to_owned()));
        }
        let signing = async {
            let signed = client.login(&account.user, &account.password).await;
            signed.map_err(|(error, _)| error)
        };
        let mut session = match tokio::time::timeout(PATIENCE, signing).await {
            Ok(Ok(session)) => session,
            Ok(Err(Error::No(said) | Error::Bad(said))) => {
                return Err(MailboxError::SignIn { user: account.user.clone(), said: one_line(&said) });
            }
            Ok(Err(error)) => return Err(broken(&error)),
            Err(_elapsed) => return Err(late()),
        };
        let folder = match tokio::time::timeout(PATIENCE, session.examine(&account.folder)).await {
            Ok(Ok(folder)) => folder,
            Ok(Err(Error::No(said) | Error::Bad(said))) => {
                return Err(MailboxError::Folder { folder: account.folder.clone(), said: one_line(&said) });
            }
            Ok(Err(error)) => return Err(broken(&error)),
            Err(_elapsed) => return Err(late()),
        };
        let validity = folder.uid_validity.unwrap_or(0);
        Ok(Self { session, validity, next: folder.uid_next.unwrap_or(1) })
    }

    /// Where reading stands when everything that lies there has been read.
    #[must_use]
    pub fn end(&self) -> Place {
        Place { validity: self.validity, last: self.next.saturating_sub(1) }
    }

    /// The numbering of the folder.
    #[must_use]
    pub fn validity(&self) -> u32 {
        self.validity
    }

    /// Numbers of the letters after `last`, oldest first; `since` (`25-Nov-2026`) leaves out those that came before a day.
    ///
    /// # Errors
    /// [`MailboxError::Broken`].
    pub async fn after(&mut self, last: u32, since: Option<&str>) -> Result<Vec<u32>, MailboxError> {
        let since = since.map(|day| format!(" SINCE {day}")).unwrap_or_default();
        let asked = format!("UID {}:*{since}", last.saturating_add(1));
        let found = within(self.session.uid_search(asked)).await?;
        // `*` is the newest letter, whatever its number is.
        let mut found: Vec<u32> = found.into_iter().filter(|uid| *uid > last).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Fetches a letter; `None` when it is gone. One longer than `limit` bytes comes as its head alone.
    ///
    /// # Errors
    /// [`MailboxError::Broken`].
    pub async fn fetch(&mut self, uid: u32, limit: u32) -> Result<Option<Fetched>, MailboxError> {
        let Some(size) = self.asked(uid, "(UID RFC822.SIZE)").await?.and_then(|letter| letter.size) else {
            return Ok(None);
        };
        let cut = size > limit;
        let what = if cut { "(UID BODY.PEEK[HEADER])" } else { "(UID BODY.PEEK[])" };
        let Some(letter) = self.asked(uid, what).await? else { return Ok(None) };
        let bytes = if cut { letter.header() } else { letter.body() };
        let Some(bytes) = bytes.map(<[u8]>::to_vec) else {
            return Err(MailboxError::Broken("it answered without the letter that was asked for".to_owned()));
        };
        Ok(Some(Fetched { uid, size, bytes, cut }))
    }

    async fn asked(
        &mut self,
        uid: u32,
        what: &str,
    ) -> Result<Option<async_imap::types::Fetch>, MailboxError> {
        within(async {
            let found: Vec<_> = self.session.uid_fetch(uid.to_string(), what).await?.try_collect().await?;
            Ok(found.into_iter().find(|letter| letter.uid == Some(uid)))
        })
        .await
    }

    /// Says goodbye. That the line breaks in doing so changes nothing.
    pub async fn close(mut self) {
        let _gone_anyway = tokio::time::timeout(Duration::from_secs(5), self.session.logout()).await.is_err();
    }
}

async fn line(account: &Account) -> Result<Line, MailboxError> {
    let (host, port) = (account.host.clone(), account.port);
    let unreachable = |why: String| MailboxError::Unreachable { host: host.clone(), port, why };
    let connecting = TcpStream::connect((account.host.as_str(), port));
    let plain = match tokio::time::timeout(Duration::from_secs(15), connecting).await {
        Ok(connected) => connected.map_err(|error| unreachable(error.to_string()))?,
        Err(_elapsed) => return Err(unreachable("no answer within 15 seconds".to_owned())),
    };
    let config = match &account.security {
        Security::None => return Ok(Either::Left(plain)),
        Security::Tls(config) => config.clone(),
    };
    let untrusted = |why: String| MailboxError::Untrusted { host: host.clone(), why };
    let name = ServerName::try_from(account.host.clone()).map_err(|error| untrusted(error.to_string()))?;
    let shaking = TlsConnector::from(config).connect(name, plain);
    match tokio::time::timeout(Duration::from_secs(15), shaking).await {
        Ok(Ok(safe)) => Ok(Either::Right(Box::new(safe))),
        Ok(Err(error)) => Err(untrusted(error.to_string())),
        Err(_elapsed) => {
            Err(untrusted("no TLS within 15 seconds: is this the port for TLS, 993?".to_owned()))
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, MailboxError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| broken(&error)),
        Err(_elapsed) => Err(late()),
    }
}

fn broken(error: &Error) -> MailboxError {
    MailboxError::Broken(one_line(&error.to_string()))
}

fn late() -> MailboxError {
    MailboxError::Broken(format!("no answer within {} seconds", PATIENCE.as_secs()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}
