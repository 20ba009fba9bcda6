//! Asks banks about orders that nobody reported on: the person closed the page, the report was lost, the bank was away.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ismart_domain::SiteId;
use ismart_domain::payment::{Cause, Order};
use ismart_store::{Store, StoreError, Tx, orders};
use jiff::SignedDuration;

use super::{SettleError, Till};
use crate::Stop;

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Orders asked about at once.
const AT_ONCE: i64 = 8;
/// How long one look keeps an order from another.
const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// Finds the till of a site.
type Tills = Arc<dyn Fn(SiteId) -> Option<Till> + Send + Sync>;

/// The watch over open orders.
#[derive(Clone)]
pub struct Watch {
    store: Store,
    tills: Tills,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Watch {
    /// A watch that finds tills by `tills`.
    #[must_use]
    pub fn new(store: Store, tills: impl Fn(SiteId) -> Option<Till> + Send + Sync + 'static) -> Self {
        Self { store, tills: Arc::new(tills) }
    }

    /// Takes up registrations that a crash cut off, then asks about due orders until told to stop.
    ///
    /// # Errors
    /// [`StoreError`] when the start fails; later failures are logged and tried again.
    pub async fn run(self, mut stop: Stop) -> Result<(), StoreError> {
        let recovered = self.store.write(|tx: &mut Tx| Box::pin(orders::recover(tx))).await?;
        if recovered > 0 {
            tracing::info!(orders = recovered, "orders cut off by the last stop will be asked about");
        }
        while !*stop.borrow() {
            match self.round().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(error = %error, "orders cannot be read"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        Ok(())
    }

    /// Asks about every order that is due; gives how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let now = self.store.env().now();
        let lease = now.checked_add(LEASE).unwrap_or(now);
        let due = self.store.write(move |tx: &mut Tx| Box::pin(orders::take_due(tx, lease, AT_ONCE))).await?;
        join_all(due.iter().map(|order| self.ask(order))).await;
        Ok(due.len())
    }

    async fn ask(&self, order: &Order) {
        // A site without a till any more: its orders wait until it has one again.
        let Some(till) = (self.tills)(order.purchase.site_id) else { return };
        match till.settle(order, Cause::Watch).await {
            Ok(settled) if settled.order.state != order.state => {
                tracing::info!(order = %order.number, state = settled.order.state.code(), "an order was settled");
            }
            Ok(_) | Err(SettleError::Bank(_)) => {}
            Err(error) => tracing::error!(error = %error, order = %order.number, "an order was not settled"),
        }
    }
}
