//! The text of a new contract.

use crate::check;
use crate::code::{CodeFile, Item, Language, Unit, UnitKind};
use crate::config::Labels;
use crate::contract::PROPOSED;
use crate::init::Propose;
use crate::tree::Tree;

/// Words of a skeleton in one language.
pub(super) struct Words {
    title: &'static str,
    pub(super) depends: &'static str,
    pub(super) users: &'static str,
    pub(super) outside: &'static str,
    pub(super) none: &'static str,
    stateless: &'static str,
    promise: &'static str,
    proof: &'static str,
    thrown: &'static str,
}

const EN: Words = Words {
    title: "Contract",
    depends: "depends on",
    users: "used by",
    outside: "outside",
    none: "none",
    stateless: "Stateless: nothing is kept between calls.",
    promise: "Promise",
    proof: "Proved by",
    thrown: "thrown by",
};

const RU: Words = Words {
    title: "Контракт",
    depends: "зависит от",
    users: "используется в",
    outside: "снаружи",
    none: "нет",
    stateless: "Без состояния: между вызовами ничего не хранится.",
    promise: "Обещание",
    proof: "Доказано",
    thrown: "бросает",
};

pub(super) fn words(labels: Labels) -> &'static Words {
    match labels {
        Labels::En => &EN,
        Labels::Ru => &RU,
    }
}

/// The skeleton for a file.
pub(super) fn of(tree: &Tree, place: usize, propose: Option<&Propose<'_>>) -> String {
    let Some(file) = tree.files.get(place) else { return String::new() };
    let words = words(tree.config.labels);
    let names: Vec<&str> = file.units.iter().map(|unit| unit.name.as_str()).collect();
    let mut text = format!("# {}: {}\n\n## PURPOSE\n\n", words.title, names.join(", "));
    if let Some(purpose) = purpose(file, propose) {
        text.push_str(&format!("{PROPOSED}\n{purpose}\n\n"));
    }
    text.push_str("## API\n\n");
    let entries = api(file);
    if entries.is_empty() {
        text.push_str(&format!("- {}\n", words.none));
    }
    for entry in entries {
        text.push_str(&entry);
        text.push('\n');
    }
    text.push_str("\n## STATE\n\n");
    text.push_str(&state(file, words));
    text.push_str("\n## LINKS\n\n");
    for line in links(tree, place, words) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str("\n## PROMISES\n\n");
    text.push_str(&format!("| | {} | {} |\n|---|---|---|\n", words.promise, words.proof));
    text.push_str("\n## FAILURES\n\n");
    text.push_str(&failures(file, words));
    text
}

/// What the code says of itself, else what is proposed.
fn purpose(file: &CodeFile, propose: Option<&Propose<'_>>) -> Option<String> {
    let told: Vec<&str> = file.units.iter().filter_map(|unit| unit.doc.as_deref()).collect();
    if !told.is_empty() {
        return Some(told.join("\n\n"));
    }
    let said = propose?(&masked(&description(file)))?;
    let said = crate::code::one_line(&said.replace("<!--", "").replace("-->", ""));
    // A heading, list or label would break the contract's form.
    let plain = said.trim_start_matches(['#', '-', '*', '>', ' ', '`']).trim().to_owned();
    (!plain.is_empty()).then_some(plain)
}

/// A short description for whoever proposes a purpose: names and signatures, no bodies.
fn description(file: &CodeFile) -> String {
    let mut text = format!("File: {}\n", file.path);
    for unit in &file.units {
        text.push_str(&format!("{} {}\n", unit.kind.word(), unit.full_name));
        for item in unit.items.iter().take(40) {
            let doc = item.doc.as_deref().map(|doc| format!(" // {doc}")).unwrap_or_default();
            text.push_str(&format!("- {}{doc}\n", item.signature));
        }
    }
    text
}

