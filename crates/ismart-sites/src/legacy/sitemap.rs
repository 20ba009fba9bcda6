//! `sitemap.xml`, as the PHP platform writes it.

use std::collections::HashSet;

use serde_json::Value;

use super::content;
use super::functions::city_slug;
use crate::config::{Legacy, SitemapList, TrailingSlash};
use crate::snapshot::Snapshot;

/// The sitemap under `base`: scheme and host.
pub(super) fn sitemap(site: &Snapshot, policies: &Legacy, base: &str) -> String {
    let codes = site.legacy_languages();
    let map = Map { site, policies, base, codes: &codes };
    let mut entries = map.pages();
    if policies.sitemap_entities {
        entries.extend(map.entities());
        entries.extend(map.lists());
        let mut seen = HashSet::new();
        entries.retain(|(address, _)| seen.insert(address.clone()));
    }
    write(&entries, policies.sitemap_entities)
}

/// An address and the same page in every language.
type Entry = (String, Vec<(String, String)>);

struct Map<'m> {
    site: &'m Snapshot,
    policies: &'m Legacy,
    base: &'m str,
    codes: &'m [String],
}

impl Map<'_> {
    fn address(&self, code: &str, segment: &str) -> String {
        let slash = self.site.config().trailing_slash == TrailingSlash::Always;
        let prefix = if self.codes.first().is_some_and(|first| first == code) {
            String::new()
        } else {
            format!("/{code}")
        };
        let end = if slash || (prefix.is_empty() && segment.is_empty()) { "/" } else { "" };
        if segment.is_empty() {
            format!("{}{prefix}{end}", self.base)
        } else {
            format!("{}{prefix}/{segment}{end}", self.base)
        }
    }

    fn entries(&self, segment: &str) -> Vec<Entry> {
        let all: Vec<(String, String)> =
            self.codes.iter().map(|code| (code.clone(), self.address(code, segment))).collect();
        all.iter().map(|(_, address)| (address.clone(), all.clone())).collect()
    }

    fn segment<'s>(&'s self, page_id: &'s str) -> &'s str {
        if page_id == "index" {
            return "";
        }
        let config = self.site.config();
        config.route_map.iter().rfind(|(_, id)| *id == page_id).map_or(page_id, |(slug, _)| slug.as_str())
    }

    fn pages(&self) -> Vec<Entry> {
        let pages = self.site.config().sitemap_pages.iter().flatten();
        pages.flat_map(|page| self.entries(self.segment(page))).collect()
    }

    fn entities(&self) -> Vec<Entry> {
        let code = self.codes.first().map_or("ru", String::as_str);
        let mut all = Vec::new();
        for collection in self.site.config().collections.values().filter(|c| c.sitemap) {
            let nav = collection.nav_slug.trim_matches('/');
            for slug in content::slugs(self.site, code, collection) {
                let slug = slug.trim_matches('/');
                if !nav.is_empty() && !slug.is_empty() {
                    all.extend(self.entries(&format!("{nav}/{slug}")));
                }
            }
        }
        all
    }

    fn lists(&self) -> Vec<Entry> {
        let code = self.codes.first().map_or("ru", String::as_str);
        let mut all = Vec::new();
        for (page, list) in &self.policies.sitemap_lists {
            let segment = self.segment(page);
            if segment.is_empty() {
                continue;
            }
            for slug in self.list_slugs(code, list) {
                all.extend(self.entries(&format!("{segment}/{slug}")));
            }
        }
        all
    }

    fn list_slugs(&self, code: &str, list: &SitemapList) -> Vec<String> {
        let items = content::page(self.site, code, &list.data_page).and_then(|page| page.get(&list.list_key));
        let mut slugs: Vec<String> = Vec::new();
        for item in items.and_then(Value::as_array).into_iter().flatten() {
            let Some(text) = item.as_str().or_else(|| item.get(&list.value_key)?.as_str()) else { continue };
            let slug = if list.raw { text.trim_matches('/').to_owned() } else { city_slug(text) };
            if !slug.is_empty() && !slugs.contains(&slug) {
                slugs.push(slug);
            }
        }
        slugs.sort();
        slugs
    }
}

fn write(entries: &[Entry], drop_single: bool) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n",
    );
    for (address, alternates) in entries {
        xml.push_str(&format!("  <url>\n    <loc>{}</loc>\n", escape(address)));
        for (code, href) in alternates.iter().filter(|_| !drop_single || alternates.len() > 1) {
            xml.push_str(&format!(
                "    <xhtml:link rel=\"alternate\" hreflang=\"{}\" href=\"{}\"/>\n",
                escape(code),
                escape(href)
            ));
        }
        xml.push_str("  </url>\n");
    }
    xml.push_str("</urlset>");
    xml
}

/// `htmlspecialchars` for XML, quotes of attributes left alone as PHP does with `ENT_XML1`.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
