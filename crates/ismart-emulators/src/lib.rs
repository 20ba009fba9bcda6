//! Outside services that behave like the real ones, for the demo and for tests.
//!
//! An emulator answers over real HTTP on a loopback address, keeps what was really created (its
//! *ledger*), logs every request with secrets masked, and misbehaves on demand through fault rules.

pub mod amocrm;
pub mod bitrix24;
pub mod calltouch;
pub mod feed_source;
pub mod letterbox;
pub mod max;
pub mod rbs;
pub mod receiver;
pub mod sheets;
pub mod smartcaptcha;
pub mod smtp;
pub mod telegram;
pub mod vk;

mod fault;
mod journal;
mod log;
mod page;
mod php;
mod rng;
mod serve;
mod spelling;
mod stage;

use std::net::SocketAddr;

pub use fault::{Fault, FaultBody, Rule};
pub use stage::{Quota, Running};

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal is unusable.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; choose a free address with .listen(…)")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}
