//! A worker: one package at work on one site.

use std::sync::Arc;

use ismart_domain::conversation::{ConsentText, Inbound, Mode};
use ismart_domain::ports::{ToolScope, Toolbox};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::flow::{Act, Call, HandoverRequest, Reply, Runner};
use crate::memory::{Memory, Source};
use crate::package::Package;
use crate::understand::{Awaits, Command, Heard, Pressed, Understander, Vocabulary};

/// What surrounds a turn.
#[derive(Debug, Clone)]
pub struct TurnContext {
    /// The present instant.
    pub now: Timestamp,
    /// The site's zone.
    pub zone: TimeZone,
    /// The site's language, until the visitor shows another.
    pub language: String,
    /// Who leads the conversation.
    pub mode: Mode,
    /// Facts of the business that answers may state under `business.…`.
    pub business: Value,
    /// The consent text that is in force, as shown beside a box.
    pub consent: ConsentText,
    /// The whole sentence that a consent agrees to; stored as the proof.
    pub consent_full: String,
    /// The site's tools.
    pub toolbox: Toolbox,
    /// On whose behalf they run; `key` is the turn's own (conversation and message).
    pub scope: ToolScope,
}

/// How the turn was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The leading intent, `abstain` when none was sure enough, `none` when none was needed.
    pub intent: String,
    /// Its calibrated confidence, 0 to 1.
    pub confidence: f64,
    /// Name of the last answer said; empty when silent.
    pub answer: String,
    /// `keyless`.
    pub understander: String,
}

/// What a turn gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// What the message was understood as. Values of `set_slot` may be personal.
    pub commands: Vec<Command>,
    /// What is said, in order; empty when a person leads.
    pub replies: Vec<Reply>,
    /// Tools called, in order.
    pub calls: Vec<Call>,
    /// The memory to store.
    pub memory: Memory,
    /// A person is needed.
    pub handover: Option<HandoverRequest>,
    /// How it was decided.
    pub decision: Decision,
    /// Texts that a gate stopped: answer name and fault.
    pub stopped: Vec<(String, String)>,
}

/// Why a turn gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// The message carries neither text nor a button nor a form.
    #[error("the message is empty: a turn needs a text, a choice or a contact form")]
    Empty,
    /// The turn ended without a reply although the worker leads the conversation.
    #[error(
        "worker `{worker}` {version} found no answer (intent `{intent}`): add a wording that always fits to the flow's last answer"
    )]
    Silent {
        /// The package.
        worker: String,
        /// Its version.
        version: String,
        /// The intent found.
        intent: String,
    },
}

/// A package with its trained understander. Shared by all conversations; holds no state of any.
#[derive(Debug, Clone)]
pub struct Worker {
    package: Arc<Package>,
    understander: Understander,
}

impl Worker {
    /// Trains the intent model. Takes a tenth of a second; do it once per package and site.
    #[must_use]
    pub fn new(package: Arc<Package>, vocabulary: &Vocabulary) -> Self {
        let understander = Understander::new(Arc::clone(&package), vocabulary);
        Self { package, understander }
    }

    /// The same worker over another stock: keeps the trained model, rebuilds only the vocabulary.
    #[must_use]
    pub fn with_vocabulary(&self, vocabulary: &Vocabulary) -> Self {
        let understander = self.understander.with_vocabulary(vocabulary);
        Self { package: Arc::clone(&self.package), understander }
    }

    /// The package.
    #[must_use]
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The understander.
    #[must_use]
    pub fn understander(&self) -> &Understander {
        &self.understander
    }

