//! When no lead is a sign that something is broken: judged by the site's own rhythm.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use ismart_domain::delivery::Hours;
use ismart_store::incidents::HourOfLeads;

/// The rhythm is learned from so much time.
pub const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(24 * 28);
/// Below this there is no rhythm to speak of.
const LEADS_AT_LEAST: u32 = 20;
const DAYS_AT_LEAST: i64 = 7;
/// So many leads must be missing. If they come independently of each other, chance keeps four away once in 55 times that
/// long, so that a site with ten leads a day is told of falsely about once in half a year.
const MISSING_AT_LEAST: f64 = 4.0;
const STEP: SignedDuration = SignedDuration::from_mins(10);

/// A silence that is longer than chance explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The last lead.
    pub since: Timestamp,
    /// How many leads usually come in that time.
    pub expected: i64,
}

/// Judges a site's leads of the last [`LOOKED_BACK`] by hours, oldest first. Only `hours` are counted, and nothing
/// is said before `floor` of them has passed or outside of them.
///
/// ```
/// use ismart_domain::delivery::Hours;
/// use ismart_leads::alerts::silence;
/// use jiff::{SignedDuration, Timestamp, tz::TimeZone};
///
/// let now = "2026-11-20T12:00:00Z".parse::<Timestamp>()?;
/// let floor = SignedDuration::from_hours(3);
/// assert_eq!(silence(&[], now, &TimeZone::UTC, &Hours::default(), floor), None, "a new site has no rhythm");
/// # Ok::<(), jiff::Error>(())
/// ```
#[must_use]
pub fn silence(
    leads: &[HourOfLeads],
    now: Timestamp,
    zone: &TimeZone,
    hours: &Hours,
    floor: SignedDuration,
) -> Option<Silence> {
    let (first, last) = (leads.first()?.from, leads.last()?.last);
    let all: u32 = leads.iter().map(|hour| hour.count).fold(0, u32::saturating_add);
    if !hours.open(now, zone) || all < LEADS_AT_LEAST {
        return None;
    }
    let parts = hours.within(last, now, zone);
    let passed: SignedDuration = parts.iter().map(|(from, to)| to.duration_since(*from)).sum();
    if passed < floor {
        return None;
    }
    let rhythm = Rhythm::learn(leads, first, last, zone)?;
    let mut expected = 0.0;
    for (from, to) in parts {
        let mut at = from;
        while at < to {
            let step = STEP.min(to.duration_since(at));
            expected += rhythm.per_hour(at, zone) * step.as_secs_f64() / 3600.0;
            at = at.checked_add(step).ok()?;
        }
    }
    (expected >= MISSING_AT_LEAST).then(|| Silence { since: last, expected: whole(expected) })
}

#[expect(clippy::cast_possible_truncation, reason = "bounded: leads of one site in four weeks")]
#[expect(clippy::as_conversions, reason = "there is no other way from a float to a whole number")]
fn whole(figure: f64) -> i64 {
    figure.clamp(0.0, 1e9).round() as i64
}

/// Leads per hour, by hour of the day, apart for weekends.
struct Rhythm {
    counts: [[u32; 24]; 2],
    days: [u32; 2],
}

impl Rhythm {
    /// Learns from the whole local days between two leads.
    fn learn(leads: &[HourOfLeads], first: Timestamp, last: Timestamp, zone: &TimeZone) -> Option<Self> {
        let from = first.to_zoned(zone.clone()).date();
        let to = last.to_zoned(zone.clone()).date();
        let mut rhythm = Self { counts: [[0; 24]; 2], days: [0; 2] };
        let mut day = from;
        while day <= to {
            if let Some(count) = rhythm.days.get_mut(class(day.weekday())) {
                *count += 1;
            }
            day = day.tomorrow().ok()?;
        }
        if i64::from(rhythm.days.iter().sum::<u32>()) < DAYS_AT_LEAST {
            return None;
        }
        for lead in leads {
            let local = lead.from.to_zoned(zone.clone());
            let hour = usize::try_from(local.hour()).unwrap_or(0);
            let place = rhythm.counts.get_mut(class(local.weekday())).and_then(|day| day.get_mut(hour));
            if let Some(count) = place {
                *count = count.saturating_add(lead.count);
            }
        }
        Some(rhythm)
    }

