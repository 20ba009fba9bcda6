//! The code as a graph: files, what is promised of them, who uses whom.

mod draw;
mod page;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::code::{Language, ReferenceKind};
use crate::contract::Promise;
use crate::tree::{Tree, folder};

/// A form of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// Mermaid flowchart, for Markdown.
    #[default]
    Mermaid,
    /// Graphviz.
    Dot,
    /// Everything that is known, for programs.
    Json,
    /// A page in one file to walk the code with.
    Html,
}

/// The graph of a tree.
#[derive(Debug, Clone, Serialize)]
pub struct Graph {
    /// Files in order of path.
    pub nodes: Vec<Node>,
    /// Arrows from user to used, by place in `nodes`.
    pub edges: Vec<Arrow>,
}

/// A file of code.
#[derive(Debug, Clone, Serialize)]
pub struct Node {
    /// From the root of the code tree.
    pub path: String,
    /// Its folder.
    pub folder: String,
    /// What it declares: `class Router`.
    pub declares: Vec<String>,
    /// Language.
    pub language: Language,
    /// Number of lines.
    pub lines: usize,
    /// Whether it is key code.
    pub key: bool,
    /// Its contract.
    pub contract: Option<String>,
    /// Purpose by the contract, else by the code's own documentation.
    pub purpose: Option<String>,
    /// Whether the purpose is only proposed.
    pub proposed: bool,
    /// Public items: signature, line, first paragraph of documentation.
    pub items: Vec<NodeItem>,
    /// Promises of its contract.
    pub promises: Vec<Promise>,
    /// What it uses from outside the tree.
    pub outside: Vec<String>,
}

/// A public item.
#[derive(Debug, Clone, Serialize)]
pub struct NodeItem {
    /// Signature in one line.
    pub signature: String,
    /// Line, from 1.
    pub line: usize,
    /// First paragraph of its documentation.
    pub doc: Option<String>,
}

/// An arrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrow {
    /// Place of the user.
    pub from: usize,
    /// Place of the used.
    pub to: usize,
    /// How it is used.
    pub kinds: BTreeSet<ReferenceKind>,
    /// Line of the first use.
    pub line: usize,
}

impl Graph {
    /// The graph of the files under `paths` and the files next to them; of all files when there are no paths. Tests
    /// are left out.
    #[must_use]
    pub fn of(tree: &Tree, paths: &[String]) -> Self {
        let asked: Vec<&str> =
            paths.iter().map(|path| path.trim_start_matches("./").trim_end_matches('/')).collect();
        let under = |path: &str| {
            asked.is_empty()
                || asked
                    .iter()
                    .any(|asked| *asked == "." || path == *asked || path.starts_with(&format!("{asked}/")))
        };
        let mut shown: BTreeSet<usize> = BTreeSet::new();
        for (at, _) in tree.files.iter().enumerate().filter(|(_, file)| under(&file.path)) {
            shown.insert(at);
            shown.extend(tree.links.from(at).map(|edge| edge.to));
            shown.extend(tree.links.to(at).map(|edge| edge.from));
        }
        let order: Vec<usize> = shown.into_iter().filter(|at| is_shown(tree, *at)).collect();
        let key: BTreeSet<String> = tree.key_units().into_iter().map(|unit| unit.path).collect();
        let place = |file: usize| order.binary_search(&file).ok();
        let edges = tree.links.edges.iter().filter_map(|edge| {
            Some(Arrow {
                from: place(edge.from)?,
                to: place(edge.to)?,
                kinds: edge.kinds.clone(),
                line: edge.line,
            })
        });
        Self { edges: edges.collect(), nodes: order.iter().filter_map(|at| node(tree, *at, &key)).collect() }
    }

    /// The graph in a form, with a final newline.
    #[must_use]
    pub fn print(&self, form: Form) -> String {
        match form {
            Form::Mermaid => draw::mermaid(self),
            Form::Dot => draw::dot(self),
            Form::Json => format!("{:#}\n", serde_json::json!(self)),
            Form::Html => page::html(self),
        }
    }
}

fn is_shown(tree: &Tree, at: usize) -> bool {
    let Some(file) = tree.files.get(at) else { return false };
    let linked = || tree.links.from(at).next().is_some() || tree.links.to(at).next().is_some();
    !tree.config.is_test(&file.path) && (!file.units.is_empty() || linked())
}

fn node(tree: &Tree, at: usize, key: &BTreeSet<String>) -> Option<Node> {
    let file = tree.files.get(at)?;
    let contracts = tree
        .contracts
        .iter()
        .filter(|contract| contract.covers.iter().any(|covered| covered.path == file.path));
    // The contract that is about this file alone tells more than one about a whole folder.
    let contract = contracts.min_by_key(|contract| contract.covers.len());
    let told = file.units.iter().find_map(|unit| unit.doc.clone());
    let items = file.units.iter().flat_map(|unit| &unit.items);
    Some(Node {
        path: file.path.clone(),
        folder: folder(&file.path).to_owned(),
        declares: file.units.iter().map(|unit| format!("{} {}", unit.kind.word(), unit.name)).collect(),
        language: file.language,
        lines: file.lines,
        key: key.contains(&file.path),
        contract: contract.map(|contract| contract.path.clone()),
        purpose: contract.and_then(crate::Contract::purpose).or(told),
        proposed: contract.is_some_and(|contract| contract.proposed),
        items: items
            .map(|item| NodeItem {
                signature: crate::check::with_owner(item),
                line: item.line,
                doc: item.doc.clone(),
            })
            .collect(),
        promises: contract.map(|contract| contract.promises.clone()).unwrap_or_default(),
        outside: tree.links.outside.get(at).map(|names| names.keys().cloned().collect()).unwrap_or_default(),
    })
}
