//! `config/site.toml`: what a site says about itself, every key checked.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::civil::Date;
use serde_json::Value;

use crate::core::{CoreChoice, Override};
use crate::finding::{Finding, Position};

mod legacy;
mod reader;

pub use legacy::{
    Builder, Fill, Fonts, Legacy, LegacyCollection, ListParams, Mend, Methods, Place, SitemapList, Variables,
};
use reader::Reader;

/// The file, relative to the site folder.
pub const SITE_TOML: &str = "config/site.toml";

/// Sections of `site.toml` that other parts of the platform own; they are handed on as they are.
pub const OWNED_ELSEWHERE: &[&str] = &[
    "captcha",
    "chat",
    "delivery",
    "forms",
    "inventory",
    "leads",
    "payment",
    "pilot",
    "test_drive",
    "worker",
];

/// What to do with a final slash in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailingSlash {
    /// `/contacts/` answers 301 to `/contacts`.
    #[default]
    Never,
    /// `/contacts` answers 301 to `/contacts/`; names with a dot are left alone.
    Always,
    /// Both are served.
    AsIs,
}

/// What to do with a second address of the same page (`/index`, `/ru/…` of the default language).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// 301 to the one canonical address.
    #[default]
    Redirect,
    /// 200, as the PHP platform does.
    Serve,
}

/// Where the entities of a collection come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CollectionSource {
    /// One JSON file an entity in `data/json/{lang}/{data_dir}`.
    #[default]
    Json,
    /// The caller hands them over when the site is loaded.
    Feed,
}

/// `[collections.<key>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The name of the collection.
    pub key: String,
    /// Where the entities come from.
    pub source: CollectionSource,
    /// The folder of the entities under `data/json/{lang}`.
    pub data_dir: String,
    /// The key of an entity that holds its content; `None` when the entity is its own content.
    pub item_key: Option<String>,
    /// The first segment of the addresses of the list and of the entities.
    pub nav_slug: String,
    /// The page that lists the collection.
    pub list_page_id: String,
    /// The key of the page `slugs_page` that lists the slugs.
    pub slugs_source: String,
    /// The page whose JSON lists the slugs.
    pub slugs_page: String,
    /// The template of one entity.
    pub template: String,
    /// The name under which templates see the entity, beside `entity`.
    pub extras_key: String,
    /// `og:type` of entities.
    pub og_type: String,
    /// The address of an entity: `{nav_slug}` and `{slug}` are replaced.
    pub entity_url_pattern: String,
    /// The name of the site in titles and `og:site_name` of entities.
    pub site_name: Option<String>,
    /// `og:image` of entities that have no picture.
    pub fallback_og_image: Option<String>,
    /// The id of a SEO file whose Twig strings are rendered for each entity.
    pub seo: Option<String>,
    /// Whether entities are in the sitemap; when not, they are also marked noindex.
    pub sitemap: bool,
}

/// `config/site.toml`, checked and with defaults filled in.
#[derive(Debug, Clone)]
pub struct SiteConfig {
    /// The key of the client who owns the site.
    pub client: String,
    /// The key of the site; the name of its folder unless set.
    pub site: String,
    /// The name people know.
    pub name: String,
    /// Host names the site answers to, lower case, without port.
    pub hosts: Vec<String>,
    /// The IANA time zone of the business.
    pub time_zone: String,
    /// Language of addresses without a prefix; the first of `global.json → lang` unless set.
    pub default_language: Option<String>,
    /// What to do with a final slash.
    pub trailing_slash: TrailingSlash,
    /// What to do with second addresses.
    pub duplicates: Duplicates,
    /// Whether redirect rules hand the query string on (advertising marks live there).
    pub redirect_query: bool,
    /// The public root of all addresses without final slash; taken from the request unless set.
    pub base_url: Option<String>,
    /// Pages in the sitemap; all but `404` unless set.
    pub sitemap_pages: Option<Vec<String>>,
    /// Ends of host names that search engines must not index.
    pub noindex_hosts: Vec<String>,
    /// First path segment → page id, where they differ.
    pub route_map: BTreeMap<String, String>,
    /// The core that the site is built on.
    pub core: Option<CoreChoice>,
    /// Declared differences from the core, in the order of the file.
    pub overrides: Vec<Override>,
    /// The collections in the order of the file.
    pub collections: IndexMap<String, Collection>,
    /// Free keys that templates see as `settings`; public by nature.
    pub settings: serde_json::Map<String, Value>,
    /// `[legacy]`: what a site of the PHP platform does differently.
    pub legacy: Option<Legacy>,
    /// Sections owned by other parts of the platform, as they stand in the file.
    pub sections: BTreeMap<String, toml::Table>,
}

impl SiteConfig {
    /// Reads the text of `site.toml`; `folder` is the name of the site folder.
    ///
    /// # Errors
    /// Every fault of the file: syntax (all of them), unknown keys, wrong types, impossible values.
    pub fn parse(text: &str, folder: &str) -> Result<Self, Vec<Finding>> {
        let raw: toml::Table = match text.parse() {
            Ok(raw) => raw,
            Err(_) => return Err(syntax(text)),
        };
        let mut reader = Reader::new(text);
        let config = read(&mut reader, &raw, folder);
        reader.finish().map_or(Ok(config), Err)
    }

