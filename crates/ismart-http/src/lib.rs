//! The one way out: HTTP client with deadlines, address guard and redaction.
//!
//! Everything that the platform asks of the outside goes through [`Client`]. It reaches only permitted
//! addresses, reads only bounded answers, waits only bounded times, and says of a failure whether the
//! request can have been carried out: that decides whether a caller may simply repeat it.

pub mod address;
mod client;
pub mod exchange;
mod failure;
mod response;
mod roots;

pub use address::{AddressPolicy, Network};
pub use client::{Client, ClientError, Request, Settings};
pub use exchange::{Exchange, watched};
pub use failure::{Failure, Lost, NotSent};
pub use response::Response;
