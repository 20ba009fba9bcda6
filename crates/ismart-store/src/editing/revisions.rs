//! What was published, when, by whom.

use std::collections::BTreeMap;

use ismart_domain::{ClientId, RevisionId, SiteId, UserId};
use jiff::Timestamp;

use super::{blob, maybe_blob, put_blob};
use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// Where a revision came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody published his draft.
    Console,
    /// The files were changed outside: by a checkout or an upload.
    Folder,
    /// An earlier state was brought back.
    Restore,
    /// A publication whose time had come.
    Schedule,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 4] = [Self::Console, Self::Folder, Self::Restore, Self::Schedule];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Folder => "folder",
            Self::Restore => "restore",
            Self::Schedule => "schedule",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.code() == code)
    }
}

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Identity.
    pub id: RevisionId,
    /// Its number on the site, from 1.
    pub seq: i64,
    /// Who; `None` for changes from the folder.
    pub user_id: Option<UserId>,
    /// How it came.
    pub origin: Origin,
    /// What he said about it.
    pub message: String,
    /// Why it was published in spite of a warning.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Whether the files of the folder are known to hold it.
    pub written: bool,
}

/// A publication to be recorded.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// Who.
    pub user_id: Option<UserId>,
    /// How.
    pub origin: Origin,
    /// What he says about it.
    pub message: String,
    /// Why in spite of a warning.
    pub reason: Option<String>,
    /// Path → new text; `None` takes the file away.
    pub files: BTreeMap<String, Option<String>>,
}

/// One file of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Relative to the site folder.
    pub path: String,
    /// The text before.
    pub before: Option<String>,
    /// The text after.
    pub after: Option<String>,
}

/// A revision whose files may not all have reached the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Name of its folder's site.
    pub slug: String,
    /// The revision.
    pub seq: i64,
}

/// Which revisions a history shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this person.
    pub user_id: Option<UserId>,
    /// That changed this file.
    pub path: Option<String>,
    /// Older than this number.
    pub before: Option<i64>,
}

/// Path → digest after the last revision.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn state(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = Statement::tenant(
        tenant!("SELECT path, digest FROM site_files WHERE client_id = $1 AND site_id = $2"),
        client_id,
    )
    .id(site_id)
    .all(conn, |row| Ok((row.text(0)?, row.text(1)?)))
    .await?;
    Ok(rows.into_iter().collect())
}

/// The text of a file after the last revision.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn text(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    path: &str,
) -> Result<Option<String>, StoreError> {
    let digest = Statement::tenant(
        tenant!("SELECT digest FROM site_files WHERE client_id = $1 AND site_id = $2 AND path = $3"),
        client_id,
    )
    .id(site_id)
    .text(path)
    .first(conn, |row| row.text(0))
    .await?;
    maybe_blob(conn, client_id, digest.as_deref()).await
}

/// Records a publication: files that are as they were are left out; `None` when nothing is left. Whether the folder
/// holds it yet is said by `written`.
///
/// # Errors
/// [`StoreError`] of the engine; a race for the next number on PostgreSQL is a [`StoreError::Sql`], to be tried again.
pub async fn record(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    new: NewRevision,
    written: bool,
) -> Result<Option<Revision>, StoreError> {
    let before = state(tx, client_id, site_id).await?;
    let mut changed = Vec::new();
    for (path, text) in &new.files {
        let after = match text {
            Some(text) => Some(put_blob(tx, client_id, text).await?),
            None => None,
        };
        let old = before.get(path).cloned();
        if old != after {
            changed.push((path, old, after));
        }
    }
    if changed.is_empty() {
        return Ok(None);
    }
    let last = Statement::tenant(
        tenant!("SELECT COALESCE(MAX(seq), 0) FROM site_revisions WHERE client_id = $1 AND site_id = $2"),
        client_id,
    )
    .id(site_id)
    .first(tx, |row| row.number(0))
    .await?;
    let revision = Revision {
        id: tx.env().new_id(),
        seq: last.unwrap_or(0) + 1,
        user_id: new.user_id,
        origin: new.origin,
        message: new.message,
        reason: new.reason,
        at: tx.env().now(),
        written,
    };
    Statement::tenant(
        tenant!(
            "INSERT INTO site_revisions (client_id, id, site_id, seq, user_id, origin, message, reason, at, written)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        client_id,
    )
    .id(revision.id)
    .id(site_id)
    .number(revision.seq)
    .maybe(revision.user_id)
    .text(revision.origin.code())
    .text(&revision.message)
    .maybe(revision.reason.as_ref())
    .instant(revision.at)
    .number(i64::from(written))
    .run(tx)
    .await?;
    for (path, old, after) in changed {
        change(tx, client_id, site_id, revision.seq, path, old, after).await?;
    }
    Ok(Some(revision))
}

async fn change(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    seq: i64,
    path: &str,
    before: Option<String>,
    after: Option<String>,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO site_changes (client_id, site_id, seq, path, before_digest, after_digest)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        client_id,
    )
    .id(site_id)
    .number(seq)
    .text(path)
    .maybe(before)
    .maybe(after.as_ref())
    .run(tx)
    .await?;
    match after {
        Some(digest) => {
            Statement::tenant(
                tenant!(
                    "INSERT INTO site_files (client_id, site_id, path, digest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (site_id, path) DO UPDATE SET digest = excluded.digest"
                ),
                client_id,
            )
            .id(site_id)
            .text(path)
            .text(digest)
            .run(tx)
            .await?
        }
        None => {
            Statement::tenant(
                tenant!("DELETE FROM site_files WHERE client_id = $1 AND site_id = $2 AND path = $3"),
                client_id,
            )
            .id(site_id)
            .text(path)
            .run(tx)
            .await?
        }
    };
    Ok(())
}

