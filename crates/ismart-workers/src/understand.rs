//! The keyless understander: from a message to typed commands.
//!
//! It knows how people write (greetings, yes and no, several wishes in one message); what the trade's words mean
//! it takes from the package. A model-backed understander emits the same commands.

mod assemble;
mod command;
mod fill;
mod lexicon;
mod offer;
mod speller;
mod words;

pub use assemble::Pressed;
pub use command::Command;
pub use lexicon::polarity;

use assemble::Parts;
use words::{rules, speller, words_known};

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Zoned;
use serde_json::Value;

use crate::extract::{Entity, Found, Lexicon, TermIndex, extract};
use crate::intent::{Concepts, Features, Guess, IntentModel, Unit};
use crate::memory::Memory;
use crate::package::{IntentCommand, Package, SlotKind};
use crate::text::{Token, cut, is_cyrillic, reread, tokens};

/// A group's values in stock, each with the value of its parent group when it has one (a model's brand).
pub type VocabularyGroup = Vec<(String, Option<String>)>;

/// The stock's own vocabulary, given at run time: group → values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary(pub BTreeMap<String, VocabularyGroup>);

/// What the conversation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits<'a> {
    /// Nothing.
    Nothing,
    /// A value of a slot.
    Slot(&'a str),
    /// A yes or no.
    YesNo,
    /// A contact.
    Contact,
    /// The visitor's name.
    Name,
}

/// What was understood.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The commands, in the order in which they are to be applied.
    pub commands: Vec<Command>,
    /// The leading intent, `abstain` when none was sure enough, empty when none was needed.
    pub intent: String,
    /// Its calibrated confidence; 1 where a rule and not the model decided.
    pub confidence: f64,
    /// The text as it was read (keyboard layout repaired).
    pub text: String,
    /// The text with contacts masked, for summaries.
    pub masked: String,
    /// Language that the message shows, if it does.
    pub language: Option<String>,
}

/// The understander of one package and one stock vocabulary. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Understander {
    package: Arc<Package>,
    learnt: Arc<Learnt>,
    terms: Arc<TermIndex>,
}

/// Confidence from which another wish interrupts an answer in the visitor's own words.
const FIRM: f64 = 0.85;

#[derive(Debug)]
struct Learnt {
    model: IntentModel,
    concepts: Concepts,
    known: HashSet<String>,
    speller: speller::Speller,
    english: HashSet<String>,
}

impl Understander {
    /// Trains the intent model on the package's examples.
    #[must_use]
    pub fn new(package: Arc<Package>, vocabulary: &Vocabulary) -> Self {
        let terms = Arc::new(TermIndex::new(rules(&package, vocabulary)));
        let concepts = Concepts::new(&package.intents.concepts);
        let mut learnt = Learnt {
            model: IntentModel::default(),
            concepts: concepts.clone(),
            speller: speller(&package),
            known: words_known(&package),
            english: HashSet::new(),
        };
        for token in package.intents.list.iter().flat_map(|i| &i.en).flat_map(|text| tokens(text)) {
            learnt.english.insert(token.text);
        }
        let bare =
            Self { package: Arc::clone(&package), learnt: Arc::new(learnt), terms: Arc::clone(&terms) };
        let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        let examples: Vec<(String, Features)> = package
            .intents
            .list
            .iter()
            .flat_map(|intent| intent.ru.iter().chain(&intent.en).map(|text| (intent.name.clone(), text)))
            .map(|(name, text)| {
                let read = tokens(text);
                let entities = bare.entities(text, &read, &now);
                let from = lexicon::greeting(&read);
                (name, bare.features(&read, from, read.len(), &entities))
            })
            .collect();
        let learnt = Learnt {
            model: IntentModel::train(&examples),
            concepts,
            known: bare.learnt.known.clone(),
            speller: bare.learnt.speller.clone(),
            english: bare.learnt.english.clone(),
        };
        Self { package, learnt: Arc::new(learnt), terms }
    }

    /// The same model with another stock vocabulary.
    #[must_use]
    pub fn with_vocabulary(&self, vocabulary: &Vocabulary) -> Self {
        let terms = Arc::new(TermIndex::new(rules(&self.package, vocabulary)));
        Self { package: Arc::clone(&self.package), learnt: Arc::clone(&self.learnt), terms }
    }

    /// An intent of the flow that waits already is no wish to begin it again.
    fn drop_current(&self, intents: &mut Vec<String>, memory: &Memory) {
        let Some(frame) = memory.stack.last().filter(|frame| frame.waiting) else { return };
        let Some(flow) = self.package.flows.get(&frame.flow) else { return };
        intents.retain(|name| {
            self.command_kind(name) != Some(IntentCommand::Start) || !flow.intents.contains(name)
        });
    }

    fn is_text(&self, slot: &str) -> bool {
        self.package.rules.slot.get(slot).is_some_and(|rule| rule.kind == SlotKind::Text)
    }

