//! Every door by which leads come in from elsewhere: what a sender told is read into a lead, and what cannot be read is
//! kept for a person. All of it ends in [`crate::accept`].
//!
//! A door is told by the configuration ([`Door`]); what its sender calls a phone is data ([`Mapping`]), guessed where
//! nobody said it. Files of senders lie on the [`Shelf`].

mod calls;
mod door;
mod facts;
pub mod import;
mod kinds;
mod letters;
mod meaning;
mod post;
mod reading;
mod receive;
mod shelf;
mod signature;

pub use calls::Phase;
pub use door::{DOORS, Door, DoorEntry, DoorProblem, DoorWords, Guard, MailboxPlan, MailboxSecurity, Site};
pub use facts::Facts;
pub use kinds::{FileKind, clean_name};
pub use letters::{AttachedFile, Own, letter_draft};
pub use meaning::Meaning;
pub use post::take_letter;
pub use reading::{Frame, Mapping, Reading, Unfit};
pub use receive::{Arrival, Received, attach, receive, receive_call};
pub use shelf::{Incoming, Laid, Shelf};
pub use signature::{SignatureFault, verify};
