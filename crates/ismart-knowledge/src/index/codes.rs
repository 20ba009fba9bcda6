//! Marks such as `ТО-2`, `R19`, `X5`: a few letters and a number that together name one thing. An answer about
//! `ТО-1` is no answer to a question about `ТО-2`, however alike the two look.

use std::collections::HashSet;

/// Longer words before a number are words.
const LETTERS: usize = 3;

/// Marks of a text that are written in one piece or with a dash.
pub(super) fn codes(text: &str) -> Vec<String> {
    scan(text, |prefix, gap| prefix.chars().count() <= LETTERS && matches!(gap, "" | "-" | "‑" | "–"))
}

/// Marks of a question: also with a space between, when the pages know marks that begin so.
pub(super) fn asked_codes(question: &str, known: &HashSet<String>) -> Vec<String> {
    let glued = codes(question);
    let spaced = scan(question, |prefix, gap| gap == " " && known.contains(prefix));
    glued.into_iter().chain(spaced).collect()
}

/// The letters with which a mark begins.
pub(super) fn prefix(code: &str) -> &str {
    code.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default()
}

fn scan(text: &str, joins: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut letters = String::new();
    let mut gap = String::new();
    let mut digits = String::new();
    let mut flush = |letters: &mut String, gap: &mut String, digits: &mut String| {
        if !digits.is_empty() {
            if !letters.is_empty() && joins(letters, gap) {
                out.push(format!("{letters}{digits}"));
            }
            letters.clear();
            gap.clear();
            digits.clear();
        }
    };
    for c in text.chars().flat_map(char::to_lowercase).map(latin_twin) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let ended = !digits.is_empty();
        flush(&mut letters, &mut gap, &mut digits);
        if c.is_alphabetic() {
            // A letter behind digits or behind a gap begins another word.
            if ended || !gap.is_empty() {
                letters.clear();
                gap.clear();
            }
            letters.push(c);
        } else {
            gap.push(c);
        }
    }
    flush(&mut letters, &mut gap, &mut digits);
    out
}

/// Cyrillic letters that look like Latin ones are typed for them.
fn latin_twin(c: char) -> char {
    match c {
        'а' => 'a',
        'в' => 'b',
        'е' | 'ё' => 'e',
        'к' => 'k',
        'м' => 'm',
        'н' => 'h',
        'о' => 'o',
        'р' => 'p',
        'с' => 'c',
        'т' => 't',
        'у' => 'y',
        'х' => 'x',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_any_spelling() {
        assert_eq!(codes("ТО-1 (15 000 км) и ТО2, шины R13–R16"), ["to1", "to2", "r13", "r16"]);
        assert_eq!(codes("Кредит на 12 месяцев, пункт-5, 5-дверный"), Vec::<String>::new());
        let known = HashSet::from(["to".to_owned()]);
        assert_eq!(asked_codes("сколько стоит то 2 для х5", &known), ["x5", "to2"]);
        assert_eq!(asked_codes("скидка на 50", &known), Vec::<String>::new());
        assert_eq!(prefix("to15"), "to");
    }
}
