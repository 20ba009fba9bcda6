//! What rules found, in the person's language. Checks write English, for logs and for the command line too; screens in
//! Russian say it in Russian, and where there is no Russian sentence, what the rule holds, with the English one beside.

use std::collections::HashMap;
use std::sync::LazyLock;

use ismart_sites::Finding;
use serde::{Deserialize, Serialize};

use super::language::Language;

/// A sentence on a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Said {
    pub(super) text: String,
    /// Its language, when it is not that of the screen.
    pub(super) lang: Option<&'static str>,
}

/// A finding on a screen.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FindingLine {
    pub(super) severity: ismart_sites::Severity,
    pub(super) rule: &'static str,
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) pointer: Option<String>,
    /// What the rule holds, when the reason is not told in the language of the screen.
    pub(super) holds: Option<&'static str>,
    pub(super) reason: Said,
    pub(super) fix: Said,
}

#[derive(Deserialize)]
struct Source {
    rules: HashMap<String, String>,
    phrases: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    en: String,
    ru: String,
}

/// A sentence with places for what differs.
struct Phrase {
    /// The English words between the places.
    pieces: Vec<String>,
    /// The number of each place, in the order of the English sentence.
    places: Vec<usize>,
    ru: String,
}

struct Book {
    rules: HashMap<String, String>,
    /// The longest first: a sentence that says more is the better one.
    phrases: Vec<Phrase>,
}

static BOOK: LazyLock<Book> =
    LazyLock::new(|| read(include_str!("../../../../console/texts/findings.ru.toml")));

#[expect(clippy::expect_used, reason = "the file is inside the binary, and a test reads it")]
fn read(source: &str) -> Book {
    let source: Source = toml::from_str(source).expect("the phrases of findings are sound");
    let mut phrases: Vec<Phrase> = source.phrases.into_iter().map(phrase).collect();
    let words = |phrase: &Phrase| phrase.pieces.iter().map(String::len).sum::<usize>();
    phrases.sort_by_key(|phrase| std::cmp::Reverse(words(phrase)));
    Book { rules: source.rules, phrases }
}

fn phrase(pair: Pair) -> Phrase {
    let (mut pieces, mut places) = (vec![String::new()], Vec::new());
    let mut rest = pair.en.as_str();
    while let Some(open) = rest.find('{') {
        let (before, tail) = rest.split_at(open);
        let number =
            tail.get(1..2).and_then(|digit| digit.parse().ok()).filter(|_| tail.get(2..3) == Some("}"));
        let last = pieces.last_mut();
        if let (Some(last), Some(number)) = (last, number) {
            last.push_str(before);
            places.push(number);
            pieces.push(String::new());
            rest = tail.get(3..).unwrap_or("");
        } else {
            if let Some(last) = pieces.last_mut() {
                last.push_str(before);
                last.push('{');
            }
            rest = tail.get(1..).unwrap_or("");
        }
    }
    if let Some(last) = pieces.last_mut() {
        last.push_str(rest);
    }
    Phrase { pieces, places, ru: pair.ru }
}

impl Phrase {
    /// What stands at the places of an English sentence; nothing when it is another sentence.
    fn places_of<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let (first, others) = self.pieces.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let mut found = Vec::new();
        for (at, piece) in others.iter().enumerate() {
            let end = if at + 1 == others.len() {
                // The last words end the sentence.
                rest.strip_suffix(piece.as_str())?.len()
            } else {
                rest.find(piece.as_str())?
            };
            found.push(rest.get(..end)?);
            rest = rest.get(end + piece.len()..)?;
        }
        rest.is_empty().then_some(found)
    }

    fn say(&self, found: &[&str]) -> String {
        self.places.iter().zip(found).fold(self.ru.clone(), |said, (number, value)| {
            let value = russian(value).unwrap_or_else(|| (*value).to_owned());
            said.replace(&format!("{{{number}}}"), &value)
        })
    }
}

