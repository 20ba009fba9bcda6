//! Conditions of steps and answers: `stock.total > 0 and !brand`.

use serde_json::Value;

/// How a value is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Compare {
    /// There, and neither empty, `false` nor 0.
    Present,
    /// Not there.
    Absent,
    /// Reads the same.
    Equal(String),
    /// Does not read the same.
    NotEqual(String),
    /// A number greater than this.
    More(f64),
    /// A number less than this.
    Less(f64),
}

/// One comparison of one path.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is compared.
    pub path: String,
    /// How.
    pub compare: Compare,
}

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a condition; write `path`, `!path`, `path = value`, `path != value`, `path > 1` or `path < 1`, joined by ` and `"
)]
pub struct ConditionError {
    /// As written.
    pub text: String,
}

impl Condition {
    /// Reads a list joined by ` and `.
    ///
    /// # Errors
    /// [`ConditionError`] with the part that cannot be read.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ConditionError> {
        text.split(" and ").map(str::trim).filter(|part| !part.is_empty()).map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self, ConditionError> {
        let error = || ConditionError { text: text.to_owned() };
        let number = |value: &str| value.trim().parse::<f64>().ok().ok_or_else(error);
        let (path, compare) = if let Some((path, value)) = text.split_once("!=") {
            (path, Compare::NotEqual(value.trim().to_owned()))
        } else if let Some((path, value)) = text.split_once('=') {
            (path, Compare::Equal(value.trim().to_owned()))
        } else if let Some((path, value)) = text.split_once('>') {
            (path, Compare::More(number(value)?))
        } else if let Some((path, value)) = text.split_once('<') {
            (path, Compare::Less(number(value)?))
        } else if let Some(path) = text.strip_prefix('!') {
            (path, Compare::Absent)
        } else {
            (text, Compare::Present)
        };
        let path = path.trim();
        let good =
            !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if good { Ok(Self { path: path.to_owned(), compare }) } else { Err(error()) }
    }

    /// Does it hold for this value?
    #[must_use]
    pub fn holds(&self, value: Option<&Value>) -> bool {
        let present = value.is_some_and(|value| match value {
            Value::Null => false,
            Value::Bool(yes) => *yes,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(_) => true,
        });
        let number = value.and_then(Value::as_f64);
        let text = value.map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        match &self.compare {
            Compare::Present => present,
            Compare::Absent => !present,
            Compare::Equal(expected) => text.as_deref() == Some(expected),
            Compare::NotEqual(expected) => text.as_deref() != Some(expected),
            Compare::More(limit) => number.is_some_and(|n| n > *limit),
            Compare::Less(limit) => number.is_some_and(|n| n < *limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_read_and_hold() {
        let all = Condition::parse_all("stock.total > 0 and !brand and topic = hours").unwrap();
        assert_eq!(all.len(), 3);
        assert!(all[0].holds(Some(&json!(2))));
        assert!(!all[0].holds(Some(&json!(0))));
        assert!(!all[0].holds(None));
        assert!(all[1].holds(None) && all[1].holds(Some(&json!(""))) && !all[1].holds(Some(&json!("Kia"))));
        assert!(all[2].holds(Some(&json!("hours"))));
        assert!(Condition::parse_all("a b").is_err());
        assert!(Condition::parse_all("a > x").is_err());
    }
}
