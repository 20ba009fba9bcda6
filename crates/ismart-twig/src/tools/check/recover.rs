//! All errors of one source: after each one the tag at fault is put out of the way and the rest is read again.
//!
//! It works on tokens, so every place stays where it is in the source.

use std::ops::Range;
use std::sync::Arc;

use super::place;
use crate::env::Engine;
use crate::error::{Error, ErrorKind};
use crate::syntax::ast::Module;
use crate::syntax::parser::{self, Warning};
use crate::syntax::token::{Kind, Token};
use crate::tools::finding::Related;
use crate::tools::rules::{self, Rule};
use crate::tools::source::{Scan, Source};
use crate::value::Value;

/// Errors reported of one source at most.
const MOST: usize = 60;

/// What is wrong with a source.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) rule: &'static Rule,
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) related: Vec<Related>,
    /// The line that PHP Twig reports.
    pub(crate) line: u32,
}

/// A source read as far as it can be.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The tree; with faults, that of what remained when the tags at fault were out of the way.
    pub(crate) module: Option<Module>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) faults: Vec<Fault>,
    /// The tokens of what the lexer takes.
    pub(crate) scan: Option<Scan>,
}

/// Reads a source; `error` is what the lexer said of it.
pub(crate) fn read(engine: &Engine, source: &Source, error: Option<Error>) -> Reading {
    let mut recovery = Recovery { engine, source, faults: Vec::new(), quiet: Vec::new() };
    let scan = match (&source.scan, error) {
        (Some(scan), _) => Some(scan.clone()),
        (None, Some(error)) => recovery.masked(error),
        (None, None) => None,
    };
    let Some(mut scan) = scan else {
        return Reading { module: None, warnings: Vec::new(), faults: recovery.faults, scan: None };
    };
    let lexer_warnings = std::mem::take(&mut scan.warnings);
    let parsed = recovery.parse(scan.tokens.clone());
    let (module, warnings) = match parsed {
        Some(parsed) => (Some(parsed.module), parsed.warnings),
        None => (None, Vec::new()),
    };
    let warnings = lexer_warnings.into_iter().chain(warnings).collect();
    recovery.faults.sort_by_key(|fault| fault.range.start);
    Reading { module, warnings, faults: recovery.faults, scan: Some(scan) }
}

struct Recovery<'s> {
    engine: &'s Engine,
    source: &'s Source,
    faults: Vec<Fault>,
    /// Names of end tags whose opening tags were unknown or could not be read: they are no errors of their own.
    quiet: Vec<String>,
}

