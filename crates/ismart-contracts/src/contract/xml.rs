//! The XML-like forms: `<MODULE_CONTRACT>` with tags, `START_MODULE_CONTRACT` with keys, in Markdown or in comments.

use super::{Contract, Form, Named, Section, reading, section};

const BEGINS: &[&str] = &["<MODULE_CONTRACT", "START_MODULE_CONTRACT"];
const ENDS: &[&str] = &["</MODULE_CONTRACT>", "END_MODULE_CONTRACT"];
const MAP_BEGINS: &[&str] = &["<MODULE_MAP", "START_MODULE_MAP"];
const MAP_ENDS: &[&str] = &["</MODULE_MAP>", "END_MODULE_MAP"];

/// Lines of a comment without its frame.
fn bare(line: &str) -> &str {
    let line = line.trim();
    let line = line.strip_prefix("<!--").unwrap_or(line);
    let line = line.strip_suffix("-->").unwrap_or(line);
    let line = line.trim_start_matches("/**").trim_start_matches("/*").trim_end_matches("*/");
    let line = line.trim_start().trim_start_matches("//!").trim_start_matches("///").trim_start_matches("//");
    let line = line.trim_start_matches('#');
    // A star begins a line of a comment, unless it is the sign of a list.
    let line = line.strip_prefix(" * ").or_else(|| line.strip_prefix("* ")).unwrap_or(line);
    if line.trim() == "*" { "" } else { line }
}

fn has(line: &str, words: &[&str]) -> bool {
    words.iter().any(|word| line.trim_start().starts_with(word))
}

/// Reads a contract file that is written so; `None` when it is not.
pub(super) fn read(path: &str, text: &str) -> Option<Contract> {
    // An example in a fence is no contract of the file.
    let mut fenced = false;
    let open = text.lines().any(|line| {
        fenced ^= line.starts_with("```");
        has(bare(line), BEGINS)
    });
    open.then(|| parsed(path, text))
}

/// Reads a contract in comments of code.
pub(super) fn read_comments(path: &str, text: &str) -> Option<Contract> {
    // Cheap for the many files without one.
    if !text.contains("MODULE_CONTRACT") {
        return None;
    }
    let found = text.lines().any(|line| {
        let comment = line.trim_start().starts_with(['/', '#', '*', '<']);
        comment && has(bare(line), BEGINS)
    });
    found.then(|| parsed(path, text))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Outside,
    Contract,
    Map,
}

fn parsed(path: &str, text: &str) -> Contract {
    let mut sections: Vec<Section> = Vec::new();
    let mut map = Vec::new();
    let mut at = At::Outside;
    let mut open = false;
    let mut title = String::new();
    let mut begin = 1;
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        let line = bare(line);
        if title.is_empty() && at == At::Outside && line.starts_with("# ") {
            title = line.trim_start_matches('#').trim().to_owned();
        }
        if has(line, BEGINS) && sections.is_empty() {
            (at, begin) = (At::Contract, number);
        } else if has(line, MAP_BEGINS) {
            at = At::Map;
        } else if has(line, ENDS) || has(line, MAP_ENDS) {
            (at, open) = (At::Outside, false);
        } else if at == At::Map {
            map.extend(mapped(line).map(|name| Named { line: number, name: name.to_owned() }));
        } else if at == At::Contract {
            open = inner(line, number, open, &mut sections);
        }
    }
    let mut contract = reading::finished(path, begin, Form::Xml, title, sections);
    contract.map = map;
    contract
}

/// A line inside a contract; gives whether a section is open after it.
fn inner(line: &str, number: usize, open: bool, sections: &mut Vec<Section>) -> bool {
    let trimmed = line.trim();
    if let Some(rest) = trimmed.strip_prefix('<')
        && let Some((tag, after)) = rest.split_once('>')
    {
        if tag.starts_with('/') {
            return false;
        }
        if let Some(name) = section(tag.split_whitespace().next().unwrap_or(tag)) {
            let (text, closed) = after.split_once("</").map_or((after, false), |(text, _)| (text, true));
            sections.push(Section { name, text: vec![(number, text.trim().to_owned())] });
            return !closed;
        }
    }
    if let Some((key, rest)) = trimmed.split_once(':')
        && let Some(name) = section(key)
        && !key.starts_with('-')
    {
        sections.push(Section { name, text: vec![(number, rest.trim().to_owned())] });
        return true;
    }
    if let Some(section) = sections.last_mut().filter(|_| open) {
        let (text, closed) = line.split_once("</").map_or((line, false), |(text, _)| (text, true));
        section.text.push((number, text.to_owned()));
        return !closed;
    }
    open
}

/// The name that a line of a map lists: `<BLOCK name="x"/>`, `name - what it does`, `METHOD 1 [what] => name`.
fn mapped(line: &str) -> Option<&str> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("<BLOCK") {
        return rest.split_once("name=\"").or_else(|| rest.split_once("NAME=\""))?.1.split('"').next();
    }
    if let Some((_, name)) = line.rsplit_once("=>") {
        return Some(name.trim());
    }
    let (name, _) = line.split_once(" - ").or_else(|| line.split_once(" — "))?;
    let name = name.trim_start_matches(['-', '*', ' ']).trim_matches('`');
    (!name.is_empty() && !name.contains(' ')).then_some(name)
}
