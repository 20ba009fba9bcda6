//! Parameters of a call: query, JSON body and PHP-nested form (`fields[PHONE][0][VALUE]=…`).

use serde_json::{Map, Value};

/// Deeper keys than this are cut off, as PHP's `max_input_nesting_level` does.
const MAX_DEPTH: usize = 64;

/// Decodes a query string or form body the way PHP's `parse_str` does.
pub(crate) fn parse_php(input: &str) -> Map<String, Value> {
    let mut root = Map::new();
    for pair in input.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = percent_decode(key);
        let path = split_key(&key);
        if let Some((first, rest)) = path.split_first() {
            let slot = root.entry(first.clone()).or_insert(Value::Null);
            insert(slot, rest, Value::String(percent_decode(value)));
        }
    }
    root.into_iter().map(|(key, value)| (key, tidy_lists(value))).collect()
}

/// `a[b][]` → `["a", "b", ""]`.
fn split_key(key: &str) -> Vec<String> {
    let Some((head, tail)) = key.split_once('[') else {
        return if key.is_empty() { Vec::new() } else { vec![key.to_owned()] };
    };
    if head.is_empty() {
        return vec![key.to_owned()];
    }
    let mut path = vec![head.to_owned()];
    let mut rest = tail;
    while path.len() < MAX_DEPTH {
        let Some((inner, after)) = rest.split_once(']') else { break };
        path.push(inner.to_owned());
        match after.strip_prefix('[') {
            Some(next) => rest = next,
            None => break,
        }
    }
    path
}

fn insert(slot: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *slot = value;
        return;
    };
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(map) = slot {
        let key = if first.is_empty() { next_index(map) } else { first.clone() };
        insert(map.entry(key).or_insert(Value::Null), rest, value);
    }
}

fn next_index(map: &Map<String, Value>) -> String {
    let highest = map.keys().filter_map(|key| key.parse::<u64>().ok()).max();
    highest.map_or(0, |n| n.saturating_add(1)).to_string()
}

/// A map whose keys are 0, 1, 2 … is a list, as it would be in PHP's JSON.
fn tidy_lists(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let entries: Vec<(String, Value)> =
                map.into_iter().map(|(key, value)| (key, tidy_lists(value))).collect();
            if entries.is_empty() { Value::Object(Map::new()) } else { php_map(entries) }
        }
        other => other,
    }
}

/// Writes an ordered map as PHP's `json_encode` does: consecutive keys from 0 make a list, and
/// nothing at all makes `[]`.
pub(crate) fn php_map(entries: Vec<(String, Value)>) -> Value {
    let is_list = entries.iter().enumerate().all(|(index, (key, _))| *key == index.to_string());
    if is_list {
        Value::Array(entries.into_iter().map(|(_, value)| value).collect())
    } else {
        Value::Object(entries.into_iter().collect())
    }
}

/// `%2B` and `+` decoded; bytes that are no UTF-8 become U+FFFD.
fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let rest = bytes.clone();
                let digits: Vec<u8> = rest.take(2).collect();
                match std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    Some(decoded) if digits.len() == 2 => {
                        out.push(decoded);
                        bytes.nth(1);
                    }
                    _ => out.push(b'%'),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Text with everything but letters, digits and `-_.~` written as `%2B`.
pub(crate) fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let written = write!(out, "%{byte:02X}");
            // Writing to a string cannot fail.
            debug_assert!(written.is_ok());
        }
    }
    out
}

/// Writes a value the way PHP's `http_build_query` does, brackets encoded: `a%5Bb%5D=1`.
pub(crate) fn build_php(name: &str, value: &Value, pairs: &mut Vec<String>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    let text = match value {
        Value::Object(map) => {
            return map.iter().for_each(|(key, value)| build_php(&inner(key), value, pairs));
        }
        Value::Array(list) => {
            let numbered = list.iter().enumerate();
            return numbered.for_each(|(at, value)| build_php(&inner(&at.to_string()), value, pairs));
        }
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "1" } else { "0" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
    };
    pairs.push(format!("{}={}", percent_encode(name), percent_encode(&text)));
}

/// The items of a list, or of a map that PHP would treat as one.
pub(crate) fn items(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a value is an array in PHP's sense.
pub(crate) fn is_php_array(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// Text with `&`, `<`, `>`, `"` and `'` made harmless in HTML.
pub(crate) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_forms_become_maps_and_lists() {
        let parsed = parse_php(
            "fields[PHONE][0][VALUE]=%2B79990000001&fields[PHONE][0][VALUE_TYPE]=WORK\
             &fields%5BTITLE%5D=%D0%97%D0%B0%D1%8F%D0%B2%D0%BA%D0%B0+1&select[]=ID&select[]=TITLE&halt=0",
        );
        assert_eq!(
            Value::Object(parsed),
            json!({"fields": {"PHONE": [{"VALUE": "+79990000001", "VALUE_TYPE": "WORK"}], "TITLE": "Заявка 1"},
                   "select": ["ID", "TITLE"], "halt": "0"})
        );
    }

    #[test]
    fn hostile_keys_do_no_harm() {
        for input in
            ["[=1", "a[=1", "a[b=1", "=x", "&&&", "%", "%zz=%f", "a[b]c=1", "a[][][]=1", "a=1&a[b]=2"]
        {
            let _parsed = parse_php(input);
        }
        let deep = format!("a{}=1", "[x]".repeat(10_000));
        assert_eq!(parse_php(&deep).len(), 1);
        assert_eq!(Value::Object(parse_php("a=1&a[b]=2")), json!({"a": {"b": "2"}}));
    }

    #[test]
    fn what_is_built_is_read_back() {
        let value =
            json!({"leads": {"status": {"0": {"id": "7", "name": "Тест & [драйв]"}, "2": {"id": "9"}}}});
        let mut pairs = Vec::new();
        build_php("", &value, &mut pairs);
        let text = pairs.join("&");
        assert!(text.starts_with("leads%5Bstatus%5D%5B0%5D%5Bid%5D=7&"), "{text}");
        assert_eq!(Value::Object(parse_php(&text)), value);
    }

    #[test]
    fn php_writes_empty_and_consecutive_maps_as_lists() {
        assert_eq!(php_map(Vec::new()), json!([]));
        assert_eq!(php_map(vec![("0".into(), json!(1)), ("1".into(), json!(2))]), json!([1, 2]));
        assert_eq!(php_map(vec![("0".into(), json!(1)), ("2".into(), json!(2))]), json!({"0": 1, "2": 2}));
    }
}
