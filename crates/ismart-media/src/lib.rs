//! Pictures: checked before decoding, cropped at the focal point, written as AVIF, WebP and JPEG or PNG.
//!
//! [`examine`] reads the header alone and refuses what would be dangerous or useless to decode; [`make`] decodes once,
//! turns the picture as its camera says, and gives every size that a [`Use`] needs, without the camera's notes.
//! [`drawing`] judges SVG. [`Library`] is a folder of pictures. [`Sidecar`] is what lies beside a picture as JSON. Nothing here knows of sites.
//!
//! ```
//! use ismart_media::{Focal, Use, examine};
//! # let bytes = [137, 80, 78, 71];
//! match examine(&bytes) {
//!     Ok(header) => println!("{} × {}", header.width, header.height),
//!     Err(refused) => println!("{refused}"),
//! }
//! ```

mod drawing;
mod encode;
mod library;
mod name;
mod sidecar;
mod sizes;

pub use drawing::{DrawingFault, drawing};
pub use encode::{Made, Making, Variant, make, upright};
pub use library::{Item, Library, LibraryError};
pub use name::{NameFault, is_safe, safe_name};
pub use sidecar::{Focal, Sidecar, SidecarVariant};
pub use sizes::{USES, Use};

/// The most pixels of a picture. A decoded pixel takes four bytes.
pub const MOST_PIXELS: u64 = 50_000_000;
/// The longest side, pixels.
pub const LONGEST_SIDE: u32 = 16_000;

/// A kind of picture that can be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// GIF; of a moving one the first picture.
    Gif,
    /// SVG.
    Svg,
}

impl Format {
    /// The ending of file names.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Svg => "svg",
        }
    }

    /// What `Content-Type` says of such a file.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// What the first bytes of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The kind.
    pub format: Format,
    /// Pixels from left to right, as stored; 0 for drawings.
    pub width: u32,
    /// Pixels from top to bottom, as stored; 0 for drawings.
    pub height: u32,
}

/// Why a picture is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes are no picture of a kind that we read.
    #[error("this is no JPEG, PNG, WebP, GIF or SVG: save the picture in one of these formats")]
    Unknown,
    /// Decoding would take too much memory.
    #[error(
        "the picture has {width} × {height} pixels; at most {MOST_PIXELS} pixels and {LONGEST_SIDE} on a side are taken: \
         make it smaller"
    )]
    TooManyPixels {
        /// Pixels from left to right.
        width: u64,
        /// Pixels from top to bottom.
        height: u64,
    },
    /// The picture is damaged.
    #[error("the picture is damaged: {0}. Save it again and send the new file")]
    Damaged(String),
    /// The drawing could do more than draw.
    #[error("the drawing is not taken: {}. Save it as a plain SVG without these", told(.0))]
    Drawing(Vec<DrawingFault>),
    /// A size could not be written.
    #[error("the picture could not be written as {format}: {why}")]
    Encoding {
        /// The format.
        format: &'static str,
        /// The encoder's words.
        why: String,
    },
}

fn told(faults: &[DrawingFault]) -> String {
    faults.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Reads the header of a picture: its kind and size, before a single pixel is decoded.
///
/// # Errors
/// [`Refused::Unknown`], [`Refused::TooManyPixels`], [`Refused::Damaged`].
pub fn examine(bytes: &[u8]) -> Result<Header, Refused> {
    if looks_like_svg(bytes) {
        return Ok(Header { format: Format::Svg, width: 0, height: 0 });
    }
    let format = match imagesize::image_type(bytes) {
        Ok(imagesize::ImageType::Jpeg) => Format::Jpeg,
        Ok(imagesize::ImageType::Png) => Format::Png,
        Ok(imagesize::ImageType::Webp) => Format::Webp,
        Ok(imagesize::ImageType::Gif) => Format::Gif,
        _ => return Err(Refused::Unknown),
    };
    let size = imagesize::blob_size(bytes).map_err(|e| Refused::Damaged(e.to_string()))?;
    let (width, height) = (size.width as u64, size.height as u64);
    let side = |pixels: u64| u32::try_from(pixels).ok().filter(|side| (1..=LONGEST_SIDE).contains(side));
    match (side(width), side(height)) {
        (Some(w), Some(h)) if width * height <= MOST_PIXELS => Ok(Header { format, width: w, height: h }),
        _ if width == 0 || height == 0 => Err(Refused::Damaged("it has no pixels".to_owned())),
        _ => Err(Refused::TooManyPixels { width, height }),
    }
}

/// Whether the text begins like a drawing: after white space, a declaration and comments, `<svg`.
fn looks_like_svg(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    head.starts_with('<')
        && (head.contains("<svg") || head.contains("<!DOCTYPE svg") || head.contains(":svg"))
}

/// SHA-256 of a picture as it was sent, hexadecimal: two files with one digest are one picture.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG header that claims a size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13];
        bytes.extend(b"IHDR");
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0]);
        bytes
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        assert_eq!(examine(&png(640, 480)), Ok(Header { format: Format::Png, width: 640, height: 480 }));
        for (width, height) in [(60_000, 60_000), (16_001, 1), (u32::MAX, u32::MAX), (10_000, 5_001)] {
            let refused = examine(&png(width, height)).unwrap_err();
            assert!(matches!(refused, Refused::TooManyPixels { .. }), "{refused:?}");
            assert!(refused.to_string().contains(&format!("{width} × {height}")), "{refused}");
        }
        assert!(matches!(examine(&png(0, 5)), Err(Refused::Damaged(_))));
    }

    #[test]
    fn what_is_no_picture_is_told_so() {
        for bytes in [&b""[..], b"<?php echo 1;", b"%PDF-1.7", b"\x89PNG", b"MZ\x90", b"GIF", b"<html><body>"]
        {
            assert!(examine(bytes).is_err(), "{bytes:?}");
        }
        let svg = "\u{feff} <?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>";
        assert_eq!(examine(svg.as_bytes()).unwrap().format, Format::Svg);
    }
}
