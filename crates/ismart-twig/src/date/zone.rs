//! Time zones: names of the IANA data base, offsets and abbreviations.

use std::fmt;

use ecow::EcoString;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::abbreviations::ABBREVIATIONS;
use super::civil::Civil;
use crate::error::Error;

/// A time zone.
#[derive(Clone, PartialEq)]
pub struct Zone(Kind);

#[derive(Clone, PartialEq)]
enum Kind {
    /// Seconds east of Greenwich.
    Offset(i64),
    /// An abbreviation with its offset and whether it is summer time.
    Abbreviation(EcoString, i64, bool),
    Named(EcoString, TimeZone),
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(Kind::Named("UTC".into(), TimeZone::UTC))
    }

    /// A fixed offset in seconds east of Greenwich.
    pub fn from_offset(seconds: i64) -> Self {
        Self(Kind::Offset(seconds))
    }

    /// The zone of a name, an offset such as `+02:00` or an abbreviation.
    ///
    /// # Errors
    /// A host error with PHP's words for an unknown zone.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::find(name).ok_or_else(|| {
            Error::host(format!("DateTimeZone::__construct(): Unknown or bad timezone ({name})"))
        })
    }

    pub(crate) fn find(name: &str) -> Option<Self> {
        let number = name.strip_prefix("GMT").unwrap_or(name);
        if number.starts_with(['+', '-']) {
            let (seconds, used) = offset(number)?;
            return (used == number.len()).then(|| Self::from_offset(seconds));
        }
        if name.eq_ignore_ascii_case("UTC") {
            return Some(Self::utc());
        }
        if let Some(zone) = Self::abbreviation(name) {
            return Some(zone);
        }
        let zone = TimeZone::get(name).ok()?;
        let proper = zone.iana_name().unwrap_or(name);
        Some(Self(Kind::Named(proper.into(), zone.clone())))
    }

    pub(crate) fn abbreviation(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let found = ABBREVIATIONS.iter().find(|(n, ..)| *n == upper)?;
        Some(Self(Kind::Abbreviation(upper.into(), found.1, found.2)))
    }

    /// PHP's kind: 1 offset, 2 abbreviation, 3 name.
    pub(crate) fn kind(&self) -> i64 {
        match self.0 {
            Kind::Offset(_) => 1,
            Kind::Abbreviation(..) => 2,
            Kind::Named(..) => 3,
        }
    }

    /// The name: of the zone, the abbreviation or `+02:00`.
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Offset(seconds) => {
                let rest = seconds.abs() % 60;
                let tail = if rest == 0 { String::new() } else { format!(":{rest:02}") };
                format!("{}{tail}", offset_text(*seconds, true))
            }
            Kind::Abbreviation(name, ..) | Kind::Named(name, _) => name.to_string(),
        }
    }

    /// Offset, abbreviation and whether it is summer time at a moment.
    fn at(&self, seconds: i64) -> (i64, String, bool) {
        match &self.0 {
            Kind::Offset(offset) => (*offset, format!("GMT{}", offset_text(*offset, false)), false),
            Kind::Abbreviation(name, offset, dst) => (*offset, name.to_string(), *dst),
            Kind::Named(_, zone) => {
                let info = zone.to_offset_info(moment(seconds));
                (info.offset().seconds().into(), info.abbreviation().to_owned(), info.dst().is_dst())
            }
        }
    }

    /// Seconds east of Greenwich at a moment.
    pub(crate) fn offset(&self, seconds: i64) -> i64 {
        match &self.0 {
            Kind::Offset(offset) | Kind::Abbreviation(_, offset, _) => *offset,
            Kind::Named(_, zone) => zone.to_offset(moment(seconds)).seconds().into(),
        }
    }

    pub(crate) fn short(&self, seconds: i64) -> String {
        let (_, name, _) = self.at(seconds);
        // Zones without letters of their own are shown as offsets.
        if name.starts_with(['+', '-']) { short_offset(&name) } else { name }
    }

    pub(crate) fn is_dst(&self, seconds: i64) -> bool {
        self.at(seconds).2
    }

    /// What is added to calendar fields, taken as seconds since 1970, to get the moment they mean here.
    ///
    /// Near a change of the offset the moment is ambiguous or does not exist; `dst` tells whether it was summer
    /// time before, if that is known. The rule is PHP's own.
    pub(crate) fn to_seconds(&self, civil: &Civil, dst: Option<bool>) -> i64 {
        let local = civil.seconds();
        let Kind::Named(_, zone) = &self.0 else { return local - self.offset(local) };
        let (current, _, current_dst) = self.at(local);
        let (after, _, _) = self.at(local - current);
        let change = |seconds: i64| {
            let found = zone.preceding(moment(seconds.saturating_add(1))).next();
            found.map_or(i64::MIN, |t| t.timestamp().as_second())
        };
        let mut actual = after;
        let mut at = change(local - current);
        if current == after
            && let Some(dst) = dst
        {
            if current >= 0 && dst && !current_dst {
                let earlier = local - current - 7200;
                let (offset, _, _) = self.at(earlier);
                if offset != after && local - offset < at {
                    actual = offset;
                    at = change(earlier);
                }
            } else if current <= 0 && current_dst && !dst {
                let later = local - current + 7200;
                let (offset, _, _) = self.at(later);
                if offset != after && local - offset >= change(later) {
                    actual = offset;
                    at = change(later);
                }
            }
        }
        let moment = local - actual;
        let in_change = at != i64::MIN && moment >= at + (current - actual) && moment < at;
        if current != actual && !in_change { local - actual } else { local - current }
    }
}

