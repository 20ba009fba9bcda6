//! Reads date texts into fields, zone and relative parts.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::civil;
use super::words::{self, Unit};
use super::zone::{self, Zone};

/// What a text says in relation to the present.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Relative {
    pub(super) years: i64,
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) hours: i64,
    pub(super) minutes: i64,
    pub(super) seconds: i64,
    pub(super) micros: i64,
    /// A day of the week and how it is looked for.
    pub(super) weekday: Option<(i64, i64)>,
    /// Working days to go.
    pub(super) weekdays: Option<i64>,
    /// First or, with `true`, last day of the month.
    pub(super) edge: Option<bool>,
    /// A day of the week counted within the month; with `true` from its end.
    pub(super) in_month: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parsed {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    pub(super) micros: Option<i64>,
    pub(super) zone: Option<Zone>,
    pub(super) relative: Relative,
    /// Whether the text was seconds since 1970.
    pub(super) stamp: bool,
    have_date: bool,
    have_time: bool,
}

type Captures<'t> = fancy_regex::Captures<'t, str>;
type Apply = fn(&mut Parsed, &Captures<'_>) -> Option<()>;

macro_rules! rx {
    ($text:expr) => {
        Regex::new(concat!("^(?:", $text, ")"))
    };
}

const MONTH: &str = "(january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec|viii|vii|iii|xii|iv|vi|ix|xi|ii|i|v|x)";
const ORDINAL: &str = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|next|last|previous|this";
const WEEKDAY: &str = "sunday|monday|tuesday|wednesday|thursday|friday|saturday|wednes|thurs|satur|tues|thur|sun|mon|tue|wed|thu|fri|sat";
const UNIT: &str = "milliseconds?|microseconds?|msecs?|usecs?|ms|µs|seconds?|secs?|s|minutes?|mins?|hours?|h|weekdays?|days?|weeks?|forth?nights?|months?|mons|years?|sunday|monday|tuesday|wednesday|thursday|friday|saturday|wednes|thurs|satur|tues|thur|sun|mon|tue|wed|thu|fri|sat";

/// The forms, tried all at each place: the longest match wins, the earlier one among equals.
static FORMS: LazyLock<Vec<(Regex, Apply)>> = LazyLock::new(|| {
    let dynamic = |text: String| Regex::new(&format!("^(?:{text})"));
    let forms: Vec<(Result<Regex, fancy_regex::Error>, Apply)> = vec![
        (rx!(r"@(-?\d+)(?:\.(\d{0,6}))?"), stamp),
        (rx!(r"(yesterday|now|noon|midnight|today|tomorrow)(?![a-z])"), keyword),
        (rx!(r"(first|last) day of"), edge),
        (rx!(r"(back|front) of (\d{1,2})(?:[ \t]*([ap])\.?m\.?)?(?![\da-z])"), quarter),
        (
            rx!(r"t?(\d{1,2})(?:[:.](\d{2}))?(?:[:.](\d{2}))?(?:[.:](\d+))?[ \t]*([ap])\.?m\.?(?![a-z])"),
            clock12,
        ),
        (rx!(r"t?([01]?\d|2[0-4])[:.]([0-5]?\d)(?:[:.](60|[0-5]?\d))?(?:[.,:](\d+))?"), clock24),
        (rx!(r"t?([01]\d|2[0-4])([0-5]\d)([0-5]\d)"), clock24),
        (rx!(r"t?([01]\d|2[0-4])([0-5]\d)"), clock_or_year),
        (rx!(r"t([01]?\d|2[0-4])(?![\d:.])"), clock24),
        (rx!(r"([+-]?\d{4,5}|\d{4})-(\d{1,2})-(\d{1,2})"), ymd),
        (rx!(r"(\d{4})/(\d{1,2})/(\d{1,2})"), ymd),
        (rx!(r"(\d{2})-(\d{2})-(\d{2})"), ymd_short),
        (rx!(r"(\d{4})-(\d{2})(?!\d)"), ym),
        (rx!(r"(\d{1,2})[-.\t](\d{1,2})[-.](\d{4})"), dmy),
        (rx!(r"(\d{1,2})[.\t](\d{1,2})\.(\d{2})(?!\d)"), dmy_short),
        (rx!(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})"), mdy),
        (rx!(r"(\d{1,2})/(\d{1,2})(?![\d/])"), md),
        (rx!(r"(\d{4})(\d{2})(\d{2})(?!\d)"), ymd),
        (rx!(r"(\d{4}):(\d{2}):(\d{2})(?= \d)"), ymd),
        (rx!(r"(\d{4})-?w(\d{2})(?:-?([0-7]))?"), iso_week),
        (rx!(r"(\d{4})[.-]?(\d{3})(?!\d)"), day_of_year),
        (rx!(r"(\d{4})(?!\d)"), year_only),
        (
            dynamic(format!(r"(\d{{1,2}})(?:st|nd|rd|th)?[ \t.-]*{MONTH}[ \t.-]*([0-9]{{4}})(?!\d)")),
            d_month_y,
        ),
        (dynamic(format!(r"(\d{{1,2}})-{MONTH}-(\d{{1,4}})")), d_month_y),
        (dynamic(format!(r"(\d{{1,2}})(?:st|nd|rd|th)?[ \t.-]*{MONTH}(?![a-z])")), d_month_y),
        (dynamic(format!(r"{MONTH}[ \t.-]*(\d{{1,2}})(?:st|nd|rd|th)?,?[ \t.,]*(\d{{4}})(?!\d)")), month_d_y),
        (dynamic(format!(r"{MONTH}[ \t.-]*(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])")), month_d_y),
        (dynamic(format!(r"{MONTH}-(\d{{1,2}})-(\d{{4}})(?!\d)")), month_d_y),
        (dynamic(format!(r"{MONTH}[ \t.-]*(\d{{4}})(?!\d)")), month_y),
        (dynamic(format!(r"(\d{{4}})[ \t.-]*{MONTH}(?:[ \t.-]*(\d{{1,2}}))?(?![a-z\d])")), y_month_d),
        (dynamic(format!(r"(\d{{1,2}})/{MONTH}/(\d{{4}}):(\d{{2}}):(\d{{2}}):(\d{{2}})")), common_log),
        (dynamic(format!(r"{MONTH}\.?(?![a-z])")), month_only),
        (dynamic(format!(r"({ORDINAL})[ \t]+({WEEKDAY})[ \t]+of")), weekday_of),
        (dynamic(format!(r"({ORDINAL})[ \t]+({UNIT})(?![a-z])")), word_unit),
        (dynamic(format!(r"([+-]*)[ \t]*(\d+)[ \t]*({UNIT})(?![a-z])")), number_unit),
        (rx!(r"ago(?![a-z])"), ago),
        (dynamic(format!(r"({WEEKDAY}|weekdays?)\.?(?![a-z])")), weekday),
        (rx!(r"\(?([a-z]{1,6})\)?(?![a-z_/])"), zone_short),
        (rx!(r"(?:gmt|utc)?([+-]\d{1,2}(?::?\d{2})?)(?!\d)"), zone_offset),
        (rx!(r"([a-z]+(?:[_/+-][a-z_0-9]+)+)"), zone_name),
    ];
    forms.into_iter().filter_map(|(regex, apply)| Some((regex.ok()?, apply))).collect()
});

fn int(c: &Captures<'_>, at: usize) -> Option<i64> {
    c.get(at)?.as_str().parse().ok()
}

fn text<'c>(c: &'c Captures<'_>, at: usize) -> &'c str {
    c.get(at).map_or("", |m| m.as_str())
}

/// Years of two digits: below 70 in this century.
fn century(year: i64, digits: usize) -> i64 {
    match digits {
        1 | 2 if year < 70 => year + 2000,
        1 | 2 => year + 1900,
        _ => year,
    }
}

fn micros(digits: &str) -> i64 {
    let padded: String = digits.chars().chain("000000".chars()).take(6).collect();
    padded.parse().unwrap_or(0)
}

impl Parsed {
    fn date(&mut self, year: Option<i64>, month: i64, day: Option<i64>) -> Option<()> {
        if self.have_date || !(0..=12).contains(&month) || day.is_some_and(|d| !(0..=31).contains(&d)) {
            return None;
        }
        self.have_date = true;
        self.year = year.or(self.year);
        self.month = Some(month);
        self.day = day.or(self.day);
        Some(())
    }

    fn clock(&mut self, hour: i64, minute: i64, second: i64, micros: i64) -> Option<()> {
        if self.have_time {
            return None;
        }
        self.have_time = true;
        self.hour = Some(hour);
        self.minute = Some(minute);
        self.second = Some(second);
        self.micros = Some(micros);
        Some(())
    }

    /// A word that stands for a day begins it.
    fn unset_clock(&mut self) {
        self.have_time = false;
        self.hour = Some(0);
        self.minute = Some(0);
        self.second = Some(0);
        self.micros = Some(0);
    }

    fn add(&mut self, amount: i64, unit: Unit, behaviour: i64) {
        let r = &mut self.relative;
        match unit {
            Unit::Micros(n) => r.micros = r.micros.saturating_add(amount.saturating_mul(n)),
            Unit::Second => r.seconds = r.seconds.saturating_add(amount),
            Unit::Minute => r.minutes = r.minutes.saturating_add(amount),
            Unit::Hour => r.hours = r.hours.saturating_add(amount),
            Unit::Day => r.days = r.days.saturating_add(amount),
            Unit::Week(n) => r.days = r.days.saturating_add(amount.saturating_mul(n)),
            Unit::Month => r.months = r.months.saturating_add(amount),
            Unit::Year => r.years = r.years.saturating_add(amount),
            Unit::Weekdays => r.weekdays = Some(r.weekdays.unwrap_or(0).saturating_add(amount)),
            Unit::Weekday(day) => {
                let steps = if amount > 0 { amount - 1 } else { amount };
                r.days = r.days.saturating_add(steps.saturating_mul(7));
                r.weekday = Some((day, behaviour));
            }
        }
    }
}

fn stamp(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let seconds = int(c, 1)?;
    let part = if text(c, 2).is_empty() { 0 } else { micros(text(c, 2)) };
    p.have_date = true;
    p.stamp = true;
    (p.year, p.month, p.day) = (Some(1970), Some(1), Some(1));
    (p.hour, p.minute, p.second, p.micros) = (Some(0), Some(0), Some(0), Some(0));
    p.have_time = true;
    p.relative.seconds = p.relative.seconds.saturating_add(seconds);
    p.relative.micros += if text(c, 1).starts_with('-') { -part } else { part };
    p.zone = Some(Zone::from_offset(0));
    Some(())
}

fn keyword(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    match text(c, 1) {
        "now" => {}
        "noon" => {
            p.unset_clock();
            p.have_time = true;
            p.hour = Some(12);
        }
        "yesterday" => {
            p.unset_clock();
            p.relative.days -= 1;
        }
        "tomorrow" => {
            p.unset_clock();
            p.relative.days += 1;
        }
        _ => p.unset_clock(),
    }
    Some(())
}

fn edge(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.relative.edge = Some(text(c, 1) == "last");
    Some(())
}

fn clock12(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let hour = int(c, 1)?;
    if !(1..=12).contains(&hour) {
        return None;
    }
    let hour = hour % 12 + if text(c, 5) == "p" { 12 } else { 0 };
    let part = if text(c, 4).is_empty() { 0 } else { micros(text(c, 4)) };
    p.clock(hour, int(c, 2).unwrap_or(0), int(c, 3).unwrap_or(0), part)
}

fn clock24(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let part = if text(c, 4).is_empty() { 0 } else { micros(text(c, 4)) };
    p.clock(int(c, 1)?, int(c, 2).unwrap_or(0), int(c, 3).unwrap_or(0), part)
}

fn clock_or_year(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    if p.have_time || (p.have_date && p.year.is_none()) {
        p.year = Some(int(c, 1)? * 100 + int(c, 2)?);
        return Some(());
    }
    clock24(p, c)
}

fn ymd(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 1), int(c, 2)?, int(c, 3))
}

