//! Conversion between character encodings, as `iconv` does it: all or nothing.

use encoding_rs::Encoding;

/// How characters become bytes.
enum Form {
    Utf8,
    /// One byte for each character below a bound.
    Low(u32),
    Utf16 {
        big: bool,
        mark: bool,
    },
    Utf32 {
        big: bool,
        mark: bool,
    },
    Table(&'static Encoding),
}

/// What happens to a character that the target lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lack {
    Fail,
    Ignore,
    Substitute,
}

fn form(name: &str) -> Option<Form> {
    let upper = name.to_ascii_uppercase();
    Some(match upper.as_str() {
        "UTF-8" | "UTF8" => Form::Utf8,
        "ISO-8859-1" | "ISO8859-1" | "ISO_8859-1" | "LATIN1" | "L1" => Form::Low(0x100),
        "ASCII" | "US-ASCII" | "ANSI_X3.4-1968" => Form::Low(0x80),
        "UTF-16" | "UTF16" => Form::Utf16 { big: false, mark: true },
        "UTF-16LE" | "UCS-2LE" => Form::Utf16 { big: false, mark: false },
        "UTF-16BE" | "UCS-2BE" => Form::Utf16 { big: true, mark: false },
        "UTF-32" | "UTF32" => Form::Utf32 { big: false, mark: true },
        "UTF-32LE" | "UCS-4LE" => Form::Utf32 { big: false, mark: false },
        "UTF-32BE" | "UCS-4BE" | "UCS-4" => Form::Utf32 { big: true, mark: false },
        other => Form::Table(Encoding::for_label(other.as_bytes())?),
    })
}

/// The bytes of a text in another encoding; `None` where an encoding is unknown or a character has no form.
pub(crate) fn convert(bytes: &[u8], to: &str, from: &str) -> Option<Vec<u8>> {
    let (name, lack) = match to.split_once("//") {
        Some((name, mode)) if mode.to_ascii_uppercase().contains("TRANSLIT") => (name, Lack::Substitute),
        Some((name, _)) => (name, Lack::Ignore),
        None => (to, Lack::Fail),
    };
    let from = form(from.split("//").next().unwrap_or(""))?;
    let to = form(name)?;
    encode(&decode(bytes, &from)?, &to, lack)
}

fn decode(bytes: &[u8], form: &Form) -> Option<String> {
    match form {
        Form::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Form::Low(bound) => bytes.iter().map(|b| (u32::from(*b) < *bound).then(|| char::from(*b))).collect(),
        Form::Utf16 { big, mark } => {
            let (bytes, big) = unmarked(bytes, &[0xff, 0xfe], &[0xfe, 0xff], *big, *mark);
            let (units, rest) = bytes.as_chunks::<2>();
            let units =
                units.iter().map(|u| if big { u16::from_be_bytes(*u) } else { u16::from_le_bytes(*u) });
            rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
        }
        Form::Utf32 { big, mark } => {
            let (bytes, big) = unmarked(bytes, &[0xff, 0xfe, 0, 0], &[0, 0, 0xfe, 0xff], *big, *mark);
            let (units, rest) = bytes.as_chunks::<4>();
            let units =
                units.iter().map(|u| if big { u32::from_be_bytes(*u) } else { u32::from_le_bytes(*u) });
            rest.is_empty().then(|| units.map(char::from_u32).collect())?
        }
        Form::Table(table) => {
            let text = table.decode_without_bom_handling_and_without_replacement(bytes)?;
            // `iconv` knows no character at the holes of the Windows tables.
            let hole = table.name().starts_with("windows-")
                && text.chars().any(|c| matches!(c, '\u{80}'..='\u{9f}'));
            (!hole).then(|| text.into_owned())
        }
    }
}

/// The bytes after a byte order mark, and the order it tells.
fn unmarked<'b>(bytes: &'b [u8], little: &[u8], big: &[u8], default: bool, read: bool) -> (&'b [u8], bool) {
    if read && let Some(rest) = bytes.strip_prefix(little) {
        return (rest, false);
    }
    if read && let Some(rest) = bytes.strip_prefix(big) {
        return (rest, true);
    }
    (bytes, default)
}

fn encode(text: &str, form: &Form, lack: Lack) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    if text.is_empty() {
        return Some(out);
    }
    match form {
        // Some tables switch between sets of characters, so a text is encoded as a whole where it can be.
        Form::Table(table) => {
            let (bytes, _, lost) = table.encode(text);
            if !lost {
                return Some(bytes.into_owned());
            }
        }
        Form::Utf16 { mark: true, .. } => out.extend_from_slice(&[0xff, 0xfe]),
        Form::Utf32 { mark: true, .. } => out.extend_from_slice(&[0xff, 0xfe, 0, 0]),
        _ => {}
    }
    for c in text.chars() {
        if character(c, form, &mut out).is_none() {
            match lack {
                Lack::Fail => return None,
                Lack::Ignore => {}
                Lack::Substitute => out.push(b'?'),
            }
        }
    }
    Some(out)
}

fn character(c: char, form: &Form, out: &mut Vec<u8>) -> Option<()> {
    match form {
        Form::Utf8 => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Form::Low(bound) => {
            let code = u32::from(c);
            out.push(u8::try_from(code).ok().filter(|_| code < *bound)?);
        }
        Form::Utf16 { big, .. } => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(&if *big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            }
        }
        Form::Utf32 { big, .. } => {
            let code = u32::from(c);
            out.extend_from_slice(&if *big { code.to_be_bytes() } else { code.to_le_bytes() });
        }
        Form::Table(table) => {
            let mut letter = [0; 4];
            let (bytes, _, lost) = table.encode(c.encode_utf8(&mut letter));
            if lost {
                return None;
            }
            out.extend_from_slice(&bytes);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_change_their_bytes() {
        assert_eq!(convert("Я".as_bytes(), "windows-1251", "UTF-8").unwrap(), [0xdf]);
        assert_eq!(convert(&[0xdf], "UTF-8", "CP1251").unwrap(), "Я".as_bytes());
        assert_eq!(convert(&[0x9f, 0xe9], "UTF-8", "ISO-8859-1").unwrap(), "\u{9f}é".as_bytes());
        assert_eq!(convert(b"a", "UTF-16", "UTF-8").unwrap(), [0xff, 0xfe, b'a', 0]);
        assert_eq!(convert("😀".as_bytes(), "UTF-16BE", "UTF-8").unwrap(), [0xd8, 0x3d, 0xde, 0x00]);
        assert_eq!(convert(&[0, 1, 0xf6, 0], "UTF-8", "UTF-32BE").unwrap(), "😀".as_bytes());
    }

    #[test]
    fn what_has_no_form_fails_the_whole() {
        assert_eq!(convert("Я".as_bytes(), "ISO-8859-1", "UTF-8"), None);
        assert_eq!(convert("aЯ".as_bytes(), "ASCII//TRANSLIT", "UTF-8").unwrap(), b"a?");
        assert_eq!(convert("aЯ".as_bytes(), "ASCII//IGNORE", "UTF-8").unwrap(), b"a");
        assert_eq!(convert(&[0xff], "UTF-16", "UTF-8"), None);
        assert_eq!(convert(b"a", "nope", "UTF-8"), None);
    }
}
