//! Finding the passage that answers a question, quoting it, and saying so when there is none.
//! Promises: `index.contract.md`.

mod asked;
mod codes;
mod field;
mod judge;
mod quote;
mod reading;
mod tokens;

use std::collections::HashSet;

use self::asked::Asked;
use self::field::{Bm25, Field};
use self::judge::Evidence;
use self::reading::{Best, Reading, Vocabulary};
use self::tokens::{Tokens, grams};
use crate::passages::Passage;

/// How much of the score comes from pieces of words: they forgive typos and endings, and catch compounds.
const GRAM_SHARE: f64 = 0.8;
/// A word of the question is said once more by the FAQ's question than by a text.
const QUESTION_WEIGHT: f64 = 1.5;
const HEADING_WEIGHT: f64 = 0.7;
const TITLE_WEIGHT: f64 = 0.3;
const STEMS: Bm25 = Bm25 { k1: 0.8, b: 0.5 };
const GRAMS: Bm25 = Bm25 { k1: 0.6, b: 0.5 };
/// How many of the best passages are looked at sentence by sentence.
const LOOKED_AT: usize = 8;
/// How much the best sentence of a passage moves it among its neighbours.
const SENTENCE_SHARE: f64 = 0.5;

/// A passage that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    /// The passage.
    pub passage: &'a Passage,
    /// Only for comparing hits of one question.
    pub score: f64,
}

/// The best answer that the passages hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer<'a> {
    /// Where it stands.
    pub passage: &'a Passage,
    /// The words to say: a verbatim part of the passage's text.
    pub quote: &'a str,
    /// Only for comparing answers to one question.
    pub score: f64,
    /// Estimated chance, from 0 to 1, that the passage answers the question.
    pub confidence: f64,
    /// Whether to say it. When false, the honest answer is "I don't know".
    pub confident: bool,
}

/// All passages of a site, ready to be asked. Never changes.
pub struct Index {
    tokens: Tokens,
    vocabulary: Vocabulary,
    /// Letters with which the marks of the pages begin: `to` of `ТО-1`.
    marks: HashSet<String>,
    passages: Vec<Passage>,
    readings: Vec<Reading>,
    stems: Field<u32>,
    grams: Field<[char; 4]>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("passages", &self.passages.len()).finish_non_exhaustive()
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Index {
    /// Counts the words of all passages.
    #[must_use]
    pub fn new(passages: Vec<Passage>) -> Self {
        let tokens = Tokens::new();
        let weighted = |passage: &Passage| -> Vec<(String, f64)> {
            let question = passage.question.as_deref().unwrap_or_default();
            [
                (passage.text.as_str(), 1.0),
                (question, QUESTION_WEIGHT),
                (&passage.heading, HEADING_WEIGHT),
                (&passage.source_title, TITLE_WEIGHT),
            ]
            .into_iter()
            .flat_map(|(text, weight)| Tokens::words(text).into_iter().map(move |word| (word, weight)))
            .collect()
        };
        let words: Vec<Vec<(String, f64)>> = passages.iter().map(weighted).collect();
        let mut vocabulary = Vocabulary::default();
        let stems: Vec<Vec<(u32, f64)>> = words
            .iter()
            .map(|of| of.iter().map(|(word, weight)| (vocabulary.learn(word, &tokens), *weight)).collect())
            .collect();
        let pieces = words
            .iter()
            .map(|of| {
                of.iter().flat_map(|(word, w)| grams(word).into_iter().map(|gram| (gram, *w))).collect()
            })
            .collect();
        let readings: Vec<Reading> = passages
            .iter()
            .zip(&stems)
            .map(|(passage, stems)| Reading::of(passage, stems, &mut vocabulary, &tokens))
            .collect();
        Self {
            stems: Field::of(stems, STEMS),
            grams: Field::of(pieces, GRAMS),
            tokens,
            vocabulary,
            marks: readings
                .iter()
                .flat_map(Reading::codes)
                .map(|code| codes::prefix(code).to_owned())
                .collect(),
            passages,
            readings,
        }
    }

    /// All passages, in the order given.
    #[must_use]
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// The passages nearest to the question, best first, at most `limit`.
    #[must_use]
    pub fn find(&self, question: &str, limit: usize) -> Vec<Hit<'_>> {
        let Some(asked) = self.asked(question) else { return Vec::new() };
        let mut found = self.ranked(&asked, limit.max(LOOKED_AT));
        found.truncate(limit);
        found.into_iter().map(|found| Hit { passage: found.passage, score: found.score }).collect()
    }

