//! Dates and times as people say them, relative to a given moment.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, Zoned};
use serde::{Deserialize, Serialize};

use super::Found;
use super::number::numeral;
use crate::text::{Token, TokenKind};

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayPart {
    /// Before noon.
    Morning,
    /// Noon to five.
    Day,
    /// After five.
    Evening,
}

impl DayPart {
    /// The wire name that tools take.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Morning => "morning",
            Self::Day => "day",
            Self::Evening => "evening",
        }
    }
}

/// A moment or period, as far as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct When {
    /// First day.
    pub from: Option<Date>,
    /// Last day; equal to `from` for one day.
    pub to: Option<Date>,
    /// Time of day.
    pub time: Option<Time>,
    /// Part of the day.
    pub part: Option<DayPart>,
}

impl When {
    /// Fills what `self` leaves open from `other`: `завтра` and `в 11` become one moment.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            from: self.from.or(other.from),
            to: self.to.or(other.to),
            time: self.time.or(other.time),
            part: self.part.or(other.part),
        }
    }

    fn day(date: Date) -> Self {
        Self { from: Some(date), to: Some(date), ..Self::default() }
    }

    fn days(from: Date, to: Date) -> Self {
        Self { from: Some(from), to: Some(to), ..Self::default() }
    }

    fn at(time: Time) -> Self {
        Self { time: Some(time), ..Self::default() }
    }

    fn in_part(part: DayPart) -> Self {
        Self { part: Some(part), ..Self::default() }
    }
}

const MONTHS: &[(&str, i8)] = &[
    ("январ", 1),
    ("феврал", 2),
    ("март", 3),
    ("апрел", 4),
    ("мая", 5),
    ("май", 5),
    ("июн", 6),
    ("июл", 7),
    ("август", 8),
    ("сентябр", 9),
    ("октябр", 10),
    ("ноябр", 11),
    ("декабр", 12),
    ("january", 1),
    ("february", 2),
    ("march", 3),
    ("april", 4),
    ("june", 6),
    ("july", 7),
    ("august", 8),
    ("september", 9),
    ("october", 10),
    ("november", 11),
    ("december", 12),
];

const ORDINALS: &[(&str, i8)] = &[
    ("первого", 1),
    ("второго", 2),
    ("третьего", 3),
    ("четвертого", 4),
    ("пятого", 5),
    ("шестого", 6),
    ("седьмого", 7),
    ("восьмого", 8),
    ("девятого", 9),
    ("десятого", 10),
    ("одиннадцатого", 11),
    ("двенадцатого", 12),
    ("тринадцатого", 13),
    ("четырнадцатого", 14),
    ("пятнадцатого", 15),
    ("шестнадцатого", 16),
    ("семнадцатого", 17),
    ("восемнадцатого", 18),
    ("девятнадцатого", 19),
    ("двадцатого", 20),
    ("тридцатого", 30),
];

fn month(word: &str) -> Option<i8> {
    MONTHS.iter().find(|(start, _)| word.starts_with(start)).map(|(_, month)| *month)
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "пн" | "понедельник" | "понедельника" | "monday" => Weekday::Monday,
        "вт" | "вторник" | "вторника" | "tuesday" => Weekday::Tuesday,
        "ср" | "среда" | "среду" | "среды" | "wednesday" => Weekday::Wednesday,
        "чт" | "четверг" | "четверга" | "thursday" => Weekday::Thursday,
        "пт" | "пятница" | "пятницу" | "пятницы" | "friday" => Weekday::Friday,
        "сб" | "суббота" | "субботу" | "субботы" | "saturday" => Weekday::Saturday,
        "вс" | "воскресенье" | "воскресенья" | "воскресение" | "sunday" => {
            Weekday::Sunday
        }
        _ => return None,
    })
}

fn plus_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(Span::new().try_days(days).ok()?).ok()
}

/// The next such weekday, today included.
fn coming(today: Date, day: Weekday, weeks: i64) -> Option<Date> {
    let ahead = i64::from(today.weekday().until(day));
    plus_days(today, ahead + weeks * 7)
}

