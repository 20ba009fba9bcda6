//! Filters and functions on numbers.

use std::cmp::Ordering;

use super::arg;
use super::arrays::int_param;
use crate::error::Error;
use crate::num;
use crate::run::Rt;
use crate::value::{Array, Number, V, Value, parse_numeric};

type Out = Result<Value, Error>;

pub(super) fn abs(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    if args.len() > 1 {
        // Alone among the filters this is a function of PHP itself, which refuses what it does not know.
        return Err(Error::host(format!("abs() expects exactly 1 argument, {} given", args.len())));
    }
    let number = match value {
        Value::Str(_) | Value::Bytes(_) => value.str_bytes().and_then(parse_numeric),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(value.to_number()),
        _ => None,
    };
    match number {
        Some(Number::Int(n)) => Ok(n.checked_abs().map_or(Value::Float(num::float(n).abs()), Value::Int)),
        Some(Number::Float(f)) => Ok(Value::Float(f.abs())),
        None => Err(Error::host(format!(
            "abs(): Argument #1 ($num) must be of type int|float, {} given",
            value.type_name()
        ))),
    }
}

/// A power of ten, exact up to 10^22.
fn ten(places: i64) -> f64 {
    10_f64.powi(num::int32(places))
}

/// Half away from zero.
fn half_up(f: f64) -> f64 {
    if f >= 0.0 { (f + 0.5).floor() } else { (f - 0.5).ceil() }
}

/// `round($f, $places)` of PHP 8.2, its correction of the last digit included.
pub(crate) fn round_to(f: f64, places: i64) -> f64 {
    if !f.is_finite() || f == 0.0 {
        return f;
    }
    let places = places.clamp(-400, 400);
    let precision_places = 14 - num::int(f.abs().log10().floor());
    let factor = ten(places.abs());
    let mut scaled;
    if precision_places > places && precision_places - 15 < places {
        // The value is first rounded to the digits that a double has for certain.
        let use_places = precision_places.clamp(-307, 307);
        let pre = scale(f, use_places);
        scaled = half_up(pre);
        let use_places = (places - use_places).max(-4 * 15);
        // Only digits beyond the wanted ones are left to cut.
        scaled /= ten(use_places.abs());
        if !scaled.is_finite() {
            return f;
        }
    } else {
        scaled = scale(f, places);
        if scaled.abs() >= 1e15 {
            return f;
        }
    }
    scaled = half_up(scaled);
    if places.abs() < 23 {
        if places > 0 { scaled / factor } else { scaled * factor }
    } else {
        format!("{scaled:.0}e{}", -places).parse().unwrap_or(f)
    }
}

fn scale(f: f64, places: i64) -> f64 {
    let factor = ten(places.abs());
    if places >= 0 { f * factor } else { f / factor }
}

pub(super) fn round(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let f = arg(args, 0).to_float();
    let precision = args.get(1).map_or(Value::Int(0), |v| (**v).clone());
    let method = args.get(2).map_or_else(|| Ok("common".into()), |v| v.to_text())?;
    if method == "common" {
        let places = int_param(&precision, "round", 2, "precision", false)?;
        return Ok(Value::Float(round_to(f, places)));
    }
    let scale = crate::value::Op2::Pow.apply(&Value::Int(10), &precision)?;
    let scaled = f * scale.to_float();
    let cut = match method.as_str() {
        "ceil" => scaled.ceil(),
        "floor" => scaled.floor(),
        _ => {
            return Err(Error::runtime(
                "The \"round\" filter only supports the \"common\", \"ceil\", and \"floor\" methods.",
            ));
        }
    };
    crate::value::Op2::Div.apply(&Value::Float(cut), &scale)
}

