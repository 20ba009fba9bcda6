//! Configuration: one typed file, unknown keys are errors, all problems at once. The only place that reads the
//! environment.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ismart_domain::Secret;
use ismart_domain::delivery::{Hours, Quiet, QuietError};
use ismart_domain::outcome::StageMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::output::{Failed, Trouble};

/// Name of the file in the data folder.
pub(crate) const FILE: &str = "ismart.toml";

/// `ismart.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Folder whose subfolders are sites, relative to the file.
    pub(crate) sites: PathBuf,
    /// Folder of the cores that sites share, relative to the file: `<name>/<version>/templates`.
    pub(crate) cores: PathBuf,
    /// Folder whose subfolders are worker packages; those inside the binary are there without it.
    pub(crate) workers: Option<PathBuf>,
    /// `[store]`.
    pub(crate) store: StoreSection,
    /// `[http]`.
    pub(crate) http: HttpSection,
    /// `[console]`.
    pub(crate) console: ConsoleSection,
    /// `[api]`.
    pub(crate) api: ApiSection,
    /// `[log]`.
    pub(crate) log: LogSection,
    /// `[[client]]`.
    #[serde(rename = "client")]
    pub(crate) clients: Vec<ClientSection>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            sites: PathBuf::from("sites"),
            cores: PathBuf::from("cores"),
            workers: None,
            store: StoreSection::default(),
            http: HttpSection::default(),
            console: ConsoleSection::default(),
            api: ApiSection::default(),
            log: LogSection::default(),
            clients: Vec::new(),
        }
    }
}

/// Where the data is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreSection {
    /// Address of a PostgreSQL database; without it, `ismart.db` in the data folder.
    pub(crate) postgres: Option<Secret>,
    /// Connections to PostgreSQL.
    pub(crate) connections: Option<u32>,
}

/// How we are reached.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpSection {
    /// The outside reaches us over HTTPS (through a proxy): cookies are then `Secure`.
    pub(crate) https: bool,
    /// Proxies whose `X-Forwarded-…` headers are believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Forms and messages that one address may send a minute.
    pub(crate) per_minute: u32,
    /// Megabytes of pages and files that are kept ready for the next visitor; 0 keeps none.
    pub(crate) keep_mb: u32,
    /// For those who write templates: sites are loaded again when a file changes, and open pages show it.
    pub(crate) watch: bool,
    /// `[http.tls]`.
    pub(crate) tls: Option<TlsSection>,
    /// Destinations may lie on this machine (a CRM emulator, an on-premise portal).
    pub(crate) allow_loopback: bool,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            https: false,
            trusted_proxies: Vec::new(),
            per_minute: 60,
            keep_mb: 64,
            watch: false,
            tls: None,
            allow_loopback: false,
        }
    }
}

/// HTTPS and HTTP/2 without a proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSection {
    /// PEM file of the certificate with its chain, relative to the configuration.
    pub(crate) certificate: PathBuf,
    /// PEM file of the private key.
    pub(crate) key: PathBuf,
}

/// Where the console is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsoleSection {
    /// Hosts that the console answers on; empty means every host.
    pub(crate) hosts: Vec<String>,
}

/// The API for programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiSection {
    /// Requests that one key, or one address without a key, may make a minute.
    pub(crate) per_minute: u32,
}

impl Default for ApiSection {
    fn default() -> Self {
        Self { per_minute: 600 }
    }
}

/// What is logged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSection {
    /// Filter such as `info` or `ismart_leads=debug,info`.
    pub(crate) filter: String,
    /// One JSON object a line.
    pub(crate) json: bool,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn,hyper=warn".to_owned(), json: false }
    }
}

/// A client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientSection {
    /// The name that site folders use.
    pub(crate) slug: String,
    /// Name for people.
    pub(crate) name: String,
    /// IANA zone of the working day.
    #[serde(default = "moscow")]
    pub(crate) time_zone: String,
    /// `[client.leads]`.
    #[serde(default)]
    pub(crate) leads: LeadsSection,
    /// Where its leads go besides the inbox.
    #[serde(default, rename = "destination")]
    pub(crate) destinations: Vec<DestinationSection>,
    /// When it works, and how long is too long.
    #[serde(default)]
    pub(crate) alerts: AlertSection,
    /// Ways in for leads besides its sites.
    #[serde(default, rename = "door")]
    pub(crate) doors: Vec<DoorSection>,
}

