//! One inverted list of terms with BM25 weights computed in advance.
//!
//! Written here and not taken from a crate: two kinds of terms are scored in one pass over flat lists, and
//! the share of the question that was found is needed beside the score, to know when to be silent.

use std::collections::HashMap;
use std::hash::Hash;

/// How soon repetition stops to count, and how much length is held against a passage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bm25 {
    pub(super) k1: f64,
    pub(super) b: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Field<T> {
    terms: HashMap<T, Term>,
    documents: usize,
}

#[derive(Debug, Clone)]
struct Term {
    idf: f64,
    /// Document and weight, in the order of documents.
    postings: Vec<(usize, f64)>,
}

/// Large counts only ever meet in ratios, where the last digits do not matter.
pub(super) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

impl<T: Hash + Eq> Field<T> {
    /// Counts weighted terms of every document.
    pub(super) fn of(documents: Vec<Vec<(T, f64)>>, bm25: Bm25) -> Self {
        let count = documents.len();
        let lengths: Vec<f64> = documents.iter().map(|terms| terms.iter().map(|(_, w)| w).sum()).collect();
        let average = (lengths.iter().sum::<f64>() / float(count.max(1))).max(1.0);
        let mut terms: HashMap<T, Term> = HashMap::new();
        for (document, weighted) in documents.into_iter().enumerate() {
            for (term, weight) in weighted {
                let term = terms.entry(term).or_insert_with(|| Term { idf: 0.0, postings: Vec::new() });
                match term.postings.last_mut() {
                    Some((last, sum)) if *last == document => *sum += weight,
                    _ => term.postings.push((document, weight)),
                }
            }
        }
        for term in terms.values_mut() {
            term.idf = idf(count, term.postings.len());
            for (document, weight) in &mut term.postings {
                let length = lengths.get(*document).copied().unwrap_or(average);
                let norm = bm25.k1 * (1.0 - bm25.b + bm25.b * length / average);
                *weight = term.idf * *weight * (bm25.k1 + 1.0) / (*weight + norm);
            }
        }
        Self { terms, documents: count }
    }

    /// How telling a term is.
    pub(super) fn idf(&self, term: &T) -> f64 {
        self.terms.get(term).map_or_else(|| self.strangeness(), |term| term.idf)
    }

    /// How telling a term is that no document has.
    pub(super) fn strangeness(&self) -> f64 {
        idf(self.documents, 0)
    }

    /// Adds `factor` times the score of every document that has one of the terms.
    pub(super) fn score(&self, asked: impl Iterator<Item = (T, f64)>, factor: f64, into: &mut [f64]) {
        for (term, weight) in asked {
            let Some(term) = self.terms.get(&term) else { continue };
            for (document, score) in &term.postings {
                if let Some(sum) = into.get_mut(*document) {
                    *sum += factor * weight * score;
                }
            }
        }
    }
}

fn idf(documents: usize, with_term: usize) -> f64 {
    let (all, with) = (float(documents), float(with_term));
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}
