//! How brands and models are called in Russian. A name that is not listed stays as it was written.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::folded;

/// One line per name: the name, a tab, its other spellings divided by commas.
static BRANDS: LazyLock<HashMap<String, String>> = LazyLock::new(|| table(include_str!("brands.tsv")));
static MODELS: LazyLock<HashMap<String, String>> = LazyLock::new(|| table(include_str!("models.tsv")));

fn table(text: &str) -> HashMap<String, String> {
    let mut out = HashMap::new();
    for line in text.lines() {
        let Some((name, others)) = line.split_once('\t') else { continue };
        for other in others.split(',') {
            out.insert(folded(other), folded(name));
        }
    }
    out
}

/// The folded Latin name of a brand: `хавал`, `Хавейл` and `HAVAL` give `haval`.
pub(super) fn brand_key(name: &str) -> String {
    let name = folded(name);
    BRANDS.get(&name).cloned().unwrap_or(name)
}

/// The folded Latin name of a model: `икс пять` gives `x5`.
pub(super) fn model_key(name: &str) -> String {
    let name = folded(name);
    MODELS.get(&name).cloned().unwrap_or(name)
}

/// Replaces every known spelling, longest first, in a folded text.
pub(super) fn spelled_out(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let known = (1..=3.min(rest.len())).rev().find_map(|length| {
            let (head, tail) = rest.split_at_checked(length)?;
            let phrase = head.join(" ");
            let name = BRANDS.get(&phrase).or_else(|| MODELS.get(&phrase))?;
            Some((name.clone(), tail))
        });
        match known {
            Some((name, tail)) => {
                out.push(name);
                rest = tail;
            }
            None => {
                out.push((*first).to_owned());
                rest = after;
            }
        }
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_names_lead_to_latin_ones() {
        assert_eq!(brand_key("Хавейл"), "haval");
        assert_eq!(brand_key("Ferrari"), "ferrari");
        assert_eq!(model_key("икс пять"), "x5");
        assert_eq!(spelled_out("бмв икс 5 дизель"), "bmw x5 дизель");
        assert_eq!(spelled_out(""), "");
    }

    #[test]
    fn no_spelling_means_two_things() {
        for text in [include_str!("brands.tsv"), include_str!("models.tsv")] {
            let mut seen = HashMap::new();
            for (number, line) in text.lines().enumerate() {
                let (name, others) = line.split_once('\t').unwrap_or_else(|| panic!("line {}", number + 1));
                for other in others.split(',') {
                    let before = seen.insert(folded(other), name);
                    assert!(before.is_none(), "`{other}` stands for {name} and {before:?}");
                }
            }
        }
    }
}
