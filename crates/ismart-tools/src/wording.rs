//! Instants in words, in the site's zone.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// `сегодня в 15:30`, `завтра в 10:00`, `в субботу, 28 ноября, в 10:00`.
#[must_use]
pub(crate) fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone, russian: bool) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let time = at.strftime("%H:%M");
    let day = day(&at, &now, russian);
    if russian { format!("{day} в {time}") } else { format!("{day} at {time}") }
}

fn day(at: &Zoned, now: &Zoned, russian: bool) -> String {
    let date = at.date();
    let today = now.date();
    let tomorrow = today.checked_add(1.day()).unwrap_or(today);
    if date == today {
        return if russian { "сегодня" } else { "today" }.to_owned();
    }
    if date == tomorrow {
        return if russian { "завтра" } else { "tomorrow" }.to_owned();
    }
    if russian {
        let month =
            usize::try_from(date.month()).ok().and_then(|m| MONTHS.get(m.saturating_sub(1))).unwrap_or(&"");
        format!("{}, {} {month},", weekday(date.weekday()), date.day())
    } else {
        format!("on {}", date.strftime("%A, %-d %B,"))
    }
}

const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "в понедельник",
        Weekday::Tuesday => "во вторник",
        Weekday::Wednesday => "в среду",
        Weekday::Thursday => "в четверг",
        Weekday::Friday => "в пятницу",
        Weekday::Saturday => "в субботу",
        Weekday::Sunday => "в воскресенье",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_named_as_people_name_them() {
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let text = |at: &str| moment(at.parse().unwrap(), now, &zone, true);
        assert_eq!(text("2026-11-20T12:30:00Z"), "сегодня в 15:30");
        assert_eq!(text("2026-11-21T07:00:00Z"), "завтра в 10:00");
        assert_eq!(text("2026-11-24T07:00:00Z"), "во вторник, 24 ноября, в 10:00");
        let english = moment("2026-11-24T07:00:00Z".parse().unwrap(), now, &zone, false);
        assert_eq!(english, "on Tuesday, 24 November, at 10:00");
    }
}
