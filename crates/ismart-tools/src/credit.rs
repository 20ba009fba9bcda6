//! Credit programmes as `global.json` declares them, and the annuity formula.

use serde::Deserialize;
use serde_json::{Number, Value};

/// Why the declared programmes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// A value is of the wrong type.
    #[error("{0}; correct the value")]
    Value(#[from] serde_json::Error),
    /// The rate is negative, above 1000 or has more than three decimal digits.
    #[error(
        "programme `{programme}`: the rate {rate} is not between 0 and 1000 with at most 3 decimal digits"
    )]
    Rate {
        /// Name of the programme.
        programme: String,
        /// As declared.
        rate: String,
    },
    /// Months or the down payment are impossible.
    #[error("programme `{programme}`: {what}")]
    Terms {
        /// Name of the programme.
        programme: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// One programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    /// Name as visitors read it.
    pub name: String,
    /// Yearly rate, thousandths of a percent: 17.9 % is 17,900.
    pub rate_milli: i64,
    /// Least down payment, whole percent of the price.
    pub min_down_percent: i64,
    /// Shortest and longest term, months.
    pub months: (i64, i64),
    /// Smallest and largest loan, whole roubles.
    pub amounts: (i64, i64),
    /// For new vehicles only, for used ones only, or for all.
    pub is_new: Option<bool>,
    /// Only for these brands; empty for all.
    pub brands: Vec<String>,
    /// Conditions in the client's words.
    pub note: Option<String>,
}

/// What the client declares about credit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credit {
    /// Programmes in the order of importance to the client.
    pub programmes: Vec<Programme>,
    /// The formula in his words.
    pub formula: Option<String>,
    /// What must be said with every estimate.
    pub disclaimer: Option<String>,
}

#[derive(Debug, Deserialize)]
struct DeclaredProgramme {
    name: Option<String>,
    rate_percent: Option<Number>,
    #[serde(default)]
    min_down_payment_percent: i64,
    min_months: Option<i64>,
    max_months: Option<i64>,
    min_amount: Option<i64>,
    max_amount: Option<i64>,
    condition: Option<String>,
    #[serde(default)]
    brands: Vec<String>,
    note: Option<String>,
}

impl Credit {
    /// Reads `credit` (with a list `programs`), or `business.credit` (a single programme), of `global.json`. A
    /// programme without a rate is no programme.
    ///
    /// # Errors
    /// [`CreditError`] when a declared value is wrong.
    pub fn from_global(global: &Value) -> Result<Self, CreditError> {
        let inside = global.get("business").and_then(|business| business.get("credit"));
        let Some(credit) = global.get("credit").or(inside) else { return Ok(Self::default()) };
        let declared: Vec<DeclaredProgramme> = match credit.get("programs") {
            Some(programs) => Vec::deserialize(programs)?,
            None => vec![DeclaredProgramme::deserialize(credit)?],
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let formula = credit.get("formula");
        Ok(Self {
            programmes: declared
                .into_iter()
                .filter_map(|d| programme(d).transpose())
                .collect::<Result<_, _>>()?,
            formula: text(formula.and_then(|formula| formula.get("text"))).or_else(|| text(formula)),
            disclaimer: text(credit.get("disclaimer")),
        })
    }
}

fn programme(declared: DeclaredProgramme) -> Result<Option<Programme>, CreditError> {
    let Some(rate) = declared.rate_percent else { return Ok(None) };
    let name = declared.name.unwrap_or_else(|| "Кредит".to_owned());
    let wrong = |what| CreditError::Terms { programme: name.clone(), what };
    let months = (declared.min_months.unwrap_or(1), declared.max_months.unwrap_or(84));
    if months.0 < 1 || months.1 < months.0 || months.1 > 600 {
        return Err(wrong("months must lie between 1 and 600, the shortest term first"));
    }
    if !(0..100).contains(&declared.min_down_payment_percent) {
        return Err(wrong("min_down_payment_percent must lie between 0 and 99"));
    }
    let is_new = match declared.condition.as_deref() {
        None | Some("any") => None,
        Some("new") => Some(true),
        Some("used") => Some(false),
        Some(_) => return Err(wrong("condition must be new, used or any")),
    };
    let rate_milli = thousandths(&rate.to_string()).filter(|rate| (0..=1_000_000).contains(rate));
    let rate_milli =
        rate_milli.ok_or_else(|| CreditError::Rate { programme: name.clone(), rate: rate.to_string() })?;
    Ok(Some(Programme {
        rate_milli,
        min_down_percent: declared.min_down_payment_percent,
        months,
        amounts: (declared.min_amount.unwrap_or(1), declared.max_amount.unwrap_or(1_000_000_000)),
        is_new,
        brands: declared.brands,
        note: declared.note,
        name,
    }))
}

/// `17.9` is 17,900. Decimal digits are read as written: a binary fraction would not be exact.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 3 || !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let thousands: i64 = format!("{fraction:0<3}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(thousands)
}

