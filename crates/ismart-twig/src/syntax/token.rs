//! Tokens and the stream of them that the parser reads.

use std::ops::Range;

use ecow::EcoString;

use super::ast::Extent;
use crate::error::Error;
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    BlockStart,
    VarStart,
    BlockEnd,
    VarEnd,
    Name,
    Number,
    String,
    Operator,
    Punctuation,
    InterpolationStart,
    InterpolationEnd,
    Eof,
}

impl Kind {
    /// The name errors use.
    pub(crate) fn english(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::BlockStart => "begin of statement block",
            Self::VarStart => "begin of print statement",
            Self::BlockEnd => "end of statement block",
            Self::VarEnd => "end of print statement",
            Self::Name => "name",
            Self::Number => "number",
            Self::String => "string",
            Self::Operator => "operator",
            Self::Punctuation => "punctuation",
            Self::InterpolationStart => "begin of string interpolation",
            Self::InterpolationEnd => "end of string interpolation",
            Self::Eof => "end of template",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// The text of names, operators, punctuation and strings.
    pub(crate) value: Value,
    /// The place in the source. That of a closing delimiter goes on to the end of the space it takes.
    pub(crate) range: Range<usize>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Token {
    pub(crate) fn text(&self) -> &str {
        self.value.as_str().unwrap_or("")
    }

    pub(crate) fn name(&self) -> EcoString {
        match &self.value {
            Value::Str(s) => s.clone(),
            _ => EcoString::new(),
        }
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent::new(self.range.start, self.range.end)
    }

    pub(crate) fn is(&self, kind: Kind, value: &str) -> bool {
        self.kind == kind && self.text() == value
    }

    /// The value as errors print it.
    pub(crate) fn shown(&self) -> EcoString {
        self.value.to_text().unwrap_or_default()
    }
}

/// A cursor over the tokens of a template.
#[derive(Debug)]
pub(crate) struct Stream {
    tokens: Vec<Token>,
    at: usize,
    end: Token,
}

impl Stream {
    pub(crate) fn new(tokens: Vec<Token>) -> Self {
        let end = tokens.last().cloned().unwrap_or(Token {
            kind: Kind::Eof,
            value: Value::Null,
            range: 0..0,
            line: 1,
            column: 1,
        });
        Self { tokens, at: 0, end }
    }

    pub(crate) fn current(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&self.end)
    }

    pub(crate) fn line(&self) -> u32 {
        self.current().line
    }

    /// Where the current token begins.
    pub(crate) fn offset(&self) -> usize {
        self.current().range.start
    }

    /// Where the token before the current one ends.
    pub(crate) fn behind(&self) -> usize {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.map_or(0, |token| token.range.end)
    }

    pub(crate) fn is_eof(&self) -> bool {
        self.current().kind == Kind::Eof
    }

    /// Gives the current token and moves on.
    pub(crate) fn next(&mut self) -> Result<Token, Error> {
        let token = self.current().clone();
        if token.kind == Kind::Eof {
            return Err(Error::syntax("Unexpected end of template.", token.line));
        }
        self.at += 1;
        Ok(token)
    }

    pub(crate) fn test(&self, kind: Kind, value: &str) -> bool {
        self.current().is(kind, value)
    }

    pub(crate) fn test_kind(&self, kind: Kind) -> bool {
        self.current().kind == kind
    }

    pub(crate) fn next_if(&mut self, kind: Kind, value: &str) -> bool {
        let found = self.test(kind, value);
        if found {
            self.at += 1;
        }
        found
    }

    pub(crate) fn next_if_kind(&mut self, kind: Kind) -> Option<Token> {
        if self.current().kind != kind {
            return None;
        }
        let token = self.current().clone();
        self.at += 1;
        Some(token)
    }

    /// Takes a token of a kind and, unless empty, of a value.
    pub(crate) fn expect(&mut self, kind: Kind, value: &str, message: &str) -> Result<Token, Error> {
        let token = self.current();
        if token.kind == kind && (value.is_empty() || token.text() == value) {
            let token = token.clone();
            self.at += 1;
            return Ok(token);
        }
        let lead = if message.is_empty() { String::new() } else { format!("{message}. ") };
        let shown = token.shown();
        let of = if token.value.truthy() { format!(" of value \"{shown}\"") } else { String::new() };
        let with = if value.is_empty() { String::new() } else { format!(" with value \"{value}\"") };
        Err(Error::syntax(
            format!(
                "{lead}Unexpected token \"{}\"{of} (\"{}\" expected{with}).",
                token.kind.english(),
                kind.english()
            ),
            token.line,
        )
        .with_column(token.column))
    }
}