/// The folder holds everything up to this revision.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn mark_written(
    tx: &mut Tx,
    client_id: ClientId,
    site_id: SiteId,
    seq: i64,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "UPDATE site_revisions SET written = 1 WHERE client_id = $1 AND site_id = $2 AND seq <= $3 AND written = 0"
        ),
        client_id,
    )
    .id(site_id)
    .number(seq)
    .run(tx)
    .await?;
    Ok(())
}

/// Every revision that may not have reached its folder, oldest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn unwritten(conn: &mut Conn) -> Result<Vec<Unwritten>, StoreError> {
    Statement::system(system!(
        "SELECT r.client_id, r.site_id, s.slug, r.seq FROM site_revisions r JOIN sites s ON s.id = r.site_id
         WHERE r.written = 0 ORDER BY r.site_id, r.seq",
        "the start completes what a crash left of any tenant"
    ))
    .all(conn, |row| {
        Ok(Unwritten {
            client_id: row.parsed(0)?,
            site_id: row.parsed(1)?,
            slug: row.text(2)?,
            seq: row.number(3)?,
        })
    })
    .await
}

/// The paths of the files of a revision.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn paths(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    seq: i64,
) -> Result<Vec<String>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT path FROM site_changes WHERE client_id = $1 AND site_id = $2 AND seq = $3 ORDER BY path"
        ),
        client_id,
    )
    .id(site_id)
    .number(seq)
    .all(conn, |row| row.text(0))
    .await
}

/// The files of a revision, with their texts before and after, by path.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn changes(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    seq: i64,
) -> Result<Vec<ChangedFile>, StoreError> {
    let rows = Statement::tenant(
        tenant!(
            "SELECT path, before_digest, after_digest FROM site_changes
             WHERE client_id = $1 AND site_id = $2 AND seq = $3 ORDER BY path"
        ),
        client_id,
    )
    .id(site_id)
    .number(seq)
    .all(conn, |row| Ok((row.text(0)?, row.maybe_text(1)?, row.maybe_text(2)?)))
    .await?;
    let mut files = Vec::new();
    for (path, before, after) in rows {
        files.push(ChangedFile {
            path,
            before: maybe_blob(conn, client_id, before.as_deref()).await?,
            after: maybe_blob(conn, client_id, after.as_deref()).await?,
        });
    }
    Ok(files)
}

fn read(row: &Columns<'_>) -> Result<Revision, StoreError> {
    Ok(Revision {
        id: row.parsed(0)?,
        seq: row.number(1)?,
        user_id: row.maybe_parsed(2)?,
        origin: row.code(3, Origin::from_code)?,
        message: row.text(4)?,
        reason: row.maybe_text(5)?,
        at: row.instant(6)?,
        written: row.number(7)? != 0,
    })
}

/// Up to `limit` revisions, newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn history(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Revision>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, seq, user_id, origin, message, reason, at, written FROM site_revisions
             WHERE client_id = $1 AND site_id = $2 AND ($3 = '' OR user_id = $3) AND seq < $4
             AND ($5 = '' OR seq IN (SELECT seq FROM site_changes WHERE client_id = $1 AND site_id = $2 AND path = $5))
             ORDER BY seq DESC LIMIT $6"
        ),
        client_id,
    )
    .id(site_id)
    .text(filter.user_id.map(|id| id.to_string()).unwrap_or_default())
    .number(filter.before.unwrap_or(i64::MAX))
    .text(filter.path.clone().unwrap_or_default())
    .number(limit)
    .all(conn, read)
    .await
}

/// Path → digest as they were at `instant`: the revisions after it undone, newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn state_at(
    conn: &mut Conn,
    client_id: ClientId,
    site_id: SiteId,
    instant: Timestamp,
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut files = state(conn, client_id, site_id).await?;
    let later = Statement::tenant(
        tenant!(
            "SELECT c.path, c.before_digest FROM site_changes c
             JOIN site_revisions r ON r.site_id = c.site_id AND r.seq = c.seq
             WHERE c.client_id = $1 AND c.site_id = $2 AND r.at > $3 ORDER BY c.seq DESC"
        ),
        client_id,
    )
    .id(site_id)
    .instant(instant)
    .all(conn, |row| Ok((row.text(0)?, row.maybe_text(1)?)))
    .await?;
    for (path, before) in later {
        match before {
            Some(digest) => files.insert(path, digest),
            None => files.remove(&path),
        };
    }
    Ok(files)
}

/// The texts of digests, as [`state`] and [`state_at`] give them.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn files(
    conn: &mut Conn,
    client_id: ClientId,
    state: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut texts = BTreeMap::new();
    for (path, digest) in state {
        texts.insert(path.clone(), blob(conn, client_id, digest).await?);
    }
    Ok(texts)
}
