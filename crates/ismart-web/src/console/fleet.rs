//! `/console/fleet`: every site against every rule, and new versions of cores on their way to the sites.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_sites::{
    AREAS, Difference, Drift, Finding, PageChange, Rollout, RolloutError, Severity, Snapshot, Step,
    StepState, area_of,
};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::findings::{self, FindingLine};
use super::language::Texts;
use super::moment::{Teller, When};
use super::page::Place;
use super::plain;
use super::seat::{Everywhere, Posted, Seated};
use crate::fleet::{CameraError, Compared, Stage};
use crate::platform::Platform;

#[derive(Serialize)]
struct FleetPage {
    areas: Vec<(&'static str, String)>,
    sites: Vec<SiteLine>,
    red: String,
    rollouts: Vec<RolloutLine>,
    cores: Vec<CoreLine>,
}

#[derive(Serialize)]
struct SiteLine {
    key: String,
    name: String,
    host: String,
    core: Option<String>,
    /// Declared differences that are still right.
    declared: usize,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    area: &'static str,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct RolloutLine {
    id: String,
    core: String,
    to: String,
    by: String,
    when: When,
    moved: usize,
    waiting: usize,
    held: usize,
    returned: usize,
}

#[derive(Serialize)]
struct CoreLine {
    name: String,
    versions: Vec<String>,
    sites: usize,
}

/// Shows the fleet.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Everywhere>,
) -> Result<Html<String>, Fault> {
    let texts = seat.texts();
    let sites = sites(&platform);
    let drifts = drifts(&platform, &sites).await?;
    let now = platform.env.now();
    let lines: Vec<SiteLine> =
        sites.iter().zip(&drifts).map(|(site, drift)| line(site, drift, site.today(now))).collect();
    let red = lines.iter().filter(|line| line.cells.iter().any(|cell| cell.errors > 0)).count();
    // An area in which no site has anything is left out: a wide table of nothing is hard to read.
    let some = |area: &&&str| drifts.iter().any(|drift| drift.count(area) != (0, 0));
    let areas: Vec<&'static str> = AREAS.iter().filter(some).copied().collect();
    let lines = lines
        .into_iter()
        .map(|line| SiteLine {
            cells: line.cells.into_iter().filter(|cell| areas.contains(&cell.area)).collect(),
            ..line
        })
        .collect();
    let teller = seat.teller(&platform);
    let rollouts = platform.fleet.rollouts.all()?;
    let page = FleetPage {
        areas: areas.iter().map(|area| (*area, title(texts, "area", area))).collect(),
        red: texts.count("fleet.red", i64::try_from(red).unwrap_or(i64::MAX)),
        rollouts: rollouts.iter().map(|one| rollout_line(one, &teller)).collect(),
        cores: cores(&platform, &sites),
        sites: lines,
    };
    seat.page(&platform, Place::Fleet, texts.get("nav.fleet"), "fleet.twig", &page).await
}

/// All sites in service, by name.
fn sites(platform: &Platform) -> Vec<Arc<Snapshot>> {
    let mut sites = platform.world.load().fleet.sites().to_vec();
    sites.sort_by(|a, b| a.config().name.cmp(&b.config().name));
    sites
}

async fn drifts(platform: &Arc<Platform>, sites: &[Arc<Snapshot>]) -> Result<Vec<Arc<Drift>>, Fault> {
    let (platform, sites) = (platform.clone(), sites.to_vec());
    let now = platform.env.now();
    blocking(move || platform.fleet.drifts(&sites, now)).await
}

/// Runs what takes long off the threads that answer visitors.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(error = %error, "work of the fleet's screens ended early");
        Fault::Broken
    })
}

fn line(site: &Snapshot, drift: &Drift, today: jiff::civil::Date) -> SiteLine {
    let config = site.config();
    // A difference that nobody answers for is what makes a fleet drift: it is red, whatever visitors see of it.
    let unanswered = |finding: &&Finding| matches!(finding.rule, "core.undeclared" | "core.expired");
    let red = drift.findings.iter().filter(unanswered).count();
    let cells = AREAS.iter().map(|area| {
        let (errors, warnings) = drift.count(area);
        let red = if *area == "core" { red } else { 0 };
        Cell { area, errors: errors + red, warnings: warnings - red }
    });
    let declared = |(_, difference): &(String, Difference)| matches!(difference, Difference::Declared(_));
    SiteLine {
        key: config.site.clone(),
        name: config.name.clone(),
        host: config.hosts.first().cloned().unwrap_or_default(),
        core: config.core.as_ref().map(|core| format!("{} {}", core.name, core.version)),
        declared: site.differences(today).iter().filter(|one| declared(one)).count(),
        cells: cells.collect(),
    }
}