struct Reader<'a> {
    tokens: &'a [Token],
    taken: &'a [bool],
    now: &'a Zoned,
}

type Read = Option<(usize, When)>;

impl Reader<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| t.text.as_str())
    }

    fn number(&self, at: usize) -> Option<i8> {
        self.tokens.get(at).filter(|t| t.kind == TokenKind::Number && t.text.len() <= 2)?.text.parse().ok()
    }

    fn today(&self) -> Date {
        self.now.date()
    }

    /// A day of a month without its year: this year, or the next one when it has passed.
    fn date(&self, month: i8, day: i8) -> Option<Date> {
        let this = Date::new(self.now.year(), month, day).ok();
        match this {
            Some(date) if date >= self.today() => Some(date),
            _ => Date::new(self.now.year() + 1, month, day).ok(),
        }
    }

    fn relative(&self, at: usize) -> Read {
        let today = self.today();
        let day = |n| plus_days(today, n).map(When::day);
        let (next, when) = match self.word(at) {
            "сегодня" | "today" => (at + 1, day(0)?),
            "завтра" | "tomorrow" => (at + 1, day(1)?),
            "послезавтра" => (at + 1, day(2)?),
            "through" | "через" | "in" => return self.after(at + 1),
            "выходные" | "выходных" | "выхи" | "weekend" => {
                let saturday = coming(today, Weekday::Saturday, 0)?;
                (at + 1, When::days(saturday, plus_days(saturday, 1)?))
            }
            "следующей" | "следующую" | "следующая" | "next"
                if self.word(at + 1).starts_with("недел") || self.word(at + 1) == "week" =>
            {
                let monday = coming(plus_days(today, 1)?, Weekday::Monday, 0)?;
                (at + 2, When::days(monday, plus_days(monday, 6)?))
            }
            "этой" | "эту" | "this"
                if self.word(at + 1).starts_with("недел") || self.word(at + 1) == "week" =>
            {
                let sunday = coming(today, Weekday::Sunday, 0)?;
                (at + 2, When::days(today, sunday))
            }
            "следующий" | "следующую" | "следующее" | "next" => {
                let target = weekday(self.word(at + 1))?;
                let monday = coming(plus_days(today, 1)?, Weekday::Monday, 0)?;
                (at + 2, When::day(coming(monday, target, 0)?))
            }
            word => (at + 1, When::day(coming(today, weekday(word)?, 0)?)),
        };
        Some((next, when))
    }

    fn after(&self, at: usize) -> Read {
        let (count, next) = match numeral(self.tokens, at) {
            Some(read) if read.value >= 1.0 && read.value <= 400.0 => (read.value, read.next),
            Some(_) => return None,
            None => (1.0, at),
        };
        let unit = self.word(next);
        #[expect(clippy::cast_possible_truncation, reason = "between 1 and 400 by the match above")]
        let count = count as i64;
        if unit.starts_with("час") || unit.starts_with("hour") {
            let moment = self.now.checked_add(Span::new().try_hours(count).ok()?).ok()?;
            return Some((next + 1, When { time: Some(moment.time()), ..When::day(moment.date()) }));
        }
        let date = if unit.starts_with("недел") || unit.starts_with("week") {
            plus_days(self.today(), count * 7)?
        } else if unit.starts_with("день")
            || unit.starts_with("дня")
            || unit.starts_with("дней")
            || unit.starts_with("day")
        {
            plus_days(self.today(), count)?
        } else if unit.starts_with("месяц") || unit.starts_with("month") {
            self.today().checked_add(Span::new().try_months(count).ok()?).ok()?
        } else {
            return None;
        };
        Some((next + 1, When::day(date)))
    }

    fn calendar(&self, at: usize) -> Read {
        // `25 ноября`, `25-го`, `25 числа`, `25.11`, `25.11.2026`, `november 25`.
        if let Some(month) = month(self.word(at))
            && self.word(at) != "мая"
            && let Some(day) = self.number(at + 1)
            && self.word(at).is_ascii()
        {
            return Some((at + 2, When::day(self.date(month, day)?)));
        }
        let (day, mut next) = match self.number(at) {
            Some(day) => (day, at + 1),
            None => self.ordinal(at)?,
        };
        if !(1..=31).contains(&day) {
            return None;
        }
        if matches!(self.word(next), "го" | "ого" | "е" | "th") {
            next += 1;
        }
        if let Some(month) = month(self.word(next)) {
            let year = self
                .tokens
                .get(next + 1)
                .filter(|t| t.text.len() == 4)
                .and_then(|t| t.text.parse::<i16>().ok());
            return match year {
                Some(year) => Some((next + 2, When::day(Date::new(year, month, day).ok()?))),
                None => Some((next + 1, When::day(self.date(month, day)?))),
            };
        }
        let numbered = self.word(next).starts_with("числ") || next > at + 1 && self.number(at).is_some();
        if numbered {
            let step = usize::from(self.word(next).starts_with("числ"));
            let today = self.today();
            let this = Date::new(today.year(), today.month(), day).ok().filter(|date| *date >= today);
            let date = this.or_else(|| {
                let first = today.first_of_month().checked_add(Span::new().months(1)).ok()?;
                Date::new(first.year(), first.month(), day).ok()
            })?;
            return Some((next + step, When::day(date)));
        }
        let (dot, number) = (self.tokens.get(next)?, self.tokens.get(next + 1)?);
        let tight = self.tokens.get(next - 1).is_some_and(|t| t.end == dot.start) && number.start == dot.end;
        if (dot.is_mark('.') || dot.is_mark('/'))
            && tight
            && number.text.len() == 2
            && number.kind == TokenKind::Number
        {
            let month = self.number(next + 1).filter(|m| (1..=12).contains(m))?;
            let year =
                self.tokens.get(next + 2).filter(|t| t.is_mark('.') || t.is_mark('/')).and_then(|_| {
                    let text =
                        self.tokens.get(next + 3).filter(|t| t.kind == TokenKind::Number)?.text.as_str();
                    let year: i16 = text.parse().ok()?;
                    Some(if text.len() == 2 { 2000 + year } else { year })
                });
            return match year {
                Some(year) => Some((next + 4, When::day(Date::new(year, month, day).ok()?))),
                None => Some((next + 2, When::day(self.date(month, day)?))),
            };
        }
        None
    }

    fn ordinal(&self, at: usize) -> Option<(i8, usize)> {
        let find = |word: &str| ORDINALS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n);
        let tens = match self.word(at) {
            "двадцать" => Some(20),
            "тридцать" => Some(30),
            _ => None,
        };
        if let Some(tens) = tens {
            return find(self.word(at + 1)).filter(|n| *n < 10).map(|n| (tens + n, at + 2));
        }
        find(self.word(at)).map(|n| (n, at + 1))
    }

    fn part(&self, at: usize) -> Read {
        let (next, part) = match self.word(at) {
            "утром" | "утро" | "утречком" | "morning" => (at + 1, DayPart::Morning),
            "днем" | "afternoon" => (at + 1, DayPart::Day),
            "вечером" | "вечер" | "вечерком" | "evening" => (at + 1, DayPart::Evening),
            "после" if matches!(self.word(at + 1), "обеда") => (at + 2, DayPart::Day),
            "после" if self.word(at + 1).starts_with("работ") => (at + 2, DayPart::Evening),
            "до" if matches!(self.word(at + 1), "обеда") => (at + 2, DayPart::Morning),
            "первой" if self.word(at + 1) == "половине" && self.word(at + 2) == "дня" => {
                (at + 3, DayPart::Morning)
            }
            "второй" if self.word(at + 1) == "половине" && self.word(at + 2) == "дня" => {
                (at + 3, DayPart::Day)
            }
            _ => return None,
        };
        Some((next, When::in_part(part)))
    }

    fn clock(&self, at: usize) -> Read {
        match self.word(at) {
            "полдень" | "noon" => return Some((at + 1, When::at(Time::constant(12, 0, 0, 0)))),
            _ => {}
        }
        let leads =
            matches!(self.word(at), "в" | "к" | "на" | "с" | "после" | "около" | "часов" | "at" | "after");
        let start = if leads { at + 1 } else { at };
        let half = matches!(self.word(start), "половина" | "половину" | "половине" | "пол");
        if half {
            let (hour, _) = self.ordinal(start + 1)?;
            let time = afternoon(hour - 1, 30, self.word(start + 2), self.word(start + 3))?;
            let words = usize::from(matches!(self.word(start + 2), "утра" | "дня" | "вечера"));
            return Some((start + 2 + words, When::at(time)));
        }
        let (hour, mut next) = match self.number(start) {
            Some(hour) => (hour, start + 1),
            None => {
                let read = numeral(self.tokens, start)
                    .filter(|n| n.scale <= 1.0 && (1.0..=23.0).contains(&n.value))?;
                #[expect(clippy::cast_possible_truncation, reason = "between 1 and 23 by the filter above")]
                let hour = read.value as i8;
                (hour, read.next)
            }
        };
        let mut minute = 0;
        let mut sure = false;
        let colon = self
            .tokens
            .get(next)
            .is_some_and(|t| t.is_mark(':') || t.is_mark('-') && leads || t.is_mark('.') && leads);
        if colon
            && self.tokens.get(next + 1).is_some_and(|t| t.text.len() == 2)
            && let Some(read) = self.number(next + 1).filter(|m| (0..60).contains(m))
        {
            minute = read;
            next += 2;
            sure = true;
        }
        if self.word(next).starts_with("час") {
            next += 1;
            sure = true;
        } else if leads
            && self.number(next).is_some_and(|m| (0..60).contains(&m))
            && self.word(next).len() == 2
        {
            minute = self.number(next)?;
            next += 1;
            sure = true;
        }
        let tail = self.word(next).to_owned();
        let tailed = matches!(tail.as_str(), "утра" | "дня" | "вечера" | "ночи" | "am" | "pm");
        let ends =
            self.tokens.get(next).is_none_or(|t| t.kind == TokenKind::Mark || tailed || ends_time(&t.text));
        if !(sure || tailed || leads && ends) || !(0..24).contains(&hour) {
            return None;
        }
        let time = afternoon(hour, minute, &tail, "")?;
        Some((next + usize::from(tailed), When::at(time)))
    }
}

