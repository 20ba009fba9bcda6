//! `xtask/allowed.toml`: findings that stay, each with a reason. The list may only shrink.

use serde::Deserialize;

use super::{Finding, Rule};
use crate::tree::Tree;

const PATH: &str = "xtask/allowed.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Number of entries: to add one means to raise this for every reader to see.
    limit: usize,
    #[serde(default)]
    allowed: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    path: String,
    #[serde(default)]
    item: String,
    reason: String,
}

type Found = Vec<(&'static Rule, Finding)>;

/// Takes out what is allowed; gives the rest, and what is wrong with the list itself.
///
/// # Errors
/// When the list cannot be read.
pub(super) fn sift(tree: &Tree, found: Found) -> Result<(Found, Vec<String>), String> {
    let Some(file) = tree.file(PATH) else { return Ok((found, Vec::new())) };
    let list: Allowed = toml::from_str(&file.text).map_err(|e| format!("{PATH}: {e}"))?;
    let mut troubles = Vec::new();
    for entry in &list.allowed {
        let Entry { rule, path, item, reason } = entry;
        if reason.split_whitespace().count() < 3 {
            troubles.push(format!(
                "{PATH}: the entry for {rule} in {path} has no reason\n  fix: say why it stays"
            ));
        }
        if !found.iter().any(|(r, f)| covers(entry, r, f)) {
            troubles.push(format!("{PATH}: {rule} finds no `{item}` in {path}\n  fix: delete the entry"));
        }
    }
    let number = list.allowed.len();
    if number != list.limit {
        let fix =
            if number < list.limit { "lower the limit" } else { "mend the finding instead of allowing it" };
        troubles.push(format!("{PATH}: {number} entries, limit {}\n  fix: {fix}", list.limit));
    }
    let rest = found.into_iter().filter(|(r, f)| !list.allowed.iter().any(|entry| covers(entry, r, f)));
    Ok((rest.collect(), troubles))
}

fn covers(entry: &Entry, rule: &Rule, finding: &Finding) -> bool {
    entry.rule == rule.name && entry.path == finding.path && (entry.item == finding.item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sifted(list: &str) -> (usize, Vec<String>) {
        let tree = Tree::of(&[(PATH, list)]);
        let rule = super::super::RULES.first().unwrap();
        let found = vec![(rule, Finding::new("a.rs", 1, "x", "y").about("Thing"))];
        let (rest, troubles) = sift(&tree, found).unwrap();
        (rest.len(), troubles)
    }

    #[test]
    fn an_entry_takes_its_finding_away() {
        let entry = "[[allowed]]\nrule='arrows'\npath='a.rs'\nitem='Thing'\nreason='kept by the standard'";
        assert_eq!(sifted(&format!("limit=1\n{entry}")), (0, Vec::new()));
        assert_eq!(sifted(&format!("limit=0\n{entry}")).1.len(), 1);
    }

    #[test]
    fn an_entry_that_covers_nothing_must_go() {
        let entry = "[[allowed]]\nrule='arrows'\npath='b.rs'\nreason='no'";
        let (rest, troubles) = sifted(&format!("limit=2\n{entry}"));
        assert_eq!((rest, troubles.len()), (1, 3), "{troubles:#?}");
    }
}
