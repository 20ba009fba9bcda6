//! The content files of a site folder: which may be edited, and how they are written so that no half of a file is
//! ever seen.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files::walk;
use crate::redirects::REDIRECTS;

/// File → its new text; `None` takes the file away.
pub type Changes = BTreeMap<String, Option<String>>;

/// Whether a path relative to the site folder is content that people edit in the console.
#[must_use]
pub fn editable(path: &str) -> bool {
    let plain = path.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
    });
    plain && (path == REDIRECTS || (path.starts_with("data/json/") && path.ends_with(".json")))
}

/// One content file as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditableFile {
    /// Path relative to the site folder.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Every content file of the folder `root`, by path. Files that are no text are left out: a load reports them.
///
/// # Errors
/// When a file that was listed cannot be read.
pub fn editable_files(root: &Path) -> io::Result<Vec<EditableFile>> {
    let mut findings = Vec::new();
    let mut all = Vec::new();
    let mut read = |path: String, disk: &Path| {
        if let Ok(text) = String::from_utf8(fs::read(disk)?) {
            all.push(EditableFile { path, text });
        }
        io::Result::Ok(())
    };
    for found in walk(root, "data/json", &mut findings) {
        if editable(&found.path) {
            read(found.path, &found.disk)?;
        }
    }
    let redirects = root.join(REDIRECTS);
    if redirects.is_file() {
        read(REDIRECTS.to_owned(), &redirects)?;
    }
    Ok(all)
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} could not be written: {why}. Check the rights and the free space of the site folder, then publish again"
)]
pub struct WriteError {
    /// The file, relative to the site folder.
    pub path: String,
    /// The system's words.
    pub why: io::Error,
}

/// Writes `changes` into the folder `root`. Each file is written beside its place, flushed to the disk and then
/// renamed, so that a reader (and a crash at any moment) sees the old file or the new one, whole.
///
/// # Errors
/// The first file that could not be written; those before it are in place. Calling it again completes the work.
pub fn materialise(root: &Path, changes: &Changes) -> Result<(), WriteError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for (path, change) in changes {
        let failed = |why: io::Error| WriteError { path: path.clone(), why };
        if !editable(path) {
            return Err(failed(io::Error::other("it is not a content file")));
        }
        let target = root.join(path);
        let folder = target.parent().unwrap_or(root).to_path_buf();
        match change {
            Some(text) => {
                fs::create_dir_all(&folder).map_err(failed)?;
                write_whole(&folder, &target, text).map_err(failed)?;
            }
            None => match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            },
        }
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    for folder in folders {
        let failed = |why| WriteError { path: folder.display().to_string(), why };
        // The rename itself must survive a loss of power.
        #[cfg(unix)]
        if folder.is_dir() {
            File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
    }
    Ok(())
}

fn write_whole(folder: &Path, target: &Path, text: &str) -> io::Result<()> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // Hidden files are never loaded: what a crash leaves behind disturbs nothing.
    let beside = folder.join(format!(".{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, target)
}
