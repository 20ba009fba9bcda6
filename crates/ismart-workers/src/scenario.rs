//! Scenarios: conversations written down as tests, run against tools that the caller gives.

mod noise;
mod runner;

pub use noise::{Noise, noisy};
pub use runner::{Failure, Report, Stage, run};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A file of `tests/`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioFile {
    #[serde(default)]
    pub(crate) scenario: Vec<Scenario>,
}

/// A conversation with what must come of it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name, unique in the package.
    pub name: String,
    /// Language of the site.
    #[serde(default = "russian")]
    pub language: String,
    /// Named variation of the tools: `sold_out`, `slot_taken`. Empty for the ordinary ones.
    #[serde(default)]
    pub tools: String,
    /// Noise variants are made of the visitor's messages; off where the exact spelling is the point.
    #[serde(default = "yes")]
    pub noise: bool,
    /// The messages in order.
    #[serde(rename = "step")]
    pub steps: Vec<ScenarioStep>,
}

/// One message of the visitor and what must follow.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScenarioStep {
    /// The text.
    pub say: String,
    /// The button: its whole choice, or `#1` for the first offered one.
    pub press: String,
    /// The form: name and phone, box ticked.
    pub form: Option<(String, String)>,
    /// Who leads: `worker` (default), `waiting`, `person`, `closed`.
    pub mode: String,
    /// Expected leading intent.
    pub intent: String,
    /// Tools that must have been called in this turn, in order: `book_test_drive` or `book_test_drive:slot_taken`.
    pub calls: Vec<String>,
    /// Tools that must not have been called.
    pub not_calls: Vec<String>,
    /// Slots after the turn; `""` means empty. `contact.phone` and `contact.name` are known here too.
    pub slots: BTreeMap<String, Value>,
    /// Texts of which each must be said (case does not matter).
    pub must: Vec<String>,
    /// Texts of which none may be said.
    pub must_not: Vec<String>,
    /// A person was requested for this reason.
    pub handover: String,
    /// Nothing may be said.
    pub silent: bool,
    /// A contact form must be shown.
    pub shows_form: bool,
}

fn russian() -> String {
    "ru".to_owned()
}

fn yes() -> bool {
    true
}
