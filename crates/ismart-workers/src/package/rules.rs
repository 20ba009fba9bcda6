//! The shapes of a package's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extract::QuantityRule;
use crate::flow::{Condition, Step};
use crate::template::Template;

/// A text in the package's languages, by language code.
pub type Localized = BTreeMap<String, String>;

/// `worker.toml`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Folder name, stable: `lead-assistant`.
    pub name: String,
    /// Version, `major.minor.patch`.
    pub version: String,
    /// Kind of role, for grouping: `lead_assistant`.
    pub kind: String,
    /// Name of the role.
    pub title: Localized,
    /// What the visitor reads as the worker's name.
    pub persona: Localized,
    /// Languages with complete answers; the first is the fallback.
    pub languages: Vec<String>,
    /// 0 draft only … 4 self-improving.
    pub autonomy_level: u8,
    /// Tools that its flows may call.
    pub tools: Vec<String>,
    /// Where it may talk.
    pub channels: Vec<String>,
    /// Confidence limits.
    pub thresholds: Thresholds,
}

/// Confidence limits, 0 to 1.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Below it the whole message has no intent.
    pub intent: f64,
    /// Below it one clause of several has no intent.
    pub clause: f64,
    /// Below it an intent does not interrupt a pending question.
    pub interrupt: f64,
}

/// What understanding an intent turns into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentCommand {
    /// Starts the flow that lists it.
    #[default]
    Start,
    /// A greeting.
    Greet,
    /// Thanks.
    Thanks,
    /// A farewell.
    Goodbye,
    /// Talk beside the matter; `topic` says which.
    Smalltalk,
    /// A question of fact; `topic` says which.
    AskFact,
    /// A search in the stock.
    Search,
    /// The visitor wants a person.
    Handover,
    /// The visitor wants no further messages.
    OptOut,
    /// Breaks off what is under way.
    Cancel,
    /// Nothing that the worker is for.
    Unknown,
}

/// One intent with its examples.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IntentRule {
    /// Name.
    pub name: String,
    /// What it turns into.
    #[serde(default)]
    pub command: IntentCommand,
    /// For `smalltalk` and `ask_fact`.
    #[serde(default)]
    pub topic: String,
    /// Slots set by the intent itself.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// Russian examples.
    #[serde(default)]
    pub ru: Vec<String>,
    /// English examples.
    #[serde(default)]
    pub en: Vec<String>,
}

/// `intents.toml`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IntentRules {
    /// Groups of words that mean the same to the intent model, as beginnings of words: `car = ["машин", "авто"]`.
    #[serde(default)]
    pub concepts: BTreeMap<String, Vec<String>>,
    /// The intents.
    #[serde(default, rename = "intent")]
    pub list: Vec<IntentRule>,
}

/// A vocabulary of the trade.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Group whose value follows from a value of this one: a model's brand.
    #[serde(default)]
    pub parent: Option<String>,
    /// Parent value → values.
    #[serde(default)]
    pub children: BTreeMap<String, Vec<String>>,
    /// Value → spellings.
    #[serde(default)]
    pub terms: BTreeMap<String, Vec<String>>,
}

/// `entities.toml`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EntityRules {
    /// Vocabularies by name.
    #[serde(default)]
    pub group: BTreeMap<String, Group>,
    /// Units.
    #[serde(default)]
    pub quantity: Vec<QuantityRule>,
    /// Ordinary words that look like misspelt terms and are not.
    #[serde(default)]
    pub ordinary: Vec<String>,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    /// A phone in E.164.
    Phone,
    /// An e-mail address.
    Email,
    /// A person's name.
    Name,
    /// Whole units of currency.
    Money,
    /// An object with `date_from`, `date_to`, `time`, `part`.
    When,
    /// A vehicle identification number.
    Vin,
    /// A year.
    Year,
    /// A number of the unit `quantity`.
    Quantity,
    /// A value of the vocabulary `group`.
    Term,
    /// A plain number.
    Number,
    /// The visitor's own words.
    Text,
    /// Set only by choices, intents, tools and flows.
    Value,
}

/// Which end of an amount a slot takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounded {
    /// The lower end only.
    Min,
    /// The upper end, and a number said without a bound.
    Max,
    /// The lower end, and a number said without a bound.
    From,
    /// Any one number.
    #[default]
    Value,
}

