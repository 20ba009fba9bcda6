//! What a call to a destination does.

/// What a call does, which decides what its loss means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing. A refusal is not about the lead: the next one would meet it too.
    Reads,
    /// Something whose loss or repeat harms nobody: may be repeated without a look.
    Repeatable,
    /// Makes the record: after a loss the destination must be asked before a repeat.
    Creates,
}
