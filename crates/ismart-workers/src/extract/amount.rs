//! Sums of money, quantities with units, years: numbers with a bound.

use std::collections::BTreeMap;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::number::{Numeral, numeral};
use super::{Found, Lexicon};
use crate::text::{Token, TokenKind};

/// A number or a range, whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// Said as a lower bound.
    pub min: Option<i64>,
    /// Said as an upper bound.
    pub max: Option<i64>,
    /// Said without a bound.
    pub exact: Option<i64>,
}

impl Amount {
    /// The one number that stands for the amount when no bound is asked for.
    #[must_use]
    pub fn value(&self) -> Option<i64> {
        self.exact.or(self.max).or(self.min)
    }
}

/// A unit of the package: `run_km` in kilometres, `months` also in years.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantityRule {
    /// Name by which slots ask for it.
    pub name: String,
    /// Beginnings of unit words, each with the factor to the base unit.
    #[serde(default)]
    pub units: BTreeMap<String, f64>,
    /// Beginnings of words that announce the number when its unit is not said.
    #[serde(default)]
    pub cues: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Min,
    Max,
    Around,
    None,
}

fn bound_word(token: &Token) -> Option<Bound> {
    match token.text.as_str() {
        "от" | "больше" | "более" | "свыше" | "дороже" | "выше" | "минимум" | "свежее" | "новее"
        | "моложе" | "from" | "over" | "above" | "least" | "newer" => Some(Bound::Min),
        "до" | "меньше" | "менее" | "дешевле" | "ниже" | "максимум" | "старше" | "пределах" | "under"
        | "below" | "to" | "most" | "max" | "older" | "влезть" | "уложиться" => {
            Some(Bound::Max)
        }
        "около" | "примерно" | "порядка" | "районе" | "где" | "about" | "around" => {
            Some(Bound::Around)
        }
        _ => None,
    }
}

/// The bound that the words before token `at` give, and where they begin.
fn bound_before(tokens: &[Token], at: usize) -> (Bound, usize) {
    let mut start = at;
    let mut bound = Bound::None;
    for back in 1..=3 {
        let Some(index) = at.checked_sub(back) else { break };
        let Some(token) = tokens.get(index) else { break };
        if let Some(found) = bound_word(token) {
            bound = found;
            start = index;
            let denied = index.checked_sub(1).and_then(|i| tokens.get(i)).is_some_and(|t| t.text == "не");
            if denied && matches!(found, Bound::Min | Bound::Max) {
                bound = if found == Bound::Min { Bound::Max } else { Bound::Min };
                start = index - 1;
            }
            break;
        }
        if !matches!(token.text.as_str(), "в" | "чем" | "the" | "than" | "a" | "где" | "то" | "цене" | "года")
        {
            break;
        }
    }
    (bound, start)
}

#[expect(clippy::cast_possible_truncation, reason = "bounded to amounts that fit by the line above the cast")]
fn whole(value: f64) -> Option<i64> {
    (value.is_finite() && value.abs() < 1e15).then_some(value.round() as i64)
}

fn amount(bound: Bound, value: f64) -> Option<Amount> {
    let v = whole(value)?;
    Some(match bound {
        Bound::Min => Amount { min: Some(v), ..Amount::default() },
        Bound::Max => Amount { max: Some(v), ..Amount::default() },
        Bound::Around => Amount { min: whole(value * 0.9), max: whole(value * 1.1), exact: Some(v) },
        Bound::None => Amount { exact: Some(v), ..Amount::default() },
    })
}

enum Unit {
    Money,
    Quantity(String, f64),
}

fn is_currency(token: &Token) -> bool {
    matches!(token.text.as_str(), "р" | "₽" | "rub" | "rubles" | "roubles" | "рэ")
        || token.text.starts_with("руб")
}

