//! The objects that exist, with the indexes that look-ups need.

use super::entity::Entity;
use super::events::{Happened, News};
use super::journal::{Entry, Journal};
use super::rng::Rng;
use crate::spelling::normalise;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One phone, address or messenger of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multi {
    /// The portal's id of this entry.
    pub id: u64,
    /// `PHONE`, `EMAIL`, `WEB`, `IM` or `LINK`.
    pub type_id: String,
    /// `WORK`, `MOBILE` …
    pub value_type: String,
    /// As it was sent.
    pub value: String,
}

/// One object that really exists in the portal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredItem {
    /// What it is.
    pub entity: Entity,
    /// The portal's id.
    pub id: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// Values under the names of `crm.item.*` (custom fields under `UF_CRM_…`).
    pub values: Map<String, Value>,
    /// Phones, addresses, messengers.
    pub multi: Vec<Multi>,
}

impl StoredItem {
    /// A text value, empty when it is absent or no text.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.values.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// A whole number, `None` when absent.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<i64> {
        self.values.get(key).and_then(Value::as_i64)
    }

    /// The phones, as they were sent.
    #[must_use]
    pub fn phones(&self) -> Vec<&str> {
        self.multi_values("PHONE")
    }

    /// The e-mail addresses, as they were sent.
    #[must_use]
    pub fn emails(&self) -> Vec<&str> {
        self.multi_values("EMAIL")
    }

    fn multi_values(&self, type_id: &str) -> Vec<&str> {
        self.multi.iter().filter(|m| m.type_id == type_id).map(|m| m.value.as_str()).collect()
    }

    pub(super) fn has(&self, type_id: &str) -> bool {
        self.multi.iter().any(|m| m.type_id == type_id)
    }
}

/// A comment in an object's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The portal's id.
    pub id: u64,
    /// The kind of object it belongs to.
    pub entity: Entity,
    /// The object.
    pub entity_id: u64,
    /// The text.
    pub comment: String,
    /// The user whose rights were used.
    pub author_id: u64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A to-do in an object's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The portal's id.
    pub id: u64,
    /// The kind of object it belongs to.
    pub owner: Entity,
    /// The object.
    pub owner_id: u64,
    /// When it is due.
    pub deadline: Timestamp,
    /// Heading.
    pub title: String,
    /// Text.
    pub description: String,
    /// Who shall do it.
    pub responsible_id: u64,
    /// When it was created.
    pub created_at: Timestamp,
}

type CommKey = (Entity, String, String);

#[derive(Debug)]
pub(super) struct Store {
    items: BTreeMap<(Entity, u64), Arc<StoredItem>>,
    pub(super) comments: Vec<Comment>,
    pub(super) activities: Vec<Activity>,
    origins: HashMap<(Entity, String), BTreeSet<u64>>,
    comms: HashMap<CommKey, BTreeSet<u64>>,
    next: HashMap<&'static str, u64>,
    journal: Option<Journal>,
    /// What changed and subscribers were not told of yet.
    pub(super) news: Vec<News>,
}

