//! The settings of destinations while the server runs: read, tried, kept in the configuration file, and taken up without a
//! restart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ismart_connect::{CONNECTORS, Egress, Entry, FieldKind, Memory};
use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::{Channel, Intent, Lead, LeadDraft, LeadSource, Subject, Utm};
use ismart_domain::{ClientId, Email, Env, PersonName, Phone};
use ismart_leads::Lanes;
use ismart_store::{Store, StoreError, Tx, deliveries};
use ismart_web::destinations::{Draft, FieldForm, Kept, KindForm, Tried, Wanted};
use ismart_web::{ClientProfile, Platform};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table};

use super::{Reloader, open_clients, tokens};
use crate::config::{self, Loaded};
use crate::output::Failed;

/// Where secrets that are typed in the console lie, beside the configuration.
const SECRETS: &str = "secrets";
/// Settings that take several lines.
const LONG: [&str; 6] = ["fields", "columns", "key", "ca", "to", "comment"];

/// Keeps the settings of destinations.
pub(crate) struct Book {
    file: PathBuf,
    data: PathBuf,
    store: Store,
    egress: Egress,
    lanes: Lanes,
    platform: Arc<Platform>,
    reloader: Arc<Reloader>,
}

/// What is needed to keep the settings, before there are lanes.
pub(crate) struct Cover {
    pub(super) file: PathBuf,
    pub(super) data: PathBuf,
    pub(super) egress: Egress,
}

impl Cover {
    /// The book of a running server.
    pub(crate) fn book(
        self,
        store: Store,
        lanes: Lanes,
        platform: Arc<Platform>,
        reloader: Arc<Reloader>,
    ) -> Book {
        let Self { file, data, egress } = self;
        Book { file, data, store, egress, lanes, platform, reloader }
    }
}

/// The kinds of destinations for forms.
pub(crate) fn kinds() -> Vec<KindForm> {
    let field = |field: &ismart_connect::Field| FieldForm {
        key: field.key,
        secret: field.kind == FieldKind::Secret,
        long: LONG.contains(&field.key),
        choices: match field.kind {
            FieldKind::Choice(choices) => choices,
            _ => &[],
        },
        required: field.required,
        default: field.default,
        title: [field.title_ru, field.title_en],
        help: [field.help_ru, field.help_en],
    };
    let kind = |entry: &Entry| KindForm {
        kind: entry.kind,
        title: [entry.title_ru, entry.title_en],
        forgets: entry.memory == Memory::Forgets,
        fields: entry.fields.iter().map(field).collect(),
    };
    CONNECTORS.iter().map(kind).collect()
}

impl Book {
    /// Answers what people want, one after another.
    pub(crate) async fn run(self: Arc<Self>, mut wanted: mpsc::Receiver<Wanted>) {
        while let Some(wanted) = wanted.recv().await {
            // Whoever asked may have gone away meanwhile.
            let _gone = match wanted {
                Wanted::Read(client, name, answer) => answer.send(self.read(client, &name)).is_err(),
                Wanted::Try(client, draft, answer) => {
                    // A portal may take its time: others are not kept waiting.
                    let book = self.clone();
                    tokio::spawn(async move {
                        let tried = book.try_out(client, &draft).await;
                        answer.send(tried).is_err()
                    });
                    false
                }
                Wanted::Save(client, draft, answer) => answer.send(self.save(client, &draft).await).is_err(),
                Wanted::Remove(client, name, answer) => {
                    answer.send(self.remove(client, &name).await).is_err()
                }
            };
        }
    }

    /// Takes up what the configuration file says of destinations now.
    ///
    /// # Errors
    /// Everything that is wrong with it; what was in service stays.
    pub(crate) async fn reload(&self) -> Result<(), Failed> {
        let loaded = self.load()?;
        let (profiles, destinations, outcomes) =
            open_clients(&loaded, &self.egress, &self.store, None).await?;
        self.platform.set_clients(profiles);
        self.platform.hooks.replace(outcomes.hooks);
        let count = destinations.len();
        let names: Vec<(ClientId, String)> =
            destinations.iter().map(|one| (one.client_id, one.name.clone())).collect();
        self.lanes.replace(destinations);
        // What waited for mended settings need not wait for its next look.
        for (client_id, name) in names {
            self.store
                .write(move |tx: &mut Tx| {
                    Box::pin(async move { deliveries::wake(tx, client_id, &name).await })
                })
                .await
                .map_err(|error: StoreError| Failed::from(error))?;
        }
        self.reloader.place_again(&self.platform).await?;
        tracing::info!(destinations = count, "the destinations were read again");
        Ok(())
    }

