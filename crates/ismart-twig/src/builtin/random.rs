//! Random choices.

use std::hash::{BuildHasher, Hasher};

use super::arg;
use crate::error::Error;
use crate::num;
use crate::run::Rt;
use crate::value::{V, Value};

/// A small generator (SplitMix64); good enough to pick, not to keep secrets.
#[derive(Debug)]
pub(crate) struct Random {
    state: Option<u64>,
    seed: Option<u64>,
}

impl Random {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self { state: None, seed }
    }

    fn next(&mut self) -> u64 {
        let seed = self.seed;
        let state = self.state.get_or_insert_with(|| {
            seed.unwrap_or_else(|| std::collections::hash_map::RandomState::new().build_hasher().finish())
        });
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number between two, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = i128::from(high) - i128::from(low) + 1;
        if span <= 1 {
            return low;
        }
        num::clamp(i128::from(low) + i128::from(self.next()) % span)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = num::index(self.between(0, num::len(at)));
            items.swap(at, other);
        }
    }
}

/// `random(values, max)`.
pub(super) fn random(rt: &mut Rt<'_>, args: &[V<'_>]) -> Result<Value, Error> {
    let values = arg(args, 0);
    let max = arg(args, 1);
    match values {
        Value::Null => {
            let top = if max.is_null() { 2_147_483_647 } else { max.to_int() };
            Ok(Value::Int(rt.random.between(0, top)))
        }
        Value::Int(_) | Value::Float(_) => {
            let n = values.to_int();
            let (low, high) = match (max.is_null(), n < 0) {
                (true, true) => (n, 0),
                (true, false) => (0, n),
                (false, _) => (n, max.to_int()),
            };
            if low > high {
                return Err(Error::host(
                    "mt_rand(): Argument #2 ($max) must be greater than or equal to argument #1 ($min)",
                ));
            }
            Ok(Value::Int(rt.random.between(low, high)))
        }
        Value::Str(text) => {
            let letters: Vec<char> = text.chars().collect();
            if letters.is_empty() {
                return Ok(Value::from(""));
            }
            let at = rt.random.between(0, num::len(letters.len()) - 1);
            Ok(letters.get(num::index(at)).map_or(Value::Null, |c| Value::from(c.to_string())))
        }
        _ => {
            let Some(pairs) = values.to_pairs() else { return Ok(values.clone()) };
            if pairs.is_empty() {
                return Err(Error::runtime(
                    "The \"random\" function cannot pick from an empty sequence or mapping.",
                ));
            }
            let at = rt.random.between(0, num::len(pairs.len()) - 1);
            Ok(pairs.entry(num::index(at)).map_or(Value::Null, |(_, v)| v.clone()))
        }
    }
}