/// Rules of a client's leads.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LeadsSection {
    /// The same wish of the same person within these minutes is the same lead; 0 makes every request a lead.
    pub(crate) repeat_minutes: u16,
    /// At this score of suspicion a lead is held for a person.
    pub(crate) spam_limit: u16,
    /// A phone or address with more different names than this joins nobody.
    pub(crate) names_per_contact: u16,
}

impl Default for LeadsSection {
    fn default() -> Self {
        Self { repeat_minutes: 10, spam_limit: 100, names_per_contact: 3 }
    }
}

fn moscow() -> String {
    "Europe/Moscow".to_owned()
}

/// A destination of a client's leads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DestinationSection {
    /// Name, unique for the client; part of every delivery's record.
    pub(crate) name: String,
    /// Kind of connector.
    pub(crate) kind: String,
    /// Takes test leads, and only them.
    #[serde(default)]
    pub(crate) test: bool,
    /// Hours in which nothing is sent, or `none` [default: 22:00-08:00 where people are written to directly].
    pub(crate) quiet_hours: Option<QuietHours>,
    /// Keys of the sites whose leads go there; empty for all of the client's.
    #[serde(default)]
    pub(crate) sites: Vec<String>,
    /// Sign-in name of the person who answers for deliveries that need one.
    pub(crate) owner: Option<String>,
    /// How outcomes come back.
    pub(crate) outcomes: Option<OutcomeSection>,
    /// The connector's own settings; a secret may be `{ env = "NAME" }` or `{ file = "path" }`.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
}

/// Hours in which nobody is written to.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct QuietHours(pub(crate) Option<Quiet>);

impl TryFrom<String> for QuietHours {
    type Error = QuietError;

    fn try_from(text: String) -> Result<Self, QuietError> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|quiet| Self(Some(quiet))) }
    }
}

/// How outcomes of a CRM come back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeSection {
    /// What hooks of the CRM prove themselves by; without it none are taken. May be `{ env = "NAME" }` or
    /// `{ file = "path" }`.
    #[serde(default)]
    pub(crate) hook_token: Value,
    /// Minutes between two polls.
    #[serde(default = "ten")]
    pub(crate) poll_minutes: u16,
    /// Which statuses of the CRM are which steps of the funnel.
    #[serde(default)]
    pub(crate) stages: StageMap,
}

impl OutcomeSection {
    /// What hooks prove themselves by, if any are taken.
    pub(crate) fn token(&self) -> Option<Secret> {
        let text = self.hook_token.as_str().map(str::trim).filter(|text| !text.is_empty());
        text.map(Secret::new)
    }
}

fn ten() -> u16 {
    10
}

/// When a client works, and how long is too long.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertSection {
    /// Working hours, as `09:00-18:00`.
    #[serde(default = "nine_to_six")]
    pub(crate) hours: String,
    /// Working days: `mon` to `sun` [default: Monday to Friday].
    #[serde(default)]
    pub(crate) days: Vec<String>,
    /// A silence of a site is told of after so many of these hours at the earliest.
    #[serde(default = "three")]
    pub(crate) silence_hours: u16,
    /// Hours within which a person decides about a delivery that needs one.
    #[serde(default = "four")]
    pub(crate) decide_hours: u16,
    /// Who is told that something is wrong.
    #[serde(default)]
    pub(crate) tell: Vec<TellSection>,
    /// Other hours of single sites, by their keys.
    #[serde(default)]
    pub(crate) site: BTreeMap<String, SiteHours>,
}

impl Default for AlertSection {
    fn default() -> Self {
        Self {
            hours: nine_to_six(),
            days: Vec::new(),
            silence_hours: three(),
            decide_hours: four(),
            tell: Vec::new(),
            site: BTreeMap::new(),
        }
    }
}

/// A way to tell people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TellSection {
    /// Kind of notifier.
    pub(crate) kind: String,
    /// Its own settings; a secret may be `{ env = "NAME" }` or `{ file = "path" }`.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
}

/// When the leads of one site are waited for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteHours {
    /// Hours, as `09:00-18:00`.
    pub(crate) hours: Option<String>,
    /// Days.
    pub(crate) days: Option<Vec<String>>,
    /// Hours of silence that are told of at the earliest.
    pub(crate) silence_hours: Option<u16>,
}

fn nine_to_six() -> String {
    "09:00-18:00".to_owned()
}

