//! What would be sent to a destination, shown before anything is.

use serde::{Deserialize, Serialize};

/// A delivery that was prepared and not made: nothing was left behind anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// What the destination says of itself: the line of a check.
    pub about: String,
    /// What would go out, in order; secrets masked.
    pub requests: Vec<Shown>,
    /// What would not arrive as meant; empty when everything fits.
    pub misfits: Vec<Misfit>,
    /// The fields that the destination has, for whoever writes a mapping; empty where there is none.
    pub fields: Vec<PortalField>,
}

/// One request that would go out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Verb and address, secrets as `***`.
    pub what: String,
    /// The body, made readable.
    pub body: String,
}

/// A rule of a mapping, or a field of the destination, that does not fit the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// The field as the destination calls it.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// A field of the destination's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalField {
    /// What a mapping calls it.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// The destination's name of its type.
    pub kind: String,
    /// No record is made without it.
    pub required: bool,
    /// Whether a mapping may fill it.
    pub writable: bool,
    /// Key and title of each choice of a list.
    pub choices: Vec<(String, String)>,
}
