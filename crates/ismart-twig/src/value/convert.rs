//! PHP's conversions between types, and how numbers are printed.

use std::borrow::Cow;

use ecow::EcoString;

use super::{Array, Key, Value};
use crate::error::Error;
use crate::num;

/// A number as PHP's arithmetic sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
}

impl Number {
    /// The number as a float.
    pub fn float(self) -> f64 {
        match self {
            Self::Int(n) => num::float(n),
            Self::Float(f) => f,
        }
    }

    /// The number as an integer.
    pub fn int(self) -> i64 {
        match self {
            Self::Int(n) => n,
            Self::Float(f) => num::int(f),
        }
    }

    /// The integer of a number that a string spelled: it saturates instead of wrapping.
    pub(crate) fn int_of_text(self) -> i64 {
        match self {
            Self::Int(n) => n,
            Self::Float(f) => num::saturating_int(f),
        }
    }

    pub(crate) fn value(self) -> Value {
        match self {
            Self::Int(n) => Value::Int(n),
            Self::Float(f) => Value::Float(f),
        }
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The number at the start of a string: its value and how many bytes it takes, leading space included.
pub(crate) fn numeric_prefix(bytes: &[u8]) -> Option<(Number, usize)> {
    let start = bytes.iter().take_while(|b| is_space(**b)).count();
    let mut at = start;
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    if matches!(bytes.get(at), Some(b'+' | b'-')) {
        at += 1;
    }
    let whole = at;
    while digit(at) {
        at += 1;
    }
    let mut digits = at - whole;
    let mut float = false;
    if bytes.get(at) == Some(&b'.') {
        let mut end = at + 1;
        while digit(end) {
            end += 1;
        }
        let fraction = end - at - 1;
        if digits + fraction > 0 {
            float = true;
            digits += fraction;
            at = end;
        }
    }
    if digits == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let mut end = at + 1;
        if matches!(bytes.get(end), Some(b'+' | b'-')) {
            end += 1;
        }
        if digit(end) {
            while digit(end) {
                end += 1;
            }
            float = true;
            at = end;
        }
    }
    let text = std::str::from_utf8(bytes.get(start..at)?).ok()?;
    let number = if float {
        Number::Float(text.parse().ok()?)
    } else {
        match text.parse() {
            Ok(n) => Number::Int(n),
            Err(_) => Number::Float(text.parse().ok()?),
        }
    };
    Some((number, at))
}

/// The number a numeric string means; `None` for a string that is not numeric (trailing space is).
pub(crate) fn parse_numeric(bytes: &[u8]) -> Option<Number> {
    let (number, used) = numeric_prefix(bytes)?;
    bytes.get(used..)?.iter().all(|b| is_space(*b)).then_some(number)
}

/// Digits and decimal exponent (value = 0.DIGITS * 10^exponent) of a finite float.
fn digits(f: f64, precision: Option<usize>) -> (String, i32) {
    let short = format!("{:e}", f.abs());
    let split = |text: &str| -> (String, i32) {
        let (mantissa, exp) = text.split_once('e').unwrap_or((text, "0"));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let trimmed = digits.trim_end_matches('0');
        let kept = if trimmed.is_empty() { "0" } else { trimmed };
        (kept.to_owned(), exp.parse::<i32>().unwrap_or(0) + 1)
    };
    let parts = split(&short);
    match precision {
        // From 16 digits on the shortest form no longer is the rounded one.
        Some(p) if parts.0.len() > p || p > 15 => split(&format!("{:.*e}", p.saturating_sub(1), f.abs())),
        _ => parts,
    }
}

/// `zend_gcvt`: the shortest of plain and exponential notation for a number of significant digits.
fn gcvt(f: f64, precision: Option<usize>, mark: char) -> String {
    if f.is_nan() {
        return "NAN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "INF" } else { "-INF" }.to_owned();
    }
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if f == 0.0 {
        return format!("{sign}0");
    }
    let (digits, point) = digits(f, precision);
    let limit = i32::try_from(precision.unwrap_or(17)).unwrap_or(17);
    if point < -3 || point > limit {
        let exp = point - 1;
        let (head, tail) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let tail = if tail.is_empty() { "0" } else { tail };
        let direction = if exp < 0 { '-' } else { '+' };
        return format!("{sign}{head}.{tail}{mark}{direction}{}", exp.abs());
    }
    let count = i32::try_from(digits.len()).unwrap_or(0);
    if point <= 0 {
        let zeros = usize::try_from(-point).unwrap_or(0);
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    }
    if count <= point {
        let zeros = usize::try_from(point - count).unwrap_or(0);
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    let (head, tail) = digits.split_at_checked(usize::try_from(point).unwrap_or(0)).unwrap_or((&digits, ""));
    format!("{sign}{head}.{tail}")
}

/// Significant digits of floats that PHP prints.
const DIGITS: u32 = 14;

/// A positive float below 10^14 and from 10^-4 on, rounded to [`DIGITS`] significant digits: an integer and how many
/// of its last digits are decimals. Exact: the float is a fraction of a power of two, ties go to the even digit.
fn rounded(f: f64) -> (u64, u32) {
    let bits = f.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
    let shift = 1075_u32.saturating_sub(u32::try_from(bits >> 52 & 0x7ff).unwrap_or(0));
    let decimals = if f >= 1.0 {
        let whole = u64::try_from(num::int(f)).unwrap_or(0);
        DIGITS - 1 - whole.ilog10()
    } else {
        DIGITS + [0.1, 0.01, 0.001].into_iter().map(|bound| u32::from(f < bound)).sum::<u32>()
    };
    let scaled = u128::from(mantissa) * 10_u128.pow(decimals);
    let (mut whole, rest) = (scaled >> shift, scaled & ((1 << shift) - 1));
    let half = 1_u128 << shift >> 1;
    if rest > half || (rest == half && whole & 1 == 1) {
        whole += 1;
    }
    (u64::try_from(whole).unwrap_or(0), decimals)
}

/// Appends a float as PHP prints it with `precision=14`.
fn write_float(f: f64, out: &mut Vec<u8>) {
    if f.fract() == 0.0 && f.abs() < 1e14 && (f != 0.0 || f.is_sign_positive()) {
        out.extend_from_slice(itoa::Buffer::new().format(num::int(f)).as_bytes());
        return;
    }
    if !(1e-4..1e13).contains(&f.abs()) {
        out.extend_from_slice(gcvt(f, Some(14), 'E').as_bytes());
        return;
    }
    let (number, decimals) = rounded(f.abs());
    let one = 10_u64.pow(decimals);
    if f < 0.0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(number / one).as_bytes());
    // The decimals after a one that keeps their zeros, and which then becomes the point.
    let point = out.len();
    out.extend_from_slice(itoa::Buffer::new().format(number % one + one).as_bytes());
    if let Some(place) = out.get_mut(point) {
        *place = b'.';
    }
    let zeros = out.iter().rev().take_while(|b| **b == b'0').count();
    out.truncate(out.len() - zeros);
    if out.last() == Some(&b'.') {
        out.pop();
    }
}

/// A float as PHP prints it with `precision=14`.
pub(crate) fn float_text(f: f64) -> EcoString {
    let mut out = Vec::with_capacity(24);
    write_float(f, &mut out);
    std::str::from_utf8(&out).unwrap_or("").into()
}

/// A float in its shortest form that reads back as itself, as `json_encode` and `var_export` print it.
pub(crate) fn float_repr(f: f64, mark: char) -> String {
    gcvt(f, None, mark)
}

/// A float with a number of significant digits, as `%g` prints it.
pub(crate) fn significant(f: f64, precision: usize, mark: char) -> String {
    gcvt(f, Some(precision), mark)
}

impl Value {
    /// Whether a condition takes the value for true.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(b) => *b,
            Self::Int(n) => *n != 0,
            Self::Float(f) => *f != 0.0,
            Self::Str(s) | Self::Markup(s) => !s.is_empty() && s != "0",
            Self::Bytes(b) => !b.is_empty() && **b != *b"0",
            Self::Array(a) => !a.is_empty(),
            _ => true,
        }
    }

    /// The text PHP prints, invalid UTF-8 replaced.
    ///
    /// # Errors
    /// A host error for objects without a text form.
    pub fn to_text(&self) -> Result<EcoString, Error> {
        Ok(match self {
            Self::Str(s) | Self::Markup(s) => s.clone(),
            Self::Bytes(b) => String::from_utf8_lossy(b).as_ref().into(),
            Self::Null => EcoString::new(),
            Self::Bool(b) => if *b { "1" } else { "" }.into(),
            Self::Int(n) => itoa::Buffer::new().format(*n).into(),
            Self::Float(f) => float_text(*f),
            Self::Array(_) => "Array".into(),
            _ => return self.object_text()?.to_text(),
        })
    }

    /// The bytes PHP prints.
    pub(crate) fn to_bytes(&self) -> Result<Cow<'_, [u8]>, Error> {
        Ok(match self {
            Self::Str(s) | Self::Markup(s) => Cow::Borrowed(s.as_bytes()),
            Self::Bytes(b) => Cow::Borrowed(b),
            Self::Object(_) => Cow::Owned(self.object_text()?.to_bytes()?.into_owned()),
            _ => Cow::Owned(self.to_text()?.as_bytes().to_vec()),
        })
    }

    /// Appends what PHP prints.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Str(s) | Self::Markup(s) => out.extend_from_slice(s.as_bytes()),
            Self::Bytes(b) => out.extend_from_slice(b),
            Self::Null => {}
            Self::Bool(b) => {
                if *b {
                    out.push(b'1');
                }
            }
            Self::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
            Self::Float(f) => write_float(*f, out),
            Self::Array(_) => out.extend_from_slice(b"Array"),
            _ => self.object_text()?.write(out)?,
        }
        Ok(())
    }

    /// A string value with the same text: markup and objects lose their nature.
    pub(crate) fn to_str_value(&self) -> Result<Value, Error> {
        Ok(match self {
            Self::Str(_) | Self::Bytes(_) => self.clone(),
            Self::Markup(s) => Self::Str(s.clone()),
            Self::Object(_) => self.object_text()?.to_str_value()?,
            _ => Self::Str(self.to_text()?),
        })
    }

    fn object_text(&self) -> Result<Value, Error> {
        if let Self::Object(o) = self
            && let Some(text) = o.text()
        {
            return text;
        }
        Err(Error::host(format!("Object of class {} could not be converted to string", self.type_name())))
    }

    /// Whether the value has a text form beyond plain strings (PHP's `Stringable`).
    pub(crate) fn stringable(&self) -> bool {
        match self {
            Self::Markup(_) => true,
            Self::Object(o) => o.text().is_some(),
            _ => false,
        }
    }

    /// `(int) $value`.
    pub fn to_int(&self) -> i64 {
        match self {
            Self::Int(n) => *n,
            Self::Str(_) | Self::Bytes(_) => self.to_number().int_of_text(),
            _ => self.to_number().int(),
        }
    }

    /// `(float) $value`.
    pub fn to_float(&self) -> f64 {
        self.to_number().float()
    }

    /// The number a cast makes of the value: 0 for text without one.
    pub fn to_number(&self) -> Number {
        match self {
            Self::Null => Number::Int(0),
            Self::Bool(b) => Number::Int((*b).into()),
            Self::Int(n) => Number::Int(*n),
            Self::Float(f) => Number::Float(*f),
            Self::Str(_) | Self::Bytes(_) => {
                self.str_bytes().and_then(numeric_prefix).map_or(Number::Int(0), |(n, _)| n)
            }
            Self::Array(a) => Number::Int((!a.is_empty()).into()),
            _ => Number::Int(1),
        }
    }

    /// The array key PHP makes of the value; `None` for arrays and objects.
    pub(crate) fn to_key(&self) -> Option<Key> {
        Some(match self {
            Self::Null => Key::Str(EcoString::new()),
            Self::Bool(b) => Key::Int((*b).into()),
            Self::Int(n) => Key::Int(*n),
            Self::Float(f) => Key::Int(num::int(*f)),
            Self::Str(s) => Key::from_string(s),
            Self::Bytes(b) => Key::from_string(&String::from_utf8_lossy(b)),
            _ => return None,
        })
    }

    /// The pairs of an array or an iterable object.
    pub(crate) fn to_pairs(&self) -> Option<Cow<'_, Array>> {
        match self {
            Self::Array(a) => Some(Cow::Borrowed(a)),
            Self::Object(o) => {
                let mut array = Array::new();
                for (key, value) in o.iterate()? {
                    array.insert(key.to_key().unwrap_or(Key::Int(0)), value);
                }
                Some(Cow::Owned(array))
            }
            _ => None,
        }
    }

    /// Whether `for` can walk the value.
    pub(crate) fn is_iterable(&self) -> bool {
        match self {
            Self::Array(_) => true,
            Self::Object(o) => o.iterate().is_some(),
            _ => false,
        }
    }

    /// Whether the test `empty` holds: `null`, `false`, `''`, an empty array, or an object that counts or prints as none.
    pub(crate) fn is_empty(&self) -> Result<bool, Error> {
        Ok(match self {
            Self::Null | Self::Bool(false) => true,
            Self::Str(s) | Self::Markup(s) => s.is_empty(),
            Self::Bytes(b) => b.is_empty(),
            Self::Array(a) => a.is_empty(),
            Self::Object(o) => {
                if let Some(n) = o.count() {
                    n == 0
                } else if let Some(items) = o.iterate() {
                    items.is_empty()
                } else if let Some(text) = o.text() {
                    text?.to_bytes()?.is_empty()
                } else {
                    false
                }
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_php_prints_them() {
        for (f, want) in [
            (0.1 + 0.2, "0.3"),
            (2.0 / 3.0, "0.66666666666667"),
            (5.0, "5"),
            (-0.0, "-0"),
            (1e14, "1.0E+14"),
            (99_999_999_999_999.0, "99999999999999"),
            (1e100, "1.0E+100"),
            (1.5e-7, "1.5E-7"),
            (0.0001, "0.0001"),
            (0.00001, "1.0E-5"),
            (123_456_789_012_345_680.0, "1.2345678901235E+17"),
            (-1.5, "-1.5"),
            (f64::INFINITY, "INF"),
            (f64::NAN, "NAN"),
        ] {
            assert_eq!(float_text(f), want);
        }
        assert_eq!(float_repr(0.1 + 0.2, 'e'), "0.30000000000000004");
        assert_eq!(float_repr(1e25, 'e'), "1.0e+25");
        assert_eq!(float_repr(1e15, 'e'), "1000000000000000");
    }

    /// The short way to print floats and the long one agree.
    #[test]
    fn floats_are_rounded_exactly() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let odd = [
            0.5,
            0.125,
            2.9999999999999996,
            1.0 - f64::EPSILON / 2.0,
            9.9999999999999,
            0.1,
            0.01,
            0.001,
            1e-4,
            1.0005,
        ];
        let random = (0..20_000).map(|i| {
            let digits = next() % 10_u64.pow(u32::try_from(1 + i % 17).unwrap());
            format!("{digits}e-{}", next() % 18).parse::<f64>().unwrap()
        });
        let mut compared = 0;
        for f in odd.into_iter().chain(random) {
            for f in [f, -f, f + 1.0 / 3.0] {
                if f.fract() != 0.0 && f.abs() < 1e13 {
                    assert_eq!(float_text(f), gcvt(f, Some(14), 'E'), "{f:e}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 30_000, "{compared}");
    }

    #[test]
    fn numeric_strings_follow_php_8() {
        assert_eq!(parse_numeric(b" 12 "), Some(Number::Int(12)));
        assert_eq!(parse_numeric(b"1e3"), Some(Number::Float(1000.0)));
        assert_eq!(parse_numeric(b".5"), Some(Number::Float(0.5)));
        assert_eq!(parse_numeric(b"5."), Some(Number::Float(5.0)));
        assert_eq!(parse_numeric(b"5 apples"), None);
        assert_eq!(parse_numeric(b""), None);
        assert_eq!(parse_numeric(b"."), None);
        assert_eq!(parse_numeric(b"0x1A"), None);
        assert_eq!(numeric_prefix(b"12abc"), Some((Number::Int(12), 2)));
        assert_eq!(numeric_prefix(b"1e"), Some((Number::Int(1), 1)));
    }
}
