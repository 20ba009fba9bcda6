//! Talking to a mail server, step by step, so that every failure says whether the letter can have been taken.

use std::net::SocketAddr;
use std::time::Duration;

use ismart_domain::Secret;
use ismart_domain::delivery::DeliveryError;
use ismart_http::AddressPolicy;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use super::settings::{Encryption, Server};
use crate::Egress;
use crate::effect::Effect;
use crate::settings::SettingsError;
use crate::verdict::Verdict;

/// Servers that greylist let a letter in after 5 to 15 minutes.
const GREYLISTED: Duration = Duration::from_secs(5 * 60);

/// One server.
pub(super) struct Post {
    server: Server,
    hello: ClientId,
    secrets: Vec<Secret>,
    tls: Option<TlsParameters>,
    allow: AddressPolicy,
    to_connect: Duration,
    /// For one command and its answer.
    to_answer: Duration,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("server", &self.server).finish_non_exhaustive()
    }
}

/// How a step failed.
enum Lost {
    /// The server said no.
    Refused(Error),
    /// It said nothing, or nothing that can be read.
    Silent(String),
}

impl Post {
    pub(super) fn new(server: Server, egress: &Egress) -> Result<Self, SettingsError> {
        let tls = match server.encryption {
            Encryption::None => None,
            Encryption::Tls | Encryption::StartTls => Some(trust(&server)?),
        };
        let settings = egress.http().settings();
        let secrets = server.login.iter().map(|(_, password)| password.clone()).collect();
        Ok(Self {
            hello: ClientId::Domain(server.hello.clone()),
            secrets,
            tls,
            allow: settings.allow.clone(),
            to_connect: settings.connect_timeout,
            to_answer: settings.total_timeout,
            server,
        })
    }

