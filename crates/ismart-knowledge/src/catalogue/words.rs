//! How texts are made comparable.

use rust_stemmers::{Algorithm, Stemmer};

/// Lower case, ё as е, everything that is no letter or digit as one space.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ё' => out.push('е'),
            c if c.is_alphanumeric() => out.push(c),
            _ if !out.ends_with(' ') && !out.is_empty() => out.push(' '),
            _ => {}
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Folded words without their Russian endings: `Серебристая` and `серебристый` are the same.
pub(super) fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::Russian);
    folded(text).split(' ').filter(|w| !w.is_empty()).map(|w| stemmer.stem(w).into_owned()).collect()
}

/// One Latin spelling for a name in either alphabet, near enough to its sound that `джолион` and `Jolion`
/// come out close to each other.
pub(super) fn sound(text: &str) -> String {
    let mut latin = String::with_capacity(text.len());
    for c in folded(text).chars() {
        latin.push_str(letter_sound(c));
    }
    for (from, to) in [
        ("dj", "j"),
        ("ck", "k"),
        ("ch", "c"),
        ("sh", "s"),
        ("kh", "h"),
        ("ph", "f"),
        ("th", "t"),
        ("oo", "u"),
        ("ou", "u"),
        ("ee", "i"),
        ("ai", "ei"),
        ("ay", "ei"),
        ("x", "ks"),
        ("q", "k"),
        ("w", "v"),
        ("y", "i"),
        ("hi", "i"),
        ("ii", "i"),
    ] {
        latin = latin.replace(from, to);
    }
    let mut out = String::with_capacity(latin.len());
    for c in latin.chars() {
        if !out.ends_with(c) || c.is_ascii_digit() {
            out.push(c);
        }
    }
    out
}

// table: the sound of each letter
fn letter_sound(c: char) -> &'static str {
    match c {
        'а' | 'a' => "a",
        'б' | 'b' => "b",
        'в' | 'v' => "v",
        'г' | 'g' => "g",
        'д' | 'd' => "d",
        'е' | 'э' | 'e' => "e",
        'ж' | 'j' => "j",
        'з' | 'z' => "z",
        'и' | 'й' | 'i' => "i",
        'к' | 'k' => "k",
        'л' | 'l' => "l",
        'м' | 'm' => "m",
        'н' | 'n' => "n",
        'о' | 'o' => "o",
        'п' | 'p' => "p",
        'р' | 'r' => "r",
        'с' | 's' => "s",
        'т' | 't' => "t",
        'у' | 'u' => "u",
        'ф' | 'f' => "f",
        'х' | 'h' => "h",
        'ц' => "c",
        'c' => "c",
        'ч' => "ch",
        'ш' | 'щ' => "sh",
        'ы' | 'y' => "y",
        'ю' => "iu",
        'я' => "ia",
        'q' => "q",
        'w' => "w",
        'x' => "x",
        '0' => "0",
        '1' => "1",
        '2' => "2",
        '3' => "3",
        '4' => "4",
        '5' => "5",
        '6' => "6",
        '7' => "7",
        '8' => "8",
        '9' => "9",
        ' ' => " ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet() {
        assert_eq!(folded("  Чёрный—МЕТАЛЛИК!! "), "черный металлик");
        assert_eq!(stems("Серебристая"), stems("серебристый"));
        assert_eq!(stems("чёрную"), stems("Чёрный"));
        assert_eq!(sound("Джолион"), sound("Jolion"));
        assert_eq!(sound("РАВ4"), "rav4");
    }
}
