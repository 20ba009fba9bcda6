//! Misbehaviour on demand.

use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// The service's own JSON shape; an error code that fits the status is chosen.
    #[default]
    Json,
    /// The service's JSON shape with this code.
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

/// How a service words its refusals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wording {
    /// The content type of a refusal.
    pub(crate) content_type: &'static str,
    /// A refusal with this status, and this code if a rule names one.
    pub(crate) refusal: fn(u16, Option<&str>) -> Value,
    /// The beginning of an answer that was cut.
    pub(crate) torn: &'static str,
}

impl FaultBody {
    /// Content type and bytes for this status, in the words of a service.
    pub(crate) fn render(&self, status: u16, wording: &Wording) -> (&'static str, Vec<u8>) {
        let kind = wording.content_type;
        let refusal = |code| (wording.refusal)(status, code).to_string().into_bytes();
        match self {
            FaultBody::Json => (kind, refusal(None)),
            FaultBody::Code(code) => (kind, refusal(Some(code))),
            FaultBody::Html => ("text/html; charset=utf-8", html(status)),
            FaultBody::Empty => (kind, Vec::new()),
            FaultBody::Garbage => (kind, vec![0x7b, 0xff, 0xfe, 0x00, 0x22, 0xc3, 0x28]),
            FaultBody::Truncated => (kind, wording.torn.as_bytes().to_vec()),
        }
    }
}

/// A proxy's page.
pub(crate) fn html(status: u16) -> Vec<u8> {
    format!("<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>")
        .into_bytes()
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
    /// Only this operation: a REST method of Bitrix24, `leads.complex` of amoCRM (any case). Without it drops take only calls that write, the other
    /// faults take any call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How likely it strikes a call that matches, `0.0..=1.0`, by the emulator's seed.
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

    /// Strikes with this probability, decided by the emulator's seed.
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
pub(crate) struct Strike {
    pub(crate) wait_before: Duration,
    pub(crate) wait_after: Duration,
    pub(crate) drop_before: bool,
    pub(crate) drop_after: bool,
    pub(crate) status_before: Option<(u16, FaultBody)>,
    pub(crate) status_after: Option<(u16, FaultBody)>,
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
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn list(&self) -> Vec<Rule> {
        self.0.clone()
    }

    /// What strikes a request that makes these calls (one, or those of a batch).
    pub(crate) fn strike(&mut self, calls: &[(String, bool)], mut unit: impl FnMut() -> f64) -> Strike {
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
pub(crate) fn parse_rule(value: Value) -> Result<Rule, String> {
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
    use serde_json::json;

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