impl Programme {
    /// `17,9 %` or `17.9%`.
    #[must_use]
    pub fn rate_text(&self, russian: bool) -> String {
        let (whole, thousandths) = (self.rate_milli / 1000, self.rate_milli % 1000);
        let fraction = format!("{thousandths:03}");
        let fraction = fraction.trim_end_matches('0');
        let point = if russian { "," } else { "." };
        let sign = if russian { "\u{a0}%" } else { "%" };
        if fraction.is_empty() { format!("{whole}{sign}") } else { format!("{whole}{point}{fraction}{sign}") }
    }

    /// The least down payment for a price, whole roubles, rounded up.
    #[must_use]
    pub fn least_down(&self, price: i64) -> i64 {
        (price.saturating_mul(self.min_down_percent).saturating_add(99)) / 100
    }
}

/// The equal monthly payment, rounded to whole roubles: `S × r ÷ (1 − (1 + r)^−n)`, or `S ÷ n` without interest.
/// `amount` in roubles, `rate_milli` in thousandths of a percent a year. `None` when the arguments are impossible.
///
/// Counted in integers of fifteen decimal places: the same figures on every machine.
#[must_use]
pub fn annuity(amount: i64, rate_milli: i64, months: i64) -> Option<i64> {
    const ONE: i128 = 1_000_000_000_000_000;
    /// Thousandths of a percent a year in a whole a month.
    const MONTHLY: i128 = 1_200_000;
    if amount < 0 || rate_milli < 0 || months < 1 {
        return None;
    }
    let (amount, rate, months_wide) = (i128::from(amount), i128::from(rate_milli), i128::from(months));
    if rate == 0 {
        return i64::try_from((amount + months_wide / 2) / months_wide).ok();
    }
    let growth = ONE.checked_add(ONE.checked_mul(rate)?.checked_div(MONTHLY)?)?;
    let mut grown = ONE;
    for _ in 0..months {
        grown = grown.checked_mul(growth)? / ONE;
    }
    let above = amount.checked_mul(rate)?.checked_mul(grown)?;
    let below = MONTHLY.checked_mul(grown - ONE)?;
    i64::try_from((above + below / 2).checked_div(below)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payments_agree_with_the_formula() {
        // The examples that the demo dealer prints on his page, and two that a bank's table gives.
        assert_eq!(annuity(1_539_300, 11_900, 60), Some(34_163));
        assert_eq!(annuity(1_119_200, 17_900, 60), Some(28_359));
        assert_eq!(annuity(1_343_200, 20_900, 48), Some(41_521));
        assert_eq!(annuity(1_024_500, 0, 12), Some(85_375));
        assert_eq!(annuity(100_000, 12_000, 12), Some(8_885));
        assert_eq!(annuity(1, 12_000, 1), Some(1));
        assert_eq!(annuity(1_000, 12_000, 0), None);
        assert_eq!(annuity(-1, 12_000, 12), None);
    }

    #[test]
    fn the_sum_of_payments_always_repays_the_loan() {
        for rate in [0, 100, 4_500, 19_999, 60_000, 1_000_000] {
            for months in [1, 2, 12, 84, 360] {
                for amount in [1_000, 777_777, 500_000_000] {
                    let Some(monthly) = annuity(amount, rate, months) else { continue };
                    assert!((monthly + 1) * months >= amount, "{amount} {rate} {months}: {monthly}");
                }
            }
        }
    }

    #[test]
    fn declared_terms_are_checked() {
        let of = |credit: Value| Credit::from_global(&json!({ "credit": credit })).map_err(|e| e.to_string());
        assert_eq!(Credit::from_global(&json!({})).unwrap(), Credit::default());
        assert!(of(json!({"note": "без ставки"})).unwrap().programmes.is_empty());
        let one = of(json!({"rate_percent": 17.95, "max_months": 60})).unwrap();
        assert_eq!(one.programmes[0].rate_text(true), "17,95\u{a0}%");
        assert_eq!(one.programmes[0].rate_text(false), "17.95%");
        assert_eq!(
            of(json!({"name": "А", "rate_percent": -1})).unwrap_err(),
            "programme `А`: the rate -1 is not between 0 and 1000 with at most 3 decimal digits"
        );
        assert_eq!(
            of(json!({"name": "А", "rate_percent": 1, "min_months": 9, "max_months": 3})).unwrap_err(),
            "programme `А`: months must lie between 1 and 600, the shortest term first"
        );
        assert!(of(json!({"rate_percent": "много"})).is_err());
    }
}
