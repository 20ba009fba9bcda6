//! Dates as ICU's `IntlDateFormatter` writes them.

use std::collections::BTreeMap;

use ismart_twig::{Call, DateTime, Error, Value, Zone};

use super::names::fill;
use super::zone::{self, Form};
use super::{Locale, need_locale, unknown};

const DATES: [&str; 9] = [
    "none",
    "short",
    "medium",
    "long",
    "full",
    "relative_short",
    "relative_medium",
    "relative_long",
    "relative_full",
];
const TIMES: [&str; 5] = ["none", "short", "medium", "long", "full"];

/// The fields of a date on its zone's calendar.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    /// 0 for Sunday.
    weekday: i64,
    day_of_year: i64,
    zone: String,
    offset: i64,
    summer: bool,
    /// Whether the zone has summer time within half a year.
    changes: bool,
    week: Week,
    /// The UTC time as CLDR writes it.
    utc: String,
}

impl Fields {
    fn of(date: &DateTime, locale: &str) -> Self {
        let text = date.format("Y|n|j|G|i|s|u|w|z|e|Z|I");
        let parts: Vec<&str> = text.split('|').collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or("");
        let number = |at: usize| part(at).parse().unwrap_or(0);
        Self {
            year: number(0),
            month: number(1),
            day: number(2),
            hour: number(3),
            minute: number(4),
            second: number(5),
            micros: number(6),
            weekday: number(7),
            day_of_year: number(8) + 1,
            zone: part(9).to_owned(),
            offset: number(10),
            summer: part(11) == "1",
            changes: changes(date, part(9)),
            week: Week::of(locale),
            utc: date.in_zone(&Zone::utc()).format("Y-m-d H:i"),
        }
    }
}

/// Half a year in seconds.
const HALF_YEAR: i64 = 184 * 86_400;

/// Whether a zone has summer time within half a year of a date.
fn changes(date: &DateTime, zone: &str) -> bool {
    let Ok(zone) = Zone::parse(zone) else { return false };
    let seconds: i64 = date.format("U").parse().unwrap_or(0);
    [-HALF_YEAR, 0, HALF_YEAR]
        .iter()
        .any(|shift| DateTime::new(seconds.saturating_add(*shift), 0, zone.clone()).format("I") == "1")
}

/// How weeks are counted: their first day (0 for Sunday) and the days that the first one of a year has at least.
#[derive(Clone, Copy)]
struct Week {
    first: i64,
    least: i64,
}

impl Week {
    fn of(locale: &str) -> Self {
        let locale = locale.replace('-', "_");
        match locale.split('_').next().unwrap_or("") {
            "en" if locale != "en_GB" => Self { first: 0, least: 1 },
            "be" | "kk" | "uk" => Self { first: 1, least: 1 },
            _ => Self { first: 1, least: 4 },
        }
    }

    /// The number of a day in its week, from 1.
    fn day(self, weekday: i64) -> i64 {
        (weekday - self.first).rem_euclid(7) + 1
    }

    /// The number of the week that a day is in, of a period whose day it is by number; below 1 before the first.
    fn number(self, day: i64, weekday: i64) -> i64 {
        // The number that the first day of the period has in its week.
        let start = (self.day(weekday) - 1 - (day - 1)).rem_euclid(7);
        let week = (day - 1 + start) / 7;
        if 7 - start >= self.least { week + 1 } else { week }
    }

    /// Year and number of the week that a day is in.
    fn of_year(self, year: i64, day: i64, weekday: i64) -> (i64, i64) {
        let length =
            |year: i64| if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 };
        let week = self.number(day, weekday);
        if week < 1 {
            return (year - 1, self.number(day + length(year - 1), weekday));
        }
        let beyond = day - length(year) + 7 - self.day(weekday);
        if beyond >= self.least { (year + 1, 1) } else { (year, week) }
    }
}

