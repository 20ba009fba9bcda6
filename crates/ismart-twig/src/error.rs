//! Errors with Twig's wording and the position in the template.

use std::fmt;
use std::sync::Arc;

/// What kind of failure an [`Error`] is; the names follow Twig's exception classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source is not a template: `SyntaxError`.
    Syntax,
    /// Rendering failed: `RuntimeError`.
    Runtime,
    /// A template does not exist or cannot be read: `LoaderError`.
    Loader,
    /// The sandbox forbids a tag.
    SecurityTag,
    /// The sandbox forbids a filter.
    SecurityFilter,
    /// The sandbox forbids a function.
    SecurityFunction,
    /// The sandbox forbids a test.
    SecurityTest,
    /// The sandbox forbids a method.
    SecurityMethod,
    /// The sandbox forbids a property.
    SecurityProperty,
    /// A limit on work, depth, size or time was reached.
    Limit,
    /// A failure below Twig (a value of the wrong type, the host's own code); it reaches the caller
    /// wrapped as [`ErrorKind::Runtime`].
    Host,
}

impl ErrorKind {
    /// The name of the exception class of PHP Twig.
    pub fn class(self) -> &'static str {
        match self {
            Self::Syntax => "Twig\\Error\\SyntaxError",
            Self::Runtime | Self::Limit | Self::Host => "Twig\\Error\\RuntimeError",
            Self::Loader => "Twig\\Error\\LoaderError",
            Self::SecurityTag => "Twig\\Sandbox\\SecurityNotAllowedTagError",
            Self::SecurityFilter => "Twig\\Sandbox\\SecurityNotAllowedFilterError",
            Self::SecurityFunction => "Twig\\Sandbox\\SecurityNotAllowedFunctionError",
            Self::SecurityTest => "Twig\\Sandbox\\SecurityNotAllowedTestError",
            Self::SecurityMethod => "Twig\\Sandbox\\SecurityNotAllowedMethodError",
            Self::SecurityProperty => "Twig\\Sandbox\\SecurityNotAllowedPropertyError",
        }
    }
}

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    raw: String,
    template: Option<Arc<str>>,
    line: Option<u32>,
    column: Option<u32>,
    /// The byte of the source that was read when a parser gave up.
    offset: Option<usize>,
    excerpt: Option<String>,
}

/// A failure with its place in a template.
///
/// Its display form is Twig's own: the message, then template, line and, where known, column.
#[derive(Clone)]
pub struct Error(Box<Inner>);

impl Error {
    /// An error of a kind with a message, without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            raw: message.into(),
            template: None,
            line: None,
            column: None,
            offset: None,
            excerpt: None,
        }))
    }

    /// A failure of the host's code or of a value of the wrong type; Twig wraps it as
    /// `An exception has been thrown during the rendering of a template ("…")`.
    pub fn host(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Host, message)
    }

    /// A runtime error with Twig's own wording.
    pub fn runtime(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Runtime, message)
    }

    pub(crate) fn syntax(message: impl Into<String>, line: u32) -> Self {
        let mut error = Self::new(ErrorKind::Syntax, message);
        error.0.line = Some(line);
        error
    }

    /// The kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the place.
    pub fn raw_message(&self) -> &str {
        &self.0.raw
    }

    /// The template's name.
    pub fn template(&self) -> Option<&str> {
        self.0.template.as_deref()
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        self.0.line
    }

    /// The column, from 1, where the parser knows it.
    pub fn column(&self) -> Option<u32> {
        self.0.column
    }

    /// The lines of the source around the place with a mark at the failing one.
    pub fn excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    pub(crate) fn with_line(mut self, line: u32) -> Self {
        if self.0.line.is_none() && self.0.template.is_none() && line > 0 {
            self.0.line = Some(line);
        }
        self
    }

    /// Notes the byte of the source that was read when the parser gave up.
    pub(crate) fn near(mut self, offset: usize) -> Self {
        self.0.offset = self.0.offset.or(Some(offset));
        self
    }

    pub(crate) fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    pub(crate) fn with_column(mut self, column: u32) -> Self {
        self.0.column = Some(column);
        self
    }

    /// Adds the place if there is none yet, and wraps failures of the host.
    pub(crate) fn at(mut self, template: &Arc<str>, line: u32) -> Self {
        if self.0.kind == ErrorKind::Host {
            self.0.kind = ErrorKind::Runtime;
            self.0.raw = format!(
                "An exception has been thrown during the rendering of a template (\"{}\").",
                self.0.raw
            );
        }
        if self.0.template.is_none() {
            self.0.template = Some(template.clone());
            if self.0.line.is_none() && line > 0 {
                self.0.line = Some(line);
            }
        }
        self
    }

    pub(crate) fn with_source(mut self, source: &str) -> Self {
        if self.0.excerpt.is_none()
            && let Some(line) = self.0.line
        {
            self.0.excerpt = excerpt(source, line, self.0.column);
        }
        self
    }

    pub(crate) fn has_template(&self) -> bool {
        self.0.template.is_some()
    }
}

