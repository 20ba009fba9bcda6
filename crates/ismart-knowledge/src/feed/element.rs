//! One item of a feed as a small tree, taken from the stream when its path is reached.

use std::io::{BufRead, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::decode::{self, Position};
use super::{FeedError, Format};

/// Deeper nesting belongs to no inventory format.
const MAX_DEPTH: usize = 32;

/// An XML element with everything inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    text: String,
    attributes: Vec<(String, String)>,
    children: Vec<Self>,
    /// Line of the feed's text where it begins.
    pub(super) line: usize,
}

impl Element {
    /// Trimmed text of the first child of this name; `None` when absent or empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Trimmed text of an attribute; `None` when absent or empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    /// Its own text, trimmed.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// All children of this name.
    pub(super) fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Texts of all children of this name.
    pub(super) fn texts_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.every(name).map(Self::text)
    }
}

/// The stream of items.
pub(super) struct Elements<'a, T: 'static> {
    formats: &'static [Format<T>],
    reader: Reader<Box<dyn BufRead + 'a>>,
    position: Position,
    limit: u64,
    buffer: Vec<u8>,
    path: Vec<String>,
    rooted: bool,
}

impl<'a, T> Elements<'a, T> {
    /// Starts reading `source`, up to `limit` unpacked bytes.
    pub(super) fn open<R: Read + 'a>(
        source: R,
        limit: u64,
        formats: &'static [Format<T>],
    ) -> Result<Self, FeedError> {
        let (text, position) = decode::open(source, limit)?;
        let text: Box<dyn BufRead + 'a> = Box::new(text);
        let mut reader = Reader::from_reader(text);
        reader.config_mut().allow_dangling_amp = true;
        Ok(Self { formats, reader, position, limit, buffer: Vec::new(), path: Vec::new(), rooted: false })
    }

    /// The next item of whichever format has it; `None` at the end of the feed.
    pub(super) fn next(&mut self) -> Result<Option<(&'static Format<T>, Element)>, FeedError> {
        loop {
            match self.event()? {
                Step::Open(name, attributes, closed) => {
                    self.check_root(&name)?;
                    let line = self.position.line();
                    self.path.push(name);
                    let format = self.formats.iter().find(|format| format.path == self.path);
                    if let Some(format) = format {
                        let mut item = Element { line, attributes, ..Element::default() };
                        if !closed {
                            self.fill(&mut item, 1)?;
                        }
                        self.path.pop();
                        return Ok(Some((format, item)));
                    }
                    if closed {
                        self.path.pop();
                    } else if self.path.len() > MAX_DEPTH {
                        return Err(FeedError::TooDeep { line, limit: MAX_DEPTH });
                    }
                }
                Step::Close => {
                    self.path.pop();
                }
                Step::Text(_) => {}
                Step::End if !self.rooted => {
                    return Err(self.broken("there is no element in it"));
                }
                Step::End if !self.path.is_empty() => return Err(self.broken("it ends inside an element")),
                Step::End => return Ok(None),
            }
        }
    }

    fn check_root(&mut self, name: &str) -> Result<(), FeedError> {
        let known = |format: &Format<T>| format.path.first().is_some_and(|root| *root == name);
        if !self.rooted && !self.formats.iter().any(known) {
            let known: Vec<&str> = self.formats.iter().map(|format| format.name).collect();
            return Err(FeedError::UnknownFormat { root: name.to_owned(), known: known.join(", ") });
        }
        self.rooted = true;
        Ok(())
    }

    /// Reads up to the end tag of `element`.
    fn fill(&mut self, element: &mut Element, depth: usize) -> Result<(), FeedError> {
        if depth > MAX_DEPTH {
            return Err(FeedError::TooDeep { line: self.position.line(), limit: MAX_DEPTH });
        }
        loop {
            match self.event()? {
                Step::Open(name, attributes, closed) => {
                    let line = self.position.line();
                    let mut child = Element { name, attributes, line, ..Element::default() };
                    if !closed {
                        self.fill(&mut child, depth + 1)?;
                    }
                    element.children.push(child);
                }
                Step::Text(text) => element.text.push_str(&text),
                Step::Close => return Ok(()),
                Step::End => return Err(self.broken("it ends inside an item")),
            }
        }
    }

    fn event(&mut self) -> Result<Step, FeedError> {
        self.buffer.clear();
        let step = match self.reader.read_event_into(&mut self.buffer) {
            Ok(Event::Start(tag)) => Ok(Step::Open(name_of(&tag), attributes_of(&tag), false)),
            Ok(Event::Empty(tag)) => Ok(Step::Open(name_of(&tag), attributes_of(&tag), true)),
            Ok(Event::End(_)) => Ok(Step::Close),
            Ok(Event::Text(text)) => Ok(Step::Text(text.xml10_content().into_owned())),
            Ok(Event::CData(text)) => Ok(Step::Text(text.xml10_content().into_owned())),
            Ok(Event::GeneralRef(reference)) => Ok(Step::Text(resolved(&reference))),
            // A document type is skipped unread: its entities are never defined, so none can be expanded.
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {
                Ok(Step::Text(String::new()))
            }
            Ok(Event::Eof) => Ok(Step::End),
            Err(error) => Err(error),
        };
        step.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &quick_xml::Error) -> FeedError {
        let line = self.position.line();
        match error {
            _ if self.position.is_over() => FeedError::TooLarge { limit: self.limit },
            quick_xml::Error::Io(error) => FeedError::Unreadable { line, reason: error.to_string() },
            error => FeedError::Broken { line, reason: error.to_string() },
        }
    }

    fn broken(&self, reason: &str) -> FeedError {
        FeedError::Broken { line: self.position.line(), reason: reason.to_owned() }
    }
}

enum Step {
    /// A start tag with its attributes; `true` when it closes itself.
    Open(String, Vec<(String, String)>, bool),
    Text(String),
    Close,
    End,
}

fn name_of(tag: &BytesStart<'_>) -> String {
    tag.local_name().as_ref().to_owned()
}

/// Attributes that can be read; a broken one says nothing.
fn attributes_of(tag: &BytesStart<'_>) -> Vec<(String, String)> {
    let read = tag.attributes().filter_map(Result::ok).filter_map(|attribute| {
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?.into_owned();
        Some((attribute.key.local_name().as_ref().to_owned(), value))
    });
    read.take(20).collect()
}

/// Character references and the five of XML become text, a no-break space becomes a space; whatever else
/// stays as it was written, because nothing defines it.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name = reference.xml10_content();
    match (resolve_predefined_entity(&name), name.as_ref()) {
        (Some(text), _) => text.to_owned(),
        (None, "nbsp") => " ".to_owned(),
        (None, "laquo") => "«".to_owned(),
        (None, "raquo") => "»".to_owned(),
        (None, "mdash" | "ndash") => "—".to_owned(),
        (None, name) => format!("&{name};"),
    }
}