/// PHP's `number_format`.
fn format(f: f64, decimals: i64, point: &[u8], thousands: &[u8]) -> Vec<u8> {
    let decimals = decimals.clamp(0, 500);
    let rounded = round_to(f, decimals);
    let mut text = crate::text::sprintf::fixed(rounded.abs(), num::index(decimals));
    if !rounded.is_finite() {
        // The sign of an infinity is lost.
        text = if rounded.is_nan() { "nan".to_owned() } else { "inf".to_owned() };
        return text.into_bytes();
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = Vec::new();
    if rounded < 0.0 {
        out.push(b'-');
    }
    for (at, digit) in whole.bytes().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.extend_from_slice(thousands);
        }
        out.push(digit);
    }
    if decimals > 0 {
        out.extend_from_slice(point);
        out.extend_from_slice(fraction.as_bytes());
    }
    out
}

pub(super) fn number_format(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let defaults = &rt.engine.number_format;
    let f = arg(args, 0).to_float();
    let decimals = match arg(args, 1) {
        Value::Null => defaults.0,
        given => int_param(given, "number_format", 2, "decimals", false)?,
    };
    let sign = |at: usize, default: &str| -> Result<Vec<u8>, Error> {
        match arg(args, at) {
            Value::Null => Ok(default.as_bytes().to_vec()),
            given => Ok(given.to_bytes()?.into_owned()),
        }
    };
    let point = sign(2, &defaults.1)?;
    let thousands = sign(3, &defaults.2)?;
    Ok(Value::bytes(format(f, decimals, &point, &thousands)))
}

