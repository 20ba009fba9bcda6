//! Work on texts: escaping, JSON, regular expressions, formats.

pub(crate) mod dump;
pub(crate) mod encoding;
pub(crate) mod escape;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod letters;
pub(crate) mod regex;
pub(crate) mod sprintf;
pub(crate) mod translate;