impl Recovery<'_> {
    /// The tokens once what the lexer refuses is hidden; spaces take its place.
    fn masked(&mut self, first: Error) -> Option<Scan> {
        let mut text = self.source.text.clone();
        let mut error = first;
        while self.faults.len() < MOST {
            let place = self.report(&error, &[], None);
            let from = tag_before(&text, place.start)?;
            let shown = text.get(from..)?;
            let (close, comment) = match shown.get(..2) {
                Some("{{") => ("}}", false),
                Some("{#") => ("#}", true),
                _ => ("%}", false),
            };
            // A comment or tag that is never closed swallows the rest.
            let to = shown.get(2..)?.find(close).map_or(text.len(), |found| from + 2 + found + 2);
            let hidden: String = harmless_text(text.get(from..to)?, comment, &mut self.quiet);
            if text.get(from..to) == Some(hidden.as_str()) {
                return None;
            }
            text.replace_range(from..to, &hidden);
            match Scan::new(&text) {
                Ok(scan) => return Some(scan),
                Err(next) => error = next,
            }
        }
        None
    }

    fn parse(&mut self, mut tokens: Vec<Token>) -> Option<parser::Parsed> {
        for _ in 0..MOST {
            let parsed = parser::parse_tokens(&self.engine.registry, &self.source.text, tokens.clone(), true);
            let error = match parsed {
                Ok(parsed) => match self.compile(&parsed) {
                    None => return Some(parsed),
                    Some(error) => error,
                },
                Err(error) => error,
            };
            if error.kind() != ErrorKind::Syntax {
                self.report(&error, &tokens, None);
                return None;
            }
            if !self.mend(&error, &mut tokens) {
                return None;
            }
        }
        None
    }

    /// What the compiler has against a tree.
    fn compile(&self, parsed: &parser::Parsed) -> Option<Error> {
        let name: Arc<str> = self.source.name.as_str().into();
        let text: Arc<str> = self.source.text.as_str().into();
        let copy = parser::Parsed { module: parsed.module.clone(), warnings: Vec::new() };
        self.engine.compile_parsed(&name, &text, copy).err()
    }

    /// Reports an error and changes the tokens so that reading gets further; `false` when it cannot.
    fn mend(&mut self, error: &Error, tokens: &mut Vec<Token>) -> bool {
        let message = error.raw_message();
        if message.starts_with("A template that extends another one cannot include content") {
            return self.outside_blocks(error, tokens);
        }
        let at_end = tokens.last().is_none_or(|end| error.offset().is_some_and(|at| at >= end.range.start));
        let tag = self.faulty_tag(error, tokens, at_end);
        let before = tag.as_ref().filter(|_| !at_end).map_or(tokens.len(), |tag| tag.start);
        let opened = openings(tokens, before);
        let unclosed = message.starts_with("Unexpected end of template")
            || (message.starts_with("Unexpected \"") && message.contains("expecting closing tag"));
        if at_end && !opened.is_empty() && (unclosed || message.starts_with("Unexpected token \"end of")) {
            self.report_unclosed(error, tokens, &opened);
            close(tokens, tokens.len() - 1, &opened);
            return true;
        }
        let Some(tag) = tag else {
            self.report(error, tokens, None);
            return false;
        };
        let word = word_of(tokens, &tag).to_owned();
        if let Some(place) = self.quiet.iter().position(|known| *known == word) {
            self.quiet.remove(place);
            tokens.drain(tag);
            return true;
        }
        let place = opened.iter().rposition(|open| closes(&word, &open.word));
        if unclosed && let Some(place) = place.filter(|place| place + 1 < opened.len()) {
            // The tag closes one further out: those between are not closed.
            let inner: Vec<Opening> = opened.into_iter().skip(place + 1).collect();
            self.report_unclosed(error, tokens, &inner);
            close(tokens, tag.start, &inner);
            return true;
        }
        if place::is_unknown_tag(self.engine, message) {
            self.quiet.push(format!("end{word}"));
        }
        self.report(error, tokens, Some(&tag));
        let misplaced = message.starts_with("A \"block\" tag cannot be under");
        if misplaced {
            self.quiet.push("endblock".to_owned());
        }
        // What was put there before and is refused as well goes altogether, and so does what continues nothing.
        let again = tokens.get(tag.start + 1).is_some_and(|token| token.range.is_empty());
        let follows = matches!(word.as_str(), "else" | "elseif") || word.starts_with("end");
        let lost = unclosed || (follows && place.is_none());
        let instead = if again || lost || misplaced { Vec::new() } else { harmless(tokens, &tag) };
        tokens.splice(tag, instead);
        true
    }

    /// Content of a child template outside its blocks: reported once, then taken away.
    fn outside_blocks(&mut self, error: &Error, tokens: &mut Vec<Token>) -> bool {
        let line = error.line().unwrap_or(1);
        let visible = |token: &Token| match token.kind {
            Kind::Text => !self.source.slice(token.range.clone()).trim().is_empty(),
            Kind::VarStart | Kind::BlockStart => true,
            _ => false,
        };
        let Some(at) = tokens.iter().position(|token| token.line == line && visible(token)) else {
            self.report(error, tokens, None);
            return false;
        };
        let told = self.faults.iter().any(|fault| fault.message == error.raw_message());
        if !told {
            let range = tokens.get(at).map_or(0..0, |token| self.first_line(token));
            self.fault(error, range, String::new(), Vec::new());
        }
        let end = match tokens.get(at).map(|token| token.kind) {
            Some(Kind::Text) => at + 1,
            _ => tag_end(tokens, at),
        };
        tokens.drain(at..end);
        true
    }

    /// The first line of what a token shows.
    fn first_line(&self, token: &Token) -> Range<usize> {
        if token.kind != Kind::Text {
            return token.range.clone();
        }
        let text = self.source.slice(token.range.clone());
        let from = token.range.start + text.len() - text.trim_start().len();
        let line = self.source.slice(from..token.range.end).lines().next().unwrap_or("");
        from..from + line.trim_end().len()
    }

    /// The tokens of the tag that an error is about.
    fn faulty_tag(&self, error: &Error, tokens: &[Token], at_end: bool) -> Option<Range<usize>> {
        let starts = |token: &Token| matches!(token.kind, Kind::BlockStart | Kind::VarStart);
        let around = |index: usize| {
            let start = tokens.get(..=index)?.iter().rposition(starts)?;
            Some(start..tag_end(tokens, start))
        };
        let read = error.offset().and_then(|offset| {
            let found = tokens.iter().position(|t| t.range.start >= offset && !t.range.is_empty());
            let found = found.unwrap_or(tokens.len().saturating_sub(1));
            // What follows is only looked at when the tag before it is read.
            let outside = |t: &Token| starts(t) || matches!(t.kind, Kind::Text | Kind::Eof);
            let index = if tokens.get(found).is_none_or(outside) { found.checked_sub(1)? } else { found };
            around(index)
        });
        // What is only seen when all is read is said of the line where it stands.
        let late =
            at_end && tokens.last().is_some_and(|end| error.line().is_some_and(|line| line < end.line));
        let told = || {
            let range = place::find(self.source, tokens, error);
            around(tokens.iter().rposition(|t| t.range.start <= range.start && !t.range.is_empty())?)
        };
        let Some(read) = read.filter(|_| !late) else { return told() };
        // Some errors of an opening tag are only seen behind its end tag.
        let ends =
            word_of(tokens, &read).starts_with("end") && !error.raw_message().starts_with("Expected end");
        match told().filter(|tag| ends && tag.start < read.start) {
            Some(tag) => Some(tag),
            None => Some(read),
        }
    }

    fn report_unclosed(&mut self, error: &Error, tokens: &[Token], opened: &[Opening]) {
        let range = place::find(self.source, tokens, error);
        let words: Vec<String> = opened.iter().rev().map(|o| format!("`{{% end{} %}}`", o.word)).collect();
        let related = opened.iter().rev().map(|open| Related {
            template: None,
            line: open.line,
            message: format!("this `{}` is not closed", open.word),
        });
        self.fault(error, range, format!("add {}", words.join(", ")), related.collect());
    }

    fn report(&mut self, error: &Error, tokens: &[Token], tag: Option<&Range<usize>>) -> Range<usize> {
        let mut range = place::find(self.source, tokens, error);
        // Some errors are only seen behind their tag: they belong to its name.
        if let Some(tag) = tag.and_then(|tag| tokens.get(tag.clone()))
            && let [open, first, .., close] = tag
            && !(open.range.start..close.range.end).contains(&range.start)
            && !first.range.is_empty()
        {
            range = first.range.clone();
        }
        let help = place::help(self.engine, self.source, error);
        self.fault(error, range.clone(), help, Vec::new());
        range
    }

    fn fault(&mut self, error: &Error, range: Range<usize>, help: String, related: Vec<Related>) {
        let message = error.raw_message().to_owned();
        let told = self.faults.iter().any(|f| f.message == message && f.range == range);
        if told {
            return;
        }
        let line = error.line().unwrap_or_else(|| self.source.line_of(range.start));
        if let Some((kind, name)) = place::cause(self.engine, &message) {
            // Of a name that is not known nothing else need be said.
            let (rule, message, help) = super::unknown_name(&self.engine.registry, kind, name);
            let line_range = self.source.line(line);
            let range = self.source.name_in(name, line_range);
            self.faults.push(Fault { rule, range, message, help, related, line });
            return;
        }
        let rule =
            if place::is_unknown_tag(self.engine, &message) { &rules::UNKNOWN_TAG } else { &rules::SYNTAX };
        self.faults.push(Fault { rule, range, message, help, related, line });
    }
}

