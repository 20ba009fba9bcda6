//! Text as the understander sees it: tokens with spans, one spelling, stems, keyboard layout.

mod layout;
mod typo;

pub use layout::{other_layout, reread};
pub use typo::distance_within;

use rust_stemmers::{Algorithm, Stemmer};

/// Longest message that is read, in characters; the rest is ignored by the understander (and kept by the store).
pub const MAX_CHARS: usize = 2_000;

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Letters.
    Word,
    /// Digits.
    Number,
    /// One punctuation mark or symbol.
    Mark,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Lower case, `ё` as `е`.
    pub text: String,
    /// The stem of a word; equal to `text` for numbers and marks.
    pub stem: String,
    /// First byte in the read text.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    /// Its kind.
    pub kind: TokenKind,
    /// Begins with a capital letter.
    pub capital: bool,
    /// `text` is not what was typed: a slip was repaired.
    pub corrected: bool,
}

impl Token {
    /// A word token?
    #[must_use]
    pub fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }

    /// This very mark?
    #[must_use]
    pub fn is_mark(&self, mark: char) -> bool {
        self.kind == TokenKind::Mark && self.text.starts_with(mark)
    }
}

/// Lower case with `ё` folded into `е`.
#[must_use]
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ё' { 'е' } else { c }).collect()
}

/// Is the letter Cyrillic?
#[must_use]
pub fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{4ff}')
}

/// The stem of a folded word: Russian for Cyrillic words, English for others.
#[must_use]
pub fn stem(word: &str) -> String {
    let algorithm = if word.chars().any(is_cyrillic) { Algorithm::Russian } else { Algorithm::English };
    Stemmer::create(algorithm).stem(word).into_owned()
}

/// Cuts the text to [`MAX_CHARS`] characters.
#[must_use]
pub fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARS).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

fn kind_of(c: char) -> Option<TokenKind> {
    if c.is_alphabetic() {
        Some(TokenKind::Word)
    } else if c.is_ascii_digit() {
        Some(TokenKind::Number)
    } else if c.is_whitespace() || c.is_control() {
        None
    } else {
        Some(TokenKind::Mark)
    }
}

/// Splits a text into tokens. Letters and digits part (`x5` is two tokens); a hyphen or apostrophe beside a
/// letter disappears, so `тест-драйв`, `тест драйв` and `Х-5` read alike.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut previous: Option<char> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let Some(kind) = kind_of(c) else {
            previous = Some(c);
            continue;
        };
        let end = at + c.len_utf8();
        let joined = matches!(c, '-' | '\'' | '\u{2010}' | '\u{2011}')
            && previous.is_some_and(char::is_alphanumeric)
            && next.is_some_and(char::is_alphanumeric)
            && (previous.is_some_and(char::is_alphabetic) || next.is_some_and(char::is_alphabetic));
        if joined {
            previous = Some(c);
            continue;
        }
        let continues =
            kind != TokenKind::Mark && out.last().is_some_and(|last| last.kind == kind && last.end == at);
        if continues {
            if let Some(last) = out.last_mut() {
                last.end = end;
            }
        } else {
            out.push(Token {
                text: String::new(),
                stem: String::new(),
                start: at,
                end,
                kind,
                capital: c.is_uppercase(),
                corrected: false,
            });
        }
        previous = Some(c);
    }
    for token in &mut out {
        token.text = fold(text.get(token.start..token.end).unwrap_or_default());
        token.stem = if token.is_word() { stem(&token.text) } else { token.text.clone() };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_numbers_and_marks_part() {
        assert_eq!(
            texts("Тест-драйв X5 за 1,5млн!"),
            ["тест", "драйв", "x", "5", "за", "1", ",", "5", "млн", "!"]
        );
        assert_eq!(texts("8-910"), ["8", "-", "910"]);
        assert_eq!(texts("Ёлка"), ["елка"]);
    }

    #[test]
    fn spans_point_into_the_text() {
        let text = "Да, Хавал Джолион";
        for token in tokens(text) {
            assert_eq!(fold(text.get(token.start..token.end).unwrap()), token.text);
        }
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let long = "я".repeat(100_000);
        assert_eq!(cut(&long).chars().count(), MAX_CHARS);
    }
}
