//! PHPDoc comments: words for people and types.

use super::one_line;

/// Tags whose first word is a type.
const TYPED: &[&str] = &[
    "@param",
    "@return",
    "@var",
    "@throws",
    "@property",
    "@property-read",
    "@property-write",
    "@mixin",
    "@extends",
    "@implements",
    "@use",
];

/// Words of PHPDoc types that are no classes.
const WORDS: &[&str] = &[
    "array",
    "bool",
    "boolean",
    "callable",
    "class-string",
    "closure",
    "double",
    "empty",
    "false",
    "float",
    "int",
    "integer",
    "iterable",
    "key-of",
    "list",
    "literal-string",
    "mixed",
    "never",
    "no-return",
    "non-empty-array",
    "non-empty-list",
    "non-empty-string",
    "null",
    "numeric",
    "numeric-string",
    "object",
    "parent",
    "positive-int",
    "negative-int",
    "non-negative-int",
    "real",
    "resource",
    "scalar",
    "self",
    "static",
    "string",
    "this",
    "true",
    "value-of",
    "void",
    "array-key",
    "min",
    "max",
    "covariant",
    "contravariant",
    "of",
    "is",
    "not",
    "callable-string",
    "lowercase-string",
    "non-falsy-string",
    "truthy-string",
    "trait-string",
    "interface-string",
    "enum-string",
    "int-mask",
    "int-mask-of",
    "pure-callable",
    "closed-resource",
    "open-resource",
    "template",
    "as",
];

/// The lines of a comment without its frame.
pub(super) fn lines(comment: &str) -> impl Iterator<Item = &str> {
    let inner = comment.trim_start_matches("/*").trim_start_matches('*').trim_end_matches("*/");
    inner.lines().map(|line| line.trim().trim_start_matches('*').trim())
}

/// The first paragraph before any tag.
pub(super) fn summary(comment: &str) -> Option<String> {
    let text: Vec<&str> = lines(comment)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty() && !line.starts_with('@'))
        .collect();
    let text = one_line(&text.join(" "));
    (!text.is_empty()).then_some(text)
}

/// The types of the tags, each with its tag and the word after it (a parameter's name).
pub(super) fn types(comment: &str) -> Vec<(&str, String, String)> {
    let mut found = Vec::new();
    for line in lines(comment) {
        let Some((tag, rest)) = line.split_once(char::is_whitespace) else { continue };
        let tag = tag.trim_start_matches("@phpstan-").trim_start_matches("@psalm-");
        let known = TYPED.iter().find(|known| **known == tag || known.trim_start_matches('@') == tag);
        if let Some(known) = known {
            let (ty, after) = first_type(rest.trim());
            let name = after.split_whitespace().next().unwrap_or("");
            found.push((*known, ty.to_owned(), name.trim_start_matches(['$', '.', '&']).to_owned()));
        }
    }
    found
}

/// The type at the beginning: up to the first space outside brackets.
fn first_type(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    let mut joined = false;
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '{' | '[' => depth += 1,
            '>' | ')' | '}' | ']' => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 && !joined => return text.split_at(at),
            _ => {}
        }
        joined = matches!(c, '|' | '&' | ':');
    }
    (text, "")
}

/// The names of classes in a PHPDoc type.
pub(super) fn classes(ty: &str) -> Vec<&str> {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '\\' || c == '-' || !c.is_ascii();
    let mut found = Vec::new();
    let mut rest = ty;
    while let Some(start) = rest.find(plain) {
        let tail = rest.get(start..).unwrap_or("");
        let end = tail.find(|c| !plain(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        let before = rest.get(..start).and_then(|before| before.chars().last());
        // `'text'`, `$this`, `key: type` and `X::CASE` hold words that are no classes.
        let quoted = before.is_some_and(|c| "'\"$:@".contains(c))
            && !rest.get(..start).is_some_and(|b| b.ends_with("): "));
        let key = after.starts_with(':') && !after.starts_with("::") || after.starts_with("?:");
        let first = word.chars().next();
        let name = first.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '\\');
        if name
            && !quoted
            && !key
            && !WORDS.contains(&word.to_ascii_lowercase().as_str())
            && !word.contains('-')
        {
            found.push(word);
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_the_first_paragraph() {
        let comment = "/**\n * Finds the page\n * of an address.\n *\n * More.\n * @return string\n */";
        assert_eq!(summary(comment).as_deref(), Some("Finds the page of an address."));
        assert_eq!(summary("/** @var int */"), None);
        assert_eq!(summary("/** Одно. */").as_deref(), Some("Одно."));
    }

    #[test]
    fn types_are_taken_whole() {
        let comment = "/**\n * @param array<string, Foo> $foos all\n * @return ?\\A\\Bar\n * @phpstan-var list<Baz>\n */";
        let found = types(comment);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], ("@param", "array<string, Foo>".to_owned(), "foos".to_owned()));
        assert_eq!(found[1].1, "?\\A\\Bar");
        assert_eq!(found[2].1, "list<Baz>");
    }

    #[test]
    fn classes_of_a_type_are_those_that_are_no_words() {
        assert_eq!(classes("array<string, Foo>|null"), ["Foo"]);
        assert_eq!(classes("array{name: string, of?: Bar}"), ["Bar"]);
        assert_eq!(classes("\\A\\B[]|'text'|$this|class-string<T>"), ["\\A\\B", "T"]);
    }
}
