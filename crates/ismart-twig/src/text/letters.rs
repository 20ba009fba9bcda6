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
        _ => {
            let mut letters = c.to_uppercase();
            let first = letters.next();
            first.into_iter().for_each(|c| out.push(c));
            // After a sign, such as the one in `ŉ`, the letter itself is the capital.
            let keeps = first.is_none_or(|f| !is_cased(f));
            for rest in letters {
                if keeps { out.push(rest) } else { rest.to_lowercase().for_each(|c| out.push(c)) }
            }
        }
    }
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ')
}

/// Marks and signs within words that do not start a new one.
fn is_case_ignorable(c: char) -> bool {
    matches!(
        u32::from(c),
        0x27 | 0x2e | 0x3a | 0x5e | 0x60 | 0xa8 | 0xad | 0xaf | 0xb4 | 0xb7 | 0xb8
            | 0x2b0..=0x36f
            | 0x374 | 0x375 | 0x37a | 0x384 | 0x385 | 0x387
            | 0x483..=0x489
            | 0x559 | 0x55f
            | 0x591..=0x5bd | 0x5bf | 0x5c1 | 0x5c2 | 0x5c4 | 0x5c5 | 0x5c7 | 0x5f4
            | 0x600..=0x605 | 0x610..=0x61a | 0x61c | 0x640 | 0x64b..=0x65f | 0x670
            | 0x6d6..=0x6dd | 0x6df..=0x6e8 | 0x6ea..=0x6ed
            | 0x1ab0..=0x1aff | 0x1d2c..=0x1d6a | 0x1d78 | 0x1d9b..=0x1dff
            | 0x1fbd | 0x1fbf..=0x1fc1 | 0x1fcd..=0x1fcf | 0x1fdd..=0x1fdf | 0x1fed..=0x1fef | 0x1ffd | 0x1ffe
            | 0x200b..=0x200f | 0x2018 | 0x2019 | 0x2024 | 0x2027 | 0x202a..=0x202e | 0x2060..=0x2064 | 0x2066..=0x206f
            | 0x2071 | 0x207f | 0x2090..=0x209c | 0x20d0..=0x20f0
            | 0xa670..=0xa672 | 0xa674..=0xa67d | 0xa67f | 0xa69c..=0xa69f | 0xa700..=0xa721
            | 0xfe00..=0xfe0f | 0xfe13 | 0xfe20..=0xfe2f | 0xfe52 | 0xfe55 | 0xfeff
            | 0xff07 | 0xff0e | 0xff1a | 0xff3e | 0xff40 | 0xff70 | 0xff9e | 0xff9f | 0xffe3 | 0xfff9..=0xfffb
            | 0x1f3fb..=0x1f3ff | 0xe0001 | 0xe0020..=0xe007f | 0xe0100..=0xe01ef
    )
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
