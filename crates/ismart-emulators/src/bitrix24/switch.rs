//! The handle to misbehaviour: fault rules and the portal's switches.

use super::core::{Core, State};
use super::entity::Entity;
use super::fault::{Fault, FaultBody, Rule};
use super::limit::{Limits, Rate};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A lasting change of how the portal is set up or behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "switch", rename_all = "snake_case", deny_unknown_fields)]
pub enum Switch {
    /// The leaky bucket of 50 requests and 2 per second, on or off.
    RateLimit {
        /// On or off.
        on: bool,
    },
    /// Seconds of operating time this method has used in this minute; turns the limit of 480 s on.
    Operating {
        /// REST method.
        method: String,
        /// Seconds to add.
        seconds: f64,
    },
    /// CRM without leads: a created lead becomes a contact and a deal at once.
    SimpleCrm {
        /// On or off.
        on: bool,
    },
    /// Every error has the code `""`.
    EmptyErrorCode {
        /// On or off.
        on: bool,
    },
    /// The webhook's secret is refused (401 `NO_AUTH_FOUND`).
    ExpireWebhook {
        /// Expired or valid.
        on: bool,
    },
    /// Access tokens are refused (401 `expired_token`).
    ExpireAccess {
        /// Expired or valid.
        on: bool,
    },
    /// The employee behind webhook or token is dismissed (403 `INVALID_CREDENTIALS`) or back.
    DismissUser {
        /// The employee.
        id: u64,
        /// Dismissed or back.
        on: bool,
    },
    /// A dictionary entry disappears.
    RemoveStage {
        /// The dictionary, e.g. `STATUS`.
        entity_id: String,
        /// The entry, e.g. `IN_PROCESS`.
        status_id: String,
    },
    /// A field disappears.
    RemoveField {
        /// Of what.
        entity: Entity,
        /// Either of its names.
        name: String,
    },
    /// A field becomes obligatory on creation.
    RequireField {
        /// Of what.
        entity: Entity,
        /// Either of its names.
        name: String,
    },
    /// The hook loses a scope.
    RemoveScope {
        /// `crm`, `user` …
        scope: String,
    },
    /// Batch commands with these keys are refused with an empty code.
    PartialBatch {
        /// The keys; none: no command is refused.
        keys: Vec<String>,
    },
    /// The portal's clock is off by so many seconds.
    ClockSkew {
        /// Positive: ahead.
        seconds: i64,
    },
}

/// Why a [`Switch`] was not turned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// The dictionary has no such entry.
    #[error("the dictionary {entity_id} has no {status_id}; see crm.status.list")]
    NoStatus {
        /// The dictionary.
        entity_id: String,
        /// The entry.
        status_id: String,
    },
    /// The kind has no such field.
    #[error("a {} has no field {name}; see crm.item.fields", entity.code())]
    NoField {
        /// Of what.
        entity: Entity,
        /// The name.
        name: String,
    },
    /// The portal has no such employee.
    #[error("the portal has no user {id}; see user.get")]
    NoUser {
        /// The id.
        id: u64,
    },
}