fn cores(platform: &Platform, sites: &[Arc<Snapshot>]) -> Vec<CoreLine> {
    let uses = |name: &str| {
        let core = |site: &&Arc<Snapshot>| site.config().core.as_ref().is_some_and(|core| core.name == name);
        sites.iter().filter(core).count()
    };
    let names = platform.fleet.cores.names();
    let line = |name: String| CoreLine {
        versions: platform.fleet.cores.versions(&name).into_iter().rev().collect(),
        sites: uses(&name),
        name,
    };
    names.into_iter().map(line).collect()
}

fn rollout_line(one: &Rollout, teller: &Teller) -> RolloutLine {
    let count = |state| one.steps().filter(|step| step.state == state).count();
    RolloutLine {
        id: one.id.clone(),
        core: one.core.clone(),
        to: one.to.clone(),
        by: one.by.clone(),
        when: teller.when(one.begun),
        moved: count(StepState::Moved),
        waiting: count(StepState::Waiting),
        held: count(StepState::Held),
        returned: count(StepState::Returned),
    }
}

#[derive(Serialize)]
struct SitePage {
    name: String,
    host: String,
    core: Option<String>,
    groups: Vec<Group>,
    differences: Vec<DifferenceLine>,
}

#[derive(Serialize)]
struct Group {
    area: &'static str,
    title: String,
    findings: Vec<FindingLine>,
    errors: usize,
}

#[derive(Serialize)]
struct DifferenceLine {
    template: String,
    title: String,
    tone: &'static str,
    owner: String,
    reason: String,
    expires: String,
}

/// `GET /console/fleet/sites/{site}`: what one site has against the rules.
pub(super) async fn site(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Seated(seat, ..): Seated<Everywhere>,
) -> Result<Html<String>, Fault> {
    let sites = sites(&platform);
    let at = sites.iter().position(|site| site.config().site == key).ok_or(Fault::Missing)?;
    let drifts = drifts(&platform, &sites).await?;
    let (Some(site), Some(drift)) = (sites.get(at), drifts.get(at)) else { return Err(Fault::Missing) };
    let texts = seat.texts();
    let groups = AREAS.iter().filter_map(|area| {
        let own = drift.findings.iter().filter(|finding| area_of(finding.rule) == *area);
        let findings: Vec<FindingLine> = own.map(|found| findings::line(texts.language(), found)).collect();
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let heading = title(texts, "area", area);
        (!findings.is_empty()).then_some(Group { area, title: heading, findings, errors })
    });
    let differences = site.differences(site.today(platform.env.now()));
    let page = SitePage {
        name: site.config().name.clone(),
        host: site.config().hosts.first().cloned().unwrap_or_default(),
        core: site.config().core.as_ref().map(|core| format!("{} {}", core.name, core.version)),
        groups: groups.collect(),
        differences: differences.into_iter().map(|(name, one)| difference_line(texts, name, one)).collect(),
    };
    seat.page(&platform, Place::Fleet, site.config().name.clone(), "fleet_site.twig", &page).await
}

fn difference_line(texts: &Texts, template: String, difference: Difference) -> DifferenceLine {
    let (state, tone, declared) = match difference {
        Difference::Declared(one) => ("declared", "good", Some(one)),
        Difference::Expired(one) => ("expired", "bad", Some(one)),
        Difference::Undeclared => ("undeclared", "bad", None),
        Difference::Same => ("same", "busy", None),
    };
    let of = |part: fn(&ismart_sites::Override) -> String| declared.as_ref().map(part).unwrap_or_default();
    DifferenceLine {
        template,
        title: title(texts, "difference", state),
        tone,
        owner: of(|one| one.owner.clone()),
        reason: of(|one| one.reason.clone()),
        expires: of(|one| one.expires.to_string()),
    }
}

/// `POST /console/fleet/check`: everything is checked anew.
pub(super) async fn check(
    State(platform): State<Arc<Platform>>,
    Posted { .. }: Posted<Everywhere>,
) -> Result<Redirect, Fault> {
    platform.fleet.forget();
    Ok(Redirect::to("/console/fleet"))
}

/// `POST /console/fleet/plan`: a roll-out is planned; nothing changes yet.
pub(super) async fn plan(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Everywhere>,
) -> Result<Redirect, Fault> {
    let (core, to) = (fields.get("core").unwrap_or_default(), fields.get("to").unwrap_or_default());
    if !platform.fleet.cores.versions(core).iter().any(|version| version == to) {
        return Err(Fault::Invalid("fleet.fault.version"));
    }
    let uses = sites(&platform).into_iter().filter_map(|site| {
        let choice = site.config().core.clone().filter(|choice| choice.name == core)?;
        Some((folder(&site)?, choice.version))
    });
    let uses: Vec<(String, String)> = uses.collect();
    let first: Vec<String> = fields
        .get("first")
        .unwrap_or_default()
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let waves = fields.get("waves").unwrap_or("1,10%,100%");
    let by = seat.session.user.name.clone();
    let planned = Rollout::plan(core, to, &uses, &first, waves, &by, platform.env.now())?;
    platform.fleet.rollouts.keep(&planned)?;
    Ok(Redirect::to(&format!("/console/fleet/rollouts/{}", planned.id)))
}