fn unit_after(tokens: &[Token], at: usize, rules: &[QuantityRule]) -> Option<(Unit, usize)> {
    let mut next = at;
    // `руб.`, `т.р.`, `л.с.`: dots between letters of a shortening.
    let token = tokens.get(next)?;
    if is_currency(token) {
        next += 1;
        return Some((Unit::Money, next));
    }
    let joined: String =
        tokens.iter().skip(at).take(4).filter(|t| !t.is_mark('.')).map(|t| t.text.as_str()).collect();
    for rule in rules {
        for (unit, factor) in &rule.units {
            if unit.chars().count() == 2
                && joined.starts_with(unit.as_str())
                && !token.text.starts_with(unit.as_str())
            {
                let marks =
                    tokens.iter().skip(at).take(4).take_while(|t| t.is_word() || t.is_mark('.')).count();
                let one_letter = token.text.chars().count() == 1;
                if one_letter {
                    return Some((Unit::Quantity(rule.name.clone(), *factor), at + marks.min(4)));
                }
            }
            let fits = if unit.chars().count() <= 2 {
                token.text == *unit
            } else {
                token.text.starts_with(unit.as_str())
            };
            if fits && token.is_word() {
                return Some((Unit::Quantity(rule.name.clone(), *factor), next + 1));
            }
        }
    }
    None
}

fn cued(tokens: &[Token], start: usize, rules: &[QuantityRule]) -> Option<(String, f64)> {
    let words = tokens.iter().take(start).rev().take(3).filter(|t| t.is_word());
    for token in words {
        for rule in rules {
            if rule.cues.iter().any(|cue| token.text.starts_with(cue.as_str())) {
                return Some((rule.name.clone(), 1.0));
            }
        }
    }
    None
}

fn money_cue(tokens: &[Token], start: usize) -> bool {
    tokens.iter().take(start).rev().take(3).any(|t| {
        ["бюджет", "цен", "стоимост", "взнос", "сумм", "руб", "рассчитыва", "budget", "price", "платеж"]
            .iter()
            .any(|cue| t.text.starts_with(cue))
    })
}

/// Reads sums and quantities, single (`до 2 млн`) and as ranges (`от 900 тысяч до 1.2 млн`, `1-1,5 млн`).
pub(super) fn amounts(tokens: &[Token], lexicon: &Lexicon<'_>, taken: &[bool]) -> Vec<(usize, usize, Found)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if taken.get(at).copied().unwrap_or(true) {
            at += 1;
            continue;
        }
        let Some(first) = numeral(tokens, at) else {
            at += 1;
            continue;
        };
        let (bound, start) = bound_before(tokens, at);
        let read = range(tokens, at, start, bound, first, lexicon)
            .or_else(|| single(tokens, start, bound, first, lexicon.quantities));
        let Some((to, found)) = read else {
            at = first.next.max(at + 1);
            continue;
        };
        let free_start = (start..at).find(|i| taken.get(*i).copied().unwrap_or(false)).map_or(start, |_| at);
        out.push((free_start, to, found));
        at = to;
    }
    out
}

fn range(
    tokens: &[Token],
    at: usize,
    start: usize,
    bound: Bound,
    first: Numeral,
    lexicon: &Lexicon<'_>,
) -> Option<(usize, Found)> {
    let mut joint = first.next;
    let left_unit = unit_after(tokens, joint, lexicon.quantities);
    if let Some((_, next)) = &left_unit {
        joint = *next;
    }
    let mark = tokens.get(joint)?;
    let dash = mark.is_mark('-') || mark.is_mark('–') || mark.is_mark('—') || mark.text == "и";
    let opened = bound == Bound::Min || (mark.text == "и" && tokens.get(at.checked_sub(1)?)?.text == "между");
    let dashed = (mark.is_mark('-') || mark.is_mark('–') || mark.is_mark('—')) && bound != Bound::Max;
    if !(mark.text == "до" || mark.text == "to" || dash) || !(opened || dashed) {
        return None;
    }
    let second = numeral(tokens, joint + 1)?;
    let mut low = first.value;
    if first.scale <= 1.0 && second.scale > 1.0 && low * second.scale <= second.value {
        low *= second.scale;
    }
    let unit = unit_after(tokens, second.next, lexicon.quantities);
    let next = unit.as_ref().map_or(second.next, |(_, next)| *next);
    let unit = unit.or(left_unit).map(|(unit, _)| unit);
    let found = match unit {
        Some(Unit::Quantity(name, factor)) => Found::Quantity(
            name,
            Amount { min: whole(low * factor), max: whole(second.value * factor), exact: None },
        ),
        _ => {
            let big = second.scale > 1.0 || (second.value >= 100_000.0 && second.digits <= 9);
            let quantity = cued(tokens, start, lexicon.quantities);
            let limits = Amount { min: whole(low), max: whole(second.value), exact: None };
            match quantity {
                Some((name, _)) => Found::Quantity(name, limits),
                None if matches!(unit, Some(Unit::Money)) || big => Found::Money(limits),
                None => return None,
            }
        }
    };
    Some((next, found))
}

