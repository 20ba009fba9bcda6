//! What is known of a passage before anybody asks: its sentences and their stems.

use std::collections::HashMap;
use std::ops::Range;

use super::asked::Asked;
use super::codes::codes;
use super::tokens::Tokens;
use crate::passages::{Passage, sentences};

/// How much a number in a sentence is worth to a question that asks for one.
const NUMBER_BONUS: f64 = 0.1;
/// A sentence with the very mark that was asked for goes before all others.
const CODE_BONUS: f64 = 1.0;

/// Numbers for stems.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    of_stem: HashMap<String, u32>,
    of_word: HashMap<String, u32>,
}

impl Vocabulary {
    /// The number of a folded word's stem, a fresh one when it was not seen yet.
    pub(super) fn learn(&mut self, word: &str, tokens: &Tokens) -> u32 {
        if let Some(id) = self.of_word.get(word) {
            return *id;
        }
        let fresh = u32::try_from(self.of_stem.len()).unwrap_or(u32::MAX);
        let id = *self.of_stem.entry(tokens.stem(word)).or_insert(fresh);
        self.of_word.insert(word.to_owned(), id);
        id
    }

    /// The number of a stem, when any passage has it.
    pub(super) fn id(&self, stem: &str) -> Option<u32> {
        self.of_stem.get(stem).copied()
    }

    fn ids(&mut self, text: &str, tokens: &Tokens) -> Vec<u32> {
        sorted(Tokens::words(text).iter().map(|word| self.learn(word, tokens)).collect())
    }
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A passage as it was read. All lists are sorted.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    stems: Vec<u32>,
    question: Vec<u32>,
    /// The question's words that carry content.
    question_content: Vec<u32>,
    /// Marks in the question.
    question_codes: Vec<String>,
    sentences: Vec<Sentence>,
}

#[derive(Debug, Clone)]
struct Sentence {
    place: Range<usize>,
    stems: Vec<u32>,
    codes: Vec<String>,
    has_number: bool,
}

/// The sentence that holds most of the question.
#[derive(Debug, Clone, Default)]
pub(super) struct Best {
    /// Bytes of the passage's text.
    pub(super) place: Range<usize>,
    /// Share of the question's telling words in it.
    pub(super) coverage: f64,
    /// Whether it (or the FAQ's question) holds every mark that was asked for.
    pub(super) has_codes: bool,
}

impl Reading {
    pub(super) fn of(
        passage: &Passage,
        stems: &[(u32, f64)],
        vocabulary: &mut Vocabulary,
        tokens: &Tokens,
    ) -> Self {
        let asked = passage.question.as_deref().unwrap_or_default();
        let content = Tokens::words(asked).into_iter().filter(|word| !tokens.is_stop(word));
        let question_content = sorted(content.map(|word| vocabulary.learn(&word, tokens)).collect());
        let mut read = Vec::new();
        let mut from = 0;
        for sentence in sentences(&passage.text) {
            let rest = passage.text.get(from..).unwrap_or_default();
            let Some(at) = rest.find(sentence) else { continue };
            let place = from + at..from + at + sentence.len();
            from = place.end;
            read.push(Sentence {
                place,
                stems: vocabulary.ids(sentence, tokens),
                codes: codes(sentence),
                has_number: sentence.chars().any(|c| c.is_ascii_digit()),
            });
        }
        Self {
            stems: sorted(stems.iter().map(|(id, _)| *id).collect()),
            question: vocabulary.ids(asked, tokens),
            question_content,
            question_codes: codes(asked),
            sentences: read,
        }
    }

    /// Whether the passage has the stem anywhere.
    pub(super) fn holds(&self, id: u32) -> bool {
        self.stems.binary_search(&id).is_ok()
    }

    /// All marks of the passage.
    pub(super) fn codes(&self) -> impl Iterator<Item = &String> {
        self.sentences.iter().flat_map(|sentence| &sentence.codes).chain(&self.question_codes)
    }

    /// Chooses the best sentence; a question that asks for a number prefers one that holds a number. The
    /// answer of a FAQ is read together with its question.
    pub(super) fn best_sentence(&self, asked: &Asked) -> Best {
        let mut best = Best::default();
        let mut best_rank = -1.0;
        for sentence in &self.sentences {
            let coverage = asked.coverage(|id| {
                sentence.stems.binary_search(&id).is_ok() || self.question.binary_search(&id).is_ok()
            });
            let has_codes = asked
                .codes
                .iter()
                .all(|code| sentence.codes.contains(code) || self.question_codes.contains(code));
            // A row that begins with the mark is about it; another may only mention it.
            let mark = match (asked.codes.first(), sentence.codes.first()) {
                (Some(asked), Some(first)) if has_codes && asked == first => 2.0 * CODE_BONUS,
                (Some(_), _) if has_codes => CODE_BONUS,
                _ => 0.0,
            };
            let bonus = mark + if asked.wants_number && sentence.has_number { NUMBER_BONUS } else { 0.0 };
            if coverage + bonus > best_rank {
                best_rank = coverage + bonus;
                best = Best { place: sentence.place.clone(), coverage, has_codes };
            }
        }
        best
    }

    /// How far the passage's own question and the asked one are the same: what both say of all that either
    /// says, by worth.
    pub(super) fn same_question(&self, asked: &Asked, idf: impl Fn(u32) -> f64) -> f64 {
        let (mut all, mut both) = (0.0, 0.0);
        for (id, worth) in asked.telling_words() {
            all += worth;
            if id.is_some_and(|id| self.question_content.binary_search(&id).is_ok()) {
                both += worth;
            }
        }
        for id in &self.question_content {
            if !asked.telling_words().any(|(asked, _)| asked == Some(*id)) {
                all += idf(*id);
            }
        }
        if all > 0.0 { both / all } else { 0.0 }
    }
}
