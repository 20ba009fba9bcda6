//! What a new site is told of its owner: a TOML file, or answers at a terminal.

use std::collections::BTreeMap;
use std::path::Path;

use ismart_domain::contact::{Email, Phone};
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::output::{Failed, Trouble};

/// The days of a week as `global.json` names them, with what people in Russia and elsewhere call them.
const DAYS: [(&str, &str); 7] =
    [("mon", "пн"), ("tue", "вт"), ("wed", "ср"), ("thu", "чт"), ("fri", "пт"), ("sat", "сб"), ("sun", "вс")];

/// Days with the same hours; the form of `business.opening_hours`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hours {
    pub(super) days: Vec<String>,
    pub(super) opens: String,
    pub(super) closes: String,
}

/// Facts about the owner of a site; every one of them is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Brief {
    pub(super) name: String,
    pub(super) full_name: Option<String>,
    pub(super) city: String,
    pub(super) city_in: Option<String>,
    pub(super) region: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) address: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) legal_name: String,
    pub(super) inn: String,
    pub(super) founded: Option<i64>,
    pub(super) hours: Vec<Hours>,
    pub(super) hosts: Vec<String>,
    pub(super) accent: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) metrika: Option<i64>,
    pub(super) brands: Vec<String>,
    pub(super) complexes: Vec<String>,
    pub(super) feed: Option<String>,
}

/// A key of a brief.
struct Key {
    name: &'static str,
    required: bool,
    /// What to write, shown when it is missing and asked at a terminal.
    say: &'static str,
    example: &'static str,
}

const fn key(name: &'static str, required: bool, say: &'static str, example: &'static str) -> Key {
    Key { name, required, say, example }
}

/// All keys, in the order of the example and of the questions.
const KEYS: &[Key] = &[
    key("name", true, "the name people know", "\"Север\""),
    key("legal_name", true, "the registered name", "\"ООО «Север»\""),
    key("inn", true, "the taxpayer number, 10 or 12 digits", "\"3525000006\""),
    key("city", true, "the city", "\"Вологда\""),
    key("address", true, "street and house", "\"Окружное шоссе, д. 2\""),
    key("phone", true, "the phone as it is shown", "\"+7 (8172) 00-10-00\""),
    key("email", true, "the address of mail", "\"info@sever.example\""),
    key("hours", true, "the opening hours", "\"пн–пт 09:00–20:00, сб–вс 10:00–18:00\""),
    key("full_name", false, "name with kind of business", "\"Автоцентр «Север»\""),
    key("city_in", false, "the city as in “we work in …”", "\"в Вологде\""),
    key("region", false, "the region", "\"Вологодская область\""),
    key("postal_code", false, "the postal code, 6 digits", "\"160000\""),
    key("founded", false, "the year of the foundation", "2009"),
    key("hosts", false, "host names of the site", "[\"sever.example\"]"),
    key("accent", false, "the colour of buttons and links", "\"#0d5c63\""),
    key("time_zone", false, "the time zone", "\"Europe/Moscow\""),
    key("metrika", false, "the number of the Yandex Metrica counter", "12345678"),
    key("brands", false, "brands of new cars (car-dealer)", "[\"Haval\", \"Chery\"]"),
    key("feed", false, "file or https address of the stock, auto.ru's XML (car-dealer)", "\"stock.xml\""),
    key("complexes", false, "names of housing complexes, up to 3 (real-estate)", "[\"Тихий берег\"]"),
];

/// A brief to begin with, every key explained.
pub(super) fn example() -> String {
    let mut text = String::from("# A brief for `ismart site new NAME --vertical … --brief FILE`\n");
    for key in KEYS {
        let mark = if key.required { "" } else { "# " };
        text.push_str(&format!("\n# {}\n{mark}{} = {}\n", key.say, key.name, key.example));
    }
    text
}

