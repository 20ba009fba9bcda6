//! Spaces, line breaks and quotes inside delimiters: how they should be, as edits.
//!
//! Text outside delimiters is never touched, and an edit is kept only if the tokens of its tag stay what they are.

mod gaps;

use std::ops::Range;

use super::finding::Edit;
use super::rules::{self, Rule};
use super::source::{Scan, Source, Tag};
use crate::syntax::token::{Kind, Token};
use gaps::{Glue, Shape};

/// Something between delimiters that is kept together.
#[derive(Clone, Debug)]
pub(super) struct Atom<'s> {
    pub(super) range: Range<usize>,
    pub(super) kind: AtomKind,
    pub(super) text: &'s str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtomKind {
    Name,
    Literal,
    Operator,
    Punctuation,
}

impl Atom<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, AtomKind::Operator | AtomKind::Punctuation) && self.text == text
    }

    fn opens(&self) -> bool {
        self.is("(") || self.is("[") || self.is("{")
    }

    fn closes(&self) -> bool {
        self.is(")") || self.is("]") || self.is("}")
    }
}

/// An edit and the rule it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) rule: &'static Rule,
    pub(crate) edit: Edit,
    pub(crate) message: &'static str,
}

/// What has to change in a source, by place.
pub(crate) fn changes(source: &Source) -> Vec<Change> {
    let Some(scan) = &source.scan else { return Vec::new() };
    let mut all = Vec::new();
    let unit = indent_unit(source, scan);
    // How many bytes the indentation of the current line has grown, for tags that begin where another ended.
    let mut indent: Option<(u32, String)> = None;
    for tag in &scan.tags {
        let line = source.line_of(tag.open.start);
        let base = match &indent {
            Some((known, text)) if *known == line => text.clone(),
            _ => source.indent(line).to_owned(),
        };
        let (changes, last) = tag_changes(source, scan, tag, (&base, unit));
        let end = source.line_of(tag.close.start);
        if end > line {
            indent = Some((end, last));
        }
        if keeps_tokens(source, tag, &changes) {
            all.extend(changes);
        }
    }
    for comment in &scan.silent.comments {
        all.extend(comment_changes(source, comment));
    }
    all.sort_by_key(|change| change.edit.start);
    all
}

/// What a template indents by: tabs, two spaces or four, as its lines outside of tags do.
fn indent_unit(source: &Source, scan: &Scan) -> &'static str {
    let (mut tabs, mut twos, mut fours) = (0_u32, 0_u32, 0_u32);
    for line in 1..=source.line_count() {
        let range = source.line(line);
        let indent = source.indent(line);
        let blank = indent.len() == range.len();
        if indent.is_empty() || blank || scan.tag_at(range.start).is_some_and(|t| t.open.start < range.start)
        {
            continue;
        }
        match indent.len() % 4 {
            _ if indent.starts_with('\t') => tabs += 1,
            2 => twos += 1,
            _ => fours += 1,
        }
    }
    if tabs > twos + fours {
        "\t"
    } else if twos * 4 > fours {
        "  "
    } else {
        "    "
    }
}

