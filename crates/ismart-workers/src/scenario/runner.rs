//! Running scenarios and counting pass^k.

use ismart_domain::conversation::{Contact, Inbound, Mode};
use serde_json::{Value, json};

use super::{Noise, Scenario, ScenarioStep, noisy};
use crate::memory::Memory;
use crate::worker::{Turn, TurnContext, Worker};

/// Makes the surroundings of a scenario: fresh tools and a context, by the scenario's language and `tools`.
pub trait Stage {
    /// The context of one run; `seq` counts its messages from 1 and makes the scope key unique per turn.
    fn context(&mut self, scenario: &Scenario, seq: usize) -> TurnContext;
    /// Forgets the effects of the run before: called before each run.
    fn reset(&mut self, scenario: &Scenario);
}

/// A run that did not come out as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The scenario.
    pub scenario: String,
    /// The noise of the run.
    pub noise: String,
    /// Step, from 1.
    pub step: usize,
    /// What the visitor wrote.
    pub said: String,
    /// What was expected and what came.
    pub reason: String,
}

/// The count of a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Scenarios.
    pub scenarios: usize,
    /// Scenarios whose every run passed.
    pub passed: usize,
    /// Runs: scenarios times variants.
    pub runs: usize,
    /// Runs that passed.
    pub runs_passed: usize,
    /// Variants per scenario: the k of pass^k.
    pub k: usize,
    /// What failed.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Share of scenarios that passed in all k variants, in thousandths.
    #[must_use]
    pub fn pass_k_permille(&self) -> usize {
        (self.passed * 1_000).checked_div(self.scenarios).unwrap_or(0)
    }
}

/// Runs every scenario of the worker's package `k` times: once as written, then with noise from `seed`.
pub async fn run(worker: &Worker, stage: &mut (dyn Stage + Send), k: usize, seed: u64) -> Report {
    let mut report = Report { k, ..Report::default() };
    for (number, scenario) in worker.package().scenarios.iter().enumerate() {
        let mut all = true;
        for variant in 0..k {
            let place =
                if variant == 0 || !scenario.noise { 0 } else { 1 + (variant - 1) % (Noise::ALL.len() - 1) };
            let noise = Noise::ALL.get(place).copied().unwrap_or(Noise::None);
            let seed = seed.wrapping_add((number * 1_000 + variant) as u64);
            let failure = one(worker, stage, scenario, noise, seed).await;
            report.runs += 1;
            match failure {
                None => report.runs_passed += 1,
                Some(failure) => {
                    all = false;
                    report.failures.push(failure);
                }
            }
        }
        report.scenarios += 1;
        report.passed += usize::from(all);
    }
    report
}

async fn one(
    worker: &Worker,
    stage: &mut (dyn Stage + Send),
    scenario: &Scenario,
    noise: Noise,
    seed: u64,
) -> Option<Failure> {
    stage.reset(scenario);
    let mut memory = Memory::default();
    for (at, step) in scenario.steps.iter().enumerate() {
        let mut context = stage.context(scenario, at + 1);
        context.mode = Mode::from_code(&step.mode).unwrap_or(Mode::Worker);
        let said = noisy(&step.say, noise, seed);
        let inbound = inbound(step, &memory, &context);
        let fail = |reason: String| {
            Some(Failure {
                scenario: scenario.name.clone(),
                noise: format!("{noise:?}"),
                step: at + 1,
                said: said.clone(),
                reason,
            })
        };
        // The memory goes through its stored form, as it does between real turns.
        let stored = match memory.to_value() {
            Ok(value) => Memory::from_value(&value),
            Err(error) => return fail(format!("the memory cannot be stored: {error}")),
        };
        match worker.turn(&stored, &said, &inbound, &context).await {
            Ok(turn) => {
                if let Some(reason) = judge(step, &turn) {
                    return fail(reason);
                }
                memory = turn.memory;
            }
            Err(error) => return fail(error.to_string()),
        }
    }
    None
}

fn inbound(step: &ScenarioStep, memory: &Memory, context: &TurnContext) -> Inbound {
    let choice = match step.press.strip_prefix('#').and_then(|n| n.parse::<usize>().ok()) {
        Some(place) => memory.offered.get(place.saturating_sub(1)).map(|c| c.choice.clone()),
        None => Some(step.press.clone()).filter(|choice| !choice.is_empty()),
    };
    let contact = step.form.as_ref().map(|(name, phone)| Contact {
        name: name.clone(),
        phone: phone.clone(),
        consent: true,
        consent_version: context.consent.version.clone(),
    });
    Inbound { choice, contact, page: "/".to_owned() }
}

fn judge(step: &ScenarioStep, turn: &Turn) -> Option<String> {
    let said: String = turn.replies.iter().map(|reply| reply.text.as_str()).collect::<Vec<_>>().join("\n");
    let folded = plain(&said);
    let calls: Vec<String> =
        turn.calls.iter().map(|call| format!("{}:{}", call.tool, call.outcome)).collect();
    let context = || {
        format!(
            "said «{said}», calls {calls:?}, intent {} {:.2}, commands {:?}",
            turn.decision.intent, turn.decision.confidence, turn.commands
        )
    };
    if step.silent != turn.replies.is_empty() {
        return Some(format!("silent should be {}: {}", step.silent, context()));
    }
    if !step.intent.is_empty() && step.intent != turn.decision.intent {
        return Some(format!("intent {} expected: {}", step.intent, context()));
    }
    let mut rest = calls.iter();
    for expected in &step.calls {
        let wanted = if expected.contains(':') { expected.clone() } else { format!("{expected}:ok") };
        if !rest.any(|call| *call == wanted) {
            return Some(format!("call {wanted} expected: {}", context()));
        }
    }
    if let Some(tool) = step.not_calls.iter().find(|tool| turn.calls.iter().any(|call| call.tool == **tool)) {
        return Some(format!("call {tool} not expected: {}", context()));
    }
    for (slot, expected) in &step.slots {
        let got = match slot.as_str() {
            "contact.phone" => turn.memory.contact.phone.as_ref().map(|v| json!(v)),
            "contact.name" => turn.memory.contact.name.as_ref().map(|v| json!(v)),
            _ => slot_value(turn, slot),
        };
        let fits = if *expected == json!("") { got.is_none() } else { got.as_ref() == Some(expected) };
        if !fits {
            return Some(format!("slot {slot} should be {expected}, is {got:?}: {}", context()));
        }
    }
    if let Some(text) = step.must.iter().find(|text| !folded.contains(&plain(text))) {
        return Some(format!("«{text}» should be said: {}", context()));
    }
    if let Some(text) = step.must_not.iter().find(|text| folded.contains(&plain(text))) {
        return Some(format!("«{text}» should not be said: {}", context()));
    }
    let reason = turn.handover.as_ref().map_or("", |request| request.reason.code());
    if step.handover != reason {
        return Some(format!("handover should be `{}`, is `{reason}`: {}", step.handover, context()));
    }
    if step.shows_form && !turn.replies.iter().any(|reply| reply.extras.form.is_some()) {
        return Some(format!("a contact form should be shown: {}", context()));
    }
    None
}

/// For comparison: folded, no-break spaces as spaces.
fn plain(text: &str) -> String {
    crate::text::fold(text).replace(['\u{a0}', '\u{202f}'], " ")
}

fn slot_value(turn: &Turn, path: &str) -> Option<Value> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    crate::flow::at_path(turn.memory.slot(root)?, rest).cloned()
}
