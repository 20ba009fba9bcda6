//! `/console/site/{site}/history`: who changed what, and the way back: of a field, of a file, of the whole site.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use ismart_domain::UserId;
use ismart_sites::edit::Op;
use ismart_store::editing::{self, Filter, Origin, Revision};
use ismart_store::users;
use serde::Serialize;
use serde_json::Value;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::local::encoded;
use super::super::moment::When;
use super::super::seat::{Editing, Posted, Seated};
use super::changes::{FileChanges, file_changes};
use super::{Opened, open};
use crate::platform::Platform;

/// Revisions of one page.
const SHOWN: i64 = 50;

#[derive(Serialize)]
struct HistoryPage {
    revisions: Vec<RevisionLine>,
    people: Vec<(String, String, bool)>,
    path: String,
    older: Option<String>,
    zone: String,
}

#[derive(Debug, Serialize)]
struct RevisionLine {
    seq: i64,
    when: When,
    who: String,
    origin: &'static str,
    message: String,
    reason: Option<String>,
    files: Vec<String>,
    more: usize,
}

fn origin_key(origin: Origin) -> &'static str {
    match origin {
        Origin::Console => "site.origin.console",
        Origin::Folder => "site.origin.folder",
        Origin::Restore => "site.origin.restore",
        Origin::Schedule => "site.origin.schedule",
    }
}

/// Files of a revision that are named in the list.
const NAMED: usize = 6;

/// The list, with its filters.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    platform.editing.observe(&opened.site).await?;
    let query = Fields::new(query);
    let user: Option<UserId> = query.get("user").and_then(|id| id.parse().ok());
    let path = query.get("file").map(str::trim).unwrap_or("").to_owned();
    let filter = Filter {
        user_id: user,
        path: Some(path.clone()).filter(|path| !path.is_empty()),
        before: query.get("before").and_then(|n| n.parse().ok()),
    };
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let mut conn = platform.store.read().await?;
    let people = users::of_client(&mut conn, client_id).await?;
    let found = editing::history(&mut conn, client_id, site_id, &filter, SHOWN).await?;
    let full = i64::try_from(found.len()).unwrap_or(0) == SHOWN;
    let last = found.last().map(|revision| revision.seq);
    let texts = seat.texts();
    let teller = seat.teller(&platform);
    let mut revisions = Vec::new();
    for revision in found {
        let files = editing::paths(&mut conn, client_id, site_id, revision.seq).await?;
        let who = revision.user_id.and_then(|id| people.iter().find(|user| user.id == id));
        revisions.push(RevisionLine {
            seq: revision.seq,
            when: teller.when(revision.at),
            who: who.map(|user| user.name.clone()).unwrap_or_default(),
            origin: texts.find(origin_key(revision.origin)).unwrap_or_default(),
            message: told(&revision),
            reason: revision.reason,
            more: files.len().saturating_sub(NAMED),
            files: files.into_iter().take(NAMED).map(short).collect(),
        });
    }
    drop(conn);
    let older = last.filter(|_| full).map(|seq| {
        let user = user.map(|id| id.to_string()).unwrap_or_default();
        format!("/console/site/{key}/history?before={seq}&user={user}&file={}", encoded(&path))
    });
    let page = HistoryPage {
        revisions,
        people: people
            .iter()
            .map(|one| (one.id.to_string(), one.name.clone(), Some(one.id) == user))
            .collect(),
        path,
        older,
        zone: opened.site.snapshot.config().time_zone.clone(),
    };
    opened.screen(&platform, &seat, "history", "site/history.twig", &page).await
}

/// What was said of a revision; those from the folder carry a word for machines.
fn told(revision: &Revision) -> String {
    if revision.origin == Origin::Folder { String::new() } else { revision.message.clone() }
}

fn short(path: String) -> String {
    path.strip_prefix("data/json/").map_or(path.clone(), str::to_owned)
}

#[derive(Serialize)]
struct RevisionPage {
    line: RevisionLine,
    files: Vec<FileChanges>,
    at: String,
}

