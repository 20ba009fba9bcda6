//! `GET /console/worker`: the workers of the client's sites, what they achieved, and their switch.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use ismart_domain::user::Right;
use ismart_domain::{EventBody, SiteId};
use ismart_store::clients::{self, SiteRow};
use ismart_store::events::{self, Scope};
use ismart_store::{Conn, StoreError, Tx, conversations};
use ismart_workers::desk::Workplace;
use serde::Serialize;

use super::Room;
use super::dashboard::choices;
use super::fault::Fault;
use super::moment;
use super::page::Place;
use super::period::{self, Choice, Period};
use super::plain;
use super::seat::{Figures, Posted, Seat, Seated, Steering};
use super::worker_log::{WorkerFigures, WorkerLog};
use crate::platform::Platform;

#[derive(Serialize)]
struct WorkersPage {
    periods: Vec<Choice>,
    workers: Vec<WorkerView>,
    may_steer: bool,
}

#[derive(Serialize)]
struct WorkerView {
    site_id: String,
    site: String,
    name: String,
    title: String,
    kind: String,
    avatar: Option<String>,
    greeting: String,
    /// What the package says of itself.
    facts: Vec<(&'static str, String)>,
    active: bool,
    figures: Vec<Figure>,
    pilot: Option<PilotHint>,
}

/// How pages of another server get this chat.
#[derive(Serialize)]
struct PilotHint {
    line: String,
    /// The origins whose pages are let in.
    origins: Vec<String>,
}

#[derive(Serialize)]
struct Figure {
    title: &'static str,
    value: String,
    /// What the figure means, where the title does not say all.
    note: &'static str,
}

/// Shows the workers.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Extension(room): Extension<Arc<Room>>,
    Seated(seat, ..): Seated<Figures>,
    Query(asked): Query<period::Asked>,
) -> Result<Html<String>, Fault> {
    let teller = seat.teller(&platform);
    let period = asked.period(teller.now, &teller.zone);
    let log = room.worker_logs.of(seat.client.id);
    let mut log = log.lock().await;
    let mut conn = platform.store.read().await?;
    log.catch_up(&mut conn, seat.client.id).await?;
    let mut workers = Vec::new();
    for site in clients::sites(&mut conn, seat.client.id).await? {
        workers.extend(view(&mut conn, &platform, &seat, &log, site, period).await?);
    }
    drop(conn);
    let page = WorkersPage {
        periods: choices(&seat, period.days),
        workers,
        may_steer: seat.may(Right::SteerWorker),
    };
    let title = seat.texts().get("nav.worker");
    seat.page(&platform, Place::Worker, title, "worker.twig", &page).await
}

/// The worker of a site, if the site employs one.
async fn view(
    conn: &mut Conn,
    platform: &Platform,
    seat: &Seat,
    log: &WorkerLog,
    site: SiteRow,
    period: Period,
) -> Result<Option<WorkerView>, StoreError> {
    let Some(place) = platform.desk.workplace(site.id) else { return Ok(None) };
    let face = place.face(seat.look.language.code());
    let package = place.worker_name();
    let active = conversations::worker_active(conn, seat.client.id, site.id, &package).await?;
    // A picture of the site has an address of the site, which the console's policy does not let in.
    let avatar = face.avatar.filter(|address| address.starts_with("data:image/"));
    Ok(Some(WorkerView {
        site_id: site.id.to_string(),
        site: site.name,
        name: if face.name.is_empty() { package.clone() } else { face.name },
        title: face.title,
        kind: face.kind,
        avatar,
        greeting: face.greeting,
        facts: facts(seat, &place),
        active,
        pilot: pilot(platform, seat, &site.slug),
        figures: figures(seat, &log.figures(site.id, period)),
    }))
}

/// The line for pages of another server, and whose pages may hold it.
fn pilot(platform: &Platform, seat: &Seat, slug: &str) -> Option<PilotHint> {
    let (site, _) = platform.site_of_key(slug)?;
    let named = crate::pilot::origins(site.config()).map(str::to_owned);
    let hosts = site.config().hosts.iter().map(|host| format!("https://{host}"));
    Some(PilotHint {
        line: crate::pilot::line(&seat.origin.base(), slug),
        origins: named.chain(hosts).collect(),
    })
}

/// What the worker's package says of itself.
fn facts(seat: &Seat, place: &Workplace) -> Vec<(&'static str, String)> {
    let texts = seat.texts();
    let manifest = &place.worker.package().manifest;
    let level = plain::named(texts, "worker", &format!("level_{}", manifest.autonomy_level));
    let tools: Vec<String> = manifest.tools.iter().map(|tool| plain::named(texts, "tool", tool)).collect();
    let languages: Vec<String> =
        manifest.languages.iter().map(|code| plain::named(texts, "language", code)).collect();
    vec![
        (texts.get("worker.package"), manifest.name.clone()),
        (texts.get("worker.version"), manifest.version.clone()),
        (texts.get("worker.autonomy"), format!("{}: {level}", manifest.autonomy_level)),
        (texts.get("worker.tools"), tools.join(", ")),
        (texts.get("worker.languages"), languages.join(", ")),
    ]
}

fn figures(seat: &Seat, found: &WorkerFigures) -> Vec<Figure> {
    let texts = seat.texts();
    let language = seat.look.language;
    let figure = |title, value: String, note: Option<&'static str>| Figure {
        title: texts.get(title),
        value,
        note: note.map_or("", |note| texts.get(note)),
    };
    let took = |micros: Option<u64>| {
        micros.map_or_else(|| "—".to_owned(), |micros| moment::millis(language, micros))
    };
    let alone = moment::tenths(found.alone, found.dialogues);
    let alone = alone.map_or_else(|| "—".to_owned(), |tenths| moment::percent(language, tenths));
    vec![
        figure("worker.dialogues", seat.number(found.dialogues), None),
        figure("worker.turns", seat.number(found.turns), None),
        figure("worker.leads", seat.number(found.leads), None),
        figure("worker.alone", alone, Some("worker.alone_note")),
        figure("worker.handovers", seat.number(found.handovers), None),
        figure("worker.median", took(found.median_us), Some("worker.time_note")),
        figure("worker.p95", took(found.p95_us), Some("worker.time_note")),
    ]
}

/// `POST /console/worker/{site}/switch`: pauses or resumes the worker of a site.
pub(super) async fn switch(
    State(platform): State<Arc<Platform>>,
    Path(site): Path<String>,
    Posted { seat, fields, .. }: Posted<Steering>,
) -> Result<Redirect, Fault> {
    let site_id: SiteId = site.parse().or(Err(Fault::Missing))?;
    let client_id = seat.client.id;
    let place =
        platform.desk.workplace(site_id).filter(|p| p.client_id == client_id).ok_or(Fault::Missing)?;
    let active = match fields.get("active") {
        Some("1") => true,
        Some("0") => false,
        _ => return Err(Fault::Invalid("fault.invalid.form")),
    };
    let (worker, user_id) = (place.worker_name(), seat.session.user.id);
    let trace_id = platform.env.new_id();
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let before = conversations::worker_active(tx, client_id, site_id, &worker).await?;
                if before == active {
                    return Ok(());
                }
                conversations::switch_worker(tx, client_id, site_id, &worker, active, user_id).await?;
                let scope = Scope { client_id, site_id: Some(site_id), trace_id };
                events::append(tx, scope, EventBody::WorkerSwitched { worker, active, user_id }).await
            })
        })
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    Ok(Redirect::to("/console/worker"))
}
