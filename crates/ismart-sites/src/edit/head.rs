//! What search engines and messengers read off a page as it is rendered: title, description, card.

use html5gum::{StartTag, Token, Tokenizer};
use jiff::Timestamp;

use crate::answer::{Answer, Request};
use crate::snapshot::{Snapshot, primary_base};

/// The head of a rendered page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `<title>`.
    pub title: String,
    /// `description`.
    pub description: String,
    /// `<link rel="canonical">`.
    pub canonical: Option<String>,
    /// Search engines are asked to leave the page out.
    pub hidden: bool,
    /// `og:title`; empty when there is none.
    pub card_title: String,
    /// `og:description`; empty when there is none.
    pub card_description: String,
    /// `og:image`.
    pub card_image: Option<String>,
    /// `og:site_name`.
    pub site_name: Option<String>,
}

impl Head {
    /// Reads it off a document.
    ///
    /// ```
    /// use ismart_sites::edit::Head;
    /// let head = Head::of("<head><title>Cars &amp; more</title><meta name=\"description\" content=\"All\"></head>");
    /// assert_eq!((head.title.as_str(), head.description.as_str()), ("Cars & more", "All"));
    /// ```
    #[must_use]
    pub fn of(html: &str) -> Self {
        let mut head = Self::default();
        let mut in_title = false;
        for token in Tokenizer::new(html) {
            // The reader has no errors of its own over a text in memory.
            let Ok(token) = token;
            match token {
                // Drawings have titles too: what stands in the body is not the page's.
                Token::StartTag(tag) if tag.name.as_slice() == b"body" => break,
                Token::StartTag(tag) if tag.name.as_slice() == b"title" => in_title = head.title.is_empty(),
                Token::EndTag(tag) if tag.name.as_slice() == b"title" => in_title = false,
                Token::String(text) if in_title => head.title.push_str(&String::from_utf8_lossy(&text)),
                Token::StartTag(tag) => head.take(&tag),
                _ => {}
            }
        }
        head.title = spaced(&head.title);
        head
    }

    fn take(&mut self, tag: &StartTag<()>) {
        let value = |name: &str| {
            let found = tag.attributes.get(name.as_bytes())?;
            Some(spaced(&String::from_utf8_lossy(found)))
        };
        match tag.name.as_slice() {
            b"link" if value("rel").as_deref() == Some("canonical") => self.canonical = value("href"),
            b"meta" => {
                let Some(content) = value("content") else { return };
                let name = value("name").or_else(|| value("property")).unwrap_or_default().to_lowercase();
                match name.as_str() {
                    "description" => self.description = content,
                    "robots" => self.hidden |= content.to_lowercase().contains("noindex"),
                    "og:title" => self.card_title = content,
                    "og:description" => self.card_description = content,
                    "og:image" if self.card_image.is_none() => self.card_image = Some(content),
                    "og:site_name" => self.site_name = Some(content),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

impl Snapshot {
    /// The head of the page at a path, as visitors get it; `None` when there is no page that can be rendered.
    #[must_use]
    pub fn head(&self, path: &str, now: Timestamp) -> Option<Head> {
        let base = primary_base(self.config());
        let (scheme, host) = base.split_once("://").unwrap_or(("https", &base));
        match self.answer(&Request { scheme, ..Request::get(host, path, now) }) {
            Answer::Page(page) if page.status != 500 => Some(Head::of(&page.html)),
            _ => None,
        }
    }

    /// The path of an address of the site: `/data/img/a.jpg` of `https://the-site.example/data/img/a.jpg`.
    #[must_use]
    pub fn own_path<'a>(&self, address: &'a str) -> Option<&'a str> {
        let base = primary_base(self.config());
        let path = address.strip_prefix(base.trim_end_matches('/')).unwrap_or(address);
        (path.starts_with('/') && !path.starts_with("//")).then_some(path)
    }
}

/// One space between words, none around them.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_search_engines_read_it() {
        let html = "<!doctype html><html><head><title>\n Авто  из наличия </title><meta name='Description' content='A &laquo;B&raquo;'>\
            <meta property=\"og:image\" content=\"https://a.test/x.jpg\"><meta property=\"og:image\" content=\"/second.jpg\">\
            <meta name=\"robots\" content=\"NOINDEX, follow\"><link rel=\"canonical\" href=\"https://a.test/\"></head>\
            <body><svg><title>Знак</title></svg><meta name=\"description\" content=\"no\"></body></html>";
        let head = Head::of(html);
        assert_eq!((head.title.as_str(), head.description.as_str()), ("Авто из наличия", "A «B»"));
        assert_eq!(head.card_image.as_deref(), Some("https://a.test/x.jpg"));
        assert!(head.hidden && head.canonical.as_deref() == Some("https://a.test/"));
        assert_eq!(Head::of(""), Head::default());
        assert_eq!(Head::of("<title>open").title, "open");
    }
}
