//! Address → what it stands for. Pure: no rendering, no disk. See `route.contract.md`.

use crate::config::{Collection, Duplicates, TrailingSlash};
use crate::content::{Entity, Language};
use crate::files::FileEntry;
use crate::path::{Path, encode};
use crate::snapshot::Snapshot;

/// What an address stands for.
#[derive(Debug)]
pub(crate) enum Route<'s> {
    Page(Target<'s>),
    File(&'s FileEntry),
    Sitemap,
    Robots,
    /// The location is absolute or a path; `rule` when `redirects.json` says so.
    Redirect {
        status: u16,
        location: String,
        rule: bool,
    },
    /// Nothing; the language is that of the address as far as it could be told.
    Missing {
        language: usize,
        in_url: bool,
    },
}

/// A page or an entity to be shown.
#[derive(Debug)]
pub(crate) struct Target<'s> {
    pub(crate) language: &'s Language,
    pub(crate) page_id: &'s str,
    pub(crate) params: Vec<String>,
    /// Whether the address names its language.
    pub(crate) in_url: bool,
    pub(crate) entity: Option<(&'s Collection, &'s Entity)>,
}

/// The page that is shown where there is none.
pub(crate) const NOT_FOUND: &str = "404";

/// Addresses of machines: no policy of slashes or letters applies to them.
fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

impl Snapshot {
    /// Finds what the raw `path` with its `query` stands for.
    pub(crate) fn route(&self, raw: &str, query: Option<&str>) -> Route<'_> {
        if let Some(policies) = &self.config().legacy {
            return self.legacy_as_route(policies, raw, query);
        }
        let Some(path) = Path::parse(raw) else { return Route::Missing { language: 0, in_url: false } };
        let joined = path.joined();
        if !path.slash && !path.doubled {
            if let Some(file) = self.files().get(&joined) {
                return Route::File(file);
            }
            match joined.as_str() {
                "/sitemap.xml" => return Route::Sitemap,
                "/robots.txt" => return Route::Robots,
                _ => {}
            }
        }
        if !is_api(&joined)
            && let Some(location) = self.slash_redirect(&path, &joined)
        {
            return moved(with_query(location, query));
        }
        if let Some((status, location)) = self.redirects().find(&joined) {
            let query = query.filter(|_| self.config().redirect_query);
            return Route::Redirect { status, location: with_query(location, query), rule: true };
        }
        if !is_api(&joined) && joined.chars().any(char::is_uppercase) {
            let mut location = encode(&joined.to_lowercase());
            if path.slash {
                location.push('/');
            }
            return moved(with_query(location, query));
        }
        self.find(path.segments, query)
    }

    fn slash_redirect(&self, path: &Path, joined: &str) -> Option<String> {
        if path.segments.is_empty() {
            return (path.slash || path.doubled).then(|| "/".to_owned());
        }
        let dotted = path.segments.last().is_some_and(|last| last.contains('.'));
        let wanted = match self.config().trailing_slash {
            TrailingSlash::Never => false,
            TrailingSlash::Always => !dotted || path.slash,
            TrailingSlash::AsIs => path.slash,
        };
        (path.slash != wanted || path.doubled).then(|| encode(joined) + if wanted { "/" } else { "" })
    }

    fn find(&self, mut segments: Vec<String>, query: Option<&str>) -> Route<'_> {
        let languages = &self.content().languages;
        let named = segments.first().and_then(|first| languages.iter().position(|l| l.code == *first));
        if named.is_some() {
            segments.remove(0);
        }
        let at = named.unwrap_or(0);
        let in_url = named.is_some();
        let missing = Route::Missing { language: at, in_url };
        let Some(language) = languages.get(at) else { return missing };
        let Some(mut target) = self.target(language, &segments) else { return missing };
        target.in_url = in_url;
        if self.config().duplicates == Duplicates::Redirect {
            let soft = target.entity.is_none() && !target.params.is_empty();
            if soft || target.page_id == NOT_FOUND {
                return missing;
            }
            let canonical = self.canonical(&target);
            let asked = self.address(language, &format!("/{}", segments.join("/")));
            // The default language in the address makes a second address of everything.
            if asked != canonical || named == Some(0) {
                return moved(with_query(canonical, query));
            }
        }
        Route::Page(target)
    }

    /// The page or entity of the segments after the language.
    fn target<'s>(&'s self, language: &'s Language, segments: &[String]) -> Option<Target<'s>> {
        let target =
            |page_id, params, entity| Some(Target { language, page_id, params, in_url: false, entity });
        if let Some((key, index)) = language.paths.get(&format!("/{}", segments.join("/"))) {
            let collection = self.config().collections.get(key)?;
            let entity = language.entities(key)?.all.get(*index)?;
            return target(&collection.list_page_id, vec![entity.slug.clone()], Some((collection, entity)));
        }
        let Some((first, params)) = segments.split_first() else {
            return language.pages.get_key_value("index").and_then(|(id, _)| target(id, Vec::new(), None));
        };
        let page_id = self.config().route_map.get(first).unwrap_or(first);
        let mut collections = self.config().collections.values();
        let Some((page_id, _)) = language.pages.get_key_value(page_id) else {
            // An entity at the root of the site: a second address unless its pattern says so.
            if !params.is_empty() && self.config().duplicates == Duplicates::Redirect {
                return None;
            }
            let (collection, entity) =
                collections.find_map(|c| Some((c, language.entities(&c.key)?.get(first)?)))?;
            return target(&collection.list_page_id, vec![entity.slug.clone()], Some((collection, entity)));
        };
        let entity = match (collections.find(|c| c.list_page_id == *page_id), params) {
            (None, _) | (_, []) => None,
            (Some(collection), [slug]) => Some((collection, language.entities(&collection.key)?.get(slug)?)),
            _ => return None,
        };
        target(page_id, params.to_vec(), entity)
    }

    /// The one address of a target, percent-encoded, after the site's policies.
    pub(crate) fn canonical(&self, target: &Target<'_>) -> String {
        match target.entity {
            Some((_, entity)) => self.address(target.language, &entity.path),
            None => {
                let segment = self.config().segment_of(target.page_id);
                self.address(target.language, &format!("/{segment}"))
            }
        }
    }

    /// The address of a decoded path in a language: prefix, slash policy, encoding.
    pub(crate) fn address(&self, language: &Language, path: &str) -> String {
        let default = self.content().default_language().is_some_and(|l| l.code == language.code);
        let prefix = if default { String::new() } else { format!("/{}", language.code) };
        let full = format!("{prefix}{}", if path == "/" { "" } else { path });
        match (full.as_str(), self.config().trailing_slash) {
            ("", _) => "/".to_owned(),
            (_, TrailingSlash::Always) => encode(&full) + "/",
            _ => encode(&full),
        }
    }
}

/// Another form of the same address.
fn moved<'s>(location: String) -> Route<'s> {
    Route::Redirect { status: 301, location, rule: false }
}

/// Adds a query to a location that may have one, or a fragment.
fn with_query(location: String, query: Option<&str>) -> String {
    let Some(query) = query.filter(|query| !query.is_empty() && !query.chars().any(char::is_control)) else {
        return location;
    };
    let (address, fragment) = match location.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (location.as_str(), String::new()),
    };
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{query}{fragment}")
}
