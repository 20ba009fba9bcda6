//! `ismart leads`: leads that come in by hand: a file of rows, a letter on standard input.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use ismart_domain::lead::Intent;
use ismart_domain::{ClientId, Env, SiteId};
use ismart_leads::AcceptError;
use ismart_leads::intake::import::{self, ImportError, Plan, Wanted};
use ismart_leads::intake::{Door, Meaning, Received, Shelf, Site, Unfit, take_letter};
use ismart_store::imports::{Import, ImportState, Tally};
use ismart_store::{Store, clients};
use ismart_tables::{Format, Table};
use tokio::sync::watch;

use super::Place;
use crate::config::{self, Loaded};
use crate::output::{self, Failed};
use crate::wiring;

/// The largest letter on standard input, bytes.
const LARGEST: u64 = 64 * 1024 * 1024;
/// What an import says of people's data unless it is told something else.
const BASIS: &str = "Заявки загружены клиентом из файла; согласие на обработку данных получено им при сборе";

/// `ismart leads`.
#[derive(Debug, Args)]
pub(super) struct Leads {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make leads of the rows of a CSV or XLSX file; a file that was cut off goes on where it stopped
    Import(Box<ImportFile>),
    /// Make a lead of a letter on standard input, as a mail server hands it over
    Mail(Mail),
}

