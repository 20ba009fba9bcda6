//! Pages that count seats show what is left after what was sold: over the snapshot that editors made lies what the
//! orders say. Nothing of it is written into the content; a number that an editor writes counts anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ismart_domain::{ClientId, EventBody, SiteId};
use ismart_sites::Snapshot;
use ismart_sites::edit::Changes;
use ismart_store::{Store, StoreError, orders};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use crate::platform::{Platform, Shop};

/// The key of the number of seats in what is sold.
const SEATS: &str = "seatsLeft";

/// What was sold of a site's items: slug → the number that its content said, and how many of them are gone.
type Sold = BTreeMap<String, (i64, i64)>;

/// A snapshot with what was sold laid over it.
#[derive(Debug, Clone)]
struct Shown {
    /// The snapshot below, by its number.
    below: u64,
    sold: Arc<Sold>,
    site: Arc<Snapshot>,
}

/// Seats of all sites that sell.
#[derive(Debug, Default)]
pub(crate) struct BoxOffice {
    sold: ArcSwap<HashMap<SiteId, Arc<Sold>>>,
    shown: ArcSwap<HashMap<SiteId, Shown>>,
    laying: Mutex<()>,
}

impl BoxOffice {
    /// The site as visitors see it. What was made once is kept until the site or what was sold of it changes.
    pub(crate) fn over(&self, site: Arc<Snapshot>, site_id: SiteId, shop: &Shop) -> Arc<Snapshot> {
        let Some(sold) = self.sold.load().get(&site_id).filter(|sold| !sold.is_empty()).cloned() else {
            return site;
        };
        let ready = || {
            let shown = self.shown.load().get(&site_id).cloned()?;
            (shown.below == site.number() && Arc::ptr_eq(&shown.sold, &sold)).then_some(shown.site)
        };
        if let Some(ready) = ready() {
            return ready;
        }
        let one_at_a_time = self.laying.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = ready() {
            return ready;
        }
        let changes = changes(&site, &shop.collection, &sold);
        let laid = if changes.is_empty() { Ok(site.clone()) } else { site.overlaid(&changes) };
        let laid = laid.unwrap_or_else(|faults| {
            tracing::error!(site = site.config().site, ?faults, "seats that were sold cannot be shown");
            site.clone()
        });
        let shown = Shown { below: site.number(), sold, site: laid.clone() };
        self.shown.rcu(|all| {
            let mut all = all.as_ref().clone();
            all.insert(site_id, shown.clone());
            all
        });
        drop(one_at_a_time);
        laid
    }

    /// Reads again what was sold of a site.
    async fn read(&self, store: &Store, client_id: ClientId, site_id: SiteId) -> Result<(), StoreError> {
        let mut conn = store.read().await?;
        let rows = orders::sold(&mut conn, client_id, site_id).await?;
        let sold: Sold = rows.into_iter().map(|(item, said, gone)| (item, (said, gone))).collect();
        let known = self.sold.load().get(&site_id).is_some_and(|known| **known == sold);
        if !known {
            let sold = Arc::new(sold);
            self.sold.rcu(|all| {
                let mut all = all.as_ref().clone();
                all.insert(site_id, sold.clone());
                all
            });
        }
        Ok(())
    }
}

/// The files whose number of seats is no longer what it says. A number that was written after the last sale is left
/// alone: whoever wrote it knew what had been sold.
fn changes(site: &Snapshot, collection: &str, sold: &Sold) -> Changes {
    let mut changes = Changes::new();
    let Some(collection) = site.config().collections.get(collection) else { return changes };
    for language in site.languages() {
        for (item, (said, gone)) in sold {
            let path = format!("data/json/{language}/{}/{item}.json", collection.data_dir);
            let Some(mut entity) = site.json(&path).cloned() else { continue };
            let inner = match &collection.item_key {
                Some(key) => entity.get_mut(key),
                None => Some(&mut entity),
            };
            let Some(seats) = inner.and_then(|inner| inner.get_mut(SEATS)) else { continue };
            if crate::form::pay::seats_of(seats) == Some(*said) {
                *seats = Value::from(said.saturating_sub(*gone).max(0));
                changes.insert(path, Some(entity.to_string()));
            }
        }
    }
    changes
}

impl Platform {
    /// Keeps the seats that pages show true to the orders, for as long as the process runs.
    pub async fn follow_orders(&self) {
        let mut news = self.store.listen();
        self.read_all_seats().await;
        loop {
            match news.recv().await {
                Ok(event) => {
                    if let (EventBody::OrderChanged { .. }, Some(site_id)) = (&event.body, event.site_id) {
                        self.read_seats(event.client_id, site_id).await;
                    }
                }
                Err(RecvError::Lagged(_)) => self.read_all_seats().await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn read_all_seats(&self) {
        let world = self.world.load_full();
        for place in world.places.values().filter(|place| world.shops.contains_key(&place.site_id)) {
            self.read_seats(place.client_id, place.site_id).await;
        }
    }

    async fn read_seats(&self, client_id: ClientId, site_id: SiteId) {
        if let Err(error) = self.box_office.read(&self.store, client_id, site_id).await {
            tracing::error!(error = %error, "what was sold cannot be read; pages show older numbers");
        }
    }
}
