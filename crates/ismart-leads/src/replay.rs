//! Sending again: one delivery, or all that a wish means, with a look at what it means before anything happens.
//!
//! What may have been carried out, delivered ones included, is asked about at the destination first and sent only when it
//! is not there. Each replay is an event with who and why.

use ismart_domain::delivery::{Decision, Delivery};
use ismart_domain::{ClientId, DeliveryId};
use ismart_store::deliveries::{self, Listed, Pick};
use ismart_store::{Store, StoreError, Tx};

use crate::queue::{DecideError, Decider, decided};

/// Deliveries shown before a replay.
const SHOWN_FIRST: i64 = 10;
/// Deliveries asked for again in one transaction: the writer serves leads in between.
const AT_ONCE: i64 = 200;

/// What a replay would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// How many deliveries are meant.
    pub count: i64,
    /// The oldest of them.
    pub first: Vec<Listed>,
}

/// Counts what a wish means and shows the oldest, without changing anything.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub async fn preview(store: &Store, client_id: ClientId, pick: &Pick) -> Result<Preview, StoreError> {
    let mut conn = store.read().await?;
    let count = deliveries::count(&mut conn, client_id, pick).await?;
    let first = deliveries::picked(&mut conn, client_id, pick, None, SHOWN_FIRST).await?;
    Ok(Preview { count, first })
}

/// Asks for one delivery again.
///
/// # Errors
/// [`DecideError::NotOpen`] when it is being sent, is the inbox's, or is not there.
pub async fn again(
    tx: &mut Tx,
    client_id: ClientId,
    id: DeliveryId,
    decider: &Decider,
) -> Result<Delivery, DecideError> {
    let delivery = deliveries::replay(tx, client_id, id).await?.ok_or(DecideError::NotOpen)?;
    let trace_id = tx.env().new_id();
    decided(tx, client_id, &delivery, Decision::Replayed, decider, trace_id).await?;
    Ok(delivery)
}

/// Asks for everything that a wish means again, oldest first; gives how many were. A delivery that is being sent at that
/// moment is left alone.
///
/// # Errors
/// [`StoreError`]; what was asked for before it stays so, and a repeat asks for it once more, which harms nobody.
pub async fn all(
    store: &Store,
    client_id: ClientId,
    pick: &Pick,
    decider: &Decider,
) -> Result<usize, StoreError> {
    let mut done = 0;
    let mut after = None;
    loop {
        let mut conn = store.read().await?;
        let batch = deliveries::picked(&mut conn, client_id, pick, after, AT_ONCE).await?;
        drop(conn);
        let Some(last) = batch.last() else { return Ok(done) };
        after = Some((last.created_at, last.delivery.id));
        let ids: Vec<DeliveryId> = batch.iter().map(|one| one.delivery.id).collect();
        let decider = decider.clone();
        done += store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let mut asked = 0;
                    for id in ids {
                        match again(tx, client_id, id, &decider).await {
                            Ok(_) => asked += 1,
                            Err(DecideError::Store(error)) => return Err(error),
                            Err(_) => {}
                        }
                    }
                    Ok::<usize, StoreError>(asked)
                })
            })
            .await?;
    }
}
