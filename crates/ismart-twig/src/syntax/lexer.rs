//! Splits a template into tokens.

use std::ops::Range;

use ecow::EcoString;
use memchr::memchr;

use super::parser::Warning;
use super::token::{Kind, Token};
use crate::error::Error;
use crate::num;
use crate::text::byte_table;
use crate::value::Value;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Block,
    Var,
    Text,
    Interpolation,
}

/// The operators that start with a byte, longest first so that the first match is the longest.
fn operators(first: u8) -> &'static [&'static str] {
    // table: the operators by their first byte
    match first {
        b's' => &["starts with"],
        b'e' => &["ends with"],
        b'h' => &["has every", "has some"],
        b'm' => &["matches"],
        b'n' => &["not in", "not"],
        b'i' => &["is not", "is", "in"],
        b'b' => &["b-and", "b-xor", "b-or"],
        b'a' => &["and"],
        b'x' => &["xor"],
        b'o' => &["or"],
        b'.' => &["...", "..", "."],
        b'<' => &["<=>", "<=", "<"],
        b'=' => &["===", "==", "=>", "="],
        b'!' => &["!==", "!="],
        b'?' => &["? :", "??", "?:", "?.", "?"],
        b'*' => &["**", "*"],
        b'/' => &["//", "/"],
        b'>' => &[">=", ">"],
        b'(' => &["("],
        b'[' => &["["],
        b'|' => &["|"],
        b'+' => &["+"],
        b'-' => &["-"],
        b'~' => &["~"],
        b'%' => &["%"],
        _ => &[],
    }
}

/// What the lexer gives: tokens and the warnings met.
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) silent: Silent,
}

/// The stretches of a source that are no tokens of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silent {
    /// Comments, delimiters included.
    pub(crate) comments: Vec<Range<usize>>,
    /// `verbatim` tags with what they hold.
    pub(crate) verbatim: Vec<Range<usize>>,
    /// Strings with interpolation, quotes included, those inside other ones left out.
    pub(crate) strings: Vec<Range<usize>>,
}

struct Lexer<'s> {
    code: &'s str,
    bytes: &'s [u8],
    cursor: usize,
    line: u32,
    line_start: usize,
    /// A place whose column is known, and the column: the next one is counted from there.
    counted: (usize, u32),
    tokens: Vec<Token>,
    states: Vec<State>,
    state: State,
    brackets: Vec<(&'static str, u32)>,
    /// The line where the open block or variable began.
    opened: u32,
    warnings: Vec<Warning>,
    silent: Silent,
    /// Where the strings that are open began.
    quotes: Vec<usize>,
}

/// `\r\n` and `\r` become `\n`.
pub(crate) fn normalise(source: &str) -> String {
    if memchr(b'\r', source.as_bytes()).is_none() {
        return source.to_owned();
    }
    source.replace("\r\n", "\n").replace('\r', "\n")
}

/// The tokens of a source whose line ends are normalised.
pub(crate) fn tokenize(code: &str) -> Result<Lexed, Error> {
    let mut lexer = Lexer {
        code,
        bytes: code.as_bytes(),
        cursor: 0,
        line: 1,
        line_start: 0,
        counted: (0, 0),
        // About as many as templates of real sites have.
        tokens: Vec::with_capacity(code.len() / 8 + 8),
        states: Vec::new(),
        state: State::Data,
        brackets: Vec::new(),
        opened: 1,
        warnings: Vec::new(),
        silent: Silent::default(),
        quotes: Vec::new(),
    };
    while lexer.cursor < lexer.bytes.len() {
        let before = lexer.tokens.len();
        let step = match lexer.state {
            State::Data => lexer.data(),
            State::Block => lexer.tag("%}", Kind::BlockEnd),
            State::Var => lexer.tag("}}", Kind::VarEnd),
            State::Text => lexer.quoted(),
            State::Interpolation => lexer.interpolation(),
        };
        step.map_err(|error| error.near(lexer.cursor))?;
        let cursor = lexer.cursor;
        if lexer.tokens.len() > before
            && let Some(token) = lexer.tokens.last_mut()
            && token.kind != Kind::Text
        {
            token.range.end = cursor;
        }
    }
    lexer.push(Kind::Eof, Value::Null);
    if let Some((open, line)) = lexer.brackets.pop() {
        return Err(Error::syntax(format!("Unclosed \"{open}\"."), line).near(code.len()));
    }
    Ok(Lexed { tokens: lexer.tokens, warnings: lexer.warnings, silent: lexer.silent })
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_line_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | 0 | 0x0b)
}

const fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x7f
}

/// The bytes that names consist of.
static NAME: [bool; 256] = byte_table!(false, |byte| is_name_start(byte) || byte.is_ascii_digit());

fn is_name(b: u8) -> bool {
    NAME.get(usize::from(b)).copied().unwrap_or(false)
}

impl<'s> Lexer<'s> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'s [u8] {
        self.bytes.get(self.cursor..).unwrap_or(&[])
    }

    fn slice(&self, from: usize, to: usize) -> &'s str {
        self.code.get(from..to).unwrap_or("")
    }

    /// The column at the cursor, from 1.
    fn column(&mut self) -> u32 {
        let (mut from, mut column) = self.counted;
        if from < self.line_start || from > self.cursor {
            (from, column) = (self.line_start, 0);
        }
        let passed = self.bytes.get(from..self.cursor).unwrap_or(&[]);
        // Bytes that begin a character.
        column += passed.iter().fold(0, |n, b| n + u32::from(b & 0xc0 != 0x80));
        self.counted = (self.cursor, column);
        column + 1
    }

    fn push(&mut self, kind: Kind, value: Value) {
        let column = self.column();
        let (line, cursor) = (self.line, self.cursor);
        self.tokens.push(Token { kind, value, range: cursor..cursor, line, column });
    }

    /// Pushes an opening delimiter, whose range is its own.
    fn push_open(&mut self, kind: Kind, start: usize) {
        self.push(kind, Value::Null);
        if let Some(token) = self.tokens.last_mut() {
            token.range = start..self.cursor;
        }
    }

    fn push_text(&mut self, from: usize, to: usize) {
        if from < to {
            self.push(Kind::Text, Value::Null);
            if let Some(token) = self.tokens.last_mut() {
                token.range = from..to;
            }
        }
    }

    /// Moves to a place, counting lines.
    fn move_to(&mut self, to: usize) {
        let passed = self.bytes.get(self.cursor..to).unwrap_or(&[]);
        let mut newline = |at: usize| {
            self.line += 1;
            self.line_start = self.cursor + at + 1;
        };
        // Most moves are over a name or a space, too short for a search by blocks.
        if passed.len() < 16 {
            passed.iter().enumerate().filter(|(_, b)| **b == b'\n').for_each(|(at, _)| newline(at));
        } else {
            memchr::memchr_iter(b'\n', passed).for_each(newline);
        }
        self.cursor = to;
    }

    fn error(&mut self, message: impl Into<String>) -> Error {
        let column = self.column();
        Error::syntax(message, self.line).with_column(column)
    }

    fn enter(&mut self, state: State) {
        self.states.push(self.state);
        self.state = state;
    }

    fn leave(&mut self) {
        self.state = self.states.pop().unwrap_or(State::Data);
    }

    /// The end of a run of bytes from a place.
    fn run(&self, from: usize, test: impl Fn(u8) -> bool) -> usize {
        let tail = self.bytes.get(from..).unwrap_or(&[]);
        from + tail.iter().take_while(|b| test(**b)).count()
    }

    fn has(&self, at: usize, text: &str) -> bool {
        self.bytes.get(at..).is_some_and(|b| b.starts_with(text.as_bytes()))
    }

    /// The next `{{`, `{%` or `{#`.
    fn find_start(&self) -> Option<usize> {
        let mut at = self.cursor;
        loop {
            at += memchr(b'{', self.bytes.get(at..)?)?;
            if matches!(self.byte(at + 1), b'{' | b'%' | b'#') {
                return Some(at);
            }
            at += 1;
        }
    }

    fn data(&mut self) -> Result<(), Error> {
        let Some(start) = self.find_start() else {
            let end = self.bytes.len();
            self.push_text(self.cursor, end);
            // The end of a template is where its last text begins, as PHP Twig counts lines.
            self.cursor = end;
            return Ok(());
        };
        let mark = self.byte(start + 2);
        let text_end = self.trimmed_end(self.cursor, start, mark);
        self.push_text(self.cursor, text_end);
        let kind = self.byte(start + 1);
        let trims = usize::from(matches!(mark, b'-' | b'~'));
        self.move_to(start + 2 + trims);
        match kind {
            b'#' => self.comment(start),
            b'%' => {
                if let Some(end) = self.verbatim_start() {
                    self.move_to(end);
                    self.verbatim(start)
                } else if let Some((end, line)) = self.line_tag() {
                    self.move_to(end);
                    self.line = line;
                    Ok(())
                } else {
                    self.push_open(Kind::BlockStart, start);
                    self.enter(State::Block);
                    self.opened = self.line;
                    Ok(())
                }
            }
            _ => {
                self.push_open(Kind::VarStart, start);
                self.enter(State::Var);
                self.opened = self.line;
                Ok(())
            }
        }
    }

    /// Where a text ends when the tag after it trims.
    fn trimmed_end(&self, from: usize, to: usize, mark: u8) -> usize {
        let test: fn(u8) -> bool = match mark {
            b'-' => |b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b),
            b'~' => is_line_space,
            _ => return to,
        };
        let text = self.bytes.get(from..to).unwrap_or(&[]);
        to - text.iter().rev().take_while(|b| test(**b)).count()
    }

    fn comment(&mut self, start: usize) -> Result<(), Error> {
        let Some(found) = memchr::memmem::find(self.rest(), b"#}") else {
            return Err(Error::syntax("Unclosed comment.", self.line));
        };
        let at = self.cursor + found;
        self.silent.comments.push(start..at + 2);
        let end = self.after_close(at, 2, self.byte(at.wrapping_sub(1)), found > 0, true);
        self.move_to(end);
        Ok(())
    }

    /// The place after a closing delimiter and the space its trim mark takes.
    fn after_close(&self, at: usize, width: usize, mark: u8, has_mark: bool, newline: bool) -> usize {
        let end = at + width;
        match mark {
            b'-' if has_mark => self.run(end, is_space),
            b'~' if has_mark => self.run(end, is_line_space),
            _ => end + usize::from(newline && self.byte(end) == b'\n'),
        }
    }

    /// `verbatim %}` at the cursor: the place after it.
    fn verbatim_start(&self) -> Option<usize> {
        let at = self.run(self.cursor, is_space);
        if !self.has(at, "verbatim") {
            return None;
        }
        let at = self.run(at + 8, is_space);
        self.tag_close(at)
    }

    /// `-%}`, `~%}` or `%}` at a place: the place after it and its space, newlines kept.
    fn tag_close(&self, at: usize) -> Option<usize> {
        let mark = self.byte(at);
        if matches!(mark, b'-' | b'~') && self.has(at + 1, "%}") {
            return Some(self.after_close(at + 1, 2, mark, true, false));
        }
        self.has(at, "%}").then_some(at + 2)
    }

    fn verbatim(&mut self, opened: usize) -> Result<(), Error> {
        let mut at = self.cursor;
        while let Some(found) = self.bytes.get(at..).and_then(|b| memchr::memmem::find(b, b"{%")) {
            let start = at + found;
            let mark = self.byte(start + 2);
            let inner = start + 2 + usize::from(matches!(mark, b'-' | b'~'));
            let name = self.run(inner, is_space);
            if self.has(name, "endverbatim")
                && let Some(end) = self.tag_close(self.run(name + 11, is_space))
            {
                let text_end = self.trimmed_end(self.cursor, start, mark);
                self.push_text(self.cursor, text_end);
                self.silent.verbatim.push(opened..end);
                self.move_to(end);
                return Ok(());
            }
            at = start + 2;
        }
        Err(Error::syntax("Unexpected end of file: Unclosed \"verbatim\" block.", self.line))
    }

    /// `line 12 %}` at the cursor.
    fn line_tag(&self) -> Option<(usize, u32)> {
        let at = self.run(self.cursor, is_space);
        if !self.has(at, "line") {
            return None;
        }
        let from = self.run(at + 4, is_space);
        let to = self.run(from, |b| b.is_ascii_digit());
        if from == at + 4 || from == to {
            return None;
        }
        let end = self.run(to, is_space);
        if !self.has(end, "%}") {
            return None;
        }
        Some((end + 2, self.slice(from, to).parse().ok()?))
    }

    /// Inside `{% %}` or `{{ }}`.
    fn tag(&mut self, close: &str, kind: Kind) -> Result<(), Error> {
        if self.brackets.is_empty() {
            let at = self.run(self.cursor, is_space);
            let mark = self.byte(at);
            let marked = matches!(mark, b'-' | b'~') && self.has(at + 1, close);
            if marked || self.has(at, close) {
                self.move_to(at);
                self.push(kind, Value::Null);
                let start = at + usize::from(marked);
                let end = self.after_close(start, 2, mark, marked, kind == Kind::BlockEnd);
                self.move_to(end);
                self.leave();
                return Ok(());
            }
        }
        self.expression()
    }

    fn expression(&mut self) -> Result<(), Error> {
        let at = self.run(self.cursor, is_space);
        if at > self.cursor {
            self.move_to(at);
            if at >= self.bytes.len() {
                let what = if self.state == State::Block { "block" } else { "variable" };
                return Err(Error::syntax(format!("Unclosed \"{what}\"."), self.opened));
            }
        }
        let byte = self.byte(at);
        if let Some((operator, end)) = self.operator(at) {
            if matches!(operator, "(" | "[") {
                self.bracket(operator)?;
            }
            self.push(Kind::Operator, Value::from(operator));
            self.move_to(end);
        } else if is_name_start(byte) {
            let end = self.run(at, is_name);
            self.push(Kind::Name, Value::from(self.slice(at, end)));
            self.move_to(end);
        } else if byte.is_ascii_digit() {
            let end = self.number(at);
            let text = self.slice(at, end).replace('_', "");
            let number = crate::value::parse_numeric(text.as_bytes());
            self.push(Kind::Number, number.map_or(Value::Int(0), crate::value::Number::value));
            self.move_to(end);
        } else if let Some(sign) = punctuation(byte) {
            self.bracket(sign)?;
            self.push(Kind::Punctuation, Value::from(sign));
            self.cursor += 1;
        } else if let Some(end) = self.plain_string(at, byte) {
            let text = self.slice(at + 1, end - 1);
            let value = self.unescape(text, byte);
            self.push(Kind::String, value);
            self.move_to(end);
        } else if byte == b'"' {
            self.brackets.push(("\"", self.line));
            self.quotes.push(at);
            self.enter(State::Text);
            self.move_to(at + 1);
        } else if byte == b'#' {
            let end = memchr(b'\n', self.rest()).map_or(self.bytes.len(), |n| at + n);
            self.move_to(end);
        } else {
            let shown = self.code.get(at..).and_then(|s| s.chars().next()).unwrap_or('\u{fffd}');
            return Err(self.error(format!("Unexpected character \"{shown}\".")));
        }
        Ok(())
    }

    /// Whether the name at a place is the first word of an operator.
    fn is_operator_word(&self, at: usize) -> bool {
        let word = self.bytes.get(at..self.run(at, is_name)).unwrap_or(&[]);
        matches!(
            word,
            b"and"
                | b"or"
                | b"xor"
                | b"not"
                | b"in"
                | b"is"
                | b"b"
                | b"matches"
                | b"starts"
                | b"ends"
                | b"has"
        )
    }

    /// The longest operator at a place.
    fn operator(&self, at: usize) -> Option<(&'static str, usize)> {
        let first = self.byte(at);
        if first.is_ascii_alphabetic() && !self.is_operator_word(at) {
            return None;
        }
        let after_dot = at > 0 && matches!(self.byte(at - 1), b'.' | b'|');
        operators(first).iter().find_map(|operator| {
            let word = first.is_ascii_alphabetic();
            if word && after_dot {
                return None;
            }
            let mut end = at;
            for (i, part) in operator.split(' ').enumerate() {
                if i > 0 {
                    let next = self.run(end, is_space);
                    if next == end {
                        return None;
                    }
                    end = next;
                }
                if !self.has(end, part) {
                    return None;
                }
                end += part.len();
            }
            // A word must end where it ends.
            if word && !(is_space(self.byte(end)) || matches!(self.byte(end), b'(' | b')' | b'[' | b'{')) {
                return None;
            }
            Some((*operator, end))
        })
    }

    /// The end of a number: digits with underscores, a fraction, an exponent.
    fn number(&self, at: usize) -> usize {
        let digits = |from: usize| -> usize {
            let mut end = self.run(from, |b| b.is_ascii_digit());
            while end > from && self.byte(end) == b'_' && self.byte(end + 1).is_ascii_digit() {
                end = self.run(end + 1, |b| b.is_ascii_digit());
            }
            end
        };
        let mut end = digits(at);
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = digits(end + 1);
        }
        if matches!(self.byte(end), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            if self.byte(end + 1 + sign).is_ascii_digit() {
                end = digits(end + 1 + sign);
            }
        }
        end
    }

    fn bracket(&mut self, sign: &'static str) -> Result<(), Error> {
        let open = match sign {
            "(" | "[" | "{" => {
                self.brackets.push((sign, self.line));
                return Ok(());
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => return Ok(()),
        };
        match self.brackets.pop() {
            None => Err(self.error(format!("Unexpected \"{sign}\"."))),
            Some((expected, line)) if expected != open => {
                Err(Error::syntax(format!("Unclosed \"{expected}\"."), line))
            }
            Some(_) => Ok(()),
        }
    }

    /// The end of a string without interpolation that starts at a quote.
    fn plain_string(&self, at: usize, quote: u8) -> Option<usize> {
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let mut i = at + 1;
        while let Some(&b) = self.bytes.get(i) {
            match b {
                b'\\' => {
                    self.bytes.get(i + 1)?;
                    i += 2;
                }
                b'#' if quote == b'"' => return None,
                _ if b == quote => return Some(i + 1),
                _ => i += 1,
            }
        }
        None
    }

    /// Inside a double-quoted string that has interpolation or a `#`.
    fn quoted(&mut self) -> Result<(), Error> {
        if self.has(self.cursor, "#{") {
            self.brackets.push(("#{", self.line));
            self.push(Kind::InterpolationStart, Value::Null);
            let end = self.run(self.cursor + 2, is_space);
            self.move_to(end);
            self.enter(State::Interpolation);
            return Ok(());
        }
        let mut i = self.cursor;
        while let Some(&b) = self.bytes.get(i) {
            match b {
                b'\\' if i + 1 < self.bytes.len() => i += 2,
                b'"' => break,
                b'#' if self.byte(i + 1) == b'{' => break,
                _ => i += 1,
            }
        }
        if i > self.cursor {
            let text = self.slice(self.cursor, i);
            let value = self.unescape(text, b'"');
            self.push(Kind::String, value);
            self.move_to(i);
            return Ok(());
        }
        // The closing quote.
        self.brackets.pop();
        self.leave();
        self.cursor += 1;
        if let Some(start) = self.quotes.pop()
            && self.quotes.is_empty()
        {
            self.silent.strings.push(start..self.cursor);
        }
        Ok(())
    }

    fn interpolation(&mut self) -> Result<(), Error> {
        let at = self.run(self.cursor, is_space);
        if self.brackets.last().is_some_and(|(open, _)| *open == "#{") && self.byte(at) == b'}' {
            self.brackets.pop();
            self.push(Kind::InterpolationEnd, Value::Null);
            self.move_to(at + 1);
            self.leave();
            return Ok(());
        }
        self.expression()
    }

    /// Resolves the escapes of a string.
    fn unescape(&mut self, text: &str, quote: u8) -> Value {
        if memchr(b'\\', text.as_bytes()).is_none() {
            return Value::Str(EcoString::from(text));
        }
        let bytes = text.as_bytes();
        let get = |i: usize| bytes.get(i).copied();
        let mut out = Vec::with_capacity(bytes.len());
        let mut i = 0;
        while let Some(b) = get(i) {
            i += 1;
            if b != b'\\' {
                out.push(b);
                continue;
            }
            let Some(next) = get(i) else {
                out.push(b'\\');
                break;
            };
            i += 1;
            match next {
                b'f' => out.push(0x0c),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'v' => out.push(0x0b),
                b'\\' => out.push(b'\\'),
                _ if next == quote => out.push(next),
                b'#' if get(i) == Some(b'{') => {
                    out.extend_from_slice(b"#{");
                    i += 1;
                }
                b'x' if get(i).is_some_and(|c| c.is_ascii_hexdigit()) => {
                    let (code, used) = self::digits(bytes.get(i..).unwrap_or(&[]), 16, 2);
                    out.push(code);
                    i += used;
                }
                b'0'..=b'7' => {
                    let (code, used) = self::digits(bytes.get(i - 1..).unwrap_or(&[]), 8, 3);
                    out.push(code);
                    i += used - 1;
                }
                _ => {
                    let shown = String::from_utf8_lossy(&[next]).into_owned();
                    self.warnings.push(Warning {
                        text: format!(
                            "Since twig/twig 3.12: Character \"{shown}\" should not be escaped; the \"\\\" character is ignored in Twig 3 but will not be in Twig 4. Please remove the extra \"\\\" character at position {i}"
                        ),
                        line: self.line,
                        quoted: true,
                    });
                    out.push(next);
                }
            }
        }
        Value::bytes(out)
    }
}

