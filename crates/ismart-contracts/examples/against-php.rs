//! Reads a tree of PHP code and compares every signature and dependency with what PHP itself says of it.
//!
//! `cargo run --release -p ismart-contracts --example against-php -- ROOT [FOLDER]`

#![expect(clippy::print_stdout, reason = "a measuring program prints")]

#[path = "../tests/it/reflection/compare.rs"]
mod compare;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use ismart_contracts::{Tree, init};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = arguments.first().ok_or("usage: against-php ROOT [FOLDER]")?;
    let folder = arguments.get(1).map_or("", String::as_str);
    let start = Instant::now();
    let tree = Tree::read(Path::new(root)).map_err(|error| error.to_string())?;
    let read = start.elapsed();
    let drafts = init::draft(&tree, arguments.get(1..).unwrap_or_default(), &|_| None, None);
    println!(
        "read {} files in {read:.0?}, {} drafts after {:.0?}",
        tree.files.len(),
        drafts.drafts.len(),
        start.elapsed()
    );
    for (path, reason) in &drafts.skipped {
        println!("skipped {path}: {reason}");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reflection/reflect.php");
    let comparison = compare::compare(&script, &tree, &|path| path.starts_with(folder))?;
    println!(
        "{} classes, {} public methods, {} links compared: {} differences",
        comparison.classes,
        comparison.methods,
        comparison.links,
        comparison.differences.len()
    );
    for difference in &comparison.differences {
        println!("{difference}");
    }
    Ok(comparison.differences.is_empty())
}
