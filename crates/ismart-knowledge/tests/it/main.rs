//! The crate at its seams: feeds and pages in, answers out.
#![cfg(test)]

mod catalogue;
mod feed;
mod index;
mod inputs;
mod passages;
