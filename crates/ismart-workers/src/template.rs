//! Answer templates: text with `{path}` and `{path|filter}` placeholders. No logic, no nesting, no escapes:
//! a value is put in as it is and never read as a template again.
//!
//! Filters: `plural:машина,машины,машин` (the word form for a number), `money` (`2 490 000 ₽`).

use ismart_domain::money::Money;
use serde_json::Value;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// A value.
    Value {
        /// Where it comes from: `stock.total`.
        path: String,
        /// How it is shown.
        filter: Filter,
    },
}

/// How a value is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// As it is.
    Plain,
    /// Russian or English plural: forms for 1, 2–4 and many (two forms: 1 and many).
    Plural(Vec<String>),
    /// Grouped, with the rouble sign.
    Money,
}

/// A compiled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// Why a template cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{` without `}`.
    #[error("`{{` at character {at} is not closed by `}}`")]
    Open {
        /// Which character, from 1.
        at: usize,
    },
    /// Unknown filter or wrong arguments.
    #[error("filter `{filter}` is unknown; known are plural:one,few,many and money")]
    Filter {
        /// As written.
        filter: String,
    },
    /// Nothing between the braces.
    #[error("a placeholder is empty")]
    Empty,
}

impl Template {
    /// Compiles.
    ///
    /// # Errors
    /// [`TemplateError`] with the place or the filter.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let open = || text.chars().count() - after.chars().count();
            let (inside, tail) = after.split_once('}').ok_or_else(|| TemplateError::Open { at: open() })?;
            let (path, filter) = inside.split_once('|').map_or((inside, ""), |(p, f)| (p, f));
            let path = path.trim();
            if path.is_empty() {
                return Err(TemplateError::Empty);
            }
            let filter = match filter.trim() {
                "" => Filter::Plain,
                "money" => Filter::Money,
                other => {
                    let forms: Vec<String> = other
                        .strip_prefix("plural:")
                        .map(|forms| forms.split(',').map(|form| form.trim().to_owned()).collect())
                        .unwrap_or_default();
                    if !(2..=3).contains(&forms.len()) {
                        return Err(TemplateError::Filter { filter: other.to_owned() });
                    }
                    Filter::Plural(forms)
                }
            };
            parts.push(Part::Value { path: path.to_owned(), filter });
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The paths it needs.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value { path, .. } => Some(path.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Its own text without the values.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Value { .. } => None,
        })
    }

    /// Fills it; `None` when a value is missing or empty.
    pub fn render(&self, lookup: impl Fn(&str) -> Option<Value>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value { path, filter } => out.push_str(&show(&lookup(path)?, filter)?),
            }
        }
        Some(out)
    }
}

fn show(value: &Value, filter: &Filter) -> Option<String> {
    let plain = match value {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => {
            list.iter().filter_map(|v| show(v, &Filter::Plain)).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(_) | Value::Null | Value::Object(_) => return None,
    };
    match filter {
        Filter::Plain => Some(plain).filter(|text| !text.is_empty()),
        Filter::Money => Some(Money::roubles(value.as_i64()?).to_string()),
        Filter::Plural(forms) => {
            let count = value.as_i64()?.unsigned_abs();
            forms.get(plural(count, forms.len())).cloned()
        }
    }
}

/// Index of the word form for a count: three Russian forms or two English ones.
fn plural(count: u64, forms: usize) -> usize {
    let (tens, ones) = (count % 100, count % 10);
    if forms == 2 {
        usize::from(count != 1)
    } else if ones == 1 && tens != 11 {
        0
    } else if (2..=4).contains(&ones) && !(12..=14).contains(&tens) {
        1
    } else {
        2
    }
}

/// A value as one calm line: no control and direction marks, no line breaks, at most 1,500 characters.
fn clean(text: &str) -> String {
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let spaced: String =
        text.chars().filter(|c| !hidden(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let joined = spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if joined.chars().count() > 1_500 {
        let mut cut: String = joined.chars().take(1_499).collect();
        cut.push('…');
        return cut;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(text: &str, value: Value) -> Option<String> {
        Template::parse(text).unwrap().render(|path| (path == "x").then(|| value.clone()))
    }

    #[test]
    fn values_take_their_form() {
        for (count, form) in
            [(1, "машина"), (2, "машины"), (5, "машин"), (11, "машин"), (21, "машина"), (112, "машин")]
        {
            assert_eq!(render("{x|plural:машина,машины,машин}", json!(count)).unwrap(), form, "{count}");
        }
        assert_eq!(render("{x|plural:car,cars}", json!(1)).unwrap(), "car");
        assert_eq!(render("до {x|money}", json!(2_000_000)).unwrap(), "до 2\u{a0}000\u{a0}000 ₽");
        assert_eq!(render("{x}", json!(["белый", "серый"])).unwrap(), "белый, серый");
    }

    #[test]
    fn a_missing_value_gives_no_text() {
        assert_eq!(render("{y}", json!(1)), None);
        assert_eq!(render("{x}", json!("")), None);
        assert_eq!(render("{x}", json!({"a": 1})), None);
    }

    #[test]
    fn values_are_never_templates_and_hide_nothing() {
        assert_eq!(render("{x}", json!("{y} a\u{202e}b\nc")).unwrap(), "{y} ab c");
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(Template::parse("a {b").unwrap_err(), TemplateError::Open { at: 3 });
        assert!(Template::parse("{a|upper}").is_err());
        assert_eq!(Template::parse("{ }").unwrap_err(), TemplateError::Empty);
    }
}
