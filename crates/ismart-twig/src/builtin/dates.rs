//! Filters and functions on dates.

use std::sync::Arc;

use super::arg;
use crate::date::{self, DateTime, Zone};
use crate::env::Engine;
use crate::error::Error;
use crate::run::Rt;
use crate::value::{V, Value};

type Out = Result<Value, Error>;

/// The zone a parameter asks for: `false` keeps the value's own, `null` is the default.
fn zone(engine: &Engine, value: &Value) -> Result<Option<Zone>, Error> {
    match value {
        Value::Bool(false) => Ok(None),
        Value::Null => Ok(Some(engine.zone.clone())),
        other => date::zone_of(other).map(Some),
    }
}

/// Twig's conversion of a value into a date.
fn convert(engine: &Engine, value: &Value, zone: Option<Zone>) -> Result<DateTime, Error> {
    let shown = |date: DateTime| match &zone {
        Some(zone) => date.in_zone(zone),
        None => date,
    };
    if let Value::Date(date) = value {
        return Ok(shown((**date).clone()));
    }
    let text = match value {
        Value::Null => "now".into(),
        other => other.to_text()?,
    };
    if text == "now" {
        let zone = zone.clone().unwrap_or_else(|| engine.zone.clone());
        return Ok(date::now(engine, &zone));
    }
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let is_stamp = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let date = if is_stamp {
        date::read(engine, &format!("@{text}"), &engine.php_zone)?
    } else {
        date::read(engine, &text, &engine.php_zone)?
    };
    Ok(shown(date))
}

/// The date of a value in the zone of another one, as the `date` filter takes its arguments.
pub(crate) fn read(engine: &Engine, value: &Value, in_zone: &Value) -> Result<DateTime, Error> {
    convert(engine, value, zone(engine, in_zone)?)
}

pub(super) fn date_filter(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let (date_format, interval_format) = &rt.engine.date_format;
    let format = arg(args, 1);
    if let Value::Interval(interval) = value {
        let format = if format.is_null() { interval_format.clone() } else { format.to_text()? };
        return Ok(Value::from(interval.format(&format)));
    }
    let format = if format.is_null() { date_format.clone() } else { format.to_text()? };
    let zone = zone(rt.engine, arg(args, 2))?;
    Ok(Value::from(convert(rt.engine, value, zone)?.format(&format)))
}

pub(super) fn date_function(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let zone = zone(rt.engine, arg(args, 1))?;
    Ok(Value::Date(Arc::new(convert(rt.engine, arg(args, 0), zone)?)))
}

pub(super) fn date_modify(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let date = convert(rt.engine, arg(args, 0), None)?;
    let text = arg(args, 1).to_text()?;
    Ok(match date::modify(&date, &text) {
        Some(changed) => Value::Date(Arc::new(changed)),
        None => Value::Bool(false),
    })
}
