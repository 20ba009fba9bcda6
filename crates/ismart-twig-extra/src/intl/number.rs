//! Numbers as ICU's `NumberFormatter` writes them.

use ismart_twig::{Array, Call, Error, Value};

use super::data::Numbers;
use super::{Locale, Root, need_locale, unknown};

const STYLES: [&str; 7] = ["decimal", "currency", "percent", "scientific", "spellout", "ordinal", "duration"];
const TYPES: [&str; 4] = ["default", "int32", "int64", "double"];
const ATTRIBUTES: [&str; 19] = [
    "grouping_used",
    "decimal_always_shown",
    "max_integer_digit",
    "min_integer_digit",
    "integer_digit",
    "max_fraction_digit",
    "min_fraction_digit",
    "fraction_digit",
    "multiplier",
    "grouping_size",
    "rounding_mode",
    "rounding_increment",
    "format_width",
    "padding_position",
    "secondary_grouping_size",
    "significant_digits_used",
    "min_significant_digits_used",
    "max_significant_digits_used",
    "lenient_parse",
];
const ROUNDING: [&str; 7] = ["ceiling", "floor", "down", "up", "halfeven", "halfdown", "halfup"];
const PADDING: [&str; 4] = ["before_prefix", "after_prefix", "before_suffix", "after_suffix"];
/// Digits that one number may be given.
const MOST: usize = 400;

/// How to write a number.
#[derive(Clone, Debug)]
struct Format {
    prefix: String,
    suffix: String,
    /// Least and most digits before and after the sign.
    integer: (usize, usize),
    fraction: (usize, usize),
    significant: Option<(usize, usize)>,
    grouping: bool,
    /// Sizes of the first group from the right, and of the others.
    groups: (usize, usize),
    point: bool,
    exponent: bool,
    multiplier: i64,
    rounding: &'static str,
    width: usize,
    padding: &'static str,
}

/// A number without its sign: decimal digits and how many of them stand before the point.
#[derive(Clone, Debug)]
struct Decimal {
    digits: Vec<u8>,
    point: i64,
}

pub(super) fn format_currency(call: &Call<'_>, home: &str) -> Result<String, Error> {
    let locale = need_locale(call, 3, home)?;
    let code = call.text(1)?.to_uppercase().to_string();
    let mut format = Format::of(locale, "currency");
    let digits = &Root::get().digits;
    let digits = digits.get(code.as_str()).or_else(|| digits.get("DEFAULT")).copied().unwrap_or(2);
    format.fraction = (digits, digits);
    if let Some(attributes) = call.arg(2).as_array() {
        format.set(attributes)?;
    }
    let symbol = locale.currencies.get(code.as_str()).map_or(code.as_str(), |(_, symbol)| symbol);
    format.currency(symbol);
    format.write(call.arg(0), &locale.numbers, true)
}

/// `format_number` with its style as an argument, or `format_*_number` with the style in its name.
pub(super) fn format_number(
    call: &Call<'_>,
    first: usize,
    style: Option<String>,
    home: &str,
) -> Result<String, Error> {
    let mut at = first + 1;
    let text = |at: usize, default: &str| -> Result<String, Error> {
        match call.arg(at) {
            Value::Null => Ok(default.to_owned()),
            given => Ok(given.to_text()?.to_string()),
        }
    };
    let style = match style {
        Some(style) => style,
        None => {
            at += 1;
            text(at - 1, "decimal")?
        }
    };
    let kind = text(at, "default")?;
    if !TYPES.contains(&kind.as_str()) {
        return Err(Error::runtime(format!(
            "The type \"{kind}\" does not exist, known types are: \"{}\".",
            TYPES.join("\", \"")
        )));
    }
    if !STYLES.contains(&style.as_str()) {
        return Err(unknown("style", &style, "styles", &STYLES));
    }
    let locale = need_locale(call, at + 1, home)?;
    let number = match kind.as_str() {
        "int32" => Value::Int(i64::from(i32::try_from(call.arg(0).to_int()).unwrap_or(i32::MAX))),
        "int64" => Value::Int(call.arg(0).to_int()),
        "double" => Value::Float(call.arg(0).to_float()),
        _ => call.arg(0).clone(),
    };
    match style.as_str() {
        "ordinal" => {
            let name = match call.arg(at + 1) {
                Value::Null => home.to_owned(),
                given => given.to_text()?.to_string(),
            };
            return Ok(ordinal(&number, locale, &name));
        }
        "spellout" | "duration" => {
            return Err(Error::runtime(format!(
                "Numbers of the style \"{style}\" are not available, known styles are: \"decimal\", \"currency\", \"percent\", \"scientific\", \"ordinal\"."
            )));
        }
        _ => {}
    }
    let mut format = Format::of(locale, &style);
    if style == "currency" {
        format.currency("\u{a4}");
    }
    if let Some(attributes) = call.arg(first).as_array() {
        format.set(attributes)?;
    }
    format.write(&number, &locale.numbers, style == "currency")
}

