//! Whether what was found is an answer at all.

use super::field::float;

/// Number of features that the judge weighs.
pub(crate) const FEATURES: usize = 6;

/// From this estimated chance on an answer is given.
pub(super) const THRESHOLD: f64 = 0.45;

/// Weights of a logistic model, in the order of [`Evidence::features`]. Fitted on one half of the paragraphs
/// of XQuAD-ru (each question with and without its paragraph) and one half of the questions to a dealer's
/// pages in `tests/it/fixtures/questions.tsv`; the other halves say how good it is: AUROC 0.943 and 0.972.
const WEIGHTS: [f64; FEATURES] = [1.45, -0.16, 3.15, 1.89, 0.74, 2.52];
const BIAS: f64 = -5.96;

/// What speaks for the best passage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    /// Share of the question's telling words in the passage.
    pub(super) passage: f64,
    /// The same in its best sentence.
    pub(super) sentence: f64,
    /// Score of the passage.
    pub(super) score: f64,
    /// How far it is ahead of the second, as a share.
    pub(super) margin: f64,
    /// How many telling words the question has.
    pub(super) telling: usize,
    /// How far the passage's own question is the asked one.
    pub(super) same_question: f64,
}

impl Evidence {
    pub(super) fn features(&self) -> [f64; FEATURES] {
        [
            self.passage,
            self.sentence,
            self.score,
            self.margin,
            float(self.telling.min(10)) / 10.0,
            self.same_question,
        ]
    }

    /// Estimated chance that the passage answers the question.
    pub(super) fn chance(&self) -> f64 {
        let sum: f64 = self.features().iter().zip(WEIGHTS).map(|(feature, weight)| feature * weight).sum();
        1.0 / (1.0 + (-(sum + BIAS)).exp())
    }
}
