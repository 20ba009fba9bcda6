//! Answers of sites that are kept ready: pages for a moment, files for as long as their snapshot lives, each in the
//! encodings that browsers asked for.
//!
//! A kept answer belongs to one snapshot; a site that was loaded again has another number, so nothing old is ever
//! shown. Within a snapshot a page still changes with the clock and with the token of its forms: it is kept until
//! the end of the minute.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use memchr::memmem;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::encoding::{ENCODINGS, Encoding, compressible};

/// What was asked for, as far as answers differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Asked<'a> {
    /// Number of the snapshot.
    pub(super) snapshot: u64,
    pub(super) scheme: &'a str,
    /// Empty where the host makes no difference.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    snapshot: u64,
    scheme: &'static str,
    host: Box<str>,
    path: Box<str>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { snapshot, scheme, host, path } = self;
        Asked { snapshot: *snapshot, scheme, host, path }.hash(state);
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == Asked { snapshot: key.snapshot, scheme: key.scheme, host: &key.host, path: &key.path }
    }
}

/// A whole answer with status 200.
#[derive(Debug)]
pub(super) struct Kept {
    body: Bytes,
    /// Without quotes.
    etag: String,
    headers: HeaderMap,
    /// The first second at which it is too old; `None` for files.
    until: Option<i64>,
    packed: [OnceLock<Option<Bytes>>; ENCODINGS.len()],
    /// Compressed once for long, so it may take its time.
    thorough: bool,
}

impl Kept {
    /// `etag` may be quoted; `headers` has all but `ETag`, `Content-Encoding`, `Vary` and `Content-Length`.
    pub(super) fn new(body: Bytes, etag: &str, headers: HeaderMap, until: Option<i64>) -> Self {
        let etag = etag.trim_matches('"').to_owned();
        Self { body, etag, headers, thorough: until.is_none(), until, packed: Default::default() }
    }

    fn fresh(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now.as_second() < until)
    }

    fn packed(&self, encoding: Encoding) -> Option<&Bytes> {
        let at = ENCODINGS.iter().position(|e| *e == encoding)?;
        self.packed.get(at)?.get_or_init(|| encoding.compress(&self.body, self.thorough)).as_ref()
    }

    /// The answer for a browser with these headers: compressed as it likes, or 304 when it has these very bytes.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let compressible = compressible(kind);
        let packed = Encoding::accepted(asked)
            .filter(|_| compressible)
            .and_then(|encoding| Some((encoding, self.packed(encoding)?)));
        // Other bytes have another tag, or a proxy would give them to a browser that cannot read them.
        let etag = match packed {
            Some((encoding, _)) => format!("\"{}-{}\"", self.etag, encoding.name()),
            None => format!("\"{}\"", self.etag),
        };
        let mut response = if self.known(asked) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(packed.map_or(&self.body, |(_, bytes)| bytes).clone()).into_response()
        };
        let modified = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, etag);
        }
        if compressible {
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if modified && let Some((encoding, _)) = packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        response
    }

    /// Whether the browser names one of our tags: the encoding does not matter, the content is the same.
    fn known(&self, asked: &HeaderMap) -> bool {
        let tags = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        tags.flat_map(|value| value.split(',')).any(|tag| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let Some(bare) = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) else {
                return tag == "*";
            };
            let rest = bare.strip_prefix(self.etag.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || ENCODINGS.iter().any(|e| rest.strip_prefix('-') == Some(e.name()))
            })
        })
    }
}

#[derive(Debug, Clone)]
struct Bytesize;

impl Weighter<Key, Arc<Kept>> for Bytesize {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        // Room for the compressed forms that come later, for headers and for the table.
        let bytes = kept.body.len() + kept.body.len() / 2 + key.path.len() + key.host.len() + 1024;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// All kept answers of all sites, within a budget of bytes.
#[derive(Debug)]
pub(crate) struct Shelf {
    cache: Option<Cache<Key, Arc<Kept>, Bytesize>>,
}

/// How many answers a budget is expected to hold, bytes each: the size of the table.
const TYPICAL: u64 = 32 * 1024;

impl Shelf {
    /// A shelf for about `budget` bytes; 0 keeps nothing.
    pub(crate) fn new(budget: u64) -> Self {
        let items = usize::try_from(budget / TYPICAL).unwrap_or(usize::MAX).max(64);
        Self { cache: (budget > 0).then(|| Cache::with_weighter(items, budget, Bytesize)) }
    }

    /// The largest answer that is kept.
    pub(super) fn largest(&self) -> u64 {
        self.cache.as_ref().map_or(0, |cache| cache.capacity() / 16)
    }

    /// What is kept and not too old.
    pub(super) fn get(&self, asked: &Asked<'_>, now: Timestamp) -> Option<Arc<Kept>> {
        self.cache.as_ref()?.get(asked).filter(|kept| kept.fresh(now))
    }

