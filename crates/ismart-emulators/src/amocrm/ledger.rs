//! What really exists in the account, for assertions.

use super::kind::Kind;
use super::store::{Item, Store, Unsorted};
use serde::Serialize;
use std::sync::Arc;

/// A copy of everything the account holds at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Ledger {
    items: Vec<Arc<Item>>,
    /// Incoming requests, oldest first, with what became of them.
    pub unsorted: Vec<Unsorted>,
}

impl Ledger {
    pub(super) fn of(store: &Store) -> Self {
        Self { items: store.all(), unsorted: store.unsorted.clone() }
    }

    /// All objects of a kind, by id.
    #[must_use]
    pub fn items(&self, kind: Kind) -> Vec<&Item> {
        self.items.iter().map(AsRef::as_ref).filter(|item| item.kind == kind).collect()
    }

    /// All leads, by id.
    #[must_use]
    pub fn leads(&self) -> Vec<&Item> {
        self.items(Kind::Lead)
    }

    /// All contacts, by id.
    #[must_use]
    pub fn contacts(&self) -> Vec<&Item> {
        self.items(Kind::Contact)
    }

    /// The leads in which this field holds this value; more than one is a double.
    #[must_use]
    pub fn leads_by_field(&self, field_id: u64, value: &str) -> Vec<&Item> {
        let has = |lead: &&Item| lead.field(field_id).iter().any(|have| have == value);
        self.leads().into_iter().filter(has).collect()
    }

    /// Tasks or notes of a lead, oldest first.
    #[must_use]
    pub fn of_lead(&self, kind: Kind, lead: u64) -> Vec<&Item> {
        let lead = i64::try_from(lead).ok();
        let ours = |item: &&Item| item.text("entity_type") == "leads" && item.number("entity_id") == lead;
        self.items(kind).into_iter().filter(ours).collect()
    }
}