fn moment(seconds: i64) -> Timestamp {
    let far = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(far)
}

/// `+0300` of `+03:00`, and `+03` where PHP shows the data base's own abbreviation.
fn short_offset(name: &str) -> String {
    name.to_owned()
}

/// `+02:00` or `+0200`; seconds are left out.
pub(crate) fn offset_text(seconds: i64, colon: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let s = seconds.abs();
    let colon = if colon { ":" } else { "" };
    format!("{sign}{:02}{colon}{:02}", s / 3600, s / 60 % 60)
}

/// The offset at the start of a text (`+2`, `-0330`, `+02:00`) and its length.
pub(crate) fn offset(text: &str) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digit = |at: usize| bytes.get(at).filter(|b| b.is_ascii_digit()).map(|b| i64::from(*b - b'0'));
    let count = (1..).take_while(|at| digit(*at).is_some()).count();
    let two = |at: usize| Some(digit(at)? * 10 + digit(at + 1)?);
    // One digit after the colon will do.
    let minutes_at = |at: usize| two(at).map(|m| (m, at + 2)).or_else(|| digit(at).map(|m| (m, at + 1)));
    let (hours, minutes, used) = match count {
        1 | 2 => {
            let hours = if count == 2 { two(1)? } else { digit(1)? };
            let end = 1 + count;
            match (bytes.get(end), minutes_at(end + 1)) {
                (Some(b':'), Some((minutes, used))) => (hours, minutes, used),
                _ => (hours, 0, end),
            }
        }
        3 => (digit(1)?, two(2)?, 4),
        4 => (two(1)?, two(3)?, 5),
        6 => (two(1)?, two(3)?, 5),
        _ => return None,
    };
    // Seconds follow as minutes do: after a colon, or as the last of six digits.
    let colon =
        bytes.get(used) == Some(&b':') && used.checked_sub(3).and_then(|at| bytes.get(at)) == Some(&b':');
    let (seconds, used) = match two(used + usize::from(colon)) {
        Some(seconds) if colon || count == 6 => (seconds, used + 2 + usize::from(colon)),
        _ => (0, used),
    };
    Some((sign * (hours * 3600 + minutes * 60 + seconds), used))
}
