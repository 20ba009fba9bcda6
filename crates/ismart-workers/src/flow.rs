//! Flows: steps, conditions, and the run of one turn over them.

mod condition;
mod facts;
mod run;

pub use condition::{Compare, Condition, ConditionError};
pub use facts::{Facts, at_path};
pub use run::{Call, HandoverReason, HandoverRequest, Reply, Runner};

use std::collections::BTreeMap;

use serde_json::Value;

use crate::package::OfferRule;

/// One step of a flow.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its label; unlabelled steps get `#1`, `#2` by place.
    pub id: String,
    /// All must hold, else the step is passed over.
    pub when: Vec<Condition>,
    /// What it does.
    pub act: Act,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Says an answer.
    Say {
        /// The answer.
        answer: String,
        /// Result whose cards, sources and choices go with it.
        show: Option<String>,
        /// Buttons from a list in a result.
        offer: Option<OfferRule>,
    },
    /// Waits until a slot is filled.
    Ask {
        /// The slot.
        slot: String,
        /// The question.
        question: String,
        /// The question when asked again.
        again: Option<String>,
        /// Result whose cards, sources and choices go with it.
        show: Option<String>,
        /// Buttons from a list in a result.
        offer: Option<OfferRule>,
        /// `don't know` and `no` are answers too; the slot becomes `any`.
        optional: bool,
        /// A message about something else ends the flow silently.
        soft: bool,
    },
    /// Calls a tool.
    Call {
        /// The tool.
        tool: String,
        /// Arguments; texts that begin with `$` are paths.
        args: BTreeMap<String, Value>,
        /// Name of the result.
        into: String,
        /// Error code (or `*`) → label.
        on: BTreeMap<String, String>,
    },
    /// Waits for a yes.
    Confirm {
        /// The question.
        question: String,
        /// Where a no leads; the end when absent.
        no: Option<String>,
    },
    /// Makes sure that name, phone and consent are there.
    Contact {
        /// The question.
        question: String,
    },
    /// Says an answer and ends; a yes in the next turn starts another flow.
    Propose {
        /// The answer, with its question.
        answer: String,
        /// The flow that a yes starts.
        yes: String,
        /// What a no is answered with.
        no: Option<String>,
    },
    /// Passes the conversation to a person.
    Handover {
        /// `asked`, `unsure` or `rule`.
        reason: HandoverReason,
        /// Said after the tool `hand_over` succeeded.
        answer: String,
        /// Said when the tool failed or is not there: no promise.
        failed: String,
        /// Said when a person was promised before.
        repeat: String,
    },
    /// Ends this flow and begins another in its place.
    Start(String),
    /// Goes on at a label.
    Goto(String),
    /// Sets slots; texts that begin with `$` are paths.
    Set(BTreeMap<String, Value>),
    /// Empties slots.
    Clear(Vec<String>),
    /// Remembers that the visitor wants no further messages.
    OptOut,
    /// Ends the flow.
    End,
}
