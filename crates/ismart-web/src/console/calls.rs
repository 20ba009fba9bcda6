//! What providers told of the calls of a lead, as far as they have come.

use ismart_store::calls::CallRow;
use serde::Serialize;

use super::plain;
use super::seat::Seat;

/// A call in a list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CallLine {
    phase: String,
    length: Option<String>,
    recording: Option<String>,
    line: Option<String>,
}

impl CallLine {
    pub(super) fn of(seat: &Seat, call: CallRow) -> Self {
        let link = |link: &String| link.starts_with("https://") || link.starts_with("http://");
        let length = call.seconds.filter(|seconds| *seconds > 0);
        Self {
            phase: plain::named(seat.texts(), "call_phase", &call.phase),
            length: length.map(|seconds| format!("{}:{:02}", seconds / 60, seconds % 60)),
            recording: call.recording.filter(link),
            line: call.line,
        }
    }
}
