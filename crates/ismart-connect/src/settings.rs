//! Reading the settings of a destination, with all problems told at once.

use ismart_domain::Secret;
use serde_json::{Map, Value};

/// What a setting holds; decides how a form asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A secret address or token: never shown again, `***` everywhere.
    Secret,
    /// A short text.
    Text,
    /// A positive whole number.
    Number,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// One setting of a destination.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key in configurations.
    pub key: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// What holds without it.
    pub default: Option<&'static str>,
    /// The name on Russian screens.
    pub title_ru: &'static str,
    /// The name on English screens.
    pub title_en: &'static str,
    /// Where to take it from, in Russian.
    pub help_ru: &'static str,
    /// Where to take it from, in English.
    pub help_en: &'static str,
}

/// A text that may be left out: what descriptions of settings begin with.
pub(crate) const OPTIONAL: Field = Field {
    key: "",
    kind: FieldKind::Text,
    required: false,
    default: None,
    title_ru: "",
    title_en: "",
    help_ru: "",
    help_en: "",
};

/// One thing wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What is wrong and how to mend it. Never holds the value of a secret.
    pub reason: String,
}

/// Everything that is wrong with the settings of a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(|p| format!("`{}`: {}", p.key, p.reason)).collect::<Vec<_>>().join("; "))]
pub struct SettingsError {
    /// The problems, in the order of the fields; at least one.
    pub problems: Vec<Problem>,
}

impl SettingsError {
    /// One problem.
    pub(crate) fn of(key: &str, reason: &str) -> Self {
        Self { problems: vec![Problem { key: key.to_owned(), reason: reason.to_owned() }] }
    }
}

/// Reads values by the description of their fields and collects what is wrong.
pub(crate) struct Reader<'a> {
    values: &'a Map<String, Value>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Checks keys, presence and types against the description.
    pub(crate) fn new(values: &'a Map<String, Value>, fields: &[Field]) -> Self {
        let mut reader = Self { values, problems: Vec::new() };
        for field in fields {
            reader.check(field);
        }
        for key in values.keys().filter(|key| !fields.iter().any(|field| field.key == key.as_str())) {
            let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
            reader.problem(key, format!("there is no such setting; known are {}", known.join(", ")));
        }
        reader
    }

    fn check(&mut self, field: &Field) {
        let key = field.key;
        let wrong = match (self.values.get(key), field.kind) {
            (None | Some(Value::Null), _) if field.required => Some(format!("is missing; {}", field.help_en)),
            (None | Some(Value::Null), _) => None,
            (Some(Value::String(text)), FieldKind::Secret | FieldKind::Text) => {
                text.trim().is_empty().then(|| format!("is empty; {}", field.help_en))
            }
            (Some(Value::String(text)), FieldKind::Choice(choices)) => (!choices.contains(&text.as_str()))
                .then(|| format!("`{text}` is not among {}", choices.join(", "))),
            (Some(value), FieldKind::Number) => {
                number(value).is_none().then(|| "must be a whole number above 0".to_owned())
            }
            (Some(_), _) => Some("must be a text in quotes".to_owned()),
        };
        if let Some(reason) = wrong {
            self.problem(key, reason);
        }
    }

    pub(crate) fn problem(&mut self, key: &str, reason: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), reason: reason.into() });
    }

    /// A secret; `None` when absent or already complained about.
    pub(crate) fn secret(&self, key: &str) -> Option<Secret> {
        self.text(key).map(Secret::new)
    }

    /// A text without surrounding spaces; `None` when absent or empty.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.values.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A positive number; a form sends it as text.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        number(self.values.get(key)?)
    }

    /// The problems found, if any.
    pub(crate) fn finish(self) -> Result<(), SettingsError> {
        if self.problems.is_empty() { Ok(()) } else { Err(SettingsError { problems: self.problems }) }
    }
}

fn number(value: &Value) -> Option<u64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    number.filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIELDS: &[Field] = &[
        Field { key: "token", kind: FieldKind::Secret, required: true, default: None, ..BLANK },
        Field { key: "who", kind: FieldKind::Number, ..BLANK },
        Field { key: "mode", kind: FieldKind::Choice(&["a", "b"]), default: Some("a"), ..BLANK },
    ];
    const BLANK: Field = Field {
        key: "",
        kind: FieldKind::Text,
        required: false,
        default: None,
        title_ru: "",
        title_en: "",
        help_ru: "",
        help_en: "see the portal",
    };

    fn keys(values: Value) -> Vec<String> {
        let Value::Object(values) = values else { panic!("not an object") };
        match Reader::new(&values, FIELDS).finish() {
            Ok(()) => Vec::new(),
            Err(error) => error.problems.into_iter().map(|problem| problem.key).collect(),
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        assert!(keys(json!({"token": "t"})).is_empty());
        assert!(keys(json!({"token": "t", "who": "17", "mode": "b"})).is_empty());
        assert_eq!(keys(json!({})), ["token"]);
        assert_eq!(keys(json!({"token": null})), ["token"]);
        assert_eq!(
            keys(json!({"token": 5, "who": -1, "mode": "c", "colour": 1})),
            ["token", "who", "mode", "colour"]
        );
        for who in [json!(0), json!(1.5), json!("x"), json!([]), json!(true)] {
            assert_eq!(keys(json!({"token": "t", "who": who})), ["who"]);
        }
    }

    #[test]
    fn secrets_are_not_repeated_in_problems() {
        let values = json!({"token": ["hush"], "who": 1});
        let error = Reader::new(values.as_object().unwrap(), FIELDS).finish().unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
