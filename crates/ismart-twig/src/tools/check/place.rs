//! Where an error is, to the character, and what helps against it.

use std::ops::Range;

use crate::callable::CallKind;
use crate::env::Engine;
use crate::error::{Error, suggestion};
use crate::syntax::token::{Kind, Token};
use crate::tools::source::Source;

/// The stretch of the source that an error is about.
pub(crate) fn find(source: &Source, tokens: &[Token], error: &Error) -> Range<usize> {
    let message = error.raw_message();
    let line = error.line().unwrap_or(1);
    if let Some(column) = error.column() {
        let range = source.line(line);
        let column = crate::num::at(column.saturating_sub(1));
        let text = source.slice(range.clone());
        let start = range.start + text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
        return token_from(tokens, start).unwrap_or_else(|| char_at(source, start));
    }
    let offset = error.offset();
    if message.starts_with("Unexpected end of template") {
        let end = source.text.trim_end().len();
        return end..end;
    }
    if let Some(sign) = message.split("Character \"").nth(1).and_then(|rest| rest.chars().next()) {
        let range = source.line(line);
        if let Some(at) = source.slice(range.clone()).find(&format!("\\{sign}")) {
            return range.start + at..range.start + at + 1 + sign.len_utf8();
        }
    }
    let on_line = |token: &&Token| token.line == line && !token.range.is_empty();
    if tokens.is_empty() {
        return in_text(source, message, line, offset);
    }
    for quoted in quoted(message) {
        let same = |token: &&Token| {
            on_line(token)
                && !matches!(token.kind, Kind::Text | Kind::BlockEnd | Kind::VarEnd)
                && (token.shown() == quoted || token.text().split(' ').next() == Some(quoted))
        };
        let near = offset.and_then(|at| tokens.iter().filter(same).rfind(|t| t.range.start <= at));
        if let Some(token) = near.or_else(|| tokens.iter().find(same)) {
            return token.range.clone();
        }
        if let Some(range) = two_words(tokens, quoted, line) {
            return range;
        }
    }
    let shown = |token: &Token| match token.kind {
        Kind::BlockEnd | Kind::VarEnd => token.range.start..(token.range.start + 2).min(token.range.end),
        _ => token.range.clone(),
    };
    if let Some(at) = offset
        && let Some(token) =
            tokens.iter().filter(on_line).find(|t| t.range.start == at && t.kind != Kind::Text)
    {
        return shown(token);
    }
    let starts = |token: &&Token| matches!(token.kind, Kind::BlockStart | Kind::VarStart);
    let first = tokens.iter().position(|t| t.line == line && starts(&t)).and_then(|at| tokens.get(at + 1));
    let first = first.filter(on_line).or_else(|| tokens.iter().find(|t| on_line(t) && t.kind != Kind::Text));
    match first {
        Some(token) => shown(token),
        None => {
            let range = source.line(line);
            let text = source.slice(range.clone());
            range.start + (text.len() - text.trim_start().len())..range.end
        }
    }
}

/// The place of a test of two words.
fn two_words(tokens: &[Token], name: &str, line: u32) -> Option<Range<usize>> {
    let (first, second) = name.split_once(' ')?;
    let pair = tokens.windows(2).find(|pair| match pair {
        [a, b] => a.line == line && a.is(Kind::Name, first) && b.is(Kind::Name, second),
        _ => false,
    })?;
    match pair {
        [a, b] => Some(a.range.start..b.range.end),
        _ => None,
    }
}

fn token_from(tokens: &[Token], start: usize) -> Option<Range<usize>> {
    let found =
        tokens.iter().find(|t| t.range.start == start && !t.range.is_empty() && t.kind != Kind::Text)?;
    Some(match found.kind {
        Kind::BlockEnd | Kind::VarEnd => start..(start + 2).min(found.range.end),
        _ => found.range.clone(),
    })
}

