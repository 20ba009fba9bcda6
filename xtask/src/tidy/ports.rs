//! A port and its contract change together: the contract carries the port's fingerprint.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Finding, contracts};
use crate::tree::facts::Trait;
use crate::tree::{File, Tree};

const PORTS: &str = "crates/ismart-domain/src/ports.rs";
const MARK: &str = "<!-- port ";

/// A fingerprint as a contract carries it.
struct Mark<'t> {
    file: &'t File,
    line: usize,
    port: &'t str,
    fingerprint: &'t str,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let marks = marks(tree);
    for port in ports(tree) {
        let mine: Vec<&Mark<'_>> = marks.iter().filter(|mark| mark.port == port.name).collect();
        if mine.is_empty() {
            let what = format!("the port `{}` has no contract", port.name);
            let fix = format!("write one that names `{}`, then run cargo xtask tidy --bless", port.name);
            found.push(Finding::new(PORTS, port.line, what, fix).about(&port.name));
        }
        for mark in mine.into_iter().filter(|mark| mark.fingerprint != fingerprint(port)) {
            let fix = "read the contract, then run cargo xtask tidy --bless";
            let what = format!("the port `{}` changed", port.name);
            found.push(Finding::new(&mark.file.path, mark.line, what, fix).about(&port.name));
        }
    }
    for mark in marks.iter().filter(|mark| ports(tree).all(|port| port.name != mark.port)) {
        let what = format!("there is no port `{}`", mark.port);
        found.push(Finding::new(&mark.file.path, mark.line, what, "delete the mark").about(mark.port));
    }
    found
}

/// Writes the ports' fingerprints into their contracts. A port without a mark gets one where exactly one contract
/// names it in the title or under API. Gives the files written.
pub(super) fn bless(root: &Path, tree: &Tree) -> Result<Vec<String>, String> {
    let marks = marks(tree);
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for port in ports(tree) {
        let right = format!("{MARK}{}: sha256:{} -->", port.name, fingerprint(port));
        let mine: Vec<&Mark<'_>> = marks.iter().filter(|mark| mark.port == port.name).collect();
        for mark in &mine {
            let text = texts.entry(&mark.file.path).or_insert_with(|| mark.file.text.clone());
            let wrong = format!("{MARK}{}: sha256:{} -->", mark.port, mark.fingerprint);
            *text = text.replace(&wrong, &right);
        }
        if let ([], [home]) = (mine.as_slice(), naming(tree, &port.name).as_slice()) {
            let text = texts.entry(&home.path).or_insert_with(|| home.text.clone());
            writeln!(text, "\n{right}").map_err(|e| e.to_string())?;
        }
    }
    let mut written = Vec::new();
    for (path, text) in texts {
        if tree.file(path).is_none_or(|file| file.text != text) {
            std::fs::write(root.join(path), text).map_err(|e| format!("{path} cannot be written: {e}"))?;
            written.push(path.to_owned());
        }
    }
    Ok(written)
}

fn ports(tree: &Tree) -> impl Iterator<Item = &Trait> {
    let facts = tree.file(PORTS).and_then(|file| file.rust.as_ref()).map(|rust| &rust.facts);
    facts.into_iter().flat_map(|facts| &facts.traits).filter(|item| item.public)
}

fn fingerprint(port: &Trait) -> String {
    let digest = Sha256::digest(port.signature.as_bytes());
    digest.iter().take(4).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn marks(tree: &Tree) -> Vec<Mark<'_>> {
    let mut marks = Vec::new();
    for (file, _) in contracts::all(tree) {
        for (at, line) in file.text.lines().enumerate() {
            let mark = line.trim().strip_prefix(MARK).and_then(|rest| rest.strip_suffix(" -->"));
            if let Some((port, fingerprint)) = mark.and_then(|mark| mark.split_once(": sha256:")) {
                marks.push(Mark { file, line: at + 1, port, fingerprint });
            }
        }
    }
    marks
}

/// Contracts that are about the port.
fn naming<'t>(tree: &'t Tree, port: &str) -> Vec<&'t File> {
    let names = [format!("`{port}`"), format!("ports::{port}`")];
    let about = contracts::all(tree).filter(|(file, contract)| {
        let title = file.text.lines().next().unwrap_or("");
        let api = contract
            .sections
            .iter()
            .filter(|section| section.name == "API")
            .flat_map(|section| &section.text);
        api.map(|(_, text)| text.as_str())
            .chain([title])
            .any(|text| names.iter().any(|name| text.contains(name)))
    });
    about.map(|(file, _)| file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: (&str, &str) = (PORTS, "pub trait Door { fn open(&self); }\ntrait Inner {}");
    const HOME: &str = "crates/a/src/door.contract.md";

    fn blessed(contract: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("crates/a/src")).unwrap();
        std::fs::write(folder.path().join(HOME), contract).unwrap();
        bless(folder.path(), &Tree::of(&[PORT, (HOME, contract)])).unwrap();
        let text = std::fs::read_to_string(folder.path().join(HOME)).unwrap();
        (folder, text)
    }

    #[test]
    fn a_blessed_port_is_right_until_it_changes() {
        let (_folder, text) = blessed("# The port `Door`\n## API\n- `open()`\n");
        assert_eq!(check(&Tree::of(&[PORT, (HOME, &text)])), Vec::new());
        let changed = (PORTS, "pub trait Door { fn open(&self, wide: bool); }");
        let found = check(&Tree::of(&[changed, (HOME, &text)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "the port `Door` changed");
    }

    #[test]
    fn a_stale_mark_is_rewritten_and_no_second_one_made() {
        let (_folder, text) = blessed("# The port `Door`\n<!-- port Door: sha256:00000000 -->\n");
        assert_eq!(text.matches(MARK).count(), 1);
        assert_eq!(check(&Tree::of(&[PORT, (HOME, &text)])), Vec::new());
    }

    #[test]
    fn ports_without_contract_and_marks_without_port_are_wrong() {
        let mark = "<!-- port Window: sha256:00000000 -->";
        assert_eq!(check(&Tree::of(&[PORT, (HOME, mark)])).len(), 2);
    }
}
