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