fn ymd_short(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(Some(century(int(c, 1)?, 2)), int(c, 2)?, int(c, 3))
}

fn ym(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 1), int(c, 2)?, Some(1))
}

fn dmy(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 3), int(c, 2)?, int(c, 1))
}

fn dmy_short(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(Some(century(int(c, 3)?, 2)), int(c, 2)?, int(c, 1))
}

fn mdy(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(Some(century(int(c, 3)?, text(c, 3).len())), int(c, 1)?, int(c, 2))
}

fn md(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(None, int(c, 1)?, int(c, 2))
}

fn iso_week(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let (year, week, day) = (int(c, 1)?, int(c, 2)?, int(c, 3).unwrap_or(1));
    let jan4 = civil::days(year, 1, 4);
    let monday = jan4 - (civil::weekday(year, 1, 4) + 6) % 7;
    let (y, m, d) = civil::date(monday + (week - 1) * 7 + day - 1);
    p.date(Some(y), m, Some(d))
}

fn day_of_year(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let (y, m, d) = civil::date(civil::days(int(c, 1)?, 1, 1) + int(c, 2)? - 1);
    p.date(Some(y), m, Some(d))
}

fn year_only(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.year = int(c, 1);
    Some(())
}

fn d_month_y(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let year = int(c, 3).map(|y| century(y, text(c, 3).len()));
    p.date(year, words::month(text(c, 2))?, int(c, 1))
}