    fn command_kind(&self, intent: &str) -> Option<IntentCommand> {
        self.package.intents.list.iter().find(|rule| rule.name == intent).map(|rule| rule.command)
    }

    fn known(&self, word: &str) -> bool {
        self.learnt.known.contains(word) || self.terms.knows(word)
    }

    fn entities(&self, text: &str, read: &[Token], now: &Zoned) -> Vec<Entity> {
        let ordinary = |token: &Token| {
            self.learnt.known.contains(&token.text)
                || self.learnt.known.contains(&token.stem)
                || lexicon::is_common(&token.text)
        };
        let lexicon = Lexicon {
            terms: &self.terms,
            quantities: &self.package.entities.quantity,
            now,
            ordinary: &ordinary,
        };
        extract(text, read, &lexicon)
    }

    fn features(&self, read: &[Token], from: usize, to: usize, entities: &[Entity]) -> Features {
        let mut units = Vec::new();
        let mut at = from;
        while at < to {
            if let Some(entity) = entities.iter().find(|entity| entity.from == at) {
                units.push(Unit::Class(entity.class()));
                at = entity.to.max(at + 1);
                continue;
            }
            if let Some(token) = read.get(at).filter(|t| t.is_word()) {
                units.push(Unit::Word(token));
            }
            at += 1;
        }
        let question = read.get(from..to).is_some_and(lexicon::is_question);
        Features::of(&units, question, &self.learnt.concepts)
    }

    /// The intents of a message without any conversation around it, the surest first.
    #[must_use]
    pub fn intents(&self, text: &str) -> Vec<Guess> {
        let (text, read) = self.read(text);
        let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        let entities = self.entities(&text, &read, &now);
        self.learnt.model.guess(&self.features(&read, lexicon::greeting(&read), read.len(), &entities))
    }

    /// Everything that a message names, without any conversation around it.
    #[must_use]
    pub fn findings(&self, text: &str, now: &Zoned) -> Vec<Found> {
        let (text, read) = self.read(text);
        self.entities(&text, &read, now).into_iter().map(|entity| entity.found).collect()
    }

    fn read(&self, text: &str) -> (String, Vec<Token>) {
        let text = cut(text);
        let turned = reread(text, |word| self.known(word) || lexicon::is_common(word));
        let text = turned.unwrap_or_else(|| text.to_owned());
        let mut read = tokens(&text);
        self.learnt.speller.correct(&mut read, |token| {
            self.known(&token.text) || self.known(&token.stem) || lexicon::is_common(&token.text)
        });
        (text, read)
    }

    /// Understands a message in its conversation.
    #[must_use]
    pub fn hear(&self, text: &str, memory: &Memory, awaits: Awaits<'_>, now: &Zoned) -> Heard {
        let (text, read) = self.read(text);
        let entities = self.entities(&text, &read, now);
        let mut heard = Heard {
            language: self.language(&read),
            masked: mask(&text, &read, &entities),
            text,
            ..Heard::default()
        };
        if read.is_empty() {
            return heard;
        }
        let start = lexicon::greeting(&read);
        if start > 0 {
            heard.commands.push(Command::Greet);
        }
        let pending = match awaits {
            Awaits::Slot(name) => Some(name),
            _ => None,
        };
        let mut filled = fill::slots(&self.package.rules, &entities, &read, pending);
        if let Some(name) = pending
            && let Some((slot, choice)) =
                offer::matching(&self.package.rules, name, &read, &entities, &memory.offered, now)
        {
            filled.retain(|(other, _)| *other != slot);
            filled.push((slot, Value::String(choice)));
        }
        let contact = self.contact(&heard.text, &read, &entities, awaits, start);
        let polar = lexicon::polarity(read.get(start..).unwrap_or_default());
        let content = self.content(&read, start, &entities);
        let satisfied = pending.is_some_and(|name| filled.iter().any(|(slot, _)| slot == name))
            || (!contact.is_empty() && matches!(awaits, Awaits::Contact | Awaits::Name))
            || (polar.is_some() && awaits == Awaits::YesNo);
        let words = pending.is_some_and(|name| self.is_text(name));
        let mut intents = if content == 0 || (satisfied && content <= 2) {
            Vec::new()
        } else {
            self.judge(&read, start, &entities, awaits != Awaits::Nothing, &mut heard)
        };
        // Where the visitor's own words were asked for, only a firm wish of another kind is one.
        if words && !lexicon::is_question(&read) {
            let firm = heard.confidence >= FIRM;
            intents.retain(|name| firm && self.command_kind(name) != Some(IntentCommand::Search));
        }
        self.drop_current(&mut intents, memory);
        self.assemble(
            &mut heard,
            &read,
            memory,
            awaits,
            Parts { filled, contact, polar, intents, content, satisfied, start },
        );
        heard
    }

