//! Work on texts: escaping, JSON, regular expressions, formats.

/// A table with a value for each byte, made when compiling: `byte_table!(start, |byte| value)`.
macro_rules! byte_table {
    ($start:expr, |$byte:ident| $value:expr) => {{
        let mut table = [$start; 256];
        let mut at = 0;
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "an index out of range would not compile"
        )]
        while at < 256 {
            let $byte = at as u8;
            table[at] = $value;
            at += 1;
        }
        table
    }};
}
pub(crate) use byte_table;

/// The string of bytes that should be UTF-8. A copy after a check many bytes at a time costs a tenth of the check that
/// turns the bytes into a string in place.
pub(crate) fn utf8(bytes: &[u8]) -> Result<String, simdutf8::compat::Utf8Error> {
    simdutf8::compat::from_utf8(bytes).map(str::to_owned)
}

pub(crate) mod dump;
pub(crate) mod encoding;
pub(crate) mod escape;
pub(crate) mod html;
mod ignorable;
pub(crate) mod json;
pub(crate) mod letters;
pub(crate) mod regex;
pub(crate) mod sprintf;
pub(crate) mod translate;
