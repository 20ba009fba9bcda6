//! What paths of templates, conditions and arguments mean in a turn.

use ismart_domain::Phone;
use serde_json::{Map, Value, json};

use crate::memory::Memory;
use crate::package::Package;
use crate::worker::TurnContext;

/// A slot value that means: the visitor does not care.
pub(super) const ANY: &str = "any";

/// The view of a turn that paths read.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The package.
    pub package: &'a Package,
    /// The turn's surroundings.
    pub context: &'a TurnContext,
    /// The memory as it is at this step.
    pub memory: &'a Memory,
    /// Language of the answer.
    pub language: &'a str,
    /// `turn.*`, as the runner fills it.
    pub turn: &'a Map<String, Value>,
    /// `call.*`: code and reason of the last call.
    pub call: &'a Map<String, Value>,
}

/// Follows dots and list places from a value.
#[must_use]
pub fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| match value {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        Value::Object(map) => map.get(part),
        _ => None,
    })
}

impl Facts<'_> {
    /// Has the visitor agreed to the text that is in force?
    #[must_use]
    pub fn consented(&self) -> bool {
        self.memory
            .contact
            .consent
            .as_ref()
            .is_some_and(|given| given.version == self.context.consent.version)
    }

    /// The value for an argument or condition: results of earlier turns count.
    #[must_use]
    pub fn value(&self, path: &str) -> Option<Value> {
        self.find(path, true).filter(|value| !value.is_null() && *value != json!(ANY))
    }

    /// The value for a condition: `any` is a value too.
    #[must_use]
    pub fn condition(&self, path: &str) -> Option<Value> {
        self.find(path, true)
    }

    /// The value for a text: results of this turn only, buttons by their label.
    #[must_use]
    pub fn shown(&self, path: &str) -> Option<Value> {
        let labelled = self.memory.slots.get(path).and_then(|slot| slot.label.clone());
        labelled.map(Value::String).or_else(|| self.find(path, false)).filter(|value| *value != json!(ANY))
    }

    fn find(&self, path: &str, stale: bool) -> Option<Value> {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        match root {
            "worker" => {
                let texts = if rest == "title" {
                    &self.package.manifest.title
                } else {
                    &self.package.manifest.persona
                };
                texts.get(self.language).or_else(|| texts.values().next()).map(|text| json!(text))
            }
            "business" => at_path(&self.context.business, rest).cloned(),
            "contact" => self.contact(rest),
            "consent" => self.consent(rest),
            "fresh" => self.memory.results.get(rest).map(|kept| json!(kept.turn == self.memory.turn)),
            "call" => self.call.get(rest).cloned(),
            "turn" => self.turn.get(rest).cloned(),
            _ => {
                if let Some(slot) = self.memory.slots.get(root) {
                    return at_path(&slot.value, rest).cloned();
                }
                let kept = self.memory.results.get(root)?;
                (stale || kept.turn == self.memory.turn).then(|| at_path(&kept.data, rest).cloned()).flatten()
            }
        }
    }

    /// Contacts do not exist for flows before the visitor has agreed.
    fn contact(&self, field: &str) -> Option<Value> {
        let contact = &self.memory.contact;
        if !self.consented() {
            return None;
        }
        match field {
            "name" => contact.name.as_ref().map(|v| json!(v)),
            "phone" => contact.phone.as_ref().map(|v| json!(v)),
            "phone_text" => {
                contact.phone.as_deref().and_then(|v| Phone::parse(v).ok()).map(|v| json!(v.pretty()))
            }
            "email" => contact.email.as_ref().map(|v| json!(v)),
            _ => None,
        }
    }

    fn consent(&self, field: &str) -> Option<Value> {
        let text = &self.context.consent;
        match field {
            "label" => Some(json!(text.label)),
            "url" => Some(json!(text.url)),
            "" => {
                let given = self.memory.contact.consent.as_ref().filter(|_| self.consented())?;
                Some(json!({"text": given.text, "version": given.version, "url": given.url}))
            }
            _ => None,
        }
    }

    /// What the conversation is about, in one line, without contacts: for people and lead comments.
    #[must_use]
    pub fn summary(&self) -> String {
        let pick = |texts: &crate::package::Localized| {
            texts.get(self.language).or_else(|| texts.values().next()).cloned()
        };
        let titles = self.memory.stack.iter().filter_map(|frame| self.package.flows.get(&frame.flow));
        let mut parts: Vec<String> = titles.filter_map(|flow| pick(&flow.title)).collect();
        for (name, rule) in &self.package.rules.slot {
            let shown = self.shown(name).and_then(|value| match value {
                Value::String(text) => Some(text),
                Value::Array(list) => {
                    Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
                        .filter(|t| !t.is_empty())
                }
                Value::Object(map) => {
                    Some(map.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
                }
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            if let (Some(label), Some(shown)) = (pick(&rule.label), shown) {
                parts.push(format!("{label}: {shown}"));
            }
        }
        if !self.memory.last_words.is_empty() {
            parts.push(format!("«{}»", self.memory.last_words));
        }
        parts.join("; ")
    }
}
