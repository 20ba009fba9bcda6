//! Turns what a text said into a moment.

use super::civil::{Civil, weekday};
use super::parse::{Parsed, Relative, parse};
use super::{DateTime, Zone};
use crate::error::Error;

/// Reads a text in relation to a moment.
pub(super) fn read(text: &str, now: &DateTime) -> Result<DateTime, Error> {
    let parsed = parse(text).map_err(|(at, why)| {
        let shown = text.chars().nth(at).unwrap_or(' ');
        Error::host(format!(
            "DateTime::__construct(): Failed to parse time string ({text}) at position {at} ({shown}): {why}"
        ))
    })?;
    let zone = parsed.zone.clone().unwrap_or_else(|| now.zone.clone());
    let base = now.in_zone(&zone).civil();
    let mut civil = base;
    // A date without a time begins the day.
    let midnight = parsed.has_date() && parsed.hour.is_none();
    let given = parsed.year.is_some()
        || parsed.month.is_some()
        || parsed.day.is_some()
        || parsed.hour.is_some()
        || parsed.minute.is_some()
        || parsed.second.is_some();
    civil.year = parsed.year.unwrap_or(base.year);
    civil.month = parsed.month.unwrap_or(base.month);
    civil.day = parsed.day.unwrap_or(base.day);
    civil.hour = parsed.hour.unwrap_or(if midnight { 0 } else { base.hour });
    civil.minute = parsed.minute.unwrap_or(if midnight { 0 } else { base.minute });
    civil.second = parsed.second.unwrap_or(if midnight { 0 } else { base.second });
    civil.micros = parsed.micros.unwrap_or(if given { 0 } else { base.micros });
    // A repeated time is the first one only if the text itself names the zone.
    Ok(resolve(civil, &parsed.relative, &zone, (now.immutable, parsed.zone.is_some())))
}

/// Changes a date as a text says; `None` for a text that cannot be read.
pub(super) fn modify(date: &DateTime, text: &str) -> Option<DateTime> {
    let parsed: Parsed = parse(text).ok()?;
    let mut civil = date.civil();
    if let Some(year) = parsed.year {
        civil.year = year;
    }
    if let Some(month) = parsed.month {
        civil.month = month;
    }
    if let Some(day) = parsed.day {
        civil.day = day;
    }
    if let Some(hour) = parsed.hour {
        civil.hour = hour;
        civil.minute = parsed.minute.unwrap_or(0);
        civil.second = parsed.second.unwrap_or(0);
    }
    if let Some(micros) = parsed.micros {
        civil.micros = micros;
    }
    let summer = date.zone.is_dst(date.seconds);
    let zone = if parsed.stamp { Zone::from_offset(0) } else { date.zone.clone() };
    Some(resolve(civil, &parsed.relative, &zone, (date.immutable, summer)))
}

fn resolve(mut c: Civil, r: &Relative, zone: &Zone, (immutable, summer): (bool, bool)) -> DateTime {
    let mut months = r.months;
    if let Some(from_end) = r.in_month {
        c.day = 1;
        c.month = c.month.saturating_add(months).saturating_add(i64::from(from_end));
        months = 0;
        c = c.normal();
    }
    if let Some((day, behaviour)) = r.weekday {
        adjust_weekday(&mut c, day, behaviour, r.days);
        c = c.normal();
    }
    c.day = c.day.saturating_add(r.days);
    c.month = c.month.saturating_add(months);
    c.year = c.year.saturating_add(r.years);
    if let Some(last) = r.edge {
        c.day = if last { 0 } else { 1 };
        c.month += i64::from(last);
    }
    c = c.normal();
    if let Some(count) = r.weekdays {
        add_weekdays(&mut c, count);
    }
    c.hour = c.hour.saturating_add(r.hours);
    c.minute = c.minute.saturating_add(r.minutes);
    c.second = c.second.saturating_add(r.seconds);
    c.micros = c.micros.saturating_add(r.micros);
    c = c.normal();
    DateTime { seconds: zone.to_seconds(&c, summer), micros: c.micros, zone: zone.clone(), immutable }
}

/// Moves to a day of the week: behaviour 0 skips the current day, 1 takes it, 2 stays in its week.
fn adjust_weekday(c: &mut Civil, mut wanted: i64, behaviour: i64, days: i64) {
    let current = weekday(c.year, c.month, c.day);
    if behaviour == 2 {
        if current == 0 && wanted != 0 {
            wanted -= 7;
        }
        if wanted == 0 && current != 0 {
            wanted = 7;
        }
        c.day += wanted - current;
        return;
    }
    let mut difference = wanted - current;
    if (days < 0 && difference < 0) || (days >= 0 && difference <= -behaviour) {
        difference += 7;
    }
    if wanted >= 0 {
        c.day += difference;
    } else {
        c.day -= 7 - (wanted.abs() - current);
    }
}

/// Goes a number of working days.
fn add_weekdays(c: &mut Civil, count: i64) {
    let step = count.signum();
    // Whole weeks are five working days.
    let weeks = count / 5;
    c.day = c.day.saturating_add(weeks.saturating_mul(7));
    *c = c.normal();
    let is_weekend = |c: &Civil| matches!(weekday(c.year, c.month, c.day), 0 | 6);
    let mut left = (count % 5).abs();
    if left == 0 && is_weekend(c) {
        // Ending on a weekend, the count ends on the working day before it.
        while is_weekend(c) {
            c.day -= step.max(-1);
            *c = c.normal();
        }
        return;
    }
    while left > 0 {
        c.day += step;
        *c = c.normal();
        if !is_weekend(c) {
            left -= 1;
        }
    }
}
