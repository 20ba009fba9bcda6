//! A mailbox on an IMAP server (RFC 3501, as far as a reader of letters asks), with bad days: it refuses to let anybody in,
//! hangs up in the middle of a letter, numbers its letters anew.
//!
//! ```
//! use ismart_emulators::letterbox::Letterbox;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mailbox = Letterbox::start("leads@dealer.ru", "secret").await?;
//! mailbox.post("From: ivan@mail.ru\r\n\r\nHello\r\n", "2026-11-26");
//! assert_eq!(mailbox.said().len(), 0);
//! # Ok(()) }
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How the mailbox behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LetterboxMood {
    /// As it should.
    #[default]
    Well,
    /// It says that the password is wrong, whatever it is.
    Refuses,
    /// It says that it has no such folder.
    Homeless,
    /// It hangs up after so many bytes of a letter.
    Cuts(usize),
    /// It hangs up before saying anything.
    Silent,
    /// It says what no client understands.
    Babbles,
}

#[derive(Debug)]
struct Posted {
    uid: u32,
    /// `2026-11-26`.
    day: String,
    content: String,
}

#[derive(Debug, Default)]
struct Desk {
    letters: Vec<Posted>,
    validity: u32,
    last: u32,
    mood: LetterboxMood,
    said: Vec<String>,
}

#[derive(Debug)]
struct Shared {
    user: String,
    password: String,
    desk: Mutex<Desk>,
}

/// The running mailbox; it ends when it is dropped.
#[derive(Debug)]
pub struct Letterbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Letterbox {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(user: &str, password: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Mutex::new(Desk { validity: 7, ..Desk::default() });
        let shared = Arc::new(Shared { user: user.to_owned(), password: password.to_owned(), desk });
        let of = shared.clone();
        let serving = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                let shared = of.clone();
                // Who hangs up is served no more.
                tokio::spawn(async move { shared.serve(line).await.is_ok() });
            }
        });
        Ok(Self { address, shared, serving })
    }

    /// Its port on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Puts a letter in on a day (`2026-11-26`); gives its number.
    pub fn post(&self, content: impl Into<String>, day: &str) -> u32 {
        self.shared.desk(|desk| {
            desk.last += 1;
            desk.letters.push(Posted { uid: desk.last, day: day.to_owned(), content: content.into() });
            desk.last
        })
    }

    /// Behaves in another way from now on.
    pub fn set(&self, mood: LetterboxMood) {
        self.shared.desk(|desk| desk.mood = mood);
    }

    /// Numbers all letters anew, as servers do after a repair.
    pub fn renumber(&self) {
        self.shared.desk(|desk| {
            desk.validity += 1;
            desk.last = 0;
            for letter in &mut desk.letters {
                desk.last += 1;
                letter.uid = desk.last;
            }
        });
    }

    /// Every command so far, without its tag; passwords are left out.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.shared.desk(|desk| desk.said.clone())
    }
}

