//! The handle to misbehaviour: fault rules and the account's switches.

use super::core::{Core, State};
use super::hooks::Manners;
use super::kind::Kind;
use super::limit::Limits;
use super::store::Change;
use crate::fault::Rule;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A lasting change of how the account is set up or behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "switch", rename_all = "snake_case", deny_unknown_fields)]
pub enum Switch {
    /// The documented limit, on or off.
    RateLimit {
        /// On or off.
        on: bool,
    },
    /// The account is blocked for its many requests (403 with a page), or support has lifted that.
    Blocked {
        /// Blocked or not.
        on: bool,
    },
    /// The account is not paid for (402).
    Unpaid {
        /// Unpaid or paid.
        on: bool,
    },
    /// The account was deleted (401 with the code 101).
    Gone {
        /// Gone or there.
        on: bool,
    },
    /// Long-lived tokens are refused.
    RevokeTokens {
        /// Refused or taken.
        on: bool,
    },
    /// All access tokens given out so far end now.
    ExpireAccess,
    /// All refresh tokens given out so far are dead.
    RevokeRefresh,
    /// An employee is switched off, or back.
    DismissUser {
        /// The employee.
        id: u64,
        /// Off or back.
        on: bool,
    },
    /// A pipeline is closed, or open again.
    ArchivePipeline {
        /// The pipeline.
        id: u64,
        /// Closed or open.
        on: bool,
    },
    /// A stage disappears.
    RemoveStage {
        /// Its pipeline.
        pipeline_id: u64,
        /// The stage.
        id: u64,
    },
    /// A custom field disappears, with its values.
    RemoveField {
        /// Of what.
        kind: Kind,
        /// The field.
        id: u64,
    },
    /// A choice of a select field disappears.
    RemoveChoice {
        /// The field.
        field_id: u64,
        /// The choice.
        id: u64,
    },
    /// Leads of one person in one pipeline are merged when they come by `leads/complex`.
    Duplicates {
        /// On or off.
        on: bool,
    },
    /// “Unsorted” takes incoming requests, or not.
    Unsorted {
        /// On or off.
        on: bool,
    },
    /// How long `query=` does not find what was written.
    SearchLag {
        /// Seconds.
        seconds: i64,
    },
    /// The account moves to another name.
    Rename {
        /// The new subdomain.
        subdomain: String,
    },
    /// How hooks are delivered.
    Hooks(Manners),
    /// The account's clock is off by so many seconds.
    ClockSkew {
        /// Positive: ahead.
        seconds: i64,
    },
}

/// Why a [`Switch`] was not turned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// The account has no such thing.
    #[error("the account has no {what} {id}; see {list}")]
    Nothing {
        /// `pipeline`, `stage`, `field`, `choice` or `user`.
        what: &'static str,
        /// The id.
        id: u64,
        /// Where the existing ones are listed.
        list: &'static str,
    },
    /// The journal refused the change.
    #[error("the change cannot be stored: {reason}; check the journal's disk")]
    Storage {
        /// The system's reason.
        reason: String,
    },
}

/// Turns faults on and off while the account runs. Cheap to clone.
#[derive(Clone)]
pub struct Faults {
    core: Arc<Core>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.rules()).finish()
    }
}

impl Faults {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Adds a rule. Operations are named after their paths: `leads.complex`, `contacts.add`, `oauth.token`.
    pub fn add(&self, rule: Rule) {
        self.core.lock().rules.add(rule);
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.core.lock().rules.list()
    }

    /// Changes which limits are enforced.
    pub fn limits(&self, limits: Limits) {
        self.core.lock().limits = limits;
    }

    /// Removes all rules and turns lasting switches that are faults off. What was removed stays removed.
    pub fn clear(&self) {
        let mut state = self.core.lock();
        state.rules.clear();
        state.limits = Limits::off();
        state.meter.lift();
        (state.revoked, state.unpaid, state.gone) = (false, false, false);
        state.search_lag = 0;
        state.skew = SignedDuration::ZERO;
        state.manners = Manners::default();
        for user in &mut state.setup.users {
            user.active = true;
        }
        for pipeline in &mut state.setup.pipelines {
            pipeline.archived = false;
        }
    }