/// The Russian sentence for an English one, if there is one.
fn russian(text: &str) -> Option<String> {
    BOOK.phrases.iter().find_map(|phrase| Some(phrase.say(&phrase.places_of(text)?)))
}

/// A sentence of a check in a language.
pub(super) fn said(language: Language, text: &str) -> Said {
    if language == Language::En {
        return Said { text: text.to_owned(), lang: None };
    }
    match russian(text) {
        Some(text) => Said { text, lang: None },
        None => Said { text: text.to_owned(), lang: Some("en") },
    }
}

/// A finding in a language.
pub(super) fn line(language: Language, finding: &Finding) -> FindingLine {
    let reason = said(language, &finding.reason);
    let holds = reason.lang.and_then(|_| BOOK.rules.get(finding.rule)).map(String::as_str);
    FindingLine {
        severity: finding.severity,
        rule: finding.rule,
        file: finding.file.clone(),
        line: finding.position.map(|position| position.line),
        pointer: finding.pointer.clone().filter(|pointer| !pointer.is_empty()),
        holds,
        reason,
        fix: said(language, &finding.fix),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_rule_is_told_in_russian() {
        let mut missing: Vec<&str> = ismart_sites::rules::RULES
            .iter()
            .map(|rule| rule.name)
            .filter(|n| !BOOK.rules.contains_key(*n))
            .collect();
        missing.sort_unstable();
        assert!(missing.is_empty(), "no Russian for {missing:?}");
        assert_eq!(BOOK.rules.len(), ismart_sites::rules::RULES.len(), "a rule that is gone is still told");
    }

    /// All text of the checks, string continuations joined, escapes read.
    fn sources(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let joined: Vec<&str> = text.split("\\\n").collect();
                let joined: String = joined.iter().map(|part| part.trim_start()).collect();
                all.push_str(&joined.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}"));
            }
        }
    }

    #[test]
    fn every_phrase_is_one_that_checks_say() {
        let mut code = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../ismart-sites/src"), &mut code);
        for phrase in &BOOK.phrases {
            for piece in &phrase.pieces {
                let piece = piece.replace("{{", "{").replace("}}", "}");
                // The kinds of facts are words of their own in the code.
                let piece =
                    piece.trim_start_matches("the phone ").trim_start_matches("the mail address ").to_owned();
                assert!(code.contains(piece.trim()), "no check says “{piece}”");
            }
            let mut numbers = phrase.places.clone();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), phrase.places.len(), "{}", phrase.ru);
            for number in numbers {
                assert!(phrase.ru.contains(&format!("{{{number}}}")), "{}", phrase.ru);
            }
        }
    }

    #[test]
    fn sentences_are_told_with_what_they_name() {
        let ru = |text: &str| said(Language::Ru, text);
        let dead = ru("the page /cars links to /old, which does not exist");
        assert_eq!(
            (dead.text.as_str(), dead.lang),
            ("страница /cars ссылается на /old, а такого адреса нет", None)
        );
        let nested = ru("sitemap_pages names the page `x`, but data/json/ru/pages/x.json does not exist");
        assert_eq!(nested.text, "sitemap_pages называет страницу `x`, а файла data/json/ru/pages/x.json нет");
        assert_eq!(
            ru("create it; `{}` is enough to begin with").text,
            "создайте его; для начала хватит `{}`"
        );
        assert_eq!(
            ru("`/a` leads on to `/b` and so on without end").text,
            "`/a` ведёт на `/b` и так без конца"
        );
        assert_eq!(ru("something new"), Said { text: "something new".into(), lang: Some("en") });
        assert_eq!(said(Language::En, "something new").lang, None);
        let finding = Finding {
            severity: ismart_sites::Severity::Warning,
            rule: "seo.length",
            file: "a.json".into(),
            position: None,
            pointer: None,
            reason: "something new".into(),
            fix: "do it".into(),
            excerpt: None,
        };
        assert_eq!(
            line(Language::Ru, &finding).holds,
            Some("Заголовок до 70 знаков, описание от 50 до 200.")
        );
        assert_eq!(line(Language::En, &finding).holds, None);
    }
}
