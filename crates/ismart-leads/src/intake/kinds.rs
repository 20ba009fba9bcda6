//! What a file is, by its content, and which files are taken: pictures, PDF, office documents, text.

/// A kind of file that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKind {
    /// Its media type.
    pub media_type: &'static str,
    /// Endings that its name may have; the first is given to a name that has none of them.
    pub extensions: &'static [&'static str],
}

/// Every kind that is taken. What else there is (programs, pages, drawings with scripts, archives) is not.
const KINDS: &[FileKind] = &[
    FileKind { media_type: "image/jpeg", extensions: &["jpg", "jpeg", "jpe"] },
    FileKind { media_type: "image/png", extensions: &["png"] },
    FileKind { media_type: "image/webp", extensions: &["webp"] },
    FileKind { media_type: "image/gif", extensions: &["gif"] },
    FileKind { media_type: "image/heif", extensions: &["heic", "heif"] },
    FileKind { media_type: "image/avif", extensions: &["avif"] },
    FileKind { media_type: "image/bmp", extensions: &["bmp"] },
    FileKind { media_type: "image/tiff", extensions: &["tif", "tiff"] },
    FileKind { media_type: "application/pdf", extensions: &["pdf"] },
    FileKind { media_type: "application/rtf", extensions: &["rtf", "doc"] },
    FileKind { media_type: "application/msword", extensions: &["doc"] },
    FileKind { media_type: "application/vnd.ms-excel", extensions: &["xls"] },
    FileKind { media_type: "application/vnd.ms-powerpoint", extensions: &["ppt"] },
    FileKind {
        media_type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        extensions: &["docx"],
    },
    FileKind {
        media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        extensions: &["xlsx"],
    },
    FileKind {
        media_type: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        extensions: &["pptx"],
    },
    FileKind { media_type: "application/vnd.oasis.opendocument.text", extensions: &["odt"] },
    FileKind { media_type: "application/vnd.oasis.opendocument.spreadsheet", extensions: &["ods"] },
    FileKind { media_type: "application/vnd.oasis.opendocument.presentation", extensions: &["odp"] },
    FileKind { media_type: TEXT, extensions: &["txt", "csv", "log", "md"] },
];

const TEXT: &str = "text/plain";

/// How much of a file is looked at, bytes: the table of contents of an office document may begin late.
pub(super) const HEAD: usize = 64 * 1024;

impl FileKind {
    /// The kind of a file that begins with these bytes; `None` when it is not taken.
    ///
    /// ```
    /// use ismart_leads::intake::FileKind;
    ///
    /// assert_eq!(FileKind::of(b"%PDF-1.7\n...").map(|kind| kind.media_type), Some("application/pdf"));
    /// assert_eq!(FileKind::of(b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"), None);
    /// ```
    #[must_use]
    pub fn of(head: &[u8]) -> Option<&'static Self> {
        let known = infer::get(head).map(|found| found.mime_type());
        let media_type = match known {
            Some("text/rtf") => "application/rtf",
            Some("image/heic") => "image/heif",
            Some(found) => found,
            None if is_text(head) => TEXT,
            None => return None,
        };
        KINDS.iter().find(|kind| kind.media_type == media_type)
    }

    /// Names of what is taken, for people.
    #[must_use]
    pub fn taken() -> &'static str {
        "JPEG, PNG, WebP, GIF, HEIC, PDF, DOC(X), XLS(X), PPT(X), ODT, RTF, TXT"
    }
}

/// Text of people: UTF-8 or windows-1251 without control characters, and neither markup nor a script.
fn is_text(head: &[u8]) -> bool {
    let bare = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = bare.iter().find(|byte| !byte.is_ascii_whitespace());
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let script = bare.starts_with(b"#!") || bare.starts_with(b"MZ");
    start.is_some_and(|first| *first != b'<') && !script && !bare.iter().any(control)
}

/// A name that is safe in a list and on a disk of any system: the last part of a path, no control or direction
/// characters, at most 120 characters, ended as files of this kind are.
///
/// ```
/// use ismart_leads::intake::{FileKind, clean_name};
///
/// let pdf = FileKind::of(b"%PDF-1.4").unwrap();
/// assert_eq!(clean_name("C:\\docs\\резюме.pdf", pdf), "резюме.pdf");
/// assert_eq!(clean_name("../../etc/passwd", pdf), "passwd.pdf");
/// assert_eq!(clean_name("invoice\u{202e}fdp.exe", pdf), "invoicefdp.exe.pdf");
/// assert_eq!(clean_name("..", pdf), "file.pdf");
/// ```
#[must_use]
pub fn clean_name(name: &str, kind: &FileKind) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let strange = |c: char| {
        c.is_control()
            || "<>:\"|?*%;".contains(c)
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let plain: String = last.chars().filter(|c| !strange(*c)).collect();
    let plain = plain.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let ending = plain.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let fits = ending.is_some_and(|ending| kind.extensions.contains(&ending.as_str()));
    let stem: String = if fits {
        plain.rsplit_once('.').map_or(plain, |(stem, _)| stem).chars().take(112).collect()
    } else {
        plain.chars().take(112).collect()
    };
    let stem = if stem.is_empty() { "file" } else { stem.as_str() };
    let ending = match plain.rsplit_once('.') {
        Some((_, ending)) if fits => ending.to_lowercase(),
        _ => kind.extensions.first().copied().unwrap_or("bin").to_owned(),
    };
    format!("{stem}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_known_by_its_content() {
        let kind = |head: &[u8]| FileKind::of(head).map(|kind| kind.extensions[0]);
        assert_eq!(kind(b"\xff\xd8\xff\xe0\0\x10JFIF\0"), Some("jpg"));
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some("png"));
        assert_eq!(kind("Здравствуйте, вот мой список".as_bytes()), Some("txt"));
        assert_eq!(kind(b"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0"), Some("txt"), "windows-1251");
        assert_eq!(kind(br"{\rtf1\ansi text}"), Some("rtf"));
    }

    #[test]
    fn what_could_act_is_not_taken() {
        for head in [
            &b"MZ\x90\0\x03\0\0\0"[..],
            b"\x7fELF\x02\x01\x01\0",
            b"<!doctype html><script>alert(1)</script>",
            b"  \n<svg onload='x()'>",
            b"\xef\xbb\xbf<?xml version='1.0'?><svg/>",
            b"#!/bin/sh\nrm -rf /",
            b"PK\x03\x04\x14\0\0\0\x08\0 some archive without a known inside",
            b"Rar!\x1a\x07\x01\0",
            b"text\0with zeros",
            b"",
            b"   ",
        ] {
            assert_eq!(FileKind::of(head), None, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn names_are_bounded() {
        let jpeg = FileKind::of(b"\xff\xd8\xff\xe0").unwrap();
        let name = clean_name(&format!("{}.JPEG", "я".repeat(400)), jpeg);
        assert!(name.chars().count() <= 120 && name.ends_with(".jpeg"), "{name}");
        assert_eq!(clean_name("a\r\nSet-Cookie: x.jpg", jpeg), "aSet-Cookie x.jpg");
    }
}