/// One slot.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SlotRule {
    /// What it holds.
    pub kind: SlotKind,
    /// Vocabulary of a `term`.
    #[serde(default)]
    pub group: String,
    /// Unit of a `quantity`.
    #[serde(default)]
    pub quantity: String,
    /// End of an amount.
    #[serde(default)]
    pub bound: Bounded,
    /// Takes the terms that are not wanted.
    #[serde(default)]
    pub negated: bool,
    /// Holds a list of terms.
    #[serde(default)]
    pub list: bool,
    /// Beginnings of words that must stand shortly before the value; without them the slot takes any.
    #[serde(default)]
    pub cues: Vec<String>,
    /// Factor of a bare number below 100 when this slot was asked for.
    #[serde(default)]
    pub small_means: Option<i64>,
    /// Beginnings of words in a row that mean zero when this slot was asked for: `без взнос`.
    #[serde(default)]
    pub none: Vec<String>,
    /// Slots emptied when this one changes.
    #[serde(default)]
    pub resets: Vec<String>,
    /// Filled only while it is asked for.
    #[serde(default)]
    pub asked_only: bool,
    /// Name for summaries.
    #[serde(default)]
    pub label: Localized,
}

/// Answers for contacts and consent.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    /// Asks for agreement to a phone typed in free text.
    pub consent: String,
    /// Asks for the name when only the phone is known.
    pub name: String,
    /// The visitor did not agree.
    pub refused: String,
    /// The phone cannot exist.
    pub bad_phone: String,
    /// The box was not ticked, or an old text was agreed to.
    pub not_ticked: String,
    /// Flow for a form that comes when nothing waits for a contact.
    pub late: String,
}

/// Names of flows and answers that the engine itself needs.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Flow for greetings.
    pub greet: String,
    /// Flow for thanks.
    pub thanks: String,
    /// Flow for farewells.
    pub goodbye: String,
    /// Flow for talk beside the matter.
    pub smalltalk: String,
    /// Flow for questions of fact.
    pub ask_fact: String,
    /// Flow for searches.
    pub search: String,
    /// Flow that passes to a person.
    pub handover: String,
    /// Flow for opting out.
    pub opt_out: String,
    /// Flow when nothing was understood.
    pub unknown: String,
    /// Flow after the third vain question.
    pub stuck: String,
    /// Answer to a cancellation.
    pub cancelled: String,
    /// Answer put before a question that is asked again after a digression.
    pub resume: String,
    /// Answer to a bare yes or no that nothing waits for.
    pub idle: String,
    /// Answer that replaces a text which a gate stopped.
    pub gate: String,
}

/// Buttons made from a tool's list.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OfferRule {
    /// Path of the list: `stock.items`.
    pub from: String,
    /// Field with the label.
    pub label: String,
    /// Field with the value.
    pub value: String,
    /// Choice prefix: `item`.
    pub prefix: String,
}

/// Choice prefixes: what pressing `slot:…` sets.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceRule {
    /// Slot that takes what stands after the colon.
    pub slot: String,
    /// Intent that the choice has when nothing waits for the slot.
    #[serde(default)]
    pub intent: String,
}

/// Whether a flow is the matter itself or a remark beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Takes several turns and is returned to.
    #[default]
    Task,
    /// Answered at once; the task under way goes on.
    Aside,
}

/// One flow, compiled.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: FlowKind,
    /// Intents that start it.
    pub intents: Vec<String>,
    /// Name for summaries.
    pub title: Localized,
    /// Slots emptied when it starts afresh.
    pub clears: Vec<String>,
    /// Steps in order.
    pub steps: Vec<Step>,
}

/// `flows.toml` without the flows themselves.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FlowRules {
    /// Names that the engine needs.
    pub on: Named,
    /// Answers for contacts.
    pub contact: Contacts,
    /// Slots.
    #[serde(default)]
    pub slot: BTreeMap<String, SlotRule>,
    /// Choice prefixes.
    #[serde(default)]
    pub choice: BTreeMap<String, ChoiceRule>,
    /// Slots that make a message a search when no intent was found.
    #[serde(default)]
    pub search_slots: Vec<String>,
    /// The flows as written; compiled into [`super::Package::flows`].
    #[serde(default, rename = "flow")]
    pub(super) written: Vec<super::load::WrittenFlow>,
}

/// One wording with its condition.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Wordings per language; the first whose placeholders all have values is used.
    pub texts: BTreeMap<String, Vec<Template>>,
    /// Only under this condition may it be used at all.
    pub when: Vec<Condition>,
    /// Buttons: label per language and choice.
    pub choices: Vec<(Localized, String)>,
}

/// Words that claim something.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// The words, compared without regard to case and `ё`; a trailing `*` stands for any ending.
    pub words: Vec<String>,
    /// One of these tools must have succeeded in this conversation.
    #[serde(default)]
    pub tools: Vec<String>,
    /// The words themselves must stand in the facts of this turn.
    #[serde(default)]
    pub fact: bool,
}

/// `gates.toml`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GateRules {
    /// Numbers that answers may contain by themselves (`152` of 152-FZ).
    #[serde(default)]
    pub literals: Vec<String>,
    /// Words that never leave, with `*` as in claims.
    #[serde(default)]
    pub forbidden: Vec<String>,
    /// Claims.
    #[serde(default, rename = "claim")]
    pub claims: Vec<ClaimRule>,
}
