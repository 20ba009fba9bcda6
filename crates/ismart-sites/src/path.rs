//! Paths of addresses: decoding that cannot be tricked, encoding with one form.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What may stand unencoded in a path, beside letters and digits.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// A request path, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// Decoded segments; none is empty, `.`, `..`, or holds a slash, backslash or control character.
    pub(crate) segments: Vec<String>,
    /// Whether it ended with a slash (the root does not count).
    pub(crate) slash: bool,
    /// Whether there were empty segments in it.
    pub(crate) doubled: bool,
}

impl Path {
    /// Takes a raw path apart; `None` when no page or file can have it.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        let rest = raw.strip_prefix('/')?;
        let slash = rest.ends_with('/') || raw.starts_with("//") && rest.trim_start_matches('/').is_empty();
        let inner = rest.trim_end_matches('/');
        let mut segments = Vec::new();
        let mut doubled = rest.len() > inner.len() + 1;
        for part in inner.split('/') {
            if part.is_empty() {
                doubled |= !inner.is_empty();
                continue;
            }
            let text = percent_decode_str(part).decode_utf8().ok()?;
            let wrong = |c: char| c == '/' || c == '\\' || c.is_control();
            if text == "." || text == ".." || text.chars().any(wrong) {
                return None;
            }
            segments.push(text.into_owned());
        }
        Some(Self { slash, doubled, segments })
    }

    /// The decoded path without final slash.
    pub(crate) fn joined(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }
}

/// Percent-encodes a decoded path (slashes stay).
pub(crate) fn encode(path: &str) -> String {
    utf8_percent_encode(path, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart_safely() {
        let ok = |raw| Path::parse(raw).map(|p| (p.joined(), p.slash, p.doubled));
        assert_eq!(ok("/"), Some(("/".to_owned(), false, false)));
        assert_eq!(ok("/a/b/"), Some(("/a/b".to_owned(), true, false)));
        assert_eq!(ok("//a//b"), Some(("/a/b".to_owned(), false, true)));
        assert_eq!(ok("/a//"), Some(("/a".to_owned(), true, true)));
        assert_eq!(ok("//"), Some(("/".to_owned(), true, false)));
        assert_eq!(ok("/%D0%BF"), Some(("/п".to_owned(), false, false)));
        for raw in ["/../etc", "/a/%2e%2e/b", "/a/..", "/.", "/a%2fb", "/a%5Cb", "/%00", "/%ff", "", "a", "*"]
        {
            assert_eq!(ok(raw), None, "{raw}");
        }
    }

    #[test]
    fn encoding_has_one_form() {
        assert_eq!(encode("/п r/a'b"), "/%D0%BF%20r/a%27b");
    }
}
