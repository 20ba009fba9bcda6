//! Leads: what a person asked for, who he is, where he came from, what he agreed to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contact::{Email, PersonName, Phone};
use crate::id::{ApiTokenId, ClientId, ConsentId, ConversationId, FileId, LeadId, SiteId, UserId, VisitId};
use crate::money::Money;
use crate::spam::Signal;

/// What the person wants. The wire names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// To drive a car before buying.
    TestDrive,
    /// To buy something from stock.
    Purchase,
    /// A loan or leasing.
    Credit,
    /// To give the old car in payment.
    TradeIn,
    /// Repair or maintenance.
    Service,
    /// A call back.
    Callback,
    /// An answer to a question.
    Question,
    /// Anything else.
    Other,
}

impl Intent {
    /// Every intent, in the order that screens show them.
    pub const ALL: [Self; 8] = [
        Self::TestDrive,
        Self::Purchase,
        Self::Credit,
        Self::TradeIn,
        Self::Service,
        Self::Callback,
        Self::Question,
        Self::Other,
    ];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TestDrive => "test_drive",
            Self::Purchase => "purchase",
            Self::Credit => "credit",
            Self::TradeIn => "trade_in",
            Self::Service => "service",
            Self::Callback => "callback",
            Self::Question => "question",
            Self::Other => "other",
        }
    }

    /// Reads a wire name; `None` when there is no such intent.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|intent| intent.code() == code)
    }

    /// The Russian title used in CRM records.
    #[must_use]
    pub fn title_ru(self) -> &'static str {
        match self {
            Self::TestDrive => "Тест-драйв",
            Self::Purchase => "Покупка",
            Self::Credit => "Кредит",
            Self::TradeIn => "Трейд-ин",
            Self::Service => "Сервис",
            Self::Callback => "Обратный звонок",
            Self::Question => "Вопрос",
            Self::Other => "Заявка",
        }
    }
}

/// Through what the lead came in, with what proves its origin there. The wire names are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Channel {
    /// A form of the site.
    Form {
        /// The form's name.
        form: String,
    },
    /// A conversation with a worker.
    Conversation {
        /// Which one.
        conversation_id: ConversationId,
        /// The worker package that led it.
        worker: String,
    },
    /// A contact left in a call-back widget of somebody else, rescued by the page.
    Widget {
        /// The widget's name.
        widget: String,
    },
    /// A letter.
    Mail {
        /// The mailbox or command that it came in by.
        mailbox: String,
        /// Its `Message-ID`, without angle brackets.
        message_id: String,
    },
    /// A row of a file.
    Import {
        /// The file's name.
        file: String,
        /// SHA-256 of the file, hexadecimal.
        sha256: String,
        /// The row, from 1 as people count them in the file.
        row: u64,
    },
    /// A signed webhook.
    Webhook {
        /// The name that it is configured under.
        name: String,
        /// The sender's id of the message (`webhook-id`).
        message_id: String,
    },
    /// A call, or a request to call, told by a provider of telephony.
    Call {
        /// The provider, as configurations name it: `calltouch`.
        provider: String,
        /// The provider's id of the call.
        call_id: String,
        /// How long people spoke.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u32>,
        /// Where it can be listened to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recording: Option<String>,
        /// The client's number that was called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<String>,
    },
    /// A program with a key of the API.
    Api {
        /// The key.
        token_id: ApiTokenId,
    },
    /// A person of the client who wrote it down, for example out of what no program could read.
    Person {
        /// Who.
        user_id: UserId,
    },
}

impl Channel {
    /// Wire names of every channel, in the order that screens show them.
    pub const CODES: [&str; 9] =
        ["form", "conversation", "widget", "call", "mail", "webhook", "import", "api", "person"];

    /// The stable wire name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "form",
            Self::Conversation { .. } => "conversation",
            Self::Widget { .. } => "widget",
            Self::Mail { .. } => "mail",
            Self::Import { .. } => "import",
            Self::Webhook { .. } => "webhook",
            Self::Call { .. } => "call",
            Self::Api { .. } => "api",
            Self::Person { .. } => "person",
        }
    }

    /// The conversation, if it was one.
    #[must_use]
    pub fn conversation_id(&self) -> Option<ConversationId> {
        match self {
            Self::Conversation { conversation_id, .. } => Some(*conversation_id),
            _ => None,
        }
    }

    /// The form's name, if it was one.
    #[must_use]
    pub fn form(&self) -> Option<&str> {
        match self {
            Self::Form { form } => Some(form),
            _ => None,
        }
    }

    /// What tells this door from others of its kind, for people: the form, the mailbox, the file with its row.
    /// `None` where the kind says it all.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Form { form } => Some(form.clone()),
            Self::Conversation { worker, .. } => Some(worker.clone()),
            Self::Widget { widget } => Some(widget.clone()),
            Self::Mail { mailbox, .. } => Some(mailbox.clone()),
            Self::Import { file, row, .. } => Some(format!("{file}:{row}")),
            Self::Webhook { name, .. } => Some(name.clone()),
            Self::Call { provider, line, .. } => {
                Some(line.as_ref().map_or_else(|| provider.clone(), |line| format!("{provider} {line}")))
            }
            Self::Api { .. } | Self::Person { .. } => None,
        }
    }
}

