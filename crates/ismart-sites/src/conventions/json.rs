//! JSON: keys, indent, the form of pages, shared facts in one place.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{is_global, layout, page};
use crate::finding::{Finding, Position};
use crate::json::strings;

/// Keys of a section.
const SECTION: &[&str] = &["name", "visible", "data", "scope"];

/// Keys whose content has names of its own: vocabularies of search engines.
const FOREIGN: &[&str] = &["json_ld", "json_ld_faq"];

pub(super) fn check(file: &str, text: &str, value: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let layout = layout::scan(text);
    for key in layout.keys.iter().filter(|key| !is_snake(key)) {
        let reason = format!("the key `{}` is not snake_case", key.name);
        let fix = format!("call it `{}`, in the templates that read it too", snake(&key.name));
        let position = Position::of_offset(text, key.at);
        findings.push(Finding::warning("json.key", file, reason, fix).at(text, position));
    }
    let first = layout.lines.iter().find(|line| {
        let space = text.get(line.at..line.at + line.space).unwrap_or("").trim_start_matches('\u{feff}');
        !line.empty && space != "    ".repeat(line.depth)
    });
    if layout::is_packed(text) {
        let reason = "the file is one line";
        let fix = "put each value on a line of its own, four spaces for each level (`ismart check --fix`)";
        let position = Position { line: 1, column: 1 };
        findings.push(Finding::warning("json.indent", file, reason, fix).at(text, position));
    } else if let Some(line) = first {
        let reason = format!("the line is not indented by {} spaces", line.depth * 4);
        let fix = "four spaces for each level (`ismart check --fix`)";
        let position = Position::of_offset(text, line.at + line.space);
        findings.push(Finding::warning("json.indent", file, reason, fix).at(text, position));
    }
    if page(file).is_some() {
        findings.extend(sections(file, text, value));
    }
    findings
}

/// Whether a key is snake_case, or stands where other names hold.
pub(super) fn is_snake(key: &layout::Key) -> bool {
    let foreign =
        key.around.iter().any(|around| FOREIGN.contains(&around.as_str())) || key.name.starts_with('@');
    let snake = key.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    foreign || snake && !key.name.starts_with('_') && !key.name.ends_with('_') && !key.name.is_empty()
}

/// The name as snake_case: `cityName`, `city-name` → `city_name`.
pub(super) fn snake(name: &str) -> String {
    let mut made = String::with_capacity(name.len() + 2);
    let mut before = None::<char>;
    for c in name.chars() {
        if c.is_uppercase() && before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit()) {
            made.push('_');
        }
        made.push(if c.is_alphanumeric() { c.to_lowercase().next().unwrap_or(c) } else { '_' });
        before = Some(c);
    }
    made.trim_matches('_').to_owned()
}

fn sections(file: &str, text: &str, value: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    if value.is_array() {
        let reason = "the page is a list of components, the older form";
        let fix = "write an object with `name` and `sections`, each with `name`, `visible`, `data`";
        findings.push(Finding::warning("page.form", file, reason, fix).pointer(text, ""));
        return findings;
    }
    for (at, section) in value.get("sections").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some(section) = section.as_object() else { continue };
        for key in section.keys().filter(|key| !SECTION.contains(&key.as_str())) {
            let reason = format!("a section has no `{key}`: nobody reads it there");
            let fix = "put it under `data`, or remove it";
            let pointer = crate::json::child(&format!("/sections/{at}"), key);
            findings.push(Finding::warning("section.key", file, reason, fix).pointer(text, &pointer));
        }
        let order: Vec<&str> =
            section.keys().map(String::as_str).filter(|key| SECTION.contains(key)).collect();
        let sorted = SECTION.iter().filter(|key| order.contains(key));
        if !order.iter().eq(sorted) {
            let reason = format!("the keys of the section stand as {}", order.join(", "));
            let fix = "write `name`, `visible`, `data` in this order";
            findings.push(
                Finding::warning("section.order", file, reason, fix)
                    .pointer(text, &format!("/sections/{at}")),
            );
        }
    }
    findings
}

/// Phones and addresses of the shared file that another file writes again.
pub(super) fn facts(files: &BTreeMap<String, (String, Value)>) -> Vec<Finding> {
    let mut shared: BTreeMap<String, String> = BTreeMap::new();
    for (_, (_, value)) in files.iter().filter(|(file, _)| is_global(file)) {
        strings(value, "", &mut |pointer, text| {
            if is_fact(text) {
                shared.entry(text.trim().to_owned()).or_insert_with(|| pointer.to_owned());
            }
        });
    }
    let mut findings = Vec::new();
    for (file, (text, value)) in files.iter().filter(|(file, _)| !is_global(file)) {
        strings(value, "", &mut |pointer, said| {
            for (fact, home) in &shared {
                if said.contains(fact.as_str()) {
                    let reason = format!("`{fact}` stands in global.json already, at {home}");
                    let name = home.trim_start_matches('/').replace('/', ".");
                    let fix = format!("read it from there: {{{{ global.{name} }}}}");
                    findings.push(Finding::warning("fact.twice", file, reason, fix).pointer(text, pointer));
                }
            }
        });
    }
    findings
}

/// Whether a text is a phone or an address of mail: what changes in one place and must change everywhere.
fn is_fact(text: &str) -> bool {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let phone = digits >= 10 && text.chars().all(|c| c.is_ascii_digit() || " +-()\u{a0}".contains(c));
    let mail = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace) && !text.contains('{')
    });
    phone || mail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        for (name, made) in [
            ("cityName", "city_name"),
            ("faq-items", "faq_items"),
            ("URL", "url"),
            ("ogImage2x", "og_image2x"),
        ] {
            assert_eq!(snake(name), made);
        }
    }

    #[test]
    fn phones_and_mail_are_facts_and_prose_is_none() {
        assert!(is_fact("+7 (4822) 00-00-00") && is_fact("info@example.ru"));
        assert!(!is_fact("с 2009 года") && !is_fact("2009") && !is_fact("пишите @avtograd"));
    }
}
