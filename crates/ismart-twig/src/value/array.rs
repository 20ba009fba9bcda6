//! PHP's array: ordered, integer and string keys, a list without keys as the fast form.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ecow::EcoString;
use hashbrown::HashTable;

use super::Value;
use crate::num;

/// One random seed a process, so that hashes of names can be computed when a template is compiled.
static HASH: LazyLock<foldhash::fast::RandomState> = LazyLock::new(foldhash::fast::RandomState::default);

/// Maps of at most this many entries are scanned, larger ones are indexed.
const SCAN: usize = 8;

/// Whether two texts are the same; keys are short, and a call to compare memory costs more than the comparison.
fn same_text(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a1), Some(b1), Some(a2), Some(b2)) if a.len() <= 16 => a1 == b1 && a2 == b2,
        (None, None, None, None) => match (a.first_chunk::<4>(), b.first_chunk::<4>()) {
            (Some(a1), Some(b1)) => a1 == b1 && a.last_chunk::<4>() == b.last_chunk::<4>(),
            _ => a.iter().zip(b).all(|(a, b)| a == b),
        },
        _ => a == b,
    }
}

/// The hash of a string key.
pub(crate) fn hash_str(key: &str) -> u64 {
    let mut hasher = HASH.build_hasher();
    hasher.write(key.as_bytes());
    hasher.finish()
}

fn hash_int(key: i64) -> u64 {
    let mut hasher = HASH.build_hasher();
    hasher.write_i64(key);
    hasher.finish()
}

/// A key of an [`Array`]: as in PHP either an integer or a string that is no decimal integer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An integer key.
    Int(i64),
    /// A string key.
    Str(EcoString),
}

impl Key {
    /// The key PHP makes of a string: a canonical decimal integer becomes an integer key.
    pub fn from_string(text: &str) -> Self {
        match canonical_int(text) {
            Some(n) => Self::Int(n),
            None => Self::Str(text.into()),
        }
    }

    /// The key as a template value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Int(n) => Value::Int(*n),
            Self::Str(s) => Value::Str(s.clone()),
        }
    }

    pub(crate) fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Int(n) => KeyRef::Int(*n),
            Self::Str(s) => KeyRef::Str(s),
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        match self {
            Self::Int(n) => hash_int(*n),
            Self::Str(s) => hash_str(s),
        }
    }
}

impl From<i64> for Key {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::from_string(text)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Str(s) => f.write_str(s),
        }
    }
}

/// A borrowed [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRef<'a> {
    /// An integer key.
    Int(i64),
    /// A string key.
    Str(&'a EcoString),
}

impl KeyRef<'_> {
    /// The owned key.
    pub fn to_key(self) -> Key {
        match self {
            Self::Int(n) => Key::Int(n),
            Self::Str(s) => Key::Str(s.clone()),
        }
    }

    /// The key as a template value.
    pub fn to_value(self) -> Value {
        match self {
            Self::Int(n) => Value::Int(n),
            Self::Str(s) => Value::Str(s.clone()),
        }
    }
}

impl std::fmt::Display for KeyRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Str(s) => f.write_str(s),
        }
    }
}

/// The integer a string key means, if it is the canonical form of one (`"5"`, `"-3"`, not `"05"`, `"+1"`).
pub(crate) fn canonical_int(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let first = *digits.first()?;
    if !digits.iter().all(u8::is_ascii_digit) || digits.len() > 19 {
        return None;
    }
    if first == b'0' && (digits.len() > 1 || bytes.len() > 1) {
        return None;
    }
    // PHP keeps the most negative integer as a string key.
    text.parse().ok().filter(|&n: &i64| n != i64::MIN)
}

/// Where a key stood in the first array that was asked for it: arrays of one kind have their keys in one order.
#[derive(Debug)]
pub(crate) struct Hint(AtomicU32);

impl Default for Hint {
    fn default() -> Self {
        Self(AtomicU32::new(u32::MAX))
    }
}

#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    key: Key,
    value: Value,
}

