//! Messages typed in the wrong keyboard layout.

const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
const CYRILLIC: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";

fn twin(c: char) -> Option<char> {
    let lower = c.to_lowercase().next()?;
    let find = |from: &str, to: &str| from.chars().position(|x| x == lower).and_then(|at| to.chars().nth(at));
    let twin = find(LATIN, CYRILLIC).or_else(|| find(CYRILLIC, LATIN))?;
    Some(if c.is_uppercase() { twin.to_uppercase().next().unwrap_or(twin) } else { twin })
}

/// The same keys in the other layout (ЙЦУКЕН against QWERTY): `ghbdtn` becomes `привет`, `рфмфд` becomes `haval`.
#[must_use]
pub fn other_layout(text: &str) -> String {
    text.chars().map(|c| twin(c).unwrap_or(c)).collect()
}

/// Reads every word that is unknown as typed but known in the other layout in that layout. When most words
/// turned out so, the unknown rest is turned too. Gives `None` when nothing changed.
#[must_use]
pub fn reread(text: &str, known: impl Fn(&str) -> bool) -> Option<String> {
    let knows = |word: &str| {
        let tokens = super::tokens(word);
        let words = tokens.iter().filter(|t| t.is_word()).count();
        words > 0 && tokens.iter().filter(|t| t.is_word()).all(|t| known(&t.text) || known(&t.stem))
    };
    let chunks: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let mut turned = 0_usize;
    let mut unknown = 0_usize;
    let readings: Vec<Option<String>> = chunks
        .iter()
        .map(|chunk| {
            let word = chunk.trim();
            let letters = word.chars().filter(|c| c.is_alphabetic()).count();
            if letters < 2 || knows(word) {
                return None;
            }
            unknown += 1;
            let tail: usize = word.chars().rev().take_while(|c| ".,!?".contains(*c)).count();
            let core: String = word.chars().take(word.chars().count() - tail).collect();
            [other_layout(word), other_layout(&core)].into_iter().find(|reading| knows(reading)).inspect(
                |_| {
                    turned += 1;
                },
            )
        })
        .collect();
    if turned == 0 {
        return None;
    }
    let all = turned * 2 >= unknown;
    let out: String = chunks
        .iter()
        .zip(readings)
        .map(|(chunk, reading)| match reading {
            Some(reading) => format!("{reading} "),
            None if all && !knows(chunk.trim()) && chunk.chars().any(char::is_alphabetic) => {
                other_layout(chunk)
            }
            None => (*chunk).to_owned(),
        })
        .collect();
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_of_the_other_layout_are_read_in_it() {
        let known = |word: &str| ["привет", "есть", "белый", "haval", "ok"].contains(&word);
        assert_eq!(reread("ghbdtn", known).as_deref(), Some("привет "));
        assert_eq!(reread("tcnm haval", known).as_deref(), Some("есть haval"));
        assert_eq!(reread("рфмфд", known).as_deref(), Some("haval "));
        assert_eq!(reread("привет, ok?", known), None);
        assert_eq!(reread("unknown words", known), None);
    }
}
