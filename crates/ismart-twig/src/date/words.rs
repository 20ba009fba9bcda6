//! The words of date texts.

/// The month of a name or of its short form.
pub(super) fn month(word: &str) -> Option<i64> {
    const ROMAN: [&str; 12] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"];
    if let Some(at) = ROMAN.iter().position(|r| *r == word) {
        return Some(crate::num::len(at) + 1);
    }
    let found = super::format::MONTHS.iter().position(|name| {
        let full = name.to_ascii_lowercase();
        full == word || full.get(..3) == Some(word) || (word == "sept" && full == "september")
    })?;
    Some(crate::num::len(found) + 1)
}

/// The day of the week of a name or of a short form; 0 for Sunday.
pub(super) fn weekday(word: &str) -> Option<i64> {
    // A count of working days without a number means the first of them.
    if matches!(word, "weekday" | "weekdays") {
        return Some(1);
    }
    let at = super::format::DAYS.iter().position(|name| {
        let full = name.to_ascii_lowercase();
        word.strip_suffix('s').unwrap_or(word) == full || full.get(..3) == Some(word)
    })?;
    Some(crate::num::len(at))
}

/// The number of a word such as `next` or `third`, and its behaviour with days of the week.
pub(super) fn count(word: &str) -> Option<(i64, i64)> {
    const ORDINALS: [&str; 12] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
        "eleventh", "twelfth",
    ];
    if let Some(at) = ORDINALS.iter().position(|o| *o == word) {
        return Some((crate::num::len(at) + 1, 0));
    }
    Some(match word {
        "eight" => (8, 0),
        "next" => (1, 0),
        "last" | "previous" => (-1, 0),
        "this" => (0, 1),
        _ => return None,
    })
}

/// What a relative text counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Micros(i64),
    Second,
    Minute,
    Hour,
    Day,
    /// A number of days.
    Week(i64),
    Month,
    Year,
    Weekdays,
    Weekday(i64),
}

pub(super) fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => Unit::Micros(1000),
        "µs" | "usec" | "usecs" | "µsec" | "µsecs" | "microsecond" | "microseconds" => Unit::Micros(1),
        "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "hour" | "hours" => Unit::Hour,
        "day" | "days" => Unit::Day,
        "week" | "weeks" => Unit::Week(7),
        "fortnight" | "fortnights" | "forthnight" | "forthnights" => Unit::Week(14),
        "month" | "months" => Unit::Month,
        "year" | "years" => Unit::Year,
        "weekday" | "weekdays" => Unit::Weekdays,
        other => Unit::Weekday(weekday(other)?),
    })
}
