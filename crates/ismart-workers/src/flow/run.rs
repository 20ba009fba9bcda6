//! One turn over the flows: commands in, replies, calls and memory out.

mod apply;
mod speak;
mod steps;

use std::collections::BTreeMap;

use ismart_domain::conversation::{Extras, Mode};
use ismart_domain::ports::ToolOutcome;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Act, Facts, Step};
use crate::gate::Evidence;
use crate::memory::{Frame, Memory};
use crate::package::Package;
use crate::worker::TurnContext;

/// One message of the worker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The text, as it passed the gates.
    pub text: String,
    /// Buttons, sources, cards, form.
    pub extras: Extras,
    /// Name of the answer it was made from.
    pub answer: String,
}

/// One tool call of the turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// The arguments; may hold the visitor's contact (after consent).
    pub args: Value,
    /// `ok`, the error's code, or `missing` when the site has no such tool.
    pub outcome: String,
    /// The idempotency key it ran under.
    pub key: String,
}

/// Why a person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverReason {
    /// The visitor asked for one.
    Asked,
    /// The worker does not know.
    Unsure,
    /// The package says so for this matter.
    Rule,
}

impl HandoverReason {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Unsure => "unsure",
            Self::Rule => "rule",
        }
    }
}

/// A person is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverRequest {
    /// Why.
    pub reason: HandoverReason,
    /// What it is about, without contacts.
    pub summary: String,
    /// The tool `hand_over` succeeded and the visitor was told so. When false, nobody was promised, yet the
    /// conversation should be shown to people.
    pub promised: bool,
}

/// Most steps that one turn may take: a loop in a package ends here.
const MAX_STEPS: usize = 96;
/// Most tool calls of one turn.
const MAX_CALLS: usize = 8;

/// The state of a running turn.
#[derive(Debug)]
pub struct Runner<'a> {
    package: &'a Package,
    context: &'a TurnContext,
    /// The memory as it becomes.
    pub memory: Memory,
    /// What is said.
    pub replies: Vec<Reply>,
    /// What was called.
    pub calls: Vec<Call>,
    /// A person is needed.
    pub handover: Option<HandoverRequest>,
    /// Texts that a gate stopped: answer and fault.
    pub stopped: Vec<(String, String)>,
    language: String,
    turn: Map<String, Value>,
    call: Map<String, Value>,
    outcomes: BTreeMap<String, ToolOutcome>,
    evidence: Evidence,
    steps: usize,
}

impl<'a> Runner<'a> {
    /// Begins a turn.
    #[must_use]
    pub fn new(package: &'a Package, context: &'a TurnContext, memory: Memory) -> Self {
        let language = memory.language.clone().unwrap_or_else(|| context.language.clone());
        let spoken = package.manifest.languages.contains(&language);
        let language =
            if spoken { language } else { package.manifest.languages.first().cloned().unwrap_or(language) };
        let mut evidence = Evidence::default();
        evidence.add(&context.business);
        evidence.add_text(&context.consent.label);
        evidence.add_text(&context.consent.url);
        evidence.add_link(&context.consent.url);
        evidence.add_link(&context.business.to_string());
        for tool in &memory.done {
            evidence.add_success(tool, true);
        }
        Self {
            package,
            context,
            memory,
            replies: Vec::new(),
            calls: Vec::new(),
            handover: None,
            stopped: Vec::new(),
            language,
            turn: Map::new(),
            call: Map::new(),
            outcomes: BTreeMap::new(),
            evidence,
            steps: 0,
        }
    }

    /// Sets `turn.<name>` for the flows.
    pub fn tell(&mut self, name: &str, value: Value) {
        self.turn.insert(name.to_owned(), value);
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            package: self.package,
            context: self.context,
            memory: &self.memory,
            language: &self.language,
            turn: &self.turn,
            call: &self.call,
        }
    }

    /// The step that a frame stands at; `None` past the end or when the package has no such label.
    fn step_of(&self, frame: &Frame) -> Option<(usize, &'a Step)> {
        let flow = self.package.flows.get(&frame.flow)?;
        flow.steps.iter().enumerate().find(|(_, step)| step.id == frame.step)
    }

    /// The waiting step of the innermost flow.
    fn waiting(&self) -> Option<&'a Step> {
        let frame = self.memory.stack.last().filter(|frame| frame.waiting)?;
        self.step_of(frame).map(|(_, step)| step)
    }

    fn push(&mut self, flow: &str) {
        let Some(found) = self.package.flows.get(flow) else { return };
        let Some(first) = found.steps.first() else { return };
        let frame = Frame { flow: flow.to_owned(), step: first.id.clone(), waiting: false, asked: 0 };
        if self.memory.stack.len() >= 4 {
            self.memory.stack.remove(0);
        }
        self.memory.stack.push(frame);
    }

    fn goto(&mut self, label: &str) {
        if let Some(frame) = self.memory.stack.last_mut() {
            label.clone_into(&mut frame.step);
            frame.waiting = false;
            frame.asked = 0;
        }
    }

    /// Moves the innermost frame to the step after its own; past the end the frame goes.
    fn advance(&mut self) {
        let next = self.memory.stack.last().and_then(|frame| {
            let (at, _) = self.step_of(frame)?;
            self.package.flows.get(&frame.flow)?.steps.get(at + 1)
        });
        match next {
            Some(step) => self.goto(&step.id),
            None => self.pop(),
        }
    }

    fn pop(&mut self) {
        self.memory.stack.pop();
    }

    fn holds(&self, step: &Step) -> bool {
        let facts = self.facts();
        step.when.iter().all(|condition| condition.holds(facts.condition(&condition.path).as_ref()))
    }

    fn waiting_mode(&self) -> bool {
        self.context.mode == Mode::Waiting
    }

    /// A frame of the stack that waits while nothing was said about it: asks again after a digression.
    pub(crate) fn resume(&mut self, said_before: usize) {
        let Some(step) = self.waiting() else { return };
        let spoken = self.replies.len() > said_before;
        let question = match &step.act {
            Act::Ask { question, again, .. } => again.as_ref().unwrap_or(question).clone(),
            Act::Confirm { question, .. } => question.clone(),
            Act::Contact { question } if !self.memory.contact.asking => question.clone(),
            Act::Contact { .. } => self.package.rules.contact.consent.clone(),
            _ => return,
        };
        let form = matches!(step.act, Act::Contact { .. }) && !self.memory.contact.asking;
        let prefix = if spoken { self.package.rules.on.resume.clone() } else { String::new() };
        self.ask_again(&prefix, &question, form);
    }

    pub(crate) fn set_outcome_call(&mut self, code: &str, reason: &str) {
        self.call.insert("code".to_owned(), json!(code));
        self.call.insert("reason".to_owned(), json!(reason));
    }
}
