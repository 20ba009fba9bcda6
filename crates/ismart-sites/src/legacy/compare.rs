//! Are the answers here those of the original? Every address of a site, the declared normalisations, the first place
//! that differs. Nothing here asks anybody: replies are handed in.

use std::collections::{BTreeSet, VecDeque};

use serde::Serialize;

use super::content;
use crate::config::Mend;
use crate::snapshot::Snapshot;

/// One side's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What an address turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// The same answer.
    Equal,
    /// Another answer, as declared.
    Mended {
        /// The mend.
        id: String,
    },
    /// Another answer.
    Different {
        /// `status`, a header's name, or `body`.
        part: String,
        /// Where in the body, in characters from 1; 0 elsewhere.
        line: usize,
        /// What the original says there.
        theirs: String,
        /// What is said here.
        ours: String,
    },
}

/// Headers that must be the same where the original sends them.
pub const HEADERS: &[&str] = &[
    "content-type",
    "location",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "strict-transport-security",
    "content-security-policy",
    "x-robots-tag",
];

/// Headers that may be here and not there, or there and not here: caching, ids, sessions, servers.
pub const FREE_HEADERS: &[&str] = &[
    "accept-ranges",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "link",
    "pragma",
    "server",
    "set-cookie",
    "transfer-encoding",
    "vary",
    "x-powered-by",
    "x-request-id",
    "x-response-time",
];

/// Security headers that are here on every answer, though the original leaves them out of redirects, errors and files.
const ADDED: &[&str] = &["x-content-type-options", "x-frame-options", "referrer-policy"];

/// What may differ in bodies without meaning anything.
#[derive(Debug, Clone, Default)]
pub struct Normal {
    /// Texts that a random number follows, as the templates make ids of forms.
    random: Vec<String>,
    mends: Vec<Mend>,
    /// Codes of languages that addresses may begin with.
    codes: Vec<String>,
}

impl Normal {
    /// What the templates of a site draw by chance, and what its configuration declares as mended.
    #[must_use]
    pub fn of(site: &Snapshot) -> Self {
        let mut random = BTreeSet::new();
        for text in site.templates().values() {
            for (at, _) in text.match_indices("random(") {
                let before = text.get(..at).unwrap_or("").trim_end_matches(['(', ' ', '|']);
                let before = before.strip_suffix("default").unwrap_or(before);
                let line = before.rsplit("{%").next().unwrap_or("");
                if let Some(literal) = line.split('\'').nth(1).filter(|literal| literal.len() >= 4) {
                    random.insert(literal.to_owned());
                }
            }
        }
        let mends = site.config().legacy.as_ref().map(|legacy| legacy.mends.clone()).unwrap_or_default();
        Self { random: random.into_iter().collect(), mends, codes: site.content().codes.clone() }
    }

    /// The texts that random numbers follow.
    #[must_use]
    pub fn random(&self) -> &[String] {
        &self.random
    }

    fn body(&self, body: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(body).into_owned();
        for prefix in &self.random {
            let mut parts = text.split(prefix.as_str());
            let mut clean = parts.next().unwrap_or("").to_owned();
            for part in parts {
                clean.push_str(prefix);
                clean.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
            }
            text = clean;
        }
        text
    }

    fn mend(&self, path: &str) -> Option<&Mend> {
        // Slashes in front and the language do not make another page.
        let (_, path) = method_and_path(path);
        let bare = path.split('?').next().unwrap_or(path).trim_start_matches('/');
        let rest = self.codes.iter().find_map(|code| bare.strip_prefix(code)?.strip_prefix('/'));
        let bare = format!("/{}", rest.unwrap_or(bare));
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => bare.starts_with(start),
            None => bare == *pattern,
        };
        self.mends.iter().find(|mend| mend.urls.iter().any(fits))
    }

    /// Compares two answers for `path`.
    #[must_use]
    pub fn judge(&self, path: &str, theirs: &Reply, ours: &Reply) -> Verdict {
        let different = self.difference(theirs, ours);
        match (different, self.mend(path)) {
            (None, _) => Verdict::Equal,
            (Some(_), Some(mend)) => Verdict::Mended { id: mend.id.clone() },
            (Some(different), None) => different,
        }
    }

    fn difference(&self, theirs: &Reply, ours: &Reply) -> Option<Verdict> {
        let differ = |part: &str, theirs: &str, ours: &str| {
            Some(Verdict::Different {
                part: part.to_owned(),
                line: 0,
                theirs: cut(theirs, 0),
                ours: cut(ours, 0),
            })
        };
        if theirs.status != ours.status {
            return differ("status", &theirs.status.to_string(), &ours.status.to_string());
        }
        // What a redirect says beside its location is read by nobody.
        let redirect = (300..400).contains(&theirs.status);
        for name in HEADERS {
            let (there, here) = (theirs.header(name), ours.header(name));
            let added = there.is_none() && ADDED.contains(name);
            let passed = redirect && *name == "content-type";
            // A file's type is told with its letters here, and without by some servers.
            let typed = *name == "content-type" && same_type(there, here);
            if there != here && !added && !passed && !typed {
                return differ(name, there.unwrap_or("(none)"), here.unwrap_or("(none)"));
            }
        }
        if redirect {
            return None;
        }
        if theirs.body == ours.body {
            return None;
        }
        let (a, b) = (self.body(&theirs.body), self.body(&ours.body));
        if a == b {
            return None;
        }
        let at = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((at, _), _)| at);
        let at = at.unwrap_or(a.len().min(b.len()));
        let line = a.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
        Some(Verdict::Different { part: "body".to_owned(), line, theirs: cut(&a, at), ours: cut(&b, at) })
    }
}

