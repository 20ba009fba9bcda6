//! iSmart: configuration, wiring, commands.

mod commands;
mod config;
mod output;
mod telemetry;
mod wiring;

use std::process::ExitCode;

/// Pages are made of many small texts; glibc's allocator took a tenth of the time of each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run()
}
