//! Rust source line by line, with the contents of texts blanked and comments apart, for rules about words.

/// A line of source.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The code, texts and comments left out.
    pub(crate) code: String,
    /// The words of an ordinary comment; documentation comments are not here.
    pub(crate) comment: Option<String>,
}

/// Splits the source.
pub(crate) fn lines(source: &str) -> Vec<Line> {
    let mut reader = Reader { rest: source, lines: vec![Line::default()] };
    while reader.step() {}
    reader.lines
}

struct Reader<'s> {
    rest: &'s str,
    lines: Vec<Line>,
}

impl<'s> Reader<'s> {
    fn step(&mut self) -> bool {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return false };
        if rest.starts_with("//") {
            let words = self.take(rest.find('\n').unwrap_or(rest.len()));
            if !words.starts_with("///") && !words.starts_with("//!") {
                self.comment(words.trim_start_matches('/').trim());
            }
        } else if rest.starts_with("/*") {
            let text = self.take(block_comment(rest));
            if !text.starts_with("/**") && !text.starts_with("/*!") {
                self.comment(text.trim_matches(['/', '*', ' ', '\n']));
            }
            self.newlines(text);
        } else if let Some(length) = raw_text(rest) {
            self.blank(length);
        } else if first == '"' {
            self.blank(quoted(rest));
        } else if let Some(length) = character(rest) {
            self.blank(length);
        } else if first == '\n' {
            self.take(1);
            self.lines.push(Line::default());
        } else {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            // A prefix such as `b` or `r` belongs to the text that follows it.
            let length = if word == 0 { first.len_utf8() } else { word };
            let taken = self.take(length);
            self.code(taken);
        }
        true
    }

    fn take(&mut self, length: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn code(&mut self, text: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.code.push_str(text);
        }
    }

    fn comment(&mut self, words: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.comment = Some(words.to_owned());
        }
    }

    fn blank(&mut self, length: usize) {
        let text = self.take(length);
        self.code("\"\"");
        self.newlines(text);
    }

    fn newlines(&mut self, text: &str) {
        self.lines.extend(std::iter::repeat_n(Line::default(), text.matches('\n').count()));
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a raw text with its prefix and fences, when there is one here.
fn raw_text(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r"].into_iter().find(|p| rest.starts_with(p))?;
    let after = rest.get(prefix.len()..)?;
    let fences = after.len() - after.trim_start_matches('#').len();
    let inner = after.get(fences..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(fences));
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(prefix.len() + fences + 1 + length)
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        let close = inner.char_indices().skip(2).find(|(_, c)| *c == '\'')?;
        return Some(close.0 + 2);
    }
    let first = inner.chars().next()?;
    inner.get(first.len_utf8()..)?.starts_with('\'').then(|| first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> Vec<String> {
        lines(source).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn texts_are_blanked_and_lines_stay_in_step() {
        assert_eq!(code("a(\"todo!() \\\" x\");\nb"), ["a(\"\");", "b"]);
        assert_eq!(code("r#\"x \" y\n\"#; c"), ["\"\"", "; c"]);
        assert_eq!(code("b\"q\" for"), ["b\"\" for"]);
    }

    #[test]
    fn lifetimes_are_no_characters() {
        assert_eq!(code("&'a str == '\"' == '\\'' == 'ж'"), ["&'a str == \"\" == \"\" == \"\""]);
    }

    #[test]
    fn comments_stand_apart_and_documentation_is_left_out() {
        let found = lines("x; // now it works\n/// now\n/* a /* b */ c */ y");
        assert_eq!(found[0], Line { code: "x; ".to_owned(), comment: Some("now it works".to_owned()) });
        assert_eq!(found[1], Line::default());
        assert_eq!(found[2].code, " y");
    }
}
