//! How often one sender may ask: a token bucket per address or key of the API, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Senders remembered at once; beyond that, full buckets are forgotten first.
const CAPACITY: usize = 50_000;

/// Buckets by sender.
#[derive(Debug)]
pub(crate) struct Limits<K = IpAddr> {
    per_minute: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// What a sender may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Requests a minute.
    pub(crate) quota: u32,
    /// Requests left at once.
    pub(crate) left: u32,
    /// Seconds until the next request may succeed; 0 while some are left.
    pub(crate) wait: u32,
    /// Whether this request may be answered.
    pub(crate) granted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl<K: Eq + Hash> Limits<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute.max(1)), buckets: Mutex::default() }
    }

    /// Takes one token, or says in how many seconds there will be one.
    pub(crate) fn take(&self, sender: K, now: Timestamp) -> Result<(), u32> {
        let drawn = self.draw(sender, now);
        if drawn.granted { Ok(()) } else { Err(drawn.wait) }
    }

    /// Takes one token if there is one, and tells how many are left.
    pub(crate) fn draw(&self, sender: K, now: Timestamp) -> Drawn {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = self.per_minute;
        if buckets.len() >= CAPACITY && !buckets.contains_key(&sender) {
            buckets.retain(|_, bucket| refilled(*bucket, now, full) < full);
        }
        let bucket = buckets.entry(sender).or_insert(Bucket { tokens: full, at: now });
        let tokens = refilled(*bucket, now, full);
        let granted = tokens >= 1.0;
        let tokens = if granted { tokens - 1.0 } else { tokens };
        *bucket = Bucket { tokens, at: now };
        let wait = if tokens >= 1.0 { 0 } else { whole(((1.0 - tokens) * 60.0 / full).ceil(), 1.0, 60.0) };
        let most = f64::from(u32::MAX);
        Drawn { quota: whole(full, 1.0, most), left: whole(tokens.floor(), 0.0, most), wait, granted }
    }
}

fn refilled(bucket: Bucket, now: Timestamp, full: f64) -> f64 {
    let seconds = now.duration_since(bucket.at).as_secs_f64().max(0.0);
    (bucket.tokens + seconds * full / 60.0).min(full)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both bounds lie within u32")]
fn whole(value: f64, least: f64, most: f64) -> u32 {
    value.clamp(least, most) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_stopped_and_forgiven_in_time() {
        let limits = Limits::new(3);
        let (a, b): (IpAddr, IpAddr) = ("1.1.1.1".parse().unwrap(), "2.2.2.2".parse().unwrap());
        let now = Timestamp::UNIX_EPOCH;
        assert!((0..3).all(|_| limits.take(a, now).is_ok()));
        assert_eq!(limits.take(a, now), Err(20));
        assert!(limits.take(b, now).is_ok(), "another address is not concerned");
        let later = now + jiff::SignedDuration::from_secs(20);
        assert!(limits.take(a, later).is_ok());
    }

    #[test]
    fn what_is_left_is_told() {
        let limits: Limits<&str> = Limits::new(2);
        let now = Timestamp::UNIX_EPOCH;
        let drawn = |now| limits.draw("key", now);
        assert_eq!(drawn(now), Drawn { quota: 2, left: 1, wait: 0, granted: true });
        assert_eq!(drawn(now), Drawn { quota: 2, left: 0, wait: 30, granted: true });
        assert_eq!(drawn(now), Drawn { quota: 2, left: 0, wait: 30, granted: false });
    }
}