/// One revision, field by field.
pub(in super::super) async fn revision(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path((key, seq)): Path<(String, i64)>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let mut conn = platform.store.read().await?;
    let before = Filter { before: Some(seq.saturating_add(1)), ..Filter::default() };
    let found = editing::history(&mut conn, client_id, site_id, &before, 1).await?;
    let revision = found.into_iter().find(|one| one.seq == seq).ok_or(Fault::Missing)?;
    let people = users::of_client(&mut conn, client_id).await?;
    let changed = editing::changes(&mut conn, client_id, site_id, seq).await?;
    drop(conn);
    let who = revision.user_id.and_then(|id| people.iter().find(|user| user.id == id));
    let files = changed.iter().map(|f| file_changes(&f.path, f.before.as_deref(), f.after.as_deref()));
    let page = RevisionPage {
        files: files.collect(),
        at: revision.at.to_string(),
        line: RevisionLine {
            seq,
            when: seat.teller(&platform).when(revision.at),
            who: who.map(|user| user.name.clone()).unwrap_or_default(),
            origin: seat.texts().find(origin_key(revision.origin)).unwrap_or_default(),
            message: told(&revision),
            reason: revision.reason,
            files: Vec::new(),
            more: 0,
        },
    };
    opened.screen(&platform, &seat, "history", "site/revision.twig", &page).await
}

/// Brings an earlier state into the draft: one field (`seq`, `file`, `at`), one file (`seq`, `file`), or the whole site
/// (`moment`, in the site's zone, or `instant`).
pub(in super::super) async fn restore(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    if let Some(seq) = fields.get("seq").and_then(|seq| seq.parse::<i64>().ok()) {
        let file = fields.get("file").ok_or(Fault::Missing)?;
        let mut conn = platform.store.read().await?;
        let changed = editing::changes(&mut conn, client_id, site_id, seq).await?;
        drop(conn);
        let one = changed.into_iter().find(|one| one.path == file).ok_or(Fault::Missing)?;
        match fields.get("at").filter(|at| !at.is_empty()) {
            Some(pointer) => bring_field(&platform, &opened, file, pointer, one.before.as_deref()).await?,
            None => {
                let files = BTreeMap::from([(one.path, one.before)]);
                platform.editing.bring_back(&opened.site, opened.user, &opened.access, files).await?;
            }
        }
    } else {
        let instant = moment(&opened, &fields)?;
        let files = platform.editing.as_of(&opened.site, instant).await?;
        platform.editing.bring_back(&opened.site, opened.user, &opened.access, files).await?;
    }
    Ok(Redirect::to(&format!("/console/site/{key}/changes?done=restored")))
}

fn moment(opened: &Opened, fields: &Fields) -> Result<jiff::Timestamp, Fault> {
    let wrong = || Fault::Invalid("site.fault.time");
    if let Some(instant) = fields.get("instant") {
        return instant.parse().map_err(|_unreadable| wrong());
    }
    let zone =
        jiff::tz::TimeZone::get(&opened.site.snapshot.config().time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let text = fields.get("moment").unwrap_or("");
    let local: jiff::civil::DateTime = text.parse().map_err(|_unreadable| wrong())?;
    // A person who names a minute means its end.
    let end = local.to_zoned(zone).map_err(|_impossible| wrong())?.timestamp();
    Ok(end + jiff::SignedDuration::from_secs(59))
}

async fn bring_field(
    platform: &Platform,
    opened: &Opened,
    file: &str,
    pointer: &str,
    before: Option<&str>,
) -> Result<(), Fault> {
    let old = before.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let op = match old.as_ref().and_then(|old| old.pointer(pointer)) {
        Some(value) => Op::Set { pointer: pointer.to_owned(), value: value.clone() },
        None => Op::Remove { pointer: pointer.to_owned() },
    };
    platform.editing.change(&opened.site, opened.user, &opened.access, file, &[op]).await?;
    Ok(())
}