/// A text with edits applied; they must be sorted and must not overlap.
pub(crate) fn apply<'e>(text: &str, edits: impl Iterator<Item = &'e Edit>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits.filter(|edit| edit.end <= text.len()) {
        if edit.start < at {
            continue;
        }
        out.push_str(text.get(at..edit.start).unwrap_or(""));
        out.push_str(&edit.text);
        at = edit.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// Whether two sources have the same tokens and the same texts between them.
pub(crate) fn same_tokens(a: &str, b: &str) -> bool {
    let (Ok(left), Ok(right)) = (Scan::new(a), Scan::new(b)) else { return false };
    let same = |x: &Token, y: &Token| {
        x.kind == y.kind
            && match x.kind {
                Kind::Text => a.get(x.range.clone()) == b.get(y.range.clone()),
                _ => x.value.type_name() == y.value.type_name() && x.shown() == y.shown(),
            }
    };
    left.tokens.len() == right.tokens.len()
        && left.tokens.iter().zip(&right.tokens).all(|(x, y)| same(x, y))
        && left.silent.comments.len() == right.silent.comments.len()
}

fn keeps_tokens(source: &Source, tag: &Tag, changes: &[Change]) -> bool {
    let range = tag.range();
    let before = source.slice(range.clone());
    let shifted: Vec<Edit> = changes
        .iter()
        .map(|change| Edit {
            start: change.edit.start - range.start,
            end: change.edit.end - range.start,
            text: change.edit.text.clone(),
        })
        .collect();
    changes.is_empty() || same_tokens(before, &apply(before, shifted.iter()))
}

/// The atoms between the delimiters of a tag.
fn atoms<'s>(source: &'s Source, scan: &Scan, tag: &Tag) -> Vec<Atom<'s>> {
    let mut atoms: Vec<Atom<'s>> = Vec::new();
    let inside = |range: &Range<usize>| range.start >= tag.open.end && range.end <= tag.close.start;
    let mut strings = scan.silent.strings.iter().filter(|range| inside(range)).peekable();
    let mut after = tag.open.end;
    let literal = |range: &Range<usize>| Atom {
        range: range.clone(),
        kind: AtomKind::Literal,
        text: source.text.get(range.clone()).unwrap_or(""),
    };
    for token in scan.inner(tag) {
        while let Some(string) = strings.peek() {
            if string.start > token.range.start {
                break;
            }
            atoms.push(literal(string));
            after = string.end;
            strings.next();
        }
        if token.range.start < after {
            continue;
        }
        let kind = match token.kind {
            Kind::Name => AtomKind::Name,
            Kind::Operator => AtomKind::Operator,
            Kind::Punctuation => AtomKind::Punctuation,
            _ => AtomKind::Literal,
        };
        atoms.push(Atom { kind, ..literal(&token.range) });
        after = token.range.end;
    }
    // A string whose parts are all in front of the last token, such as `"#"`, may be left.
    atoms.extend(strings.map(literal));
    atoms
}

/// What stands between two atoms.
struct Gap<'s> {
    range: Range<usize>,
    text: &'s str,
    /// Comments that go on to the end of their line.
    remarks: Vec<(&'s str, bool)>,
    breaks: bool,
}

impl<'s> Gap<'s> {
    fn new(source: &'s Source, range: Range<usize>) -> Self {
        let text = source.text.get(range.clone()).unwrap_or("");
        let mut remarks = Vec::new();
        for (number, line) in text.split('\n').enumerate() {
            if let Some(at) = line.find('#') {
                // A comment on a line of its own stays there.
                let own = number > 0 && line.get(..at).is_some_and(|lead| lead.trim().is_empty());
                remarks.push((line.get(at..).unwrap_or("").trim_end(), own));
            }
        }
        Self { range, text, remarks, breaks: text.contains('\n') }
    }
}

/// How deep the lines of a tag are indented.
struct Levels {
    /// The level of the line at work.
    line: usize,
    /// The level of what stands inside each open bracket, and the number of its line.
    open: Vec<(usize, usize)>,
    number: usize,
}

impl Levels {
    /// The level of what stands in the innermost bracket.
    fn inside(&self) -> usize {
        self.open.last().map_or(1, |(level, _)| *level)
    }

    fn before(&mut self, next: Option<&Atom<'_>>) -> usize {
        self.number += 1;
        self.line = match (next, self.open.last()) {
            (Some(atom), Some((level, _))) if atom.closes() => level.saturating_sub(1),
            (_, Some((level, _))) => *level,
            (Some(_), None) => 1,
            (None, None) => 0,
        };
        self.line
    }

    fn pass(&mut self, atom: &Atom<'_>) {
        if atom.opens() {
            let beside = self.open.last().filter(|(_, number)| *number == self.number);
            let level = beside.map_or(self.line + 1, |(level, _)| *level);
            self.open.push((level, self.number));
        } else if atom.closes() {
            self.open.pop();
        }
    }
}

