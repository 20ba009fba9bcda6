//! Guessing passwords is slow: five wrong ones for a login from one address, then a pause that doubles.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Wrong passwords that cost nothing.
const FREE: u32 = 5;
/// The first pause, seconds; doubles with each further wrong password.
const FIRST_PAUSE: i64 = 30;
/// The longest pause, seconds.
const LONGEST_PAUSE: i64 = 3600;
/// After this long without a try, all is forgotten, seconds.
const MEMORY: i64 = 7200;
/// Wrong passwords that one address may send for all logins together, per `MEMORY`.
const PER_ADDRESS: u32 = 60;
/// Entries kept at once.
const CAPACITY: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    at: Timestamp,
}

/// Wrong passwords by login and address, and by address alone.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<(String, IpAddr), Tries>>);

impl Throttle {
    /// Takes a try, counting it as wrong until [`Throttle::forget`]: guesses sent at once do not slip through
    /// together. Gives the seconds to wait when there were too many.
    pub(super) fn take(&self, login: &str, ip: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CAPACITY {
            all.retain(|_, tries| age(*tries, now) < MEMORY);
        }
        if all.len() >= CAPACITY {
            return Err(FIRST_PAUSE);
        }
        let login: String = login.chars().take(100).collect();
        for (key, free) in [((login, ip), FREE), ((String::new(), ip), PER_ADDRESS)] {
            let tries = all.entry(key).or_insert(Tries { wrong: 0, at: now });
            if age(*tries, now) >= MEMORY {
                *tries = Tries { wrong: 0, at: now };
            }
            let left = pause(tries.wrong, free) - age(*tries, now);
            if left > 0 {
                return Err(left);
            }
            *tries = Tries { wrong: tries.wrong.saturating_add(1), at: now };
        }
        Ok(())
    }

    /// The password was right: the login's count starts anew, the address gets its try back.
    pub(super) fn forget(&self, login: &str, ip: IpAddr) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let login: String = login.chars().take(100).collect();
        all.remove(&(login, ip));
        if let Some(tries) = all.get_mut(&(String::new(), ip)) {
            tries.wrong = tries.wrong.saturating_sub(1);
        }
    }
}

fn age(tries: Tries, now: Timestamp) -> i64 {
    now.duration_since(tries.at).max(SignedDuration::ZERO).as_secs()
}

/// Seconds to wait after so many wrong passwords.
fn pause(wrong: u32, free: u32) -> i64 {
    match wrong.checked_sub(free) {
        None => 0,
        Some(over) => {
            2_i64.checked_pow(over.min(20)).map_or(LONGEST_PAUSE, |f| (f * FIRST_PAUSE).min(LONGEST_PAUSE))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_is_forgiven() {
        let throttle = Throttle::default();
        let ip: IpAddr = "203.0.113.7".parse().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert!((0..5).all(|_| throttle.take("anna", ip, now).is_ok()));
        assert_eq!(throttle.take("anna", ip, now), Err(30));
        assert!(throttle.take("oleg", ip, now).is_ok(), "another login is not concerned");
        assert!(throttle.take("anna", "198.51.100.1".parse().unwrap(), now).is_ok(), "nor another address");
        let later = now + SignedDuration::from_secs(30);
        assert!(throttle.take("anna", ip, later).is_ok());
        assert_eq!(throttle.take("anna", ip, later), Err(60));
        throttle.forget("anna", ip);
        assert!(throttle.take("anna", ip, later).is_ok());
    }

    #[test]
    fn one_address_cannot_try_all_logins() {
        let throttle = Throttle::default();
        let ip: IpAddr = "203.0.113.7".parse().unwrap();
        let refused =
            (0..100).filter(|n| throttle.take(&format!("u{n}"), ip, Timestamp::UNIX_EPOCH).is_err());
        assert_eq!(refused.count(), 40);
    }
}
