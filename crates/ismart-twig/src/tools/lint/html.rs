//! A reader of HTML in pieces: it knows whether a place is text, a tag, an attribute, a script.

use std::ops::Range;

/// Where in a document a place is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum At {
    /// Between tags.
    #[default]
    Text,
    /// In the name of a tag.
    TagName,
    /// In a tag, between attributes.
    Tag,
    /// In the name of an attribute.
    AttrName,
    /// Behind the name of an attribute and `=`, before its value.
    BeforeValue,
    /// In a value with quotes.
    Quoted(u8),
    /// In a value without quotes.
    Unquoted,
    /// In a comment or declaration.
    Comment,
    /// In an element whose content is no HTML: `script`, `style`, `title`, `textarea`.
    Inside,
}

/// What an element's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Html,
    Script,
    Style,
    /// Text that may hold references but no tags.
    Plain,
}

/// A document as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html {
    pub(crate) at: At,
    /// The element whose tag is open, or whose content is read; in lower case.
    element: String,
    /// The attribute at work, in lower case.
    pub(crate) attribute: String,
    /// The `type` of a script.
    kind: String,
    closing: bool,
}

/// Elements whose content is not HTML.
const SPECIAL: &[&str] = &["script", "style", "title", "textarea"];

impl Html {
    /// What the content is where the reader stands.
    pub(crate) fn content(&self) -> Content {
        if self.at != At::Inside {
            return Content::Html;
        }
        match self.element.as_str() {
            "script" if self.kind.contains("html") || self.kind.contains("template") => Content::Plain,
            "script" => Content::Script,
            "style" => Content::Style,
            _ => Content::Plain,
        }
    }

    /// Whether the attribute at work is an event handler.
    pub(crate) fn is_handler(&self) -> bool {
        is_handler(&self.attribute)
    }

    /// Reads on; `handler` is called with the place of each event handler's name.
    pub(crate) fn read(&mut self, text: &str, handler: &mut dyn FnMut(Range<usize>)) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while let Some(&b) = bytes.get(i) {
            match self.at {
                At::Text => match memchr::memchr(b'<', bytes.get(i..).unwrap_or(&[])) {
                    Some(found) => i = self.open(bytes, i + found),
                    None => return,
                },
                At::Inside => {
                    let end = format!("</{}", self.element);
                    let rest = text.get(i..).unwrap_or("");
                    let found = rest.to_ascii_lowercase().find(&end);
                    let Some(found) = found else { return };
                    i += found + end.len();
                    self.closing = true;
                    self.at = At::Tag;
                }
                At::Comment => match memchr::memmem::find(bytes.get(i..).unwrap_or(&[]), b"-->") {
                    Some(found) => {
                        i += found + 3;
                        self.at = At::Text;
                    }
                    None => return,
                },
                At::Quoted(quote) => {
                    self.note_value(b, quote);
                    if b == quote {
                        self.at = At::Tag;
                    }
                    i += 1;
                }
                At::AttrName => {
                    let rest = bytes.get(i..).unwrap_or(&[]);
                    let length = rest.iter().take_while(|b| is_attr_name(**b)).count();
                    self.attribute.push_str(&text.get(i..i + length).unwrap_or("").to_ascii_lowercase());
                    i += length;
                    self.end_name(bytes.get(i).copied(), i, handler);
                }
                _ => {
                    self.step(b);
                    i += usize::from(self.at != At::AttrName);
                }
            }
        }
    }

    /// Goes on past a value that the template puts out.
    pub(crate) fn value(&mut self) {
        match self.at {
            At::BeforeValue => self.at = At::Unquoted,
            At::Tag => {
                self.attribute.clear();
                self.at = At::AttrName;
            }
            _ => {}
        }
    }

    /// At a `<`: gives the place behind what was read.
    fn open(&mut self, bytes: &[u8], at: usize) -> usize {
        let rest = bytes.get(at + 1..).unwrap_or(&[]);
        if rest.starts_with(b"!--") {
            self.at = At::Comment;
            return at + 4;
        }
        let closing = rest.first() == Some(&b'/');
        let name = rest.get(usize::from(closing)..).unwrap_or(&[]);
        let starts = name.first().is_none_or(u8::is_ascii_alphabetic);
        if starts {
            self.at = At::TagName;
            self.closing = closing;
            self.element.clear();
            self.kind.clear();
            self.attribute.clear();
        }
        at + 1 + usize::from(closing)
    }

    fn step(&mut self, b: u8) {
        match (&self.at, b) {
            (_, b'>') => self.finish_tag(),
            (At::TagName, b) if b.is_ascii_whitespace() || b == b'/' => self.at = At::Tag,
            (At::TagName, b) => self.element.push(char::from(b.to_ascii_lowercase())),
            (At::Tag, b) if b.is_ascii_whitespace() || b == b'/' => {}
            (At::Tag, b'=') => self.at = At::BeforeValue,
            (At::Tag, _) => {
                self.attribute.clear();
                self.at = At::AttrName;
            }
            (At::BeforeValue, b'"' | b'\'') => self.at = At::Quoted(b),
            (At::BeforeValue, b) if b.is_ascii_whitespace() => {}
            (At::Unquoted, b) if b.is_ascii_whitespace() => self.at = At::Tag,
            (At::BeforeValue | At::Unquoted, b) => {
                self.note_value(b, 0);
                self.at = At::Unquoted;
            }
            _ => {}
        }
    }

    fn note_value(&mut self, b: u8, quote: u8) {
        if self.attribute == "type" && self.element == "script" && b != quote && b.is_ascii() {
            self.kind.push(char::from(b.to_ascii_lowercase()));
        }
    }

    /// Behind the name of an attribute.
    fn end_name(&mut self, next: Option<u8>, at: usize, handler: &mut dyn FnMut(Range<usize>)) {
        match next {
            None => {}
            Some(b'=') => {
                if self.is_handler() {
                    handler(at.saturating_sub(self.attribute.len())..at);
                }
                self.at = At::Tag;
            }
            Some(_) => self.at = At::Tag,
        }
    }

    fn finish_tag(&mut self) {
        self.at = At::Text;
        if !self.closing && SPECIAL.contains(&self.element.as_str()) {
            self.at = At::Inside;
        }
    }
}

