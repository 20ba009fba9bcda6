//! Leads: accept, consent, deliver.
//!
//! [`accept`] writes a lead, its consents, its deliveries and their events in the caller's transaction: when that
//! commits, the lead cannot be lost. [`Dispatcher`] brings each delivery to a final state. [`orders`] takes money: a
//! paid order becomes a lead. [`intake`] has every door by which leads come in from elsewhere.

mod accept;
pub mod alerts;
mod dispatch;
pub mod intake;
pub mod orders;
pub mod outcomes;
pub mod queue;
pub mod replay;
mod trace;

pub use accept::{AcceptError, Accepted, INBOX, accept};
pub use dispatch::{Care, Destination, Dispatcher, Lanes, Stop};
pub use trace::Shown;
