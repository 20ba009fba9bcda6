//! Doors: what the configuration says of each way in. Every kind stands in [`DOORS`].

use ismart_domain::lead::Intent;
use ismart_domain::{ClientId, Secret, SiteId};
use serde_json::{Map, Value};

use super::meaning::Meaning;
use super::reading::Mapping;

/// The site whose leads come in by a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Key of the site.
    pub key: String,
}

/// One way in.
#[derive(Debug, Clone)]
pub struct Door {
    /// Name in the configuration, and in the address.
    pub name: String,
    /// Kind, as [`DOORS`] has it.
    pub kind: &'static str,
    /// Whose leads come in by it.
    pub site: Site,
    /// On what ground the data of people may be processed.
    pub basis: String,
    /// What people want who come in by it.
    pub intent: Intent,
    /// Which fact means what.
    pub mapping: Mapping,
    /// Who may come in.
    pub guard: Guard,
}

/// Who may come in by a door.
#[derive(Debug, Clone)]
pub enum Guard {
    /// Who signs messages with one of these secrets.
    Signed(Vec<Secret>),
    /// Who shows this key.
    Key(Secret),
    /// We go and fetch it ourselves.
    Mailbox(MailboxPlan),
}

/// A mailbox that is looked into.
#[derive(Debug, Clone)]
pub struct MailboxPlan {
    /// Host of the IMAP server, as its certificate names it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name for signing in.
    pub user: String,
    /// Password, for most providers one made for this program.
    pub password: Secret,
    /// The folder that is read.
    pub folder: String,
    /// Seconds between two looks.
    pub every_seconds: u32,
    /// How the line is made safe.
    pub security: MailboxSecurity,
    /// PEM file of further certificate authorities.
    pub ca_file: Option<String>,
    /// Letters that lay there before the first look come in too.
    pub old_too: bool,
}

/// How the line to a mailbox is made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailboxSecurity {
    /// TLS from the first byte.
    Tls,
    /// Not at all: for servers on this machine.
    None,
}

/// What is wrong with a door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct DoorProblem {
    /// The setting.
    pub key: String,
    /// What is wrong with it, and what to write.
    pub reason: String,
}

/// A kind of door.
#[derive(Debug, Clone, Copy)]
pub struct DoorEntry {
    /// Its name in configurations.
    pub kind: &'static str,
    /// On what ground data may be processed unless the configuration says it.
    pub basis: &'static str,
    /// What people want unless the configuration says it.
    pub intent: Intent,
    /// What its sender's facts mean besides what is guessed.
    preset: &'static [(Meaning, &'static str)],
    guard: fn(&mut Settings<'_>) -> Option<Guard>,
}

/// What people did who come in by a signed door.
const ASKED: &str = "Человек оставил заявку у отправителя, который передал её по договору с клиентом";
/// What people did who called.
const CALLED: &str = "Человек позвонил сам: обращение по его собственной инициативе";
/// What people did who wrote.
const WROTE: &str = "Человек написал письмо сам или оставил заявку на площадке, которая прислала её письмом";

/// Every kind of door. A further one is one line here.
pub static DOORS: &[DoorEntry] = &[
    DoorEntry { kind: "webhook", basis: ASKED, intent: Intent::Other, preset: &[], guard: signed },
    DoorEntry {
        kind: "calltouch",
        basis: CALLED,
        intent: Intent::Callback,
        // The provider writes `id` for the call and `phonenumber` for the number that was shown on the site.
        preset: &[
            (Meaning::CallId, "id"),
            (Meaning::CallId, "requestId"),
            (Meaning::Phone, "callerphone"),
            (Meaning::Line, "phonenumber"),
            (Meaning::Phase, "callphase"),
            (Meaning::Seconds, "duration"),
            (Meaning::Recording, "reclink"),
            (Meaning::Name, "fio"),
            (Meaning::Subject, "subject"),
            (Meaning::Comment, "comment"),
            (Meaning::UtmSource, "utm_source"),
            (Meaning::UtmMedium, "utm_medium"),
            (Meaning::UtmTerm, "utm_term"),
        ],
        guard: keyed,
    },
    DoorEntry { kind: "calls", basis: CALLED, intent: Intent::Callback, preset: &[], guard: keyed },
    DoorEntry { kind: "mailbox", basis: WROTE, intent: Intent::Other, preset: &[], guard: mailbox },
];

