//! Dates as PHP has them: moments with zones, intervals, texts read and written.

mod abbreviations;
mod civil;
mod format;
mod forms;
mod grammar;
mod interval;
mod parse;
mod relative;
mod scan;
mod words;
mod zone;

use std::sync::Arc;

pub use interval::Interval;
pub use zone::Zone;

use crate::env::Engine;
use crate::error::Error;
use crate::value::{Array, CallArgs, Value};
use civil::Civil;

/// A moment with the zone it is shown in.
#[derive(Clone, Debug, PartialEq)]
pub struct DateTime {
    /// Seconds since 1970 UTC.
    pub(crate) seconds: i64,
    pub(crate) micros: i64,
    pub(crate) zone: Zone,
    pub(crate) immutable: bool,
}

impl DateTime {
    /// A moment from seconds and microseconds since 1970 UTC, in a zone.
    pub fn new(seconds: i64, micros: u32, zone: Zone) -> Self {
        Self { seconds, micros: i64::from(micros), zone, immutable: true }
    }

    /// The moment that a text such as `2010-10-04 13:45` or `tomorrow noon` means; a text without a zone
    /// is read in the given one, and what it leaves out comes from `now` (seconds since 1970 UTC).
    ///
    /// # Errors
    /// A text that PHP would not read.
    pub fn parse(text: &str, zone: &Zone, now: i64) -> Result<Self, Error> {
        let now = Self { seconds: now, micros: 0, zone: zone.clone(), immutable: true };
        relative::read(text, &now)
    }

    /// The same moment in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: &Zone) -> Self {
        Self { zone: zone.clone(), ..self.clone() }
    }

    /// PHP's class of the value: dates made by Twig can be changed, those of hosts need not.
    pub fn class(&self) -> &'static str {
        if self.immutable { "DateTimeImmutable" } else { "DateTime" }
    }

    /// Makes the value PHP's `DateTime` instead of `DateTimeImmutable`.
    #[must_use]
    pub fn mutable(mut self) -> Self {
        self.immutable = false;
        self
    }

    /// The text in PHP's format.
    pub fn format(&self, format: &str) -> String {
        format::format(self, format)
    }

    pub(crate) fn instant(&self) -> (i64, i64) {
        (self.seconds, self.micros)
    }

    pub(crate) fn civil(&self) -> Civil {
        Civil::from_seconds(self.seconds + self.zone.offset(self.seconds), self.micros)
    }
}

/// The current time in a zone.
pub(crate) fn now(engine: &Engine, zone: &Zone) -> DateTime {
    let (seconds, nanos) = (engine.clock)();
    DateTime { seconds, micros: i64::from(nanos) / 1000, zone: zone.clone(), immutable: false }
}

/// Reads a text as PHP's `new DateTime($text)` does.
pub(crate) fn read(engine: &Engine, text: &str, zone: &Zone) -> Result<DateTime, Error> {
    let mut date = relative::read(text, &now(engine, zone))?;
    date.immutable = false;
    Ok(date)
}

/// `modify()`; `None` for a text that cannot be read.
pub(crate) fn modify(date: &DateTime, text: &str) -> Option<DateTime> {
    relative::modify(date, text)
}

/// The zone that a value names.
pub(crate) fn zone_of(value: &Value) -> Result<Zone, Error> {
    match value {
        Value::Zone(zone) => Ok((**zone).clone()),
        other => Zone::parse(&other.to_text()?),
    }
}

/// The public properties of a date, interval or zone.
pub(crate) fn properties(value: &Value) -> Array {
    match value {
        Value::Date(date) => [
            ("date", Value::from(date.format("Y-m-d H:i:s.u"))),
            ("timezone_type", Value::Int(date.zone.kind())),
            ("timezone", Value::from(date.zone.name())),
        ]
        .into_iter()
        .collect(),
        Value::Zone(zone) => {
            [("timezone_type", Value::Int(zone.kind())), ("timezone", Value::from(zone.name()))]
                .into_iter()
                .collect()
        }
        Value::Interval(interval) => interval.properties(),
        _ => Array::new(),
    }
}

/// A public property of a date or interval.
pub(crate) fn property(value: &Value, name: &str) -> Option<Value> {
    match value {
        Value::Date(_) if !matches!(name, "date" | "timezone" | "timezone_type") => None,
        _ => properties(value).get_str(name).cloned(),
    }
}

