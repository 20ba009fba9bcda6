//! The four kinds of CRM objects the portal keeps.

use serde::{Deserialize, Serialize};

/// A kind of CRM object, with Bitrix24's own numbers and codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// Lead, `entityTypeId` 1.
    Lead,
    /// Deal, `entityTypeId` 2.
    Deal,
    /// Contact, `entityTypeId` 3.
    Contact,
    /// Company, `entityTypeId` 4.
    Company,
}

impl Entity {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Entity; 4] = [Entity::Lead, Entity::Deal, Entity::Contact, Entity::Company];

    /// The `entityTypeId` of the REST API.
    #[must_use]
    pub fn type_id(self) -> i64 {
        match self {
            Entity::Lead => 1,
            Entity::Deal => 2,
            Entity::Contact => 3,
            Entity::Company => 4,
        }
    }

    /// The kind with this `entityTypeId`, if the portal keeps it.
    #[must_use]
    pub fn from_type_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.type_id() == id)
    }

    /// The lower-case code used by timeline methods, e.g. `lead`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Entity::Lead => "lead",
            Entity::Deal => "deal",
            Entity::Contact => "contact",
            Entity::Company => "company",
        }
    }

    /// The upper-case code used by duplicate search, e.g. `LEAD`.
    #[must_use]
    pub fn upper(self) -> &'static str {
        match self {
            Entity::Lead => "LEAD",
            Entity::Deal => "DEAL",
            Entity::Contact => "CONTACT",
            Entity::Company => "COMPANY",
        }
    }

    /// The Russian word from which a missing title is made, as in `Лид #13`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Entity::Lead => "Лид",
            Entity::Deal => "Сделка",
            Entity::Contact => "Контакт",
            Entity::Company => "Компания",
        }
    }
}