    pub(super) fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.server.host, secrets: &self.secrets, address: "host", effect }
    }

    /// Hands a letter over. Gives how many of the recipients the server does not know; at least one it knows.
    pub(super) async fn send(
        &self,
        from: &Address,
        to: &[Address],
        letter: &[u8],
    ) -> Result<usize, DeliveryError> {
        // Until the letter's end is sent nothing can have been carried out.
        let asking = self.verdict(Effect::Reads);
        let mut server = self.enter(asking).await?;
        let unknown = self.introduce(&mut server, from, to, asking).await?;
        let handing = self.verdict(Effect::Creates);
        if let Err(lost) = self.step(server.command(Data)).await {
            return Err(self.judge(lost, handing, true));
        }
        let taken = self.step(server.message(letter)).await;
        match taken {
            Ok(_) => {
                // The letter is taken; how the server says good-bye changes nothing.
                drop(timeout(Duration::from_secs(2), server.quit()).await);
                Ok(unknown)
            }
            Err(lost) => Err(self.judge(lost, handing, false)),
        }
    }

    /// Signs in and asks about sender and recipients, and sends nothing.
    pub(super) async fn try_out(&self, from: &Address, to: &[Address]) -> Result<String, DeliveryError> {
        let verdict = self.verdict(Effect::Reads);
        let mut server = self.enter(verdict).await?;
        let sender = self.step(server.command(Mail::new(Some(from.clone()), Vec::new()))).await;
        sender.map_err(|lost| self.about_sender(lost, verdict))?;
        let mut unknown = Vec::new();
        let mut waits = false;
        for address in to {
            match self.step(server.command(Rcpt::new(address.clone(), Vec::new()))).await {
                Ok(_) => {}
                Err(Lost::Refused(error)) if error.is_transient() => waits = true,
                // Addresses of settings are the client's own, and must be read whole.
                Err(Lost::Refused(error)) => unknown.push(format!("{address} ({})", words(&error))),
                Err(lost) => return Err(self.judge(lost, verdict, true)),
            }
        }
        // Nothing was begun that the end of the connection would not undo.
        let _kept = self.step(server.command(Rset)).await.is_err();
        drop(timeout(Duration::from_secs(2), server.quit()).await);
        if !unknown.is_empty() {
            let reason = format!(
                "{} does not take letters for {}; correct `to`",
                self.server.host,
                unknown.join(", ")
            );
            return Err(DeliveryError::Settings { reason: crate::text::cut(&reason, 600) });
        }
        let wait = if waits { "; it lets new senders wait some minutes before the first letter" } else { "" };
        let encrypted = if self.server.encryption == Encryption::None { "unencrypted" } else { "encrypted" };
        Ok(crate::text::cut(
            &format!(
                "{}:{}, {encrypted}, takes letters from {from} for {} mailbox(es){wait}",
                self.server.host,
                self.server.port,
                to.len()
            ),
            500,
        ))
    }

    /// Sender and recipients of a letter. Gives how many are not known.
    async fn introduce(
        &self,
        server: &mut AsyncSmtpConnection,
        from: &Address,
        to: &[Address],
        verdict: Verdict<'_>,
    ) -> Result<usize, DeliveryError> {
        let sender = self.step(server.command(Mail::new(Some(from.clone()), Vec::new()))).await;
        sender.map_err(|lost| self.about_sender(lost, verdict))?;
        let mut unknown = Vec::new();
        for address in to {
            match self.step(server.command(Rcpt::new(address.clone(), Vec::new()))).await {
                Ok(_) => {}
                // One who must wait makes all wait: a repeat for him alone would be another letter.
                Err(Lost::Refused(error)) if error.is_permanent() => unknown.push(words(&error)),
                Err(lost) => return Err(self.judge(lost, verdict, true)),
            }
        }
        match unknown.first() {
            Some(said) if unknown.len() == to.len() => Err(verdict.settings(format!(
                "{} takes letters for nobody of `to`: {said}; correct `to`",
                self.server.host
            ))),
            _ => Ok(unknown.len()),
        }
    }

    /// Connects, encrypts and signs in.
    async fn enter(&self, verdict: Verdict<'_>) -> Result<AsyncSmtpConnection, DeliveryError> {
        let addresses = self.addresses(verdict).await?;
        let implicit = self.tls.clone().filter(|_| self.server.encryption == Encryption::Tls);
        let connecting = AsyncSmtpConnection::connect_tokio1(
            &addresses[..],
            Some(self.to_connect),
            &self.hello,
            implicit,
            None,
        );
        let connected = timeout(self.to_connect.saturating_add(self.to_answer), connecting).await;
        let mut server = match connected {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => return Err(self.about_connection(&error, verdict)),
            Err(_elapsed) => {
                return Err(verdict
                    .later(None, format!("{}: no greeting within the permitted time", self.server.host)));
            }
        };
        if let (Encryption::StartTls, Some(tls)) = (self.server.encryption, self.tls.clone()) {
            if !server.can_starttls() {
                return Err(verdict.settings(format!(
                    "{}:{} does not offer STARTTLS; set `encryption` to tls with port 465, or ask the mail provider",
                    self.server.host, self.server.port
                )));
            }
            match timeout(self.to_answer, server.starttls(tls, &self.hello)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.about_connection(&error, verdict)),
                Err(_elapsed) => {
                    return Err(verdict.later(None, format!("{}: STARTTLS hangs", self.server.host)));
                }
            }
        }
        if let Some((user, password)) = &self.server.login {
            if server.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
                return Err(verdict.settings(format!(
                    "{} takes no passwords on this port; set `encryption` and `port` as the mail provider says",
                    self.server.host
                )));
            }
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            let signed_in = self.step(server.auth(DEFAULT_MECHANISMS, &credentials)).await;
            signed_in.map_err(|lost| match lost {
                Lost::Refused(error) if error.is_permanent() => verdict.settings(format!(
                    "{} does not accept `user` and `password`: {}; make an application password in the mailbox's settings and \
                     put it into `password`",
                    self.server.host,
                    words(&error)
                )),
                lost => self.judge(lost, verdict, true),
            })?;
        }
        Ok(server)
    }

    /// Where the server is, as far as it may be reached.
    async fn addresses(&self, verdict: Verdict<'_>) -> Result<Vec<SocketAddr>, DeliveryError> {
        let Server { host, port, .. } = &self.server;
        let bare = host.trim_matches(['[', ']']);
        let found = timeout(self.to_connect, tokio::net::lookup_host((bare, *port))).await;
        let found: Vec<SocketAddr> = match found {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(error)) => {
                return Err(
                    verdict.later(None, format!("{host}: the name was not found ({error}); check `host`"))
                );
            }
            Err(_elapsed) => {
                return Err(verdict.later(None, format!("{host}: the name was not found in time")));
            }
        };
        let refused = found.first().copied();
        let permitted: Vec<SocketAddr> =
            found.into_iter().filter(|address| self.allow.permits(address.ip())).collect();
        match (permitted.is_empty(), refused) {
            (false, _) => Ok(permitted),
            (true, Some(address)) => Err(verdict.settings(format!(
                "{host} is at {}, which is not public; permit the network in the configuration if that is meant, or correct \
                 `host`",
                address.ip()
            ))),
            (true, None) => Err(verdict.later(None, format!("{host}: the name has no address; check `host`"))),
        }
    }

    /// One command with its answer, within its time.
    async fn step(&self, work: impl Future<Output = Result<Response, Error>>) -> Result<Response, Lost> {
        match timeout(self.to_answer, work).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.status().is_some() => Err(Lost::Refused(error)),
            Ok(Err(error)) => Err(Lost::Silent(words(&error))),
            Err(_elapsed) => Err(Lost::Silent("no answer came within the permitted time".to_owned())),
        }
    }

    fn about_connection(&self, error: &Error, verdict: Verdict<'_>) -> DeliveryError {
        let (host, said) = (&self.server.host, words(error));
        if error.is_tls() || said.contains("certificate") || said.contains("InvalidCertificate") {
            return verdict.settings(format!(
                "{host}: no secure connection ({said}); put the name of its certificate into `host` or `tls_name`, or its root \
                 certificate into `ca`; a server that expects encryption later needs `encryption` = starttls"
            ));
        }
        if error.is_permanent() {
            return verdict
                .settings(format!("{host} takes no letters here: {said}; correct `host` and `port`"));
        }
        verdict.later(error.is_transient().then_some(Duration::from_secs(60)), format!("{host}: {said}"))
    }

    fn about_sender(&self, lost: Lost, verdict: Verdict<'_>) -> DeliveryError {
        match lost {
            Lost::Refused(error) if error.is_permanent() => verdict.settings(format!(
                "{} refuses the sender: {}; `from` must be the mailbox of `user`, and `user` and `password` must be given where \
                 the server asks for them",
                self.server.host,
                words(&error)
            )),
            lost => self.judge(lost, verdict, true),
        }
    }

    /// What a failed step means. `before`: the letter's end was not sent yet.
    fn judge(&self, lost: Lost, verdict: Verdict<'_>, before: bool) -> DeliveryError {
        let host = &self.server.host;
        match lost {
            Lost::Refused(error) if error.is_transient() => {
                verdict.later(Some(GREYLISTED), format!("{host}: {}; it asks to wait", words(&error)))
            }
            Lost::Refused(error) => verdict.refused(format!("{host} refused the letter: {}", words(&error))),
            Lost::Silent(said) if before => verdict.later(None, format!("{host}: {said}")),
            Lost::Silent(said) => verdict.unclear(format!("{host}: the letter was sent, but {said}")),
        }
    }
}

/// What the server or the library said, with its cause.
fn words(error: &Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        at = cause.source();
    }
    text
}

fn trust(server: &Server) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(server.tls_name.clone());
    if let Some(ca) = &server.ca {
        let root = Certificate::from_pem(ca.as_bytes());
        let root = root.map_err(|_broken| SettingsError::of("ca", "is no certificate in PEM"))?;
        builder = builder.add_root_certificate(root);
    }
    builder
        .build_rustls()
        .map_err(|error| SettingsError::of("tls_name", &format!("TLS cannot be set up: {error}")))
}