    /// A section of `site.toml` that another part of the platform owns.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&toml::Table> {
        self.sections.get(name)
    }

    /// The first segment of the address of `page_id`: empty for the home page.
    pub(crate) fn segment_of<'c>(&'c self, page_id: &'c str) -> &'c str {
        if page_id == "index" {
            return "";
        }
        self.route_map.iter().find(|(_, id)| *id == page_id).map_or(page_id, |(slug, _)| slug.as_str())
    }
}

fn syntax(text: &str) -> Vec<Finding> {
    let (_, errors) = toml::de::DeTable::parse_recoverable(text);
    errors
        .iter()
        .map(|error| {
            let position = Position::of_offset(text, error.span().map_or(0, |span| span.start));
            Finding::error(
                "config.syntax",
                SITE_TOML,
                format!("not valid TOML: {}", error.message().replace('\n', ", ")),
                "mend the text at this place: strings stand in double quotes, keys before `=`",
            )
            .at(text, position)
        })
        .collect()
}

const KEYS: &[&str] = &[
    "base_url",
    "client",
    "collections",
    "core",
    "default_language",
    "duplicates",
    "hosts",
    "legacy",
    "name",
    "noindex_hosts",
    "overrides",
    "redirect_query",
    "route_map",
    "settings",
    "site",
    "sitemap_pages",
    "time_zone",
    "trailing_slash",
];

fn read(reader: &mut Reader<'_>, raw: &toml::Table, folder: &str) -> SiteConfig {
    let known: Vec<&str> = KEYS.iter().chain(OWNED_ELSEWHERE).copied().collect();
    reader.only(&[], &known);
    let client = reader.required("client");
    let name = reader.required("name");
    let site = reader.text(&["site"]).unwrap_or_else(|| folder.to_owned());
    let hosts = hosts(reader);
    let time_zone = reader.text(&["time_zone"]).unwrap_or_else(|| "UTC".to_owned());
    if jiff::tz::TimeZone::get(&time_zone).is_err() {
        reader.wrong(
            &["time_zone"],
            &format!("`{time_zone}` is not a time zone"),
            "write an IANA name such as \"Europe/Moscow\"",
        );
    }
    let base_url = reader.text(&["base_url"]).map(|url| url.trim_end_matches('/').to_owned());
    if base_url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        reader.wrong(
            &["base_url"],
            "`base_url` is not an absolute address",
            "write scheme and host, such as \"https://www.example.com\"",
        );
    }
    SiteConfig {
        client,
        site,
        name,
        hosts,
        time_zone,
        default_language: reader.text(&["default_language"]),
        trailing_slash: reader.choice(
            &["trailing_slash"],
            &[
                ("never", TrailingSlash::Never),
                ("always", TrailingSlash::Always),
                ("as_is", TrailingSlash::AsIs),
            ],
        ),
        duplicates: reader
            .choice(&["duplicates"], &[("redirect", Duplicates::Redirect), ("serve", Duplicates::Serve)]),
        redirect_query: reader.flag(&["redirect_query"]).unwrap_or(true),
        base_url,
        sitemap_pages: reader.texts(&["sitemap_pages"]),
        noindex_hosts: reader.texts(&["noindex_hosts"]).unwrap_or_default(),
        route_map: route_map(reader),
        core: core(reader),
        overrides: overrides(reader),
        collections: collections(reader),
        settings: settings(reader, raw),
        legacy: legacy::read(reader),
        sections: raw
            .iter()
            .filter(|(key, _)| OWNED_ELSEWHERE.contains(&key.as_str()))
            .filter_map(|(key, value)| Some((key.clone(), value.as_table()?.clone())))
            .collect(),
    }
}

fn hosts(reader: &mut Reader<'_>) -> Vec<String> {
    let Some(hosts) = reader.texts(&["hosts"]) else {
        reader.missing("hosts", "list the host names, such as hosts = [\"www.example.com\"]");
        return Vec::new();
    };
    for host in &hosts {
        let bare = crate::fleet::host_key(host);
        let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.[]:_".contains(&b));
        if host.is_empty() || !plain || bare != *host {
            reader.wrong(
                &["hosts"],
                &format!("`{host}` is not a bare host name"),
                "write it in lower case without scheme, port and path; national names in punycode (xn--…)",
            );
        }
    }
    hosts
}

fn core(reader: &mut Reader<'_>) -> Option<CoreChoice> {
    if reader.keys(&["core"]).is_empty() {
        return None;
    }
    reader.only(&["core"], &["name", "version"]);
    let mut part = |key: &str| {
        let text = reader.text(&["core", key]);
        if text.is_none() {
            reader.wrong(
                &["core"],
                &format!("`core.{key}` is missing"),
                "write [core] with name and version, such as name = \"dealer\", version = \"1.4\"",
            );
        }
        text
    };
    let (name, version) = (part("name"), part("version"));
    Some(CoreChoice { name: name?, version: version? })
}

