//! Templates: no content, no business, one style. Names and style are the engine's own linter's.

use std::collections::BTreeMap;

use ismart_twig::Environment;
use ismart_twig::tools::{self, Host, LintOptions, TemplateSet};

use super::TEMPLATES;
use super::markup::{Piece, pieces, quoted};
use crate::finding::{Finding, Position};

/// Rules of the linter that are conventions of ours: the linter's name, ours.
const STYLE: &[(&str, &str)] = &[
    ("file-name", "twig.name"),
    ("delimiter-spacing", "twig.style"),
    ("operator-spacing", "twig.style"),
    ("tabs", "twig.style"),
];

fn linted(templates: &BTreeMap<String, String>) -> (TemplateSet, Vec<tools::Finding>) {
    let own = templates.iter().map(|(file, text)| (name(file), text));
    let set = TemplateSet::new(&Environment::new(), Host::default(), own, []);
    let found = tools::lint(&set, &LintOptions::default());
    (set, found)
}

/// The name of a template among templates.
fn name(file: &str) -> &str {
    file.strip_prefix(TEMPLATES).map_or(file, |name| name.trim_start_matches('/'))
}

/// Names and style of templates: of each rule the first place in a file, with the number of places.
pub(super) fn style(templates: &BTreeMap<String, String>) -> Vec<Finding> {
    let (_, found) = linted(templates);
    let mut first: BTreeMap<(String, &str), (tools::Finding, usize)> = BTreeMap::new();
    for finding in found {
        let Some((_, rule)) = STYLE.iter().find(|(theirs, _)| *theirs == finding.rule) else { continue };
        let key = (format!("{TEMPLATES}/{}", finding.template), *rule);
        first.entry(key).or_insert_with(|| (finding, 0)).1 += 1;
    }
    let told = first.into_iter().map(|((file, rule), (finding, number))| {
        let more = if number > 1 { format!(" (and {} more)", number - 1) } else { String::new() };
        let reason = format!("{}{more}", finding.message);
        let fix = finding.help.unwrap_or_else(|| "`ismart twig lint` names every place".to_owned());
        let wrong = Finding::warning(rule, &file, reason, fix);
        let line = usize::try_from(finding.span.line).unwrap_or(1);
        let column = usize::try_from(finding.span.column).unwrap_or(1);
        match templates.get(&file) {
            Some(text) => wrong.at(text, Position { line, column }),
            None => wrong,
        }
    });
    told.collect()
}

/// The templates whose style a machine may mend, with their mended text: what they render stays the same.
pub(super) fn mended(templates: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (_, found) = linted(templates);
    let mut made = BTreeMap::new();
    for (file, text) in templates {
        let own: Vec<&tools::Finding> = found
            .iter()
            .filter(|finding| finding.template == name(file))
            .filter(|finding| STYLE.iter().any(|(theirs, _)| *theirs == finding.rule))
            .collect();
        let new = tools::fix(text, &own);
        if new != *text {
            made.insert(file.clone(), new);
        }
    }
    made
}

/// Elements whose text is no text for people.
const SILENT: &[&str] = &["script", "style"];

/// Attributes that people read.
const READ: &[&str] = &["alt", "title", "placeholder", "aria-label", "label"];

/// Filters that choose and compute with functions of their own.
const COMPUTING: &[&str] = &["filter", "map", "reduce", "sort", "find"];

/// Functions that reach behind the data.
const REACHING: &[&str] = &["constant(", "random("];

/// Pages for errors: they must stand when the content does not.
const ERRORS: &str = "templates/errors/";

pub(super) fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reader = Markup::default();
    for piece in pieces(text) {
        match piece {
            Piece::Text(..) if file.starts_with(ERRORS) => {}
            Piece::Text(at, piece) => {
                for (place, words) in reader.read(piece) {
                    let shown: String = words.chars().take(40).collect();
                    let reason = format!("the template holds content: “{shown}”");
                    let fix = "move the text to JSON and print it: {{ data.… }}";
                    let position = Position::of_offset(text, at + place);
                    findings.push(Finding::warning("twig.content", file, reason, fix).at(text, position));
                }
            }
            Piece::Code(at, code) => {
                reader.value();
                for (place, what) in logic(code) {
                    let fix =
                        "decide it in the content or in the platform; a template shows what it is given";
                    let position = Position::of_offset(text, at + place);
                    findings.push(Finding::warning("twig.logic", file, what, fix).at(text, position));
                }
            }
        }
    }
    findings
}

/// What in a piece of code is more than showing.
fn logic(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if let Some(arrow) = code.find("=>") {
        for filter in COMPUTING {
            let place = code.match_indices('|').map(|(at, _)| at).find(|at| {
                let rest = code.get(at + 1..).unwrap_or("").trim_start();
                rest.strip_prefix(filter).is_some_and(|rest| rest.trim_start().starts_with('('))
            });
            if let Some(at) = place.filter(|at| *at < arrow) {
                found.push((at, format!("`{filter}` with a function of its own chooses or computes")));
            }
        }
    }
    for function in REACHING {
        if let Some(at) = code.find(function) {
            found.push((at, format!("`{})` reaches behind the data", function)));
        }
    }
    for (at, words) in quoted(code) {
        let before = code.get(..at.saturating_sub(1)).unwrap_or("").trim_end();
        let after = code.get(at + words.len() + 1..).unwrap_or("").trim_start();
        let compared = ["==", "!=", " in", "starts with", "ends with", "matches"]
            .iter()
            .any(|sign| before.ends_with(sign))
            || after.starts_with("==")
            || after.starts_with("!=");
        if compared && words.chars().any(is_cyrillic) {
            found.push((at, format!("the template decides by the words “{words}”")));
        }
    }
    found
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..='\u{4ff}').contains(&c)
}

