//! A site folder on disk: read whole, checked whole, turned into one immutable snapshot.

use std::collections::BTreeMap;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::config::{Legacy, SITE_TOML, SiteConfig};
use crate::content::{Content, GLOBAL};
use crate::core::Cores;
use crate::files::{FileIndex, unreadable, walk};
use crate::finding::Finding;
use crate::host::{Manifests, Parts};
use crate::json;
use crate::redirects::{REDIRECTS, Redirects};
use crate::snapshot::Snapshot;

/// JSON and templates above this size are a mistake, not content.
const BIGGEST_TEXT: u64 = 16 * 1024 * 1024;

/// Bytes of small text files (styles, drawings) kept in memory for one site unless said otherwise.
const MEMORY: u64 = 4 * 1024 * 1024;

/// Content that does not lie in the folder.
#[derive(Debug, Clone, Default)]
pub struct External {
    /// Key of a collection with `source = "feed"` → its entities in order. Each is an object with `slug` and
    /// `title`; `visible: false` hides it.
    pub collections: BTreeMap<String, Vec<Value>>,
    /// Where `[core]` is looked for.
    pub cores: Arc<Cores>,
}

/// The folder of one site.
#[derive(Debug, Clone)]
pub struct SiteFolder {
    root: PathBuf,
    memory: u64,
}

