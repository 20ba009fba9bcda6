//! What a machine may mend: white space of JSON, keys that nobody reads, style of templates.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Texts, json, layout, twig};

/// What was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The file, relative to the site folder.
    pub file: String,
    /// What was done, in words.
    pub what: String,
}

/// Mends what is safe: spaces in the code of templates, indent of JSON; and renames keys to `snake_case` where no template, no other string and no
/// configuration holds the old name. Everything else is left to people.
///
/// # Errors
/// When a file cannot be written; those before it are written.
pub fn fix(root: &Path) -> Result<Vec<Fixed>, std::io::Error> {
    let texts = Texts::read(root);
    let read = Read::of(root, &texts);
    let mut fixed = Vec::new();
    for (file, (text, _)) in &texts.json {
        let (renamed, keys) = renamed(text, &read);
        let indented = layout::indented(&renamed);
        let mut what: Vec<String> = keys.iter().map(|(old, new)| format!("`{old}` is `{new}` now")).collect();
        if indented != renamed {
            what.push("indented".to_owned());
        }
        // Nothing is written that does not say the same.
        let same = serde_json::from_str::<serde_json::Value>(indented.trim_start_matches('\u{feff}')).is_ok();
        if !what.is_empty() && same {
            std::fs::write(root.join(file), indented)?;
            fixed.push(Fixed { file: file.clone(), what: what.join(", ") });
        }
    }
    for (file, text) in twig::mended(&texts.templates) {
        std::fs::write(root.join(&file), text)?;
        fixed.push(Fixed { file, what: "spaces in its code".to_owned() });
    }
    Ok(fixed)
}

/// Texts in which the name of a key may be read: templates, strings of JSON that are templates, configuration, scripts.
struct Read {
    texts: Vec<String>,
}

impl Read {
    fn of(root: &Path, texts: &Texts) -> Self {
        let mut all: Vec<String> = texts.templates.values().cloned().collect();
        for (_, value) in texts.json.values() {
            crate::json::strings(value, "", &mut |_, text| all.push(text.to_owned()));
        }
        for folder in ["config", "assets", "public", "core", "src"] {
            scripts(&root.join(folder), &mut all);
        }
        Self { texts: all }
    }

    fn has(&self, name: &str) -> bool {
        self.texts.iter().any(|text| text.contains(name))
    }
}

fn scripts(folder: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let text = path.extension().and_then(|ending| ending.to_str());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            scripts(&path, all);
        } else if matches!(text, Some("toml" | "json" | "js" | "mjs" | "php")) {
            all.extend(std::fs::read_to_string(&path));
        }
    }
}

/// The text with keys renamed that may be, and what was renamed.
fn renamed(text: &str, read: &Read) -> (String, Vec<(String, String)>) {
    let layout = layout::scan(text);
    let taken: BTreeSet<(usize, &str)> =
        layout.keys.iter().map(|key| (key.object, key.name.as_str())).collect();
    let mut made = String::with_capacity(text.len());
    let mut done: Vec<(String, String)> = Vec::new();
    let mut from = 0;
    for key in layout.keys.iter().filter(|key| !json::is_snake(key)) {
        let name = json::snake(&key.name);
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // A name that was made for another key of the object is taken too.
        let twin = layout
            .keys
            .iter()
            .filter(|other| other.object == key.object && json::snake(&other.name) == name)
            .count();
        if !plain || twin > 1 || taken.contains(&(key.object, name.as_str())) || read.has(&key.name) {
            continue;
        }
        made.push_str(text.get(from..key.at).unwrap_or(""));
        made.push_str(&format!("\"{name}\""));
        from = key.at + key.length;
        let pair = (key.name.clone(), name);
        if !done.contains(&pair) {
            done.push(pair);
        }
    }
    made.push_str(text.get(from..).unwrap_or(""));
    (made, done)
}