/// A number in order: `1st`, `1er`, `1.`.
fn ordinal(number: &Value, locale: &Locale, name: &str) -> String {
    let mut format = Format::of(locale, "decimal");
    format.fraction = (0, 0);
    let n = match number {
        Value::Float(f) => Value::Float(*f).to_float().round_ties_even(),
        other => other.to_float(),
    };
    let n = Value::Float(n).to_int();
    let digits = Decimal::of(&n.unsigned_abs().to_string()).parts().0;
    let text = format.grouped(&digits, &locale.numbers.group);
    let minus = if n < 0 { "\u{2212}" } else { "" };
    let last = n.unsigned_abs() % 10;
    let teen = matches!(n.unsigned_abs() % 100, 11..=13);
    let end = match name.split(['_', '-']).next().unwrap_or("") {
        "en" => match last {
            1 if !teen => "st",
            2 if !teen => "nd",
            3 if !teen => "rd",
            _ => "th",
        },
        "fr" => {
            if n.unsigned_abs() == 1 {
                "er"
            } else {
                "e"
            }
        }
        "es" => ".\u{ba}",
        "kk" => match n.unsigned_abs() % 100 {
            0 if n != 0 => "-шы",
            6 | 9 | 10 | 16 | 19 | 20 | 26 | 29 | 30 | 36 | 39 | 40 | 46 | 49 | 56 | 59 | 60 | 66 | 69
            | 76 | 79 | 86 | 89 | 90 | 96 | 99 => "-шы",
            _ => "-ші",
        },
        _ => ".",
    };
    format!("{minus}{text}{end}")
}

impl Format {
    /// The format of a style's pattern.
    fn of(locale: &Locale, style: &str) -> Self {
        let pattern = locale.numbers.patterns.get(style).map_or("#,##0.###", String::as_str);
        let pattern = pattern.split(';').next().unwrap_or(pattern);
        let is_digit = |c: char| matches!(c, '#' | '0' | ',' | '.' | 'E');
        let start = pattern.find(is_digit).unwrap_or(0);
        let end = pattern.rfind(is_digit).map_or(0, |at| at + 1);
        let digits = pattern.get(start..end).unwrap_or("");
        let (mantissa, exponent) = match digits.split_once('E') {
            Some((mantissa, _)) => (mantissa, true),
            None => (digits, false),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let count = |text: &str, sign: char| text.chars().filter(|c| *c == sign).count();
        let groups: Vec<usize> = whole.split(',').rev().map(str::len).collect();
        let first = if groups.len() > 1 { groups.first().copied().unwrap_or(0) } else { 0 };
        let second = if groups.len() > 2 { groups.get(1).copied().unwrap_or(first) } else { first };
        Self {
            prefix: pattern.get(..start).unwrap_or("").to_owned(),
            suffix: pattern.get(end..).unwrap_or("").to_owned(),
            integer: (count(whole, '0').max(usize::from(exponent)), usize::MAX),
            fraction: (count(fraction, '0'), if exponent { MOST } else { fraction.len() }),
            significant: None,
            grouping: first > 0,
            groups: (first, second),
            point: false,
            exponent,
            multiplier: if style == "percent" { 100 } else { 1 },
            rounding: "halfeven",
            width: 0,
            padding: "before_prefix",
        }
    }

    /// Puts a currency's sign into the pattern, apart from digits if it ends in a letter.
    fn currency(&mut self, symbol: &str) {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic());
        if self.prefix.ends_with('\u{a4}') && letter(symbol.chars().next_back()) {
            self.prefix.push('\u{a0}');
        }
        if self.suffix.starts_with('\u{a4}') && letter(symbol.chars().next()) {
            self.suffix.insert(0, '\u{a0}');
        }
        self.prefix = self.prefix.replace('\u{a4}', symbol);
        self.suffix = self.suffix.replace('\u{a4}', symbol);
    }

