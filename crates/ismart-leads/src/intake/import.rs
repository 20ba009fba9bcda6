//! Files of rows become leads: every row once, however often the file comes and whenever a process ends in between.

use std::collections::HashSet;
use std::hash::{Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::Path;

use ismart_domain::lead::{Channel, Intent, LeadDraft};
use ismart_domain::{ClientId, ImportId, SiteId};
use ismart_store::imports::{self, Fault, Import, ImportState, Tally};
use ismart_store::{Store, StoreError, Tx, leads};
use ismart_tables::{Row, Table, TableError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::facts::Facts;
use super::meaning::Meaning;
use super::reading::{Frame, Mapping, Unfit};
use crate::{AcceptError, Stop, accept};

/// Rows of one transaction.
const BATCH: usize = 200;
/// Batches that are read ahead.
const AHEAD: usize = 4;

/// What is to be made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What the columns are called.
    pub headings: Vec<String>,
    /// What each column means, in the order of the file; what means nothing is kept beside the lead.
    pub columns: Vec<Option<Meaning>>,
    /// On what ground the data of people may be processed.
    pub basis: String,
    /// What people want, where no column tells it.
    pub intent: Intent,
    /// Leads go to the destinations too, and not only to the list of leads.
    pub deliver: bool,
}

/// What the first look at a file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The first rows.
    pub rows: Vec<Row>,
    /// How many rows would become what.
    pub tally: Tally,
    /// The first rows that cannot be read.
    pub faults: Vec<Fault>,
}

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The file is another one than it was.
    #[error("the file has {found} columns, but {planned} were planned: look at it again")]
    Columns {
        /// Columns of the file.
        found: usize,
        /// Columns of the plan.
        planned: usize,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that reads was cut off.
    #[error("reading was cut off: {0}")]
    Cut(String),
}

/// How a file is told from all others.
///
/// # Errors
/// When it cannot be read.
pub fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(piece.get(..read).unwrap_or_default());
    }
}

impl Plan {
    /// What the headings look like; of two that look alike the first counts.
    #[must_use]
    pub fn guess(headings: &[String], basis: String, deliver: bool) -> Self {
        let mut seen = HashSet::new();
        let columns = headings.iter().map(|heading| Meaning::guess(heading).filter(|one| seen.insert(*one)));
        Self {
            columns: columns.collect(),
            headings: headings.to_vec(),
            basis,
            intent: Intent::Other,
            deliver,
        }
    }

    /// Says what the column of a heading means; `None` for a heading that is not there.
    #[must_use]
    pub fn say(&mut self, headings: &[String], heading: &str, meaning: Option<Meaning>) -> Option<()> {
        let at =
            headings.iter().position(|found| found.trim().to_lowercase() == heading.trim().to_lowercase())?;
        for column in &mut self.columns {
            if *column == meaning {
                *column = None;
            }
        }
        *self.columns.get_mut(at)? = meaning;
        Some(())
    }

    /// The lead of a row.
    ///
    /// # Errors
    /// [`Unfit`] when the row names nobody who could be called back.
    fn draft(
        &self,
        site_id: SiteId,
        file: &File<'_>,
        headings: &[String],
        row: &Row,
    ) -> Result<LeadDraft, Unfit> {
        let named = |at: usize, heading: &str| {
            if heading.trim().is_empty() { format!("column {}", at + 1) } else { heading.trim().to_owned() }
        };
        let names: Vec<String> =
            headings.iter().enumerate().map(|(at, heading)| named(at, heading)).collect();
        // Two columns may have one heading: each is told by its place.
        let placed = |at: usize, name: &str| format!("{at}:{name}");
        let pairs = names.iter().zip(&row.cells).enumerate();
        let facts = Facts::of_pairs(pairs.map(|(at, (name, cell))| (placed(at, name), cell.clone())));
        let columns = self.columns.iter().zip(&names).enumerate();
        let mapping = Mapping::saying(
            columns.clone().filter_map(|(at, (meaning, name))| Some(((*meaning)?, placed(at, name)))),
        );
        let mapping = mapping.ignoring(columns.map(|(at, (_, name))| placed(at, name)));
        let frame = Frame {
            site_id,
            channel: Channel::Import {
                file: file.name.to_owned(),
                sha256: file.sha256.to_owned(),
                row: row.number,
            },
            basis: self.basis.clone(),
            intent: self.intent,
            ip: None,
            key: file.key(site_id, row.number),
            files: Vec::new(),
        };
        let mut draft = mapping.read(&facts).draft(frame).map_err(|unfit| match unfit {
            Unfit::Contact { field, text, meaning, error } => {
                let field = field.split_once(':').map_or(field.clone(), |(_, name)| name.to_owned());
                Unfit::Contact { field, text, meaning, error }
            }
            other => other,
        })?;
        let beside = std::mem::take(&mut draft.fields);
        for (name, text) in beside {
            let name = name.split_once(':').map_or(name.clone(), |(_, name)| name.to_owned());
            draft.fields.entry(name).or_insert(text);
        }
        Ok(draft)
    }
}

