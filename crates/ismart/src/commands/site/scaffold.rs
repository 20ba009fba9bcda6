//! The texts of scaffolds: what `ismart site add` writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ismart_sites::{SITE_TOML, SiteConfig};
use serde_json::{Value, json};

use super::text::json_text;
use crate::output::{Failed, Trouble};

const GLOBAL: &str = "data/json/global.json";

/// Files that will be written together, or not at all.
#[derive(Debug)]
pub(super) struct Draft {
    site: PathBuf,
    files: BTreeMap<String, String>,
    troubles: Vec<Trouble>,
}

impl Draft {
    pub(super) fn new(site: &Path) -> Self {
        Self { site: site.to_path_buf(), files: BTreeMap::new(), troubles: Vec::new() }
    }

    /// A file that must not be there yet.
    fn fresh(&mut self, path: String, text: String) {
        if self.site.join(&path).exists() {
            let place = self.site.join(&path).display().to_string();
            let repair = "choose another name; nothing is ever overwritten";
            self.troubles.push(Trouble::new(place, "is there already", repair));
        }
        self.files.insert(path, text);
    }

    /// A file that is there and changes.
    fn change(
        &mut self,
        path: &str,
        change: impl FnOnce(String) -> Result<String, String>,
    ) -> Result<(), Failed> {
        let place = self.site.join(path);
        let text = match self.files.remove(path) {
            Some(text) => text,
            None => std::fs::read_to_string(&place).map_err(|error| {
                Failed::one(
                    place.display().to_string(),
                    error.to_string(),
                    "`ismart check` says what is wrong",
                )
            })?,
        };
        let made = change(text).map_err(|reason| {
            Failed::one(place.display().to_string(), reason, "`ismart check` says what is wrong")
        })?;
        self.files.insert(path.to_owned(), made);
        Ok(())
    }

    fn change_json(&mut self, path: &str, change: impl FnOnce(&mut Value)) -> Result<(), Failed> {
        self.change(path, |text| {
            let mut value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            change(&mut value);
            Ok(json_text(&value))
        })
    }

    fn has(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.site.join(path).exists()
    }

    /// Writes all files; gives their paths.
    pub(super) fn write(self) -> Result<Vec<String>, Failed> {
        if !self.troubles.is_empty() {
            return Err(Failed(self.troubles));
        }
        for (path, text) in &self.files {
            let file = self.site.join(path);
            let failed = |error: std::io::Error| {
                Failed::one(file.display().to_string(), error.to_string(), "make the site's folder writable")
            };
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            std::fs::write(&file, text).map_err(failed)?;
        }
        Ok(self.files.into_keys().collect())
    }
}

/// Words of examples in a language; Russian for `ru`, English for all others.
struct Words {
    lead: &'static str,
    heading: &'static str,
    first: &'static str,
    second: &'static str,
    entity: &'static str,
    description: &'static str,
}

fn words(language: &str) -> Words {
    if language == "ru" {
        return Words {
            lead: "Одно предложение о том, что посетитель здесь найдёт.",
            heading: "Первый раздел",
            first: "Первый абзац: самое важное сразу.",
            second: "Второй абзац: подробности, условия, сроки.",
            entity: "Первый пример",
            description: "Одно-два предложения для поисковых систем: о чём страница и что на ней можно сделать.",
        };
    }
    Words {
        lead: "One sentence about what a visitor finds here.",
        heading: "The first part",
        first: "The first paragraph: what matters most comes at once.",
        second: "The second paragraph: details, conditions, dates.",
        entity: "The first example",
        description: "One or two sentences for search engines: what the page is about and what can be done on it.",
    }
}

/// A title in each language: the given one first, with the code where another would repeat it.
fn title_in(language: &str, first: bool, title: &str) -> String {
    if first { title.to_owned() } else { format!("{title} ({language})") }
}

fn section_entry(name: &str, data: &Value) -> Value {
    json!({ "name": name, "visible": true, "data": data })
}

fn seo(name: &str, title: &str, language: &str) -> String {
    let description = words(language).description;
    json_text(&json!({
        "name": name,
        "title": title,
        "meta": [{ "name": "description", "content": description },
            { "property": "og:title", "content": title },
            { "property": "og:description", "content": description }],
    }))
}

/// A template that shows `title` and `paragraphs`: used where the site has none that a page could begin with.
const PLAIN_SECTION: &str = "<section class=\"band wrap\">\n    <h2>{{ data.title }}</h2>\n    \
    {% for paragraph in data.paragraphs|default([]) %}\n    <p>{{ paragraph }}</p>\n    {% endfor %}\n</section>\n";