    /// Keeps an answer.
    pub(super) fn put(&self, asked: &Asked<'_>, kept: &Arc<Kept>) {
        let Some(cache) = &self.cache else { return };
        let scheme = if asked.scheme == "https" { "https" } else { "http" };
        let key = Key { snapshot: asked.snapshot, scheme, host: asked.host.into(), path: asked.path.into() };
        cache.insert(key, kept.clone());
    }
}

/// The end of the minute of `now`, seconds since 1970.
pub(super) fn minute(now: Timestamp) -> i64 {
    let second = now.as_second();
    second - second.rem_euclid(60) + 60
}

/// Styles, fonts and pictures that the head of a page asks for first, as `Link` headers: a proxy in front can send them
/// ahead as early hints (RFC 8297).
pub(super) fn preloads(html: &str) -> Option<HeaderValue> {
    let head = html.get(..memmem::find(html.as_bytes(), b"</head>")?)?;
    let mut links = Vec::new();
    for at in memmem::find_iter(head.as_bytes(), b"<link") {
        let tag = head.get(at + 5..).and_then(|rest| rest.split('>').next()).unwrap_or("");
        let Some((href, kind)) = preload(tag) else { continue };
        let cross = if kind == "font" { "; crossorigin" } else { "" };
        links.push(format!("<{href}>; rel=preload; as={kind}{cross}"));
        if links.len() == 6 {
            break;
        }
    }
    if links.is_empty() { None } else { HeaderValue::from_str(&links.join(", ")).ok() }
}

/// What a `link` tag asks for ahead, and what it is.
fn preload(tag: &str) -> Option<(&str, &str)> {
    let (mut href, mut rel, mut kind) = ("", "", "");
    for (name, value) in attributes(tag) {
        match name {
            "href" => href = value,
            "rel" => rel = value,
            "as" => kind = value,
            // Media queries and other conditions are beyond what the header can say.
            "media" | "imagesrcset" => return None,
            _ => {}
        }
    }
    let kind = match rel {
        "stylesheet" => "style",
        "preload" => kind,
        _ => return None,
    };
    let here = href.starts_with('/') || href.starts_with("http");
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"&".contains(&b));
    (here && plain(href) && matches!(kind, "style" | "font" | "image" | "script")).then_some((href, kind))
}

/// The attributes of a tag's text; one without a value has an empty one.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).filter(|_| !rest.is_empty())?;
        let Some(value) = after.trim_start().strip_prefix('=') else {
            rest = after;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let (value, next) = match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            Some(quote) => value.get(1..)?.split_once(quote)?,
            None => value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, "")),
        };
        rest = next;
        Some((name, value))
    })
}

/// A header's name and value, if the value can be sent.
pub(super) fn pair(name: &'static str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-26T10:00:30Z".parse().unwrap()
    }

    fn kept(text: &str, until: Option<i64>) -> Arc<Kept> {
        let headers = HeaderMap::from_iter([pair("content-type", "text/html; charset=UTF-8").unwrap()]);
        Arc::new(Kept::new(Bytes::from(text.to_owned()), "\"tag\"", headers, until))
    }

    fn ask(path: &str, snapshot: u64) -> Asked<'_> {
        Asked { snapshot, scheme: "https", host: "a.example", path }
    }

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_page_lives_until_the_end_of_its_minute_and_of_its_snapshot() {
        let shelf = Shelf::new(1 << 20);
        let until = minute(now());
        assert_eq!(until, "2026-11-26T10:01:00Z".parse::<Timestamp>().unwrap().as_second());
        shelf.put(&ask("/a", 1), &kept("x", Some(until)));
        assert!(shelf.get(&ask("/a", 1), now()).is_some());
        assert!(shelf.get(&ask("/a", 2), now()).is_none(), "another snapshot");
        assert!(shelf.get(&ask("/b", 1), now()).is_none());
        assert!(shelf.get(&Asked { host: "b.example", ..ask("/a", 1) }, now()).is_none());
        let late = now().checked_add(jiff::SignedDuration::from_secs(30)).unwrap();
        assert!(shelf.get(&ask("/a", 1), late).is_none(), "too old");
    }

    #[test]
    fn the_budget_holds() {
        let shelf = Shelf::new(200_000);
        for number in 0..1000 {
            shelf.put(&ask(&format!("/{number}"), 1), &kept(&"y".repeat(5_000), None));
        }
        let left = (0..1000).filter(|n| shelf.get(&ask(&format!("/{n}"), 1), now()).is_some()).count();
        assert!((1..=40).contains(&left), "{left}");
        assert!(Shelf::new(0).get(&ask("/a", 1), now()).is_none());
    }

    #[test]
    fn bytes_and_tag_follow_the_encoding() {
        let page = kept(&"<p>шины</p>".repeat(300), None);
        let plain = page.answer(&HeaderMap::new());
        assert_eq!(plain.headers()["etag"], "\"tag\"");
        assert!(plain.headers().get("content-encoding").is_none());
        let packed = page.answer(&with(header::ACCEPT_ENCODING, "gzip, br"));
        assert_eq!(packed.headers()["content-encoding"], "br");
        assert_eq!(packed.headers()["etag"], "\"tag-br\"");
        assert_eq!(packed.headers()["vary"], "accept-encoding");
        for tag in ["\"tag\"", "W/\"tag-br\"", "\"x\", \"tag-gzip\"", "*"] {
            assert_eq!(page.answer(&with(header::IF_NONE_MATCH, tag)).status(), 304, "{tag}");
        }
        for tag in ["\"ta\"", "\"tag-x\"", "\"tagbr\"", "tag", ""] {
            assert_eq!(page.answer(&with(header::IF_NONE_MATCH, tag)).status(), 200, "{tag}");
        }
    }

    #[test]
    fn what_the_head_needs_is_announced() {
        let html = "<head><link rel=\"stylesheet\" href=\"/assets/css/main.1.css\">\n\
            <link href='/f.woff2' rel='preload' as='font' crossorigin><link rel=\"icon\" href=\"/i.ico\">\
            <link rel=\"stylesheet\" media=\"print\" href=\"/p.css\"><link rel=\"stylesheet\" href=\"/a b.css\">\
            </head><link rel=\"stylesheet\" href=\"/late.css\">";
        assert_eq!(
            preloads(html).unwrap(),
            "</assets/css/main.1.css>; rel=preload; as=style, </f.woff2>; rel=preload; as=font; crossorigin"
        );
        assert_eq!(preloads("<head></head>"), None);
        assert_eq!(preloads("no head"), None);
    }
}
