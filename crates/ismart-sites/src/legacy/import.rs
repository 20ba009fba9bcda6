//! `ismart site import`: an old site read as it is, and what becomes of it.

mod captcha;
mod configuration;
mod gen0;
mod mends;
mod payment;
mod templates;
mod write;

use std::collections::BTreeMap;
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
    /// Collections and lists in the order of the old configuration.
    #[serde(skip)]
    order: Vec<String>,
    /// Secrets of the old site: file relative to the new folder → text. They are in no report.
    #[serde(skip)]
    secrets: Secrets,
    /// Files that are made of the old content: path relative to the new folder → text.
    #[serde(skip)]
    files: BTreeMap<String, String>,
}

/// Secrets by their file; they do not print.
#[derive(Clone, Default)]
struct Secrets(BTreeMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    fn insert(&mut self, file: String, text: String) {
        self.0.insert(file, text);
    }
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
        order: Vec::new(),
        secrets: Secrets::default(),
        files: BTreeMap::new(),
    };
    let mut table = configuration::read(&root, options, &mut imported);
    if imported.detected.generation == Generation::Gen0 {
        gen0::read(&root, &mut table, &mut imported);
    } else {
        templates::look(&root, &mut table, &mut imported);
        mends::list(&root, &mut table, &mut imported);
    }
    imported.site_toml = text(&table, &imported);
    if let Err(findings) = SiteConfig::parse(&imported.site_toml, &imported.name) {
        return Err(ImportError::Broken(findings));
    }
    imported.table = table;
    Ok(imported)
}

impl Imported {
    /// Whether the old folder can be served as it is, with nothing but our configuration in it.
    #[must_use]
    pub fn fits_in_place(&self) -> bool {
        self.files.is_empty()
    }
}

/// The text of `site.toml`: tables whose order means something stand last, in that order.
fn text(table: &toml::Table, imported: &Imported) -> String {
    let mut rest = table.clone();
    let collections = rest.remove("collections");
    let lists = rest
        .get_mut("legacy")
        .and_then(toml::Value::as_table_mut)
        .and_then(|legacy| legacy.remove("sitemap_lists"));
    // What was made here is a table of texts, numbers and flags: it can always be written.
    let pretty = |table: &toml::Table| toml::to_string_pretty(table).unwrap_or_default();
    let one = |path: &[&str], key: &str, value: &toml::Value| {
        let inner = toml::Table::from_iter([(key.to_owned(), value.clone())]);
        let nested = path.iter().rev().fold(inner, |inner, name| {
            toml::Table::from_iter([((*name).to_owned(), toml::Value::Table(inner))])
        });
        format!("\n{}", pretty(&nested))
    };
    let mut body = pretty(&rest);
    for (path, tables) in [(&["collections"][..], collections), (&["legacy", "sitemap_lists"][..], lists)] {
        let tables = tables.as_ref().and_then(toml::Value::as_table);
        for (at, key) in imported.order.iter().enumerate() {
            let first = imported.order.iter().position(|known| known == key) == Some(at);
            if let Some(value) = tables.and_then(|tables| tables.get(key)).filter(|_| first) {
                body.push_str(&one(path, key, value));
            }
        }
    }
    format!(
        "# A site of the PHP platform ({}), as `ismart site import` read it.\n# [legacy], where there is one, holds what it does differently; remove a key to have today's behaviour.\n\n{body}",
        imported.detected.generation.name()
    )
}

/// Whether the folder is ours already.
#[must_use]
pub fn is_ours(folder: &Path) -> bool {
    folder.join(SITE_TOML).is_file()
}