/// The methods templates may call.
pub(crate) fn methods(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Date(_) => &[
            "format",
            "getTimestamp",
            "getTimezone",
            "getOffset",
            "getMicrosecond",
            "modify",
            "setTimezone",
            "setTimestamp",
            "setTime",
            "setDate",
            "setISODate",
            "add",
            "sub",
            "diff",
        ],
        Value::Interval(_) => &["format"],
        Value::Zone(_) => &["getName", "getOffset"],
        _ => &[],
    }
}

/// Calls a method of a date, interval or zone.
pub(crate) fn call_method(
    engine: &Engine,
    value: &Value,
    name: &str,
    args: &CallArgs,
) -> Result<Value, Error> {
    match value {
        Value::Date(date) => date_method(engine, date, name, args),
        Value::Interval(interval) => Ok(Value::from(interval.format(&args.get(0, "format").to_text()?))),
        Value::Zone(zone) => Ok(match name {
            "getName" => Value::from(zone.name()),
            _ => match args.get(0, "datetime") {
                Value::Date(date) => Value::Int(zone.offset(date.seconds)),
                _ => Value::Int(zone.offset((engine.clock)().0)),
            },
        }),
        _ => Ok(Value::Null),
    }
}

fn date_method(engine: &Engine, date: &Arc<DateTime>, name: &str, args: &CallArgs) -> Result<Value, Error> {
    Ok(match name {
        "format" => Value::from(date.format(&args.get(0, "format").to_text()?)),
        "getTimestamp" => Value::Int(date.seconds),
        "getTimezone" => Value::Zone(Arc::new(date.zone.clone())),
        "getOffset" => Value::Int(date.zone.offset(date.seconds)),
        "getMicrosecond" => Value::Int(date.micros),
        "modify" => match modify(date, &args.get(0, "modifier").to_text()?) {
            Some(changed) => Value::Date(Arc::new(changed)),
            None => Value::Bool(false),
        },
        "setTimezone" => Value::Date(Arc::new(date.in_zone(&zone_of(&args.get(0, "timezone"))?))),
        "setTimestamp" => {
            let mut changed = (**date).clone();
            changed.seconds = args.get(0, "timestamp").to_int();
            changed.micros = 0;
            Value::Date(Arc::new(changed))
        }
        "setTime" | "setDate" | "setISODate" => Value::Date(Arc::new(set_fields(date, name, args))),
        "add" | "sub" => match args.get(0, "interval") {
            Value::Interval(interval) => Value::Date(Arc::new(shift(date, &interval, name == "sub"))),
            other => {
                return Err(Error::host(format!(
                    "{}::{name}(): Argument #1 ($interval) must be of type DateInterval, {} given",
                    date.class(),
                    other.type_name()
                )));
            }
        },
        "diff" => match args.get(0, "targetObject") {
            Value::Date(other) => Value::Interval(Arc::new(Interval::between(date, &other))),
            _ => {
                return Err(Error::host(
                    "DateTime::diff(): Argument #1 ($targetObject) must be of type DateTimeInterface",
                ));
            }
        },
        _ => {
            let _ = engine;
            Value::Null
        }
    })
}

/// A date with some fields of its calendar set.
fn set_fields(date: &DateTime, name: &str, args: &CallArgs) -> DateTime {
    let mut c = date.civil();
    let field = |at: usize, name: &str| args.get(at, name).to_int();
    match name {
        "setTime" => {
            (c.hour, c.minute) = (field(0, "hour"), field(1, "minute"));
            (c.second, c.micros) = (field(2, "second"), field(3, "microsecond"));
        }
        "setDate" => (c.year, c.month, c.day) = (field(0, "year"), field(1, "month"), field(2, "day")),
        _ => {
            let (year, week) = (field(0, "year"), field(1, "week"));
            let given = args.get(2, "dayOfWeek");
            let day = if given.is_null() { 1 } else { given.to_int() };
            let first = civil::weekday(year, 1, 1);
            (c.year, c.month) = (year, 1);
            c.day = 1 - (if first > 4 { first - 7 } else { first }) + (week - 1) * 7 + day;
        }
    }
    relative::at(&c.normal(), date)
}

/// A date moved by an interval.
fn shift(date: &DateTime, interval: &Interval, back: bool) -> DateTime {
    let sign = if back == interval.invert { 1 } else { -1 };
    let mut c = date.civil();
    c.year += sign * interval.years;
    c.month += sign * interval.months;
    c.day += sign * interval.days;
    let mut moved = relative::at(&c.normal(), date);
    moved.seconds += sign * (interval.hours * 3600 + interval.minutes * 60 + interval.seconds);
    let micros = moved.micros + sign * interval.micros;
    moved.seconds += micros.div_euclid(1_000_000);
    moved.micros = micros.rem_euclid(1_000_000);
    moved
}
