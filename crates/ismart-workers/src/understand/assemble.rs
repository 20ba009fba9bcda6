//! From what was found to the list of commands.

use ismart_domain::conversation::Choice;
use serde_json::{Map, Value};

use super::{Awaits, Command, Heard, Understander, lexicon};
use crate::memory::Memory;
use crate::package::{FlowKind, IntentCommand};
use crate::text::Token;

/// What a button means.
#[derive(Debug, Clone, Default)]
pub struct Pressed {
    /// The commands.
    pub commands: Vec<Command>,
    /// The slot that it fills and the button's label.
    pub label: Option<(String, String)>,
}

impl Pressed {
    fn plain(commands: Vec<Command>) -> Self {
        Self { commands, label: None }
    }
}

/// What the steps of understanding have found.
pub(super) struct Parts {
    pub(super) filled: Vec<(String, Value)>,
    pub(super) contact: Vec<Command>,
    pub(super) polar: Option<bool>,
    pub(super) intents: Vec<String>,
    pub(super) content: usize,
    pub(super) satisfied: bool,
    pub(super) start: usize,
}

impl Understander {
    pub(super) fn assemble(
        &self,
        heard: &mut Heard,
        read: &[Token],
        memory: &Memory,
        awaits: Awaits<'_>,
        parts: Parts,
    ) {
        let Parts { mut filled, contact, polar, intents, content, satisfied, start } = parts;
        let rules = &self.package.rules;
        let question = read.get(start..).is_some_and(lexicon::is_question);
        // The whole message is the answer where the visitor's own words were asked for.
        if let Awaits::Slot(name) = awaits
            && self.is_text(name)
            && intents.is_empty()
            && !filled.iter().any(|(slot, _)| slot == name)
            && !question
        {
            filled.push((name.to_owned(), Value::String(heard.masked.clone())));
        }
        let answered = matches!(awaits, Awaits::Slot(name) if filled.iter().any(|(slot, _)| slot == name));
        heard.commands.extend(contact);
        let active = memory.stack.last().is_some_and(|frame| frame.waiting);
        let search: Map<String, Value> =
            filled.iter().filter(|(slot, _)| rules.search_slots.contains(slot)).cloned().collect();
        for (name, value) in filled {
            let corrects = active
                && !matches!(awaits, Awaits::Slot(slot) if slot == name)
                && memory.slots.get(&name).is_some_and(|old| old.value != value);
            heard.commands.push(if corrects {
                Command::Correct { slot: name, value }
            } else {
                Command::SetSlot { name, value }
            });
        }
        let indifferent = lexicon::indifferent(read);
        match polar {
            Some(yes) if awaits == Awaits::YesNo || awaits == Awaits::Contact || content == 0 => {
                heard.commands.push(Command::Confirm { yes });
            }
            _ if indifferent && matches!(awaits, Awaits::Slot(_)) => {
                heard.commands.push(Command::Confirm { yes: false })
            }
            _ => {}
        }
        let contact_or_answer = heard.commands.iter().any(|c| !matches!(c, Command::Greet));
        let mut started = false;
        for name in &intents {
            started |= self.command_of(heard, name, &search);
        }
        if started || !intents.is_empty() {
            return;
        }
        let own_answer = answered || satisfied;
        if !search.is_empty() && !own_answer && !self.waits_for_search(memory, &search) {
            heard.commands.push(Command::SearchStock { filters: search });
        } else if !contact_or_answer && content > 0 {
            let ask = awaits != Awaits::Nothing && question;
            heard.commands.push(if ask {
                Command::AskFact { question: heard.text.clone(), topic: String::new() }
            } else {
                Command::Unknown
            });
        } else if heard.commands.is_empty() {
            heard.commands.push(Command::Unknown);
        }
    }

    /// A task under way takes filters for itself: during a booking, `белый` chooses a car, it starts no search.
    fn waits_for_search(&self, memory: &Memory, search: &Map<String, Value>) -> bool {
        let Some(frame) = memory.stack.last().filter(|frame| frame.waiting) else { return false };
        let Some(flow) = self.package.flows.get(&frame.flow) else { return false };
        flow.kind == FlowKind::Task
            && flow.name != self.package.rules.on.search
            && flow.steps.iter().any(|step| match &step.act {
                crate::flow::Act::Ask { slot, .. } => search.contains_key(slot),
                crate::flow::Act::Call { args, .. } => args
                    .values()
                    .filter_map(Value::as_str)
                    .any(|arg| arg.strip_prefix('$').is_some_and(|path| search.contains_key(path))),
                _ => false,
            })
    }

    pub(super) fn command_of(&self, heard: &mut Heard, name: &str, search: &Map<String, Value>) -> bool {
        let Some(intent) = self.package.intents.list.iter().find(|intent| intent.name == name) else {
            return false;
        };
        for (slot, value) in &intent.set {
            if !heard.commands.iter().any(|c| matches!(c, Command::SetSlot { name, .. } if name == slot)) {
                heard.commands.push(Command::SetSlot { name: slot.clone(), value: value.clone() });
            }
        }
        let topic = intent.topic.clone();
        let command = match intent.command {
            IntentCommand::Start => Command::StartFlow { intent: name.to_owned() },
            IntentCommand::Greet if heard.commands.contains(&Command::Greet) => return true,
            IntentCommand::Greet => Command::Greet,
            IntentCommand::Thanks => Command::Thanks,
            IntentCommand::Goodbye => Command::Goodbye,
            IntentCommand::Smalltalk => Command::Smalltalk { topic },
            IntentCommand::AskFact => Command::AskFact { question: heard.text.clone(), topic },
            IntentCommand::Search => Command::SearchStock { filters: search.clone() },
            IntentCommand::Handover => Command::Handover { reason: "asked".to_owned() },
            IntentCommand::OptOut => Command::OptOut,
            IntentCommand::Cancel => Command::Cancel,
            IntentCommand::Unknown => Command::Unknown,
        };
        heard.commands.push(command);
        true
    }

    /// Reads a button. Gives `None` for a choice that neither the package declares nor the last replies offered.
    #[must_use]
    pub fn press(&self, choice: &str, offered: &[Choice], awaits: Awaits<'_>) -> Option<Pressed> {
        let label = offered.iter().find(|c| c.choice == choice).map(|c| c.label.clone());
        match choice {
            "yes" => return Some(Pressed::plain(vec![Command::Confirm { yes: true }])),
            "no" => return Some(Pressed::plain(vec![Command::Confirm { yes: false }])),
            "cancel" => return Some(Pressed::plain(vec![Command::Cancel])),
            _ => {}
        }
        let (prefix, value) = choice.split_once(':')?;
        if prefix == "intent" {
            let mut heard = Heard::default();
            self.command_of(&mut heard, value, &Map::new()).then_some(())?;
            return Some(Pressed::plain(heard.commands));
        }
        let rule = self.package.rules.choice.get(prefix)?;
        let good = value.chars().count() <= 200 && !value.chars().any(char::is_control);
        let mut commands =
            vec![Command::SetSlot { name: rule.slot.clone(), value: Value::String(value.to_owned()) }];
        let awaited = matches!(awaits, Awaits::Slot(slot) if slot == rule.slot);
        if !rule.intent.is_empty() && !awaited {
            commands.push(Command::StartFlow { intent: rule.intent.clone() });
        }
        good.then(|| Pressed { commands, label: label.map(|label| (rule.slot.clone(), label)) })
    }
}
