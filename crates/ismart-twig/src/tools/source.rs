//! A template's source with its lines, tokens and tags.

use std::ops::Range;

use super::finding::Span;
use crate::error::Error;
use crate::num::{at, small};
use crate::syntax::ast::Extent;
use crate::syntax::lexer::{self, Silent};
use crate::syntax::parser::Warning;
use crate::syntax::token::{Kind, Token};

/// Bytes between places whose number of characters is known.
const STEP: usize = 1024;
/// Bytes of a line that an excerpt shows at most.
const EXCERPT: usize = 400;

/// A source whose line ends are normalised.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Where the lines begin.
    lines: Vec<usize>,
    /// How many characters stand before each [`STEP`] bytes, so that columns of long lines are found at once.
    marks: Vec<usize>,
    /// The tokens, unless the lexer fails.
    pub(crate) scan: Option<Scan>,
}

/// The tokens of a source.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) tokens: Vec<Token>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) silent: Silent,
    pub(crate) warnings: Vec<Warning>,
}

/// `{{ … }}` or `{% … %}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The tag's name; empty for `{{ }}`.
    pub(crate) word: String,
    /// The opening delimiter with its trim mark.
    pub(crate) open: Range<usize>,
    /// The closing delimiter with its trim mark.
    pub(crate) close: Range<usize>,
    /// The tokens between the delimiters, by index.
    pub(crate) inner: Range<usize>,
}

impl Tag {
    pub(crate) fn range(&self) -> Range<usize> {
        self.open.start..self.close.end
    }

    pub(crate) fn is_print(&self) -> bool {
        self.word.is_empty()
    }
}

impl Scan {
    /// Reads a source.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let lexed = lexer::tokenize(text)?;
        let tags = tags(text, &lexed.tokens);
        Ok(Self { tokens: lexed.tokens, tags, silent: lexed.silent, warnings: lexed.warnings })
    }

    /// The tokens between the delimiters of a tag.
    pub(crate) fn inner(&self, tag: &Tag) -> &[Token] {
        self.tokens.get(tag.inner.clone()).unwrap_or(&[])
    }

    /// The tag that covers a byte.
    pub(crate) fn tag_at(&self, offset: usize) -> Option<&Tag> {
        let after = self.tags.partition_point(|tag| tag.open.start <= offset);
        let tag = self.tags.get(after.checked_sub(1)?)?;
        (offset < tag.close.end).then_some(tag)
    }

    /// The tag whose opening delimiter starts at a byte.
    pub(crate) fn tag_from(&self, offset: usize) -> Option<&Tag> {
        self.tag_at(offset).filter(|tag| tag.open.start == offset)
    }
}

fn tags(text: &str, tokens: &[Token]) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut open: Option<(Range<usize>, usize)> = None;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::BlockStart | Kind::VarStart => open = Some((token.range.clone(), index + 1)),
            Kind::BlockEnd | Kind::VarEnd => {
                let Some((open, first)) = open.take() else { continue };
                let from = token.range.start;
                let marked = text.get(from..).is_some_and(|d| d.starts_with(['-', '~']));
                let word = match tokens.get(first) {
                    Some(name) if token.kind == Kind::BlockEnd && first < index => name.text().to_owned(),
                    _ => String::new(),
                };
                let close = from..from + 2 + usize::from(marked);
                tags.push(Tag { word, open, close, inner: first..index });
            }
            _ => {}
        }
    }
    tags
}

impl Source {
    /// Normalises and reads a source; what the lexer has against it is given beside it.
    pub(crate) fn new(name: &str, source: &str) -> (Self, Option<Error>) {
        let text = lexer::normalise(source);
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let lines = lines.collect();
        let (scan, error) = match Scan::new(&text) {
            Ok(scan) => (Some(scan), None),
            Err(error) => (None, Some(error)),
        };
        let mut marks = Vec::with_capacity(text.len() / STEP + 1);
        let mut chars = 0;
        for part in text.as_bytes().chunks(STEP) {
            marks.push(chars);
            chars += characters(part);
        }
        (Self { name: name.to_owned(), text, lines, marks, scan }, error)
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or("")
    }

    pub(crate) fn of(&self, extent: Extent) -> &str {
        self.slice(at(extent.start)..at(extent.end))
    }

    /// Line and column of a byte, both from 1.
    pub(crate) fn position(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        (small(line), small(self.before(offset).saturating_sub(self.before(start))) + 1)
    }

    /// The number of characters before a byte.
    fn before(&self, offset: usize) -> usize {
        let step = offset / STEP;
        let known = self.marks.get(step).copied().unwrap_or(0);
        let rest = self.text.as_bytes().get(step * STEP..offset).unwrap_or(&[]);
        known + characters(rest)
    }

