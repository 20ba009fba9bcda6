//! What lies beside a picture: the point that must stay visible, what it shows in each language, its smaller sizes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The point of a picture that must stay visible, in thousandths of width and height from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Focal {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
}

impl Default for Focal {
    fn default() -> Self {
        Self { x: 500, y: 500 }
    }
}

impl Focal {
    /// A point; what lies outside of the picture is moved to its edge.
    #[must_use]
    pub fn new(x: u16, y: u16) -> Self {
        Self { x: x.min(1000), y: y.min(1000) }
    }
}

/// One smaller size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarVariant {
    /// Name of its file, beside the picture.
    pub file: String,
    /// Media type.
    pub kind: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Bytes.
    pub bytes: u64,
}

/// The JSON file beside a picture: its name and `.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// What the picture shows, by language; an empty text says that it only decorates.
    #[serde(default)]
    pub alt: BTreeMap<String, String>,
    /// The point that must stay visible.
    #[serde(default)]
    pub focal: Focal,
    /// What it is used for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// SHA-256 of the picture as it was sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Pixels from left to right.
    #[serde(default)]
    pub width: u32,
    /// Pixels from top to bottom.
    #[serde(default)]
    pub height: u32,
    /// Smaller sizes, by kind and width.
    #[serde(default)]
    pub variants: Vec<SidecarVariant>,
}

impl Sidecar {
    /// Languages in which nothing is said about the picture.
    #[must_use]
    pub fn silent<'l>(&self, languages: &[&'l str]) -> Vec<&'l str> {
        languages.iter().copied().filter(|code| !self.alt.contains_key(*code)).collect()
    }
}