    fn set(&mut self, attributes: &Array) -> Result<(), Error> {
        for (name, value) in attributes {
            let name = name.to_string();
            let n = usize::try_from(value.to_int().max(0)).unwrap_or(MOST).min(MOST);
            // table: the attributes of a number
            match name.as_str() {
                "grouping_used" => self.grouping = value.truthy(),
                "decimal_always_shown" => self.point = value.truthy(),
                "max_integer_digit" => self.integer = (self.integer.0.min(n), n),
                "min_integer_digit" => self.integer = (n, self.integer.1.max(n)),
                "integer_digit" => self.integer = (n, n),
                "max_fraction_digit" => self.fraction = (self.fraction.0.min(n), n),
                "min_fraction_digit" => self.fraction = (n, self.fraction.1.max(n)),
                "fraction_digit" => self.fraction = (n, n),
                "multiplier" => self.multiplier = value.to_int(),
                "grouping_size" => self.groups.0 = n,
                "secondary_grouping_size" => self.groups.1 = n,
                "rounding_mode" => self.rounding = one_of(&ROUNDING, value, "rounding mode", "modes")?,
                "padding_position" => {
                    self.padding = one_of(&PADDING, value, "padding position", "positions")?
                }
                "format_width" => self.width = n,
                "significant_digits_used" => {
                    self.significant = value.truthy().then(|| self.significant.unwrap_or((1, 6)));
                }
                "min_significant_digits_used" => {
                    let most = self.significant.map_or(6, |s| s.1).max(n);
                    self.significant = Some((n.max(1), most));
                }
                "max_significant_digits_used" => {
                    let least = self.significant.map_or(1, |s| s.0).min(n.max(1));
                    self.significant = Some((least, n.max(1)));
                }
                "rounding_increment" | "lenient_parse" => {}
                _ => return Err(unknown("number formatter attribute", &name, "attributes", &ATTRIBUTES)),
            }
        }
        Ok(())
    }

