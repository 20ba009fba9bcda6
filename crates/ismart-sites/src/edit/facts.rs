//! Facts of the business that a site says in several places, and whether all of them say the same.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::content::GLOBAL;
use crate::finding::Finding;
use crate::json::{child, strings};
use crate::snapshot::Snapshot;

/// One fact somewhere in the content.
struct Said {
    file: String,
    pointer: String,
    text: String,
}

/// Everything that contradicts `global.json`: phones and mail addresses that it does not know, in pages, SEO files and
/// JSON-LD.
pub(super) fn disagreements(site: &Snapshot) -> Vec<Finding> {
    let global = site.global();
    let mut phones: BTreeMap<String, String> = BTreeMap::new();
    let mut mails: BTreeMap<String, String> = BTreeMap::new();
    strings(global, "", &mut |_, text| {
        for phone in phones_in(text) {
            phones.entry(digits(&phone)).or_insert(phone);
        }
        for mail in mails_in(text) {
            mails.entry(mail.to_lowercase()).or_insert(mail);
        }
    });
    let mut findings = Vec::new();
    for said in told(site) {
        for phone in phones_in(&said.text) {
            if !phones.is_empty() && !phones.contains_key(&digits(&phone)) {
                findings.push(disagreement("phone", &phone, &said, phones.values()));
            }
        }
        for mail in mails_in(&said.text) {
            if !mails.is_empty() && !mails.contains_key(&mail.to_lowercase()) {
                findings.push(disagreement("mail address", &mail, &said, mails.values()));
            }
        }
    }
    findings.extend(structured(site));
    findings
}

fn disagreement<'k>(what: &str, text: &str, said: &Said, known: impl Iterator<Item = &'k String>) -> Finding {
    let known: Vec<&str> = known.map(String::as_str).take(4).collect();
    let mut finding = Finding::warning(
        "fact.disagrees",
        said.file.clone(),
        format!("the {what} {text} is not among those of global.json ({})", known.join(", ")),
        "write the right one, or add it to global.json if it is new",
    );
    finding.pointer = Some(said.pointer.clone());
    finding
}

/// Every text outside of global.json.
fn told(site: &Snapshot) -> Vec<Said> {
    let mut all = Vec::new();
    for (file, value) in site.content().files.iter().filter(|(file, _)| *file != GLOBAL) {
        strings(value, "", &mut |pointer, text| {
            all.push(Said { file: file.clone(), pointer: pointer.to_owned(), text: text.to_owned() });
        });
    }
    all
}

/// JSON-LD that names another phone, address or opening hours than `global.json` does under the same key.
fn structured(site: &Snapshot) -> Vec<Finding> {
    const KEYS: &[(&str, &[&str])] = &[
        ("telephone", &["phone", "telephone", "tel", "phone_e164"]),
        ("streetAddress", &["address", "street", "street_address", "streetAddress"]),
        ("openingHours", &["opening_hours", "hours", "schedule", "hours_text"]),
        ("email", &["email", "mail"]),
    ];
    let mut findings = Vec::new();
    for (file, value) in &site.content().files {
        let Some(structured) = value.get("json_ld") else { continue };
        let parsed: Value = match structured {
            Value::String(text) => match serde_json::from_str(text) {
                Ok(value) => value,
                Err(_) => continue,
            },
            other => other.clone(),
        };
        strings(&parsed, "", &mut |pointer, text| {
            let key = pointer.rsplit('/').next().unwrap_or("");
            let Some((_, names)) = KEYS.iter().find(|(name, _)| *name == key) else { return };
            if text.contains("{{") {
                return;
            }
            let mut known = Vec::new();
            strings(site.global(), "", &mut |pointer, text| {
                let own = pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or("");
                if names.contains(&own) {
                    known.push(text.to_owned());
                }
            });
            let alike = |other: &String| {
                let (a, b) = (folded(text), folded(other));
                a == b
                    || a.contains(&b)
                    || b.contains(&a)
                    || (digits(text).len() > 6 && digits(text) == digits(other))
            };
            if !known.is_empty() && !known.iter().any(alike) {
                let mut finding = Finding::warning(
                    "fact.json_ld",
                    file.clone(),
                    format!("JSON-LD says {key} `{text}`, global.json says `{}`", known.join("`, `")),
                    "make both the same: search engines believe JSON-LD, visitors the page",
                );
                finding.pointer = Some(child("", "json_ld"));
                findings.push(finding);
            }
        });
    }
    findings
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The last ten digits: `8 (4822) …` and `+7 4822 …` are one phone.
fn digits(text: &str) -> String {
    let all: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    all.iter().skip(all.len().saturating_sub(10)).collect()
}

/// Russian phone numbers in a text.
fn phones_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut count = 0;
    for c in text.chars().chain(['\n']) {
        let start = current.is_empty();
        let part = c.is_ascii_digit() || (start && c == '+') || (!start && " ()-\u{a0}–‑".contains(c));
        if part {
            current.push(c);
            count += usize::from(c.is_ascii_digit());
            continue;
        }
        let trimmed = current.trim_end_matches([' ', '-', '(', '\u{a0}', '–']).to_owned();
        let known = trimmed.starts_with("+7") || trimmed.starts_with("8 ") || trimmed.starts_with("8(");
        if count == 11 && known {
            found.push(trimmed);
        }
        current.clear();
        count = 0;
    }
    found
}

/// Addresses of mail in a text.
fn mails_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || "<>\"'(),;:".contains(c));
    let is_mail = |word: &&str| {
        word.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && host.chars().all(|c| c.is_alphanumeric() || ".-".contains(c))
        })
    };
    words.filter(is_mail).map(|word| word.trim_end_matches('.').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_found_however_they_are_written() {
        assert_eq!(
            phones_in("Звоните: +7 (4822) 00-00-01 или 8 800 000-00-02."),
            ["+7 (4822) 00-00-01", "8 800 000-00-02"]
        );
        assert_eq!(digits("+7 (4822) 00-00-01"), digits("8(4822)000001"));
        assert!(phones_in("Цена 1 250 000, год 2026, артикул 79998887766554").is_empty());
    }

    #[test]
    fn mail_is_found_in_running_text() {
        assert_eq!(mails_in("Пишите на info@dealer.example, ответим"), ["info@dealer.example"]);
        assert!(mails_in("a@b, @c.d и e@").is_empty());
    }
}