impl Door {
    /// Opens a door.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn open(
        name: &str,
        kind: &str,
        site: Site,
        said: &DoorWords,
        settings: &Map<String, Value>,
    ) -> Result<Self, Vec<DoorProblem>> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, reason: String| {
            problems.push(DoorProblem { key: key.to_owned(), reason });
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 60 || !name.chars().all(plain) {
            wrong(
                "name",
                format!("`{name}` stands in an address: use small letters, digits, `-` and `_`, at most 60"),
            );
        }
        let Some(entry) = DOORS.iter().find(|entry| entry.kind == kind) else {
            let known: Vec<&str> = DOORS.iter().map(|entry| entry.kind).collect();
            wrong("kind", format!("there is no kind of door `{kind}`; use one of: {}", known.join(", ")));
            return Err(problems);
        };
        let intent = match said.intent.as_deref() {
            None => entry.intent,
            Some(code) => Intent::from_code(code).unwrap_or_else(|| {
                let known: Vec<&str> = Intent::ALL.iter().map(|intent| intent.code()).collect();
                wrong("intent", format!("there is no intent `{code}`; use one of: {}", known.join(", ")));
                Intent::Other
            }),
        };
        let mut meant = Vec::new();
        for (code, names) in &said.fields {
            match Meaning::from_code(code) {
                Some(meaning) => meant.extend(names.iter().map(|name| (meaning, name.clone()))),
                None => {
                    let known: Vec<&str> = Meaning::ALL.iter().map(|meaning| meaning.code()).collect();
                    wrong("fields", format!("`{code}` means nothing; use: {}", known.join(", ")));
                }
            }
        }
        if said.basis.as_deref().is_some_and(|basis| basis.trim().chars().count() < 10) {
            wrong("basis", "say on what ground people's data may be processed, in a sentence".to_owned());
        }
        let mut settings = Settings { settings, known: Vec::new(), problems: Vec::new() };
        let guard = (entry.guard)(&mut settings);
        problems.extend(settings.rest());
        // What the configuration says goes before what the kind knows.
        let preset =
            entry.preset.iter().filter(|(meaning, _)| !meant.iter().any(|(said, _)| said == meaning));
        let mapping = Mapping::saying(
            preset.map(|(meaning, name)| (*meaning, (*name).to_owned())).chain(meant.iter().cloned()),
        );
        match guard {
            Some(guard) if problems.is_empty() => Ok(Self {
                name: name.to_owned(),
                kind: entry.kind,
                site,
                basis: said.basis.clone().unwrap_or_else(|| entry.basis.to_owned()),
                intent,
                mapping: mapping.ignoring(said.ignore.iter().cloned()),
                guard,
            }),
            _ => Err(problems),
        }
    }

    /// Whether it tells of calls.
    #[must_use]
    pub fn is_for_calls(&self) -> bool {
        matches!(self.kind, "calltouch" | "calls")
    }
}

/// What the configuration says of a door besides its settings.
#[derive(Debug, Clone, Default)]
pub struct DoorWords {
    /// On what ground data may be processed.
    pub basis: Option<String>,
    /// Wire name of an intent.
    pub intent: Option<String>,
    /// Wire names of meanings with the sender's names of fields.
    pub fields: Vec<(String, Vec<String>)>,
    /// Fields that mean nothing.
    pub ignore: Vec<String>,
}

/// Settings of a kind, read one by one; what nobody asked for is a mistake.
struct Settings<'s> {
    settings: &'s Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<DoorProblem>,
}

impl Settings<'_> {
    fn wrong(&mut self, key: &str, reason: &str) {
        self.problems.push(DoorProblem { key: key.to_owned(), reason: reason.to_owned() });
    }

    fn maybe(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        match self.settings.get(key) {
            None => None,
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Some(_) => {
                self.wrong(key, "is no text");
                None
            }
        }
    }

    fn text(&mut self, key: &'static str, what: &str) -> Option<String> {
        let found = self.maybe(key);
        if found.is_none() && !self.settings.contains_key(key) {
            self.wrong(key, what);
        }
        found
    }

    fn number(&mut self, key: &'static str, usual: u32, least: u32, most: u32) -> u32 {
        self.known.push(key);
        match self.settings.get(key) {
            None => usual,
            Some(value) => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                number.filter(|number| (least..=most).contains(number)).unwrap_or_else(|| {
                    self.wrong(key, &format!("is no whole number from {least} to {most}"));
                    usual
                })
            }
        }
    }

    fn flag(&mut self, key: &'static str) -> bool {
        self.known.push(key);
        match self.settings.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.wrong(key, "is true or false");
                false
            }
        }
    }

    fn rest(self) -> Vec<DoorProblem> {
        let known = self.known.join(", ");
        let strange = self.settings.keys().filter(|key| !self.known.contains(&key.as_str()));
        let strange = strange.map(|key| DoorProblem {
            key: key.clone(),
            reason: format!("there is no such setting; this kind knows: {known}"),
        });
        let strange: Vec<_> = strange.collect();
        self.problems.into_iter().chain(strange).collect()
    }
}

