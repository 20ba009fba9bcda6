//! `GET /console/imports`: files of rows that become leads: taken in, looked at, confirmed, followed.

mod upload;

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::ImportId;
use ismart_domain::lead::Intent;
use ismart_leads::intake::Meaning;
use ismart_leads::intake::import::{self, ImportError, Plan, Preview};
use ismart_store::imports::{self, Import, ImportState};
use ismart_store::{StoreError, Tx, clients};
use serde::Serialize;

use super::csv;
use super::fault::Fault;
use super::fields::Fields;
use super::language::Language;
use super::moment::When;
use super::page::Place;
use super::plain;
use super::seat::{Importing, Posted, Seat, Seated};
use crate::platform::{Place as SitePlace, Platform};

pub(super) use upload::{DRAINED, take_in};

/// How many imports are listed.
const SHOWN: i64 = 50;
/// How many faulty rows are read at once.
const PAGE: i64 = 1000;

#[derive(Serialize)]
struct ImportsPage {
    imports: Vec<ImportLine>,
    sites: Vec<(String, String)>,
    fault: Option<String>,
    most: String,
}

#[derive(Serialize)]
struct ImportLine {
    id: String,
    file: String,
    site: String,
    state: &'static str,
    tone: &'static str,
    added: String,
    repeated: String,
    faulty: String,
    has_faults: bool,
    reason: String,
    by: String,
    when: When,
}

/// Shows the imports.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Importing>,
) -> Result<Html<String>, Fault> {
    list(&platform, &seat, None).await
}

async fn list(platform: &Platform, seat: &Seat, fault: Option<String>) -> Result<Html<String>, Fault> {
    let mut conn = platform.store.read().await?;
    let sites = clients::sites(&mut conn, seat.client.id).await?;
    let found = imports::of_client(&mut conn, seat.client.id, SHOWN).await?;
    drop(conn);
    let name = |import: &Import| {
        sites.iter().find(|site| site.id == import.site_id).map(|site| site.name.clone()).unwrap_or_default()
    };
    let lines = found.into_iter().map(|import| {
        let site = name(&import);
        line(platform, seat, import, site)
    });
    let page = ImportsPage {
        imports: lines.collect(),
        sites: sites.iter().map(|site| (site.slug.clone(), site.name.clone())).collect(),
        fault,
        most: super::media::weight(seat, upload::MOST),
    };
    seat.page(platform, Place::Intake, seat.texts().get("imports.title"), "imports.twig", &page).await
}

fn line(platform: &Platform, seat: &Seat, import: Import, site: String) -> ImportLine {
    let (state, tone) = match import.state {
        ImportState::Draft => ("imports.draft", "busy"),
        ImportState::Running => ("imports.running", "busy"),
        ImportState::Done => ("imports.done", "good"),
        ImportState::Failed => ("imports.failed", "bad"),
    };
    ImportLine {
        id: import.id.to_string(),
        file: import.file_name,
        site,
        state: seat.texts().get(state),
        tone,
        added: seat.number(import.tally.added),
        repeated: seat.number(import.tally.repeated),
        faulty: seat.number(import.tally.faulty),
        has_faults: import.tally.faulty > 0,
        reason: import.reason,
        by: import.made_by,
        when: seat.teller(platform).when(import.updated_at),
    }
}

#[derive(Serialize)]
struct OnePage {
    line: ImportLine,
    /// It can still be changed.
    open: bool,
    running: bool,
    /// It stopped, and can go on.
    stopped: bool,
    columns: Vec<Column>,
    intents: Vec<(&'static str, &'static str, bool)>,
    basis: String,
    deliver: bool,
    /// What would become of the rows.
    would: Option<Would>,
    fault: Option<String>,
}

