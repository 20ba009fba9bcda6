//! Every promise names tests that exist.

use std::collections::BTreeMap;

use super::Checker;
use crate::code::Test;
use crate::contract::Contract;
use crate::tree::Tree;

/// All tests of a tree by name.
#[derive(Debug)]
pub struct Tests<'t> {
    places: BTreeMap<&'t str, Vec<Place<'t>>>,
}

#[derive(Debug)]
struct Place<'t> {
    path: &'t str,
    /// Parts of the file's path, then modules or classes in it.
    parts: Vec<&'t str>,
    test: &'t Test,
}

impl<'t> Tests<'t> {
    /// Collects the tests of a tree.
    #[must_use]
    pub fn of(tree: &'t Tree) -> Self {
        let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
        for file in &tree.files {
            for test in &file.tests {
                let stem = file.path.trim_end_matches(".rs").trim_end_matches(".php");
                let parts = stem.split('/').chain(test.around.iter().map(String::as_str)).collect();
                places.entry(&test.name).or_default().push(Place { path: &file.path, parts, test });
            }
        }
        Self { places }
    }

    /// File and place of the test that a promise names; what stands before the name must be around it, in this order.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(&'t str, &'t Test)> {
        let mut wanted: Vec<&str> = name.split("::").collect();
        let places = wanted.pop().and_then(|name| self.places.get(name))?;
        let fits = |place: &&Place<'t>| {
            let mut parts = place.parts.iter();
            wanted.iter().all(|wanted| parts.any(|part| part == wanted))
        };
        places.iter().find(fits).map(|place| (place.path, place.test))
    }
}

impl Checker<'_> {
    pub(super) fn promises(&mut self, contract: &Contract, tests: &Tests<'_>) {
        if contract.promises.is_empty() {
            if contract.says("PROMISES").is_some() {
                let section = contract.sections.iter().find(|section| section.name == "PROMISES");
                let line = section.and_then(|section| section.text.first()).map_or(1, |(line, _)| *line);
                let reason = "the contract promises nothing that can be found";
                let fix = "number promises: P1, P2, … each with `Proved by` and the names of its tests";
                self.add("promise.none", &contract.path, line, reason, fix);
            }
            return;
        }
        for (at, promise) in contract.promises.iter().enumerate() {
            let name = format!("P{}", promise.number);
            if promise.number != at + 1 {
                let reason = format!("{name} stands where P{} is expected", at + 1);
                let fix = "number promises from P1 on, without gaps";
                self.add("promise.number", &contract.path, promise.line, reason, fix);
            }
            if promise.tests.is_empty() {
                let fix = "write the test and name it: Proved by `name`";
                self.add(
                    "promise.unproved",
                    &contract.path,
                    promise.line,
                    format!("{name} names no test"),
                    fix,
                );
            }
            for test in promise.tests.iter().filter(|test| tests.find(test).is_none()) {
                let reason = format!("{name} names `{test}`, which is no test of the tree");
                let fix = "name the test that proves it, or write it";
                self.add("promise.test", &contract.path, promise.line, reason, fix);
            }
        }
    }
}