    /// Turns a switch.
    ///
    /// # Errors
    /// When it names something that does not exist, or a removal cannot be stored.
    pub fn turn(&self, switch: Switch) -> Result<(), SwitchError> {
        let mut state = self.core.lock();
        let now = self.core.now(&state).as_second();
        apply(&mut state, switch, now)?;
        drop(state);
        self.core.changes.send_replace(());
        Ok(())
    }
}

fn nothing(what: &'static str, id: u64, list: &'static str) -> SwitchError {
    SwitchError::Nothing { what, id, list }
}

fn apply(state: &mut State, switch: Switch, now: i64) -> Result<(), SwitchError> {
    match switch {
        Switch::RateLimit { on } => state.limits = if on { Limits::documented() } else { Limits::off() },
        Switch::Blocked { on: true } => state.meter.blocked = true,
        Switch::Blocked { on: false } => state.meter.lift(),
        Switch::Unpaid { on } => state.unpaid = on,
        Switch::Gone { on } => state.gone = on,
        Switch::RevokeTokens { on } => state.revoked = on,
        Switch::ExpireAccess => {
            for grant in &mut state.store.grants {
                grant.access_until = grant.access_until.min(now);
            }
        }
        Switch::RevokeRefresh => {
            for grant in &mut state.store.grants {
                grant.spent = true;
            }
        }
        Switch::DismissUser { id, on } => {
            let user = state.setup.users.iter_mut().find(|user| user.id == id);
            user.ok_or_else(|| nothing("user", id, "GET /users"))?.active = !on;
        }
        Switch::ArchivePipeline { id, on } => {
            let pipeline = state.setup.pipelines.iter_mut().find(|pipeline| pipeline.id == id);
            pipeline.ok_or_else(|| nothing("pipeline", id, "GET /leads/pipelines"))?.archived = on;
        }
        Switch::RemoveStage { pipeline_id, id } => {
            let pipeline = state.setup.pipelines.iter_mut().find(|pipeline| pipeline.id == pipeline_id);
            let pipeline =
                pipeline.ok_or_else(|| nothing("pipeline", pipeline_id, "GET /leads/pipelines"))?;
            let before = pipeline.stages.len();
            pipeline.stages.retain(|stage| stage.id != id);
            if pipeline.stages.len() == before {
                return Err(nothing("stage", id, "GET /leads/pipelines"));
            }
        }
        Switch::RemoveField { kind, id } => {
            if state.store.field(kind, Some(id), None).is_none() {
                return Err(nothing("field", id, "GET /leads/custom_fields"));
            }
            stored(state, Change::FieldGone { id })?;
        }
        Switch::RemoveChoice { field_id, id } => {
            let Some(mut field) = state.store.fields.get(&field_id).cloned() else {
                return Err(nothing("field", field_id, "GET /leads/custom_fields"));
            };
            let before = field.choices.len();
            field.choices.retain(|choice| choice.id != id);
            if field.choices.len() == before {
                return Err(nothing("choice", id, "GET /leads/custom_fields"));
            }
            stored(state, Change::Field(field))?;
        }
        Switch::Duplicates { on } => state.duplicates = on,
        Switch::Unsorted { on } => state.setup.unsorted_on = on,
        Switch::SearchLag { seconds } => state.search_lag = seconds.max(0),
        Switch::Rename { subdomain } => state.setup.subdomain = subdomain,
        Switch::Hooks(manners) => state.manners = manners,
        Switch::ClockSkew { seconds } => state.skew = SignedDuration::from_secs(seconds),
    }
    Ok(())
}

fn stored(state: &mut State, change: Change) -> Result<(), SwitchError> {
    state.store.commit(vec![change]).map_err(|error| SwitchError::Storage { reason: error.to_string() })
}
