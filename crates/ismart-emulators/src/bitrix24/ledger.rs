//! What really exists in the portal, for assertions.

use super::entity::Entity;
use super::store::{Activity, Comment, Store, StoredItem};
use serde::Serialize;
use std::sync::Arc;

/// A copy of everything the portal holds at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Ledger {
    items: Vec<Arc<StoredItem>>,
    /// Comments in timelines, oldest first.
    pub comments: Vec<Comment>,
    /// To-dos in timelines, oldest first.
    pub activities: Vec<Activity>,
}

impl Ledger {
    pub(super) fn of(store: &Store) -> Self {
        Self { items: store.all(), comments: store.comments.clone(), activities: store.activities.clone() }
    }

    /// All objects of a kind, by id.
    pub fn items(&self, entity: Entity) -> impl Iterator<Item = &StoredItem> {
        self.items.iter().map(AsRef::as_ref).filter(move |item| item.entity == entity)
    }

    /// All leads, by id.
    #[must_use]
    pub fn leads(&self) -> Vec<&StoredItem> {
        self.items(Entity::Lead).collect()
    }

    /// All deals, by id.
    #[must_use]
    pub fn deals(&self) -> Vec<&StoredItem> {
        self.items(Entity::Deal).collect()
    }

    /// All contacts, by id.
    #[must_use]
    pub fn contacts(&self) -> Vec<&StoredItem> {
        self.items(Entity::Contact).collect()
    }

    /// The objects of a kind that carry this external id; more than one is a double.
    #[must_use]
    pub fn by_origin(&self, entity: Entity, originator: &str, origin: &str) -> Vec<&StoredItem> {
        self.items(entity)
            .filter(|item| item.text("originatorId") == originator && item.text("originId") == origin)
            .collect()
    }
}