    fn load(&self) -> Result<Loaded, Failed> {
        let there = self.file.exists().then_some(self.file.as_path());
        config::load(there, &self.data)
    }

    fn client(&self, id: ClientId) -> Option<Arc<ClientProfile>> {
        self.platform.client(id)
    }

    /// The settings as the file has them, and with their secrets in place.
    fn kept(&self, client: ClientId, name: &str) -> Option<(String, Table, Map<String, Value>)> {
        let slug = self.client(client)?.slug.clone();
        let loaded = self.load().ok()?;
        let section = loaded.config.clients.iter().find(|one| one.slug == slug)?;
        let section = section.destinations.iter().find(|one| one.name == name)?;
        let document = self.document().ok()?;
        let raw = found(&document, &slug, name).and_then(|table| table.get("settings"));
        let raw = raw
            .and_then(Item::as_table_like)
            .map(|table| table.iter().map(|(key, item)| (key.to_owned(), item.clone())).collect::<Table>());
        Some((section.kind.clone(), raw.unwrap_or_default(), section.settings.clone()))
    }

    fn read(&self, client: ClientId, name: &str) -> Option<Kept> {
        let (kind, raw, values) = self.kept(client, name)?;
        let entry = ismart_connect::find(&kind)?;
        let mut kept = Kept { kind, ..Kept::default() };
        for field in entry.fields.iter().filter(|field| values.contains_key(field.key)) {
            let elsewhere = raw.get(field.key).is_some_and(|item| item.is_table_like());
            if field.kind == FieldKind::Secret || elsewhere {
                kept.hidden.push(field.key.to_owned());
            } else if let Some(value) = values.get(field.key) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                kept.settings.insert(field.key.to_owned(), text);
            }
        }
        Some(kept)
    }

    /// The settings of a draft, with what is kept in the place of what was left blank and is hidden.
    fn effective(&self, entry: &Entry, client: ClientId, draft: &Draft) -> Map<String, Value> {
        let kept = self.kept(client, &draft.name).filter(|(kind, ..)| kind == entry.kind);
        let typed = draft.settings.iter().map(|(key, text)| (key.clone(), Value::String(text.clone())));
        let mut values: Map<String, Value> = typed.collect();
        for (key, value) in kept.into_iter().flat_map(|(_, raw, all)| hidden(entry, &raw, all)) {
            values.entry(key).or_insert(value);
        }
        values
    }

    async fn try_out(&self, client: ClientId, draft: &Draft) -> Tried {
        if let Err(reason) = good_name(&draft.name) {
            return Tried::Wrong(vec![("name".to_owned(), reason)]);
        }
        let Some(entry) = ismart_connect::find(&draft.kind) else {
            return Tried::Wrong(vec![("kind".to_owned(), "there is no such kind".to_owned())]);
        };
        let settings = self.effective(entry, client, draft);
        let egress = tokens::keeping(&self.egress, &self.store, client);
        let lead = sample(&self.platform.env, client, draft);
        match (entry.rehearse)(&settings, &egress, lead) {
            Err(error) => Tried::Wrong(
                error.problems.into_iter().map(|problem| (problem.key, problem.reason)).collect(),
            ),
            Ok(rehearsing) => match rehearsing.await {
                Ok(shown) => Tried::Shown(shown),
                Err(error) => Tried::Failed {
                    passing: matches!(error, DeliveryError::Retry { .. }),
                    reason: error.to_string(),
                },
            },
        }
    }

    async fn save(&self, client: ClientId, draft: &Draft) -> Result<(), String> {
        good_name(&draft.name)?;
        let entry = ismart_connect::find(&draft.kind).ok_or("there is no such kind")?;
        let profile = self.client(client).ok_or("there is no such client")?;
        let mut document = self.document()?;
        let destination = place_of(&mut document, &profile, &draft.name)?;
        destination.insert("kind", toml_edit::value(draft.kind.as_str()));
        let before = destination.get("settings").and_then(Item::as_table_like);
        let mut settings = Table::new();
        for field in entry.fields {
            let old = before.and_then(|table| table.get(field.key)).cloned();
            let item = match draft.settings.get(field.key) {
                Some(text) if field.kind == FieldKind::Secret => {
                    Some(self.hide(&profile.slug, draft, field.key, text)?)
                }
                Some(text) => Some(match (field.kind, text.parse::<i64>()) {
                    (FieldKind::Number, Ok(number)) => toml_edit::value(number),
                    _ => toml_edit::value(text.as_str()),
                }),
                None => old.filter(|item| field.kind == FieldKind::Secret || item.is_table_like()),
            };
            if let Some(item) = item {
                settings.insert(field.key, item);
            }
        }
        destination.insert("settings", Item::Table(settings));
        self.write(&document).await
    }

    async fn remove(&self, client: ClientId, name: &str) -> Result<(), String> {
        let profile = self.client(client).ok_or("there is no such client")?;
        let mut document = self.document()?;
        let clients = document.get_mut("client").and_then(Item::as_array_of_tables_mut);
        let own = clients
            .into_iter()
            .flat_map(ArrayOfTables::iter_mut)
            .find(|table| is(table, "slug", &profile.slug));
        let all = own.and_then(|table| table.get_mut("destination")).and_then(Item::as_array_of_tables_mut);
        let all = all.ok_or("the client has no destinations")?;
        let before = all.len();
        all.retain(|table| !is(table, "name", name));
        if all.len() == before {
            return Err("there is no such destination".to_owned());
        }
        self.write(&document).await
    }

    fn document(&self) -> Result<DocumentMut, String> {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{} cannot be read: {error}", self.file.display())),
        };
        text.parse()
            .map_err(|error: toml_edit::TomlError| format!("{}: {}", self.file.display(), error.message()))
    }

    /// Puts a secret into a file of its own and gives what stands in the configuration.
    fn hide(&self, slug: &str, draft: &Draft, key: &str, secret: &str) -> Result<Item, String> {
        let file = format!("{SECRETS}/{}.{}.{key}", file_name(slug), file_name(&draft.name));
        let base = self.file.parent().unwrap_or(&self.data);
        let path = base.join(&file);
        let failed = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
        std::fs::create_dir_all(base.join(SECRETS)).map_err(failed)?;
        replace(&path, secret, true).map_err(failed)?;
        let mut pointer = InlineTable::new();
        pointer.insert("file", file.into());
        Ok(Item::Value(pointer.into()))
    }

    /// Replaces the file whole, once it is known to be sound, and takes it up.
    async fn write(&self, document: &DocumentMut) -> Result<(), String> {
        let text = document.to_string();
        let told = |Failed(troubles): Failed| {
            let all: Vec<String> =
                troubles.iter().map(|one| format!("{}: {}", one.place, one.reason)).collect();
            all.join("; ")
        };
        let failed = |error: std::io::Error| format!("{} cannot be written: {error}", self.file.display());
        let trial = self.file.with_extension("toml.trial");
        replace(&trial, &text, false).map_err(failed)?;
        let sound = config::load(Some(&trial), &self.data).map_err(told);
        let swept = std::fs::remove_file(&trial);
        sound?;
        swept.map_err(failed)?;
        replace(&self.file, &text, false).map_err(failed)?;
        self.reload().await.map_err(told)
    }
}

