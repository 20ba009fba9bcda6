//! The tables of locales, read when one is first asked for.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

type Names = BTreeMap<String, String>;

/// What belongs to no language.
#[derive(Debug, Deserialize)]
pub(crate) struct Root {
    /// Decimals of currencies, `DEFAULT` for those that are not listed.
    pub(crate) digits: BTreeMap<String, usize>,
    /// Zones of countries.
    pub(crate) zones: BTreeMap<String, Vec<String>>,
    /// The metazones of zones in order, each with the UTC time it ended at.
    pub(crate) metazones: BTreeMap<String, Vec<(String, Option<String>)>>,
    /// Zones that stand for a country with several.
    pub(crate) primary: Vec<String>,
}

impl Root {
    #[expect(clippy::expect_used, reason = "the table is part of the program, and a test reads it")]
    pub(crate) fn get() -> &'static Self {
        static ROOT: LazyLock<Root> = LazyLock::new(|| {
            serde_json::from_str(include_str!("../../data/root.json"))
                .expect("the table of what belongs to no language")
        });
        &ROOT
    }

    /// The country of a zone and whether the zone stands for all of it.
    pub(crate) fn country(&self, zone: &str) -> Option<(&str, bool)> {
        let (country, zones) = self.zones.iter().find(|(_, zones)| zones.iter().any(|z| z == zone))?;
        Some((country, zones.len() == 1 || self.primary.iter().any(|p| p == zone)))
    }
}

/// The signs and patterns of numbers.
#[derive(Debug, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) decimal: String,
    pub(crate) group: String,
    pub(crate) minus: String,
    pub(crate) percent: String,
    pub(crate) exponent: String,
    pub(crate) infinity: String,
    pub(crate) nan: String,
    pub(crate) currency_decimal: Option<String>,
    pub(crate) currency_group: Option<String>,
    pub(crate) patterns: Names,
}

/// Names of months, days and the like by form and width, and patterns by style from full to short.
#[derive(Debug, Deserialize)]
pub(crate) struct Calendar {
    pub(crate) months: BTreeMap<String, Vec<String>>,
    pub(crate) days: BTreeMap<String, Vec<String>>,
    pub(crate) quarters: BTreeMap<String, Vec<String>>,
    pub(crate) periods: BTreeMap<String, Vec<String>>,
    /// Short, long and narrow names of the eras before and after.
    pub(crate) eras: Vec<Vec<String>>,
    pub(crate) date: Vec<String>,
    pub(crate) time: Vec<String>,
    pub(crate) joined: Vec<String>,
    pub(crate) relative: Names,
}

/// Long generic, standard and summer names of a zone, then the short ones.
pub(crate) type ZoneForms = [Option<String>; 6];

#[derive(Debug, Deserialize)]
pub(crate) struct Zones {
    pub(crate) gmt: String,
    pub(crate) gmt_zero: String,
    pub(crate) hour: String,
    pub(crate) region: String,
    pub(crate) fallback: String,
    pub(crate) cities: Names,
    pub(crate) own: BTreeMap<String, ZoneForms>,
    pub(crate) metazones: BTreeMap<String, ZoneForms>,
}

/// A language's names and formats.
#[derive(Debug, Deserialize)]
pub(crate) struct Locale {
    pub(crate) territories: Names,
    pub(crate) languages: Names,
    pub(crate) scripts: Names,
    /// Name and sign.
    pub(crate) currencies: BTreeMap<String, (String, String)>,
    /// How a locale's name is put together, and its parts.
    pub(crate) locale: (String, String),
    pub(crate) numbers: Numbers,
    /// Patterns for two, the start, the middle and the end.
    pub(crate) lists: BTreeMap<String, [String; 4]>,
    pub(crate) calendar: Calendar,
    pub(crate) zones: Zones,
}

struct Table {
    name: &'static str,
    text: &'static str,
    locale: OnceLock<Option<Locale>>,
}

macro_rules! tables {
    ($($name:literal),*) => {
        [$(Table {
            name: $name,
            text: include_str!(concat!("../../data/", $name, ".json")),
            locale: OnceLock::new(),
        }),*]
    };
}

static TABLES: [Table; 9] = tables!("be", "de", "en", "en_GB", "es", "fr", "kk", "ru", "uk");

impl Locale {
    /// The tables of a locale, or of its language.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        let mut name = name.replace('-', "_");
        loop {
            if let Some(table) = TABLES.iter().find(|t| t.name.eq_ignore_ascii_case(&name)) {
                return table.locale.get_or_init(|| serde_json::from_str(table.text).ok()).as_ref();
            }
            name.truncate(name.rfind('_')?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_read() {
        for name in crate::intl::LOCALES {
            let table = TABLES.iter().find(|t| t.name == name).unwrap();
            if let Err(error) = serde_json::from_str::<Locale>(table.text) {
                panic!("{name}: {error}");
            }
        }
        serde_json::from_str::<Root>(include_str!("../../data/root.json")).unwrap();
        assert_eq!(TABLES.len(), crate::intl::LOCALES.len());
    }

    #[test]
    fn a_locale_falls_back_to_its_language() {
        let find = |name| Locale::find(name).map(std::ptr::from_ref);
        assert_eq!(find("ru_RU"), find("ru"));
        assert_eq!(find("de-AT"), find("de"));
        assert_ne!(find("en_GB"), find("en_US"));
        assert!(find("xx").is_none() && find("").is_none());
    }
}
