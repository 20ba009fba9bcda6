//! What a sender told, as names and texts, whatever shape it came in.

use serde_json::Value;

/// The most facts of one request.
const MOST: usize = 200;
/// The longest text of a fact, characters.
const LONGEST: usize = 4000;
/// Deeper nesting is no request of a person.
const DEEPEST: usize = 8;

/// Names with their texts, in the order in which they were told. A name inside another is written with a dot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(Vec<(String, String)>);

impl Facts {
    /// Facts of a form, a query or a row: names and texts as they are, empty ones left out.
    pub fn of_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut facts = Self::default();
        for (name, text) in pairs {
            facts.add(name, &text);
        }
        facts
    }

    /// Facts of a JSON value: `{"contact": {"phones": ["1"]}}` says `contact.phones.0` = `1`.
    ///
    /// ```
    /// use ismart_leads::intake::Facts;
    ///
    /// let told = Facts::of_json(&serde_json::json!({ "contact": { "phones": ["1"] }, "seen": true, "none": null }));
    /// assert_eq!(told.get("contact.phones.0"), Some("1"));
    /// assert_eq!(told.get("seen"), Some("true"));
    /// assert_eq!(told.get("none"), None);
    /// ```
    #[must_use]
    pub fn of_json(value: &Value) -> Self {
        let mut facts = Self::default();
        facts.walk(String::new(), value, 0);
        facts
    }

    fn walk(&mut self, name: String, value: &Value, depth: usize) {
        let inside = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
        match value {
            Value::Null => {}
            Value::Object(map) if depth < DEEPEST => {
                for (part, value) in map {
                    self.walk(inside(part), value, depth + 1);
                }
            }
            Value::Array(list) if depth < DEEPEST => {
                for (at, value) in list.iter().enumerate() {
                    self.walk(inside(&at.to_string()), value, depth + 1);
                }
            }
            Value::String(text) => self.add(name, text),
            other => self.add(name, &other.to_string()),
        }
    }

    /// Adds a fact, unless its text is empty or there are too many.
    pub fn add(&mut self, name: impl Into<String>, text: &str) {
        let text: String = text.trim().chars().filter(|c| *c != '\0').take(LONGEST).collect();
        if !text.is_empty() && self.0.len() < MOST {
            self.0.push((name.into().chars().take(200).collect(), text));
        }
    }

    /// The text of a fact, by its whole name in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let same = |found: &str| found == name || found.to_lowercase() == name.to_lowercase();
        self.iter().find(|(found, _)| same(found)).map(|(_, text)| text)
    }

    /// All facts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Whether nothing was told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_told_grows_beyond_its_bounds() {
        let mut deep = Value::from("text");
        for _ in 0..40 {
            deep = serde_json::json!([deep]);
        }
        let told = Facts::of_json(&deep);
        assert!(told.iter().all(|(name, text)| name.len() <= 200 && text.chars().count() <= LONGEST));
        let wide: Vec<Value> = (0..1000).map(Value::from).collect();
        assert_eq!(Facts::of_json(&Value::from(wide)).iter().count(), MOST);
        let long = Facts::of_pairs([("a".to_owned(), "я".repeat(9000)), ("b".to_owned(), "  ".to_owned())]);
        assert_eq!(long.get("A").map(|text| text.chars().count()), Some(LONGEST));
        assert_eq!(long.get("b"), None);
    }
}