impl Brief {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every fault with its line and what to write instead.
    pub(super) fn read(path: &Path) -> Result<Self, Failed> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let repair = "give a file with --brief; `ismart site new --example` prints one";
            Failed::one(place.clone(), error.to_string(), repair)
        })?;
        Self::parse(&text, &place)
    }

    /// Checks a text; `place` names it in faults.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, Failed> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, place, table: table.get_ref(), troubles: Vec::new() };
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            let reason = format!("not valid TOML: {}", error.message().replace('\n', ", "));
            reader.fault(at, reason, "write `key = \"value\"`: texts stand in double quotes");
        }
        let brief = reader.brief();
        if reader.troubles.is_empty() { Ok(brief) } else { Err(Failed(reader.troubles)) }
    }

    /// Asks at a terminal for what is required.
    ///
    /// # Errors
    /// The faults of the answers, or that the terminal was closed.
    pub(super) fn ask(mut answer: impl FnMut(&str) -> Option<String>) -> Result<Self, Failed> {
        let mut answers = BTreeMap::new();
        for key in KEYS.iter().filter(|key| key.required) {
            loop {
                let question = format!("{} (such as {}): ", key.say, key.example);
                let Some(given) = answer(&question) else {
                    let repair = "answer every question, or give a file with --brief";
                    return Err(Failed::one("the terminal", "it was closed", repair));
                };
                let given = given.trim().to_owned();
                if given.is_empty() {
                    continue;
                }
                answers.insert(key.name, given);
                break;
            }
        }
        let quoted = |text: &String| toml::Value::String(text.clone()).to_string();
        let text: String =
            answers.iter().map(|(name, given)| format!("{name} = {}\n", quoted(given))).collect();
        Self::parse(&text, "the answers")
    }
}

struct Reader<'t> {
    text: &'t str,
    place: &'t str,
    table: &'t DeTable<'t>,
    troubles: Vec<Trouble>,
}

impl<'t> Reader<'t> {
    fn fault(&mut self, at: usize, reason: impl Into<String>, repair: impl Into<String>) {
        let line = self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1;
        self.troubles.push(Trouble::new(format!("{}:{line}", self.place), reason, repair));
    }

    fn value(&self, name: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
    }

    fn at(&self, name: &str) -> usize {
        self.value(name).map_or(0, |value| value.span().start)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() && !text.contains(['{', '}', '<', '>']) => {
                return Some(text.trim().to_owned());
            }
            DeValue::String(text) if text.trim().is_empty() => {
                self.fault(value.span().start, format!("`{name}` is empty"), repair(name));
            }
            DeValue::String(_) => {
                let reason = format!("`{name}` holds signs of templates or of HTML");
                self.fault(value.span().start, reason, "write it without { } < >");
            }
            _ => self.fault(value.span().start, format!("`{name}` is not a text"), repair(name)),
        }
        None
    }

    fn number(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(name)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let reason = format!("`{name}` is not a number from {} to {}", range.start(), range.end());
            self.fault(value.span().start, reason, repair(name));
        }
        number
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) if !text.trim().is_empty() && !text.contains(['{', '}', '<', '>']) => {
                    Some(text.trim().to_owned())
                }
                _ => None,
            }),
            _ => {
                self.fault(value.span().start, format!("`{name}` is not a list"), repair(name));
                return Vec::new();
            }
        };
        let found: Option<Vec<String>> = items.collect();
        found.unwrap_or_else(|| {
            let reason = format!("`{name}` holds something that is not a plain text");
            self.fault(value.span().start, reason, repair(name));
            Vec::new()
        })
    }

    fn brief(&mut self) -> Brief {
        for (name, _) in self.table.iter() {
            if !KEYS.iter().any(|key| key.name == name.get_ref().as_ref()) {
                let known: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
                let reason = format!("`{}` is not known", name.get_ref());
                self.fault(name.span().start, reason, format!("use one of: {}", known.join(", ")));
            }
        }
        for key in KEYS.iter().filter(|key| key.required) {
            if self.value(key.name).is_none() {
                self.fault(
                    self.text.len(),
                    format!("`{}` is missing: {}", key.name, key.say),
                    repair(key.name),
                );
            }
        }
        let brief = Brief {
            name: self.text("name").unwrap_or_default(),
            full_name: self.text("full_name"),
            city: self.text("city").unwrap_or_default(),
            city_in: self.text("city_in"),
            region: self.text("region"),
            postal_code: self.text("postal_code"),
            address: self.text("address").unwrap_or_default(),
            phone: self.text("phone").unwrap_or_default(),
            email: self.text("email").unwrap_or_default(),
            legal_name: self.text("legal_name").unwrap_or_default(),
            inn: self.text("inn").unwrap_or_default(),
            founded: self.number("founded", 1800..=2100),
            hours: self.hours(),
            hosts: self.texts("hosts"),
            accent: self.text("accent"),
            time_zone: self.text("time_zone"),
            metrika: self.number("metrika", 1..=999_999_999_999),
            brands: self.texts("brands"),
            complexes: self.texts("complexes"),
            feed: self.text("feed"),
        };
        self.judge(&brief);
        brief
    }

    /// What each value must be, beyond its type.
    fn judge(&mut self, brief: &Brief) {
        let mut wrong: Vec<(&str, String, String)> = Vec::new();
        let mut add = |name, reason: String| wrong.push((name, reason, repair(name)));
        if !brief.phone.is_empty()
            && let Err(error) = Phone::parse(&brief.phone)
        {
            add("phone", format!("`phone` is no phone: {error}"));
        }
        if !brief.email.is_empty()
            && let Err(error) = Email::parse(&brief.email)
        {
            add("email", format!("`email` is no address of mail: {error}"));
        }
        if !brief.inn.is_empty()
            && let Err(reason) = inn(&brief.inn)
        {
            add("inn", format!("`inn` {reason}"));
        }
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
        if brief.postal_code.as_deref().is_some_and(|code| !digits(code, 6)) {
            add("postal_code", "`postal_code` does not have 6 digits".to_owned());
        }
        if brief.accent.as_deref().is_some_and(|accent| super::colour::Colour::parse(accent).is_none()) {
            add("accent", "`accent` is no colour".to_owned());
        }
        if let Some(zone) = brief.time_zone.as_deref()
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            add("time_zone", format!("`{zone}` is not a time zone"));
        }
        for host in &brief.hosts {
            if let Err(reason) = super::host(host) {
                add("hosts", reason);
            }
        }
        if brief.complexes.len() > 3 {
            let reason = "`complexes` names more than 3; `ismart site add` makes further ones".to_owned();
            add("complexes", reason);
        }
        for (name, reason, repair) in wrong {
            self.fault(self.at(name), reason, repair);
        }
    }

    fn hours(&mut self) -> Vec<Hours> {
        let Some(text) = self.text("hours") else { return Vec::new() };
        hours(&text).unwrap_or_else(|reason| {
            self.fault(self.at("hours"), reason, repair("hours"));
            Vec::new()
        })
    }
}

