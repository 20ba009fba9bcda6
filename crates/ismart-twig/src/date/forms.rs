//! What date texts of each form say.

use super::civil;
use super::parse::{Parsed, Refusal};
use super::scan::Scan;
use super::words;
use super::zone::{self, Zone};

type Said = Result<(), Refusal>;

/// Years of one or two digits lie between 1970 and 2069.
fn century((year, digits): (i64, usize)) -> i64 {
    match year {
        _ if digits >= 4 => year,
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    }
}

impl Parsed {
    fn date(&mut self, year: Option<i64>, month: i64, day: i64) -> Said {
        self.begin_date()?;
        self.year = year.or(self.year);
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }

    /// Hours, minutes, seconds and parts of a second, as far as they are there.
    fn clock(&mut self, scan: &mut Scan<'_>) -> Said {
        self.begin_time()?;
        self.hour = scan.number(2);
        if scan.at([':', '.']) {
            self.minute = scan.number(2);
            if scan.at([':', '.']) {
                self.second = scan.number(2);
                if scan.at(['.', ':']) {
                    self.micros = Some(scan.fraction());
                }
            }
        }
        Ok(())
    }

    fn half(&mut self, scan: &mut Scan<'_>) {
        let hour = self.hour.unwrap_or(0);
        self.hour = Some(hour + scan.half(hour));
    }

    fn trailing_zone(&mut self, scan: &Scan<'_>) -> Said {
        let rest = scan.rest();
        if rest.trim_matches(['\0', ' ', '\t']).is_empty() {
            return Ok(());
        }
        self.set_zone_of_time(read_zone(rest))
    }
}

/// The zone that a text names or counts.
fn read_zone(text: &str) -> Option<Zone> {
    let name = text.trim_matches([' ', '\t', '(', ')', '\0']);
    if name.starts_with(['+', '-']) {
        return zone::offset(name).map(|(seconds, _)| Zone::from_offset(seconds));
    }
    Zone::find(name)
}

pub(super) fn yesterday(p: &mut Parsed, _: &str) -> Said {
    p.forget_time();
    p.relative.days = -1;
    Ok(())
}

pub(super) fn now(_: &mut Parsed, _: &str) -> Said {
    Ok(())
}

pub(super) fn noon(p: &mut Parsed, _: &str) -> Said {
    p.forget_time();
    p.begin_time()?;
    p.hour = Some(12);
    Ok(())
}

pub(super) fn midnight(p: &mut Parsed, _: &str) -> Said {
    p.forget_time();
    Ok(())
}

pub(super) fn tomorrow(p: &mut Parsed, _: &str) -> Said {
    p.forget_time();
    p.relative.days = 1;
    Ok(())
}

pub(super) fn stamp(p: &mut Parsed, token: &str) -> Said {
    p.forget_date();
    p.forget_time();
    if p.has_zone() {
        // A second zone ends what PHP does with the form: the date stays at zero.
        return p.set_zone(|| None);
    }
    p.set_zone(|| Some(Zone::from_offset(0)))?;
    let mut scan = Scan::new(token);
    let negative = token.starts_with("@-");
    let seconds = scan.signed();
    p.stamp = true;
    (p.year, p.month, p.day) = (Some(1970), Some(1), Some(1));
    p.relative.seconds = p.relative.seconds.saturating_add(seconds);
    if scan.at(['.']) {
        let part = scan.fraction();
        p.relative.micros = if negative { -part } else { part };
    }
    Ok(())
}

pub(super) fn edge(p: &mut Parsed, token: &str) -> Said {
    p.relative.edge = Some(token.starts_with(['l', 'L']));
    Ok(())
}

/// `back of 7pm` is a quarter past, `front of` a quarter to.
pub(super) fn quarter(p: &mut Parsed, token: &str) -> Said {
    p.forget_time();
    p.begin_time()?;
    let mut scan = Scan::new(token);
    let hour = scan.number(2).unwrap_or(0);
    let back = token.starts_with(['b', 'B']);
    p.hour = Some(if back { hour } else { hour - 1 });
    p.minute = Some(if back { 15 } else { 45 });
    if scan.has_letters() {
        p.half(&mut scan);
    }
    Ok(())
}

