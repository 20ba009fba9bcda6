//! Addresses of a site: redirects and the sitemap.

use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::AtSite;
use super::conditional;
use super::cursor::Listing;
use super::scope::{Content, Shown};
use crate::problem::Problem;

/// A rule of redirects.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Redirect {
    /// The old path, or how it begins.
    from: String,
    /// The new path or address, or how it begins.
    to: String,
    /// Whether everything under `from` is meant.
    prefix: bool,
    /// 301, 302, 303, 307 or 308.
    #[schema(minimum = 301, maximum = 308)]
    status: u16,
}

/// An address of the sitemap.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Address {
    /// Code of the language.
    language: String,
    /// The path on the site.
    path: String,
}

/// One page of the sitemap in all its languages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SitemapEntry {
    /// Its addresses, one a language.
    addresses: Vec<Address>,
}

/// The rules of redirects
#[utoipa::path(
    get, path = "/sites/{site}/redirects", operation_id = "listRedirects", tag = "Sites",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "In their order: the first that matches wins", body = Listing<Redirect>,
        headers(("ETag" = String)))),
)]
pub(super) async fn redirects(at: AtSite<Content>, headers: HeaderMap) -> Result<Response, Problem> {
    let rules = at.site.redirect_rules().into_iter();
    let items = rules
        .map(|rule| Redirect { from: rule.from, to: rule.to, prefix: rule.prefix, status: rule.status })
        .collect();
    conditional::json(&headers, &Listing { items, next: None })
}

/// Every page that search engines may index
#[utoipa::path(
    get, path = "/sites/{site}/sitemap", operation_id = "getSitemap", tag = "Sites",
    params(("site" = String, Path, description = "Key of the site")),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "One entry a page, with an address a language", body = Listing<SitemapEntry>,
        headers(("ETag" = String)))),
)]
pub(super) async fn sitemap(at: AtSite<Shown>, headers: HeaderMap) -> Result<Response, Problem> {
    let groups = at.site.sitemap_entries().into_iter();
    let items = groups
        .map(|group| SitemapEntry {
            addresses: group.into_iter().map(|(language, path)| Address { language, path }).collect(),
        })
        .collect();
    conditional::json(&headers, &Listing { items, next: None })
}
