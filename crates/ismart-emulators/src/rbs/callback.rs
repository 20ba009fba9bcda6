//! Reports that the bank sends by itself: signed, and repeated until they are answered with 200.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::form_urlencoded::Serializer;

use super::{Core, OrderStatus, Sent};

/// How often a report is tried.
const TRIES: u32 = 5;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(300);

/// The address of a report about an order; `None` when the bank does not report.
pub(super) fn url(core: &Core, number: &str) -> Option<String> {
    let key = core.callback_key.as_deref()?;
    let state = core.lock();
    let base = state.callback_url.clone()?;
    let order = state.orders.iter().find(|order| order.number == number)?;
    let (operation, status) = match order.status {
        OrderStatus::Deposited => ("deposited", "1"),
        OrderStatus::Held => ("approved", "1"),
        OrderStatus::Refunded => ("refunded", "1"),
        OrderStatus::Declined | OrderStatus::Registered => ("deposited", "0"),
    };
    let amount = order.amount.to_string();
    let pairs = BTreeMap::from([
        ("amount", amount.as_str()),
        ("mdOrder", order.id.as_str()),
        ("operation", operation),
        ("orderNumber", order.number.as_str()),
        ("status", status),
    ]);
    let text: String = pairs.iter().map(|(name, value)| format!("{name};{value};")).collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    let checksum = hex::encode_upper(mac.finalize().into_bytes());
    let mut query = Serializer::new(String::new());
    query.extend_pairs(pairs).append_pair("checksum", &checksum);
    Some(format!("{base}?{}", query.finish()))
}

/// Sends one report.
pub(super) async fn send(core: &Core, number: &str) -> Option<Sent> {
    let url = url(core, number)?;
    let status = core.http.get(&url).send().await.ok().map(|answer| answer.status());
    let sent = Sent { url, status };
    core.lock().sent.push(sent.clone());
    Some(sent)
}

/// Sends a report until it is answered with 200, a few times.
pub(super) async fn deliver(core: &Core, number: &str) {
    for _ in 0..TRIES {
        match send(core, number).await {
            None | Some(Sent { status: Some(200), .. }) => return,
            Some(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