/// The shortest secret that nobody guesses.
const SHORTEST: usize = 16;

fn strong(settings: &mut Settings<'_>, key: &str, text: String) -> Option<Secret> {
    if text.len() < SHORTEST {
        settings.wrong(key, "is too short to keep strangers out: use at least 16 characters, for example of `openssl rand -hex 24`");
        return None;
    }
    Some(Secret::new(text))
}

fn signed(settings: &mut Settings<'_>) -> Option<Guard> {
    let secret = settings.text("secret", "is missing: `whsec_…`, the secret that the sender signs with")?;
    let before = settings.maybe("secret_before");
    let mut secrets = vec![strong(settings, "secret", secret)?];
    if let Some(before) = before {
        secrets.push(strong(settings, "secret_before", before)?);
    }
    Some(Guard::Signed(secrets))
}

fn keyed(settings: &mut Settings<'_>) -> Option<Guard> {
    let what =
        "is missing: a long random text; the sender shows it as `?key=…`, or as `Authorization: Bearer …`";
    let key = settings.text("key", what)?;
    strong(settings, "key", key).map(Guard::Key)
}

fn mailbox(settings: &mut Settings<'_>) -> Option<Guard> {
    let host = settings.text("host", "is missing: the IMAP server, for example imap.yandex.ru");
    let user = settings.text("user", "is missing: the name for signing in, often the whole address");
    let password =
        settings.text("password", "is missing: a password made for programs, where the provider has them");
    let security = settings.maybe("security");
    let security = match security.as_deref() {
        None | Some("tls") => MailboxSecurity::Tls,
        Some("none") => MailboxSecurity::None,
        Some(_) => {
            settings.wrong("security", "is `tls`, or `none` for a server on this machine");
            MailboxSecurity::Tls
        }
    };
    let usual = if security == MailboxSecurity::Tls { 993 } else { 143 };
    let port = settings.number("port", usual, 1, u32::from(u16::MAX));
    let every_seconds = settings.number("every_seconds", 60, 5, 24 * 3600);
    let folder = settings.maybe("folder").unwrap_or_else(|| "INBOX".to_owned());
    let ca_file = settings.maybe("ca_file");
    let old_too = settings.flag("old_too");
    let (host, user, password) = (host?, user?, password?);
    if security == MailboxSecurity::None && !matches!(host.as_str(), "127.0.0.1" | "::1" | "localhost") {
        settings.wrong(
            "security",
            "`none` is only for a server on this machine: passwords would be readable on the way",
        );
        return None;
    }
    Some(Guard::Mailbox(MailboxPlan {
        host,
        port: u16::try_from(port).ok()?,
        user,
        password: Secret::new(password),
        folder,
        every_seconds,
        security,
        ca_file,
        old_too,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn site() -> Site {
        Site {
            client_id: "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d".parse().unwrap(),
            site_id: "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5e".parse().unwrap(),
            key: "avtograd".to_owned(),
        }
    }

    fn opened(kind: &str, said: &DoorWords, settings: &Value) -> Result<Door, Vec<String>> {
        let door = Door::open("portal", kind, site(), said, settings.as_object().unwrap());
        door.map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_problem_of_a_door_comes_at_once_with_its_remedy() {
        let said = DoorWords {
            basis: Some("да".into()),
            intent: Some("buy".into()),
            fields: vec![("fone".into(), vec!["a".into()])],
            ..DoorWords::default()
        };
        let problems = opened("webhook", &said, &json!({ "secret": "short", "tokn": 1 })).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        for part in [
            "there is no intent `buy`",
            "`fone` means nothing",
            "basis:",
            "too short",
            "tokn: there is no such",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part} in {problems:#?}");
        }
        let problems = opened("fax", &DoorWords::default(), &json!({})).unwrap_err();
        assert!(problems.iter().any(|p| p.contains("use one of: webhook, calltouch, calls, mailbox")));
        let bad = Door::open("Порт/al", "calls", site(), &DoorWords::default(), &Map::new()).unwrap_err();
        assert_eq!(bad.len(), 2);
    }

    #[test]
    fn a_password_never_goes_over_an_open_line() {
        let plan = json!({ "host": "mail.example.ru", "user": "a", "password": "b", "security": "none" });
        let problems = opened("mailbox", &DoorWords::default(), &plan).unwrap_err();
        assert!(problems.iter().any(|p| p.contains("only for a server on this machine")), "{problems:?}");
        let plan =
            json!({ "host": "127.0.0.1", "user": "a", "password": "b", "security": "none", "port": 70_000 });
        assert!(opened("mailbox", &DoorWords::default(), &plan).is_err());
    }
}
