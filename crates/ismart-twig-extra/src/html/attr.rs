//! `html_attr` and what goes with it: attributes of an element from mappings.

use ismart_twig::{Array, Call, Error, Object, Strategy, Value};

/// A value of an attribute with rules of its own.
#[derive(Clone, Debug)]
enum Typed {
    /// Tokens with what stands between them.
    Tokens(Array, &'static str),
    /// Declarations of CSS.
    Style(Array),
}

impl Object for Typed {
    fn class_name(&self) -> &str {
        match self {
            Self::Tokens(..) => "Twig\\Extra\\Html\\HtmlAttr\\SeparatedTokenList",
            Self::Style(_) => "Twig\\Extra\\Html\\HtmlAttr\\InlineStyle",
        }
    }

    fn methods(&self) -> &[&str] {
        &["getValue"]
    }

    fn call(&self, _: &str, _: &ismart_twig::CallArgs) -> Result<Value, Error> {
        Ok(self.value()?.map_or(Value::Null, Value::from))
    }

    fn properties(&self) -> Array {
        // The engine hands objects back without their type; what one holds travels in these.
        let (kind, items) = match self {
            Self::Tokens(items, separator) => (*separator, items),
            Self::Style(items) => ("style", items),
        };
        [("type", Value::from(kind)), ("items", Value::from(items.clone()))].into_iter().collect()
    }
}

impl Typed {
    /// The typed value that a template's value is.
    fn of(value: &Value) -> Option<Self> {
        let Value::Object(object) = value else { return None };
        if !object.class_name().starts_with("Twig\\Extra\\Html\\HtmlAttr\\") {
            return None;
        }
        let properties = object.properties();
        let items = properties.get_str("items")?.as_array()?.clone();
        Some(match properties.get_str("type")?.as_str()? {
            " " => Self::Tokens(items, " "),
            ", " => Self::Tokens(items, ", "),
            _ => Self::Style(items),
        })
    }

    fn make(value: &Value, kind: &str) -> Result<Self, Error> {
        let items = iterable(value);
        match kind {
            "sst" | "cst" => {
                let separator = if kind == "sst" { " " } else { ", " };
                let one = || match value {
                    Value::Null | Value::Object(_) => None,
                    other => Some([other.clone()].into_iter().collect()),
                };
                let items = items.or_else(one).ok_or_else(|| {
                    Error::runtime(
                        "SeparatedTokenList can only be constructed from iterable or scalar values.",
                    )
                })?;
                Ok(Self::Tokens(items, separator))
            }
            "style" => items
                .map(Self::Style)
                .ok_or_else(|| Error::runtime("InlineStyle can only be created from iterable values.")),
            other => Err(Error::runtime(format!(
                "Unknown attribute type \"{other}\" The only supported types are \"sst\", \"cst\" and \"style\"."
            ))),
        }
    }

    fn items(&self) -> &Array {
        match self {
            Self::Tokens(items, _) | Self::Style(items) => items,
        }
    }

    fn with(&self, items: Array) -> Self {
        match self {
            Self::Tokens(_, separator) => Self::Tokens(items, separator),
            Self::Style(_) => Self::Style(items),
        }
    }

    /// This value after a former one of the same attribute.
    fn after(&self, former: &Value) -> Result<Self, Error> {
        let same = match (Self::of(former), self) {
            (Some(Self::Tokens(items, a)), Self::Tokens(_, b)) if a == *b => Some(items),
            (Some(Self::Style(items)), Self::Style(_)) => Some(items),
            _ => None,
        };
        match same.or_else(|| iterable(former)) {
            Some(former) => Ok(self.with(merged(&former, self.items()))),
            None => Err(Error::runtime(match self {
                Self::Tokens(..) => {
                    "SeparatedTokenList can only be merged with iterables or other SeparatedTokenList instances using the same separator."
                }
                Self::Style(_) => {
                    "Attributes using InlineStyle can only be merged with iterables or other InlineStyle instances."
                }
            })),
        }
    }

    /// This value with a later plain one of the same attribute.
    fn before(&self, later: &Value) -> Result<Self, Error> {
        match iterable(later) {
            Some(later) => Ok(self.with(merged(self.items(), &later))),
            None => Err(Error::runtime(match self {
                Self::Tokens(..) => "Only iterable values can be appended to SeparatedTokenList.",
                Self::Style(_) => "Only iterable values can be appended to InlineStyle.",
            })),
        }
    }

