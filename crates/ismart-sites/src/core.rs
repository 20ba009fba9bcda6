//! Templates and files that many sites share: a core has a name and versions, a site names the version that it uses
//! and may lie its own file over the core's, if it says who wants that, why, and until when.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::SITE_TOML;
use crate::files::walk;
use crate::finding::Finding;
use crate::folder::read_templates;
use crate::snapshot::Snapshot;

/// `[core]` of site.toml: what the site is built on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreChoice {
    /// Name of the core: a folder of the fleet's cores.
    pub name: String,
    /// Version: a folder in that folder.
    pub version: String,
}

/// `[overrides."<template>"]` of site.toml: a difference from the core that somebody answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The template, relative to `templates/`.
    pub template: String,
    /// Who answers for it.
    pub owner: String,
    /// Why the site differs.
    pub reason: String,
    /// The last day on which it is right.
    pub expires: Date,
}

/// One version of a core, read whole.
#[derive(Debug)]
pub struct Core {
    choice: CoreChoice,
    root: PathBuf,
    print: u64,
    pub(crate) templates: BTreeMap<String, Arc<str>>,
}

impl Core {
    fn load(cores: &Path, choice: &CoreChoice) -> Result<Self, Vec<Finding>> {
        let root = cores.join(&choice.name).join(&choice.version);
        let mut findings = Vec::new();
        let print = print(&root);
        let templates = read_templates(&root, &mut findings);
        if findings.is_empty() {
            Ok(Self { choice: choice.clone(), root, print, templates })
        } else {
            Err(findings)
        }
    }

    /// Name and version.
    #[must_use]
    pub fn choice(&self) -> &CoreChoice {
        &self.choice
    }

    /// Where its files lie.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Changes with any of its files.
    #[must_use]
    pub fn print(&self) -> u64 {
        self.print
    }
}

fn print(root: &Path) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    let mut unread = Vec::new();
    for sub in ["assets", "public", "templates"] {
        for found in walk(root, sub, &mut unread) {
            found.print(&mut hasher);
        }
    }
    unread.len().hash(&mut hasher);
    hasher.finish()
}

/// The folder of all cores: `<name>/<version>/{templates,assets,public}`. A version is read once and shared by all
/// sites that use it.
#[derive(Debug, Default)]
pub struct Cores {
    folder: PathBuf,
    read: Mutex<HashMap<(String, String), Arc<Core>>>,
}

impl Cores {
    /// The cores under `folder`, which need not exist while no site names one.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), read: Mutex::default() }
    }

    /// The core of a choice; read again when its files changed.
    ///
    /// # Errors
    /// When there is no such core or version (naming those that there are), and every fault of its files.
    pub fn get(&self, choice: &CoreChoice) -> Result<Arc<Core>, Vec<Finding>> {
        let key = (choice.name.clone(), choice.version.clone());
        let root = self.folder.join(&choice.name).join(&choice.version);
        if !plain(&choice.name) || !plain(&choice.version) || !root.is_dir() {
            let known = self.versions(&choice.name);
            let fix = match (known.is_empty(), self.names()) {
                (false, _) => format!("use one of its versions: {}", known.join(", ")),
                (true, names) if names.is_empty() => {
                    format!("put it to {}, or remove [core]", root.display())
                }
                (true, names) => format!("use one of: {}", names.join(", ")),
            };
            let reason = format!("there is no core `{}` of version `{}`", choice.name, choice.version);
            return Err(vec![Finding::error("core.missing", SITE_TOML, reason, fix)]);
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(core) = read.get(&key).filter(|core| core.print == print(&root)) {
            return Ok(core.clone());
        }
        let core = Arc::new(Core::load(&self.folder, choice)?);
        read.insert(key, core.clone());
        Ok(core)
    }

    /// The names of all cores, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = folders(&self.folder);
        names.sort();
        names
    }

    /// The versions of a core, the oldest first: numbers are compared as numbers.
    #[must_use]
    pub fn versions(&self, name: &str) -> Vec<String> {
        let mut versions = if plain(name) { folders(&self.folder.join(name)) } else { Vec::new() };
        versions.sort_by_cached_key(|version| order(version));
        versions
    }
}

