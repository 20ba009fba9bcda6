//! Hours in which people are left alone, and hours in which they work.

use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Why hours could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no span of hours; write it as 22:00-08:00")]
pub struct QuietError {
    /// What was written.
    text: String,
}

/// The hours of a day in which nobody is written to: `22:00-08:00`. They may reach over midnight. Local times: a change
/// of the clocks moves them along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quiet {
    from: Time,
    to: Time,
}

impl Quiet {
    /// When the quiet ends, if it is quiet `now` where the clocks show the time of `zone`. Always later than `now`.
    #[must_use]
    pub fn until(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone()).datetime();
        let (date, time) = (local.date(), local.time());
        let quiet = if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        };
        if !quiet {
            return None;
        }
        let day = if time < self.to { date } else { date.tomorrow().ok()? };
        later_than(now, day, self.to, zone)
    }
}

/// The instant of a local time, the second one where the clocks show it twice and the first is over.
fn later_than(now: Timestamp, day: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let shown = zone.to_ambiguous_timestamp(day.to_datetime(time));
    let first = shown.compatible().ok()?;
    let instant = if first > now { first } else { shown.later().ok()? };
    (instant > now).then_some(instant)
}

fn span(text: &str) -> Option<(Time, Time)> {
    let (from, to) = text.split_once(['-', '–'])?;
    let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
    let (from, to) = (time(from)?, time(to)?);
    (from != to).then_some((from, to))
}

impl FromStr for Quiet {
    type Err = QuietError;

    fn from_str(text: &str) -> Result<Self, QuietError> {
        let (from, to) = span(text).ok_or_else(|| QuietError { text: text.to_owned() })?;
        Ok(Self { from, to })
    }
}

impl TryFrom<String> for Quiet {
    type Error = QuietError;

    fn try_from(text: String) -> Result<Self, QuietError> {
        text.parse()
    }
}

impl From<Quiet> for String {
    fn from(quiet: Quiet) -> Self {
        quiet.to_string()
    }
}

impl std::fmt::Display for Quiet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

/// The hours in which a client works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
    days: Vec<Weekday>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl Default for Hours {
    /// Monday to Friday, nine to six.
    fn default() -> Self {
        let days = DAYS.iter().take(5).map(|(_, day)| *day).collect();
        Self { from: Time::constant(9, 0, 0, 0), to: Time::constant(18, 0, 0, 0), days }
    }
}

impl Hours {
    /// Hours such as `09:00-20:00` on days such as `mon`; the end is after the beginning.
    ///
    /// # Errors
    /// [`QuietError`] with the text that could not be read.
    pub fn parse(span_text: &str, days: &[String]) -> Result<Self, QuietError> {
        let wrong = |text: &str| QuietError { text: text.to_owned() };
        let (from, to) = span(span_text).filter(|(from, to)| from < to).ok_or_else(|| wrong(span_text))?;
        let day = |text: &String| {
            let found = DAYS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
            found.map(|(_, day)| *day).ok_or_else(|| wrong(text))
        };
        let days: Vec<Weekday> = days.iter().map(day).collect::<Result<_, _>>()?;
        if days.is_empty() { Ok(Self { from, to, ..Self::default() }) } else { Ok(Self { from, to, days }) }
    }

    /// Whether people work `now`.
    #[must_use]
    pub fn open(&self, now: Timestamp, zone: &TimeZone) -> bool {
        let local = now.to_zoned(zone.clone());
        self.days.contains(&local.weekday()) && self.from <= local.time() && local.time() < self.to
    }

    /// The span of one local day in which people work, if they do.
    fn of_day(&self, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let at = |time| zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok();
        self.days.contains(&day.weekday()).then_some(())?;
        Some((at(self.from)?, at(self.to)?))
    }

    /// The instant at which so much working time has passed since `now`; two weeks later at the most.
    #[must_use]
    pub fn after(&self, now: Timestamp, time: SignedDuration, zone: &TimeZone) -> Timestamp {
        let mut left = time;
        let mut day = now.to_zoned(zone.clone()).date();
        for _ in 0..14 {
            if let Some((from, to)) = self.of_day(day, zone) {
                let from = from.max(now);
                let here = to.duration_since(from);
                if here >= left {
                    return from.checked_add(left).unwrap_or(from);
                }
                left -= here.max(SignedDuration::ZERO);
            }
            let Ok(next) = day.checked_add(1.day()) else { break };
            day = next;
        }
        now.checked_add(SignedDuration::from_hours(24 * 14)).unwrap_or(now)
    }

