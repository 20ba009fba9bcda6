//! Calendar arithmetic without zones.

/// A date and time of day on the calendar; fields may overflow until they are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) micros: i64,
}

/// Years beyond this are held at it.
const FAR: i64 = 100_000_000;

/// Days since 1970-01-01 of a date whose month may overflow.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year.clamp(-FAR, FAR) + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    // Years from March on, so that the leap day is the last.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day.clamp(-FAR * 366, FAR * 366) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month.
pub(crate) fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 0 for Sunday.
pub(crate) fn weekday(year: i64, month: i64, day: i64) -> i64 {
    (days(year, month, day) + 4).rem_euclid(7)
}

/// Year and week of ISO 8601.
pub(crate) fn iso_week(year: i64, month: i64, day: i64) -> (i64, i64) {
    let day_of_year = days(year, month, day) - days(year, 1, 1);
    let wday = (weekday(year, month, day) + 6) % 7;
    let week = (day_of_year - wday + 10).div_euclid(7);
    let weeks_in = |y: i64| {
        let jan1 = weekday(y, 1, 1);
        if jan1 == 4 || (jan1 == 3 && is_leap(y)) { 53 } else { 52 }
    };
    if week < 1 {
        (year - 1, weeks_in(year - 1))
    } else if week > weeks_in(year) {
        (year + 1, 1)
    } else {
        (year, week)
    }
}

impl Civil {
    /// The calendar fields of seconds since 1970 on the same calendar.
    pub(crate) fn from_seconds(seconds: i64, micros: i64) -> Self {
        let (year, month, day) = date(seconds.div_euclid(86_400));
        let rest = seconds.rem_euclid(86_400);
        Self { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60, micros }
    }

    /// Seconds since 1970 on the same calendar.
    pub(crate) fn seconds(&self) -> i64 {
        days(self.year, self.month, self.day)
            .saturating_mul(86_400)
            .saturating_add(self.hour.saturating_mul(3600))
            .saturating_add(self.minute.saturating_mul(60))
            .saturating_add(self.second)
    }

    /// The same moment with every field in its range.
    pub(crate) fn normal(&self) -> Self {
        let carry = self.micros.div_euclid(1_000_000);
        Self::from_seconds(self.seconds().saturating_add(carry), self.micros.rem_euclid(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        for d in [-800_000, -1, 0, 1, 59, 60, 11_016, 20_000, 2_932_896] {
            let (y, m, day) = date(d);
            assert_eq!(days(y, m, day), d);
        }
        assert_eq!(iso_week(2016, 1, 3), (2015, 53));
        assert_eq!(iso_week(2020, 12, 31), (2020, 53));
        assert_eq!(weekday(2026, 11, 22), 0);
    }
}