pub(super) fn weekday_of(p: &mut Parsed, token: &str) -> Said {
    p.forget_time();
    let mut scan = Scan::new(token);
    let (amount, behaviour) = words::count(&scan.word()).unwrap_or((1, 0));
    p.relative.in_month = Some(amount <= 0);
    p.relative.weekdays = None;
    if let Some(unit) = words::unit(&scan.word()) {
        p.count(amount, unit, if amount > 0 { 1 } else { behaviour }, false);
    }
    Ok(())
}

pub(super) fn half_day(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    p.begin_time()?;
    p.hour = scan.number(2);
    if scan.at([':', '.']) {
        p.minute = scan.number(2);
        if scan.at([':', '.']) {
            p.second = scan.number(2);
        }
    }
    p.half(&mut scan);
    Ok(())
}

pub(super) fn half_day_exact(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    p.clock(&mut scan)?;
    p.half(&mut scan);
    Ok(())
}

pub(super) fn clock(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    p.clock(&mut scan)?;
    p.trailing_zone(&scan)
}

/// Four digits are a time, and a year once there is a time.
pub(super) fn four_digits(p: &mut Parsed, token: &str) -> Said {
    p.four_digits(Scan::new(token).number(4).unwrap_or(0))
}

pub(super) fn six_digits(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    p.begin_time()?;
    (p.hour, p.minute, p.second) = (scan.number(2), scan.number(2), scan.number(2));
    p.trailing_zone(&scan)
}

pub(super) fn american(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let (month, day) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(scan.counted(4).map(century), month, day)
}

pub(super) fn year_month_day(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = if token.starts_with('-') { scan.number(4).map(|y| -y) } else { scan.number(4) };
    let (month, day) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(year, month, day)
}

pub(super) fn far_year_month_day(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = if token.starts_with('-') { scan.number(19).map(|y| -y) } else { scan.number(19) };
    let (month, day) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(year, month, day)
}

pub(super) fn short_year_month_day(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = scan.counted(4).map(century);
    let (month, day) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(year, month, day)
}

pub(super) fn year_month(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = scan.number(4);
    p.date(year, scan.number(2).unwrap_or(0), 1)
}

pub(super) fn day_month_year_words(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let day = scan.number(2).unwrap_or(0);
    scan.skip_day_ending();
    let month = scan.month().unwrap_or(0);
    p.date(scan.counted(4).map(century), month, day)
}

pub(super) fn day_month_year(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let (day, month) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(scan.number(4), month, day)
}

pub(super) fn day_month_short_year(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let (day, month) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(scan.counted(2).map(century), month, day)
}

pub(super) fn month_year(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let month = scan.month().unwrap_or(0);
    p.date(scan.number(4), month, 1)
}

pub(super) fn year_month_words(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = scan.number(4);
    p.date(year, scan.month().unwrap_or(0), 1)
}

pub(super) fn year_month_day_words(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = scan.counted(4).map(century);
    let month = scan.month().unwrap_or(0);
    p.date(year, month, scan.number(2).unwrap_or(0))
}

pub(super) fn month_day(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let month = scan.month().unwrap_or(0);
    let day = scan.number(2).unwrap_or(0);
    p.date(scan.counted(4).map(century), month, day)
}

pub(super) fn day_month(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let day = scan.number(2).unwrap_or(0);
    scan.skip_day_ending();
    p.date(None, scan.month().unwrap_or(0), day)
}

pub(super) fn eight_digits(p: &mut Parsed, token: &str) -> Said {
    year_month_day(p, token)
}

pub(super) fn moment(p: &mut Parsed, token: &str) -> Said {
    p.begin_time()?;
    let mut scan = Scan::new(token);
    let year = scan.number(4);
    let (month, day) = (scan.number(2).unwrap_or(0), scan.number(2).unwrap_or(0));
    p.date(year, month, day)?;
    (p.hour, p.minute, p.second) = (scan.number(2), scan.number(2), scan.number(2));
    if scan.at(['.']) {
        p.micros = Some(scan.fraction());
        return p.trailing_zone(&scan);
    }
    Ok(())
}

pub(super) fn day_of_year(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let year = scan.number(4);
    p.date(year, 1, scan.number(3).unwrap_or(0))
}