/// The text of a code of the fleet's screens.
fn title(texts: &Texts, kind: &str, code: &str) -> String {
    plain::named(texts, "fleet", &format!("{kind}.{code}"))
}

fn state(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Moved => "moved",
        StepState::Held => "held",
        StepState::Returned => "returned",
    }
}

/// The name of a site's folder.
fn folder(site: &Snapshot) -> Option<String> {
    Some(site.root().file_name()?.to_str()?.to_owned())
}

#[derive(Serialize)]
struct RolloutPage {
    line: RolloutLine,
    waves: Vec<WaveView>,
    /// Number of the next wave, and how many sites it has.
    next: Option<(usize, usize)>,
    can_return: bool,
    /// Sites that a wave found to break.
    held: usize,
}

#[derive(Serialize)]
struct WaveView {
    number: usize,
    sites: Vec<StepView>,
}

#[derive(Serialize)]
struct StepView {
    site: String,
    from: String,
    title: String,
    tone: &'static str,
    when: Option<When>,
    reason: Option<String>,
}

/// `GET /console/fleet/rollouts/{id}`.
pub(super) async fn rollout(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Seated(seat, ..): Seated<Everywhere>,
) -> Result<Html<String>, Fault> {
    let one = platform.fleet.rollouts.get(&id)?;
    let teller = seat.teller(&platform);
    let step = |step: &Step| StepView {
        site: step.site.clone(),
        from: step.from.clone(),
        title: title(seat.texts(), "state", state(step.state)),
        tone: match step.state {
            StepState::Waiting => "",
            StepState::Moved => "good",
            StepState::Held => "bad",
            StepState::Returned => "busy",
        },
        when: step.at.map(|at| teller.when(at)),
        reason: step.reason.clone(),
    };
    let waves = one.waves.iter().enumerate();
    let line = rollout_line(&one, &teller);
    let page = RolloutPage {
        waves: waves
            .map(|(at, wave)| WaveView { number: at + 1, sites: wave.sites.iter().map(step).collect() })
            .collect(),
        next: one.next().map(|(at, wave)| (at + 1, wave.sites.len())),
        can_return: line.moved + line.waiting > 0,
        held: line.held,
        line,
    };
    let title = format!("{} {}", one.core, one.to);
    seat.page(&platform, Place::Fleet, title, "rollout.twig", &page).await
}

/// `POST /console/fleet/rollouts/{id}/roll`: the next wave.
pub(super) async fn roll(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { .. }: Posted<Everywhere>,
) -> Result<Redirect, Fault> {
    let to = format!("/console/fleet/rollouts/{id}");
    let room = platform.clone();
    blocking(move || {
        let one = room.fleet.rollouts.get(&id)?;
        let choice = ismart_sites::CoreChoice { name: one.core.clone(), version: one.to.clone() };
        let now = room.env.now();
        let sites = sites(&room);
        room.fleet.rollouts.roll(&id, now, |name| {
            let core = room.fleet.cores.get(&choice).map_err(|findings| {
                findings.first().map_or_else(String::new, |finding| finding.reason.clone())
            })?;
            let site = sites.iter().find(|site| folder(site).as_deref() == Some(name));
            let site = site.ok_or_else(|| "the site is not in service".to_owned())?;
            site.bears(&core, now).map(drop)
        })
    })
    .await??;
    platform.fleet.changed.notify_one();
    Ok(Redirect::to(&to))
}

/// `POST /console/fleet/rollouts/{id}/back`: every site gets what it had.
pub(super) async fn back(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { .. }: Posted<Everywhere>,
) -> Result<Redirect, Fault> {
    let to = format!("/console/fleet/rollouts/{id}");
    let room = platform.clone();
    blocking(move || room.fleet.rollouts.roll_back(&id, room.env.now())).await??;
    platform.fleet.changed.notify_one();
    Ok(Redirect::to(&to))
}

