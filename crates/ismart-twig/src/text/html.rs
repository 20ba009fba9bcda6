//! HTML as text: tags removed, line breaks added.

/// `strip_tags`: PHP's state machine; `allowed` lists tags such as `<b>`.
pub(crate) fn strip_tags(text: &[u8], allowed: &[u8]) -> Vec<u8> {
    let allowed = allowed.to_ascii_lowercase();
    let mut machine = Stripper {
        out: Vec::with_capacity(text.len()),
        tag: Vec::new(),
        allowed,
        state: 0,
        depth: 0,
        quote: 0,
        last: 0,
        brackets: 0,
    };
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        at = machine.step(text, at, c);
    }
    machine.out
}

struct Stripper {
    out: Vec<u8>,
    tag: Vec<u8>,
    allowed: Vec<u8>,
    /// 0 text, 1 HTML tag, 2 PHP, 3 declaration, 4 comment.
    state: u8,
    depth: u32,
    quote: u8,
    last: u8,
    /// Parentheses inside PHP code.
    brackets: i32,
}

impl Stripper {
    fn keeps_tags(&self) -> bool {
        !self.allowed.is_empty()
    }

    fn note(&mut self, c: u8) {
        if self.keeps_tags() {
            self.tag.push(c);
        }
    }

    fn step(&mut self, text: &[u8], at: usize, c: u8) -> usize {
        let before = |n: usize| at.checked_sub(n).and_then(|i| text.get(i)).copied().unwrap_or(0);
        match self.state {
            0 => match c {
                0 => {}
                b'<' if self.quote == 0 => {
                    if text.get(at + 1).is_some_and(|b| b.is_ascii_whitespace() || *b == 0x0b) {
                        self.out.push(c);
                    } else {
                        self.last = b'<';
                        self.state = 1;
                        self.tag.clear();
                        self.note(b'<');
                    }
                }
                b'>' if self.depth > 0 => self.depth -= 1,
                b'>' if self.quote != 0 => {}
                _ => self.out.push(c),
            },
            1 => self.html(text, at, c, before(1)),
            2 => self.php(text, at, c),
            3 => match c {
                b'>' => {
                    if self.depth > 0 {
                        self.depth -= 1;
                    } else if self.quote == 0 {
                        self.quote = 0;
                        self.state = 0;
                        self.tag.clear();
                    }
                }
                b'"' | b'\'' if at > 0 && before(1) != b'\\' => self.toggle_quote(c),
                b'-' if at >= 2 && before(1) == b'-' && before(2) == b'!' => self.state = 4,
                b'E' | b'e'
                    if at > 6 && text.get(at - 6..at).is_some_and(|b| b.eq_ignore_ascii_case(b"doctyp")) =>
                {
                    self.state = 1;
                }
                _ => {}
            },
            _ => {
                if c == b'>' && self.quote == 0 && at >= 2 && before(1) == b'-' && before(2) == b'-' {
                    self.quote = 0;
                    self.state = 0;
                    self.tag.clear();
                }
            }
        }
        at + 1
    }

    fn toggle_quote(&mut self, c: u8) {
        if self.quote == c {
            self.quote = 0;
        } else if self.quote == 0 {
            self.quote = c;
        }
    }

    fn html(&mut self, text: &[u8], at: usize, c: u8, previous: u8) {
        match c {
            0 => {}
            b'<' if self.quote == 0 => {
                let space = text.get(at + 1).is_some_and(|b| b.is_ascii_whitespace() || *b == 0x0b);
                if !space {
                    self.depth += 1;
                } else {
                    self.note(c);
                }
            }
            b'<' => {}
            b'>' => {
                if self.depth > 0 {
                    self.depth -= 1;
                } else if self.quote == 0 {
                    self.last = b'>';
                    self.quote = 0;
                    self.state = 0;
                    self.note(b'>');
                    if self.keeps_tags() {
                        let tag = std::mem::take(&mut self.tag);
                        if is_allowed(&tag, &self.allowed) {
                            self.out.extend_from_slice(&tag);
                        }
                    }
                    self.tag.clear();
                }
            }
            b'"' | b'\'' => {
                if at > 0 && (self.quote == 0 || c == self.quote) {
                    self.quote = if self.quote == 0 { c } else { 0 };
                }
                self.note(c);
            }
            b'!' if self.last == b'<' && previous == b'<' => {
                self.state = 3;
                self.last = c;
            }
            b'?' if previous == b'<' => {
                self.brackets = 0;
                self.state = 2;
            }
            _ => self.note(c),
        }
    }