/// Turns faults on and off while the portal runs. Cheap to clone.
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

    /// Adds a rule; rules strike in the order in which they were added.
    pub fn add(&self, rule: Rule) {
        self.core.lock().rules.add(rule);
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.core.lock().rules.list()
    }

    /// Removes all rules and turns lasting switches that are faults off. What was removed from
    /// dictionaries, fields and scopes stays removed.
    pub fn clear(&self) {
        let mut state = self.core.lock();
        state.rules.clear();
        state.limits = Limits::off();
        state.meters.forget();
        state.empty_error_code = false;
        state.webhook_expired = false;
        state.access_expired = false;
        state.refused_keys.clear();
        state.skew = SignedDuration::ZERO;
        for user in &mut state.directory.users {
            user.active = true;
        }
    }

    /// Every call waits so long before it is done.
    pub fn latency(&self, wait: Duration) {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.add(Rule::new(Fault::Latency { ms, after_commit: false }));
    }

    /// The next so many writing calls lose their connection with nothing stored.
    pub fn drop_before_commit(&self, times: u32) {
        self.add(Rule::new(Fault::DropBeforeCommit).times(times));
    }

    /// The next so many writing calls are stored, then lose their connection.
    pub fn drop_after_commit(&self, times: u32) {
        self.add(Rule::new(Fault::DropAfterCommit).times(times));
    }

    /// The next so many calls get this HTTP status and body, nothing is done.
    pub fn status(&self, code: u16, times: u32, body: FaultBody) {
        self.add(Rule::new(Fault::Status { code, body, after_commit: false }).times(times));
    }

    /// Changes which limits are enforced.
    pub fn limits(&self, limits: Limits) {
        self.core.lock().limits = limits;
    }

    /// Turns a switch.
    ///
    /// # Errors
    /// When it names a dictionary entry, field or employee that does not exist.
    pub fn turn(&self, switch: Switch) -> Result<(), SwitchError> {
        let mut state = self.core.lock();
        let now = self.core.now(&state);
        apply(&mut state, switch, now)?;
        self.core.changes.send_replace(());
        Ok(())
    }

    /// The leaky bucket of the cloud, on or off.
    ///
    /// # Errors
    /// None in practice; see [`Faults::turn`].
    pub fn rate_limit(&self, on: bool) -> Result<(), SwitchError> {
        self.turn(Switch::RateLimit { on })
    }

    /// Spends operating time of a method and turns the limit of 480 s on.
    ///
    /// # Errors
    /// None in practice; see [`Faults::turn`].
    pub fn operating(&self, method: &str, seconds: f64) -> Result<(), SwitchError> {
        self.turn(Switch::Operating { method: method.to_owned(), seconds })
    }

    /// The webhook's secret is refused, or taken again.
    ///
    /// # Errors
    /// None in practice; see [`Faults::turn`].
    pub fn expire_webhook(&self, on: bool) -> Result<(), SwitchError> {
        self.turn(Switch::ExpireWebhook { on })
    }

    /// Removes a dictionary entry, e.g. `("STATUS", "NEW")`.
    ///
    /// # Errors
    /// When there is no such entry.
    pub fn remove_stage(&self, entity_id: &str, status_id: &str) -> Result<(), SwitchError> {
        self.turn(Switch::RemoveStage { entity_id: entity_id.to_owned(), status_id: status_id.to_owned() })
    }

    /// Removes a field under either of its names.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn remove_field(&self, entity: Entity, name: &str) -> Result<(), SwitchError> {
        self.turn(Switch::RemoveField { entity, name: name.to_owned() })
    }
}

fn apply(state: &mut State, switch: Switch, now: jiff::Timestamp) -> Result<(), SwitchError> {
    match switch {
        Switch::RateLimit { on } => {
            state.limits.rate = on.then_some(Rate { size: 50.0, drain: 2.0 });
        }
        Switch::Operating { method, seconds } => {
            state.limits.operating = Limits::cloud().operating;
            state.meters.spend(&method.to_lowercase(), seconds, now);
        }
        Switch::SimpleCrm { on } => state.directory.simple_mode = on,
        Switch::EmptyErrorCode { on } => state.empty_error_code = on,
        Switch::ExpireWebhook { on } => state.webhook_expired = on,
        Switch::ExpireAccess { on } => state.access_expired = on,
        Switch::DismissUser { id, on } => {
            let user = state.directory.users.iter_mut().find(|user| user.id == id);
            user.ok_or(SwitchError::NoUser { id })?.active = !on;
        }
        Switch::RemoveStage { entity_id, status_id } => {
            if !state.directory.remove_status(&entity_id, &status_id) {
                return Err(SwitchError::NoStatus { entity_id, status_id });
            }
        }
        Switch::RemoveField { entity, name } => {
            if !state.directory.remove_field(entity, &name) {
                return Err(SwitchError::NoField { entity, name });
            }
        }
        Switch::RequireField { entity, name } => {
            if !state.directory.require_field(entity, &name) {
                return Err(SwitchError::NoField { entity, name });
            }
        }
        Switch::RemoveScope { scope } => state.scopes.retain(|have| *have != scope),
        Switch::PartialBatch { keys } => state.refused_keys = keys,
        Switch::ClockSkew { seconds } => state.skew = SignedDuration::from_secs(seconds),
    }
    Ok(())
}
