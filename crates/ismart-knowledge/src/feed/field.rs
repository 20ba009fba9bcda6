//! Reading single fields: tolerant of how people write, strict about what is believed.

use super::problem::{ItemProblem, Verdict};

/// Collects what is wrong with one item.
pub(super) struct Report<'a> {
    item: String,
    position: usize,
    line: usize,
    problems: &'a mut Vec<ItemProblem>,
}

impl<'a> Report<'a> {
    pub(super) fn new(position: usize, line: usize, problems: &'a mut Vec<ItemProblem>) -> Self {
        Self { item: "?".to_owned(), position, line, problems }
    }

    /// Names the item in all further problems.
    pub(super) fn name(&mut self, key: &str) {
        key.clone_into(&mut self.item);
    }

    /// The item is not shown.
    pub(super) fn reject(&mut self, field: &str, reason: impl Into<String>, fix: impl Into<String>) {
        self.push(field, reason.into(), fix.into(), Verdict::Quarantined);
    }

    /// The item is shown without this field.
    pub(super) fn note(&mut self, field: &str, reason: impl Into<String>, fix: impl Into<String>) {
        self.push(field, reason.into(), fix.into(), Verdict::Kept);
    }

    fn push(&mut self, field: &str, reason: String, fix: String, verdict: Verdict) {
        self.problems.push(ItemProblem {
            item: self.item.clone(),
            position: self.position,
            line: self.line,
            field: field.to_owned(),
            reason,
            fix,
            verdict,
        });
    }

    /// A required text.
    pub(super) fn required<'t>(&mut self, field: &str, value: Option<&'t str>) -> Option<&'t str> {
        if value.is_none() {
            self.reject(field, "it is absent or empty", format!("fill in `{field}`"));
        }
        value
    }

    /// A required whole number between `low` and `high`.
    pub(super) fn number(
        &mut self,
        field: &str,
        value: Option<&str>,
        (low, high): (i64, i64),
        unit: &str,
    ) -> Option<i64> {
        let text = self.required(field, value)?;
        let Some(number) = whole_number(text) else {
            let fix = format!("write digits only, in {unit}");
            self.reject(field, format!("`{}` is not a whole number", short(text)), fix);
            return None;
        };
        if (low..=high).contains(&number) {
            return Some(number);
        }
        self.reject(
            field,
            format!("{number} lies outside {low} to {high} {unit}"),
            format!("correct `{field}` in the system that makes the feed"),
        );
        None
    }
}

/// Reads `1 429 000`, `1429000.00`, `1 429 000 руб.`; letters before the digits, two numbers or a fraction
/// other than zero are no whole number.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}').collect();
    let end = compact.find(|c: char| !c.is_ascii_digit()).unwrap_or(compact.len());
    let (digits, rest) = compact.split_at_checked(end)?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => {
            let unit = fraction.trim_start_matches('0');
            if unit.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            unit
        }
        None => rest,
    };
    let unit = rest.trim_end_matches('.').to_lowercase();
    let known = ["", "р", "руб", "рублей", "rub", "rur", "₽", "км", "km"].contains(&unit.as_str());
    if known { digits.parse().ok() } else { None }
}

/// The first 40 characters, so that a message never carries a whole description.
pub(super) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(40).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_dealers_write_them() {
        for text in ["1429000", "1 429 000", "1\u{a0}429\u{a0}000 ₽", "1429000.00", "1 429 000 руб."] {
            assert_eq!(whole_number(text), Some(1_429_000), "{text}");
        }
        for text in ["", "по запросу", "от 1 млн", "1.5", "1429000-1500000", "-5", "99999999999999999999"]
        {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }
}
