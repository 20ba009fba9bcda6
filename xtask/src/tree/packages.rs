//! The crates of the workspace, as cargo sees them.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its manifest, from the repository's root.
    pub(crate) manifest: String,
    /// Its purpose.
    pub(crate) description: String,
    /// Names of what it needs to run or build; not what only its tests need.
    pub(crate) needs: Vec<String>,
    /// Names of all that it names, tests included.
    pub(crate) names: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    manifest_path: String,
    description: Option<String>,
    dependencies: Vec<Needed>,
}

#[derive(Deserialize)]
struct Needed {
    name: String,
    kind: Option<String>,
}

/// Asks cargo.
pub(super) fn read(root: &Path) -> Result<Vec<Package>, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|e| format!("the output of cargo metadata cannot be read: {e}"))?;
    Ok(metadata.packages.into_iter().map(|described| package(root, described)).collect())
}

fn package(root: &Path, described: Described) -> Package {
    let manifest = Path::new(&described.manifest_path);
    let manifest = manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().replace('\\', "/");
    let needs = described.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
    Package {
        needs: needs.map(|d| d.name.clone()).collect(),
        names: described.dependencies.iter().map(|d| d.name.clone()).collect(),
        name: described.name,
        manifest,
        description: described.description.unwrap_or_default(),
    }
}
