//! CRMs, notification channels and banks, one module each.
//!
//! A connector is one module and one line in [`CONNECTORS`]. What every connector owes stands in
//! `connector.contract.md`; the suite `tests/it/contract.rs` holds each entry of the list to it. A bank is one module and
//! one line in [`GATEWAYS`]; what it owes stands in `gateway.contract.md`.

mod address;
mod alfa;
mod amocrm;
mod bitrix24;
mod captcha;
mod effect;
mod egress;
mod gateways;
pub mod limit;
mod outcomes;
pub mod settings;
mod story;
mod text;

use std::sync::Arc;

use ismart_domain::ports::Connector;
use serde_json::{Map, Value};

pub use captcha::{CAPTCHA_FIELDS, open_captcha};
pub use egress::Egress;
pub use gateways::{GATEWAYS, GatewayEntry, OpenedGateway, find_gateway};
pub use outcomes::{OUTCOMES, OutcomeEntry, SourceOpened, find_outcomes};
pub use settings::{Field, FieldKind, Problem, SettingsError};

/// A connector, or everything that is wrong with its settings.
pub type Opened = Result<Arc<dyn Connector>, SettingsError>;

/// A kind of destination.
#[derive(Debug)]
pub struct Entry {
    /// The name in configurations: `bitrix24`.
    pub kind: &'static str,
    /// The name on Russian screens.
    pub title_ru: &'static str,
    /// The name on English screens.
    pub title_en: &'static str,
    /// The settings: for forms, documentation and the check of unknown keys.
    pub fields: &'static [Field],
    /// Makes a connector of settings. Reads them only; sends nothing.
    pub open: fn(&Map<String, Value>, &Egress) -> Opened,
}

/// All kinds of destinations.
pub static CONNECTORS: &[Entry] = &[bitrix24::ENTRY, amocrm::ENTRY];

/// The entry of this kind.
#[must_use]
pub fn find(kind: &str) -> Option<&'static Entry> {
    CONNECTORS.iter().find(|entry| entry.kind == kind)
}
