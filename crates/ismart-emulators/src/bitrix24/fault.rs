//! Misbehaviour on demand.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// One way of misbehaving, taken by a call that a rule matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Wait before the work is done, or after it but before the answer. The work is done even
    /// when the caller has gone away meanwhile, as on a real server.
    Latency {
        /// How long, in milliseconds.
        ms: u64,
        /// Wait when the objects already exist.
        #[serde(default)]
        after_commit: bool,
    },
    /// Close the connection with nothing stored.
    DropBeforeCommit,
    /// Store everything, then close the connection without an answer.
    DropAfterCommit,
    /// Answer with this HTTP status instead of the true answer.
    Status {
        /// HTTP status.
        code: u16,
        /// What the body is.
        #[serde(default)]
        body: FaultBody,
        /// Do the work first: an error whose work was done.
        #[serde(default)]
        after_commit: bool,
    },
}

/// The body of a [`Fault::Status`] answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultBody {
    /// The portal's own JSON shape; an error code that fits the status is chosen.
    #[default]
    Json,
    /// The portal's JSON shape with this code.
    Code(String),
    /// A proxy's page, `text/html`.
    Html,
    /// No bytes at all.
    Empty,
    /// Bytes that are neither JSON nor UTF-8, labelled as JSON.
    Garbage,
    /// JSON cut in the middle.
    Truncated,
}

impl FaultBody {
    /// Content type and bytes for this status.
    pub(super) fn render(&self, status: u16) -> (&'static str, Vec<u8>) {
        const JSON: &str = "application/json; charset=utf-8";
        let shape = |code: &str| {
            json!({"error": code, "error_description": "The request was refused by a fault rule"}).to_string()
        };
        match self {
            FaultBody::Json => (JSON, shape(code_for(status)).into_bytes()),
            FaultBody::Code(code) => (JSON, shape(code).into_bytes()),
            FaultBody::Html => (
                "text/html; charset=utf-8",
                format!(
                    "<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>"
                )
                .into_bytes(),
            ),
            FaultBody::Empty => (JSON, Vec::new()),
            FaultBody::Garbage => (JSON, vec![0x7b, 0xff, 0xfe, 0x00, 0x22, 0xc3, 0x28]),
            FaultBody::Truncated => (JSON, br#"{"result":{"item":{"id":90"#.to_vec()),
        }
    }
}

fn code_for(status: u16) -> &'static str {
    match status {
        401 => "NO_AUTH_FOUND",
        403 => "ACCESS_DENIED",
        404 => "ERROR_METHOD_NOT_FOUND",
        429 => "OPERATION_TIME_LIMIT",
        503 => "QUERY_LIMIT_EXCEEDED",
        500..=599 => "INTERNAL_SERVER_ERROR",
        _ => "ERROR_CORE",
    }
}

/// When a [`Fault`] strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many calls it takes before it is used up; `None`: until cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Only this REST method (any case). Without it drops take only calls that write, the other
    /// faults take any call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How likely it strikes a call that matches, `0.0..=1.0`, by the portal's seed.
    #[serde(default = "always")]
    pub chance: f64,
}

fn always() -> f64 {
    1.0
}

impl Rule {
    /// A rule that takes every call until cleared.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, times: None, method: None, chance: 1.0 }
    }

    /// Strikes so many calls only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes calls of this method only; inside a `batch` too.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_lowercase());
        self
    }

    /// Strikes with this probability, decided by the portal's seed.
    #[must_use]
    pub fn chance(mut self, chance: f64) -> Self {
        self.chance = chance;
        self
    }

    fn matches(&self, method: &str, writes: bool) -> bool {
        match &self.method {
            Some(wanted) => wanted.eq_ignore_ascii_case(method),
            None => writes || !matches!(self.fault, Fault::DropBeforeCommit | Fault::DropAfterCommit),
        }
    }
}

