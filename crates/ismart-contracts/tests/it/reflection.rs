//! What is read of PHP is what PHP itself says.

mod compare;

use std::path::Path;

use ismart_contracts::Tree;

use crate::page::is_here;
use crate::shop;

#[test]
fn p1_signatures_and_links_are_those_of_reflection() {
    if !is_here("php", "php8.2-cli") {
        return;
    }
    let tree = Tree::read(&shop::fixture()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reflection/reflect.php");
    let comparison = compare::compare(&script, &tree, &|path| path.starts_with("src/")).unwrap();
    assert_eq!(comparison.differences, Vec::<String>::new());
    assert_eq!((comparison.classes, comparison.methods), (11, 28));
    assert!(comparison.links >= 12, "{}", comparison.links);
}
