//! The one vocabulary between understanding and doing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a message asks the flow engine to do. Both understanders, with and without a model, emit only these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Begin the flow of an intent.
    StartFlow {
        /// The intent.
        intent: String,
    },
    /// Fill a slot. `name`, `phone` and `email` are the visitor's contact.
    SetSlot {
        /// The slot.
        name: String,
        /// The value.
        value: Value,
    },
    /// Replace the value of a slot that a flow under way has used already.
    Correct {
        /// The slot.
        slot: String,
        /// The value.
        value: Value,
    },
    /// Break off what is under way.
    Cancel,
    /// Answer a yes-or-no question.
    Confirm {
        /// Yes?
        yes: bool,
    },
    /// Answer a question of fact.
    AskFact {
        /// The visitor's words.
        question: String,
        /// Which fact, as the package names it; empty when unknown.
        topic: String,
    },
    /// Search the stock.
    SearchStock {
        /// Slots that the message filled.
        filters: Map<String, Value>,
    },
    /// Pass to a person.
    Handover {
        /// `asked`, `unsure` or `rule`.
        reason: String,
    },
    /// A greeting.
    Greet,
    /// Thanks.
    Thanks,
    /// A farewell.
    Goodbye,
    /// Talk beside the matter.
    Smalltalk {
        /// About what.
        topic: String,
    },
    /// No further messages wanted.
    OptOut,
    /// Not understood.
    Unknown,
}

impl Command {
    /// The stable name, as events carry it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::StartFlow { .. } => "start_flow",
            Self::SetSlot { .. } => "set_slot",
            Self::Correct { .. } => "correct",
            Self::Cancel => "cancel",
            Self::Confirm { .. } => "confirm",
            Self::AskFact { .. } => "ask_fact",
            Self::SearchStock { .. } => "search_stock",
            Self::Handover { .. } => "handover",
            Self::Greet => "greet",
            Self::Thanks => "thanks",
            Self::Goodbye => "goodbye",
            Self::Smalltalk { .. } => "smalltalk",
            Self::OptOut => "opt_out",
            Self::Unknown => "unknown",
        }
    }
}