fn three() -> u16 {
    3
}

fn four() -> u16 {
    4
}

/// A way in for leads: a signed webhook, calls, a mailbox.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoorSection {
    /// Name, unique among all clients; the end of its address.
    pub(crate) name: String,
    /// Kind of door.
    pub(crate) kind: String,
    /// Key of the site whose leads they are.
    pub(crate) site: String,
    /// On what ground the data of people may be processed, in a sentence.
    pub(crate) basis: Option<String>,
    /// What people want who come in by it: the wire name of an intent.
    pub(crate) intent: Option<String>,
    /// The kind's own settings; a secret may be `{ env = "NAME" }` or `{ file = "path" }`.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
    /// What the sender's fields mean: `phone = "contact.phone"`, or several names in a list.
    #[serde(default)]
    pub(crate) fields: std::collections::BTreeMap<String, Names>,
    /// Fields of the sender that mean nothing, whatever their name looks like.
    #[serde(default)]
    pub(crate) ignore: Vec<String>,
}

/// One name or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    /// One.
    One(String),
    /// Several: the first that is there counts.
    Several(Vec<String>),
}

/// The configuration with the folder that its relative paths start from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) base: PathBuf,
    /// The file, for problems that are found later.
    pub(crate) file: PathBuf,
}

impl Loaded {
    /// What is needed to load the sites again; clients and their secrets stay out.
    pub(crate) fn for_sites(&self) -> Self {
        let config = Config {
            sites: self.config.sites.clone(),
            cores: self.config.cores.clone(),
            workers: self.config.workers.clone(),
            ..Config::default()
        };
        Self { config, base: self.base.clone(), file: self.file.clone() }
    }
}

/// Reads `file`, or `ismart.toml` of the data folder, or the defaults when that is absent.
///
/// # Errors
/// Every problem of the file at once.
pub(crate) fn load(file: Option<&Path>, data: &Path) -> Result<Loaded, Failed> {
    let path = file.map_or_else(|| data.join(FILE), Path::to_path_buf);
    let base = path.parent().map_or_else(|| data.to_path_buf(), Path::to_path_buf);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => {
            return Ok(Loaded { config: Config::default(), base, file: path });
        }
        Err(error) => {
            return Err(Failed::one(
                path.display().to_string(),
                format!("cannot be read: {error}"),
                "check the path given with --config and the rights of the file",
            ));
        }
    };
    let mut config: Config = toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text.get(..span.start).unwrap_or("").matches('\n').count() + 1);
        Failed::one(
            format!("{}:{line}", path.display()),
            error.message().to_owned(),
            "correct the key or value; docs/reference/configuration.md lists all keys",
        )
    })?;
    let mut troubles = Vec::new();
    for client in &mut config.clients {
        check_client(client, &path, &base, &mut troubles);
    }
    twice(config.clients.iter().map(|c| c.slug.as_str()), "client.slug", &path, &mut troubles);
    let doors = config.clients.iter().flat_map(|client| &client.doors);
    twice(doors.map(|door| door.name.as_str()), "client.door.name", &path, &mut troubles);
    if troubles.is_empty() { Ok(Loaded { config, base, file: path }) } else { Err(Failed(troubles)) }
}

