//! Names of time zones.

use std::collections::BTreeMap;

use super::data::ZoneForms;
use super::names::fill;
use super::{Locale, Root};

/// Which name of a zone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Generic,
    Standard,
    Summer,
}

fn pick(forms: &ZoneForms, form: Form, short: bool) -> Option<&str> {
    let at = match form {
        Form::Generic => 0,
        Form::Standard => 1,
        Form::Summer => 2,
    };
    forms.get(at + if short { 3 } else { 0 })?.as_deref()
}

/// Zones that CLDR knows by an older name.
const OLDER: &[(&str, &str)] = &[
    ("Europe/Kyiv", "Europe/Kiev"),
    ("Asia/Kolkata", "Asia/Calcutta"),
    ("Asia/Ho_Chi_Minh", "Asia/Saigon"),
    ("Asia/Kathmandu", "Asia/Katmandu"),
    ("Asia/Yangon", "Asia/Rangoon"),
    ("America/Nuuk", "America/Godthab"),
    ("Africa/Asmara", "Africa/Asmera"),
    ("Atlantic/Faroe", "Atlantic/Faeroe"),
    ("Pacific/Chuuk", "Pacific/Truk"),
    ("Pacific/Pohnpei", "Pacific/Ponape"),
    ("Pacific/Kanton", "Pacific/Enderbury"),
    ("America/Atikokan", "America/Coral_Harbour"),
    ("America/Indiana/Indianapolis", "America/Indianapolis"),
    ("America/Kentucky/Louisville", "America/Louisville"),
    ("America/Argentina/Buenos_Aires", "America/Buenos_Aires"),
    ("America/Argentina/Catamarca", "America/Catamarca"),
    ("America/Argentina/Cordoba", "America/Cordoba"),
    ("America/Argentina/Jujuy", "America/Jujuy"),
    ("America/Argentina/Mendoza", "America/Mendoza"),
];

/// The name that CLDR knows a zone by.
fn known(zone: &str) -> &str {
    match zone {
        "UTC" | "Z" => "Etc/UTC",
        _ => OLDER.iter().find(|(new, _)| *new == zone).map_or(zone, |(_, old)| old),
    }
}

/// The metazone of a zone at a UTC time written as CLDR writes it (`2011-03-27 00:00`); the last one without.
fn metazone(zone: &str, when: Option<&str>) -> Option<&'static str> {
    let periods = Root::get().metazones.get(zone)?;
    let fits = |until: &Option<String>| match (until, when) {
        (None, _) => true,
        (Some(until), Some(when)) => when < until.as_str(),
        (Some(_), None) => false,
    };
    periods.iter().find(|(_, until)| fits(until)).map(|(name, _)| name.as_str())
}

/// The name of a zone at a time: its own, or its metazone's.
pub(super) fn name(
    locale: &Locale,
    zone: &str,
    form: Form,
    short: bool,
    when: Option<&str>,
) -> Option<String> {
    let zones = &locale.zones;
    let zone = known(zone);
    let own = zones.own.get(zone).and_then(|forms| pick(forms, form, short));
    let found = own.or_else(|| zones.metazones.get(metazone(zone, when)?).and_then(|f| pick(f, form, short)));
    found.map(str::to_owned)
}

/// What stands for the city where there is none.
pub(super) fn no_city(locale: &Locale) -> String {
    locale.zones.cities.get("Etc/Unknown").cloned().unwrap_or_default()
}

/// The city that a zone is known by.
pub(super) fn city(locale: &Locale, zone: &str) -> String {
    match locale.zones.cities.get(known(zone)) {
        Some(city) => city.clone(),
        None => zone.rsplit('/').next().unwrap_or(zone).replace('_', " "),
    }
}

/// `Moscow Time` for where clocks go as in a country or city.
pub(super) fn region(locale: &Locale, zone: &str) -> String {
    let country = Root::get().country(zone).filter(|(_, whole)| *whole);
    let place = country.and_then(|(code, _)| locale.territories.get(code).cloned());
    fill(&locale.zones.region, &[&place.unwrap_or_else(|| city(locale, zone))])
}

/// `GMT+3`, or `GMT+03:00` if it is long.
pub(super) fn offset(locale: &Locale, seconds: i64, long: bool) -> String {
    let zones = &locale.zones;
    if seconds == 0 {
        return zones.gmt_zero.clone();
    }
    let (plus, minus) = zones.hour.split_once(';').unwrap_or((&zones.hour, "-HH:mm"));
    let pattern = if seconds < 0 { minus } else { plus };
    let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let mut text = if long || minutes > 0 || rest > 0 {
        let hours = if long { format!("{hours:02}") } else { hours.to_string() };
        pattern.replace("HH", &hours).replace("mm", &format!("{minutes:02}"))
    } else {
        let sign: String = pattern.chars().take_while(|c| *c != 'H').collect();
        format!("{sign}{hours}")
    };
    if rest > 0 {
        text.push_str(&format!(":{rest:02}"));
    }
    fill(&zones.gmt, &[&text])
}

/// `Central European Time (Paris)`; `None` for what is no zone.
pub(super) fn display_name(locale: &Locale, zone: &str) -> Option<String> {
    let there = Root::get().metazones.contains_key(known(zone)) || Root::get().country(zone).is_some();
    if !there && zone != "Etc/UTC" {
        return None;
    }
    let generic = name(locale, zone, Form::Generic, false, None);
    let long = generic.or_else(|| name(locale, zone, Form::Standard, false, None));
    if zone == "Etc/UTC" {
        return long;
    }
    let long = match (long, Root::get().country(zone)) {
        (Some(long), _) => long,
        (None, Some((code, _))) => {
            let country = locale.territories.get(code)?;
            return Some(fill(
                &locale.zones.fallback,
                &[&city(locale, zone), &fill(&locale.zones.region, &[country])],
            ));
        }
        (None, None) => region(locale, zone),
    };
    let city = city(locale, zone);
    Some(if city == long { long } else { fill(&locale.zones.fallback, &[&city, &long]) })
}

/// The names of all zones.
pub(super) fn all_names(locale: &Locale) -> BTreeMap<String, String> {
    let zones = Root::get().zones.values().flatten();
    zones.filter_map(|zone| Some((zone.clone(), display_name(locale, zone)?))).collect()
}
