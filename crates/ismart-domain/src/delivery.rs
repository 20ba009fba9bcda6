//! A lead on its way to one destination: states, and what each answer of the outside leads to.
//!
//! ```text
//! queued ─► sending ─► delivered
//!              │ refused            ► needs_attention   (a person must look; nothing is dropped)
//!              │ retry              ► waiting ─► sending
//!              │ retry, ambiguous   ► verifying ─► delivered, or sending again
//!              │ retry, for 76 h    ► needs_attention
//!              └ settings           ► paused ─► sending, once the settings are mended
//!
//! held ─► queued, when a person releases the lead; or ─► refused
//! any but delivered ─► refused, by a person with a reason
//! ```
//!
//! Every state stands for one side of the law of conservation: see [`Standing`].

mod quiet;

pub use quiet::{Hours, Quiet, QuietError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{DeliveryId, LeadId};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Written with its lead, not yet tried.
    Queued,
    /// An attempt is under way. Found at start-up, it means that the process died in the middle.
    Sending,
    /// Will be tried again at a known time.
    Waiting,
    /// An attempt ended without an answer; the destination is asked whether the lead is there.
    Verifying,
    /// The destination has it.
    Delivered,
    /// The destination refused it; a person must decide.
    NeedsAttention,
    /// The destination's settings are wrong; waits until they are mended.
    Paused,
    /// The lead is suspected: nothing leaves before a person has released it.
    Held,
    /// A person closed it with a reason; nothing more happens.
    Refused,
}

/// What a delivery counts as. Accepted = delivered + in flight + held + refused: nothing else may become of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The destination has it.
    Delivered,
    /// It goes on by itself.
    InFlight,
    /// A person must decide.
    Held,
    /// A person closed it, with a reason.
    Refused,
}

impl Standing {
    /// Every standing, in the order of the law.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::InFlight, Self::Held, Self::Refused];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::InFlight => "in_flight",
            Self::Held => "held",
            Self::Refused => "refused",
        }
    }

    /// What a whole lead counts as, by its deliveries outside; the inbox speaks only where there are none. One that is
    /// still going, or waits for a person, speaks for the lead; it is refused only where no destination has it.
    #[must_use]
    pub fn of_lead(standings: impl IntoIterator<Item = Self>) -> Option<Self> {
        standings.into_iter().max_by_key(|standing| standing.rank())
    }

    /// How loud it speaks for its lead, from 1.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::Refused => 1,
            Self::Delivered => 2,
            Self::Held => 3,
            Self::InFlight => 4,
        }
    }

    /// The standing of a rank.
    #[must_use]
    pub fn of_rank(rank: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.rank() == rank)
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.code() == code)
    }
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Sending,
        Self::Waiting,
        Self::Verifying,
        Self::Delivered,
        Self::NeedsAttention,
        Self::Paused,
        Self::Held,
        Self::Refused,
    ];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Verifying => "verifying",
            Self::Delivered => "delivered",
            Self::NeedsAttention => "needs_attention",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Refused => "refused",
        }
    }

    /// What it counts as.
    #[must_use]
    pub fn standing(self) -> Standing {
        match self {
            Self::Delivered => Standing::Delivered,
            Self::Queued | Self::Sending | Self::Waiting | Self::Verifying | Self::Paused => {
                Standing::InFlight
            }
            Self::NeedsAttention | Self::Held => Standing::Held,
            Self::Refused => Standing::Refused,
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether nothing more happens without a person.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::NeedsAttention | Self::Held | Self::Refused)
    }
}

/// One lead on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Identity.
    pub id: DeliveryId,
    /// The lead.
    pub lead_id: LeadId,
    /// Name of the destination in the client's configuration; `inbox` is the built-in one.
    pub destination: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When the next attempt is due.
    pub due_at: Timestamp,
    /// The record's id at the destination.
    pub external_id: Option<String>,
    /// What the destination said last, for people; secrets masked.
    pub reason: Option<String>,
    /// Last change.
    pub updated_at: Timestamp,
    /// Begin of the first attempt since it was last asked for; `None` before that.
    pub begun_at: Option<Timestamp>,
}