/// Settings that a form does not show: secrets, and what lies in a file or the environment.
fn hidden(entry: &Entry, raw: &Table, all: Map<String, Value>) -> Vec<(String, Value)> {
    let secret =
        |key: &str| entry.fields.iter().any(|field| field.key == key && field.kind == FieldKind::Secret);
    let elsewhere = |key: &str| raw.get(key).is_some_and(|item| item.is_table_like());
    all.into_iter().filter(|(key, _)| secret(key) || elsewhere(key)).collect()
}

fn good_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.');
    if name.is_empty() || name.chars().count() > 40 || !name.chars().all(fits) || name == ismart_leads::INBOX
    {
        return Err(
            "a name has 1 to 40 letters, digits, spaces, dots, `-` or `_`, and is not `inbox`".to_owned()
        );
    }
    Ok(())
}

fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn is(table: &Table, key: &str, value: &str) -> bool {
    table.get(key).and_then(Item::as_str) == Some(value)
}

fn found<'d>(document: &'d DocumentMut, slug: &str, name: &str) -> Option<&'d Table> {
    let client =
        document.get("client")?.as_array_of_tables()?.iter().find(|table| is(table, "slug", slug))?;
    client.get("destination")?.as_array_of_tables()?.iter().find(|table| is(table, "name", name))
}

