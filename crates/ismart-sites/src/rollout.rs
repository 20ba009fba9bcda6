//! A core's new version goes out by waves: seen before it is shown, a few sites first, back by one command.
//!
//! A roll-out is a file of its own beside the sites; what a site uses stands in its own configuration and nowhere
//! else. So a roll-out that was interrupted goes on where it stopped, and a look at the files tells the truth.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use crate::answer::{Answer, PerRequest, Request};
use crate::config::SITE_TOML;
use crate::core::Core;
use crate::folder::SiteFolder;
use crate::snapshot::Snapshot;

/// A core's new version on its way to the sites that use the core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its name: core, version, moment.
    pub id: String,
    /// Name of the core.
    pub core: String,
    /// The version that goes out.
    pub to: String,
    /// When it was planned.
    pub begun: Timestamp,
    /// Who planned it.
    pub by: String,
    /// The waves in their order.
    pub waves: Vec<Wave>,
}

/// Sites that get the version together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// The sites.
    pub sites: Vec<Step>,
}

/// One site of a roll-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Name of the site's folder.
    pub site: String,
    /// The version that it had when the roll-out was planned.
    pub from: String,
    /// How far it is.
    pub state: StepState,
    /// When the state was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why it was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a site of a roll-out is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its wave has not begun.
    Waiting,
    /// It uses the new version.
    Moved,
    /// The new version would break it: it stays with its own.
    Held,
    /// It was given back what it had.
    Returned,
}

