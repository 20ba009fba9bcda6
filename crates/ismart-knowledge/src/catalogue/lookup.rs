//! Finding a vehicle by a name as people type it.

use std::sync::Arc;

use super::Vehicle;
use super::alias::spelled_out;
use super::words::{folded, sound};

/// Below this two words are different words.
const WORD_FLOOR: f64 = 0.74;
/// Below this share of recognised weight a vehicle was not meant.
const MATCH_FLOOR: f64 = 0.5;

/// A vehicle and how well its name fits, from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The vehicle.
    pub vehicle: Arc<Vehicle>,
    /// 1 is certain.
    pub score: f64,
}

/// Names of all vehicles, made comparable.
#[derive(Debug, Clone, Default)]
pub(super) struct Titles(Vec<Title>);

#[derive(Debug, Clone)]
struct Title {
    vehicle: Arc<Vehicle>,
    brand: Vec<String>,
    model: Vec<String>,
    rest: Vec<String>,
}

impl Titles {
    pub(super) fn of(vehicles: &[Arc<Vehicle>]) -> Self {
        let title = |vehicle: &Arc<Vehicle>| Title {
            vehicle: Arc::clone(vehicle),
            brand: sounds(&vehicle.brand),
            model: sounds(&vehicle.model),
            rest: sounds(&format!(
                "{} {} {} {}",
                vehicle.trim.as_deref().unwrap_or_default(),
                vehicle.year,
                vehicle.color.as_deref().unwrap_or_default(),
                vehicle.body.as_deref().unwrap_or_default(),
            )),
        };
        Self(vehicles.iter().map(title).collect())
    }

    pub(super) fn find(&self, text: &str, limit: usize) -> Vec<Match> {
        let asked = sounds(&spelled_out(&folded(text)));
        let mut found: Vec<Match> = self
            .0
            .iter()
            .filter_map(|title| {
                let score = title.score(&asked);
                (score >= MATCH_FLOOR).then(|| Match { vehicle: Arc::clone(&title.vehicle), score })
            })
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(limit);
        found
    }
}

impl Title {
    /// How much of the name was asked for: the model is what people mean, brand and trim tell equal models
    /// apart. A vehicle of which neither the brand nor the model was named scores nothing.
    fn score(&self, asked: &[String]) -> f64 {
        let model = coverage(&self.model, asked);
        let brand = coverage(&self.brand, asked);
        if model < 0.3 && brand < WORD_FLOOR {
            return 0.0;
        }
        let mut rest = 0.0;
        for word in &self.rest {
            rest += if asked.contains(word) { 1.0 } else { 0.0 };
        }
        let named_other_model = model < 0.3 && asked.len() > self.brand.len();
        let base = 0.62 * model + 0.25 * brand + 0.13 * (rest / 3.0_f64).min(1.0);
        if named_other_model { base * 0.5 } else { base }
    }
}

fn sounds(text: &str) -> Vec<String> {
    let mut words: Vec<String> =
        sound(text).split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    // `RAV4` and `rav 4` must meet, so a number is a word of its own.
    words = words.iter().flat_map(|word| split_numbers(word)).collect();
    words
}

fn split_numbers(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in word.chars() {
        match parts.last_mut() {
            Some(part) if part.ends_with(|l: char| l.is_ascii_digit()) == c.is_ascii_digit() => part.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    parts
}

/// The share of the name's letters that the asked words hold.
fn coverage(name: &[String], asked: &[String]) -> f64 {
    let (mut all, mut got) = (0.0, 0.0);
    for word in name {
        let weight = f64::from(u32::try_from(word.chars().count()).unwrap_or(u32::MAX));
        let best = asked.iter().map(|other| likeness(word, other)).fold(0.0, f64::max);
        all += weight;
        if best >= WORD_FLOOR {
            got += weight * best;
        }
    }
    if all > 0.0 { got / all } else { 0.0 }
}

/// Equal is 1; numbers and very short words must be equal; others may differ in a letter or two.
fn likeness(a: &str, b: &str) -> f64 {
    let short = a.chars().count().min(b.chars().count()) < 3;
    if a == b {
        1.0
    } else if short
        || a.starts_with(|c: char| c.is_ascii_digit())
        || b.starts_with(|c: char| c.is_ascii_digit())
    {
        0.0
    } else {
        strsim::normalized_damerau_levenshtein(a, b)
    }
}
