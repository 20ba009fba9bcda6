//! Copies of code.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::Finding;
use crate::tree::{File, Tree};

const LINES: usize = 25;
const LANGUAGES: &[&str] = &[".rs", ".js", ".mjs", ".css", ".sql"];

struct Source<'t> {
    file: &'t File,
    /// Line number and text, blank lines and spaces around left out.
    lines: Vec<(usize, &'t str)>,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let is_source = |file: &&File| {
        LANGUAGES.iter().any(|end| file.path.ends_with(end))
            && !file.path.split('/').any(|part| part == "vendor")
    };
    let sources: Vec<Source<'_>> = tree.files.iter().filter(is_source).map(source).collect();
    let hasher = RandomState::new();
    let mut first: HashMap<u64, (usize, usize)> = HashMap::new();
    let mut found = Vec::new();
    for (number, here) in sources.iter().enumerate() {
        let hashes: Vec<u64> = here.lines.iter().map(|(_, text)| hasher.hash_one(text)).collect();
        let mut at = 0;
        while let Some(window) = hashes.get(at..at + LINES) {
            let hash = hasher.hash_one(window);
            let earlier = *first.entry(hash).or_insert((number, at));
            let original = sources.get(earlier.0).filter(|_| earlier != (number, at));
            let same = original.map_or(0, |there| equal_lines(there, earlier.1, here, at));
            // A window may overlap itself where one line repeats.
            if same >= LINES && (earlier.0 != number || earlier.1 + same <= at) {
                found.extend(original.and_then(|there| told(there, earlier.1, here, at, same)));
                at += same;
            } else {
                at += 1;
            }
        }
    }
    found
}

fn source(file: &File) -> Source<'_> {
    let lines = file.text.lines().enumerate().map(|(at, text)| (at + 1, text.trim()));
    Source { file, lines: lines.filter(|(_, text)| !text.is_empty()).collect() }
}

/// The number of equal lines from two places on.
fn equal_lines(a: &Source<'_>, from_a: usize, b: &Source<'_>, from_b: usize) -> usize {
    let pairs = a.lines.iter().skip(from_a).zip(b.lines.iter().skip(from_b));
    pairs.take_while(|((_, a), (_, b))| a == b).count()
}

fn told(there: &Source<'_>, from: usize, here: &Source<'_>, at: usize, same: usize) -> Option<Finding> {
    let (line, _) = here.lines.get(at)?;
    let (original, _) = there.lines.get(from)?;
    let what = format!("{same} lines are equal to those from {}:{original} on", there.file.path);
    let fix = "keep one of them, where both can use it";
    Some(Finding::new(&here.file.path, *line, what, fix).about(&there.file.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(from: usize, number: usize) -> String {
        (from..from + number).map(|n| format!("    line({n});\n\n")).collect()
    }

    #[test]
    fn short_copies_and_repeated_lines_are_right() {
        let a = format!("x\n{}", block(0, 24));
        let b = format!("y\n{}z\n", block(0, 24));
        assert_eq!(check(&Tree::of(&[("a.js", &a), ("b.js", &b)])), Vec::new());
        assert_eq!(check(&Tree::of(&[("a.js", &"}\n".repeat(49))])), Vec::new());
    }

    #[test]
    fn a_long_copy_is_wrong_once() {
        let (a, b) = (format!("x\n{}", block(0, 60)), format!("y\n{}", block(10, 40)));
        let found = check(&Tree::of(&[("a.js", &a), ("b.js", &b)]));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].what.starts_with("40 lines are equal to those from a.js:22"), "{found:#?}");
        let twice = format!("{}{}", block(0, 30), block(0, 30));
        assert_eq!(check(&Tree::of(&[("c.js", &twice)])).len(), 1);
    }
}