    /// The text of a number.
    fn write(&self, value: &Value, signs: &Numbers, money: bool) -> Result<String, Error> {
        let (mut negative, number) = match value {
            Value::Int(n) => (*n < 0, Decimal::of(&n.unsigned_abs().to_string())),
            Value::Null => (false, Decimal::of("0")),
            other => {
                let number = other.to_number();
                match number {
                    ismart_twig::Number::Int(n) => (n < 0, Decimal::of(&n.unsigned_abs().to_string())),
                    ismart_twig::Number::Float(f) if f.is_nan() => return Ok(signs.nan.clone()),
                    ismart_twig::Number::Float(f) if f.is_infinite() => {
                        let minus = if f < 0.0 { signs.minus.as_str() } else { "" };
                        return Ok(format!("{minus}{}{}{}", self.prefix, signs.infinity, self.affix(signs)));
                    }
                    ismart_twig::Number::Float(f) => {
                        (f.is_sign_negative(), Decimal::of(&format!("{}", f.abs())))
                    }
                }
            }
        };
        let mut number = number.times(self.multiplier.unsigned_abs());
        negative ^= self.multiplier < 0;
        let (point, group) = if money {
            let or = |own: &Option<String>, usual: &str| own.clone().unwrap_or_else(|| usual.to_owned());
            (or(&signs.currency_decimal, &signs.decimal), or(&signs.currency_group, &signs.group))
        } else {
            (signs.decimal.clone(), signs.group.clone())
        };
        let digits = if self.exponent {
            self.scientific(&mut number, negative, &point, signs)
        } else {
            let (most, least) = match self.significant {
                Some((least, most)) => {
                    let most = i64::try_from(most).unwrap_or(0) - number.leading();
                    (most, usize::try_from(i64::try_from(least).unwrap_or(0) - number.leading()).unwrap_or(0))
                }
                None => (i64::try_from(self.fraction.1).unwrap_or(0), self.fraction.0),
            };
            number.round(most, self.rounding, negative);
            let (whole, mut fraction) = number.parts();
            while fraction.len() > least && fraction.ends_with('0') {
                fraction.pop();
            }
            while fraction.len() < least {
                fraction.push('0');
            }
            let mut out = self.grouped(&whole, &group);
            if !fraction.is_empty() || self.point {
                out.push_str(&point);
                out.push_str(&fraction);
            }
            out
        };
        let minus = if negative { signs.minus.as_str() } else { "" };
        Ok(self.padded(minus, &digits, &self.affix(signs)))
    }

    /// The suffix with the locale's sign for percent.
    fn affix(&self, signs: &Numbers) -> String {
        self.suffix.replace('%', &signs.percent)
    }

    fn padded(&self, minus: &str, digits: &str, suffix: &str) -> String {
        let size = [minus, &self.prefix, digits, suffix].iter().map(|s| s.chars().count()).sum::<usize>();
        let pad = " ".repeat(self.width.saturating_sub(size));
        let prefix = format!("{minus}{}", self.prefix);
        match self.padding {
            "after_prefix" => format!("{prefix}{pad}{digits}{suffix}"),
            "before_suffix" => format!("{prefix}{digits}{pad}{suffix}"),
            "after_suffix" => format!("{prefix}{digits}{suffix}{pad}"),
            _ => format!("{pad}{prefix}{digits}{suffix}"),
        }
    }

    /// Digits before the point with signs between groups.
    fn grouped(&self, whole: &str, group: &str) -> String {
        let mut whole = whole.to_owned();
        while whole.len() < self.integer.0 {
            whole.insert(0, '0');
        }
        if whole.len() > self.integer.1 {
            whole = whole.get(whole.len() - self.integer.1..).unwrap_or("").to_owned();
        }
        let (first, others) = self.groups;
        if !self.grouping || first == 0 || whole.len() <= first {
            return whole;
        }
        let others = if others == 0 { first } else { others };
        let mut out = String::new();
        for (at, digit) in whole.chars().enumerate() {
            let left = whole.len() - at;
            if at > 0 && left >= first && (left - first).is_multiple_of(others) {
                out.push_str(group);
            }
            out.push(digit);
        }
        out
    }

    fn scientific(&self, number: &mut Decimal, negative: bool, point: &str, signs: &Numbers) -> String {
        let exponent = if number.digits.is_empty() { 0 } else { number.point - 1 };
        number.point -= exponent;
        let most = self.significant.map_or(self.fraction.1, |s| s.1.saturating_sub(1));
        number.round(i64::try_from(most).unwrap_or(0), self.rounding, negative);
        let (whole, fraction) = number.parts();
        let fraction = fraction.trim_end_matches('0');
        let mut out = whole;
        if !fraction.is_empty() {
            out.push_str(point);
            out.push_str(fraction);
        }
        let minus = if exponent < 0 { signs.minus.as_str() } else { "" };
        format!("{out}{}{minus}{}", signs.exponent, exponent.unsigned_abs())
    }
}

