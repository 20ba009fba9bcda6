//! Integration tests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "all of this is test code, its functions without #[test] too"
)]

mod command;
mod drift;
mod forms;
mod graph;
mod merge;
mod model;
mod own;
mod page;
mod php;
mod protocol;
mod reflection;
mod rust;
mod shop;
