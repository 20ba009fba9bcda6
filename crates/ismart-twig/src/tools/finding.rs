//! What the tools say about a template: rule, place, message, repair.

use std::fmt;

use serde::Serialize;

use super::rules::Rule;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The template fails, now or when the place is reached.
    Error,
    /// It works, but not as its writer believes, or not safely.
    Warning,
    /// A matter of style.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// A stretch of a template. Lines and columns count from 1, columns in characters; the end lies behind the last
/// character. Bytes are those of the source with its line ends as `\n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte behind the last one.
    pub end: usize,
    /// Line of the start.
    pub line: u32,
    /// Column of the start.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end.
    pub end_column: u32,
}

/// A replacement of bytes of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// First byte that goes.
    pub start: usize,
    /// Byte behind the last one that goes.
    pub end: usize,
    /// What comes in its place.
    pub text: String,
}

/// Another place that explains a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// The template, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The line there.
    pub line: u32,
    /// What stands there.
    pub message: String,
}

/// One thing to mend in a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The template's name.
    pub template: String,
    /// Where.
    #[serde(flatten)]
    pub span: Span,
    /// What is wrong. Syntax errors are worded as PHP Twig words them.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Places that explain it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// Replacements that mend it without changing what is rendered; empty when a person has to decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fix: Vec<Edit>,
    /// The line that PHP Twig reports, where it is not that of the span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twig_line: Option<u32>,
    /// The lines of the source from the span's first to its last; of long lines a part.
    pub source: String,
    /// The column that the first line of `source` is shown from.
    pub source_column: u32,
}

impl Finding {
    pub(crate) fn new(
        rule: &'static Rule,
        template: &str,
        span: Span,
        (source, source_column): (String, u32),
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.id,
            severity: rule.severity,
            template: template.to_owned(),
            span,
            message: message.into(),
            help: None,
            related: Vec::new(),
            fix: Vec::new(),
            twig_line: None,
            source,
            source_column,
        }
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.help = (!text.is_empty()).then_some(text);
        self
    }

    pub(crate) fn related(mut self, template: Option<&str>, line: u32, message: impl Into<String>) -> Self {
        self.related.push(Related { template: template.map(str::to_owned), line, message: message.into() });
        self
    }

    pub(crate) fn fix(mut self, edit: Edit) -> Self {
        self.fix.push(edit);
        self
    }

    /// Message, template and line as PHP Twig prints them.
    pub fn twig_message(&self) -> String {
        let (text, end) = match self.message.chars().last() {
            Some(c @ ('.' | '?')) => (self.message.strip_suffix(c).unwrap_or(&self.message), Some(c)),
            _ => (self.message.as_str(), None),
        };
        let end = end.map(String::from).unwrap_or_default();
        let line = self.twig_line.unwrap_or(self.span.line);
        format!("{text} in \"{}\" at line {line}{end}", self.template)
    }

    /// Whether `--fix` can mend it.
    pub fn is_fixable(&self) -> bool {
        !self.fix.is_empty()
    }
}

/// The order of a report: by template, then place, then rule.
pub(crate) fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        (&a.template, a.span.start, a.rule, &a.message).cmp(&(&b.template, b.span.start, b.rule, &b.message))
    });
    findings.dedup();
}
