//! Globals are forbidden by clippy; this keeps the prohibition itself in place.

use super::Finding;
use crate::tree::Tree;

const PATH: &str = "clippy.toml";
const FORBIDDEN: &[&str] = &[
    "std::time::SystemTime::now",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "uuid::Uuid::now_v7",
    "std::env::var",
    "reqwest::Client::new",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let clippy = tree.file(PATH).map_or("", |file| file.text.as_str());
    let mut found: Vec<Finding> = FORBIDDEN
        .iter()
        .filter(|path| !clippy.contains(&format!("\"{path}\"")))
        .map(|path| {
            let what = format!("`{path}` is not forbidden");
            Finding::new(PATH, 1, what, "put it back under disallowed-methods").about(path)
        })
        .collect();
    for (file, rust) in tree.rust().filter(|(file, _)| !file.is_test()) {
        for (at, line) in rust.lines.iter().enumerate() {
            if line.code.contains("clippy::disallowed_methods") {
                let what = "a global is used";
                let fix = "take it as a parameter (ismart_domain::Env); one place per global stands in allowed.toml";
                found.push(Finding::new(&file.path, at + 1, what, fix).about("disallowed_methods"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clippy(without: &str) -> String {
        FORBIDDEN
            .iter()
            .filter(|path| **path != without)
            .map(|path| format!("{{ path = \"{path}\" }},\n"))
            .collect()
    }

    #[test]
    fn a_prohibition_without_exceptions_is_right() {
        assert_eq!(check(&Tree::of(&[(PATH, &clippy("")), ("a.rs", "fn a() {}")])), Vec::new());
    }

    #[test]
    fn a_hole_or_an_exception_is_wrong() {
        let source = "#[expect(clippy::disallowed_methods, reason = \"x\")]\nfn a() {}";
        let tree =
            Tree::of(&[(PATH, &clippy("std::env::var")), ("a/src/a.rs", source), ("a/tests/a.rs", source)]);
        assert_eq!(check(&tree).len(), 2);
    }
}
