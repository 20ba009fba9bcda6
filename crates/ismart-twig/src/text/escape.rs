//! The strategies of escaping.

use std::borrow::Cow;

use crate::callable::Strategy;
use crate::env::Engine;
use crate::error::Error;
use crate::value::Value;

/// Appends a value, escaped unless it is markup or no text.
pub(crate) fn write(
    engine: &Engine,
    strategy: &Strategy,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    match value {
        Value::Str(text) if *strategy == Strategy::Html => {
            html(text.as_bytes(), out);
            Ok(())
        }
        Value::Str(text) => write_text(engine, strategy, text.as_bytes(), true, out),
        Value::Bytes(bytes) => write_text(engine, strategy, bytes, false, out),
        Value::Object(object) => {
            let safe = engine.safe_classes.iter().any(|(class, strategies)| {
                class == object.class_name() && strategies.iter().any(|s| s == strategy.name() || s == "all")
            });
            if safe { value.write(out) } else { write(engine, strategy, &value.to_str_value()?, out) }
        }
        _ if matches!(strategy, Strategy::Custom(_)) && !matches!(value, Value::Markup(_)) => {
            custom(engine, strategy)?;
            let text = value.to_text()?;
            write_text(engine, strategy, text.as_bytes(), true, out)
        }
        _ => value.write(out),
    }
}

/// Escapes as the `escape` filter does when a template calls it: markup too.
pub(crate) fn force(engine: &Engine, strategy: &Strategy, value: &Value) -> Result<Value, Error> {
    if let Value::Object(object) = value
        && object.text().is_none()
    {
        // A strategy that nobody knows comes before a value without text.
        custom(engine, strategy)?;
    }
    match value {
        Value::Str(_) | Value::Bytes(_) | Value::Markup(_) | Value::Object(_) => {
            let text = value.to_bytes()?;
            let mut out = Vec::with_capacity(text.len());
            write_text(engine, strategy, &text, value.as_str().is_some(), &mut out)?;
            Ok(Value::bytes(out))
        }
        _ if matches!(strategy, Strategy::Custom(_)) => {
            let mut out = Vec::new();
            write(engine, strategy, value, &mut out)?;
            Ok(Value::bytes(out))
        }
        _ => Ok(value.clone()),
    }
}

/// Appends UTF-8 escaped.
pub(crate) fn text(
    engine: &Engine,
    strategy: &Strategy,
    text: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    write_text(engine, strategy, text, true, out)
}

fn write_text(
    engine: &Engine,
    strategy: &Strategy,
    text: &[u8],
    is_utf8: bool,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    if text.is_empty() {
        return Ok(());
    }
    match strategy {
        Strategy::Html if is_utf8 => html(text, out),
        Strategy::Html => html(substitute(text).as_bytes(), out),
        Strategy::Url => url(text, out),
        Strategy::Js => js(utf8(text)?, out),
        Strategy::Css => css(utf8(text)?, out),
        Strategy::HtmlAttr => html_attr(utf8(text)?, b",.-_", out),
        Strategy::HtmlAttrRelaxed => html_attr(utf8(text)?, b",.-_:@[]", out),
        Strategy::Custom(_) => {
            if let Some(escape) = custom(engine, strategy)? {
                out.extend_from_slice(escape(&String::from_utf8_lossy(text))?.as_bytes());
            }
        }
    }
    Ok(())
}

type Escaper = dyn Fn(&str) -> Result<String, Error> + Send + Sync;

/// The host's escaper of a strategy; an error for a name that nobody registered.
fn custom<'e>(engine: &'e Engine, strategy: &Strategy) -> Result<Option<&'e Escaper>, Error> {
    let Strategy::Custom(name) = strategy else { return Ok(None) };
    if let Some((_, escape)) = engine.escapers.iter().find(|(n, _)| n == name) {
        return Ok(Some(&**escape));
    }
    let mut valid = vec!["html", "js", "url", "css", "html_attr", "html_attr_relaxed"];
    valid.extend(engine.escapers.iter().map(|(n, _)| n.as_str()));
    Err(Error::runtime(format!(
        "Invalid escaping strategy \"{name}\" (valid ones: \"{}\").",
        valid.join("\", \"")
    )))
}

fn utf8(text: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(text)
        .map_err(|_e| Error::runtime("The string to escape is not a valid UTF-8 string."))
}

/// What stands for a byte in HTML; empty for bytes that stay.
const fn html_entity(byte: u8) -> &'static [u8] {
    match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'\'' => b"&#039;",
        _ => b"",
    }
}

/// The entity of a byte, or the byte itself, then zeros, and in the last place the length.
const fn in_html(byte: u8) -> [u8; 8] {
    let entity = html_entity(byte);
    let mut out = [byte, 0, 0, 0, 0, 0, 0, 1];
    let mut at = 0;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "runs when compiling, where an index out of range would not compile"
    )]
    while at < entity.len() {
        out[at] = entity[at];
        at += 1;
        out[7] = at as u8;
    }
    out
}

/// What each byte becomes in HTML.
static HTML: [[u8; 8]; 256] = byte_table!([0; 8], |byte| in_html(byte));

/// Whether HTML escapes a byte.
static HTML_CHANGES: [bool; 256] = byte_table!(false, |byte| is_special(byte));

/// Bytes of a text that are escaped together.
const BLOCK: usize = 32;

const fn is_special(b: u8) -> bool {
    (b == b'&') | (b == b'<') | (b == b'>') | (b == b'"') | (b == b'\'')
}

