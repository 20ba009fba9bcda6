//! `xtask/baselines.toml`: counts that may only fall.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use super::locks;
use crate::tree::Tree;

pub(super) const PATH: &str = "xtask/baselines.toml";

/// The counts that were reached.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Baselines {
    /// Shared locks by crate folder.
    pub(super) locks: BTreeMap<String, usize>,
}

pub(super) fn read(tree: &Tree) -> Result<Baselines, String> {
    let Some(file) = tree.file(PATH) else { return Ok(Baselines::default()) };
    toml::from_str(&file.text).map_err(|e| format!("the baselines cannot be read: {e}"))
}

/// Lowers what fell; never raises anything. Gives the files written.
pub(super) fn bless(root: &Path, tree: &Tree) -> Result<Option<String>, String> {
    let written = read(tree)?.locks;
    let counts = locks::counted(tree);
    let lowered: BTreeMap<&String, usize> = written
        .iter()
        .map(|(folder, was)| (folder, counts.get(folder).copied().unwrap_or(0).min(*was)))
        .filter(|(_, number)| *number > 0)
        .collect();
    if lowered.len() == written.len()
        && lowered.iter().all(|(folder, number)| written.get(*folder) == Some(number))
    {
        return Ok(None);
    }
    let mut text =
        String::from("# Counts that may only fall; `cargo xtask tidy --bless` lowers them.\n\n[locks]\n");
    for (folder, number) in lowered {
        writeln!(text, "\"{folder}\" = {number}").map_err(|e| e.to_string())?;
    }
    std::fs::write(root.join(PATH), text).map_err(|e| format!("{PATH} cannot be written: {e}"))?;
    Ok(Some(PATH.to_owned()))
}
