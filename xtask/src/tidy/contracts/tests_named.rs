//! The tests of the workspace by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::facts::Kind;
use crate::tree::{File, Tree};

/// All tests.
pub(super) struct Tests<'t> {
    /// Where a test of this name stands: parts of its path, modules last.
    places: BTreeMap<&'t str, Vec<Vec<&'t str>>>,
}

impl<'t> Tests<'t> {
    /// Collects tests. Those that a macro writes are known by their words: syntax does not show them.
    pub(super) fn of(tree: &'t Tree) -> Self {
        let mut places: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
        for (file, rust) in tree.rust() {
            let seen: BTreeSet<&str> = rust.facts.items.iter().map(|item| item.name.as_str()).collect();
            for item in rust.facts.items.iter().filter(|item| item.kind == Kind::Test) {
                let modules = item.modules.iter().map(String::as_str);
                places.entry(&item.name).or_default().push(parts(file).into_iter().chain(modules).collect());
            }
            for name in rust.lines.iter().filter_map(|line| function(&line.code)) {
                if !seen.contains(name) && file.text.contains("#[test]") | file.text.contains("::test]") {
                    places.entry(name).or_default().push(parts(file));
                }
            }
        }
        Self { places }
    }

    /// Whether there is such a test; modules before the name must be around it, in this order.
    pub(super) fn has(&self, path: &str) -> bool {
        let mut wanted: Vec<&str> = path.split("::").collect();
        let Some(places) = wanted.pop().and_then(|name| self.places.get(name)) else { return false };
        places.iter().any(|place| {
            let mut parts = place.iter();
            wanted.iter().all(|wanted| parts.any(|part| part == wanted))
        })
    }
}

/// The name of the function that the line begins.
fn function(code: &str) -> Option<&str> {
    let rest =
        code.trim_start().trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ")?;
    rest.get(..rest.find(['(', '<'])?)
}

fn parts(file: &File) -> Vec<&str> {
    file.path.trim_end_matches(".rs").split('/').collect()
}
