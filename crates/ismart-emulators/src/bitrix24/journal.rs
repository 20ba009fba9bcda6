//! The changes of a portal as its journal keeps them.

use super::entity::Entity;
use super::store::{Activity, Comment, StoredItem};
use serde::{Deserialize, Serialize};

/// One stored change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Entry {
    Item(StoredItem),
    Comment(Comment),
    Activity(Activity),
    Deleted { entity: Entity, id: u64 },
}

pub(super) type Journal = crate::journal::Journal<Entry>;
