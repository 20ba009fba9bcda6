//! Drift: where contracts and code say different things.

mod api;
mod graph;
mod links;
mod marks;
mod promises;

use crate::code::{CodeFile, Item, Unit, UnitKind};
use crate::contract::{Claim, Contract, Form, SECTIONS};
use crate::finding::Finding;
use crate::tree::Tree;

pub(crate) use api::{entry, with_owner};
pub(crate) use links::{users, uses};
pub use promises::Tests;

/// Everything that is wrong in a tree, in order of path and line.
#[must_use]
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut checker = Checker { tree, found: Vec::new() };
    checker.files();
    let tests = Tests::of(tree);
    for contract in &tree.contracts {
        checker.sections(contract);
        checker.code(contract);
        checker.promises(contract, &tests);
        checker.map(contract);
    }
    checker.graph_file();
    let mut found = checker.found;
    found.sort();
    found.dedup();
    found
}

/// How the API of a contract and its code differ.
#[derive(Default)]
pub(crate) struct ApiDrift<'t> {
    pub(crate) changed: Vec<(&'t Claim, &'t Item)>,
    pub(crate) gone: Vec<&'t Claim>,
    pub(crate) missing: Vec<(&'t Unit, &'t Item)>,
}

/// The drift of one contract's API.
pub(crate) fn api_drift<'t>(tree: &'t Tree, contract: &'t Contract) -> ApiDrift<'t> {
    api::drift(tree, contract, &Code::of(tree, contract))
}

/// The findings about one contract's links.
pub(crate) fn link_drift(tree: &Tree, contract: &Contract) -> Vec<Finding> {
    let mut checker = Checker { tree, found: Vec::new() };
    checker.links(contract, &Code::of(tree, contract));
    checker.found
}

struct Checker<'t> {
    tree: &'t Tree,
    found: Vec<Finding>,
}

impl<'t> Checker<'t> {
    fn add(
        &mut self,
        rule: &'static str,
        path: &str,
        line: usize,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) {
        if let Some(severity) = self.tree.config.severity(rule) {
            let (reason, fix) = (reason.into(), fix.into());
            self.found.push(Finding { path: path.to_owned(), line, rule, severity, reason, fix });
        }
    }

    /// What a file says without any contract.
    fn files(&mut self) {
        for (path, reason) in &self.tree.unread {
            let fix = "mend its rights, or leave it out with `skip` in contracts.toml";
            self.add("code.malformed", path, 1, format!("cannot be read: {reason}"), fix);
        }
        for file in &self.tree.files {
            if let Some(fault) = &file.fault {
                let fix = "mend the file; its contract is not compared until then";
                self.add("code.malformed", &file.path, fault.line, format!("the file {}", fault.what), fix);
            }
            if !self.tree.config.is_test(&file.path) {
                self.marks(file);
            }
        }
    }

    fn sections(&mut self, contract: &Contract) {
        let needed = if contract.form == Form::Xml { 1 } else { 4 };
        for (at, name) in SECTIONS.iter().enumerate() {
            if contract.says(name).is_some() {
                continue;
            }
            let rule = if at < needed { "contract.section" } else { "contract.complete" };
            if at < needed || contract.form == Form::Markdown {
                let line = contract.sections.iter().find(|section| section.name == *name);
                let line =
                    line.and_then(|section| section.text.first()).map_or(contract.line, |(line, _)| *line);
                let reason = format!("the contract says nothing under {name}");
                let fix = format!("write it under `## {name}`; say so in words when there is none");
                self.add(rule, &contract.path, line, reason, fix);
            }
        }
        if contract.proposed {
            let reason = "the purpose is only proposed";
            let fix = "read it, mend it, and delete the mark `<!-- proposed -->`";
            self.add("purpose.proposed", &contract.path, contract.purpose_line, reason, fix);
        }
    }

