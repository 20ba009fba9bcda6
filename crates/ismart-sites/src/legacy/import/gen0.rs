//! The oldest generation: page JSON merged with globals becomes pages with sections, branches become collections, the
//! Turbo feed becomes a file. Its templates are made by a build that the site folder does not hold, so plain ones are
//! written that show every section; a designer goes on from there.

mod turbo;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use toml::{Table, Value as Toml};

use super::super::content::cast;
use super::{Imported, Item};
use crate::config::Mend;
use crate::finding::Finding;
use crate::json;

/// What is read of an old site.
struct Old {
    global: Map<String, Value>,
    /// Page id → its JSON.
    pages: BTreeMap<String, Map<String, Value>>,
    branches: Vec<Map<String, Value>>,
    /// When the newest of its files changed, seconds since 1970.
    changed: i64,
}

/// Adds pages, collections and plain templates to what will be written.
pub(super) fn read(root: &Path, table: &mut Table, imported: &mut Imported) {
    // Settings and open folders are those of later generations.
    imported.carried.retain(|item| item.what == ".env");
    let old = old(root, imported);
    let host = table
        .get("hosts")
        .and_then(|hosts| hosts.get(0))
        .and_then(Toml::as_str)
        .unwrap_or("localhost")
        .to_owned();
    for key in ["duplicates", "redirect_query", "legacy", "settings"] {
        table.remove(key);
    }
    table.insert("trailing_slash".to_owned(), "always".into());
    let mut files = BTreeMap::new();
    let mut put = |path: String, value: &Value| {
        let mut text = serde_json::to_string_pretty(value).unwrap_or_default().replace("  ", "    ");
        text.push('\n');
        files.insert(path, text);
    };
    put("data/json/global.json".to_owned(), &global(&old));
    let mut sections: Vec<String> = Vec::new();
    for (id, page) in &old.pages {
        let all = page_sections(page, &old);
        sections.extend(all.iter().map(|section| cast(section.get("name"))));
        let title = without_city(&cast(page.get("title")));
        put(format!("data/json/ru/pages/{id}.json"), &json!({"name": id, "title": title, "sections": all}));
        put(format!("data/json/ru/seo/{id}.json"), &seo(page, without_city));
        put(format!("data/json/ru/seo/{id}-branch.json"), &seo(page, with_city));
    }
    let not_found = json!({"name": "404", "title": "Страница не найдена", "sections": []});
    put("data/json/ru/pages/404.json".to_owned(), &not_found);
    let slugs: Vec<String> = old.branches.iter().map(|branch| cast(branch.get("slug"))).collect();
    put(
        "data/json/ru/pages/branches.json".to_owned(),
        &json!({"name": "branches", "items": slugs, "sections": []}),
    );
    for branch in &old.branches {
        let mut entity = branch.clone();
        entity.insert("title".to_owned(), cast(branch.get("city")).into());
        put(format!("data/json/ru/branches/{}.json", cast(branch.get("slug"))), &Value::Object(entity));
    }
    imported
        .carried
        .push(Item::new("pages", format!("{}, sections merged with the shared ones", old.pages.len())));
    imported
        .carried
        .push(Item::new("branches", format!("{} at /{{branch}}/ and /promo/{{branch}}/", slugs.len())));
    collections(table, imported, old.pages.contains_key("promo"));
    templates(&sections, &mut files);
    if old.pages.contains_key("promo") {
        files.insert("public/turbo.xml".to_owned(), turbo::feed(&old, &format!("https://{host}")));
        imported.carried.push(Item::new("turbo.xml", "written as a file; import again after changes"));
    }
    notes(imported);
    imported.files = files;
}

fn notes(imported: &mut Imported) {
    let left = [
        (
            "templates",
            "they come from a build outside the site: plain ones show every section; put the design over them",
        ),
        ("form.php", "forms go to /api/send; its log of everything sent, phones included, is not kept"),
    ];
    imported.left.extend(left.map(|(what, why)| Item::new(what, why)));
    let mend = |id: &str, what: &str| Mend { id: id.to_owned(), what: what.to_owned(), urls: Vec::new() };
    imported
        .mended
        .push(mend("empty-404", "an unknown address answered 404 with an empty page; there is a page now"));
    imported
        .mended
        .push(mend("second-addresses", "extra segments behind a branch were ignored; they are 404 now"));
    imported
        .mended
        .push(mend("json-reader", "json.php gave any file under data/content to anybody; it is gone"));
}

fn old(root: &Path, imported: &mut Imported) -> Old {
    let mut changed = 0;
    let mut object = |file: &str, imported: &mut Imported| -> Map<String, Value> {
        let path = root.join("data/production").join(file);
        let name = format!("data/production/{file}");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                imported.findings.push(crate::files::unreadable(&name, &error));
                return Map::new();
            }
        };
        let age = std::fs::metadata(&path).and_then(|meta| meta.modified()).ok();
        let age = age.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        changed = changed.max(age.and_then(|age| i64::try_from(age.as_secs()).ok()).unwrap_or(0));
        match json::parse(&name, &text) {
            Ok(Value::Object(map)) => map,
            Ok(_) => {
                let finding =
                    Finding::error("page.sections", name, "the file is no object", "write { … } around it");
                imported.findings.push(finding);
                Map::new()
            }
            Err(finding) => {
                imported.findings.push(*finding);
                Map::new()
            }
        }
    };
    let global = object("global-production.json", imported);
    let mut pages = BTreeMap::new();
    for id in ["index", "promo"] {
        if root.join(format!("data/production/{id}-production.json")).is_file() {
            pages.insert(id.to_owned(), object(&format!("{id}-production.json"), imported));
        }
    }
    let own = pages.get("index").and_then(|page| page.get("globals")?.get("branches")).cloned();
    let listed = own.or_else(|| global.get("branches").cloned()).unwrap_or_default();
    let plain = |slug: &&str| {
        !slug.is_empty()
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
    };
    let mut branches = Vec::new();
    for slug in listed.as_array().into_iter().flatten().filter_map(Value::as_str).filter(plain) {
        if root.join(format!("data/production/branches/{slug}.json")).is_file() {
            let mut branch = object(&format!("branches/{slug}.json"), imported);
            if branch.get("visible") != Some(&Value::Bool(false)) && !branch.is_empty() {
                branch.entry("slug").or_insert_with(|| slug.into());
                branches.push(branch);
            }
        }
    }
    Old { global, pages, branches, changed }
}