#[derive(Clone, Debug, Default)]
struct Map {
    entries: Vec<Entry>,
    index: Option<HashTable<u32>>,
}

impl Map {
    fn find(&self, hash: u64, same: impl Fn(&Key) -> bool) -> Option<usize> {
        match &self.index {
            None => self.entries.iter().position(|e| e.hash == hash && same(&e.key)),
            Some(table) => table
                .find(hash, |&i| self.entries.get(num::at(i)).is_some_and(|e| e.hash == hash && same(&e.key)))
                .map(|&i| num::at(i)),
        }
    }

    fn find_key(&self, key: &Key) -> Option<usize> {
        self.find(key.hash(), |k| k == key)
    }

    fn push(&mut self, key: Key, value: Value) {
        self.push_hashed(key.hash(), key, value);
    }

    fn push_hashed(&mut self, hash: u64, key: Key, value: Value) {
        let at = num::small(self.entries.len());
        self.entries.push(Entry { hash, key, value });
        let entries = &self.entries;
        let rehash = |&i: &u32| entries.get(num::at(i)).map_or(0, |e| e.hash);
        if let Some(table) = &mut self.index {
            table.insert_unique(hash, at, rehash);
        } else if entries.len() > SCAN {
            self.reindex();
        }
    }

    fn reindex(&mut self) {
        let entries = &self.entries;
        if entries.len() <= SCAN {
            self.index = None;
            return;
        }
        let mut table = HashTable::with_capacity(entries.len() * 2);
        for (i, entry) in entries.iter().enumerate() {
            table.insert_unique(entry.hash, num::small(i), |&i: &u32| {
                entries.get(num::at(i)).map_or(0, |e| e.hash)
            });
        }
        self.index = Some(table);
    }
}

#[derive(Clone, Debug)]
enum Repr {
    List(Vec<Value>),
    Map(Map),
}

/// An ordered array with PHP's key rules.
///
/// ```
/// use ismart_twig::{Array, Value};
/// let mut a = Array::new();
/// a.push(Value::from("first"));
/// a.insert("1", Value::from("second"));
/// assert!(a.is_list());
/// a.insert("name", Value::from("third"));
/// assert!(!a.is_list());
/// assert_eq!(a.len(), 3);
/// ```
#[derive(Debug)]
pub struct Array {
    repr: Repr,
    next: i64,
    /// Depth and weight, packed; 0 while they are not known.
    nest: AtomicU64,
}

impl Clone for Array {
    fn clone(&self) -> Self {
        Self { repr: self.repr.clone(), next: self.next, nest: AtomicU64::new(0) }
    }
}

/// How deep a value is nested and how many elements it has with those of its elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nest {
    pub(crate) depth: u32,
    pub(crate) weight: u32,
}

impl Nest {
    /// Takes in what lies one level deeper.
    pub(crate) fn add(&mut self, inner: Self) {
        self.depth = self.depth.max(inner.depth.saturating_add(1));
        self.weight = self.weight.saturating_add(inner.weight);
    }
}

impl Default for Array {
    fn default() -> Self {
        Self::new()
    }
}

impl Array {
    /// An empty array.
    pub fn new() -> Self {
        Self { repr: Repr::List(Vec::new()), next: 0, nest: AtomicU64::new(0) }
    }

