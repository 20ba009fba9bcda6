//! House rules that a machine can hold.
//!
//! A rule is a module with its check and its examples, and one line in [`RULES`]. What a rule finds is mended, or
//! stands in `xtask/allowed.toml` with a reason; that list may only shrink.

mod allowed;
mod arrows;
mod baselines;
mod comments;
mod contracts;
mod documents;
mod duplicates;
mod files;
mod forbidden;
mod globals;
mod locks;
mod manifests;
mod names;
mod ports;
mod sizes;
mod traits;

use std::path::Path;

use crate::say;
use crate::tree::Tree;

/// A house rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Short name, used in output and in `allowed.toml`.
    pub(crate) name: &'static str,
    /// What must be so.
    pub(crate) holds: &'static str,
    /// Why.
    pub(crate) why: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// File, from the repository's root.
    pub(crate) path: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) fix: String,
    /// The name by which `allowed.toml` can mention it.
    pub(crate) item: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), fix: fix.into(), item: String::new() }
    }

    fn about(mut self, item: &str) -> Self {
        item.clone_into(&mut self.item);
        self
    }
}

/// All rules.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "arrows",
        holds: "The crate table of ARCHITECTURE.md names every crate with layer and purpose; a crate needs only lower layers.",
        why: "A dependency sideways or up makes crates that cannot be understood, built or replaced alone.",
        check: arrows::check,
    },
    Rule {
        name: "manifests",
        holds: "Every crate has a purpose, takes the workspace's lints, and registers nothing by inventory, ctor or linkme.",
        why: "Lints that a crate leaves out do not exist; registration that nobody sees links everything into every binary.",
        check: manifests::check,
    },
    Rule {
        name: "sizes",
        holds: "A Rust file outside tests/ has at most 800 lines; a match at most 25 arms unless a comment `table: reason` stands above it or its function. Functions: clippy's too_many_lines, 120.",
        why: "Files, functions and matches that only grow are where code bases rot first.",
        check: sizes::check,
    },
    Rule {
        name: "names",
        holds: "No name says Manager, Helper, Util, Common, Processor, Service or Impl; no type says Data, Info or Base.",
        why: "Such words say nothing; a noun of the glossary or a verb does.",
        check: names::check,
    },
    Rule {
        name: "forbidden",
        holds: "No #[ignore], no #[allow], no todo!, no unimplemented!, no mod.rs, no failed reading that becomes a default.",
        why: "Each hides that something is missing or broken.",
        check: forbidden::check,
    },
    Rule {
        name: "globals",
        holds: "clippy.toml forbids the global clock, ids, environment and HTTP client; only listed files are excepted.",
        why: "What takes the clock from a parameter can be tested; what takes it from the air cannot.",
        check: globals::check,
    },
    Rule {
        name: "traits",
        holds: "A trait asks for at most three others; outside ports it has two implementors, or a reason in allowed.toml.",
        why: "One trait with everything forces every implementor to pretend; a trait for one type is a detour.",
        check: traits::check,
    },
    Rule {
        name: "locks",
        holds: "The number of Arc<Mutex> and Arc<RwLock> in a crate is that of xtask/baselines.toml and may only fall.",
        why: "An owning task, an ArcSwap or the database serve better; a lock by reflex serialises what was meant to run at once.",
        check: locks::check,
    },
    Rule {
        name: "comments",
        holds: "No comment tells the story of an edit; no documentation only repeats the name.",
        why: "History belongs to git; a comment that says nothing teaches readers to skip comments.",
        check: comments::check,
    },
    Rule {
        name: "files",
        holds: "The root holds only known files; Markdown stands where it is kept true; no plans, no progress reports, no paths of one machine.",
        why: "Pages that nobody checks become false and mislead.",
        check: files::check,
    },
    Rule {
        name: "duplicates",
        holds: "No 25 lines of code stand twice.",
        why: "Copies drift apart; the third one has a bug that the first no longer has.",
        check: duplicates::check,
    },
    Rule {
        name: "contracts",
        holds: "`ismart contracts check` finds nothing: contracts have all sections, name what is there, and every promise names tests that exist.",
        why: "A promise without a test is a wish.",
        check: contracts::check,
    },
    Rule {
        name: "ports",
        holds: "Every port has a contract that carries the port's fingerprint.",
        why: "A port that changes without its contract breaks implementors that nobody told.",
        check: ports::check,
    },
    Rule {
        name: "documents",
        holds: "README.md and README.ru.md give the same commands; decisions are docs/adr/NNNN-title.md.",
        why: "A command that only one language knows is a command that half the readers lack.",
        check: documents::check,
    },
];

/// Everything that is wrong, with its rule.
pub(crate) fn findings(tree: &Tree) -> Vec<(&'static Rule, Finding)> {
    let mut found: Vec<(&'static Rule, Finding)> = Vec::new();
    for rule in RULES {
        let mut new = (rule.check)(tree);
        new.sort();
        found.extend(new.into_iter().map(|finding| (rule, finding)));
    }
    found
}

/// `cargo xtask tidy`: prints what is wrong; true when nothing is.
pub(crate) fn command(root: &Path, bless: bool) -> Result<bool, String> {
    let mut tree = Tree::read(root)?;
    if bless {
        let written = ports::bless(root, &tree)?.into_iter().chain(baselines::bless(root, &tree)?);
        for path in written {
            say::line(format_args!("blessed {path}"));
        }
        tree = Tree::read(root)?;
    }
    let (found, troubles) = allowed::sift(&tree, findings(&tree))?;
    for (rule, finding) in &found {
        say::line(told(rule, finding));
    }
    for trouble in &troubles {
        say::line(trouble);
    }
    let number = found.len() + troubles.len();
    match number {
        0 => say::line(format_args!("tidy: {} rules hold in {} files", RULES.len(), tree.files.len())),
        _ => say::note(format_args!("tidy: {number} findings")),
    }
    Ok(number == 0)
}

fn told(rule: &Rule, finding: &Finding) -> String {
    let Finding { path, line, what, fix, .. } = finding;
    format!("{path}:{line}: {}: {what}\n  why: {}\n  fix: {fix}", rule.name, rule.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_rules_hold() {
        let tree = Tree::read(&crate::root()).unwrap();
        let (found, troubles) = allowed::sift(&tree, findings(&tree)).unwrap();
        let told: Vec<String> =
            found.iter().map(|(rule, finding)| told(rule, finding)).chain(troubles).collect();
        assert!(told.is_empty(), "cargo xtask tidy finds {}:\n{}", told.len(), told.join("\n"));
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