/// What is shared by all pages, without the sections and the list of branches.
fn global(old: &Old) -> Value {
    let mut global = json!({"lang": [{"code": "ru", "title": "Русский", "direction": "ltr"}]});
    let own = old.pages.get("index").and_then(|page| page.get("globals")).and_then(Value::as_object);
    if let Some(map) = global.as_object_mut() {
        for (key, value) in old.global.iter().chain(own.into_iter().flatten()) {
            if !["sections", "branches", "emailRecipients"].contains(&key.as_str()) {
                map.insert(key.clone(), value.clone());
            }
        }
    }
    global
}

/// What an object has, and what another has over it; lists are replaced whole.
fn merged(base: &Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            let mut all = base.clone();
            for (key, value) in over {
                let value = match all.get(key) {
                    Some(known @ Value::Object(_)) if value.is_object() => merged(known, value),
                    _ => value.clone(),
                };
                all.insert(key.clone(), value);
            }
            Value::Object(all)
        }
        _ => over.clone(),
    }
}

/// A section of a page over the shared one of its name.
fn section(old: &Old, name: &str, own: &Value) -> Value {
    let shared =
        old.global.get("sections").and_then(|all| all.get(name)).cloned().unwrap_or_else(|| json!({}));
    merged(&shared, own)
}

/// The sections of both screens as ours.
fn page_sections(page: &Map<String, Value>, old: &Old) -> Vec<Value> {
    let screens = ["firstScreen", "secondaryScreen"].into_iter();
    let items = screens.filter_map(|screen| page.get(screen)?.as_array()).flatten();
    let one = |item: &Value| {
        let name = item.as_str().or_else(|| item.get("name")?.as_str())?.to_owned();
        let own = if item.is_object() { item.clone() } else { json!({}) };
        let mut data = section(old, &name, &own);
        if let Some(map) = data.as_object_mut() {
            map.remove("name");
        }
        Some(json!({"name": name, "visible": true, "data": data}))
    };
    items.filter_map(one).collect()
}

fn without_city(text: &str) -> String {
    text.replace("%city%", "").replace("%inCity%", "").replace("  ", " ").replace(" .", ".").trim().to_owned()
}

fn with_city(text: &str) -> String {
    text.replace("%city%", "{{ entity.city }}").replace("%inCity%", " в {{ entity.inName }}")
}

fn seo(page: &Map<String, Value>, fill: fn(&str) -> String) -> Value {
    let (title, description) = (fill(&cast(page.get("title"))), fill(&cast(page.get("description"))));
    json!({
        "title": title,
        "meta": [
            {"name": "description", "content": description},
            {"property": "og:type", "content": "website"},
            {"property": "og:title", "content": title},
            {"property": "og:description", "content": description},
        ],
    })
}

fn collections(table: &mut Table, imported: &mut Imported, promo: bool) {
    let collection = |pattern: &str, list: &str, seo: &str, template: &str| {
        let pairs = [
            ("data_dir", "branches"),
            ("entity_url_pattern", pattern),
            ("list_page_id", list),
            ("slugs_page", "branches"),
            ("template", template),
            ("extras_key", "branch"),
            ("seo", seo),
        ];
        Toml::Table(pairs.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
    };
    let mut all = Table::new();
    all.insert("branches".to_owned(), collection("/{slug}", "branches", "index-branch", "pages/branch.twig"));
    imported.order.push("branches".to_owned());
    if promo {
        let other = collection("/promo/{slug}", "promo", "promo-branch", "pages/promo-branch.twig");
        all.insert("promo".to_owned(), other);
        imported.order.push("promo".to_owned());
    }
    table.insert("collections".to_owned(), Toml::Table(all));
}

/// Plain templates: a page is its sections, a section its headings, texts and lists.
fn templates(sections: &[String], files: &mut BTreeMap<String, String>) {
    let mut put = |name: &str, text: &str| files.insert(format!("templates/{name}"), text.to_owned());
    put("base.twig", include_str!("gen0/base.twig"));
    put("pages/page.twig", include_str!("gen0/page.twig"));
    put("components/plain-section.twig", include_str!("gen0/plain-section.twig"));
    for (name, page) in [("branch", "index"), ("promo-branch", "promo")] {
        put(&format!("pages/{name}.twig"), &include_str!("gen0/branch.twig").replace("%page%", page));
    }
    for name in sections {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if plain && !name.is_empty() {
            put(&format!("sections/{name}.twig"), "{% include 'components/plain-section.twig' %}\n");
        }
    }
}
