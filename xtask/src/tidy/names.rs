//! Names are nouns of the glossary and verbs.

use super::Finding;
use crate::tree::Tree;
use crate::tree::facts::Kind;

/// Empty in every name.
const EMPTY: &[&str] = &["manager", "helper", "helpers", "util", "utils", "processor", "impl"];
/// Empty as the name of a type, module or file; ordinary words in a sentence, and so in a function.
const EMPTY_IN_NOUNS: &[&str] = &["common", "service", "services"];
/// Empty in the name of a type.
const EMPTY_IN_TYPES: &[&str] = &["data", "info", "base"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        for item in &rust.facts.items {
            let lists: &[&[&str]] = match item.kind {
                Kind::Type => &[EMPTY, EMPTY_IN_NOUNS, EMPTY_IN_TYPES],
                Kind::Module => &[EMPTY, EMPTY_IN_NOUNS],
                Kind::Function | Kind::Test => &[EMPTY],
                Kind::Constant => &[],
            };
            let words = words(&item.name);
            if let Some(word) = words.iter().find(|word| lists.iter().any(|list| is_in(list, word))) {
                found.push(finding(&file.path, item.line, &item.name, word));
            }
        }
        let stem = file.name().trim_end_matches(".rs");
        if let Some(word) = words(stem).iter().find(|word| is_in(EMPTY, word) || is_in(EMPTY_IN_NOUNS, word))
        {
            found.push(finding(&file.path, 1, stem, word));
        }
    }
    found
}

fn is_in(list: &[&str], word: &str) -> bool {
    list.contains(&word)
}

fn finding(path: &str, line: usize, name: &str, word: &str) -> Finding {
    let fix = "name it by the glossary: what it is, or what it does";
    Finding::new(path, line, format!("`{word}` in `{name}` says nothing"), fix).about(name)
}

/// The words of a name in either style, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut within_capitals = false;
    for c in name.chars() {
        if c == '_' {
            words.push(String::new());
        } else if c.is_uppercase() && !within_capitals {
            words.push(c.to_lowercase().collect());
        } else if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        } else {
            words.push(c.to_lowercase().collect());
        }
        within_capitals = c.is_uppercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaking_names_are_right() {
        let source = "struct Lead; struct Database; fn data() {} fn in_common() {} fn base() {} mod information {} const COMMON: u8 = 1; impl V for L { fn visit_impl() {} }";
        assert_eq!(check(&Tree::of(&[("a/lead.rs", source)])), Vec::new());
    }

    #[test]
    fn empty_words_are_wrong() {
        let source =
            "struct LeadManager; trait UserData {} fn parse_helper() {} mod utils {} type HttpInfo = u8;";
        assert_eq!(check(&Tree::of(&[("a/common.rs", source)])).len(), 6);
    }
}