/// The file of an import.
struct File<'f> {
    name: &'f str,
    sha256: &'f str,
}

impl File<'_> {
    /// The key of a row: the same row of the same file is the same lead for ever.
    fn key(&self, site_id: SiteId, row: u64) -> String {
        let short: String = self.sha256.chars().take(32).collect();
        format!("import-{site_id}-{short}-{row}")
    }
}

/// Looks through a file without writing anything: how many rows would become leads, how many are leads already or stand
/// twice in the file, how many cannot be read and why.
///
/// # Errors
/// [`ImportError`] when the file is no table or the database cannot be read.
pub async fn preview(
    store: &Store,
    client_id: ClientId,
    site_id: SiteId,
    path: &Path,
    sha256: &str,
    plan: &Plan,
) -> Result<Preview, ImportError> {
    let before = imports::of_file(&mut store.read().await?, client_id, site_id, sha256).await?;
    let (path, plan, sha256) = (path.to_path_buf(), plan.clone(), sha256.to_owned());
    let (looked, keys) =
        tokio::task::spawn_blocking(move || look_through(&path, site_id, &sha256, &plan, before.is_some()))
            .await
            .map_err(|error| ImportError::Cut(error.to_string()))??;
    let mut preview = looked;
    // Rows that came with an earlier import of the same file.
    let mut conn = store.read().await?;
    for key in keys {
        if leads::by_key(&mut conn, client_id, &key).await?.is_some() {
            preview.tally.added -= 1;
            preview.tally.repeated += 1;
        }
    }
    Ok(preview)
}

fn look_through(
    path: &Path,
    site_id: SiteId,
    sha256: &str,
    plan: &Plan,
    seen_before: bool,
) -> Result<(Preview, Vec<String>), ImportError> {
    let table = Table::open(path)?;
    check(&table, plan)?;
    let file = File { name: "", sha256 };
    let mut preview = Preview { rows: Vec::new(), tally: Tally::default(), faults: Vec::new() };
    let (mut seen, mut keys) = (HashSet::new(), Vec::new());
    table.each(|row| {
        match plan.draft(site_id, &file, table.headings(), &row) {
            Ok(draft) if seen.insert(likeness(&draft)) => {
                preview.tally.added += 1;
                if seen_before {
                    keys.push(file.key(site_id, row.number));
                }
            }
            Ok(_) => preview.tally.repeated += 1,
            Err(unfit) => {
                preview.tally.faulty += 1;
                if preview.faults.len() < 20 {
                    preview.faults.push(fault(&row, &unfit));
                }
            }
        }
        if preview.rows.len() < 10 {
            preview.rows.push(row);
        }
        true
    })?;
    Ok((preview, keys))
}

/// Two rows with one likeness are one request: the same person with the same intent, whatever his words.
fn likeness(draft: &LeadDraft) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    draft.phone.as_ref().map(ismart_domain::Phone::e164).hash(&mut hasher);
    draft.email.as_ref().map(ismart_domain::Email::matching).hash(&mut hasher);
    (draft.intent, draft.subject.as_ref().map(|subject| &subject.key)).hash(&mut hasher);
    hasher.finish()
}

fn fault(row: &Row, unfit: &Unfit) -> Fault {
    Fault {
        row: i64::try_from(row.number).unwrap_or(i64::MAX),
        reason: unfit.stored(),
        cells: row.cells.iter().map(|cell| cell.chars().take(500).collect()).collect(),
    }
}

fn check(table: &Table, plan: &Plan) -> Result<(), ImportError> {
    let found = table.headings().len();
    if found == plan.columns.len() {
        Ok(())
    } else {
        Err(ImportError::Columns { found, planned: plan.columns.len() })
    }
}

/// Reads the rows after the last one that was looked at, and makes leads of them; gives how the import stands then. It
/// may be cut off at any moment and run again: every batch is one transaction that also says how far it has come.
///
/// # Errors
/// [`ImportError`]; what was read before it is kept.
pub async fn run(
    store: &Store,
    import: Import,
    path: &Path,
    destinations: &[String],
    stop: &Stop,
) -> Result<Import, ImportError> {
    let plan: Plan = serde_json::from_value(import.plan.clone()).map_err(|error| StoreError::Corrupt {
        what: format!("the plan of import {}", import.id),
        why: error.to_string(),
    })?;
    let (rows, mut batches) = mpsc::channel::<Vec<Row>>(AHEAD);
    let (path, last) = (path.to_path_buf(), import.last_row);
    let planned = plan.clone();
    let (tell, mut told) = mpsc::channel::<Vec<String>>(1);
    let reading = tokio::task::spawn_blocking(move || read_rows(&path, &planned, last, &tell, &rows));
    let headings = told.recv().await.unwrap_or_default();
    let mut import = import;
    import.state = ImportState::Running;
    let destinations: Vec<String> = if plan.deliver { destinations.to_vec() } else { Vec::new() };
    while let Some(batch) = batches.recv().await {
        if *stop.borrow() {
            return Ok(import);
        }
        import = write_batch(store, import, &plan, &headings, &destinations, batch).await?;
    }
    reading.await.map_err(|error| ImportError::Cut(error.to_string()))??;
    finish(store, import, ImportState::Done, String::new()).await
}