    fn per_hour(&self, at: Timestamp, zone: &TimeZone) -> f64 {
        let local = at.to_zoned(zone.clone());
        let class = class(local.weekday());
        let hour = usize::try_from(local.hour()).unwrap_or(0);
        let count = self.counts.get(class).and_then(|day| day.get(hour)).copied().unwrap_or(0);
        let days = self.days.get(class).copied().unwrap_or(0);
        if days == 0 { 0.0 } else { f64::from(count) / f64::from(days) }
    }
}

fn class(day: Weekday) -> usize {
    usize::from(matches!(day, Weekday::Saturday | Weekday::Sunday))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: SignedDuration = SignedDuration::from_hours(3);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn moscow() -> TimeZone {
        TimeZone::get("Europe/Moscow").unwrap()
    }

    /// So many leads each working hour of the four weeks before Friday 20 November 2026, up to `last`.
    fn busy(per_hour: i64, last: &str) -> Vec<Timestamp> {
        let mut leads = Vec::new();
        let hours = Hours::default();
        let mut at = at("2026-10-24T00:00:00Z");
        let gap = SignedDuration::from_mins(60 / per_hour);
        while at <= self::at(last) {
            if hours.open(at, &moscow()) {
                leads.push(at);
            }
            at = at.checked_add(gap).unwrap();
        }
        leads
    }

    fn judged(leads: &[Timestamp], now: &str) -> Option<Silence> {
        let hour = |lead: &Timestamp| HourOfLeads { from: *lead, count: 1, last: *lead };
        let leads: Vec<HourOfLeads> = leads.iter().map(hour).collect();
        silence(&leads, at(now), &moscow(), &Hours::default(), FLOOR)
    }

    #[test]
    fn three_quiet_hours_of_a_working_day_are_told_of_a_busy_site() {
        let leads = busy(2, "2026-11-20T07:00:00Z");
        assert_eq!(judged(&leads, "2026-11-20T09:59:00Z"), None, "not before three hours have passed");
        let told = judged(&leads, "2026-11-20T10:00:00Z").unwrap();
        assert_eq!((told.since, told.expected), (at("2026-11-20T07:00:00Z"), 6));
    }

    #[test]
    fn a_slow_site_is_given_the_time_that_it_needs() {
        // Three leads a day: a quiet day is chance, two are not.
        let leads: Vec<Timestamp> = (0..20_i64)
            .flat_map(|day| (0..3).map(move |n| (day, n)))
            .map(|(day, n)| {
                at("2026-10-25T07:00:00Z").checked_add(SignedDuration::from_hours(day * 24 + n * 3)).unwrap()
            })
            .collect();
        assert_eq!(judged(&leads, "2026-11-16T13:00:00Z"), None);
        assert!(judged(&leads, "2026-11-17T14:00:00Z").is_some());
    }

    #[test]
    fn nights_weekends_and_sites_without_a_rhythm_are_no_reason() {
        let friday = busy(2, "2026-11-20T14:30:00Z");
        assert_eq!(judged(&friday, "2026-11-20T20:00:00Z"), None, "night");
        assert_eq!(judged(&friday, "2026-11-22T10:00:00Z"), None, "Sunday");
        assert_eq!(judged(&friday, "2026-11-23T08:00:00Z"), None, "Monday, two working hours later");
        assert!(judged(&friday, "2026-11-23T09:00:00Z").is_some(), "Monday noon");
        assert_eq!(judged(&friday[..19], "2026-11-23T09:00:00Z"), None, "too few");
        let week: Vec<Timestamp> = busy(4, "2026-11-20T07:00:00Z")
            .into_iter()
            .filter(|one| *one > at("2026-11-17T00:00:00Z"))
            .collect();
        assert_eq!(judged(&week, "2026-11-20T13:00:00Z"), None, "four days are no rhythm");
    }
}
