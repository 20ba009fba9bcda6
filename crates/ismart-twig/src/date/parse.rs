//! Reads date texts into fields, zone and relative parts.

use super::grammar::FORMS;
use super::words::Unit;
use super::zone::Zone;

/// What a text says in relation to another moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Relative {
    pub(super) years: i64,
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) hours: i64,
    pub(super) minutes: i64,
    pub(super) seconds: i64,
    pub(super) micros: i64,
    /// A day of the week; 0 for Sunday.
    pub(super) weekday: Option<i64>,
    /// How that day is looked for: 0 skips the present day, 1 takes it, 2 stays in its week.
    pub(super) behaviour: i64,
    /// Working days to go.
    pub(super) weekdays: Option<i64>,
    /// First or, with `true`, last day of the month.
    pub(super) edge: Option<bool>,
    /// A day of the week counted within the month; with `true` from its end.
    pub(super) in_month: Option<bool>,
}

/// What a text says.
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
    times: u32,
    zones: u32,
}

/// PHP's words for a text that it does not read.
pub(super) type Refusal = &'static str;

impl Parsed {
    /// A date begins; there is only one.
    pub(super) fn begin_date(&mut self) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.have_date, true) {
            return Err("Double date specification");
        }
        Ok(())
    }

    /// A time of day begins; there is only one.
    pub(super) fn begin_time(&mut self) -> Result<(), Refusal> {
        if self.times > 0 {
            return Err("Double time specification");
        }
        self.times = 1;
        self.clear_clock();
        Ok(())
    }

    /// What stands for a day begins it, whatever time was said.
    pub(super) fn forget_time(&mut self) {
        self.times = 0;
        self.clear_clock();
    }

    pub(super) fn forget_date(&mut self) {
        self.have_date = false;
        (self.year, self.month, self.day) = (Some(0), Some(0), Some(0));
    }

    fn clear_clock(&mut self) {
        (self.hour, self.minute, self.second, self.micros) = (Some(0), Some(0), Some(0), Some(0));
    }

    pub(super) fn has_date(&self) -> bool {
        self.have_date
    }

    pub(super) fn has_time(&self) -> bool {
        self.times > 0
    }

    /// Four digits are a time, which leaves parts of a second alone, and a year once there is a time.
    pub(super) fn four_digits(&mut self, number: i64) -> Result<(), Refusal> {
        match self.times {
            0 => {
                (self.hour, self.minute, self.second) = (Some(number / 100), Some(number % 100), Some(0));
            }
            1 => self.year = Some(number),
            _ => return Err("Double time specification"),
        }
        self.times += 1;
        Ok(())
    }

    /// A zone was named: the first counts, a second one is passed over, a third one refused.
    pub(super) fn set_zone(&mut self, zone: impl FnOnce() -> Option<Zone>) -> Result<(), Refusal> {
        self.zones += 1;
        match self.zones {
            1 => {
                self.zone = Some(zone().ok_or("The timezone could not be found in the database")?);
                Ok(())
            }
            2 => Ok(()),
            _ => Err("Double timezone specification"),
        }
    }

    pub(super) fn has_zone(&self) -> bool {
        self.zones > 0
    }

    /// A zone at the end of a time, which does not count as one of its own.
    pub(super) fn set_zone_of_time(&mut self, zone: Option<Zone>) -> Result<(), Refusal> {
        self.zone = Some(zone.ok_or("The timezone could not be found in the database")?);
        Ok(())
    }

    /// Counts a unit; a day of the week begins its day unless the time is kept.
    pub(super) fn count(&mut self, amount: i64, unit: Unit, behaviour: i64, keep_time: bool) {
        if matches!(unit, Unit::Weekday(_) | Unit::Weekdays) && !keep_time {
            self.forget_time();
        }
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
            // Only one of the two is kept, the later.
            Unit::Weekdays => (r.weekdays, r.in_month) = (Some(amount), None),
            Unit::Weekday(day) => {
                let steps = if amount > 0 { amount - 1 } else { amount };
                r.days = r.days.saturating_add(steps.saturating_mul(7));
                r.weekday = Some(day);
                r.behaviour = behaviour;
            }
        }
    }
}

/// Reads a whole text; the error is the place in bytes, the byte there, and PHP's words.
pub(super) fn parse(source: &str) -> Result<Parsed, (usize, char, Refusal)> {
    let trimmed = source.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    match plain_date(trimmed) {
        Some(parsed) => Ok(parsed),
        None => parse_forms(trimmed),
    }
}

/// A year, a month and a day as data has them, `2026-11-26`: known without asking every form.
fn plain_date(text: &str) -> Option<Parsed> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(Parsed {
        year: Some(year),
        month: Some(month),
        day: Some(day),
        have_date: true,
        ..Parsed::default()
    })
}

fn parse_forms(trimmed: &str) -> Result<Parsed, (usize, char, Refusal)> {
    // Some forms end with the end of the text, which a NUL stands for.
    let text = format!("{trimmed}\0");
    let mut parsed = Parsed::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        if rest.starts_with([' ', ',', '\t', '.', '\n', '\0']) {
            at += 1;
            continue;
        }
        let mut best: Option<(usize, super::grammar::Apply)> = None;
        for (form, apply) in FORMS.iter() {
            let Ok(Some(found)) = form.find(rest) else { continue };
            if best.is_none_or(|(length, _)| found.end() > length) {
                best = Some((found.end(), *apply));
            }
        }
        let shown = rest.chars().next().unwrap_or(' ');
        let Some((length, apply)) = best else { return Err((at, shown, "Unexpected character")) };
        let token = rest.get(..length).unwrap_or("");
        apply(&mut parsed, token).map_err(|why| (at, shown, why))?;
        at += length;
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_date_is_what_the_forms_make_of_it() {
        for text in ["2026-11-26", "0000-01-01", "9999-12-31", "2024-02-30", "1970-01-01", "2000-06-09"] {
            let plain = plain_date(text);
            assert!(plain.is_some(), "{text}");
            assert_eq!(plain, parse_forms(text).ok(), "{text}");
        }
        for other in
            ["2026-13-01", "2026-00-10", "2026-10-32", "2026-1-02", "2026/10/10", "20261010", "2026-10-1x"]
        {
            assert_eq!(plain_date(other), None, "{other}");
        }
    }
}