    /// An empty array with room for `n` list elements.
    pub fn with_capacity(n: usize) -> Self {
        Self { repr: Repr::List(Vec::with_capacity(n)), next: 0, nest: AtomicU64::new(0) }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::List(items) => items.len(),
            Repr::Map(map) => map.entries.len(),
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the keys are 0, 1, 2 … in this order (an empty array is a list).
    pub fn is_list(&self) -> bool {
        match &self.repr {
            Repr::List(_) => true,
            Repr::Map(map) => map.entries.iter().enumerate().all(|(i, e)| e.key == Key::Int(num::len(i))),
        }
    }

    /// The elements as a slice if the array is stored without keys.
    pub(crate) fn as_list(&self) -> Option<&[Value]> {
        match &self.repr {
            Repr::List(items) => Some(items),
            Repr::Map(_) => None,
        }
    }

    /// How deep the array is nested and what it weighs; remembered until the array changes.
    pub(crate) fn nest(&self) -> Nest {
        let known = self.nest.load(Ordering::Relaxed);
        if known != 0 {
            let half = |n: u64| u32::try_from(n & u64::from(u32::MAX)).unwrap_or(u32::MAX);
            return Nest { depth: half(known >> 32), weight: half(known) };
        }
        let mut nest = Nest { depth: 1, weight: u32::try_from(self.len()).unwrap_or(u32::MAX) };
        let mut add = |value: &Value| {
            if let Some(inner) = value.nest() {
                nest.add(inner);
            }
        };
        match &self.repr {
            Repr::List(items) => items.iter().for_each(&mut add),
            Repr::Map(map) => map.entries.iter().for_each(|e| add(&e.value)),
        }
        self.know(nest);
        nest
    }

    fn know(&self, nest: Nest) {
        self.nest.store(u64::from(nest.depth) << 32 | u64::from(nest.weight), Ordering::Relaxed);
    }

    fn changed(&mut self) {
        *self.nest.get_mut() = 0;
    }

    /// Appends with the next free integer key.
    pub fn push(&mut self, value: Value) {
        self.changed();
        match &mut self.repr {
            Repr::List(items) => items.push(value),
            Repr::Map(map) => map.push(Key::Int(self.next), value),
        }
        self.next = self.next.saturating_add(1);
    }

    /// Sets a key, at its place if it exists, at the end if not.
    pub fn insert(&mut self, key: impl Into<Key>, value: Value) {
        self.changed();
        let key = key.into();
        if let Key::Int(n) = key {
            if let Repr::List(items) = &mut self.repr {
                let at = usize::try_from(n).unwrap_or(usize::MAX);
                if at == items.len() {
                    items.push(value);
                    self.next = n.saturating_add(1);
                    return;
                }
                if let Some(slot) = items.get_mut(at) {
                    *slot = value;
                    return;
                }
            }
            if n >= self.next {
                self.next = n.saturating_add(1);
            }
        }
        self.with_map(|map| match map.find_key(&key) {
            Some(i) => {
                if let Some(entry) = map.entries.get_mut(i) {
                    entry.value = value;
                }
            }
            None => map.push(key, value),
        });
    }

    /// An empty array with room for `n` entries that have string keys.
    pub(crate) fn for_pairs(n: usize) -> Self {
        Self {
            repr: Repr::Map(Map { entries: Vec::with_capacity(n), index: None }),
            next: 0,
            nest: AtomicU64::new(0),
        }
    }

    /// An array of pairs whose keys are known to differ.
    pub(crate) fn of_different(pairs: impl ExactSizeIterator<Item = (Key, Value)>) -> Self {
        let mut array = Self::for_pairs(pairs.len());
        if let Repr::Map(map) = &mut array.repr {
            for (key, value) in pairs {
                if let Key::Int(n) = key {
                    array.next = array.next.max(n.saturating_add(1));
                }
                map.push(key, value);
            }
        }
        array
    }

    /// Sets a key whose hash is known.
    pub(crate) fn insert_hashed(&mut self, hash: u64, key: &Key, value: Value) {
        self.changed();
        match (&mut self.repr, key) {
            (Repr::Map(map), Key::Str(_)) => {
                match map.find(hash, |k| k == key).map(|at| map.entries.get_mut(at)) {
                    Some(Some(entry)) => entry.value = value,
                    _ => map.push_hashed(hash, key.clone(), value),
                }
            }
            _ => self.insert(key.clone(), value),
        }
    }

    /// Whether `merge` leaves the keys as they are: those of a list, or names alone.
    pub(crate) fn keeps_keys(&self) -> bool {
        match &self.repr {
            Repr::List(_) => true,
            Repr::Map(map) => map.entries.iter().all(|e| matches!(e.key, Key::Str(_))),
        }
    }

    /// Adds the entries of another array as `merge` does: those with integer keys at the end, the others at their key.
    pub(crate) fn append(&mut self, added: &Self) {
        let (mut nest, more) = (self.nest(), added.nest());
        let lists = self.as_list().is_some() && added.as_list().is_some();
        for (key, item) in added.iter() {
            match key {
                KeyRef::Int(_) => self.push(item.clone()),
                KeyRef::Str(_) => self.insert(key.to_key(), item.clone()),
            }
        }
        if lists {
            nest.depth = nest.depth.max(more.depth);
            nest.weight = nest.weight.saturating_add(more.weight);
            self.know(nest);
        }
    }

    /// Adds values at the end, as `merge` does with a list of them.
    pub(crate) fn push_all(&mut self, values: impl IntoIterator<Item = Value>) {
        let mut nest = self.as_list().map(|_| self.nest());
        for value in values {
            if let Some(nest) = &mut nest {
                nest.weight = nest.weight.saturating_add(1);
                if let Some(inner) = value.nest() {
                    nest.add(inner);
                }
            }
            self.push(value);
        }
        if let Some(nest) = nest {
            self.know(nest);
        }
    }

    /// Works on the map form, which a list becomes.
    fn with_map<R>(&mut self, work: impl FnOnce(&mut Map) -> R) -> R {
        let mut map = match std::mem::replace(&mut self.repr, Repr::List(Vec::new())) {
            Repr::Map(map) => map,
            Repr::List(items) => {
                let mut map = Map { entries: Vec::with_capacity(items.len() + 1), index: None };
                for (i, value) in items.into_iter().enumerate() {
                    map.push(Key::Int(num::len(i)), value);
                }
                map
            }
        };
        let result = work(&mut map);
        self.repr = Repr::Map(map);
        result
    }

    /// Removes a key and gives its value.
    pub fn remove(&mut self, key: &Key) -> Option<Value> {
        self.changed();
        if let Repr::List(items) = &mut self.repr
            && *key == Key::Int(num::len(items.len()) - 1)
        {
            let value = items.pop();
            // The next free index of PHP stays after the removed one.
            self.with_map(|_| ());
            return value;
        }
        if !self.contains(key) {
            return None;
        }
        self.with_map(|map| {
            let at = map.find_key(key)?;
            let entry = map.entries.remove(at);
            map.reindex();
            Some(entry.value)
        })
    }

    /// The value of a key.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        match key {
            Key::Int(n) => self.get_int(*n),
            Key::Str(s) => self.get_hashed(hash_str(s), s),
        }
    }

    /// The value of an integer key.
    pub fn get_int(&self, n: i64) -> Option<&Value> {
        match &self.repr {
            Repr::List(items) => items.get(usize::try_from(n).ok()?),
            Repr::Map(map) => {
                let i = map.find(hash_int(n), |k| *k == Key::Int(n))?;
                map.entries.get(i).map(|e| &e.value)
            }
        }
    }

    /// The value of a string key (`"3"` means the integer 3).
    pub fn get_str(&self, key: &str) -> Option<&Value> {
        match canonical_int(key) {
            Some(n) => self.get_int(n),
            None => self.get_hashed(hash_str(key), key),
        }
    }

    /// As [`Array::get_hashed`], looking first where the key was found before.
    pub(crate) fn get_hinted(&self, hash: u64, key: &str, hint: &Hint) -> Option<&Value> {
        let Repr::Map(map) = &self.repr else { return None };
        let same = |k: &Key| matches!(k, Key::Str(s) if same_text(s.as_bytes(), key.as_bytes()));
        let at = hint.0.load(Ordering::Relaxed);
        if let Some(entry) = map.entries.get(num::at(at))
            && entry.hash == hash
            && same(&entry.key)
        {
            return Some(&entry.value);
        }
        let found = map.find(hash, same)?;
        if at == u32::MAX {
            // Only once: threads that write again and again would take the line from each other.
            hint.0.store(num::small(found), Ordering::Relaxed);
        }
        map.entries.get(found).map(|e| &e.value)
    }

    /// The value of a string key that is no canonical integer, with its hash known.
    pub(crate) fn get_hashed(&self, hash: u64, key: &str) -> Option<&Value> {
        match &self.repr {
            Repr::List(_) => None,
            Repr::Map(map) => {
                let i =
                    map.find(hash, |k| matches!(k, Key::Str(s) if same_text(s.as_bytes(), key.as_bytes())))?;
                map.entries.get(i).map(|e| &e.value)
            }
        }
    }

    /// Whether a key exists.
    pub fn contains(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    /// The entry at a position.
    pub fn entry(&self, at: usize) -> Option<(KeyRef<'_>, &Value)> {
        match &self.repr {
            Repr::List(items) => items.get(at).map(|v| (KeyRef::Int(num::len(at)), v)),
            Repr::Map(map) => map.entries.get(at).map(|e| (e.key.as_ref(), &e.value)),
        }
    }

    /// The first value.
    pub fn first(&self) -> Option<&Value> {
        self.entry(0).map(|(_, v)| v)
    }

    /// The last value.
    pub fn last(&self) -> Option<&Value> {
        self.entry(self.len().checked_sub(1)?).map(|(_, v)| v)
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { array: self, at: 0 }
    }

    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, v)| v)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = KeyRef<'_>> {
        self.iter().map(|(k, _)| k)
    }
}