/// Reads rows in batches until nobody wants more.
fn read_rows(
    path: &Path,
    plan: &Plan,
    last: i64,
    headings: &mpsc::Sender<Vec<String>>,
    rows: &mpsc::Sender<Vec<Row>>,
) -> Result<(), ImportError> {
    let table = Table::open(path)?;
    check(&table, plan)?;
    if headings.blocking_send(table.headings().to_vec()).is_err() {
        return Ok(());
    }
    let mut batch = Vec::with_capacity(BATCH);
    let mut wanted = true;
    table.each(|row| {
        if i64::try_from(row.number).is_ok_and(|number| number > last) {
            batch.push(row);
        }
        if batch.len() == BATCH {
            wanted = rows.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok();
        }
        wanted
    })?;
    if wanted && !batch.is_empty() {
        // Nobody wants the rest when the import was stopped.
        let _stopped = rows.blocking_send(batch).is_err();
    }
    Ok(())
}

/// One transaction: leads, faults, and how far the import has come.
async fn write_batch(
    store: &Store,
    mut import: Import,
    plan: &Plan,
    headings: &[String],
    destinations: &[String],
    batch: Vec<Row>,
) -> Result<Import, ImportError> {
    let (plan, headings, destinations) = (plan.clone(), headings.to_vec(), destinations.to_vec());
    let written: Result<Import, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                for row in &batch {
                    let file = File { name: &import.file_name, sha256: &import.sha256 };
                    let draft = plan.draft(import.site_id, &file, &headings, row);
                    let trace_id = tx.env().new_id();
                    let reason = match draft {
                        Err(unfit) => unfit,
                        Ok(draft) => match accept(tx, import.client_id, &destinations, draft, trace_id).await
                        {
                            Ok(accepted) if accepted.repeated => {
                                import.tally.repeated += 1;
                                continue;
                            }
                            Ok(_) => {
                                import.tally.added += 1;
                                continue;
                            }
                            Err(AcceptError::Store(error)) => return Err(error),
                            Err(refused) => Unfit::Refused { reason: refused.to_string() },
                        },
                    };
                    import.tally.faulty += 1;
                    imports::add_fault(tx, import.client_id, import.id, &fault(row, &reason)).await?;
                }
                if let Some(row) = batch.last() {
                    import.last_row = i64::try_from(row.number).unwrap_or(i64::MAX);
                }
                import.updated_at = tx.env().now();
                imports::put(tx, &import).await?;
                Ok(import)
            })
        })
        .await;
    Ok(written?)
}

/// Says how an import ended.
///
/// # Errors
/// [`ImportError::Store`].
pub async fn finish(
    store: &Store,
    mut import: Import,
    state: ImportState,
    reason: String,
) -> Result<Import, ImportError> {
    let written: Result<Import, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                (import.state, import.reason, import.updated_at) = (state, reason, tx.env().now());
                imports::put(tx, &import).await?;
                Ok(import)
            })
        })
        .await;
    Ok(written?)
}

/// What a person or a command says of a file that is to be imported.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Identity.
    pub id: ImportId,
    /// The client.
    pub client_id: ClientId,
    /// The site that the leads belong to.
    pub site_id: SiteId,
    /// Name of the file.
    pub file_name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What is to be made of it.
    pub plan: Plan,
    /// Who wants it.
    pub made_by: String,
}

/// Begins an import in a state; one of the same file that was cut off goes on where it stopped.
///
/// # Errors
/// [`ImportError::Store`].
pub async fn begin(store: &Store, wanted: Wanted, state: ImportState) -> Result<Import, ImportError> {
    let plan = serde_json::to_value(&wanted.plan).map_err(|error| StoreError::Corrupt {
        what: "a plan of an import".to_owned(),
        why: error.to_string(),
    })?;
    let written: Result<Import, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let (client_id, site_id) = (wanted.client_id, wanted.site_id);
                let now = tx.env().now();
                let known = imports::of_file(tx, client_id, site_id, &wanted.sha256).await?;
                let same = |known: &Import| {
                    known.plan == plan && matches!(known.state, ImportState::Running | ImportState::Failed)
                };
                let import = match known.filter(|known| state == ImportState::Running && same(known)) {
                    Some(known) => Import { state, updated_at: now, reason: String::new(), ..known },
                    None => Import {
                        id: wanted.id,
                        client_id,
                        site_id,
                        file_name: wanted.file_name,
                        sha256: wanted.sha256,
                        plan,
                        state,
                        last_row: 0,
                        tally: Tally::default(),
                        reason: String::new(),
                        made_by: wanted.made_by,
                        created_at: now,
                        updated_at: now,
                    },
                };
                imports::put(tx, &import).await?;
                Ok(import)
            })
        })
        .await;
    Ok(written?)
}
