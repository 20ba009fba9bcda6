//! The forms of date texts: one pattern for each, and what a text of the form says.
//!
//! At each place of a text the longest form counts, the earlier one of this list among equals.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::forms;
use super::parse::{Parsed, Refusal};

/// Takes what a piece of text says into account.
pub(super) type Apply = fn(&mut Parsed, &str) -> Result<(), Refusal>;

const HOUR24: &str = "(?:2[0-4]|[01]?[0-9])";
const HOUR24_FULL: &str = "(?:2[0-4]|[01][0-9])";
const HOUR12: &str = "(?:1[0-2]|0?[1-9])";
const MINUTE: &str = "[0-5]?[0-9]";
const MINUTE_FULL: &str = "[0-5][0-9]";
const SECOND: &str = "(?:60|[0-5]?[0-9])";
const SECOND_FULL: &str = "(?:60|[0-5][0-9])";
/// Half of the day; what follows it must be a gap, which belongs to it.
const HALF: &str = r"[AaPp]\.?[Mm]\.?[\x00\t ]";
const MONTH: &str = "(?:1[0-2]|0?[0-9])";
const MONTH_FULL: &str = "(?:0[0-9]|1[0-2])";
const DAY: &str = "(?:3[01]|[0-2]?[0-9])";
const DAY_FULL: &str = "(?:0[0-9]|[12][0-9]|3[01])";
const DAY_OF_YEAR: &str = "(?:00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])";
const WEEK_OF_YEAR: &str = "(?:0[1-9]|[1-4][0-9]|5[0-3])";
const NAMED_MONTH: &str = "(?i:january|february|march|april|june|july|august|september|october|november|december|sept|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)";
const SHORT_MONTH: &str = "(?i:sept|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)";
const ROMAN_MONTH: &str = "(?:VIII|VII|III|XII|VI|IV|II|IX|XI|I|V|X)";
const ORDINAL: &str =
    "(?i:first|second|third|fourth|fifth|sixth|seventh|eighth|eight|ninth|tenth|eleventh|twelfth)";
const NEIGHBOUR: &str = "(?i:next|last|previous|this)";
const WEEKDAY: &str = "(?i:(?:sun|mon|tues|wednes|thurs|fri|satur)days?|sun|mon|tue|wed|thu|fri|sat)";
const UNIT: &str = "(?i:(?:milliseconds?|microseconds?|msecs?|usecs?|µsecs?|seconds?|secs?|minutes?|mins?|hours?|weekdays?|days?|fortnights?|forthnights?|months?|years?|weeks)|(?:sun|mon|tues|wednes|thurs|fri|satur)days?|sun|mon|tue|wed|thu|fri|sat|ms|µs)";
const ZONE_NAME: &str = r"(?:[A-Z][a-z]+(?:[_/-][A-Za-z]+)+|\(?[A-Za-z]{1,6}\)?)";

/// All forms, in PHP's order.
pub(super) static FORMS: LazyLock<Vec<(Regex, Apply)>> = LazyLock::new(|| {
    let mut list: Vec<(String, Apply)> = Vec::with_capacity(64);
    list.extend(keywords());
    list.extend(times());
    list.extend(dates());
    list.extend(mixed());
    list.extend(relatives());
    list.into_iter()
        .filter_map(|(text, apply)| Some((Regex::new(&format!("^(?:{text})")).ok()?, apply)))
        .collect()
});

fn month_text() -> String {
    format!("(?:{NAMED_MONTH}|{ROMAN_MONTH})")
}

fn offset() -> String {
    format!(
        "(?:GMT)?[+-](?:{HOUR24_FULL}:{MINUTE_FULL}:{SECOND_FULL}|{HOUR24_FULL}{MINUTE_FULL}{SECOND_FULL}|{HOUR24}(?::?{MINUTE})?)"
    )
}

fn day_without_year() -> String {
    format!(r"{}[ .\t-]*{DAY}(?:[,.stndrh\t ]+|\x00)", month_text())
}

fn keywords() -> Vec<(String, Apply)> {
    let plain = |text: &str| format!("(?i:{text})");
    vec![
        (plain("yesterday"), forms::yesterday),
        (plain("now"), forms::now),
        (plain("noon"), forms::noon),
        (plain("midnight|today"), forms::midnight),
        (plain("tomorrow"), forms::tomorrow),
        (r"@-?[0-9]+".to_owned(), forms::stamp),
        (r"@-?[0-9]+\.[0-9]{0,6}".to_owned(), forms::stamp),
        (plain("(?:first|last) day of"), forms::edge),
        (format!(r"(?i:back of |front of ){HOUR24}(?:[ \t]*{HALF})?"), forms::quarter),
        (format!(r"(?:{ORDINAL}|{NEIGHBOUR})[ \t]+{WEEKDAY}[ \t]+(?i:of)"), forms::weekday_of),
    ]
}

fn times() -> Vec<(String, Apply)> {
    vec![
        (
            format!(r"{HOUR12}(?:[:.]{MINUTE}[:.]{SECOND_FULL}|[:.]{MINUTE_FULL})?[ \t]*{HALF}"),
            forms::half_day,
        ),
        (format!("{HOUR12}:{MINUTE_FULL}:{SECOND_FULL}[:.][0-9]+{HALF}"), forms::half_day_exact),
        (format!("(?i:t){HOUR24}"), forms::clock),
        (format!("(?i:t)?{HOUR24}[:.]{MINUTE}"), forms::clock),
        (format!("(?i:t)?{HOUR24}[:.]{MINUTE}[:.]{SECOND}"), forms::clock),
        (format!(r"(?i:t)?{HOUR24}[:.]{MINUTE}[:.]{SECOND}\.[0-9]+"), forms::clock),
        (format!("(?i:t)?{HOUR24_FULL}{MINUTE_FULL}"), forms::four_digits),
        (format!("(?i:t)?{HOUR24_FULL}{MINUTE_FULL}{SECOND_FULL}"), forms::six_digits),
    ]
}

