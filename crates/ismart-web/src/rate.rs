//! How often one address may write: a token bucket per address, in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Addresses remembered at once; beyond that, full buckets are forgotten first.
const CAPACITY: usize = 50_000;

/// Buckets by address.
#[derive(Debug)]
pub(crate) struct Limits {
    per_minute: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Limits {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute.max(1)), buckets: Mutex::default() }
    }

    /// Takes one token, or says in how many seconds there will be one.
    pub(crate) fn take(&self, ip: IpAddr, now: Timestamp) -> Result<(), u32> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CAPACITY && !buckets.contains_key(&ip) {
            let full = self.per_minute;
            buckets.retain(|_, bucket| refilled(*bucket, now, full) < full);
        }
        let full = self.per_minute;
        let bucket = buckets.entry(ip).or_insert(Bucket { tokens: full, at: now });
        let tokens = refilled(*bucket, now, full);
        if tokens >= 1.0 {
            *bucket = Bucket { tokens: tokens - 1.0, at: now };
            Ok(())
        } else {
            *bucket = Bucket { tokens, at: now };
            let seconds = ((1.0 - tokens) * 60.0 / full).ceil();
            Err(if seconds < 1.0 { 1 } else { whole(seconds) })
        }
    }
}

fn refilled(bucket: Bucket, now: Timestamp, full: f64) -> f64 {
    let seconds = now.duration_since(bucket.at).as_secs_f64().max(0.0);
    (bucket.tokens + seconds * full / 60.0).min(full)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 60 by construction"
)]
fn whole(seconds: f64) -> u32 {
    seconds.clamp(1.0, 60.0) as u32
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
}