impl SiteFolder {
    /// The folder at `root`; nothing is read yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), memory: MEMORY }
    }

    /// Keeps at most `bytes` of small text files in memory; the rest is answered by path.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A number that changes when any file of the site changes, is added or removed: made of paths, sizes and times,
    /// without reading a file.
    #[must_use]
    pub fn print(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        let mut unread = Vec::new();
        for sub in ["assets", "config", "data", "public", "templates"] {
            for found in walk(&self.root, sub, &mut unread) {
                found.print(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Reads `config/site.toml` alone: what is needed to find the feeds of a site before it is loaded.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn config(&self) -> Result<SiteConfig, Vec<Finding>> {
        let text = match std::fs::read_to_string(self.root.join(SITE_TOML)) {
            Ok(text) => text,
            Err(error) => return Err(vec![unreadable(SITE_TOML, &error)]),
        };
        let name = self.root.file_name().and_then(|name| name.to_str()).unwrap_or("site");
        SiteConfig::parse(&text, name)
    }

    /// Reads the whole folder.
    ///
    /// # Errors
    /// Every fault that makes the content unusable, each with its file and place. Faults of single templates
    /// do not stop a load: see [`Snapshot::template_faults`].
    pub fn load(&self, external: &External) -> Result<Arc<Snapshot>, Vec<Finding>> {
        let mut findings = Vec::new();
        let config = match self.config() {
            Ok(config) => Some(config),
            Err(faults) => {
                findings.extend(faults);
                None
            }
        };
        let legacy = config.as_ref().and_then(|config| config.legacy.as_ref());
        let redirects = self.redirects(legacy, &mut findings);
        let mut broken = Vec::new();
        let files = self.read_json(if legacy.is_some() { &mut broken } else { &mut findings });
        if !files.contains_key(GLOBAL) && !findings.iter().any(|finding| finding.file == GLOBAL) {
            findings.push(Finding::error(
                "content.global",
                GLOBAL,
                "the file of shared facts is missing",
                "create it; `{}` is enough to begin with",
            ));
        }
        let mut templates = read_templates(&self.root, &mut findings);
        let mut assets = FileIndex::read(&self.root, self.memory, &mut findings);
        if templates.is_empty() && !self.names_core() {
            findings.push(Finding::error(
                "template.none",
                "templates",
                "the folder has no templates",
                "add templates/pages/page.twig and templates/sections/*.twig",
            ));
        }
        if let Some(legacy) = legacy {
            crate::legacy::open_files(&self.root, legacy, &mut assets, &mut findings);
            for name in &legacy.empty_templates {
                templates.entry(name.clone()).or_insert_with(|| "".into());
            }
        }
        let Some(config) = config else { return Err(findings) };
        let core = config.core.as_ref().and_then(|choice| match external.cores.get(choice) {
            Ok(core) => Some(core),
            Err(faults) => {
                findings.extend(faults);
                None
            }
        });
        if let Some(core) = &core {
            for (name, text) in &core.templates {
                templates.entry(name.clone()).or_insert_with(|| text.clone());
            }
            assets.lie_over(core.root(), &mut findings);
        }
        let content = Content::build(&config, files, &external.collections, &mut findings);
        for key in external.collections.keys().filter(|key| !config.collections.contains_key(*key)) {
            findings.push(Finding::error(
                "collection.feed",
                SITE_TOML,
                format!("a feed was read for the collection `{key}`, which is not configured"),
                format!("add [collections.{key}] with source = \"feed\""),
            ));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let root = self.root.clone();
        let manifests = Manifests::read(&mut assets);
        Ok(Arc::new(Snapshot::new(Parts {
            root,
            config,
            content,
            redirects,
            files: assets,
            manifests,
            templates,
            core,
            broken,
        })))
    }

    /// Whether the configuration names a core, be it otherwise sound or not.
    fn names_core(&self) -> bool {
        std::fs::read_to_string(self.root.join(SITE_TOML)).is_ok_and(|text| text.contains("[core]"))
    }

    fn redirects(&self, legacy: Option<&Legacy>, findings: &mut Vec<Finding>) -> Redirects {
        let file = legacy.map_or(REDIRECTS, |legacy| legacy.redirects.as_str());
        let disk = self.root.join(file);
        if !disk.exists() {
            return Redirects::default();
        }
        let Some(text) = read_text(&disk, file, findings) else { return Redirects::default() };
        // The PHP platform passes over a rule that is none, and over a file that is no JSON.
        let mut passed_over = Vec::new();
        let findings = if legacy.is_some() { &mut passed_over } else { findings };
        match json::parse(file, &text) {
            Ok(value) => Redirects::read(&text, &value, findings),
            Err(finding) => {
                findings.push(*finding);
                Redirects::default()
            }
        }
    }

    /// Every JSON file under `data/`.
    fn read_json(&self, findings: &mut Vec<Finding>) -> BTreeMap<String, Arc<Value>> {
        let mut files = BTreeMap::new();
        for found in walk(&self.root, "data", findings) {
            if !found.path.ends_with(".json") || !fits(&found.path, found.len, findings) {
                continue;
            }
            let Some(text) = read_text(&found.disk, &found.path, findings) else { continue };
            match json::parse(&found.path, &text) {
                Ok(value) => {
                    files.insert(found.path, Arc::new(value));
                }
                Err(finding) => findings.push(*finding),
            }
        }
        files
    }
}

/// The templates under `root`: name relative to `templates/` → source.
pub(crate) fn read_templates(root: &Path, findings: &mut Vec<Finding>) -> BTreeMap<String, Arc<str>> {
    let mut templates = BTreeMap::new();
    for found in walk(root, "templates", findings) {
        let Some(name) = found.path.strip_prefix("templates/") else { continue };
        if !fits(&found.path, found.len, findings) {
            continue;
        }
        if let Some(text) = read_text(&found.disk, &found.path, findings) {
            templates.insert(name.to_owned(), text.into());
        }
    }
    templates
}

fn fits(path: &str, len: u64, findings: &mut Vec<Finding>) -> bool {
    if len > BIGGEST_TEXT {
        findings.push(Finding::error(
            "file.too_big",
            path,
            format!("the file has {len} bytes; at most {BIGGEST_TEXT} are read"),
            "split it, or move it out of data/ and templates/",
        ));
    }
    len <= BIGGEST_TEXT
}

fn read_text(disk: &Path, path: &str, findings: &mut Vec<Finding>) -> Option<String> {
    let bytes = match std::fs::read(disk) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.push(unreadable(path, &error));
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
            findings.push(Finding::error(
                "file.encoding",
                path,
                format!("line {line} is not UTF-8"),
                "save the file as UTF-8",
            ));
            None
        }
    }
}
