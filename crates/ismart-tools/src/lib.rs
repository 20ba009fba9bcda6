//! Built-in tools of workers, one module each.

mod arguments;
pub mod create_lead;
mod effect;
pub mod hand_over;
pub mod schedule;
pub mod test_drive;
mod wording;
