//! Address → what a site of the PHP platform shows there, by the policies of the site. Pure: no rendering, no disk.

use std::fmt::Write as _;

use super::content;
use crate::answer::Request;
use crate::config::{Collection, Legacy, ListParams, Methods, Place, TrailingSlash};
use crate::content::Language;
use crate::files::FileEntry;
use crate::path::Path;
use crate::route::NOT_FOUND;
use crate::snapshot::Snapshot;

/// What an address stands for.
#[derive(Debug)]
pub(super) enum Found<'s> {
    File(&'s FileEntry),
    Redirect {
        status: u16,
        location: String,
    },
    Sitemap,
    /// Only reading is possible.
    Method,
    Page(Box<Shown<'s>>),
}

/// A page to be shown.
#[derive(Debug)]
pub(super) struct Shown<'s> {
    pub(super) status: u16,
    pub(super) language: &'s Language,
    /// Whether the address names its language.
    pub(super) in_url: bool,
    pub(super) page_id: String,
    /// The segments after the page, as they stand in the address.
    pub(super) params: Vec<String>,
    pub(super) body: Body<'s>,
}

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'s> {
    /// The page of the id, with the lists of its collection filled in or not.
    Page { list: bool },
    /// An entity at the root of the site.
    AtRoot(&'s Collection),
    /// An entity under its list.
    UnderList(&'s Collection),
}

/// The path of a request as the PHP platform reads it: one slash in front, odd characters escaped.
pub(super) fn read_path(raw: &str) -> String {
    let mut path = String::from("/");
    let mut rest = raw.trim_start_matches('/').chars().peekable();
    while let Some(c) = rest.next() {
        let escape = c == '%' && {
            let mut ahead = rest.clone();
            !(ahead.next().is_some_and(|c| c.is_ascii_hexdigit())
                && ahead.next().is_some_and(|c| c.is_ascii_hexdigit()))
        };
        if !escape && (c.is_ascii_alphanumeric() || "_-.~:@&=+$,/;%".contains(c)) {
            path.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let written = write!(path, "%{byte:02X}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
    }
    path
}

fn with_query(location: String, query: Option<&str>) -> String {
    match query.filter(|query| !query.is_empty() && !query.chars().any(char::is_control)) {
        Some(query) => format!("{location}?{query}"),
        None => location,
    }
}

impl Snapshot {
    /// Finds what a request to a legacy site stands for; `base_url` is that of the request, without final slash.
    pub(super) fn legacy_route(&self, policies: &Legacy, request: &Request<'_>, base_url: &str) -> Found<'_> {
        if let Some(file) = self.legacy_file(request.path) {
            return Found::File(file);
        }
        let reads = matches!(request.method, "GET" | "HEAD") || policies.methods == Methods::Any;
        if !reads && policies.methods == Methods::First {
            return Found::Method;
        }
        if policies.join_slashes
            && let Some(location) = self.front_redirect(policies, request)
        {
            return Found::Redirect { status: 301, location: with_query(location, request.query) };
        }
        let path = read_path(request.path);
        if !policies.join_slashes
            && let Some(path) = self.legacy_slash(&path)
        {
            let location = format!("{}://{}{path}", request.scheme, request.host);
            return Found::Redirect { status: 301, location: with_query(location, request.query) };
        }
        if let Some((status, to)) = self.redirects().find_exactly(&path, policies.redirect_any_case) {
            let foreign = to.starts_with("http://") || to.starts_with("https://");
            let location = if foreign { to } else { format!("{base_url}/{}", to.trim_start_matches('/')) };
            let query = request.query.filter(|_| self.config().redirect_query);
            return Found::Redirect { status, location: with_query(location, query) };
        }
        let stripped = crate::redirects::strip(&path);
        let lower = stripped.to_lowercase();
        if policies.lower_case && lower != stripped {
            return Found::Redirect {
                status: 301,
                location: with_query(format!("{base_url}{lower}"), request.query),
            };
        }
        if !reads {
            return Found::Method;
        }
        if policies.sitemap && path == "/sitemap.xml" {
            return Found::Sitemap;
        }
        Found::Page(Box::new(self.legacy_page(policies, &path)))
    }

    /// The file at an address, hidden ones and those that are no address excepted.
    fn legacy_file(&self, raw: &str) -> Option<&FileEntry> {
        let path = Path::parse(raw)?;
        if path.slash || path.doubled { None } else { self.files().get(&path.joined()) }
    }

    /// The rules of the mini-core's web server: https, no `www.`, single slashes, a final slash, `/index/`.
    fn front_redirect(&self, policies: &Legacy, request: &Request<'_>) -> Option<String> {
        let (raw, host) = (request.path, request.host);
        let bare = crate::fleet::host_key(host);
        let local = bare == "localhost" || bare.starts_with("127.") || bare.starts_with('[');
        if policies.force_host && request.scheme == "http" && !local {
            return Some(format!("https://{host}{raw}"));
        }
        if let Some(bare) = host.strip_prefix("www.").filter(|_| policies.force_host) {
            return Some(format!("https://{bare}{raw}"));
        }
        let at = |path: &str| Some(format!("{}://{host}{path}", request.scheme));
        if raw.starts_with("//") {
            return at(&format!("/{}", raw.trim_start_matches('/')));
        }
        if let Some((head, tail)) = raw.rsplit_once("//") {
            return at(&format!("{head}/{tail}"));
        }
        if self.config().trailing_slash == TrailingSlash::Always && !raw.ends_with('/') {
            return at(&format!("{raw}/"));
        }
        if raw == "/index/" { at("/") } else { None }
    }

    /// The path after the slash policy, where it differs.
    fn legacy_slash(&self, path: &str) -> Option<String> {
        match self.config().trailing_slash {
            TrailingSlash::Never if path != "/" && path.ends_with('/') && !path.starts_with("/api/") => {
                Some(path.trim_end_matches('/').to_owned())
            }
            TrailingSlash::Always if !path.ends_with('/') => {
                let name = path.rsplit('/').next().unwrap_or("");
                (!name.contains('.')).then(|| format!("{path}/"))
            }
            _ => None,
        }
    }

    fn legacy_page(&self, policies: &Legacy, path: &str) -> Shown<'_> {
        let mut segments: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let languages = &self.content().languages;
        let named = segments.first().and_then(|first| languages.iter().position(|l| l.code == *first));
        if named.is_some() {
            segments.remove(0);
        }
        let language = named.map_or_else(|| languages.first(), |at| languages.get(at));
        // A site without a language is refused when it is loaded.
        let language = language.unwrap_or_else(|| Language::none());
        let in_url = named.is_some();
        let first = segments.first().cloned();
        let page_id = match &first {
            Some(slug) => self.config().route_map.get(slug).unwrap_or(slug).clone(),
            None => "index".to_owned(),
        };
        let params: Vec<String> = segments.into_iter().skip(1).collect();
        let missing = |params: Vec<String>| Shown {
            status: 404,
            language,
            in_url,
            page_id: NOT_FOUND.to_owned(),
            params,
            body: Body::Page { list: false },
        };
        let shown =
            |page_id: String, params, body| Shown { status: 200, language, in_url, page_id, params, body };
        let place = |collection: &Collection| policies.collection(&collection.key).place;
        let code = language.code.as_str();
        let mut collections = self.config().collections.values();
        let visible =
            |collection: &Collection, slug: &str| self.legacy_visible().has(code, &collection.key, slug);
        if content::page(self, code, &page_id).is_none() {
            let slug = first.unwrap_or_default();
            let found = collections.find(|c| place(c) != Place::List && visible(c, &slug));
            return match found {
                Some(collection) if !slug.is_empty() => shown(slug, Vec::new(), Body::AtRoot(collection)),
                _ => missing(params),
            };
        }
        let Some(collection) = collections.find(|c| c.list_page_id == page_id && place(c) != Place::Root)
        else {
            return shown(page_id, params, Body::Page { list: false });
        };
        match params.as_slice() {
            [] => shown(page_id, params, Body::Page { list: true }),
            [slug] if visible(collection, slug) => shown(page_id, params, Body::UnderList(collection)),
            [_] => missing(params),
            _ if policies.list_params == ListParams::List => {
                shown(page_id, params, Body::Page { list: false })
            }
            _ => missing(params),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_platform_reads_them() {
        assert_eq!(read_path("//a//b"), "/a//b");
        assert_eq!(read_path("/п'(x)"), "/%D0%BF%27%28x%29");
        assert_eq!(read_path("/%d0%bf%2"), "/%d0%bf%252");
        assert_eq!(read_path(""), "/");
    }
}
