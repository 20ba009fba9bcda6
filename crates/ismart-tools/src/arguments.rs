//! Arguments of tools: a JSON object read with errors that name the argument.

use ismart_domain::ports::ToolError;
use serde_json::Value;

/// The text of an argument that must be there.
///
/// # Errors
/// [`ToolError::Argument`] when it is absent or no text.
pub(crate) fn text<'a>(arguments: &'a Value, name: &str) -> Result<&'a str, ToolError> {
    maybe_text(arguments, name)?.ok_or_else(|| wrong(name, "is missing"))
}

/// The text of an argument that may be absent or null.
///
/// # Errors
/// [`ToolError::Argument`] when it is no text.
pub(crate) fn maybe_text<'a>(arguments: &'a Value, name: &str) -> Result<Option<&'a str>, ToolError> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim())),
        Some(_) => Err(wrong(name, "must be a text")),
    }
}

/// An error about an argument.
pub(crate) fn wrong(name: &str, reason: impl Into<String>) -> ToolError {
    ToolError::Argument { name: name.to_owned(), reason: reason.into() }
}