pub(super) fn page(
    draft: &mut Draft,
    config: &SiteConfig,
    languages: &[String],
    name: &str,
    title: &str,
) -> Result<(), Failed> {
    let head = draft.has("templates/sections/page-head.twig");
    if !draft.has("templates/sections/text.twig") {
        draft.fresh("templates/sections/text.twig".to_owned(), PLAIN_SECTION.to_owned());
    }
    for (at, language) in languages.iter().enumerate() {
        let said = words(language);
        let own = title_in(language, at == 0, title);
        let mut sections = Vec::new();
        if head {
            sections.push(section_entry("page-head", &json!({ "title": own, "text": said.lead })));
        }
        sections.push(section_entry(
            "text",
            &json!({ "title": said.heading, "paragraphs": [said.first, said.second] }),
        ));
        let page = json!({ "name": name, "title": own, "sections": sections });
        draft.fresh(format!("data/json/{language}/pages/{name}.json"), json_text(&page));
        draft.fresh(format!("data/json/{language}/seo/{name}.json"), seo(name, &own, language));
    }
    listed(draft, config, name)
}

/// Puts a page into `sitemap_pages`, where the site has such a list.
fn listed(draft: &mut Draft, config: &SiteConfig, page: &str) -> Result<(), Failed> {
    if config.sitemap_pages.is_none() {
        return Ok(());
    }
    draft.change(SITE_TOML, |text| {
        let from = text.find("sitemap_pages").ok_or("sitemap_pages cannot be found")?;
        let close =
            text.get(from..).and_then(|rest| rest.find(']')).ok_or("sitemap_pages does not end")? + from;
        let (before, after) = text.split_at_checked(close).ok_or("sitemap_pages does not end")?;
        let bare = before.trim_end();
        let comma = if bare.ends_with([',', '[']) { "" } else { "," };
        let many = before.ends_with('\n');
        let entry = if many { format!("{comma}\n    \"{page}\",\n") } else { format!("{comma} \"{page}\"") };
        Ok(format!("{bare}{entry}{after}"))
    })
}

pub(super) fn collection(
    draft: &mut Draft,
    config: &SiteConfig,
    languages: &[String],
    name: &str,
    title: &str,
) -> Result<(), Failed> {
    let list = format!("{name}-list");
    if config.collections.contains_key(name) {
        let repair = "choose another name; nothing is ever overwritten";
        draft.troubles.push(Trouble::new(
            SITE_TOML,
            format!("[collections.{name}] is there already"),
            repair,
        ));
    }
    let head = draft.has("templates/sections/page-head.twig");
    for (at, language) in languages.iter().enumerate() {
        let said = words(language);
        let own = title_in(language, at == 0, title);
        let mut sections = Vec::new();
        if head {
            sections.push(section_entry("page-head", &json!({ "title": own, "text": said.lead })));
        }
        sections.push(section_entry(name, &json!({ "items": [] })));
        let page = json!({ "name": list, "title": own, "sections": sections });
        draft.fresh(format!("data/json/{language}/pages/{list}.json"), json_text(&page));
        draft.fresh(format!("data/json/{language}/seo/{list}.json"), seo(&list, &own, language));
        let entity = json!({
            "item": { "slug": "example", "visible": true, "title": said.entity, "desc": said.lead,
                "body": [said.first, said.second] },
            "seo": { "title": format!("{} — {own}", said.entity),
                "meta": [{ "name": "description", "content": said.description }] },
        });
        draft.fresh(format!("data/json/{language}/{name}/example.json"), json_text(&entity));
    }
    let card = "<section class=\"band wrap\">\n    <ul class=\"tiles\">\n        {% for item in data.items|default([]) %}\n        \
        <li class=\"tile\">\n            <h2><a href=\"{{ url(item.href) }}\">{{ item.title }}</a></h2>\n            \
        <p>{{ item.desc }}</p>\n        </li>\n        {% endfor %}\n    </ul>\n</section>\n";
    draft.fresh(format!("templates/sections/{name}.twig"), card.to_owned());
    let whole = "{% extends 'base.twig' %}\n{% block content %}\n{% set item = entity.item %}\n\
        <article class=\"band wrap prose\">\n    <h1>{{ item.title }}</h1>\n    <p>{{ item.desc }}</p>\n    \
        {% for paragraph in item.body|default([]) %}\n    <p>{{ paragraph }}</p>\n    {% endfor %}\n</article>\n{% endblock %}\n";
    draft.fresh(format!("templates/pages/{name}-one.twig"), whole.to_owned());
    listed(draft, config, &list)?;
    draft.change(SITE_TOML, |text| Ok(configured(&text, name, &list)))
}

