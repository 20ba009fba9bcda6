//! Finds what would disappoint visitors and search engines, before they do.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use crate::config::{CollectionSource, SITE_TOML};
use crate::content::{GLOBAL, Language, is_empty, listed_slugs, page_file};
use crate::finding::Finding;
use crate::json::{child, data_path, strings, text};
use crate::redirects::REDIRECTS;
use crate::render::page_template;
use crate::route::NOT_FOUND;
use crate::snapshot::{Resolution, Snapshot};

mod html;
mod pages;

pub(crate) use html::tags;

/// Checks a site: templates, sections, pictures, collections, redirects, then every page rendered once, with
/// its links, title and description. `now` is the instant that templates see.
///
/// Findings are in a stable order: by file, then by place.
#[must_use]
pub fn check(site: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let mut checker = Checker {
        site,
        findings: site.template_faults().iter().chain(site.broken_files()).cloned().collect(),
        texts: HashMap::new(),
    };
    checker.files();
    for language in &site.content().languages {
        checker.language(language);
    }
    checker.configuration();
    checker.redirects();
    checker.pages(now);
    checker.findings.extend(site.core_findings(site.today(now)));
    let mut findings = checker.findings;
    findings.sort_by(|a, b| {
        (&a.file, a.position, a.rule, &a.reason).cmp(&(&b.file, b.position, b.rule, &b.reason))
    });
    findings.dedup();
    findings
}

struct Checker<'s> {
    site: &'s Snapshot,
    findings: Vec<Finding>,
    /// Texts of files that have been pointed into.
    texts: HashMap<String, String>,
}

