//! What became of leads in CRMs: who can read it, and what the hooks of each CRM say.
//!
//! A source is one module and one line in [`OUTCOMES`]. What every source owes stands in `outcomes.contract.md` of
//! `ismart-leads`.

use std::sync::Arc;

use ismart_domain::outcome::{HookMessage, HookPairs};
use ismart_domain::ports::OutcomeSource;
use serde_json::{Map, Value};

use crate::{Egress, SettingsError, amocrm, bitrix24};

/// A source, or everything that is wrong with its settings.
pub type SourceOpened = Result<Arc<dyn OutcomeSource>, SettingsError>;

/// A kind of CRM whose outcomes can be read.
#[derive(Debug)]
pub struct OutcomeEntry {
    /// The name in configurations: `bitrix24`.
    pub kind: &'static str,
    /// Makes a source of the settings of a destination. Reads them only; sends nothing.
    pub open: fn(&Map<String, Value>, &Egress) -> SourceOpened,
    /// Reads a hook's body; nothing of it is believed but which records to look at.
    pub hook: fn(&HookPairs) -> HookMessage,
}

/// All CRMs whose outcomes can be read.
pub static OUTCOMES: &[OutcomeEntry] = &[bitrix24::OUTCOMES, amocrm::OUTCOMES];

/// The entry of this kind.
#[must_use]
pub fn find_outcomes(kind: &str) -> Option<&'static OutcomeEntry> {
    OUTCOMES.iter().find(|entry| entry.kind == kind)
}

/// The parts of a nested form key: `leads[status][0][id]` → `leads`, `status`, `0`, `id`.
pub(crate) fn key_parts(key: &str) -> Vec<&str> {
    key.split(['[', ']']).filter(|part| !part.is_empty()).collect()
}

/// The lead of ours that a key such as `lead-018f…` names.
pub(crate) fn origin(text: &str) -> Option<ismart_domain::LeadId> {
    text.trim().strip_prefix("lead-")?.parse().ok()
}

/// Kopecks of a decimal number as CRMs write it; `None` for nothing and for what is no number.
pub(crate) fn kopecks(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((&text, ""));
    let negative = whole.starts_with('-');
    let digits: String = part.chars().chain("00".chars()).take(2).collect();
    let (whole, part): (i64, i64) = (whole.parse().ok()?, digits.parse().ok()?);
    let minor = whole.checked_mul(100)?.checked_add(if negative { -part } else { part })?;
    (minor != 0).then_some(minor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sums_are_read_as_crms_write_them() {
        for (value, minor) in [
            (json!("15000.00"), Some(1_500_000)),
            (json!(99.5), Some(9950)),
            (json!("-1.05"), Some(-105)),
            (json!(150_000), Some(15_000_000)),
            (json!("0.00"), None),
            (json!(""), None),
            (json!("x"), None),
            (json!(null), None),
            (json!("99999999999999999999"), None),
        ] {
            assert_eq!(kopecks(&value), minor, "{value}");
        }
    }

    #[test]
    fn odd_keys_are_taken_apart_without_harm() {
        assert_eq!(key_parts("leads[status][0][id]"), ["leads", "status", "0", "id"]);
        assert_eq!(key_parts("auth[application_token]"), ["auth", "application_token"]);
        assert_eq!(key_parts("[][]]["), Vec::<&str>::new());
        for odd in ["", "lead-", "lead-x", "018f", "lead-018f"] {
            assert_eq!(origin(odd), None, "{odd}");
        }
    }
}
