//! What goes into which field of an account, as settings write it: `294471=subject; VIN=subject_key; price=form:Бюджет`.

use crate::mapping::{Source, rules};

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The lead's price, whole units of the account's currency.
    Price,
    /// A custom field by number.
    Id(u64),
    /// A custom field by code.
    Code(String),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) target: Target,
    pub(super) source: Source,
}

/// Reads the rules.
///
/// # Errors
/// Which rule cannot be read, and why.
pub(super) fn read(text: &str) -> Result<Vec<Mapping>, String> {
    rules(text)?
        .into_iter()
        .map(|rule| {
            let target = match rule.target.as_str() {
                "price" => Target::Price,
                name => name.parse().map_or_else(|_| Target::Code(name.to_owned()), Target::Id),
            };
            if target == Target::Price && matches!(rule.source, Source::Choice(_)) {
                return Err("`price`: the price is no list of choices".to_owned());
            }
            Ok(Mapping { target, source: rule.source })
        })
        .collect()
}

/// A price in whole units, half of one rounded up: `1 500 000,50 ₽` → 1500001. `None` when the text is no amount.
pub(super) fn price(text: &str) -> Option<u64> {
    let written: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, ',' | '.')).collect();
    let written = written.trim_matches(['.', ',']);
    let split = written.rfind(['.', ',']).filter(|at| (1..=2).contains(&(written.len() - at - 1)));
    let (whole, part) = match split {
        Some(at) => written.split_at(at),
        None => (written, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let half = part.chars().nth(1).and_then(|tenth| tenth.to_digit(10)).is_some_and(|tenth| tenth >= 5);
    let units: u64 = digits.parse().ok()?;
    units.checked_add(u64::from(half)).filter(|units| i64::try_from(*units).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_price_numbers_and_codes() {
        let all = read("294471=subject; VIN=subject_key; price=form:Бюджет").unwrap();
        let targets: Vec<&Target> = all.iter().map(|mapping| &mapping.target).collect();
        assert_eq!(targets, [&Target::Id(294_471), &Target::Code("VIN".into()), &Target::Price]);
        assert!(read("price=#5").unwrap_err().contains("no list of choices"));
        assert!(read("phantom").unwrap_err().contains("no `=`"));
    }

    #[test]
    fn prices_are_whole_and_rounded_half_up() {
        for (text, expected) in [
            ("1 500 000 ₽", Some(1_500_000)),
            ("1500000.49", Some(1_500_000)),
            ("1500000,50 руб.", Some(1_500_001)),
            ("1.500.000", Some(1_500_000)),
            ("2,5", Some(3)),
            ("дорого", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(price(text), expected, "{text}");
        }
    }
}
