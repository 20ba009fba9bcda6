//! JSON files of a site: parsed with the place of every fault, and paths of pictures made absolute.

use serde_json::Value;

use crate::finding::{Finding, Position};

/// Parses `text`, the content of `file`.
///
/// # Errors
/// A finding with line, column and excerpt when the text is not JSON.
pub(crate) fn parse(file: &str, text: &str) -> Result<Value, Box<Finding>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let position = position_of(text, &error);
        let full = error.to_string();
        let reason = full.rsplit_once(" at line ").map_or(full.as_str(), |(reason, _)| reason);
        let fix = advice(reason);
        let finding = Finding::error("json.syntax", file, format!("not valid JSON: {reason}"), fix);
        Box::new(finding.at(text, position))
    })
}

/// serde_json counts columns in bytes; people count characters.
fn position_of(text: &str, error: &serde_json::Error) -> Position {
    let line = error.line().max(1);
    let content = text.split('\n').nth(line - 1).unwrap_or("");
    let mut bytes = error.column().min(content.len());
    while !content.is_char_boundary(bytes) {
        bytes -= 1;
    }
    let column = content.get(..bytes).unwrap_or("").chars().count().max(1);
    Position { line, column }
}

fn advice(reason: &str) -> &'static str {
    if reason.contains("trailing comma") {
        "remove the comma before the closing bracket"
    } else if reason.contains("expected `,` or") {
        "put a comma between the values, or close the bracket"
    } else if reason.contains("EOF") {
        "the file ends too early: close the open string or bracket"
    } else if reason.contains("expected `:`") {
        "put a colon between the key and its value"
    } else if reason.contains("control character") {
        "write line breaks inside a string as \\n"
    } else {
        "mend the text at this place; keys and strings stand in double quotes, comments are not allowed"
    }
}

/// Finds where the value at `pointer` starts in the JSON `text`, which is known to be valid.
pub(crate) fn locate(text: &str, pointer: &str) -> Option<Position> {
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scan = Scan { bytes: text.as_bytes(), at: skipped };
    scan.space();
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        scan.enter(&key)?;
    }
    Some(Position::of_offset(text, scan.at))
}

/// The bytes of the value at `pointer` in the JSON `text`, which is known to be valid.
pub(crate) fn range(text: &str, pointer: &str) -> Option<std::ops::Range<usize>> {
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scan = Scan { bytes: text.as_bytes(), at: skipped };
    scan.space();
    for part in pointer.split('/').skip(1) {
        scan.enter(&part.replace("~1", "/").replace("~0", "~"))?;
    }
    let start = scan.at;
    scan.skip();
    Some(start..scan.at)
}

/// A walker over valid JSON that only skips; it keeps no values.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Moves to the start of the child `key` of the container at the present place.
    fn enter(&mut self, key: &str) -> Option<()> {
        let object = match self.peek()? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        self.at += 1;
        let mut index = 0_usize;
        loop {
            self.space();
            if matches!(self.peek()?, b'}' | b']') {
                return None;
            }
            let found = if object {
                let from = self.at;
                self.skip();
                let name = self.bytes.get(from..self.at)?;
                self.space();
                self.at += 1;
                self.space();
                serde_json::from_slice::<String>(name).is_ok_and(|name| name == key)
            } else {
                index.to_string() == key
            };
            if found {
                return Some(());
            }
            self.skip();
            self.space();
            if self.peek()? == b',' {
                self.at += 1;
            }
            index += 1;
        }
    }

    /// Moves past one value.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    if depth == 0 {
                        return;
                    }
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth == 0 => return,
                byte if byte.is_ascii_whitespace() && depth == 0 => return,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }
}

/// Adds `key` to a JSON pointer.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Calls `see` with the pointer and text of every string in `value`.
pub(crate) fn strings(value: &Value, pointer: &str, see: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => see(pointer, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                strings(item, &child(pointer, &index.to_string()), see);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                strings(item, &child(pointer, key), see);
            }
        }
        _ => {}
    }
}

/// The path of a file under `data/` that a content string stands for, without the leading slash.
pub(crate) fn data_path(text: &str) -> Option<&str> {
    let path = text.strip_prefix('/').unwrap_or(text);
    path.starts_with("data/").then_some(path)
}

/// A copy of `value` in which every string that starts with `data/` or `/data/` is absolute on `base_url`
/// (which has no final slash).
pub(crate) fn absolute(value: &Value, base_url: &str) -> Value {
    match value {
        Value::String(text) => match data_path(text) {
            Some(path) => Value::String(format!("{base_url}/{path}")),
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(|v| absolute(v, base_url)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), absolute(v, base_url))).collect())
        }
        _ => value.clone(),
    }
}

/// The non-empty string at `key` of an object.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fault_is_shown_with_its_line() {
        let error = parse("data/a.json", "{\n  \"имя\": \"да\",\n}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "error[json.syntax] data/a.json:3:1\n  not valid JSON: trailing comma\n  3 | }\n  \
             fix: remove the comma before the closing bracket"
        );
    }

    #[test]
    fn columns_are_characters() {
        let error = parse("a", "{\"имя\" 1}").unwrap_err();
        assert_eq!(error.position, Some(Position { line: 1, column: 8 }));
    }

    #[test]
    fn pointers_are_located() {
        let text = "{\n  \"a\": [1, {\"b\\\"c\": \"x\"}],\n  \"d/e\": {\"f\": [\n    [], true]}\n}";
        let at = |pointer| locate(text, pointer).map(|p| (p.line, p.column));
        assert_eq!(at(""), Some((1, 1)));
        assert_eq!(at("/a"), Some((2, 8)));
        assert_eq!(at("/a/1/b\"c"), Some((2, 21)));
        assert_eq!(at("/d~1e/f/1"), Some((4, 9)));
        assert_eq!(at("/a/7"), None);
        assert_eq!(at("/a/0/x"), None);
    }

    #[test]
    fn picture_paths_become_absolute_and_nothing_else() {
        let value = json!({"src": "data/img/a.svg", "b": ["/data/x", "http://data/x", "database", 1]});
        assert_eq!(
            absolute(&value, "https://s.example"),
            json!({"src": "https://s.example/data/img/a.svg", "b": ["https://s.example/data/x", "http://data/x", "database", 1]})
        );
    }
}
