//! Saying: choosing a wording, filling it, passing the gates.

use ismart_domain::conversation::{Choice, ContactForm, Extras};
use serde_json::Value;

use super::{Reply, Runner};
use crate::flow::{Facts, at_path};
use crate::gate::{Evidence, safe_url};
use crate::package::OfferRule;

/// Most buttons of one message.
const MAX_CHOICES: usize = 8;
/// Most cards and sources of one message.
const MAX_CARDS: usize = 6;

impl Runner<'_> {
    fn render(&self, answer: &str) -> Option<String> {
        let facts: Facts<'_> = self.facts();
        let answer = self.package.answers.get(answer)?;
        if !answer.when.iter().all(|c| c.holds(facts.condition(&c.path).as_ref())) {
            return None;
        }
        let fallback = self.package.manifest.languages.first();
        let texts = answer.texts.get(&self.language).or_else(|| answer.texts.get(fallback?))?;
        texts.iter().find_map(|template| template.render(|path| facts.shown(path)))
    }

    /// Everything that a text of this turn may state.
    fn evidence(&self) -> Evidence {
        let mut evidence = self.evidence.clone();
        for slot in self.memory.slots.values() {
            evidence.add(&slot.value);
            if let Some(label) = &slot.label {
                evidence.add_text(label);
            }
        }
        let facts = self.facts();
        for path in ["contact.phone_text", "contact.phone", "contact.name", "contact.email"] {
            if let Some(value) = facts.shown(path) {
                evidence.add(&value);
            }
        }
        evidence
    }

    /// Says an answer; nothing when no wording fits. Gives whether something was said.
    pub(super) fn say(&mut self, answer: &str, show: Option<&str>, offer: Option<&OfferRule>) -> bool {
        let Some(text) = self.render(answer) else { return false };
        let mut extras = Extras { choices: self.choices(answer), ..Extras::default() };
        if let Some(outcome) = show.and_then(|name| self.outcomes.get(name)) {
            extras.cards.clone_from(&outcome.cards);
            extras.sources.clone_from(&outcome.sources);
            extras.choices.splice(0..0, outcome.choices.iter().cloned());
        }
        if let Some(offer) = offer {
            let made = self.offer(offer);
            extras.choices.splice(0..0, made);
        }
        self.send(answer, text, extras);
        true
    }

    /// A question: when no wording fits, the fallback of the gates stands in, so that a flow never waits in silence.
    pub(super) fn question(
        &mut self,
        answer: &str,
        show: Option<&str>,
        offer: Option<&OfferRule>,
        form: bool,
    ) {
        let Some(text) = self.render(answer) else {
            self.fall_back(answer, "no wording could be filled");
            return;
        };
        let mut extras = Extras { choices: self.choices(answer), ..Extras::default() };
        if let Some(outcome) = show.and_then(|name| self.outcomes.get(name)) {
            extras.cards.clone_from(&outcome.cards);
            extras.sources.clone_from(&outcome.sources);
            extras.choices.splice(0..0, outcome.choices.iter().cloned());
        }
        if let Some(offer) = offer {
            let made = self.offer(offer);
            extras.choices.splice(0..0, made);
        }
        if form {
            extras.form = Some(self.form());
        }
        self.send(answer, text, extras);
    }

    pub(super) fn ask_again(&mut self, prefix: &str, question: &str, form: bool) {
        let Some(text) = self.render(question) else { return };
        let before = self.render(prefix).unwrap_or_default();
        let text = if before.is_empty() { text } else { format!("{before} {text}") };
        let mut choices = self.choices(question);
        if choices.is_empty() {
            choices.clone_from(&self.memory.offered);
        }
        let form = form.then(|| self.form());
        self.send(question, text, Extras { choices, form, ..Extras::default() });
    }

    pub(super) fn form(&self) -> ContactForm {
        ContactForm {
            kind: "contact".to_owned(),
            fields: vec!["name".to_owned(), "phone".to_owned()],
            consent: self.context.consent.clone(),
        }
    }

    fn choices(&self, answer: &str) -> Vec<Choice> {
        let Some(answer) = self.package.answers.get(answer) else { return Vec::new() };
        answer
            .choices
            .iter()
            .filter_map(|(labels, choice)| {
                let label = labels.get(&self.language).or_else(|| labels.values().next())?;
                Some(Choice { label: label.clone(), choice: choice.clone() })
            })
            .collect()
    }

    fn offer(&self, rule: &OfferRule) -> Vec<Choice> {
        let facts = self.facts();
        let Some(Value::Array(list)) = facts.value(&rule.from) else { return Vec::new() };
        list.iter()
            .filter_map(|item| {
                let label = at_path(item, &rule.label)?.as_str()?.to_owned();
                let value = at_path(item, &rule.value)?.as_str()?;
                Some(Choice { label, choice: format!("{}:{value}", rule.prefix) })
            })
            .collect()
    }

    fn send(&mut self, answer: &str, text: String, mut extras: Extras) {
        let evidence = self.evidence();
        let rules = &self.package.gates;
        if let Err(fault) = evidence.judge(&text, rules) {
            self.fall_back(answer, &fault.to_string());
            return;
        }
        extras.choices.truncate(MAX_CHOICES);
        extras.choices.retain(|c| !c.label.trim().is_empty() && evidence.judge(&c.label, rules).is_ok());
        extras.sources.truncate(MAX_CARDS);
        extras.sources.retain(|s| safe_url(&s.url) && evidence.judge(&s.title, rules).is_ok());
        extras.cards.truncate(MAX_CARDS);
        extras.cards.retain(|c| {
            safe_url(&c.url)
                && [&c.title, &c.text, &c.price].into_iter().all(|text| evidence.judge(text, rules).is_ok())
        });
        for card in &mut extras.cards {
            card.image = card.image.take().filter(|url| safe_url(url));
        }
        if !extras.choices.is_empty() {
            let before = self.replies.iter().any(|reply| !reply.extras.choices.is_empty());
            if !before {
                self.memory.offered.clear();
            }
            self.memory.offered.extend(extras.choices.iter().cloned());
        }
        self.replies.push(Reply { text, extras, answer: answer.to_owned() });
    }

    /// Says, once a turn, that the worker would rather not guess, and offers a person.
    pub(super) fn fall_back(&mut self, answer: &str, fault: &str) {
        let first = self.stopped.is_empty();
        self.stopped.push((answer.to_owned(), fault.to_owned()));
        let name = self.package.rules.on.gate.clone();
        if !first {
            return;
        }
        let text = self.render(&name).filter(|text| self.evidence().judge(text, &self.package.gates).is_ok());
        if let Some(text) = text {
            let extras = Extras { choices: self.choices(&name), ..Extras::default() };
            self.memory.proposal =
                Some(crate::memory::Proposal { yes: self.package.rules.on.handover.clone(), no: None });
            self.replies.push(Reply { text, extras, answer: name });
        }
    }
}