/// Iterator over the entries of an [`Array`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    array: &'a Array,
    at: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (KeyRef<'a>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.array.entry(self.at)?;
        self.at += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.array.len().saturating_sub(self.at);
        (left, Some(left))
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = (KeyRef<'a>, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<T: IntoIterator<Item = Value>>(iter: T) -> Self {
        let items: Vec<Value> = iter.into_iter().collect();
        let next = num::len(items.len());
        Self { repr: Repr::List(items), next, nest: AtomicU64::new(0) }
    }
}

impl<K: Into<Key>> FromIterator<(K, Value)> for Array {
    fn from_iter<T: IntoIterator<Item = (K, Value)>>(iter: T) -> Self {
        let mut array = Self::new();
        for (key, value) in iter {
            array.insert(key, value);
        }
        array
    }
}

impl From<Vec<Value>> for Array {
    fn from(items: Vec<Value>) -> Self {
        items.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_php() {
        for (text, want) in [
            ("5", Some(5)),
            ("-3", Some(-3)),
            ("0", Some(0)),
            ("05", None),
            ("-0", None),
            ("+1", None),
            ("", None),
            ("-", None),
            ("1.5", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", None),
        ] {
            assert_eq!(canonical_int(text), want, "{text:?}");
        }
    }

    #[test]
    fn depth_and_weight_count_what_is_inside_and_follow_changes() {
        let mut a: Array = (0..3).map(Value::Int).collect();
        assert_eq!(a.nest(), Nest { depth: 1, weight: 3 });
        let inner = Value::from(a.clone());
        a.push(inner.clone());
        a.insert("k", inner);
        assert_eq!(a.nest(), Nest { depth: 2, weight: 11 });
        let copy = a.clone();
        a.remove(&Key::Int(3));
        a.remove(&Key::from("k"));
        assert_eq!((a.nest(), copy.nest()), (Nest { depth: 1, weight: 3 }, Nest { depth: 2, weight: 11 }));
    }

    #[test]
    fn a_list_becomes_a_map_and_keeps_its_order() {
        let mut a = Array::new();
        for i in 0..20 {
            a.push(Value::Int(i));
        }
        a.insert("k", Value::Int(100));
        a.insert(30, Value::Int(101));
        a.push(Value::Int(102));
        let keys: Vec<String> = a.keys().map(|k| k.to_string()).collect();
        assert_eq!(keys.last().unwrap(), "31");
        assert_eq!(a.get_str("7").unwrap(), &Value::Int(7));
        assert_eq!(a.remove(&Key::Int(3)), Some(Value::Int(3)));
        assert_eq!(a.get_int(3), None);
        assert_eq!(a.get_str("k"), Some(&Value::Int(100)));
        assert_eq!(a.len(), 22);
    }
}
