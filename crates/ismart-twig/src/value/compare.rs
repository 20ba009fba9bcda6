//! PHP 8's comparisons, and Twig's own for `in`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Array, Number, Value, float_text, parse_numeric};
use crate::num;

/// Three-way comparison of floats as PHP does it: whatever is neither equal nor less is greater.
fn floats(a: f64, b: f64) -> Ordering {
    if a == b {
        Ordering::Equal
    } else if a < b {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

fn numbers(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        _ => floats(a.float(), b.float()),
    }
}

/// Strings: by value if both are numeric, else by bytes.
fn strings(a: &[u8], b: &[u8]) -> Ordering {
    let starts_numeric =
        |s: &[u8]| s.first().is_some_and(|c| c.is_ascii_digit() || matches!(c, b' '..=b'.' | b'\t'..=b'\r'));
    if starts_numeric(a)
        && starts_numeric(b)
        && let (Some(x), Some(y)) = (parse_numeric(a), parse_numeric(b))
    {
        let overflowed = |text: &[u8], n: Number| {
            matches!(n, Number::Float(f) if !num::fits(f))
                && !text.iter().any(|c| matches!(c, b'.' | b'e' | b'E'))
        };
        let both_lost = overflowed(a, x) && overflowed(b, y) && x.float() == y.float();
        let both_infinite = !x.float().is_finite() && !y.float().is_finite();
        if !both_lost && !both_infinite {
            return numbers(x, y);
        }
    }
    a.cmp(b)
}

fn number_and_string(n: Number, s: &[u8]) -> Ordering {
    if let Number::Float(f) = n
        && f.is_nan()
    {
        return Ordering::Greater;
    }
    match parse_numeric(s) {
        Some(other) => numbers(n, other),
        None => {
            let text = match n {
                Number::Int(i) => ecow::eco_format!("{i}"),
                Number::Float(f) => float_text(f),
            };
            text.as_bytes().cmp(s)
        }
    }
}

fn arrays(a: &Array, b: &Array) -> Ordering {
    match a.len().cmp(&b.len()) {
        Ordering::Equal => {}
        other => return other,
    }
    for (key, value) in a {
        let Some(other) = b.get(&key.to_key()) else { return Ordering::Greater };
        match value.compare(other) {
            Ordering::Equal => {}
            order => return order,
        }
    }
    Ordering::Equal
}

impl Value {
    /// PHP's `<=>`; values that cannot be compared count as greater.
    pub fn compare(&self, other: &Self) -> Ordering {
        use Value as V;
        match (self, other) {
            (V::Int(a), V::Int(b)) => return a.cmp(b),
            (V::Int(_) | V::Float(_), V::Int(_) | V::Float(_)) => {
                return numbers(self.to_number(), other.to_number());
            }
            (V::Array(a), V::Array(b)) => {
                return if Arc::ptr_eq(a, b) && a.is_empty() { Ordering::Equal } else { arrays(a, b) };
            }
            (V::Null, V::Null) => return Ordering::Equal,
            (V::Null, b) if b.is_string() => {
                return if b.str_bytes().is_some_and(<[u8]>::is_empty) {
                    Ordering::Equal
                } else {
                    Ordering::Less
                };
            }
            (a, V::Null) if a.is_string() => return V::Null.compare(a).reverse(),
            _ => {}
        }
        if let (Some(a), Some(b)) = (self.str_bytes(), other.str_bytes()) {
            return strings(a, b);
        }
        if matches!(self, V::Null | V::Bool(_)) || matches!(other, V::Null | V::Bool(_)) {
            return self.truthy_object().cmp(&other.truthy_object());
        }
        if let (V::Int(_) | V::Float(_), Some(s)) = (self, other.str_bytes()) {
            return number_and_string(self.to_number(), s);
        }
        if let (Some(s), V::Int(_) | V::Float(_)) = (self.str_bytes(), other) {
            let nan = matches!(other, V::Float(f) if f.is_nan());
            return if nan { Ordering::Greater } else { number_and_string(other.to_number(), s).reverse() };
        }
        if self.is_object() || other.is_object() {
            return objects(self, other);
        }
        match (self, other) {
            (V::Array(_), _) => Ordering::Greater,
            (_, V::Array(_)) => Ordering::Less,
            _ => Ordering::Greater,
        }
    }

    /// Truth as PHP's own comparison sees it: any object is true, markup too.
    fn truthy_object(&self) -> bool {
        if self.is_object() { true } else { self.truthy() }
    }

    /// PHP's `==`.
    pub fn loose_eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) if a == b => true,
            _ => self.compare(other) == Ordering::Equal,
        }
    }

    /// PHP's `===`: arrays also in the order of their keys, objects by identity.
    pub fn same(&self, other: &Self) -> bool {
        use Value as V;
        match (self, other) {
            (V::Null, V::Null) => true,
            (V::Bool(a), V::Bool(b)) => a == b,
            (V::Int(a), V::Int(b)) => a == b,
            (V::Float(a), V::Float(b)) => a == b,
            (V::Str(a), V::Str(b)) => a == b,
            (V::Bytes(a), V::Bytes(b)) => a == b,
            (V::Markup(a), V::Markup(b)) => a == b,
            (V::Array(a), V::Array(b)) => {
                Arc::ptr_eq(a, b)
                    || (a.len() == b.len()
                        && a.iter().zip(b.iter()).all(|((ka, va), (kb, vb))| ka == kb && va.same(vb)))
            }
            (V::Date(a), V::Date(b)) => Arc::ptr_eq(a, b),
            (V::Interval(a), V::Interval(b)) => Arc::ptr_eq(a, b),
            (V::Zone(a), V::Zone(b)) => Arc::ptr_eq(a, b),
            (V::Closure(a), V::Closure(b)) => Arc::ptr_eq(a, b),
            (V::Template(a), V::Template(b)) => a.is(b),
            (V::Object(a), V::Object(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Twig's comparison for `in`: stricter than PHP's between numbers and strings.
    pub(crate) fn twig_eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(_) | Self::Float(_), s) if s.is_string() => number_eq_string(self, s),
            (s, Self::Int(_) | Self::Float(_)) if s.is_string() => number_eq_string(other, s),
            _ => self.loose_eq(other),
        }
    }
}