fn one_of(
    known: &'static [&'static str],
    value: &Value,
    what: &str,
    kind: &str,
) -> Result<&'static str, Error> {
    let name = value.to_text()?;
    known
        .iter()
        .find(|k| **k == name)
        .copied()
        .ok_or_else(|| unknown(&format!("number formatter {what}"), &name, kind, known))
}

impl Decimal {
    /// The number of a text such as `12.5` or `1e21`.
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
            None => (text, 0_i64),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b.saturating_sub(b'0')).collect();
        let mut number = Self { digits, point: i64::try_from(whole.len()).unwrap_or(0) + exponent };
        number.trim();
        number
    }

    /// Takes zeros off both ends.
    fn trim(&mut self) {
        let zeros = self.digits.iter().take_while(|d| **d == 0).count();
        self.digits.drain(..zeros);
        self.point -= i64::try_from(zeros).unwrap_or(0);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    /// Digits before the point, 0 for numbers below one.
    fn leading(&self) -> i64 {
        if self.digits.is_empty() { 1 } else { self.point }
    }

    fn times(mut self, factor: u64) -> Self {
        let mut carry: u64 = 0;
        for digit in self.digits.iter_mut().rev() {
            let value = u64::from(*digit) * factor + carry;
            *digit = u8::try_from(value % 10).unwrap_or(0);
            carry = value / 10;
        }
        while carry > 0 {
            self.digits.insert(0, u8::try_from(carry % 10).unwrap_or(0));
            self.point += 1;
            carry /= 10;
        }
        self.trim();
        self
    }

    /// Rounds to so many digits after the point, before it if negative.
    fn round(&mut self, places: i64, mode: &str, negative: bool) {
        let keep = self.point.saturating_add(places);
        let Ok(length) = i64::try_from(self.digits.len()) else { return };
        if keep >= length {
            return;
        }
        let cut = usize::try_from(keep).ok();
        let rest: Vec<u8> = match cut {
            Some(cut) => self.digits.split_off(cut),
            // All digits lie below the last place that is kept.
            None => {
                self.digits.clear();
                vec![0, 1]
            }
        };
        let first = rest.first().copied().unwrap_or(0);
        let beyond = rest.iter().skip(1).any(|d| *d > 0);
        let half = if first == 5 && !beyond {
            std::cmp::Ordering::Equal
        } else {
            first.cmp(&5).then(std::cmp::Ordering::Greater)
        };
        let some = first > 0 || beyond;
        let odd = self.digits.last().is_some_and(|d| d % 2 == 1);
        let up = match mode {
            "ceiling" => some && !negative,
            "floor" => some && negative,
            "down" => false,
            "up" => some,
            "halfdown" => half.is_gt(),
            "halfup" => half.is_ge(),
            _ => half.is_gt() || half.is_eq() && odd,
        };
        if !up {
            self.trim();
            return;
        }
        if self.digits.is_empty() {
            self.digits.push(1);
            self.point = 1 - places;
            return;
        }
        let mut at = self.digits.len();
        loop {
            if at == 0 {
                self.digits.insert(0, 1);
                self.point += 1;
                break;
            }
            at -= 1;
            let Some(digit) = self.digits.get_mut(at) else { break };
            *digit += 1;
            if *digit < 10 {
                break;
            }
            *digit = 0;
        }
        self.trim();
    }

    /// Digits before and after the point.
    fn parts(&self) -> (String, String) {
        let digit = |at: i64| {
            let found = usize::try_from(at).ok().and_then(|at| self.digits.get(at));
            char::from(found.copied().unwrap_or(0) + b'0')
        };
        let whole: String = (0..self.point.max(0)).map(digit).collect();
        let length = i64::try_from(self.digits.len()).unwrap_or(0);
        let fraction: String = (self.point..length).map(digit).collect();
        (if whole.is_empty() { "0".to_owned() } else { whole }, fraction)
    }
}
