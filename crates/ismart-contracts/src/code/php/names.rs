//! How PHP makes full names of written ones: namespace, `use`, aliases.

use std::collections::HashMap;

/// Types and words that name no class, in lower case.
const WORDS: &[&str] = &[
    "array", "bool", "callable", "false", "float", "int", "iterable", "mixed", "never", "null", "object",
    "parent", "self", "static", "string", "true", "void",
];

/// Whether the name is one that PHP keeps for itself.
pub(super) fn is_word(name: &str) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// The names in force at a place.
#[derive(Debug, Default)]
pub(super) struct Names {
    namespace: String,
    classes: HashMap<String, String>,
    functions: HashMap<String, String>,
}

impl Names {
    /// A namespace without braces begins: `use` before it holds no longer.
    pub(super) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.namespace);
        self.classes.clear();
        self.functions.clear();
    }

    /// A namespace in braces begins.
    pub(super) fn enter(&mut self, name: &str) {
        self.begin(name);
    }

    /// A namespace in braces ends.
    pub(super) fn leave(&mut self) {
        self.begin("");
    }

    /// Takes a `use` declaration, as written.
    pub(super) fn take(&mut self, declaration: &str) {
        let text = declaration.trim_start_matches("use").trim().trim_end_matches(';');
        if let Some((prefix, group)) = text.split_once('{') {
            let (prefix, of_functions) = without_kind(prefix.trim());
            for clause in group.trim_end().trim_end_matches('}').split(',').map(str::trim) {
                let (clause, own) = without_kind(clause);
                if !clause.is_empty() {
                    self.clause(
                        &format!("{}{clause}", prefix.trim_start_matches('\\')),
                        own.or(of_functions),
                    );
                }
            }
            return;
        }
        let (text, kind) = without_kind(text);
        for clause in text.split(',').map(str::trim) {
            self.clause(clause.trim_start_matches('\\'), kind);
        }
    }

    fn clause(&mut self, clause: &str, kind: Option<Kind>) {
        let mut words = clause.split_whitespace();
        let Some(name) = words.next() else { return };
        let alias = match (words.next(), words.next()) {
            (Some(word), Some(alias)) if word.eq_ignore_ascii_case("as") => alias,
            _ => name.rsplit('\\').next().unwrap_or(name),
        };
        match kind {
            None => self.classes.insert(alias.to_lowercase(), name.to_owned()),
            Some(Kind::Function) => self.functions.insert(alias.to_lowercase(), name.to_owned()),
            Some(Kind::Constant) => None,
        };
    }

    /// The full name of a class that is written so.
    pub(super) fn class(&self, written: &str) -> String {
        if let Some(full) = written.strip_prefix('\\') {
            return full.to_owned();
        }
        let (first, rest) =
            written.split_once('\\').map_or((written, None), |(first, rest)| (first, Some(rest)));
        if first.eq_ignore_ascii_case("namespace")
            && let Some(rest) = rest
        {
            return self.own(rest);
        }
        match (self.classes.get(&first.to_lowercase()), rest) {
            (Some(full), None) => full.clone(),
            (Some(full), Some(rest)) => format!("{full}\\{rest}"),
            (None, _) => self.own(written),
        }
    }

    /// The full name of a function that is written so.
    pub(super) fn function(&self, written: &str) -> String {
        if written.contains('\\') {
            return self.class(written);
        }
        self.functions.get(&written.to_lowercase()).cloned().unwrap_or_else(|| self.own(written))
    }

    /// The name in the namespace in force.
    pub(super) fn own(&self, name: &str) -> String {
        if self.namespace.is_empty() { name.to_owned() } else { format!("{}\\{name}", self.namespace) }
    }

    /// A type with all names in full and without spaces.
    pub(super) fn full_type(&self, written: &str) -> String {
        let mut full = String::with_capacity(written.len());
        let mut word = String::new();
        for c in written.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' || c == '\\' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                if is_word(&word) {
                    full.push_str(&word.to_lowercase());
                } else {
                    full.push_str(&self.class(&word));
                }
                word.clear();
            }
            if !c.is_whitespace() {
                full.push(c);
            }
        }
        full
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Function,
    Constant,
}

fn without_kind(text: &str) -> (&str, Option<Kind>) {
    let kinds = [("function", Kind::Function), ("const", Kind::Constant)];
    for (word, kind) in kinds {
        if let Some(rest) = text.strip_prefix(word)
            && rest.starts_with(char::is_whitespace)
        {
            return (rest.trim_start(), Some(kind));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_full() {
        let mut names = Names::default();
        names.begin("App\\Http");
        names.take("use A\\B as C, \\D\\E;");
        names.take("use G\\{H, I as J, function k,};");
        names.take("use function L\\m;");
        for (written, full) in [
            ("C", "A\\B"),
            ("c\\X", "A\\B\\X"),
            ("E", "D\\E"),
            ("H", "G\\H"),
            ("J", "G\\I"),
            ("\\Foo", "Foo"),
            ("Foo", "App\\Http\\Foo"),
            ("namespace\\Foo", "App\\Http\\Foo"),
        ] {
            assert_eq!(names.class(written), full, "{written}");
        }
        assert_eq!(names.function("k"), "G\\k");
        assert_eq!(names.function("m"), "L\\m");
        assert_eq!(names.function("n"), "App\\Http\\n");
        assert_eq!(names.full_type("?C"), "?A\\B");
        assert_eq!(names.full_type("(C & E) | NULL"), "(A\\B&D\\E)|null");
        names.leave();
        assert_eq!(names.class("C"), "C");
    }
}
