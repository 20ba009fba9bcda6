//! Money: integer minor units and a currency.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in minor units (kopecks for RUB) of a currency (ISO 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: 100 kopecks make a rouble.
    pub minor: i64,
    /// Currency.
    pub currency: Currency,
}

/// Currencies that the platform settles in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Russian rouble, two decimal digits.
    Rub,
}

impl Money {
    /// Whole roubles.
    #[must_use]
    pub fn roubles(amount: i64) -> Self {
        Self { minor: amount.saturating_mul(100), currency: Currency::Rub }
    }

    /// Whole roubles, kopecks cut off.
    #[must_use]
    pub fn whole(self) -> i64 {
        self.minor / 100
    }

    /// The decimal form that CRMs take: `4990.00`.
    #[must_use]
    pub fn decimal(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        format!("{sign}{}.{:02}", minor / 100, minor % 100)
    }
}

impl fmt::Display for Money {
    /// Russian form with narrow grouping: `2 490 000 ₽`, kopecks only when there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minor = self.minor.unsigned_abs();
        if self.minor < 0 {
            f.write_str("−")?;
        }
        f.write_str(&grouped(minor / 100))?;
        if !minor.is_multiple_of(100) {
            write!(f, ",{:02}", minor % 100)?;
        }
        f.write_str(" ₽")
    }
}

/// Digits in groups of three, separated by a no-break space.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_people_and_machines_expect() {
        assert_eq!(Money::roubles(2_490_000).to_string(), "2\u{a0}490\u{a0}000 ₽");
        assert_eq!(Money { minor: 12_345, currency: Currency::Rub }.to_string(), "123,45 ₽");
        assert_eq!(Money { minor: -5, currency: Currency::Rub }.decimal(), "-0.05");
    }
}
