//! Unknown words that are one slip away from a known one are read as the known one.

use std::collections::{BTreeMap, HashSet};

use crate::text::{Token, distance_within, stem};

/// Most words of a message that are looked up: a wall of nonsense costs no more than a sentence.
const MAX_LOOKUPS: usize = 12;

/// Known words by length.
#[derive(Debug, Clone, Default)]
pub(super) struct Speller(BTreeMap<usize, Vec<Vec<char>>>);

impl Speller {
    pub(super) fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut by_length: BTreeMap<usize, Vec<Vec<char>>> = BTreeMap::new();
        for word in words {
            let chars: Vec<char> = word.chars().collect();
            if chars.len() >= 5 && chars.iter().all(|c| c.is_alphabetic()) && seen.insert(word) {
                by_length.entry(chars.len()).or_default().push(chars);
            }
        }
        by_length.values_mut().for_each(|bucket| bucket.sort());
        Self(by_length)
    }

    /// Corrects the tokens that `known` does not know.
    pub(super) fn correct(&self, tokens: &mut [Token], known: impl Fn(&Token) -> bool) {
        let mut left = MAX_LOOKUPS;
        for token in tokens.iter_mut().filter(|t| t.is_word()) {
            if left == 0 || known(token) {
                continue;
            }
            left -= 1;
            if let Some(word) = self.nearest(&token.text) {
                token.stem = stem(&word);
                token.text = word;
                token.corrected = true;
            }
        }
    }

    /// The nearest known word: one slip from six letters on, two from nine; at five letters only swapped or
    /// doubled letters. The first letter must be right.
    fn nearest(&self, word: &str) -> Option<String> {
        let chars: Vec<char> = word.chars().collect();
        let length = chars.len();
        if !(5..=30).contains(&length) {
            return None;
        }
        let limit = if length >= 9 { 2 } else { 1 };
        let mut best: Option<(usize, &Vec<char>)> = None;
        for (_, bucket) in self.0.range(length.saturating_sub(limit)..=length + limit) {
            let from = bucket.partition_point(|word| word.first() < chars.first());
            for candidate in bucket.iter().skip(from).take_while(|word| word.first() == chars.first()) {
                let Some(distance) = distance_within(&chars, candidate, limit) else { continue };
                let fits = length > 5 || same_letters(&chars, candidate);
                if fits && best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, candidate));
                }
            }
        }
        best.map(|(_, word)| word.iter().collect())
    }
}

fn same_letters(a: &[char], b: &[char]) -> bool {
    let set = |word: &[char]| {
        let mut letters = word.to_vec();
        letters.sort_unstable();
        letters.dedup();
        letters
    };
    set(a) == set(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens;

    #[test]
    fn slips_are_repaired_and_strangers_left_alone() {
        let words = ["суббота", "субботу", "миллионов", "завтра", "хорошо", "хотел", "купить"];
        let speller = Speller::new(words.into_iter());
        for (typed, read) in [
            ("сбуботу", "субботу"),
            ("миллинов", "миллионов"),
            ("заввтра", "завтра"),
            ("хороошо", "хорошо"),
            ("куптиь", "купить"),
            ("котел", "котел"),
            ("пальто", "пальто"),
            ("ывпаорыв", "ывпаорыв"),
        ] {
            let mut read_tokens = tokens(typed);
            speller.correct(&mut read_tokens, |_| false);
            assert_eq!(read_tokens[0].text, read, "{typed}");
        }
    }
}