fn single(
    tokens: &[Token],
    start: usize,
    bound: Bound,
    first: Numeral,
    rules: &[QuantityRule],
) -> Option<(usize, Found)> {
    if let Some((unit, next)) = unit_after(tokens, first.next, rules) {
        return match unit {
            Unit::Quantity(name, factor) => {
                Some((next, Found::Quantity(name, amount(bound, first.value * factor)?)))
            }
            Unit::Money => Some((next, Found::Money(amount(bound, first.value)?))),
        };
    }
    if let Some((name, factor)) = cued(tokens, start, rules) {
        return Some((first.next, Found::Quantity(name, amount(bound, first.value * factor)?)));
    }
    let scaled = first.scale > 1.0;
    let big = first.digits > 0 && (100_000.0..1e9).contains(&first.value);
    let hinted = first.digits > 0
        && first.value >= 3_000.0
        && (money_cue(tokens, start) || (bound != Bound::None && first.value >= 10_000.0));
    let with_cue = money_cue(tokens, start)
        && first.scale <= 1.0
        && (0.5..100.0).contains(&first.value)
        && bound != Bound::None;
    if scaled || big || hinted {
        return Some((first.next, Found::Money(amount(bound, first.value)?)));
    }
    if with_cue && tokens.get(first.next).is_none_or(|t| !t.is_word()) {
        // `бюджет до 2`: left to the slot, which knows what a small number means.
        return Some((first.next, Found::Number(whole(first.value)?)));
    }
    None
}

/// Reads years: `2020`, `2020 года`, `не старше 2019`, `2018-2020`, `не старше 3 лет`.
pub(super) fn years(tokens: &[Token], now: &Zoned, taken: &[bool]) -> Vec<(usize, usize, Found)> {
    let this_year = i64::from(now.year());
    let plausible = |token: &Token| {
        (token.kind == TokenKind::Number && token.text.len() == 4)
            .then(|| token.text.parse::<i64>().ok())
            .flatten()
            .filter(|year| (1950..=this_year + 1).contains(year))
    };
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let free = !taken.get(at).copied().unwrap_or(true);
        let Some(year) = plausible(token).filter(|_| free) else {
            at += 1;
            continue;
        };
        let (bound, start) = bound_before(tokens, at);
        let mut next = at + 1;
        let mut found = match bound {
            // An older car has a smaller year: `старше 2015` is an upper bound, `не старше` a lower one.
            Bound::Min => Amount { min: Some(year), ..Amount::default() },
            Bound::Max => Amount { max: Some(year), ..Amount::default() },
            Bound::Around => Amount { min: Some(year - 1), max: Some(year + 1), exact: Some(year) },
            Bound::None => Amount { exact: Some(year), ..Amount::default() },
        };
        let word_between =
            tokens.get(next).is_some_and(|t| t.text == "до" || t.is_mark('-') || t.is_mark('–'));
        if word_between && let Some(last) = tokens.get(next + 1).and_then(plausible) {
            found = Amount { min: Some(year), max: Some(last), exact: None };
            next += 2;
        }
        if tokens.get(next).is_some_and(|t| t.text.starts_with("год") || t.text == "г" || t.text == "гв")
        {
            next += 1;
        }
        if tokens.get(next).is_some_and(|t| t.text == "выпуска" || t.text == "и")
            && tokens
                .get(next + 1)
                .is_some_and(|t| ["новее", "свежее", "выше", "моложе", "новей"].contains(&t.text.as_str()))
        {
            found = Amount { min: Some(year), ..Amount::default() };
            next += 2;
        }
        out.push((start, next, Found::Year(found)));
        at = next;
    }
    out
}

/// Plain whole numbers that nothing else has taken.
pub(super) fn plain(tokens: &[Token], taken: &[bool]) -> Vec<(usize, usize, Found)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let free = !taken.get(at).copied().unwrap_or(true);
        match numeral(tokens, at).filter(|_| free) {
            Some(read) if read.next > at => {
                if let Some(value) = whole(read.value) {
                    out.push((at, read.next, Found::Number(value)));
                }
                at = read.next;
            }
            _ => at += 1,
        }
    }
    out
}
