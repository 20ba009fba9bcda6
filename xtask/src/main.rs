//! House rules, goals, generated references.

fn main() {}