fn iso_week(p: &mut Parsed, token: &str, day: Option<()>) -> Said {
    let mut scan = Scan::new(token);
    let (year, week) = (scan.number(4).unwrap_or(0), scan.number(2).unwrap_or(0));
    let day = if day.is_some() { scan.number(1).unwrap_or(1) } else { 1 };
    p.date(Some(year), 1, 1)?;
    let first = civil::weekday(year, 1, 1);
    p.relative.days = -(if first > 4 { first - 7 } else { first }) + (week - 1) * 7 + day;
    Ok(())
}

pub(super) fn week_day(p: &mut Parsed, token: &str) -> Said {
    iso_week(p, token, Some(()))
}

pub(super) fn week(p: &mut Parsed, token: &str) -> Said {
    iso_week(p, token, None)
}

/// `05/Jan/2024:10:30:15 +0200`, as web servers write it.
pub(super) fn log_entry(p: &mut Parsed, token: &str) -> Said {
    p.begin_time()?;
    let mut scan = Scan::new(token);
    let day = scan.number(2).unwrap_or(0);
    let month = scan.month().unwrap_or(0);
    p.date(scan.number(4), month, day)?;
    (p.hour, p.minute, p.second) = (scan.number(2), scan.number(2), scan.number(2));
    p.trailing_zone(&scan)
}

pub(super) fn year(p: &mut Parsed, token: &str) -> Said {
    p.year = Scan::new(token).number(4);
    Ok(())
}

pub(super) fn ago(p: &mut Parsed, _: &str) -> Said {
    // Parts of a second stay as they are.
    let r = &mut p.relative;
    for field in [&mut r.years, &mut r.months, &mut r.days, &mut r.hours, &mut r.minutes, &mut r.seconds] {
        *field = field.saturating_neg();
    }
    r.weekdays = r.weekdays.map(i64::saturating_neg);
    r.weekday = r.weekday.map(|day| if day == 0 { -7 } else { -day });
    Ok(())
}

pub(super) fn weekday(p: &mut Parsed, token: &str) -> Said {
    p.forget_time();
    let day = words::weekday(&token.to_ascii_lowercase()).unwrap_or(1);
    if p.relative.behaviour != 2 {
        p.relative.behaviour = 1;
    }
    p.relative.weekday = Some(day);
    Ok(())
}

pub(super) fn neighbour_week(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let (amount, behaviour) = words::count(&scan.word()).unwrap_or((0, 0));
    p.count(amount, words::Unit::Week(7), behaviour, false);
    // The day of the week of "monday next week" is one of that week.
    p.relative.behaviour = 2;
    // Alone, a week means its Monday.
    p.relative.weekday.get_or_insert(1);
    Ok(())
}

pub(super) fn counted_words(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let (amount, behaviour) = words::count(&scan.word()).unwrap_or((0, 0));
    if let Some(unit) = words::unit(&scan.word()) {
        p.count(amount, unit, behaviour, false);
    }
    Ok(())
}

pub(super) fn month(p: &mut Parsed, token: &str) -> Said {
    p.begin_date()?;
    p.month = Scan::new(token).month();
    Ok(())
}

pub(super) fn zone(p: &mut Parsed, token: &str) -> Said {
    p.set_zone(|| read_zone(token))
}

pub(super) fn date_and_half_day(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let month = scan.month().unwrap_or(0);
    let day = scan.number(2).unwrap_or(0);
    p.date(None, month, day)?;
    p.begin_time()?;
    (p.hour, p.minute) = (scan.number(2), scan.number(2));
    if scan.at([':', '.']) {
        p.second = scan.number(2);
    }
    p.half(&mut scan);
    Ok(())
}

pub(super) fn date_and_clock(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let month = scan.month().unwrap_or(0);
    let day = scan.number(2).unwrap_or(0);
    p.date(None, month, day)?;
    p.begin_time()?;
    (p.hour, p.minute) = (scan.number(2), scan.number(2));
    if scan.at([':', '.']) {
        p.second = scan.number(2);
    }
    p.trailing_zone(&scan)
}

pub(super) fn counted(p: &mut Parsed, token: &str) -> Said {
    let mut scan = Scan::new(token);
    let amount = scan.signed();
    if let Some(unit) = words::unit(&scan.word()) {
        p.count(amount, unit, 1, true);
    }
    Ok(())
}
