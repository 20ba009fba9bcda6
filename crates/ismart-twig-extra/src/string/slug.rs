//! Texts for addresses: letters and digits of ASCII with separators between them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Cyrillic letters as ICU's `Any-Latin` writes them once marks are gone; signs without a sound separate.
const CYRILLIC: &[(char, &str)] = &[
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "e"),
    ('ж', "z"),
    ('з', "z"),
    ('и', "i"),
    ('й', "j"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "h"),
    ('ц', "c"),
    ('ч', "c"),
    ('ш', "s"),
    ('щ', "s"),
    ('ъ', "'"),
    ('ы', "y"),
    ('ь', "'"),
    ('э', "e"),
    ('ю', "u"),
    ('я', "a"),
    ('і', "i"),
    ('ї', "i"),
    ('є', "e"),
    ('ґ', "g"),
    ('ў', "u"),
    ('ө', "o"),
    ('ү', "u"),
    ('қ', "k"),
    ('ң', "n"),
    ('ғ', "g"),
    ('ұ', "u"),
    ('һ', "h"),
    ('ә', "a"),
    ('ђ', "d"),
    ('љ', "l"),
    ('њ', "n"),
    ('ћ', "c"),
    ('џ', "d"),
    ('ѓ', "g"),
    ('ќ', "k"),
    ('ѕ', "z"),
];

/// What languages write otherwise, as BGN romanises them.
const SOUNDS: &[(char, &str)] = &[
    ('ж', "zh"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ю', "yu"),
    ('я', "ya"),
    ('й', "i"),
];
const UKRAINIAN: &[(char, &str)] = &[('г', "h"), ('и', "y"), ('й', "y"), ('є', "ye")];
const BELARUSIAN: &[(char, &str)] = &[('г', "h"), ('щ', "s"), ('й', "j")];
const BULGARIAN: &[(char, &str)] = &[('щ', "sht"), ('ъ', "u")];
const KAZAKH: &[(char, &str)] = &[('қ', "q"), ('ң', "ng"), ('ғ', "gh"), ('ұ', "u"), ('һ', "h"), ('ә', "a")];
const GERMAN: &[(char, &str)] = &[('ä', "ae"), ('ö', "oe"), ('ü', "ue")];

/// Where `е` is `ye`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Soft {
    Nowhere,
    /// At the beginning of a word, after vowels and after signs.
    Opening,
    Everywhere,
}

/// The tables of a locale, the most special first, and where `е` is `ye`.
fn tables(language: &str) -> (Vec<&'static [(char, &'static str)]>, Soft) {
    match language {
        "ru" => (vec![SOUNDS], Soft::Opening),
        "be" => (vec![BELARUSIAN, SOUNDS], Soft::Everywhere),
        "uk" => (vec![UKRAINIAN, SOUNDS], Soft::Nowhere),
        "bg" => (vec![BULGARIAN, SOUNDS], Soft::Nowhere),
        "kk" => (vec![KAZAKH, SOUNDS], Soft::Nowhere),
        "de" => (vec![GERMAN], Soft::Nowhere),
        _ => (Vec::new(), Soft::Nowhere),
    }
}

/// The slug of a text; letters keep their case.
pub(super) fn slug(text: &str, separator: &str, locale: Option<&str>) -> String {
    let locale = locale.unwrap_or("");
    let language = locale.split(['_', '-']).next().unwrap_or("");
    let ascii = ascii(text, language);
    let ascii = if language == "en" { ascii.replace('@', " at ").replace('&', " and ") } else { ascii };
    let words: Vec<&str> =
        ascii.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join(separator)
}

/// The text in letters of ASCII.
pub(super) fn ascii(text: &str, language: &str) -> String {
    let (special, soft) = tables(language);
    let chars: Vec<char> = text.nfc().collect();
    let mut out = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        let lower = c.to_lowercase().next().unwrap_or(c);
        let found = special
            .iter()
            .chain([&CYRILLIC])
            .find_map(|table| table.iter().find(|(letter, _)| *letter == lower).map(|(_, latin)| *latin));
        let before = at.checked_sub(1).and_then(|b| chars.get(b)).copied();
        let found = match found {
            Some(_)
                if matches!(lower, 'е' | 'ё')
                    && (soft == Soft::Everywhere || soft == Soft::Opening && opens(before)) =>
            {
                Some("ye")
            }
            other => other,
        };
        match found {
            Some(latin) if c == lower => out.push_str(latin),
            Some(latin) => {
                let next = chars.get(at + 1).copied();
                out.push_str(&raised(latin, next.is_some_and(char::is_lowercase)));
            }
            None => out.push_str(&fallback(c)),
        }
    }
    out
}

/// Whether `е` after a letter is `ye`: at the beginning of a word, after vowels and after signs.
fn opens(before: Option<char>) -> bool {
    before.is_none_or(|b| !b.is_alphabetic() || "аеёиоуыэюяъь".contains(b.to_lowercase().next().unwrap_or(b)))
}

/// Letters of a large one: all of them large, or only the first before a small letter.
fn raised(latin: &str, small_next: bool) -> String {
    if !small_next {
        return latin.to_ascii_uppercase();
    }
    let mut chars = latin.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// What is left of a letter without its marks, or what is read for a sign of another script.
fn fallback(c: char) -> String {
    let plain: String = std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)).collect();
    if plain.is_ascii() {
        return plain;
    }
    match deunicode::deunicode_char(c) {
        Some(read) => read.trim().to_owned(),
        None => " ".to_owned(),
    }
}
