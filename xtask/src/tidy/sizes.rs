//! Files and matches stay readable. Tests may be long: they are read one at a time.

use super::Finding;
use crate::tree::{Rust, Tree};

const FILE_LINES: usize = 800;
const ARMS: usize = 25;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES && !file.is_test() {
            let what = format!("the file has {lines} lines; {FILE_LINES} are the most");
            found.push(Finding::new(&file.path, FILE_LINES, what, "split it by what its parts are about"));
        }
        for m in rust.facts.matches.iter().filter(|m| m.arms > ARMS) {
            if !is_table(rust, m.line) && !is_table(rust, m.function_line) {
                let what = format!("the match has {} arms; {ARMS} are the most", m.arms);
                let fix = "split it, or write `// table: why` above it when it is a table that people look things up in";
                found.push(Finding::new(&file.path, m.line, what, fix));
            }
        }
        if let Some((line, message)) = &rust.facts.broken {
            found.push(Finding::new(&file.path, *line, format!("no Rust: {message}"), "mend the syntax"));
        }
    }
    found
}

/// Whether a comment at the line, or in the three lines above it, calls the place a table and says why.
fn is_table(rust: &Rust, line: usize) -> bool {
    let from = line.saturating_sub(4);
    rust.lines.iter().skip(from).take(line - from).any(|line| {
        let reason = line.comment.as_deref().and_then(|comment| comment.strip_prefix("table:"));
        reason.is_some_and(|reason| !reason.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(path: &str, source: &str) -> usize {
        check(&Tree::of(&[(path, source)])).len()
    }

    fn matching(arms: usize, above: &str) -> String {
        let arms: String = (0..arms).map(|n| format!("{n} => {n},\n")).collect();
        format!("fn f(n: u8) -> u8 {{\n{above}\nmatch n {{\n{arms}}}\n}}\n")
    }

    #[test]
    fn short_files_and_matches_are_right() {
        assert_eq!(number("a.rs", &"\n".repeat(800)), 0);
        assert_eq!(number("tests/it/a.rs", &"\n".repeat(801)), 0);
        assert_eq!(number("a.rs", &matching(25, "")), 0);
        assert_eq!(number("a.rs", &matching(26, "// table: codes of the standard")), 0);
    }

    #[test]
    fn long_ones_are_wrong() {
        assert_eq!(number("a.rs", &"\n".repeat(801)), 1);
        assert_eq!(number("a.rs", &matching(26, "// table:")), 1);
        assert_eq!(number("a.rs", "fn ("), 1);
    }
}