/// A tag whose body is open.
#[derive(Clone, Debug)]
struct Opening {
    word: String,
    line: u32,
}

fn word_of<'t>(tokens: &'t [Token], tag: &Range<usize>) -> &'t str {
    match (tokens.get(tag.start).map(|t| t.kind), tokens.get(tag.start + 1)) {
        (Some(Kind::BlockStart), Some(name)) if name.kind == Kind::Name => name.text(),
        _ => "",
    }
}

/// The index behind a tag's closing delimiter.
fn tag_end(tokens: &[Token], start: usize) -> usize {
    let rest = tokens.get(start..).unwrap_or(&[]);
    let end = rest.iter().position(|t| matches!(t.kind, Kind::BlockEnd | Kind::VarEnd));
    end.map_or(tokens.len().saturating_sub(1), |end| start + end + 1)
}

/// Whether a word ends or continues the body of a tag.
fn closes(word: &str, tag: &str) -> bool {
    word.strip_prefix("end").is_some_and(|rest| rest == tag)
        || matches!((word, tag), ("else", "if" | "for" | "guard") | ("elseif", "if"))
}

/// Whether a tag has a body, by its tokens.
pub(crate) fn has_body(word: &str, inner: &[Token]) -> bool {
    match word {
        "if" | "for" | "macro" | "embed" | "with" | "apply" | "autoescape" | "sandbox" | "guard"
        | "cache" => true,
        "block" => inner.len() <= 2,
        "set" => !inner.iter().any(|token| token.is(Kind::Operator, "=")),
        _ => false,
    }
}

