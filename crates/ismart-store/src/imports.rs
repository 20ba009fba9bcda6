//! Files of rows that become leads: what was asked for, how far it has come, and the rows that could not be read.

use ismart_domain::{ClientId, ImportId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// A person has not said yet that it is right.
    Draft,
    /// Rows become leads.
    Running,
    /// Every row was read.
    Done,
    /// It stopped, and can be begun again where it stopped.
    Failed,
}

impl ImportState {
    const ALL: [Self; 4] = [Self::Draft, Self::Running, Self::Done, Self::Failed];

    /// The stored name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// How many rows became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Leads that are new.
    pub added: i64,
    /// Rows that are leads already.
    pub repeated: i64,
    /// Rows that could not be read.
    pub faulty: i64,
}

impl Tally {
    /// All rows that were looked at.
    #[must_use]
    pub fn rows(self) -> i64 {
        self.added + self.repeated + self.faulty
    }
}

/// An import.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Identity.
    pub id: ImportId,
    /// The client.
    pub client_id: ClientId,
    /// The site that the leads belong to.
    pub site_id: SiteId,
    /// Name of the file, as its owner calls it.
    pub file_name: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What was asked for.
    pub plan: serde_json::Value,
    /// How it stands.
    pub state: ImportState,
    /// The last row that was looked at.
    pub last_row: i64,
    /// How many rows became what.
    pub tally: Tally,
    /// Why it stopped.
    pub reason: String,
    /// Who asked for it.
    pub made_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The last step.
    pub updated_at: Timestamp,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The row in the file.
    pub row: i64,
    /// Why.
    pub reason: String,
    /// Its cells.
    pub cells: Vec<String>,
}

fn read(row: &Columns<'_>) -> Result<Import, StoreError> {
    Ok(Import {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        site_id: row.parsed(2)?,
        file_name: row.text(3)?,
        sha256: row.text(4)?,
        plan: row.json(5)?,
        state: row.code(6, ImportState::from_code)?,
        last_row: row.number(7)?,
        tally: Tally { added: row.number(8)?, repeated: row.number(9)?, faulty: row.number(10)? },
        reason: row.text(11)?,
        made_by: row.text(12)?,
        created_at: row.instant(13)?,
        updated_at: row.instant(14)?,
    })
}

/// Keeps an import with everything that is known of it.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn put(tx: &mut Tx, import: &Import) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO imports (client_id, id, site_id, file_name, sha256, plan, state, last_row, added, repeated,
             faulty, reason, made_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT (id) DO UPDATE SET site_id = excluded.site_id, plan = excluded.plan, state = excluded.state,
             last_row = excluded.last_row, added = excluded.added, repeated = excluded.repeated,
             faulty = excluded.faulty, reason = excluded.reason, updated_at = excluded.updated_at"
        ),
        import.client_id,
    )
    .id(import.id)
    .id(import.site_id)
    .text(&import.file_name)
    .text(&import.sha256)
    .json(&import.plan)?
    .text(import.state.code())
    .number(import.last_row)
    .number(import.tally.added)
    .number(import.tally.repeated)
    .number(import.tally.faulty)
    .text(&import.reason)
    .text(&import.made_by)
    .instant(import.created_at)
    .instant(import.updated_at)
    .run(tx)
    .await?;
    Ok(())
}

/// One of this client.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(conn: &mut Conn, client_id: ClientId, id: ImportId) -> Result<Option<Import>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, file_name, sha256, plan, state, last_row, added, repeated, faulty, reason,
             made_by, created_at, updated_at FROM imports WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// The imports of a client, newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_client(conn: &mut Conn, client_id: ClientId, limit: i64) -> Result<Vec<Import>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, file_name, sha256, plan, state, last_row, added, repeated, faulty, reason,
             made_by, created_at, updated_at FROM imports WHERE client_id = $1 ORDER BY created_at DESC, id LIMIT $2"
        ),
        client_id,
    )
    .number(limit)
    .all(conn, read)
    .await
}

/// The newest import of the same file for the same site, if there was one.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_file(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    sha256: &str,
) -> Result<Option<Import>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, site_id, file_name, sha256, plan, state, last_row, added, repeated, faulty, reason,
             made_by, created_at, updated_at FROM imports
             WHERE client_id = $1 AND site_id = $2 AND sha256 = $3 AND state <> 'draft'
             ORDER BY created_at DESC LIMIT 1"
        ),
        client_id,
    )
    .id(site_id)
    .text(sha256)
    .first(conn, read)
    .await
}

/// Every import that runs: after a restart these are taken up again.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn running(conn: &mut Conn) -> Result<Vec<Import>, StoreError> {
    Statement::system(system!(
        "SELECT id, client_id, site_id, file_name, sha256, plan, state, last_row, added, repeated, faulty, reason,
         made_by, created_at, updated_at FROM imports WHERE state = 'running' ORDER BY created_at",
        "the server takes up what a restart cut off, for every client"
    ))
    .all(conn, read)
    .await
}

/// Keeps a row that could not be read.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add_fault(
    tx: &mut Tx,
    client_id: ClientId,
    id: ImportId,
    fault: &Fault,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO import_faults (client_id, import_id, row_number, reason, cells) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (import_id, row_number) DO UPDATE SET reason = excluded.reason, cells = excluded.cells"
        ),
        client_id,
    )
    .id(id)
    .number(fault.row)
    .text(&fault.reason)
    .json(&fault.cells)?
    .run(tx)
    .await?;
    Ok(())
}

/// The rows of an import that could not be read, after `row`, in the order of the file.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn faults(
    conn: &mut Conn,
    client_id: ClientId,
    id: ImportId,
    row: i64,
    limit: i64,
) -> Result<Vec<Fault>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT row_number, reason, cells FROM import_faults
             WHERE client_id = $1 AND import_id = $2 AND row_number > $3 ORDER BY row_number LIMIT $4"
        ),
        client_id,
    )
    .id(id)
    .number(row)
    .number(limit)
    .all(conn, |row| Ok(Fault { row: row.number(0)?, reason: row.text(1)?, cells: row.json(2)? }))
    .await
}
