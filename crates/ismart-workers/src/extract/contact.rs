//! Phones, e-mail addresses, vehicle numbers, names of people.

use ismart_domain::{Email, PersonName, Phone};

use super::Found;
use crate::text::{Token, TokenKind, fold};

/// Common Russian first names and their short forms, lower case, one a line.
pub const NAMES: &str = include_str!("names.txt");

fn is_name(word: &str) -> bool {
    NAMES.lines().any(|name| name == word)
}

fn at_byte(tokens: &[Token], start: usize, end: usize) -> Option<(usize, usize)> {
    let from = tokens.iter().position(|t| t.start >= start)?;
    let to = tokens.iter().rposition(|t| t.end <= end)? + 1;
    (from < to).then_some((from, to))
}

/// Words of the text with their byte spans.
fn chunks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    text.split_inclusive(char::is_whitespace).map(move |chunk| {
        let start = from;
        from += chunk.len();
        (start, chunk.trim_end())
    })
}

pub(super) fn emails(text: &str, tokens: &[Token]) -> Vec<(usize, usize, Found)> {
    chunks(text)
        .filter(|(_, chunk)| chunk.contains('@'))
        .filter_map(|(start, chunk)| {
            let core = chunk.trim_matches(|c: char| !c.is_alphanumeric());
            let lead = chunk.find(core)?;
            let email = Email::parse(core).ok()?;
            let (from, to) = at_byte(tokens, start + lead, start + lead + core.len())?;
            Some((from, to, Found::Email(email)))
        })
        .collect()
}

pub(super) fn vins(text: &str, tokens: &[Token]) -> Vec<(usize, usize, Found)> {
    // Cyrillic letters that look like Latin ones are typed by mistake.
    let latin = |c: char| match c {
        'А' => 'A',
        'В' => 'B',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'Х' => 'X',
        'У' => 'Y',
        other => other,
    };
    chunks(text)
        .filter_map(|(start, chunk)| {
            let core = chunk.trim_matches(|c: char| !c.is_alphanumeric());
            let lead = chunk.find(core).filter(|_| !core.is_empty())?;
            let vin: String = core.to_uppercase().chars().map(latin).collect();
            let valid = vin.len() == 17
                && vin.chars().all(|c| c.is_ascii_alphanumeric() && !matches!(c, 'I' | 'O' | 'Q'))
                && vin.chars().any(|c| c.is_ascii_alphabetic())
                && vin.chars().filter(char::is_ascii_digit).count() >= 4;
            let (from, to) = at_byte(tokens, start + lead, start + lead + core.len())?;
            valid.then_some((from, to, Found::Vin(vin)))
        })
        .collect()
}

/// Phones: a run of digits with the marks that people put between them. A bare run must have 10 or 11 digits
/// (or begin with a plus); that a price has so many digits happens only beside a currency word.
pub(super) fn phones(text: &str, tokens: &[Token]) -> Vec<(usize, usize, Found)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((to, phone)) = phone_at(text, tokens, at) {
            out.push((at, to, Found::Phone(phone)));
            at = to;
        } else {
            at += 1;
        }
    }
    out
}

fn phone_at(text: &str, tokens: &[Token], at: usize) -> Option<(usize, Phone)> {
    let first = tokens.get(at)?;
    let plus = first.is_mark('+');
    let opened = first.is_mark('(');
    if !(plus || opened || first.kind == TokenKind::Number) {
        return None;
    }
    let mut digits = 0;
    let mut ends: Vec<(usize, usize)> = Vec::new();
    for (index, token) in tokens.iter().enumerate().skip(at) {
        let mark = ['(', ')', '-', '.', '–', '—', '/'].iter().any(|m| token.is_mark(*m));
        match token.kind {
            TokenKind::Number => {
                digits += token.text.len();
                ends.push((index + 1, digits));
            }
            TokenKind::Mark if index == at || mark => {}
            _ => break,
        }
        if digits > 15 {
            break;
        }
    }
    let wanted: &[usize] = if plus { &[11, 12, 13] } else { &[11, 10] };
    let (to, _) = wanted.iter().find_map(|count| ends.iter().find(|(_, digits)| digits == count))?;
    let money = tokens.get(*to).is_some_and(|t| t.text.starts_with("руб") || t.text == "₽");
    let slice = text.get(first.start..tokens.get(to - 1)?.end)?;
    let phone = Phone::parse(slice).ok().filter(|_| !money)?;
    // Ten digits without the country code are a phone only in a mobile or city range.
    Some((*to, phone))
}

/// Could these words be a person's name, when a name was asked for? 1 to 3 words of letters, none of them an
/// ordinary word of the trade or a refusal.
#[must_use]
pub fn looks_like_name(tokens: &[Token], ordinary: impl Fn(&Token) -> bool) -> bool {
    let words: Vec<&Token> = tokens.iter().filter(|t| t.is_word()).collect();
    let only_words = tokens.iter().all(|t| t.is_word() || t.is_mark('.') || t.is_mark(',') || t.is_mark('!'));
    let named = words.iter().any(|t| is_name(&t.text));
    only_words
        && (1..=3).contains(&words.len())
        && words.iter().all(|t| t.text.chars().count() >= 2)
        && (named || words.iter().all(|t| !ordinary(t)))
}

pub(super) fn names(text: &str, tokens: &[Token], taken: &[bool]) -> Vec<(usize, usize, Found)> {
    let free = |i: usize| tokens.get(i).filter(|t| t.is_word() && !taken.get(i).copied().unwrap_or(true));
    let mut out = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let next = |n: usize| tokens.get(i + n).map(|t| t.text.as_str());
        let start = match token.text.as_str() {
            "зовут" | "имя" | "звать" | "фио" => {
                let skip =
                    usize::from(next(1).is_some_and(|t| matches!(t, "меня" | "мое" | ":" | "-" | "—")));
                Some((i + 1 + skip, true))
            }
            "name" if next(1) == Some("is") => Some((i + 2, true)),
            "я" | "это" | "am" => Some((i + 1, false)),
            _ if is_name(&token.text) && beside_phone(tokens, taken, i) => Some((i, false)),
            _ => None,
        };
        let Some((start, sure)) = start else { continue };
        let Some(first) = free(start) else { continue };
        let known = is_name(&first.text);
        if !(known || sure) {
            continue;
        }
        let mut to = start + 1;
        while let Some(word) = free(to).filter(|_| to < start + 3) {
            if !(word.capital || is_name(&word.text)) {
                break;
            }
            to += 1;
        }
        let typed = |t: &Token| title(text.get(t.start..t.end).unwrap_or_default());
        let spelled: Vec<String> = tokens.iter().take(to).skip(start).map(typed).collect();
        if let Ok(name) = PersonName::parse(&spelled.join(" ")) {
            let from = if start > i { i } else { start };
            out.push((from, to, Found::Name(name)));
        }
    }
    out
}

fn beside_phone(tokens: &[Token], taken: &[bool], at: usize) -> bool {
    let only = tokens.iter().filter(|t| t.is_word()).count() <= 4;
    let number = |i: usize| {
        tokens.get(i).is_some_and(|t| t.kind == TokenKind::Number || t.is_mark('+'))
            && taken.get(i).copied().unwrap_or(false)
    };
    only && ((1..=3).any(|n| number(at + n))
        || at.checked_sub(1).is_some_and(number)
        || at.checked_sub(2).is_some_and(number))
}

/// First letter upper, the rest lower: names typed in lower case are stored as names.
#[must_use]
pub(super) fn title(word: &str) -> String {
    let folded = fold(word);
    let mut chars = folded.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
