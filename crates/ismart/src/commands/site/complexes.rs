//! The housing complexes of a brief take the places of those of the example company.

use std::collections::BTreeMap;

use serde_json::Value;

use super::new::edit;
use super::text::slug;
use crate::output::Failed;

const FOLDER: &str = "data/json/ru/complexes/";
const FLATS: &str = "data/json/ru/flats/";
const PROGRESS: &str = "data/json/ru/pages/progress.json";

/// Renames the pack's complexes in their order and takes out those that are left over, with flats and progress.
pub(super) fn rename(files: &mut BTreeMap<String, Vec<u8>>, names: &[String]) -> Result<(), Failed> {
    let known: Vec<String> = files
        .keys()
        .filter_map(|path| path.strip_prefix(FOLDER)?.strip_suffix(".json"))
        .map(str::to_owned)
        .collect();
    for (at, old) in known.iter().enumerate() {
        match names.get(at) {
            Some(name) => take_place(files, old, name)?,
            None => remove(files, old)?,
        }
    }
    Ok(())
}

fn take_place(files: &mut BTreeMap<String, Vec<u8>>, old: &str, name: &str) -> Result<(), Failed> {
    let new = slug(name);
    let path = format!("{FOLDER}{old}.json");
    let mut title = String::new();
    edit(files, &path, |file| {
        if let Some(complex) = file.get_mut("complex").and_then(Value::as_object_mut) {
            title = complex.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
            complex.insert("slug".to_owned(), Value::from(new.as_str()));
        }
        replace(file, &title, name);
    })?;
    if let Some(content) = files.remove(&path) {
        files.insert(format!("{FOLDER}{new}.json"), content);
    }
    let flats: Vec<String> = files.keys().filter(|path| path.starts_with(FLATS)).cloned().collect();
    for flat in flats {
        edit(files, &flat, |file| {
            if let Some(complex) = file.pointer_mut("/flat/complex").filter(|complex| *complex == old) {
                *complex = Value::from(new.as_str());
            }
        })?;
    }
    edit(files, PROGRESS, |page| {
        for section in page.get_mut("sections").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(complex) = section.pointer_mut("/data/complex").filter(|complex| *complex == old) {
                *complex = Value::from(new.as_str());
            }
        }
    })
}

fn remove(files: &mut BTreeMap<String, Vec<u8>>, old: &str) -> Result<(), Failed> {
    files.remove(&format!("{FOLDER}{old}.json"));
    let of_it = |content: &[u8]| {
        serde_json::from_slice::<Value>(content)
            .is_ok_and(|flat| flat.pointer("/flat/complex").and_then(Value::as_str) == Some(old))
    };
    files.retain(|path, content| !path.starts_with(FLATS) || !of_it(content));
    edit(files, PROGRESS, |page| {
        if let Some(sections) = page.get_mut("sections").and_then(Value::as_array_mut) {
            sections.retain(|section| section.pointer("/data/complex").and_then(Value::as_str) != Some(old));
        }
    })
}

/// Says `new` for `old` in every text.
fn replace(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if !old.is_empty() => *text = text.replace(old, new),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, old, new)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, old, new)),
        _ => {}
    }
}