fn number_eq_string(n: &Value, s: &Value) -> bool {
    let Some(bytes) = s.str_bytes() else { return false };
    match parse_numeric(bytes) {
        None => n.to_text().is_ok_and(|t| t.as_bytes() == bytes),
        Some(Number::Int(i)) => numbers(n.to_number(), Number::Int(i)) == Ordering::Equal,
        Some(Number::Float(f)) => n.to_float() == f,
    }
}

fn objects(a: &Value, b: &Value) -> Ordering {
    if a.same(b) {
        return Ordering::Equal;
    }
    match (a, b) {
        (Value::Date(x), Value::Date(y)) => x.instant().cmp(&y.instant()),
        (Value::Markup(x), Value::Markup(y)) => x.cmp(y),
        (Value::Interval(_), Value::Interval(_)) => Ordering::Greater,
        (Value::Object(x), Value::Object(y)) if x.class_name() == y.class_name() => {
            arrays(&x.properties(), &y.properties())
        }
        _ if a.is_object() && b.is_object() => Ordering::Greater,
        _ if a.stringable() && b.is_string() => a.to_str_value().map_or(Ordering::Greater, |t| t.compare(b)),
        _ if b.stringable() && a.is_string() => b.to_str_value().map_or(Ordering::Less, |t| a.compare(&t)),
        // PHP turns the object into 1 to compare it with a number.
        (_, Value::Int(_) | Value::Float(_)) => Value::Int(1).compare(b),
        (Value::Int(_) | Value::Float(_), _) => a.compare(&Value::Int(1)),
        _ if a.is_object() => Ordering::Greater,
        _ => Ordering::Less,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn php_8_compares_numbers_with_strings_by_their_text_when_not_numeric() {
        assert!(!Value::Int(0).loose_eq(&"abc".into()));
        assert!(Value::Int(1).loose_eq(&"1.0".into()));
        assert!(Value::Int(1).loose_eq(&" 1".into()));
        assert!(Value::from("1e3").loose_eq(&"1000".into()));
        assert!(!Value::from("abc").loose_eq(&"ABC".into()));
        assert!(Value::Null.loose_eq(&"".into()));
        assert!(Value::Null.loose_eq(&false.into()));
        assert_eq!(Value::list([Value::Int(1)]).compare(&Value::Int(5)), Ordering::Greater);
        assert_eq!(Value::Float(f64::NAN).compare(&Value::Float(f64::NAN)), Ordering::Greater);
    }

    #[test]
    fn identity_is_strict() {
        assert!(!Value::Int(1).same(&Value::Float(1.0)));
        assert!(
            !Value::map([("a", Value::Int(1)), ("b", Value::Int(2))])
                .same(&Value::map([("b", Value::Int(2)), ("a", Value::Int(1))]))
        );
    }
}