/// The byte that up to `most` digits at the start mean, and how many digits those are.
fn digits(bytes: &[u8], radix: u32, most: usize) -> (u8, usize) {
    let mut code = 0_i64;
    let mut used = 0;
    for digit in bytes.iter().take(most).map_while(|b| char::from(*b).to_digit(radix)) {
        code = code * i64::from(radix) + i64::from(digit);
        used += 1;
    }
    (num::low_byte(code), used)
}

fn punctuation(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b')' => ")",
        b']' => "]",
        b'{' => "{",
        b'}' => "}",
        b':' => ":",
        b',' => ",",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(code: &str) -> Vec<(Kind, String)> {
        let lexed = tokenize(code).unwrap();
        lexed.tokens.iter().map(|t| (t.kind, t.shown().to_string())).collect()
    }

    #[test]
    fn words_are_operators_only_between_spaces() {
        let got = kinds("{{ a.in is not b and island }}");
        let words: Vec<&str> = got.iter().map(|(_, v)| v.as_str()).collect();
        assert_eq!(words, ["", "a", ".", "in", "is not", "b", "and", "island", "", ""]);
    }

    #[test]
    fn broken_sources_are_named() {
        for (code, want) in [
            ("{{ 'abc }}", "Unexpected character \"'\" at line 1 column 4."),
            ("{{ (1 }}", "Unclosed \"(\" at line 1."),
            ("{# abc", "Unclosed comment at line 1."),
            ("{{ 1 }", "Unexpected \"}\" at line 1 column 6."),
            ("a\n{% verbatim %}", "Unexpected end of file: Unclosed \"verbatim\" block at line 2."),
            ("{{ \"#{\" }}", "Unclosed \"\"\" at line 1."),
        ] {
            assert_eq!(tokenize(code).err().unwrap().to_string(), want, "{code}");
        }
    }
}