fn overrides(reader: &mut Reader<'_>) -> Vec<Override> {
    let mut all = Vec::new();
    for template in reader.keys(&["overrides"]) {
        let at = ["overrides", template.as_str()];
        reader.only(&at, &["expires", "owner", "reason"]);
        let mut part = |key: &str, example: &str| {
            let text = reader.text(&["overrides", &template, key]).filter(|text| !text.trim().is_empty());
            if text.is_none() {
                reader.wrong(
                    &at,
                    &format!("the override of `{template}` does not say its `{key}`"),
                    &format!("add {key} = \"{example}\""),
                );
            }
            text
        };
        let owner = part("owner", "who answers for it");
        let reason = part("reason", "why the site differs");
        let expires = part("expires", "2027-01-31");
        let date = expires.as_deref().map(str::parse::<Date>);
        if let Some(Err(_)) = date {
            reader.wrong(
                &["overrides", &template, "expires"],
                "the last day of an override is not a date",
                "write it as year-month-day, such as \"2027-01-31\"",
            );
        }
        if let (Some(owner), Some(reason), Some(Ok(expires))) = (owner, reason, date) {
            all.push(Override { template, owner, reason, expires });
        }
    }
    all
}

fn route_map(reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for key in reader.keys(&["route_map"]) {
        if key.contains('/') || key != key.to_lowercase() {
            reader.wrong(
                &["route_map", &key],
                &format!("`{key}` is not one lower-case path segment"),
                "use the first segment of the address only, such as `cars`",
            );
        }
        if let Some(page) = reader.text(&["route_map", &key]) {
            map.insert(key, page);
        }
    }
    map
}

const COLLECTION_KEYS: &[&str] = &[
    "data_dir",
    "entity_url_pattern",
    "extras_key",
    "fallback_og_image",
    "item_key",
    "list_page_id",
    "nav_slug",
    "og_type",
    "seo",
    "site_name",
    "sitemap",
    "slugs_page",
    "slugs_source",
    "source",
    "template",
];

fn collections(reader: &mut Reader<'_>) -> IndexMap<String, Collection> {
    let mut all = IndexMap::new();
    for key in reader.keys(&["collections"]) {
        let at = ["collections", key.as_str()];
        reader.only(&at, COLLECTION_KEYS);
        let collection = collection(reader, &key);
        all.insert(key, collection);
    }
    all
}

fn collection(reader: &mut Reader<'_>, key: &str) -> Collection {
    let mut text = |name: &str| reader.text(&["collections", key, name]);
    let nav_slug = text("nav_slug").unwrap_or_else(|| key.to_owned());
    let item_key = text("item_key");
    let pattern = text("entity_url_pattern").unwrap_or_else(|| "/{nav_slug}/{slug}".to_owned());
    let collection = Collection {
        key: key.to_owned(),
        data_dir: text("data_dir").unwrap_or_else(|| key.to_owned()),
        list_page_id: text("list_page_id").unwrap_or_else(|| nav_slug.clone()),
        slugs_source: text("slugs_source").unwrap_or_else(|| "items".to_owned()),
        slugs_page: text("slugs_page").unwrap_or_else(|| nav_slug.clone()),
        template: text("template").unwrap_or_else(|| format!("pages/{key}.twig")),
        extras_key: text("extras_key").or_else(|| item_key.clone()).unwrap_or_else(|| key.to_owned()),
        og_type: text("og_type").unwrap_or_else(|| "website".to_owned()),
        site_name: text("site_name"),
        fallback_og_image: text("fallback_og_image"),
        seo: text("seo"),
        nav_slug,
        item_key,
        entity_url_pattern: pattern.clone(),
        sitemap: reader.flag(&["collections", key, "sitemap"]).unwrap_or(true),
        source: reader.choice(
            &["collections", key, "source"],
            &[("json", CollectionSource::Json), ("feed", CollectionSource::Feed)],
        ),
    };
    if !pattern.contains("{slug}") || !pattern.starts_with('/') {
        reader.wrong(
            &["collections", key, "entity_url_pattern"],
            "the pattern must start with `/` and contain `{slug}`",
            "write it like \"/{nav_slug}/{slug}\"",
        );
    }
    collection
}

/// Parts of key names that a secret would have; templates must never see one.
const SECRET: &[&str] = &["secret", "password", "token", "api_key", "private"];

fn settings(reader: &mut Reader<'_>, raw: &toml::Table) -> serde_json::Map<String, Value> {
    for key in reader.keys(&["settings"]) {
        if SECRET.iter().any(|part| key.to_lowercase().contains(part)) {
            reader.wrong(
                &["settings", &key],
                &format!("`settings.{key}` looks like a secret, and templates show `settings` to visitors"),
                "keep secrets in the server's configuration, and rename the key if it is public",
            );
        }
    }
    let table = raw.get("settings").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    table.into_iter().map(|(key, value)| (key, to_json(value))).collect()
}

fn to_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(to_json).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, to_json(value))).collect())
        }
    }
}
