//! What a site holds, for those who list it: pages, sections, entities, redirects.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::config::Collection;
use crate::content::{Entity, Language, page_file, seo_file};
use crate::json::text;
use crate::route::NOT_FOUND;
use crate::snapshot::Snapshot;

/// One page of one language.
#[derive(Debug, Clone)]
pub struct PageEntry<'s> {
    /// Language code.
    pub language: &'s str,
    /// Page id: the name of its file.
    pub id: &'s str,
    /// What people call it.
    pub title: &'s str,
    /// Its path on the site, percent-encoded; `None` for the page that is shown where there is none.
    pub path: Option<String>,
    /// Its file, relative to the site folder.
    pub file: String,
    /// The file's content.
    pub content: &'s Arc<Value>,
    /// The content of its SEO file, if it has one.
    pub seo: Option<&'s Arc<Value>>,
    /// Where its SEO file lies or would lie.
    pub seo_file: String,
}

/// One section of a page.
#[derive(Debug, Clone, Copy)]
pub struct SectionEntry<'s> {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its name, which is that of its template.
    pub name: &'s str,
    /// Whether visitors see it.
    pub visible: bool,
}

/// One visible entity of a collection.
#[derive(Debug, Clone)]
pub struct EntityEntry<'s> {
    /// Its slug.
    pub slug: &'s str,
    /// What people call it.
    pub title: &'s str,
    /// Its path on the site, percent-encoded.
    pub path: String,
    /// Its file, relative to the site folder; `None` when a feed brought it.
    pub file: Option<&'s str>,
    /// Everything that is known of it.
    pub content: &'s Arc<Value>,
    /// The part of `content` that holds its facts.
    pub item: &'s Value,
}

/// One rule of `config/redirects.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectRule {
    /// The old path, or its beginning, in lower case.
    pub from: String,
    /// The new path or address, or its beginning.
    pub to: String,
    /// Whether everything under `from` is meant.
    pub prefix: bool,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

impl<'s> PageEntry<'s> {
    /// The page's sections in their order, hidden ones included; those without a name are left out, as on the page.
    pub fn sections(&self) -> impl Iterator<Item = SectionEntry<'s>> + use<'s> {
        let sections = self.content.get("sections").and_then(Value::as_array).into_iter().flatten();
        sections.enumerate().filter_map(|(index, section)| {
            let visible = section.get("visible").is_none_or(|flag| !crate::content::is_empty(Some(flag)));
            Some(SectionEntry { index, name: text(section, "name")?, visible })
        })
    }
}

impl Snapshot {
    /// Every page of a language by id, error pages included; empty when the site has no such language.
    pub fn pages(&self, language: &str) -> impl Iterator<Item = PageEntry<'_>> {
        let found = self.content().languages.iter().find(|found| found.code == language);
        found.into_iter().flat_map(|language| {
            language.pages.iter().map(|(id, content)| self.page_entry(language, id, content))
        })
    }

    /// The page of this id.
    #[must_use]
    pub fn page_of(&self, language: &str, id: &str) -> Option<PageEntry<'_>> {
        let language = self.content().languages.iter().find(|found| found.code == language)?;
        let (id, content) = language.pages.get_key_value(id)?;
        Some(self.page_entry(language, id, content))
    }

    fn page_entry<'s>(
        &'s self,
        language: &'s Language,
        id: &'s str,
        content: &'s Arc<Value>,
    ) -> PageEntry<'s> {
        let seo = language.seo.get(id);
        let plain = |title: &&str| !title.contains("{{") && !title.contains("{%");
        let title = text(content, "title").or_else(|| seo.and_then(|seo| text(seo, "title")).filter(plain));
        let segment = self.config().segment_of(id);
        PageEntry {
            language: &language.code,
            id,
            title: title.or_else(|| text(content, "name")).unwrap_or(id),
            path: (id != NOT_FOUND).then(|| self.address(language, &format!("/{segment}"))),
            file: page_file(&language.code, id),
            content,
            seo,
            seo_file: seo_file(&language.code, id),
        }
    }

    /// The visible entities of a collection in their order; `None` when the language does not show the collection.
    #[must_use]
    pub fn entities(&self, language: &str, collection: &str) -> Option<Vec<EntityEntry<'_>>> {
        let language = self.content().languages.iter().find(|found| found.code == language)?;
        let collection = self.config().collections.get(collection)?;
        let all = &language.entities(&collection.key)?.all;
        Some(all.iter().map(|entity| self.entity_entry(language, collection, entity)).collect())
    }

    /// The visible entity of this slug.
    #[must_use]
    pub fn entity(&self, language: &str, collection: &str, slug: &str) -> Option<EntityEntry<'_>> {
        let language = self.content().languages.iter().find(|found| found.code == language)?;
        let collection = self.config().collections.get(collection)?;
        let entity = language.entities(&collection.key)?.get(slug)?;
        Some(self.entity_entry(language, collection, entity))
    }

    fn entity_entry<'s>(
        &'s self,
        language: &Language,
        collection: &Collection,
        entity: &'s Entity,
    ) -> EntityEntry<'s> {
        EntityEntry {
            slug: &entity.slug,
            title: entity.name(collection),
            path: self.address(language, &entity.path),
            file: entity.file.as_deref(),
            content: &entity.json,
            item: entity.item(collection),
        }
    }

    /// The files of content, and the templates, that name a path such as `data/img/a.jpg`; those beside pictures are
    /// left out.
    #[must_use]
    pub fn mentions(&self, path: &str) -> Vec<String> {
        let named = |value: &Value| {
            let mut found = false;
            crate::json::strings(value, "", &mut |_, text| found |= text.contains(path));
            found
        };
        let content = self.content().files.iter().filter(|(file, _)| !file.starts_with("data/img/"));
        let content = content.filter(|(_, value)| named(value)).map(|(file, _)| file.clone());
        let templates = self.templates().iter().filter(|(_, text)| text.contains(path));
        content.chain(templates.map(|(name, _)| format!("templates/{name}"))).collect()
    }

    /// The rules of `config/redirects.json` in their order.
    #[must_use]
    pub fn redirect_rules(&self) -> Vec<RedirectRule> {
        let told = |rule: &crate::redirects::Rule| RedirectRule {
            from: rule.from.clone(),
            to: rule.to.clone(),
            prefix: rule.prefix,
            status: rule.status,
        };
        self.redirects().rules.iter().map(told).collect()
    }
}

impl Snapshot {
    /// The rule of redirects that leads a request for `path`, as the address has it, to `location`; `None` when
    /// something else leads there, such as the policy of final slashes.
    #[must_use]
    pub fn rule_followed(&self, path: &str, location: &str) -> Option<RedirectRule> {
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let found = match &self.config().legacy {
            Some(policies) => {
                let find = |path| self.redirects().matching_exactly(path, policies.redirect_any_case);
                find(path).or_else(|| find(&decoded)).map(|(rule, _)| rule)
            }
            None => self.redirects().matching(&decoded),
        };
        let rule = found.filter(|rule| location.contains(rule.to.trim_end_matches('/')))?;
        let (from, to) = (rule.written().to_owned(), rule.to.clone());
        Some(RedirectRule { from, to, prefix: rule.prefix, status: rule.status })
    }
}

/// The pictures that content names, by their paths under `data/img`, each once.
#[must_use]
pub fn pictures_of(content: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    crate::json::strings(content, "", &mut |_, text| {
        let path = text.trim_start_matches('/').strip_prefix("data/img/");
        found.extend(path.filter(|path| !path.contains(['<', '{', ' '])).map(str::to_owned));
    });
    found
}
