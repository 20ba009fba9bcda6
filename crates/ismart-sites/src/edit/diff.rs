//! What changed between two states of a JSON file, field by field, and how two people's changes go together.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::text::{EditError, Op, apply};
use crate::json::{self, child};

/// One field that is not the same before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// JSON pointer of the field; empty for the whole file.
    pub pointer: String,
    /// Before; `None` when it was not there.
    pub before: Option<Value>,
    /// After; `None` when it is gone.
    pub after: Option<Value>,
}

/// Every field that differs, in the order of the file. Lists of another length are one field, whole.
#[must_use]
pub fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(pointer: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
                compare(&child(pointer, key), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&child(pointer, &at.to_string()), Some(old), Some(new), found);
            }
        }
        (None, None) => {}
        (before, after) => found.push(FieldChange {
            pointer: pointer.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// A field that two people changed in different ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// JSON pointer of the field.
    pub pointer: String,
    /// What it was for both.
    pub base: Option<Value>,
    /// What I made of it.
    pub mine: Option<Value>,
    /// What was published meanwhile.
    pub theirs: Option<Value>,
}

/// My changes put over theirs, field by field. Where both changed one field, mine stands in the result and the
/// field is among the conflicts.
#[must_use]
pub fn merge(
    base: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
) -> (Option<Value>, Vec<Conflict>) {
    let mut conflicts = Vec::new();
    let merged = join("", base, mine, theirs, &mut conflicts);
    (merged, conflicts)
}

fn join(
    pointer: &str,
    base: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
    conflicts: &mut Vec<Conflict>,
) -> Option<Value> {
    if mine == theirs || theirs == base {
        return mine.cloned();
    }
    if mine == base {
        return theirs.cloned();
    }
    match (base, mine, theirs) {
        (base, Some(Value::Object(m)), Some(Value::Object(t))) => {
            let empty = serde_json::Map::new();
            let b = base.and_then(Value::as_object).unwrap_or(&empty);
            let mut merged = serde_json::Map::new();
            let mut seen = BTreeSet::new();
            for key in m.keys().chain(t.keys()).filter(|key| seen.insert(key.as_str())) {
                let value = join(&child(pointer, key), b.get(key), m.get(key), t.get(key), conflicts);
                if let Some(value) = value {
                    merged.insert(key.clone(), value);
                }
            }
            Some(Value::Object(merged))
        }
        (Some(Value::Array(b)), Some(Value::Array(m)), Some(Value::Array(t)))
            if b.len() == m.len() && m.len() == t.len() =>
        {
            let all = b.iter().zip(m).zip(t).enumerate();
            let merged = all.filter_map(|(at, ((b, m), t))| {
                join(&child(pointer, &at.to_string()), Some(b), Some(m), Some(t), conflicts)
            });
            Some(Value::Array(merged.collect()))
        }
        (base, mine, theirs) => {
            conflicts.push(Conflict {
                pointer: pointer.to_owned(),
                base: base.cloned(),
                mine: mine.cloned(),
                theirs: theirs.cloned(),
            });
            mine.cloned()
        }
    }
}

/// The merge of three texts of a JSON file; what they published keeps its form. `None` stands for no file.
///
/// # Errors
/// [`EditError::Syntax`] when one of the texts is not JSON.
pub fn merge_texts(
    file: &str,
    base: Option<&str>,
    mine: Option<&str>,
    theirs: Option<&str>,
) -> Result<(Option<String>, Vec<Conflict>), EditError> {
    if theirs == base || mine == theirs {
        return Ok((mine.map(str::to_owned), Vec::new()));
    }
    if mine == base {
        return Ok((theirs.map(str::to_owned), Vec::new()));
    }
    let read =
        |text: Option<&str>| text.map(|text| json::parse(file, text).map_err(EditError::Syntax)).transpose();
    let (base, my_value, their_value) = (read(base)?, read(mine)?, read(theirs)?);
    let (merged, conflicts) = merge(base.as_ref(), my_value.as_ref(), their_value.as_ref());
    let text = match (&merged, theirs) {
        (merged, _) if *merged == my_value => mine.map(str::to_owned),
        (Some(_), Some(theirs)) => {
            let mut text = theirs.to_owned();
            for change in differences(their_value.as_ref(), merged.as_ref()) {
                let op = match change.after {
                    Some(value) => Op::Set { pointer: change.pointer, value },
                    None => Op::Remove { pointer: change.pointer },
                };
                text = apply(file, &text, &op)?;
            }
            Some(text)
        }
        _ => mine.map(str::to_owned),
    };
    Ok((text, conflicts))
}
