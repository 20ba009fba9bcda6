//! A small PHP shop in a folder of its own, which tests change.

use std::path::{Path, PathBuf};

use ismart_contracts::{Finding, Tree, check, init};

/// The shop as it is committed.
pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop")
}

/// A copy of the shop.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    /// A shop without contracts.
    pub(crate) fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        copy(&fixture(), shop.root());
        shop
    }

    /// A shop whose contracts are complete: skeletons with purposes and promises.
    pub(crate) fn with_contracts() -> Self {
        let shop = Self::new();
        shop.init();
        let tree = shop.tree();
        for contract in &tree.contracts {
            let text = shop.text(&contract.path);
            let text = text.replace("<!-- proposed -->\n", "");
            let text = if contract.says("PURPOSE").is_none() {
                text.replace("## PURPOSE\n", "## PURPOSE\n\nTells what it is for.\n")
            } else {
                text
            };
            let text = text
                .replace("|---|---|---|\n", "|---|---|---|\n| P1 | Holds. | `CartTest::testAddsALine` |\n");
            let text = if contract.says("FAILURES").is_none() { format!("{text}None.\n") } else { text };
            shop.write(&contract.path, &text);
        }
        shop
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::read(self.root()).unwrap()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Exchanges a text that must be there.
    pub(crate) fn exchange(&self, path: &str, old: &str, new: &str) {
        let text = self.text(path);
        assert!(text.contains(old), "{path} has no {old}:\n{text}");
        self.write(path, &text.replace(old, new));
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    /// Writes what `init` drafts; gives the paths.
    pub(crate) fn init(&self) -> Vec<String> {
        let tree = self.tree();
        let drafts = init::draft(&tree, &[], &|path| Some(self.text(path)), None);
        for draft in &drafts.drafts {
            self.write(&draft.path, &draft.text);
        }
        drafts.drafts.into_iter().map(|draft| draft.path).collect()
    }

    /// What `check` finds of some rules; all when the list is empty.
    pub(crate) fn found(&self, rules: &[&str]) -> Vec<Finding> {
        let mut found = check::check(&self.tree());
        found.retain(|finding| rules.is_empty() || rules.contains(&finding.rule));
        found
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
