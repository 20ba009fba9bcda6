//! iSmart: configuration, wiring, commands.

fn main() {}
