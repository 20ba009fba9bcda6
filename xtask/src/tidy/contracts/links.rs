//! What a contract points to exists.

use super::super::Finding;
use super::reading::{Contract, in_code};
use crate::tree::{File, Tree};

const ENDINGS: &[&str] = &[".rs", ".md", ".toml", ".sql", ".twig", ".js", ".mjs", ".css", ".html"];

pub(super) fn check(tree: &Tree, file: &File, contract: &Contract<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let lines = contract.sections.iter().filter(|section| section.name == "LINKS").flat_map(|s| &s.text);
    for (line, text) in lines {
        for name in in_code(text) {
            let dead = if looks_like_path(name) {
                !exists(tree, file, text, name)
            } else {
                is_crate(name)
                    && !tree.packages.is_empty()
                    && tree.packages.iter().all(|package| package.name != name)
            };
            if dead {
                let fix = "point to what is there: a path from the contract's folder, its crate or the root";
                found.push(
                    Finding::new(&file.path, *line, format!("`{name}` does not exist"), fix).about(name),
                );
            }
        }
    }
    found
}

fn is_crate(name: &str) -> bool {
    let tail = name.strip_prefix("ismart-");
    tail.is_some_and(|tail| !tail.is_empty() && tail.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
}

fn looks_like_path(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let place = ENDINGS.iter().any(|end| name.ends_with(end)) || (name.contains('/') && name.ends_with('/'));
    plain && place && !name.starts_with('/')
}

/// Looks from the contract's folder, its crate, the root, and the crates that the same line names.
fn exists(tree: &Tree, file: &File, text: &str, name: &str) -> bool {
    let crates = in_code(text).filter(|word| is_crate(word)).map(|word| format!("crates/{word}"));
    let crates: Vec<String> = crates.chain(file.crate_folder().map(str::to_owned)).collect();
    let sources = crates.iter().map(|folder| format!("{folder}/src"));
    let bases = [file.folder().to_owned(), String::new()];
    bases.into_iter().chain(sources).chain(crates.iter().cloned()).any(|base| {
        let Some(path) = joined(&base, name) else { return false };
        tree.files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/")))
    })
}

/// The path with `.` and `..` worked out; `None` above the root.
fn joined(base: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}
