//! Contracts: what is read of them, in every form in which they are written.

mod cover;
mod graph_file;
mod reading;
pub(crate) mod signature;
mod xml;

use serde::Serialize;

pub(crate) use cover::{find_code, place};
pub use graph_file::{GraphFile, GraphModule};
pub use reading::in_code;
pub(crate) use reading::{is_crate, looks_like_path};

/// The sections of a contract, in the order in which they are written.
pub const SECTIONS: &[&str] = &["PURPOSE", "API", "STATE", "LINKS", "PROMISES", "FAILURES"];

/// Words that stand for a section, in upper case.
const LABELS: &[(&str, &str)] = &[
    ("PURPOSE", "PURPOSE"),
    ("НАЗНАЧЕНИЕ", "PURPOSE"),
    ("ЦЕЛЬ", "PURPOSE"),
    ("API", "API"),
    ("ИНТЕРФЕЙС", "API"),
    ("STATE", "STATE"),
    ("СОСТОЯНИЕ", "STATE"),
    ("LINKS", "LINKS"),
    ("СВЯЗИ", "LINKS"),
    ("ССЫЛКИ", "LINKS"),
    ("DEPENDS", "LINKS"),
    ("DEPENDENCIES", "LINKS"),
    ("PROMISES", "PROMISES"),
    ("ОБЕЩАНИЯ", "PROMISES"),
    ("ГАРАНТИИ", "PROMISES"),
    ("FAILURES", "FAILURES"),
    ("ОТКАЗЫ", "FAILURES"),
    ("СБОИ", "FAILURES"),
    ("ОШИБКИ", "FAILURES"),
    ("CODE", "CODE"),
    ("КОД", "CODE"),
    ("SCOPE", "SCOPE"),
    ("INPUTS", "INPUTS"),
    ("OUTPUTS", "OUTPUTS"),
    ("SIDE_EFFECTS", "SIDE_EFFECTS"),
];

/// The section that a label stands for.
fn section(label: &str) -> Option<&'static str> {
    let upper = label.trim().trim_end_matches(':').to_uppercase();
    LABELS.iter().find(|(word, _)| *word == upper).map(|(_, name)| *name)
}

/// How a contract is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Markdown with headings or bold labels.
    Markdown,
    /// `<MODULE_CONTRACT>` or `START_MODULE_CONTRACT`.
    Xml,
}

/// A contract.
#[derive(Debug, Clone, Serialize)]
pub struct Contract {
    /// The file that holds it.
    pub path: String,
    /// Where it begins, from 1.
    pub line: usize,
    /// How it is written.
    pub form: Form,
    /// Its heading.
    pub title: String,
    /// The code that it names for itself.
    #[serde(skip)]
    pub code: Vec<Named>,
    /// The code that it describes, found in the tree.
    pub covers: Vec<Covered>,
    /// Its sections in order.
    #[serde(skip)]
    pub sections: Vec<Section>,
    /// The entries of its API.
    pub api: Vec<Claim>,
    /// What LINKS says.
    pub links: ContractLinks,
    /// Its promises in order.
    pub promises: Vec<Promise>,
    /// Names listed in a MODULE_MAP.
    #[serde(skip)]
    pub map: Vec<Named>,
    /// Whether its purpose is only proposed.
    pub proposed: bool,
    /// The heading of its purpose, for findings.
    #[serde(skip)]
    pub purpose_line: usize,
}

/// Code that a contract describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// The file.
    pub path: String,
    /// One item of it; the whole file when there is none.
    pub item: Option<String>,
}

/// A section: its name and its lines.
#[derive(Debug, Clone)]
pub struct Section {
    /// One of [`SECTIONS`], or `CODE`, or another label of the XML-like forms.
    pub name: &'static str,
    /// Line number and text; the first is what stands beside the label.
    pub text: Vec<(usize, String)>,
}

/// An entry of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Line, from 1.
    pub line: usize,
    /// The signature, as written.
    pub signature: String,
    /// What stands behind it.
    pub says: String,
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Line, from 1.
    pub line: usize,
    /// The name.
    pub name: String,
}

/// What LINKS says. `None` where the contract does not speak of it at all.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ContractLinks {
    /// What the code depends on.
    pub depends: Option<Vec<Named>>,
    /// Who uses it.
    pub users: Option<Vec<Named>>,
    /// What it uses from outside the code tree.
    pub outside: Option<Vec<Named>>,
    /// Paths and crates in any line of the section.
    #[serde(skip)]
    pub all: Vec<LinkLine>,
}

/// A path or crate named in LINKS, with the other names of its line.
#[derive(Debug, Clone)]
pub struct LinkLine {
    /// Line, from 1.
    pub line: usize,
    /// The name.
    pub name: String,
    /// Crates named in the same line: the path may lead from there.
    pub beside: Vec<String>,
}

/// A promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// Its number.
    pub number: usize,
    /// Line, from 1.
    pub line: usize,
    /// What is promised.
    pub text: String,
    /// Names of the tests that prove it.
    pub tests: Vec<String>,
}

impl Contract {
    /// The text of a section, without the lines that are empty at its ends; `None` when it says nothing.
    #[must_use]
    pub fn says(&self, name: &str) -> Option<String> {
        let mut all = String::new();
        for section in self.sections.iter().filter(|section| section.name == name) {
            for (_, line) in &section.text {
                all.push_str(line.trim_end());
                all.push('\n');
            }
        }
        let text = all.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The first lines of its purpose as one line.
    #[must_use]
    pub fn purpose(&self) -> Option<String> {
        let text = self.says("PURPOSE")?;
        let first = text.split("\n\n").next().unwrap_or(&text).replace(PROPOSED, "");
        Some(crate::code::one_line(&first))
    }
}

/// The mark of a purpose that nobody has accepted yet.
pub const PROPOSED: &str = "<!-- proposed -->";

/// Whether a file is a contract by its name.
#[must_use]
pub fn is_contract(path: &str) -> bool {
    path.ends_with(".contract.md")
}

/// Whether a file is a knowledge graph by its name.
#[must_use]
pub(crate) fn is_graph(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace('_', "-");
    path == "knowledge-graph.xml" || path.ends_with("docs/knowledge-graph.xml")
}

/// Reads a contract file. Never fails: what is not understood is not there, and `check` tells what is missing.
#[must_use]
pub fn read(path: &str, text: &str) -> Contract {
    xml::read(path, text).unwrap_or_else(|| reading::read(path, text))
}

/// Reads a contract in the comments of a file of code, if there is one.
#[must_use]
pub fn read_embedded(path: &str, text: &str) -> Option<Contract> {
    let mut contract = xml::read_comments(path, text)?;
    contract.covers = vec![Covered { path: path.to_owned(), item: None }];
    Some(contract)
}
