//! The words that an understander begins with: those of the package, of its examples and of the stock.

use std::collections::HashSet;

use super::Vocabulary;
use super::lexicon;
use super::speller::Speller;
use crate::extract::{NAMES, TermRule};
use crate::package::Package;
use crate::text::{Token, tokens};

pub(super) fn speller(package: &Package) -> Speller {
    let examples = package.intents.list.iter().flat_map(|intent| intent.ru.iter().chain(&intent.en));
    let aliases = package.entities.group.values().flat_map(|group| group.terms.values().flatten());
    let read: Vec<Token> = examples.chain(aliases).flat_map(|text| tokens(text)).collect();
    let words = read.iter().map(|token| token.text.as_str());
    Speller::new(lexicon::common().chain(words).chain(NAMES.lines()))
}

pub(super) fn words_known(package: &Package) -> HashSet<String> {
    let mut known: HashSet<String> = NAMES.lines().map(str::to_owned).collect();
    let examples = package.intents.list.iter().flat_map(|intent| intent.ru.iter().chain(&intent.en));
    for token in examples.chain(&package.entities.ordinary).flat_map(|text| tokens(text)) {
        if token.is_word() {
            known.insert(token.stem);
            known.insert(token.text);
        }
    }
    known
}

pub(super) fn rules(package: &Package, vocabulary: &Vocabulary) -> Vec<TermRule> {
    let mut out: Vec<TermRule> = Vec::new();
    for (name, group) in &package.entities.group {
        let parent_of = |value: &str| {
            let parent = group.parent.clone()?;
            let (brand, _) =
                group.children.iter().find(|(_, children)| children.iter().any(|c| c == value))?;
            Some((parent, brand.clone()))
        };
        for (value, aliases) in &group.terms {
            out.push(TermRule {
                group: name.clone(),
                value: value.clone(),
                aliases: aliases.clone(),
                implies: parent_of(value).into_iter().collect(),
            });
        }
        for (value, parent) in vocabulary.0.get(name).into_iter().flatten() {
            if let Some(rule) = out.iter_mut().find(|rule| {
                rule.group == *name && crate::text::fold(&rule.value) == crate::text::fold(value)
            }) {
                rule.value.clone_from(value);
                continue;
            }
            let implied = match (&group.parent, parent) {
                (Some(group), Some(value)) => vec![(group.clone(), value.clone())],
                _ => Vec::new(),
            };
            out.push(TermRule {
                group: name.clone(),
                value: value.clone(),
                aliases: Vec::new(),
                implies: implied,
            });
        }
    }
    out
}