/// `format_datetime`, `format_date` or `format_time`, by the places of their arguments.
pub(super) fn format(
    call: &Call<'_>,
    home: &str,
    date_at: Option<usize>,
    time_at: Option<usize>,
    pattern_at: usize,
) -> Result<String, Error> {
    let style = |at: Option<usize>| -> Result<String, Error> {
        match at.map(|at| call.arg(at)) {
            None => Ok("none".to_owned()),
            Some(Value::Null) => Ok("medium".to_owned()),
            Some(given) => Ok(given.to_text()?.to_string()),
        }
    };
    let (date_style, time_style) = (style(date_at)?, style(time_at)?);
    if !DATES.contains(&date_style.as_str()) {
        return Err(unknown("date format", &date_style, "formats", &DATES));
    }
    if !TIMES.contains(&time_style.as_str()) {
        return Err(unknown("time format", &time_style, "formats", &TIMES));
    }
    let date = call.date(0, pattern_at + 1)?;
    let locale = need_locale(call, pattern_at + 3, home)?;
    let name = match call.arg(pattern_at + 3) {
        Value::Null => home.to_owned(),
        given => given.to_text()?.to_string(),
    };
    let fields = Fields::of(&date, &name);
    let pattern = match call.arg(pattern_at) {
        Value::Null => String::new(),
        given => given.to_text()?.to_string(),
    };
    if !pattern.is_empty() {
        return Ok(write(locale, &pattern, &fields));
    }
    let today = || -> Result<i64, Error> { Ok(days(&call.date(usize::MAX, pattern_at + 1)?)) };
    let relative = match date_style.strip_prefix("relative_") {
        Some(_) => locale.calendar.relative.get(&(days(&date) - today()?).to_string()).cloned(),
        None => None,
    };
    let date_style = date_style.strip_prefix("relative_").unwrap_or(&date_style);
    Ok(styled(locale, date_style, &time_style, relative, &fields))
}

/// Days since 1970 on the date's calendar.
fn days(date: &DateTime) -> i64 {
    let seconds: i64 = date.format("U").parse().unwrap_or(0);
    let offset: i64 = date.format("Z").parse().unwrap_or(0);
    (seconds + offset).div_euclid(86_400)
}

fn styled(locale: &Locale, date: &str, time: &str, relative: Option<String>, fields: &Fields) -> String {
    let place = |style: &str| ["full", "long", "medium", "short"].iter().position(|s| *s == style);
    let calendar = &locale.calendar;
    let date_pattern = place(date).and_then(|at| calendar.date.get(at));
    let time_pattern = place(time).and_then(|at| calendar.time.get(at));
    let day = match (relative, date_pattern) {
        (Some(name), _) => Some(name),
        (None, Some(pattern)) => Some(write(locale, pattern, fields)),
        (None, None) => None,
    };
    let clock = time_pattern.map(|pattern| write(locale, pattern, fields));
    match (day, clock) {
        (Some(day), Some(clock)) => {
            let joined = place(date).and_then(|at| calendar.joined.get(at)).map_or("{1} {0}", String::as_str);
            fill(&joined.replace('\'', ""), &[&clock, &day])
        }
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => write(locale, "yyyyMMdd hh:mm a", fields),
    }
}

/// The text of a pattern: runs of a letter are fields, the rest stands for itself.
fn write(locale: &Locale, pattern: &str, fields: &Fields) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c == '\'' {
            at = quoted(&chars, at, &mut out);
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push(c);
            at += 1;
            continue;
        }
        let length = chars.iter().skip(at).take_while(|other| **other == c).count();
        out.push_str(&field(locale, c, length, fields));
        at += length;
    }
    out
}

/// Copies a quoted text; two quotes are one.
fn quoted(chars: &[char], start: usize, out: &mut String) -> usize {
    if chars.get(start + 1) == Some(&'\'') {
        out.push('\'');
        return start + 2;
    }
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        at += 1;
        if c != '\'' {
            out.push(c);
        } else if chars.get(at) == Some(&'\'') {
            out.push('\'');
            at += 1;
        } else {
            break;
        }
    }
    at
}

fn padded(n: i64, length: usize) -> String {
    format!("{n:0length$}")
}

/// A name of a width; narrow and short ones fall back to abbreviated ones.
fn named(table: &BTreeMap<String, Vec<String>>, alone: bool, length: usize, at: i64) -> String {
    let width = match length {
        4 => "wide",
        5 => "narrow",
        6 => "short",
        _ => "abbreviated",
    };
    let form = if alone { "stand-alone" } else { "format" };
    let other = if alone { "format" } else { "stand-alone" };
    let keys = [(form, width), (other, width), (form, "abbreviated"), ("format", "abbreviated")];
    let found = keys.iter().find_map(|(form, width)| table.get(&format!("{form}-{width}")));
    let at = usize::try_from(at).unwrap_or(0);
    found.and_then(|names| names.get(at)).cloned().unwrap_or_default()
}

