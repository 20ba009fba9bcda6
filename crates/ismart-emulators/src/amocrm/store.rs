//! What exists in the account, with the index that `query=` searches.

use super::kind::Kind;
use crate::journal::Journal;
use crate::rng::Rng;
use crate::spelling::normalise;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The value of one custom field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldValue {
    /// The field.
    pub field_id: u64,
    /// Its values as the API shows them: `value`, `enum_id`, `enum_code`.
    pub values: Vec<Map<String, Value>>,
}

/// A link from a lead to a contact or company, or from a contact to its company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it leads to.
    pub kind: Kind,
    /// Its id.
    pub id: u64,
    /// Whether it is the main contact.
    pub main: bool,
}

/// One object that really exists in the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: u64,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// From when on `query=` finds it, Unix seconds.
    pub searchable_at: i64,
    /// A contact or company of an incoming request that nobody has accepted yet: no list shows it.
    pub unsorted: bool,
    /// The simple values under their API names.
    pub values: Map<String, Value>,
    /// The custom fields that are filled.
    pub fields: Vec<FieldValue>,
    /// Ids of its tags.
    pub tags: Vec<u64>,
    /// What it is linked to.
    pub links: Vec<Link>,
}

impl Item {
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

    /// The values of a field as texts.
    #[must_use]
    pub fn field(&self, field_id: u64) -> Vec<String> {
        let found = self.fields.iter().filter(|field| field.field_id == field_id);
        found.flat_map(|field| &field.values).filter_map(|value| value.get("value").map(plain)).collect()
    }

    /// The ids of linked objects of a kind, the main one first.
    #[must_use]
    pub fn linked(&self, kind: Kind) -> Vec<u64> {
        let mut found: Vec<&Link> = self.links.iter().filter(|link| link.kind == kind).collect();
        found.sort_by_key(|link| !link.main);
        found.into_iter().map(|link| link.id).collect()
    }
}

/// A value as people read it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One choice of a select field, or one sort of phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its id.
    pub id: u64,
    /// What people read.
    pub value: String,
    /// Its code, for phones and addresses: `WORK`.
    pub code: Option<String>,
}

/// A field that people or applications added to the cards, or that every account has from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its id.
    pub id: u64,
    /// Of what.
    pub kind: Kind,
    /// What people read.
    pub name: String,
    /// `text`, `numeric`, `select`, `multitext`, `tracking_data` …
    pub field_type: String,
    /// Its code: `PHONE`, `UTM_SOURCE`.
    pub code: Option<String>,
    /// Its choices.
    pub choices: Vec<Choice>,
    /// Whether only the API may change it.
    pub api_only: bool,
    /// Whether every account has it.
    pub predefined: bool,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its id.
    pub id: u64,
    /// Of what.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// A subscription to changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its id.
    pub id: u64,
    /// Where changes are posted.
    pub destination: String,
    /// Which changes.
    pub settings: Vec<String>,
    /// Its place in the list.
    pub sort: i64,
    /// Switched off by too many bad answers.
    pub disabled: bool,
    /// Unix seconds.
    pub created_at: i64,
}

/// A source of leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    pub id: u64,
    /// What people read.
    pub name: String,
    /// The integration's own id of it.
    pub external_id: String,
    /// The pipeline its leads go to.
    pub pipeline_id: u64,
    /// Whether it is the integration's default source.
    pub default: bool,
}

/// What became of an incoming request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody has looked yet.
    Waiting,
    /// It became a lead in a stage.
    Accepted,
    /// It was thrown away.
    Declined,
}

/// An incoming request in “unsorted”.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsorted {
    /// Its id.
    pub uid: String,
    /// Unix seconds.
    pub created_at: i64,
    /// The pipeline.
    pub pipeline_id: u64,
    /// The lead it holds.
    pub lead_id: u64,
    /// The contact it holds.
    pub contact_id: Option<u64>,
    /// The company it holds.
    pub company_id: Option<u64>,
    /// Where it came from.
    pub source_uid: String,
    /// Where it came from, in words.
    pub source_name: String,
    /// The form's own words.
    pub metadata: Map<String, Value>,
    /// What became of it.
    pub verdict: Verdict,
    /// Equal requests have equal fingerprints.
    pub fingerprint: String,
}

