//! Which words of a passage to say.

use super::reading::Best;
use crate::passages::{Kind, Passage, sentences};

/// A quote grows by the sentences after the best one up to this many characters.
const ENOUGH: usize = 220;

/// The best sentence with what is needed to understand it: the whole answer of a FAQ, a row of a table, a
/// short list or a line of a long one, a sentence and the following ones of a text. Always a verbatim part of the passage's text.
pub(super) fn around<'a>(passage: &'a Passage, best: &Best) -> &'a str {
    let text = passage.text.as_str();
    let is_short = text.chars().count() <= ENOUGH;
    match passage.kind {
        Kind::Faq => return text,
        _ if best.place.is_empty() => return text,
        Kind::Table => return line_at(text, best.place.start),
        Kind::List | Kind::Text if is_short => return text,
        Kind::List => return line_at(text, best.place.start),
        Kind::Text => {}
    }
    let mut end = best.place.end;
    for next in sentences(text.get(end..).unwrap_or_default()) {
        let Some(at) = text.get(end..).and_then(|rest| rest.find(next)) else { break };
        let grown = end + at + next.len();
        if text.get(best.place.start..grown).is_none_or(|quote| quote.chars().count() > ENOUGH) {
            break;
        }
        end = grown;
    }
    text.get(best.place.start..end).unwrap_or(text)
}

fn line_at(text: &str, position: usize) -> &str {
    let from = text.get(..position).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let rest = text.get(from..).unwrap_or(text);
    rest.split('\n').next().unwrap_or(rest)
}
