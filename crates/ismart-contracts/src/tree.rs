//! The code tree: its files, its contracts, and which file uses which.

mod links;
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::code::{CodeFile, Language, UnitKind};
use crate::config::{Config, ConfigError, KeyFile};
use crate::contract::{Contract, GraphFile};

pub use links::{Edge, Links};

/// Files of code larger than this are data that a program wrote.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Why a code tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder is none.
    #[error("{path} is no folder that can be read: {reason}; name the root of the code tree")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A code tree, read at one moment.
#[derive(Debug)]
pub struct Tree {
    /// Its root; empty for a tree in memory.
    pub root: PathBuf,
    /// The configuration in force.
    pub config: Config,
    /// Files of code in order of path.
    pub files: Vec<CodeFile>,
    /// Contracts in order of path.
    pub contracts: Vec<Contract>,
    /// The knowledge graph, if the tree keeps one.
    pub graph_file: Option<GraphFile>,
    /// Every file that was met, whatever its kind.
    pub paths: BTreeSet<String>,
    /// Crates of Rust: name as code writes it, folder.
    pub crates: BTreeMap<String, String>,
    /// Who uses whom.
    pub links: Links,
    /// Files that could not be read: path and reason.
    pub unread: Vec<(String, String)>,
    by_path: BTreeMap<String, usize>,
}

/// A part of the key code: what coverage counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyUnit {
    /// File.
    pub path: String,
    /// Name of the class, module or item.
    pub name: String,
    /// Line.
    pub line: usize,
    /// Whether it is one item of a file whose items stand each for themselves.
    pub is_item: bool,
}

impl Tree {
    /// Reads the code tree under `root`. What git ignores is left out.
    ///
    /// # Errors
    ///
    /// When the root is no folder or its configuration is wrong. Files that cannot be read stand in [`Tree::unread`].
    pub fn read(root: &Path) -> Result<Self, TreeError> {
        reading::read(root)
    }

    /// A number that changes when a file that [`Tree::read`] would read is added, changed or deleted.
    ///
    /// # Errors
    ///
    /// As [`Tree::read`].
    pub fn stamp(root: &Path) -> Result<u64, TreeError> {
        reading::stamp(root)
    }

    /// A tree in memory, of paths and texts.
    #[must_use]
    pub fn of<'t>(config: Config, files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        reading::build(PathBuf::new(), config, files, BTreeSet::new(), Vec::new())
    }

    /// The file of code at a path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&CodeFile> {
        self.by_path.get(path).and_then(|at| self.files.get(*at))
    }

    /// The place of a file in [`Tree::files`].
    #[must_use]
    pub fn position(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Whether there is such a file or folder.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.paths.contains(path)
            || self.paths.range(folder.clone()..).next().is_some_and(|next| next.starts_with(&folder))
    }

    /// The key code, in order of path.
    #[must_use]
    pub fn key_units(&self) -> Vec<KeyUnit> {
        let folders = self.usual_folders();
        let mut units = Vec::new();
        for file in self.files.iter().filter(|file| !self.config.is_test(&file.path)) {
            let kind = self.config.key(&file.path).unwrap_or_else(|| by_default(file, &folders));
            let unit = |name: &str, line| KeyUnit {
                path: file.path.clone(),
                name: name.to_owned(),
                line,
                is_item: false,
            };
            match (kind, file.language) {
                (KeyFile::No, _) => {}
                (KeyFile::Whole, _) => {
                    units.extend(file.units.iter().map(|part| unit(&part.name, part.line)));
                }
                (KeyFile::EachItem, _) => {
                    let items = file.units.iter().flat_map(|part| &part.items);
                    let traits = items.filter(|item| item.signature.starts_with("trait "));
                    units.extend(traits.map(|item| KeyUnit { is_item: true, ..unit(&item.name, item.line) }));
                }
            }
        }
        units
    }

    /// Folders that hold a PHP project's own code, as far as there are such.
    fn usual_folders(&self) -> Vec<&'static str> {
        let usual = ["core/", "src/", "app/", "lib/"].into_iter();
        usual
            .filter(|folder| {
                self.files.iter().any(|file| file.path.starts_with(folder) && file.language == Language::Php)
            })
            .collect()
    }
}

fn by_default(file: &CodeFile, folders: &[&str]) -> KeyFile {
    let is_key = match file.language {
        Language::Php => {
            let inside = folders.is_empty() || folders.iter().any(|folder| file.path.starts_with(folder));
            inside && file.units.iter().any(|unit| unit.kind != UnitKind::Functions)
        }
        Language::Rust => file.path.ends_with("src/lib.rs"),
    };
    if is_key { KeyFile::Whole } else { KeyFile::No }
}

/// The path with `.` and `..` worked out; `None` above the root.
#[must_use]
pub(crate) fn joined(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

/// The folder of a path.
#[must_use]
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
