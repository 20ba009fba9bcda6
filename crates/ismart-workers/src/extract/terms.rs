//! Words of the trade: aliases from the package and the stock's own vocabulary, with typos and negation.

use std::collections::{BTreeMap, HashMap};

use super::{Found, Lexicon};
use crate::text::{Token, TokenKind, distance_within, tokens};

/// One canonical value with its spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermRule {
    /// Group: `color`.
    pub group: String,
    /// Canonical value.
    pub value: String,
    /// Spellings; the value itself is always one.
    pub aliases: Vec<String>,
    /// Values of other groups that follow.
    pub implies: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Spelling {
    /// Text and stem of each word.
    words: Vec<(String, String)>,
    rule: usize,
}

/// Finds terms in a message.
#[derive(Debug, Clone, Default)]
pub struct TermIndex {
    rules: Vec<TermRule>,
    by_first: HashMap<String, Vec<Spelling>>,
    /// First words that may be misspelt, by length.
    fuzzy: BTreeMap<usize, Vec<(Vec<char>, String)>>,
}

impl TermIndex {
    /// Builds the index. Of two equal spellings the earlier rule wins.
    #[must_use]
    pub fn new(rules: Vec<TermRule>) -> Self {
        let mut index = Self { rules: Vec::new(), by_first: HashMap::new(), fuzzy: BTreeMap::new() };
        for (number, rule) in rules.iter().enumerate() {
            for alias in std::iter::once(&rule.value).chain(&rule.aliases) {
                index.add(number, alias);
            }
        }
        for list in index.by_first.values_mut() {
            list.sort_by_key(|spelling| std::cmp::Reverse(spelling.words.len()));
        }
        index.rules = rules;
        index
    }

    fn add(&mut self, rule: usize, alias: &str) {
        let read = tokens(alias);
        let words: Vec<(String, String)> =
            read.into_iter().filter(|t| t.kind != TokenKind::Mark).map(|t| (t.text, t.stem)).collect();
        let Some((text, stem)) = words.first().cloned() else { return };
        let chars: Vec<char> = text.chars().collect();
        if chars.len() >= 4 && chars.iter().all(|c| c.is_alphabetic()) {
            let bucket = self.fuzzy.entry(chars.len()).or_default();
            if !bucket.iter().any(|(_, word)| *word == text) {
                bucket.push((chars, text.clone()));
            }
        }
        // Both forms are keys: the stem of `хавалов` is the whole word `хавал`.
        let keys = if text == stem { vec![text] } else { vec![text, stem] };
        for key in keys {
            let list = self.by_first.entry(key).or_default();
            if !list.iter().any(|spelling| spelling.words == words) {
                list.push(Spelling { words: words.clone(), rule });
            }
        }
    }

    /// Is the stem the first word of an alias?
    #[must_use]
    pub fn knows(&self, stem: &str) -> bool {
        self.by_first.contains_key(stem)
    }

    /// All rules, in order of declaration.
    #[must_use]
    pub fn rules(&self) -> &[TermRule] {
        &self.rules
    }

    /// Is it the first word of an alias, by its text or its stem?
    fn exact(&self, read: &[Token], taken: &[bool], at: usize) -> Option<(usize, usize)> {
        let token = read.get(at)?;
        let by_text = self.matching(read, taken, at, &token.text);
        by_text.or_else(|| self.matching(read, taken, at, &token.stem))
    }

    fn matching(&self, read: &[Token], taken: &[bool], at: usize, first: &str) -> Option<(usize, usize)> {
        let free = |i: usize| !taken.get(i).copied().unwrap_or(true);
        self.by_first.get(first)?.iter().find_map(|spelling| {
            let fits = spelling.words.iter().enumerate().skip(1).all(|(n, (text, stem))| {
                read.get(at + n).is_some_and(|token| {
                    free(at + n)
                        && (token.text == *text
                            || token.stem == *stem
                            || token.stem == *text
                            || near(&token.text, text))
                })
            });
            fits.then_some((at + spelling.words.len(), spelling.rule))
        })
    }

    fn misspelt(&self, token: &Token) -> Option<&str> {
        let mut best: Option<(usize, &str)> = None;
        for form in [&token.text, &token.stem] {
            let chars: Vec<char> = form.chars().collect();
            if chars.len() < 4 {
                continue;
            }
            let limit = if chars.len() >= 8 { 2 } else { 1 };
            for (_, bucket) in self.fuzzy.range(chars.len().saturating_sub(limit)..=chars.len() + limit) {
                for (word, text) in bucket {
                    let short = word.len().min(chars.len()) < 6;
                    if short && word.first() != chars.first() {
                        continue;
                    }
                    if let Some(distance) = distance_within(&chars, word, limit)
                        && best.is_none_or(|(least, _)| distance < least)
                    {
                        best = Some((distance, text));
                    }
                }
            }
        }
        best.map(|(_, text)| text)
    }
}

fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    a.len() >= 4 && b.len() >= 4 && distance_within(&a, &b, 1).is_some()
}

fn negated(read: &[Token], found: &[(usize, usize, Found)], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|i| read.get(i)) else { return false };
    match before.text.as_str() {
        "не" | "кроме" | "без" | "ни" | "not" | "except" | "no" | "without" => true,
        "и" | "или" | "," | "and" | "or" => found
            .iter()
            .any(|(_, to, found)| *to + 1 == at && matches!(found, Found::Term { negated: true, .. })),
        _ => false,
    }
}

fn found(lexicon: &Lexicon<'_>, rule: usize, negated: bool) -> Option<Found> {
    let rule = lexicon.terms.rules.get(rule)?;
    Some(Found::Term {
        group: rule.group.clone(),
        value: rule.value.clone(),
        negated,
        implies: rule.implies.clone(),
    })
}

fn scan(
    read: &[Token],
    lexicon: &Lexicon<'_>,
    taken: &[bool],
    fuzzy: bool,
    digits_only: bool,
) -> Vec<(usize, usize, Found)> {
    let mut out: Vec<(usize, usize, Found)> = Vec::new();
    let mut at = 0;
    while let Some(token) = read.get(at) {
        if taken.get(at).copied().unwrap_or(true) || token.kind == TokenKind::Mark {
            at += 1;
            continue;
        }
        let exact = lexicon.terms.exact(read, taken, at);
        let matched = exact.or_else(|| {
            let open = fuzzy && token.is_word() && !(lexicon.ordinary)(token);
            let stem = lexicon.terms.misspelt(token).filter(|_| open)?;
            lexicon.terms.matching(read, taken, at, stem)
        });
        let matched = matched.filter(|(to, _)| {
            !digits_only
                || read.iter().take(*to).skip(at).any(|t| t.kind == TokenKind::Number)
                || (*to > at + 1)
        });
        match matched {
            Some((to, rule)) => {
                let not = negated(read, &out, at);
                if let Some(found) = found(lexicon, rule, not) {
                    out.push((at, to, found));
                }
                at = to;
            }
            None => at += 1,
        }
    }
    out
}

/// Terms of several words or with digits (`икс пять`, `rav 4`): before numbers are read.
pub(super) fn with_digits(
    read: &[Token],
    lexicon: &Lexicon<'_>,
    taken: &[bool],
) -> Vec<(usize, usize, Found)> {
    scan(read, lexicon, taken, false, true)
}

/// All other terms.
pub(super) fn words(read: &[Token], lexicon: &Lexicon<'_>, taken: &[bool]) -> Vec<(usize, usize, Found)> {
    scan(read, lexicon, taken, true, false)
}