/// The text without what may be personal or secret: quoted texts, addresses of mail, long numbers and keys.
fn masked(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let mut open: Option<char> = None;
        let mut bare = String::with_capacity(line.len());
        for c in line.chars() {
            match open {
                Some(quote) if c == quote => open = None,
                Some(_) => {}
                None if c == '\'' || c == '"' => {
                    open = Some(c);
                    bare.push('…');
                }
                None => bare.push(c),
            }
        }
        let words: Vec<String> = bare.split(' ').map(masked_word).collect();
        kept.push_str(&words.join(" "));
        kept.push('\n');
    }
    kept
}

fn masked_word(word: &str) -> String {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let key = word.len() >= 24 && digits >= 4 && !word.contains(['(', '/', '\\']);
    if word.contains('@') || digits >= 5 || key || digits >= 3 && !word.chars().any(char::is_alphabetic) {
        return "…".to_owned();
    }
    word.to_owned()
}

/// The entries of the API, one line each.
pub(super) fn api(file: &CodeFile) -> Vec<String> {
    let several = file.units.iter().filter(|unit| unit.kind != UnitKind::Functions).count() > 1;
    let items = file.units.iter().flat_map(|unit| unit.items.iter().map(move |item| (unit, item)));
    items.map(|(unit, item)| entry(file, unit, item, several)).collect()
}

fn entry(file: &CodeFile, unit: &Unit, item: &Item, several: bool) -> String {
    let doc = item.doc.as_deref().map(|doc| format!(": {doc}")).unwrap_or_default();
    format!("- `{}`{doc}", signature(file, unit, item, several))
}

/// The signature of an item as the API shows it.
pub(super) fn signature(file: &CodeFile, unit: &Unit, item: &Item, several: bool) -> String {
    match file.language {
        Language::Php => check::entry(item, unit, several),
        Language::Rust => check::with_owner(item),
    }
}

fn state(file: &CodeFile, words: &Words) -> String {
    let properties: Vec<_> = file.units.iter().flat_map(|unit| &unit.state).collect();
    if properties.is_empty() {
        // Code of Rust keeps its state in ways that a signature does not show.
        return if file.language == Language::Php { format!("{}\n", words.stateless) } else { String::new() };
    }
    let mut text = String::new();
    for property in properties {
        let ty = property.ty.as_deref().map(|ty| format!("`{ty}`, ")).unwrap_or_default();
        let readonly = if property.is_readonly { ", readonly" } else { "" };
        let of_class = if property.is_static { ", static" } else { "" };
        text.push_str(&format!("- `${}`: {ty}{}{readonly}{of_class}\n", property.name, property.visibility));
    }
    text
}

/// The lines of LINKS.
pub(super) fn links(tree: &Tree, place: usize, words: &Words) -> Vec<String> {
    let paths = |files: std::collections::BTreeSet<usize>| {
        let paths: Vec<String> =
            files.into_iter().filter_map(|file| Some(format!("`{}`", tree.files.get(file)?.path))).collect();
        if paths.is_empty() { words.none.to_owned() } else { paths.join(", ") }
    };
    let mut lines = vec![
        format!("- {}: {}", words.depends, paths(check::uses(tree, &[place]))),
        format!("- {}: {}", words.users, paths(check::users(tree, &[place]))),
    ];
    if let Some(names) = tree.links.outside.get(place).filter(|names| !names.is_empty()) {
        let names: Vec<String> = names.keys().map(|name| format!("`{name}`")).collect();
        lines.push(format!("- {}: {}", words.outside, names.join(", ")));
    }
    lines
}

fn failures(file: &CodeFile, words: &Words) -> String {
    let mut text = String::new();
    for unit in &file.units {
        let mut thrown: Vec<(&str, Vec<String>)> = Vec::new();
        for (class, method) in &unit.throws {
            let by = format!("`{method}`");
            match thrown.iter_mut().find(|(known, _)| known == class) {
                Some((_, methods)) => methods.push(by),
                None => thrown.push((class, vec![by])),
            }
        }
        for (class, methods) in thrown {
            text.push_str(&format!("- `{class}`: {} {}\n", words.thrown, methods.join(", ")));
        }
    }
    text
}