impl Store {
    /// An empty store whose first ids depend on the seed, as a real portal's ids are never 1.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut next = HashMap::new();
        for kind in ["lead", "deal", "contact", "company", "comment", "activity", "multi"] {
            next.insert(kind, 1000 + rng.below(4000));
        }
        Self {
            items: BTreeMap::new(),
            comments: Vec::new(),
            activities: Vec::new(),
            origins: HashMap::new(),
            comms: HashMap::new(),
            next,
            journal: None,
            news: Vec::new(),
        }
    }

    /// Takes over what a journal holds and writes to it from here on.
    pub(super) fn resume(&mut self, journal: Journal, entries: Vec<Entry>) {
        for entry in entries {
            self.apply(entry);
        }
        self.journal = Some(journal);
    }

    /// The next id of this kind; never given twice.
    pub(super) fn next_id(&mut self, kind: &'static str) -> u64 {
        let next = self.next.entry(kind).or_insert(1000);
        let id = *next;
        *next = next.saturating_add(1);
        id
    }

    fn reserve(&mut self, kind: &'static str, id: u64) {
        let next = self.next.entry(kind).or_insert(1000);
        *next = (*next).max(id.saturating_add(1));
    }

    pub(super) fn get(&self, entity: Entity, id: u64) -> Option<&Arc<StoredItem>> {
        self.items.get(&(entity, id))
    }

    pub(super) fn exists(&self, entity: Entity, id: u64) -> bool {
        self.items.contains_key(&(entity, id))
    }

    /// All objects of a kind by id, from the first id above `after`.
    pub(super) fn iter(&self, entity: Entity, after: Option<u64>) -> impl Iterator<Item = &Arc<StoredItem>> {
        let from = after.map_or(0, |id| id.saturating_add(1));
        self.items.range((entity, from)..=(entity, u64::MAX)).map(|(_, item)| item)
    }

    /// The objects of a kind with this `originId`.
    pub(super) fn by_origin(&self, entity: Entity, origin: &str) -> Vec<&Arc<StoredItem>> {
        let ids = self.origins.get(&(entity, origin.to_lowercase()));
        ids.into_iter().flatten().filter_map(|id| self.get(entity, *id)).collect()
    }

    /// The ids of a kind with this phone or address, normalised.
    pub(super) fn by_comm(&self, entity: Entity, type_id: &str, value: &str) -> BTreeSet<u64> {
        let key = (entity, type_id.to_owned(), normalise(type_id, value));
        self.comms.get(&key).cloned().unwrap_or_default()
    }

    pub(super) fn count(&self, entity: Entity) -> usize {
        self.items.range((entity, 0)..=(entity, u64::MAX)).count()
    }

    pub(super) fn all(&self) -> Vec<Arc<StoredItem>> {
        self.items.values().cloned().collect()
    }

    /// Makes a change durable, then visible.
    pub(super) fn commit(&mut self, entry: Entry) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.append(&entry)?;
        }
        self.news.extend(self.news_of(&entry));
        self.apply(entry);
        Ok(())
    }

    fn news_of(&self, entry: &Entry) -> Option<News> {
        let (entity, id, happened) = match entry {
            Entry::Item(item) if self.exists(item.entity, item.id) => {
                (item.entity, item.id, Happened::Updated)
            }
            Entry::Item(item) => (item.entity, item.id, Happened::Added),
            Entry::Deleted { entity, id } => (*entity, *id, Happened::Deleted),
            Entry::Comment(_) | Entry::Activity(_) => return None,
        };
        Some(News { entity, id, happened })
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Item(item) => {
                self.reserve(item.entity.code(), item.id);
                for multi in &item.multi {
                    self.reserve("multi", multi.id);
                }
                self.unindex(item.entity, item.id);
                self.index(&item);
                self.items.insert((item.entity, item.id), Arc::new(item));
            }
            Entry::Comment(comment) => {
                self.reserve("comment", comment.id);
                self.comments.push(comment);
            }
            Entry::Activity(activity) => {
                self.reserve("activity", activity.id);
                self.activities.push(activity);
            }
            Entry::Deleted { entity, id } => {
                self.unindex(entity, id);
                self.items.remove(&(entity, id));
            }
        }
    }

    fn index(&mut self, item: &StoredItem) {
        let origin = item.text("originId");
        if !origin.is_empty() {
            self.origins.entry((item.entity, origin.to_lowercase())).or_default().insert(item.id);
        }
        for key in comm_keys(item) {
            self.comms.entry(key).or_default().insert(item.id);
        }
    }

    fn unindex(&mut self, entity: Entity, id: u64) {
        let Some(old) = self.items.get(&(entity, id)).cloned() else { return };
        let origin = (entity, old.text("originId").to_lowercase());
        if let Some(ids) = self.origins.get_mut(&origin) {
            ids.remove(&id);
        }
        for key in comm_keys(&old) {
            if let Some(ids) = self.comms.get_mut(&key) {
                ids.remove(&id);
            }
        }
    }
}

fn comm_keys(item: &StoredItem) -> Vec<CommKey> {
    item.multi.iter().map(|m| (item.entity, m.type_id.clone(), normalise(&m.type_id, &m.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(id: u64, origin: &str, phone: &str) -> StoredItem {
        StoredItem {
            entity: Entity::Lead,
            id,
            created_at: Timestamp::UNIX_EPOCH,
            values: Map::from_iter([("originId".to_owned(), Value::from(origin))]),
            multi: vec![Multi {
                id: 7,
                type_id: "PHONE".into(),
                value_type: "WORK".into(),
                value: phone.into(),
            }],
        }
    }

    #[test]
    fn an_update_moves_the_item_between_indexes() {
        let mut store = Store::new(&mut Rng::new(1));
        store.commit(Entry::Item(lead(5000, "a", "89990000001"))).unwrap();
        store.commit(Entry::Item(lead(5000, "b", "89990000002"))).unwrap();
        assert!(store.by_origin(Entity::Lead, "a").is_empty());
        assert_eq!(store.by_origin(Entity::Lead, "B").len(), 1);
        assert!(store.by_comm(Entity::Lead, "PHONE", "+79990000001").is_empty());
        assert_eq!(store.by_comm(Entity::Lead, "PHONE", "+79990000002").len(), 1);
        store.commit(Entry::Deleted { entity: Entity::Lead, id: 5000 }).unwrap();
        assert!(store.by_origin(Entity::Lead, "b").is_empty());
    }

    #[test]
    fn ids_go_on_after_a_reload() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("portal.jsonl");
        let (journal, entries) = Journal::open(&path).unwrap();
        let mut store = Store::new(&mut Rng::new(1));
        store.resume(journal, entries);
        store.commit(Entry::Item(lead(9000, "a", "1"))).unwrap();
        drop(store);
        let whole = std::fs::metadata(&path).unwrap().len();
        std::fs::write(&path, [std::fs::read(&path).unwrap(), b"{\"op\":\"item\",\"ent".to_vec()].concat())
            .unwrap();

        let (journal, entries) = Journal::open(&path).unwrap();
        let mut store = Store::new(&mut Rng::new(1));
        store.resume(journal, entries);
        assert_eq!(store.next_id("lead"), 9001);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), whole, "the torn line is cut off");
        let in_use = Journal::open(&path).unwrap_err().to_string();
        assert!(in_use.contains("in use"), "{in_use}");
        drop(store);

        std::fs::write(&path, b"{}\n").unwrap();
        let broken = Journal::open(&path).unwrap_err().to_string();
        assert!(broken.contains("line 1"), "{broken}");
    }
}
