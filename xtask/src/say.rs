//! Output of the commands.

use std::fmt::Display;
use std::io::Write;

/// A line of result on standard output; a closed pipe is no failure of ours.
pub(crate) fn line(text: impl Display) {
    let _closed_pipe = writeln!(std::io::stdout(), "{text}").is_err();
}

/// A line of progress or trouble on standard error.
pub(crate) fn note(text: impl Display) {
    let _closed_pipe = writeln!(std::io::stderr(), "{text}").is_err();
}
