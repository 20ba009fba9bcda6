//! An explanation as people read it.

use super::{Brought, Explanation, Way};

/// Widest column of names.
const WIDTH: usize = 44;

impl Explanation {
    /// The explanation as a text that ends with a line end.
    pub fn text(&self) -> String {
        let mut out = Page(String::new());
        out.line(0, &self.template);
        match (&self.dynamic_parent, self.parents.as_slice()) {
            (Some(parent), []) => out.line(1, &format!("extends what `{parent}` gives")),
            (_, []) => {}
            (_, parents) => out.line(1, &format!("extends {}", parents.join(" → "))),
        }
        self.structure(&mut out);
        self.variables(&mut out);
        out.rows(
            "prints",
            self.prints.iter().map(|printed| {
                let how = printed.escaped.as_ref().map_or_else(
                    || format!("not escaped: {}", printed.because),
                    |strategy| format!("escaped for {strategy}: {}", printed.because),
                );
                (format!("{}:{} {}", printed.line, printed.column, printed.source), how)
            }),
        );
        out.rows(
            "computed when compiled",
            self.constants.iter().map(|folded| {
                (
                    format!("{}:{} {}", folded.line, folded.column, folded.source),
                    format!("= {}", folded.value),
                )
            }),
        );
        out.0
    }

    fn structure(&self, out: &mut Page) {
        out.rows(
            "blocks",
            self.blocks.iter().map(|block| {
                let mut places = block.defined_in.iter().map(|place| {
                    if place.template == self.template {
                        format!("here, line {}", place.line)
                    } else {
                        format!("{}:{}", place.template, place.line)
                    }
                });
                let first = places.next().unwrap_or_default();
                let over: Vec<String> = places.collect();
                let over =
                    if over.is_empty() { String::new() } else { format!("; over {}", over.join(", ")) };
                let parent = if block.calls_parent { "; calls parent()" } else { "" };
                (block.name.clone(), format!("{first}{over}{parent}"))
            }),
        );
        out.rows(
            "brings in",
            self.brings_in.iter().map(|brought| {
                (format!("line {}  {} {}", brought.line, way(brought.way), brought.named_by), about(brought))
            }),
        );
        out.rows(
            "macros",
            self.macros.iter().map(|own| {
                (format!("{}({})", own.name, own.parameters.join(", ")), format!("line {}", own.line))
            }),
        );
    }

    fn variables(&self, out: &mut Page) {
        out.rows(
            "reads",
            self.reads.iter().map(|read| {
                let guard = if read.guarded { ", guarded" } else { "" };
                let own = if read.own { ", own" } else { "" };
                (read.path.clone(), format!("{}{guard}{own}", lines(&read.lines)))
            }),
        );
        out.rows(
            "sets",
            self.sets
                .iter()
                .map(|given| (given.name.clone(), format!("by {}, {}", given.by, lines(&given.lines)))),
        );
        out.rows(
            "where variables are found",
            self.parts.iter().map(|part| {
                let list =
                    |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let whole = match part.whole_context.as_slice() {
                    [] => String::new(),
                    reasons => format!("; whole context for {}", reasons.join(", ")),
                };
                (
                    part.name.clone(),
                    format!("slots: {}; context: {}{whole}", list(&part.slots), list(&part.looked_up)),
                )
            }),
        );
        out.rows(
            "calls",
            self.calls.iter().map(|called| {
                let safe = match called.safe_for.as_slice() {
                    [] => String::new(),
                    list => format!("; safe for {}", list.join(", ")),
                };
                (format!("{} {}", called.kind, called.name), format!("{}{safe}", lines(&called.lines)))
            }),
        );
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Extends => "extends",
        Way::Embed => "embed",
        Way::Include => "include",
        Way::Import => "import",
        Way::Use => "use",
        Way::Source => "source",
        Way::Block => "block of",
    }
}

/// What is known of a template that is brought in.
fn about(brought: &Brought) -> String {
    let mut parts = Vec::new();
    let quoted = brought.named_by.starts_with(['\'', '"']);
    match brought.templates.as_slice() {
        [] => parts.push("not known before rendering".to_owned()),
        [_] if quoted => {}
        [one] => parts.push(one.clone()),
        many if many.len() > 6 => parts.push(format!("one of {} templates", many.len())),
        many => parts.push(format!("one of {}", many.join(", "))),
    }
    if let Some(with) = &brought.with {
        parts.push(format!("with {with}"));
    }
    if brought.only {
        parts.push("sees nothing else".to_owned());
    }
    if brought.ignore_missing {
        parts.push("may be absent".to_owned());
    }
    parts.join("; ")
}

fn lines(lines: &[u32]) -> String {
    let shown: Vec<String> = lines.iter().map(u32::to_string).collect();
    match shown.as_slice() {
        [one] => format!("line {one}"),
        many => format!("lines {}", many.join(", ")),
    }
}

/// A text of headed tables.
struct Page(String);

impl Page {
    fn line(&mut self, level: usize, text: &str) {
        self.0.push_str(&"  ".repeat(level));
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    /// Rows of two columns under a head; nothing when there are none.
    fn rows(&mut self, head: &str, rows: impl Iterator<Item = (String, String)>) {
        let rows: Vec<(String, String)> = rows.collect();
        if rows.is_empty() {
            return;
        }
        let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0).min(WIDTH);
        self.line(0, "");
        self.line(0, head);
        for (left, right) in &rows {
            let wide = left.chars().count() > WIDTH;
            if wide && !right.is_empty() {
                // A long expression has a line of its own.
                self.line(1, left);
                self.line(1, &format!("{:width$}  {right}", ""));
            } else {
                self.line(1, &format!("{left:width$}  {right}"));
            }
        }
    }
}
