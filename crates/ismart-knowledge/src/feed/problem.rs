//! The account of an item that was refused or kept with a fault.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The item is not shown.
    Quarantined,
    /// The item is shown without the faulty field.
    Kept,
}

/// One fault of one item, for the client to repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemProblem {
    /// Key of the item, or `?` when it has none.
    pub item: String,
    /// Place among the items of the feed, from 1.
    pub position: usize,
    /// Line of the feed's text where the item begins.
    pub line: usize,
    /// Name of the field as the feed spells it.
    pub field: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub fix: String,
    /// Whether the item is shown.
    pub verdict: Verdict,
}

impl fmt::Display for ItemProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { item, position, line, field, reason, fix, .. } = self;
        let verdict = match self.verdict {
            Verdict::Quarantined => "not shown",
            Verdict::Kept => "shown without it",
        };
        write!(f, "item {position} `{item}` (line {line}), {field}: {reason}; {verdict}; {fix}")
    }
}