/// Whether a word can be the name of a folder and nothing else.
fn plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn folders(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| plain(name)).collect()
}

/// `1.10` after `1.9`; a version with letters after its numbers (`1.0-beta`) before the one without.
fn order(version: &str) -> (Vec<u64>, bool, String) {
    let (numbers, rest) = version.split_once('-').unwrap_or((version, ""));
    let numbers = numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    (numbers, rest.is_empty(), rest.to_owned())
}

/// How a template of a site stands to the core's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Declared, and still right.
    Declared(Override),
    /// Declared, but its last day is over.
    Expired(Override),
    /// Nobody answers for it.
    Undeclared,
    /// It says what the core says.
    Same,
}

impl Snapshot {
    /// The date of `now` where the business is.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        // The name of the zone was checked when the site was configured.
        let zone = TimeZone::get(&self.config().time_zone).unwrap_or(TimeZone::UTC);
        now.to_zoned(zone).date()
    }

    /// Every template that the site has beside the core's of the same name, in their order, as of `today`.
    #[must_use]
    pub fn differences(&self, today: Date) -> Vec<(String, Difference)> {
        let Some(core) = self.core() else { return Vec::new() };
        let declared = &self.config().overrides;
        let own = self.templates().iter().filter_map(|(name, text)| {
            let theirs = core.templates.get(name).filter(|theirs| !Arc::ptr_eq(theirs, text))?;
            let difference = match declared.iter().find(|one| one.template == *name) {
                _ if theirs == text => Difference::Same,
                Some(one) if one.expires < today => Difference::Expired(one.clone()),
                Some(one) => Difference::Declared(one.clone()),
                None => Difference::Undeclared,
            };
            Some((name.clone(), difference))
        });
        own.collect()
    }

    /// The rules of cores.
    pub(crate) fn core_findings(&self, today: Date) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, difference) in self.differences(today) {
            let file = format!("templates/{name}");
            findings.push(match difference {
                Difference::Declared(_) => continue,
                Difference::Expired(one) => Finding::warning(
                    "core.expired",
                    file,
                    format!("this difference from the core was declared until {} by {}", one.expires, one.owner),
                    "remove the file, bring its change to the core, or give the override a new last day",
                ),
                Difference::Undeclared => Finding::warning(
                    "core.undeclared",
                    file,
                    "the site's template differs from the core's and nobody answers for it",
                    format!(
                        "remove it, bring its change to the core, or add [overrides.\"{name}\"] with owner, reason and expires"
                    ),
                ),
                Difference::Same => Finding::warning(
                    "core.same",
                    file,
                    "the site's template says what the core's says",
                    "remove the file: later versions of the core would not reach the site",
                ),
            });
        }
        for one in &self.config().overrides {
            let own = self.templates().get(&one.template);
            let theirs = self.core().and_then(|core| core.templates.get(&one.template));
            let reason = match (own, theirs) {
                (Some(own), Some(theirs)) if !Arc::ptr_eq(own, theirs) => continue,
                (_, None) => "the core has no such template",
                _ => "the site has no such template of its own",
            };
            findings.push(Finding::warning(
                "core.idle",
                SITE_TOML,
                format!("the override of `{}` is without effect: {reason}", one.template),
                format!("remove [overrides.\"{}\"]", one.template),
            ));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let mut versions = ["1.10", "1.9", "1.9.1", "2.0-beta", "2.0"];
        versions.sort_by_cached_key(|version| order(version));
        assert_eq!(versions, ["1.9", "1.9.1", "1.10", "2.0-beta", "2.0"]);
    }

    #[test]
    fn names_stay_inside_the_folder() {
        for name in ["", ".", "..", "../x", "a/b", ".git", "a\\b"] {
            assert!(!plain(name), "{name}");
        }
        assert!(plain("car-dealer") && plain("1.2.0"));
    }
}
