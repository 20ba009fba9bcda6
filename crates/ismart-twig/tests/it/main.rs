//! Integration tests.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "all of this is test code, its functions without #[test] too"
)]

mod cache;
mod cases;
mod check;
mod environment;
mod growth;
mod harness;
mod limits;
mod mapping;
mod mutations;
mod php;
mod templates;
mod tools;
