//! What is read of PHP is what PHP itself says.

mod compare;

use std::path::Path;
use std::process::Command;

use ismart_contracts::Tree;

use crate::shop;

#[test]
fn p1_signatures_and_links_are_those_of_reflection() {
    if !Command::new("php").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("left out: there is no php here (Debian: apt-get install php8.2-cli)");
        // The environment decides how strict a run is; nothing else of it is read.
        #[expect(clippy::disallowed_methods, reason = "a test asks whether it may leave itself out")]
        let required = std::env::var("ISMART_REQUIRE").is_ok_and(|value| value == "1");
        assert!(!required, "ISMART_REQUIRE=1, and there is no php");
        return;
    }
    let tree = Tree::read(&shop::fixture()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reflection/reflect.php");
    let comparison = compare::compare(&script, &tree, &|path| path.starts_with("src/")).unwrap();
    assert_eq!(comparison.differences, Vec::<String>::new());
    assert_eq!((comparison.classes, comparison.methods), (11, 28));
    assert!(comparison.links >= 12, "{}", comparison.links);
}