/// Why a roll-out cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// No site uses the core in another version.
    #[error("no site uses the core `{0}` in another version: there is nothing to roll out")]
    NoSite(String),
    /// A site that was named to be first is not among those that get the version.
    #[error("the site `{0}` cannot be first: it does not use the core, or has the version already")]
    NotAmong(String),
    /// The sizes of the waves are no list of numbers and shares.
    #[error(
        "the waves `{0}` cannot be read: write numbers of sites or shares, such as `1,10%,100%`, that grow to 100%"
    )]
    Waves(String),
    /// There is no such roll-out.
    #[error("there is no roll-out `{0}`")]
    Missing(String),
    /// All waves are over.
    #[error("the roll-out `{0}` has no wave left")]
    Over(String),
    /// A file could not be read or written.
    #[error(
        "{file}: {source}: check that the file exists and may be written; then do the same again, it goes on where it stopped"
    )]
    File {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of ours does not have its form.
    #[error("{file}: {reason}: mend it by hand or take it from a backup")]
    Form {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

impl Rollout {
    /// Plans waves for `sites` (name of the folder and version in use), those in `first` before all others. `sizes` is a
    /// list such as `1,10%,100%`: how many sites have the version after each wave.
    ///
    /// # Errors
    /// When there is no site to move, a site of `first` is not among them, or `sizes` cannot be read.
    pub fn plan(
        core: &str,
        to: &str,
        sites: &[(String, String)],
        first: &[String],
        sizes: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Self, RolloutError> {
        let mut order: Vec<&(String, String)> = sites.iter().filter(|(_, version)| version != to).collect();
        if order.is_empty() {
            return Err(RolloutError::NoSite(core.to_owned()));
        }
        if let Some(strange) = first.iter().find(|name| !order.iter().any(|(site, _)| site == *name)) {
            return Err(RolloutError::NotAmong(strange.clone()));
        }
        order.sort_by_key(|(site, _)| {
            (first.iter().position(|name| name == site).unwrap_or(usize::MAX), site)
        });
        let ends =
            ends(sizes, order.len(), first.len()).ok_or_else(|| RolloutError::Waves(sizes.to_owned()))?;
        let mut waves = Vec::new();
        let mut rest = order.into_iter().map(|(site, from)| Step {
            site: site.clone(),
            from: from.clone(),
            state: StepState::Waiting,
            at: None,
            reason: None,
        });
        let mut done = 0;
        for end in ends {
            let sites: Vec<Step> = rest.by_ref().take(end - done).collect();
            done = end;
            waves.push(Wave { sites });
        }
        let stamp = now.strftime("%Y%m%d-%H%M%S");
        Ok(Self {
            id: format!("{core}-{to}-{stamp}"),
            core: core.to_owned(),
            to: to.to_owned(),
            begun: now,
            by: by.to_owned(),
            waves,
        })
    }

    /// The first wave that has a site waiting, and its place.
    #[must_use]
    pub fn next(&self) -> Option<(usize, &Wave)> {
        let waiting = |wave: &Wave| wave.sites.iter().any(|step| step.state == StepState::Waiting);
        self.waves.iter().enumerate().find(|(_, wave)| waiting(wave))
    }

    /// All sites.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.waves.iter().flat_map(|wave| &wave.sites)
    }
}

/// How many sites have the version after each wave; grows to all of them.
fn ends(sizes: &str, sites: usize, first: usize) -> Option<Vec<usize>> {
    let mut ends = Vec::new();
    for size in sizes.split(',').map(str::trim) {
        let end = match size.strip_suffix('%') {
            Some(share) => {
                let share: usize = share.trim().parse().ok().filter(|share| (1..=100).contains(share))?;
                (sites * share).div_ceil(100)
            }
            None => size.parse().ok().filter(|count| *count > 0)?,
        };
        let end = end.max(if ends.is_empty() { first } else { 0 }).min(sites);
        if ends.last().is_none_or(|last| *last < end) {
            ends.push(end);
        }
    }
    (ends.last() == Some(&sites)).then_some(ends)
}

/// The folder with one file a roll-out.
#[derive(Debug, Clone)]
pub struct Rollouts {
    folder: PathBuf,
    sites: PathBuf,
}

impl Rollouts {
    /// The roll-outs in `folder` of the sites in the folder `sites`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, sites: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), sites: sites.into() }
    }

    /// All roll-outs, the newest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn all(&self) -> Result<Vec<Rollout>, RolloutError> {
        let mut all = Vec::new();
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(all) };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "json") {
                all.push(read(&path)?);
            }
        }
        all.sort_by(|a: &Rollout, b| (b.begun, &b.id).cmp(&(a.begun, &a.id)));
        Ok(all)
    }

    /// The roll-out of this id.
    ///
    /// # Errors
    /// When there is none or its file cannot be read.
    pub fn get(&self, id: &str) -> Result<Rollout, RolloutError> {
        self.all()?.into_iter().find(|one| one.id == id).ok_or_else(|| RolloutError::Missing(id.to_owned()))
    }

    /// Keeps a roll-out.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn keep(&self, rollout: &Rollout) -> Result<(), RolloutError> {
        fs::create_dir_all(&self.folder).map_err(|source| fault(&self.folder, source))?;
        let path = self.folder.join(format!("{}.json", rollout.id));
        let text = serde_json::to_string_pretty(rollout).map_err(|error| RolloutError::Form {
            file: path.display().to_string(),
            reason: error.to_string(),
        })?;
        replace(&path, &text)
    }

    /// Gives the next wave the new version: each site whose folder `sound` finds well with it; the others are held with
    /// the reason. What was done is kept site by site.
    ///
    /// # Errors
    /// When there is no wave left or a file cannot be written.
    pub fn roll(
        &self,
        id: &str,
        now: Timestamp,
        sound: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Rollout, RolloutError> {
        let mut rollout = self.get(id)?;
        let (at, _) = rollout.next().ok_or_else(|| RolloutError::Over(id.to_owned()))?;
        let count = rollout.waves.get(at).map_or(0, |wave| wave.sites.len());
        for place in 0..count {
            let to = rollout.to.clone();
            let Some(step) = rollout.waves.get_mut(at).and_then(|wave| wave.sites.get_mut(place)) else {
                break;
            };
            if step.state != StepState::Waiting {
                continue;
            }
            step.at = Some(now);
            match sound(&step.site) {
                Ok(()) => {
                    set_version(&self.sites.join(&step.site), &to)?;
                    step.state = StepState::Moved;
                }
                Err(reason) => {
                    step.state = StepState::Held;
                    step.reason = Some(reason);
                }
            }
            self.keep(&rollout)?;
        }
        Ok(rollout)
    }

    /// Gives every site that the roll-out moved the version that it had, unless something else was chosen since. Sites
    /// that wait get nothing any more.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn roll_back(&self, id: &str, now: Timestamp) -> Result<Rollout, RolloutError> {
        let mut rollout = self.get(id)?;
        let to = rollout.to.clone();
        let waves = rollout.waves.len();
        for at in 0..waves {
            let count = rollout.waves.get(at).map_or(0, |wave| wave.sites.len());
            for place in 0..count {
                let step = rollout.waves.get_mut(at).and_then(|wave| wave.sites.get_mut(place));
                let Some(step) = step else { break };
                match step.state {
                    StepState::Moved => {
                        let folder = self.sites.join(&step.site);
                        if version(&folder).as_deref() == Some(to.as_str()) {
                            set_version(&folder, &step.from)?;
                        }
                    }
                    StepState::Waiting => {}
                    StepState::Held | StepState::Returned => continue,
                }
                step.state = StepState::Returned;
                step.at = Some(now);
                self.keep(&rollout)?;
            }
        }
        Ok(rollout)
    }
}

