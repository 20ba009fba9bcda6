//! Sites of the PHP platform: told apart, read as they are, never executed.

mod detect;

pub use detect::{Detected, Generation, detect};
