//! The intent model: multinomial logistic regression over words, word pairs, concepts, entity classes and
//! character n-grams, trained from a package's examples when it is loaded. Training is deterministic.

use std::collections::{BTreeMap, HashMap};

use crate::text::{Token, TokenKind};

/// A message as the model sees it.
#[derive(Debug, Clone, Default)]
pub struct Features(Vec<(u64, f32)>);

/// The model.
#[derive(Debug, Clone, Default)]
pub struct IntentModel {
    names: Vec<String>,
    columns: HashMap<u64, usize>,
    idf: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    temperature: f32,
}

/// Words that mean the same to the model: beginning of a word → concept.
#[derive(Debug, Clone, Default)]
pub struct Concepts(Vec<(String, u64)>);

impl Concepts {
    /// Compiles the package's groups.
    #[must_use]
    pub fn new(groups: &BTreeMap<String, Vec<String>>) -> Self {
        let mut list: Vec<(String, u64)> = groups
            .iter()
            .flat_map(|(name, starts)| starts.iter().map(|start| (crate::text::fold(start), hash("c", name))))
            .collect();
        list.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        Self(list)
    }

    fn of(&self, word: &str) -> Option<u64> {
        self.0.iter().find(|(start, _)| word.starts_with(start.as_str())).map(|(_, id)| *id)
    }
}

