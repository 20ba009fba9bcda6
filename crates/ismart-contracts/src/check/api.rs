//! API and STATE against the public items of the code.

use std::collections::BTreeSet;

use super::{ApiDrift, Checker, Code};
use crate::code::{Item, ItemKind, Language, Unit};
use crate::config::Extent;
use crate::contract::signature::{canonical, is_rust_signature, php_name, rust_path};
use crate::contract::{Claim, Contract, in_code};
use crate::tree::Tree;

impl Checker<'_> {
    pub(super) fn api(&mut self, contract: &Contract, code: &Code<'_>) {
        let Some(language) = code.files.first().map(|file| file.language) else { return };
        let drift = drift(self.tree, contract, code);
        for (claim, item) in drift.changed {
            let shown = shown(item, code, language);
            let reason = format!("the code has `{shown}`, the contract `{}`", claim.signature);
            let fix = "take over the signature of the code (`init` does), and think of who relies on it";
            self.add("api.signature", &contract.path, claim.line, reason, fix);
        }
        for claim in drift.gone {
            let twin = drift.missing.iter().find(|(_, item)| is_renamed(claim, item));
            let reason = match twin {
                Some((_, item)) => {
                    format!(
                        "`{}` is not in the code; `{}` has the same parameters: renamed?",
                        claim.signature, item.name
                    )
                }
                None => format!("`{}` is not public in `{}`", claim.signature, code.first_path()),
            };
            let fix = "mend the name, or delete the entry with what relied on it";
            self.add("api.extra", &contract.path, claim.line, reason, fix);
        }
        let line = contract.sections.iter().find(|section| section.name == "API");
        let line = line.and_then(|section| section.text.first()).map_or(contract.line, |(line, _)| *line);
        for (_, item) in drift.missing {
            let shown = shown(item, code, language);
            let reason = format!("`{shown}` is public and not in the API");
            let fix = "add it with what it does (`init` adds the signature), or make it private";
            self.add("api.missing", &contract.path, line, reason, fix);
        }
    }

    /// Properties named under STATE exist (PHP).
    pub(super) fn state(&mut self, contract: &Contract, code: &Code<'_>) {
        if code.files.iter().any(|file| file.language != Language::Php) {
            return;
        }
        let lines = contract.sections.iter().filter(|section| section.name == "STATE").flat_map(|s| &s.text);
        for (line, text) in lines {
            for span in in_code(text) {
                let Some(name) = span.split_whitespace().next_back().and_then(|word| word.strip_prefix('$'))
                else {
                    continue;
                };
                let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
                let known =
                    code.units.iter().any(|unit| unit.state.iter().any(|property| property.name == name));
                if plain && !known {
                    let reason = format!("the property `${name}` is not in `{}`", code.first_path());
                    self.add("state.gone", &contract.path, *line, reason, "mend the name or delete it");
                }
            }
        }
    }
}

/// How the API of a contract and its code differ.
pub(super) fn drift<'t>(tree: &Tree, contract: &'t Contract, code: &Code<'t>) -> ApiDrift<'t> {
    let mut drift = ApiDrift::default();
    let Some(language) = code.files.first().map(|file| file.language) else { return drift };
    let mut claimed: Vec<&Item> = Vec::new();
    for claim in &contract.api {
        let judged = match language {
            Language::Php => php(claim, code),
            Language::Rust => rust(claim, code),
        };
        match judged {
            Judged::Right(item) => claimed.extend(item),
            Judged::Changed(item) => {
                claimed.push(item);
                drift.changed.push((claim, item));
            }
            Judged::Gone if inherited(tree, code, claim) => {}
            Judged::Gone => drift.gone.push(claim),
            Judged::Unknown => {}
        }
    }
    drift.missing = missing(tree.config.api(language), code, &claimed, &named(contract));
    drift
}

/// What is to be said of a claim.
enum Judged<'t> {
    /// It holds; for an item, if it is about one.
    Right(Vec<&'t Item>),
    /// The signature is another one.
    Changed(&'t Item),
    /// Nothing has the name.
    Gone,
    /// It is no claim about an item.
    Unknown,
}

fn php<'t>(claim: &Claim, code: &Code<'t>) -> Judged<'t> {
    let text = claim.signature.as_str();
    let name = php_name(text);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_$".contains(c));
    if !is_name || text.starts_with('/') {
        return Judged::Unknown;
    }
    let owner = text
        .split(['(', '='])
        .next()
        .unwrap_or("")
        .split_whitespace()
        .next_back()
        .and_then(|head| head.split_once("::"));
    let owner = owner.map(|(owner, _)| owner.rsplit('\\').next().unwrap_or(owner));
    if code.units.iter().any(|unit| unit.name == name) {
        return Judged::Right(Vec::new());
    }
    let is_call = text.contains('(');
    let found = code.items.iter().find(|(unit, item)| {
        let same = match item.kind {
            // PHP compares names of functions without regard to letters' case.
            ItemKind::Function => item.name.eq_ignore_ascii_case(name),
            ItemKind::Property => item.name == name || item.name.trim_start_matches('$') == name && !is_call,
            _ => item.name == name,
        };
        same && owner.is_none_or(|owner| owner == unit.name) && (!is_call || item.kind == ItemKind::Function)
    });
    let Some((_, item)) = found else { return Judged::Gone };
    let plain = owner.map_or_else(|| text.to_owned(), |owner| text.replacen(&format!("{owner}::"), "", 1));
    let bare = |signature: &str| canonical(signature).replace("abstract ", "");
    if is_call && bare(&plain) != bare(&item.signature) {
        return Judged::Changed(item);
    }
    Judged::Right(vec![item])
}

