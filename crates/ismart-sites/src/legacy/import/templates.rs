//! Templates that are included and were never written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use toml::{Table, Value as Toml};

use super::{Imported, Item};
use crate::files::walk;
use crate::finding::Finding;
use crate::json;

/// Counts pages and templates, finds files that do not parse, and names the templates that nobody wrote.
pub(super) fn look(root: &Path, table: &mut Table, imported: &mut Imported) {
    let mut findings = Vec::new();
    let mut templates: BTreeMap<String, String> = BTreeMap::new();
    for found in walk(root, "templates", &mut findings) {
        let name = found.path.trim_start_matches("templates/").to_owned();
        if let Ok(text) = std::fs::read_to_string(&found.disk) {
            templates.insert(name, text);
        }
    }
    let mut pages: BTreeMap<String, Value> = BTreeMap::new();
    for found in walk(root, "data", &mut findings).into_iter().filter(|found| found.path.ends_with(".json")) {
        let Ok(text) = std::fs::read_to_string(&found.disk) else { continue };
        match json::parse(&found.path, &text) {
            Ok(value) => {
                pages.insert(found.path, value);
            }
            Err(finding) => findings.push(*finding),
        }
    }
    let content = pages.keys().filter(|path| path.starts_with("data/json/")).count();
    imported.carried.push(Item::new("content", format!("{content} JSON files")));
    imported.carried.push(Item::new("templates", format!("{} files", templates.len())));
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in &templates {
        for included in includes(text) {
            if !templates.contains_key(&included) {
                missing.entry(included).or_default().insert(format!("templates/{name}"));
            }
        }
    }
    for (path, page) in &pages {
        json::strings(page, "", &mut |_, text| {
            for included in includes(text) {
                if !templates.contains_key(&included) {
                    missing.entry(included).or_default().insert(path.clone());
                }
            }
        });
    }
    vanishing(&pages, &templates, imported, &mut findings);
    if !missing.is_empty()
        && let Some(legacy) = table.get_mut("legacy").and_then(Toml::as_table_mut)
    {
        let names = missing.keys().cloned().map(Toml::String).collect();
        legacy.insert("empty_templates".to_owned(), Toml::Array(names));
    }
    for (name, places) in missing {
        let urls = if places.iter().any(|place| place.starts_with("templates/")) {
            vec!["*".to_owned()]
        } else {
            places.iter().filter_map(|place| page_url(place)).collect()
        };
        let places: Vec<String> = places.into_iter().collect();
        imported.mended.push(crate::config::Mend {
            id: format!("template-{}", name.replace(['/', '.'], "-")),
            what: format!(
                "`{name}` is included by {} and was never written: the page was a 500; it renders as nothing now",
                places.join(", ")
            ),
            urls,
        });
    }
    imported.findings.extend(findings);
}

/// The address of a page's file.
fn page_url(file: &str) -> Option<String> {
    let name = file.strip_prefix("data/json/")?.split_once("/pages/")?.1.strip_suffix(".json")?;
    Some(if name == "index" { "/".to_owned() } else { format!("/{name}*") })
}

/// Sections that no template shows: they vanish in silence, there as here.
fn vanishing(
    pages: &BTreeMap<String, Value>,
    templates: &BTreeMap<String, String>,
    imported: &mut Imported,
    findings: &mut Vec<Finding>,
) {
    let mut vanished: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, page) in pages.iter().filter(|(path, _)| path.contains("/pages/")) {
        let sections = page.get("sections").and_then(Value::as_array).into_iter().flatten();
        for section in sections.filter(|section| section.get("visible") != Some(&Value::Bool(false))) {
            let Some(name) = section.get("name").and_then(Value::as_str) else { continue };
            if !templates.contains_key(&format!("sections/{name}.twig")) {
                vanished.entry(name.to_owned()).or_default().push(path);
            }
        }
    }
    for (name, mut places) in vanished {
        places.dedup();
        imported.kept.push(Item::new(
            format!("section `{name}`"),
            format!("has no template and is not shown: {}", places.join(", ")),
        ));
        let legal = places.iter().find(|place| place.contains("/policy.") || place.contains("/agree."));
        if let Some(place) = legal {
            findings.push(Finding::warning(
                "section.template",
                *place,
                format!("a legal page has the section `{name}`, which is not shown"),
                format!(
                    "write templates/sections/{name}.twig, or rename the section to one that has a template"
                ),
            ));
        }
    }
}

/// Names that a template includes, imports or extends outright; those it may miss are left out.
fn includes(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, _) in text.match_indices(".twig") {
        let Some(quote) = text.get(at + 5..).and_then(|rest| rest.chars().next()) else { continue };
        if quote != '\'' && quote != '"' {
            continue;
        }
        let before = text.get(..at).unwrap_or("");
        let Some(open) = before.rfind(quote) else { continue };
        let name = before.get(open + 1..).unwrap_or("");
        let lead = before.get(..open).unwrap_or("").trim_end().trim_end_matches('(').trim_end();
        let word = lead.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        let rest: String = text.get(at + 6..).unwrap_or("").chars().take(40).collect();
        // `'sections/' ~ name ~ '.twig'` begins with the dot.
        let whole = !name.is_empty() && !name.contains(['\n', '{', '%', ' ']);
        let commented =
            before.rfind("{#").is_some_and(|open| !before.get(open..).unwrap_or("").contains("#}"));
        if whole
            && !commented
            && ["include", "import", "from", "extends", "embed"].contains(&word)
            && !rest.trim_start().starts_with("ignore missing")
        {
            all.push(format!("{name}.twig"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_must_exist() {
        let text = "{% extends 'base.twig' %}{% include 'a/b.twig' with {x: 1} %}{{ include(\"c.twig\") }}\
            {% include 'd.twig' ignore missing %}{% include 'sections/' ~ name ~ '.twig' %}\
            {# {% include 'e.twig' %} #}{% from 'f.twig' import g %}{% set x = 'h.twig' %}";
        assert_eq!(includes(text), ["base.twig", "a/b.twig", "c.twig", "f.twig"]);
    }
}
