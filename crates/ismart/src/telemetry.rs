//! Logs: readable lines on a terminal, one JSON object a line elsewhere when asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Starts logging to standard error.
pub(crate) fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let colours = std::io::stderr().is_terminal();
    let text = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colours);
    let started =
        if json { registry.with(text.json()).try_init() } else { registry.with(text.compact()).try_init() };
    if let Err(error) = started {
        crate::output::note(format_args!("logging was already started: {error}"));
    }
}
