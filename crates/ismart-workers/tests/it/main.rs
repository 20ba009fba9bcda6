//! The engine and the shipped package, from the outside.

mod accuracy;
mod gates;
mod package;
mod scenarios;
mod support;
mod turns;
