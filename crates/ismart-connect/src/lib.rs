//! CRMs, notification channels and banks, one module each.
//!
//! A connector is one module and one line in [`CONNECTORS`]. What every connector owes stands in
//! `connector.contract.md`; the suite `tests/it/contract.rs` holds each entry of the list to it. A bank is one module and
//! one line in [`GATEWAYS`]; what it owes stands in `gateway.contract.md`.

mod address;
mod alfa;
mod amocrm;
mod bitrix24;
mod calltouch;
mod captcha;
mod effect;
mod egress;
mod email;
mod gateways;
pub mod limit;
mod mapping;
mod max;
mod notice;
mod notify;
mod outcomes;
mod rehearse;
pub mod settings;
mod sheets;
mod story;
mod telegram;
mod text;
mod verdict;
mod vk;
mod webhook;

use std::sync::Arc;

use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use serde_json::{Map, Value};

pub use captcha::{CAPTCHA_FIELDS, open_captcha};
pub use egress::Egress;
pub use gateways::{GATEWAYS, GatewayEntry, OpenedGateway, find_gateway};
pub use notify::{NOTIFIERS, NotifierEntry, NotifierOpened, find_notifier};
pub use outcomes::{OUTCOMES, OutcomeEntry, SourceOpened, find_outcomes};
pub use rehearse::Rehearsing;
pub use settings::{Field, FieldKind, Problem, SettingsError};

/// A connector, or everything that is wrong with its settings.
pub type Opened = Result<Arc<dyn Connector>, SettingsError>;

/// What a destination knows of the leads that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It can be asked for a lead: after a lost answer it is, before anything is sent again.
    Asked,
    /// It cannot be asked, and recognises a repeat by the key that every attempt carries: a repeat is no second record.
    Recognises,
    /// Neither: after a lost answer a lead may stand there twice, both times under its one number.
    Forgets,
}

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
    /// What it knows of leads.
    pub memory: Memory,
    /// Makes a connector of settings. Reads them only; sends nothing.
    pub open: fn(&Map<String, Value>, &Egress) -> Opened,
    /// Checks the destination, and shows what would go out for this lead. Leaves nothing behind.
    pub rehearse: fn(&Map<String, Value>, &Egress, Lead) -> Rehearsing,
}

/// All kinds of destinations.
pub static CONNECTORS: &[Entry] = &[
    bitrix24::ENTRY,
    amocrm::ENTRY,
    email::ENTRY,
    telegram::ENTRY,
    vk::ENTRY,
    max::ENTRY,
    sheets::ENTRY,
    calltouch::ENTRY,
    webhook::ENTRY,
];

/// The entry of this kind.
#[must_use]
pub fn find(kind: &str) -> Option<&'static Entry> {
    CONNECTORS.iter().find(|entry| entry.kind == kind)
}