/// Whether two media types differ in the spelling of their letters only, or in letters that one does not tell.
fn same_type(a: Option<&str>, b: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let parts = |value: &str| {
        let value = value.to_lowercase().replace(' ', "");
        let (kind, letters) = value.split_once(';').map_or((value.as_str(), ""), |(k, l)| (k, l));
        let kind = match kind {
            "application/javascript" => "text/javascript",
            "text/xml" => "application/xml",
            // What some servers call a file that they do not know.
            "application/octet-stream" => "application/manifest+json",
            other => other,
        };
        (kind.to_owned(), letters.to_owned())
    };
    let ((kind, letters), (other, other_letters)) = (parts(a), parts(b));
    kind == other && (letters == other_letters || letters.is_empty())
}

/// The neighbourhood of a place, for a table.
fn cut(text: &str, at: usize) -> String {
    let mut from = at.saturating_sub(40);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let part: String = text.get(from..).unwrap_or("").chars().take(120).collect();
    part.replace('\n', "⏎")
}

/// Addresses still to be asked, each once.
#[derive(Debug, Default)]
pub struct Frontier {
    seen: BTreeSet<String>,
    queue: VecDeque<String>,
}

/// Links of one site that are followed at most; a site that makes addresses without end must not hang a comparison.
const MOST: usize = 20_000;

impl Frontier {
    /// Everything that the content of a site has an address for, in every declared language, and the ways to write
    /// such addresses wrongly.
    #[must_use]
    pub fn of(site: &Snapshot) -> Self {
        let mut frontier = Self::default();
        for path in own_paths(site) {
            frontier.add(&path);
        }
        frontier
    }

    /// Adds an address that was not seen yet.
    pub fn add(&mut self, path: &str) {
        if self.seen.len() < MOST && self.seen.insert(path.to_owned()) {
            self.queue.push_back(path.to_owned());
        }
    }

    /// Adds the links of an HTML page that stay on the site of `base_url`.
    pub fn follow(&mut self, body: &[u8], base_url: &str) {
        let text = String::from_utf8_lossy(body);
        for name in ["href=\"", "src=\"", "href='", "src='"] {
            let quote = if name.ends_with('"') { '"' } else { '\'' };
            for rest in text.split(name).skip(1) {
                let link = rest.split(quote).next().unwrap_or("").replace("&amp;", "&");
                let bare = link.strip_prefix(base_url).unwrap_or(&link);
                let path = bare.split('#').next().unwrap_or("");
                let plain = path.starts_with('/') && !path.starts_with("//") && path.len() < 2000;
                if plain && path.bytes().all(|b| b.is_ascii_graphic()) && !is_picture(path) {
                    self.add(path);
                }
            }
        }
    }

    /// Up to `count` addresses to ask, in order; none when all were asked.
    pub fn take(&mut self, count: usize) -> Vec<String> {
        self.queue.drain(..count.min(self.queue.len())).collect()
    }
}

/// Method and path of an entry: `POST /x`, or a path that is read.
#[must_use]
pub fn method_and_path(entry: &str) -> (&str, &str) {
    entry.split_once(' ').unwrap_or(("GET", entry))
}

