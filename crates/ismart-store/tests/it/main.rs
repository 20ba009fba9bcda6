//! The store's promises, proved on every engine that is at hand.

mod engines;
mod promises;
