//! What the tests of channels have in common.

use ismart_domain::delivery::DeliveryError;
use ismart_emulators::{Fault, FaultBody};
use jiff::Timestamp;

use crate::contract::Trouble;

/// The time of emulators.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// What an error asks for: `look` and `again` are the two kinds of repeat.
pub(crate) fn class(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Retry { ambiguous: true, .. } => "look",
        DeliveryError::Retry { ambiguous: false, .. } => "again",
        DeliveryError::Rejected { .. } => "person",
        DeliveryError::Settings { .. } => "settings",
    }
}

/// A service that speaks HTTP, in trouble. `throttled` and `refused` are its own words; `None` for the trouble that is
/// no fault but a change of what it keeps.
pub(crate) fn fault(trouble: Trouble, throttled: Fault, refused: Fault) -> Option<Fault> {
    let status = |code, body, after_commit| Fault::Status { code, body, after_commit };
    Some(match trouble {
        Trouble::LosesAnswer => Fault::DropAfterCommit,
        Trouble::LosesRequest => Fault::DropBeforeCommit,
        Trouble::AnswersPage => status(502, FaultBody::Html, false),
        Trouble::AnswersGarbage => status(200, FaultBody::Garbage, true),
        Trouble::Dawdles => Fault::Latency { ms: 60_000, after_commit: true },
        Trouble::Throttles => throttled,
        Trouble::Refuses => refused,
        Trouble::ForgetsSecret => return None,
    })
}

/// A refusal with this status and code, nothing carried out.
pub(crate) fn refusal(code: u16, word: &str) -> Fault {
    Fault::Status { code, body: FaultBody::Code(word.to_owned()), after_commit: false }
}