/// One pair of tokens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) user_id: u64,
    pub(super) access: String,
    pub(super) access_until: i64,
    pub(super) refresh: String,
    pub(super) refresh_until: i64,
    pub(super) spent: bool,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Something that happened, for `GET /events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) entity_id: u64,
    pub(super) event_type: String,
    pub(super) created_by: u64,
    pub(super) created_at: i64,
    pub(super) before: Value,
    pub(super) after: Value,
}

/// One durable change. What one request changes is one line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Change {
    Item(Item),
    Field(CustomField),
    FieldGone { id: u64 },
    Tag(Tag),
    Hook(Hook),
    HookGone { id: u64 },
    Source(Source),
    Unsorted(Unsorted),
    Grant(Grant),
    CodeSpent { code: String },
    Event(Event),
}

/// So many events are kept; the oldest leave.
const EVENTS_KEPT: usize = 10_000;

#[derive(Debug)]
pub(super) struct Store {
    items: BTreeMap<(Kind, u64), Arc<Item>>,
    words: BTreeSet<(Kind, String, u64)>,
    pub(super) fields: BTreeMap<u64, CustomField>,
    pub(super) tags: BTreeMap<u64, Tag>,
    pub(super) hooks: BTreeMap<u64, Hook>,
    pub(super) sources: BTreeMap<u64, Source>,
    pub(super) unsorted: Vec<Unsorted>,
    pub(super) grants: Vec<Grant>,
    pub(super) spent_codes: BTreeSet<String>,
    pub(super) events: std::collections::VecDeque<Event>,
    first: u64,
    next: BTreeMap<&'static str, u64>,
    journal: Option<Journal<Vec<Change>>>,
}

impl Store {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self {
            items: BTreeMap::new(),
            words: BTreeSet::new(),
            fields: BTreeMap::new(),
            tags: BTreeMap::new(),
            hooks: BTreeMap::new(),
            sources: BTreeMap::new(),
            unsorted: Vec::new(),
            grants: Vec::new(),
            spent_codes: BTreeSet::new(),
            events: std::collections::VecDeque::new(),
            first: 10_000_000 + rng.below(1_000_000),
            next: BTreeMap::new(),
            journal: None,
        }
    }

    /// Takes over what a journal holds and writes to it from here on.
    pub(super) fn resume(&mut self, journal: Journal<Vec<Change>>, entries: Vec<Vec<Change>>) {
        for change in entries.into_iter().flatten() {
            self.apply(change);
        }
        self.journal = Some(journal);
    }

    /// The next id of this sort; never given twice.
    pub(super) fn next_id(&mut self, sort: &'static str) -> u64 {
        let next = self.next.entry(sort).or_insert(self.first);
        *next = next.saturating_add(1);
        *next
    }

    fn reserve(&mut self, sort: &'static str, id: u64) {
        let next = self.next.entry(sort).or_insert(self.first);
        *next = (*next).max(id);
    }

    pub(super) fn get(&self, kind: Kind, id: u64) -> Option<&Arc<Item>> {
        self.items.get(&(kind, id))
    }

    /// All objects of a kind, by id.
    pub(super) fn iter(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Arc<Item>> {
        self.items.range((kind, 0)..=(kind, u64::MAX)).map(|(_, item)| item)
    }

    pub(super) fn count(&self, kind: Kind) -> usize {
        self.iter(kind).count()
    }

    pub(super) fn all(&self) -> Vec<Arc<Item>> {
        self.items.values().cloned().collect()
    }

    /// The field that an id or a code names.
    pub(super) fn field(&self, kind: Kind, id: Option<u64>, code: Option<&str>) -> Option<&CustomField> {
        let by_id = id.and_then(|id| self.fields.get(&id)).filter(|field| field.kind == kind);
        let by_code = || {
            let code = code?;
            self.fields.values().find(|field| field.kind == kind && field.code.as_deref() == Some(code))
        };
        if id.is_some() { by_id } else { by_code() }
    }

    /// The ids of a kind in which every word of the query begins some word.
    pub(super) fn search(&self, kind: Kind, query: &str, now: i64) -> BTreeSet<u64> {
        let phone = normalise("PHONE", query);
        if phone.len() >= 6 && query.chars().all(|c| !c.is_alphabetic()) {
            return self.beginning(kind, &phone, now);
        }
        let mut found: Option<BTreeSet<u64>> = None;
        for word in query.to_lowercase().split_whitespace() {
            let here = self.beginning(kind, word, now);
            found = Some(match found {
                Some(so_far) => so_far.intersection(&here).copied().collect(),
                None => here,
            });
        }
        found.unwrap_or_default()
    }

    fn beginning(&self, kind: Kind, word: &str, now: i64) -> BTreeSet<u64> {
        let from = (kind, word.to_owned(), 0);
        let hits = self.words.range(from..).take_while(|(k, text, _)| *k == kind && text.starts_with(word));
        hits.map(|(_, _, id)| *id)
            .filter(|id| self.get(kind, *id).is_some_and(|item| item.searchable_at <= now))
            .collect()
    }

    /// Makes changes durable, then visible; all of them or none.
    pub(super) fn commit(&mut self, changes: Vec<Change>) -> std::io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        if let Some(journal) = &mut self.journal {
            journal.append(&changes)?;
        }
        for change in changes {
            self.apply(change);
        }
        Ok(())
    }

    /// Shows a change without a journal: for what an account is set up with.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Item(item) => {
                self.reserve(item.kind.plural(), item.id);
                if let Some(old) = self.items.get(&(item.kind, item.id)).cloned() {
                    for word in self.words_of(&old) {
                        self.words.remove(&(old.kind, word, old.id));
                    }
                }
                for word in self.words_of(&item) {
                    self.words.insert((item.kind, word, item.id));
                }
                self.items.insert((item.kind, item.id), Arc::new(item));
            }
            Change::Field(field) => {
                self.reserve("fields", field.id);
                for choice in &field.choices {
                    self.reserve("choices", choice.id);
                }
                self.fields.insert(field.id, field);
            }
            Change::FieldGone { id } => {
                self.fields.remove(&id);
            }
            Change::Tag(tag) => {
                self.reserve("tags", tag.id);
                self.tags.insert(tag.id, tag);
            }
            Change::Hook(hook) => {
                self.reserve("hooks", hook.id);
                self.hooks.insert(hook.id, hook);
            }
            Change::HookGone { id } => {
                self.hooks.remove(&id);
            }
            Change::Source(source) => {
                self.reserve("sources", source.id);
                self.sources.insert(source.id, source);
            }
            Change::Unsorted(one) => match self.unsorted.iter_mut().find(|known| known.uid == one.uid) {
                Some(known) => *known = one,
                None => self.unsorted.push(one),
            },
            Change::Grant(grant) => {
                match self.grants.iter_mut().find(|known| known.refresh == grant.refresh) {
                    Some(known) => *known = grant,
                    None => self.grants.push(grant),
                }
            }
            Change::CodeSpent { code } => {
                self.spent_codes.insert(code);
            }
            Change::Event(event) => {
                self.events.push_back(event);
                if self.events.len() > EVENTS_KEPT {
                    self.events.pop_front();
                }
            }
        }
    }

    /// What `query=` finds an object by: words of its name and of its fields, and phones in one spelling.
    fn words_of(&self, item: &Item) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        let mut take = |text: &str| {
            words.extend(text.to_lowercase().split_whitespace().map(str::to_owned));
        };
        take(item.text("name"));
        take(&item.id.to_string());
        let mut phones = Vec::new();
        for field in &item.fields {
            let is_phone =
                self.fields.get(&field.field_id).is_some_and(|f| f.code.as_deref() == Some("PHONE"));
            for value in field.values.iter().filter_map(|value| value.get("value")) {
                let text = plain(value);
                if is_phone {
                    phones.push(normalise("PHONE", &text));
                } else {
                    take(&text);
                }
            }
        }
        words.extend(phones);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lead(id: u64, name: &str, own: &str) -> Item {
        let value = Map::from_iter([("value".to_owned(), json!(own))]);
        Item {
            kind: Kind::Lead,
            id,
            created_at: 0,
            updated_at: 0,
            searchable_at: 10,
            unsorted: false,
            values: Map::from_iter([("name".to_owned(), json!(name))]),
            fields: vec![FieldValue { field_id: 5, values: vec![value] }],
            tags: Vec::new(),
            links: Vec::new(),
        }
    }

    #[test]
    fn a_search_takes_beginnings_of_words_once_they_are_indexed() {
        let mut store = Store::new(&mut Rng::new(1));
        store.commit(vec![Change::Item(lead(7, "Haval Jolion", "lead-a"))]).unwrap();
        store.commit(vec![Change::Item(lead(8, "Haval Dargo", "lead-b"))]).unwrap();
        assert_eq!(store.search(Kind::Lead, "haval", 10).len(), 2);
        assert_eq!(store.search(Kind::Lead, "HAV dar", 10), BTreeSet::from([8]));
        assert_eq!(store.search(Kind::Lead, "lead-a", 10), BTreeSet::from([7]));
        assert!(store.search(Kind::Lead, "lead-a", 9).is_empty(), "the index lags");
        store.commit(vec![Change::Item(lead(7, "Haval Jolion", "lead-c"))]).unwrap();
        assert!(store.search(Kind::Lead, "lead-a", 10).is_empty(), "old words leave the index");
        assert!(store.search(Kind::Contact, "haval", 10).is_empty());
    }

    #[test]
    fn ids_go_on_after_a_reload_and_a_request_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.jsonl");
        let (journal, entries) = Journal::open(&path).unwrap();
        let mut store = Store::new(&mut Rng::new(1));
        store.resume(journal, entries);
        let id = store.next_id(Kind::Lead.plural());
        let tag = Tag { id: 3, kind: Kind::Lead, name: "iSmart".into() };
        store.commit(vec![Change::Item(lead(id, "a", "b")), Change::Tag(tag)]).unwrap();
        drop(store);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
        let (journal, entries) = Journal::open(&path).unwrap();
        let mut store = Store::new(&mut Rng::new(1));
        store.resume(journal, entries);
        assert_eq!(store.next_id(Kind::Lead.plural()), id + 1);
        assert_eq!((store.count(Kind::Lead), store.tags.len()), (1, 1));
    }
}
