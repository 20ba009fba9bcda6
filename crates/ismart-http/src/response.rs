//! An answer, read whole.

use bytes::Bytes;
use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};

/// An answer of the other side: any status, the whole body.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl std::fmt::Debug for Response {
    /// Status and length only: headers and body may hold secrets and personal values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Response");
        shown.field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

impl Response {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the request may have been carried out: success, and every 5xx, which a proxy sends also when
    /// it has only lost the answer.
    #[must_use]
    pub fn may_have_been_executed(&self) -> bool {
        self.is_success() || self.status >= 500
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// The parser's error; its text names line and column, not the content.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// A header's value, if it is there and printable.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type without parameters, in lower case: `text/html`.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE.as_str())?;
        value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
    }

    /// Where a redirect leads. Redirects are never followed.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.header(LOCATION.as_str())
    }

    /// How long the other side asks to wait (`Retry-After`). A date is measured from the answer's own
    /// `Date`, so that a wrong clock on either machine does not matter; without `Date` it tells nothing.
    #[must_use]
    pub fn retry_after(&self) -> Option<SignedDuration> {
        let text = self.header(RETRY_AFTER.as_str())?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(SignedDuration::from_secs(i64::from(seconds)));
        }
        let until = rfc2822::parse(text).ok()?.timestamp();
        let now = rfc2822::parse(self.header(DATE.as_str())?).ok()?.timestamp();
        Some(until.duration_since(now).max(SignedDuration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderName;

    fn with(headers: &[(&str, &str)]) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        Response { status: 429, headers, body: Bytes::new() }
    }

    #[test]
    fn waiting_times_are_read_in_both_forms() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        let later = "Wed, 21 Oct 2026 07:29:30 GMT";
        let seconds = |headers: &[(&str, &str)]| with(headers).retry_after().map(|wait| wait.as_secs());
        assert_eq!(seconds(&[("retry-after", " 120 ")]), Some(120));
        assert_eq!(seconds(&[("retry-after", later), ("date", date)]), Some(90));
        assert_eq!(seconds(&[("retry-after", date), ("date", later)]), Some(0));
        assert_eq!(seconds(&[("retry-after", later)]), None);
        for nonsense in ["", "soon", "-5", "1e9", "99999999999999"] {
            assert_eq!(seconds(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(seconds(&[]), None);
    }

    #[test]
    fn p2_debug_output_shows_neither_headers_nor_body() {
        let mut response = with(&[("set-cookie", "hush")]);
        response.body = Bytes::from_static(b"hush");
        assert_eq!(format!("{response:?}"), "Response { status: 429, bytes: 4, .. }");
    }

    #[test]
    fn media_types_lose_their_parameters() {
        assert_eq!(
            with(&[("content-type", "Text/HTML; charset=utf-8")]).content_type().unwrap(),
            "text/html"
        );
        assert_eq!(with(&[]).content_type(), None);
    }
}
