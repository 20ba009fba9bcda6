//! The repository as the rules see it: files, facts read off their syntax, packages.

pub(crate) mod facts;
pub(crate) mod mask;
mod packages;

use std::path::Path;
use std::process::Command;

pub(crate) use facts::Facts;
pub(crate) use mask::Line;
pub(crate) use packages::Package;

/// Files larger than this hold data, not text that people write.
const LARGEST: u64 = 2 * 1024 * 1024;

/// A file that git tracks or would track.
#[derive(Debug)]
pub(crate) struct File {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    /// Empty when the file is no UTF-8 text.
    pub(crate) text: String,
    /// For Rust files.
    pub(crate) rust: Option<Rust>,
}

/// What is known of a Rust file.
#[derive(Debug)]
pub(crate) struct Rust {
    /// Lines with texts blanked and comments apart.
    pub(crate) lines: Vec<Line>,
    /// What the syntax says.
    pub(crate) facts: Facts,
}

/// The repository.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// In order of path.
    pub(crate) files: Vec<File>,
    /// Crates of the workspace.
    pub(crate) packages: Vec<Package>,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let rust = Path::new(&path)
            .extension()
            .is_some_and(|e| e == "rs")
            .then(|| Rust { lines: mask::lines(&text), facts: facts::read(&text) });
        Self { path, text, rust }
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The path without its last part.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The folder of the crate that the file belongs to, `crates/x` or `xtask`.
    pub(crate) fn crate_folder(&self) -> Option<&str> {
        let end = match self.path.strip_prefix("crates/") {
            Some(rest) => "crates/".len() + rest.find('/')?,
            None if self.path.starts_with("xtask/") => "xtask".len(),
            None => return None,
        };
        self.path.get(..end)
    }

    /// Whether the file lies in a folder of tests.
    pub(crate) fn is_test(&self) -> bool {
        ["tests", "test"].iter().any(|name| self.folder().split('/').any(|part| part == *name))
    }
}

impl Tree {
    /// Reads what git tracks, and what it would track after `git add`.
    ///
    /// # Errors
    /// In words, when git or cargo cannot be asked or a file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let packages = packages::read(root)?;
        let mut texts = Vec::new();
        for path in listed(root)? {
            let place = root.join(&path);
            // A deleted file stays in git's list until the deletion is staged; a link is not followed.
            let Ok(meta) = place.symlink_metadata() else { continue };
            if !meta.is_file() {
                continue;
            }
            let bytes = if meta.len() > LARGEST {
                Vec::new()
            } else {
                std::fs::read(&place).map_err(|e| format!("{path} cannot be read: {e}"))?
            };
            texts.push((path, String::from_utf8(bytes).unwrap_or_default()));
        }
        texts.sort();
        Ok(Self { files: parsed(texts), packages })
    }

    /// A tree from pairs of path and text, for the tests of rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned()));
        Self { files: files.collect(), packages: Vec::new() }
    }

    /// All Rust files with what is known of them.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Rust)> {
        self.files.iter().filter_map(|file| file.rust.as_ref().map(|rust| (file, rust)))
    }

    /// A file by its path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Parses on all cores: syntax takes most of the time of a run.
fn parsed(texts: Vec<(String, String)>) -> Vec<File> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let queue = std::sync::Mutex::new(texts.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let mut files: Vec<(usize, File)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let Some((at, (path, text))) = next() {
                done.push((at, File::new(path, text)));
            }
            done
        };
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    files.sort_by_key(|(at, _)| *at);
    files.into_iter().map(|(_, file)| file).collect()
}

fn listed(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("git cannot be started: {e}; install git"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("git cannot list the files of {}: {why}; run inside a clone", root.display()));
    }
    let mut paths: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
        .collect();
    paths.dedup();
    Ok(paths)
}