fn month_d_y(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 3), words::month(text(c, 1))?, int(c, 2))
}

fn month_y(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 2), words::month(text(c, 1))?, Some(1))
}

fn y_month_d(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 1), words::month(text(c, 2))?, Some(int(c, 3).unwrap_or(1)))
}

fn common_log(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(int(c, 3), words::month(text(c, 2))?, int(c, 1))?;
    p.clock(int(c, 4)?, int(c, 5)?, int(c, 6)?, 0)
}

fn month_only(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    p.date(None, words::month(text(c, 1))?, None)
}

fn weekday_of(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let (amount, _) = words::count(text(c, 1))?;
    let day = words::weekday(text(c, 2))?;
    p.unset_clock();
    p.relative.in_month = Some(amount < 0);
    p.add(amount, Unit::Weekday(day), 1);
    // Looking from the end, the first day of the next month itself is not one.
    if amount < 0 {
        p.relative.weekday = Some((day, 0));
    }
    Some(())
}

fn word_unit(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let (amount, behaviour) = words::count(text(c, 1))?;
    let unit = words::unit(text(c, 2))?;
    p.add(amount, unit, behaviour);
    if matches!(unit, Unit::Weekday(_) | Unit::Weekdays) {
        p.unset_clock();
    }
    if unit == Unit::Week(7) {
        // "monday next week" means the Monday of that week.
        if let Some((day, _)) = p.relative.weekday {
            p.relative.weekday = Some((day, 2));
        }
    }
    Some(())
}

