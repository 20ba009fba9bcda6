//! One connection, from the greeting to its end.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, Join,
};
use tokio::net::TcpStream;

use super::letter::{Letter, oddities};
use super::{Core, Encryption, Keeps};
use crate::fault::{FaultBody, Strike};
use crate::serve::pause;

/// A line of a letter or a command is never longer.
const LINE_LIMIT: u64 = 64 * 1024;

/// Both directions of a connection, encrypted or not.
type Wire = Join<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

fn wire(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Wire {
    let (read, write) = tokio::io::split(stream);
    tokio::io::join(Box::new(read), Box::new(write))
}

/// The connection is over, by a fault or by the other side.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_lost: std::io::Error) -> Self {
        Self
    }
}

struct Talk {
    wire: BufReader<Wire>,
    core: Arc<Core>,
    encrypted: bool,
    signed_in: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

/// Serves one connection to its end.
pub(super) async fn run(stream: TcpStream, core: Arc<Core>) {
    let plain = wire(stream);
    let both = match (core.encryption, &core.tls) {
        (Encryption::Implicit, Some(tls)) => match tls.accept(plain).await {
            Ok(stream) => wire(stream),
            Err(_stranger) => return,
        },
        _ => plain,
    };
    let encrypted = core.encryption == Encryption::Implicit;
    let mut talk =
        Talk { wire: BufReader::new(both), core, encrypted, signed_in: None, from: None, to: Vec::new() };
    // Either side may end it at any time; neither is news.
    drop(talk.hold().await);
}

impl Talk {
    async fn hold(&mut self) -> Result<(), Over> {
        if self.spoiled("connect").await? {
            return Ok(());
        }
        self.say("220 mail.example ESMTP").await?;
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let (verb, rest) = (verb.to_ascii_uppercase(), rest.trim().to_owned());
            match verb.as_str() {
                "EHLO" | "HELO" => self.ehlo(&verb).await?,
                "STARTTLS" => self.start_tls().await?,
                "AUTH" => self.auth(&rest).await?,
                "MAIL" => self.mail(&rest).await?,
                "RCPT" => self.rcpt(&rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    (self.from, self.to) = (None, Vec::new());
                    self.say("250 2.0.0 Ok").await?;
                }
                "NOOP" => self.say("250 2.0.0 Ok").await?,
                "QUIT" => return self.say("221 2.0.0 Bye").await,
                _ => self.say("502 5.5.2 Error: command not recognized").await?,
            }
        }
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut bytes = Vec::new();
        let read = (&mut self.wire).take(LINE_LIMIT).read_until(b'\n', &mut bytes).await?;
        if read == 0 {
            return Err(Over);
        }
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn say(&mut self, text: &str) -> Result<(), Over> {
        self.raw(format!("{text}\r\n").as_bytes()).await
    }

    async fn raw(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.wire.get_mut().write_all(bytes).await?;
        Ok(self.wire.get_mut().flush().await?)
    }

    /// Lets a step's faults strike that come before its work; true when the step was answered by one.
    async fn spoiled(&mut self, step: &str) -> Result<bool, Over> {
        let strike = self.core.strike(step);
        self.before(&strike).await
    }

