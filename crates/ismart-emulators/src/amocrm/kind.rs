//! The kinds of objects that an account holds.

use serde::{Deserialize, Serialize};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request or sale in a pipeline.
    Lead,
    /// A person.
    Contact,
    /// A company.
    Company,
    /// Something to do.
    Task,
    /// A line in the history of another object.
    Note,
}

impl Kind {
    /// The name of one in links, tags and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Task => "task",
            Self::Note => "note",
        }
    }

    /// The name in paths and `_embedded`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Lead => "leads",
            Self::Contact => "contacts",
            Self::Company => "companies",
            Self::Task => "tasks",
            Self::Note => "notes",
        }
    }

    /// The kind that paths and `entity_type` call so; notes belong to others and are none.
    pub(super) fn from_plural(name: &str) -> Option<Self> {
        [Self::Lead, Self::Contact, Self::Company, Self::Task].into_iter().find(|kind| kind.plural() == name)
    }

    /// Whether it has custom fields, tags, notes and links.
    pub(super) fn is_card(self) -> bool {
        matches!(self, Self::Lead | Self::Contact | Self::Company)
    }
}