fn check_client(client: &mut ClientSection, path: &Path, base: &Path, troubles: &mut Vec<Trouble>) {
    let place = |key: &str| format!("{}: client `{}`: {key}", path.display(), client.slug);
    if jiff::tz::TimeZone::get(&client.time_zone).is_err() {
        troubles.push(Trouble::new(
            place("time_zone"),
            format!("`{}` is not a time zone", client.time_zone),
            "give an IANA name such as Europe/Moscow",
        ));
    }
    twice(client.destinations.iter().map(|d| d.name.as_str()), "destination.name", path, troubles);
    let alerts = &client.alerts;
    let spans = std::iter::once((&alerts.hours, &alerts.days)).chain(alerts.site.values().map(|site| {
        (site.hours.as_ref().unwrap_or(&alerts.hours), site.days.as_ref().unwrap_or(&alerts.days))
    }));
    for error in spans.filter_map(|(hours, days)| Hours::parse(hours, days).err()) {
        let repair = "write hours as 09:00-18:00, ending on the same day, and days as mon, tue, … sun";
        troubles.push(Trouble::new(place("alerts"), error.to_string(), repair));
    }
    for (at, tell) in client.alerts.tell.iter_mut().enumerate() {
        for (name, value) in &mut tell.settings {
            if let Err(why) = resolve(value, base) {
                let place =
                    format!("{}: client `{}`: alerts.tell {}: {name}", path.display(), client.slug, at + 1);
                let repair = "set the variable or file, or write the value itself";
                troubles.push(Trouble::new(place, why, repair));
            }
        }
    }
    for destination in &mut client.destinations {
        let key = format!("destination `{}`", destination.name);
        let place = format!("{}: client `{}`: {key}", path.display(), client.slug);
        if destination.name == ismart_leads::INBOX {
            troubles.push(Trouble::new(
                &place,
                "`inbox` is the built-in destination",
                "give it another name",
            ));
        }
        let token = destination.outcomes.iter_mut().map(|outcomes| ("hook_token", &mut outcomes.hook_token));
        let settings = destination.settings.iter_mut().map(|(name, value)| (name.as_str(), value));
        resolve_all(settings.chain(token), &place, base, troubles);
    }
    for door in &mut client.doors {
        let place = format!("{}: client `{}`: door `{}`", path.display(), client.slug, door.name);
        let settings = door.settings.iter_mut().map(|(name, value)| (name.as_str(), value));
        resolve_all(settings, &place, base, troubles);
    }
}

fn resolve_all<'s>(
    settings: impl Iterator<Item = (&'s str, &'s mut Value)>,
    place: &str,
    base: &Path,
    troubles: &mut Vec<Trouble>,
) {
    for (name, value) in settings {
        if let Err(why) = resolve(value, base) {
            troubles.push(Trouble::new(
                format!("{place}: {name}"),
                why,
                "set the variable or file, or write the value itself",
            ));
        }
    }
}

fn twice<'a>(names: impl Iterator<Item = &'a str>, key: &str, path: &Path, troubles: &mut Vec<Trouble>) {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            troubles.push(Trouble::new(
                format!("{}: {key}", path.display()),
                format!("`{name}` stands twice"),
                "names must be unique: rename one",
            ));
        }
    }
}

/// Puts the value of `{ env = "NAME" }` or `{ file = "path" }` in its place.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(crate) fn resolve(value: &mut Value, base: &Path) -> Result<(), String> {
    let Value::Object(map) = &*value else { return Ok(()) };
    let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|_| map.len() == 1);
    let found = if let Some(name) = text("env") {
        std::env::var(name).map_err(|e| format!("the environment variable {name} cannot be read: {e}"))?
    } else if let Some(file) = text("file") {
        let path = base.join(file);
        let content = std::fs::read_to_string(&path);
        content.map_err(|e| format!("the file {} cannot be read: {e}", path.display()))?.trim_end().to_owned()
    } else {
        return Ok(());
    };
    *value = Value::String(found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        match load(None, folder.path()) {
            Ok(_) => Vec::new(),
            Err(Failed(troubles)) => {
                let folder = folder.path().display().to_string();
                troubles.iter().map(|t| format!("{}: {}", t.place, t.reason).replace(&folder, "")).collect()
            }
        }
    }

    #[test]
    fn a_missing_file_means_defaults_but_a_named_one_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(None, folder.path()).unwrap().config.listen.port(), 8080);
        assert!(load(Some(&folder.path().join("x.toml")), folder.path()).is_err());
    }

    #[test]
    fn unknown_keys_are_errors_with_their_line() {
        let found = problems("listen = \"127.0.0.1:1\"\n[http]\nhtttps = true\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("/ismart.toml:3: unknown field `htttps`"), "{found:?}");
    }

    #[test]
    fn all_problems_come_at_once() {
        let found = problems(
            "[[client]]\nslug='a'\nname='A'\ntime_zone='Moscow'\n\
             [[client.destination]]\nname='inbox'\nkind='bitrix24'\n[client.destination.settings]\nwebhook={env='NO_SUCH_VARIABLE'}\n\
             [[client]]\nslug='a'\nname='B'\n",
        );
        assert_eq!(found.len(), 4, "{found:#?}");
    }

    #[test]
    fn secrets_come_from_files_too() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hook"), "https://p.bitrix24.ru/rest/1/s/\n").unwrap();
        let mut value = serde_json::json!({ "file": "hook" });
        resolve(&mut value, folder.path()).unwrap();
        assert_eq!(value, "https://p.bitrix24.ru/rest/1/s/");
    }
}
