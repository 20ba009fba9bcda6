//! PHP's `date()` letters.

use super::DateTime;
use super::civil::{is_leap, iso_week, month_days, weekday};
use super::zone::offset_text;

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn name<const N: usize>(names: &'static [&'static str; N], at: i64) -> &'static str {
    names.get(crate::num::index(at)).copied().unwrap_or("")
}

fn short(text: &str) -> &str {
    text.get(..3).unwrap_or(text)
}

/// Twelve-hour clock.
fn twelve(hour: i64) -> i64 {
    if hour % 12 == 0 { 12 } else { hour % 12 }
}

/// The text of a date in a format.
pub(crate) fn format(date: &DateTime, format: &str) -> String {
    let mut out = String::with_capacity(format.len() * 2);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            // PHP reads past the end of its text, where a NUL stands.
            out.push(letters.next().unwrap_or('\0'));
        } else {
            one(date, letter, &mut out);
        }
    }
    out
}

fn year(y: i64) -> String {
    if y < 0 { format!("-{:04}", -y) } else { format!("{y:04}") }
}

fn one(date: &DateTime, letter: char, out: &mut String) {
    let c = date.civil();
    let at = date.seconds;
    // table: the letters of PHP's date()
    let text = match letter {
        'd' => format!("{:02}", c.day),
        'D' => short(name(&DAYS, weekday(c.year, c.month, c.day))).to_owned(),
        'j' => c.day.to_string(),
        'l' => name(&DAYS, weekday(c.year, c.month, c.day)).to_owned(),
        'N' => match weekday(c.year, c.month, c.day) {
            0 => "7".to_owned(),
            n => n.to_string(),
        },
        'S' => match (c.day % 10, c.day / 10) {
            (1, t) if t != 1 => "st",
            (2, t) if t != 1 => "nd",
            (3, t) if t != 1 => "rd",
            _ => "th",
        }
        .to_owned(),
        'w' => weekday(c.year, c.month, c.day).to_string(),
        'z' => (super::civil::days(c.year, c.month, c.day) - super::civil::days(c.year, 1, 1)).to_string(),
        'W' => format!("{:02}", iso_week(c.year, c.month, c.day).1),
        'o' => iso_week(c.year, c.month, c.day).0.to_string(),
        'F' => name(&MONTHS, c.month - 1).to_owned(),
        'm' => format!("{:02}", c.month),
        'M' => short(name(&MONTHS, c.month - 1)).to_owned(),
        'n' => c.month.to_string(),
        't' => month_days(c.year, c.month).to_string(),
        'L' => u8::from(is_leap(c.year)).to_string(),
        'Y' => year(c.year),
        'y' => format!("{:02}", c.year % 100),
        'x' if (0..=9999).contains(&c.year) => year(c.year),
        'x' | 'X' => format!("{}{:04}", if c.year < 0 { '-' } else { '+' }, c.year.abs()),
        'a' => if c.hour < 12 { "am" } else { "pm" }.to_owned(),
        'A' => if c.hour < 12 { "AM" } else { "PM" }.to_owned(),
        'B' => {
            let day = (at + 3600).rem_euclid(86_400);
            format!("{:03}", (day * 10).div_euclid(864).rem_euclid(1000))
        }
        'g' => twelve(c.hour).to_string(),
        'G' => c.hour.to_string(),
        'h' => format!("{:02}", twelve(c.hour)),
        'H' => format!("{:02}", c.hour),
        'i' => format!("{:02}", c.minute),
        's' => format!("{:02}", c.second),
        'u' => format!("{:06}", c.micros),
        'v' => format!("{:03}", c.micros / 1000),
        'e' => match date.zone.kind() {
            1 => offset_text(date.zone.offset(at), true),
            _ => date.zone.name(),
        },
        'I' => u8::from(date.zone.is_dst(at)).to_string(),
        'O' => offset_text(date.zone.offset(at), false),
        'P' => offset_text(date.zone.offset(at), true),
        'p' => match date.zone.name().as_str() {
            "UTC" | "Z" | "+00:00" => "Z".to_owned(),
            _ => offset_text(date.zone.offset(at), true),
        },
        'T' => date.zone.short(at),
        'Z' => date.zone.offset(at).to_string(),
        // The sign counts as a digit of the year here and in the next.
        'c' => format!("{:04}{}", c.year, format(date, "-m-d\\TH:i:sP")),
        'r' => {
            format!("{} {:04} {}", format(date, "D, d M"), c.year, format(date, "H:i:s O"))
        }
        'U' => at.to_string(),
        other => other.to_string(),
    };
    out.push_str(&text);
}