    /// The parts of `[from, to)` in which people work, at most two months of them.
    #[must_use]
    pub fn within(&self, from: Timestamp, to: Timestamp, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
        let mut parts = Vec::new();
        let mut day = from.to_zoned(zone.clone()).date();
        let last = to.to_zoned(zone.clone()).date();
        for _ in 0..62 {
            if let Some((begins, ends)) = self.of_day(day, zone) {
                let part = (begins.max(from), ends.min(to));
                if part.0 < part.1 {
                    parts.push(part);
                }
            }
            let Ok(next) = day.checked_add(1.day()) else { break };
            if next > last {
                break;
            }
            day = next;
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn until(quiet: &str, now: &str, zone: &str) -> Option<String> {
        let quiet: Quiet = quiet.parse().unwrap();
        quiet.until(at(now), &TimeZone::get(zone).unwrap()).map(|end| end.to_string())
    }

    #[test]
    fn the_night_ends_in_the_morning_of_the_clients_zone() {
        let night = |now| until("22:00-08:00", now, "Europe/Moscow");
        assert_eq!(night("2026-11-20T18:59:59Z"), None);
        assert_eq!(night("2026-11-20T19:00:00Z").as_deref(), Some("2026-11-21T05:00:00Z"));
        assert_eq!(night("2026-11-21T04:59:59Z").as_deref(), Some("2026-11-21T05:00:00Z"));
        assert_eq!(night("2026-11-21T05:00:00Z"), None);
        assert_eq!(
            until("13:00-14:00", "2026-11-20T10:30:00Z", "Europe/Moscow").as_deref(),
            Some("2026-11-20T11:00:00Z")
        );
        assert_eq!(
            until("22:00-08:00", "2026-11-20T16:00:00Z", "Asia/Vladivostok").as_deref(),
            Some("2026-11-20T22:00:00Z")
        );
    }

    #[test]
    fn a_change_of_the_clocks_neither_wakes_people_nor_makes_the_night_endless() {
        // 29 March 2026, Berlin: 02:00 becomes 03:00. The night is an hour shorter.
        assert_eq!(
            until("22:00-08:00", "2026-03-28T21:00:00Z", "Europe/Berlin").as_deref(),
            Some("2026-03-29T06:00:00Z")
        );
        // The end itself is skipped: the first instant after the gap.
        assert_eq!(
            until("22:00-02:30", "2026-03-29T00:30:00Z", "Europe/Berlin").as_deref(),
            Some("2026-03-29T01:30:00Z")
        );
        // 25 October 2026: 03:00 becomes 02:00. 02:30 comes twice; inside the second hour the end is the second one.
        assert_eq!(
            until("22:00-02:30", "2026-10-25T01:10:00Z", "Europe/Berlin").as_deref(),
            Some("2026-10-25T01:30:00Z")
        );
        for hour in 0..72 {
            let now = at("2026-10-24T00:00:00Z").checked_add(SignedDuration::from_hours(hour)).unwrap();
            let quiet: Quiet = "22:00-02:30".parse().unwrap();
            let end = quiet.until(now, &TimeZone::get("Europe/Berlin").unwrap());
            assert!(end.is_none_or(|end| end > now), "{now} {end:?}");
        }
    }

    #[test]
    fn odd_hours_are_refused_with_their_text() {
        for text in ["", "22-8", "22:00", "25:00-08:00", "08:00-08:00", "22:00-08:61", "a-b"] {
            let error = text.parse::<Quiet>().unwrap_err().to_string();
            assert!(error.contains("22:00-08:00"), "{error}");
        }
        assert!(Hours::parse("20:00-09:00", &[]).is_err());
        assert!(Hours::parse("09:00-20:00", &["someday".to_owned()]).is_err());
    }

    #[test]
    fn deadlines_count_only_working_time() {
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let hours = Hours::default();
        let after = |now, mins| hours.after(at(now), SignedDuration::from_mins(mins), &zone).to_string();
        assert_eq!(after("2026-11-20T07:00:00Z", 60), "2026-11-20T08:00:00Z");
        // Friday 17:30 in Moscow: half an hour today, the rest on Monday.
        assert_eq!(after("2026-11-20T14:30:00Z", 60), "2026-11-23T06:30:00Z");
        assert_eq!(after("2026-11-21T09:00:00Z", 30), "2026-11-23T06:30:00Z");
        let parts = hours.within(at("2026-11-20T14:30:00Z"), at("2026-11-23T06:30:00Z"), &zone);
        let worked: SignedDuration = parts.iter().map(|(from, to)| to.duration_since(*from)).sum();
        assert_eq!(worked, SignedDuration::from_mins(60));
        let weekend = Hours::parse("09:00-18:00", &["sat".to_owned(), "sun".to_owned()]).unwrap();
        assert!(
            weekend.open(at("2026-11-21T09:00:00Z"), &zone) && !hours.open(at("2026-11-21T09:00:00Z"), &zone)
        );
    }
}
