//! Conversations: who talks, what a message carries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, ConversationId, MessageId, SiteId, UserId, VisitorId};

/// Who leads the conversation on the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The digital worker answers.
    Worker,
    /// The visitor was promised a person; the worker still helps until one comes.
    Waiting,
    /// A person answers; the worker is silent.
    Person,
    /// Ended; the next message of the visitor opens it again.
    Closed,
}

impl Mode {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Waiting => "waiting",
            Self::Person => "person",
            Self::Closed => "closed",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Worker, Self::Waiting, Self::Person, Self::Closed].into_iter().find(|mode| mode.code() == code)
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The visitor of the site.
    Visitor,
    /// The digital worker.
    Worker,
    /// A person of the client's staff.
    Person,
    /// The platform ("Anna joined").
    System,
}

impl Author {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Worker => "worker",
            Self::Person => "person",
            Self::System => "system",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Visitor, Self::Worker, Self::Person, Self::System].into_iter().find(|a| a.code() == code)
    }
}

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the visitor reads.
    pub label: String,
    /// What the server gets, for example `slot:2026-12-01T10:00`.
    pub choice: String,
}

/// Where an answer was taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLink {
    /// Title of the page or stock item.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// A stock item shown with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Name.
    pub title: String,
    /// The most important properties, one line.
    pub text: String,
    /// Price as shown.
    pub price: String,
    /// Address of the picture.
    pub image: Option<String>,
    /// Address of the page.
    pub url: String,
}

/// A form inside the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactForm {
    /// Always `contact`.
    pub kind: String,
    /// Which fields are asked for: `name`, `phone`.
    pub fields: Vec<String>,
    /// What the visitor agrees to by sending it.
    pub consent: ConsentText,
}

/// A consent text as shown to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentText {
    /// The sentence beside the box.
    pub label: String,
    /// Address of the whole document.
    pub url: String,
    /// Version of the document.
    pub version: String,
}

/// What a message carries besides its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    /// Buttons.
    pub choices: Vec<Choice>,
    /// Where the answer was taken from.
    pub sources: Vec<SourceLink>,
    /// Stock items.
    pub cards: Vec<Card>,
    /// A form to fill in.
    pub form: Option<ContactForm>,
}

/// A contact sent through the form inside the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Name as typed.
    pub name: String,
    /// Phone as typed.
    pub phone: String,
    /// The box was ticked.
    pub consent: bool,
    /// Version of the consent text that was shown.
    pub consent_version: String,
}

/// What the visitor sent besides the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inbound {
    /// The button pressed.
    pub choice: Option<String>,
    /// The contact form filled in.
    pub contact: Option<Contact>,
    /// The page he was on.
    pub page: String,
}

/// One stored message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Place in the conversation, from 1, without gaps.
    pub seq: i64,
    /// Identity, chosen by the sender.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// Name shown with it.
    pub name: Option<String>,
    /// The text.
    pub text: String,
    /// When it was stored.
    pub at: Timestamp,
    /// Buttons, links, cards, form.
    #[serde(flatten)]
    pub extras: Extras,
}

/// A dialogue between a visitor and the client's side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Identity.
    pub id: ConversationId,
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// The visitor.
    pub visitor_id: VisitorId,
    /// The worker package that serves it.
    pub worker: String,
    /// Who leads it.
    pub mode: Mode,
    /// The person who leads it, in mode `person`.
    pub user_id: Option<UserId>,
    /// The worker's memory: flow, slots. Only the worker runtime reads it.
    pub memory: serde_json::Value,
    /// `seq` of the last message.
    pub last_seq: i64,
    /// `seq` of the last visitor message that the worker has answered (or left to a person).
    pub handled_seq: i64,
    /// Until when a person is due, in mode `waiting`.
    pub person_due_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}
