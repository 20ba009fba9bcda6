//! Worker packages: those inside the binary, and those of the configured folder, which come first.

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use ismart_workers::{Package, PackageProblem};

use crate::config::Loaded;
use crate::output::Trouble;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../workers");

/// Packages by name.
pub(crate) type Packages = BTreeMap<String, Arc<Package>>;

/// Loads every package, or says everything that is wrong with any of them.
pub(super) fn load_all(loaded: &Loaded) -> Result<Packages, Vec<Trouble>> {
    let mut packages = Packages::new();
    let mut troubles = Vec::new();
    for dir in SHIPPED.dirs() {
        let name = dir.path().display().to_string();
        keep(&name, Package::from_dir(dir), &mut packages, &mut troubles);
    }
    if let Some(folder) = &loaded.config.workers {
        let folder = loaded.base.join(folder);
        match std::fs::read_dir(&folder) {
            Ok(entries) => {
                for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
                    keep(&path.display().to_string(), Package::load(&path), &mut packages, &mut troubles);
                }
            }
            Err(error) => troubles.push(Trouble::new(
                format!("{}: workers", loaded.file.display()),
                format!("the folder {} cannot be read: {error}", folder.display()),
                "create it, or take the key out",
            )),
        }
    }
    if troubles.is_empty() { Ok(packages) } else { Err(troubles) }
}

fn keep(
    place: &str,
    package: Result<Package, Vec<PackageProblem>>,
    packages: &mut Packages,
    troubles: &mut Vec<Trouble>,
) {
    match package {
        Ok(package) => {
            packages.insert(package.manifest.name.clone(), Arc::new(package));
        }
        Err(problems) => troubles.extend(problems.into_iter().map(|problem| {
            Trouble::new(format!("{place}/{}", problem.file), problem.to_string(), problem.fix)
        })),
    }
}
