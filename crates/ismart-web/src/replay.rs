//! A delivery that is to be tried again at once.

use ismart_domain::delivery::{Delivery, DeliveryState};
use ismart_domain::{ClientId, DeliveryId, UserId};
use ismart_leads::queue::{DecideError, Decider};
use ismart_store::Tx;

use crate::platform::Platform;

/// Whether there is anything to try again.
pub(crate) fn is_possible(delivery: &Delivery) -> bool {
    delivery.destination != ismart_leads::INBOX
        && !matches!(
            delivery.state,
            DeliveryState::Delivered | DeliveryState::Sending | DeliveryState::Held | DeliveryState::Refused
        )
}

/// Makes the delivery due at once, and says in the event log who wanted it and why.
///
/// # Errors
/// [`DecideError`]; nothing was changed.
pub(crate) async fn ask(
    platform: &Platform,
    client_id: ClientId,
    id: DeliveryId,
    user_id: Option<UserId>,
    why: &str,
) -> Result<(), DecideError> {
    let decider = Decider::new(user_id, why)?;
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(
                async move { ismart_leads::replay::again(tx, client_id, id, &decider).await.map(|_| ()) },
            )
        })
        .await
}
