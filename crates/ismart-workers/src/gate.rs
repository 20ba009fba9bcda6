//! Gates: what a text must prove before it leaves.
//!
//! Every number must stand in the facts of the turn, every claim of an action needs its tool's success in this
//! conversation, words of promise never leave, every link must be a fact. Gates read the finished text, so they
//! hold whatever wrote it: a template, a quote, a model.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::package::GateRules;
use crate::text::fold;

/// What a text may state.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    numbers: BTreeSet<String>,
    text: String,
    links: String,
    tools: BTreeSet<String>,
    writes: bool,
}

/// Why a text may not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateFault {
    /// A number that no fact of the turn contains.
    #[error("the number {0} stands in no fact of this turn")]
    Number(String),
    /// A claim whose tool did not succeed.
    #[error("`{words}` is claimed, but none of these succeeded: {tools}")]
    Claim {
        /// The words found.
        words: String,
        /// The tools that would prove them.
        tools: String,
    },
    /// Words that must stand in the facts and do not.
    #[error("`{0}` is stated, but no fact of this turn says so")]
    Fact(String),
    /// Words that never leave.
    #[error("`{0}` is forbidden by gates.toml")]
    Forbidden(String),
    /// A link that neither the business nor a source of this turn has.
    #[error("the link {0} is neither the business's own nor a source of this turn")]
    Link(String),
}

/// Claims of done actions that need the success of any tool with an effect, in every package.
const ACTIONS: &[&str] = &[
    "записал* вас",
    "вы записаны",
    "вас записал*",
    "я записал*",
    "записал* на",
    "забронировал*",
    "я передал*",
    "передала ваш*",
    "передал ваш*",
    "уже передал*",
    "отправила ваш*",
    "отправил ваш*",
    "я отправил*",
    "оформила ваш*",
    "я оформил*",
    "заявка принята",
    "заявка создана",
    "заявка оформлена",
    "заявка передана",
    "бронь подтверждена",
    "you are booked",
    "i have booked",
    "i booked",
    "i have passed",
    "i have sent",
    "i passed",
    "i sent",
    "has been booked",
    "has been reserved",
    "request has been",
];

/// The numbers of a text in one spelling: `2 490 000`, `2.490.000` and `2490000` are one; `1,5` is `1.5`; a time
/// keeps its colon.
#[must_use]
pub fn numbers(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let run = |at: usize| (at..).take_while(|i| digit(*i)).count();
    let space =
        |at: usize| chars.get(at).is_some_and(|c| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'));
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !digit(at) {
            at += 1;
            continue;
        }
        let mut length = run(at);
        let mut number: String = chars.iter().skip(at).take(length).collect();
        let mut end = at + length;
        if length <= 3 {
            while space(end) && run(end + 1) == 3 {
                number.extend(chars.iter().skip(end + 1).take(3));
                end += 4;
            }
        }
        while let Some(mark) = chars.get(end).filter(|c| matches!(c, '.' | ',' | ':')) {
            length = run(end + 1);
            if length == 0 {
                break;
            }
            number.push(if *mark == ',' { '.' } else { *mark });
            number.extend(chars.iter().skip(end + 1).take(length));
            end += 1 + length;
        }
        out.push(number);
        at = end;
    }
    out
}

/// The words of a text, folded.
fn words(text: &str) -> Vec<String> {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn within(text: &[String], pattern: &str) -> bool {
    let length = pattern.split(' ').count();
    text.windows(length).any(|window| {
        window.iter().zip(pattern.split(' ')).all(|(word, expected)| {
            expected.strip_suffix('*').map_or(word == expected, |start| word.starts_with(start))
        })
    })
}

/// Does the text contain the words of the pattern in a row? Case and `ё` of the text do not matter, words are
/// whole; `*` at the end of a word of the pattern stands for any ending. Patterns are written folded, words
/// parted by one space.
#[must_use]
pub fn contains(text: &str, pattern: &str) -> bool {
    within(&words(text), pattern)
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '(' | ')' | '«' | '»'))
        .filter(|word| word.contains("://") || word.starts_with("www."))
}

