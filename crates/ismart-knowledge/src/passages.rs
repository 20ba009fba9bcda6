//! Passages of text that an answer may quote.

mod html;

pub use self::html::plain_text;