impl Drop for Letterbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn desk<T>(&self, work: impl FnOnce(&mut Desk) -> T) -> T {
        work(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn mood(&self) -> LetterboxMood {
        self.desk(|desk| desk.mood)
    }

    async fn serve(&self, mut line: TcpStream) -> std::io::Result<()> {
        let (reading, mut writing) = line.split();
        let mut reading = BufReader::new(reading);
        match self.mood() {
            LetterboxMood::Silent => return Ok(()),
            LetterboxMood::Babbles => writing.write_all(b"220 mail.example.ru ESMTP ready\r\n").await?,
            _ => writing.write_all(b"* OK IMAP4rev1 ready\r\n").await?,
        }
        let mut inside = false;
        let mut command = String::new();
        loop {
            command.clear();
            if reading.read_line(&mut command).await? == 0 {
                return Ok(());
            }
            let (tag, rest) = command.trim_end().split_once(' ').unwrap_or((command.trim_end(), ""));
            let upper = rest.to_uppercase();
            let told = if upper.starts_with("LOGIN") { "LOGIN …".to_owned() } else { rest.to_owned() };
            self.desk(|desk| desk.said.push(told));
            let answer = if upper.starts_with("LOGIN") {
                inside = self.lets_in(rest);
                let said =
                    if inside { "OK signed in" } else { "NO [AUTHENTICATIONFAILED] invalid credentials" };
                format!("{tag} {said}\r\n").into_bytes()
            } else if upper.starts_with("CAPABILITY") {
                format!("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n").into_bytes()
            } else if upper.starts_with("LOGOUT") {
                writing.write_all(format!("* BYE see you\r\n{tag} OK done\r\n").as_bytes()).await?;
                return Ok(());
            } else if !inside {
                format!("{tag} NO sign in first\r\n").into_bytes()
            } else if upper.starts_with("EXAMINE") || upper.starts_with("SELECT") {
                self.opened(tag)
            } else if let Some(asked) = upper.strip_prefix("UID SEARCH ") {
                self.searched(tag, asked)
            } else if let Some(asked) = upper.strip_prefix("UID FETCH ") {
                self.fetched(tag, asked)
            } else {
                format!("{tag} BAD unknown command\r\n").into_bytes()
            };
            match self.mood() {
                LetterboxMood::Cuts(at) if upper.starts_with("UID FETCH") && upper.contains("BODY") => {
                    writing.write_all(answer.get(..at.min(answer.len())).unwrap_or_default()).await?;
                    return Ok(());
                }
                _ => writing.write_all(&answer).await?,
            }
        }
    }

    fn lets_in(&self, command: &str) -> bool {
        let words: Vec<&str> = command.split('"').collect();
        let right =
            words.get(1) == Some(&self.user.as_str()) && words.get(3) == Some(&self.password.as_str());
        right && self.mood() != LetterboxMood::Refuses
    }

    fn opened(&self, tag: &str) -> Vec<u8> {
        if self.mood() == LetterboxMood::Homeless {
            return format!("{tag} NO [NONEXISTENT] no such mailbox\r\n").into_bytes();
        }
        let (count, validity, next) = self.desk(|desk| (desk.letters.len(), desk.validity, desk.last + 1));
        format!(
            "* {count} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY {validity}] numbering\r\n\
             * OK [UIDNEXT {next}] next\r\n{tag} OK [READ-ONLY] opened\r\n"
        )
        .into_bytes()
    }

    fn searched(&self, tag: &str, asked: &str) -> Vec<u8> {
        let from =
            asked.strip_prefix("UID ").and_then(|rest| rest.split(':').next()?.parse().ok()).unwrap_or(1);
        let since = asked.split_once("SINCE ").map(|(_, day)| iso(day.trim())).unwrap_or_default();
        let found = self.desk(|desk| {
            let newest = desk.last;
            let asked = |letter: &&Posted| letter.uid >= from || letter.uid == newest;
            let in_time = |letter: &&Posted| letter.day >= since;
            let numbers =
                desk.letters.iter().filter(asked).filter(in_time).map(|letter| letter.uid.to_string());
            numbers.collect::<Vec<_>>().join(" ")
        });
        format!("* SEARCH {found}\r\n{tag} OK done\r\n").into_bytes()
    }

    fn fetched(&self, tag: &str, asked: &str) -> Vec<u8> {
        let uid: Option<u32> = asked.split(' ').next().and_then(|uid| uid.parse().ok());
        let found = self.desk(|desk| {
            let at = desk.letters.iter().position(|letter| Some(letter.uid) == uid)?;
            let letter = desk.letters.get(at)?;
            Some((at + 1, letter.uid, letter.content.clone()))
        });
        let mut answer = Vec::new();
        if let Some((at, uid, content)) = found {
            let (name, part) = if asked.contains("BODY.PEEK[HEADER]") {
                let end = content.find("\r\n\r\n").map_or(content.len(), |end| end + 4);
                ("BODY[HEADER]", content.get(..end).unwrap_or_default().to_owned())
            } else {
                ("BODY[]", content.clone())
            };
            if asked.contains("RFC822.SIZE") {
                let size = content.len();
                answer
                    .extend_from_slice(format!("* {at} FETCH (UID {uid} RFC822.SIZE {size})\r\n").as_bytes());
            } else {
                let size = part.len();
                answer.extend_from_slice(
                    format!("* {at} FETCH (UID {uid} {name} {{{size}}}\r\n{part})\r\n").as_bytes(),
                );
            }
        }
        answer.extend_from_slice(format!("{tag} OK done\r\n").as_bytes());
        answer
    }
}

/// `25-NOV-2026` as `2026-11-25`.
fn iso(day: &str) -> String {
    const MONTHS: [&str; 12] =
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let parts: Vec<&str> = day.split('-').collect();
    match parts.as_slice() {
        [day, month, year] => {
            let month = MONTHS.iter().position(|known| known == month).map_or(0, |at| at + 1);
            format!("{year}-{month:02}-{day:0>2}")
        }
        _ => String::new(),
    }
}
