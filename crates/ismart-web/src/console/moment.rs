//! Times, numbers and shares as people of a language and zone read them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::language::Language;

/// A time, ready for a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct When {
    /// For machines.
    iso: String,
    /// As short as today's date allows.
    short: String,
    /// With date, time and zone.
    full: String,
}

impl When {
    /// As short as today's date allows.
    pub(super) fn short(&self) -> &str {
        &self.short
    }
}

/// How times are told: in whose zone, seen from which moment, in which language.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    pub(super) language: Language,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
}

impl Teller {
    /// A time.
    pub(super) fn when(&self, at: Timestamp) -> When {
        let zoned = at.to_zoned(self.zone.clone());
        let offset = zoned.strftime("%:z").to_string();
        When {
            iso: at.to_string(),
            short: self.short(&zoned),
            full: format!("{}, {} ({offset})", self.date(&zoned, true), zoned.strftime("%H:%M:%S")),
        }
    }

    fn short(&self, at: &Zoned) -> String {
        let today = self.now.to_zoned(self.zone.clone()).date();
        let clock = at.strftime("%H:%M");
        if at.date() == today {
            return clock.to_string();
        }
        let texts = self.language.texts();
        if at.date().tomorrow().is_ok_and(|next| next == today) {
            return format!("{} {clock}", texts.get("time.yesterday"));
        }
        format!("{}, {clock}", self.date(at, at.year() != today.year()))
    }

    /// `20 ноя` or `20 Nov`, with the year if asked for.
    pub(super) fn date(&self, at: &Zoned, year: bool) -> String {
        let month =
            self.language.texts().get(MONTHS.get(usize::from(at.month().unsigned_abs()) - 1).unwrap_or(&""));
        if year { format!("{} {month} {}", at.day(), at.year()) } else { format!("{} {month}", at.day()) }
    }

    /// How long until or since a moment, in one unit.
    pub(super) fn distance(&self, at: Timestamp) -> String {
        let seconds = at.duration_since(self.now).as_secs().abs();
        let (key, n) = match seconds {
            ..60 => ("time.seconds", seconds),
            60..3600 => ("time.minutes", seconds / 60),
            3600..172_800 => ("time.hours", seconds / 3600),
            _ => ("time.days", seconds / 86_400),
        };
        self.language.texts().count(key, n)
    }
}

const MONTHS: [&str; 12] = [
    "time.jan", "time.feb", "time.mar", "time.apr", "time.may", "time.jun", "time.jul", "time.aug",
    "time.sep", "time.oct", "time.nov", "time.dec",
];

/// A whole number with its thousands apart.
pub(super) fn number(language: Language, n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    if n < 0 {
        out.push('\u{2212}');
    }
    let count = digits.len();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (count - at).is_multiple_of(3) && (count > 4 || language == Language::En) {
            out.push(if language == Language::Ru { '\u{a0}' } else { ',' });
        }
        out.push(digit);
    }
    out
}

/// `part` of `whole` in tenths of a percent, rounded half up; `None` of nothing.
pub(super) fn tenths(part: i64, whole: i64) -> Option<i64> {
    if whole <= 0 {
        return None;
    }
    Some((part.saturating_mul(2000).saturating_add(whole)).div_euclid(whole.saturating_mul(2)))
}

/// Tenths of a percent, for people: `12,5 %`.
pub(super) fn percent(language: Language, tenths: i64) -> String {
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    let sign = if tenths < 0 { "\u{2212}" } else { "" };
    let point = if language == Language::Ru { ',' } else { '.' };
    let gap = if language == Language::Ru { "\u{a0}" } else { "" };
    if rest == 0 { format!("{sign}{whole}{gap}%") } else { format!("{sign}{whole}{point}{rest}{gap}%") }
}

/// Microseconds, for people: `12,3 мс`.
pub(super) fn millis(language: Language, micros: u64) -> String {
    let tenths = micros.saturating_add(50) / 100;
    let point = if language == Language::Ru { ',' } else { '.' };
    let unit = language.texts().get("time.ms");
    if tenths >= 1000 {
        format!("{}\u{a0}{unit}", tenths / 10)
    } else {
        format!("{}{point}{}\u{a0}{unit}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_short_as_today_allows() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let teller = Teller { language: Language::Ru, zone: TimeZone::get("Europe/Moscow").unwrap(), now };
        let short = |text: &str| teller.when(text.parse().unwrap()).short;
        assert_eq!(short("2026-11-20T11:05:00Z"), "14:05");
        assert_eq!(short("2026-11-19T20:59:00Z"), "вчера 23:59");
        assert_eq!(short("2026-11-19T21:00:00Z"), "00:00");
        assert_eq!(short("2026-11-02T09:00:00Z"), "2\u{a0}ноя, 12:00".replace('\u{a0}', " "));
        assert_eq!(short("2025-01-02T09:00:00Z"), "2 янв 2025, 12:00");
        assert_eq!(teller.when(now).full, "20 ноя 2026, 15:00:00 (+03:00)");
        assert_eq!(teller.distance("2026-11-20T12:05:30Z".parse().unwrap()), "5 мин");
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        assert_eq!(number(Language::Ru, 1234), "1234");
        assert_eq!(number(Language::Ru, 12345), "12\u{a0}345");
        assert_eq!(number(Language::En, 1_234_567), "1,234,567");
        assert_eq!(number(Language::Ru, -5), "\u{2212}5");
        assert_eq!(tenths(1, 8), Some(125));
        assert_eq!(tenths(2, 3), Some(667));
        assert_eq!(tenths(1, 0), None);
        assert_eq!(percent(Language::Ru, 125), "12,5\u{a0}%");
        assert_eq!(percent(Language::En, -1000), "\u{2212}100%");
        assert_eq!(millis(Language::Ru, 1_260), "1,3\u{a0}мс");
    }
}