/// Two lines of source before and after the failing one, each with its number.
fn excerpt(source: &str, line: u32, column: Option<u32>) -> Option<String> {
    use fmt::Write as _;
    let line = usize::try_from(line).ok()?;
    let from = line.saturating_sub(3);
    let mut text = String::new();
    for (i, content) in source.lines().enumerate().skip(from).take(5) {
        let number = i + 1;
        let mark = if number == line { '>' } else { ' ' };
        writeln!(text, "{mark} {number:>4} | {content}").ok()?;
        if number == line
            && let Some(column) = column
        {
            let width = usize::try_from(column).ok()?;
            writeln!(text, "       | {:>width$}", '^').ok()?;
        }
    }
    (!text.is_empty()).then_some(text)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let (text, end) = match inner.raw.chars().last() {
            Some(c @ ('.' | '?')) => (inner.raw.strip_suffix(c).unwrap_or(&inner.raw), Some(c)),
            _ => (inner.raw.as_str(), None),
        };
        f.write_str(text)?;
        if let Some(name) = &inner.template {
            write!(f, " in \"{name}\"")?;
        }
        if let Some(line) = inner.line {
            write!(f, " at line {line}")?;
            if let Some(column) = inner.column {
                write!(f, " column {column}")?;
            }
        }
        if let Some(c) = end {
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        if let Some(excerpt) = &self.0.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The names among `known` that resemble `name`, nearest first, as Twig suggests them.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    let limit = name.len() / 3;
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|k| {
            let distance = levenshtein(name.as_bytes(), k.as_bytes());
            // PHP compares with a third as a float: distance <= len / 3.
            (distance * 3 <= name.len() || distance <= limit || k.contains(name)).then_some((distance, *k))
        })
        .collect();
    if near.is_empty() {
        return String::new();
    }
    near.sort_by_key(|(d, _)| *d);
    let names: Vec<&str> = near.into_iter().map(|(_, k)| k).collect();
    format!(" Did you mean \"{}\"?", names.join("\", \""))
}

/// The name among `known` that differs least, and by how much.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<(usize, &'k str)> {
    let distance = |k: &&'k str| (levenshtein(name.as_bytes(), k.as_bytes()), *k);
    known.iter().map(distance).min_by_key(|(distance, _)| *distance)
}

fn levenshtein(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cb, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let value = (*cell + 1).min(left + 1).min(before + usize::from(ca != cb));
            before = *cell;
            left = value;
            *cell = value;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_goes_before_the_last_sign() {
        let name: Arc<str> = "index.twig".into();
        let e = Error::syntax("Unknown \"x\" filter.", 3).with_column(7).at(&name, 1);
        assert_eq!(e.to_string(), "Unknown \"x\" filter in \"index.twig\" at line 3 column 7.");
        let e = Error::host("Division by zero").at(&name, 2);
        assert_eq!(
            e.to_string(),
            "An exception has been thrown during the rendering of a template (\"Division by zero\") in \"index.twig\" at line 2."
        );
    }

    #[test]
    fn suggestions_are_sorted_by_distance() {
        assert_eq!(suggestion("lenght", &["length", "last"]), " Did you mean \"length\"?");
        assert_eq!(suggestion("zzzz", &["length"]), "");
        assert_eq!(levenshtein(b"kitten", b"sitting"), 3);
    }
}
