//! What visitors ask sites for: which rules of redirects they follow, and which addresses lead them nowhere.
//!
//! Counted in memory, so that no request waits, and written every few seconds and at the end in one transaction. A kill
//! loses what was counted since. These are tallies for the screen of redirects; figures of the business come from the
//! event log alone.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use ismart_domain::{ClientId, SiteId};
use ismart_sites::Answer;
use ismart_store::addresses::{self, AddressKind, Tally};
use ismart_store::{Store, StoreError, Tx};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::origin::{Asked, text};

/// How often what was counted is written.
const EVERY: Duration = Duration::from_secs(5);
/// Addresses counted at once; more are left out until the next writing.
const AT_ONCE: usize = 5000;
/// Addresses that lead nowhere kept of a site.
const KEPT: i64 = 500;
/// The longest address and origin that are kept, characters.
const LONGEST: usize = 300;
/// What programs that read the web call themselves.
const ROBOTS: [&str; 8] = ["bot", "crawl", "spider", "slurp", "curl/", "wget/", "python", "scan"];

type Key = (ClientId, SiteId, AddressKind, String);

#[derive(Debug, Clone)]
struct Seen {
    hits: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    referrer: Option<String>,
}

/// The counters of all sites of a process.
pub struct Footfall {
    store: Store,
    counted: Mutex<HashMap<Key, Seen>>,
    /// Sites of which it is kept since when they are counted.
    begun: Mutex<HashSet<SiteId>>,
}

impl std::fmt::Debug for Footfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Footfall").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Footfall {
    /// Counters that begin with nothing.
    pub(crate) fn new(store: Store) -> Self {
        Self { store, counted: Mutex::default(), begun: Mutex::default() }
    }

    /// Notes what a site answered to a request for `path`.
    pub(crate) fn note(
        &self,
        asked: &Asked,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        answer: &Answer,
        now: Timestamp,
    ) {
        let (kind, address) = match answer {
            Answer::Redirect { location, .. } => match asked.site.rule_followed(path, location) {
                Some(rule) if rule.prefix => (AddressKind::Prefix, rule.from),
                Some(rule) => (AddressKind::Exact, rule.from),
                None => return,
            },
            Answer::Page(page) if page.status == 404 && *method == Method::GET && is_visitor(headers) => {
                (AddressKind::Missing, readable(path))
            }
            _ => return,
        };
        if address.chars().count() > LONGEST {
            return;
        }
        let key = (asked.place.client_id, asked.place.site_id, kind, address);
        let referrer = referrer(headers);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= AT_ONCE && !counted.contains_key(&key) {
            return;
        }
        let fresh = || Seen { hits: 0, first_at: now, last_at: now, referrer: None };
        let seen = counted.entry(key).or_insert_with(fresh);
        seen.hits += 1;
        seen.last_at = now;
        seen.referrer = referrer.or(seen.referrer.take());
    }

    /// Writes what was counted, every few seconds and once more when told to stop. `places` gives the sites in service.
    pub async fn run(
        &self,
        places: impl Fn() -> Vec<(ClientId, SiteId)> + Send,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let over = tokio::select! {
                () = tokio::time::sleep(EVERY) => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            if let Err(error) = self.begin(places()).await {
                tracing::error!(error = %error, "the beginning of a count could not be written");
            }
            if let Err(error) = self.write().await {
                tracing::error!(error = %error, "what visitors asked for could not be written");
            }
            if over {
                return;
            }
        }
    }

    /// Keeps since when sites are counted, where that is not kept yet.
    ///
    /// # Errors
    /// [`StoreError`] of the engine; the next call tries again.
    pub async fn begin(&self, places: Vec<(ClientId, SiteId)>) -> Result<(), StoreError> {
        let known = |site: &SiteId| self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(site);
        let new: Vec<_> = places.into_iter().filter(|(_, site)| !known(site)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let sites: Vec<SiteId> = new.iter().map(|(_, site)| *site).collect();
        let written: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let now = tx.env().now();
                    let since = Tally {
                        kind: AddressKind::Since,
                        address: String::new(),
                        hits: 0,
                        first_at: now,
                        last_at: now,
                        referrer: None,
                    };
                    for (client, site) in new {
                        addresses::add(tx, client, site, std::slice::from_ref(&since)).await?;
                    }
                    Ok(())
                })
            })
            .await;
        written?;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).extend(sites);
        Ok(())
    }

    /// Writes what was counted since the last time.
    ///
    /// # Errors
    /// [`StoreError`] of the engine; what could not be written is kept for the next time.
    pub async fn write(&self) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let mut sites: HashMap<(ClientId, SiteId), Vec<Tally>> = HashMap::new();
        for ((client, site, kind, address), seen) in taken.clone() {
            let Seen { hits, first_at, last_at, referrer } = seen;
            let tally = Tally { kind, address, hits, first_at, last_at, referrer };
            sites.entry((client, site)).or_default().push(tally);
        }
        let written: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for ((client, site), tallies) in &sites {
                        addresses::add(tx, *client, *site, tallies).await?;
                        if tallies.iter().any(|tally| tally.kind == AddressKind::Missing) {
                            addresses::prune(tx, *client, *site, KEPT).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await;
        if written.is_err() {
            self.put_back(taken);
        }
        written
    }

    fn put_back(&self, taken: HashMap<Key, Seen>) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, old) in taken {
            match counted.get_mut(&key) {
                Some(seen) => {
                    seen.hits += old.hits;
                    seen.first_at = old.first_at;
                }
                None => {
                    counted.insert(key, old);
                }
            }
        }
    }
}

