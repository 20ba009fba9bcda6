//! Which file uses which: names are followed to the files that declare them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{Tree, folder, joined};
use crate::code::{Language, Reference, ReferenceKind, UnitKind};

/// An arrow between two files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Place of the using file in [`Tree::files`].
    pub from: usize,
    /// Place of the used file.
    pub to: usize,
    /// How it is used.
    pub kinds: BTreeSet<ReferenceKind>,
    /// Line of the first use.
    pub line: usize,
}

/// All arrows of a tree.
#[derive(Debug, Default)]
pub struct Links {
    /// In order of both files.
    pub edges: Vec<Edge>,
    /// For each file what it uses from outside the tree: classes of PHP with a namespace, crates of Rust.
    pub outside: Vec<BTreeMap<String, usize>>,
    after: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
}

/// How many times a name is given on before it is lost.
const HOPS: usize = 6;

struct Names<'t> {
    classes: HashMap<String, Vec<usize>>,
    functions: HashMap<String, usize>,
    modules: HashMap<&'t str, usize>,
}

impl Links {
    pub(super) fn of(tree: &Tree) -> Self {
        let names = Names::of(tree);
        let mut edges: BTreeMap<(usize, usize), Edge> = BTreeMap::new();
        let mut outside = vec![BTreeMap::new(); tree.files.len()];
        for (from, file) in tree.files.iter().enumerate() {
            for reference in &file.references {
                let found = match file.language {
                    Language::Php => names.php(tree, from, reference),
                    Language::Rust => names.rust(tree, &reference.name, HOPS),
                };
                for to in found.iter().copied().filter(|to| *to != from) {
                    let edge = edges.entry((from, to)).or_insert_with(|| Edge {
                        from,
                        to,
                        kinds: BTreeSet::new(),
                        line: reference.line,
                    });
                    edge.kinds.insert(reference.kind);
                    edge.line = edge.line.min(reference.line);
                }
                if found.is_empty()
                    && let Some(name) = foreign(file.language, reference, tree)
                    && let Some(names) = outside.get_mut(from)
                {
                    names.entry(name).or_insert(reference.line);
                }
            }
        }
        let mut links = Self {
            edges: edges.into_values().collect(),
            outside,
            after: vec![Vec::new(); tree.files.len()],
            before: vec![Vec::new(); tree.files.len()],
        };
        for (at, edge) in links.edges.iter().enumerate() {
            if let Some(list) = links.after.get_mut(edge.from) {
                list.push(at);
            }
            if let Some(list) = links.before.get_mut(edge.to) {
                list.push(at);
            }
        }
        links
    }

    /// The arrows that leave a file.
    pub fn from(&self, file: usize) -> impl Iterator<Item = &Edge> {
        self.after.get(file).into_iter().flatten().filter_map(|at| self.edges.get(*at))
    }

    /// The arrows that lead to a file.
    pub fn to(&self, file: usize) -> impl Iterator<Item = &Edge> {
        self.before.get(file).into_iter().flatten().filter_map(|at| self.edges.get(*at))
    }
}

/// What a name outside the tree is called in a contract, if it is worth it.
fn foreign(language: Language, reference: &Reference, tree: &Tree) -> Option<String> {
    match language {
        Language::Php => {
            let silent =
                matches!(reference.kind, ReferenceKind::Doc | ReferenceKind::Call | ReferenceKind::File);
            (!silent && reference.name.contains('\\')).then(|| reference.name.clone())
        }
        Language::Rust => {
            let name = reference.name.split("::").next()?;
            let own =
                matches!(name, "std" | "core" | "alloc" | "Self" | "crate") || tree.crates.contains_key(name);
            let plain = name.starts_with(|c: char| c.is_ascii_lowercase());
            (!own && plain).then(|| name.to_owned())
        }
    }
}

impl<'t> Names<'t> {
    fn of(tree: &'t Tree) -> Self {
        let mut names = Self { classes: HashMap::new(), functions: HashMap::new(), modules: HashMap::new() };
        for (at, file) in tree.files.iter().enumerate() {
            for unit in &file.units {
                match unit.kind {
                    UnitKind::Module => {
                        names.modules.insert(unit.full_name.as_str(), at);
                    }
                    UnitKind::Functions => {}
                    _ => names.classes.entry(unit.full_name.to_lowercase()).or_default().push(at),
                }
            }
            for name in &file.functions {
                names.functions.entry(name.to_lowercase()).or_insert(at);
            }
        }
        names
    }

    fn php(&self, tree: &Tree, from: usize, reference: &Reference) -> Vec<usize> {
        match reference.kind {
            ReferenceKind::File => {
                let path = tree.files.get(from).map_or("", |file| file.path.as_str());
                let name = reference.name.as_str();
                let bases = if name.starts_with('/') { ["", ""] } else { [folder(path), ""] };
                let found = bases.iter().filter_map(|base| tree.position(&joined(base, name)?)).next();
                found.into_iter().collect()
            }
            ReferenceKind::Call => {
                // A function that the namespace lacks is the global one.
                let full = reference.name.to_lowercase();
                let last = full.rsplit('\\').next().unwrap_or(&full);
                self.functions.get(&full).or_else(|| self.functions.get(last)).copied().into_iter().collect()
            }
            _ => self.classes.get(&reference.name.to_lowercase()).cloned().unwrap_or_default(),
        }
    }

    /// The file that declares what a path of Rust names: the longest module in it, and on through `pub use`.
    fn rust(&self, tree: &Tree, name: &str, hops: usize) -> Vec<usize> {
        let parts: Vec<&str> = name.split("::").collect();
        for length in (1..=parts.len()).rev() {
            let module = parts.get(..length).unwrap_or_default().join("::");
            let Some(at) = self.modules.get(module.as_str()).copied() else { continue };
            let Some(next) = parts.get(length) else { return vec![at] };
            let exports = tree.files.get(at).map(|file| file.exports.as_slice()).unwrap_or_default();
            let given = exports.iter().find(|export| export.name == *next);
            if let (Some(given), true) = (given, hops > 0) {
                let rest = parts.get(length + 1..).unwrap_or_default().iter().map(|part| (*part).to_owned());
                let target: Vec<String> = given.target.iter().cloned().chain(rest).collect();
                let found = self.rust(tree, &target.join("::"), hops - 1);
                if !found.is_empty() {
                    return found;
                }
            }
            return vec![at];
        }
        Vec::new()
    }
}
