//! Arguments of the reading tools: a JSON object with known names and checked types.

use ismart_domain::ports::ToolError;
use serde_json::{Map, Value};

use crate::arguments::wrong;

/// A checked object of arguments. Null counts as absent.
pub(crate) struct Reader<'a>(&'a Map<String, Value>);

impl<'a> Reader<'a> {
    /// Refuses what is no object and names that are not in `known`.
    pub(crate) fn new(arguments: &'a Value, known: &[&str]) -> Result<Self, ToolError> {
        let object = arguments.as_object().ok_or_else(|| wrong("arguments", "must be a JSON object"))?;
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(wrong(key, format!("is not known; known are {}", known.join(", ")))),
            None => Ok(Self(object)),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, ToolError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(wrong(name, "must be a text")),
        }
    }

    /// Texts: a list of them or a single one.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, ToolError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| {
                    item.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "must hold texts only"))
                })
                .collect(),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.trim().to_owned()]),
            Some(_) => Err(wrong(name, "must be a text or a list of texts")),
        }
    }

    /// A whole number from `low` to `high`.
    pub(crate) fn number(&self, name: &str, (low, high): (i64, i64)) -> Result<Option<i64>, ToolError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| wrong(name, "must be a whole number"))?;
        if (low..=high).contains(&number) {
            Ok(Some(number))
        } else {
            Err(wrong(name, format!("must lie between {low} and {high}")))
        }
    }

    /// Yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ToolError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| wrong(name, "must be true or false")),
        }
    }

    /// One of the given words.
    pub(crate) fn choice<T: Copy>(&self, name: &str, known: &[(&str, T)]) -> Result<Option<T>, ToolError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match known.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
                Err(wrong(name, format!("`{text}` is not one of {}", words.join(", "))))
            }
        }
    }
}
