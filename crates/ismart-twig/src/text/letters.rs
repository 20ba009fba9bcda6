//! Case of letters as PHP's `mb_*` functions map it.

use ecow::EcoString;

/// `mb_strtoupper`: full mapping, letter by letter.
pub(crate) fn upper(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.chars().flat_map(char::to_uppercase).collect()
}

/// `mb_strtolower` of PHP 8.2: no rule for the final sigma.
pub(crate) fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// `mb_convert_case(…, MB_CASE_TITLE)`.
pub(crate) fn title(text: &str) -> EcoString {
    if text.is_ascii() {
        let mut letters = Vec::with_capacity(text.len());
        title_ascii(text.as_bytes(), &mut letters);
        return std::str::from_utf8(&letters).unwrap_or("").into();
    }
    let mut out = EcoString::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            c.to_lowercase().for_each(|c| out.push(c));
        } else {
            push_title(c, &mut out);
        }
        if !is_case_ignorable(c) {
            inside = is_cased(c);
        }
    }
    out
}

/// [`title`] of ASCII, appended.
pub(crate) fn title_ascii(text: &[u8], out: &mut Vec<u8>) {
    let mut inside = false;
    out.extend(text.iter().map(|b| {
        let letter = if inside { b.to_ascii_lowercase() } else { b.to_ascii_uppercase() };
        if !matches!(b, b'\'' | b'.' | b':' | b'^' | b'`') {
            inside = b.is_ascii_alphabetic();
        }
        letter
    }));
}

fn push_title(c: char, out: &mut EcoString) {
    match c {
        'Ǆ'..='ǆ' => out.push('ǅ'),
        'Ǉ'..='ǉ' => out.push('ǈ'),
        'Ǌ'..='ǌ' => out.push('ǋ'),
        'Ǳ'..='ǳ' => out.push('ǲ'),
        // Georgian has no title case.
        'ა'..='ჿ' => out.push(c),
        // Greek letters over an iota have capitals of their own.
        'ᾀ'..='ᾯ' => out.push(char::from_u32(u32::from(c) | 8).unwrap_or(c)),
        'ᾳ' | 'ᾼ' => out.push('ᾼ'),
        'ῃ' | 'ῌ' => out.push('ῌ'),
        'ῳ' | 'ῼ' => out.push('ῼ'),
        _ => {
            let mut letters = c.to_uppercase();
            let first = letters.next();
            first.into_iter().for_each(|c| out.push(c));
            // After a sign, such as the one in `ŉ`, the letter itself is the capital.
            let keeps = first.is_none_or(|f| !is_cased(f));
            for rest in letters {
                if rest == 'Ι' {
                    out.push('\u{345}');
                } else if keeps {
                    out.push(rest)
                } else {
                    rest.to_lowercase().for_each(|c| out.push(c))
                }
            }
        }
    }
}

fn is_cased(c: char) -> bool {
    c.is_lowercase()
        || c.is_uppercase()
        || matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ' | 'ᾈ'..='ᾏ' | 'ᾘ'..='ᾟ' | 'ᾨ'..='ᾯ' | 'ᾼ' | 'ῌ' | 'ῼ')
}

/// Marks and signs within words that do not start a new one.
fn is_case_ignorable(c: char) -> bool {
    super::ignorable::BOUNDS.partition_point(|bound| *bound <= u32::from(c)) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_follow_php() {
        assert_eq!(title("o'neil mcDONALD-smith"), "O'neil Mcdonald-Smith");
        assert_eq!(title("1abc ßtraße"), "1Abc Sstraße");
        assert_eq!(title("привет МИР"), "Привет Мир");
        assert_eq!(upper("straße ﬁ"), "STRASSE FI");
        assert_eq!(lower("ΟΔΟΣ"), "οδοσ");
    }
}
