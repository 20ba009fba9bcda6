//! Reads typed values out of TOML and remembers every fault with its line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SITE_TOML;
use crate::finding::{Finding, Position};

/// A walker over one TOML text that never stops at the first fault.
pub(super) struct Reader<'t> {
    text: &'t str,
    root: DeTable<'t>,
    findings: Vec<Finding>,
}

impl<'t> Reader<'t> {
    /// Takes a text that is known to be valid TOML.
    pub(super) fn new(text: &'t str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        Self { text, root: root.into_inner(), findings: Vec::new() }
    }

    /// All faults, in the order of the file; `None` when there are none.
    pub(super) fn finish(mut self) -> Option<Vec<Finding>> {
        self.findings.sort_by_key(|finding| finding.position);
        (!self.findings.is_empty()).then_some(self.findings)
    }

    fn table(&self, path: &[&str]) -> Option<&DeTable<'t>> {
        let mut table = &self.root;
        for key in path {
            table = table.get(*key)?.get_ref().as_table()?;
        }
        Some(table)
    }

    fn value(&self, path: &[&str]) -> Option<&Spanned<DeValue<'t>>> {
        let (last, parents) = path.split_last()?;
        self.table(parents)?.get(*last)
    }

    fn report(&mut self, rule: &'static str, span: Range<usize>, reason: String, fix: String) {
        let position = Position::of_offset(self.text, span.start);
        self.findings.push(Finding::error(rule, SITE_TOML, reason, fix).at(self.text, position));
    }

    /// Reports the value at `path` as impossible.
    pub(super) fn wrong(&mut self, path: &[&str], reason: &str, fix: &str) {
        let span = self.value(path).map_or(0..0, Spanned::span);
        self.report("config.value", span, reason.to_owned(), fix.to_owned());
    }

    /// Reports a key that must be there.
    pub(super) fn missing(&mut self, key: &str, fix: &str) {
        self.findings.push(Finding::error(
            "config.missing",
            SITE_TOML,
            format!("the key `{key}` is missing"),
            fix,
        ));
    }

    fn wrong_type(&mut self, path: &[&str], expected: &str) {
        let found = self.value(path).map_or("nothing", |value| value.get_ref().type_str());
        let reason = format!("`{}` must be {expected}, not {found}", path.join("."));
        let span = self.value(path).map_or(0..0, Spanned::span);
        self.report("config.type", span, reason, format!("write {expected}"));
    }

    /// Reports every key of the table at `path` that is not in `known`.
    pub(super) fn only(&mut self, path: &[&str], known: &[&str]) {
        let Some(table) = self.table(path) else {
            self.wrong_type(path, "a table");
            return;
        };
        let unknown: Vec<(String, Range<usize>)> = table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
            .map(|key| (key.get_ref().to_string(), key.span()))
            .collect();
        for (key, span) in unknown {
            let full = path.iter().copied().chain([key.as_str()]).collect::<Vec<_>>().join(".");
            let fix = match nearest(&key, known) {
                Some(near) => format!("did you mean `{near}`? Otherwise remove the key"),
                None => format!("remove it; known keys: {}", known.join(", ")),
            };
            self.report("config.unknown_key", span, format!("the key `{full}` is unknown"), fix);
        }
    }

    /// A text, or `None` when the key is absent.
    pub(super) fn text(&mut self, path: &[&str]) -> Option<String> {
        let value = self.value(path)?.get_ref();
        match value.as_str() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong_type(path, "a string");
                None
            }
        }
    }

    /// A text that must be there and must not be empty.
    pub(super) fn required(&mut self, key: &str) -> String {
        if self.value(&[key]).is_none() {
            self.missing(key, &format!("add {key} = \"…\""));
            return String::new();
        }
        let text = self.text(&[key]).unwrap_or_default();
        if text.trim().is_empty() && self.value(&[key]).is_some_and(|v| v.get_ref().is_str()) {
            self.wrong(&[key], &format!("`{key}` is empty"), "write a value");
        }
        text
    }

    /// A flag, or `None` when the key is absent.
    pub(super) fn flag(&mut self, path: &[&str]) -> Option<bool> {
        let value = self.value(path)?.get_ref();
        match value.as_bool() {
            Some(flag) => Some(flag),
            None => {
                self.wrong_type(path, "true or false");
                None
            }
        }
    }

    /// A list of texts, or `None` when the key is absent.
    pub(super) fn texts(&mut self, path: &[&str]) -> Option<Vec<String>> {
        let value = self.value(path)?.get_ref();
        let texts = value.as_array().and_then(|items| {
            items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.wrong_type(path, "a list of strings");
        }
        texts
    }

    /// One of the named values; its default when the key is absent.
    pub(super) fn choice<T: Copy + Default>(&mut self, path: &[&str], choices: &[(&str, T)]) -> T {
        self.one_of(path, choices, T::default())
    }

    /// One of the named values; `default` when the key is absent.
    pub(super) fn one_of<T: Copy>(&mut self, path: &[&str], choices: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(path) else { return default };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => *value,
            None => {
                let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                self.wrong(
                    path,
                    &format!("`{}` cannot be \"{text}\"", path.join(".")),
                    &format!("write {}", names.join(" or ")),
                );
                default
            }
        }
    }

    /// Whether there is anything at `path`.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        self.value(path).is_some()
    }

    /// The keys of a table in the order of the file; none when it is absent.
    pub(super) fn keys(&mut self, path: &[&str]) -> Vec<String> {
        if self.value(path).is_none() {
            return Vec::new();
        }
        let Some(table) = self.table(path) else {
            self.wrong_type(path, "a table");
            return Vec::new();
        };
        let mut keys: Vec<(usize, String)> =
            table.keys().map(|key| (key.span().start, key.get_ref().to_string())).collect();
        keys.sort();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// The known key a typing error away from `key`.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let best = known.iter().map(|candidate| (distance(key, candidate), *candidate)).min()?;
    (best.0 <= 1 + key.len() / 4).then_some(best.1)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(ca != cb)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshtein() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("trailing_slahs", &["name", "trailing_slash"]), Some("trailing_slash"));
        assert_eq!(nearest("colour", &["name", "hosts"]), None);
    }
}
