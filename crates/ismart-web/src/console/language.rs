//! The texts of the console, one file a language.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Language {
    /// Russian.
    #[default]
    Ru,
    /// English.
    En,
}

impl Language {
    /// Every language, the first one first.
    pub(super) const ALL: [Self; 2] = [Self::Ru, Self::En];

    /// The stable wire name.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// Reads a wire name.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The first of our languages that a browser asks for.
    pub(super) fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(|part| Self::from_code(part.trim().get(..2)?))
    }

    /// Its texts.
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::Ru => &RU,
            Self::En => &EN,
        }
    }
}

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Texts {
    language: Language,
    tree: serde_json::Value,
    flat: HashMap<String, Vec<String>>,
}

static RU: LazyLock<Texts> =
    LazyLock::new(|| read(Language::Ru, include_str!("../../../../console/texts/ru.toml")));
static EN: LazyLock<Texts> =
    LazyLock::new(|| read(Language::En, include_str!("../../../../console/texts/en.toml")));

#[expect(clippy::expect_used, reason = "the file is inside the binary, and a test reads it")]
fn read(language: Language, source: &str) -> Texts {
    let tree: serde_json::Value = toml::from_str(source).expect("the texts of the console are sound");
    let mut flat = HashMap::new();
    flatten("", &tree, &mut flat);
    Texts { language, tree, flat }
}

fn flatten(prefix: &str, value: &serde_json::Value, flat: &mut HashMap<String, Vec<String>>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, flat);
            }
        }
        serde_json::Value::Array(forms) => {
            let forms = forms.iter().filter_map(|form| form.as_str().map(str::to_owned)).collect();
            flat.insert(prefix.to_owned(), forms);
        }
        serde_json::Value::String(text) => {
            flat.insert(prefix.to_owned(), vec![text.clone()]);
        }
        _ => {}
    }
}

impl Texts {
    /// The language.
    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// All texts, as templates read them.
    pub(super) fn tree(&self) -> &serde_json::Value {
        &self.tree
    }

    /// The text of a key, if there is one.
    pub(super) fn find(&self, key: &str) -> Option<&str> {
        self.flat.get(key)?.first().map(String::as_str)
    }

    /// The text of a key; the key itself when there is none.
    pub(super) fn get<'k>(&'k self, key: &'k str) -> &'k str {
        self.find(key).unwrap_or(key)
    }

    /// The text of a key with `{name}` replaced by each value.
    pub(super) fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.get(key), values)
    }

    /// The text for a count in the grammatical number it needs, with `{n}` replaced by the count.
    pub(super) fn count(&self, key: &str, n: i64) -> String {
        let forms = self.flat.get(key).map(Vec::as_slice).unwrap_or_default();
        let form = forms.get(plural(self.language, n)).or_else(|| forms.last());
        fill(form.map_or(key, String::as_str), &[("n", &super::moment::number(self.language, n))])
    }

    #[cfg(test)]
    pub(super) fn flat(&self) -> &HashMap<String, Vec<String>> {
        &self.flat
    }
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Which form of a word goes with a count.
fn plural(language: Language, n: i64) -> usize {
    let n = n.unsigned_abs();
    match language {
        Language::En => usize::from(n != 1),
        Language::Ru => match (n % 10, n % 100) {
            (1, rest) if rest != 11 => 0,
            (2..=4, rest) if !(12..=14).contains(&rest) => 1,
            _ => 2,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_their_number() {
        let forms: Vec<usize> = [0, 1, 2, 5, 11, 12, 21, 22, 111].map(|n| plural(Language::Ru, n)).into();
        assert_eq!(forms, [2, 0, 1, 2, 2, 2, 0, 1, 2]);
        assert_eq!(plural(Language::En, 1), 0);
        assert_eq!(plural(Language::En, 21), 1);
    }

    #[test]
    fn both_languages_say_the_same() {
        let (ru, en) = (RU.flat(), EN.flat());
        let mut lonely: Vec<&String> = ru
            .keys()
            .filter(|k| !en.contains_key(*k))
            .chain(en.keys().filter(|k| !ru.contains_key(*k)))
            .collect();
        lonely.sort();
        assert!(lonely.is_empty(), "texts in one language only: {lonely:?}");
        for (key, forms) in ru {
            let other = &en[key];
            assert!(forms.iter().chain(other).all(|text| !text.trim().is_empty()), "{key} is empty");
            assert_eq!(forms.len() > 1, other.len() > 1, "{key}: plural in one language only");
            if forms.len() > 1 {
                assert_eq!((forms.len(), other.len()), (3, 2), "{key}: forms");
            }
            assert_eq!(places(&forms[0]), places(&other[0]), "{key}: placeholders");
        }
    }

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn the_browsers_wish_is_read() {
        assert_eq!(Language::accepted("de-DE,en;q=0.8,ru;q=0.5"), Some(Language::En));
        assert_eq!(Language::accepted("fr"), None);
        assert_eq!(Language::accepted("ы"), None);
    }
}