/// Whether HTML needs no change of a text.
fn is_clean(text: &[u8]) -> bool {
    let any = |found: bool, b: &u8| found | is_special(*b);
    // The last block overlaps the one before, so that no rest is left.
    if let Some(last) = text.last_chunk::<16>() {
        let (blocks, _) = text.as_chunks::<16>();
        return blocks.iter().all(|block| !block.iter().fold(false, any)) && !last.iter().fold(false, any);
    }
    !text.iter().fold(false, |found, b| found | HTML_CHANGES.get(usize::from(*b)).copied().unwrap_or(false))
}

/// `htmlspecialchars` of valid UTF-8: blocks that need nothing are copied whole, others byte by byte
/// without a branch.
pub(crate) fn html(text: &[u8], out: &mut Vec<u8>) {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        if is_clean(block) {
            out.extend_from_slice(block);
        } else {
            html_block(block, out);
        }
    }
    if is_clean(rest) {
        out.extend_from_slice(rest);
    } else {
        html_block(rest, out);
    }
}

/// Escapes at most [`BLOCK`] bytes: each one's eight are written, and the next come after those that count.
fn html_block(block: &[u8], out: &mut Vec<u8>) {
    let mut room = [0; BLOCK * 6 + 8];
    let mut end = 0;
    for b in block {
        let Some(bytes) = HTML.get(usize::from(*b)) else { continue };
        if let Some(place) = room.get_mut(end..end + 8) {
            place.copy_from_slice(bytes);
        }
        end += usize::from(bytes[7]);
    }
    out.extend_from_slice(room.get(..end).unwrap_or(&[]));
}

/// Escapes what stands in the output from a place on.
pub(crate) fn html_from(start: usize, out: &mut Vec<u8>) {
    let Some(tail) = out.get(start..) else { return };
    if !is_clean(tail) {
        let text = tail.to_vec();
        out.truncate(start);
        html(&text, out);
    }
}

/// Invalid UTF-8 replaced as `ENT_SUBSTITUTE` does it.
pub(crate) fn substitute(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                out.push_str(valid);
                return out;
            }
            Err(e) => {
                let (valid, tail) = rest.split_at(e.valid_up_to());
                out.push_str(std::str::from_utf8(valid).unwrap_or(""));
                out.push('\u{fffd}');
                rest = tail.get(broken_length(tail)..).unwrap_or(&[]);
            }
        }
    }
}

/// How many bytes PHP takes for one broken character.
fn broken_length(bytes: &[u8]) -> usize {
    let lead = |at: usize| {
        bytes.get(at).is_some_and(|b| matches!(b, 0..=0x7f | 0xc2..=0xdf | 0xe0..=0xef | 0xf0..=0xf4))
    };
    let wanted = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return 1,
    };
    for at in 1..wanted {
        if at >= bytes.len() || lead(at) {
            return at;
        }
    }
    wanted
}

fn js(text: &str, out: &mut Vec<u8>) {
    let mut hex = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ',' | '.' | '_' => {
                out.extend_from_slice(encoded(c, &mut [0; 4]))
            }
            '\\' => out.extend_from_slice(b"\\\\"),
            '/' => out.extend_from_slice(b"\\/"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ => {
                hex.clear();
                for unit in c.encode_utf16(&mut [0; 2]) {
                    hex.push_str(&format!("\\u{unit:04X}"));
                }
                out.extend_from_slice(hex.as_bytes());
            }
        }
    }
}

fn encoded(c: char, buffer: &mut [u8; 4]) -> &[u8] {
    c.encode_utf8(buffer).as_bytes()
}

fn css(text: &str, out: &mut Vec<u8>) {
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.extend_from_slice(encoded(c, &mut [0; 4]));
        } else {
            out.extend_from_slice(format!("\\{:X} ", u32::from(c)).as_bytes());
        }
    }
}

fn html_attr(text: &str, allowed: &[u8], out: &mut Vec<u8>) {
    for c in text.chars() {
        let code = u32::from(c);
        match c {
            _ if c.is_ascii_alphanumeric() => out.extend_from_slice(encoded(c, &mut [0; 4])),
            _ if c.is_ascii() && u8::try_from(code).is_ok_and(|b| allowed.contains(&b)) => {
                out.extend_from_slice(encoded(c, &mut [0; 4]));
            }
            '"' => out.extend_from_slice(b"&quot;"),
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '\t' | '\n' | '\r' => out.extend_from_slice(format!("&#x{code:02X};").as_bytes()),
            '\0'..='\u{1f}' | '\u{7f}' => out.extend_from_slice(b"&#xFFFD;"),
            _ if c.is_ascii() => out.extend_from_slice(format!("&#x{code:02X};").as_bytes()),
            _ => out.extend_from_slice(format!("&#x{code:04X};").as_bytes()),
        }
    }
}

/// `rawurlencode`.
pub(crate) fn url(text: &[u8], out: &mut Vec<u8>) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |n: u8| DIGITS.get(usize::from(n & 15)).copied().unwrap_or(b'0');
    for b in text {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') {
            out.push(*b);
        } else {
            out.extend_from_slice(&[b'%', digit(b >> 4), digit(*b)]);
        }
    }
}

/// `rawurlencode` of bytes as a string.
pub(crate) fn url_text(text: &[u8]) -> Cow<'static, str> {
    let mut out = Vec::new();
    url(text, &mut out);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bytes_are_replaced_as_php_does() {
        assert_eq!(substitute(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(substitute(b"a\xe2\x82z"), "a\u{fffd}z");
        assert_eq!(substitute(b"\xf0\x9f"), "\u{fffd}");
    }

    #[test]
    fn html_escapes_the_five() {
        let mut out = Vec::new();
        html("<a href='x'>\"&\" é".as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "&lt;a href=&#039;x&#039;&gt;&quot;&amp;&quot; é");
    }
}