    /// The text of the attribute; `None` leaves it out.
    fn value(&self) -> Result<Option<String>, Error> {
        match self {
            Self::Tokens(items, separator) => {
                let shown: Vec<&Value> =
                    items.values().filter(|v| !matches!(v, Value::Null | Value::Bool(false))).collect();
                if shown.is_empty() {
                    return Ok(None);
                }
                let mut tokens = Vec::new();
                for value in shown.into_iter().filter(|v| !matches!(v, Value::Bool(true))) {
                    tokens.push(value.to_text()?.to_string());
                }
                Ok(Some(tokens.join(separator).trim().to_owned()))
            }
            Self::Style(items) => {
                let mut style = String::new();
                for (name, value) in items {
                    if !value.truthy() || matches!(value, Value::Bool(true)) {
                        continue;
                    }
                    let value = value.to_text()?;
                    match name {
                        ismart_twig::KeyRef::Int(_) => style.push_str(value.trim_matches([';', ' '])),
                        ismart_twig::KeyRef::Str(name) => style.push_str(&format!("{name}: {value}")),
                    }
                    style.push_str("; ");
                }
                let style = style.trim();
                Ok((!style.is_empty()).then(|| style.to_owned()))
            }
        }
    }
}

/// The entries of a value that can be walked.
fn iterable(value: &Value) -> Option<Array> {
    match value {
        Value::Array(array) => Some((**array).clone()),
        Value::Object(object) => {
            let pairs = object.iterate()?;
            Some(
                pairs
                    .into_iter()
                    .map(|(key, value)| (ismart_twig::Key::from_string(&key.to_string()), value))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// Both arrays: integer keys are counted on, string keys replace.
fn merged(a: &Array, b: &Array) -> Array {
    let mut all = Array::new();
    for (key, value) in a.iter().chain(b) {
        match key {
            ismart_twig::KeyRef::Int(_) => all.push(value.clone()),
            ismart_twig::KeyRef::Str(_) => all.insert(key.to_key(), value.clone()),
        }
    }
    all
}

fn merge<'v>(maps: impl Iterator<Item = &'v Value>) -> Result<Array, Error> {
    let mut result = Array::new();
    for map in maps {
        if !map.truthy() {
            continue;
        }
        let Some(map) = iterable(map) else {
            return Err(Error::runtime(match map {
                Value::Str(_) | Value::Markup(_) => "Only empty strings may be passed as string arguments to html_attr_merge. This is to support the implicit else clause for ternary operators.".to_owned(),
                other => format!(
                    "html_attr_merge takes mappings of attributes, false, null and empty strings, got \"{}\".",
                    other.type_name()
                ),
            }));
        };
        for (name, value) in &map {
            let existing = result.get(&name.to_key()).filter(|v| !v.is_null());
            let value = match existing {
                None => value.clone(),
                Some(existing) => both(name.to_string().as_str(), existing, value)?,
            };
            result.insert(name.to_key(), value);
        }
    }
    Ok(result)
}

/// The value of an attribute that two mappings give.
fn both(name: &str, existing: &Value, value: &Value) -> Result<Value, Error> {
    if let Some(typed) = Typed::of(value) {
        return Ok(Value::object(typed.after(existing)?));
    }
    if let Some(typed) = Typed::of(existing) {
        return Ok(Value::object(typed.before(value)?));
    }
    match (iterable(existing), iterable(value)) {
        (Some(a), Some(b)) => Ok(merged(&a, &b).into()),
        (None, None) if !value.is_null() => Ok(value.clone()),
        _ => Err(Error::runtime(format!("Cannot merge incompatible values for key \"{name}\"."))),
    }
}

pub(super) fn html_attr_merge(call: &Call<'_>) -> Result<Value, Error> {
    merge(call.args()).map(Value::from)
}

pub(super) fn html_attr_type(call: &Call<'_>) -> Result<Value, Error> {
    let kind = match call.arg(1) {
        Value::Null => "sst".into(),
        kind => kind.to_text()?,
    };
    Typed::make(call.arg(0), &kind).map(Value::object)
}

pub(super) fn html_attr(call: &Call<'_>) -> Result<Value, Error> {
    let attributes = merge(call.args())?;
    let mut out = String::new();
    for (name, value) in &attributes {
        let name = name.to_string();
        let Some(text) = text(call, &name, value)? else { continue };
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&call.escape(&Strategy::HtmlAttrRelaxed, &name)?);
        out.push_str("=\"");
        out.push_str(&call.escape(&Strategy::Html, &text)?);
        out.push('"');
    }
    Ok(Value::from(out))
}

/// The text of an attribute; `None` leaves it out.
fn text(call: &Call<'_>, name: &str, value: &Value) -> Result<Option<String>, Error> {
    if let Some(typed) = Typed::of(value) {
        return typed.value();
    }
    if name.starts_with("data-") && (matches!(value, Value::Array(_)) || matches!(value, Value::Object(_))) {
        return call.json(value).map(Some).map_err(|e| {
            Error::runtime(format!("The \"{name}\" attribute value cannot be JSON encoded ({e})."))
        });
    }
    if let Some(items) = iterable(value) {
        let typed = if name == "style" { Typed::Style(items) } else { Typed::Tokens(items, " ") };
        return typed.value();
    }
    let wordy = name.starts_with("aria-") || name.starts_with("data-");
    match value {
        Value::Null => Ok(None),
        Value::Bool(false) if name.starts_with("aria-") => Ok(Some("false".to_owned())),
        Value::Bool(false) => Ok(None),
        Value::Bool(true) => Ok(Some(if wordy { "true" } else { "" }.to_owned())),
        other => match other.to_text() {
            Ok(text) => Ok(Some(text.to_string())),
            Err(_) => Err(Error::runtime(format!(
                "The \"{name}\" attribute value should be a scalar, an iterable, or an object implementing \"Stringable\", got \"{}\".",
                other.type_name()
            ))),
        },
    }
}