    fn contact(
        &self,
        text: &str,
        read: &[Token],
        entities: &[Entity],
        awaits: Awaits<'_>,
        start: usize,
    ) -> Vec<Command> {
        let set = |name: &str, value: &str| Command::SetSlot {
            name: name.to_owned(),
            value: Value::String(value.to_owned()),
        };
        let mut out: Vec<Command> = entities
            .iter()
            .filter_map(|entity| match &entity.found {
                Found::Phone(phone) => Some(set("phone", phone.e164())),
                Found::Email(email) => Some(set("email", email.as_str())),
                Found::Name(name) => Some(set("name", name.as_str())),
                _ => None,
            })
            .collect();
        let named = out.iter().any(|c| matches!(c, Command::SetSlot { name, .. } if name == "name"));
        let asked = matches!(awaits, Awaits::Contact | Awaits::Name);
        let free: Vec<Token> = read
            .iter()
            .enumerate()
            .skip(start)
            .filter(|(at, _)| !entities.iter().any(|e| (e.from..e.to).contains(at)))
            .filter(|(_, token)| !lexicon::is_empty_word(&token.text))
            .map(|(_, token)| token.clone())
            .collect();
        let ordinary = |token: &Token| {
            let known = self.known(&token.text) || self.known(&token.stem) || lexicon::is_common(&token.text);
            known && !token.corrected
        };
        if asked && !named && crate::extract::looks_like_name(&free, ordinary) {
            let words: Vec<String> = free
                .iter()
                .filter(|t| t.is_word())
                .map(|t| capital(&crate::text::fold(text.get(t.start..t.end).unwrap_or_default())))
                .collect();
            if let Ok(name) = ismart_domain::PersonName::parse(&words.join(" ")) {
                out.push(set("name", name.as_str()));
            }
        }
        out
    }

    /// Words that carry meaning: no entity, no greeting, no function word, no yes or no.
    fn content(&self, read: &[Token], start: usize, entities: &[Entity]) -> usize {
        let inside = |at: usize| entities.iter().any(|e| (e.from..e.to).contains(&at));
        read.iter()
            .enumerate()
            .skip(start)
            .filter(|(at, t)| t.is_word() && !inside(*at) && !lexicon::is_empty_word(&t.text))
            .count()
    }

    fn judge(
        &self,
        read: &[Token],
        start: usize,
        entities: &[Entity],
        pending: bool,
        heard: &mut Heard,
    ) -> Vec<String> {
        let limits = self.package.manifest.thresholds;
        let whole = self.learnt.model.guess(&self.features(read, start, read.len(), entities));
        let Some(best) = whole.first() else { return Vec::new() };
        let clauses = lexicon::clauses(read, start);
        let mut sure: Vec<Guess> = Vec::new();
        if clauses.len() > 1 {
            for (from, to) in clauses.into_iter().take(6) {
                let words = read.get(from..to).map_or(0, |part| part.iter().filter(|t| t.is_word()).count());
                let guess =
                    self.learnt.model.guess(&self.features(read, from, to, entities)).into_iter().next();
                if let Some(guess) = guess.filter(|g| words > 0 && g.confidence >= limits.clause)
                    && !sure.iter().any(|other| other.name == guess.name)
                {
                    sure.push(guess);
                }
            }
        }
        if sure.is_empty() {
            sure.push(best.clone());
        }
        let limit = if pending { limits.interrupt } else { limits.intent };
        let top = sure.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence)).unwrap_or(best);
        heard.confidence = top.confidence;
        heard.intent = top.name.clone();
        let kept: Vec<String> =
            sure.iter().filter(|g| g.confidence >= limit).take(3).map(|g| g.name.clone()).collect();
        if kept.is_empty() {
            heard.intent = "abstain".to_owned();
        }
        kept
    }

    fn language(&self, read: &[Token]) -> Option<String> {
        let words = || read.iter().filter(|t| t.is_word());
        let cyrillic = words().filter(|t| t.text.chars().any(is_cyrillic)).count();
        let english = words().filter(|t| t.text.is_ascii() && self.learnt.english.contains(&t.text)).count();
        let found = if cyrillic > 0 {
            "ru"
        } else if english > 0 && english * 2 >= words().count() {
            "en"
        } else {
            return None;
        };
        self.package.manifest.languages.iter().any(|l| l == found).then(|| found.to_owned())
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn mask(text: &str, read: &[Token], entities: &[Entity]) -> String {
    let mut out = text.to_owned();
    for entity in entities.iter().rev() {
        if !matches!(entity.found, Found::Phone(_) | Found::Email(_) | Found::Name(_)) {
            continue;
        }
        let span = (
            read.get(entity.from).map(|t| t.start),
            entity.to.checked_sub(1).and_then(|i| read.get(i)).map(|t| t.end),
        );
        if let (Some(start), Some(end)) = span
            && out.get(start..end).is_some()
        {
            out.replace_range(start..end, "***");
        }
    }
    out.trim().to_owned()
}