#[derive(Serialize)]
struct Column {
    heading: String,
    meanings: Vec<(&'static str, String, bool)>,
    examples: Vec<String>,
}

#[derive(Serialize)]
struct Would {
    added: String,
    repeated: String,
    faulty: String,
    faults: Vec<(i64, String)>,
}

fn parsed(id: &str) -> Result<ImportId, Fault> {
    id.parse().or(Err(Fault::Missing))
}

async fn find(platform: &Platform, seat: &Seat, id: &str) -> Result<Import, Fault> {
    let mut conn = platform.store.read().await?;
    imports::get(&mut conn, seat.client.id, parsed(id)?).await?.ok_or(Fault::Missing)
}

fn plan_of(import: &Import) -> Result<Plan, Fault> {
    serde_json::from_value(import.plan.clone()).map_err(|error| {
        tracing::error!(error = %error, import.id = %import.id, "the plan of an import is unreadable");
        Fault::Broken
    })
}

/// Shows one import: to be confirmed, running, or done.
pub(super) async fn one(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Importing>,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    let import = find(&platform, &seat, &id).await?;
    page(&platform, &seat, import).await
}

async fn page(platform: &Platform, seat: &Seat, import: Import) -> Result<Html<String>, Fault> {
    let texts = seat.texts();
    let plan = plan_of(&import)?;
    let open = import.state == ImportState::Draft;
    let (mut would, mut fault, mut rows) = (None, None, Vec::new());
    if open {
        match looked(platform, &import, &plan).await {
            Ok(preview) => {
                would = Some(Would {
                    added: seat.number(preview.tally.added),
                    repeated: seat.number(preview.tally.repeated),
                    faulty: seat.number(preview.tally.faulty),
                    faults: preview
                        .faults
                        .into_iter()
                        .map(|fault| (fault.row, plain::unfit(texts, &fault.reason)))
                        .collect(),
                });
                rows = preview.rows;
            }
            Err(ImportError::Store(error)) => return Err(error.into()),
            Err(error) => fault = Some(error.to_string()),
        }
    }
    let columns =
        plan.headings.iter().zip(&plan.columns).enumerate().map(|(at, (heading, meaning))| Column {
            heading: heading.clone(),
            meanings: Meaning::ALL
                .into_iter()
                .map(|one| (one.code(), plain::named(texts, "meaning", one.code()), *meaning == Some(one)))
                .collect(),
            examples: rows
                .iter()
                .filter_map(|row| row.cells.get(at))
                .filter(|cell| !cell.is_empty())
                .take(3)
                .map(|cell| cell.chars().take(60).collect())
                .collect(),
        });
    let sites = clients::sites(&mut platform.store.read().await?, seat.client.id).await?;
    let site = sites.into_iter().find(|site| site.id == import.site_id).map(|site| site.name);
    let page = OnePage {
        open,
        running: import.state == ImportState::Running,
        stopped: import.state == ImportState::Failed,
        columns: columns.collect(),
        intents: Intent::ALL
            .into_iter()
            .map(|intent| (intent.code(), plain::intent(texts, intent), intent == plan.intent))
            .collect(),
        basis: plan.basis,
        deliver: plan.deliver,
        would,
        fault,
        line: line(platform, seat, import, site.unwrap_or_default()),
    };
    seat.page(platform, Place::Intake, page.line.file.clone(), "import.twig", &page).await
}

async fn looked(platform: &Platform, import: &Import, plan: &Plan) -> Result<Preview, ImportError> {
    let path = platform.import_file(import);
    import::preview(&platform.store, import.client_id, import.site_id, &path, &import.sha256, plan).await
}

/// `POST /console/imports/{id}`: the plan is changed and looked at again, or the import begins or goes on.
pub(super) async fn change(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, fields, .. }: Posted<Importing>,
) -> Result<Response, Fault> {
    let mut import = find(&platform, &seat, &id).await?;
    let begins = fields.get("do") == Some("begin");
    match import.state {
        ImportState::Draft => {
            let plan = changed(plan_of(&import)?, &fields)?;
            let contact = |meaning: &Meaning| matches!(meaning, Meaning::Phone | Meaning::Email);
            if begins && !plan.columns.iter().flatten().any(contact) {
                return Err(Fault::Invalid("imports.fault_contact"));
            }
            import.plan = serde_json::to_value(&plan).or(Err(Fault::Broken))?;
        }
        ImportState::Failed if begins => {}
        _ => return Ok(Redirect::to(&format!("/console/imports/{id}")).into_response()),
    }
    if begins {
        (import.state, import.reason) = (ImportState::Running, String::new());
    }
    import.updated_at = platform.env.now();
    let kept = import.clone();
    let written: Result<(), StoreError> =
        platform.store.write(move |tx: &mut Tx| Box::pin(async move { imports::put(tx, &kept).await })).await;
    written?;
    if begins {
        tracing::info!(user.id = %seat.session.user.id, import.id = %import.id, "an import begins");
        Platform::follow_import(&platform, import);
    }
    Ok(Redirect::to(&format!("/console/imports/{id}")).into_response())
}

