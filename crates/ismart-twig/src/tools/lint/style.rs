//! How a template looks.

use crate::tools::check::recover::has_body;
use crate::tools::finding::Finding;
use crate::tools::layout;
use crate::tools::rules;
use crate::tools::set::Entry;
use crate::tools::source::{Scan, Tag};

/// Tags in each other at most.
const DEPTH: usize = 6;

/// Everything but the name of the file.
pub(super) fn check(entry: &Entry, found: &mut Vec<Finding>) {
    let Some(scan) = &entry.source.scan else { return };
    spacing(entry, found);
    lines(entry, scan, found);
    nesting(entry, scan, found);
}

/// What the formatter would change.
fn spacing(entry: &Entry, found: &mut Vec<Finding>) {
    for change in layout::changes(&entry.source) {
        let edit = change.edit;
        // Of a wrong line break the indentation behind it is shown.
        let removed = entry.source.slice(edit.start..edit.end);
        let start = removed.rfind('\n').map_or(edit.start, |at| edit.start + at + 1);
        found.push(entry.finding(change.rule, start..edit.end, change.message).fix(edit));
    }
}

/// Spaces at line ends and tabs, outside tags.
fn lines(entry: &Entry, scan: &Scan, found: &mut Vec<Finding>) {
    let source = &entry.source;
    let mut tabs = false;
    for line in 1..=source.line_count() {
        let range = source.line(line);
        let text = source.slice(range.clone());
        let end = range.start + text.trim_end_matches([' ', '\t']).len();
        let outside = scan.tag_at(end).is_none_or(|tag| tag.open.start >= end);
        if end < range.end && outside {
            let message = "White space at the end of the line.";
            found.push(entry.finding(&rules::TRAILING_SPACE, end..range.end, message));
        }
        let indent = source.indent(line);
        if indent.contains('\t') && !tabs && indent.len() < text.len() {
            // One finding says it for the whole template.
            tabs = true;
            let place = range.start..range.start + indent.len();
            let message = "The template is indented with tabs.";
            found.push(entry.finding(&rules::TABS, place, message).help("four spaces a level"));
        }
    }
}

/// Depth of tags, and end tags that do not stand below their opening ones.
fn nesting(entry: &Entry, scan: &Scan, found: &mut Vec<Finding>) {
    let source = &entry.source;
    let mut open: Vec<&Tag> = Vec::new();
    for tag in scan.tags.iter().filter(|tag| !tag.is_print()) {
        let word = tag.word.as_str();
        let ends = word.strip_prefix("end").unwrap_or("");
        let closed = if matches!(word, "else" | "elseif") {
            open.last().copied()
        } else if let Some(place) = open.iter().rposition(|o| o.word == ends) {
            let opened = open.get(place).copied();
            open.truncate(place);
            opened
        } else {
            if has_body(word, scan.inner(tag)) {
                open.push(tag);
                if open.len() == DEPTH + 1 {
                    let message = format!("{} tags in each other.", open.len());
                    let way: Vec<&str> = open.iter().map(|tag| tag.word.as_str()).collect();
                    let finding = entry.finding(&rules::DEEP_NESTING, tag.range(), message);
                    found.push(finding.help(format!("{}: move the inner part out", way.join(" → "))));
                }
            }
            None
        };
        let Some(opened) = closed else { continue };
        let both = source.is_first_on_line(opened.open.start) && source.is_first_on_line(tag.open.start);
        let (above, below) = (source.line_of(opened.open.start), source.line_of(tag.open.start));
        if both && above != below && source.indent(above) != source.indent(below) {
            let (_, want) = source.position(opened.open.start);
            let (_, got) = source.position(tag.open.start);
            let message = format!("`{word}` at column {got}, its `{}` at column {want}.", opened.word);
            let finding = entry.finding(&rules::TAG_ALIGNMENT, tag.range(), message);
            found.push(finding.related(None, above, format!("`{}` opens here", opened.word)));
        }
    }
}

/// Folders and files in kebab-case; a leading `_` marks a part.
pub(super) fn file_name(entry: &Entry, found: &mut Vec<Finding>) {
    let name = entry.source.name.as_str();
    let kebab = |part: &str| {
        let words = part.strip_prefix('_').unwrap_or(part).split('-');
        words.clone().all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
    };
    let wrong = name.split('/').find(|part| !part.split('.').all(kebab));
    if let Some(part) = wrong {
        let message = format!("\"{part}\" is not kebab-case.");
        let finding = entry.finding(&rules::FILE_NAME, 0..0, message);
        let better = kebab_of(part);
        let changed = better != part && better.split('.').all(kebab);
        found.push(finding.help(if changed { format!("rename it to \"{better}\"") } else { String::new() }));
    }
}

fn kebab_of(part: &str) -> String {
    let mut out = String::new();
    for c in part.chars() {
        if c.is_ascii_uppercase()
            && out.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
        {
            out.push('-');
        }
        out.push(if matches!(c, '_' | ' ') { '-' } else { c.to_ascii_lowercase() });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::kebab_of;

    #[test]
    fn names_become_kebab_case() {
        assert_eq!(kebab_of("SectionHead_small.html.twig"), "section-head-small.html.twig");
    }
}
