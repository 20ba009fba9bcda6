//! The crate at its seams: feeds in, answers out.
#![cfg(test)]

mod catalogue;
mod feed;
mod inputs;
