//! Keeping to a destination's limits before it has to complain.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A leaky bucket as a destination describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many requests may come at once.
    pub burst: u32,
    /// After how long one more is permitted.
    pub interval: Duration,
}

/// The longest wait inside [`Limits::admit`]. Who would wait longer comes back later instead, so that a queue
/// never holds its leads in memory for hours.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The limits of one destination. Requests pass in the order in which they ask.
#[derive(Debug)]
pub struct Limits {
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the bucket will have run empty.
    empty_at: Option<Instant>,
    /// Changes when the places given out so far lose their worth.
    epoch: u64,
    /// Methods that may not be called before an instant.
    parked: HashMap<String, Instant>,
}

impl State {
    /// How long the last of these methods stays parked.
    fn parked(&self, methods: &[&str], now: Instant) -> Option<Wait> {
        let until = methods.iter().filter_map(|method| self.parked.get(*method)).max()?;
        (*until > now).then(|| Wait { after: until.duration_since(now) })
    }
}

/// Not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no place within the permitted time; next in {} s", .after.as_secs())]
pub struct Wait {
    /// When to ask again.
    pub after: Duration,
}

impl Limits {
    /// An empty bucket.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::default() }
    }

    /// Waits for a place for one request that calls `methods`, at most [`PATIENCE`].
    ///
    /// # Errors
    /// [`Wait`] when a method is parked, or when the next place is further away than that.
    pub async fn admit(&self, methods: &[&str]) -> Result<(), Wait> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (slot, epoch) = self.reserve(methods, deadline)?;
            sleep_until(slot).await;
            let state = self.lock();
            if let Some(wait) = state.parked(methods, Instant::now()) {
                return Err(wait);
            }
            if state.epoch == epoch {
                return Ok(());
            }
        }
    }

    /// The destination says that its bucket is full: somebody else uses it too. All wait for `pause`, then go
    /// on at the steady rate.
    pub fn full(&self, pause: Duration) {
        let mut state = self.lock();
        state.empty_at = Some(Instant::now() + pause + self.slack());
        state.epoch = state.epoch.wrapping_add(1);
    }

    /// Lets nobody call `method` for `pause`, unless it is parked for longer already.
    pub fn park(&self, method: &str, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        let at = state.parked.entry(method.to_owned()).or_insert(until);
        *at = until.max(*at);
    }

    fn reserve(&self, methods: &[&str], deadline: Instant) -> Result<(Instant, u64), Wait> {
        let now = Instant::now();
        let mut state = self.lock();
        state.parked.retain(|_, until| *until > now);
        if let Some(wait) = state.parked(methods, now) {
            return Err(wait);
        }
        let empty_at = state.empty_at.map_or(now, |at| at.max(now));
        let slot = empty_at.checked_sub(self.slack()).map_or(now, |at| at.max(now));
        if slot > deadline {
            return Err(Wait { after: slot.duration_since(now) });
        }
        state.empty_at = Some(empty_at + self.rate.interval);
        Ok((slot, state.epoch))
    }

    /// How far ahead of the steady rate requests may run.
    fn slack(&self) -> Duration {
        self.rate.interval * self.rate.burst.saturating_sub(1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const RATE: Rate = Rate { burst: 40, interval: Duration::from_millis(500) };

    /// The destination's own arithmetic: size, drained per second.
    struct Bucket {
        level: f64,
        at: Instant,
        highest: f64,
    }

    impl Bucket {
        fn new() -> Self {
            Self { level: 0.0, at: Instant::now(), highest: 0.0 }
        }

        fn pour(&mut self) {
            let drained = self.at.elapsed().as_secs_f64() * 2.0;
            self.level = (self.level - drained).max(0.0) + 1.0;
            self.at = Instant::now();
            self.highest = self.highest.max(self.level);
        }
    }

    /// P2 of bitrix24.contract.md, for a backlog of 10,000 leads of three requests each.
    #[tokio::test(start_paused = true)]
    async fn p2_a_backlog_of_ten_thousand_never_overflows_the_bucket() {
        let limits = Arc::new(Limits::new(RATE));
        let bucket = Arc::new(Mutex::new(Bucket::new()));
        let begun = Instant::now();
        let workers = (0..16).map(|_| {
            let (limits, bucket) = (Arc::clone(&limits), Arc::clone(&bucket));
            tokio::spawn(async move {
                for _ in 0..(30_000 / 16) {
                    while let Err(wait) = limits.admit(&["crm.item.add"]).await {
                        tokio::time::sleep(wait.after).await;
                    }
                    bucket.lock().unwrap().pour();
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        let highest = bucket.lock().unwrap().highest;
        assert!(highest <= 40.01, "the bucket rose to {highest}");
        assert!(highest >= 39.0, "the burst is not used: {highest}");
        let steady = 0.5 * f64::from(30_000 - 40);
        assert!((begun.elapsed().as_secs_f64() - steady).abs() < 10.0, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_given_in_the_order_of_asking() {
        let limits = Arc::new(Limits::new(RATE));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..60 {
            let (limits, order) = (Arc::clone(&limits), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                limits.admit(&["m"]).await.unwrap();
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..60).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_sent_away_without_taking_a_place() {
        let limits = Limits::new(Rate { burst: 1, interval: Duration::from_secs(40) });
        limits.admit(&["m"]).await.unwrap();
        for _ in 0..3 {
            assert_eq!(limits.admit(&["m"]).await, Err(Wait { after: Duration::from_secs(40) }));
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
        limits.admit(&["m"]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_parked_method_waits_and_others_do_not() {
        let limits = Limits::new(RATE);
        limits.park("slow", Duration::from_secs(300));
        limits.park("slow", Duration::from_secs(10));
        limits.admit(&["other"]).await.unwrap();
        let wait = limits.admit(&["other", "slow"]).await.unwrap_err();
        assert_eq!(wait.after, Duration::from_secs(300));
        tokio::time::sleep(wait.after).await;
        limits.admit(&["slow"]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_holds_back_those_who_already_had_a_place() {
        let limits = Arc::new(Limits::new(Rate { burst: 2, interval: Duration::from_secs(1) }));
        let begun = Instant::now();
        limits.admit(&["m"]).await.unwrap();
        limits.admit(&["m"]).await.unwrap();
        let waiting = tokio::spawn({
            let limits = Arc::clone(&limits);
            async move {
                limits.admit(&["m"]).await.unwrap();
                begun.elapsed()
            }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        limits.full(Duration::from_secs(5));
        assert!(waiting.await.unwrap() >= Duration::from_millis(5500));
    }
}
