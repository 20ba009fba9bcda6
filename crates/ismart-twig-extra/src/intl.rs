//! The package `intl`: names of countries, currencies, languages, scripts, locales and time zones, and formats of
//! numbers, dates and lists, from the tables of CLDR 48 in `data`.
//!
//! Locales: be, de, en, en_GB, es, fr, kk, ru, uk. One that is not there falls back to its language
//! (`ru_RU` to `ru`, `de-AT` to `de`).

mod data;
mod date;
mod names;
mod number;
mod zone;

use std::sync::Arc;

use ismart_twig::{Call, Callable, Environment, Error, Value};

pub(crate) use data::{Locale, Root};

/// The locales that the tables hold.
pub const LOCALES: [&str; 9] = ["be", "de", "en", "en_GB", "es", "fr", "kk", "ru", "uk"];

/// What gives a locale's name of a code.
type Found = fn(&Locale, &str) -> Option<String>;

/// Adds the package, with the locale that is meant where a template names none.
pub fn register(env: &mut Environment, locale: &str) {
    let home: Arc<str> = locale.into();
    let add = |env: &mut Environment, callable: Callable, params: &[&str]| env.add(callable.params(params));
    let named: [(&str, Found); 6] = [
        ("country_name", |l, code| l.territories.get(code).cloned()),
        ("currency_name", |l, code| l.currencies.get(code).map(|(name, _)| name.clone())),
        ("currency_symbol", |l, code| l.currencies.get(code).map(|(_, symbol)| symbol.clone())),
        ("language_name", |l, code| l.languages.get(code).cloned()),
        ("locale_name", names::locale_name),
        ("timezone_name", zone::display_name),
    ];
    for (name, find) in named {
        let home = home.clone();
        let filter = Callable::filter(name, move |call| {
            let code = call.text(0)?;
            // What a language has no name for is named in English.
            let found = find_locale(call, 1, &home).and_then(|locale| find(locale, &code));
            let found = found.or_else(|| find(Locale::find("en")?, &code));
            Ok(found.map_or_else(|| Value::Str(code), Value::from))
        });
        add(env, filter, &["locale?"]);
    }
    let lists: [(&str, names::Listed); 6] = [
        ("country_names", |l| l.territories.clone()),
        ("currency_names", |l| l.currencies.iter().map(|(c, (n, _))| (c.clone(), n.clone())).collect()),
        ("language_names", |l| l.languages.clone()),
        ("locale_names", names::locales),
        ("script_names", |l| l.scripts.clone()),
        ("timezone_names", zone::all_names),
    ];
    for (name, all) in lists {
        let home = home.clone();
        let function =
            Callable::function(name, move |call| Ok(names::sorted(find_locale(call, 0, &home), all)));
        add(env, function, &["locale?"]);
    }
    env.add(
        Callable::function("country_timezones", |call| {
            let zones = Root::get().zones.get(&*call.text(0)?);
            Ok(Value::list(zones.into_iter().flatten().map(|zone| Value::from(zone.as_str()))))
        })
        .params(&["country"]),
    );
    formats(env, &home);
}

fn formats(env: &mut Environment, home: &Arc<str>) {
    let at = |format: fn(&Call<'_>, &str) -> Result<String, Error>| {
        let home = home.clone();
        move |call: &Call<'_>| format(call, &home).map(Value::from)
    };
    env.add(
        Callable::filter("format_currency", at(number::format_currency))
            .params(&["currency", "attrs?", "locale?"]),
    );
    env.add(
        Callable::filter("format_number", at(|call, home| number::format_number(call, 1, None, home)))
            .params(&["attrs?", "style?", "type?", "locale?"]),
    );
    env.add(
        Callable::filter(
            "format_*_number",
            at(|call, home| {
                let style = call.captures().first().map(|s| s.to_string());
                number::format_number(call, 1, style, home)
            }),
        )
        .params(&["attrs?", "type?", "locale?"]),
    );
    env.add(
        Callable::filter("format_datetime", at(|call, home| date::format(call, home, Some(1), Some(2), 3)))
            .params(&["date_format?", "time_format?", "pattern?", "timezone?", "calendar?", "locale?"]),
    );
    env.add(
        Callable::filter("format_date", at(|call, home| date::format(call, home, Some(1), None, 2)))
            .params(&["date_format?", "pattern?", "timezone?", "calendar?", "locale?"]),
    );
    env.add(
        Callable::filter("format_time", at(|call, home| date::format(call, home, None, Some(1), 2)))
            .params(&["time_format?", "pattern?", "timezone?", "calendar?", "locale?"]),
    );
    env.add(Callable::filter("format_list", at(names::format_list)).params(&["type?", "locale?"]));
}

/// The locale that an argument names, or the environment's.
fn find_locale(call: &Call<'_>, at: usize, home: &str) -> Option<&'static Locale> {
    match call.arg(at) {
        Value::Null => Locale::find(home),
        given => Locale::find(&given.to_text().ok()?),
    }
}

/// As [`find_locale`], with an error for a locale without tables.
fn need_locale(call: &Call<'_>, at: usize, home: &str) -> Result<&'static Locale, Error> {
    find_locale(call, at, home).ok_or_else(|| {
        let name = match call.arg(at) {
            Value::Null => home.to_owned(),
            given => given.to_string(),
        };
        Error::runtime(format!(
            "The locale \"{name}\" has no formats, known locales are: \"{}\".",
            LOCALES.join("\", \"")
        ))
    })
}

/// An error about a name that is none of a list.
fn unknown(what: &str, name: &str, kind: &str, known: &[&str]) -> Error {
    Error::runtime(format!(
        "The {what} \"{name}\" does not exist, known {kind} are: \"{}\".",
        known.join("\", \"")
    ))
}
