//! Digests by which tokens and texts are kept.

use sha2::{Digest, Sha256};

/// SHA-256 of a text, hexadecimal. Tokens are stored only in this form.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut out, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}