fn repair(name: &str) -> String {
    let example = KEYS.iter().find(|key| key.name == name).map_or("", |key| key.example);
    format!("write it like {name} = {example}")
}

/// `пн–пт 9:00–20:00, сб 10:00-18:00` or `mon-fri 09:00-20:00`: spans of days with hours, parted by commas.
fn hours(text: &str) -> Result<Vec<Hours>, String> {
    let mut all: Vec<Hours> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let unclear = || format!("`hours`: “{part}” is not days and hours");
        let (days, times) = part.rsplit_once(' ').ok_or_else(unclear)?;
        let plain = |text: &str| text.trim().to_lowercase().replace(['–', '—'], "-");
        let (days, times) = (plain(days), plain(times));
        let day = |word: &str| DAYS.iter().position(|(en, ru)| word == *en || word == *ru);
        let (first, last) = days.split_once('-').unwrap_or((&days, &days));
        let (first, last) = (day(first.trim()).ok_or_else(unclear)?, day(last.trim()).ok_or_else(unclear)?);
        let (opens, closes) = times.split_once('-').ok_or_else(unclear)?;
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
            (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
        };
        let (opens, closes) = (time(opens).ok_or_else(unclear)?, time(closes).ok_or_else(unclear)?);
        if opens >= closes {
            return Err(format!("`hours`: “{part}” closes before it opens"));
        }
        if last < first {
            return Err(format!("`hours`: “{part}” ends before it begins"));
        }
        let days: Vec<String> =
            DAYS.iter().take(last + 1).skip(first).map(|(name, _)| (*name).to_owned()).collect();
        if let Some(twice) = days.iter().find(|day| all.iter().any(|hours| hours.days.contains(day))) {
            return Err(format!("`hours` name {twice} twice"));
        }
        all.push(Hours { days, opens, closes });
    }
    if all.is_empty() { Err("`hours` name no day".to_owned()) } else { Ok(all) }
}

