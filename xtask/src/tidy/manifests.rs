//! What every crate's manifest says.

use super::Finding;
use crate::tree::Tree;

const HIDDEN_REGISTRATION: &[&str] = &["inventory", "ctor", "linkme"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.packages {
        let path = &package.manifest;
        if package.description.trim().is_empty() {
            found.push(Finding::new(path, 1, "the crate has no description", "say its purpose in one line"));
        }
        for name in package.names.iter().filter(|name| HIDDEN_REGISTRATION.contains(&name.as_str())) {
            let what = format!("`{name}` registers things where nobody sees it");
            found.push(Finding::new(path, 1, what, "write a plain visible list").about(name));
        }
        if let Some(file) = tree.file(path)
            && !takes_lints(&file.text)
        {
            let fix = "add `[lints]` with `workspace = true`";
            found.push(Finding::new(path, 1, "the crate does not take the workspace's lints", fix));
        }
    }
    found
}

fn takes_lints(manifest: &str) -> bool {
    let table: Result<toml::Table, _> = toml::from_str(manifest);
    let lints = table.as_ref().ok().and_then(|table| table.get("lints")?.get("workspace")?.as_bool());
    lints == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Package;

    fn number(manifest: &str, description: &str, names: &[&str]) -> usize {
        let mut tree = Tree::of(&[("crates/a/Cargo.toml", manifest)]);
        tree.packages.push(Package {
            name: "a".to_owned(),
            manifest: "crates/a/Cargo.toml".to_owned(),
            description: description.to_owned(),
            needs: Vec::new(),
            names: names.iter().map(|n| (*n).to_owned()).collect(),
        });
        check(&tree).len()
    }

    #[test]
    fn a_complete_manifest_is_right() {
        assert_eq!(number("[lints]\nworkspace = true\n", "does", &["serde"]), 0);
    }

    #[test]
    fn no_purpose_no_lints_and_hidden_lists_are_wrong() {
        assert_eq!(number("[package]\nname='a'\n", "", &["inventory"]), 3);
    }
}
