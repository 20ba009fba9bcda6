//! Titles and meta of entities, the sitemap and robots.txt.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::config::Collection;
use crate::content::{Entity, Language};
use crate::json::{absolute, text};
use crate::snapshot::Snapshot;

/// The SEO of an entity that no SEO file describes; the shape is that of a SEO file.
pub(crate) fn entity_seo(
    site: &Snapshot,
    language: &Language,
    collection: &Collection,
    entity: &Entity,
    base_url: &str,
) -> Value {
    let item = entity.item(collection);
    let either = |key: &str| text(item, key).or_else(|| text(&entity.json, key));
    let site_name = collection.site_name.as_deref().unwrap_or(&site.config().name);
    let name = entity.name(collection);
    let title = either("metaTitle").map_or_else(|| format!("{name} — {site_name}"), str::to_owned);
    let mut meta = Vec::new();
    let mut named = |key: &str, name: &str, content: String| {
        let mut entry = serde_json::Map::new();
        entry.insert(key.to_owned(), name.into());
        entry.insert("content".to_owned(), content.into());
        meta.push(Value::Object(entry));
    };
    let description = description(item).or_else(|| description(&entity.json)).unwrap_or_default();
    named("name", "description", description.clone());
    if !collection.sitemap {
        named("name", "robots", "noindex, nofollow".to_owned());
    }
    named("property", "og:url", format!("{base_url}{}", site.address(language, &entity.path)));
    named("property", "og:type", collection.og_type.clone());
    named("property", "og:title", title.clone());
    named("property", "og:description", description);
    named("property", "og:site_name", site_name.to_owned());
    let picture = picture(item).or_else(|| picture(&entity.json)).or(collection.fallback_og_image.as_deref());
    if let Some(picture) = picture
        && let Value::String(picture) = absolute(&Value::from(picture), base_url)
    {
        named("property", "og:image", picture);
    }
    json!({"title": title, "meta": meta, "json_ld": null, "json_ld_faq": null})
}

fn description(item: &Value) -> Option<String> {
    let found = ["metaDescription", "desc", "lead", "description", "text"].iter().find_map(|key| {
        let value = item.get(key)?;
        value.as_str().or_else(|| text(value, "short")).or_else(|| text(value, "full"))
    })?;
    Some(plain(found, 300)).filter(|text| !text.is_empty())
}

/// Text without tags, spaces joined, cut between words at `limit` characters.
fn plain(html: &str, limit: usize) -> String {
    let mut inside = false;
    let bare: String = html
        .chars()
        .map(|c| match c {
            '<' => {
                inside = true;
                ' '
            }
            '>' if inside => {
                inside = false;
                ' '
            }
            _ if inside => ' ',
            other => other,
        })
        .collect();
    let mut result = String::new();
    let mut length = 0;
    for word in bare.split_whitespace() {
        length += word.chars().count() + 1;
        if length > limit {
            result.push('…');
            break;
        }
        if !result.is_empty() {
            result.push(' ');
        }
        result.push_str(word);
    }
    result
}

fn picture(item: &Value) -> Option<&str> {
    let source = |value: &'_ Value| -> Option<String> { Some(picture_source(value)?.to_owned()) };
    let key = ["og_image", "cover", "image", "images", "photo", "photos", "gallery"]
        .into_iter()
        .find(|key| item.get(key).and_then(source).is_some())?;
    picture_source(item.get(key)?)
}

fn picture_source(value: &Value) -> Option<&str> {
    match value {
        Value::String(path) => Some(path.as_str()).filter(|path| !path.is_empty()),
        Value::Array(items) => picture_source(items.first()?),
        Value::Object(map) => ["src", "url", "raw"].iter().find_map(|key| picture_source(map.get(*key)?)),
        _ => None,
    }
}

impl Snapshot {
    /// The addresses of the sitemap in order: path without base, and the language of each.
    #[must_use]
    pub fn sitemap_entries(&self) -> Vec<Vec<(String, String)>> {
        let config = self.config();
        let languages = &self.content().languages;
        let Some(first) = languages.first() else { return Vec::new() };
        let all: Vec<String> =
            first.pages.keys().filter(|id| *id != crate::route::NOT_FOUND).cloned().collect();
        let mut groups = Vec::new();
        for page in config.sitemap_pages.as_ref().unwrap_or(&all) {
            let path = format!("/{}", config.segment_of(page));
            let has = |l: &&Language| l.pages.contains_key(page);
            groups.push(self.group(languages.iter().filter(has), &path));
        }
        for collection in config.collections.values().filter(|collection| collection.sitemap) {
            let slugs = languages.iter().filter_map(|l| l.entities(&collection.key));
            let mut seen = HashSet::new();
            for entity in slugs.flat_map(|entities| &entities.all) {
                if seen.insert(entity.slug.as_str()) {
                    let has = |l: &&Language| {
                        l.entities(&collection.key).is_some_and(|e| e.get(&entity.slug).is_some())
                    };
                    groups.push(self.group(languages.iter().filter(has), &entity.path));
                }
            }
        }
        let mut seen = HashSet::new();
        groups.retain(|group: &Vec<(String, String)>| {
            group.first().is_some_and(|(_, path)| seen.insert(path.clone()))
        });
        groups
    }

    fn group<'s>(&self, languages: impl Iterator<Item = &'s Language>, path: &str) -> Vec<(String, String)> {
        languages.map(|language| (language.code.clone(), self.address(language, path))).collect()
    }

    /// `sitemap.xml` under `base_url`.
    pub(crate) fn sitemap(&self, base_url: &str) -> String {
        let many = self.content().languages.len() > 1;
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"",
        );
        if many {
            xml.push_str(" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\"");
        }
        xml.push_str(">\n");
        let base = escape(base_url);
        for group in self.sitemap_entries() {
            for (_, path) in &group {
                let mut entry = format!("  <url>\n    <loc>{base}{}</loc>\n", escape(path));
                for (language, path) in group.iter().filter(|_| many) {
                    let line = writeln!(
                        entry,
                        "    <xhtml:link rel=\"alternate\" hreflang=\"{language}\" href=\"{base}{}\"/>",
                        escape(path)
                    );
                    debug_assert!(line.is_ok(), "writing to a string cannot fail");
                }
                xml.push_str(&entry);
                xml.push_str("  </url>\n");
            }
        }
        xml.push_str("</urlset>");
        xml
    }

    /// `robots.txt` of a site that has none of its own.
    pub(crate) fn robots(&self, base_url: &str, hidden: bool) -> String {
        if hidden {
            return "User-agent: *\nDisallow: /\n".to_owned();
        }
        format!("User-agent: *\nAllow: /\n\nSitemap: {base_url}/sitemap.xml\n")
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_plain_and_short() {
        assert_eq!(plain("<p>Тёплый  <b>салон</b></p>", 100), "Тёплый салон");
        assert_eq!(plain("один два три", 9), "один два…");
    }

    #[test]
    fn pictures_are_found_in_every_shape() {
        assert_eq!(picture(&json!({"cover": {"src": "data/a"}})), Some("data/a"));
        assert_eq!(picture(&json!({"cover": "", "images": [{"url": "data/b"}]})), Some("data/b"));
        assert_eq!(picture(&json!({"photos": ["c"]})), Some("c"));
        assert_eq!(picture(&json!({"photos": []})), None);
    }
}