/// Words after which a bare number with a preposition is still a time: `в 11 можно?`.
fn ends_time(word: &str) -> bool {
    matches!(
        word,
        "можно"
            | "буду"
            | "подъеду"
            | "приеду"
            | "удобно"
            | "завтра"
            | "сегодня"
            | "послезавтра"
            | "в"
            | "на"
            | "или"
            | "и"
            | "если"
            | "могу"
            | "смогу"
            | "есть"
            | "свободно"
            | "подойдет"
            | "норм"
            | "ок"
            | "меня"
            | "хочу"
            | "запишите"
            | "please"
            | "tomorrow"
            | "today"
            | "on"
            | "ровно"
            | "давайте"
            | "хотел"
            | "а"
            | "бы"
            | "тест"
    )
}

fn afternoon(hour: i8, minute: i8, tail: &str, next: &str) -> Option<Time> {
    let late = ["дня", "вечера", "pm"].contains(&tail) || ["дня", "вечера"].contains(&next);
    let early = ["утра", "am"].contains(&tail) || next == "утра";
    // A showroom hour: `в 3` is three in the afternoon, nobody comes at night.
    let hour = if hour < 12 && (late || (!early && (1..=7).contains(&hour))) { hour + 12 } else { hour };
    Time::new(hour, minute, 0, 0).ok()
}

