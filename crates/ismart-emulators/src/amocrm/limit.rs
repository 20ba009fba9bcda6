//! Seven requests a second, and what happens to those who do not mind it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Which limits the account enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many requests any second may hold. `None`: no limit.
    pub per_second: Option<u32>,
    /// After so many refusals within a minute the account is blocked, until the tester lifts it.
    pub refusals: u32,
}

impl Limits {
    /// Nothing is refused.
    #[must_use]
    pub fn off() -> Self {
        Self { per_second: None, refusals: u32::MAX }
    }

    /// As documented: seven requests a second. How many refusals lead to a block is told nowhere; ten here.
    #[must_use]
    pub fn documented() -> Self {
        Self { per_second: Some(7), refusals: 10 }
    }
}

/// What the limits say to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Passed,
    TooMany,
    Blocked,
}

#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Moments of the requests of the last second, in milliseconds.
    recent: VecDeque<i64>,
    /// Moments of the refusals of the last minute.
    refusals: VecDeque<i64>,
    pub(super) blocked: bool,
    /// The most requests that any second held.
    pub(super) highest: usize,
}

impl Meter {
    pub(super) fn admit(&mut self, limits: Limits, now: Timestamp) -> Admission {
        let now = now.as_millisecond();
        while self.recent.front().is_some_and(|at| now - at >= 1000) {
            self.recent.pop_front();
        }
        while self.refusals.front().is_some_and(|at| now - at >= 60_000) {
            self.refusals.pop_front();
        }
        self.recent.push_back(now);
        self.highest = self.highest.max(self.recent.len());
        if self.blocked {
            return Admission::Blocked;
        }
        let most = limits.per_second.and_then(|most| usize::try_from(most).ok());
        if most.is_none_or(|most| self.recent.len() <= most) {
            return Admission::Passed;
        }
        self.refusals.push_back(now);
        let refused = u32::try_from(self.refusals.len()).unwrap_or(u32::MAX);
        if refused > limits.refusals {
            self.blocked = true;
            return Admission::Blocked;
        }
        Admission::TooMany
    }

    /// Support has lifted the block.
    pub(super) fn lift(&mut self) {
        self.blocked = false;
        self.recent.clear();
        self.refusals.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eighth_request_of_a_second_is_refused_and_stubbornness_blocks() {
        let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
        let mut meter = Meter::default();
        let limits = Limits::documented();
        for n in 0..7 {
            assert_eq!(meter.admit(limits, at(n * 10)), Admission::Passed);
        }
        assert_eq!(meter.admit(limits, at(100)), Admission::TooMany);
        assert_eq!(meter.admit(limits, at(1200)), Admission::Passed, "the second has passed");
        let told: Vec<Admission> = (0..20).map(|n| meter.admit(limits, at(1300 + n))).collect();
        assert_eq!(told.iter().filter(|told| **told == Admission::Passed).count(), 6);
        assert_eq!(told.iter().filter(|told| **told == Admission::TooMany).count(), 9);
        assert_eq!(told.last(), Some(&Admission::Blocked));
        assert_eq!(meter.admit(limits, at(3_600_000)), Admission::Blocked, "it does not lift by itself");
        meter.lift();
        assert_eq!(meter.admit(limits, at(3_600_001)), Admission::Passed);
    }
}
