//! LINKS against the arrows of the code.

use std::collections::BTreeSet;

use super::{Checker, Code};
use crate::code::Language;
use crate::config::Extent;
use crate::contract::{Contract, LinkLine, Named, is_crate, looks_like_path};
use crate::tree::{Tree, folder, joined};

impl Checker<'_> {
    pub(super) fn links(&mut self, contract: &Contract, code: &Code<'_>) {
        for link in &contract.links.all {
            if is_dead(self.tree, contract, link) {
                let reason = format!("`{}` does not exist", link.name);
                let fix = "point to what is there: a path from the contract's folder, its crate or the root";
                self.add("links.dead", &contract.path, link.line, reason, fix);
            }
        }
        let Some(language) = code.files.first().map(|file| file.language) else { return };
        let whole = self.tree.config.links(language) == Extent::Full;
        let uses = uses(self.tree, &code.places);
        let users = users(self.tree, &code.places);
        self.depends(contract, code, &uses, whole);
        self.users(contract, code, &users, whole);
        self.outside(contract, code, whole);
    }

    fn depends(&mut self, contract: &Contract, code: &Code<'_>, uses: &BTreeSet<usize>, whole: bool) {
        let Some(listed) = &contract.links.depends else {
            if whole && !uses.is_empty() {
                let names: Vec<&str> = uses.iter().map(|file| path(self.tree, *file)).collect();
                let reason =
                    format!("the contract does not say what the code depends on: {}", names.join(", "));
                let fix = "write `- depends on:` under LINKS (`init` does)";
                self.add("links.missing", &contract.path, line_of(contract), reason, fix);
            }
            return;
        };
        let named = Resolved::of(self.tree, contract, listed);
        for file in uses.iter().filter(|file| whole && !named.has(**file)) {
            let first = code.places.iter().flat_map(|from| self.tree.links.from(*from));
            let line = first.filter(|edge| edge.to == *file).map(|edge| edge.line).min().unwrap_or(1);
            let to = path(self.tree, *file);
            let reason = format!(
                "the code depends on `{to}` ({}:{line}), the contract does not say so",
                code.first_path()
            );
            let fix = "add it to `depends on` (`init` does), or take the dependency out";
            self.add("links.missing", &contract.path, line_of(contract), reason, fix);
        }
        for (entry, files) in named.entries.iter().filter(|_| whole) {
            if !files.is_empty()
                && files.iter().all(|file| !uses.contains(file) && !code.places.contains(file))
            {
                let reason = format!("the code does not depend on `{}`", entry.name);
                self.add("links.extra", &contract.path, entry.line, reason, "delete it from `depends on`");
            }
        }
    }

    fn users(&mut self, contract: &Contract, code: &Code<'_>, users: &BTreeSet<usize>, whole: bool) {
        let said = contract.links.users.as_deref();
        // Code of Rust that only calls methods of a value names no path: there is no telling who does not use it.
        if !whole {
            return;
        }
        let named = Resolved::of(self.tree, contract, said.unwrap_or_default());
        for file in users.iter().filter(|file| !named.has(**file)) {
            let reason = format!("`{}` uses the code, the contract does not say so", path(self.tree, *file));
            self.add(
                "links.users",
                &contract.path,
                line_of(contract),
                reason,
                "add it to `used by` (`init` does)",
            );
        }
        for (entry, files) in &named.entries {
            if !files.is_empty()
                && files.iter().all(|file| !users.contains(file) && !code.places.contains(file))
            {
                let reason = format!("`{}` does not use the code", entry.name);
                self.add("links.users", &contract.path, entry.line, reason, "delete it from `used by`");
            }
        }
        for other in self.tree.contracts.iter().filter(|other| other.path != contract.path) {
            let theirs = Resolved::of(self.tree, other, other.links.depends.as_deref().unwrap_or_default());
            let points = code.places.iter().any(|place| theirs.has(*place));
            let homes: Vec<usize> =
                other.covers.iter().filter_map(|covered| self.tree.position(&covered.path)).collect();
            let by_code = homes.iter().any(|home| users.contains(home));
            if points
                && said.is_some()
                && !homes.is_empty()
                && !by_code
                && !homes.iter().any(|home| named.has(*home))
            {
                let reason =
                    format!("`{}` names this code as dependency, but is not among its users", other.path);
                let fix = "add it to `used by` here, or delete the dependency there";
                self.add("links.one_sided", &contract.path, line_of(contract), reason, fix);
            }
        }
    }

    /// Foreign classes, where the contract lists them.
    fn outside(&mut self, contract: &Contract, code: &Code<'_>, whole: bool) {
        let Some(listed) = contract.links.outside.as_deref().filter(|_| whole) else { return };
        let short = |name: &str| name.trim_start_matches('\\').to_lowercase();
        let known: BTreeSet<String> = listed.iter().map(|named| short(&named.name)).collect();
        let mut used: BTreeSet<String> = BTreeSet::new();
        for name in code
            .places
            .iter()
            .filter_map(|place| self.tree.links.outside.get(*place))
            .flat_map(|names| names.keys())
        {
            used.insert(short(name));
            if !known.contains(&short(name)) {
                let reason = format!("the code now also uses `{name}` from outside");
                let fix = "add it to `outside` (`init` does), or take the dependency out";
                self.add("links.missing", &contract.path, line_of(contract), reason, fix);
            }
        }
        let php = code.files.iter().all(|file| file.language == Language::Php);
        for entry in listed.iter().filter(|entry| php && !used.contains(&short(&entry.name))) {
            let reason = format!("the code does not use `{}`", entry.name);
            self.add("links.extra", &contract.path, entry.line, reason, "delete it from `outside`");
        }
    }
}

