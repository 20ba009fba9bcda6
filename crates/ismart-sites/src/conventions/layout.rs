//! Where keys and lines of JSON stand: a scan of text that is known to be valid.

/// A key of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Its name, escapes worked out.
    pub(super) name: String,
    /// Place of the opening quotation mark, in bytes.
    pub(super) at: usize,
    /// Length with both quotation marks.
    pub(super) length: usize,
    /// Names of the keys around it; positions of arrays are left out.
    pub(super) around: Vec<String>,
    /// Number of the object that it belongs to, in order of opening.
    pub(super) object: usize,
}

/// A line with the number of brackets that are open where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// Place of its first character, in bytes.
    pub(super) at: usize,
    /// Bytes of white space that it begins with.
    pub(super) space: usize,
    /// Brackets open before its first other character; a closing one counts as closed.
    pub(super) depth: usize,
    /// Whether it has nothing but white space.
    pub(super) empty: bool,
}

/// What stands where.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) keys: Vec<Key>,
    pub(super) lines: Vec<Line>,
}

struct Container {
    object: Option<usize>,
    /// The key whose value is being read.
    key: Option<String>,
}

/// Scans the text of a JSON file.
pub(super) fn scan(text: &str) -> Layout {
    let mut layout = Layout::default();
    let mut open: Vec<Container> = Vec::new();
    let mut objects = 0;
    let mut expects_key = false;
    let mut line_start = Some(0);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\n' {
            if let Some(start) = line_start {
                layout.lines.push(Line { at: start, space: at - start, depth: open.len(), empty: true });
            }
            line_start = Some(at + 1);
            continue;
        }
        if c.is_whitespace() || c == '\u{feff}' {
            continue;
        }
        if let Some(start) = line_start.take() {
            let closing = usize::from(matches!(c, '}' | ']'));
            let depth = open.len().saturating_sub(closing);
            layout.lines.push(Line { at: start, space: at - start, depth, empty: false });
        }
        match c {
            '{' => {
                objects += 1;
                open.push(Container { object: Some(objects), key: None });
                expects_key = true;
            }
            '[' => {
                open.push(Container { object: None, key: None });
                expects_key = false;
            }
            '}' | ']' => {
                open.pop();
                expects_key = false;
            }
            ',' => expects_key = open.last().is_some_and(|container| container.object.is_some()),
            '"' => {
                let mut end = at + 1;
                let mut escaped = false;
                for (place, c) in chars.by_ref() {
                    end = place + c.len_utf8();
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
                if expects_key && let Some(object) = open.last().and_then(|container| container.object) {
                    let written = text.get(at..end).unwrap_or("");
                    let name: String = serde_json::from_str(written).unwrap_or_else(|_| written.to_owned());
                    let parents = open.split_last().map(|(_, parents)| parents).unwrap_or_default();
                    let around = parents.iter().filter_map(|container| container.key.clone()).collect();
                    layout.keys.push(Key { name: name.clone(), at, length: end - at, around, object });
                    if let Some(container) = open.last_mut() {
                        container.key = Some(name);
                    }
                    expects_key = false;
                }
            }
            _ => {}
        }
    }
    layout
}

/// Whether a text is one line although it holds more than a short value.
pub(super) fn is_packed(text: &str) -> bool {
    let text = text.trim();
    !text.contains('\n') && text.len() > 80
}

/// The text with four spaces for each open bracket. Nothing but white space changes.
pub(super) fn indented(text: &str) -> String {
    if is_packed(text) {
        return unpacked(text);
    }
    let layout = scan(text);
    let mut made = String::with_capacity(text.len());
    for (at, line) in layout.lines.iter().enumerate() {
        let end = layout.lines.get(at + 1).map_or(text.len(), |next| next.at);
        let whole = text.get(line.at..end).unwrap_or("");
        if line.empty {
            made.push_str(if whole.ends_with('\n') { "\n" } else { "" });
            continue;
        }
        // The mark of byte order counts as white space, and stays.
        let space = whole.get(..line.space).unwrap_or("");
        made.extend(space.chars().filter(|c| *c == '\u{feff}'));
        made.push_str(&"    ".repeat(line.depth));
        made.push_str(whole.get(line.space..).unwrap_or(""));
    }
    made
}

/// One line taken apart: each value on its own line, empty containers kept together.
fn unpacked(text: &str) -> String {
    let mut made = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    let mut chars = text.trim().chars().peekable();
    let line = |made: &mut String, depth: usize| {
        made.push('\n');
        made.push_str(&"    ".repeat(depth));
    };
    while let Some(c) = chars.next() {
        if quoted {
            made.push(c);
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                made.push(c);
            }
            '{' | '[' => {
                made.push(c);
                while chars.peek().is_some_and(|c| c.is_whitespace()) {
                    chars.next();
                }
                if let Some(close) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    made.push(close);
                } else {
                    depth += 1;
                    line(&mut made, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut made, depth);
                made.push(c);
            }
            ',' => {
                made.push(c);
                line(&mut made, depth);
            }
            ':' => made.push_str(": "),
            c if c.is_whitespace() => {}
            c => made.push(c),
        }
    }
    made.push('\n');
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_know_what_is_around_them() {
        let layout = scan("{\"a\": [{\"b\\n\": \"c: {\"}], \"d\": {\"e\": 1}}");
        let keys: Vec<(&str, Vec<&str>, usize)> = layout
            .keys
            .iter()
            .map(|key| (key.name.as_str(), key.around.iter().map(String::as_str).collect(), key.object))
            .collect();
        assert_eq!(keys, [("a", vec![], 1), ("b\n", vec!["a"], 2), ("d", vec![], 1), ("e", vec!["d"], 3)]);
    }

    #[test]
    fn only_white_space_changes() {
        let text = "\u{feff}{\n\t\"a\": [\n  1, 2,\n\n    {\"b\": \"x\\\"  {\"}\n ],\n\"c\": {}\n}\n";
        let made = indented(text);
        assert_eq!(
            made,
            "\u{feff}{\n    \"a\": [\n        1, 2,\n\n        {\"b\": \"x\\\"  {\"}\n    ],\n    \"c\": {}\n}\n"
        );
        assert_eq!(indented(&made), made);
    }

    #[test]
    fn a_packed_file_is_taken_apart() {
        let text = format!("{{\"a\":[1,{{}},\"x, {{\\\"\"],\"b\":\"{}\"}}", "y".repeat(80));
        let made = indented(&text);
        assert!(
            made.starts_with(
                "{\n    \"a\": [\n        1,\n        {},\n        \"x, {\\\"\"\n    ],\n    \"b\": \"yyy"
            ),
            "{made}"
        );
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&made), same(&text));
        assert_eq!(indented(&made), made);
    }
}