fn changed(mut plan: Plan, fields: &Fields) -> Result<Plan, Fault> {
    for (at, column) in plan.columns.iter_mut().enumerate() {
        if let Some(code) = fields.get(&format!("column_{at}")) {
            *column = Meaning::from_code(code);
        }
    }
    if let Some(intent) = fields.get("intent") {
        plan.intent = Intent::from_code(intent).ok_or(Fault::Invalid("fault.invalid.form"))?;
    }
    plan.deliver = fields.get("deliver") == Some("1");
    let basis = fields.get("basis").unwrap_or_default().trim();
    if basis.chars().count() < 10 {
        return Err(Fault::Invalid("imports.fault_basis"));
    }
    plan.basis = basis.chars().take(1000).collect();
    Ok(plan)
}

/// `GET /console/imports/{id}/faults.csv`: rows that could not be read, with the reason, to be mended and brought again.
pub(super) async fn faults(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Importing>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let import = find(&platform, &seat, &id).await?;
    let texts = seat.texts();
    let mut rows = vec![
        plan_of(&import)?
            .headings
            .into_iter()
            .chain([texts.get("imports.row").to_owned(), texts.get("imports.reason").to_owned()])
            .collect::<Vec<_>>(),
    ];
    let mut conn = platform.store.read().await?;
    let mut last = 0;
    loop {
        let page = imports::faults(&mut conn, seat.client.id, import.id, last, PAGE).await?;
        let Some(end) = page.last() else { break };
        last = end.row;
        rows.extend(page.into_iter().map(|fault| {
            fault
                .cells
                .into_iter()
                .chain([fault.row.to_string(), plain::unfit(texts, &fault.reason)])
                .collect::<Vec<_>>()
        }));
    }
    drop(conn);
    let separator = if seat.look.language == Language::Ru { ';' } else { ',' };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"faults-{id}.csv\"")),
    ];
    Ok((headers, csv::file(separator, rows)).into_response())
}

impl Platform {
    /// Where the file of an import lies until all of it is read.
    #[must_use]
    pub fn import_file(&self, import: &Import) -> PathBuf {
        let folder = self.options.files.with_file_name("imports");
        folder.join(import.client_id.to_string()).join(import.id.to_string())
    }

    /// Takes up the imports that a restart cut off.
    ///
    /// # Errors
    /// When it cannot be read which ones.
    pub async fn resume_imports(self: &Arc<Self>) -> Result<usize, StoreError> {
        let cut_off = imports::running(&mut self.store.read().await?).await?;
        // Those that a command began lie where it found them: the command takes them up.
        let here: Vec<Import> = cut_off.into_iter().filter(|one| self.import_file(one).is_file()).collect();
        let count = here.len();
        for import in here {
            Self::follow_import(self, import);
        }
        Ok(count)
    }

    /// Reads an import to its end, beside everything else.
    fn follow_import(platform: &Arc<Self>, import: Import) {
        let platform = platform.clone();
        tokio::spawn(async move {
            let path = platform.import_file(&import);
            let destinations = platform.destinations_of_site(&import);
            let (_going, stop) = tokio::sync::watch::channel(false);
            match import::run(&platform.store, import.clone(), &path, &destinations, &stop).await {
                Ok(done) => {
                    tracing::info!(import.id = %done.id, rows = done.tally.rows(), "an import is done");
                    if let Err(error) = std::fs::remove_file(&path) {
                        tracing::warn!(error = %error, "the file of an import could not be taken away");
                    }
                }
                Err(error) => platform.stop_import(import, &error).await,
            }
        });
    }

    fn destinations_of_site(&self, import: &Import) -> Vec<String> {
        let world = self.world.load();
        let of_it =
            |place: &&Arc<SitePlace>| place.client_id == import.client_id && place.site_id == import.site_id;
        world.places.values().find(of_it).map(|place| place.destinations.clone()).unwrap_or_default()
    }

    /// Says why an import stopped; how far it came stands in the database.
    async fn stop_import(&self, import: Import, why: &ImportError) {
        tracing::error!(error = %why, import.id = %import.id, "an import stopped");
        let now = async {
            let mut conn = self.store.read().await?;
            imports::get(&mut conn, import.client_id, import.id).await
        };
        let now = now.await.ok().flatten().unwrap_or(import);
        if let Err(error) = import::finish(&self.store, now, ImportState::Failed, why.to_string()).await {
            // It stands as running, and is taken up at the next start.
            tracing::error!(error = %error, "it could not be kept that an import stopped");
        }
    }
}
