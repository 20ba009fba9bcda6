//! Values as the portal reads and writes them: lenient in, strict out.

use super::fields::Kind;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, Zoned};
use serde_json::{Number, Value};

/// What became of a value sent for a field.
#[derive(Debug, PartialEq)]
pub(super) enum Coerced {
    /// Read as meant.
    Ok(Value),
    /// The portal takes it for something else than what was sent; the text says what happened.
    Lossy(Value, &'static str),
    /// A multiple field got a single value; holds PHP's name of its type.
    NotIterable(&'static str),
    /// No reading exists.
    Invalid,
}

/// Reads a value sent for a field of this kind.
pub(super) fn coerce(kind: Kind, value: &Value, offset: Offset) -> Coerced {
    if value.is_null() {
        return if kind.is_multiple() {
            Coerced::Ok(Value::Array(Vec::new()))
        } else {
            Coerced::Ok(Value::Null)
        };
    }
    match kind {
        Kind::Text | Kind::Status(_) | Kind::Currency => text(value),
        Kind::Int | Kind::User | Kind::Ref(_) | Kind::Category => {
            integer(value).map_or(Coerced::Invalid, |n| Coerced::Ok(n.into()))
        }
        Kind::Double => double(value),
        Kind::Flag => flag(value).map_or(Coerced::Invalid, |yes| Coerced::Ok(yes_no(yes))),
        Kind::Date | Kind::DateTime => date(kind, value, offset),
        Kind::Users | Kind::Refs(_) => list(value),
    }
}

fn text(value: &Value) -> Coerced {
    match value {
        Value::String(text) => Coerced::Ok(text.clone().into()),
        Value::Number(number) => Coerced::Ok(number.to_string().into()),
        Value::Bool(flag) => {
            Coerced::Lossy((if *flag { "1" } else { "" }).into(), "a boolean was sent for a text field")
        }
        _ => Coerced::Invalid,
    }
}

fn double(value: &Value) -> Coerced {
    match value {
        Value::Number(number) => Coerced::Ok(Value::Number(number.clone())),
        Value::String(text) if text.trim().is_empty() => Coerced::Ok(Value::Null),
        Value::String(text) => match text.trim().parse::<f64>().ok().and_then(Number::from_f64) {
            Some(number) => Coerced::Ok(Value::Number(number)),
            None => Coerced::Invalid,
        },
        _ => Coerced::Invalid,
    }
}

fn date(kind: Kind, value: &Value, offset: Offset) -> Coerced {
    let Value::String(text) = value else { return Coerced::Invalid };
    if text.is_empty() {
        return Coerced::Ok(Value::Null);
    }
    let Some(moment) = parse_moment(text, offset) else { return Coerced::Invalid };
    let out = Value::String(iso(moment.at, offset));
    if kind == Kind::DateTime && !moment.explicit {
        return Coerced::Lossy(out, "a moment without an offset is read in the portal's zone");
    }
    Coerced::Ok(out)
}

fn list(value: &Value) -> Coerced {
    let items: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        other => return Coerced::NotIterable(php_type(other)),
    };
    let numbers: Option<Vec<Value>> = items.into_iter().map(|item| integer(item).map(Value::from)).collect();
    numbers.map_or(Coerced::Invalid, |numbers| Coerced::Ok(Value::Array(numbers)))
}

/// A whole number, also when it came as text (forms and batches send text only).
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Any of the spellings of yes and no that PHP clients use.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "Y" | "y" | "1" | "true" => Some(true),
            "N" | "n" | "0" | "false" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn yes_no(yes: bool) -> Value {
    Value::String((if yes { "Y" } else { "N" }).to_owned())
}

/// PHP's name of a value's type, as its messages use it.
pub(super) fn php_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) => "array",
    }
}

/// A point in time and whether its offset was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) explicit: bool,
}

