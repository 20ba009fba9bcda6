//! `matches`: PCRE patterns with delimiters and modifiers.

use std::sync::Arc;

use super::translate::{Flags, translate};
use crate::error::Error;
use crate::value::Value;

/// A pattern made ready.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: String,
    regex: fancy_regex::Regex,
    utf8: bool,
}

/// Steps of backtracking that PHP allows by default.
const BACKTRACKS: usize = 1_000_000;

fn modifiers(text: &str) -> Result<Flags, String> {
    let mut flags = Flags::default();
    for c in text.chars() {
        match c {
            'i' => flags.caseless = true,
            'm' => flags.multiline = true,
            's' => flags.dotall = true,
            'x' => flags.extended = true,
            'U' => flags.ungreedy = true,
            'A' => flags.anchored = true,
            'D' => flags.dollar_end = true,
            'u' => flags.utf8 = true,
            'J' => flags.same_names = true,
            'e' => {
                return Err(
                    "The /e modifier is no longer supported, use preg_replace_callback instead".to_owned()
                );
            }
            'S' | 'X' | 'n' | ' ' | '\n' | '\r' => {}
            '\0' => return Err("NUL is not a valid modifier".to_owned()),
            other => return Err(format!("Unknown modifier '{other}'")),
        }
    }
    Ok(flags)
}

/// Pattern and modifiers without the delimiters.
fn split(text: &str) -> Result<(&str, &str), String> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let mut chars = text.chars();
    let Some(open) = chars.next() else { return Err("Empty regular expression".to_owned()) };
    if open.is_ascii_alphanumeric() || open == '\\' || open == '\0' {
        return Err("Delimiter must not be alphanumeric, backslash, or NUL".to_owned());
    }
    let close = match open {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        other => other,
    };
    let body = chars.as_str();
    let mut depth = 1;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                let (pattern, rest) = body.split_at(at);
                return Ok((pattern, rest.get(close.len_utf8()..).unwrap_or("")));
            }
        } else if c == open && open != close {
            depth += 1;
        }
    }
    Err(if open == close {
        format!("No ending delimiter '{open}' found")
    } else {
        format!("No ending matching delimiter '{close}' found")
    })
}

/// Bytes as characters of the same number, so that a pattern without `u` sees bytes.
fn as_latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// The largest count of a repeat, as in PCRE.
const MOST_REPEATS: u64 = 65_535;
/// What a pattern may come to when its counted repeats are written out, as they are before it runs.
const MOST_PARTS: u64 = 200_000;

/// Refuses counts that PCRE refuses, and repeats of repeats that would not fit into memory.
fn check_repeats(pattern: &str) -> Result<(), String> {
    let bytes = pattern.as_bytes();
    // The parts of each open group before its last one, and that one.
    let mut open: Vec<(u64, u64)> = vec![(0, 0)];
    let mut in_class = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'[' if !in_class => in_class = true,
            b']' if in_class => in_class = false,
            _ if in_class => continue,
            b'(' => {
                open.push((0, 0));
                continue;
            }
            b')' => {
                let (sum, last) = open.pop().unwrap_or_default();
                if open.is_empty() {
                    open.push((0, 0));
                }
                if let Some((before, part)) = open.last_mut() {
                    *before = before.saturating_add(*part);
                    *part = sum.saturating_add(last).saturating_add(1);
                }
                continue;
            }
            b'{' => {
                let counts =
                    pattern.get(at..).and_then(|rest| rest.split_once('}')).map_or("", |(inner, _)| inner);
                let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
                if !least.is_empty() && digits(least) && digits(most) {
                    let count = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
                    let times = if most.is_empty() { count(least) } else { count(least).max(count(most)) };
                    if times > MOST_REPEATS {
                        return Err(format!(
                            "Compilation failed: number too big in {{}} quantifier at offset {}",
                            start + 1
                        ));
                    }
                    if let Some((_, part)) = open.last_mut() {
                        *part = part.saturating_mul(times.max(1));
                    }
                    let total =
                        open.iter().fold(0_u64, |sum, (a, b)| sum.saturating_add(*a).saturating_add(*b));
                    if total > MOST_PARTS {
                        return Err(format!(
                            "Compilation failed: regular expression is too large at offset {start}"
                        ));
                    }
                    at += counts.len() + 1;
                    continue;
                }
            }
            _ => {}
        }
        if let Some((before, part)) = open.last_mut() {
            *before = before.saturating_add(*part);
            *part = 1;
        }
    }
    Ok(())
}

/// Where a condition `(?(1)…)` asks for a group that the pattern does not have, which the engine takes for one.
fn missing_group(pattern: &str, regex: &fancy_regex::Regex) -> Option<usize> {
    let mut rest = 0;
    while let Some(found) = pattern.get(rest..).and_then(|tail| tail.find("(?(")) {
        let at = rest + found + 2;
        rest = at + 1;
        let group = pattern.get(rest..).and_then(|tail| tail.split_once(')')).map_or("", |(group, _)| group);
        let group = group.trim_matches(['<', '>', '\'']);
        let known = match group.parse::<usize>() {
            Ok(number) => number < regex.captures_len(),
            // What is no name of a group is a condition that the engine reads itself.
            Err(_) if group.is_empty() || !group.chars().all(|c| c.is_alphanumeric() || c == '_') => true,
            Err(_) => regex.capture_names().flatten().any(|name| name == group),
        };
        if !known {
            return Some(at);
        }
    }
    None
}

