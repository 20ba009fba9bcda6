//! `[payment]` of a site: the bank that takes its money.

use std::sync::Arc;

use ismart_connect::{Egress, GATEWAYS, OpenedGateway, find_gateway};
use ismart_leads::orders::{Till, TillSettings};
use ismart_store::Store;
use ismart_web::{Place, Shop};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::sites::Parts;
use crate::config::resolve;
use crate::output::Trouble;

/// The section of `site.toml`.
const SECTION: &str = "payment";

/// What `[payment]` says, apart from the bank's own settings.
struct Wish {
    bank: String,
    enabled: bool,
    return_base: Option<String>,
    collection: String,
    settings: Map<String, Value>,
}

/// Reads `[payment]`; `None` when the site has none.
fn read(parts: &Parts, troubles: &mut Vec<Trouble>) -> Option<Wish> {
    let table = parts.snapshot.config().section(SECTION)?;
    let Ok(Value::Object(mut settings)) = serde_json::to_value(table) else { return None };
    let mut text = |key: &str, default: &str| match settings.remove(key) {
        None => Some(default.to_owned()),
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(_) => {
            troubles.push(trouble(parts, key, "must be a text in quotes".to_owned()));
            None
        }
    };
    let (bank, collection, base) =
        (text("bank", "alfa"), text("collection", "events"), text("return_base", ""));
    let base = base.unwrap_or_default().trim_end_matches('/').to_owned();
    if !base.is_empty() && !base.starts_with("https://") && !base.starts_with("http://") {
        let reason = "must be an absolute address such as https://www.example.com".to_owned();
        troubles.push(trouble(parts, "return_base", reason));
    }
    let enabled = match settings.remove("enabled") {
        None | Some(Value::Bool(true)) => true,
        Some(Value::Bool(false)) => false,
        Some(_) => {
            troubles.push(trouble(parts, "enabled", "must be true or false".to_owned()));
            false
        }
    };
    for (key, value) in &mut settings {
        if let Err(why) = resolve(value, &parts.folder) {
            troubles.push(trouble(parts, key, why));
        }
    }
    let collection = collection.unwrap_or_default();
    if !parts.snapshot.config().collections.contains_key(&collection) {
        let reason = format!("there is no collection `{collection}`");
        troubles.push(trouble(parts, "collection", reason));
    }
    let return_base = Some(base).filter(|base| !base.is_empty());
    Some(Wish { bank: bank.unwrap_or_default(), enabled, return_base, collection, settings })
}

fn trouble(parts: &Parts, key: &str, reason: String) -> Trouble {
    let place = format!("{}/{}: [{SECTION}] {key}", parts.folder.display(), ismart_sites::SITE_TOML);
    Trouble::new(place, reason, "mend the setting; docs/reference/payments.md lists all of them")
}

/// The bank of a site with what else `[payment]` says; `None` when it takes no money.
fn gateway(egress: &Egress, parts: &Parts) -> Result<Option<(Wish, OpenedGateway)>, Vec<Trouble>> {
    let mut troubles = Vec::new();
    let wish = read(parts, &mut troubles);
    if !troubles.is_empty() {
        return Err(troubles);
    }
    let Some(wish) = wish.filter(|wish| wish.enabled) else { return Ok(None) };
    let Some(entry) = find_gateway(&wish.bank) else {
        let known: Vec<&str> = GATEWAYS.iter().map(|entry| entry.kind).collect();
        let reason = format!("there is no bank `{}`; known are {}", wish.bank, known.join(", "));
        return Err(vec![trouble(parts, "bank", reason)]);
    };
    match (entry.open)(&wish.settings, egress) {
        Ok(opened) => Ok(Some((wish, opened))),
        Err(error) => {
            let each = error.problems.into_iter();
            Err(each.map(|problem| trouble(parts, &problem.key, problem.reason)).collect())
        }
    }
}

/// Everything that is wrong with `[payment]` of a site.
pub(super) fn examine(egress: &Egress, parts: &Parts) -> Vec<Trouble> {
    gateway(egress, parts).err().unwrap_or_default()
}

/// The shop of a site, if it has one.
///
/// # Errors
/// Everything that is wrong with `[payment]`.
pub(super) fn open(
    egress: &Egress,
    store: &Store,
    parts: &Parts,
    place: &Place,
) -> Result<Option<Arc<Shop>>, Vec<Trouble>> {
    let Some((wish, opened)) = gateway(egress, parts)? else { return Ok(None) };
    let config = parts.snapshot.config();
    let host = config.hosts.first().map(|host| format!("https://{host}"));
    let base_url = wish.return_base.or_else(|| config.base_url.clone()).or(host).unwrap_or_default();
    let settings = TillSettings {
        client_id: place.client_id,
        site_id: place.site_id,
        destinations: place.destinations.clone(),
        base_url,
        session: SignedDuration::try_from(opened.session).unwrap_or(SignedDuration::from_mins(20)),
    };
    let till = Till::new(store.clone(), opened.gateway, settings);
    Ok(Some(Arc::new(Shop { till, collection: wish.collection })))
}
