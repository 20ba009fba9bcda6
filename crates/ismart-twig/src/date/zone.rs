//! Time zones: names of the IANA data base, offsets and abbreviations.

use std::fmt;

use ecow::EcoString;
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::civil::Civil;
use crate::error::Error;
use crate::num;

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

/// Abbreviations that texts use: name, offset in minutes, summer time.
const ABBREVIATIONS: [(&str, i64, bool); 40] = [
    ("UTC", 0, false),
    ("GMT", 0, false),
    ("Z", 0, false),
    ("WET", 0, false),
    ("WEST", 60, true),
    ("BST", 60, true),
    ("IST", 330, false),
    ("CET", 60, false),
    ("CEST", 120, true),
    ("MET", 60, false),
    ("MEST", 120, true),
    ("EET", 120, false),
    ("EEST", 180, true),
    ("MSK", 180, false),
    ("MSD", 240, true),
    ("EST", -300, false),
    ("EDT", -240, true),
    ("CST", -360, false),
    ("CDT", -300, true),
    ("MST", -420, false),
    ("MDT", -360, true),
    ("PST", -480, false),
    ("PDT", -420, true),
    ("AKST", -540, false),
    ("AKDT", -480, true),
    ("HST", -600, false),
    ("AST", -240, false),
    ("ADT", -180, true),
    ("NST", -210, false),
    ("NDT", -150, true),
    ("JST", 540, false),
    ("KST", 540, false),
    ("SGT", 480, false),
    ("HKT", 480, false),
    ("AEST", 600, false),
    ("AEDT", 660, true),
    ("ACST", 570, false),
    ("AWST", 480, false),
    ("NZST", 720, false),
    ("NZDT", 780, true),
];

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
        if name.starts_with(['+', '-']) {
            return offset(name).map(|(seconds, _)| Self::from_offset(seconds));
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
        Some(Self(Kind::Abbreviation(upper.into(), found.1 * 60, found.2)))
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
            Kind::Offset(seconds) => offset_text(*seconds, true),
            Kind::Abbreviation(name, ..) | Kind::Named(name, _) => name.to_string(),
        }
    }

    /// Offset, abbreviation and whether it is summer time at a moment.
    fn at(&self, seconds: i64) -> (i64, String, bool) {
        match &self.0 {
            Kind::Offset(offset) => (*offset, offset_text(*offset, true), false),
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

    /// The moment that calendar fields mean here: a skipped time moves on, of a repeated one the first
    /// (in summer time) or the second is taken.
    pub(crate) fn to_seconds(&self, civil: &Civil, summer: bool) -> i64 {
        let local = civil.seconds();
        let Kind::Named(_, zone) = &self.0 else { return local - self.offset(local) };
        let n = civil.normal();
        let datetime = i16::try_from(n.year).ok().and_then(|year| {
            jiff::civil::DateTime::new(
                year,
                num::field(n.month),
                num::field(n.day),
                num::field(n.hour),
                num::field(n.minute),
                num::field(n.second),
                0,
            )
            .ok()
        });
        let resolved = datetime.and_then(|d| {
            let found = zone.to_ambiguous_timestamp(d);
            let fold = matches!(found.offset(), AmbiguousOffset::Fold { .. });
            if fold && !summer { found.later().ok() } else { found.compatible().ok() }
        });
        match resolved {
            Some(timestamp) => timestamp.as_second(),
            None => local - self.offset(local),
        }
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

/// `+02:00` or `+0200`.
pub(crate) fn offset_text(seconds: i64, colon: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let s = seconds.abs();
    let colon = if colon { ":" } else { "" };
    let tail = if s % 60 != 0 { format!("{colon}{:02}", s % 60) } else { String::new() };
    format!("{sign}{:02}{colon}{:02}{tail}", s / 3600, s / 60 % 60)
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
    let (hours, minutes, used) = match count {
        1 | 2 => {
            let hours = if count == 2 { two(1)? } else { digit(1)? };
            let end = 1 + count;
            match (bytes.get(end), two(end + 1)) {
                (Some(b':'), Some(minutes)) => (hours, minutes, end + 3),
                _ => (hours, 0, end),
            }
        }
        3 => (digit(1)?, two(2)?, 4),
        4 => (two(1)?, two(3)?, 5),
        6 => (two(1)?, two(3)?, 7),
        _ => return None,
    };
    if minutes > 59 || hours > 99 {
        return None;
    }
    Some((sign * (hours * 3600 + minutes * 60), used))
}