/// Everything that struck one call.
#[derive(Debug, Default)]
pub(super) struct Strike {
    pub(super) wait_before: Duration,
    pub(super) wait_after: Duration,
    pub(super) drop_before: bool,
    pub(super) drop_after: bool,
    pub(super) status_before: Option<(u16, FaultBody)>,
    pub(super) status_after: Option<(u16, FaultBody)>,
}

impl Strike {
    fn take(&mut self, fault: &Fault) {
        match fault {
            Fault::Latency { ms, after_commit: false } => self.wait_before += Duration::from_millis(*ms),
            Fault::Latency { ms, after_commit: true } => self.wait_after += Duration::from_millis(*ms),
            Fault::DropBeforeCommit => self.drop_before = true,
            Fault::DropAfterCommit => self.drop_after = true,
            Fault::Status { code, body, after_commit: false } => {
                self.status_before.get_or_insert((*code, body.clone()));
            }
            Fault::Status { code, body, after_commit: true } => {
                self.status_after.get_or_insert((*code, body.clone()));
            }
        }
    }
}

/// The rules in force, in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn list(&self) -> Vec<Rule> {
        self.0.clone()
    }

    /// What strikes a request that makes these calls (one, or those of a batch).
    pub(super) fn strike(&mut self, calls: &[(String, bool)], mut unit: impl FnMut() -> f64) -> Strike {
        let mut strike = Strike::default();
        for rule in &mut self.0 {
            let hit = calls.iter().any(|(method, writes)| rule.matches(method, *writes))
                && (rule.chance >= 1.0 || unit() < rule.chance);
            if hit && rule.times != Some(0) {
                strike.take(&rule.fault);
                rule.times = rule.times.map(|left| left.saturating_sub(1));
            }
        }
        self.0.retain(|rule| rule.times != Some(0));
        strike
    }
}

/// The rule as the admin endpoint reads it.
///
/// # Errors
/// The text says which key is wrong and what the known faults are.
pub(super) fn parse_rule(value: Value) -> Result<Rule, String> {
    serde_json::from_value(value).map_err(|error| {
        format!(
            "not a fault rule: {error}; example: {{\"fault\":\"status\",\"code\":503,\"body\":\"html\",\"times\":2,\
             \"method\":\"crm.item.add\"}}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_leave_reads_alone_unless_named() {
        let mut rules = Rules::default();
        rules.add(Rule::new(Fault::DropAfterCommit).times(1));
        assert!(!rules.strike(&[("crm.item.list".into(), false)], || 0.5).drop_after);
        assert!(rules.strike(&[("crm.item.add".into(), true)], || 0.5).drop_after);
        assert!(rules.list().is_empty(), "used up");
        rules.add(Rule::new(Fault::DropAfterCommit).method("CRM.Item.List"));
        assert!(rules.strike(&[("crm.item.list".into(), false)], || 0.5).drop_after);
    }

    #[test]
    fn chance_is_asked_of_the_given_numbers() {
        let mut rules = Rules::default();
        rules.add(Rule::new(Fault::DropBeforeCommit).chance(0.3));
        assert!(rules.strike(&[("x".into(), true)], || 0.29).drop_before);
        assert!(!rules.strike(&[("x".into(), true)], || 0.31).drop_before);
    }

    #[test]
    fn rules_are_read_from_json_and_refused_with_an_example() {
        let rule = parse_rule(json!({"fault": "status", "code": 502, "body": "html", "times": 2})).unwrap();
        assert_eq!(
            rule,
            Rule::new(Fault::Status { code: 502, body: FaultBody::Html, after_commit: false }).times(2)
        );
        let rule = parse_rule(json!({"fault": "drop_after_commit", "method": "crm.item.add"})).unwrap();
        assert_eq!(rule, Rule::new(Fault::DropAfterCommit).method("crm.item.add"));
        for wrong in [json!({}), json!({"fault": "explode"}), json!({"fault": "status"}), json!(1)] {
            assert!(parse_rule(wrong).unwrap_err().contains("example"));
        }
    }
}
