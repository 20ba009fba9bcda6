//! The two limits of the cloud: requests per address and operating time per method.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Which limits the portal enforces. What is off is still counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Leaky bucket per source address: size and drain per second. `None`: no limit.
    pub rate: Option<Rate>,
    /// Seconds of operating time per method in ten minutes. `None`: no limit.
    pub operating: Option<f64>,
    /// Whether answers tell the operating time.
    pub told: bool,
}

/// A leaky bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many requests fit before 503.
    pub size: f64,
    /// How many leave per second.
    pub drain: f64,
}

impl Limits {
    /// Nothing is refused: for drills that need throughput.
    #[must_use]
    pub fn off() -> Self {
        Self { rate: None, operating: None, told: true }
    }

    /// A portal on the client's own machine, as it is installed: nothing is refused, nothing is told.
    #[must_use]
    pub fn on_premise() -> Self {
        Self { told: false, ..Self::off() }
    }

    /// The ordinary cloud plans: 50 requests, 2 per second; 480 s of operating time.
    #[must_use]
    pub fn cloud() -> Self {
        Self { rate: Some(Rate { size: 50.0, drain: 2.0 }), operating: Some(480.0), told: true }
    }
}

/// Fill of one address' bucket at its last request.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: f64,
}

#[derive(Debug, Default)]
pub(super) struct Meters {
    buckets: HashMap<IpAddr, Bucket>,
    /// Per method: minute number and seconds spent in it, oldest first.
    operating: HashMap<String, VecDeque<(i64, f64)>>,
}

const WINDOW_MINUTES: i64 = 10;

fn minute(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}

impl Meters {
    /// Counts one request; false when the bucket runs over.
    pub(super) fn admit(&mut self, ip: IpAddr, rate: Rate, now: Timestamp) -> bool {
        let seconds = now.as_duration().as_secs_f64();
        let bucket = self.buckets.entry(ip).or_insert(Bucket { level: 0.0, at: seconds });
        let drained = (seconds - bucket.at).max(0.0) * rate.drain;
        bucket.level = (bucket.level - drained).max(0.0);
        bucket.at = seconds;
        if bucket.level + 1.0 > rate.size {
            return false;
        }
        bucket.level += 1.0;
        true
    }

    pub(super) fn spend(&mut self, method: &str, seconds: f64, now: Timestamp) {
        let slots = self.operating.entry(method.to_owned()).or_default();
        match slots.back_mut() {
            Some((at, spent)) if *at == minute(now) => *spent += seconds,
            _ => slots.push_back((minute(now), seconds)),
        }
    }

    /// Seconds this method has used in the sliding window.
    pub(super) fn spent(&mut self, method: &str, now: Timestamp) -> f64 {
        let Some(slots) = self.operating.get_mut(method) else { return 0.0 };
        while slots.front().is_some_and(|(at, _)| *at <= minute(now) - WINDOW_MINUTES) {
            slots.pop_front();
        }
        slots.iter().map(|(_, spent)| *spent).sum()
    }

    /// When the oldest minute leaves the window, as Unix seconds.
    pub(super) fn reset_at(&self, method: &str, now: Timestamp) -> i64 {
        let oldest = self.operating.get(method).and_then(|slots| slots.front()).map(|(at, _)| *at);
        (oldest.unwrap_or(minute(now)) + WINDOW_MINUTES) * 60
    }

    pub(super) fn forget(&mut self) {
        self.buckets.clear();
        self.operating.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_bucket_takes_its_size_and_then_what_drains() {
        let mut meters = Meters::default();
        let ip = IpAddr::from([127, 0, 0, 1]);
        let rate = Rate { size: 50.0, drain: 2.0 };
        let taken = (0..60).filter(|_| meters.admit(ip, rate, at(0))).count();
        assert_eq!(taken, 50);
        let later = (0..10).filter(|_| meters.admit(ip, rate, at(1))).count();
        assert_eq!(later, 2);
        assert!(
            meters.admit(IpAddr::from([127, 0, 0, 2]), rate, at(1)),
            "another address has its own bucket"
        );
    }

    #[test]
    fn operating_time_slides_out_of_the_window() {
        let mut meters = Meters::default();
        meters.spend("crm.lead.add", 470.0, at(0));
        meters.spend("crm.lead.add", 20.0, at(61));
        assert!((meters.spent("crm.lead.add", at(62)) - 490.0).abs() < 1e-9);
        assert_eq!(meters.reset_at("crm.lead.add", at(62)), 600);
        assert!((meters.spent("crm.lead.add", at(600)) - 20.0).abs() < 1e-9);
        assert!(meters.spent("crm.lead.list", at(62)).abs() < 1e-9);
    }
}