    fn php(&mut self, text: &[u8], at: usize, c: u8) {
        let before = |n: usize| at.checked_sub(n).and_then(|i| text.get(i)).copied().unwrap_or(0);
        match c {
            b'(' if self.last != b'"' && self.last != b'\'' => {
                self.last = b'(';
                self.brackets += 1;
            }
            b')' if self.last != b'"' && self.last != b'\'' => {
                self.last = b')';
                self.brackets -= 1;
            }
            b'>' => {
                if self.depth > 0 {
                    self.depth -= 1;
                } else if self.quote == 0 && self.brackets == 0 && before(1) == b'?' {
                    self.quote = 0;
                    self.state = 0;
                    self.tag.clear();
                }
            }
            b'"' | b'\'' if before(1) != b'\\' => {
                if self.last == c {
                    self.last = 0;
                } else if self.last != b'\\' {
                    self.last = c;
                }
                self.toggle_quote(c);
            }
            b'l' | b'L'
                if self.state == 2
                    && at > 4
                    && text.get(at - 4..at).is_some_and(|b| b.eq_ignore_ascii_case(b"<?xm")) =>
            {
                self.state = 1;
            }
            _ => {}
        }
    }
}

/// Whether a tag is in the list: its name alone counts.
fn is_allowed(tag: &[u8], allowed: &[u8]) -> bool {
    let mut name = Vec::with_capacity(tag.len());
    let mut started = false;
    for c in tag.to_ascii_lowercase() {
        match c {
            b'<' => name.push(c),
            b'>' => break,
            c if c.is_ascii_whitespace() || c == 0x0b => {
                if started {
                    break;
                }
            }
            b'/' if !started => {}
            b'/' => {}
            c => {
                started = true;
                name.push(c);
            }
        }
    }
    name.push(b'>');
    memchr::memmem::find(allowed, &name).is_some()
}

/// Puts `<br />` before every line break, as PHP does; the breaks stay.
pub(crate) fn nl2br(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let next = text.get(at + 1).copied();
        match c {
            b'\r' | b'\n' => {
                out.extend_from_slice(b"<br />");
                out.push(c);
                if matches!((c, next), (b'\r', Some(b'\n')) | (b'\n', Some(b'\r'))) {
                    out.extend(next);
                    at += 1;
                }
            }
            _ => out.push(c),
        }
        at += 1;
    }
    out
}

/// Space between tags removed, and around the whole.
pub(crate) fn spaceless(text: &[u8]) -> Vec<u8> {
    let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        out.push(c);
        at += 1;
        if c == b'>' {
            let rest = text.get(at..).unwrap_or(&[]);
            let run = rest.iter().take_while(|b| space(b)).count();
            if run > 0 && rest.get(run) == Some(&b'<') {
                at += run;
            }
        }
    }
    let trimmed = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
    let start = out.iter().take_while(|b| trimmed(b)).count();
    let end = out.iter().rev().take_while(|b| trimmed(b)).count();
    out.get(start..out.len().saturating_sub(end)).unwrap_or(&[]).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_stripped() {
        for (text, allowed, want) in [
            ("<p>Hello <b>world</b></p>", "", "Hello world"),
            ("<p>Hello <b class='x'>world</b></p>", "<b>", "Hello <b class='x'>world</b>"),
            ("a < b > c", "", "a < b > c"),
            ("1<2 and 3>2", "", "12"),
            ("x<!-- c <b> -->y", "", "xy"),
            ("<a href=\"x>y\">t</a>", "", "t"),
            ("a<?php echo '?>'; ?>b", "", "ab"),
            ("<br/>x", "<br>", "<br/>x"),
        ] {
            assert_eq!(
                String::from_utf8(strip_tags(text.as_bytes(), allowed.as_bytes())).unwrap(),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn breaks_are_marked_once_for_a_pair() {
        assert_eq!(nl2br(b"a\r\nb\nc"), b"a<br />\r\nb<br />\nc");
    }
}