fn fault(path: &Path, source: std::io::Error) -> RolloutError {
    RolloutError::File { file: path.display().to_string(), source }
}

fn read(path: &Path) -> Result<Rollout, RolloutError> {
    let text = fs::read_to_string(path).map_err(|source| fault(path, source))?;
    serde_json::from_str(&text)
        .map_err(|error| RolloutError::Form { file: path.display().to_string(), reason: error.to_string() })
}

/// Writes a file so that at any moment it is the old one or the new one.
fn replace(path: &Path, text: &str) -> Result<(), RolloutError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(meta) = fs::metadata(path) {
            file.as_file().set_permissions(meta.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|source| fault(path, source))
}

/// The version of the core that a site folder names.
fn version(folder: &Path) -> Option<String> {
    Some(SiteFolder::new(folder).config().ok()?.core?.version)
}

/// Writes the version into the site's configuration; everything else in the file stays as it was.
fn set_version(folder: &Path, to: &str) -> Result<(), RolloutError> {
    let path = folder.join(SITE_TOML);
    let text = fs::read_to_string(&path).map_err(|source| fault(&path, source))?;
    let form = |reason: String| RolloutError::Form { file: path.display().to_string(), reason };
    let mut document: toml_edit::DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| form(error.message().to_owned()))?;
    let core = document.get_mut("core").and_then(toml_edit::Item::as_table_like_mut);
    let core = core.ok_or_else(|| form("the table [core] is missing".to_owned()))?;
    match core.get_mut("version").and_then(toml_edit::Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = toml_edit::Value::from(to);
            *value.decor_mut() = decor;
        }
        None => {
            core.insert("version", toml_edit::value(to));
        }
    }
    replace(&path, &document.to_string())
}

/// How a page differs after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageChange {
    /// Its address.
    pub path: String,
    /// Status before and after.
    pub status: (u16, u16),
    /// Lines that came and went.
    pub lines: (usize, usize),
    /// The changed places with a line around each: ` `, `+` or `-`, then the line. Long ones are cut.
    pub places: Vec<String>,
    /// Why the page fails after the change.
    pub failure: Option<String>,
}

impl PageChange {
    /// Whether a visitor is worse off.
    #[must_use]
    pub fn breaks(&self) -> bool {
        self.status.1 > self.status.0 && self.status.1 >= 400
    }
}

/// Lines of a difference that are shown.
const SHOWN: usize = 400;

/// Characters of a line that are shown.
const WIDTH: usize = 300;

impl Snapshot {
    /// The same site over another core. Nothing of the site is read again.
    ///
    /// # Errors
    /// Faults of the core's files.
    pub fn on_core(&self, core: &Arc<Core>) -> Result<Arc<Self>, Vec<crate::Finding>> {
        let mut findings = Vec::new();
        let mut parts = self.parts().clone();
        if let Some(old) = &parts.core {
            let own =
                |name: &str, text: &Arc<str>| !old.templates.get(name).is_some_and(|o| Arc::ptr_eq(o, text));
            parts.templates.retain(|name, text| own(name, text));
        }
        for (name, text) in &core.templates {
            parts.templates.entry(name.clone()).or_insert_with(|| text.clone());
        }
        parts.files.lie_over(core.root(), &mut findings);
        if let Some(choice) = &mut parts.config.core {
            *choice = core.choice().clone();
        }
        parts.core = Some(core.clone());
        if findings.is_empty() { Ok(Arc::new(Self::new(parts))) } else { Err(findings) }
    }

    /// Whether the site works over another core; gives how its pages change.
    ///
    /// # Errors
    /// In words, what of the site would break: templates that do not compile, pages that fail.
    pub fn bears(&self, core: &Arc<Core>, now: Timestamp) -> Result<Vec<PageChange>, String> {
        let first = |findings: &[crate::Finding]| {
            findings.first().map(|one| format!("{}: {}", one.file, one.reason)).unwrap_or_default()
        };
        let after = self.on_core(core).map_err(|findings| first(&findings))?;
        if after.template_faults().len() > self.template_faults().len() {
            let new = after.template_faults().iter().filter(|fault| !self.template_faults().contains(fault));
            return Err(first(&new.cloned().collect::<Vec<_>>()));
        }
        let changes = self.changes_to(&after, now);
        match changes.iter().find(|change| change.breaks()) {
            Some(broken) => {
                let why = broken.failure.as_deref().unwrap_or("the page is gone");
                Err(format!("{} would answer {}: {why}", broken.path, broken.status.1))
            }
            None => Ok(changes),
        }
    }

