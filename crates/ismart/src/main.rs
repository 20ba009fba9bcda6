//! iSmart: configuration, wiring, commands.

mod commands;
mod config;
mod output;
mod telemetry;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
