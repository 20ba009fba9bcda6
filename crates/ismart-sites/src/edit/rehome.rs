//! A page shown at another address: all its own links stay within that address.

use std::ops::Range;

use html5gum::Tokenizer;
use html5gum::emitters::default::{DefaultEmitter, Token};

/// Attributes that hold one address.
const SINGLE: &[&str] = &["action", "data-href", "data-src", "formaction", "href", "poster", "src"];
/// Attributes that hold several, each with a width.
const SETS: &[&str] = &["data-srcset", "imagesrcset", "srcset"];

/// The page with every address of the site (those on `base_url`, and those that begin with one slash) put below
/// `prefix`. Addresses of other sites, fragments and what is not HTML stay. Scripts are made plain text: the page is
/// looked at, not used.
///
/// ```
/// use ismart_sites::edit::rehomed;
/// let html = r#"<a href="https://a.test/x?y">x</a><img src=/i.png><a href="//b.test/">"#;
/// let shown = rehomed(html, "https://a.test", "/p");
/// assert_eq!(shown, r#"<a href="/p/x?y">x</a><img src=/p/i.png><a href="//b.test/">"#);
/// ```
#[must_use]
pub fn rehomed(html: &str, base_url: &str, prefix: &str) -> String {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut in_style = false;
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                in_style = tag.name.as_slice() == b"style";
                if tag.name.as_slice() == b"script" {
                    // The first of two attributes counts: nothing of the page runs where it is only looked at.
                    let end = tag.span.start + 1 + tag.name.len();
                    changes.push((end..end, " type=\"text/plain\"".to_owned()));
                }
                for (name, value) in &tag.attributes {
                    let raw = html.get(value.span.start..value.span.end).unwrap_or("");
                    let Some(equals) = raw.find('=') else { continue };
                    let range = value.span.start + equals + 1..value.span.end;
                    let text = html.get(range.clone()).unwrap_or("");
                    let name = String::from_utf8_lossy(name);
                    let moved = if SINGLE.contains(&name.as_ref()) {
                        quoted(text, |address| home(address, base_url, prefix))
                    } else if SETS.contains(&name.as_ref()) {
                        quoted(text, |set| set_home(set, base_url, prefix))
                    } else if name == "style" {
                        Some(styles(text, base_url, prefix))
                    } else {
                        None
                    };
                    changes.extend(moved.map(|text| (range, text)));
                }
            }
            Token::EndTag(_) => in_style = false,
            Token::String(text) if in_style => {
                let range = text.span.start..text.span.end;
                let css = styles(html.get(range.clone()).unwrap_or(""), base_url, prefix);
                changes.push((range, css));
            }
            _ => {}
        }
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(html.len() + changes.len() * prefix.len());
    let mut last = 0;
    for (range, text) in changes {
        out.push_str(html.get(last..range.start).unwrap_or(""));
        out.push_str(&text);
        last = range.end;
    }
    out.push_str(html.get(last..).unwrap_or(""));
    out
}

/// A style sheet with the addresses of the site put below `prefix`.
#[must_use]
pub fn styles(css: &str, base_url: &str, prefix: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = rest.find("url(") {
        let (before, after) = rest.split_at(at + 4);
        out.push_str(before);
        let quote: String =
            after.chars().take_while(|c| c.is_whitespace() || matches!(c, '"' | '\'')).collect();
        out.push_str(&quote);
        let address = after.get(quote.len()..).unwrap_or("");
        let end = address.find([')', '"', '\'']).unwrap_or(address.len());
        let (address, tail) = address.split_at(end);
        match home(address, base_url, prefix) {
            Some(moved) => out.push_str(&moved),
            None => out.push_str(address),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Where an address leads below the prefix; `None` when it is not the site's or is relative.
fn home(address: &str, base_url: &str, prefix: &str) -> Option<String> {
    let address = address.trim();
    if let Some(rest) = address.strip_prefix(base_url)
        && (rest.is_empty() || rest.starts_with(['/', '?', '#']))
    {
        return Some(format!("{prefix}{rest}"));
    }
    (address.starts_with('/') && !address.starts_with("//")).then(|| format!("{prefix}{address}"))
}

fn set_home(set: &str, base_url: &str, prefix: &str) -> Option<String> {
    let one = |candidate: &str| {
        let candidate = candidate.trim();
        let (address, size) = candidate.split_once(char::is_whitespace).unwrap_or((candidate, ""));
        let address = home(address, base_url, prefix).unwrap_or_else(|| address.to_owned());
        if size.is_empty() { address } else { format!("{address} {size}") }
    };
    Some(set.split(',').map(one).collect::<Vec<_>>().join(", "))
}

/// Changes what stands between the quotes of an attribute's value, if it has any.
fn quoted(raw: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let raw = raw.trim_start();
    for quote in ['"', '\''] {
        if let Some(inner) = raw.strip_prefix(quote) {
            let inner = inner.strip_suffix(quote).unwrap_or(inner);
            return change(inner).map(|text| format!("{quote}{text}{quote}"));
        }
    }
    let end = raw.find(['>', ' ']).unwrap_or(raw.len());
    let (value, rest) = raw.split_at(end);
    change(value).map(|text| format!("{text}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_styles_are_moved_and_foreign_addresses_stay() {
        let html = "<img srcset=\"/a.webp 1x, https://a.test/b.webp 2x, https://c.test/d 3x\" style=\"background:url('/i.svg')\"><style>a{b:url(/f.woff2)}</style><a href='#x'>x</a><a href=\"https://a.testing/\">y</a>";
        assert_eq!(
            rehomed(html, "https://a.test", "/p"),
            "<img srcset=\"/p/a.webp 1x, /p/b.webp 2x, https://c.test/d 3x\" style=\"background:url('/p/i.svg')\"><style>a{b:url(/p/f.woff2)}</style><a href='#x'>x</a><a href=\"https://a.testing/\">y</a>"
        );
    }

    #[test]
    fn scripts_do_not_run() {
        let html = "<script type=module src=/a.js></script><script>let a = '<a href=\"/x\">';</script>";
        assert_eq!(
            rehomed(html, "https://a.test", "/p"),
            "<script type=\"text/plain\" type=module src=/p/a.js></script><script type=\"text/plain\">let a = '<a href=\"/x\">';</script>"
        );
    }

    #[test]
    fn broken_markup_ends() {
        for html in ["<a href=", "<a href='/x", "<style>a{b:url(", "<img srcset>", "<a href=/x>y"] {
            assert!(rehomed(html, "https://a.test", "/p").len() >= html.len(), "{html}");
        }
    }
}
