//! Choosing among offered buttons in words: `второй`, `в 11`, `белый`.

use ismart_domain::conversation::Choice;
use jiff::civil::Time;
use jiff::{Timestamp, Zoned};

use super::lexicon::is_empty_word;
use crate::extract::{Entity, Found};
use crate::package::FlowRules;
use crate::text::{Token, fold, tokens};

const ORDINALS: &[&[&str]] = &[
    &["перв", "first"],
    &["втор", "second"],
    &["трет", "third"],
    &["четверт", "fourth"],
    &["пят", "fifth"],
    &["шест", "sixth"],
];

/// The slot and value of the offered choice that the message names, when it fills the awaited slot.
pub(super) fn matching(
    rules: &FlowRules,
    pending: &str,
    read: &[Token],
    entities: &[Entity],
    offered: &[Choice],
    now: &Zoned,
) -> Option<(String, String)> {
    let fitting: Vec<(&Choice, &str)> = offered
        .iter()
        .filter_map(|choice| {
            let (prefix, value) = choice.choice.split_once(':')?;
            (rules.choice.get(prefix)?.slot == pending).then_some((choice, value))
        })
        .collect();
    if fitting.is_empty() {
        return None;
    }
    let found = by_time(&fitting, entities, now)
        .or_else(|| by_label(&fitting, read))
        .or_else(|| by_order(&fitting, read))?;
    Some((pending.to_owned(), found.to_owned()))
}

fn only<'a>(mut found: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn by_time<'a>(fitting: &[(&Choice, &'a str)], entities: &[Entity], now: &Zoned) -> Option<&'a str> {
    let when = entities.iter().filter_map(|e| if let Found::When(w) = e.found { Some(w) } else { None });
    let when = when.reduce(|a, b| b.merge(a))?;
    let hour: Time = when.time?;
    only(fitting.iter().filter_map(|(_, value)| {
        let civil = value.parse::<Timestamp>().ok()?.to_zoned(now.time_zone().clone());
        let same_day = when.from.is_none_or(|from| (from..=when.to.unwrap_or(from)).contains(&civil.date()));
        (same_day && civil.time() == hour).then_some(*value)
    }))
}

fn by_label<'a>(fitting: &[(&Choice, &'a str)], read: &[Token]) -> Option<&'a str> {
    let wanted: Vec<&str> = read
        .iter()
        .filter(|t| !is_empty_word(&t.text) && t.text.chars().all(char::is_alphanumeric))
        .map(|t| t.stem.as_str())
        .collect();
    let own: String = read.iter().map(|t| t.text.as_str()).collect();
    let exact = fitting.iter().find(|(c, _)| fold(&c.label).split_whitespace().collect::<String>() == own);
    if let Some((_, value)) = exact {
        return Some(value);
    }
    if wanted.is_empty() || wanted.len() > 5 {
        return None;
    }
    only(fitting.iter().filter_map(|(choice, value)| {
        let label = tokens(&choice.label);
        wanted.iter().all(|word| label.iter().any(|t| t.stem == *word)).then_some(*value)
    }))
}

fn by_order<'a>(fitting: &[(&Choice, &'a str)], read: &[Token]) -> Option<&'a str> {
    let words: Vec<&Token> = read.iter().filter(|t| t.text.chars().all(char::is_alphanumeric)).collect();
    if words.len() > 4 {
        return None;
    }
    if words.iter().any(|t| t.text.starts_with("последн") || t.text == "last") {
        return fitting.last().map(|(_, value)| *value);
    }
    let place = words.iter().find_map(|token| {
        let number = token.text.parse::<usize>().ok().filter(|n| (1..=9).contains(n)).map(|n| n - 1);
        number.or_else(|| ORDINALS.iter().position(|starts| starts.iter().any(|s| token.text.starts_with(s))))
    })?;
    fitting.get(place).map(|(_, value)| *value)
}
