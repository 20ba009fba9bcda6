//! What a site is asked and what it answers; nothing here knows of HTTP libraries.

use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;

use crate::templates::RenderFailure;

/// One request to a site, as the edge understood it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The method in upper case.
    pub method: &'r str,
    /// The path as it came, percent-encoded, with leading slash.
    pub path: &'r str,
    /// The query string without `?`.
    pub query: Option<&'r str>,
    /// The host with its port if it is not the scheme's own.
    pub host: &'r str,
    /// `https` or `http`, after the edge judged whom to trust about it.
    pub scheme: &'r str,
    /// The `If-None-Match` header.
    pub if_none_match: Option<&'r str>,
    /// What differs between two requests for the same page.
    pub per_request: PerRequest<'r>,
}

impl<'r> Request<'r> {
    /// A GET for `path` of `host` over https, at `now`, with nothing else set.
    #[must_use]
    pub fn get(host: &'r str, path: &'r str, now: Timestamp) -> Self {
        Self {
            method: "GET",
            path,
            query: None,
            host,
            scheme: "https",
            if_none_match: None,
            per_request: PerRequest { now, form_token: None, request_id: None, form_state: None },
        }
    }
}

/// Values that make each rendering of a page its own; all else of a page can be cached.
#[derive(Debug, Clone, Copy)]
pub struct PerRequest<'r> {
    /// The present instant, for dates in templates.
    pub now: Timestamp,
    /// The token of the page's forms; templates see it as `form_token`.
    pub form_token: Option<&'r str>,
    /// The correlation id; templates see it as `request_id`.
    pub request_id: Option<&'r str>,
    /// What became of a form sent without a script: `name`, `sent`, `errors`, `values`; templates see it as
    /// `form_state`.
    pub form_state: Option<&'r serde_json::Value>,
}

/// A site's answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// An HTML page, error pages included.
    Page(Box<Page>),
    /// Another address.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// The value of `Location`: absolute, or a path that starts with one slash.
        location: String,
    },
    /// A file, the sitemap or robots.txt; status 200.
    File {
        /// The bytes, or where they are.
        body: FileBody,
        /// The value of `Content-Type`.
        content_type: &'static str,
        /// How long a browser may keep it.
        cache: Cache,
        /// The value of `ETag`, quoted.
        etag: String,
    },
    /// The browser has the file already; status 304.
    NotModified {
        /// The value of `ETag`, quoted.
        etag: String,
        /// How long a browser may keep it.
        cache: Cache,
    },
    /// Only reading is possible here; status 405.
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: &'static str,
    },
}

/// A rendered page.
#[derive(Debug, Clone)]
pub struct Page {
    /// 200, 404 or 500.
    pub status: u16,
    /// The document.
    pub html: String,
    /// Further headers: name in lower case, value.
    pub headers: Vec<(&'static str, String)>,
    /// What was shown.
    pub key: PageKey,
    /// Why the status is 500; for the log, never for the visitor.
    pub failure: Option<RenderFailure>,
}

/// Names the page that was shown, for the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// Language code.
    pub language: String,
    /// Page id, such as `index`; the list page of an entity; `404` and `500` for error pages.
    pub page_id: String,
    /// Collection and slug of an entity.
    pub entity: Option<(String, String)>,
    /// The title of the page as rendered; empty for plain error pages.
    pub title: String,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub enum FileBody {
    /// Here.
    Memory(Bytes),
    /// On disk, to be streamed.
    Disk {
        /// The file.
        path: PathBuf,
        /// Its size in bytes when the site was loaded.
        len: u64,
    },
}

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// For ever: the address changes with the content.
    Immutable,
    /// Ask again each time with the ETag.
    Revalidate,
}

impl Cache {
    /// The value of `Cache-Control`.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Revalidate => "public, no-cache",
        }
    }
}
