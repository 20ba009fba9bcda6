//! Case files of PHP Twig's behaviour, where they lie beside the repository.

use std::path::PathBuf;

use crate::harness::{self, Outcome};

pub(crate) fn shared(name: &str) -> Option<String> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/twig");
    #[expect(clippy::disallowed_methods, reason = "a test reads where reference data lies")]
    let root = std::env::var("ISMART_SHARED").map_or(beside, |r| PathBuf::from(r).join("vectors/twig"));
    let file = root.join(name);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(e) => {
            eprintln!("case file {} is absent ({e}): its cases were not run", file.display());
            None
        }
    }
}

fn all_pass(name: &str) {
    let Some(text) = shared(name) else { return };
    let cases = harness::cases(&text);
    assert!(cases.len() > 100);
    pass(&cases);
}

fn pass(cases: &[harness::Case]) {
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| match case.run() {
            Outcome::Failed(why) => Some(format!("{}\n {why}", case.id())),
            _ => None,
        })
        .collect();
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn fixtures() {
    all_pass("fixtures.jsonl");
}

#[test]
fn semantics() {
    all_pass("semantics.jsonl");
}

/// Cases in which this engine once differed from PHP Twig, in `tests/cases`.
#[test]
fn what_once_differed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5);
    for file in files {
        let cases = harness::cases(&std::fs::read_to_string(&file).unwrap());
        assert!(!cases.is_empty(), "{}", file.display());
        pass(&cases);
    }
}
