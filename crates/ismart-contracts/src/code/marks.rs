//! Marks in comments: blocks of code with a name, and lines of logs with their place.
//!
//! Read forms of a block: `// BLOCK: name` … `// END_BLOCK`, `START_BLOCK_NAME` … `END_BLOCK_NAME`, `<BLOCK name="…">` …
//! `</BLOCK>`.

use serde::Serialize;

/// Marks and log lines of a file.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// Blocks in order of their beginning.
    pub blocks: Vec<Block>,
    /// Marks without their other half: line and what is wrong.
    pub unpaired: Vec<(usize, String)>,
    /// Calls of a logger.
    pub logs: Vec<LogLine>,
}

/// A named piece of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its name.
    pub name: String,
    /// What it is for, if it says so.
    pub purpose: Option<String>,
    /// Line of the opening mark.
    pub line: usize,
    /// Line of the closing mark.
    pub end_line: usize,
    /// Estimated number of tokens between the marks.
    pub tokens: usize,
}

/// A call of a logger with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Line, from 1.
    pub line: usize,
    /// The text up to the first value put into it.
    pub text: String,
    /// `Class::method` or function around the call.
    pub place: Option<String>,
    /// Level by the name of the logger's method.
    pub level: String,
}

/// What one comment line says.
enum Mark<'t> {
    Open(&'t str),
    Close(Option<&'t str>),
    Purpose(&'t str),
}

struct Open {
    name: String,
    purpose: Option<String>,
    line: usize,
}

/// Pairs the marks in comments: `comments` are line number and text, one for each line of a comment.
pub(crate) fn blocks<'t>(source: &str, comments: impl Iterator<Item = (usize, &'t str)>, marks: &mut Marks) {
    let mut open: Vec<Open> = Vec::new();
    for (line, text) in comments {
        match mark(text) {
            Some(Mark::Open(name)) => open.push(Open { name: name.to_owned(), purpose: None, line }),
            Some(Mark::Purpose(text)) => {
                if let Some(block) = open.last_mut().filter(|block| line - block.line <= 3) {
                    block.purpose.get_or_insert_with(|| text.to_owned());
                }
            }
            Some(Mark::Close(name)) => close(source, line, name, &mut open, marks),
            None => {}
        }
    }
    for block in open {
        marks.unpaired.push((block.line, format!("the block `{}` is not closed", block.name)));
    }
    marks.unpaired.sort();
    marks.blocks.sort_by_key(|block| block.line);
}

fn close(source: &str, line: usize, name: Option<&str>, open: &mut Vec<Open>, marks: &mut Marks) {
    let fits = |block: &Open| name.is_none_or(|name| name.eq_ignore_ascii_case(&block.name));
    let Some(at) = open.iter().rposition(fits) else {
        let what = name.map_or_else(
            || "END_BLOCK without a BLOCK before it".to_owned(),
            |name| format!("the end of the block `{name}`, which was not opened"),
        );
        marks.unpaired.push((line, what));
        return;
    };
    for lost in open.split_off(at + 1) {
        marks.unpaired.push((lost.line, format!("the block `{}` is not closed", lost.name)));
    }
    if let Some(block) = open.pop() {
        let inner = source.lines().skip(block.line).take(line.saturating_sub(block.line + 1));
        let tokens = inner.map(tokens).sum();
        marks.blocks.push(Block {
            name: block.name,
            purpose: block.purpose,
            line: block.line,
            end_line: line,
            tokens,
        });
    }
}

fn mark(text: &str) -> Option<Mark<'_>> {
    let text = text.trim().trim_start_matches(['/', '#', '*', '!', ' ', '\t']).trim_end_matches("*/").trim();
    if let Some(name) = text.strip_prefix("BLOCK:") {
        return Some(Mark::Open(name.trim()));
    }
    if let Some(rest) = text.strip_prefix("START_BLOCK_") {
        return Some(Mark::Open(rest.split([':', ' ']).next()?));
    }
    if let Some(rest) = text.strip_prefix("<BLOCK") {
        let name = rest.split_once("name=\"").or_else(|| rest.split_once("NAME=\""))?.1.split('"').next()?;
        return (!rest.trim_end().ends_with("/>")).then_some(Mark::Open(name));
    }
    if text == "</BLOCK>" {
        return Some(Mark::Close(None));
    }
    if let Some(rest) = text.strip_prefix("END_BLOCK_") {
        return rest.split([':', ' ']).next().map(|name| Mark::Close(Some(name)));
    }
    if let Some(rest) = text.strip_prefix("END_BLOCK") {
        let name = rest.trim_start_matches(':').trim();
        let rightly = rest.is_empty() || rest.starts_with([':', ' ']);
        return rightly.then(|| Mark::Close((!name.is_empty()).then_some(name)));
    }
    text.strip_prefix("PURPOSE:").map(|text| Mark::Purpose(text.trim()))
}

