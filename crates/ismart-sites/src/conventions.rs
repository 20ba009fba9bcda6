//! Conventions of content and templates: what a machine can hold of them, on the folder as it lies on disk.

mod fix;
mod json;
mod layout;
mod markup;
mod seo;
mod twig;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::content::GLOBAL;
use crate::files::unreadable;
use crate::finding::Finding;

pub use fix::{Fixed, fix};

const JSON: &str = "data/json";
const TEMPLATES: &str = "templates";

/// Files above this size are no text that people write.
const BIGGEST: u64 = 16 * 1024 * 1024;

/// The texts of a site folder.
struct Texts {
    /// JSON files that parse, with their values.
    json: BTreeMap<String, (String, Value)>,
    templates: BTreeMap<String, String>,
    findings: Vec<Finding>,
}

/// Checks the conventions of a site folder: JSON under `data/json`, templates. The folder need not be one that can be
/// served; JSON that does not parse is left to the loading, which tells it.
///
/// Findings are in a stable order: by file, then by place.
#[must_use]
pub fn conventions(root: &Path) -> Vec<Finding> {
    let texts = Texts::read(root);
    let mut findings = texts.findings;
    for (file, (text, value)) in &texts.json {
        findings.extend(json::check(file, text, value));
    }
    findings.extend(json::facts(&texts.json));
    findings.extend(seo::check(&texts.json, &texts.templates));
    for (file, text) in &texts.templates {
        findings.extend(twig::check(file, text));
    }
    findings.extend(twig::style(&texts.templates));
    findings.sort_by(|a, b| {
        (&a.file, a.position, a.rule, &a.reason).cmp(&(&b.file, b.position, b.rule, &b.reason))
    });
    findings.dedup();
    findings
}

impl Texts {
    fn read(root: &Path) -> Self {
        let mut texts = Self { json: BTreeMap::new(), templates: BTreeMap::new(), findings: Vec::new() };
        let mut files = Vec::new();
        for (folder, ending) in [(JSON, ".json"), (TEMPLATES, ".twig")] {
            list(root, folder, ending, &mut files, &mut texts.findings);
        }
        files.sort();
        for file in files {
            match std::fs::read_to_string(root.join(&file)) {
                Ok(text) if file.ends_with(".twig") => {
                    texts.templates.insert(file, text);
                }
                Ok(text) => {
                    let bare = text.strip_prefix('\u{feff}').unwrap_or(&text);
                    if let Ok(value) = serde_json::from_str(bare) {
                        texts.json.insert(file, (text, value));
                    }
                }
                Err(error) => texts.findings.push(unreadable(&file, &error)),
            }
        }
        texts
    }
}

/// Files of a folder and the folders in it; links are not followed.
fn list(root: &Path, folder: &str, ending: &str, files: &mut Vec<String>, findings: &mut Vec<Finding>) {
    let entries = match std::fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            findings.push(unreadable(folder, &error));
            return;
        }
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            list(root, &path, ending, files, findings);
        } else if kind.is_file()
            && path.ends_with(ending)
            && entry.metadata().is_ok_and(|file| file.len() <= BIGGEST)
        {
            files.push(path);
        }
    }
}

/// Language and id of a page's file.
fn page(file: &str) -> Option<(&str, &str)> {
    let (language, rest) = file.strip_prefix("data/json/")?.split_once('/')?;
    let id = rest.strip_prefix("pages/")?.strip_suffix(".json")?;
    (!id.contains('/')).then_some((language, id))
}

fn is_global(file: &str) -> bool {
    file == GLOBAL
}