fn field(locale: &Locale, letter: char, length: usize, f: &Fields) -> String {
    let calendar = &locale.calendar;
    let month = |alone: bool| match length {
        1 | 2 => padded(f.month, length),
        _ => named(&calendar.months, alone, length, f.month - 1),
    };
    let quarter = (f.month + 2) / 3;
    // table: the letters of CLDR's patterns
    match letter {
        'G' => {
            let width = match length {
                4 => 1,
                5 => 2,
                _ => 0,
            };
            let era = usize::from(f.year > 0);
            calendar.eras.get(width).and_then(|names| names.get(era)).cloned().unwrap_or_default()
        }
        'y' => year(if f.year > 0 { f.year } else { 1 - f.year }, length),
        'u' | 'U' | 'r' => year(f.year, length),
        'Y' => year(f.week.of_year(f.year, f.day_of_year, f.weekday).0, length),
        'Q' | 'q' if length < 3 => padded(quarter, length),
        'Q' => named(&calendar.quarters, false, length, quarter - 1),
        'q' => named(&calendar.quarters, true, length, quarter - 1),
        'M' => month(false),
        'L' => month(true),
        'w' => padded(f.week.of_year(f.year, f.day_of_year, f.weekday).1, length),
        'W' => padded(f.week.number(f.day, f.weekday), length),
        'd' => padded(f.day, length),
        'D' => padded(f.day_of_year, length),
        'F' => padded((f.day - 1) / 7 + 1, length),
        'E' => named(&calendar.days, false, length, f.weekday),
        'e' | 'c' if length < 3 => padded(f.week.day(f.weekday), length),
        'e' => named(&calendar.days, false, length, f.weekday),
        'c' => named(&calendar.days, true, length, f.weekday),
        'a' | 'b' | 'B' => named(&calendar.periods, false, length, i64::from(f.hour >= 12)),
        'h' => padded(if f.hour % 12 == 0 { 12 } else { f.hour % 12 }, length),
        'H' => padded(f.hour, length),
        'K' => padded(f.hour % 12, length),
        'k' => padded(if f.hour == 0 { 24 } else { f.hour }, length),
        'm' => padded(f.minute, length),
        's' => padded(f.second, length),
        'S' => format!("{:06}000", f.micros).chars().chain(std::iter::repeat('0')).take(length).collect(),
        'A' => padded(((f.hour * 60 + f.minute) * 60 + f.second) * 1000 + f.micros / 1000, length),
        'z' | 'Z' | 'O' | 'v' | 'V' | 'X' | 'x' => zone_field(locale, letter, length, f),
        _ => String::new(),
    }
}

/// A year; two letters keep its last two digits.
fn year(year: i64, length: usize) -> String {
    if length == 2 { padded(year.rem_euclid(100), 2) } else { padded(year, length) }
}

fn zone_field(locale: &Locale, letter: char, length: usize, f: &Fields) -> String {
    let long = length >= 4;
    let when = Some(f.utc.as_str());
    let gmt = |long: bool| zone::offset(locale, f.offset, long);
    let named = f.zone.contains('/') || f.zone == "UTC";
    match letter {
        'z' if named => {
            let form = if f.summer { Form::Summer } else { Form::Standard };
            zone::name(locale, &f.zone, form, !long, when).unwrap_or_else(|| gmt(long))
        }
        'v' if named && f.zone != "UTC" => {
            let form = if f.changes { Form::Generic } else { Form::Standard };
            let found = zone::name(locale, &f.zone, form, !long, when);
            match found.or_else(|| zone::name(locale, &f.zone, Form::Generic, !long, when)) {
                Some(name) => name,
                None => zone::region(locale, &f.zone),
            }
        }
        'V' if length == 2 && named => f.zone.clone(),
        'V' if length == 2 => format!("GMT{}", iso(f.offset, true, false, true)),
        'V' if length == 3 && named && f.zone != "UTC" => zone::city(locale, &f.zone),
        'V' if length == 3 => zone::no_city(locale),
        'V' if named && long && f.zone != "UTC" => zone::region(locale, &f.zone),
        'Z' if length == 5 => iso(f.offset, true, true, true),
        'Z' if length < 4 => iso(f.offset, false, false, true),
        'X' => iso(f.offset, matches!(length, 3 | 5), true, length > 1),
        'x' => iso(f.offset, matches!(length, 3 | 5), false, length > 1),
        _ => gmt(long),
    }
}

/// An offset as ISO 8601 writes it, `Z` for none if wanted.
fn iso(offset: i64, colon: bool, zulu: bool, minutes: bool) -> String {
    if offset == 0 && zulu {
        return "Z".to_owned();
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, rest) = (offset.abs() / 3600, offset.abs() / 60 % 60);
    match (minutes || rest > 0, colon) {
        (false, _) => format!("{sign}{hours:02}"),
        (true, true) => format!("{sign}{hours:02}:{rest:02}"),
        (true, false) => format!("{sign}{hours:02}{rest:02}"),
    }
}
