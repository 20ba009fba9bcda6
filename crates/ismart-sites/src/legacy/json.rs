//! JSON as PHP writes it.

use std::fmt::Write as _;

use serde_json::Value;

/// How `json_encode` is asked to write; letters are never escaped.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    /// `JSON_UNESCAPED_SLASHES`.
    pub(super) plain_slashes: bool,
    /// `JSON_PRETTY_PRINT`.
    pub(super) pretty: bool,
}

/// `json_encode($value, JSON_UNESCAPED_UNICODE | …)`.
pub(super) fn encode(value: &Value, style: Style) -> String {
    let mut text = String::new();
    write(value, style, 0, &mut text);
    text
}

fn write(value: &Value, style: Style, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            // A fraction of nothing is left out.
            let text = number.to_string();
            out.push_str(text.strip_suffix(".0").unwrap_or(&text));
        }
        Value::String(text) => string(text, style, out),
        Value::Array(items) => {
            let all = items.iter().map(|item| (None, item));
            entries(all, ('[', ']'), style, depth, out);
        }
        // PHP knows one kind of array: keys 0, 1, 2… make a list of it, and so does no key at all.
        Value::Object(map) if map.keys().enumerate().all(|(at, key)| *key == at.to_string()) => {
            entries(map.values().map(|item| (None, item)), ('[', ']'), style, depth, out);
        }
        Value::Object(map) => {
            entries(map.iter().map(|(key, item)| (Some(key.as_str()), item)), ('{', '}'), style, depth, out);
        }
    }
}

fn entries<'v>(
    all: impl Iterator<Item = (Option<&'v str>, &'v Value)>,
    (open, close): (char, char),
    style: Style,
    depth: usize,
    out: &mut String,
) {
    out.push(open);
    let mut any = false;
    let line = |depth: usize, out: &mut String| {
        if style.pretty {
            out.push('\n');
            out.extend(std::iter::repeat_n("    ", depth));
        }
    };
    for (key, item) in all {
        if any {
            out.push(',');
        }
        any = true;
        line(depth + 1, out);
        if let Some(key) = key {
            string(key, style, out);
            out.push_str(if style.pretty { ": " } else { ":" });
        }
        write(item, style, depth + 1, out);
    }
    if any {
        line(depth, out);
    }
    out.push(close);
}

fn string(text: &str, style: Style, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' if !style.plain_slashes => out.push_str("\\/"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let written = write!(out, "\\u{:04x}", u32::from(c));
                debug_assert!(written.is_ok(), "writing to a string cannot fail");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The expected texts are answers of PHP 8.2.
    #[test]
    fn json_is_that_of_php() {
        let value = json!({"@id": "https://x/#a", "имя": "a\"b\\\n\u{1}\u{2028}", "n": [1, 2.5, 1.0], "e": [], "m": {}, "l": {"0": 1, "1": null}, "b": true});
        assert_eq!(
            encode(&value, Style::default()),
            r##"{"@id":"https:\/\/x\/#a","имя":"a\"b\\\n\u0001\u2028","n":[1,2.5,1],"e":[],"m":[],"l":[1,null],"b":true}"##
        );
        let pretty = Style { plain_slashes: true, pretty: true };
        assert_eq!(
            encode(&json!({"a": ["x/y"], "e": {}}), pretty),
            "{\n    \"a\": [\n        \"x/y\"\n    ],\n    \"e\": []\n}"
        );
    }
}
