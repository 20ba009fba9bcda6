//! `json_encode` with PHP's flags.

use crate::value::{Array, KeyRef, Number, Value, float_repr, parse_numeric};

/// PHP's flags.
pub(crate) mod flag {
    pub(crate) const HEX_TAG: i64 = 1;
    pub(crate) const HEX_AMP: i64 = 2;
    pub(crate) const HEX_APOS: i64 = 4;
    pub(crate) const HEX_QUOT: i64 = 8;
    pub(crate) const FORCE_OBJECT: i64 = 16;
    pub(crate) const NUMERIC_CHECK: i64 = 32;
    pub(crate) const UNESCAPED_SLASHES: i64 = 64;
    pub(crate) const PRETTY_PRINT: i64 = 128;
    pub(crate) const UNESCAPED_UNICODE: i64 = 256;
    pub(crate) const PARTIAL_OUTPUT: i64 = 512;
    pub(crate) const PRESERVE_ZERO_FRACTION: i64 = 1024;
    pub(crate) const UNESCAPED_LINE_TERMINATORS: i64 = 2048;
    pub(crate) const INVALID_UTF8_IGNORE: i64 = 1_048_576;
    pub(crate) const INVALID_UTF8_SUBSTITUTE: i64 = 2_097_152;
    pub(crate) const THROW_ON_ERROR: i64 = 4_194_304;
}

struct Encoder {
    flags: i64,
    max_depth: i64,
    depth: i64,
    out: String,
    failed: Option<&'static str>,
    /// Bytes after which nothing more is written: the caller refuses what is longer.
    most: usize,
}

const DEPTH: &str = "Maximum stack depth exceeded";
const NO_NUMBER: &str = "Inf and NaN cannot be JSON encoded";
const MALFORMED: &str = "Malformed UTF-8 characters, possibly incorrectly encoded";

/// The JSON text of a value; the error is what PHP says where it gives `false`.
pub(crate) fn encode(value: &Value, flags: i64, max_depth: i64, most: usize) -> Result<String, &'static str> {
    let mut encoder = Encoder { flags, max_depth, depth: 0, out: String::new(), failed: None, most };
    encoder.value(value);
    match encoder.failed {
        Some(why) if !encoder.has(flag::PARTIAL_OUTPUT) => Err(why),
        _ => Ok(encoder.out),
    }
}

impl Encoder {
    fn has(&self, flag: i64) -> bool {
        self.flags & flag != 0
    }

    fn fail(&mut self, why: &'static str, instead: &str) {
        self.failed.get_or_insert(why);
        self.out.push_str(instead);
    }

