//! `hand_over`: tells by when a person will answer, in the client's working time.
//!
//! Arguments: `reason`, `summary`. Gives `due_at` (RFC 3339), `due_text`, `person_text`. The desk, which writes the
//! turn, makes the conversation wait for a person until then.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::schedule::Schedule;
use crate::wording;

/// How long a person may take to answer, in working time.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// See the module.
#[derive(Debug)]
pub struct HandOver {
    schedule: Arc<Schedule>,
}

impl HandOver {
    /// People work at these hours.
    #[must_use]
    pub fn new(schedule: Arc<Schedule>) -> Self {
        Self { schedule }
    }

    /// By when a person answers who was asked for at `now`.
    #[must_use]
    pub fn due(schedule: &Schedule, now: Timestamp) -> Timestamp {
        schedule.due(now, PATIENCE)
    }
}

impl Tool for HandOver {
    fn name(&self) -> &'static str {
        "hand_over"
    }

    fn effect(&self) -> Effect {
        Effect::Write
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        _arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move {
            let due = Self::due(&self.schedule, scope.now);
            let russian = scope.language != "en";
            let text = wording::moment(due, scope.now, self.schedule.zone(), russian);
            let person = if russian { "менеджер" } else { "a manager" };
            let data = json!({ "due_at": due, "due_text": text, "person_text": person });
            Ok(ToolOutcome { data, ..ToolOutcome::default() })
        })
    }
}