    /// How the pages of this site differ from those of `after`, the same site changed; pages that are equal are left
    /// out. At `now`, with the same token and id for both, so that only the change shows.
    #[must_use]
    pub fn changes_to(&self, after: &Self, now: Timestamp) -> Vec<PageChange> {
        let mut paths: Vec<String> = self.documents().map(|document| document.url.clone()).collect();
        let further: Vec<String> = after.documents().map(|document| document.url.clone()).collect();
        paths.extend(further.into_iter().filter(|path| !paths.contains(path)).collect::<Vec<_>>());
        paths.push("/404-of-a-preview".to_owned());
        paths
            .iter()
            .filter_map(|path| change(path, &shown(self, path, now), &shown(after, path, now)))
            .collect()
    }
}

/// Status, document, failure.
type Shown = (u16, String, Option<String>);

fn shown(site: &Snapshot, path: &str, now: Timestamp) -> Shown {
    let host = site.config().hosts.first().map_or("localhost", String::as_str);
    let per_request =
        PerRequest { now, form_token: Some("preview"), request_id: Some("preview"), form_state: None };
    match site.answer(&Request { per_request, ..Request::get(host, path, now) }) {
        Answer::Page(page) => (page.status, page.html, page.failure.map(|failure| failure.to_string())),
        Answer::Redirect { status, location } => (status, location, None),
        Answer::File { .. } | Answer::NotModified { .. } => (200, String::new(), None),
        Answer::MethodNotAllowed { .. } => (405, String::new(), None),
    }
}

fn change(path: &str, before: &Shown, after: &Shown) -> Option<PageChange> {
    if before.0 == after.0 && before.1 == after.1 {
        return None;
    }
    let diff =
        TextDiff::configure().timeout(std::time::Duration::from_secs(2)).diff_lines(&before.1, &after.1);
    let (mut came, mut went) = (0, 0);
    for one in diff.iter_all_changes() {
        match one.tag() {
            ChangeTag::Insert => came += 1,
            ChangeTag::Delete => went += 1,
            ChangeTag::Equal => {}
        }
    }
    let mut places = Vec::new();
    for group in diff.grouped_ops(1) {
        for one in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match one.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            let line = one.value().trim_end();
            let cut: String = line.chars().take(WIDTH).collect();
            let more = if cut.len() < line.len() { "…" } else { "" };
            places.push(format!("{sign}{cut}{more}"));
        }
    }
    places.truncate(SHOWN);
    Some(PageChange {
        path: path.to_owned(),
        status: (before.0, after.0),
        lines: (came, went),
        places,
        failure: after.2.clone().filter(|_| after.2 != before.2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-26T10:00:00Z".parse().unwrap()
    }

    fn sites(count: usize) -> Vec<(String, String)> {
        (0..count).map(|n| (format!("s{n:02}"), "1".to_owned())).collect()
    }

    #[test]
    fn waves_grow_to_all_sites() {
        let sizes = |sizes: &str, count: usize, first: &[&str]| {
            let first: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
            let plan = Rollout::plan("dealer", "2", &sites(count), &first, sizes, "Анна", now()).unwrap();
            plan.waves.iter().map(|wave| wave.sites.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes("1,10%,100%", 47, &[]), [1, 4, 42]);
        assert_eq!(sizes("100%", 3, &[]), [3]);
        assert_eq!(sizes("1,10%,100%", 2, &[]), [1, 1]);
        assert_eq!(sizes("1,100%", 5, &["s04", "s02"]), [2, 3], "those that are named go first, together");
        let plan = Rollout::plan("dealer", "2", &sites(5), &["s04".into()], "1,100%", "Анна", now()).unwrap();
        assert_eq!(plan.waves[0].sites[0].site, "s04");
        assert_eq!(plan.id, "dealer-2-20261126-100000");
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        let plan = |sites: &[(String, String)], first: &[String], sizes: &str| {
            Rollout::plan("dealer", "1", sites, first, sizes, "", now()).unwrap_err().to_string()
        };
        assert!(
            plan(&sites(3), &[], "100%").starts_with("no site uses the core `dealer` in another version")
        );
        let old = vec![("a".to_owned(), "0".to_owned())];
        assert!(plan(&old, &["b".to_owned()], "100%").starts_with("the site `b` cannot be first"));
        for sizes in ["", "0,100%", "50%", "x", "200%", "-1,100%"] {
            let told = plan(
                &[old.clone(), vec![("b".into(), "0".into()), ("c".into(), "0".into())]].concat(),
                &[],
                sizes,
            );
            assert!(told.contains("cannot be read"), "{sizes}: {told}");
        }
    }
}
