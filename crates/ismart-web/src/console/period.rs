//! The period that figures are shown for: whole days of the client's zone, today the last.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};
use serde::{Deserialize, Serialize};

/// The lengths that one may choose, days.
pub(super) const LENGTHS: [i32; 3] = [7, 30, 90];
/// The length shown first.
const USUAL: i32 = 30;

/// The wish in the address.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Asked {
    days: Option<i32>,
}

/// One length to choose.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Choice {
    pub(super) days: i32,
    pub(super) title: String,
    pub(super) current: bool,
}

/// A period and the one before it, of the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) days: i32,
    /// The first day.
    pub(super) first: civil::Date,
    /// Begin of the period before.
    pub(super) before: Timestamp,
    /// Begin.
    pub(super) from: Timestamp,
    /// End, not included.
    pub(super) to: Timestamp,
}

impl Asked {
    /// The period that ends today; a length that cannot be chosen becomes the usual one.
    pub(super) fn period(self, now: Timestamp, zone: &TimeZone) -> Period {
        let days = self.days.filter(|days| LENGTHS.contains(days)).unwrap_or(USUAL);
        let today = now.to_zoned(zone.clone()).date();
        let back = |n: i32| today.checked_sub(n.days()).unwrap_or(today);
        let begin = |date: civil::Date| date.to_zoned(zone.clone()).map_or(now, |zoned| zoned.timestamp());
        let (first, earlier) = (back(days - 1), back(2 * days - 1));
        let tomorrow = today.tomorrow().unwrap_or(today);
        Period { days, first, before: begin(earlier), from: begin(first), to: begin(tomorrow) }
    }
}

impl Period {
    /// Each day, as a date and as a count of days since 1970.
    pub(super) fn each_day(self) -> impl Iterator<Item = (civil::Date, i64)> {
        let start = civil::date(1970, 1, 1);
        let last = self.days - 1;
        (0..=last).filter_map(move |n| {
            let date = self.first.checked_add(n.days()).ok()?;
            Some((date, i64::from(start.until(date).ok()?.get_days())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_whole_days_of_the_zone() {
        let zone = TimeZone::get("Asia/Vladivostok").unwrap();
        let now: Timestamp = "2026-11-20T20:00:00Z".parse().unwrap();
        let period = Asked { days: Some(7) }.period(now, &zone);
        assert_eq!(period.to.to_string(), "2026-11-21T14:00:00Z");
        assert_eq!(period.from.to_string(), "2026-11-14T14:00:00Z");
        assert_eq!(period.before.to_string(), "2026-11-07T14:00:00Z");
        let days: Vec<_> = period.each_day().collect();
        assert_eq!(days.len(), 7);
        assert_eq!(days[0], (civil::date(2026, 11, 15), 20_772));
        assert_eq!(days[6].0, civil::date(2026, 11, 21));
        assert_eq!(Asked { days: Some(8) }.period(now, &zone).days, 30);
        assert_eq!(Asked { days: None }.period(now, &zone).days, 30);
    }
}
