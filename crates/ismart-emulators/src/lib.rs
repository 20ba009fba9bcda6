//! Outside services that behave like the real ones, for the demo and for tests.
//!
//! An emulator answers over real HTTP on a loopback address, keeps what was really created (its
//! *ledger*), logs every request with secrets masked, and misbehaves on demand through fault rules.

pub mod bitrix24;
pub mod feed_source;