/// All moments and periods, each part at its place; the caller merges them.
pub(super) fn times(tokens: &[Token], now: &Zoned, taken: &[bool]) -> Vec<(usize, usize, Found)> {
    let reader = Reader { tokens, taken, now };
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if reader.taken.get(at).copied().unwrap_or(true) {
            at += 1;
            continue;
        }
        let read = reader
            .relative(at)
            .or_else(|| reader.part(at))
            .or_else(|| reader.calendar(at))
            .or_else(|| reader.clock(at));
        match read {
            Some((next, when)) if taken.get(at..next).is_some_and(|r| r.iter().all(|t| !t)) => {
                out.push((at, next, Found::When(when)));
                at = next;
            }
            _ => at += 1,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens as read;

    fn when(text: &str) -> When {
        // Sunday.
        let now: Zoned = "2026-11-22T13:00:00+03:00[Europe/Moscow]".parse().unwrap();
        let tokens = read(text);
        times(&tokens, &now, &vec![false; tokens.len()])
            .into_iter()
            .filter_map(|(_, _, found)| if let Found::When(when) = found { Some(when) } else { None })
            .fold(When::default(), When::merge)
    }

    #[test]
    fn days_are_found() {
        for (text, from, to) in [
            ("сегодня", "2026-11-22", "2026-11-22"),
            ("завтра в 11", "2026-11-23", "2026-11-23"),
            ("послезавтра", "2026-11-24", "2026-11-24"),
            ("в субботу после обеда", "2026-11-28", "2026-11-28"),
            ("в сб", "2026-11-28", "2026-11-28"),
            ("в следующую среду", "2026-11-25", "2026-11-25"),
            ("на выходных", "2026-11-28", "2026-11-29"),
            ("на следующей неделе", "2026-11-23", "2026-11-29"),
            ("25 ноября в 15:30", "2026-11-25", "2026-11-25"),
            ("двадцать пятого ноября", "2026-11-25", "2026-11-25"),
            ("25.11", "2026-11-25", "2026-11-25"),
            ("25.11.2026", "2026-11-25", "2026-11-25"),
            ("5 января", "2027-01-05", "2027-01-05"),
            ("25-го", "2026-11-25", "2026-11-25"),
            ("5 числа", "2026-12-05", "2026-12-05"),
            ("через неделю", "2026-11-29", "2026-11-29"),
            ("через 2 дня", "2026-11-24", "2026-11-24"),
            ("через три недели", "2026-12-13", "2026-12-13"),
            ("tomorrow at 11", "2026-11-23", "2026-11-23"),
        ] {
            let found = when(text);
            assert_eq!(found.from.map(|d| d.to_string()).as_deref(), Some(from), "{text}");
            assert_eq!(found.to.map(|d| d.to_string()).as_deref(), Some(to), "{text}");
        }
    }

    #[test]
    fn hours_are_found() {
        for (text, time) in [
            ("завтра в 11", "11:00:00"),
            ("завтра в 11 утра", "11:00:00"),
            ("в 15:30", "15:30:00"),
            ("в 15.30", "15:30:00"),
            ("к 15 30", "15:30:00"),
            ("в 3 часа дня", "15:00:00"),
            ("в три часа", "15:00:00"),
            ("в 7 вечера", "19:00:00"),
            ("в полдень", "12:00:00"),
            ("половина третьего", "14:30:00"),
            ("в одиннадцать", "11:00:00"),
        ] {
            assert_eq!(when(text).time.map(|t| t.to_string()).as_deref(), Some(time), "{text}");
        }
        assert_eq!(when("завтра вечером").part, Some(DayPart::Evening));
        assert_eq!(when("в субботу после обеда").part, Some(DayPart::Day));
    }

    #[test]
    fn other_numbers_are_not_times() {
        for text in ["есть 2 машины", "двигатель 1.6", "в 2020 году", "31.13", "32 числа", "расход 7 литров"]
        {
            assert_eq!(when(text), When::default(), "{text}");
        }
    }
}