    pub(crate) fn line_of(&self, offset: usize) -> u32 {
        small(self.lines.partition_point(|start| *start <= offset))
    }

    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let (line, column) = self.position(range.start);
        let (end_line, end_column) = self.position(range.end);
        Span { start: range.start, end: range.end, line, column, end_line, end_column }
    }

    pub(crate) fn span_of(&self, extent: Extent) -> Span {
        self.span(at(extent.start)..at(extent.end))
    }

    /// The bytes of a line without its end; an empty range behind the last line.
    pub(crate) fn line(&self, line: u32) -> Range<usize> {
        let index = at(line.saturating_sub(1));
        let start = self.lines.get(index).copied().unwrap_or(self.text.len());
        let end = self.lines.get(index + 1).map_or(self.text.len(), |next| next - 1);
        start..end.max(start)
    }

    pub(crate) fn line_count(&self) -> u32 {
        small(self.lines.len())
    }

    /// The lines that a span touches, and the column that the first one is shown from; of long spans and lines
    /// a part.
    pub(crate) fn excerpt(&self, span: Span) -> (String, u32) {
        let last = span.end_line.min(span.line + 5);
        let mut text = String::new();
        let mut column = 1;
        for number in span.line..=last {
            let line = self.line(number);
            let mut start = line.start;
            if number == span.line && line.len() > EXCERPT {
                start = self.char_start(line.start.max(span.start.saturating_sub(EXCERPT / 2)));
                column = self.position(start).1;
            } else {
                text.push_str(if number == span.line { "" } else { "\n" });
            }
            let end = self.char_start(line.end.min(start + EXCERPT));
            text.push_str(self.slice(start..end));
        }
        (text, column)
    }

    /// The start of the character that holds a byte.
    fn char_start(&self, mut at: usize) -> usize {
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// The white space that a line begins with.
    pub(crate) fn indent(&self, line: u32) -> &str {
        let text = self.slice(self.line(line));
        let end = text.len() - text.trim_start_matches([' ', '\t']).len();
        text.get(..end).unwrap_or("")
    }

    /// Whether nothing but white space stands before a byte on its line.
    pub(crate) fn is_first_on_line(&self, offset: usize) -> bool {
        let start = self.line(self.line_of(offset)).start;
        self.slice(start..offset).bytes().all(|b| matches!(b, b' ' | b'\t'))
    }

    /// The tokens that form names inside a range.
    pub(crate) fn names_in(&self, range: Range<usize>) -> impl Iterator<Item = &Token> {
        let tokens = self.scan.as_ref().map_or(&[][..], |scan| scan.tokens.as_slice());
        let from = tokens.partition_point(|token| token.range.end <= range.start);
        let inside = move |token: &&Token| token.range.start < range.end;
        tokens.get(from..).unwrap_or(&[]).iter().take_while(inside).filter(|token| token.kind == Kind::Name)
    }

    /// Where a name stands first in a range; the range when it does not.
    pub(crate) fn name_in(&self, name: &str, range: Range<usize>) -> Range<usize> {
        let found = self.names_in(range.clone()).find(|token| token.text() == name);
        found.map_or(range, |token| token.range.clone())
    }
}

/// The characters of a stretch of UTF-8: the bytes that begin one.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_their_delimiters() {
        let (source, error) = Source::new("t", "a{{- -1 ~}}  b\n{%~ if x %}\nc{% endif -%} {{x}}");
        assert!(error.is_none());
        let scan = source.scan.as_ref().unwrap();
        let shown: Vec<(&str, &str, &str)> = scan
            .tags
            .iter()
            .map(|t| (t.word.as_str(), source.slice(t.open.clone()), source.slice(t.close.clone())))
            .collect();
        assert_eq!(
            shown,
            [("", "{{-", "~}}"), ("if", "{%~", "%}"), ("endif", "{%", "-%}"), ("", "{{", "}}")]
        );
        assert_eq!(scan.tag_at(3).unwrap().range(), 1..11);
        assert!(scan.tag_at(12).is_none());
    }

    #[test]
    fn positions_count_characters() {
        let (source, _) = Source::new("t", "да {{ x }}\r\nнет");
        let span = source.span(8..9);
        assert_eq!((span.line, span.column, span.end_column), (1, 7, 8));
        assert_eq!(source.position(source.text.len()), (2, 4));
        assert_eq!(source.slice(source.line(2)), "нет");
        assert_eq!(source.line_count(), 2);
    }
}