impl Pattern {
    /// Compiles a pattern; the error is PHP's complaint.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let (pattern, tail) = split(text)?;
        let flags = modifiers(tail)?;
        let latin;
        let pattern = if flags.utf8 || pattern.is_ascii() {
            pattern
        } else {
            latin = as_latin1(pattern.as_bytes());
            &latin
        };
        let translated = translate(pattern, flags)?;
        check_repeats(&translated)?;
        let regex = fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(BACKTRACKS)
            .build()
            .map_err(|e| format!("Compilation failed: {e}"))?;
        if let Some(at) = missing_group(&translated, &regex) {
            return Err(format!("Compilation failed: reference to non-existent subpattern at offset {at}"));
        }
        Ok(Self(Arc::new(Inner { source: text.to_owned(), regex, utf8: flags.utf8 })))
    }

    /// Compiles a pattern that a template writes out.
    ///
    /// # Errors
    /// A syntax error with PHP's complaint.
    pub(crate) fn constant(value: &Value, line: u32) -> Result<Self, Error> {
        let refuse = |pattern: &str, why: &str| {
            Error::syntax(format!("Regexp \"{pattern}\" passed to \"matches\" is not valid: {why}."), line)
        };
        if value.is_null() {
            return Err(refuse("", "Passing null to parameter #1 ($pattern) of type string is deprecated"));
        }
        let text = value.to_text()?;
        Self::new(&text).map_err(|why| refuse(&text, &why))
    }

    /// 1 if the subject matches, else 0, as `preg_match` counts.
    pub(crate) fn matches(&self, subject: &Value) -> Result<Value, Error> {
        if matches!(subject, Value::Array(_)) {
            return Err(Error::host(format!(
                "Twig\\Extension\\CoreExtension::matches(): Argument #2 ($str) must be of type ?string, {} given",
                subject.type_name()
            )));
        }
        let inner = &*self.0;
        let bytes = subject.to_bytes()?;
        let failed = |why: &str| {
            Error::runtime(format!("Regexp \"{}\" passed to \"matches\" failed: {why}.", inner.source))
        };
        let latin;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) if inner.utf8 || text.is_ascii() => text,
            Err(_) if inner.utf8 => {
                return Err(failed("Malformed UTF-8 characters, possibly incorrectly encoded"));
            }
            _ => {
                latin = as_latin1(&bytes);
                &latin
            }
        };
        match inner.regex.is_match(text) {
            Ok(found) => Ok(Value::Int(found.into())),
            Err(_) => Err(failed("Backtrack limit exhausted")),
        }
    }
}

/// `matches` with a pattern that is known only when rendering.
pub(crate) fn matches(pattern: &Value, subject: &Value) -> Result<Value, Error> {
    if matches!(pattern, Value::Array(_) | Value::Null) {
        return Err(Error::host(format!(
            "Twig\\Extension\\CoreExtension::matches(): Argument #1 ($regexp) must be of type string, {} given",
            pattern.type_name()
        )));
    }
    let text = pattern.to_text()?;
    match Pattern::new(&text) {
        Ok(pattern) => pattern.matches(subject),
        Err(why) => {
            Err(Error::runtime(format!("Regexp \"{text}\" passed to \"matches\" is not valid: {why}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(pattern: &str, subject: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(&subject.into()).unwrap() == Value::Int(1)
    }

    #[test]
    fn pcre_forms_work() {
        assert!(test("/^\\d+$/", "12\n"));
        assert!(!test("/^\\d+$/D", "12\n"));
        assert!(test("#a/b#", "xa/by"));
        assert!(test("{^a{2}$}", "aa"));
        assert!(test("/(a)\\1/", "aa"));
        assert!(test("/(?<=x)y(?!z)/", "xy"));
        assert!(test("/^.$/u", "é"));
        assert!(!test("/^.$/", "é"));
        assert!(test("/^[\\w-]+$/", "a-b_1"));
        assert!(test("/É/iu", "é"));
        assert!(test("/a{,2}/", "a{,2}"));
        assert!(test("/[[:alpha:]]/", "x"));
    }

    #[test]
    fn broken_patterns_give_phps_words() {
        for (pattern, want) in [
            ("a", "Delimiter must not be alphanumeric, backslash, or NUL"),
            ("", "Empty regular expression"),
            ("/o", "No ending delimiter '/' found"),
            ("(o", "No ending matching delimiter ')' found"),
            ("/[/", "Compilation failed: missing terminating ] for character class at offset 1"),
            ("/a/k", "Unknown modifier 'k'"),
            ("/(/", "Compilation failed: missing closing parenthesis at offset 1"),
            ("/*/", "Compilation failed: quantifier does not follow a repeatable item at offset 0"),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap_err(), want, "{pattern}");
        }
    }
}