fn char_at(source: &Source, start: usize) -> Range<usize> {
    let width = source.text.get(start..).and_then(|s| s.chars().next()).map_or(0, char::len_utf8);
    start..start + width
}

/// Without tokens: the last quoted sign of the line before the place, or the tag there.
fn in_text(source: &Source, message: &str, line: u32, offset: Option<usize>) -> Range<usize> {
    let range = source.line(line);
    let upto = offset.map_or(range.end, |at| at.clamp(range.start, range.end));
    let before = source.slice(range.start..upto);
    if let Some(sign) = message.strip_prefix("Unclosed \"").and_then(|rest| rest.chars().next())
        && let Some(at) = offset.and_then(|offset| unclosed(source.slice(range.start..offset), sign))
    {
        return range.start + at..range.start + at + 1;
    }
    let needle = match quoted(message).next() {
        _ if message.starts_with("Unclosed \"\"\"") => "\"",
        Some("block") => "{%",
        Some("variable") => "{{",
        Some("verbatim") => "verbatim",
        Some(sign) => sign,
        None if message.contains("comment") => "{#",
        None => "",
    };
    if !needle.is_empty() {
        let found = before.rfind(needle).or_else(|| source.slice(range.clone()).find(needle));
        if let Some(at) = found {
            return range.start + at..range.start + at + needle.len();
        }
    }
    let text = source.slice(range.clone());
    range.start + (text.len() - text.trim_start().len())..range.end
}

/// Where a bracket or string that is not closed begins, in a text that ends where that was seen.
fn unclosed(text: &str, sign: char) -> Option<usize> {
    let start = text.find("{{").into_iter().chain(text.find("{%")).min()? + 2;
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().filter(|(at, _)| *at >= start) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some((_, mark)), c) if mark == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some((at, c)),
            (None, '(' | '[' | '{') => open.push((at, c)),
            (None, ')' | ']' | '}') => drop(open.pop()),
            _ => {}
        }
    }
    if matches!(sign, '"') {
        return quote.map(|(at, _)| at);
    }
    open.iter().rfind(|(_, c)| *c == sign).map(|(at, _)| *at)
}

/// The quoted words of a message, in order.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('"').skip(1).step_by(2).filter(|word| !word.is_empty())
}

/// What to write instead of constructs that Twig took away or never had.
const INSTEAD: &[(&str, &str, &str)] = &[
    ("tag", "filter", "write `{% apply upper %}…{% endapply %}`"),
    ("tag", "endfilter", "write `{% endapply %}`"),
    ("tag", "raw", "write `{% verbatim %}…{% endverbatim %}`"),
    ("tag", "endraw", "write `{% endverbatim %}`"),
    ("tag", "spaceless", "drop it, or trim with `{%-` and `-%}`"),
    ("tag", "endspaceless", "drop it, or trim with `{%-` and `-%}`"),
    ("tag", "foreach", "write `{% for value in list %}` or `{% for key, value in list %}`"),
    ("tag", "elif", "write `{% elseif %}`"),
    ("tag", "elsif", "write `{% elseif %}`"),
    (
        "tag",
        "continue",
        "Twig has no `continue`: filter the sequence with `|filter(x => …)`, or put the body under `if`",
    ),
    ("tag", "break", "Twig has no `break`: shorten the sequence with `|slice` or `|filter`"),
    ("tag", "while", "Twig has no `while`: loop over a range or a sequence"),
    ("tag", "call", "Twig has no `call`: pass the text as an argument of the macro"),
    ("test", "sameas", "write `is same as(…)`"),
    ("test", "divisibleby", "write `is divisible by(…)`"),
    ("test", "string", "Twig has no test `string`"),
    ("filter", "tojson", "write `|json_encode`"),
    ("filter", "safe", "write `|raw`"),
    ("filter", "count", "write `|length`"),
    ("filter", "implode", "write `|join`"),
    ("filter", "explode", "write `|split`"),
    ("filter", "dump", "`dump` is a function: write `dump(value)`"),
    ("filter", "nl2p", "write `|nl2br`"),
    ("function", "isset", "write `value is defined`"),
    ("function", "empty", "write `value is empty`"),
    ("function", "count", "write `value|length`"),
    ("function", "super", "write `parent()`"),
    ("function", "in_array", "write `value in list`"),
];

