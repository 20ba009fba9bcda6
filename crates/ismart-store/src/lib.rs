//! SQLite and PostgreSQL: migrations, statements, event log, outbox.
//!
//! One SQL text serves both engines. Writes happen inside [`Store::write`], which commits durably before it
//! answers; on SQLite one task owns the writing connection and commits the work of many callers at once
//! (group commit), so that `synchronous=FULL` costs one disk flush per group and not per caller.
//!
//! A statement over a client's rows is made by the `tenant!` macro and does not compile unless its text ties
//! `client_id` to `$1`; the client is always the first bound value. Statements over all clients are made by
//! `system!`, which demands a reason.

mod digest;
mod engine;
mod migrate;
mod sql;

pub mod addresses;
pub mod api_answers;
pub mod api_tokens;
pub mod attention;
pub mod balance;
pub mod bookings;
pub mod calls;
pub mod clients;
pub mod conversations;
pub mod deliveries;
pub mod destination_tokens;
pub mod editing;
pub mod effects;
pub mod events;
pub mod feeds;
pub mod figures;
pub mod files;
pub mod imports;
pub mod incidents;
pub mod judgements;
pub mod lead_desk;
pub mod leads;
pub mod mailboxes;
pub mod orders;
pub mod outcomes;
pub mod persons;
pub mod repeats;
pub mod unread;
pub mod users;
pub mod visits;

pub use digest::sha256_hex;
pub use engine::{Conn, Store, StoreError, Tx};