/// The check digits of a Russian taxpayer number (order of the Federal Tax Service ММВ-7-6/435@, annex 1).
fn inn(text: &str) -> Result<(), String> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != text.chars().count() || ![10, 12].contains(&digits.len()) {
        return Err("does not have 10 or 12 digits".to_owned());
    }
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let right = |count: usize| {
        let weights = WEIGHTS.iter().skip(WEIGHTS.len() - count);
        let sum: u32 = weights.zip(&digits).map(|(weight, digit)| weight * digit).sum();
        digits.get(count) == Some(&(sum % 11 % 10))
    };
    let sound = if digits.len() == 10 { right(9) } else { right(10) && right(11) };
    if sound { Ok(()) } else { Err("has a wrong check digit".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(text: &str) -> Vec<String> {
        match Brief::parse(text, "brief.toml") {
            Ok(_) => Vec::new(),
            Err(Failed(troubles)) => {
                troubles.iter().map(|t| format!("{}: {} | {}", t.place, t.reason, t.repair)).collect()
            }
        }
    }

    #[test]
    fn the_example_is_a_brief_and_so_is_it_with_every_key() {
        assert_eq!(reasons(&example()), Vec::<String>::new());
        let every: String = example()
            .lines()
            .map(|line| {
                let bare = line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line);
                format!("{bare}\n")
            })
            .collect();
        assert_eq!(reasons(&every), Vec::<String>::new());
        let brief = Brief::parse(&every, "x").unwrap();
        assert_eq!((brief.founded, brief.metrika), (Some(2009), Some(12_345_678)));
        assert_eq!(brief.hours.len(), 2);
    }

    #[test]
    fn every_fault_has_its_line_and_its_repair() {
        let text = "name = \"\"\nphone = \"123\"\ninn = \"3525000007\"\nemail = 5\nhours = \"пн–пт 20:00–9:00\"\n\
                    colour = \"red\"\naccent = \"red\"\nhosts = [\"https://a.example\"]\nfounded = \"x\"\n\
                    brands = \"Haval\"\ncity = \"<b>\"\ntime_zone = \"Mars\"\npostal_code = \"1\"\n";
        let found = reasons(text);
        let lines: Vec<&str> = found.iter().map(|f| f.split(": ").next().unwrap()).collect();
        for line in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13] {
            assert!(lines.contains(&format!("brief.toml:{line}").as_str()), "line {line}: {found:#?}");
        }
        assert!(found.iter().any(|f| f.contains("`legal_name` is missing")), "{found:#?}");
        assert!(found.iter().all(|f| f.contains(" | ") && !f.ends_with(" | ")), "{found:#?}");
        assert!(reasons("name = Север").iter().any(|f| f.starts_with("brief.toml:1: not valid TOML")));
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        let read = |text: &str| {
            hours(text).map(|all| {
                all.iter()
                    .map(|h| format!("{}..{} {}-{}", h.days[0], h.days[h.days.len() - 1], h.opens, h.closes))
                    .collect::<Vec<_>>()
                    .join("; ")
            })
        };
        assert_eq!(
            read("пн–пт 9:00–20:00, сб 10:00-18:00").unwrap(),
            "mon..fri 09:00-20:00; sat..sat 10:00-18:00"
        );
        assert_eq!(read("Mon-Sun 00:00—23:59").unwrap(), "mon..sun 00:00-23:59");
        for wrong in [
            "",
            "пн",
            "пн 9-20",
            "пн–xx 9:00–20:00",
            "пн 25:00–26:00",
            "пн–ср 9:00–20:00, вт 9:00–20:00",
            "пт–пн 9:00–20:00",
        ] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn taxpayer_numbers_are_checked() {
        for good in ["7707083893", "500100732259"] {
            assert_eq!(inn(good), Ok(()), "{good}");
        }
        for bad in ["7707083894", "500100732258", "123", "77070838930", "77070a3893", ""] {
            assert!(inn(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn questions_are_asked_until_they_are_answered() {
        let mut answers = vec![
            "Север",
            "",
            "ООО «Север»",
            "7707083893",
            "Вологда",
            "Окружное шоссе, д. 2",
            "+7 (8172) 00-10-00",
            "info@sever.example",
            "пн-пт 9:00-20:00",
        ]
        .into_iter();
        let brief = Brief::ask(|_| answers.next().map(str::to_owned)).unwrap();
        assert_eq!((brief.name.as_str(), brief.city.as_str()), ("Север", "Вологда"));
        assert!(Brief::ask(|_| None).is_err());
    }
}