    /// Compares a contract with the code that it describes.
    fn code(&mut self, contract: &'t Contract) {
        let covered = Code::of(self.tree, contract);
        self.named_code(contract);
        if covered.files.is_empty() {
            if contract.code.is_empty() {
                let reason = "there is no file of code beside the contract";
                let fix = "delete it with the code, move it to the code, or name the code under `## CODE`";
                self.add("contract.orphan", &contract.path, contract.line, reason, fix);
            }
            return;
        }
        if covered.files.iter().any(|file| file.fault.is_some()) {
            return;
        }
        if covered.units.is_empty() {
            if !contract.code.is_empty() {
                return;
            }
            let reason = format!("`{}` has no class and no function any more", covered.first_path());
            self.add(
                "contract.orphan",
                &contract.path,
                contract.line,
                reason,
                "delete the contract with the code",
            );
            return;
        }
        self.title(contract, &covered);
        self.api(contract, &covered);
        self.state(contract, &covered);
        self.links(contract, &covered);
    }

    /// What the contract itself names as its code is there.
    fn named_code(&mut self, contract: &Contract) {
        for named in &contract.code {
            let (path, item) =
                named.name.split_once('#').map_or((named.name.as_str(), None), |(p, i)| (p, Some(i)));
            let found = crate::contract::place(self.tree, &contract.path, path);
            let Some(found) = found else {
                let reason = format!("`{path}` does not exist");
                let fix = "name the code that the contract describes, from its folder or the root";
                self.add("contract.orphan", &contract.path, named.line, reason, fix);
                continue;
            };
            let gone = item.filter(|item| {
                let file = self.tree.file(&found);
                file.is_none_or(|file| {
                    !file
                        .units
                        .iter()
                        .any(|unit| unit.items.iter().any(|i| i.name == **item) || unit.name == **item)
                })
            });
            if let Some(item) = gone {
                let reason = format!("`{found}` has no public `{item}`");
                self.add(
                    "contract.orphan",
                    &contract.path,
                    named.line,
                    reason,
                    "name what is there, or delete the contract",
                );
            }
        }
    }

    fn title(&mut self, contract: &Contract, covered: &Code<'_>) {
        let classes: Vec<&str> = covered
            .units
            .iter()
            .filter(|unit| !matches!(unit.kind, UnitKind::Functions | UnitKind::Module))
            .map(|unit| unit.name.as_str())
            .collect();
        let words = || contract.title.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if contract.title.is_empty() || classes.is_empty() || words().any(|word| classes.contains(&word)) {
            return;
        }
        let reason = format!("the title `{}` names no class of `{}`", contract.title, covered.first_path());
        let fix = format!(
            "the file declares {}: name it, or delete the contract of the class that is gone",
            classes.join(", ")
        );
        self.add("contract.title", &contract.path, 1, reason, fix);
    }
}

/// The code of one contract.
struct Code<'t> {
    files: Vec<&'t CodeFile>,
    /// Places of the files in the tree.
    places: Vec<usize>,
    units: Vec<&'t Unit>,
    items: Vec<(&'t Unit, &'t Item)>,
}

impl<'t> Code<'t> {
    fn of(tree: &'t Tree, contract: &Contract) -> Self {
        let mut code = Self { files: Vec::new(), places: Vec::new(), units: Vec::new(), items: Vec::new() };
        for covered in &contract.covers {
            let Some(place) = tree.position(&covered.path) else { continue };
            let Some(file) = tree.files.get(place) else { continue };
            if !code.places.contains(&place) {
                code.places.push(place);
                code.files.push(file);
            }
            for unit in &file.units {
                let wanted = covered.item.as_deref();
                let whole = wanted.is_none_or(|item| item == unit.name);
                let items = unit.items.iter().filter(|item| {
                    whole || wanted == Some(&item.name) || wanted.is_some() && wanted == item.owner.as_deref()
                });
                let before = code.items.len();
                code.items.extend(items.map(|item| (unit, item)));
                if whole || code.items.len() > before {
                    code.units.push(unit);
                }
            }
        }
        code
    }

    fn first_path(&self) -> &str {
        self.files.first().map_or("", |file| file.path.as_str())
    }
}