fn hash(kind: &str, text: &str) -> u64 {
    kind.bytes()
        .chain(std::iter::once(0))
        .chain(text.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One unit of a message for the model: a word, or a whole entity under its class.
#[derive(Debug, Clone)]
pub enum Unit<'a> {
    /// An ordinary word.
    Word(&'a Token),
    /// An entity's class: `#money`.
    Class(String),
}

impl Features {
    /// Reads a message (or clause).
    #[must_use]
    pub fn of(units: &[Unit<'_>], question: bool, concepts: &Concepts) -> Self {
        let mut out: BTreeMap<u64, f32> = BTreeMap::new();
        let mut add = |id: u64, weight: f32| {
            let entry = out.entry(id).or_insert(0.0);
            *entry = entry.max(weight);
        };
        let mut previous = hash("w", "^");
        for unit in units {
            let id = match unit {
                Unit::Class(class) => {
                    let id = hash("e", class);
                    add(id, 1.0);
                    id
                }
                Unit::Word(token) if token.kind == TokenKind::Word => {
                    let concept = concepts.of(&token.text);
                    let id = hash("w", &token.stem);
                    add(id, 1.0);
                    if let Some(concept) = concept {
                        add(concept, 1.2);
                    }
                    grams(&token.text, &mut add);
                    concept.unwrap_or(id)
                }
                Unit::Word(_) => continue,
            };
            add(previous.rotate_left(17) ^ id, 0.7);
            previous = id;
        }
        if question {
            add(hash("q", "?"), 0.3);
        }
        Self(out.into_iter().collect())
    }

    /// Nothing to judge by?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn grams(word: &str, add: &mut impl FnMut(u64, f32)) {
    let padded: Vec<char> =
        std::iter::once('_').chain(word.chars().take(24)).chain(std::iter::once('_')).collect();
    for size in 3..=4 {
        for window in padded.windows(size) {
            let text: String = window.iter().collect();
            add(hash("g", &text), 0.35);
        }
    }
}

/// An intent with its calibrated probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// The intent.
    pub name: String,
    /// 0 to 1.
    pub confidence: f64,
}

/// Rounds over the examples that calibration leaves.
const EPOCHS: usize = 10;
/// Rounds over all examples afterwards, from the weights found.
const MORE_EPOCHS: usize = 4;
/// First rate of descent; each round takes four fifths of the one before.
const RATE: f32 = 3.6;

impl IntentModel {
    /// Trains on examples: intent name and features. A fifth of the examples fixes the calibration, then the
    /// model is trained on all of them.
    #[must_use]
    pub fn train(examples: &[(String, Features)]) -> Self {
        let mut names: Vec<String> = examples.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        let mut model = Self { names, temperature: 1.0, ..Self::default() };
        model.index(examples);
        let rows: Vec<(usize, Vec<(usize, f32)>)> = examples
            .iter()
            .map(|(name, features)| {
                (model.names.binary_search(name).unwrap_or_default(), model.vector(features))
            })
            .collect();
        let (held, kept): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(at, _)| at % 5 == 4);
        let kept: Vec<_> = kept.into_iter().map(|(_, row)| row).collect();
        let held: Vec<_> = held.into_iter().map(|(_, row)| row).collect();
        let classes = model.names.len();
        model.weights = vec![0.0; model.columns.len() * classes];
        model.bias = vec![0.0; classes];
        let rate = model.fit(&kept, EPOCHS, RATE);
        model.temperature = model.calibrate(&held);
        let all: Vec<_> = rows.iter().collect();
        model.fit(&all, MORE_EPOCHS, rate * 2.0);
        model
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of examples are far below 2^24")]
    fn index(&mut self, examples: &[(String, Features)]) {
        let mut counts: Vec<usize> = Vec::new();
        for (_, features) in examples {
            for (id, _) in &features.0 {
                let next = self.columns.len();
                let column = *self.columns.entry(*id).or_insert(next);
                if column == counts.len() {
                    counts.push(0);
                }
                if let Some(count) = counts.get_mut(column) {
                    *count += 1;
                }
            }
        }
        let total = examples.len() as f32;
        self.idf =
            counts.iter().map(|count| 1.0 + (total / (1.0 + *count as f32)).ln().max(0.0) * 0.35).collect();
    }

    fn vector(&self, features: &Features) -> Vec<(usize, f32)> {
        let mut row: Vec<(usize, f32)> = features
            .0
            .iter()
            .filter_map(|(id, weight)| {
                let column = *self.columns.get(id)?;
                Some((column, weight * self.idf.get(column)?))
            })
            .collect();
        let norm = row.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|(_, w)| *w /= norm);
        }
        row
    }

    /// Stochastic gradient descent with a falling rate over a fixed pseudo-random order.
    /// Gives the rate at which it ended.
    fn fit(&mut self, rows: &[&(usize, Vec<(usize, f32)>)], epochs: usize, mut rate: f32) -> f32 {
        let classes = self.names.len();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut seed = 0x2545_F491_4F6C_DD1D_u64;
        let mut scores = vec![0.0; classes];
        for _ in 0..epochs {
            for at in (1..order.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let other = usize::try_from((seed >> 33) % (at as u64 + 1)).unwrap_or(0);
                order.swap(at, other);
            }
            for at in &order {
                let Some((class, row)) = rows.get(*at) else { continue };
                self.scores(row, &mut scores);
                softmax(&mut scores, 1.0);
                if let Some(own) = scores.get_mut(*class) {
                    *own -= 1.0;
                }
                for (column, value) in row {
                    let slice =
                        self.weights.get_mut(column * classes..(column + 1) * classes).unwrap_or_default();
                    let step = rate * value;
                    for (weight, error) in slice.iter_mut().zip(&scores) {
                        *weight -= step * error;
                    }
                }
                for (bias, error) in self.bias.iter_mut().zip(&scores) {
                    *bias -= rate * 0.02 * error;
                }
            }
            rate *= 0.82;
        }
        rate
    }

    fn scores(&self, row: &[(usize, f32)], scores: &mut [f32]) {
        let classes = self.names.len();
        scores.copy_from_slice(&self.bias);
        for (column, value) in row {
            let slice = self.weights.get(column * classes..(column + 1) * classes).unwrap_or_default();
            for (score, weight) in scores.iter_mut().zip(slice) {
                *score += weight * value;
            }
        }
    }

    /// The temperature with the least log loss on examples that the weights have not seen.
    fn calibrate(&self, rows: &[&(usize, Vec<(usize, f32)>)]) -> f32 {
        let loss = |temperature: f32| {
            let mut scores = vec![0.0; self.names.len()];
            rows.iter()
                .map(|(class, row)| {
                    self.scores(row, &mut scores);
                    softmax(&mut scores, temperature);
                    -scores.get(*class).copied().unwrap_or(1.0).max(1e-6).ln()
                })
                .sum::<f32>()
        };
        let candidates = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.8, 2.2];
        let best = candidates.into_iter().map(|t| (loss(t), t)).min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or(1.0, |(_, temperature)| temperature)
    }

    /// The intents of a message, the surest first, at most three.
    #[must_use]
    pub fn guess(&self, features: &Features) -> Vec<Guess> {
        let row = self.vector(features);
        if row.is_empty() {
            return Vec::new();
        }
        let mut scores = vec![0.0; self.names.len()];
        self.scores(&row, &mut scores);
        softmax(&mut scores, self.temperature);
        let mut ranked: Vec<(usize, f32)> = scores.into_iter().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
            .into_iter()
            .take(3)
            .filter_map(|(at, p)| Some(Guess { name: self.names.get(at)?.clone(), confidence: f64::from(p) }))
            .collect()
    }

    /// The fitted temperature; 1 means that raw probabilities were honest.
    #[must_use]
    pub fn temperature(&self) -> f32 {
        self.temperature
    }
}

fn softmax(scores: &mut [f32], temperature: f32) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = ((*score - top) / temperature).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}
