//! Showing what would be sent, without sending it.

use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::{Rehearsal, Shown};
use serde_json::Value;

use crate::settings::SettingsError;

/// A rehearsal under way, or everything that is wrong with the settings.
pub type Rehearsing = Result<BoxFuture<'static, Result<Rehearsal, DeliveryError>>, SettingsError>;

/// A connector that needs nothing of the destination to prepare a delivery.
pub(crate) trait Plain: Connector {
    /// What would go out for this lead; secrets masked.
    fn shown(&self, lead: &Lead) -> Vec<Shown>;
}

/// Checks the destination and shows what would go out.
pub(crate) fn plainly<C: Plain + 'static>(made: Result<C, SettingsError>, lead: Lead) -> Rehearsing {
    let connector = made?;
    Ok(Box::pin(async move {
        let about = connector.check().await?;
        Ok(Rehearsal { about, requests: connector.shown(&lead), ..Rehearsal::default() })
    }))
}

/// A JSON body as people read it.
pub(crate) fn readable(body: &Value) -> String {
    serde_json::to_string_pretty(body).unwrap_or_else(|_unwritable| body.to_string())
}
