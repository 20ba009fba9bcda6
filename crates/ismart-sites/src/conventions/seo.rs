//! What search engines and messengers show of a page is complete.

use std::collections::BTreeMap;

use serde_json::Value;

use super::page;
use crate::content::seo_file;
use crate::finding::Finding;
use crate::route::NOT_FOUND;
use crate::view::has_twig;

/// Longest title that search engines show.
const TITLE: usize = 70;
/// Shortest and longest description.
const DESCRIPTION: (usize, usize) = (50, 200);
/// What messengers need to show a link.
const CARD: &[&str] = &["og:title", "og:description", "og:image"];

pub(super) fn check(
    files: &BTreeMap<String, (String, Value)>,
    templates: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What the templates print on every page no page has to bring.
    let card: Vec<&str> =
        CARD.iter().copied().filter(|name| !templates.values().any(|text| text.contains(name))).collect();
    for (file, (_, value)) in files {
        let Some((language, id)) = page(file).filter(|(_, id)| *id != NOT_FOUND) else { continue };
        if value.get("sections").is_none() {
            continue;
        }
        let seo = seo_file(language, id);
        match files.get(&seo) {
            Some((text, value)) => findings.extend(complete(&seo, text, value, &card)),
            None => {
                let reason = format!("the page `{id}` has no SEO file");
                let fix = format!("add {seo} with `name`, `title` and `meta`");
                findings.push(Finding::warning("seo.missing", file, reason, fix));
            }
        }
    }
    findings
}

fn complete(file: &str, text: &str, value: &Value, card: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |pointer: &str, rule, reason: String, fix: &str| {
        findings.push(Finding::warning(rule, file, reason, fix).pointer(text, pointer));
    };
    if let Some(title) = value.get("title").and_then(Value::as_str).filter(|title| !has_twig(title)) {
        let length = title.chars().count();
        if length > TITLE {
            let reason = format!("the title has {length} characters, search engines show about 60");
            add("/title", "seo.length", reason, "say first what the page is about, and shorten the rest");
        }
    }
    let entries = value.get("meta").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of = |wanted: &str| {
        entries.iter().position(|entry| {
            let name = entry.get("name").or_else(|| entry.get("property")).and_then(Value::as_str);
            let content = entry.get("content").and_then(Value::as_str).unwrap_or("");
            name == Some(wanted) && !content.trim().is_empty()
        })
    };
    if let Some(at) = of("description") {
        let content = entries.get(at).and_then(|entry| entry.get("content")).and_then(Value::as_str);
        let length = content.filter(|content| !has_twig(content)).map(|content| content.chars().count());
        if let Some(length) = length.filter(|length| !(DESCRIPTION.0..=DESCRIPTION.1).contains(length)) {
            let reason = format!("the description has {length} characters");
            let fix = "one or two sentences: 50 to 160 characters";
            add(&format!("/meta/{at}/content"), "seo.length", reason, fix);
        }
    }
    let lacking: Vec<&str> = card.iter().copied().filter(|name| of(name).is_none()).collect();
    if !lacking.is_empty() && !entries.is_empty() {
        let reason = format!("a link to the page shows no card: {} missing", lacking.join(", "));
        add("/meta", "seo.card", reason, "add {\"property\": \"og:…\", \"content\": \"…\"} to `meta`");
    }
    findings
}