/// `site.toml` with the route and the section of a collection.
fn configured(text: &str, name: &str, list: &str) -> String {
    let route = format!("{name} = \"{list}\"\n");
    let mut made = String::with_capacity(text.len() + 300);
    let mut routed = false;
    for line in text.split_inclusive('\n') {
        made.push_str(line);
        if line.trim() == "[route_map]" {
            made.push_str(&route);
            routed = true;
        }
    }
    if !made.ends_with('\n') {
        made.push('\n');
    }
    if !routed {
        made.push_str(&format!("\n# URL slug -> page id, where they differ\n[route_map]\n{route}"));
    }
    made.push_str(&format!(
        "\n[collections.{name}]\nnav_slug = \"{name}\"\nlist_page_id = \"{list}\"\nitem_key = \"item\"\n\
         extras_key = \"item\"\ntemplate = \"pages/{name}-one.twig\"\nog_type = \"article\"\n"
    ));
    made
}

fn example_data(language: &str) -> Value {
    let said = words(language);
    json!({ "title": said.heading, "paragraphs": [said.first, said.second] })
}

pub(super) fn section(
    draft: &mut Draft,
    languages: &[String],
    name: &str,
    page: Option<&str>,
) -> Result<(), Failed> {
    draft.fresh(format!("templates/sections/{name}.twig"), PLAIN_SECTION.to_owned());
    let Some(page) = page else { return Ok(()) };
    let mut found = false;
    for language in languages {
        let path = format!("data/json/{language}/pages/{page}.json");
        if !draft.has(&path) {
            continue;
        }
        found = true;
        draft.change_json(&path, |value| {
            if let Some(sections) = value.get_mut("sections").and_then(Value::as_array_mut) {
                sections.push(section_entry(name, &example_data(language)));
            }
        })?;
    }
    if found {
        return Ok(());
    }
    let reason = format!("there is no page `{page}`");
    Err(Failed::one("--page", reason, "name a file of data/json/…/pages without its ending"))
}

/// The section as pages hold it, one example a language.
pub(super) fn section_examples(languages: &[String], name: &str) -> String {
    let example = |language: &String| json_text(&section_entry(name, &example_data(language)));
    languages.iter().map(example).collect()
}

pub(super) fn component(draft: &mut Draft, name: &str) -> Result<(), Failed> {
    let text = "<div class=\"panel\">\n    <p>{{ text }}</p>\n</div>\n";
    draft.fresh(format!("templates/components/{name}.twig"), text.to_owned());
    Ok(())
}

pub(super) fn component_example(name: &str) -> String {
    format!("{{% include 'components/{name}.twig' with {{'text': data.text}} %}}\n")
}

fn nav_entry(language: &str, first: bool, name: &str, title: &str) -> Value {
    let prefix = if first { String::new() } else { format!("/{language}") };
    json!({ "title": title_in(language, first, title), "href": format!("{prefix}/{name}") })
}

/// The entries of the navigation, one a language.
pub(super) fn nav_entries(languages: &[String], name: &str, title: &str) -> String {
    let entry = |(at, language): (usize, &String)| json_text(&nav_entry(language, at == 0, name, title));
    languages.iter().enumerate().map(entry).collect()
}

pub(super) fn nav(draft: &mut Draft, languages: &[String], name: &str, title: &str) -> Result<(), Failed> {
    draft.change_json(GLOBAL, |global| {
        for (at, language) in languages.iter().enumerate() {
            let items = global.pointer_mut(&format!("/nav/{language}/items")).and_then(Value::as_array_mut);
            if let Some(items) = items {
                items.push(nav_entry(language, at == 0, name, title));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_configured_whatever_stood_before() {
        for text in [
            "client = \"a\"\n[route_map]\nx = \"y\"\n",
            "client = \"a\"",
            "client = \"a\"\n[worker]\npackage = \"p\"\n",
        ] {
            let table: toml::Table = configured(text, "news", "news-list").parse().unwrap();
            assert_eq!(table["route_map"]["news"].as_str(), Some("news-list"), "{text}");
            assert_eq!(table["collections"]["news"]["nav_slug"].as_str(), Some("news"), "{text}");
            assert_eq!(table["client"].as_str(), Some("a"));
        }
    }
}
