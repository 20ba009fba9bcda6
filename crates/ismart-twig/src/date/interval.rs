//! Differences of dates.

use super::DateTime;
use super::civil::{days, month_days};
use crate::num;
use crate::value::{Array, Value};

/// Fields beyond this are held at it, so that their seconds fit a number.
const FAR: i64 = 100_000_000_000;

/// A difference in calendar fields, PHP's `DateInterval`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Years.
    pub years: i64,
    /// Months.
    pub months: i64,
    /// Days.
    pub days: i64,
    /// Hours.
    pub hours: i64,
    /// Minutes.
    pub minutes: i64,
    /// Seconds.
    pub seconds: i64,
    /// Microseconds.
    pub micros: i64,
    /// Whether the difference points back.
    pub invert: bool,
    /// All days between the dates, if the interval was made of two.
    pub total_days: Option<i64>,
}

impl Interval {
    /// The difference from one date to another.
    pub fn between(from: &DateTime, to: &DateTime) -> Self {
        let invert = to.instant() < from.instant();
        let (first, last) = if invert { (to, from) } else { (from, to) };
        // Of two zones the calendar of neither counts.
        let zone = if first.zone == last.zone { first.zone.clone() } else { super::Zone::utc() };
        let (a, b) = (first.in_zone(&zone).civil(), last.in_zone(&zone).civil());
        let mut years = b.year - a.year;
        let mut months = b.month - a.month;
        let mut d = b.day - a.day;
        let of_day = |c: &super::Civil| c.hour * 3600 + c.minute * 60 + c.second;
        let mut rest = of_day(&b) - of_day(&a);
        let mut micros = b.micros - a.micros;
        if micros < 0 {
            micros += 1_000_000;
            rest -= 1;
        }
        if rest < 0 {
            rest += 86_400;
            d -= 1;
        }
        if d < 0 {
            // The days of the month before the last date's.
            let (y, m) = if b.month == 1 { (b.year - 1, 12) } else { (b.year, b.month - 1) };
            d += month_days(y, m);
            months -= 1;
        }
        if months < 0 {
            months += 12;
            years -= 1;
        }
        let mut total = days(b.year, b.month, b.day) - days(a.year, a.month, a.day);
        if (of_day(&b), b.micros) < (of_day(&a), a.micros) {
            total -= 1;
        }
        Self {
            years,
            months,
            days: d,
            hours: rest / 3600,
            minutes: rest / 60 % 60,
            seconds: rest % 60,
            micros,
            invert,
            total_days: Some(total),
        }
    }

    /// The seconds that lie between 1970 UTC and the moment so much later (or earlier).
    pub(crate) fn seconds_from_epoch(&self) -> i64 {
        let sign = if self.invert { -1 } else { 1 };
        let part = |n: i64| n.saturating_mul(sign).clamp(-FAR, FAR);
        let day = days(1970 + part(self.years), 1 + part(self.months), 1 + part(self.days));
        let rest = part(self.hours) * 3600 + part(self.minutes) * 60 + part(self.seconds);
        day * 86_400 + rest
    }

    /// The text in PHP's format (`%d days`).
    pub fn format(&self, format: &str) -> String {
        let mut out = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let Some(kind) = letters.next() else { break };
            let two = |n: i64| format!("{n:02}");
            let text = match kind {
                'Y' => two(self.years),
                'y' => self.years.to_string(),
                'M' => two(self.months),
                'm' => self.months.to_string(),
                'D' => two(self.days),
                'd' => self.days.to_string(),
                'H' => two(self.hours),
                'h' => self.hours.to_string(),
                'I' => two(self.minutes),
                'i' => self.minutes.to_string(),
                'S' => two(self.seconds),
                's' => self.seconds.to_string(),
                'F' => format!("{:06}", self.micros),
                'f' => self.micros.to_string(),
                'a' => self.total_days.map_or_else(|| "(unknown)".to_owned(), |d| d.to_string()),
                'R' => if self.invert { "-" } else { "+" }.to_owned(),
                'r' => if self.invert { "-" } else { "" }.to_owned(),
                '%' => "%".to_owned(),
                other => format!("%{other}"),
            };
            out.push_str(&text);
        }
        out
    }

    pub(crate) fn properties(&self) -> Array {
        [
            ("y", Value::Int(self.years)),
            ("m", Value::Int(self.months)),
            ("d", Value::Int(self.days)),
            ("h", Value::Int(self.hours)),
            ("i", Value::Int(self.minutes)),
            ("s", Value::Int(self.seconds)),
            ("f", Value::Float(num::float(self.micros) / 1e6)),
            ("invert", Value::Int(self.invert.into())),
            ("days", self.total_days.map_or(Value::Bool(false), Value::Int)),
            ("from_string", Value::Bool(false)),
        ]
        .into_iter()
        .collect()
    }
}
