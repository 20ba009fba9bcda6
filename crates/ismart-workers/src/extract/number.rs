//! Numbers in digits and words.

use crate::text::{Token, TokenKind};

/// A number read from a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numeral {
    /// The value with its multiplier applied.
    pub value: f64,
    /// The multiplier said with it (1 when none).
    pub scale: f64,
    /// Token after the last one.
    pub next: usize,
    /// Digits as typed, 0 when said in words.
    pub digits: usize,
}

const UNITS: &[(&str, f64)] = &[
    ("ноль", 0.0),
    ("один", 1.0),
    ("одна", 1.0),
    ("одного", 1.0),
    ("одну", 1.0),
    ("два", 2.0),
    ("две", 2.0),
    ("двух", 2.0),
    ("двум", 2.0),
    ("три", 3.0),
    ("трех", 3.0),
    ("трем", 3.0),
    ("четыре", 4.0),
    ("четырех", 4.0),
    ("пять", 5.0),
    ("пяти", 5.0),
    ("шесть", 6.0),
    ("шести", 6.0),
    ("семь", 7.0),
    ("семи", 7.0),
    ("восемь", 8.0),
    ("восьми", 8.0),
    ("девять", 9.0),
    ("девяти", 9.0),
    ("десять", 10.0),
    ("десяти", 10.0),
    ("одиннадцать", 11.0),
    ("одиннадцати", 11.0),
    ("двенадцать", 12.0),
    ("двенадцати", 12.0),
    ("тринадцать", 13.0),
    ("четырнадцать", 14.0),
    ("пятнадцать", 15.0),
    ("пятнадцати", 15.0),
    ("шестнадцать", 16.0),
    ("семнадцать", 17.0),
    ("восемнадцать", 18.0),
    ("девятнадцать", 19.0),
    ("двадцать", 20.0),
    ("двадцати", 20.0),
    ("тридцать", 30.0),
    ("тридцати", 30.0),
    ("сорок", 40.0),
    ("сорока", 40.0),
    ("пятьдесят", 50.0),
    ("пятидесяти", 50.0),
    ("шестьдесят", 60.0),
    ("семьдесят", 70.0),
    ("восемьдесят", 80.0),
    ("девяносто", 90.0),
    ("сто", 100.0),
    ("ста", 100.0),
    ("двести", 200.0),
    ("двухсот", 200.0),
    ("триста", 300.0),
    ("трехсот", 300.0),
    ("четыреста", 400.0),
    ("пятьсот", 500.0),
    ("пятисот", 500.0),
    ("шестьсот", 600.0),
    ("шестисот", 600.0),
    ("семьсот", 700.0),
    ("семисот", 700.0),
    ("восемьсот", 800.0),
    ("восьмисот", 800.0),
    ("девятьсот", 900.0),
    ("девятисот", 900.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("fifty", 50.0),
    ("hundred", 100.0),
];

fn unit(word: &str) -> Option<f64> {
    UNITS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// The multiplier that a word means: `млн`, `тысяч`, `кк`.
fn scale(word: &str) -> Option<f64> {
    match word {
        "т" | "к" | "k" | "тр" | "тыр" | "тыщ" | "тыща" | "тыщи" | "thousand" | "штук" | "косарей"
        | "косаря" => Some(1e3),
        "м" | "m" | "мл" | "кк" | "kk" | "лям" | "ляма" | "лямов" | "лимон" | "лимона" | "лимонов"
        | "мио" | "mln" | "mil" | "million" | "millions" => Some(1e6),
        _ if word.starts_with("тыс") || word.starts_with("тысяч") => Some(1e3),
        _ if word.starts_with("млн") || word.starts_with("миллион") || word.starts_with("милион") => {
            Some(1e6)
        }
        _ if word.starts_with("млрд") || word.starts_with("миллиард") => Some(1e9),
        _ => None,
    }
}

fn digits_value(text: &str) -> Option<f64> {
    text.parse::<f64>().ok()
}

/// Reads `1 500 000`, `1,5`, `2.3` from `at`; gives value, count of digits and the token after it.
fn in_digits(tokens: &[Token], at: usize) -> Option<(f64, usize, usize)> {
    let first = tokens.get(at).filter(|t| t.kind == TokenKind::Number)?;
    let mut text = first.text.clone();
    let mut next = at + 1;
    if first.text.len() <= 3 && first.text != "0" {
        while let Some(group) = tokens.get(next).filter(|t| t.kind == TokenKind::Number && t.text.len() == 3)
        {
            text.push_str(&group.text);
            next += 1;
        }
    }
    let digits = text.len();
    if next == at + 1 {
        let mark = tokens.get(next).filter(|t| t.is_mark('.') || t.is_mark(','));
        let tail = tokens.get(next + 1).filter(|t| t.kind == TokenKind::Number);
        if let (Some(mark), Some(tail)) = (mark, tail) {
            let tight = mark.start == first.end && tail.start == mark.end;
            if tight && tail.text.len() == 3 && first.text.len() <= 3 {
                text.push_str(&tail.text);
                next += 2;
                while let (Some(mark), Some(group)) = (tokens.get(next), tokens.get(next + 1)) {
                    let more = (mark.is_mark('.') || mark.is_mark(','))
                        && group.kind == TokenKind::Number
                        && group.text.len() == 3
                        && group.start == mark.end;
                    if !more {
                        break;
                    }
                    text.push_str(&group.text);
                    next += 2;
                }
            } else if tight && tail.text.len() <= 2 {
                text.push('.');
                text.push_str(&tail.text);
                next += 2;
            }
        }
    }
    Some((digits_value(&text)?, digits, next))
}

fn in_words(tokens: &[Token], at: usize) -> Option<(f64, usize)> {
    let mut total = 0.0;
    let mut last = f64::INFINITY;
    let mut next = at;
    while let Some(value) = tokens.get(next).filter(|t| t.is_word()).and_then(|t| unit(&t.text)) {
        let fits = (value < 10.0 && last >= 20.0) || (value < 100.0 && last >= 100.0) || last.is_infinite();
        if !fits {
            break;
        }
        total += value;
        last = value;
        next += 1;
    }
    (next > at).then_some((total, next))
}

/// Reads the number that begins at token `at`: digits, words or both with multipliers
/// (`1 млн 200 тысяч`, `полтора миллиона`, `полмиллиона`, `миллион`).
#[must_use]
pub fn numeral(tokens: &[Token], at: usize) -> Option<Numeral> {
    let first = tokens.get(at)?;
    let word = first.text.as_str();
    if let Some(rest) = word.strip_prefix("пол").and_then(scale) {
        return Some(Numeral { value: rest / 2.0, scale: rest, next: at + 1, digits: 0 });
    }
    let (mut value, digits, mut next) = if matches!(word, "полтора" | "полторы" | "полутора")
    {
        (1.5, 0, at + 1)
    } else if let Some(read) = in_digits(tokens, at) {
        read
    } else if let Some((value, next)) = in_words(tokens, at) {
        (value, 0, next)
    } else if word.chars().count() > 2 && scale(word).is_some() && !matches!(word, "тыр" | "штук") {
        (1.0, 0, at)
    } else {
        return None;
    };
    if tokens.get(next).is_some_and(|t| t.text == "с")
        && tokens.get(next + 1).is_some_and(|t| t.text.starts_with("половин"))
    {
        value += 0.5;
        next += 2;
    }
    let Some(first_scale) = tokens.get(next).filter(|t| t.is_word()).and_then(|t| scale(&t.text)) else {
        return Some(Numeral { value, scale: 1.0, next, digits });
    };
    value *= first_scale;
    next += 1;
    if tokens.get(next).is_some_and(|t| t.is_mark('.'))
        && tokens.get(next + 1).is_some_and(|t| t.is_word() && t.text.starts_with("руб"))
    {
        next += 1;
    }
    // `1 млн 200 тысяч`, `миллион двести`: a smaller part follows.
    if first_scale >= 1e6 {
        let part = in_digits(tokens, next).map(|(v, _, n)| (v, n)).or_else(|| in_words(tokens, next));
        if let Some((part, after)) = part {
            let thousands = tokens.get(after).filter(|t| t.is_word()).and_then(|t| scale(&t.text));
            if thousands.is_some_and(|s| s < first_scale) {
                value += part * 1e3;
                next = after + 1;
            } else if thousands.is_none() && (100.0..1000.0).contains(&part) {
                value += part * 1e3;
                next = after;
            }
        }
    }
    Some(Numeral { value, scale: first_scale, next, digits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens;

    #[test]
    fn reads_what_people_write() {
        for (text, value) in [
            ("1 500 000", 1_500_000.0),
            ("1500000", 1_500_000.0),
            ("1.500.000", 1_500_000.0),
            ("1,5 млн", 1_500_000.0),
            ("2.3кк", 2_300_000.0),
            ("900 тысяч", 900_000.0),
            ("900к", 900_000.0),
            ("двух миллионов", 2_000_000.0),
            ("полтора миллиона", 1_500_000.0),
            ("полмиллиона", 500_000.0),
            ("миллион", 1_000_000.0),
            ("миллион двести", 1_200_000.0),
            ("1 млн 200 тысяч", 1_200_000.0),
            ("два миллиона триста тысяч", 2_300_000.0),
            ("два с половиной миллиона", 2_500_000.0),
            ("двадцать пять", 25.0),
            ("сто сорок пять", 145.0),
            ("7", 7.0),
        ] {
            let read = numeral(&tokens(text), 0).unwrap_or_else(|| panic!("{text}"));
            assert!((read.value - value).abs() < 0.5, "{text}: {read:?}");
        }
        assert!(numeral(&tokens("машина"), 0).is_none());
    }
}