fn is_attr_name(b: u8) -> bool {
    !b.is_ascii_whitespace() && !matches!(b, b'=' | b'>' | b'/' | b'"' | b'\'')
}

/// `onclick` and the like.
fn is_handler(name: &str) -> bool {
    let event = name.strip_prefix("on").unwrap_or("");
    event.len() > 2 && event.bytes().all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Html, Vec<String>) {
        let mut html = Html::default();
        let mut handlers = Vec::new();
        html.read(text, &mut |range| handlers.push(text.get(range).unwrap().to_owned()));
        (html, handlers)
    }

    #[test]
    fn places_are_told_apart() {
        for (text, want) in [
            ("a <b", At::TagName),
            ("a <b ", At::Tag),
            ("1 < 2", At::Text),
            ("<a href=", At::BeforeValue),
            ("<a href=x", At::Unquoted),
            ("<a href=x ", At::Tag),
            ("<a href='x", At::Quoted(b'\'')),
            ("<a href='x'>", At::Text),
            ("<a disabled>", At::Text),
            ("<!-- <a href=", At::Comment),
            ("<!-- x --> y", At::Text),
            ("<script>if (a < b) { ", At::Inside),
            ("<script>x</script>", At::Text),
            ("<title>", At::Inside),
            ("<br/>", At::Text),
        ] {
            assert_eq!(read(text).0.at, want, "{text}");
        }
    }

    #[test]
    fn scripts_are_known_by_their_type() {
        assert_eq!(read("<script>").0.content(), Content::Script);
        assert_eq!(read("<script type=\"application/ld+json\">").0.content(), Content::Script);
        assert_eq!(read("<script type='text/template'>").0.content(), Content::Plain);
        assert_eq!(read("<STYLE>").0.content(), Content::Style);
        assert_eq!(read("<p>").0.content(), Content::Html);
    }

    #[test]
    fn handlers_are_found_in_tags_only() {
        let (_, found) =
            read("onclick=1 <a class='onload=' onclick='x' data-on=1 once=2 ONERROR=y><script>onclick=1");
        assert_eq!(found, ["onclick", "ONERROR"]);
    }

    #[test]
    fn values_of_the_template_take_their_place() {
        let (mut html, _) = read("<a href=");
        html.value();
        assert_eq!(html.at, At::Unquoted);
        html.read("/x class=\"", &mut |_| {});
        assert_eq!(html.at, At::Quoted(b'"'));
        assert_eq!(html.attribute, "class");
    }
}
