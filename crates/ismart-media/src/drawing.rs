//! Drawings (SVG): taken only when they can do nothing but draw.

use std::fmt;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::Refused;

/// The largest drawing, bytes.
const LARGEST: usize = 1024 * 1024;
/// Elements that do more than draw.
const ACTIVE: [&str; 12] = [
    "script",
    "foreignobject",
    "iframe",
    "embed",
    "object",
    "audio",
    "video",
    "handler",
    "listener",
    "set",
    "animate",
    "a",
];

/// One thing that a drawing must not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrawingFault {
    /// The file is no sound XML.
    Syntax(String),
    /// It is too large.
    TooLarge(usize),
    /// An element that does more than draw.
    Element(String),
    /// An attribute that runs a script.
    Handler(String),
    /// A reference to something outside of the drawing.
    Reference(String),
    /// A document type or entity: these can blow up or read files.
    Entity,
    /// Its root is no `svg`.
    Root,
}

impl fmt::Display for DrawingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(why) => write!(f, "it is no sound XML ({why})"),
            Self::TooLarge(bytes) => {
                write!(f, "it has {} KB, at most {} are taken", bytes / 1024, LARGEST / 1024)
            }
            Self::Element(name) => write!(f, "it holds the element <{name}>"),
            Self::Handler(name) => write!(f, "the attribute `{name}` runs a script"),
            Self::Reference(place) => write!(f, "it refers to `{place}` outside of itself"),
            Self::Entity => f.write_str("it declares a document type or entities"),
            Self::Root => f.write_str("its root is no <svg>"),
        }
    }
}

/// Judges a drawing.
///
/// # Errors
/// [`Refused::Drawing`] with everything that it must not hold.
pub fn drawing(bytes: &[u8]) -> Result<(), Refused> {
    let faults = faults(bytes);
    if faults.is_empty() { Ok(()) } else { Err(Refused::Drawing(faults)) }
}

fn faults(bytes: &[u8]) -> Vec<DrawingFault> {
    if bytes.len() > LARGEST {
        return vec![DrawingFault::TooLarge(bytes.len())];
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![DrawingFault::Syntax("it is not UTF-8".to_owned())];
    };
    let mut reader = Reader::from_str(text);
    let (mut faults, mut depth, mut roots, mut style) = (Vec::new(), 0_usize, 0_usize, false);
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                faults.push(DrawingFault::Syntax(error.to_string()));
                break;
            }
        };
        match event {
            Event::Start(tag) => {
                if depth == 0 {
                    roots += 1;
                    check_root(&tag, &mut faults);
                }
                depth += 1;
                style = local(&tag) == "style";
                check(&tag, &mut faults);
            }
            Event::Empty(tag) => {
                if depth == 0 {
                    roots += 1;
                    check_root(&tag, &mut faults);
                }
                check(&tag, &mut faults);
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                style = false;
            }
            Event::Text(text) if style => check_style(text.as_ref(), &mut faults),
            Event::CData(text) if style => check_style(text.as_ref(), &mut faults),
            Event::DocType(_) => faults.push(DrawingFault::Entity),
            Event::GeneralRef(name) if !is_plain(name.as_ref()) => faults.push(DrawingFault::Entity),
            Event::Eof => break,
            _ => {}
        }
    }
    if depth > 0 && !faults.iter().any(|fault| matches!(fault, DrawingFault::Syntax(_))) {
        faults.push(DrawingFault::Syntax("an element is not closed".to_owned()));
    }
    if roots != 1 && faults.is_empty() {
        faults.push(DrawingFault::Root);
    }
    faults.dedup();
    faults
}

/// Whether a reference stands for one sign and needs no declaration.
fn is_plain(reference: &str) -> bool {
    reference.starts_with('#') || matches!(reference, "amp" | "lt" | "gt" | "quot" | "apos")
}

/// The name of an element without its prefix, in small letters.
fn local(tag: &BytesStart<'_>) -> String {
    tag.local_name().as_ref().to_ascii_lowercase()
}

fn check_root(tag: &BytesStart<'_>, faults: &mut Vec<DrawingFault>) {
    if local(tag) != "svg" {
        faults.push(DrawingFault::Root);
    }
}