#[derive(Serialize)]
struct PreviewPage {
    line: RolloutLine,
    site: String,
    name: String,
    from: String,
    changes: Vec<ChangeView>,
    /// What stands against the new version.
    fault: Option<String>,
    camera: bool,
    /// Code and title of each picture.
    sides: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct ChangeView {
    #[serde(flatten)]
    change: PageChange,
    /// The path as part of an address.
    encoded: String,
}

/// The site of a roll-out before and after.
struct Pair {
    rollout: Rollout,
    from: String,
    before: Arc<Snapshot>,
    after: Arc<Snapshot>,
}

fn pair(platform: &Platform, id: &str, name: &str) -> Result<Pair, Fault> {
    let rollout = platform.fleet.rollouts.get(id)?;
    let step = rollout.steps().find(|step| step.site == name).ok_or(Fault::Missing)?;
    let from = step.from.clone();
    let sites = sites(platform);
    let site = sites.iter().find(|site| folder(site).as_deref() == Some(name)).ok_or(Fault::Missing)?;
    let over = |version: &str| {
        let choice = ismart_sites::CoreChoice { name: rollout.core.clone(), version: version.to_owned() };
        let core = platform.fleet.cores.get(&choice);
        core.and_then(|core| site.on_core(&core)).map_err(|findings| {
            let reason = findings.first().map(|finding| finding.reason.as_str()).unwrap_or_default();
            tracing::warn!(site = name, version, reason, "a version of a core cannot be shown");
            Fault::Invalid("fleet.fault.core")
        })
    };
    let (before, after) = (over(&from)?, over(&rollout.to)?);
    Ok(Pair { from, before, after, rollout })
}

/// `GET /console/fleet/rollouts/{id}/sites/{site}`: what the new version changes on a site.
pub(super) async fn preview(
    State(platform): State<Arc<Platform>>,
    Path((id, name)): Path<(String, String)>,
    Seated(seat, ..): Seated<Everywhere>,
) -> Result<Html<String>, Fault> {
    let (room, site) = (platform.clone(), name.clone());
    let (pair, changes, fault) = blocking(move || {
        let pair = pair(&room, &id, &site)?;
        let now = room.env.now();
        let fault = match pair.after.core() {
            Some(core) => pair.before.bears(core, now).err(),
            None => None,
        };
        let changes = pair.before.changes_to(&pair.after, now);
        Ok::<_, Fault>((pair, changes, fault))
    })
    .await??;
    let view = |change: PageChange| ChangeView { encoded: super::local::encoded(&change.path), change };
    let page = PreviewPage {
        line: rollout_line(&pair.rollout, &seat.teller(&platform)),
        name: pair.before.config().name.clone(),
        from: pair.from,
        changes: changes.into_iter().map(view).collect(),
        fault,
        camera: platform.fleet.camera.is_some(),
        sides: ["before", "after", "difference"].map(|side| (side, title(seat.texts(), "side", side))).into(),
        site: name,
    };
    seat.page(&platform, Place::Fleet, page.name.clone(), "rollout_site.twig", &page).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Shot {
    path: String,
    side: Side,
    #[serde(default)]
    phone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Before,
    After,
    Difference,
}

/// `GET /console/fleet/rollouts/{id}/sites/{site}/picture`: a page before, after, or what differs, as the browser of
/// this machine shows it.
pub(super) async fn picture(
    State(platform): State<Arc<Platform>>,
    Path((id, name)): Path<(String, String)>,
    Query(shot): Query<Shot>,
    Seated(..): Seated<Everywhere>,
) -> Result<Response, Fault> {
    let camera = platform.fleet.camera.clone().ok_or(Fault::Missing)?;
    if !shot.path.starts_with('/') {
        return Err(Fault::Missing);
    }
    let room = platform.clone();
    let pair = blocking(move || pair(&room, &id, &name)).await??;
    let (width, height) = if shot.phone { (390, 1600) } else { (1280, 1600) };
    let take = async |site: &Arc<Snapshot>| {
        let stage = Stage::open(site.clone()).await?;
        camera.shoot(&stage.url(&shot.path), width, height).await
    };
    let png = match shot.side {
        Side::Before => take(&pair.before).await?,
        Side::After => take(&pair.after).await?,
        Side::Difference => {
            let (before, after) = (take(&pair.before).await?, take(&pair.after).await?);
            blocking(move || Compared::of(&before, &after)).await??.picture
        }
    };
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=300")];
    Ok((headers, png).into_response())
}

impl From<RolloutError> for Fault {
    fn from(error: RolloutError) -> Self {
        match &error {
            RolloutError::NoSite(_) => Self::Invalid("fleet.fault.no_site"),
            RolloutError::NotAmong(_) => Self::Invalid("fleet.fault.not_among"),
            RolloutError::Waves(_) => Self::Invalid("fleet.fault.waves"),
            RolloutError::Over(_) => Self::Invalid("fleet.fault.over"),
            RolloutError::Missing(_) => Self::Missing,
            RolloutError::File { .. } | RolloutError::Form { .. } => {
                tracing::error!(error = %error, "a roll-out stopped");
                Self::Invalid("fleet.fault.files")
            }
        }
    }
}

impl From<CameraError> for Fault {
    fn from(error: CameraError) -> Self {
        tracing::error!(error = %error, "no picture was taken");
        Self::Invalid("fleet.fault.camera")
    }
}
