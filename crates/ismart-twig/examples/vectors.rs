//! Runs case files and prints `N passed, M failed` last.
//!
//! `cargo run --release -p ismart-twig --example vectors -- FILE…`; `--show TEXT` prints only failures whose
//! id contains the text, `--quiet` prints ids alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a command for developers: a broken case file may end it"
)]

#[path = "../tests/it/harness.rs"]
mod harness;

use std::collections::BTreeMap;

use harness::Outcome;

fn main() {
    let mut files = Vec::new();
    let mut show = None;
    let mut quiet = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--show" => show = args.next(),
            "--quiet" => quiet = true,
            _ => files.push(arg),
        }
    }
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{file}: {e}"));
        let mut by_class: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for case in harness::cases(&text) {
            let counts = by_class.entry(case.class().to_owned()).or_default();
            match case.run() {
                Outcome::Passed => {
                    passed += 1;
                    counts.0 += 1;
                }
                Outcome::Skipped => skipped += 1,
                Outcome::Failed(why) => {
                    failed += 1;
                    counts.1 += 1;
                    if show.as_ref().is_none_or(|s| case.id().contains(s.as_str())) {
                        if quiet {
                            println!("FAILED {}", case.id());
                        } else {
                            println!("FAILED {}\n {why}", case.id());
                        }
                    }
                }
            }
        }
        for (class, (good, bad)) in by_class {
            println!("{file}: class {class}: {good} passed, {bad} failed");
        }
    }
    println!("{skipped} skipped");
    println!("{passed} passed, {failed} failed");
}
