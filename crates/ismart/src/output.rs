//! What commands print: text for people, JSON for scripts; findings with file, reason and repair.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

/// One thing that is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Trouble {
    /// File, key, variable or address.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) repair: String,
    /// Whether the command can go on all the same.
    pub(crate) warning: bool,
}

impl Trouble {
    pub(crate) fn new(
        place: impl Into<String>,
        reason: impl Into<String>,
        repair: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), reason: reason.into(), repair: repair.into(), warning: false }
    }

    pub(crate) fn warning(self) -> Self {
        Self { warning: true, ..self }
    }
}

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) Vec<Trouble>);

impl Failed {
    pub(crate) fn one(
        place: impl Into<String>,
        reason: impl Into<String>,
        repair: impl Into<String>,
    ) -> Self {
        Self(vec![Trouble::new(place, reason, repair)])
    }
}

impl From<ismart_store::StoreError> for Failed {
    fn from(error: ismart_store::StoreError) -> Self {
        Self::one("database", error.to_string(), "mend the cause and start again; nothing half-done was kept")
    }
}

/// Writes a line to standard output; a closed pipe is no failure of ours.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _closed_pipe = writeln!(std::io::stdout(), "{text}").is_err();
}

/// Writes a text to standard output as it is.
pub(crate) fn exact(text: &str) {
    let _closed_pipe = std::io::stdout().write_all(text.as_bytes()).is_err();
}

/// Writes a line to standard error: progress and problems.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _closed_pipe = writeln!(std::io::stderr(), "{text}").is_err();
}

/// Prints troubles for people (standard error) or scripts (standard output).
pub(crate) fn report(troubles: &[Trouble], json: bool) {
    if json {
        let sound = !troubles.iter().any(|t| !t.warning);
        line(serde_json::json!({ "ok": sound, "findings": troubles }));
        return;
    }
    for trouble in troubles {
        let word = if trouble.warning { "warning" } else { "error" };
        note(format_args!("{word}: {}: {}\n  fix: {}", trouble.place, trouble.reason, trouble.repair));
    }
}

/// 0 when nothing but warnings was found, else 1.
pub(crate) fn exit_code(troubles: &[Trouble]) -> ExitCode {
    if troubles.iter().any(|t| !t.warning) { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
