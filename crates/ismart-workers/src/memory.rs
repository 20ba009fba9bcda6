//! What a worker remembers of a conversation: stored as JSON between turns, read only by the runtime.

use std::collections::BTreeMap;

use ismart_domain::conversation::Choice;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a slot's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The visitor's words.
    Text,
    /// A form.
    Form,
    /// A button.
    Choice,
    /// The package or a tool.
    Flow,
}

/// A slot's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotValue {
    /// The value; `"any"` when the visitor does not care.
    pub value: Value,
    /// How it reads for people, when that differs: a button's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its source.
    pub source: Source,
    /// Turn in which it was set.
    pub turn: u32,
}

/// A flow under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The flow.
    pub flow: String,
    /// Label of the step that is next or waits.
    pub step: String,
    /// It waits for the visitor.
    pub waiting: bool,
    /// How often the waiting question was asked in vain.
    pub asked: u8,
}

/// A question that a yes turns into a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The flow.
    pub yes: String,
    /// Answer to a no.
    pub no: Option<String>,
}

/// The visitor's agreement to the processing of his contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentGiven {
    /// What he agreed to.
    pub text: String,
    /// Its version.
    pub version: String,
    /// Where it stands.
    pub url: String,
    /// `text` for a yes in the conversation, `form` for a ticked box.
    pub source: Source,
    /// Turn in which it was given.
    pub turn: u32,
}

/// A tool's result, kept for later references.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Its data.
    pub data: Value,
    /// Turn in which it was got: answers may state only results of their own turn.
    pub turn: u32,
}

/// The contact as far as it is known; used only with consent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactSlots {
    /// The name as said.
    pub name: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The agreement.
    pub consent: Option<ConsentGiven>,
    /// A yes or no to the consent question is awaited.
    pub asking: bool,
}

/// The memory. `Default` is a conversation that has not begun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Turns so far.
    pub turn: u32,
    /// Language of the last message that showed one.
    pub language: Option<String>,
    /// Flows under way, the innermost last.
    pub stack: Vec<Frame>,
    /// Flows to start when the stack is empty.
    pub queue: Vec<String>,
    /// Slots.
    pub slots: BTreeMap<String, SlotValue>,
    /// Name, phone, consent.
    pub contact: ContactSlots,
    /// Tool results.
    pub results: BTreeMap<String, Kept>,
    /// Buttons of the last replies.
    pub offered: Vec<Choice>,
    /// What a bare yes means.
    pub proposal: Option<Proposal>,
    /// Tools with an effect that succeeded, in order.
    pub done: Vec<String>,
    /// The last question in the visitor's words, contacts masked.
    pub last_words: String,
    /// Messages in a row that were not understood.
    pub misunderstood: u8,
    /// A person was promised and has not come yet.
    pub person_promised: bool,
    /// The visitor wants no further messages.
    pub opted_out: bool,
}

impl Memory {
    /// Reads a stored memory; anything unreadable (`null`, an old shape) is an empty one, so that a
    /// conversation never fails because of its past.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }

    /// The stored form.
    ///
    /// # Errors
    /// Never in practice: every part is plain data.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    /// Forgets what is under way, keeps who the visitor is and what he looked for: a conversation that was
    /// closed begins again.
    pub fn reset_control(&mut self) {
        self.stack.clear();
        self.queue.clear();
        self.offered.clear();
        self.proposal = None;
        self.person_promised = false;
        self.misunderstood = 0;
        self.contact.asking = false;
    }

    /// The value of a slot.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Value> {
        self.slots.get(name).map(|slot| &slot.value)
    }
}
