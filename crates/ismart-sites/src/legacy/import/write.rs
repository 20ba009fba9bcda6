//! The imported site on disk: beside the old one, or into it.

use std::path::{Path, PathBuf};

use super::Imported;
use super::payment::SECRETS;
use crate::config::SITE_TOML;

/// Folders that a site is made of.
const PARTS: &[&str] = &["assets", "data", "public", "templates"];

/// Folders of files of the oldest generation, whose content is written anew.
const FILES: &[&str] = &["assets", "data/docs", "data/files", "data/fonts", "data/img", "data/video"];

/// Folders that builds and tools leave behind: they are no part of a site.
const PASSED: &[&str] = &["node_modules", "vendor", "cache", "logs"];

/// Why an imported site could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The target is there already.
    #[error("`{}` is not empty: name a folder that does not exist yet", .0.display())]
    Taken(PathBuf),
    /// The old folder has another form.
    #[error(
        "a site of this generation is not served as it is: its content is written anew, give another folder"
    )]
    Form,
    /// A file could not be read or written.
    #[error("`{}`: {error}; what was written so far can be removed", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, WriteError> {
    result.map_err(|error| WriteError::File { path: path.to_path_buf(), error })
}

/// Writes `config/site.toml` into the old folder; nothing else is touched.
///
/// # Errors
/// When the file cannot be written.
pub fn write_in_place(imported: &Imported, folder: &Path) -> Result<PathBuf, WriteError> {
    if !imported.fits_in_place() {
        return Err(WriteError::Form);
    }
    site_toml(imported, &folder.join(&imported.detected.sub))
}

fn site_toml(imported: &Imported, root: &Path) -> Result<PathBuf, WriteError> {
    let file = root.join(SITE_TOML);
    at(&file, std::fs::create_dir_all(root.join("config")))?;
    at(&file, std::fs::write(&file, &imported.site_toml))?;
    if !imported.secrets.0.is_empty() {
        let folder = root.join(SECRETS);
        at(&folder, std::fs::create_dir_all(&folder))?;
        // What is secret belongs into no repository.
        let ignored = folder.join(".gitignore");
        if !ignored.exists() {
            at(&ignored, std::fs::write(&ignored, "*\n"))?;
        }
        for (path, text) in &imported.secrets.0 {
            let file = root.join(path);
            at(&file, secret(&file, text))?;
        }
    }
    Ok(file)
}

/// Writes a file that only its owner reads; it never lies there open, not even for a moment.
fn secret(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file)?.write_all(text.as_bytes())
}

/// Copies what a site is made of to the folder `to`, which must not exist or be empty; gives the number of files.
///
/// # Errors
/// When the folder holds something, or a file cannot be copied.
pub fn write_to(imported: &Imported, folder: &Path, to: &Path) -> Result<usize, WriteError> {
    if std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(WriteError::Taken(to.to_path_buf()));
    }
    let root = folder.join(&imported.detected.sub);
    let mut copied = 0;
    let parts: &[&str] = if imported.fits_in_place() { PARTS } else { FILES };
    for part in parts {
        let from = root.join(part);
        if from.is_dir() {
            copied += copy(&root, &from, &to.join(part))?;
        }
    }
    let legacy = imported.table.get("legacy").and_then(toml::Value::as_table);
    let text = |key: &str| legacy.and_then(|legacy| legacy.get(key)).and_then(toml::Value::as_str);
    let mut single: Vec<String> = vec!["config/redirects.json".to_owned()];
    single.extend(text("redirects").map(str::to_owned));
    let files = legacy.and_then(|legacy| legacy.get("open_files")).and_then(toml::Value::as_table);
    single.extend(
        files.into_iter().flat_map(toml::Table::values).filter_map(|file| Some(file.as_str()?.to_owned())),
    );
    for file in single.iter().filter(|file| root.join(file).is_file() && !to.join(file).exists()) {
        copied += copy_file(&root.join(file), &to.join(file))?;
    }
    let folders = legacy.and_then(|legacy| legacy.get("open_folders")).and_then(toml::Value::as_array);
    for folder in folders.into_iter().flatten().filter_map(toml::Value::as_str) {
        if root.join(folder).is_dir() && !to.join(folder).exists() {
            copied += copy(&root, &root.join(folder), &to.join(folder))?;
        }
    }
    if !imported.fits_in_place() {
        for name in ["favicon.ico", "robots.txt"].iter().filter(|name| root.join(name).is_file()) {
            copied += copy_file(&root.join(name), &to.join("public").join(name))?;
        }
    }
    for (path, text) in &imported.files {
        let file = to.join(path);
        if let Some(folder) = file.parent() {
            at(folder, std::fs::create_dir_all(folder))?;
        }
        at(&file, std::fs::write(&file, text))?;
        copied += 1;
    }
    site_toml(imported, to)?;
    Ok(copied)
}

fn copy_file(from: &Path, to: &Path) -> Result<usize, WriteError> {
    if let Some(folder) = to.parent() {
        at(folder, std::fs::create_dir_all(folder))?;
    }
    at(from, std::fs::copy(from, to))?;
    Ok(1)
}

/// Copies a folder: no PHP, nothing hidden, links to folders passed over, links to files of the site followed.
fn copy(root: &Path, from: &Path, to: &Path) -> Result<usize, WriteError> {
    at(to, std::fs::create_dir_all(to))?;
    let mut copied = 0;
    for entry in at(from, std::fs::read_dir(from))? {
        let entry = at(from, entry)?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if (text.starts_with('.') && text != ".well-known")
            || text.ends_with(".php")
            || PASSED.contains(&text.as_ref())
        {
            continue;
        }
        let path = entry.path();
        let kind = at(&path, entry.file_type())?;
        if kind.is_dir() {
            copied += copy(root, &path, &to.join(&name))?;
        } else if kind.is_file() {
            copied += copy_file(&path, &to.join(&name))?;
        } else if let (Ok(target), Ok(whole)) = (path.canonicalize(), root.canonicalize())
            && target.is_file()
            && target.starts_with(&whole)
        {
            copied += copy_file(&target, &to.join(&name))?;
        }
    }
    Ok(copied)
}
