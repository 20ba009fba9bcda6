//! Leads: accept, consent, deliver.
//!
//! [`accept`] writes a lead, its consents, its deliveries and their events in the caller's transaction: when that
//! commits, the lead cannot be lost. [`Dispatcher`] brings each delivery to a final state.

mod accept;
mod dispatch;

pub use accept::{AcceptError, Accepted, INBOX, accept};
pub use dispatch::{Destination, Dispatcher, Stop};