    /// The best answer, or `None` when no passage shares a word with the question.
    #[must_use]
    pub fn answer(&self, question: &str) -> Option<Answer<'_>> {
        let (best, evidence) = self.judged(question)?;
        let confidence = if best.sentence.has_codes { evidence.chance() } else { 0.0 };
        Some(Answer {
            passage: best.passage,
            quote: quote::around(best.passage, &best.sentence),
            score: best.score,
            confidence,
            confident: confidence >= judge::THRESHOLD,
        })
    }

    /// Everything that the judge weighs for the best passage, in a fixed order; for calibration.
    #[doc(hidden)]
    #[must_use]
    pub fn evidence_of(&self, question: &str) -> Option<(&Passage, [f64; judge::FEATURES])> {
        let (best, evidence) = self.judged(question)?;
        Some((best.passage, evidence.features()))
    }

    fn judged(&self, question: &str) -> Option<(Found<'_>, Evidence)> {
        let asked = self.asked(question)?;
        let found = self.ranked(&asked, LOOKED_AT);
        let second = found.get(1).map_or(0.0, |found| found.score);
        let rival_has_mark = found.get(1).is_some_and(|found| found.sentence.has_codes);
        let best = found.into_iter().next()?;
        let only_with_mark = !asked.codes.is_empty() && best.sentence.has_codes && !rival_has_mark;
        let ahead = if only_with_mark { best.score } else { (best.score - second).max(0.0) };
        let evidence = Evidence {
            passage: asked.coverage(|id| best.reading.holds(id)),
            sentence: best.sentence.coverage,
            score: best.score,
            margin: if best.score > 0.0 { ahead / best.score } else { 0.0 },
            telling: asked.telling(),
            same_question: best.reading.same_question(&asked, |id| self.stems.idf(&id)),
        };
        Some((best, evidence))
    }

    fn asked(&self, question: &str) -> Option<Asked> {
        Asked::of(
            question,
            &self.tokens,
            |stem| self.vocabulary.id(stem),
            |id| id.map_or_else(|| self.stems.strangeness(), |id| self.stems.idf(&id)),
            |gram| self.grams.idf(gram),
        )
        .map(|asked| asked.with_codes(codes::asked_codes(question, &self.marks)))
    }

    /// The best passages with their best sentences.
    fn ranked(&self, asked: &Asked, limit: usize) -> Vec<Found<'_>> {
        let mut scores = vec![0.0; self.passages.len()];
        self.stems.score(asked.known_stems(), 1.0 / asked.stem_total, &mut scores);
        self.grams.score(asked.grams.iter().copied(), GRAM_SHARE / asked.gram_total, &mut scores);
        let mut order: Vec<(usize, f64)> =
            scores.into_iter().enumerate().filter(|(_, score)| *score > 0.0).collect();
        let by_score = |a: &(usize, f64), b: &(usize, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if order.len() > limit {
            order.select_nth_unstable_by(limit, by_score);
            order.truncate(limit);
        }
        order.sort_by(by_score);
        let mut found: Vec<Found<'_>> = order
            .iter()
            .enumerate()
            .filter_map(|(place, (n, score))| {
                let passage = self.passages.get(*n)?;
                let reading = self.readings.get(*n)?;
                let sentence = if place < LOOKED_AT { reading.best_sentence(asked) } else { Best::default() };
                let score = score + SENTENCE_SHARE * sentence.coverage;
                Some(Found { passage, reading, sentence, score })
            })
            .collect();
        // The very mark that was asked for (`ТО-2`) goes before any likeness.
        found.sort_by(|a, b| {
            let by_mark = b.sentence.has_codes.cmp(&a.sentence.has_codes);
            by_mark.then(b.score.total_cmp(&a.score))
        });
        found
    }
}

/// A passage on its way to an answer.
struct Found<'a> {
    passage: &'a Passage,
    reading: &'a Reading,
    sentence: Best,
    score: f64,
}