fn rust<'t>(claim: &Claim, code: &Code<'t>) -> Judged<'t> {
    // `set_*` stands for many.
    if claim.signature.split('(').next().is_some_and(|head| head.contains('*')) {
        return Judged::Unknown;
    }
    let Some(path) = rust_path(&claim.signature) else { return Judged::Unknown };
    let Some((name, before)) = path.split_last() else { return Judged::Unknown };
    // `client.get(url)` names a value, not a type.
    let owner = before.last().filter(|owner| owner.starts_with(|c: char| c.is_uppercase()));
    let found = code.items.iter().find(|(_, item)| {
        item.name == *name
            && owner.is_none_or(|owner| item.owner.as_deref() == Some(owner) || item.owner.is_none())
    });
    if let Some((_, item)) = found {
        let changed = is_rust_signature(&claim.signature)
            && item.kind != ItemKind::Export
            && canonical(&claim.signature) != canonical(&with_owner(item));
        return if changed { Judged::Changed(item) } else { Judged::Right(vec![item]) };
    }
    // Variants, fields and modules are names too, and so are crates before them.
    let word =
        |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == *name);
    let inside = code.items.iter().any(|(_, item)| word(&item.signature));
    let module = code.units.iter().any(|unit| unit.name == *name);
    if inside
        || module
        || claim.signature.contains(' ')
            && !is_rust_signature(&claim.signature)
            && !claim.signature.contains("::")
    {
        return Judged::Right(Vec::new());
    }
    Judged::Gone
}

/// The signature with the type before the name: `fn Desk::receive(…)`.
pub(crate) fn with_owner(item: &Item) -> String {
    let Some(owner) = &item.owner else { return item.signature.clone() };
    for word in ["fn ", "const "] {
        let from = format!("{word}{}", item.name);
        if item.signature.contains(&from) {
            return item.signature.replacen(&from, &format!("{word}{owner}::{}", item.name), 1);
        }
    }
    item.signature.clone()
}

/// An item as a contract shows it.
fn shown(item: &Item, code: &Code<'_>, language: Language) -> String {
    match language {
        Language::Rust => with_owner(item),
        Language::Php => {
            let unit = code.items.iter().find(|(_, other)| std::ptr::eq(*other, item)).map(|(unit, _)| *unit);
            unit.map_or_else(|| item.signature.clone(), |unit| entry(item, unit, code.units.len() > 1))
        }
    }
}

/// The signature of an item of PHP as `init` writes it; with its class where a file has several.
pub(crate) fn entry(item: &Item, unit: &Unit, several: bool) -> String {
    if !several || item.kind != ItemKind::Function && item.kind != ItemKind::Case {
        return item.signature.clone();
    }
    if item.signature.starts_with("function ") {
        return item.signature.clone();
    }
    item.signature.replacen(&item.name, &format!("{}::{}", unit.name, item.name), 1)
}

/// Names in code font anywhere in the API.
fn named(contract: &Contract) -> BTreeSet<String> {
    let lines = contract.sections.iter().filter(|section| section.name == "API").flat_map(|s| &s.text);
    let spans = lines.flat_map(|(_, text)| in_code(text));
    let words = spans.flat_map(|span| span.split(|c: char| !(c.is_alphanumeric() || "_$".contains(c))));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn missing<'t>(
    extent: Extent,
    code: &Code<'t>,
    claimed: &[&Item],
    named: &BTreeSet<String>,
) -> Vec<(&'t Unit, &'t Item)> {
    if extent == Extent::Named {
        return Vec::new();
    }
    let is_php = code.files.iter().any(|file| file.language == Language::Php);
    let needed = code.items.iter().filter(|(_, item)| {
        let counts = extent == Extent::Full || item.owner.is_none();
        let is_claimed = claimed.iter().any(|other| std::ptr::eq(*other, *item));
        // In prose an API of Rust names things in passing; a method of PHP must be an entry.
        let in_words = (!is_php || item.kind != ItemKind::Function) && named.contains(&item.name);
        counts && !item.restricted && !is_claimed && !in_words
    });
    needed.copied().collect()
}

/// Whether an item is what a claim names, but for the name.
fn is_renamed(claim: &Claim, item: &Item) -> bool {
    let tail = |text: &str| canonical(text).split_once('(').map(|(_, tail)| tail.to_owned());
    let tail = tail(&claim.signature).zip(tail(&item.signature));
    tail.is_some_and(|(one, other)| one == other)
}

/// Whether a class of the tree that the code inherits from has what a claim names.
fn inherited(tree: &Tree, code: &Code<'_>, claim: &Claim) -> bool {
    use crate::code::ReferenceKind::{Extends, Implements, Uses};
    let name = php_name(&claim.signature);
    let mut seen = code.places.clone();
    let mut next = code.places.clone();
    while let Some(place) = next.pop() {
        let parents = tree
            .links
            .from(place)
            .filter(|edge| [Extends, Implements, Uses].iter().any(|kind| edge.kinds.contains(kind)));
        for edge in parents {
            if seen.contains(&edge.to) {
                continue;
            }
            seen.push(edge.to);
            next.push(edge.to);
            let units = tree.files.get(edge.to).map(|file| file.units.as_slice()).unwrap_or_default();
            if units.iter().any(|unit| unit.items.iter().any(|item| item.name.eq_ignore_ascii_case(name))) {
                return true;
            }
        }
    }
    false
}
