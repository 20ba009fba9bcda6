//! What is wrong with a site folder: one finding names the file, the place, the rule, the reason and the fix.

use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A page, link or file is broken for visitors.
    Error,
    /// Works, but costs the site visitors or search rank.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A position in a text file, both numbers from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Character in the line.
    pub column: usize,
}

impl Position {
    /// The position of the byte `offset` in `text`; an offset past the end is the end.
    #[must_use]
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

/// One thing to mend in a site folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Stable name of the rule, such as `json.syntax`.
    pub rule: &'static str,
    /// The file, relative to the site folder, with `/`.
    pub file: String,
    /// Where in the file, when one place is to blame.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The JSON pointer (RFC 6901) of the value to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub fix: String,
    /// The line to blame, when a text has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Lines longer than this are cut in excerpts.
const EXCERPT: usize = 120;

impl Finding {
    /// A finding that breaks something.
    pub(crate) fn error(
        rule: &'static str,
        file: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            rule,
            file: file.into(),
            position: None,
            pointer: None,
            reason: reason.into(),
            fix: fix.into(),
            excerpt: None,
        }
    }

    /// A finding that only costs.
    pub(crate) fn warning(
        rule: &'static str,
        file: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, file, reason, fix) }
    }

    /// Points at a position of `text` and shows its line.
    #[must_use]
    pub(crate) fn at(mut self, text: &str, position: Position) -> Self {
        self.excerpt = excerpt(text, position);
        self.position = Some(position);
        self
    }

    /// Points at a value of a JSON file.
    #[must_use]
    pub(crate) fn pointer(mut self, text: &str, pointer: &str) -> Self {
        if let Some(position) = crate::json::locate(text, pointer) {
            self = self.at(text, position);
        }
        self.pointer = Some(pointer.to_owned());
        self
    }
}

fn excerpt(text: &str, position: Position) -> Option<String> {
    let line = text.lines().nth(position.line.checked_sub(1)?)?.trim_end();
    // A minified file is one line: show the neighbourhood, not its head.
    let from = if line.chars().count() > EXCERPT { position.column.saturating_sub(EXCERPT / 2) } else { 0 };
    let cut: String = line.chars().skip(from).take(EXCERPT).collect();
    (!cut.trim().is_empty()).then_some(cut)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] {}", self.severity, self.rule, self.file)?;
        if let Some(position) = self.position {
            write!(f, ":{}:{}", position.line, position.column)?;
        }
        if let Some(pointer) = self.pointer.as_deref().filter(|p| !p.is_empty()) {
            write!(f, " at {pointer}")?;
        }
        write!(f, "\n  {}", self.reason)?;
        if let (Some(position), Some(excerpt)) = (self.position, &self.excerpt) {
            write!(f, "\n  {} | {excerpt}", position.line)?;
        }
        write!(f, "\n  fix: {}", self.fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_not_bytes() {
        assert_eq!(Position::of_offset("да\nнет, x", 11), Position { line: 2, column: 4 });
        assert_eq!(Position::of_offset("a", 99), Position { line: 1, column: 2 });
    }

    #[test]
    fn a_finding_reads_well_on_a_terminal() {
        let text = "{\n  \"name\" \"index\"\n}";
        let finding = Finding::error("json.syntax", "data/a.json", "expected `:`", "put a colon")
            .at(text, Position { line: 2, column: 10 });
        assert_eq!(
            finding.to_string(),
            "error[json.syntax] data/a.json:2:10\n  expected `:`\n  2 |   \"name\" \"index\"\n  fix: put a colon"
        );
    }
}
