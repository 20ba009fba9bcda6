//! Module contracts in the manner of GRACE: Markdown beside the code, written by people, kept true by a machine.
//!
//! A [`Tree`] is a folder of PHP or Rust code read at one moment: files with their public items ([`code`]), contracts
//! ([`contract`]), and who uses whom.

pub mod check;
pub mod code;
pub mod command;
pub mod config;
pub mod contract;
pub mod coverage;
pub mod finding;
pub mod graph;
pub mod init;
pub mod serve;
pub mod tree;

pub use check::check;
pub use config::Config;
pub use contract::Contract;
pub use coverage::coverage;
pub use finding::{Finding, Format, Severity};
pub use tree::{Tree, TreeError};
