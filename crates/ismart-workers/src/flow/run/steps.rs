//! Taking steps until the flows wait or end.

use ismart_domain::ports::{Effect, ToolError, ToolOutcome};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Call, HandoverReason, HandoverRequest, MAX_CALLS, MAX_STEPS, Runner};
use crate::flow::Act;
use crate::memory::{Kept, Proposal, SlotValue, Source};

/// Name of the tool that passes a conversation to a person.
const HAND_OVER: &str = "hand_over";

impl Runner<'_> {
    /// Runs the innermost flow and those that it returns to, until one waits. With `depth`, stops when the stack
    /// is that shallow again.
    pub(crate) async fn run(&mut self, depth: usize) {
        while self.memory.stack.len() > depth && self.steps < MAX_STEPS {
            self.steps += 1;
            let Some(frame) = self.memory.stack.last() else { return };
            if frame.waiting {
                return;
            }
            let Some((_, step)) = self.step_of(frame) else {
                self.pop();
                continue;
            };
            if !self.holds(step) {
                self.advance();
                continue;
            }
            self.take(&step.act).await;
        }
        if self.steps >= MAX_STEPS {
            self.memory.stack.truncate(depth);
        }
    }

    async fn take(&mut self, act: &Act) {
        match act {
            Act::Say { answer, show, offer } => {
                self.say(answer, show.as_deref(), offer.as_ref());
                self.advance();
            }
            Act::Ask { slot, question, show, offer, .. } => {
                self.take_offered(slot, show.as_deref());
                if self.memory.slots.contains_key(slot) {
                    self.advance();
                } else {
                    self.question(question, show.as_deref(), offer.as_ref(), false);
                    self.wait();
                }
            }
            Act::Call { tool, args, into, on } => self.call_step(tool, args, into, on).await,
            Act::Confirm { question, .. } => {
                self.question(question, None, None, false);
                self.wait();
            }
            Act::Contact { question } => self.contact(question),
            Act::Propose { answer, yes, no } => {
                if self.say(answer, None, None) {
                    self.memory.proposal = Some(Proposal { yes: yes.clone(), no: no.clone() });
                }
                self.pop();
            }
            Act::Handover { reason, answer, failed, repeat } => {
                self.hand_over(*reason, answer, failed, repeat).await;
                self.advance();
            }
            Act::Start(flow) => {
                self.pop();
                self.push(flow);
            }
            Act::Goto(label) => self.goto(label),
            Act::Set(set) => {
                for (name, value) in set {
                    match self.resolve(value) {
                        Some(value) => self.set_slot(name, value, Source::Flow, None),
                        None => drop(self.memory.slots.remove(name)),
                    }
                }
                self.advance();
            }
            Act::Clear(slots) => {
                for slot in slots {
                    self.memory.slots.remove(slot);
                }
                self.advance();
            }
            Act::OptOut => {
                self.memory.opted_out = true;
                self.advance();
            }
            Act::End => self.pop(),
        }
    }

    /// A moment said before its slot was offered chooses the one button that begins at that moment.
    fn take_offered(&mut self, slot: &str, show: Option<&str>) {
        if self.memory.slots.contains_key(slot) {
            return;
        }
        let said = self.memory.slots.values().filter_map(|slot| {
            let date = slot.value.get("date_from")?.as_str()?;
            Some(format!("{date}T{}", slot.value.get("time")?.as_str()?))
        });
        let moments: Vec<String> = said.collect();
        let choices = show.and_then(|name| self.outcomes.get(name)).map(|outcome| outcome.choices.clone());
        let found = choices.unwrap_or_default().into_iter().find_map(|choice| {
            let (prefix, value) = choice.choice.split_once(':')?;
            let fits = self.package.rules.choice.get(prefix)?.slot == slot;
            let local = value.parse::<Timestamp>().ok()?.to_zoned(self.context.zone.clone());
            let start = local.strftime("%Y-%m-%dT%H:%M").to_string();
            (fits && moments.contains(&start)).then(|| (value.to_owned(), choice.label.clone()))
        });
        if let Some((value, label)) = found {
            self.set_slot(slot, json!(value), Source::Text, Some(label));
        }
    }

    fn wait(&mut self) {
        if let Some(frame) = self.memory.stack.last_mut() {
            frame.waiting = true;
        }
    }

    /// Sets a slot and empties those that depend on it.
    pub(super) fn set_slot(&mut self, name: &str, value: Value, source: Source, label: Option<String>) {
        let changed = self.memory.slots.get(name).is_none_or(|old| old.value != value);
        let turn = self.memory.turn;
        if changed && let Some(rule) = self.package.rules.slot.get(name) {
            for other in &rule.resets {
                if self.memory.slots.get(other).is_some_and(|slot| slot.turn < turn) {
                    self.memory.slots.remove(other);
                }
            }
        }
        self.memory.slots.insert(name.to_owned(), SlotValue { value, label, source, turn });
    }

    fn resolve(&self, value: &Value) -> Option<Value> {
        match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some("turn.summary") => Some(json!(self.facts().summary())),
                Some(path) => self.facts().value(path),
                None => Some(value.clone()),
            },
            other => Some(other.clone()),
        }
    }

    async fn call_step(
        &mut self,
        tool: &str,
        args: &std::collections::BTreeMap<String, Value>,
        into: &str,
        on: &std::collections::BTreeMap<String, String>,
    ) {
        let args: Map<String, Value> =
            args.iter().filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?))).collect();
        let code = self.call(tool, Value::Object(args), into).await;
        if code == "ok" {
            self.advance();
        } else if let Some(label) = on.get(&code).or_else(|| on.get("*")) {
            self.goto(label);
        } else {
            self.pop();
            let stuck = self.package.rules.on.stuck.clone();
            self.push(&stuck);
        }
    }

    /// Calls a tool and keeps its result. The key is the turn's key and the tool's name (and the count of its
    /// calls before in this turn), so that a replay of the turn with the same memory has no second effect.
    pub(super) async fn call(&mut self, tool: &str, args: Value, into: &str) -> String {
        let before = self.calls.iter().filter(|call| call.tool == tool).count();
        let base = &self.context.scope.key;
        let key =
            if before == 0 { format!("{base}:{tool}") } else { format!("{base}:{tool}:{}", before + 1) };
        let granted = self.package.manifest.tools.iter().any(|name| name == tool);
        let found = self.context.toolbox.get(tool).filter(|_| granted && self.calls.len() < MAX_CALLS);
        let result = match found {
            Some(found) => {
                let mut scope = self.context.scope.clone();
                scope.key.clone_from(&key);
                scope.language.clone_from(&self.language);
                let effect = found.effect();
                found.call(&scope, &args).await.map(|outcome| (outcome, effect))
            }
            None => Err(ToolError::Refused { code: "missing".to_owned(), reason: String::new() }),
        };
        let code = match result {
            Ok((outcome, effect)) => {
                self.keep(tool, into, outcome, effect);
                "ok".to_owned()
            }
            Err(error) => {
                self.memory.results.remove(into);
                self.set_outcome_call(error.code(), &error.to_string());
                error.code().to_owned()
            }
        };
        self.calls.push(Call { tool: tool.to_owned(), args, outcome: code.clone(), key });
        code
    }

    fn keep(&mut self, tool: &str, into: &str, outcome: ToolOutcome, effect: Effect) {
        self.set_outcome_call("ok", "");
        self.evidence.add(&outcome.data);
        for card in &outcome.cards {
            [&card.title, &card.text, &card.price].into_iter().for_each(|text| self.evidence.add_text(text));
        }
        outcome.choices.iter().for_each(|choice| self.evidence.add_text(&choice.label));
        for source in &outcome.sources {
            self.evidence.add_text(&source.title);
            self.evidence.add_link(&source.url);
        }
        if effect == Effect::Write {
            self.evidence.add_success(tool, true);
            self.memory.done.push(tool.to_owned());
        } else {
            self.evidence.add_success(tool, false);
        }
        let kept = Kept { data: outcome.data.clone(), turn: self.memory.turn };
        self.memory.results.insert(into.to_owned(), kept);
        self.outcomes.insert(into.to_owned(), outcome);
    }

    fn contact(&mut self, question: &str) {
        let rules = &self.package.rules.contact;
        let known = self.memory.contact.phone.is_some();
        let consented = self.facts().consented();
        match (known, consented) {
            (true, true) if self.memory.contact.name.is_some() => self.advance(),
            (true, true) => {
                self.question(&rules.name, None, None, false);
                self.wait();
            }
            (true, false) => {
                self.memory.contact.asking = true;
                self.question(&rules.consent, None, None, false);
                self.wait();
            }
            (false, _) => {
                self.question(question, None, None, true);
                self.wait();
            }
        }
    }

    async fn hand_over(&mut self, reason: HandoverReason, answer: &str, failed: &str, repeat: &str) {
        if self.memory.person_promised && self.waiting_mode() {
            self.say(repeat, None, None);
            return;
        }
        let summary = self.facts().summary();
        let args = json!({"reason": reason.code(), "summary": summary});
        let promised = self.call(HAND_OVER, args, "handover").await == "ok";
        self.memory.person_promised = promised;
        self.say(if promised { answer } else { failed }, None, None);
        self.handover = Some(HandoverRequest { reason, summary, promised });
    }
}