/// The tags whose bodies are open before a token.
fn openings(tokens: &[Token], before: usize) -> Vec<Opening> {
    let mut open: Vec<Opening> = Vec::new();
    let mut at = 0;
    while at < before {
        let Some(token) = tokens.get(at) else { break };
        if token.kind != Kind::BlockStart {
            at += 1;
            continue;
        }
        let end = tag_end(tokens, at);
        let word = word_of(tokens, &(at..end)).to_owned();
        let inner = tokens.get(at + 1..end.saturating_sub(1)).unwrap_or(&[]);
        if has_body(&word, inner) {
            open.push(Opening { word, line: token.line });
        } else if let Some(tag) = word.strip_prefix("end")
            && let Some(place) = open.iter().rposition(|o| o.word == tag)
        {
            open.truncate(place);
        }
        at = end.max(at + 1);
    }
    open
}

/// Puts end tags of open bodies before a token.
fn close(tokens: &mut Vec<Token>, before: usize, opened: &[Opening]) {
    let Some(place) = tokens.get(before).cloned() else { return };
    let made = opened.iter().rev().flat_map(|open| {
        let name = format!("end{}", open.word);
        [
            made(&place, Kind::BlockStart, Value::Null),
            made(&place, Kind::Name, Value::from(name.as_str())),
            made(&place, Kind::BlockEnd, Value::Null),
        ]
    });
    let made: Vec<Token> = made.collect();
    tokens.splice(before..before, made);
}

/// A token that stands nowhere, at the place of another.
fn made(at: &Token, kind: Kind, value: Value) -> Token {
    Token { kind, value, range: at.range.start..at.range.start, line: at.line, column: at.column }
}

/// Tokens that a parser takes in place of a tag at fault: its body keeps its meaning.
fn harmless(tokens: &[Token], tag: &Range<usize>) -> Vec<Token> {
    let inner = tokens.get(tag.start + 1..tag.end.saturating_sub(1)).unwrap_or(&[]);
    let word = word_of(tokens, tag);
    let body = has_body(word, inner) || matches!(word, "elseif" | "else") || word.starts_with("end");
    let (Some(first), true) = (tokens.get(tag.start), body) else { return Vec::new() };
    let token = |kind: Kind, text: &str| made(first, kind, Value::from(text));
    let name = inner.get(1).filter(|t| t.kind == Kind::Name).map_or("_", Token::text);
    let mut out = vec![token(Kind::BlockStart, ""), token(Kind::Name, word)];
    match word {
        "if" | "elseif" => out.push(token(Kind::Name, "true")),
        "for" => {
            out.extend([token(Kind::Name, "_"), token(Kind::Operator, "in"), token(Kind::Name, "_")]);
        }
        "set" => out.push(token(Kind::Name, name)),
        // A name that stands nowhere else, so that a block of the same name is not met twice.
        "block" => out.push(token(Kind::Name, &format!("_{}", first.range.start))),
        "macro" => {
            out.push(token(Kind::Name, name));
            out.extend([token(Kind::Operator, "("), token(Kind::Punctuation, ")")]);
        }
        "apply" => out.push(token(Kind::Name, "raw")),
        "embed" | "cache" => out.push(token(Kind::String, "")),
        "guard" => out.extend([token(Kind::Name, "function"), token(Kind::Name, "include")]),
        _ => {}
    }
    out.push(token(Kind::BlockEnd, ""));
    out
}

/// The opening delimiter at or before a place.
fn tag_before(text: &str, offset: usize) -> Option<usize> {
    let mut end = (offset + 2).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end)?;
    ["{{", "{%", "{#"].iter().filter_map(|delimiter| head.rfind(delimiter)).max()
}

/// Text of the same length that a lexer takes in place of a tag: line ends stay, the rest are spaces.
fn harmless_text(tag: &str, comment: bool, quiet: &mut Vec<String>) -> String {
    let blank = |text: &str| -> String {
        text.chars()
            .flat_map(|c| std::iter::repeat_n(if c == '\n' { '\n' } else { ' ' }, c.len_utf8()))
            .collect()
    };
    let closed = tag.ends_with("%}");
    if comment || !closed {
        return blank(tag);
    }
    let inner = tag.get(2..tag.len() - 2).unwrap_or("").trim_start_matches(['-', '~']).trim_start();
    let word = inner.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
    let short = match word {
        "if" => "{%if 1",
        "elseif" => "{%elseif 1",
        "for" => "{%for _ in _",
        "apply" => "{%apply raw",
        "with" => "{%with",
        "autoescape" => "{%autoescape",
        "embed" => "{%embed''",
        "set" if !inner.contains('=') => "{%set _",
        _ => return blank(tag),
    };
    match tag.get(short.len()..tag.len() - 2) {
        Some(rest) => format!("{short}{}%}}", blank(rest)),
        None => {
            quiet.push(format!("end{word}"));
            blank(tag)
        }
    }
}
