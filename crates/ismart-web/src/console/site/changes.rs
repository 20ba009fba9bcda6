//! `/console/site/{site}/changes`: what the draft changes, what the gate says of it, and its way to visitors.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::{DrafterId, ScheduleId};
use ismart_sites::edit::{Hold, differences};
use ismart_store::editing::{self, Preview, ScheduleState};
use ismart_store::{StoreError, Tx, api_tokens, sha256_hex, users};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::findings::{self, FindingLine};
use super::super::language::Language;
use super::super::moment::When;
use super::super::seat::{Editing, Posted, Publishing, Seat, Seated};
use super::field::dotted;
use super::form::url_of;
use super::{Opened, open};
use crate::editing::{EditingError, Published, Wish};
use crate::platform::Platform;

/// How long a preview link lives.
const LINK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Fields of one file that are shown.
const FIELDS: usize = 100;
/// Characters of a value that are shown.
const SHOWN: usize = 400;
/// Scheduled publications that are shown.
const SCHEDULES: i64 = 20;

#[derive(Serialize)]
struct ChangesPage {
    files: Vec<FileChanges>,
    broken: Vec<String>,
    conflicts: Vec<ConflictLine>,
    scheduled: Vec<ScheduledLine>,
    /// Others who have drafts.
    others: Vec<String>,
    may_publish: bool,
    zone: String,
    message: String,
    reason: String,
    restores: bool,
    done: Option<String>,
    link: Option<String>,
    /// The gate was asked: its verdict.
    verdict: Option<Verdict>,
}

/// The changes of one file.
#[derive(Debug, Serialize)]
pub(super) struct FileChanges {
    path: String,
    short: String,
    url: Option<String>,
    when: Option<When>,
    /// `new`, `gone` or `changed`.
    state: &'static str,
    fields: Vec<FieldLine>,
    more: usize,
}