impl Evidence {
    /// Adds a fact: every number and text inside it.
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            Value::Number(number) => {
                self.numbers.extend(numbers(&number.to_string()));
            }
            Value::Array(list) => list.iter().for_each(|item| self.add(item)),
            Value::Object(map) => map.values().for_each(|item| self.add(item)),
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// Adds a text that states facts.
    pub fn add_text(&mut self, text: &str) {
        self.numbers.extend(numbers(text));
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds an address that may be shown in a text. Addresses inside other facts may not: a feed's description
    /// is no place from which a link may come.
    pub fn add_link(&mut self, url: &str) {
        self.links.push_str(url);
        self.links.push('\n');
    }

    /// Adds the success of a tool.
    pub fn add_success(&mut self, tool: &str, write: bool) {
        self.tools.insert(tool.to_owned());
        self.writes |= write;
    }

    /// Judges a text.
    ///
    /// # Errors
    /// The first fault found.
    pub fn judge(&self, text: &str, rules: &GateRules) -> Result<(), GateFault> {
        let said = words(text);
        if let Some(word) = rules.forbidden.iter().find(|word| within(&said, word)) {
            return Err(GateFault::Forbidden(word.clone()));
        }
        for number in numbers(text) {
            if !(self.numbers.contains(&number) || rules.literals.contains(&number)) {
                return Err(GateFault::Number(number));
            }
        }
        if let Some(link) =
            links(text).find(|link| !self.links.contains(link.trim_end_matches(['.', ',', '!', '?'])))
        {
            return Err(GateFault::Link(link.to_owned()));
        }
        for claim in &rules.claims {
            let Some(words) = claim.words.iter().find(|words| within(&said, words)) else { continue };
            if claim.fact && !contains(&self.text, words) {
                return Err(GateFault::Fact(words.clone()));
            }
            if !claim.tools.is_empty() && !claim.tools.iter().any(|tool| self.tools.contains(tool)) {
                return Err(GateFault::Claim { words: words.clone(), tools: claim.tools.join(", ") });
            }
        }
        match ACTIONS.iter().find(|words| within(&said, words)).filter(|_| !self.writes) {
            Some(words) => Err(GateFault::Claim {
                words: (*words).to_owned(),
                tools: "any tool with an effect".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// May a link be shown? Addresses of the web and of the site itself, nothing that runs.
#[must_use]
pub fn safe_url(url: &str) -> bool {
    let folded = url.trim().to_ascii_lowercase();
    let web = folded.starts_with("https://") || folded.starts_with("http://");
    let own = (folded.starts_with('/') && !folded.starts_with("//")) || folded.starts_with('#');
    (web || own) && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::ClaimRule;
    use serde_json::json;

    #[test]
    fn one_number_has_one_spelling() {
        assert_eq!(numbers("2\u{a0}490 000 ₽ и 1,5 в 11:00, код 5"), ["2490000", "1.5", "11:00", "5"]);
        assert_eq!(numbers("2490000"), ["2490000"]);
        assert_eq!(numbers("2 490 00"), ["2490", "00"]);
    }

    #[test]
    fn numbers_need_a_fact() {
        let mut evidence = Evidence::default();
        evidence.add(&json!({"price": 2_490_000, "text": "в наличии 3 шт."}));
        let rules = GateRules { literals: vec!["152".into()], ..GateRules::default() };
        assert_eq!(evidence.judge("Цена 2 490 000 ₽, закон 152", &rules), Ok(()));
        assert_eq!(evidence.judge("Цена 2 390 000 ₽", &rules), Err(GateFault::Number("2390000".into())));
    }

    #[test]
    fn claims_need_their_tool() {
        let mut evidence = Evidence::default();
        let rules = GateRules {
            forbidden: vec!["гарантирую".into()],
            claims: vec![
                ClaimRule {
                    words: vec!["бронь готова".into()], tools: vec!["book".into()], fact: false
                },
                ClaimRule { words: vec!["в наличии".into()], tools: vec![], fact: true },
            ],
            ..GateRules::default()
        };
        assert!(matches!(evidence.judge("Вы записаны", &rules), Err(GateFault::Claim { .. })));
        assert!(matches!(evidence.judge("Бронь готова.", &rules), Err(GateFault::Claim { .. })));
        assert!(matches!(evidence.judge("Он в наличии", &rules), Err(GateFault::Fact(_))));
        assert!(matches!(evidence.judge("Гарантирую", &rules), Err(GateFault::Forbidden(_))));
        assert!(matches!(evidence.judge("См. https://evil.example/x", &rules), Err(GateFault::Link(_))));
        evidence.add_success("book", true);
        evidence.add_text("В наличии");
        assert_eq!(evidence.judge("Вы записаны. Бронь готова. Он в наличии", &rules), Ok(()));
    }

    #[test]
    fn links_that_run_are_refused() {
        for bad in ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b", ""] {
            assert!(!safe_url(bad), "{bad}");
        }
        for good in ["/cars/1", "https://a.example/x", "http://a.example"] {
            assert!(safe_url(good), "{good}");
        }
    }
}