    fn awaits<'a>(&'a self, memory: &Memory) -> Awaits<'a> {
        let step = memory.stack.last().filter(|frame| frame.waiting).and_then(|frame| {
            self.package.flows.get(&frame.flow)?.steps.iter().find(|step| step.id == frame.step)
        });
        match step.map(|step| &step.act) {
            Some(Act::Ask { slot, .. }) => Awaits::Slot(slot),
            Some(Act::Confirm { .. }) => Awaits::YesNo,
            Some(Act::Contact { .. }) if memory.contact.asking => Awaits::YesNo,
            Some(Act::Contact { .. }) if memory.contact.phone.is_some() => Awaits::Name,
            Some(Act::Contact { .. }) => Awaits::Contact,
            _ if memory.proposal.is_some() => Awaits::Nothing,
            _ => Awaits::Nothing,
        }
    }

    /// One turn: understands the message in its conversation, runs the flows, calls tools, answers.
    ///
    /// Deterministic: the same memory, message, context and tool answers give the same turn. When the turn is
    /// dropped half-way, run it again with the same memory and scope key: tools see the same keys.
    ///
    /// # Errors
    /// [`TurnError::Empty`] for a message without content, [`TurnError::Silent`] when the package leaves a hole.
    pub async fn turn(
        &self,
        memory: &Memory,
        inbound: &str,
        extras: &Inbound,
        context: &TurnContext,
    ) -> Result<Turn, TurnError> {
        let text = inbound.trim();
        if text.is_empty() && extras.choice.is_none() && extras.contact.is_none() {
            return Err(TurnError::Empty);
        }
        let mut memory = memory.clone();
        if context.mode == Mode::Closed {
            memory.reset_control();
        }
        memory.turn = memory.turn.saturating_add(1);
        let (heard, source, labels) = self.understand(text, extras, &memory, context);
        if heard.language.is_some() {
            memory.language.clone_from(&heard.language);
        }
        if !heard.masked.is_empty() {
            memory.last_words = heard.masked.chars().take(300).collect();
        }
        let commands = heard.commands.clone();
        let mut runner = Runner::new(&self.package, context, memory);
        runner.tell("text", json!(heard.masked));
        runner.tell("alone", json!(false));
        runner.tell("misunderstood", json!(0));
        runner.tell("page", json!(extras.page));
        if context.mode != Mode::Person {
            if let Some(contact) = &extras.contact {
                runner.form_sent(contact);
            }
            if heard.commands.is_empty() {
                runner.run(0).await;
            } else {
                runner.apply(&heard.commands, source, &labels, &heard.masked).await;
            }
        }
        self.finish(runner, commands, &heard, context.mode)
    }

    fn understand(
        &self,
        text: &str,
        extras: &Inbound,
        memory: &Memory,
        context: &TurnContext,
    ) -> (Heard, Source, Vec<(String, String)>) {
        let now = context.now.to_zoned(context.zone.clone());
        let pressed = extras
            .choice
            .as_deref()
            .and_then(|choice| self.understander.press(choice, &memory.offered, self.awaits(memory)));
        if let Some(Pressed { commands, label }) = pressed {
            let intent = commands.iter().find_map(|command| match command {
                Command::StartFlow { intent } => Some(intent.clone()),
                _ => None,
            });
            let heard = Heard {
                commands,
                intent: intent.unwrap_or_else(|| "none".to_owned()),
                confidence: 1.0,
                ..Heard::default()
            };
            return (heard, Source::Choice, label.into_iter().collect());
        }
        let mut heard = self.understander.hear(text, memory, self.awaits(memory), &now);
        if heard.commands.is_empty() && extras.contact.is_none() {
            heard.commands.push(Command::Unknown);
        }
        if heard.intent.is_empty() {
            "none".clone_into(&mut heard.intent);
            heard.confidence = 1.0;
        }
        let labels = heard.commands.iter().filter_map(|command| self.label_of(command, memory)).collect();
        (heard, Source::Text, labels)
    }

    /// A slot filled in words from an offered button reads like the button.
    fn label_of(&self, command: &Command, memory: &Memory) -> Option<(String, String)> {
        let (Command::SetSlot { name, value } | Command::Correct { slot: name, value }) = command else {
            return None;
        };
        let value = value.as_str()?;
        memory.offered.iter().find_map(|choice| {
            let (prefix, offered) = choice.choice.split_once(':')?;
            let slot = &self.package.rules.choice.get(prefix)?.slot;
            (slot == name && offered == value).then(|| (name.clone(), choice.label.clone()))
        })
    }

    fn finish(
        &self,
        runner: Runner<'_>,
        commands: Vec<Command>,
        heard: &Heard,
        mode: Mode,
    ) -> Result<Turn, TurnError> {
        if runner.replies.is_empty() && mode != Mode::Person {
            let manifest = &self.package.manifest;
            return Err(TurnError::Silent {
                worker: manifest.name.clone(),
                version: manifest.version.clone(),
                intent: heard.intent.clone(),
            });
        }
        let decision = Decision {
            intent: heard.intent.clone(),
            confidence: heard.confidence,
            answer: runner.replies.last().map(|reply| reply.answer.clone()).unwrap_or_default(),
            understander: "keyless".to_owned(),
        };
        Ok(Turn {
            commands,
            replies: runner.replies,
            calls: runner.calls,
            memory: runner.memory,
            handover: runner.handover,
            decision,
            stopped: runner.stopped,
        })
    }
}