/// Where in HTML the text between pieces of Twig is.
#[derive(Debug, Default)]
struct Markup {
    at: At,
    /// The element whose text is silent.
    silent: Option<&'static str>,
    /// The attribute that is being read, in small letters.
    attribute: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Text for people.
    #[default]
    Text,
    /// Inside a tag.
    Tag,
    /// Inside the value of an attribute, with its quotation mark.
    Value(char),
    /// Inside `<!-- -->`.
    Comment,
}

impl Markup {
    /// A value of Twig stands here.
    fn value(&mut self) {
        if self.at == At::Tag {
            self.attribute.clear();
        }
    }

    /// Words for people in a piece of text, each with its place.
    fn read<'t>(&mut self, text: &'t str) -> Vec<(usize, &'t str)> {
        let mut found = Vec::new();
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let rest = text.get(at..).unwrap_or("");
            match self.at {
                At::Comment => {
                    if rest.starts_with("-->") {
                        self.at = At::Text;
                        from = at + 3;
                    }
                }
                At::Text => {
                    let opens = rest.starts_with("<!--");
                    let tag = rest
                        .get(1..)
                        .and_then(|rest| rest.chars().next())
                        .is_some_and(|c| c.is_ascii_alphabetic() || "/!".contains(c));
                    if let Some(name) = self.silent {
                        let end = format!("</{name}");
                        if rest.get(..end.len()).is_some_and(|start| start.eq_ignore_ascii_case(&end)) {
                            self.silent = None;
                            self.at = At::Tag;
                        }
                        from = at + c.len_utf8();
                    } else if c == '<' && (opens || tag) {
                        found.extend(words(text, from, at));
                        self.at = if opens { At::Comment } else { At::Tag };
                        self.attribute.clear();
                        let name = rest.get(1..).unwrap_or("");
                        self.silent = SILENT.iter().copied().find(|silent| {
                            name.get(..silent.len()).is_some_and(|start| start.eq_ignore_ascii_case(silent))
                        });
                    }
                }
                At::Tag => match c {
                    '>' => {
                        self.at = At::Text;
                        from = at + 1;
                        if text.get(..at).is_some_and(|before| before.ends_with('/')) {
                            self.silent = None;
                        }
                    }
                    '"' | '\'' => {
                        self.at = At::Value(c);
                        from = at + 1;
                    }
                    '=' => {}
                    c if c.is_whitespace() => self.attribute.clear(),
                    c => self.attribute.push(c.to_ascii_lowercase()),
                },
                At::Value(quote) => {
                    if c == quote {
                        if READ.contains(&self.attribute.as_str()) {
                            found.extend(words(text, from, at));
                        }
                        self.attribute.clear();
                        self.at = At::Tag;
                    }
                }
            }
        }
        match self.at {
            At::Text if self.silent.is_none() => found.extend(words(text, from, text.len())),
            At::Value(_) if READ.contains(&self.attribute.as_str()) => {
                found.extend(words(text, from, text.len()))
            }
            _ => {}
        }
        found
    }
}

/// The words in a range of a text, if there are any: three letters in a row, or two of Cyrillic.
fn words(text: &str, from: usize, to: usize) -> Option<(usize, &str)> {
    let range = text.get(from..to)?;
    let start = range.len() - range.trim_start().len();
    let words = range.trim();
    let mut letters = 0;
    let mut cyrillic = 0;
    let mut entity = false;
    for c in words.chars() {
        match c {
            '&' => entity = true,
            ';' | ' ' => entity = false,
            _ => {}
        }
        if c.is_alphabetic() && !entity {
            letters += 1;
            cyrillic = if is_cyrillic(c) { cyrillic + 1 } else { 0 };
        } else {
            (letters, cyrillic) = (0, 0);
        }
        if letters >= 3 || cyrillic >= 2 {
            return Some((from + start, words));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, usize, usize)> {
        check("templates/a.twig", text)
            .iter()
            .map(|finding| (finding.rule, finding.position.unwrap().line, finding.position.unwrap().column))
            .collect()
    }

    #[test]
    fn words_for_people_are_content() {
        let text = "<p class=\"big\">{{ data.text }} ₽</p>\n<a href=\"/x\">Читать</a>\n<img alt=\"Фото машины\" src=\"a.png\">\n<input placeholder='{{ t }} name'>";
        assert_eq!(found(text), [("twig.content", 2, 14), ("twig.content", 3, 11), ("twig.content", 4, 29)]);
    }

    #[test]
    fn markup_scripts_comments_and_entities_are_none() {
        let text = "<!-- слова --><script>let слово = 1;</script>{# слова #}<style>.a { color: red }</style><b>&nbsp;&mdash; + 5</b><svg viewBox=\"0 0 1 1\"><path d=\"M0 abc\"/></svg>{% if a < b %}{{ x }}{% endif %}<a class=\"{{ c }} слово\" {{ attrs }}></a>";
        assert_eq!(found(text), []);
    }

    #[test]
    fn pages_for_errors_may_speak_for_themselves() {
        assert!(check("templates/errors/500.twig", "<h1>Неполадка</h1>").is_empty());
    }

    #[test]
    fn choosing_and_computing_is_logic() {
        let text = "{% set a = items|filter(i => i.price > 3) %}\n{{ constant('X') }}\n{% if name == 'Акции' %}{% endif %}\n{{ items|slice(0, 3)|join(', ') }}{% if a == 'cars' %}{% endif %}{{ {'a': 1}|map }}";
        assert_eq!(found(text), [("twig.logic", 1, 17), ("twig.logic", 2, 4), ("twig.logic", 3, 16)]);
    }
}
