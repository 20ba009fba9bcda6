//! What sandboxed templates may use.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, ErrorKind};
use crate::program::Used;
use crate::value::Value;

/// Lists of what is allowed; all else is refused.
///
/// ```
/// use ismart_twig::{Environment, Policy};
/// let mut env = Environment::new();
/// env.set_sandbox_policy(Policy::new().filters(&["upper", "escape"]));
/// env.set_sandboxed(true);
/// assert_eq!(env.render_str("{{ 'a'|upper }}", ()).unwrap(), "A");
/// assert!(env.render_str("{{ 'a'|lower }}", ()).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    tags: HashSet<String>,
    filters: HashSet<String>,
    functions: HashSet<String>,
    /// Restricted only when set.
    tests: Option<HashSet<String>>,
    methods: HashMap<String, HashSet<String>>,
    properties: HashMap<String, HashSet<String>>,
}

fn set(names: &[&str]) -> HashSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

impl Policy {
    /// A policy that allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows tags.
    #[must_use]
    pub fn tags(mut self, names: &[&str]) -> Self {
        self.tags.extend(set(names));
        self
    }

    /// Allows filters; automatic escaping needs `escape`.
    #[must_use]
    pub fn filters(mut self, names: &[&str]) -> Self {
        self.filters.extend(set(names));
        self
    }

    /// Allows functions.
    #[must_use]
    pub fn functions(mut self, names: &[&str]) -> Self {
        self.functions.extend(set(names));
        self
    }

    /// Allows only these tests; without this call all are.
    #[must_use]
    pub fn tests(mut self, names: &[&str]) -> Self {
        self.tests.get_or_insert_default().extend(set(names));
        self
    }

    /// Allows methods of a class (`*` for all).
    #[must_use]
    pub fn methods(mut self, class: &str, names: &[&str]) -> Self {
        let names = names.iter().map(|n| n.to_ascii_lowercase());
        self.methods.entry(class.to_owned()).or_default().extend(names);
        self
    }

    /// Allows properties of a class (`*` for all).
    #[must_use]
    pub fn properties(mut self, class: &str, names: &[&str]) -> Self {
        self.properties.entry(class.to_owned()).or_default().extend(set(names));
        self
    }

    /// Refuses what is not allowed; gives the tags that are let pass although nobody allowed them.
    pub(crate) fn check<'u>(&self, used: &'u Used) -> Result<Vec<(&'u str, u32)>, Error> {
        let refuse = |kind: ErrorKind, what: &str, name: &str, line: u32| {
            Err(Error::new(kind, format!("{what} \"{name}\" is not allowed.")).with_line(line))
        };
        let mut passed = Vec::new();
        for (name, line) in &used.tags {
            if self.tags.contains(name.as_str()) {
                continue;
            }
            if !matches!(name.as_str(), "extends" | "use") {
                return refuse(ErrorKind::SecurityTag, "Tag", name, *line);
            }
            passed.push((name.as_str(), *line));
        }
        for (name, line) in &used.filters {
            if !self.filters.contains(name.as_str()) {
                return refuse(ErrorKind::SecurityFilter, "Filter", name, *line);
            }
        }
        for (name, line) in &used.functions {
            if !self.functions.contains(name.as_str()) {
                return refuse(ErrorKind::SecurityFunction, "Function", name, *line);
            }
        }
        if let Some(tests) = &self.tests {
            for (name, line) in &used.tests {
                if !tests.contains(name.as_str()) {
                    return refuse(ErrorKind::SecurityTest, "Test", name, *line);
                }
            }
        }
        Ok(passed)
    }

    pub(crate) fn check_property(&self, object: &Value, name: &str) -> Result<(), Error> {
        if allowed(&self.properties, object, name) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SecurityProperty,
            format!("Calling \"{name}\" property on a \"{}\" object is not allowed.", object.type_name()),
        ))
    }

    pub(crate) fn check_method(&self, object: &Value, name: &str) -> Result<(), Error> {
        if matches!(object, Value::Template(_) | Value::Markup(_)) {
            return Ok(());
        }
        let name = name.to_ascii_lowercase();
        if allowed(&self.methods, object, &name) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SecurityMethod,
            format!("Calling \"{name}\" method on a \"{}\" object is not allowed.", object.type_name()),
        ))
    }

    /// Refuses objects that may not become texts, in arrays as well.
    pub(crate) fn check_text(&self, value: &Value) -> Result<(), Error> {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(array) => open.extend(array.values()),
                Value::Object(object) if object.text().is_some() => self.check_method(value, "__toString")?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether objects of a class are read by key like arrays.
pub(crate) fn array_like(class: &str) -> bool {
    matches!(class, "ArrayIterator" | "ArrayObject" | "SplFixedArray" | "SplObjectStorage")
}

fn allowed(list: &HashMap<String, HashSet<String>>, object: &Value, name: &str) -> bool {
    list.iter().any(|(class, names)| (names.contains("*") || names.contains(name)) && is_a(object, class))
}

/// Whether an object is of a class or one that it is derived from.
fn is_a(object: &Value, class: &str) -> bool {
    match object {
        Value::Object(object) => object.is_a(class),
        Value::Date(_) => class == "DateTimeInterface" || class == object.type_name(),
        _ => class == object.type_name(),
    }
}
