//! How much of the key code has a contract.

use serde::Serialize;
use std::collections::BTreeMap;

use crate::tree::{KeyUnit, Tree, folder};

/// Coverage of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The whole.
    pub all: Share,
    /// By folder, in order.
    pub folders: BTreeMap<String, Share>,
    /// Key code without contract: file and name.
    pub missing: Vec<(String, String)>,
    /// Contracts whose purpose is empty or only proposed.
    pub unread: Vec<String>,
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Units with a contract.
    pub covered: usize,
    /// Units.
    pub units: usize,
}

impl Share {
    /// In hundred, rounded down: 79.9 is not 80. Nothing of nothing is all.
    #[must_use]
    pub fn percent(self) -> usize {
        (self.covered * 100).checked_div(self.units).unwrap_or(100)
    }
}

/// Measures the coverage of the key code under `paths` (all of it, when there are none).
#[must_use]
pub fn coverage(tree: &Tree, paths: &[String]) -> Coverage {
    let mut coverage =
        Coverage { all: Share::default(), folders: BTreeMap::new(), missing: Vec::new(), unread: Vec::new() };
    let under = |path: &str| {
        paths.is_empty()
            || paths.iter().map(|asked| asked.trim_start_matches("./").trim_end_matches('/')).any(|asked| {
                asked.is_empty() || asked == "." || path == asked || path.starts_with(&format!("{asked}/"))
            })
    };
    for unit in tree.key_units().iter().filter(|unit| under(&unit.path)) {
        let is_covered = is_covered(tree, unit);
        let share = coverage.folders.entry(folder(&unit.path).to_owned()).or_default();
        for share in [share, &mut coverage.all] {
            share.units += 1;
            share.covered += usize::from(is_covered);
        }
        if !is_covered {
            coverage.missing.push((unit.path.clone(), unit.name.clone()));
        }
    }
    let unread =
        tree.contracts.iter().filter(|contract| contract.proposed || contract.says("PURPOSE").is_none());
    coverage.unread =
        unread.filter(|contract| under(&contract.path)).map(|contract| contract.path.clone()).collect();
    coverage
}

fn is_covered(tree: &Tree, unit: &KeyUnit) -> bool {
    tree.contracts.iter().flat_map(|contract| &contract.covers).any(|covered| {
        let item = covered.item.as_deref();
        let fits =
            if unit.is_item { item == Some(&unit.name) } else { item.is_none_or(|item| item == unit.name) };
        covered.path == unit.path && fits
    })
}

impl Coverage {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let width = self.folders.keys().map(|folder| folder.chars().count()).max().unwrap_or(0).max(5);
        let mut text = String::new();
        let row = |text: &mut String, name: &str, share: Share| {
            let pad = width.saturating_sub(name.chars().count());
            text.push_str(&format!(
                "{name}{:pad$}  {:>4} of {:<4}  {:>3} %\n",
                "",
                share.covered,
                share.units,
                share.percent()
            ));
        };
        for (folder, share) in &self.folders {
            row(&mut text, if folder.is_empty() { "." } else { folder }, *share);
        }
        row(&mut text, "total", self.all);
        for (path, name) in &self.missing {
            text.push_str(&format!("no contract: {path} ({name})\n"));
        }
        for path in &self.unread {
            text.push_str(&format!("purpose not accepted: {path}\n"));
        }
        text
    }
}
