//! Texts for a CRM: names in their parts, markup made harmless, lengths kept.

/// A person's name in three fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NameParts {
    pub(crate) first: Option<String>,
    pub(crate) second: Option<String>,
    pub(crate) last: Option<String>,
}

const PATRONYMIC_ENDS: [&str; 6] = ["вич", "вна", "ична", "инична", "оглы", "кызы"];
const SURNAME_ENDS: [&str; 14] =
    ["ов", "ова", "ев", "ева", "ёв", "ёва", "ский", "ская", "цкий", "цкая", "енко", "чук", "дзе", "швили"];

/// Takes a name apart only where its form leaves no doubt; anything else stays whole in the first name,
/// because a manager who reads a wrong surname greets a person wrongly.
pub(crate) fn split_name(name: &str) -> NameParts {
    let words: Vec<&str> = name.split_whitespace().collect();
    let own = |text: &str| Some(text.to_owned());
    match words.as_slice() {
        [last, first, second] if is_patronymic(second) => {
            NameParts { first: own(first), second: own(second), last: own(last) }
        }
        [first, second, last] if is_patronymic(second) => {
            NameParts { first: own(first), second: own(second), last: own(last) }
        }
        [first, second] if is_patronymic(second) => {
            NameParts { first: own(first), second: own(second), last: None }
        }
        [last, first] if is_surname(last) && !is_surname(first) => {
            NameParts { first: own(first), second: None, last: own(last) }
        }
        [first, last] => NameParts { first: own(first), second: None, last: own(last) },
        _ => NameParts { first: own(name), ..NameParts::default() },
    }
}

fn is_patronymic(word: &str) -> bool {
    ends_with_any(word, &PATRONYMIC_ENDS, 6)
}

/// Five letters at least: `Яков` and `Лев` are first names.
fn is_surname(word: &str) -> bool {
    ends_with_any(word, &SURNAME_ENDS, 5)
}

fn ends_with_any(word: &str, ends: &[&str], at_least: usize) -> bool {
    let lower = word.to_lowercase();
    lower.chars().count() >= at_least && ends.iter().any(|end| lower.ends_with(end))
}

/// Keeps text from becoming markup. A portal shows BB codes and HTML of comments, and which of the two a field
/// knows differs by version, so no escape is right everywhere: an invisible space behind `[` and `<` breaks the
/// tags of both and leaves the text readable. Control characters other than line ends are dropped.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => out.push('\n'),
            '[' | '<' => out.extend([c, '\u{200b}']),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The text in one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `limit` characters; what is cut shows an ellipsis.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> [Option<String>; 3] {
        let NameParts { first, second, last } = split_name(name);
        [first, second, last]
    }

    #[test]
    fn p1_names_are_taken_apart_only_without_doubt() {
        let some = |text: &str| Some(text.to_owned());
        for (name, first, second, last) in [
            ("Иван", "Иван", "", ""),
            ("Иван Петров", "Иван", "", "Петров"),
            ("Петров Иван", "Иван", "", "Петров"),
            ("Иван Иванович", "Иван", "Иванович", ""),
            ("Петрова Анна Сергеевна", "Анна", "Сергеевна", "Петрова"),
            ("Анна Сергеевна Петрова", "Анна", "Сергеевна", "Петрова"),
            ("Яков Петров", "Яков", "", "Петров"),
            ("Лев Толстой", "Лев", "", "Толстой"),
            ("Марина Ким", "Марина", "", "Ким"),
            ("Иванов Петров", "Иванов", "", "Петров"),
            ("Anna Maria Lopez", "Anna Maria Lopez", "", ""),
            ("Мария дель Кармен Гарсия", "Мария дель Кармен Гарсия", "", ""),
        ] {
            let filled = |text: &str| if text.is_empty() { None } else { some(text) };
            assert_eq!(parts(name), [filled(first), filled(second), filled(last)], "{name}");
        }
    }

    #[test]
    fn p9_markup_stays_text() {
        assert_eq!(plain("[b]x[/b] <i>y</i>"), "[\u{200b}b]x[\u{200b}/b] <\u{200b}i>y<\u{200b}/i>");
        assert_eq!(plain("a\r\nb\rc\u{0}\u{7}d\te"), "a\nb\ncd\te");
        assert_eq!(one_line(" a\n\tb\u{0}c "), "a b c");
    }

    #[test]
    fn cut_texts_say_so() {
        assert_eq!(cut("абвгд", 5), "абвгд");
        assert_eq!(cut("абвгде", 5), "абвг…");
        assert_eq!(cut("", 5), "");
    }
}
