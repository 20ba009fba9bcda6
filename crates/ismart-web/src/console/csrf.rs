//! Whether a request that changes something was made by our own page.

use axum::http::HeaderMap;
use subtle::ConstantTimeEq;

use crate::origin::text;

/// The header in which scripts send the token; forms send the field `csrf`.
pub(super) const HEADER: &str = "x-csrf-token";
/// The field in which forms send the token.
pub(super) const FIELD: &str = "csrf";

/// Equality that takes the same time wherever the texts differ.
pub(super) fn same(given: &str, expected: &str) -> bool {
    !expected.is_empty() && bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
}

/// Whether the browser says that a page of `host` sent this. A browser that says nothing is judged by the token
/// alone.
pub(super) fn from_our_page(headers: &HeaderMap, host: &str) -> bool {
    match (text(headers, "origin"), text(headers, "sec-fetch-site")) {
        (Some(origin), _) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
        (None, Some(site)) => matches!(site, "same-origin" | "none"),
        (None, None) => !headers.contains_key("origin"),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same("abc", "abc"));
        for (given, expected) in [("", ""), ("abd", "abc"), ("ab", "abc"), ("abcd", "abc"), ("", "abc")] {
            assert!(!same(given, expected), "{given:?} {expected:?}");
        }
    }

    #[test]
    fn other_pages_are_recognised() {
        let asked = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            from_our_page(&headers, "crm.example:8080")
        };
        assert!(asked(&[("origin", "http://crm.example:8080")]));
        assert!(asked(&[("origin", "https://CRM.example:8080")]));
        assert!(asked(&[]));
        assert!(asked(&[("sec-fetch-site", "same-origin")]));
        for bad in ["null", "http://evil.example", "http://crm.example", "http://crm.example:8080.evil", ""] {
            assert!(!asked(&[("origin", bad)]), "{bad}");
        }
        assert!(!asked(&[("sec-fetch-site", "cross-site")]));
        assert!(!asked(&[("sec-fetch-site", "same-site")]));
    }
}