/// Files that code uses, itself and tests left out.
pub(crate) fn uses(tree: &Tree, places: &[usize]) -> BTreeSet<usize> {
    let edges = places.iter().flat_map(|from| tree.links.from(*from));
    edges.map(|edge| edge.to).filter(|to| !places.contains(to) && !is_test(tree, *to)).collect()
}

/// Files that use code, itself and tests left out.
pub(crate) fn users(tree: &Tree, places: &[usize]) -> BTreeSet<usize> {
    let edges = places.iter().flat_map(|to| tree.links.to(*to));
    edges.map(|edge| edge.from).filter(|from| !places.contains(from) && !is_test(tree, *from)).collect()
}

fn is_test(tree: &Tree, file: usize) -> bool {
    tree.config.is_test(path(tree, file))
}

fn path(tree: &Tree, file: usize) -> &str {
    tree.files.get(file).map_or("", |file| file.path.as_str())
}

fn line_of(contract: &Contract) -> usize {
    let section = contract.sections.iter().find(|section| section.name == "LINKS");
    section.and_then(|section| section.text.first()).map_or(contract.line, |(line, _)| *line)
}

/// Names of a list with the files of code that they stand for.
struct Resolved<'c> {
    entries: Vec<(&'c Named, BTreeSet<usize>)>,
}

impl<'c> Resolved<'c> {
    fn of(tree: &Tree, contract: &Contract, listed: &'c [Named]) -> Self {
        let entries = listed.iter().map(|named| (named, files(tree, contract, &named.name)));
        Self { entries: entries.collect() }
    }

    fn has(&self, file: usize) -> bool {
        self.entries.iter().any(|(_, files)| files.contains(&file))
    }
}

/// The files of code that a name in LINKS stands for: a path, a folder, a crate, a class.
fn files(tree: &Tree, contract: &Contract, name: &str) -> BTreeSet<usize> {
    let under = |place: &str| {
        let inside = format!("{}/", place.trim_end_matches('/'));
        let all = tree.files.iter().enumerate();
        let found = all.filter(|(_, file)| file.path == place || file.path.starts_with(&inside));
        found.map(|(at, _)| at).collect::<BTreeSet<usize>>()
    };
    if let Some(source) = tree.crates.get(&name.replace('-', "_")) {
        return under(source);
    }
    if let Some(place) =
        bases(tree, contract, &[]).iter().filter_map(|base| joined(base, name)).find(|path| tree.exists(path))
    {
        return under(&place);
    }
    let class = name.trim_start_matches('\\');
    let all = tree
        .files
        .iter()
        .enumerate()
        .filter(|(_, file)| file.units.iter().any(|unit| unit.full_name == class));
    all.map(|(at, _)| at).collect()
}

/// Folders from which paths of a contract lead: its own, the root, its crate, crates named beside.
fn bases(tree: &Tree, contract: &Contract, beside: &[String]) -> Vec<String> {
    let mut bases = vec![folder(&contract.path).to_owned(), String::new()];
    let own = tree.crates.values().filter(|source| contract.path.starts_with(&format!("{source}/")));
    let named = beside.iter().filter_map(|name| tree.crates.get(&name.replace('-', "_")));
    for source in own.chain(named) {
        bases.push(source.clone());
        bases.push(folder(source).to_owned());
    }
    bases
}

/// Whether a link leads nowhere.
fn is_dead(tree: &Tree, contract: &Contract, link: &LinkLine) -> bool {
    let name = link.name.as_str();
    if looks_like_path(name) {
        let bases = bases(tree, contract, &link.beside);
        return bases.iter().filter_map(|base| joined(base, name)).all(|path| !tree.exists(&path));
    }
    // A name like those of the tree's own crates is one of them, or wrong.
    let family = |name: &str| name.split(['-', '_']).next().map(str::to_owned);
    is_crate(name)
        && !tree.crates.contains_key(&name.replace('-', "_"))
        && tree.crates.keys().filter(|own| own.contains('_')).any(|own| family(own) == family(name))
}
