//! Where the fragments of `cache` tags are kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::value::Value;

/// Signs that keys and tags must not contain, as PSR-6 lists them.
const RESERVED: &str = "{}()/\\@:";

/// What a `cache` tag put out, with what it says of keeping it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The output, escaped as the template escapes.
    pub bytes: Arc<[u8]>,
    /// How long it may be shown; `None` for as long as the store likes.
    pub ttl: Option<Duration>,
    /// Names under which it can be thrown away.
    pub tags: Vec<String>,
}

/// A store of fragments. One that fails (a server that is away) answers `None` and drops what it is given:
/// pages are then rendered anew instead of failing.
///
/// Moments are durations since 1970 UTC, from the clock of [`crate::Environment::set_clock`].
pub trait Cache: fmt::Debug + Send + Sync {
    /// The bytes kept under a key, unless they expired.
    fn get(&self, key: &str, now: Duration) -> Option<Arc<[u8]>>;

    /// Keeps a fragment under a key in place of the one before. A lifetime of zero removes it.
    fn save(&self, key: &str, fragment: Fragment, now: Duration);
}

/// A shared store, so that the host keeps a handle to throw fragments away.
impl<C: Cache + ?Sized> Cache for Arc<C> {
    fn get(&self, key: &str, now: Duration) -> Option<Arc<[u8]>> {
        (**self).get(key, now)
    }

    fn save(&self, key: &str, fragment: Fragment, now: Duration) {
        (**self).save(key, fragment, now);
    }
}

#[derive(Debug)]
struct Kept {
    fragment: Fragment,
    expires: Option<Duration>,
    used: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: HashMap<Arc<str>, Kept, foldhash::fast::RandomState>,
    /// Keys by the time of their last use.
    order: BTreeMap<u64, Arc<str>>,
    bytes: usize,
    clock: u64,
}

impl Shelf {
    fn remove(&mut self, key: &str) -> bool {
        let Some(kept) = self.entries.remove(key) else { return false };
        self.order.remove(&kept.used);
        self.bytes -= size(key, &kept.fragment);
        true
    }

    fn next_use(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn remove_where(&mut self, which: impl Fn(&Kept) -> bool) -> usize {
        let keys: Vec<_> = self.entries.iter().filter(|(_, k)| which(k)).map(|(k, _)| k.clone()).collect();
        keys.iter().filter(|key| self.remove(key)).count()
    }
}

/// What an entry counts against the bound: its texts and about what keeping them costs.
fn size(key: &str, fragment: &Fragment) -> usize {
    let tags: usize = fragment.tags.iter().map(|t| t.len() + 24).sum();
    key.len() + fragment.bytes.len() + tags + 160
}

/// A store in memory that throws away what was not used for longest when it is full.
///
/// ```
/// use std::sync::Arc;
/// use ismart_twig::{Environment, MemoryCache};
/// let store = Arc::new(MemoryCache::new(8 << 20));
/// let mut env = Environment::new();
/// env.set_cache(store.clone());
/// let page = env.template_from_string("{% cache 'menu;v1' ttl(300) tags('menu') %}{{ n }}{% endcache %}").unwrap();
/// assert_eq!(page.render(&serde_json::json!({"n": 1})).unwrap(), "1");
/// assert_eq!(page.render(&serde_json::json!({"n": 2})).unwrap(), "1");
/// assert_eq!(store.remove_tagged(&["menu"]), 1);
/// assert_eq!(page.render(&serde_json::json!({"n": 3})).unwrap(), "3");
/// ```
#[derive(Debug)]
pub struct MemoryCache {
    bound: usize,
    shelf: Mutex<Shelf>,
}

impl MemoryCache {
    /// A store for so many bytes at most; what is larger by itself is not kept.
    pub fn new(bytes: usize) -> Self {
        Self { bound: bytes, shelf: Mutex::default() }
    }

    /// A panic elsewhere leaves every entry whole, so the store goes on after it.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Throws a fragment away; gives whether it was there.
    pub fn remove(&self, key: &str) -> bool {
        self.shelf().remove(key)
    }

    /// Throws away the fragments with any of the tags; gives their number.
    pub fn remove_tagged(&self, tags: &[&str]) -> usize {
        self.shelf().remove_where(|kept| kept.fragment.tags.iter().any(|t| tags.contains(&t.as_str())))
    }

    /// Throws away what expired; gives the number. Fragments that nobody asks for again stay until the
    /// store is full otherwise.
    pub fn remove_expired(&self, now: Duration) -> usize {
        self.shelf().remove_where(|kept| kept.expires.is_some_and(|at| at <= now))
    }

    /// Throws everything away.
    pub fn clear(&self) {
        *self.shelf() = Shelf::default();
    }

    /// The number of fragments, expired ones among them.
    pub fn len(&self) -> usize {
        self.shelf().entries.len()
    }

    /// Whether there are no fragments.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in use, never above the bound.
    pub fn bytes(&self) -> usize {
        self.shelf().bytes
    }
}

impl Cache for MemoryCache {
    fn get(&self, key: &str, now: Duration) -> Option<Arc<[u8]>> {
        let mut shelf = self.shelf();
        let used = shelf.next_use();
        let (name, kept) = shelf.entries.get_key_value(key)?;
        if kept.expires.is_some_and(|at| at <= now) {
            shelf.remove(key);
            return None;
        }
        let (name, before) = (name.clone(), kept.used);
        shelf.order.remove(&before);
        shelf.order.insert(used, name);
        let kept = shelf.entries.get_mut(key)?;
        kept.used = used;
        Some(kept.fragment.bytes.clone())
    }

