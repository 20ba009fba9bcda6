//! Editing of a site: where each text of a page comes from, changes that are not published yet, and what stands
//! against publishing them.
//!
//! Nothing here knows of users, databases or HTTP: drafts are [`Changes`] that lie over a snapshot
//! ([`Snapshot::overlaid`](crate::Snapshot::overlaid)), and the [`marked`] page names the file and the JSON pointer
//! of every text and picture that a visitor sees.

mod diff;
mod disk;
mod facts;
mod find;
mod gate;
mod head;
mod lists;
mod overlay;
mod rehome;
mod schema;
mod text;
mod trace;
mod usage;
mod walk;

pub(crate) use find::Texts;

pub use diff::{Conflict, FieldChange, differences, merge, merge_texts};
pub use disk::{Changes, EditableFile, WriteError, editable, editable_files, materialise};
pub use gate::{Gate, Hold, WEIGHT_BUDGET, compare, examined, gate};
pub use head::Head;
pub use lists::{CollectionLines, EntityLine, PageLine, collections, pages};
pub use rehome::{rehomed, styles};
pub use schema::{Field, Schema, Shape, schema_of};
pub use text::{EditError, Op, apply, pretty, read};
pub use trace::Place;
pub use usage::{Usage, usages};
pub use walk::{Counts, Marked, Spot, SpotKind, Way, marked};

#[cfg(test)]
mod tests;