/// The replacement of a name that templates of other engines or older versions use.
pub(crate) fn instead(kind: &str, name: &str) -> &'static str {
    let found = INSTEAD.iter().find(|(k, n, _)| *k == kind && *n == name);
    found.map_or("", |(_, _, text)| text)
}

/// What helps against an error; empty when its message says all.
pub(crate) fn help(engine: &Engine, source: &Source, error: &Error) -> String {
    let message = error.raw_message();
    let first = quoted(message).next().unwrap_or("");
    if is_unknown_tag(engine, message) {
        let hint = suggestion(first, &engine.registry.tags());
        return match instead("tag", first) {
            "" if message.contains(&hint) => String::new(),
            "" => format!("the tag \"{first}\" is not known.{hint}"),
            known => known.to_owned(),
        };
    }
    let expected = |what: &str| message.contains(&format!("(\"{what}\" expected"));
    let value = message.split("of value \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
    if expected("end of statement block") || expected("end of print statement") {
        let line = error.line().map_or("", |line| source.slice(source.line(line)));
        return match value {
            "if" if line.contains("for ") => {
                "`for … if` is gone: write `{% for x in list|filter(x => condition) %}`".to_owned()
            }
            "=" => "an assignment needs `{% set %}`; to compare write `==`".to_owned(),
            "&" | "&&" => "write `and`".to_owned(),
            "|" | "||" => "write `or`".to_owned(),
            "" if message.contains("end of template") => "the tag is not closed: add `}}` or `%}`".to_owned(),
            _ => "an operator, a comma or the end of the tag is missing before it".to_owned(),
        };
    }
    if message.starts_with("Unexpected character") {
        return match first {
            "&" => "write `and`; bits are joined with `b-and`".to_owned(),
            "!" => "write `not`".to_owned(),
            "'" | "\"" => "the string is not closed".to_owned(),
            "$" => "variables are written without `$`".to_owned(),
            ";" => "a tag holds one expression, without `;`".to_owned(),
            _ => String::new(),
        };
    }
    if message.starts_with("Unclosed") {
        return match first {
            "(" | "[" | "{" => format!("close it with `{}`", closing(first)),
            "block" | "variable" => "close the tag".to_owned(),
            "" if message.contains("comment") => "close it with `#}`".to_owned(),
            _ if message.contains("\"\"\"") => "close the string with `\"`".to_owned(),
            _ => "add its end".to_owned(),
        };
    }
    String::new()
}

fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

/// Whether a message tells of a tag that does not exist.
pub(crate) fn is_unknown_tag(engine: &Engine, message: &str) -> bool {
    let rest = message.strip_prefix("Unknown \"").or_else(|| message.strip_prefix("Unexpected \""));
    let Some((word, rest)) = rest.and_then(|rest| rest.split_once('"')) else { return false };
    let opens = word.strip_prefix("end").unwrap_or(word);
    rest.starts_with(" tag") && !matches!(word, "else" | "elseif") && !engine.registry.has_tag(opens)
}

/// The name that is not known and that an error about its arguments only follows from.
pub(crate) fn cause<'m>(engine: &Engine, message: &'m str) -> Option<(CallKind, &'m str)> {
    [CallKind::Filter, CallKind::Function, CallKind::Test].into_iter().find_map(|kind| {
        let lead = format!(" for {} \"", kind.name());
        let name = message.split(lead.as_str()).nth(1)?.split(['"', '(']).next()?;
        engine.registry.find(kind, name).is_none().then_some((kind, name))
    })
}
