//! Ports: what features need from edges. An edge implements a port; the root wires them together.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::BoxFuture;
use crate::conversation::{Card, Choice, SourceLink};
use crate::delivery::DeliveryError;
use crate::id::{ClientId, ConversationId, SiteId, TraceId, VisitId};
use crate::lead::Lead;
use crate::outcome::{RecordKind, RecordRef, RecordState};
use crate::payment::{Asked, GatewayError, Notice, NoticeFault, Order, Registered, Report, Ways};
use crate::secret::Secret;

/// Brings leads to one destination (a CRM, a messenger). One value per configured destination.
pub trait Connector: Send + Sync {
    /// The kind, as configurations name it: `bitrix24`.
    fn kind(&self) -> &'static str;

    /// Hands the lead over and gives the record's id at the destination. Called again only after a failure
    /// that says so, and after [`Connector::find`] when the failure was ambiguous.
    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>>;

    /// Looks whether the destination already has this lead; `None` when it has not.
    fn find<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>>;

    /// Tries address, token and rights without leaving anything behind; gives one line for people.
    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>>;
}

/// A page of what changed at a CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The records, in the order in which the source gives them.
    pub records: Vec<RecordState>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<u64>,
}

/// Records with what they say now; `None` for one that is gone.
pub type Readings = Vec<(RecordRef, Option<RecordState>)>;

/// Reads what became of leads in a CRM. Changes nothing there: what is learned here can never come back as news.
pub trait OutcomeSource: Send + Sync {
    /// The kinds of records that leads become there.
    fn kinds(&self) -> &'static [RecordKind];

    /// Reads records by their numbers, at most fifty. Each comes back once, `None` when it is gone.
    fn read<'a>(&'a self, records: &'a [RecordRef]) -> BoxFuture<'a, Result<Readings, DeliveryError>>;

    /// One page of the records of a kind that changed at or after `since`, by the CRM's clock; `after` is
    /// [`Changes::next`] of the page before.
    fn changed(
        &self,
        kind: RecordKind,
        since: Timestamp,
        after: Option<u64>,
    ) -> BoxFuture<'_, Result<Changes, DeliveryError>>;
}

/// Tells people that something is wrong, or right again.
pub trait Notifier: Send + Sync {
    /// What it is called in configurations and on screens.
    fn name(&self) -> &str;

    /// Sends a text of a few lines; the first one is its heading.
    fn tell<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), DeliveryError>>;
}

/// Takes money for orders through a bank. One value per configured site. Nothing that it says about money is believed
/// but an answer of the bank to [`PaymentGateway::report`].
pub trait PaymentGateway: Send + Sync {
    /// The kind, as configurations name it: `alfa`.
    fn kind(&self) -> &'static str;

    /// Tells the bank of an order, once per number: the bank refuses a number that it knows.
    fn register<'a>(
        &'a self,
        order: &'a Order,
        ways: &'a Ways,
    ) -> BoxFuture<'a, Result<Registered, GatewayError>>;

    /// Asks the bank how an order stands. Changes nothing.
    fn report<'a>(&'a self, order: Asked<'a>) -> BoxFuture<'a, Result<Report, GatewayError>>;

    /// Reads what the bank sent by itself, as name-value pairs, and checks its signature.
    ///
    /// # Errors
    /// [`NoticeFault`] when it must not be believed.
    fn notice(&self, pairs: &[(String, String)]) -> Result<Notice, NoticeFault>;

    /// Where its pages lie (`https://host`, `https://*.host`), for the `form-action` of pages that send people there.
    fn form_action(&self) -> String;
}

/// What the maker of a captcha says of the sender of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// A person.
    Person,
    /// A robot.
    Robot,
    /// Nothing: it is away, or does not know us.
    Unknown {
        /// What happened, without secrets.
        reason: String,
    },
}

/// Tells people from robots by the token that a captcha left in a form. One value per configured site.
pub trait Captcha: Send + Sync {
    /// Asks the maker about a token and the network address of its sender. A token is good once.
    fn judge<'a>(&'a self, token: &'a str, ip: &'a str) -> BoxFuture<'a, Judged>;
}

/// A pair of tokens as a destination gives it out. The second one buys the next pair, and works once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// Opens the destination for a while.
    pub access: Secret,
    /// Buys the next pair.
    pub refresh: Secret,
    /// How long the first one still opens.
    pub lasts: SignedDuration,
}

