//! Leads: accept, consent, deliver.
//!
//! [`accept`] writes a lead, its consents, its deliveries and their events in the caller's transaction: when that
//! commits, the lead cannot be lost. [`Dispatcher`] brings each delivery to a final state. [`orders`] takes money: a
//! paid order becomes a lead. [`intake`] has every door by which leads come in from elsewhere. [`persons`] says who is
//! behind a lead over all channels, [`holding`] what people decide about it, [`balance`] proves that nothing was lost.

mod accept;
pub mod alerts;
pub mod balance;
mod dispatch;
pub mod holding;
pub mod intake;
pub mod orders;
pub mod outcomes;
pub mod persons;
pub mod queue;
pub mod replay;
mod trace;

pub use accept::{AcceptError, Accepted, INBOX, accept};
pub use dispatch::{Care, Destination, Dispatcher, Lanes, Stop};
pub use trace::Shown;
