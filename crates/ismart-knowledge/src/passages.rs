//! Passages of text that an answer may quote, taken from the content of pages.

mod chunk;
mod html;
mod walk;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::html::plain_text;

pub(crate) use self::chunk::sentences;

/// What a passage is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Running text.
    Text,
    /// A question with its answer.
    Faq,
    /// Lines of a list.
    List,
    /// Rows of a table or price list.
    Table,
}

/// A piece of a page, short enough to be shown and long enough to be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Title of the page.
    pub source_title: String,
    /// Address of the page, with the anchor of the section when it has one.
    pub url: String,
    /// Headings above the text, outermost first, divided by a dash; empty when there are none.
    pub heading: String,
    /// The question, for [`Kind::Faq`].
    pub question: Option<String>,
    /// What may be quoted.
    pub text: String,
    /// What it is made of.
    pub kind: Kind,
}

/// Takes every text of a page's content that a visitor could read. Walks any structure: a heading is what is
/// called title, heading, name or label; pairs of question and answer, price rows, tables and lists are
/// known by their keys. Passed over are technical values (addresses, pictures, identifiers, SEO), parts with
/// `visible: false`, fragments that only their key explains, and sentences with a value that a template
/// would fill in.
#[must_use]
pub fn passages_from_page(page_title: &str, url: &str, content: &Value) -> Vec<Passage> {
    walk::walk(page_title, url, content)
}
