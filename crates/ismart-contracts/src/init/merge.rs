//! New facts into a contract that is there: signatures, entries, links. Words of people stay.

use std::collections::BTreeMap;

use super::skeleton::{self, Words};
use crate::check;
use crate::code::{CodeFile, UnitKind};
use crate::contract::{Contract, Form, in_code};
use crate::finding::Finding;
use crate::tree::Tree;

/// The text with what the code says now; `None` when nothing changes.
pub(super) fn merged(tree: &Tree, contract: &Contract, place: usize, text: &str) -> Option<String> {
    if contract.form != Form::Markdown {
        return None;
    }
    let file = tree.files.get(place)?;
    let mut edit = Edit::of(text);
    api(&mut edit, tree, contract, file);
    links(&mut edit, tree, contract, place);
    let merged = edit.text();
    (merged != text).then_some(merged)
}

/// Lines of a text to be exchanged, deleted and followed by others.
struct Edit<'t> {
    lines: Vec<&'t str>,
    exchanged: BTreeMap<usize, Option<String>>,
    after: BTreeMap<usize, Vec<String>>,
    ends: bool,
}

impl<'t> Edit<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            lines: text.lines().collect(),
            exchanged: BTreeMap::new(),
            after: BTreeMap::new(),
            ends: text.ends_with('\n'),
        }
    }

    /// A line, numbered from 1.
    fn line(&self, number: usize) -> &str {
        let old = number.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or("");
        self.exchanged.get(&number).map_or(old, |line| line.as_deref().unwrap_or(""))
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (at, line) in self.lines.iter().enumerate() {
            let number = at + 1;
            match self.exchanged.get(&number) {
                Some(None) => {}
                Some(Some(line)) => {
                    text.push_str(line);
                    text.push('\n');
                }
                None => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            for line in self.after.get(&number).into_iter().flatten() {
                text.push_str(line);
                text.push('\n');
            }
        }
        if !self.ends {
            text.pop();
        }
        text
    }
}

fn api(edit: &mut Edit<'_>, tree: &Tree, contract: &Contract, file: &CodeFile) {
    let several = file.units.iter().filter(|unit| unit.kind != UnitKind::Functions).count() > 1;
    let drift = check::api_drift(tree, contract);
    for (claim, item) in &drift.changed {
        let Some(unit) =
            file.units.iter().find(|unit| unit.items.iter().any(|other| std::ptr::eq(other, *item)))
        else {
            continue;
        };
        let right = skeleton::signature(file, unit, item, several);
        let line =
            edit.line(claim.line).replacen(&format!("`{}`", claim.signature), &format!("`{right}`"), 1);
        edit.exchanged.insert(claim.line, Some(line));
    }
    for claim in &drift.gone {
        // An entry without words says only what the code says.
        let alone = in_code(edit.line(claim.line)).count() == 1;
        if claim.says.is_empty() && alone {
            edit.exchanged.insert(claim.line, None);
        }
    }
    if drift.missing.is_empty() {
        return;
    }
    let section = contract.sections.iter().find(|section| section.name == "API");
    let Some(section) = section else {
        let entries = drift.missing.iter().map(|(unit, item)| new_entry(file, unit, item, several, "- "));
        let lines: Vec<String> =
            [String::new(), "## API".to_owned(), String::new()].into_iter().chain(entries).collect();
        edit.after.entry(edit.lines.len()).or_default().extend(lines);
        return;
    };
    let last = contract.api.iter().map(|claim| claim.line).max();
    let sign =
        last.map_or_else(|| "- ".to_owned(), |line| sign(edit.lines.get(line - 1).copied().unwrap_or("- ")));
    // An entry may go on over several lines: the new ones come after all of them.
    let beginning = section.text.first().map_or(1, |(line, _)| *line);
    let full = section.text.iter().filter(|(_, text)| !text.trim().is_empty()).map(|(line, _)| *line);
    let end = match last {
        Some(last) => {
            let block = section.text.iter().skip_while(|(line, _)| *line <= last);
            block
                .take_while(|(_, text)| text.starts_with("  ") && !text.trim().is_empty())
                .last()
                .map_or(last, |(line, _)| *line)
        }
        None => full.max().unwrap_or(beginning),
    };
    let entries = drift.missing.iter().map(|(unit, item)| new_entry(file, unit, item, several, &sign));
    let mut entries: Vec<String> = entries.collect();
    if last.is_none() {
        entries.insert(0, String::new());
    }
    edit.after.entry(end).or_default().extend(entries);
}