/// The changes of a tag and the indentation of its last line.
fn tag_changes(source: &Source, scan: &Scan, tag: &Tag, (base, unit): (&str, &str)) -> (Vec<Change>, String) {
    let atoms = atoms(source, scan, tag);
    let mut changes = Vec::new();
    let mut last = base.to_owned();
    if atoms.is_empty() {
        return (changes, last);
    }
    let mut shape = Shape::new(tag);
    let mut levels = Levels { line: 0, open: Vec::new(), number: 0 };
    let mut from = tag.open.end;
    for index in 0..=atoms.len() {
        let previous = index.checked_sub(1).and_then(|at| atoms.get(at));
        let next = atoms.get(index);
        let to = next.map_or(tag.close.start, |atom| atom.range.start);
        let gap = Gap::new(source, from..to);
        let glue = shape.glue(previous, next);
        let wanted = if gap.breaks || !gap.remarks.is_empty() {
            let inside = levels.inside();
            let level = levels.before(next);
            last = format!("{base}{}", unit.repeat(level));
            broken(&gap, &format!("{base}{}", unit.repeat(inside)), &last)
        } else if glue.space {
            " ".to_owned()
        } else {
            String::new()
        };
        if gap.text != wanted {
            let (rule, message) = judge(&gap, &glue);
            let edit = Edit { start: gap.range.start, end: gap.range.end, text: wanted };
            changes.push(Change { rule, edit, message });
        }
        if let Some(atom) = next {
            if let Some(text) = single_quoted(atom, scan) {
                let edit = Edit { start: atom.range.start, end: atom.range.end, text };
                let message = "Double quotes around a string that needs only single ones.";
                changes.push(Change { rule: &rules::QUOTES, edit, message });
            }
            shape.pass(previous, atom);
            levels.pass(atom);
            from = atom.range.end;
        }
    }
    (changes, last)
}

/// A gap with line breaks or comments: one break, the comments, the indentation.
fn broken(gap: &Gap<'_>, remarks: &str, indent: &str) -> String {
    let mut text = String::new();
    for (remark, own) in &gap.remarks {
        if *own {
            text.push('\n');
            text.push_str(remarks);
        } else {
            text.push(' ');
        }
        text.push_str(remark);
    }
    text.push('\n');
    text.push_str(indent);
    text
}

fn judge(gap: &Gap<'_>, glue: &Glue) -> (&'static Rule, &'static str) {
    if gap.breaks || !gap.remarks.is_empty() {
        return (&rules::LINE_SPACING, "A continuation line is not indented as its brackets ask.");
    }
    (glue.rule, if glue.space { glue.needs } else { glue.forbids })
}

/// The text of a string with single quotes; `None` when it is so already or needs double ones.
fn single_quoted(atom: &Atom<'_>, scan: &Scan) -> Option<String> {
    let inner = atom.text.strip_prefix('"')?.strip_suffix('"')?;
    let interpolated = scan.silent.strings.contains(&atom.range);
    (!interpolated && !inner.contains(['\\', '\'', '#'])).then(|| format!("'{inner}'"))
}

/// One space inside the delimiters of a comment that stands on one line.
fn comment_changes(source: &Source, range: &Range<usize>) -> Vec<Change> {
    let text = source.slice(range.clone());
    let (Some(inner), false) = (text.get(2..text.len().saturating_sub(2)), text.contains('\n')) else {
        return Vec::new();
    };
    let head = inner.len() - inner.strip_prefix(['-', '~']).unwrap_or(inner).len();
    let rest = inner.get(head..).unwrap_or("");
    let tail = rest.len() - rest.strip_suffix(['-', '~']).unwrap_or(rest).len();
    let words = rest.get(..rest.len() - tail).unwrap_or("");
    let trimmed = words.trim_matches([' ', '\t']);
    // Rules drawn with signs, such as `{#=====#}`, are left as they are.
    let plain = |c: Option<char>| c.is_some_and(|c| !matches!(c, '-' | '~' | '=' | '*' | '#' | '_'));
    if !plain(trimmed.chars().next()) || !plain(trimmed.chars().last()) {
        return Vec::new();
    }
    let start = range.start + 2 + head;
    let lead = words.len() - words.trim_start_matches([' ', '\t']).len();
    let end = start + words.len();
    let trail = words.len() - words.trim_end_matches([' ', '\t']).len();
    let message = "Not exactly one space inside the delimiters.";
    let change = |start: usize, end: usize| Change {
        rule: &rules::DELIMITER_SPACING,
        edit: Edit { start, end, text: " ".to_owned() },
        message,
    };
    let mut changes = Vec::new();
    if source.slice(start..start + lead) != " " {
        changes.push(change(start, start + lead));
    }
    if source.slice(end - trail..end) != " " {
        changes.push(change(end - trail, end));
    }
    changes
}