/// A file that came with a lead. The bytes lie beside the database, under the client's own folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Identity.
    pub id: FileId,
    /// The name as the sender wrote it, cleaned.
    pub name: String,
    /// The type by content, for example `image/jpeg`.
    pub media_type: String,
    /// Length.
    pub bytes: u64,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
}

/// Advertising marks of a visit, each cut to 255 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Utm {
    /// `utm_source`.
    pub source: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// `utm_campaign`.
    pub campaign: Option<String>,
    /// `utm_content`.
    pub content: Option<String>,
    /// `utm_term`.
    pub term: Option<String>,
}

impl Utm {
    /// Picks the marks out of name-value pairs (a query string or a form).
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut utm = Self::default();
        for (name, value) in pairs {
            let place = match name {
                "utm_source" => &mut utm.source,
                "utm_medium" => &mut utm.medium,
                "utm_campaign" => &mut utm.campaign,
                "utm_content" => &mut utm.content,
                "utm_term" => &mut utm.term,
                _ => continue,
            };
            let value: String = value.trim().chars().take(255).collect();
            if !value.is_empty() {
                *place = Some(value);
            }
        }
        utm
    }
}

/// Where the lead came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadSource {
    /// The door that it came in by.
    pub channel: Channel,
    /// Address of the page.
    pub page_url: String,
    /// Where the visitor had come from.
    pub referrer: Option<String>,
    /// Advertising marks.
    pub utm: Utm,
    /// The visit, if the browser told it.
    pub visit_id: Option<VisitId>,
}

/// The thing asked about: for a dealer a car of the stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Stable key in the client's stock: VIN, or the feed's id.
    pub key: String,
    /// What a person calls it.
    pub title: String,
}

/// The purpose of a consent (152-FZ asks for one proof each).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPurpose {
    /// Processing of personal data to answer the request.
    Processing,
    /// Advertising by e-mail, message or call.
    Marketing,
}

impl ConsentPurpose {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Marketing => "marketing",
        }
    }
}

/// A consent as given, before it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentDraft {
    /// What for.
    pub purpose: ConsentPurpose,
    /// The exact text that was agreed to.
    pub text: String,
    /// Version of the text, as the site names it.
    pub version: String,
    /// Where the whole document stands.
    pub url: String,
    /// Address of the page where it was given.
    pub page_url: String,
    /// The sender's network address.
    pub ip: Option<String>,
    /// The sender's browser.
    pub user_agent: Option<String>,
}

/// A stored consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Identity.
    pub id: ConsentId,
    /// The lead it came with.
    pub lead_id: LeadId,
    /// When it was given.
    pub given_at: Timestamp,
    /// SHA-256 of the text, hexadecimal.
    pub text_sha256: String,
    /// The consent.
    pub draft: ConsentDraft,
}

/// A lead before it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadDraft {
    /// The site it belongs to.
    pub site_id: SiteId,
    /// What the person wants.
    pub intent: Intent,
    /// His name.
    pub name: Option<PersonName>,
    /// His phone. A lead needs a phone or an e-mail address.
    pub phone: Option<Phone>,
    /// His e-mail address.
    pub email: Option<Email>,
    /// His words, or the summary of the conversation.
    pub comment: String,
    /// What he asked about.
    pub subject: Option<Subject>,
    /// What he has paid for it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Where it came from.
    pub source: LeadSource,
    /// What he agreed to.
    pub consents: Vec<ConsentDraft>,
    /// Other fields of the form, as sent.
    pub fields: BTreeMap<String, String>,
    /// Files that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileRef>,
    /// What the door saw that makes a robot likely; weighed at acceptance. Empty for doors that strangers cannot use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// The sender's key: a repeat with the same key is the same lead, for ever.
    pub idempotency_key: Option<String>,
    /// Travels the whole path but counts for nothing.
    pub test: bool,
}

/// A stored lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Identity.
    pub id: LeadId,
    /// The client it belongs to.
    pub client_id: ClientId,
    /// Short number for people, counted per client from 1.
    pub number: i64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The content.
    pub draft: LeadDraft,
}

impl Lead {
    /// The title of the record in a CRM: `Тест-драйв: Haval Jolion`.
    #[must_use]
    pub fn title(&self) -> String {
        let intent = self.draft.intent.title_ru();
        match &self.draft.subject {
            Some(subject) => format!("{intent}: {}", subject.title).chars().take(250).collect(),
            None => format!("{intent}: заявка № {}", self.number),
        }
    }

    /// The key under which a CRM finds this lead again.
    #[must_use]
    pub fn origin_id(&self) -> String {
        format!("lead-{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utm_marks_are_picked_and_cut() {
        let long = "x".repeat(300);
        let utm = Utm::from_pairs([
            ("utm_source", " yandex "),
            ("utm_term", long.as_str()),
            ("q", "1"),
            ("utm_medium", ""),
        ]);
        assert_eq!(utm.source.as_deref(), Some("yandex"));
        assert_eq!(utm.term.map(|t| t.len()), Some(255));
        assert_eq!(utm.medium, None);
    }

    #[test]
    fn intents_keep_their_wire_names() {
        for intent in Intent::ALL {
            assert_eq!(Intent::from_code(intent.code()), Some(intent));
            assert_eq!(serde_json::to_string(&intent).unwrap(), format!("\"{}\"", intent.code()));
        }
    }
}