fn number_unit(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let negative = text(c, 1).chars().filter(|s| *s == '-').count() % 2 == 1;
    let amount = int(c, 2)?;
    let unit = words::unit(text(c, 3))?;
    p.add(if negative { -amount } else { amount }, unit, 1);
    Some(())
}

/// `back of 7pm` is a quarter past, `front of` a quarter to.
fn quarter(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let mut hour = int(c, 2)?;
    if !text(c, 3).is_empty() {
        hour = hour % 12 + if text(c, 3) == "p" { 12 } else { 0 };
    }
    if text(c, 1) == "back" { p.clock(hour, 15, 0, 0) } else { p.clock(hour - 1, 45, 0, 0) }
}

fn ago(p: &mut Parsed, _: &Captures<'_>) -> Option<()> {
    let r = &mut p.relative;
    for field in [
        &mut r.years,
        &mut r.months,
        &mut r.days,
        &mut r.hours,
        &mut r.minutes,
        &mut r.seconds,
        &mut r.micros,
    ] {
        *field = field.saturating_neg();
    }
    r.weekdays = r.weekdays.map(i64::saturating_neg);
    r.weekday = r.weekday.map(|(day, b)| (if day == 0 { -7 } else { -day }, b));
    Some(())
}

fn weekday(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    let day = words::weekday(text(c, 1))?;
    p.unset_clock();
    let behaviour = match p.relative.weekday {
        Some((_, 2)) => 2,
        _ => 1,
    };
    p.relative.weekday = Some((day, behaviour));
    Some(())
}

fn zone_short(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    if p.zone.is_some() {
        return None;
    }
    let name = text(c, 1);
    p.zone = Some(if name == "utc" {
        Zone::utc()
    } else {
        Zone::abbreviation(name).or_else(|| Zone::find(name))?
    });
    Some(())
}

fn zone_offset(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    if p.zone.is_some() {
        return None;
    }
    p.zone = Some(Zone::from_offset(zone::offset(text(c, 1))?.0));
    Some(())
}

fn zone_name(p: &mut Parsed, c: &Captures<'_>) -> Option<()> {
    if p.zone.is_some() {
        return None;
    }
    p.zone = Some(Zone::find(text(c, 1))?);
    Some(())
}

/// Reads a whole text; the error is the place and PHP's words.
pub(super) fn parse(source: &str) -> Result<Parsed, (usize, &'static str)> {
    let lower = source.trim().to_lowercase();
    let lower = lower.as_str();
    let mut parsed = Parsed::default();
    let mut at = 0;
    while let Some(rest) = lower.get(at..).filter(|r| !r.is_empty()) {
        if rest.starts_with([' ', ',', '\t', '.', ';']) {
            at += 1;
            continue;
        }
        // The `T` between date and time.
        let mut best: Option<(usize, Parsed)> = None;
        for (regex, apply) in FORMS.iter() {
            let Ok(Some(captures)) = regex.captures(rest) else { continue };
            let length = captures.get(0).map_or(0, |m| m.end());
            if length == 0 || best.as_ref().is_some_and(|(l, _)| *l >= length) {
                continue;
            }
            let mut next = parsed.clone();
            if apply(&mut next, &captures).is_some() {
                best = Some((length, next));
            }
        }
        match best {
            Some((length, next)) => {
                parsed = next;
                at += length;
            }
            None => {
                let letter = rest.starts_with(|c: char| c.is_ascii_alphabetic());
                let why = if letter {
                    "The timezone could not be found in the database"
                } else {
                    "Unexpected character"
                };
                return Err((at, why));
            }
        }
    }
    Ok(parsed)
}

impl Parsed {
    pub(super) fn has_date(&self) -> bool {
        self.have_date
    }
}