/// The pair that is kept, and which one of the row of pairs it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPair {
    /// 1 for the first pair, one more for each that replaced it.
    pub version: i64,
    /// The pair.
    pub pair: TokenPair,
}

/// Why tokens could not be read or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tokens cannot be kept: {reason}")]
pub struct KeeperError {
    /// For people.
    pub reason: String,
}

/// Keeps the newest pair of tokens of each destination of one client, so that no restart and no second process loses
/// or spends one.
pub trait TokenKeeper: Send + Sync + std::fmt::Debug {
    /// The newest pair under this name; `None` before the first one.
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<KeptPair>, KeeperError>>;

    /// Takes the sole right to replace the pair of this version (0: to keep the first one) for a while. False when
    /// somebody else has the right, or the pair was replaced meanwhile.
    fn claim<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        during: SignedDuration,
    ) -> BoxFuture<'a, Result<bool, KeeperError>>;

    /// Gives the right back without a new pair.
    fn release<'a>(&'a self, name: &'a str, version: i64) -> BoxFuture<'a, Result<(), KeeperError>>;

    /// Keeps a new pair durably in place of the one of this version, and ends the claim. False when that one was
    /// replaced meanwhile.
    fn keep<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        pair: &'a TokenPair,
    ) -> BoxFuture<'a, Result<bool, KeeperError>>;
}

/// Whether a tool changes the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Only reads.
    Read,
    /// Changes something; runs at most once per idempotency key.
    Write,
}

/// On whose behalf a tool runs. The model or flow never sees or fills this.
#[derive(Debug, Clone)]
pub struct ToolScope {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The visit, if known.
    pub visit_id: Option<VisitId>,
    /// The worker package.
    pub worker: String,
    /// Language of the answer: `ru` or `en`.
    pub language: String,
    /// Address of the page that the visitor is on.
    pub page: String,
    /// The sender's network address, for the proof of consent.
    pub ip: Option<String>,
    /// The sender's browser, for the proof of consent.
    pub user_agent: Option<String>,
    /// Ties the tool's events to the turn.
    pub trace_id: TraceId,
    /// One per business effect: a repeat with the same key has no second effect and gives the same answer.
    pub key: String,
    /// The present instant of the turn.
    pub now: Timestamp,
}

/// What a tool gives back: data, never instructions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolOutcome {
    /// The result; every number, date and name that an answer may state stands here.
    pub data: Value,
    /// Where it was taken from.
    pub sources: Vec<SourceLink>,
    /// Stock items to show.
    pub cards: Vec<Card>,
    /// Buttons to offer.
    pub choices: Vec<Choice>,
    /// How long the result stays true; `None` means for this turn only.
    #[serde(skip)]
    pub valid_for: Option<SignedDuration>,
}

/// Why a tool gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// The arguments do not fit the tool.
    #[error("argument `{name}`: {reason}")]
    Argument {
        /// Which one.
        name: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// The business says no: slot taken, car sold. `code` is stable and flows branch on it.
    #[error("{reason}")]
    Refused {
        /// For flows.
        code: String,
        /// For people.
        reason: String,
    },
    /// It broke; may be tried again with the same key.
    #[error("{reason}")]
    Failed {
        /// For people.
        reason: String,
    },
}

impl ToolError {
    /// The stable code that events and flows name: `argument`, the refusal's own, or `failed`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Argument { .. } => "argument",
            Self::Refused { code, .. } => code,
            Self::Failed { .. } => "failed",
        }
    }
}

/// Something that a worker can do.
pub trait Tool: Send + Sync {
    /// The name by which packages ask for it: `stock_search`.
    fn name(&self) -> &'static str;

    /// Whether it changes the world.
    fn effect(&self) -> Effect;

    /// Runs it with a JSON object of arguments.
    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>>;
}

/// The tools of one site, by name.
#[derive(Clone, Default)]
pub struct Toolbox(Vec<Arc<dyn Tool>>);

impl Toolbox {
    /// Collects tools; a later tool of the same name is never reached.
    #[must_use]
    pub fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self(tools)
    }

    /// Finds a tool.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.iter().find(|tool| tool.name() == name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|tool| tool.name())
    }
}

impl std::fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
