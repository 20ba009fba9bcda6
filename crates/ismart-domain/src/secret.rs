//! Values that must not be read by accident.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// A secret (password, token, webhook address). Prints as `***`, is never serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself; call it only where it leaves for its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Hides what looks like a phone number or an e-mail address in free text; for logs, traces and requests
/// to outside models. Keeps the last two digits and the domain, so that a person can still match records.
#[must_use]
pub fn mask_personal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        match word.split_once('@') {
            Some((user, domain)) if !user.is_empty() && domain.contains('.') => {
                out.push_str("***@");
                out.push_str(domain);
            }
            _ => out.push_str(word),
        }
    }
    mask_digit_runs(&out)
}

/// Replaces all but the last two digits of every run of seven or more digits (spaces, brackets and dashes
/// between them count as part of the run).
fn mask_digit_runs(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut run: Vec<char> = Vec::new();
    let flush = |run: &mut Vec<char>, out: &mut String| {
        let digits = run.iter().filter(|c| c.is_ascii_digit()).count();
        let mut left = digits;
        for c in run.drain(..) {
            if c.is_ascii_digit() {
                left -= 1;
                out.push(if digits >= 7 && left >= 2 { '*' } else { c });
            } else {
                out.push(c);
            }
        }
    };
    for c in chars {
        if c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | ' ' | '\u{a0}') {
            run.push(c);
        } else {
            flush(&mut run, &mut out);
            out.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }

    #[test]
    fn personal_text_is_masked() {
        assert_eq!(
            mask_personal("Иван, +7 (910) 123-45-67, ivan@mail.ru, 2 490 р"),
            "Иван, +* (***) ***-**-67, ***@mail.ru, 2 490 р"
        );
    }
}
