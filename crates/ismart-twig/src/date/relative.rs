//! Turns what a text said into a moment.

use super::civil::{Civil, weekday};
use super::parse::{Parsed, Relative, parse};
use super::{DateTime, Zone};
use crate::error::Error;

/// Reads a text in relation to a moment.
pub(super) fn read(text: &str, now: &DateTime) -> Result<DateTime, Error> {
    let parsed = parse(text).map_err(|(at, shown, why)| {
        Error::host(format!("Failed to parse time string ({text}) at position {at} ({shown}): {why}"))
    })?;
    let zone = parsed.zone.clone().unwrap_or_else(|| now.zone.clone());
    let base = now.in_zone(&zone).civil();
    // A date without a time begins the day.
    let midnight = parsed.has_date() && !parsed.has_time();
    let given = [parsed.year, parsed.month, parsed.day, parsed.hour, parsed.minute, parsed.second];
    let micros = if given.iter().any(Option::is_some) { 0 } else { base.micros };
    let clock = |said: Option<i64>, now: i64| if midnight { 0 } else { said.unwrap_or(now) };
    let civil = Civil {
        year: parsed.year.unwrap_or(base.year),
        month: parsed.month.unwrap_or(base.month),
        day: parsed.day.unwrap_or(base.day),
        hour: clock(parsed.hour, base.hour),
        minute: clock(parsed.minute, base.minute),
        second: clock(parsed.second, base.second),
        micros: clock(parsed.micros, micros),
    };
    let summer = parsed.zone.is_some().then_some(false);
    Ok(settle(civil, &parsed.relative, &zone, summer, now.immutable))
}

/// Changes a date as a text says; `None` for a text that cannot be read.
pub(super) fn modify(date: &DateTime, text: &str) -> Option<DateTime> {
    if text.is_empty() {
        return None;
    }
    let parsed: Parsed = parse(text).ok()?;
    let mut civil = date.civil();
    civil.year = parsed.year.unwrap_or(civil.year);
    civil.month = parsed.month.unwrap_or(civil.month);
    civil.day = parsed.day.unwrap_or(civil.day);
    if let Some(hour) = parsed.hour {
        civil.hour = hour;
        civil.minute = parsed.minute.unwrap_or(0);
        civil.second = parsed.second.unwrap_or(0);
    }
    civil.micros = parsed.micros.unwrap_or(civil.micros);
    let summer = date.zone.is_dst(date.seconds);
    let bare = parsed.stamp
        && (parsed.year, parsed.month, parsed.day) == (Some(1970), Some(1), Some(1))
        && (parsed.hour, parsed.minute, parsed.second) == (Some(0), Some(0), Some(0));
    let zone = if bare { Zone::from_offset(0) } else { date.zone.clone() };
    Some(settle(civil, &parsed.relative, &zone, Some(summer), date.immutable))
}

/// The moment that fields and what is counted from them mean.
fn settle(mut c: Civil, r: &Relative, zone: &Zone, summer: Option<bool>, immutable: bool) -> DateTime {
    let mut months = r.months;
    if let Some(from_end) = r.in_month {
        c.day = 1;
        c.month = c.month.saturating_add(months).saturating_add(i64::from(from_end));
        months = 0;
    }
    // The first or last day is taken before a day of the week is looked for, and once more after it.
    to_edge(&mut c, r.edge);
    c = c.normal();
    if let Some(day) = r.weekday {
        adjust_weekday(&mut c, day, r.behaviour, r.days);
        c = c.normal();
    }
    c.micros = c.micros.saturating_add(r.micros);
    c.second = c.second.saturating_add(r.seconds);
    c.minute = c.minute.saturating_add(r.minutes);
    c.hour = c.hour.saturating_add(r.hours);
    c.day = c.day.saturating_add(r.days);
    c.month = c.month.saturating_add(months);
    c.year = c.year.saturating_add(r.years);
    to_edge(&mut c, r.edge);
    c = c.normal();
    if let Some(count) = r.weekdays {
        add_weekdays(&mut c, count);
        c = c.normal();
    }
    DateTime { seconds: zone.to_seconds(&c, summer), micros: c.micros, zone: zone.clone(), immutable }
}

/// The moment of calendar fields in the zone of a date.
pub(super) fn at(c: &Civil, date: &DateTime) -> DateTime {
    let summer = date.zone.is_dst(date.seconds);
    settle(*c, &Relative::default(), &date.zone, Some(summer), date.immutable)
}

fn to_edge(c: &mut Civil, edge: Option<bool>) {
    if let Some(last) = edge {
        c.day = i64::from(!last);
        c.month = c.month.saturating_add(i64::from(last));
    }
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

/// Goes a number of working days: whole weeks first, then the rest around a weekend.
fn add_weekdays(c: &mut Civil, count: i64) {
    let day = weekday(c.year, c.month, c.day);
    let rest = count % 5;
    c.day = c.day.saturating_add((count / 5).saturating_mul(7));
    c.day += match (count.signum(), rest, day) {
        // Whole weeks that end on a weekend end on the working day next to it.
        (1, 0, 0) => -2,
        (1, 0, 6) => -1,
        (-1 | 0, 0, 6) => 2,
        (-1 | 0, 0, 0) => 1,
        (_, 0, _) => 0,
        (1, _, 6) => rest + 1,
        (1, _, _) if day + rest > 5 => rest + 2,
        (-1, _, 0) => rest - 1,
        (-1, _, _) if day + rest < 1 => rest - 2,
        _ => rest,
    };
}
