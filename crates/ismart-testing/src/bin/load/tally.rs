//! What a run counts, and how it is told.

use std::fmt;
use std::time::Duration;

use ismart_testing::Spread;

/// What one connection or conversation counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What the run is about.
    pub(crate) measured: Vec<Duration>,
    /// The reference beside it.
    pub(crate) reference: Vec<Duration>,
    /// What went wrong.
    pub(crate) errors: Vec<String>,
}

impl Tally {
    /// Takes in what another one counted.
    pub(crate) fn add(&mut self, other: Self) {
        self.measured.extend(other.measured);
        self.reference.extend(other.reference);
        self.errors.extend(other.errors);
    }
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Report {
    measured: (String, Spread),
    reference: (String, Spread),
    /// Number of things that went wrong.
    pub(crate) errors: usize,
    first_error: Option<String>,
}

impl Report {
    /// Sums up; `measured` and `reference` are names for people.
    pub(crate) fn new(measured: impl Into<String>, reference: impl Into<String>, tally: Tally) -> Self {
        Self {
            measured: (measured.into(), Spread::of(tally.measured)),
            reference: (reference.into(), Spread::of(tally.reference)),
            errors: tally.errors.len(),
            first_error: tally.errors.into_iter().next(),
        }
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> String {
        serde_json::json!({
            "measured": self.measured.1,
            "reference": self.reference.1,
            "errors": self.errors,
            "first_error": self.first_error,
        })
        .to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, spread) in [&self.measured, &self.reference] {
            writeln!(f, "{name:<44} {spread}")?;
        }
        write!(f, "errors {}", self.errors)?;
        match &self.first_error {
            Some(first) => write!(f, ", the first: {first}"),
            None => Ok(()),
        }
    }
}