    fn value(&mut self, value: &Value) {
        if self.out.len() > self.most {
            return;
        }
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(n) => self.out.push_str(itoa::Buffer::new().format(*n)),
            Value::Float(f) => self.float(*f),
            Value::Str(s) | Value::Markup(s) => self.string(s),
            Value::Bytes(b) => self.bytes(b),
            Value::Array(a) => {
                if a.is_list() && !self.has(flag::FORCE_OBJECT) {
                    self.list(a);
                } else {
                    self.map(a);
                }
            }
            Value::Date(_) | Value::Interval(_) | Value::Zone(_) => self.map(&crate::date::properties(value)),
            Value::Object(o) => self.map(&o.properties()),
            Value::Closure(_) | Value::Template(_) => self.out.push_str("{}"),
        }
    }

    fn float(&mut self, f: f64) {
        if !f.is_finite() {
            self.fail(NO_NUMBER, "0");
            return;
        }
        let text = float_repr(f, 'e');
        self.out.push_str(&text);
        if self.has(flag::PRESERVE_ZERO_FRACTION) && !text.contains(['.', 'e']) {
            self.out.push_str(".0");
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.has(flag::INVALID_UTF8_SUBSTITUTE) {
            let text = super::escape::substitute(bytes);
            self.string(&text);
        } else if self.has(flag::INVALID_UTF8_IGNORE) {
            let text: String = bytes.utf8_chunks().map(|c| c.valid().to_owned()).collect();
            self.string(&text);
        } else {
            self.fail(MALFORMED, "null");
        }
    }

    fn string(&mut self, text: &str) {
        if self.has(flag::NUMERIC_CHECK)
            && let Some(number) = parse_numeric(text.as_bytes())
        {
            match number {
                Number::Int(n) => self.out.push_str(itoa::Buffer::new().format(n)),
                Number::Float(f) => self.float(f),
            }
            return;
        }
        self.out.push('"');
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            if (c.is_ascii_alphanumeric() || c == ' ') || self.is_plain(c) {
                continue;
            }
            self.out.push_str(text.get(plain..at).unwrap_or(""));
            plain = at + c.len_utf8();
            match c {
                '"' if self.has(flag::HEX_QUOT) => self.out.push_str("\\u0022"),
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '/' => self.out.push_str("\\/"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '<' => self.out.push_str("\\u003C"),
                '>' => self.out.push_str("\\u003E"),
                '&' => self.out.push_str("\\u0026"),
                '\'' => self.out.push_str("\\u0027"),
                _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.unit(*unit)),
            }
        }
        self.out.push_str(text.get(plain..).unwrap_or(""));
        self.out.push('"');
    }

    /// Whether a character stands in a text as it is.
    fn is_plain(&self, c: char) -> bool {
        match c {
            '"' | '\\' | '\0'..='\u{1f}' => false,
            '/' => self.has(flag::UNESCAPED_SLASHES),
            '<' | '>' => !self.has(flag::HEX_TAG),
            '&' => !self.has(flag::HEX_AMP),
            '\'' => !self.has(flag::HEX_APOS),
            '\u{2028}' | '\u{2029}' => {
                self.has(flag::UNESCAPED_UNICODE) && self.has(flag::UNESCAPED_LINE_TERMINATORS)
            }
            _ => c.is_ascii() || self.has(flag::UNESCAPED_UNICODE),
        }
    }

    /// A unit of UTF-16 by its number.
    fn unit(&mut self, unit: u16) {
        self.out.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            self.out.push(char::from_digit(u32::from(unit >> shift & 15), 16).unwrap_or('0'));
        }
    }

    fn break_line(&mut self) {
        if self.has(flag::PRETTY_PRINT) {
            self.out.push('\n');
            for _ in 0..self.depth {
                self.out.push_str("    ");
            }
        }
    }

    fn enter(&mut self, open: char) {
        self.out.push(open);
        self.depth += 1;
        if self.depth > self.max_depth {
            self.failed.get_or_insert(DEPTH);
        }
    }

    fn leave(&mut self, close: char, empty: bool) {
        self.depth -= 1;
        if !empty {
            self.break_line();
        }
        self.out.push(close);
    }

    fn list(&mut self, array: &Array) {
        self.enter('[');
        if self.depth > self.max_depth && !self.has(flag::PARTIAL_OUTPUT) {
            return;
        }
        for (at, value) in array.values().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.break_line();
            self.value(value);
        }
        self.leave(']', array.is_empty());
    }

    fn map(&mut self, array: &Array) {
        self.enter('{');
        if self.depth > self.max_depth && !self.has(flag::PARTIAL_OUTPUT) {
            return;
        }
        for (at, (key, value)) in array.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.break_line();
            match key {
                KeyRef::Int(n) => {
                    self.out.push('"');
                    self.out.push_str(itoa::Buffer::new().format(n));
                    self.out.push('"');
                }
                KeyRef::Str(s) => {
                    let before = self.flags;
                    self.flags &= !flag::NUMERIC_CHECK;
                    self.string(s);
                    self.flags = before;
                }
            }
            self.out.push(':');
            if self.has(flag::PRETTY_PRINT) {
                self.out.push(' ');
            }
            self.value(value);
        }
        self.leave('}', array.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_change_the_form() {
        let v = Value::map([("a/b", Value::from("é<")), ("n", Value::Float(10.0))]);
        assert_eq!(encode(&v, 0, 512, 999).unwrap(), r#"{"a\/b":"\u00e9<","n":10}"#);
        assert_eq!(
            encode(&v, flag::PRETTY_PRINT | flag::UNESCAPED_UNICODE | flag::UNESCAPED_SLASHES, 512, 999)
                .unwrap(),
            "{\n    \"a/b\": \"é<\",\n    \"n\": 10\n}"
        );
        assert_eq!(
            encode(&v, flag::HEX_TAG | flag::PRESERVE_ZERO_FRACTION, 512, 999).unwrap(),
            r#"{"a\/b":"\u00e9\u003C","n":10.0}"#
        );
        assert_eq!(encode(&Value::Float(f64::NAN), 0, 512, 999), Err("Inf and NaN cannot be JSON encoded"));
        assert_eq!(encode(&v, 0, 0, 999), Err("Maximum stack depth exceeded"));
    }
}
