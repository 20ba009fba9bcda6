//! Identifiers: UUIDv7 newtypes, one per kind of thing, so that two kinds cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every identifier can do; lets [`crate::Env::new_id`] make any of them.
pub trait Id: Copy {
    /// The glossary name of the identified thing, for error texts.
    const NAME: &'static str;
    /// Wraps a raw UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The raw UUID.
    fn uuid(self) -> Uuid;
}

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {name} id: expected a UUID such as 018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d")]
pub struct IdError {
    name: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl Id for $name {
            const NAME: &'static str = $label;
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).or_else(|_| {
                    Err(IdError { name: $label, text: text.chars().take(64).collect() })
                })
            }
        }
    )*};
}

ids! {
    /// A paying company whose sites we serve; the tenant of every row.
    ClientId = "client";
    /// A website of a client.
    SiteId = "site";
    /// One publication of a site's content.
    RevisionId = "revision";
    /// A publication whose time is yet to come.
    ScheduleId = "scheduled publication";
    /// A browser (or messenger account) that came to a site.
    VisitorId = "visitor";
    /// One stay of a visitor; ends after 30 minutes of silence.
    VisitId = "visit";
    /// A request of a person that the client should answer.
    LeadId = "lead";
    /// Somebody who asked for something, over all channels.
    PersonId = "person";
    /// Two persons joined into one.
    MergeId = "merge of persons";
    /// The same request, come again with something new.
    RepeatId = "repeat";
    /// A file that came with a lead.
    FileId = "file";
    /// Something that came in and could not be read as a lead.
    UnreadId = "unread arrival";
    /// A file of rows that become leads.
    ImportId = "import";
    /// A proof that a person agreed to a purpose.
    ConsentId = "consent";
    /// One lead on its way to one destination.
    DeliveryId = "delivery";
    /// A dialogue between a visitor and a worker or person.
    ConversationId = "conversation";
    /// One message of a conversation; chosen by the sender, so a repeat is recognised.
    MessageId = "message";
    /// One fact of the event log.
    EventId = "event";
    /// Ties everything that one cause produced.
    TraceId = "trace";
    /// A person who signs in to the console.
    UserId = "user";
    /// A signed-in browser of a user.
    SessionId = "session";
    /// A reserved time slot.
    BookingId = "booking";
    /// A key with which a program calls the API.
    ApiTokenId = "API token";
    /// Whose draft of a site: a person or a key of the API.
    DrafterId = "drafter";
}

impl From<UserId> for DrafterId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl From<ApiTokenId> for DrafterId {
    fn from(token: ApiTokenId) -> Self {
        Self(token.0)
    }
}
