//! What may lie where.

use super::Finding;
use crate::tree::{File, Tree};

const ROOT_FILES: &[&str] = &[
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONVENTIONS.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "NOTICE",
    "README.md",
    "README.ru.md",
    "clippy.toml",
    "contracts.toml",
    "deny.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
];

const ROOT_FOLDERS: &[&str] = &[
    ".cargo",
    ".ci",
    ".github",
    "benches",
    "changelog.d",
    "console",
    "crates",
    "docs",
    "e2e",
    "examples",
    "fuzz",
    "sdk",
    "verticals",
    "widget",
    "wit",
    "workers",
    "xtask",
];

/// Words of pages that tell of work instead of the product.
const REPORTS: &[&str] =
    &["plan", "progress", "summary", "handoff", "todo", "done", "notes", "status", "report"];

/// Beginnings of paths that exist on one machine only. Put together so that this file does not hold them.
const MACHINE: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/tm", "p/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.files {
        let top = file.path.split('/').next().unwrap_or("");
        let known = if top == file.path { ROOT_FILES } else { ROOT_FOLDERS };
        if !known.contains(&top) {
            let fix =
                "put it into the folder that it belongs to, or add it to the list in xtask/src/tidy/files.rs";
            found.push(
                Finding::new(&file.path, 1, format!("`{top}` is not known in the root"), fix).about(top),
            );
        }
        if let Some(stem) = page_stem(file) {
            if file.path.ends_with(".md") && !is_kept(file) {
                let fix = "move it into docs/, or make it a README, a contract or a changelog fragment";
                found.push(Finding::new(&file.path, 1, "Markdown that nothing keeps true", fix));
            }
            let words = stem.to_lowercase();
            if words.split(['-', '_', '.', ' ']).any(|word| REPORTS.contains(&word)) {
                let fix = "delete it: plans and reports belong to the tracker, facts to docs/";
                found.push(Finding::new(&file.path, 1, "a page about the work, not the product", fix));
            }
        }
        found.extend(machine_paths(file));
    }
    found
}

/// The name without extension of a page for people.
fn page_stem(file: &File) -> Option<&str> {
    let name = file.name();
    let fragment = file.path.starts_with("changelog.d/");
    let page = name.strip_suffix(".md").or_else(|| name.strip_suffix(".txt"))?;
    // Inputs of tests may be called anything; fragments are named after what changed.
    (!fragment && !file.is_test()).then_some(page)
}

fn is_kept(file: &File) -> bool {
    let name = file.name();
    name.starts_with("README")
        || name.ends_with(".contract.md")
        || name.starts_with("LICENSE")
        || ["ARCHITECTURE.md", "CONVENTIONS.md", "CHANGELOG.md"].contains(&name)
        || ["docs/", "changelog.d/"].iter().any(|folder| file.path.starts_with(folder))
}

fn machine_paths(file: &File) -> Vec<Finding> {
    if file.is_test() || file.name() == "Cargo.lock" {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    let hits = lines.filter_map(|(at, line)| {
        let start = MACHINE.iter().find(|start| begins_path(line, start))?;
        let fix = "take the path as a parameter, or make a temporary folder";
        Some(
            Finding::new(&file.path, at + 1, format!("`{start}` is a path of one machine"), fix).about(start),
        )
    });
    hits.collect()
}

/// Whether a path in the line begins so; a longer path or an address may have such a part in its middle.
fn begins_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().last());
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.~/}>".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn files_in_their_places_are_right() {
        for path in [
            "README.ru.md",
            "docs/plan-prices.rs",
            "crates/a/src/a.contract.md",
            "docs/glossary.md",
            "changelog.d/2-plan.md",
        ] {
            assert_eq!(number(path, ""), 0, "{path}");
        }
        let text = format!("https://a.ru{}x and a{}b", MACHINE[0], MACHINE[1]);
        assert_eq!(number("docs/x.md", &text), 0);
        assert_eq!(number("crates/a/tests/it/x.rs", &format!("\"{}\"", MACHINE[1])), 0);
    }

    #[test]
    fn strays_plans_and_machine_paths_are_wrong() {
        assert_eq!(number("notes.txt", ""), 2);
        assert_eq!(number("attic/x.rs", ""), 1);
        assert_eq!(number("crates/a/DESIGN.md", ""), 1);
        assert_eq!(number("docs/FIX_SUMMARY.md", ""), 1);
        assert_eq!(number("crates/a/src/x.rs", &format!("let a = \"{}x\";", MACHINE[1])), 1);
        assert_eq!(number("docs/x.md", &format!("cd {}main", MACHINE[0])), 1);
    }
}