    async fn before(&mut self, strike: &Strike) -> Result<bool, Over> {
        pause(strike.wait_before).await;
        if strike.drop_before {
            return Err(Over);
        }
        match &strike.status_before {
            Some((status, body)) => self.fault(*status, body).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn fault(&mut self, status: u16, body: &FaultBody) -> Result<(), Over> {
        match body {
            FaultBody::Html => {
                self.raw(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await?;
                Err(Over)
            }
            FaultBody::Garbage => {
                self.raw(&[0xff, 0xfe, 0x00, b'?', b'\r', b'\n']).await?;
                Err(Over)
            }
            FaultBody::Truncated | FaultBody::Empty => {
                self.raw(format!("{status}-").as_bytes()).await?;
                Err(Over)
            }
            FaultBody::Code(text) => self.say(&format!("{status} {text}")).await,
            FaultBody::Json => {
                let class = status / 100;
                self.say(&format!("{status} {class}.0.0 refused by a fault rule")).await
            }
        }
    }

    async fn ehlo(&mut self, verb: &str) -> Result<(), Over> {
        if self.spoiled("ehlo").await? {
            return Ok(());
        }
        (self.from, self.to) = (None, Vec::new());
        if verb == "HELO" {
            return self.say("250 mail.example").await;
        }
        let (limit, signs_in) = {
            let keeps = self.core.lock();
            (keeps.size_limit, keeps.user.is_some())
        };
        let mut lines = vec!["mail.example".to_owned(), format!("SIZE {limit}"), "8BITMIME".to_owned()];
        let waits = self.core.encryption == Encryption::StartTls && !self.encrypted;
        if waits {
            lines.push("STARTTLS".to_owned());
        }
        if signs_in && !waits {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        let last = lines.pop().unwrap_or_default();
        for line in lines {
            self.say(&format!("250-{line}")).await?;
        }
        self.say(&format!("250 {last}")).await
    }

    async fn start_tls(&mut self) -> Result<(), Over> {
        let Some(tls) = self.core.tls.clone().filter(|_| !self.encrypted) else {
            return self.say("502 5.5.1 STARTTLS is not offered").await;
        };
        if self.spoiled("starttls").await? {
            return Ok(());
        }
        self.say("220 2.0.0 Ready to start TLS").await?;
        let (empty, _) = tokio::io::duplex(1);
        let plain = std::mem::replace(&mut self.wire, BufReader::new(wire(empty))).into_inner();
        self.wire = BufReader::new(wire(tls.accept(plain).await?));
        self.encrypted = true;
        Ok(())
    }

    async fn auth(&mut self, rest: &str) -> Result<(), Over> {
        if self.spoiled("auth").await? {
            return Ok(());
        }
        if self.core.encryption == Encryption::StartTls && !self.encrypted {
            return self.say("538 5.7.11 Encryption required for requested authentication mechanism").await;
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let decode = |text: &str| {
            STANDARD
                .decode(text.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .unwrap_or_default()
        };
        let (name, password) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let given = if initial.is_empty() {
                    self.say("334 ").await?;
                    self.line().await?
                } else {
                    initial.to_owned()
                };
                let plain = decode(&given);
                let mut parts = plain.split('\0').skip(1);
                (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default().to_owned())
            }
            "LOGIN" => {
                self.say("334 VXNlcm5hbWU6").await?;
                let name = decode(&self.line().await?);
                self.say("334 UGFzc3dvcmQ6").await?;
                (name, decode(&self.line().await?))
            }
            _ => return self.say("504 5.5.4 Unrecognized authentication type").await,
        };
        let good = self.core.lock().user.as_ref() == Some(&(name.clone(), password));
        if good {
            self.signed_in = Some(name);
            self.say("235 2.7.0 Authentication successful").await
        } else {
            self.say("535 5.7.8 Error: authentication failed: Invalid user or password!").await
        }
    }

    async fn mail(&mut self, rest: &str) -> Result<(), Over> {
        if self.spoiled("mail").await? {
            return Ok(());
        }
        let from = path(rest, "FROM:");
        let (needs, owned, limit) = {
            let keeps = self.core.lock();
            (keeps.user.is_some(), keeps.owned, keeps.size_limit)
        };
        if needs && self.signed_in.is_none() {
            return self.say("530 5.7.0 Authentication required").await;
        }
        if owned && self.signed_in.as_deref() != Some(from.as_str()) {
            return self.say("553 5.7.1 Sender address rejected: not owned by auth user.").await;
        }
        let size = rest.split(' ').find_map(|part| part.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|size| size > limit) {
            return self.say("552 5.3.4 Message size exceeds fixed limit").await;
        }
        self.from = Some(from);
        self.to = Vec::new();
        self.say("250 2.1.0 Ok").await
    }

    async fn rcpt(&mut self, rest: &str) -> Result<(), Over> {
        if self.spoiled("rcpt").await? {
            return Ok(());
        }
        let Some(from) = self.from.clone() else {
            return self.say("503 5.5.1 Error: need MAIL command").await;
        };
        let to = path(rest, "TO:");
        let answer = {
            let now = (self.core.clock)().as_second();
            let keeps = &mut *self.core.lock();
            if keeps.unknown.contains(&to.to_ascii_lowercase()) {
                Some(format!("550 5.1.1 <{to}>: Recipient address rejected: User unknown"))
            } else if keeps.greylist.is_some_and(|wait| {
                let first = *keeps.seen.entry(format!("{from} {to}")).or_insert(now);
                now - first < wait
            }) {
                Some("451 4.7.1 Greylisted, please try again later".to_owned())
            } else {
                None
            }
        };
        match answer {
            Some(answer) => self.say(&answer).await,
            None => {
                self.to.push(to);
                self.say("250 2.1.5 Ok").await
            }
        }
    }

    async fn data(&mut self) -> Result<(), Over> {
        if self.spoiled("data").await? {
            return Ok(());
        }
        if self.to.is_empty() {
            return self.say("503 5.5.1 Error: need RCPT command").await;
        }
        self.say("354 End data with <CR><LF>.<CR><LF>").await?;
        let mut raw: Vec<u8> = Vec::new();
        loop {
            let mut line = Vec::new();
            if (&mut self.wire).take(LINE_LIMIT).read_until(b'\n', &mut line).await? == 0 {
                return Err(Over);
            }
            if line == b".\r\n" {
                break;
            }
            raw.extend(line.strip_prefix(b".").unwrap_or(&line));
        }
        let strike = self.core.strike("message");
        if self.before(&strike).await? {
            return Ok(());
        }
        let too_long = raw.len() > self.core.lock().size_limit;
        if too_long {
            return self.say("552 5.3.4 Message size exceeds fixed limit").await;
        }
        take(&mut self.core.lock(), self.from.take().unwrap_or_default(), std::mem::take(&mut self.to), &raw);
        pause(strike.wait_after).await;
        if strike.drop_after {
            return Err(Over);
        }
        match &strike.status_after {
            Some((status, body)) => self.fault(*status, body).await,
            None => self.say("250 2.0.0 Ok: queued").await,
        }
    }
}

fn path(rest: &str, key: &str) -> String {
    let inside = rest.get(key.len()..).unwrap_or_default().trim();
    let inside =
        inside.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or(inside, |(path, _)| path);
    inside.to_owned()
}

fn take(keeps: &mut Keeps, from: String, to: Vec<String>, raw: &[u8]) {
    let text = String::from_utf8_lossy(raw).into_owned();
    let mut letter = Letter { id: String::new(), from, to, raw: text, times: 1 };
    letter.id = letter.header("Message-ID").unwrap_or_default();
    keeps.complaints.extend(oddities(raw));
    match keeps.letters.iter_mut().find(|known| !letter.id.is_empty() && known.id == letter.id) {
        Some(known) => known.times += 1,
        None => keeps.letters.push(letter),
    }
}
