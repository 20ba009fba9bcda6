//! Opening hours: when people are there, and which time slots they can give.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Deserialize;

/// Opening hours of some days of the week, as `global.json` writes them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpeningRule {
    /// `mon` … `sun`.
    pub days: Vec<String>,
    /// `HH:MM`.
    pub opens: String,
    /// `HH:MM`; `24:00` is written as `23:59`.
    pub closes: String,
}

/// Why opening hours cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a day of the week.
    #[error("`{0}` is not a day: use mon, tue, wed, thu, fri, sat, sun")]
    Day(String),
    /// Not a time of day.
    #[error("`{0}` is not a time of day: use HH:MM, for example 09:00")]
    Time(String),
    /// Closes before it opens.
    #[error("closes at {closes}, before it opens at {opens}")]
    Order {
        /// Opening time.
        opens: String,
        /// Closing time.
        closes: String,
    },
}

/// When people are there, in the site's zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    zone: TimeZone,
    /// Opening and closing time by weekday, Monday first; empty on days off.
    week: [Vec<(Time, Time)>; 7],
}

impl Schedule {
    /// Reads rules; several rules for one day add up.
    ///
    /// # Errors
    /// [`ScheduleError`] for the first rule that makes no sense.
    pub fn new(rules: &[OpeningRule], zone: TimeZone) -> Result<Self, ScheduleError> {
        let mut week: [Vec<(Time, Time)>; 7] = Default::default();
        for rule in rules {
            let (opens, closes) = (time(&rule.opens)?, time(&rule.closes)?);
            if closes <= opens {
                return Err(ScheduleError::Order { opens: rule.opens.clone(), closes: rule.closes.clone() });
            }
            for day in &rule.days {
                let place = weekday(day).and_then(|at| week.get_mut(at));
                place.ok_or_else(|| ScheduleError::Day(day.clone()))?.push((opens, closes));
            }
        }
        for day in &mut week {
            day.sort_unstable();
        }
        Ok(Self { zone, week })
    }

    /// The zone of the hours.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Opening and closing times of a date, in order.
    #[must_use]
    pub fn hours(&self, date: Date) -> &[(Time, Time)] {
        self.week.get(day_index(date.weekday())).map_or(&[], Vec::as_slice)
    }

    /// Whether someone is there.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = at.to_zoned(self.zone.clone());
        self.hours(local.date()).iter().any(|(opens, closes)| (*opens..*closes).contains(&local.time()))
    }

    /// The first instant from `at` on when someone is there; `None` when nobody is within two weeks.
    #[must_use]
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_open(at) {
            return Some(at);
        }
        let today = at.to_zoned(self.zone.clone()).date();
        (0..14).find_map(|ahead| {
            let date = today.checked_add(ahead.days()).ok()?;
            self.hours(date)
                .iter()
                .find_map(|(opens, _)| self.instant(date, *opens).filter(|open| *open >= at))
        })
    }

    /// Until when an answer of a person may be promised: `work` of working time after `at`.
    #[must_use]
    pub fn due(&self, at: Timestamp, work: SignedDuration) -> Timestamp {
        let begin = self.next_open(at).unwrap_or(at);
        begin.checked_add(work).unwrap_or(begin)
    }

    /// The beginnings of slots of `minutes` in `[from, to)` that end before closing time, in order.
    #[must_use]
    pub fn slots(&self, from: Timestamp, to: Timestamp, minutes: i64) -> Vec<Timestamp> {
        let mut slots = Vec::new();
        let Some(length) = (minutes > 0).then(|| SignedDuration::from_mins(minutes)) else { return slots };
        let mut date = from.to_zoned(self.zone.clone()).date();
        let last = to.to_zoned(self.zone.clone()).date();
        while date <= last {
            for (opens, closes) in self.hours(date) {
                let (Some(mut start), Some(end)) = (self.instant(date, *opens), self.instant(date, *closes))
                else {
                    continue;
                };
                while start.checked_add(length).is_ok_and(|stop| stop <= end) {
                    if (from..to).contains(&start) {
                        slots.push(start);
                    }
                    start = start.checked_add(length).unwrap_or(end);
                }
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        slots
    }

    fn instant(&self, date: Date, time: Time) -> Option<Timestamp> {
        date.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }
}

fn time(text: &str) -> Result<Time, ScheduleError> {
    let wrong = || ScheduleError::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute) = (hour.parse().ok().ok_or_else(wrong)?, minute.parse().ok().ok_or_else(wrong)?);
    Time::new(hour, minute, 0, 0).ok().ok_or_else(wrong)
}

fn weekday(code: &str) -> Option<usize> {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|day| *day == code)
}

fn day_index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealer() -> Schedule {
        let rule = |days: &[&str], opens: &str, closes: &str| OpeningRule {
            days: days.iter().map(|d| (*d).to_owned()).collect(),
            opens: opens.to_owned(),
            closes: closes.to_owned(),
        };
        let rules =
            [rule(&["mon", "tue", "wed", "thu", "fri"], "09:00", "20:00"), rule(&["sat"], "10:00", "12:00")];
        Schedule::new(&rules, TimeZone::get("Europe/Moscow").unwrap()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_promise_is_made_in_working_time() {
        let schedule = dealer();
        // Friday 19:59 Moscow; Saturday 09:00; Sunday.
        assert!(schedule.is_open(at("2026-11-20T16:59:00Z")));
        assert!(!schedule.is_open(at("2026-11-20T17:00:00Z")));
        let quarter = SignedDuration::from_mins(15);
        assert_eq!(schedule.due(at("2026-11-20T12:00:00Z"), quarter), at("2026-11-20T12:15:00Z"));
        assert_eq!(schedule.due(at("2026-11-21T06:00:00Z"), quarter), at("2026-11-21T07:15:00Z"));
        assert_eq!(schedule.due(at("2026-11-22T06:00:00Z"), quarter), at("2026-11-23T06:15:00Z"));
    }

    #[test]
    fn slots_end_before_closing_time() {
        let schedule = dealer();
        let slots = schedule.slots(at("2026-11-21T00:00:00Z"), at("2026-11-22T20:00:00Z"), 60);
        assert_eq!(slots, [at("2026-11-21T07:00:00Z"), at("2026-11-21T08:00:00Z")]);
        assert!(schedule.slots(at("2026-11-21T00:00:00Z"), at("2026-11-22T00:00:00Z"), 0).is_empty());
    }

    #[test]
    fn senseless_hours_are_refused() {
        let zone = || TimeZone::UTC;
        let rule = |day: &str, opens: &str, closes: &str| {
            vec![OpeningRule { days: vec![day.into()], opens: opens.into(), closes: closes.into() }]
        };
        assert!(matches!(Schedule::new(&rule("пн", "9:00", "10:00"), zone()), Err(ScheduleError::Day(_))));
        assert!(matches!(Schedule::new(&rule("mon", "9", "10:00"), zone()), Err(ScheduleError::Time(_))));
        assert!(matches!(Schedule::new(&rule("mon", "25:00", "26:00"), zone()), Err(ScheduleError::Time(_))));
        assert!(matches!(
            Schedule::new(&rule("mon", "10:00", "10:00"), zone()),
            Err(ScheduleError::Order { .. })
        ));
    }
}