fn dates() -> Vec<(String, Apply)> {
    let month = month_text();
    vec![
        (format!("{MONTH}/{DAY}(?:/[0-9]{{1,4}})?"), forms::american),
        (format!("[+-]?[0-9]{{4}}-{MONTH_FULL}-{DAY_FULL}"), forms::year_month_day),
        (format!("[0-9]{{4}}/{MONTH_FULL}/{DAY_FULL}/?"), forms::year_month_day),
        (format!("[0-9]{{4}}/{MONTH}/{DAY}"), forms::year_month_day),
        (format!("[0-9]{{2}}-{MONTH_FULL}-{DAY_FULL}"), forms::short_year_month_day),
        (format!("[+-][0-9]{{5,19}}-{MONTH_FULL}-{DAY_FULL}"), forms::far_year_month_day),
        (format!("[0-9]{{4}}-{MONTH}"), forms::year_month),
        (format!("[0-9]{{1,4}}-{MONTH}-{DAY}"), forms::short_year_month_day),
        (format!(r"{DAY}(?:st|nd|rd|th)?[ \t.-]*{month}[ \t.-]*[0-9]{{1,4}}"), forms::day_month_year_words),
        (format!(r"{DAY}[.\t-]{MONTH}[.-][0-9]{{4}}"), forms::day_month_year),
        (format!(r"{DAY}[.\t]{MONTH}\.[0-9]{{2}}"), forms::day_month_short_year),
        (format!(r"{month}[ .\t-]*[0-9]{{4}}"), forms::month_year),
        (format!(r"[0-9]{{4}}[ .\t-]*{month}"), forms::year_month_words),
        (format!(r"{month}[ .\t-]*{DAY}[,.stndrh\t ]+[0-9]{{1,4}}"), forms::month_day),
        (day_without_year(), forms::month_day),
        (format!(r"{DAY}(?:st|nd|rd|th)?[ .\t-]*{month}"), forms::day_month),
        (format!("[0-9]{{4}}{MONTH_FULL}{DAY_FULL}"), forms::eight_digits),
    ]
}

fn mixed() -> Vec<(String, Apply)> {
    let offset = offset();
    let clock = format!("{HOUR24_FULL}:{MINUTE_FULL}:{SECOND_FULL}");
    vec![
        (format!("[0-9]{{4}}{MONTH_FULL}{DAY_FULL}T{HOUR24}:{MINUTE_FULL}:{SECOND_FULL}"), forms::moment),
        (format!("[0-9]{{4}}{MONTH_FULL}{DAY_FULL}(?i:t){HOUR24}{MINUTE_FULL}{SECOND_FULL}"), forms::moment),
        (format!(r"[0-9]{{4}}-{MONTH_FULL}-{DAY_FULL}T{clock}\.[0-9]+(?:{offset})?"), forms::moment),
        (format!("[0-9]{{4}}-{MONTH}-{DAY}T{HOUR24}:{MINUTE}:{SECOND}"), forms::moment),
        (format!("[0-9]{{4}}:{MONTH_FULL}:{DAY_FULL} {clock}"), forms::moment),
        (format!("[0-9]{{4}}[.-]?{DAY_OF_YEAR}"), forms::day_of_year),
        (format!("[0-9]{{4}}-?W{WEEK_OF_YEAR}-?[0-7]"), forms::week_day),
        (format!("[0-9]{{4}}-?W{WEEK_OF_YEAR}"), forms::week),
        (format!("{SHORT_MONTH}-{DAY_FULL}-[0-9]{{1,4}}"), forms::month_day),
        (format!("[0-9]{{1,4}}-{SHORT_MONTH}-{DAY_FULL}"), forms::year_month_day_words),
        (format!(r"{DAY}/{SHORT_MONTH}/[0-9]{{4}}:{clock}[ \t]+{offset}"), forms::log_entry),
        ("[0-9]{4}".to_owned(), forms::year),
    ]
}

fn relatives() -> Vec<(String, Apply)> {
    let offset = offset();
    let date = day_without_year();
    let zone = format!(r"[ \t]*(?:{offset}|{ZONE_NAME})");
    vec![
        ("(?i:ago)".to_owned(), forms::ago),
        (format!("(?:(?i:weekdays?)|{WEEKDAY})"), forms::weekday),
        (format!(r"{NEIGHBOUR}[ \t]+(?i:week)"), forms::neighbour_week),
        (format!(r"(?:{ORDINAL}|{NEIGHBOUR})[ \t]+{UNIT}"), forms::counted_words),
        (NAMED_MONTH.to_owned(), forms::month),
        (format!("(?:{offset}|{ZONE_NAME})"), forms::zone),
        (
            format!(r"{date}{HOUR12}[:.](?:{MINUTE}[:.]{SECOND_FULL}|{MINUTE_FULL})[ \t]*{HALF}"),
            forms::date_and_half_day,
        ),
        (format!("{date}(?i:t)?{HOUR24}[:.]{MINUTE}(?:[:.]{SECOND})?"), forms::date_and_clock),
        (format!("{date}(?i:t)?{HOUR24}[:.]{MINUTE}[:.]{SECOND_FULL}{zone}"), forms::date_and_clock),
        (format!(r"[+-]*[ \t]*[0-9]{{1,13}}[ \t]*(?:{UNIT}|(?i:week))"), forms::counted),
    ]
}