/// A field before and after.
#[derive(Debug, Serialize)]
pub(super) struct FieldLine {
    pointer: String,
    path: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct ConflictLine {
    short: String,
    path: String,
    base: String,
    mine: String,
    theirs: String,
}

#[derive(Serialize)]
struct ScheduledLine {
    id: String,
    when: When,
    who: String,
    message: String,
    state: &'static str,
    state_title: String,
    note: Option<String>,
    files: usize,
    waits: bool,
}

/// What the gate found.
#[derive(Serialize)]
struct Verdict {
    blocks: bool,
    warns: bool,
    blocking: Vec<HoldLine>,
    warnings: Vec<HoldLine>,
    known: Vec<HoldLine>,
}

#[derive(Serialize)]
struct HoldLine {
    short: String,
    path: String,
    #[serde(flatten)]
    finding: FindingLine,
}

/// What a file's text became, field by field.
pub(super) fn file_changes(path: &str, before: Option<&str>, after: Option<&str>) -> FileChanges {
    let read = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (old, new) = (read(before), read(after));
    let mut lines: Vec<FieldLine> = match (before, after) {
        (Some(_), Some(_)) => differences(old.as_ref(), new.as_ref())
            .into_iter()
            .map(|change| FieldLine {
                path: dotted(&change.pointer),
                before: change.before.as_ref().map(shown),
                after: change.after.as_ref().map(shown),
                pointer: change.pointer,
            })
            .collect(),
        _ => Vec::new(),
    };
    let more = lines.len().saturating_sub(FIELDS);
    lines.truncate(FIELDS);
    FileChanges {
        path: path.to_owned(),
        short: path.strip_prefix("data/json/").unwrap_or(path).to_owned(),
        url: None,
        when: None,
        state: match (before, after) {
            (None, _) => "new",
            (_, None) => "gone",
            _ => "changed",
        },
        fields: lines,
        more,
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

fn hold_line(language: Language, hold: &Hold) -> HoldLine {
    let finding = &hold.finding;
    HoldLine {
        short: finding.file.strip_prefix("data/json/").unwrap_or(&finding.file).to_owned(),
        path: finding.pointer.as_deref().map(dotted).unwrap_or_default(),
        finding: findings::line(language, finding),
    }
}

fn verdict(language: Language, gate: ismart_sites::edit::Gate) -> Verdict {
    let (blocks, warns) = (gate.blocks(), gate.warns());
    let (blocking, rest): (Vec<Hold>, Vec<Hold>) = gate.holds.into_iter().partition(|hold| hold.blocking);
    let (known, warnings): (Vec<Hold>, Vec<Hold>) = rest.into_iter().partition(|hold| hold.known);
    let lines = |holds: Vec<Hold>| holds.iter().map(|hold| hold_line(language, hold)).collect();
    Verdict { blocks, warns, blocking: lines(blocking), warnings: lines(warnings), known: lines(known) }
}

/// What the screen is asked to show beside the changes.
#[derive(Default)]
struct Extra {
    done: Option<String>,
    link: Option<String>,
    verdict: Option<Verdict>,
    message: String,
    reason: String,
    restores: bool,
}

async fn screen(
    platform: &Platform,
    seat: &Seat,
    opened: &Opened,
    extra: Extra,
) -> Result<Html<String>, Fault> {
    let teller = seat.teller(platform);
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let mut conn = platform.store.read().await?;
    let people = users::of_client(&mut conn, client_id).await?;
    let named =
        |id| people.iter().find(|user| user.id == id).map_or("—".to_owned(), |user| user.name.clone());
    let drafters = editing::drafters(&mut conn, client_id, site_id).await?;
    let scheduled = editing::schedules(&mut conn, client_id, site_id, SCHEDULES).await?;
    let keys = api_tokens::of_client(&mut conn, client_id).await?;
    drop(conn);
    let own = DrafterId::from(opened.user);
    let others = drafters.into_iter().filter(|drafted| drafted.drafter != own);
    let drafted_by = |drafter: DrafterId| {
        let person = people.iter().find(|user| drafter == user.id.into()).map(|user| user.name.clone());
        let key =
            || keys.iter().find(|key| drafter == key.id.into()).map(|key| format!("API · {}", key.name));
        person.or_else(key).unwrap_or_else(|| "—".to_owned())
    };
    let shown_site = opened.draft.shown(&opened.site);
    let differing = opened.draft.files.iter().filter(|file| file.text != file.live);
    let files = differing.map(|file| FileChanges {
        url: url_of(&shown_site, &file.path),
        when: Some(teller.when(file.updated_at)),
        ..file_changes(&file.path, file.live.as_deref(), file.text.as_deref())
    });
    let value = |value: &Option<Value>| value.as_ref().map(shown).unwrap_or_default();
    let conflicts = opened.draft.conflicts();
    let conflicts = conflicts.iter().map(|(file, conflict)| ConflictLine {
        short: file.strip_prefix("data/json/").unwrap_or(file).to_owned(),
        path: dotted(&conflict.pointer),
        base: value(&conflict.base),
        mine: value(&conflict.mine),
        theirs: value(&conflict.theirs),
    });
    let page = ChangesPage {
        files: files.collect(),
        broken: opened.draft.snapshot.as_ref().err().into_iter().flatten().map(ToString::to_string).collect(),
        conflicts: conflicts.collect(),
        scheduled: scheduled
            .into_iter()
            .map(|one| ScheduledLine {
                id: one.id.to_string(),
                when: teller.when(one.due_at),
                who: named(one.user_id),
                message: one.message,
                state: one.state.code(),
                state_title: seat.texts().find(schedule_key(one.state)).unwrap_or_default().to_owned(),
                note: one.note,
                files: one.files.len(),
                waits: one.state == ScheduleState::Waiting,
            })
            .collect(),
        others: others.map(|drafted| drafted_by(drafted.drafter)).collect(),
        may_publish: seat.may(ismart_domain::user::Right::PublishSite),
        zone: opened.site.snapshot.config().time_zone.clone(),
        message: extra.message,
        reason: extra.reason,
        restores: extra.restores,
        done: extra.done,
        link: extra.link,
        verdict: extra.verdict,
    };
    opened.screen(platform, seat, "changes", "site/changes.twig", &page).await
}

fn schedule_key(state: ScheduleState) -> &'static str {
    match state {
        ScheduleState::Waiting => "site.schedule.waiting",
        ScheduleState::Done => "site.schedule.done",
        ScheduleState::Failed => "site.schedule.failed",
        ScheduleState::Cancelled => "site.schedule.cancelled",
    }
}

/// The screen.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let texts = seat.texts();
    let done = match query.get("done") {
        Some("live") => Some(texts.get("site.changes.live").to_owned()),
        Some("waits") => Some(texts.get("site.changes.waits").to_owned()),
        Some("discarded") => Some(texts.get("site.changes.discarded").to_owned()),
        Some("restored") => Some(texts.get("site.changes.restored").to_owned()),
        _ => None,
    };
    let restores = query.get("done") == Some("restored");
    let message = if restores { texts.get("site.changes.restore_message").to_owned() } else { String::new() };
    screen(&platform, &seat, &opened, Extra { done, restores, message, ..Extra::default() }).await
}

/// The verdict of the gate, as a piece of the screen.
pub(in super::super) async fn judged(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
) -> Result<Html<String>, Fault> {
    #[derive(Serialize)]
    struct Part {
        verdict: Verdict,
    }
    let opened = open(&platform, &seat, &key).await?;
    let gate = platform.editing.judge(&opened.site, &opened.draft).await?;
    seat.part("site/gate.twig", &Part { verdict: verdict(seat.look.language, gate) })
}

/// Publishes, or keeps it for its time, or says what stands in the way.
pub(in super::super) async fn publish(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Publishing>,
) -> Result<Response, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let reason = fields.get("reason").map(str::trim).unwrap_or("").to_owned();
    let message = fields.get("message").map(str::trim).unwrap_or("").to_owned();
    let restores = fields.get("restores") == Some("1");
    let wish = Wish {
        files: fields.all().filter(|(name, _)| *name == "file").map(|(_, path)| path.to_owned()).collect(),
        message: message.chars().take(500).collect(),
        reason: Some(reason.clone()).filter(|reason| !reason.is_empty()),
        mine_stand: fields.get("mine") == Some("1"),
        at: due(&opened, fields.get("when").unwrap_or(""), fields.get("at").unwrap_or(""))?,
        restores,
    };
    let published = platform.editing.publish(&opened.site, opened.user, &opened.access, wish).await;
    let done = match published {
        Ok(Published::Live(_)) => "live",
        Ok(Published::Waits(_)) => "waits",
        Err(EditingError::Held(gate)) => {
            let verdict = Some(verdict(seat.look.language, gate));
            let extra = Extra { verdict, message, reason, restores, ..Extra::default() };
            let html = screen(&platform, &seat, &opened, extra).await?;
            return Ok((StatusCode::CONFLICT, html).into_response());
        }
        Err(EditingError::Conflicts(_)) => {
            let extra = Extra { message, reason, restores, ..Extra::default() };
            let html = screen(&platform, &seat, &opened, extra).await?;
            return Ok((StatusCode::CONFLICT, html).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Redirect::to(&format!("/console/site/{key}/changes?done={done}")).into_response())
}

/// The time of a publication in the site's zone; `None` for at once.
fn due(opened: &Opened, when: &str, at: &str) -> Result<Option<Timestamp>, Fault> {
    if when != "later" {
        return Ok(None);
    }
    let zone =
        jiff::tz::TimeZone::get(&opened.site.snapshot.config().time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let wrong = Fault::Invalid("site.fault.time");
    let local: jiff::civil::DateTime = at.parse().map_err(|_unreadable| wrong.clone())?;
    Ok(Some(local.to_zoned(zone).map_err(|_impossible| wrong)?.timestamp()))
}

/// Forgets a file of the draft, or all of it.
pub(in super::super) async fn discard(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let file = fields.get("file").filter(|file| !file.is_empty());
    platform.editing.discard(&opened.site, opened.user, file).await?;
    Ok(Redirect::to(&format!("/console/site/{key}/changes?done=discarded")))
}

/// Takes a scheduled publication back: its files return into the draft of who asks.
pub(in super::super) async fn cancel(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Publishing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let id: ScheduleId = fields.get("id").and_then(|id| id.parse().ok()).ok_or(Fault::Missing)?;
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let mut conn = platform.store.read().await?;
    let all = editing::schedules(&mut conn, client_id, site_id, i64::from(u16::MAX)).await?;
    drop(conn);
    let one = all.into_iter().find(|one| one.id == id).ok_or(Fault::Missing)?;
    let cancelled: Result<bool, StoreError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { editing::cancel_schedule(tx, client_id, site_id, id).await })
        })
        .await;
    if !cancelled? {
        return Err(Fault::Missing);
    }
    let files = one.files.into_iter().map(|file| (file.path, file.text)).collect();
    platform.editing.bring_back(&opened.site, opened.user, &opened.access, files).await?;
    Ok(Redirect::to(&format!("/console/site/{key}/changes")))
}

/// Opens a link that shows the draft to anybody who has it; with `close`, closes all of them.
pub(in super::super) async fn link(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let preview = Preview {
        client_id: opened.site.place.client_id,
        site_id: opened.site.place.site_id,
        drafter: opened.user.into(),
        expires_at: platform.env.now() + LINK,
    };
    let texts = seat.texts();
    if fields.get("close") == Some("1") {
        let closed: Result<u64, StoreError> = platform
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    editing::close_previews(tx, preview.client_id, preview.site_id, preview.drafter).await
                })
            })
            .await;
        closed?;
        let done = Some(texts.get("site.changes.links_closed").to_owned());
        return screen(&platform, &seat, &opened, Extra { done, ..Extra::default() }).await;
    }
    let token = platform.env.token();
    let digest = sha256_hex(&token);
    let kept: Result<(), StoreError> = platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { editing::open_preview(tx, &preview, &digest).await }))
        .await;
    kept?;
    let link = format!("{}://{}/console/preview/{token}/", seat.origin.scheme, seat.origin.host);
    screen(&platform, &seat, &opened, Extra { link: Some(link), ..Extra::default() }).await
}