fn new_entry(
    file: &CodeFile,
    unit: &crate::code::Unit,
    item: &crate::code::Item,
    several: bool,
    sign: &str,
) -> String {
    let doc = item.doc.as_deref().map(|doc| format!(": {doc}")).unwrap_or_default();
    format!("{sign}`{}`{doc}", skeleton::signature(file, unit, item, several))
}

/// The indent and sign of a list item.
fn sign(line: &str) -> String {
    let end = line.find('`').unwrap_or(0);
    let sign = line.get(..end).unwrap_or("- ");
    if sign.trim().is_empty() { "- ".to_owned() } else { sign.to_owned() }
}

fn links(edit: &mut Edit<'_>, tree: &Tree, contract: &Contract, place: usize) {
    let words = skeleton::words(tree.config.labels);
    let drift: Vec<Finding> = check::link_drift(tree, contract);
    if drift.is_empty() {
        return;
    }
    let fresh = skeleton::links(tree, place, words);
    for (label, line) in
        [words.depends, words.users, words.outside].into_iter().zip(lines_by_label(&fresh, words))
    {
        let old = labelled(edit, contract, label);
        match (old, line) {
            (Some(number), Some(new)) => exchange(edit, number, &new),
            (Some(number), None) if is_plain(edit.line(number)) => {
                edit.exchanged.insert(number, None);
            }
            (None, Some(new)) => {
                let section = contract.sections.iter().find(|section| section.name == "LINKS");
                let Some(section) = section else {
                    let all = [String::new(), "## LINKS".to_owned(), String::new()]
                        .into_iter()
                        .chain(fresh.iter().cloned());
                    edit.after.entry(edit.lines.len()).or_default().extend(all);
                    return;
                };
                let full =
                    section.text.iter().filter(|(_, text)| !text.trim().is_empty()).map(|(line, _)| *line);
                let end = full.max().or_else(|| section.text.first().map(|(line, _)| *line)).unwrap_or(1);
                edit.after.entry(end).or_default().push(new);
            }
            _ => {}
        }
    }
}

fn lines_by_label(fresh: &[String], words: &Words) -> [Option<String>; 3] {
    let of = |label: &str| fresh.iter().find(|line| line.starts_with(&format!("- {label}:"))).cloned();
    [of(words.depends), of(words.users), of(words.outside)]
}

/// The line of LINKS that begins with one of the labels of the same meaning.
fn labelled(edit: &Edit<'_>, contract: &Contract, label: &str) -> Option<usize> {
    const SAME: &[&[&str]] = &[
        &["depends on", "depends", "зависит от", "зависимости"],
        &["used by", "используется в", "users"],
        &["outside", "снаружи", "внешние"],
    ];
    let words = SAME.iter().find(|words| words.contains(&label))?;
    let lines = contract.sections.iter().filter(|section| section.name == "LINKS").flat_map(|s| &s.text);
    lines.map(|(line, _)| *line).find(|line| {
        let text = edit.line(*line).trim_start_matches(['-', '*', ' ']).to_lowercase();
        words.iter().any(|word| {
            text.strip_prefix(word).is_some_and(|rest| rest.trim_start_matches('*').starts_with(':'))
        })
    })
}

/// Whether a line has nothing but a label and names.
fn is_plain(line: &str) -> bool {
    let Some((_, rest)) = line.split_once(':') else { return false };
    let words: String = rest.split('`').step_by(2).collect();
    let words = words.trim_matches(|c: char| c.is_whitespace() || ",.*;".contains(c));
    words.is_empty()
        || matches!(words, "none" | "нет")
        || words.chars().all(|c| c.is_whitespace() || ",;".contains(c))
}

/// Takes over the names of a fresh line; in a line with words of a person only what lacks is added.
fn exchange(edit: &mut Edit<'_>, number: usize, fresh: &str) {
    let old = edit.line(number).to_owned();
    let Some((head, rest)) = old.split_once(':') else { return };
    let line = if is_plain(&old) {
        let bold = if rest.starts_with("**") { "**" } else { "" };
        let names = fresh.split_once(':').map_or("", |(_, names)| names);
        format!("{head}:{bold}{names}")
    } else {
        let known: Vec<&str> = in_code(&old).collect();
        let lacking: Vec<String> =
            in_code(fresh).filter(|name| !known.contains(name)).map(|name| format!("`{name}`")).collect();
        if lacking.is_empty() {
            return;
        }
        format!("{}, {}", old.trim_end().trim_end_matches(['.', ';']), lacking.join(", "))
    };
    edit.exchanged.insert(number, Some(line));
}
