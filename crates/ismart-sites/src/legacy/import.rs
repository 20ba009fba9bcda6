//! `ismart site import`: an old site read as it is, and what becomes of it.

mod configuration;
mod mends;
mod templates;
mod write;

use std::path::Path;

use serde::Serialize;

use super::detect::{Detected, Generation, detect};
use super::php::Unread;
use crate::config::{Mend, SITE_TOML, SiteConfig};
use crate::finding::Finding;

pub use write::{WriteError, write_in_place, write_to};

/// What the importer may be told.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Host names of the site; told by its configuration unless given.
    pub hosts: Vec<String>,
    /// `production` or `development`; that of `.env` unless given.
    pub environment: Option<String>,
    /// The key of the client; the name of the folder unless given.
    pub client: Option<String>,
}

/// One thing of the old site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub what: String,
    /// How much of it, or where it stands.
    pub detail: String,
}

impl Item {
    fn new(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), detail: detail.into() }
    }
}

/// What becomes of an old site.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// What the folder is.
    pub detected: Detected,
    /// The name of the site's folder.
    pub name: String,
    /// What is served as it was.
    pub carried: Vec<Item>,
    /// What was wrong with the old site and is right now.
    pub mended: Vec<Mend>,
    /// What was wrong and stays so, because visitors or search engines know it that way.
    pub kept: Vec<Item>,
    /// What could not be carried over, and why.
    pub left: Vec<Item>,
    /// Places of PHP files that could not be read; their defaults hold.
    pub unread: Vec<Unread>,
    /// Faults of content: files that do not parse, templates that do not compile.
    pub findings: Vec<Finding>,
    /// The text of `config/site.toml`.
    #[serde(skip)]
    pub site_toml: String,
    /// The same as a table.
    #[serde(skip)]
    table: toml::Table,
}

/// Why a folder cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Not a site of the PHP platform.
    #[error(
        "the folder is no site of the PHP platform: none of config/settings.php, core/Routing and data/production is there"
    )]
    Unknown,
    /// The folder has our configuration already.
    #[error("the folder is a site of this platform already: it has a config/site.toml")]
    Ours,
    /// What was read makes no site.
    #[error("the site cannot be served as it is: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Broken(Vec<Finding>),
}

/// Reads the old site at `folder`; writes nothing.
///
/// # Errors
/// When the folder is no old site, or its parts make no site at all.
pub fn import(folder: &Path, options: &Options) -> Result<Imported, ImportError> {
    let detected = detect(folder).ok_or(ImportError::Unknown)?;
    let root = folder.join(&detected.sub);
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let name = full.file_name().and_then(|name| name.to_str()).unwrap_or("site").to_owned();
    let mut imported = Imported {
        detected,
        name,
        carried: Vec::new(),
        mended: Vec::new(),
        kept: Vec::new(),
        left: Vec::new(),
        unread: Vec::new(),
        findings: Vec::new(),
        site_toml: String::new(),
        table: toml::Table::new(),
    };
    let mut table = configuration::read(&root, options, &mut imported);
    templates::look(&root, &mut table, &mut imported);
    mends::list(&root, &mut table, &mut imported);
    imported.site_toml = text(&table, imported.detected.generation);
    if let Err(findings) = SiteConfig::parse(&imported.site_toml, &imported.name) {
        return Err(ImportError::Broken(findings));
    }
    imported.table = table;
    Ok(imported)
}

fn text(table: &toml::Table, generation: Generation) -> String {
    // What was made here is a table of texts, numbers and flags: it can always be written.
    let body = toml::to_string_pretty(table).unwrap_or_default();
    format!(
        "# A site of the PHP platform ({}), as `ismart site import` read it.\n# [legacy] holds what it does differently; remove a key to have today's behaviour.\n\n{body}",
        generation.name()
    )
}

/// Whether the folder is ours already.
#[must_use]
pub fn is_ours(folder: &Path) -> bool {
    folder.join(SITE_TOML).is_file()
}
