//! Shared locks are counted, and the count may only fall.

use std::collections::BTreeMap;

use super::Finding;
use super::baselines::{self, Baselines};
use crate::tree::Tree;

/// Shared locks by crate folder.
pub(super) fn counted(tree: &Tree) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (file, rust) in tree.rust().filter(|(file, _)| !file.is_test()) {
        let Some(folder) = file.crate_folder() else { continue };
        let code = rust.lines.iter().flat_map(|line| line.code.chars()).filter(|c| !c.is_whitespace());
        let code: String = code.collect();
        let number =
            ["Arc<Mutex<", "Arc<RwLock<"].iter().map(|lock| code.matches(lock).count()).sum::<usize>();
        if number > 0 {
            *counts.entry(folder.to_owned()).or_default() += number;
        }
    }
    counts
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Baselines { locks } = match baselines::read(tree) {
        Ok(baselines) => baselines,
        Err(why) => return vec![Finding::new(baselines::PATH, 1, why, "mend the file")],
    };
    let counts = counted(tree);
    let folders: std::collections::BTreeSet<&String> = counts.keys().chain(locks.keys()).collect();
    let compared = folders.into_iter().filter_map(|folder| {
        let (is, was) = (counts.get(folder).copied().unwrap_or(0), locks.get(folder).copied().unwrap_or(0));
        let fix = match is.cmp(&was) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Less => "lower the baseline with `cargo xtask tidy --bless`",
            std::cmp::Ordering::Greater => {
                "let one task own the value, swap it whole, or keep it in the database"
            }
        };
        let what = format!("{folder} has {is} shared locks, the baseline is {was}");
        Some(Finding::new(baselines::PATH, 1, what, fix).about(folder))
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(baseline: &str, source: &str) -> usize {
        check(&Tree::of(&[(baselines::PATH, baseline), ("crates/a/src/lib.rs", source)])).len()
    }

    #[test]
    fn the_baseline_is_right() {
        assert_eq!(number("[locks]\n'crates/a' = 1", "struct A(Arc <\n Mutex<u8>>, Mutex<u8>);"), 0);
        assert_eq!(number("", "struct A(Mutex<u8>);"), 0);
    }

    #[test]
    fn more_and_fewer_are_wrong() {
        assert_eq!(number("", "struct A(Arc<RwLock<u8>>);"), 1);
        assert_eq!(number("[locks]\n'crates/a' = 1", "struct A;"), 1);
    }
}