/// Whether a person asked for a page.
fn is_visitor(headers: &HeaderMap) -> bool {
    let accepts = text(headers, "accept").is_some_and(|accepted| accepted.contains("text/html"));
    let agent = text(headers, "user-agent").unwrap_or("").to_lowercase();
    accepts && !agent.is_empty() && !ROBOTS.iter().any(|robot| agent.contains(robot))
}

/// A path as people read it, without final slash.
fn readable(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let plain: String = decoded.chars().filter(|c| !c.is_control()).collect();
    match plain.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

/// Where a visitor came from: the path on the same site, or the other host; never what stands behind a `?`.
fn referrer(headers: &HeaderMap) -> Option<String> {
    let (_, rest) = text(headers, "referer")?.split_once("://")?;
    let rest = rest.split(['?', '#']).next()?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let own = text(headers, "host").is_some_and(|own| own.eq_ignore_ascii_case(host));
    let found = if own { readable(&format!("/{path}")) } else { host.to_lowercase() };
    Some(found.chars().take(LONGEST).collect()).filter(|found: &String| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn robots_and_pictures_are_no_visitors() {
        let browser = "Mozilla/5.0 (X11; Linux) Firefox/140";
        assert!(is_visitor(&headers(&[("accept", "text/html,*/*"), ("user-agent", browser)])));
        assert!(!is_visitor(&headers(&[("accept", "image/avif,*/*"), ("user-agent", browser)])));
        assert!(!is_visitor(&headers(&[("accept", "text/html"), ("user-agent", "YandexBot/3.0")])));
        assert!(!is_visitor(&headers(&[("accept", "text/html")])));
    }

    #[test]
    fn of_where_somebody_came_from_nothing_personal_is_kept() {
        let own = headers(&[("host", "a.test"), ("referer", "https://a.test/cars/?phone=79101234567#x")]);
        assert_eq!(referrer(&own).as_deref(), Some("/cars"));
        let other = headers(&[("host", "a.test"), ("referer", "https://Ya.ru/search?text=me")]);
        assert_eq!(referrer(&other).as_deref(), Some("ya.ru"));
        assert_eq!(referrer(&headers(&[("referer", "nonsense")])), None);
        assert_eq!(readable("/%D0%BF%D0%B8%D1%86%D1%86%D0%B0/"), "/пицца");
        assert_eq!(readable("//"), "/");
    }
}