/// The table of a destination, made with its client's where it is missing.
fn place_of<'d>(
    document: &'d mut DocumentMut,
    client: &ClientProfile,
    name: &str,
) -> Result<&'d mut Table, String> {
    let odd = "`client` of the configuration is no [[client]]; write it as one";
    let tables = |item: &'d mut Item| item.as_array_of_tables_mut().ok_or_else(|| odd.to_owned());
    let clients = document.entry("client").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let clients = tables(clients)?;
    if !clients.iter().any(|table| is(table, "slug", &client.slug)) {
        let mut table = Table::new();
        table.insert("slug", toml_edit::value(client.slug.as_str()));
        table.insert("name", toml_edit::value(client.name.as_str()));
        if let Some(zone) = client.zone.iana_name() {
            table.insert("time_zone", toml_edit::value(zone));
        }
        clients.push(table);
    }
    let own = clients.iter_mut().find(|table| is(table, "slug", &client.slug)).ok_or(odd)?;
    let all = own.entry("destination").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let all = all
        .as_array_of_tables_mut()
        .ok_or("`destination` of the configuration is no [[client.destination]]")?;
    if !all.iter().any(|table| is(table, "name", name)) {
        let mut table = Table::new();
        table.insert("name", toml_edit::value(name));
        all.push(table);
    }
    all.iter_mut().find(|table| is(table, "name", name)).ok_or_else(|| odd.to_owned())
}

/// Writes a file whole: after a crash the old or the new one is there.
fn replace(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    use std::io::Write as _;
    let fresh = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

/// A lead of nobody, with something in every field that the draft's mapping names.
fn sample(env: &Env, client_id: ClientId, draft: &Draft) -> Lead {
    let mut fields = BTreeMap::new();
    let named: BTreeSet<&str> = draft
        .settings
        .values()
        .flat_map(|text| text.split([';', '\n']))
        .filter_map(|rule| rule.split_once("=form:").or_else(|| rule.split_once("= form:")))
        .map(|(_, name)| name.trim())
        .collect();
    fields.extend(named.into_iter().map(|name| (name.to_owned(), "образец".to_owned())));
    Lead {
        id: env.new_id(),
        client_id,
        number: 1,
        accepted_at: env.now(),
        draft: LeadDraft {
            site_id: env.new_id(),
            intent: Intent::TestDrive,
            name: PersonName::parse("Иван Образцов").ok(),
            phone: Phone::parse("+79000000000").ok(),
            email: Email::parse("ivan@example.com").ok(),
            comment: "Это образец, а не заявка.".to_owned(),
            subject: Some(Subject {
                key: "sample-1".to_owned(), title: "Образец предмета".to_owned()
            }),
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: "sample".to_owned() },
                page_url: "https://example.com/".to_owned(),
                referrer: Some("https://example.org/".to_owned()),
                utm: Utm::from_pairs([
                    ("utm_source", "sample"),
                    ("utm_medium", "sample"),
                    ("utm_campaign", "sample"),
                ]),
                visit_id: None,
            },
            consents: Vec::new(),
            fields,
            idempotency_key: None,
            test: true,
            files: Vec::new(),
            signals: Vec::new(),
        },
    }
}
