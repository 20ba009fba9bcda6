//! What pictures are used for, and how heavy each use may be.

/// A place that pictures are shown at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Stable name.
    pub name: &'static str,
    /// Widths that are made, pixels, the smallest first; none is wider than the picture itself.
    pub widths: &'static [u32],
    /// The most bytes that the widest AVIF may have.
    pub budget: u64,
}

/// Every use, the widest first.
pub const USES: &[Use] = &[
    Use { name: "hero", widths: &[480, 960, 1440, 1920], budget: 220 * 1024 },
    Use { name: "card", widths: &[320, 640, 960], budget: 90 * 1024 },
    Use { name: "icon", widths: &[64, 128, 256], budget: 16 * 1024 },
];

impl Use {
    /// The use of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        USES.iter().find(|found| found.name == name)
    }
}
