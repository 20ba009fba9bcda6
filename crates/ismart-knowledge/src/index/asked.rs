//! A question made ready for scoring.

use std::collections::BTreeMap;

use super::tokens::{Tokens, grams};

/// Words that only shape the question keep this much of their weight.
const STOP_WEIGHT: f64 = 0.15;

/// A question: its words by what they are worth.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    words: Vec<Word>,
    /// Pieces of words and their weights.
    pub(super) grams: Vec<([char; 4], f64)>,
    /// What all words together are worth.
    pub(super) stem_total: f64,
    /// What all pieces together are worth.
    pub(super) gram_total: f64,
    /// Marks such as `to2` that the answer must be about.
    pub(super) codes: Vec<String>,
    /// Whether the answer must hold a number.
    pub(super) wants_number: bool,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    /// `None` when no passage has the word.
    id: Option<u32>,
    /// Little for words that only shape the question.
    weight: f64,
    /// Weight by how telling the word is among the passages.
    worth: f64,
}

impl Asked {
    /// Reads a question; `None` when it has no words.
    pub(super) fn of(
        question: &str,
        tokens: &Tokens,
        id_of: impl Fn(&str) -> Option<u32>,
        idf_of: impl Fn(Option<u32>) -> f64,
        gram_idf_of: impl Fn(&[char; 4]) -> f64,
    ) -> Option<Self> {
        let words = Tokens::words(question);
        // Ordered maps: sums of fractions depend on their order, and equal questions must score equally.
        let mut stems: BTreeMap<String, f64> = BTreeMap::new();
        let mut pieces: BTreeMap<[char; 4], f64> = BTreeMap::new();
        for word in &words {
            let weight = if tokens.is_stop(word) { STOP_WEIGHT } else { 1.0 };
            let slot = stems.entry(tokens.stem(word)).or_default();
            *slot = slot.max(weight);
            for gram in grams(word) {
                let slot = pieces.entry(gram).or_default();
                *slot = slot.max(weight);
            }
        }
        if stems.is_empty() {
            return None;
        }
        let of_stem = |(stem, weight): (String, f64)| {
            let id = id_of(&stem);
            Word { id, weight, worth: weight * idf_of(id) }
        };
        let stems: Vec<Word> = stems.into_iter().map(of_stem).collect();
        let grams: Vec<([char; 4], f64)> = pieces.into_iter().collect();
        Some(Self {
            stem_total: stems.iter().map(|word| word.worth).sum(),
            gram_total: grams.iter().map(|(gram, weight)| weight * gram_idf_of(gram)).sum(),
            words: stems,
            grams,
            codes: Vec::new(),
            wants_number: wants_number(&words),
        })
    }

    /// Adds the marks that the question names.
    pub(super) fn with_codes(mut self, codes: Vec<String>) -> Self {
        self.codes = codes;
        self
    }

    /// Words that some passage has, with their weights.
    pub(super) fn known_stems(&self) -> impl Iterator<Item = (u32, f64)> {
        self.words.iter().filter_map(|word| word.id.map(|id| (id, word.weight)))
    }

    /// The share of the question's worth in the words that `holds` accepts.
    pub(super) fn coverage(&self, holds: impl Fn(u32) -> bool) -> f64 {
        let found = self.words.iter().filter(|word| word.id.is_some_and(&holds));
        found.map(|word| word.worth).sum::<f64>() / self.stem_total
    }

    /// How many words carry content.
    pub(super) fn telling(&self) -> usize {
        self.telling_words().count()
    }

    /// Content words with their worth.
    pub(super) fn telling_words(&self) -> impl Iterator<Item = (Option<u32>, f64)> {
        self.words.iter().filter(|word| word.weight >= 1.0).map(|word| (word.id, word.worth))
    }
}

/// Whether the question asks for a number, a price or a time.
fn wants_number(words: &[String]) -> bool {
    const SIGNS: [&str; 12] = [
        "сколько",
        "когда",
        "цена",
        "стоит",
        "стоимость",
        "ставка",
        "процент",
        "срок",
        "how",
        "much",
        "many",
        "price",
    ];
    words.iter().any(|word| SIGNS.contains(&word.as_str()))
}
