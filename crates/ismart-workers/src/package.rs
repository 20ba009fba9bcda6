//! Worker packages: a folder of TOML files that says who the worker is, what it understands, says and does.

mod check;
mod load;
mod rules;

pub use load::{PackageFiles, PackageProblem};
pub use rules::{
    Answer, Bounded, ClaimRule, Contacts, EntityRules, Flow, FlowKind, FlowRules, GateRules, Group,
    IntentCommand, IntentRule, IntentRules, Localized, Manifest, Named, OfferRule, SlotKind, SlotRule,
    Thresholds,
};

use std::collections::BTreeMap;

use crate::scenario::Scenario;

/// A loaded and checked package. Everything that a file names exists; nothing is looked up twice.
#[derive(Debug, Clone)]
pub struct Package {
    /// `worker.toml`.
    pub manifest: Manifest,
    /// `intents.toml`.
    pub intents: IntentRules,
    /// `entities.toml`.
    pub entities: EntityRules,
    /// `flows.toml`.
    pub rules: FlowRules,
    /// The flows of `flows.toml`, by name, compiled.
    pub flows: BTreeMap<String, Flow>,
    /// `answers.toml`, compiled.
    pub answers: BTreeMap<String, Answer>,
    /// `gates.toml`.
    pub gates: GateRules,
    /// `tests/*.toml`.
    pub scenarios: Vec<Scenario>,
}

impl Package {
    /// Which flow an intent starts.
    #[must_use]
    pub fn flow_of_intent(&self, intent: &str) -> Option<&Flow> {
        self.flows.values().find(|flow| flow.intents.iter().any(|name| name == intent))
    }
}
