//! Dividing text into sentences and sentences into pieces.

use super::html::HOLE;

/// A piece is closed at the first end of a sentence after this many characters.
const FULL: usize = 500;
/// A single sentence longer than this is cut between words.
const LONGEST: usize = 1200;

/// Russian short forms after which a full stop ends no sentence.
const SHORT_FORMS: [&str; 30] = [
    "г", "гг", "д", "ул", "пр", "пер", "стр", "корп", "к", "кв", "обл", "р", "руб", "коп", "тыс", "млн",
    "млрд", "т", "см", "рис", "им", "напр", "св", "ок", "тел", "доб", "л", "мин", "ч", "no",
];

/// Sentences with their end marks, without spaces around; a new line always ends one.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    text.lines().flat_map(line_sentences).filter(|sentence| !sentence.is_empty()).collect()
}

fn line_sentences(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = line;
    let mut from = 0;
    while let Some(end) = next_end(rest, from) {
        let (sentence, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if ends_sentence(sentence, after) {
            out.push(sentence.trim());
            rest = after;
            from = 0;
        } else {
            from = end;
        }
    }
    out.push(rest.trim());
    out
}

/// The byte position behind the next run of end marks, closing quotes and brackets included.
fn next_end(text: &str, from: usize) -> Option<usize> {
    let tail = text.get(from..)?;
    let start = tail.find(['.', '!', '?', '…'])?;
    let marks = tail.get(start..)?;
    let length: usize = marks
        .chars()
        .take_while(|c| matches!(c, '.' | '!' | '?' | '…' | '»' | '"' | ')' | '”'))
        .map(char::len_utf8)
        .sum();
    Some(from + start + length)
}

fn ends_sentence(sentence: &str, after: &str) -> bool {
    let mut next = after.chars();
    if !next.next().is_none_or(char::is_whitespace) {
        return false;
    }
    let begins = after.trim_start().chars().next();
    if begins.is_some_and(char::is_lowercase) {
        return false;
    }
    let Some(words) = sentence.strip_suffix('.') else { return true };
    let last: String = words
        .chars()
        .rev()
        .take_while(|c| c.is_alphanumeric())
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .flat_map(char::to_lowercase)
        .collect();
    let initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    !initial && !SHORT_FORMS.contains(&last.as_str())
}

/// Joins sentences into pieces of about [`FULL`] characters; lines are kept as lines.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut piece = String::new();
    for line in text.lines() {
        for sentence in line_sentences(line).into_iter().filter(|s| is_whole(s)).flat_map(cut) {
            let size = piece.chars().count();
            if size >= FULL || (size > FULL / 2 && size + sentence.chars().count() > FULL * 3 / 2) {
                out.push(std::mem::take(&mut piece));
            }
            if !piece.is_empty() && !piece.ends_with('\n') {
                piece.push(' ');
            }
            piece.push_str(&sentence);
        }
        if !piece.is_empty() && !piece.ends_with('\n') {
            piece.push('\n');
        }
    }
    out.push(piece);
    out.into_iter().map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

/// A sentence from which a value is missing would be quoted maimed, so it is left out.
fn is_whole(sentence: &str) -> bool {
    !sentence.is_empty() && !sentence.contains(HOLE)
}

/// Cuts what is no sentence of a person (a wall of text without a full stop) between words.
fn cut(sentence: &str) -> Vec<String> {
    if sentence.chars().count() <= LONGEST {
        return vec![sentence.to_owned()];
    }
    let mut out = vec![String::new()];
    for word in sentence.split(' ') {
        if out.last().is_some_and(|last| last.chars().count() + word.chars().count() > LONGEST) {
            out.push(String::new());
        }
        if let Some(last) = out.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_people_end_them() {
        let cases: [(&str, &[&str]); 7] = [
            ("Раз. Два! Три?", &["Раз.", "Два!", "Три?"]),
            (
                "Мы на ул. Ленина, д. 5, г. Тверь. Ждём вас.",
                &["Мы на ул. Ленина, д. 5, г. Тверь.", "Ждём вас."],
            ),
            ("От 2,5 тыс. руб. до 3.5 л. Всё.", &["От 2,5 тыс. руб. до 3.5 л. Всё."]),
            ("Он сказал: «Да!» Потом ушёл.", &["Он сказал: «Да!»", "Потом ушёл."]),
            ("А. С. Пушкин родился в Москве. Потом", &["А. С. Пушкин родился в Москве.", "Потом"]),
            ("строка\nдругая строка", &["строка", "другая строка"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(sentences(text), expected, "{text}");
        }
    }

    #[test]
    fn pieces_hold_everything_and_none_is_huge() {
        let text = "Предложение номер один, довольно обычное. ".repeat(60) + &"слово ".repeat(1000);
        let pieces = pieces(&text);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&pieces.join(" ")), words(&text));
        assert!(pieces.iter().all(|piece| piece.chars().count() <= LONGEST + FULL));
        assert!(pieces.len() > 5);
    }

    #[test]
    fn a_sentence_with_a_hole_is_left_out() {
        assert_eq!(
            pieces(&format!("Почта: {HOLE}, телефон. Ответим за день.\n{HOLE}")),
            ["Ответим за день."]
        );
    }
}
