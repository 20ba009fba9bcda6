//! Content of sites: revisions, drafts, scheduled publications, preview links and grants. See
//! `editing.contract.md`.
//!
//! Texts of files are kept once each, by their SHA-256. A revision is written in one transaction and then brought
//! into the site folder by the caller, who says so with [`mark_written`]; what a crash left in between is found by
//! [`unwritten`].

mod drafts;
mod grants;
mod previews;
mod revisions;
mod schedules;

pub use drafts::{DraftFile, Drafted, drafters, drafts, drop_draft, put_draft};
pub use grants::{Grant, grants, grants_of, put_grant, revoke_grants};
pub use previews::{Preview, close_previews, open_preview, preview};
pub use revisions::{
    ChangedFile, Filter, NewRevision, Origin, Revision, Unwritten, changes, files, history, mark_written,
    paths, record, state, state_at, text, unwritten,
};
pub use schedules::{
    ScheduleState, Scheduled, ScheduledFile, cancel_schedule, due_schedules, end_schedule, put_schedule,
    schedules,
};

use ismart_domain::ClientId;

use crate::digest::sha256_hex;
use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// Keeps a text; gives its digest.
async fn put_blob(tx: &mut Tx, client_id: ClientId, content: &str) -> Result<String, StoreError> {
    let digest = sha256_hex(content);
    Statement::tenant(
        tenant!(
            "INSERT INTO site_blobs (client_id, digest, content) VALUES ($1, $2, $3)
             ON CONFLICT (client_id, digest) DO NOTHING"
        ),
        client_id,
    )
    .text(&digest)
    .text(content)
    .run(tx)
    .await?;
    Ok(digest)
}

/// The text of a digest.
async fn blob(conn: &mut Conn, client_id: ClientId, digest: &str) -> Result<String, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT content FROM site_blobs WHERE client_id = $1 AND digest = $2"),
        client_id,
    )
    .text(digest)
    .first(conn, |row| row.text(0))
    .await?;
    found.ok_or_else(|| StoreError::Corrupt {
        what: format!("site_blobs {digest}"),
        why: "a revision names a text that is not there".into(),
    })
}

async fn maybe_blob(
    conn: &mut Conn,
    client_id: ClientId,
    digest: Option<&str>,
) -> Result<Option<String>, StoreError> {
    match digest {
        Some(digest) => Ok(Some(blob(conn, client_id, digest).await?)),
        None => Ok(None),
    }
}