#[derive(Debug, Args)]
struct ImportFile {
    /// The file; its first row says what stands in the columns
    file: PathBuf,
    /// Key of the site that the leads belong to
    #[arg(long, value_name = "KEY")]
    site: String,
    /// What a column means, for example "Контакт=phone"; "Контакт=" means nothing [default: guessed by its heading]
    #[arg(long = "map", value_name = "HEADING=MEANING")]
    map: Vec<String>,
    /// On what ground the data of these people may be processed, in a sentence
    #[arg(long, value_name = "TEXT")]
    basis: Option<String>,
    /// What these people want, where no column tells it: `callback`, `test_drive`…
    #[arg(long, value_name = "INTENT", default_value = "other")]
    intent: String,
    /// Keep the leads in the list alone: send none to the destinations
    #[arg(long)]
    keep_here: bool,
    /// Say what would become of the rows, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Mail {
    /// The door of kind `mailbox` that says whose leads they are
    #[arg(long, value_name = "NAME", required_unless_present = "site")]
    door: Option<String>,
    /// Key of the site that the lead belongs to, where no door is configured
    #[arg(long, value_name = "KEY", conflicts_with = "door")]
    site: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Does what it says.
pub(super) async fn leads(Leads { what }: Leads) -> Result<ExitCode, Failed> {
    match what {
        What::Import(import) => import_file(*import).await,
        What::Mail(mail) => letter(mail).await,
    }
}

/// A site by its key.
struct Found {
    client_id: ClientId,
    site_id: SiteId,
    destinations: Vec<String>,
}

async fn site(loaded: &Loaded, store: &Store, key: &str) -> Result<Found, Failed> {
    let mut conn = store.read().await?;
    let mut known = Vec::new();
    for client in clients::list(&mut conn).await? {
        for row in clients::sites(&mut conn, client.id).await? {
            if row.slug == key {
                let section = loaded.config.clients.iter().find(|section| section.slug == client.slug);
                let destinations = section.into_iter().flat_map(|section| &section.destinations);
                let destinations = destinations.map(|one| one.name.clone()).collect();
                return Ok(Found { client_id: client.id, site_id: row.id, destinations });
            }
            known.push(row.slug);
        }
    }
    Err(Failed::one(
        format!("--site {key}"),
        "there is no such site in the database",
        format!("use one of: {}; a new site is there after the server has loaded it once", known.join(", ")),
    ))
}

async fn import_file(wanted: ImportFile) -> Result<ExitCode, Failed> {
    let loaded = config::load(wanted.place.config.as_deref(), &wanted.place.data)?;
    let store = wiring::open_store(&loaded.config, &wanted.place.data, Env::system()).await?;
    let done = imported(&loaded, &store, &wanted).await;
    store.close().await;
    done
}

async fn imported(loaded: &Loaded, store: &Store, wanted: &ImportFile) -> Result<ExitCode, Failed> {
    let found = site(loaded, store, &wanted.site).await?;
    let shown = wanted.file.display().to_string();
    let failed = |error: &ImportError| {
        Failed::one(
            &shown,
            error.to_string(),
            "mend the file or the arguments; rows that are in stay in, and the same command goes on after them",
        )
    };
    let table = Table::open(&wanted.file).map_err(|error| failed(&error.into()))?;
    let plan = plan(&table, wanted)?;
    let sha256 = import::digest(&wanted.file).map_err(|error| {
        Failed::one(&shown, error.to_string(), "check the path and the rights of the file")
    })?;
    match table.format() {
        Format::Csv(csv) => output::line(format_args!(
            "CSV, {}, separated by `{}`",
            csv.encoding,
            csv.separator.escape_default()
        )),
        Format::Xlsx(sheet) => output::line(format_args!("XLSX, sheet `{sheet}`")),
    }
    for (heading, meaning) in table.headings().iter().zip(&plan.columns) {
        output::line(format_args!("  {heading}: {}", meaning.map_or("kept beside the lead", Meaning::code)));
    }
    if wanted.dry_run {
        let preview =
            import::preview(store, found.client_id, found.site_id, &wanted.file, &sha256, &plan).await;
        let preview = preview.map_err(|error| failed(&error))?;
        tell(preview.tally, "would be");
        for fault in &preview.faults {
            output::line(format_args!("  row {}: {}", fault.row, Unfit::read(&fault.reason)));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let name = wanted.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wish = Wanted {
        id: store.env().new_id(),
        client_id: found.client_id,
        site_id: found.site_id,
        file_name: name,
        sha256,
        plan,
        made_by: "ismart leads import".to_owned(),
    };
    let import = import::begin(store, wish, ImportState::Running).await.map_err(|error| failed(&error))?;
    if import.last_row > 0 {
        output::line(format_args!("going on after row {}", import.last_row));
    }
    let (_running, stop) = watch::channel(false);
    let done = match import::run(store, import.clone(), &wanted.file, &found.destinations, &stop).await {
        Ok(done) => done,
        Err(error) => {
            stopped(store, import, &error).await?;
            return Err(failed(&error));
        }
    };
    tell(done.tally, "are");
    if done.tally.faulty > 0 {
        output::line("the rows that cannot be read stand in the console with their reasons, under Intake");
    }
    Ok(ExitCode::SUCCESS)
}

/// An import that stopped says why; how far it came stands in the database.
async fn stopped(store: &Store, import: Import, error: &ImportError) -> Result<(), Failed> {
    let mut conn = store.read().await?;
    let now = ismart_store::imports::get(&mut conn, import.client_id, import.id).await?;
    drop(conn);
    let written = import::finish(store, now.unwrap_or(import), ImportState::Failed, error.to_string()).await;
    written.map(drop).map_err(|error| Failed::one("database", error.to_string(), "see the message"))
}

fn tell(tally: Tally, verb: &str) {
    output::line(format_args!(
        "{} rows: {} {verb} new leads, {} leads already, {} cannot be read",
        tally.rows(),
        tally.added,
        tally.repeated,
        tally.faulty
    ));
}

fn plan(table: &Table, wanted: &ImportFile) -> Result<Plan, Failed> {
    let headings = table.headings();
    let basis = wanted.basis.clone().unwrap_or_else(|| BASIS.to_owned());
    let mut plan = Plan::guess(headings, basis, !wanted.keep_here);
    plan.intent = Intent::from_code(&wanted.intent).ok_or_else(|| {
        let known: Vec<&str> = Intent::ALL.iter().map(|intent| intent.code()).collect();
        Failed::one(
            "--intent",
            format!("there is no intent `{}`", wanted.intent),
            format!("use one of: {}", known.join(", ")),
        )
    })?;
    for said in &wanted.map {
        let (heading, code) = said.rsplit_once('=').ok_or_else(|| {
            Failed::one(
                "--map",
                format!("`{said}` has no `=`"),
                "write HEADING=MEANING, for example \"Контакт=phone\"",
            )
        })?;
        let meaning = match code.trim() {
            "" => None,
            code => Some(Meaning::from_code(code).ok_or_else(|| {
                let known: Vec<&str> = Meaning::ALL.iter().map(|meaning| meaning.code()).collect();
                Failed::one(
                    "--map",
                    format!("`{code}` means nothing"),
                    format!("use one of: {}", known.join(", ")),
                )
            })?),
        };
        plan.say(headings, heading, meaning).ok_or_else(|| {
            Failed::one(
                "--map",
                format!("there is no column `{heading}`"),
                format!("the columns are: {}", headings.join(", ")),
            )
        })?;
    }
    let contact =
        plan.columns.iter().flatten().any(|meaning| matches!(meaning, Meaning::Phone | Meaning::Email));
    if contact {
        return Ok(plan);
    }
    Err(Failed::one(
        wanted.file.display().to_string(),
        "no column is known to hold phones or e-mail addresses",
        format!("say which one with --map \"HEADING=phone\"; the columns are: {}", headings.join(", ")),
    ))
}

async fn letter(mail: Mail) -> Result<ExitCode, Failed> {
    let loaded = config::load(mail.place.config.as_deref(), &mail.place.data)?;
    let mut bytes = Vec::new();
    std::io::stdin().take(LARGEST).read_to_end(&mut bytes).map_err(|error| {
        Failed::one("standard input", error.to_string(), "hand the letter over as `< letter.eml`")
    })?;
    let store = wiring::open_store(&loaded.config, &mail.place.data, Env::system()).await?;
    let done = taken(&loaded, &store, &mail, bytes).await;
    store.close().await;
    done
}

async fn taken(loaded: &Loaded, store: &Store, mail: &Mail, bytes: Vec<u8>) -> Result<ExitCode, Failed> {
    let door = match &mail.door {
        Some(name) => {
            let doors = wiring::doors::open(loaded, store).await?;
            doors.into_iter().find(|door| door.name == *name && door.kind == "mailbox").ok_or_else(|| {
                Failed::one(
                    format!("--door {name}"),
                    "there is no such door of kind `mailbox`",
                    "name one of the configuration, or give --site",
                )
            })?
        }
        None => plain_door(loaded, store, mail.site.as_deref().unwrap_or_default()).await?,
    };
    let destinations = site(loaded, store, &door.site.key).await?.destinations;
    let shelf = Shelf::new(&wiring::files_folder(&mail.place.data));
    match take_letter(store, &shelf, &Arc::new(door), &destinations, bytes, false, None).await {
        Ok(Received::Lead(accepted)) => {
            let what = if accepted.repeated { "has been there before as" } else { "is" };
            output::line(format_args!("the letter {what} lead {}", accepted.lead.number));
            Ok(ExitCode::SUCCESS)
        }
        Ok(Received::Unread(_)) => {
            output::line(
                "the letter names nobody who could be called back: it waits in the console, under Intake",
            );
            Ok(ExitCode::SUCCESS)
        }
        // A mail server that hears of a failure keeps the letter and tries again.
        Err(AcceptError::Store(error)) => Err(error.into()),
        Err(other) => Err(Failed::one("letter", other.to_string(), "look at the letter")),
    }
}

/// A door for letters that nothing is said of but the site.
async fn plain_door(loaded: &Loaded, store: &Store, key: &str) -> Result<Door, Failed> {
    let found = site(loaded, store, key).await?;
    let site = Site { client_id: found.client_id, site_id: found.site_id, key: key.to_owned() };
    // The line of the mailbox is never used: the letter is here.
    let settings =
        serde_json::json!({ "host": "127.0.0.1", "user": "-", "password": "-", "security": "none" });
    let settings = settings.as_object().cloned().unwrap_or_default();
    Door::open("mail", "mailbox", site, &ismart_leads::intake::DoorWords::default(), &settings).map_err(
        |problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            Failed::one("door", first, "give --door")
        },
    )
}