fn check(tag: &BytesStart<'_>, faults: &mut Vec<DrawingFault>) {
    let name = local(tag);
    if ACTIVE.contains(&name.as_str()) || name.starts_with("animate") {
        faults.push(DrawingFault::Element(name));
    }
    for attribute in tag.attributes() {
        let attribute = match attribute {
            Ok(attribute) => attribute,
            Err(error) => {
                faults.push(DrawingFault::Syntax(error.to_string()));
                return;
            }
        };
        let key = attribute.key.local_name().as_ref().to_ascii_lowercase();
        let value: &str = attribute.value.as_ref();
        if key.starts_with("on") {
            faults.push(DrawingFault::Handler(key));
        } else if matches!(key.as_str(), "href" | "src" | "data" | "action" | "from" | "to" | "base") {
            check_reference(value, faults);
        } else {
            check_style(value, faults);
        }
    }
}

/// A drawing may refer to its own parts, and hold pictures as data.
fn check_reference(value: &str, faults: &mut Vec<DrawingFault>) {
    let bare: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let lower = bare.to_ascii_lowercase();
    let data = ["data:image/png", "data:image/jpeg", "data:image/webp", "data:image/gif"];
    let own = lower.is_empty() || lower.starts_with('#') || data.iter().any(|start| lower.starts_with(start));
    // A reference that is written in entities hides what it is.
    if !own || lower.contains('&') {
        faults.push(DrawingFault::Reference(value.chars().take(60).collect()));
    }
}

/// Styles may name colours and parts of the drawing, not addresses.
fn check_style(text: &str, faults: &mut Vec<DrawingFault>) {
    let lower: String = text.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    if lower.contains("@import")
        || lower.contains("javascript:")
        || lower.contains("expression(")
        || lower.contains('\\')
    {
        faults.push(DrawingFault::Reference(text.trim().chars().take(60).collect()));
        return;
    }
    for part in lower.split("url(").skip(1) {
        let target = part.trim_start_matches(['"', '\'']);
        if !target.starts_with('#') && !target.starts_with("data:image/") {
            faults.push(DrawingFault::Reference(target.chars().take(60).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_drawings_are_taken() {
        for svg in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><path d=\"M0 0h8\" fill=\"#fff\"/></svg>",
            "<?xml version=\"1.0\"?><!-- x --><svg><defs><linearGradient id=\"g\"/></defs><rect fill=\"url(#g)\"/>\
             <use href=\"#g\"/><style>.a{fill:red}</style><text>A &amp; B &#169;</text></svg>",
            "<svg xmlns:xlink=\"http://www.w3.org/1999/xlink\"><image xlink:href=\"data:image/png;base64,AA\"/></svg>",
        ] {
            assert_eq!(drawing(svg.as_bytes()), Ok(()), "{svg}");
        }
    }

    #[test]
    fn what_does_more_than_draw_is_refused_with_the_reason() {
        for (svg, why) in [
            ("<svg><script>alert(1)</script></svg>", "<script>"),
            ("<svg><SCRIPT/></svg>", "<script>"),
            ("<svg><s:script xmlns:s=\"http://www.w3.org/2000/svg\"/></svg>", "<script>"),
            ("<svg onload=\"alert(1)\"/>", "`onload`"),
            ("<svg><rect ONCLICK='x'/></svg>", "`onclick`"),
            ("<svg><foreignObject><p/></foreignObject></svg>", "<foreignobject>"),
            ("<svg><a href=\"https://evil.example\"/></svg>", "<a>"),
            ("<svg><use href=\"https://evil.example/x.svg#a\"/></svg>", "evil.example"),
            ("<svg><image href=\" java\nscript:alert(1)\"/></svg>", "outside of itself"),
            ("<svg><image href=\"&#106;avascript:alert(1)\"/></svg>", "outside of itself"),
            ("<svg><image href=\"data:text/html,x\"/></svg>", "outside of itself"),
            ("<svg><style>@import url(//evil)</style></svg>", "outside of itself"),
            ("<svg><style><![CDATA[a{background:url(http://evil)}]]></style></svg>", "outside of itself"),
            ("<svg><rect style=\"fill:url( 'http://evil' )\"/></svg>", "outside of itself"),
            ("<svg><set attributeName=\"href\" to=\"javascript:x\"/></svg>", "<set>"),
            ("<!DOCTYPE svg [<!ENTITY x \"y\">]><svg>&x;</svg>", "entities"),
            ("<svg><rect></svg>", "no sound XML"),
            ("<svg>", "not closed"),
            ("<html/>", "no <svg>"),
            ("<svg/><svg/>", "no <svg>"),
            ("", "no <svg>"),
        ] {
            let refused = drawing(svg.as_bytes()).expect_err(svg).to_string();
            assert!(refused.contains(why), "{svg}: {refused}");
        }
        assert!(drawing(&vec![b' '; LARGEST + 1]).unwrap_err().to_string().contains("KB"));
        assert!(drawing(b"<svg>\xff</svg>").is_err());
    }
}