    fn save(&self, key: &str, fragment: Fragment, now: Duration) {
        let mut shelf = self.shelf();
        shelf.remove(key);
        let expires = fragment.ttl.map(|ttl| now.saturating_add(ttl));
        let size = size(key, &fragment);
        if size > self.bound || expires.is_some_and(|at| at <= now) {
            return;
        }
        while shelf.bytes + size > self.bound {
            let Some((_, oldest)) = shelf.order.pop_first() else { break };
            shelf.remove(&oldest);
        }
        let used = shelf.next_use();
        let name: Arc<str> = key.into();
        shelf.order.insert(used, name.clone());
        shelf.entries.insert(name, Kept { fragment, expires, used });
        shelf.bytes += size;
    }
}

fn checked(what: &str, value: &Value) -> Result<String, Error> {
    let text = value.to_text()?;
    if text.is_empty() {
        return Err(Error::host(format!("Cache {what} length must be greater than zero.")));
    }
    if text.contains(|c| RESERVED.contains(c)) {
        return Err(Error::host(format!(
            "Cache {what} \"{text}\" contains reserved characters \"{RESERVED}\"."
        )));
    }
    Ok(text.to_string())
}

/// The key of a `cache` tag.
pub(crate) fn key(value: &Value) -> Result<String, Error> {
    match value {
        Value::Null | Value::Array(_) => {
            Err(Error::host(format!("Cache key must be string, \"{}\" given.", value.type_name())))
        }
        _ => checked("key", value),
    }
}

/// The lifetime that `ttl()` gives; one in the past is zero.
pub(crate) fn ttl(value: &Value) -> Result<Option<Duration>, Error> {
    let seconds = match value {
        Value::Null => return Ok(None),
        Value::Int(seconds) => *seconds,
        Value::Interval(interval) => interval.seconds_from_epoch(),
        other => {
            return Err(Error::host(format!(
                "Expiration date must be an integer, a DateInterval or null, \"{}\" given.",
                other.type_name()
            )));
        }
    };
    Ok(Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
}

/// The tags that `tags()` gives: a text or texts.
pub(crate) fn tags(value: &Value) -> Result<Vec<String>, Error> {
    let pairs = if value.stringable() { None } else { value.to_pairs() };
    let Some(pairs) = pairs else { return Ok(vec![tag(value)?]) };
    let mut tags: Vec<String> = Vec::new();
    for value in pairs.values() {
        let tag = tag(value)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

fn tag(value: &Value) -> Result<String, Error> {
    if value.is_string() || value.stringable() {
        return checked("tag", value);
    }
    Err(Error::host(format!(
        "Cache tag must be string or object that implements __toString(), \"{}\" given.",
        value.type_name()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(bytes: usize, ttl: Option<u64>, tags: &[&str]) -> Fragment {
        Fragment {
            bytes: vec![b'x'; bytes].into(),
            ttl: ttl.map(Duration::from_secs),
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_fragment_is_there_until_its_moment() {
        let store = MemoryCache::new(10_000);
        store.save("a", fragment(1, Some(10), &[]), at(100));
        assert!(store.get("a", at(109)).is_some());
        assert!(store.get("a", at(110)).is_none());
        assert!(store.is_empty());
        store.save("b", fragment(1, Some(0), &[]), at(100));
        assert!(store.is_empty());
        store.save("c", fragment(1, None, &[]), at(100));
        store.save("d", fragment(1, Some(1), &[]), at(100));
        assert_eq!(store.remove_expired(at(u64::MAX)), 1);
        assert!(store.get("c", at(u64::MAX)).is_some());
    }

    #[test]
    fn the_bound_holds_and_the_least_used_goes_first() {
        let store = MemoryCache::new(1_000);
        for key in ["a", "b", "c"] {
            store.save(key, fragment(100, None, &[]), at(0));
        }
        assert_eq!((store.len(), store.bytes()), (3, 783));
        assert!(store.get("a", at(0)).is_some());
        store.save("d", fragment(100, None, &[]), at(0));
        assert!(store.get("b", at(0)).is_none());
        assert!(store.get("a", at(0)).is_some() && store.get("d", at(0)).is_some());
        store.save("large", fragment(2_000, None, &[]), at(0));
        assert_eq!(store.len(), 3);
        for key in 0..10_000 {
            store.save(&key.to_string(), fragment(key % 300, None, &["t"]), at(0));
            assert!(store.bytes() <= 1_000);
        }
    }

    #[test]
    fn tags_throw_away_what_carries_them() {
        let store = MemoryCache::new(10_000);
        store.save("a", fragment(1, None, &["x", "y"]), at(0));
        store.save("b", fragment(1, None, &["y"]), at(0));
        store.save("c", fragment(1, None, &[]), at(0));
        assert_eq!(store.remove_tagged(&["x"]), 1);
        assert_eq!(store.remove_tagged(&["y", "z"]), 1);
        assert!(store.remove("c") && !store.remove("c"));
        assert_eq!(store.bytes(), 0);
    }
}
