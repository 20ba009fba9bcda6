//! Leads: accept, consent, deliver.
//!
//! [`accept`] writes a lead, its consents, its deliveries and their events in the caller's transaction: when that
//! commits, the lead cannot be lost. [`Dispatcher`] brings each delivery to a final state. [`orders`] takes money: a
//! paid order becomes a lead.

mod accept;
mod dispatch;
pub mod orders;

pub use accept::{AcceptError, Accepted, INBOX, accept};
pub use dispatch::{Destination, Dispatcher, Stop};