fn extreme(args: &[V<'_>], name: &str, wanted: Ordering) -> Out {
    let mut values: Vec<Value> = args.iter().map(|v| (**v).clone()).collect();
    let listed = values.len() == 1;
    if let [only] = values.as_slice() {
        let Value::Array(array) = only else {
            return Err(Error::host(format!(
                "{name}(): Argument #1 ($value) must be of type array, {} given",
                only.type_name()
            )));
        };
        values = array.values().cloned().collect();
        if values.is_empty() {
            return Err(Error::host(format!(
                "{name}(): Argument #1 ($value) must contain at least one element"
            )));
        }
    }
    let mut values = values.into_iter();
    let mut best = values.next().unwrap_or(Value::Null);
    for value in values {
        // The elements of an array and separate arguments are asked in different order, which shows with NaN.
        let better = match (wanted, listed) {
            (Ordering::Greater, true) => best.compare(&value) == Ordering::Less,
            (Ordering::Greater, false) => value.compare(&best) == Ordering::Greater,
            (_, true) => best.compare(&value) == Ordering::Greater,
            (_, false) => value.compare(&best) == Ordering::Less,
        };
        if better {
            best = value;
        }
    }
    Ok(best)
}

pub(super) fn max(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    extreme(args, "max", Ordering::Greater)
}

pub(super) fn min(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    extreme(args, "min", Ordering::Less)
}

pub(super) fn range_function(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let step = args.get(2).map_or(Value::Int(1), |v| (**v).clone());
    let is_number = match &step {
        Value::Str(_) | Value::Bytes(_) => step.str_bytes().and_then(parse_numeric).is_some(),
        other => !(matches!(other, Value::Array(_)) || other.is_object()),
    };
    if !is_number {
        return Err(Error::host(format!(
            "range(): Argument #3 ($step) must be of type int|float, {} given",
            step.type_name()
        )));
    }
    range(rt, arg(args, 0), arg(args, 1), &step)
}

/// `range()` of PHP 8.2.
pub(crate) fn range(rt: &mut Rt<'_>, low: &Value, high: &Value, step: &Value) -> Out {
    let step_number = step.to_number();
    let mut float = matches!(step_number, Number::Float(f) if f.fract() != 0.0 || !num::fits(f));
    float |= matches!(step, Value::Float(f) if f.fract() != 0.0);
    let bytes = |v: &Value| v.str_bytes().filter(|b| !b.is_empty()).map(<[u8]>::to_vec);
    if let (Some(a), Some(b)) = (bytes(low), bytes(high)) {
        let (x, y) = (parse_numeric(&a), parse_numeric(&b));
        match (x, y) {
            (Some(Number::Float(_)), _) | (_, Some(Number::Float(_))) => float = true,
            (Some(_), _) | (_, Some(_)) => {}
            (None, None) if !float => return letters(&a, &b, step_number.int()),
            (None, None) => {}
        }
    } else {
        let is_float = |v: &Value| matches!(v, Value::Float(_));
        float |= is_float(low) || is_float(high);
    }
    if float {
        return floats(rt, low.to_float(), high.to_float(), step_number.float());
    }
    let (from, to) = (low.to_int(), high.to_int());
    let step = i128::from(step_number.int()).abs();
    let span = (i128::from(to) - i128::from(from)).abs();
    if step == 0 || (from != to && step > span) {
        return Err(exceeds());
    }
    let count = if from == to { 1 } else { span.checked_div(step).unwrap_or(0) + 1 };
    if count > MOST_ELEMENTS {
        return Err(too_long(from.min(to), from.max(to)));
    }
    rt.check_size(usize::try_from(count).unwrap_or(usize::MAX))?;
    let direction = if from <= to { step } else { -step };
    let items = (0..count).map(|i| Value::Int(num::clamp(i128::from(from) + i * direction)));
    Ok(Value::list(items))
}

/// The size of the largest array that PHP makes.
const MOST_ELEMENTS: i128 = 0x4000_0000;

fn too_long(low: impl std::fmt::Display, high: impl std::fmt::Display) -> Error {
    Error::host(format!("The supplied range exceeds the maximum array size: start={low} end={high}"))
}

fn exceeds() -> Error {
    Error::host("range(): Argument #3 ($step) must not exceed the specified range")
}

fn floats(rt: &Rt<'_>, from: f64, to: f64, step: f64) -> Out {
    let step = step.abs();
    if from.is_infinite() || to.is_infinite() {
        return Err(Error::host(format!(
            "Invalid range supplied: start={} end={}",
            Value::Float(from.abs()).to_text()?.to_ascii_lowercase(),
            Value::Float(to.abs()).to_text()?.to_ascii_lowercase()
        )));
    }
    if from == to || from.is_nan() || to.is_nan() {
        return Ok(Value::list([Value::Float(from)]));
    }
    let span = (to - from).abs();
    if step <= 0.0 || span < step || !step.is_finite() {
        return Err(exceeds());
    }
    let count = round_to(span / step, 14).floor() + 1.0;
    let count = num::int(count);
    if i128::from(count) > MOST_ELEMENTS || count < 1 {
        return Err(too_long(format!("{:.0}", from.min(to)), format!("{:.0}", from.max(to))));
    }
    rt.check_size(num::index(count))?;
    let direction = if from <= to { step } else { -step };
    // The first element is the bound itself: a negative zero keeps its sign.
    let element = |i: i64| if i == 0 { from } else { from + num::float(i) * direction };
    Ok(Value::list((0..count).map(|i| Value::Float(element(i)))))
}

fn letters(a: &[u8], b: &[u8], step: i64) -> Out {
    let (Some(&from), Some(&to)) = (a.first(), b.first()) else { return Ok(Value::list([])) };
    let step = step.abs();
    let span = i64::from(from.abs_diff(to));
    if from == to {
        return Ok(Value::list([Value::from_bytes(&[from])]));
    }
    if step == 0 || step > span {
        return Err(exceeds());
    }
    let direction = if from < to { step } else { -step };
    let count = span / step + 1;
    let items: Array =
        (0..count).map(|i| Value::from_bytes(&[num::low_byte(i64::from(from) + i * direction)])).collect();
    Ok(items.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_phps() {
        for (f, places, want) in [
            (1.005, 2, 1.01),
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (1234.5678, -2, 1200.0),
            (5.055, 2, 5.06),
            (1.955, 2, 1.96),
            (0.285, 2, 0.29),
            (1e300, 2, 1e300),
        ] {
            assert_eq!(round_to(f, places), want, "{f} {places}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        let text = |f, d| String::from_utf8(format(f, d, b".", b",")).unwrap();
        assert_eq!(text(1_234_567.891, 2), "1,234,567.89");
        assert_eq!(text(-0.4, 0), "-0".replace("-0", "0"));
        assert_eq!(text(0.5, 0), "1");
    }
}
