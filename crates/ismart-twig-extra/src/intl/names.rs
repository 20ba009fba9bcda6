//! Names of locales, and lists of names.

use std::collections::BTreeMap;

use ismart_twig::{Array, Call, Error, Key, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Locale, need_locale, unknown};

/// What gives a locale's names of one kind.
pub(super) type Listed = fn(&Locale) -> BTreeMap<String, String>;

/// Languages with the countries, or scripts and countries, that their locales are listed with.
const LISTED: &[(&str, &[&str])] = &[
    ("be", &["BY"]),
    ("de", &["AT", "BE", "CH", "DE", "IT", "LI", "LU"]),
    ("en", &["AU", "CA", "GB", "IE", "IN", "NZ", "US", "ZA"]),
    ("es", &["AR", "CL", "CO", "ES", "MX", "PE", "US"]),
    ("fr", &["BE", "CA", "CH", "FR", "LU"]),
    ("it", &["CH", "IT"]),
    ("ja", &["JP"]),
    ("kk", &["KZ"]),
    ("ko", &["KR"]),
    ("ky", &["KG"]),
    ("pl", &["PL"]),
    ("pt", &["BR", "PT"]),
    ("ro", &["MD", "RO"]),
    ("ru", &["BY", "KG", "KZ", "MD", "RU", "UA"]),
    ("tr", &["TR"]),
    ("tt", &["RU"]),
    ("uk", &["UA"]),
    ("uz", &["UZ"]),
    ("zh", &["CN", "HK", "Hans_CN", "Hant_TW", "SG", "TW"]),
];

/// `French (France)` for `fr_FR`; `None` for what is no locale.
pub(super) fn locale_name(locale: &Locale, name: &str) -> Option<String> {
    let mut parts = name.split(['_', '-']);
    let language = parts.next()?;
    let base = locale.languages.get(language)?;
    let mut more = Vec::new();
    for part in parts {
        let known = match part.len() {
            4 => locale.scripts.get(part),
            2 => locale.territories.get(part),
            _ => None,
        };
        more.push(known?.as_str());
    }
    if more.is_empty() {
        return Some(base.clone());
    }
    let (pattern, separator) = &locale.locale;
    let mut inner = String::new();
    for part in more {
        inner = if inner.is_empty() { part.to_owned() } else { fill(separator, &[&inner, part]) };
    }
    Some(fill(pattern, &[base, &inner]))
}

/// The usual locales with their names.
pub(super) fn locales(locale: &Locale) -> BTreeMap<String, String> {
    let codes = LISTED.iter().flat_map(|(language, places)| {
        std::iter::once((*language).to_owned())
            .chain(places.iter().map(move |place| format!("{language}_{place}")))
    });
    codes.filter_map(|code| Some((code.clone(), locale_name(locale, &code)?))).collect()
}

/// A pattern with its places filled.
pub(super) fn fill(pattern: &str, values: &[&str]) -> String {
    let mut out = pattern.to_owned();
    for (at, value) in values.iter().enumerate() {
        out = out.replace(&format!("{{{at}}}"), value);
    }
    out
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..='\u{52f}').contains(&c)
}

/// Letters that have a place in their alphabets other than in Unicode: after which one they come.
const AFTER: &[(char, &str)] = &[
    ('ґ', "г1"),
    ('є', "е1"),
    ('і', "и1"),
    ('ғ', "г2"),
    ('қ', "к1"),
    ('ң', "н1"),
    ('ө', "о1"),
    ('ұ', "у1"),
    ('ү', "у2"),
    ('һ', "х1"),
    ('ә', "а1"),
    ('ß', "ss"),
    ('ø', "o"),
    ('æ', "ae"),
    ('ı', "i"),
    ('ł', "l"),
];

/// A text as it is sorted: without case and marks, spaces before signs before letters.
fn letters(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match AFTER.iter().find(|(letter, _)| *letter == c) {
            Some((_, place)) => key.push_str(place),
            None if c.is_whitespace() => key.push('\u{1}'),
            None if c.is_alphanumeric() => key.push(c),
            None => key.push('\u{2}'),
        }
    }
    key
}

/// Names by code in the order of the alphabet, whatever their case and marks; English ones where a language has
/// none.
pub(super) fn sorted(locale: Option<&Locale>, all: Listed) -> Value {
    let mut names = Locale::find("en").map(all).unwrap_or_default();
    names.extend(locale.map(all).unwrap_or_default());
    let mut names: Vec<(String, String)> = names.into_iter().collect();
    let cyrillic = locale.is_some_and(|l| l.languages.get("ru").is_some_and(|n| n.starts_with(is_cyrillic)));
    names.sort_by_cached_key(|(code, name)| {
        (cyrillic && !name.starts_with(is_cyrillic), letters(name), code.clone())
    });
    let all: Array =
        names.into_iter().map(|(code, name)| (Key::from_string(&code), Value::from(name))).collect();
    all.into()
}

/// Texts as one: `a, b and c`.
pub(super) fn format_list(call: &Call<'_>, home: &str) -> Result<String, Error> {
    let locale = need_locale(call, 2, home)?;
    let kind = match call.arg(1) {
        Value::Null => "and".into(),
        kind => kind.to_text()?,
    };
    let Some([two, start, middle, end]) = locale.lists.get(&*kind) else {
        return Err(unknown("list type", &kind, "types", &["and", "or", "unit"]));
    };
    let Value::Array(items) = call.arg(0) else {
        return Err(Error::runtime(format!(
            "The \"format_list\" filter expects a sequence or a mapping, got \"{}\".",
            call.arg(0).type_name()
        )));
    };
    let items =
        items.values().map(|v| Ok(v.to_text()?.to_string())).collect::<Result<Vec<String>, Error>>()?;
    Ok(match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [a, b] => fill(two, &[a, b]),
        [first, between @ .., last] => {
            let mut out = last.clone();
            for (at, item) in between.iter().rev().enumerate() {
                out = fill(if at == 0 { end } else { middle }, &[item, &out]);
            }
            fill(start, &[first, &out])
        }
    })
}
