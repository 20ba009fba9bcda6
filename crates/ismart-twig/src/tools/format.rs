//! The formatter.

use super::check::recover;
use super::finding::{Edit, Finding};
use super::layout;
use super::set::TemplateSet;
use super::source::Source;

/// A source with spaces, line breaks and quotes inside delimiters as they should be. What it renders stays the
/// same: text outside delimiters is not touched, and every token stays what it is. Formatting twice gives the
/// same as formatting once. Line ends stay as they are, `\r\n` too.
///
/// ```
/// use ismart_twig::Environment;
/// use ismart_twig::tools::{Host, TemplateSet, format};
/// let set = TemplateSet::new(&Environment::new(), Host::default(), [("", ""); 0], []);
/// let text = format(&set, "page.twig", "{%if a==1%}{{b|join( \",\" )}}{%endif%}").unwrap();
/// assert_eq!(text, "{% if a == 1 %}{{ b|join(',') }}{% endif %}");
/// ```
///
/// # Errors
/// The syntax errors of a source that is no template. `set` tells which tags exist.
pub fn format(set: &TemplateSet, name: &str, source: &str) -> Result<String, Vec<Finding>> {
    let (read, error) = Source::new(name, source);
    let reading = recover::read(set.environment.engine(), &read, error);
    if !reading.faults.is_empty() {
        let finding = |fault: &recover::Fault| {
            let span = read.span(fault.range.clone());
            Finding::new(fault.rule, name, span, read.excerpt(span), fault.message.as_str())
                .help(fault.help.as_str())
        };
        return Err(reading.faults.iter().map(finding).collect());
    }
    Ok(formatted(&read, source))
}

fn formatted(read: &Source, original: &str) -> String {
    let changes = layout::changes(read);
    if changes.is_empty() {
        return original.to_owned();
    }
    let text = layout::apply(&read.text, changes.iter().map(|change| &change.edit));
    if !layout::same_tokens(&read.text, &text) {
        return original.to_owned();
    }
    apply_to_original(original, changes.iter().map(|change| &change.edit))
}

/// Applies edits, which count the bytes of the source with normal line ends, to the source as it is. Line ends
/// that stay are not changed; new ones are like the first of the source.
pub(crate) fn apply_to_original<'e>(original: &str, edits: impl Iterator<Item = &'e Edit>) -> String {
    if !original.contains('\r') {
        return layout::apply(original, edits);
    }
    // The original's offset of each byte of the normalised source.
    let mut offsets = Vec::with_capacity(original.len() + 1);
    let bytes = original.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let second = *byte == b'\n' && at > 0 && bytes.get(at - 1) == Some(&b'\r');
        if !second {
            offsets.push(at);
        }
    }
    offsets.push(original.len());
    let end = if original.contains("\r\n") { "\r\n" } else { "\r" };
    let place = |at: usize| offsets.get(at).copied().unwrap_or(original.len());
    let moved: Vec<Edit> = edits
        .map(|edit| Edit {
            start: place(edit.start),
            end: place(edit.end),
            text: edit.text.replace('\n', end),
        })
        .collect();
    layout::apply(original, moved.iter())
}

#[cfg(test)]
mod proof;
