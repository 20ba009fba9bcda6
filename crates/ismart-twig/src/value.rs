//! Values of templates, with PHP's semantics.

mod arith;
mod array;
mod compare;
mod convert;
mod de;
mod object;
mod ser;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use ecow::EcoString;

pub(crate) use arith::{Bits, Op2};
pub use array::{Array, Iter, Key, KeyRef};
pub(crate) use array::{Hint, Nest, canonical_int, hash_str};
pub use convert::Number;
pub(crate) use convert::{float_repr, float_text, numeric_prefix, parse_numeric, significant};
pub use object::{CallArgs, Object};

use crate::date::{DateTime, Interval, Zone};
use crate::run::Closure;
use crate::template::Template;

/// A value of a template.
///
/// Cloning is cheap: strings and arrays are shared.
///
/// ```
/// use ismart_twig::Value;
/// let page = Value::from_serialize(&serde_json::json!({"title": "Home", "tags": ["a", "b"]})).unwrap();
/// assert_eq!(page.get("title").unwrap().to_string(), "Home");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A string of UTF-8.
    Str(EcoString),
    /// A string of any bytes.
    Bytes(Arc<[u8]>),
    /// A string that is already escaped.
    Markup(EcoString),
    /// An ordered array.
    Array(Arc<Array>),
    /// A moment with its zone.
    Date(Arc<DateTime>),
    /// A difference of dates.
    Interval(Arc<Interval>),
    /// A time zone.
    Zone(Arc<Zone>),
    /// An arrow function with what it captured.
    Closure(Arc<Closure>),
    /// A loaded template.
    Template(Template),
    /// An object of the host.
    Object(Arc<dyn Object>),
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<EcoString>) -> Self {
        Self::Str(text.into())
    }

    /// A string that is not escaped again.
    pub fn markup(text: impl Into<EcoString>) -> Self {
        Self::Markup(text.into())
    }

    /// A string of bytes; UTF-8 ones become [`Value::Str`].
    pub fn bytes(bytes: Vec<u8>) -> Self {
        match simdutf8::basic::from_utf8(&bytes) {
            Ok(text) => Self::Str(text.into()),
            Err(_) => Self::Bytes(bytes.into()),
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => Self::Str(text.into()),
            Err(_) => Self::Bytes(bytes.into()),
        }
    }

    /// An array of values without keys.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Array(Arc::new(items.into_iter().collect()))
    }

    /// An array of pairs.
    pub fn map<K: Into<Key>>(items: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Array(Arc::new(items.into_iter().collect()))
    }

    /// An object of the host.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(a) => Some(a),
            _ => None,
        }
    }

    /// The text, if it is a string of UTF-8 or markup.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) | Self::Markup(s) => Some(s),
            _ => None,
        }
    }

    /// The bytes of a string of any kind.
    pub(crate) fn str_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(s) => Some(s.as_bytes()),
            Self::Bytes(b) => Some(b),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is a string of any kind, markup excepted.
    pub(crate) fn is_string(&self) -> bool {
        matches!(self, Self::Str(_) | Self::Bytes(_))
    }

    /// The value of a key of an array.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_array()?.get_str(key)
    }

    /// The name `get_debug_type()` gives: `null`, `int`, `string`, `array` or a class.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) | Self::Bytes(_) => "string",
            Self::Array(_) => "array",
            _ => self.class_name().unwrap_or("object"),
        }
    }

    /// The class of a value that PHP holds as an object.
    pub fn class_name(&self) -> Option<&str> {
        Some(match self {
            Self::Markup(_) => "Twig\\Markup",
            Self::Date(d) => d.class(),
            Self::Interval(_) => "DateInterval",
            Self::Zone(_) => "DateTimeZone",
            Self::Closure(_) => "Closure",
            Self::Template(_) => "Twig\\TemplateWrapper",
            Self::Object(o) => o.class_name(),
            _ => return None,
        })
    }

    /// How deep an array or an arrow function's variables are nested, and what they weigh.
    pub(crate) fn nest(&self) -> Option<Nest> {
        match self {
            Self::Array(array) => Some(array.nest()),
            Self::Closure(closure) => Some(closure.nest),
            _ => None,
        }
    }

    /// Whether PHP would hold this as an object.
    pub(crate) fn is_object(&self) -> bool {
        self.class_name().is_some()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(n) => write!(f, "{n:?}"),
            Self::Str(s) => write!(f, "{s:?}"),
            Self::Bytes(b) => write!(f, "{b:?}"),
            Self::Markup(s) => write!(f, "markup {s:?}"),
            Self::Array(a) => f.debug_map().entries(a.iter().map(|(k, v)| (k.to_string(), v))).finish(),
            _ => write!(f, "object({})", self.type_name()),
        }
    }
}

/// The text a template would print; values that PHP cannot print give an empty text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_text() {
            Ok(text) => f.write_str(&text),
            Err(_) => Ok(()),
        }
    }
}

/// Strict identity, as PHP's `===`.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<i32> for Value {
    fn from(n: i32) -> Self {
        Self::Int(n.into())
    }
}

impl From<u32> for Value {
    fn from(n: u32) -> Self {
        Self::Int(n.into())
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Int(crate::num::len(n))
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Float(n)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Str(s.into())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::Str(s.into())
    }
}

impl From<EcoString> for Value {
    fn from(s: EcoString) -> Self {
        Self::Str(s)
    }
}

impl From<Array> for Value {
    fn from(a: Array) -> Self {
        Self::Array(Arc::new(a))
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::list(items.into_iter().map(Into::into))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A value that is borrowed where it lives or owned by its holder.
#[derive(Debug)]
pub(crate) enum V<'a> {
    Ref(&'a Value),
    Own(Value),
}

impl V<'_> {
    pub(crate) fn into_owned(self) -> Value {
        match self {
            V::Ref(v) => v.clone(),
            V::Own(v) => v,
        }
    }
}

impl Deref for V<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            V::Ref(v) => v,
            V::Own(v) => v,
        }
    }
}

impl From<Value> for V<'_> {
    fn from(value: Value) -> Self {
        V::Own(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_small() {
        assert!(std::mem::size_of::<Value>() <= 24);
        assert!(std::mem::size_of::<V<'_>>() <= 32);
    }
}