/// Pictures, films and fonts are files there and here; a few are enough.
fn is_picture(path: &str) -> bool {
    let bare = path.split('?').next().unwrap_or(path).to_lowercase();
    [".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".mp4", ".webm", ".woff", ".woff2", ".ttf"]
        .iter()
        .any(|end| bare.ends_with(end))
}

fn own_paths(site: &Snapshot) -> Vec<String> {
    let mut segments: BTreeSet<String> = BTreeSet::new();
    let config = site.config();
    for language in &site.content().languages {
        for id in language.pages.keys() {
            segments.insert(id.clone());
        }
        for collection in config.collections.values() {
            for slug in content::slugs(site, &language.code, collection) {
                segments.insert(slug.clone());
                segments.insert(format!("{}/{slug}", collection.nav_slug));
                segments.insert(format!("{}/{slug}", collection.list_page_id));
            }
            for hidden in crate::content::folder_slugs(
                &site.content().files,
                &format!("data/json/{}/{}/", language.code, collection.data_dir),
            ) {
                segments.insert(format!("{}/{hidden}", collection.nav_slug));
            }
            segments.insert(format!("{}/no-such-slug", collection.nav_slug));
            segments.insert(format!("{}/a/b", collection.nav_slug));
        }
    }
    segments.extend(config.route_map.keys().cloned());
    let mut paths = vec!["/".to_owned()];
    paths.extend(["POST /", "POST /no-such-page", "POST /no-such-page/"].map(str::to_owned));
    for segment in &segments {
        paths.extend(forms(&format!("/{segment}")));
    }
    let codes: Vec<&String> = site.content().codes.iter().collect();
    for code in codes.into_iter().chain([&"xx".to_owned()]) {
        paths.extend(forms(&format!("/{code}")));
        for segment in &segments {
            paths.push(format!("/{code}/{segment}"));
            paths.push(format!("/{code}/{segment}/"));
        }
    }
    for rule in &site.redirects().rules {
        let from = rule.written();
        let tail = if rule.prefix { "tail/x" } else { "" };
        paths.extend(forms(&format!("{}{tail}", from.trim_end_matches('/'))));
        paths.push(format!("{from}{tail}?utm_source=a&b=c"));
    }
    paths.extend(
        [
            "/sitemap.xml",
            "/sitemap.xml/",
            "/robots.txt",
            "/robots.txt/",
            "/llms.txt",
            "/llms-full.txt",
            "/favicon.ico",
            "/index.php",
            "/?utm_source=x&y=%D0%BF",
            "//",
            "///",
            "//x",
            "//x/y",
            "/x//y",
            "/x//y/",
            "/no-such-page",
            "/no-such-page/",
            "/no/such/page",
            "/no/such/page/",
            "/index.html",
            "/.env",
            "/%D0%BF%D1%80",
            "/%D0%BF%D1%80/",
            "/%d0%bf/",
            "/a'b(c)/",
            "/a%2Fb/",
            "/a%20b",
            "/a.b/c",
            "/a/b.c/",
            "/data/json/global.json",
            "/ru//",
            "/templates/base.twig",
        ]
        .map(str::to_owned),
    );
    paths
}

/// An address and the ways to write it a little wrong.
fn forms(path: &str) -> Vec<String> {
    let path = path.trim_end_matches('/');
    let upper: String = path.to_uppercase();
    vec![
        path.to_owned(),
        format!("{path}/"),
        format!("{path}//"),
        format!("/{path}"),
        format!("/{path}/"),
        format!("{path}?a=b&c=%D0%B4"),
        format!("{path}/?a=b"),
        format!("{path}/foo/bar"),
        format!("{path}/foo/bar/"),
        upper.clone(),
        format!("{upper}/"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Reply { status, headers, body: body.as_bytes().to_vec() }
    }

    fn normal() -> Normal {
        let mend = Mend { id: "m".to_owned(), what: String::new(), urls: vec!["/api/*".to_owned()] };
        Normal { random: vec!["form".to_owned()], mends: vec![mend], codes: vec!["ru".to_owned()] }
    }

    #[test]
    fn only_what_is_declared_may_differ() {
        let html = [("content-type", "text/html; charset=UTF-8")];
        let a = reply(200, &html, "<form id=\"form123\">");
        assert_eq!(normal().judge("/", &a, &reply(200, &html, "<form id=\"form9\">")), Verdict::Equal);
        let added = [html[0], ("x-frame-options", "SAMEORIGIN"), ("etag", "x")];
        assert_eq!(normal().judge("/", &a, &reply(200, &added, "<form id=\"form9\">")), Verdict::Equal);
        let other = reply(200, &html, "<form id=\"form1\">\nx");
        assert!(matches!(normal().judge("/", &a, &other), Verdict::Different { line: 1, .. }));
        for path in ["/api/x", "//api/y?a=b", "/ru/api/z"] {
            assert_eq!(normal().judge(path, &a, &other), Verdict::Mended { id: "m".to_owned() });
        }
        let csp = [html[0], ("content-security-policy", "x")];
        for (theirs, ours, part) in [
            (reply(200, &csp, ""), reply(200, &html, ""), "content-security-policy"),
            (reply(200, &html, ""), reply(200, &csp, ""), "content-security-policy"),
            (reply(404, &html, ""), reply(200, &html, ""), "status"),
            (reply(301, &[("location", "/a")], ""), reply(301, &[("location", "/b")], ""), "location"),
        ] {
            match normal().judge("/", &theirs, &ours) {
                Verdict::Different { part: found, .. } => assert_eq!(found, part),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn links_of_the_site_are_followed_once() {
        let mut frontier = Frontier::default();
        let page = b"<a href=\"https://s/x?a=1&amp;b=2#c\"><a href='/y'><img src=\"/z.jpg\"><a href=\"//evil/\"><a href=\"/y\">";
        frontier.follow(page, "https://s");
        assert_eq!(frontier.take(9), ["/x?a=1&b=2", "/y"]);
        assert!(frontier.take(9).is_empty());
    }
}