impl Checker<'_> {
    /// The text of a file as it is on disk; empty when it is gone.
    fn text(&mut self, file: &str) -> &str {
        let root = self.site.root();
        self.texts
            .entry(file.to_owned())
            .or_insert_with(|| std::fs::read_to_string(root.join(file)).unwrap_or_default())
    }

    fn add_at(&mut self, finding: Finding, pointer: &str) {
        let file = finding.file.clone();
        let text = self.text(&file);
        let placed = finding.pointer(text, pointer);
        self.findings.push(placed);
    }

    /// Points at the first place where `word` stands in the configuration.
    fn add_config(&mut self, finding: Finding, word: &str) {
        let text = self.text(SITE_TOML);
        let placed = match text.find(word) {
            Some(at) => {
                let position = crate::finding::Position::of_offset(text, at);
                finding.at(text, position)
            }
            None => finding,
        };
        self.findings.push(placed);
    }

    /// Every string of every JSON file that names a file under `data/`.
    fn files(&mut self) {
        let mut missing = Vec::new();
        for (file, value) in &self.site.content().files {
            strings(value, "", &mut |pointer, text| {
                let Some(path) = data_path(text) else { return };
                let path = path.split(['?', '#']).next().unwrap_or(path);
                let json = self.site.content().files.contains_key(path);
                let known = self.site.files().get(&format!("/{path}")).is_some();
                // Twig inside a path is known only when the page is rendered.
                if !json && !known && !crate::view::has_twig(text) {
                    missing.push((file.clone(), pointer.to_owned(), path.to_owned()));
                }
            });
        }
        for (file, pointer, path) in missing {
            let reason = format!("the file `{path}` does not exist");
            let fix = "add the file, or mend the path (letters must match exactly)";
            self.add_at(Finding::error("file.missing", file, reason, fix), &pointer);
        }
    }

    fn language(&mut self, language: &Language) {
        for (id, page) in &language.pages {
            self.page_shape(language, id, page);
        }
        let default = self.site.content().default_language().is_some_and(|l| l.code == language.code);
        if default
            && !language.pages.contains_key(NOT_FOUND)
            && !self.site.templates().contains_key("errors/http.twig")
        {
            self.findings.push(Finding::warning(
                "page.not_found",
                page_file(&language.code, NOT_FOUND),
                "the site has no page for addresses that do not exist",
                "add the page 404, or templates/errors/http.twig",
            ));
        }
        for collection in self.site.config().collections.values() {
            if collection.source == CollectionSource::Json {
                self.collection(language, &collection.key);
            }
        }
    }

    fn page_shape(&mut self, language: &Language, id: &str, page: &Value) {
        let file = page_file(&language.code, id);
        let Some(sections) = page.get("sections") else {
            let collections = self.site.config().collections.values();
            let lists_slugs = collections.into_iter().any(|c| c.slugs_page == id);
            if !lists_slugs {
                let fix = "add \"sections\": [ … ] with the parts of the page in order";
                self.add_at(Finding::error("page.sections", file, "the page has no `sections`", fix), "");
            }
            return;
        };
        let Some(sections) = sections.as_array() else {
            let finding = Finding::error(
                "page.sections",
                file,
                "`sections` is not a list",
                "write [ … ] around the sections",
            );
            self.add_at(finding, "/sections");
            return;
        };
        // A site with a template for each page need not have one for each section.
        let generic = page_template(self.site, id) == crate::render::PAGE_TEMPLATE;
        for (index, section) in sections.iter().enumerate() {
            let pointer = format!("/sections/{index}");
            let Some(name) = text(section, "name") else {
                let fix = "give the section the name of a template in templates/sections";
                self.add_at(
                    Finding::error("section.name", &file, "the section has no `name`", fix),
                    &pointer,
                );
                continue;
            };
            let hidden = section.get("visible") == Some(&Value::Bool(false));
            let template = format!("sections/{name}.twig");
            if generic && !hidden && !self.site.templates().contains_key(&template) {
                let reason = format!("the section `{name}` has no template and is not shown");
                let fix = format!("add templates/{template}, or hide the section with \"visible\": false");
                self.add_at(Finding::error("section.template", &file, reason, fix), &child(&pointer, "name"));
            }
            if let Some(key) = section.pointer("/data/items_from").and_then(Value::as_str)
                && !self.site.config().collections.contains_key(key)
            {
                let reason = format!("there is no collection `{key}`");
                let known: Vec<&str> = self.site.config().collections.keys().map(String::as_str).collect();
                let fix = format!("use one of: {}", known.join(", "));
                let finding = Finding::error("section.items_from", &file, reason, fix);
                self.add_at(finding, &format!("{pointer}/data/items_from"));
            }
        }
    }

    fn collection(&mut self, language: &Language, key: &str) {
        let Some(collection) = self.site.config().collections.get(key) else { return };
        let prefix = format!("data/json/{}/{}/", language.code, collection.data_dir);
        let files = &self.site.content().files;
        let slugs = listed_slugs(collection, language);
        let mut seen = BTreeSet::new();
        for slug in slugs.iter().flatten() {
            let file = format!("{prefix}{slug}.json");
            if !seen.insert(slug.clone()) {
                let page = page_file(&language.code, &collection.slugs_page);
                let reason = format!("the slug `{slug}` is listed twice");
                self.findings.push(Finding::warning(
                    "collection.slug_twice",
                    page,
                    reason,
                    "remove one of them",
                ));
            } else if !files.contains_key(&file) {
                let reason = format!("the list of `{key}` names `{slug}`, but this file does not exist");
                let fix = "add the file, or take the slug off the list";
                self.findings.push(Finding::error("collection.slug_missing", file, reason, fix));
            }
        }
        let own = files.iter().filter(|(path, _)| path.starts_with(&prefix));
        for (file, value) in own {
            let slug = file.strip_prefix(&prefix).and_then(|name| name.strip_suffix(".json")).unwrap_or("");
            if slugs.is_some() && !seen.contains(slug) {
                let reason = format!("no list of `{key}` names this file: nobody can see it");
                let fix = format!("add \"{slug}\" to the items of the list, or remove the file");
                self.findings.push(Finding::warning("collection.unlisted", file, reason, fix));
            }
            if let Some(other) = text(value, "slug").filter(|other| *other != slug) {
                let reason = format!("the slug is `{other}`, but the file is named `{slug}`");
                let fix = "make both the same: the address is taken from the file name";
                self.add_at(Finding::error("collection.slug_differs", file, reason, fix), "/slug");
            }
            if let Some(item) = collection.item_key.as_deref().filter(|item| is_empty(value.get(item))) {
                let reason = format!("the key `{item}` is missing or empty: the entity is not shown");
                let fix = format!("put the content under `{item}`, or set \"visible\": false");
                self.add_at(Finding::error("collection.item_key", file, reason, fix), "");
            }
        }
    }

    /// What `site.toml` names must exist.
    fn configuration(&mut self) {
        let config = self.site.config();
        let Some(language) = self.site.content().default_language() else { return };
        let page = |id: &str| language.pages.contains_key(id);
        let mut missing: Vec<(String, &str)> = Vec::new();
        for (slug, id) in config.route_map.iter().filter(|(_, id)| !page(id)) {
            missing.push((format!("route_map sends `{slug}` to the page `{id}`"), id));
        }
        for id in config.sitemap_pages.iter().flatten().filter(|id| !page(id)) {
            missing.push((format!("sitemap_pages names the page `{id}`"), id));
        }
        for collection in config.collections.values().filter(|c| !page(&c.list_page_id)) {
            missing.push((
                format!("[collections.{}] lists on `{}`", collection.key, collection.list_page_id),
                &collection.list_page_id,
            ));
        }
        for (reason, id) in missing {
            let file = page_file(&language.code, id);
            let reason = format!("{reason}, but {file} does not exist");
            self.add_config(
                Finding::error("config.page", SITE_TOML, reason, "add the file or mend the name"),
                id,
            );
        }
        for collection in config.collections.values() {
            if !self.site.templates().contains_key(&collection.template) {
                let reason = format!(
                    "[collections.{}] uses templates/{}, which does not exist",
                    collection.key, collection.template
                );
                let finding =
                    Finding::error("config.template", SITE_TOML, reason, "add the template or mend the name");
                self.add_config(finding, &collection.template);
            }
            if let Some(id) = collection.seo.as_deref().filter(|id| !language.seo.contains_key(*id)) {
                let reason = format!(
                    "[collections.{}] takes SEO from {}, which does not exist",
                    collection.key,
                    crate::content::seo_file(&language.code, id)
                );
                self.add_config(
                    Finding::error("config.seo", SITE_TOML, reason, "add the file or remove `seo`"),
                    id,
                );
            }
        }
    }

    fn redirects(&mut self) {
        let rules = &self.site.redirects().rules;
        for (index, rule) in rules.iter().enumerate() {
            let (from, to) = if rule.prefix { ("from_prefix", "to_prefix") } else { ("from", "to") };
            let shadowed = !rule.prefix
                && rules.iter().take(index).any(|earlier| {
                    earlier.from == rule.from || earlier.prefix && rule.from.starts_with(&earlier.from)
                });
            if shadowed {
                let finding = Finding::warning(
                    "redirect.shadowed",
                    REDIRECTS,
                    format!("an earlier rule already takes `{}`", rule.from),
                    "remove this rule or move it up",
                );
                self.add_at(finding, &format!("/{index}/{from}"));
            }
            let Some(path) =
                rule.to.split(['?', '#']).next().filter(|to| to.starts_with('/') && !rule.prefix)
            else {
                continue;
            };
            let finding = match self.site.resolve(path) {
                Resolution::Missing => Finding::error(
                    "redirect.dead",
                    REDIRECTS,
                    format!("`{path}` does not exist"),
                    "point the rule at a page that exists",
                ),
                Resolution::Redirect(next) if self.loops(path) => Finding::error(
                    "redirect.loop",
                    REDIRECTS,
                    format!("`{path}` leads on to `{next}` and so on without end"),
                    "point the rule at the final address",
                ),
                Resolution::Redirect(next) => Finding::warning(
                    "redirect.chain",
                    REDIRECTS,
                    format!("`{path}` leads on to `{next}`"),
                    "point the rule at the final address",
                ),
                _ => continue,
            };
            self.add_at(finding, &format!("/{index}/{to}"));
        }
    }

    /// Whether following redirects from `path` never ends.
    fn loops(&self, path: &str) -> bool {
        let mut path = path.to_owned();
        for _ in 0..20 {
            match self.site.resolve(path.split(['?', '#']).next().unwrap_or("/")) {
                Resolution::Redirect(next) if next.starts_with('/') => path = next,
                _ => return false,
            }
        }
        true
    }

    /// The JSON file and pointer of the string that stands for a link, looked for in `file`, then in the
    /// shared facts.
    fn origin(&self, file: &str, link: &str) -> Option<(String, String)> {
        for candidate in [file, GLOBAL] {
            let Some(value) = self.site.json(candidate) else { continue };
            let mut found = None;
            strings(value, "", &mut |pointer, text| {
                if found.is_none() && (text == link || text.trim_matches('/') == link.trim_matches('/')) {
                    found = Some(pointer.to_owned());
                }
            });
            if let Some(pointer) = found {
                return Some((candidate.to_owned(), pointer));
            }
        }
        None
    }
}
