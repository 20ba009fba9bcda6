use ismart_workers::{Package, PackageFiles};

use crate::support::{package_dir, worker};

#[test]
fn the_shipped_package_loads_without_a_problem() {
    let package = worker().package();
    assert_eq!(package.manifest.name, "lead-assistant");
    assert!(package.intents.list.len() >= 30);
}
