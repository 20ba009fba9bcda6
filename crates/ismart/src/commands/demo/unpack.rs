//! The dealer's site, carried inside the binary.

use std::path::Path;

use crate::commands::site::pack::Pack;
use crate::output::Failed;

/// Writes the site into the data folder, unless it is there: what was edited stays.
pub(in crate::commands) fn unpack(data: &Path) -> Result<(), Failed> {
    let site = data.join("sites").join("avtograd");
    if site.join("config").join("site.toml").exists() {
        return Ok(());
    }
    // A half-written folder of an interrupted start is never mistaken for a site: the folder gets its name last.
    let part = data.join("sites").join(".avtograd.part");
    let failed = |error: std::io::Error| {
        let repair = "give a folder that can be written with --data";
        Failed::one(data.display().to_string(), error.to_string(), repair)
    };
    if part.exists() {
        std::fs::remove_dir_all(&part).map_err(failed)?;
    }
    for (path, content) in Pack::find("car-dealer")?.files {
        let file = part.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(file, content).map_err(failed)?;
    }
    std::fs::rename(&part, &site).map_err(failed)
}

/// Writes a file that only its owner may read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Failed> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .map_err(|e| Failed::one(path.display().to_string(), e.to_string(), "give a writable --data folder"))
}
