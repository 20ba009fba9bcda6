//! Parts of files: what a player asks for when somebody jumps in a film (RFC 9110, 14).

use axum::http::{HeaderMap, header};

use crate::origin::text;

/// What of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// From this byte to that one, both included.
    Part(u64, u64),
    /// A part that the file does not have: 416.
    Nothing,
}

impl Wanted {
    /// What the headers of a request want of a file of `len` bytes with this `ETag`. Several parts at once, units other
    /// than bytes and what cannot be read mean the whole file, as the standard allows.
    pub(super) fn of(headers: &HeaderMap, len: u64, etag: &str) -> Self {
        let Some(range) = text(headers, header::RANGE.as_str()) else { return Self::Whole };
        // A part of another version is of no use.
        if text(headers, header::IF_RANGE.as_str()).is_some_and(|tag| tag != etag) {
            return Self::Whole;
        }
        let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|set| set.split_once('-'))
        else {
            return Self::Whole;
        };
        let (first, last) = (first.trim(), last.trim());
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), _) if first >= len => Self::Nothing,
            (Ok(first), Ok(last)) if last >= first => Self::Part(first, last.min(len - 1)),
            (Ok(first), Err(_)) if last.is_empty() => Self::Part(first, len - 1),
            (Err(_), Ok(0)) if first.is_empty() => Self::Nothing,
            (Err(_), Ok(count)) if first.is_empty() && len > 0 => {
                Self::Part(len.saturating_sub(count), len - 1)
            }
            _ => Self::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn wanted(range: &'static str) -> Wanted {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        Wanted::of(&headers, 100, "\"e\"")
    }

    #[test]
    fn one_part_is_given() {
        assert_eq!(wanted("bytes=0-9"), Wanted::Part(0, 9));
        assert_eq!(wanted("bytes=90-"), Wanted::Part(90, 99));
        assert_eq!(wanted("bytes=90-500"), Wanted::Part(90, 99));
        assert_eq!(wanted("bytes=-10"), Wanted::Part(90, 99));
        assert_eq!(wanted("bytes=-500"), Wanted::Part(0, 99));
        assert_eq!(wanted("bytes=100-"), Wanted::Nothing);
        assert_eq!(wanted("bytes=-0"), Wanted::Nothing);
        for whole in ["bytes=9-0", "bytes=0-1,5-6", "lines=1-2", "bytes=x-", "bytes=", "bytes=-", "bytes=a-5"]
        {
            assert_eq!(wanted(whole), Wanted::Whole, "{whole}");
        }
        assert_eq!(Wanted::of(&HeaderMap::new(), 100, "\"e\""), Wanted::Whole);
    }

    #[test]
    fn a_part_of_another_version_is_not_given() {
        let mut headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-9"))]);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"e\""));
        assert_eq!(Wanted::of(&headers, 100, "\"e\""), Wanted::Part(0, 9));
        assert_eq!(Wanted::of(&headers, 100, "\"f\""), Wanted::Whole);
    }
}
