//! The words of a PHP file, as far as configuration needs them.

/// One word with its line, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `$name`, without the dollar.
    Variable(String),
    /// A name, with its namespace: keywords, constants, functions, classes.
    Name(String),
    /// A string without variables in it.
    Text(String),
    /// A string that PHP fills with variables.
    Filled,
    Integer(i64),
    Float(f64),
    /// Punctuation and operators.
    Mark(&'static str),
}

/// Longest first: the first that fits is taken.
const MARKS: &[&str] = &[
    "===", "!==", "<=>", "**=", "...", "??=", "?->", "<<=", ">>=", "=>", "->", "::", "==", "!=", "<=", ">=",
    "&&", "||", "??", "?:", "++", "--", "+=", "-=", "*=", "/=", ".=", "**", "<<", ">>", "[", "]", "(", ")",
    "{", "}", ",", ";", ".", "+", "-", "*", "/", "%", "?", ":", "=", "<", ">", "!", "&", "|", "^", "~", "@",
    "\\", "#", "$",
];

/// The words of `text`; what stands outside `<?php … ?>` and comments is left out.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let body = text.find("<?php").and_then(|at| text.get(at + 5..));
    let before = text.find("<?php").and_then(|at| text.get(..at)).unwrap_or("");
    let mut lexer =
        Lexer { rest: body.unwrap_or(""), line: before.matches('\n').count() + 1, tokens: Vec::new() };
    while !lexer.rest.is_empty() && !lexer.rest.starts_with("?>") {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    /// Takes `len` bytes off the text and counts the lines in them.
    fn take(&mut self, len: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn push(&mut self, kind: Kind) {
        self.tokens.push(Token { kind, line: self.line });
    }

    fn step(&mut self) {
        let Some(first) = self.rest.chars().next() else { return };
        if first.is_whitespace() {
            self.take(first.len_utf8());
        } else if self.rest.starts_with("//") || (first == '#' && !self.rest.starts_with("#[")) {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(end);
        } else if self.rest.starts_with("/*") {
            let end = self.rest.find("*/").map_or(self.rest.len(), |at| at + 2);
            self.take(end);
        } else if self.rest.starts_with("<<<") {
            self.heredoc();
        } else if first == '\'' || first == '"' {
            self.string(first);
        } else if first.is_ascii_digit() {
            self.number();
        } else if first == '$' && self.rest.chars().nth(1).is_some_and(starts_name) {
            let len = 1 + self.rest.get(1..).map_or(0, name_length);
            let name = self.rest.get(1..len).unwrap_or("").to_owned();
            self.push(Kind::Variable(name));
            self.take(len);
        } else if starts_name(first) || (first == '\\' && self.rest.chars().nth(1).is_some_and(starts_name)) {
            let len = self.rest.find(|c: char| !(continues_name(c) || c == '\\')).unwrap_or(self.rest.len());
            let name = self.rest.get(..len).unwrap_or("").trim_start_matches('\\').to_owned();
            self.push(Kind::Name(name));
            self.take(len);
        } else {
            match MARKS.iter().find(|mark| self.rest.starts_with(**mark)) {
                Some(mark) => {
                    self.push(Kind::Mark(mark));
                    self.take(mark.len());
                }
                None => {
                    self.take(first.len_utf8());
                }
            }
        }
    }

    fn number(&mut self) {
        let len = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
            .unwrap_or(self.rest.len());
        let text = self.rest.get(..len).unwrap_or("").replace('_', "");
        let octal = text.strip_prefix("0o").or_else(|| {
            text.strip_prefix('0').filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        });
        let integer = match (text.strip_prefix("0x"), text.strip_prefix("0b"), octal) {
            (Some(hex), ..) => i64::from_str_radix(hex, 16).ok(),
            (_, Some(binary), _) => i64::from_str_radix(binary, 2).ok(),
            (.., Some(octal)) => i64::from_str_radix(octal, 8).ok(),
            _ => text.parse().ok(),
        };
        let kind = match integer {
            Some(number) => Kind::Integer(number),
            None => text.parse().map_or(Kind::Filled, Kind::Float),
        };
        self.push(kind);
        self.take(len);
    }

    fn string(&mut self, quote: char) {
        let mut text = String::new();
        let mut filled = false;
        let mut chars = self.rest.char_indices().skip(1).peekable();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                end = at + 1;
                break;
            }
            if c == '\\' {
                let Some((_, next)) = chars.next() else { break };
                escape(quote, next, &mut text);
                continue;
            }
            let opens = |c: &(usize, char)| starts_name(c.1) || c.1 == '{';
            filled |= quote == '"'
                && ((c == '$' && chars.peek().is_some_and(opens))
                    || (c == '{' && chars.peek().is_some_and(|(_, next)| *next == '$')));
            text.push(c);
        }
        self.push(if filled { Kind::Filled } else { Kind::Text(text) });
        self.take(end);
    }

    /// `<<<'NAME'`: its text when nothing is filled in.
    fn heredoc(&mut self) {
        let head = self.rest.lines().next().unwrap_or("");
        let name = head.trim_start_matches('<').trim().trim_matches(['\'', '"']).to_owned();
        let body = self.rest.get(head.len() + 1..).unwrap_or("");
        let mut lines = Vec::new();
        let mut len = head.len() + 1;
        let mut indent = 0;
        for line in body.split_inclusive('\n') {
            let bare = line.trim_start();
            if !name.is_empty() && bare.starts_with(&name) {
                indent = line.len() - bare.len();
                len += indent + name.len();
                break;
            }
            lines.push(line);
            len += line.len();
        }
        let text: String = lines.iter().map(|line| line.get(indent..).unwrap_or(line)).collect();
        let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        let plain = head.contains('\'') || !text.contains('$');
        self.push(if plain { Kind::Text(text) } else { Kind::Filled });
        self.take(len);
    }
}

fn escape(quote: char, next: char, text: &mut String) {
    let known = match (quote, next) {
        (_, '\\') => Some('\\'),
        (quote, next) if quote == next => Some(next),
        ('"', 'n') => Some('\n'),
        ('"', 't') => Some('\t'),
        ('"', 'r') => Some('\r'),
        ('"', '$') => Some('$'),
        ('"', 'e') => Some('\u{1b}'),
        ('"', '0') => Some('\0'),
        _ => None,
    };
    match known {
        Some(c) => text.push(c),
        None => text.extend(['\\', next]),
    }
}

fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit()
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !continues_name(c)).unwrap_or(text.len())
}
