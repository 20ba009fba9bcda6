//! Operations that will go: said in the description, and in every answer by the headers of RFC 9745 and RFC 8594.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

/// An operation that will go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    /// Method and path, as the description has them.
    pub(super) operation: (&'static str, &'static str),
    /// Since when it should not be used, seconds since 1970.
    pub(super) since: i64,
    /// When it may stop answering, seconds since 1970; at least half a year after `since`.
    pub(super) sunset: i64,
    /// What to use instead: an address.
    pub(super) successor: &'static str,
}

/// Every operation that will go. A line stays for the whole time that it promises.
pub(super) const LEAVING: &[Leaving] = &[];

/// Adds the headers to answers of operations that will go.
pub(super) async fn tell(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let leaving = path.and_then(|path| find(LEAVING, &method, &path));
    if let Some(leaving) = leaving {
        mark(response.headers_mut(), leaving);
    }
    response
}

/// The entry of an operation.
pub(super) fn find<'l>(list: &'l [Leaving], method: &Method, path: &str) -> Option<&'l Leaving> {
    list.iter().find(|leaving| leaving.operation == (method.as_str(), path))
}

fn mark(headers: &mut HeaderMap, leaving: &Leaving) {
    let sunset = Timestamp::from_second(leaving.sunset);
    let lines = [
        ("deprecation", Some(format!("@{}", leaving.since))),
        ("sunset", sunset.ok().map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())),
        (header::LINK.as_str(), Some(format!("<{}>; rel=\"successor-version\"", leaving.successor))),
    ];
    for (name, line) in lines {
        if let Some(value) = line.and_then(|line| HeaderValue::from_str(&line).ok()) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_go_is_said_in_the_headers() {
        let list = [Leaving {
            operation: ("GET", "/api/v1/old"),
            since: 1_780_000_000,
            sunset: 1_800_000_000,
            successor: "/api/v2/new",
        }];
        assert!(find(&list, &Method::POST, "/api/v1/old").is_none());
        let mut headers = HeaderMap::new();
        mark(&mut headers, find(&list, &Method::GET, "/api/v1/old").unwrap());
        assert_eq!(headers["deprecation"], "@1780000000");
        assert_eq!(headers["sunset"], "Fri, 15 Jan 2027 08:00:00 GMT");
        assert_eq!(headers["link"], "</api/v2/new>; rel=\"successor-version\"");
    }

    #[test]
    fn nobody_is_given_less_than_half_a_year() {
        for leaving in LEAVING {
            assert!(leaving.sunset - leaving.since >= 182 * 86_400, "{leaving:?}");
        }
    }
}
