//! From text to what is counted: word stems and four-letter pieces of words.

use std::collections::{HashMap, HashSet};

use rust_stemmers::{Algorithm, Stemmer};

/// Words that say how something is asked and never what: they join no question to no answer.
const STOP: &str = include_str!("stop_words.txt");

/// Words that visitors of a car dealer use for one another, one group a line. They are counted as one word.
const SAME: &str = include_str!("same_words.txt");

/// Length of the pieces of words.
const GRAM: usize = 4;

/// Cuts words to their stems; Russian or English by the alphabet of the word.
pub(super) struct Tokens {
    russian: Stemmer,
    english: Stemmer,
    stop: HashSet<String>,
    same: HashMap<String, String>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        let mut tokens = Self {
            russian: Stemmer::create(Algorithm::Russian),
            english: Stemmer::create(Algorithm::English),
            stop: STOP.split_whitespace().map(fold).collect(),
            same: HashMap::new(),
        };
        for group in SAME.lines() {
            let stems: Vec<String> = group.split_whitespace().map(|word| tokens.stem(&fold(word))).collect();
            if let Some((first, others)) = stems.split_first() {
                tokens.same.extend(others.iter().map(|other| (other.clone(), first.clone())));
            }
        }
        tokens
    }

    /// Lower-case words, ё as е.
    pub(super) fn words(text: &str) -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold).collect()
    }

    /// The stem of a folded word, or that of the word which stands for its group.
    pub(super) fn stem(&self, word: &str) -> String {
        let stemmer = if word.is_ascii() { &self.english } else { &self.russian };
        let stem = stemmer.stem(word);
        self.same.get(stem.as_ref()).cloned().unwrap_or_else(|| stem.into_owned())
    }

    /// Whether the folded word carries no content.
    pub(super) fn is_stop(&self, word: &str) -> bool {
        self.stop.contains(word)
    }
}

fn fold(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == 'ё' { 'е' } else { c }).collect()
}

/// Pieces of a folded word with its edges marked; a short word is one piece.
pub(super) fn grams(word: &str) -> Vec<[char; GRAM]> {
    let marked: Vec<char> = std::iter::once('_').chain(word.chars()).chain(std::iter::once('_')).collect();
    if marked.len() < GRAM {
        let mut only = ['_'; GRAM];
        for (to, from) in only.iter_mut().zip(&marked) {
            *to = *from;
        }
        return vec![only];
    }
    marked.windows(GRAM).filter_map(|window| <[char; GRAM]>::try_from(window).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_meet_in_their_stems() {
        let tokens = Tokens::new();
        let stems = |text| Tokens::words(text).iter().map(|word| tokens.stem(word)).collect::<Vec<_>>();
        assert_eq!(stems("Кредитные программы"), stems("кредитной программой"));
        assert_eq!(stems("Opening hours"), stems("open hour"));
        assert_eq!(stems("машину"), stems("автомобиль"));
        assert_eq!(stems("трейд-ин"), stems("trade-in"));
        assert!(tokens.is_stop("какой") && !tokens.is_stop("кредит"));
        assert_eq!(Tokens::words("Ёлка, 11,9 %!"), ["елка", "11", "9"]);
    }

    #[test]
    fn short_words_are_one_piece() {
        assert_eq!(grams("я"), [['_', 'я', '_', '_']]);
        assert_eq!(grams("ток"), [['_', 'т', 'о', 'к'], ['т', 'о', 'к', '_']]);
    }
}
