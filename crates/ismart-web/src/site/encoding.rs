//! Which compression the browser takes, and the compressing.

use std::io::Write as _;

use axum::http::{HeaderMap, header};
use bytes::Bytes;

/// A content encoding that we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Zstd,
    Gzip,
}

/// In the order of preference where the browser has none: the smallest answer first.
pub(super) const ENCODINGS: [Encoding; 3] = [Encoding::Brotli, Encoding::Zstd, Encoding::Gzip];

/// Below this the headers weigh more than what is saved; bytes.
const WORTH: usize = 512;

/// Brotli's window, as a power of two: larger than any page of a site.
const WINDOW: u32 = 22;

impl Encoding {
    /// The word of `Content-Encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The best of ours that `Accept-Encoding` allows (RFC 9110, 12.5.3); `None` for the plain bytes.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let offers: Vec<(&str, f32)> = values.flat_map(|value| value.split(',')).map(offer).collect();
        let weight = |name: &str| {
            let named = offers.iter().find(|(offered, _)| offered.eq_ignore_ascii_case(name));
            named.or_else(|| offers.iter().find(|(offered, _)| *offered == "*")).map_or(0.0, |(_, q)| *q)
        };
        for encoding in ENCODINGS {
            let quality = weight(encoding.name());
            if quality > 0.0 && best.is_none_or(|(_, other)| quality > other) {
                best = Some((encoding, quality));
            }
        }
        best.map(|(encoding, _)| encoding)
    }

    /// `body` compressed, or `None` when that does not make it smaller. `thorough` takes many times longer: for files
    /// that are compressed once and served for months.
    pub(super) fn compress(self, body: &[u8], thorough: bool) -> Option<Bytes> {
        if body.len() < WORTH {
            return None;
        }
        let packed = match self {
            Self::Brotli => {
                let quality = if thorough { 10 } else { 5 };
                let mut writer = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, quality, WINDOW);
                writer.write_all(body).ok()?;
                writer.into_inner()
            }
            Self::Zstd => zstd::bulk::compress(body, if thorough { 17 } else { 3 }).ok()?,
            Self::Gzip => {
                let level = flate2::Compression::new(if thorough { 9 } else { 6 });
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
                writer.write_all(body).ok()?;
                writer.finish().ok()?
            }
        };
        (packed.len() < body.len()).then(|| Bytes::from(packed))
    }
}

/// One element of `Accept-Encoding`: its name and its weight from 0 to 1.
fn offer(element: &str) -> (&str, f32) {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or("");
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    (name, weight.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0)))
}

/// Whether a media type is worth compressing: text, and what is text inside.
pub(super) fn compressible(content_type: &str) -> bool {
    let bare = content_type.split(';').next().unwrap_or("").trim();
    bare.starts_with("text/")
        || matches!(
            bare,
            "application/javascript"
                | "application/json"
                | "application/manifest+json"
                | "application/wasm"
                | "application/xml"
                | "font/otf"
                | "font/ttf"
                | "image/svg+xml"
                | "image/x-icon"
        )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(value: &'static str) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Encoding::accepted(&headers)
    }

    #[test]
    fn the_browser_s_wish_is_followed() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Encoding::Brotli));
        assert_eq!(accepted("gzip, zstd;q=0.5"), Some(Encoding::Gzip));
        assert_eq!(accepted("br;q=0, gzip;q=0.1"), Some(Encoding::Gzip));
        assert_eq!(accepted("*"), Some(Encoding::Brotli));
        assert_eq!(accepted("*;q=0, gzip"), Some(Encoding::Gzip));
        assert_eq!(accepted("GZIP"), Some(Encoding::Gzip));
        for none in ["", "identity", "deflate", "br;q=0", "br;q=much"] {
            assert_eq!(accepted(none), None, "{none}");
        }
        assert_eq!(Encoding::accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        use std::io::Read as _;
        let text = "<p>Шины и диски</p>".repeat(200);
        for encoding in ENCODINGS {
            for thorough in [false, true] {
                let packed = encoding.compress(text.as_bytes(), thorough).unwrap();
                assert!(packed.len() < text.len() / 4);
                let mut back = Vec::new();
                match encoding {
                    Encoding::Brotli => {
                        brotli::BrotliDecompress(&mut packed.as_ref(), &mut back).unwrap();
                    }
                    Encoding::Zstd => back = zstd::bulk::decompress(&packed, text.len()).unwrap(),
                    Encoding::Gzip => {
                        flate2::read::GzDecoder::new(packed.as_ref()).read_to_end(&mut back).unwrap();
                    }
                }
                assert_eq!(back, text.as_bytes(), "{encoding:?}");
            }
            assert_eq!(encoding.compress(b"short", false), None);
        }
    }

    #[test]
    fn pictures_are_left_as_they_are() {
        assert!(compressible("text/html; charset=UTF-8") && compressible("image/svg+xml"));
        assert!(!compressible("image/webp") && !compressible("font/woff2") && !compressible(""));
    }
}
