//! Changes inside the text of a JSON file: what is not touched keeps its form.

use serde::Serialize;
use serde_json::Value;

use crate::finding::Finding;
use crate::json;

/// One change of a JSON file.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Puts `value` at `pointer`; the last step may be a key that is not there yet.
    Set {
        /// Where.
        pointer: String,
        /// What.
        value: Value,
    },
    /// Puts `value` into the list at `pointer`, before the element `at` (its length: at the end).
    Insert {
        /// The list.
        pointer: String,
        /// The place in it.
        at: usize,
        /// What.
        value: Value,
    },
    /// Takes the value at `pointer` away.
    Remove {
        /// Where.
        pointer: String,
    },
    /// Moves an element of the list at `pointer`.
    Move {
        /// The list.
        pointer: String,
        /// From this place.
        from: usize,
        /// To this place.
        to: usize,
    },
    /// Repeats an element of the list at `pointer` after itself.
    Duplicate {
        /// The list.
        pointer: String,
        /// The element.
        at: usize,
    },
}

/// Why a change could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The file is not JSON.
    #[error("{0}")]
    Syntax(Box<Finding>),
    /// The place is not there any more.
    #[error("there is nothing at `{pointer}` of this file: reload the page, somebody may have changed it")]
    Missing {
        /// The place.
        pointer: String,
    },
    /// A list was expected.
    #[error("`{pointer}` is not a list")]
    NotAList {
        /// The place.
        pointer: String,
    },
}

/// The text of a JSON file after `op`.
///
/// ```
/// use ismart_sites::edit::{Op, apply};
/// let text = "{\n  \"title\": \"Old\", \"n\": [1]\n}\n";
/// let op = Op::Set { pointer: "/title".into(), value: "New".into() };
/// assert_eq!(apply("a.json", text, &op).unwrap(), "{\n  \"title\": \"New\", \"n\": [1]\n}\n");
/// ```
///
/// # Errors
/// [`EditError`]: the file is not JSON, or the place is not there.
pub fn apply(file: &str, text: &str, op: &Op) -> Result<String, EditError> {
    let root = read(file, text)?;
    let missing = |pointer: &str| EditError::Missing { pointer: pointer.to_owned() };
    match op {
        Op::Set { pointer, value } => {
            if root.pointer(pointer).is_some() {
                return splice(text, pointer, value);
            }
            let (parent, key) = pointer.rsplit_once('/').ok_or_else(|| missing(pointer))?;
            let mut container = root.pointer(parent).cloned().ok_or_else(|| missing(pointer))?;
            let map = container.as_object_mut().ok_or_else(|| missing(pointer))?;
            map.insert(key.replace("~1", "/").replace("~0", "~"), value.clone());
            splice(text, parent, &container)
        }
        Op::Remove { pointer } => {
            let (parent, key) = pointer.rsplit_once('/').ok_or_else(|| missing(pointer))?;
            let mut container = root.pointer(parent).cloned().ok_or_else(|| missing(pointer))?;
            let removed = match &mut container {
                Value::Object(map) => map.shift_remove(&key.replace("~1", "/").replace("~0", "~")).is_some(),
                Value::Array(items) => match key.parse::<usize>() {
                    Ok(at) if at < items.len() => {
                        items.remove(at);
                        true
                    }
                    _ => false,
                },
                _ => false,
            };
            if removed { splice(text, parent, &container) } else { Err(missing(pointer)) }
        }
        Op::Insert { pointer, at, value } => {
            let mut items = list(&root, pointer)?;
            items.insert((*at).min(items.len()), value.clone());
            splice(text, pointer, &Value::Array(items))
        }
        Op::Move { pointer, from, to } => {
            let mut items = list(&root, pointer)?;
            if *from >= items.len() || *to >= items.len() {
                return Err(missing(&json::child(pointer, &from.max(to).to_string())));
            }
            let item = items.remove(*from);
            items.insert(*to, item);
            splice(text, pointer, &Value::Array(items))
        }
        Op::Duplicate { pointer, at } => {
            let mut items = list(&root, pointer)?;
            let item =
                items.get(*at).cloned().ok_or_else(|| missing(&json::child(pointer, &at.to_string())))?;
            items.insert(at + 1, item);
            splice(text, pointer, &Value::Array(items))
        }
    }
}

/// The content of a JSON file's text.
///
/// # Errors
/// [`EditError::Syntax`] with line, reason and repair.
pub fn read(file: &str, text: &str) -> Result<Value, EditError> {
    json::parse(file, text).map_err(EditError::Syntax)
}

fn list(root: &Value, pointer: &str) -> Result<Vec<Value>, EditError> {
    match root.pointer(pointer) {
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(_) => Err(EditError::NotAList { pointer: pointer.to_owned() }),
        None => Err(EditError::Missing { pointer: pointer.to_owned() }),
    }
}

fn splice(text: &str, pointer: &str, value: &Value) -> Result<String, EditError> {
    let missing = || EditError::Missing { pointer: pointer.to_owned() };
    let range = json::range(text, pointer).ok_or_else(missing)?;
    let before = text.get(..range.start).ok_or_else(missing)?;
    let after = text.get(range.end..).ok_or_else(missing)?;
    let line = before.rsplit('\n').next().unwrap_or("");
    let base: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let printed = indented(value, &indent_of(text)).replace('\n', &format!("\n{base}"));
    Ok(format!("{before}{printed}{after}"))
}

/// The step by which a JSON text is indented; four spaces where that cannot be told.
fn indent_of(text: &str) -> String {
    let line = text.lines().skip(1).find(|line| !line.trim().is_empty());
    let found: String = line.unwrap_or("").chars().take_while(|c| c.is_whitespace()).collect();
    if found.is_empty() { "    ".to_owned() } else { found }
}

/// JSON in the form of content files: indented by four spaces.
#[must_use]
pub fn pretty(value: &Value) -> String {
    indented(value, "    ")
}

fn indented(value: &Value, indent: &str) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    let written = value.serialize(&mut serializer);
    debug_assert!(written.is_ok(), "a JSON value can always be written");
    String::from_utf8(out).unwrap_or_default()
}