/// Why an attempt did not succeed. The dispatcher looks at nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Try again. `ambiguous` means that the destination may have taken the lead all the same.
    #[error("{reason}")]
    Retry {
        /// How long to wait, if the destination said so.
        after: Option<SignedDuration>,
        /// The request may have been carried out.
        ambiguous: bool,
        /// For people.
        reason: String,
    },
    /// The destination understood and refused; repeating cannot help.
    #[error("{reason}")]
    Rejected {
        /// For people.
        reason: String,
    },
    /// Address, token or rights are wrong; every lead would fail the same way.
    #[error("{reason}")]
    Settings {
        /// For people: what is wrong and how to mend it.
        reason: String,
    },
}

/// What an attempt or a verification came back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The destination has the lead under this id.
    Accepted {
        /// The record's id at the destination.
        external_id: String,
    },
    /// A verification found nothing: the earlier attempt had no effect.
    Absent,
    /// It failed.
    Failed(DeliveryError),
}

/// What is to be written after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The new state.
    pub state: DeliveryState,
    /// When the next attempt is due; unchanged for final states.
    pub due_at: Timestamp,
    /// The record's id at the destination.
    pub external_id: Option<String>,
    /// For people.
    pub reason: Option<String>,
}

/// Pauses between attempts, then hourly.
const BACKOFF_SECONDS: [i64; 6] = [1, 5, 30, 120, 600, 3600];

/// Attempts go on for so long after the first one; then a person decides. Longer than three days, so that a
/// destination that is away over a weekend gets its leads without anybody's help.
pub const PERSEVERANCE: SignedDuration = SignedDuration::from_hours(76);

/// The pause after `attempts` begun attempts, spread by ±20 % with `jitter` in 0..=255.
#[must_use]
pub fn backoff(attempts: u32, jitter: u8) -> SignedDuration {
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = BACKOFF_SECONDS.get(step).copied().unwrap_or(3600);
    let millis = seconds * 1000;
    SignedDuration::from_millis(millis * (800 + i64::from(jitter) * 400 / 255) / 1000)
}

/// How far a delivery has come when an answer is judged.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Attempts begun, this one included.
    pub attempts: u32,
    /// Begin of the first of them since the delivery was last asked for.
    pub begun_at: Timestamp,
    /// The present instant.
    pub now: Timestamp,
    /// Spreads the pause; any byte.
    pub jitter: u8,
}

/// The rule of the state machine: the state after `answer`.
///
/// Only failures of the destination end in [`DeliveryState::NeedsAttention`] after [`PERSEVERANCE`]; wrong settings
/// wait for as long as it takes, because mending them brings every lead.
#[must_use]
pub fn after(answer: Answer, trial: Trial) -> Next {
    let Trial { attempts, begun_at, now, jitter } = trial;
    let later = |pause: SignedDuration| now.checked_add(pause).unwrap_or(Timestamp::MAX);
    let next = |state, due_at, external_id, reason| Next { state, due_at, external_id, reason };
    match answer {
        Answer::Accepted { external_id } => next(DeliveryState::Delivered, now, Some(external_id), None),
        Answer::Absent => next(DeliveryState::Waiting, now, None, None),
        Answer::Failed(DeliveryError::Retry { reason, .. })
            if now.duration_since(begun_at) >= PERSEVERANCE =>
        {
            let hours = now.duration_since(begun_at).as_hours();
            let told = format!("tried for {hours} h without success; the last answer: {reason}");
            next(DeliveryState::NeedsAttention, now, None, Some(told))
        }
        Answer::Failed(DeliveryError::Retry { after, ambiguous, reason }) => {
            let state = if ambiguous { DeliveryState::Verifying } else { DeliveryState::Waiting };
            let pause = after.unwrap_or(SignedDuration::ZERO).max(backoff(attempts, jitter));
            next(state, later(pause), None, Some(reason))
        }
        Answer::Failed(DeliveryError::Rejected { reason }) => {
            next(DeliveryState::NeedsAttention, now, None, Some(reason))
        }
        Answer::Failed(DeliveryError::Settings { reason }) => {
            next(DeliveryState::Paused, later(SignedDuration::from_mins(5)), None, Some(reason))
        }
    }
}