/// Estimated number of tokens that a model makes of a line of code: words count by length, signs one by one.
pub(crate) fn tokens(line: &str) -> usize {
    let mut count = 0;
    let mut word = 0_usize;
    let mut wide = false;
    for c in line.chars() {
        if c.is_alphanumeric() || c == '_' {
            word += 1;
            wide |= !c.is_ascii();
        } else {
            count += of_word(word, wide);
            (word, wide) = (0, false);
            count += usize::from(!c.is_whitespace());
        }
    }
    count + of_word(word, wide) + usize::from(!line.trim().is_empty())
}

/// Models cut Latin words into pieces of about five letters, others of about three.
fn of_word(letters: usize, wide: bool) -> usize {
    letters.div_ceil(if wide { 3 } else { 5 })
}

/// What is wrong with a log line's text; `None` when it is `[LEVEL][Class::method][step] message`, where the level may
/// be left to the logger.
pub(crate) fn log_fault(log: &LogLine) -> Option<String> {
    const LEVELS: &[&str] =
        &["DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY", "TRACE"];
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = log.text.as_str();
    while let Some((part, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        parts.push(part);
        rest = after;
    }
    if let Some(level) = parts.first().filter(|part| LEVELS.contains(part)) {
        let named = level.trim_end_matches("ING");
        let called = log.level.trim_end_matches("ING");
        if called != "LOG" && !called.starts_with(named) {
            return Some(format!("says [{level}], but is logged as {}", log.level));
        }
        parts.remove(0);
    }
    let [place, _step, ..] = parts.as_slice() else {
        return Some("is not `[LEVEL][Class::method][step] message`".to_owned());
    };
    match log.place.as_deref() {
        Some(around) if around != *place && around.contains("::") && !place.contains("::") => {
            Some(format!("says [{place}], which is not `Class::method`"))
        }
        Some(around) if around != *place => Some(format!("says [{place}], but stands in {around}")),
        // Outside classes and functions any word tells the place.
        None if place.is_empty() || place.contains(char::is_whitespace) => {
            Some(format!("says [{place}], which is no place"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Marks {
        let mut marks = Marks::default();
        blocks(text, text.lines().enumerate().map(|(at, line)| (at + 1, line)), &mut marks);
        marks
    }

    #[test]
    fn all_forms_are_paired() {
        let text = "// BLOCK: one\n// PURPOSE: does it\n$a = 1;\n// END_BLOCK\n# START_BLOCK_TWO: x\nb\n# END_BLOCK_TWO\n// <BLOCK name=\"three\">\n// </BLOCK>\n// BLOCK: four\n// END_BLOCK: four\n";
        let marks = read(text);
        let names: Vec<&str> = marks.blocks.iter().map(|block| block.name.as_str()).collect();
        assert_eq!(names, ["one", "TWO", "three", "four"]);
        assert_eq!(marks.blocks[0].purpose.as_deref(), Some("does it"));
        assert_eq!((marks.blocks[0].line, marks.blocks[0].end_line), (1, 4));
        assert!(marks.unpaired.is_empty(), "{:?}", marks.unpaired);
    }

    #[test]
    fn halves_are_found_where_they_stand() {
        let marks =
            read("// BLOCK: a\n// START_BLOCK_B\n// END_BLOCK: a\n// END_BLOCK\n// END_BLOCK_C\n// BLOCK: d");
        let lines: Vec<usize> = marks.unpaired.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 5, 6], "{:?}", marks.unpaired);
        assert_eq!(marks.blocks.len(), 1);
    }

    #[test]
    fn log_lines_name_level_place_and_step() {
        let log = |text: &str, place: Option<&str>| {
            log_fault(&LogLine {
                line: 1,
                text: text.to_owned(),
                place: place.map(str::to_owned),
                level: "INFO".to_owned(),
            })
        };
        assert_eq!(log("[INFO][A::b][load] text", Some("A::b")), None);
        assert_eq!(log("[A::b][load] text", Some("A::b")), None);
        assert!(log("text", None).is_some());
        assert!(log("[INFO][A::b] text", None).is_some());
        assert!(log("[INFO][A.b][c] text", Some("A::b")).is_some());
        assert_eq!(log("[INFO][audit][c] x", Some("audit")), None);
        assert_eq!(log("[INFO][start][c] x", None), None);
        assert!(log("[INFO][at the start][c] x", None).is_some());
        assert_eq!(
            log("[INFO][A::b][c] x", Some("A::z")),
            Some("says [A::b], but stands in A::z".to_owned())
        );
        assert_eq!(log("[ERROR][A::b][c] x", None), Some("says [ERROR], but is logged as INFO".to_owned()));
    }

    #[test]
    fn tokens_grow_with_the_text() {
        assert_eq!(tokens(""), 0);
        assert!(tokens("$this->router = new Router($a);") > 8);
        assert!(tokens("загрузка страницы") > tokens("page load"));
    }
}
