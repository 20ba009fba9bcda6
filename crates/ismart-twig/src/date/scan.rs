//! Takes numbers and words out of a piece of a date text, passing over the marks between them.

use super::words;

/// A place in a piece of text.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    rest: &'t str,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    /// Whether one of these signs is next.
    pub(super) fn at<const N: usize>(&self, signs: [char; N]) -> bool {
        self.rest.starts_with(signs)
    }

    pub(super) fn has_letters(&self) -> bool {
        self.rest.contains(|c: char| c.is_ascii_alphabetic())
    }

    fn skip_until(&mut self, wanted: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(|c: char| !wanted(c));
    }

    fn take(&mut self, most: usize, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self
            .rest
            .char_indices()
            .enumerate()
            .find(|(count, (_, c))| *count == most || !wanted(*c))
            .map_or(self.rest.len(), |(_, (at, _))| at);
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// The next number of at most so many digits, and how many it has.
    pub(super) fn counted(&mut self, most: usize) -> Option<(i64, usize)> {
        self.skip_until(|c| c.is_ascii_digit());
        let digits = self.take(most, |c| c.is_ascii_digit());
        // A number beyond all years is held at the last one.
        (!digits.is_empty()).then(|| (digits.parse().unwrap_or(i64::MAX), digits.len()))
    }

    /// The next number of at most so many digits.
    pub(super) fn number(&mut self, most: usize) -> Option<i64> {
        self.counted(most).map(|(n, _)| n)
    }

    /// The next number with any signs before it; each minus turns it round.
    pub(super) fn signed(&mut self) -> i64 {
        self.skip_until(|c| c.is_ascii_digit() || matches!(c, '+' | '-'));
        let signs = self.take(usize::MAX, |c| matches!(c, '+' | '-'));
        let number = self.number(19).unwrap_or(0);
        if signs.matches('-').count() % 2 == 1 { -number } else { number }
    }

    /// Parts of a second after a mark, in microseconds.
    pub(super) fn fraction(&mut self) -> i64 {
        self.skip_until(|c| c.is_ascii_digit());
        let digits = self.take(usize::MAX, |c| c.is_ascii_digit());
        let padded: String = digits.chars().chain("000000".chars()).take(6).collect();
        padded.parse().unwrap_or(0)
    }

    /// The next word, in small letters.
    pub(super) fn word(&mut self) -> String {
        self.skip_until(char::is_alphabetic);
        self.take(usize::MAX, char::is_alphabetic).to_lowercase()
    }

    /// The next month by its name.
    pub(super) fn month(&mut self) -> Option<i64> {
        self.skip_until(|c| c.is_ascii_alphabetic());
        let word = self.take(usize::MAX, |c| c.is_ascii_alphabetic()).to_ascii_lowercase();
        words::month(&word)
    }

    /// Passes `st`, `nd`, `rd` or `th`.
    pub(super) fn skip_day_ending(&mut self) {
        for ending in ["st", "nd", "rd", "th"] {
            if self.rest.get(..2).is_some_and(|t| t.eq_ignore_ascii_case(ending)) {
                self.rest = self.rest.get(2..).unwrap_or("");
                return;
            }
        }
    }

    /// What `am` or `pm` adds to an hour.
    pub(super) fn half(&mut self, hour: i64) -> i64 {
        self.skip_until(|c| matches!(c, 'a' | 'A' | 'p' | 'P'));
        match (self.at(['a', 'A']), hour) {
            (true, 12) => -12,
            (false, hour) if hour != 12 => 12,
            _ => 0,
        }
    }
}