/// Reads `2026-05-14T10:26:32+03:00`, `2026-05-14 10:26:32`, `2026-05-14`, `14.05.2026` and
/// `14.05.2026 10:26:32`; what says no offset is meant in the portal's.
pub(super) fn parse_moment(text: &str, offset: Offset) -> Option<Moment> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Moment { at, explicit: true });
    }
    let spaced = text.replace('T', " ");
    let (day, clock) = spaced.split_once(' ').map_or((spaced.as_str(), ""), |(day, clock)| (day, clock));
    let date = parse_day(day)?;
    let time = if clock.is_empty() { jiff::civil::Time::midnight() } else { clock.parse().ok()? };
    let at = offset.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Moment { at, explicit: false })
}

fn parse_day(text: &str) -> Option<Date> {
    if let Ok(date) = text.parse::<Date>() {
        return Some(date);
    }
    let mut parts = text.split('.');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// `2026-05-14T10:26:32+03:00` in the portal's offset.
pub(super) fn iso(at: Timestamp, offset: Offset) -> String {
    let zoned = Zoned::new(at, offset.to_time_zone());
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The value as the classic methods write it: numbers as text, money with two digits.
pub(super) fn classic(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Double, Value::Number(number)) => {
            Value::String(format!("{:.2}", number.as_f64().unwrap_or_default()))
        }
        (Kind::Date | Kind::DateTime, Value::Null) => Value::String(String::new()),
        (_, Value::Number(number)) => Value::String(number.to_string()),
        (_, Value::Array(items)) => Value::Array(items.iter().map(|item| classic(Kind::Int, item)).collect()),
        (_, other) => other.clone(),
    }
}

/// Text cut to `limit` characters; `None` when it already fits.
pub(super) fn cut(text: &str, limit: usize) -> Option<String> {
    (text.chars().count() > limit).then(|| text.chars().take(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MOSCOW: Offset = jiff::tz::offset(3);

    #[test]
    fn reads_what_php_clients_send() {
        assert_eq!(coerce(Kind::Int, &json!("17"), MOSCOW), Coerced::Ok(json!(17)));
        assert_eq!(coerce(Kind::Int, &json!("семь"), MOSCOW), Coerced::Invalid);
        assert_eq!(coerce(Kind::Double, &json!("15000.00"), MOSCOW), Coerced::Ok(json!(15000.0)));
        assert_eq!(coerce(Kind::Flag, &json!(true), MOSCOW), Coerced::Ok(json!("Y")));
        assert_eq!(coerce(Kind::Flag, &json!("maybe"), MOSCOW), Coerced::Invalid);
        assert_eq!(coerce(Kind::Text, &json!(["x"]), MOSCOW), Coerced::Invalid);
        assert_eq!(coerce(Kind::Refs("crm_contact"), &json!("4"), MOSCOW), Coerced::NotIterable("string"));
        assert_eq!(coerce(Kind::Refs("crm_contact"), &json!({"0": "4"}), MOSCOW), Coerced::Ok(json!([4])));
    }

    #[test]
    fn moments_keep_their_offset_and_confess_a_missing_one() {
        let said = parse_moment("2026-05-14T10:26:32+05:00", MOSCOW).unwrap();
        assert!(said.explicit);
        assert_eq!(iso(said.at, MOSCOW), "2026-05-14T08:26:32+03:00");
        let unsaid = parse_moment("14.05.2026 10:26:32", MOSCOW).unwrap();
        assert!(!unsaid.explicit);
        assert_eq!(iso(unsaid.at, MOSCOW), "2026-05-14T10:26:32+03:00");
        for wrong in ["", "завтра", "2026-13-40", "1.2.3.4", "2026-05-14T99:00"] {
            assert_eq!(parse_moment(wrong, MOSCOW), None, "{wrong}");
        }
    }

    #[test]
    fn classic_values_are_text() {
        assert_eq!(classic(Kind::Int, &json!(5)), json!("5"));
        assert_eq!(classic(Kind::Double, &json!(15000)), json!("15000.00"));
        assert_eq!(classic(Kind::DateTime, &Value::Null), json!(""));
        assert_eq!(classic(Kind::Text, &Value::Null), Value::Null);
        assert_eq!(classic(Kind::Refs("x"), &json!([1, 2])), json!(["1", "2"]));
    }
}
