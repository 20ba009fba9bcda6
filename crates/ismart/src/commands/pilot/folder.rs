//! Reads the pages of a site from its folder: `data/json/{language}/pages`, as the PHP platform keeps them.

use std::path::Path;

use serde_json::Value;

use super::{Known, Page};
use crate::output::Failed;

/// Reads the pages of the first language that has any, `ru` before all others.
pub(super) fn read(folder: &Path, limit: usize) -> Result<Known, Failed> {
    let json = folder.join("data/json");
    let wrong = |place: &Path, why: String| {
        Failed::one(place.display().to_string(), why, "name the folder of a site: it holds data/json")
    };
    let entries = std::fs::read_dir(&json).map_err(|e| wrong(&json, e.to_string()))?;
    let mut languages: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("pages").is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    languages.sort_by_key(|code| (code != "ru", code.clone()));
    let Some(language) = languages.into_iter().next() else {
        return Err(wrong(&json, "holds no language with pages".to_owned()));
    };
    let pages = json.join(&language).join("pages");
    let mut files: Vec<_> = std::fs::read_dir(&pages)
        .map_err(|e| wrong(&pages, e.to_string()))?
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    let mut known = Known { language: Some(language), ..Known::default() };
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "json")).take(limit) {
        let text = std::fs::read_to_string(file).map_err(|e| wrong(file, e.to_string()))?;
        let content: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| {
            Failed::one(file.display().to_string(), e.to_string(), "mend the JSON at this place")
        })?;
        let id = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if id == "404" {
            continue;
        }
        let path = if id == "index" { "/".to_owned() } else { format!("/{id}") };
        let title = ["title", "name"].iter().find_map(|key| content.get(key)?.as_str());
        known.pages.push(Page { path, title: title.unwrap_or(&id).to_owned(), content });
    }
    if let Ok(text) = std::fs::read_to_string(json.join("global.json"))
        && let Ok(global) = serde_json::from_str::<Value>(&text)
    {
        let text = |pointer: &str| global.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        known.name = text("/business/name").or_else(|| text("/site_name"));
        known.phone = text("/business/phone").or_else(|| text("/phone"));
    }
    Ok(known)
}
