//! What is wrong: rule, place, reason, fix; and the ways to print it.

mod print;

use serde::Serialize;

pub use print::{Format, print};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A contract says what is not so, or a file cannot be read.
    Error,
    /// Worth mending; does not fail a check.
    Warning,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, as in `contracts.toml` and in output.
    pub name: &'static str,
    /// What must hold.
    pub holds: &'static str,
    /// How much it matters unless configured otherwise.
    pub severity: Severity,
}

const fn error(name: &'static str, holds: &'static str) -> Rule {
    Rule { name, holds, severity: Severity::Error }
}

const fn warning(name: &'static str, holds: &'static str) -> Rule {
    Rule { name, holds, severity: Severity::Warning }
}

/// All rules.
pub const RULES: &[Rule] = &[
    error("code.malformed", "A file of code can be read by the grammar of its language."),
    error("contract.section", "A contract says something under PURPOSE, API, STATE and LINKS."),
    warning("contract.complete", "A contract also has PROMISES and FAILURES."),
    error("contract.orphan", "A contract describes code that is there."),
    error("contract.title", "The title of a PHP contract names a class of its file."),
    error("api.extra", "What the API names is there."),
    error("api.missing", "What is public is named in the API."),
    error("api.signature", "A signature in the API is that of the code."),
    warning("state.gone", "A property named under STATE is there."),
    error("links.dead", "A path in LINKS leads to a file, folder or crate."),
    error("links.missing", "What the code depends on stands in LINKS."),
    error("links.extra", "What LINKS calls a dependency is one."),
    error("links.users", "Who uses the code stands in LINKS."),
    error("links.one_sided", "What one contract calls its dependency names it as user."),
    warning("promise.none", "A contract promises something."),
    error("promise.number", "Promises are numbered P1, P2, … without gaps."),
    error("promise.unproved", "A promise names the tests that prove it."),
    error("promise.test", "A test that a promise names exists."),
    error("block.pair", "Marks of blocks come in pairs."),
    warning("block.long", "A block has about 500 tokens at most."),
    warning(
        "log.form",
        "A log line is `[LEVEL][Class::method][step] message`, with the place where it stands.",
    ),
    error("map.gone", "Blocks and names of a MODULE_MAP are in its file."),
    error(
        "graph.drift",
        "A knowledge graph names files, classes and methods that are there, and every key file.",
    ),
    warning("purpose.proposed", "A proposed purpose was read and accepted by a person."),
];

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// File, from the root of the code tree.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Rule.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub fix: String,
}
