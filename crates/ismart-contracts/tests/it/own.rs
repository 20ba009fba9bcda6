//! This repository under its own tool.

use std::path::Path;

use ismart_contracts::finding::print;
use ismart_contracts::{Format, Tree, check, coverage};

#[test]
fn this_repository_keeps_its_contracts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tree = Tree::read(&root).unwrap();
    let found = check(&tree);
    assert!(found.is_empty(), "ismart contracts check finds:\n{}", print(&found, Format::Text));
    let coverage = coverage(&tree, &[]);
    assert!(coverage.all.units >= 30, "the key code is not found: {:?}", coverage.all);
    assert!(coverage.all.percent() >= usize::from(tree.config.min), "{}", coverage.text());
}
