//! A delivery that is to be tried again at once.

use ismart_domain::delivery::{Delivery, DeliveryState};
use ismart_domain::{ClientId, DeliveryId, EventBody, SiteId};
use ismart_store::events::Scope;
use ismart_store::{StoreError, Tx, deliveries, events};

use crate::platform::Platform;

/// Whether there is anything to try again.
pub(crate) fn is_possible(delivery: &Delivery) -> bool {
    delivery.destination != ismart_leads::INBOX
        && !matches!(
            delivery.state,
            DeliveryState::Delivered | DeliveryState::Sending | DeliveryState::Held | DeliveryState::Refused
        )
}

/// Makes the delivery due at once, and says so in the event log.
///
/// # Errors
/// [`StoreError`]; nothing was changed.
pub(crate) async fn ask(
    platform: &Platform,
    client_id: ClientId,
    site_id: SiteId,
    id: DeliveryId,
) -> Result<(), StoreError> {
    let trace_id = platform.env.new_id();
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let Some(changed) = deliveries::replay(tx, client_id, id).await? else { return Ok(()) };
                let scope = Scope { client_id, site_id: Some(site_id), trace_id };
                let body = EventBody::DeliveryChanged {
                    delivery_id: changed.id,
                    lead_id: changed.lead_id,
                    destination: changed.destination,
                    state: changed.state,
                    attempts: changed.attempts,
                };
                events::append(tx, scope, body).await
            })
        })
        .await
}
