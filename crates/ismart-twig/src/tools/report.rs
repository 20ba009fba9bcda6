//! Findings as people and machines read them.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::finding::{Finding, Severity};
use super::rules::RULES;

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: message, place, source with a mark under the place, help.
    Text,
    /// One JSON object: `ok`, `findings`, `summary`.
    Json,
    /// SARIF 2.1.0, as code hosts read it.
    Sarif,
    /// Workflow commands of GitHub: one annotation a line.
    Github,
}

/// Columns of a source line shown at most, so that minified lines stay readable.
const WIDTH: usize = 160;

/// Findings as a text that ends with a line end; `path` gives the file of a template, `checked` is the number of
/// templates that were looked at.
pub fn report(findings: &[Finding], format: Format, checked: usize, path: &dyn Fn(&str) -> String) -> String {
    match format {
        Format::Text => text(findings, checked, path),
        Format::Json => line(&as_json(findings, checked, path)),
        Format::Sarif => line(&sarif(findings, path)),
        Format::Github => github(findings, path),
    }
}

fn line(json: &Json) -> String {
    format!("{json:#}\n")
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("{n} {word}") } else { format!("{n} {word}s") }
}

fn text(findings: &[Finding], checked: usize, path: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    for finding in findings {
        out.push_str(&one(finding, path));
        out.push('\n');
    }
    let templates = plural(checked, "template");
    if findings.is_empty() {
        out.push_str(&format!("{templates} checked, nothing found\n"));
        return out;
    }
    let all = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let parts: Vec<String> = all
        .iter()
        .map(|(severity, word)| (count(findings, *severity), *word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| plural(n, word))
        .collect();
    let fixable = findings.iter().filter(|finding| finding.is_fixable()).count();
    let fixes =
        if fixable > 0 { format!("; {fixable} can be mended with `lint --fix`") } else { String::new() };
    out.push_str(&format!("{} in {templates}{fixes}\n", parts.join(", ")));
    out
}

/// A finding as people read it.
fn one(finding: &Finding, path: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let span = finding.span;
    let lines: Vec<&str> = finding.source.lines().collect();
    let last = span.line + u32::try_from(lines.len().saturating_sub(1)).unwrap_or(0);
    let margin = last.to_string().len();
    let file = path(&finding.template);
    let mut put = |line: String| {
        out.push_str(line.trim_end());
        out.push('\n');
    };
    put(format!("{}[{}]: {}", finding.severity, finding.rule, finding.message));
    put(format!("{:margin$}--> {file}:{}:{}", "", span.line, span.column));
    put(format!("{:margin$} |", ""));
    for (number, content) in (span.line..).zip(&lines) {
        let first = if number == span.line { index(finding.source_column) } else { 0 };
        let from = if number == span.line { index(span.column).saturating_sub(first) } else { 0 };
        let length = content.chars().count();
        let to = if number == span.end_line { index(span.end_column).saturating_sub(first) } else { length };
        let shown = window(content, from, first > 0);
        put(format!("{number:>margin$} | {}", shown.text));
        if number == span.line || number == span.end_line {
            let width = to.saturating_sub(from).max(1);
            let before: String = shown.before(from);
            put(format!("{:margin$} | {before}{}", "", "^".repeat(width.min(WIDTH))));
        }
    }
    for related in &finding.related {
        let place = related
            .template
            .as_deref()
            .map(|t| format!("{}:", path(t)))
            .unwrap_or_else(|| "line ".to_owned());
        put(format!("{:margin$} = {place}{}: {}", "", related.line, related.message));
    }
    if let Some(help) = &finding.help {
        put(format!("{:margin$} = help: {help}", ""));
    }
    out
}

fn index(column: u32) -> usize {
    usize::try_from(column.saturating_sub(1)).unwrap_or(0)
}

/// The part of a line that is shown.
struct Window {
    text: String,
    /// Characters left out before it.
    skipped: usize,
    /// Whether a sign says that something was left out.
    marked: bool,
}

impl Window {
    /// What stands before a column, with everything but tabs as spaces, so that marks stand below their place.
    fn before(&self, column: usize) -> String {
        let n = column.saturating_sub(self.skipped) + usize::from(self.marked);
        self.text.chars().take(n).map(|c| if c == '\t' { '\t' } else { ' ' }).collect()
    }
}

fn window(content: &str, from: usize, cut: bool) -> Window {
    let length = content.chars().count();
    if length <= WIDTH && !cut {
        return Window { text: content.to_owned(), skipped: 0, marked: false };
    }
    let skipped = from.saturating_sub(WIDTH / 2);
    let part: String = content.chars().skip(skipped).take(WIDTH).collect();
    let head = if skipped > 0 || cut { "…" } else { "" };
    let tail = if skipped + WIDTH < length { "…" } else { "" };
    Window { text: format!("{head}{part}{tail}"), skipped, marked: !head.is_empty() }
}

fn as_json(findings: &[Finding], checked: usize, path: &dyn Fn(&str) -> String) -> Json {
    let all: Vec<Json> = findings
        .iter()
        .map(|finding| {
            let mut json = serde_json::to_value(finding).unwrap_or(Json::Null);
            if let Some(object) = json.as_object_mut() {
                object.insert("file".to_owned(), path(&finding.template).into());
                object.insert("twig_message".to_owned(), finding.twig_message().into());
            }
            json
        })
        .collect();
    json!({
        "ok": findings.is_empty(),
        "summary": {
            "templates": checked,
            "errors": count(findings, Severity::Error),
            "warnings": count(findings, Severity::Warning),
            "notes": count(findings, Severity::Note),
            "fixable": findings.iter().filter(|finding| finding.is_fixable()).count(),
        },
        "findings": all,
    })
}

fn sarif(findings: &[Finding], path: &dyn Fn(&str) -> String) -> Json {
    let used: Vec<_> = RULES.iter().filter(|rule| findings.iter().any(|f| f.rule == rule.id)).collect();
    let rules: Vec<Json> = used
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.finds},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.repair},
                "defaultConfiguration": {"level": rule.severity.to_string()},
            })
        })
        .collect();
    let results: Vec<Json> = findings
        .iter()
        .map(|finding| {
            let message = match &finding.help {
                Some(help) => format!("{} ({help})", finding.message),
                None => finding.message.clone(),
            };
            let span = finding.span;
            json!({
                "ruleId": finding.rule,
                "ruleIndex": used.iter().position(|rule| rule.id == finding.rule),
                "level": finding.severity.to_string(),
                "message": {"text": message},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": path(&finding.template).replace('\\', "/").replace(' ', "%20")},
                    "region": {
                        "startLine": span.line,
                        "startColumn": span.column,
                        "endLine": span.end_line,
                        "endColumn": span.end_column,
                    },
                }}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "ismart twig", "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn github(findings: &[Finding], path: &dyn Fn(&str) -> String) -> String {
    let value = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| value(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for finding in findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let span = finding.span;
        let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _never = writeln!(
            out,
            "::{command} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            property(&path(&finding.template)),
            span.line,
            span.column,
            span.end_line,
            span.end_column,
            property(finding.rule),
            value(&format!("{}{help}", finding.message)),
        )
        .is_err();
    }
    out
}
