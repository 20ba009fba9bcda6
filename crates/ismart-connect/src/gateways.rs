//! Banks that take money for sites, one module each.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::ports::PaymentGateway;
use serde_json::{Map, Value};

use crate::settings::{Field, SettingsError};
use crate::{Egress, alfa};

/// A gateway with what its settings say about time.
pub struct OpenedGateway {
    /// The gateway.
    pub gateway: Arc<dyn PaymentGateway>,
    /// How long a person has to pay.
    pub session: Duration,
}

/// A kind of bank.
#[derive(Debug)]
pub struct GatewayEntry {
    /// The name in configurations: `alfa`.
    pub kind: &'static str,
    /// The name on Russian screens.
    pub title_ru: &'static str,
    /// The name on English screens.
    pub title_en: &'static str,
    /// The settings: for documentation and the check of unknown keys.
    pub fields: &'static [Field],
    /// Makes a gateway of settings. Reads them only; sends nothing.
    pub open: fn(&Map<String, Value>, &Egress) -> Result<OpenedGateway, SettingsError>,
}

/// All kinds of banks.
pub static GATEWAYS: &[GatewayEntry] = &[alfa::ENTRY];

/// The entry of this kind.
#[must_use]
pub fn find_gateway(kind: &str) -> Option<&'static GatewayEntry> {
    GATEWAYS.iter().find(|entry| entry.kind == kind)
}
