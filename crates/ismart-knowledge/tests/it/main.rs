//! The crate at its seams: feeds and pages in, answers out.
#![cfg(test)]

mod catalogue;
mod feed;
#[cfg(test)]
mod flats;
mod index;
mod inputs;
mod passages;