/// What a person decided about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// To be tried again at once.
    Replayed,
    /// Not to be delivered.
    Refused,
    /// To be delivered to another destination instead.
    Moved,
}

impl Decision {
    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::Refused => "refused",
            Self::Moved => "moved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(ambiguous: bool) -> Answer {
        Answer::Failed(DeliveryError::Retry { after: None, ambiguous, reason: "503".into() })
    }

    /// The first attempt's answer, judged so long after it began.
    fn trial(later: SignedDuration) -> Trial {
        let begun_at = Timestamp::UNIX_EPOCH;
        Trial { attempts: 1, begun_at, now: begun_at.checked_add(later).unwrap(), jitter: 0 }
    }

    #[test]
    fn every_answer_has_its_state() {
        let state = |answer| after(answer, trial(SignedDuration::ZERO)).state;
        assert_eq!(state(Answer::Accepted { external_id: "7".into() }), DeliveryState::Delivered);
        assert_eq!(state(Answer::Absent), DeliveryState::Waiting);
        assert_eq!(state(retry(false)), DeliveryState::Waiting);
        assert_eq!(state(retry(true)), DeliveryState::Verifying);
        let refused = Answer::Failed(DeliveryError::Rejected { reason: "no".into() });
        assert_eq!(state(refused), DeliveryState::NeedsAttention);
        let settings = Answer::Failed(DeliveryError::Settings { reason: "token".into() });
        assert_eq!(state(settings), DeliveryState::Paused);
    }

    #[test]
    fn pauses_grow_to_an_hour() {
        assert_eq!(backoff(1, 0), SignedDuration::from_millis(800));
        assert_eq!(backoff(1, 255), SignedDuration::from_millis(1200));
        assert!(backoff(6, 0) >= SignedDuration::from_mins(48));
        assert!(backoff(u32::MAX, 255) <= SignedDuration::from_mins(72));
    }

    #[test]
    fn the_destinations_wish_to_wait_longer_is_obeyed() {
        let after_minute = Answer::Failed(DeliveryError::Retry {
            after: Some(SignedDuration::from_mins(1)),
            ambiguous: false,
            reason: "429".into(),
        });
        let next = after(after_minute, trial(SignedDuration::ZERO));
        assert_eq!(next.due_at.as_second(), 60);
    }

    #[test]
    fn attempts_go_on_for_more_than_75_hours_and_then_a_person_decides() {
        // The whole schedule, with the longest pauses that chance may give.
        let (mut now, mut attempts) = (SignedDuration::ZERO, 1);
        let ended = loop {
            let next = after(retry(false), Trial { attempts, jitter: 255, ..trial(now) });
            if next.state == DeliveryState::NeedsAttention {
                break next;
            }
            now = next.due_at.duration_since(Timestamp::UNIX_EPOCH);
            attempts += 1;
        };
        assert!(now >= SignedDuration::from_hours(75), "{now:?} after {attempts} attempts");
        assert!(now <= SignedDuration::from_hours(78), "{now:?}");
        assert!(attempts > 60, "{attempts}");
        let reason = ended.reason.unwrap();
        assert!(reason.contains("tried for 7") && reason.ends_with("503"), "{reason}");
    }

    #[test]
    fn wrong_settings_wait_for_as_long_as_it_takes() {
        let settings = Answer::Failed(DeliveryError::Settings { reason: "token".into() });
        let month = trial(SignedDuration::from_hours(24 * 30));
        assert_eq!(after(settings, month).state, DeliveryState::Paused);
        assert_eq!(after(retry(true), month).state, DeliveryState::NeedsAttention);
        assert_eq!(
            after(Answer::Accepted { external_id: "7".into() }, month).state,
            DeliveryState::Delivered
        );
    }
}
