//! Skeletons: API, STATE, LINKS and FAILURES of the code, the rest for people. What a person wrote stays.

mod merge;
mod skeleton;

use std::collections::BTreeSet;

use crate::code::CodeFile;
use crate::tree::Tree;

/// Proposes the purpose of a piece of code, given a short description of it; `None` when it has nothing to say.
pub type Propose<'p> = dyn Fn(&str) -> Option<String> + 'p;

/// A contract to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The contract's path.
    pub path: String,
    /// Its whole text.
    pub text: String,
    /// Whether there was none before.
    pub is_new: bool,
}

/// What `init` would write.
#[derive(Debug, Default)]
pub struct Drafts {
    /// Contracts that are new or change.
    pub drafts: Vec<Draft>,
    /// Files that were left alone: path and reason.
    pub skipped: Vec<(String, String)>,
    /// Number of contracts that say already what the code says.
    pub current: usize,
}

/// Drafts contracts for the key code under `paths` (all of it, when there are none). Nothing is written.
///
/// `existing` gives the text of a contract that is there. `propose` is asked for the purpose of code that does not
/// tell its own.
pub fn draft(
    tree: &Tree,
    paths: &[String],
    existing: &dyn Fn(&str) -> Option<String>,
    propose: Option<&Propose<'_>>,
) -> Drafts {
    let mut drafts = Drafts::default();
    for place in wanted(tree, paths) {
        let Some(file) = tree.files.get(place) else { continue };
        if let Some(fault) = &file.fault {
            drafts.skipped.push((file.path.clone(), format!("line {}: the file {}", fault.line, fault.what)));
            continue;
        }
        let homes: Vec<_> = tree
            .contracts
            .iter()
            .filter(|contract| contract.covers.iter().any(|covered| covered.path == file.path))
            .collect();
        let Some(home) = homes.first() else {
            let path = beside(&file.path);
            drafts.drafts.push(Draft { text: skeleton::of(tree, place, propose), path, is_new: true });
            continue;
        };
        let whole = home.covers.iter().all(|covered| covered.path == file.path && covered.item.is_none());
        let Some(text) = existing(&home.path).filter(|_| whole && homes.len() == 1 && home.path != file.path)
        else {
            drafts.current += 1;
            continue;
        };
        match merge::merged(tree, home, place, &text) {
            Some(text) => drafts.drafts.push(Draft { path: home.path.clone(), text, is_new: false }),
            None => drafts.current += 1,
        }
    }
    drafts
}

/// The contract's path beside a file of code.
fn beside(path: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    format!("{stem}.contract.md")
}

/// The files that need a contract: those asked for by name, or the key code.
fn wanted(tree: &Tree, paths: &[String]) -> BTreeSet<usize> {
    let asked: Vec<String> =
        paths.iter().map(|path| path.trim_start_matches("./").trim_end_matches('/').to_owned()).collect();
    if asked.is_empty() {
        return tree.key_units().iter().filter_map(|unit| tree.position(&unit.path)).collect();
    }
    let under = |file: &CodeFile| {
        asked.iter().any(|path| {
            path.is_empty() || path == "." || file.path == *path || file.path.starts_with(&format!("{path}/"))
        })
    };
    let files = tree.files.iter().enumerate().filter(|(_, file)| {
        under(file)
            && !tree.config.is_test(&file.path)
            && (file.fault.is_some()
                || file.units.iter().any(|unit| !unit.items.is_empty() || unit.kind.is_class()))
    });
    files.map(|(at, _)| at).collect()
}
