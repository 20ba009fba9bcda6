//! Applying commands: slots, answers to what waits, flows to begin.

use ismart_domain::conversation::Contact;
use ismart_domain::{Email, PersonName, Phone};
use serde_json::{Value, json};

use super::Runner;
use crate::flow::{Act, Condition};
use crate::memory::{ConsentGiven, Source};
use crate::package::{FlowKind, SlotKind};
use crate::understand::Command;

/// A flow to begin, with what `turn.topic` and `turn.question` are for it.
#[derive(Debug, Clone)]
struct Wish {
    flow: String,
    topic: String,
    question: String,
}

/// What applying the commands has come to.
#[derive(Debug, Default)]
struct Tally {
    wishes: Vec<Wish>,
    /// Something that waited was answered, or a slot was filled.
    progress: bool,
    unknown: bool,
    greeted: bool,
    bare_polar: Option<bool>,
    contact: bool,
    corrected: Vec<String>,
}

/// How often a question is put in vain before a person is offered.
const MAX_ASKED: u8 = 2;

impl Runner<'_> {
    /// Applies a form sent inside the conversation.
    pub(crate) fn form_sent(&mut self, contact: &Contact) {
        let rules = &self.package.rules.contact;
        let waits = matches!(self.waiting().map(|step| &step.act), Some(Act::Contact { .. }));
        let current = contact.consent && contact.consent_version == self.context.consent.version;
        let phone = Phone::parse(&contact.phone);
        let fault = match (&phone, current) {
            (_, false) => Some(rules.not_ticked.clone()),
            (Err(_), true) => Some(rules.bad_phone.clone()),
            (Ok(_), true) => None,
        };
        if let Some(answer) = fault {
            self.question(&answer, None, None, true);
            return;
        }
        self.memory.contact.phone = phone.ok().map(|phone| phone.e164().to_owned());
        if let Ok(name) = PersonName::parse(&contact.name) {
            self.memory.contact.name = Some(name.as_str().to_owned());
        }
        self.consent(Source::Form);
        if waits {
            self.unwait();
        } else if self.memory.stack.is_empty() {
            let late = rules.late.clone();
            self.push(&late);
        }
    }

    fn consent(&mut self, source: Source) {
        let text = &self.context.consent;
        self.memory.contact.consent = Some(ConsentGiven {
            text: self.context.consent_full.clone(),
            version: text.version.clone(),
            url: text.url.clone(),
            source,
            turn: self.memory.turn,
        });
        self.memory.contact.asking = false;
    }

    fn unwait(&mut self) {
        if let Some(frame) = self.memory.stack.last_mut() {
            frame.waiting = false;
            frame.asked = 0;
        }
    }

    /// Applies the commands of a message and runs what they begin. `labels` are the labels of pressed buttons.
    pub(crate) async fn apply(
        &mut self,
        commands: &[Command],
        source: Source,
        labels: &[(String, String)],
        question: &str,
    ) {
        let mut tally = Tally::default();
        let proposal = self.memory.proposal.take();
        for command in commands {
            self.one(command, source, labels, question, &mut tally);
        }
        if let Some(yes) = tally.bare_polar.take() {
            self.polar(yes, proposal, &mut tally);
        }
        self.rewind(&tally.corrected);
        self.settle(&mut tally);
        self.begin(tally, question).await;
    }

    fn one(
        &mut self,
        command: &Command,
        source: Source,
        labels: &[(String, String)],
        question: &str,
        tally: &mut Tally,
    ) {
        let on = &self.package.rules.on;
        let wish = |flow: &str, topic: &str, question: &str| Wish {
            flow: flow.to_owned(),
            topic: topic.to_owned(),
            question: question.to_owned(),
        };
        match command {
            Command::SetSlot { name, value } | Command::Correct { slot: name, value } => {
                let label = labels.iter().find(|(slot, _)| slot == name).map(|(_, label)| label.clone());
                if self.memory.slots.get(name).is_none_or(|old| old.value != *value) {
                    tally.corrected.push(name.clone());
                }
                tally.contact |= matches!(name.as_str(), "phone" | "email");
                tally.progress |= self.fill(name, value, source, label);
            }
            Command::Confirm { yes } => tally.bare_polar = Some(*yes),
            Command::Cancel => {
                self.memory.stack.clear();
                self.memory.queue.clear();
                self.memory.contact.asking = false;
                self.say(&on.cancelled, None, None);
                tally.progress = true;
            }
            Command::StartFlow { intent } => {
                if let Some(flow) = self.package.flow_of_intent(intent) {
                    tally.wishes.push(wish(&flow.name, intent, question));
                }
            }
            Command::SearchStock { .. } => tally.wishes.push(wish(&on.search, "", question)),
            Command::AskFact { question, topic } => {
                tally.wishes.push(wish(&on.ask_fact, topic, question));
            }
            Command::Handover { reason } => tally.wishes.push(wish(&on.handover, reason, question)),
            Command::Greet => tally.greeted = true,
            Command::Thanks => tally.wishes.push(wish(&on.thanks, "", question)),
            Command::Goodbye => tally.wishes.push(wish(&on.goodbye, "", question)),
            Command::Smalltalk { topic } => tally.wishes.push(wish(&on.smalltalk, topic, question)),
            Command::OptOut => tally.wishes.push(wish(&on.opt_out, "", question)),
            Command::Unknown => tally.unknown = true,
        }
    }

    /// Fills a slot or a contact; gives whether the value was accepted.
    fn fill(&mut self, name: &str, value: &Value, source: Source, label: Option<String>) -> bool {
        let contact = &mut self.memory.contact;
        match (name, value.as_str()) {
            ("phone", Some(text)) => {
                let Ok(phone) = Phone::parse(text) else { return false };
                contact.phone = Some(phone.e164().to_owned());
                true
            }
            ("email", Some(text)) => {
                let Ok(email) = Email::parse(text) else { return false };
                contact.email = Some(email.as_str().to_owned());
                true
            }
            ("name", Some(text)) => {
                let Ok(name) = PersonName::parse(text) else { return false };
                contact.name = Some(name.as_str().to_owned());
                true
            }
            _ if self.package.rules.slot.contains_key(name) => {
                let value = self.joined(name, value);
                self.set_slot(name, value, source, label);
                true
            }
            _ => false,
        }
    }

    /// Another hour keeps the day that was said before.
    fn joined(&self, name: &str, value: &Value) -> Value {
        let moment = self.package.rules.slot.get(name).is_some_and(|rule| rule.kind == SlotKind::When);
        let old = self.memory.slot(name).and_then(Value::as_object).filter(|_| moment);
        match (old, value.as_object()) {
            (Some(old), Some(new)) if !new.contains_key("date_from") => {
                let mut joined = new.clone();
                let days = ["date_from", "date_to"].into_iter();
                joined.extend(days.filter_map(|key| Some((key.to_owned(), old.get(key)?.clone()))));
                Value::Object(joined)
            }
            _ => value.clone(),
        }
    }

    /// A yes or no: to the consent question, the confirmation, the question with a free answer, the proposal.
    fn polar(&mut self, yes: bool, proposal: Option<crate::memory::Proposal>, tally: &mut Tally) {
        let act = self.waiting().map(|step| step.act.clone());
        if self.memory.contact.asking && matches!(act, Some(Act::Contact { .. })) {
            tally.progress = true;
            if yes {
                self.consent(Source::Text);
                self.unwait();
            } else {
                self.refuse_contact();
            }
            return;
        }
        match act {
            // `нет, лучше в три`: the new value is the answer, the flow goes back to where it is used.
            Some(Act::Confirm { .. }) if !yes && !tally.corrected.is_empty() => tally.progress = true,
            Some(Act::Confirm { no, .. }) => {
                tally.progress = true;
                match (yes, no) {
                    (true, _) => self.advance(),
                    (false, Some(label)) => self.goto(&label),
                    (false, None) => self.pop(),
                }
            }
            Some(Act::Contact { .. }) if !yes && !tally.progress => {
                tally.progress = true;
                self.refuse_contact();
            }
            Some(Act::Ask { slot, optional: true, .. }) if !self.memory.slots.contains_key(&slot) && !yes => {
                tally.progress = true;
                self.set_slot(&slot, json!(super::super::facts::ANY), Source::Text, None);
            }
            Some(Act::Ask { soft: true, .. }) | None if tally.wishes.is_empty() && !tally.progress => {
                tally.progress = true;
                self.memory.stack.pop();
                match (proposal, yes) {
                    (Some(proposal), true) => tally.wishes.push(Wish {
                        flow: proposal.yes,
                        topic: String::new(),
                        question: String::new(),
                    }),
                    (Some(crate::memory::Proposal { no: Some(answer), .. }), false) => {
                        self.say(&answer, None, None);
                    }
                    _ => {
                        let idle = self.package.rules.on.idle.clone();
                        self.say(&idle, None, None);
                    }
                }
            }
            _ => {}
        }
    }

    fn refuse_contact(&mut self) {
        self.memory.contact = crate::memory::ContactSlots::default();
        let answer = self.package.rules.contact.refused.clone();
        self.say(&answer, None, None);
        self.pop();
    }

    /// A corrected slot takes the flow back to the first step that used it.
    fn rewind(&mut self, corrected: &[String]) {
        let Some(frame) = self.memory.stack.last() else { return };
        let Some((at, waiting)) = self.step_of(frame) else { return };
        let Some(flow) = self.package.flows.get(&frame.flow) else { return };
        let asked = |slot: &String| matches!(&waiting.act, Act::Ask { slot: asked, .. } if asked == slot);
        let mut changed = corrected.iter().filter(|slot| !asked(slot));
        let first = flow.steps.iter().take(at).find(|step| changed.clone().any(|slot| uses(step, slot)));
        if changed.next().is_none() {
            return;
        }
        if let Some(step) = first {
            self.goto(&step.id);
        }
    }

    /// Lets the waiting step go on when the commands have given what it waited for.
    fn settle(&mut self, tally: &mut Tally) {
        let Some(step) = self.waiting() else { return };
        let ready = match &step.act {
            Act::Ask { slot, .. } => self.memory.slots.contains_key(slot),
            Act::Contact { .. } => {
                let contact = &self.memory.contact;
                let fresh = contact.phone.is_some() && !contact.asking && tally.progress;
                fresh || (contact.phone.is_some() && contact.name.is_some() && self.facts().consented())
            }
            // A changed slot makes a confirmation stale: it is asked again with the new values.
            Act::Confirm { .. } => tally.progress && !tally.corrected.is_empty(),
            _ => true,
        };
        if ready {
            self.unwait();
        }
    }

    async fn begin(&mut self, mut tally: Tally, question: &str) {
        let on = &self.package.rules.on;
        let kind = |wish: &Wish| self.package.flows.get(&wish.flow).map_or(FlowKind::Aside, |flow| flow.kind);
        let (mut asides, tasks): (Vec<Wish>, Vec<Wish>) =
            tally.wishes.drain(..).partition(|w| kind(w) == FlowKind::Aside);
        let alone = asides.is_empty() && tasks.is_empty() && !tally.progress && !tally.unknown;
        let said = self.replies.len();
        if tally.greeted && (alone || self.memory.turn == 1) {
            let greet = Wish { flow: on.greet.clone(), topic: String::new(), question: String::new() };
            self.tell("alone", json!(alone));
            self.aside(&greet).await;
        }
        let soft = matches!(self.waiting().map(|step| &step.act), Some(Act::Ask { soft: true, .. }));
        if soft && (!asides.is_empty() || !tasks.is_empty() || tally.unknown) {
            self.pop();
        }
        if tally.unknown && self.waiting().is_some() && asides.is_empty() && tasks.is_empty() {
            self.vain(said).await;
            return;
        }
        if tally.unknown {
            self.memory.misunderstood = self.memory.misunderstood.saturating_add(1);
            asides.push(Wish {
                flow: on.unknown.clone(),
                topic: String::new(),
                question: question.to_owned(),
            });
        } else {
            self.memory.misunderstood = 0;
        }
        self.tell("misunderstood", json!(self.memory.misunderstood));
        for wish in &asides {
            self.aside(wish).await;
        }
        self.start(tasks);
        let before = self.calls.len();
        let waited = self.waiting().is_some();
        self.run(0).await;
        while self.memory.stack.is_empty() && !self.memory.queue.is_empty() {
            let next = self.memory.queue.remove(0);
            self.push(&next);
            self.run(0).await;
        }
        let digressed = self.replies.len() > said && waited && self.calls.len() == before;
        let nothing = self.replies.len() == said && waited;
        if self.replies.is_empty() && !waited {
            self.nothing_said(tally.contact).await;
        } else if digressed {
            self.resume(said);
        } else if nothing {
            self.vain(said).await;
        }
    }

    /// A message that only filled slots while nothing waited: a contact left by itself asks for a call, anything
    /// else gets the question what the visitor wants.
    async fn nothing_said(&mut self, contact: bool) {
        if contact {
            let late = self.package.rules.contact.late.clone();
            self.push(&late);
            self.run(0).await;
        }
        if self.replies.is_empty() {
            let idle = self.package.rules.on.idle.clone();
            self.say(&idle, None, None);
        }
    }

    async fn aside(&mut self, wish: &Wish) {
        let depth = self.memory.stack.len();
        self.tell("topic", json!(wish.topic));
        self.tell("question", json!(wish.question));
        self.push(&wish.flow);
        self.run(depth).await;
        self.memory.stack.truncate(depth);
    }

    fn start(&mut self, tasks: Vec<Wish>) {
        let mut tasks = tasks.into_iter();
        let Some(first) = tasks.next() else { return };
        self.tell("topic", json!(first.topic));
        self.tell("question", json!(first.question));
        if let Some(at) = self.memory.stack.iter().position(|frame| frame.flow == first.flow) {
            self.memory.stack.truncate(at);
        } else if let Some(flow) = self.package.flows.get(&first.flow) {
            let turn = self.memory.turn;
            for slot in &flow.clears {
                if self.memory.slots.get(slot).is_some_and(|slot| slot.turn < turn) {
                    self.memory.slots.remove(slot);
                }
            }
        }
        self.push(&first.flow);
        for wish in tasks.take(2) {
            if !self.memory.queue.contains(&wish.flow) && wish.flow != first.flow {
                self.memory.queue.push(wish.flow);
            }
        }
    }

    /// The waiting question was not answered: puts it again, or offers a person after two vain tries.
    async fn vain(&mut self, said: usize) {
        let asked = self.memory.stack.last_mut().map(|frame| {
            frame.asked = frame.asked.saturating_add(1);
            frame.asked
        });
        if asked.is_some_and(|times| times > MAX_ASKED) {
            self.memory.stack.clear();
            self.memory.contact.asking = false;
            let stuck = self.package.rules.on.stuck.clone();
            self.push(&stuck);
            self.run(0).await;
        } else {
            self.resume(said);
        }
    }
}

fn uses(step: &crate::flow::Step, slot: &str) -> bool {
    let reads = |path: &str| path.split('.').next() == Some(slot);
    let condition = step.when.iter().any(|c: &Condition| reads(&c.path));
    condition
        || match &step.act {
            Act::Ask { slot: asked, .. } => asked == slot,
            Act::Call { args, .. } => {
                args.values().filter_map(Value::as_str).filter_map(|text| text.strip_prefix('$')).any(reads)
            }
            _ => false,
        }
}
