//! Things that hide what is missing or broken.

use super::Finding;
use crate::tree::Tree;

struct Word {
    code: &'static str,
    what: &'static str,
    fix: &'static str,
}

const WORDS: &[Word] = &[
    Word { code: "#[ignore", what: "a test is switched off", fix: "make it pass, or delete it" },
    Word {
        code: "#[allow(",
        what: "a lint is switched off",
        fix: "mend it, or write #[expect(lint, reason = \"…\")]",
    },
    Word {
        code: "#![allow(",
        what: "a lint is switched off",
        fix: "mend it, or write #[expect(lint, reason = \"…\")]",
    },
    Word { code: "todo!", what: "something is missing", fix: "write it" },
    Word { code: "unimplemented!", what: "something is missing", fix: "write it" },
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        if file.name() == "mod.rs" {
            let fix = format!("rename it to {}.rs", file.folder());
            found.push(Finding::new(&file.path, 1, "a file is called mod.rs", fix));
        }
        for (at, line) in rust.lines.iter().enumerate() {
            let code: String = line.code.chars().filter(|c| !c.is_whitespace()).collect();
            for word in WORDS.iter().filter(|word| has(&code, word.code)) {
                let what = format!("{}: {}", word.code.trim_end_matches('('), word.what);
                found.push(Finding::new(&file.path, at + 1, what, word.fix).about(word.code));
            }
        }
        for line in &rust.facts.defaulted {
            let fix = "give the error to the caller, or say in a match why a default is right";
            let what = "a failed reading becomes a default value";
            found.push(Finding::new(&file.path, *line, what, fix).about("unwrap_or_default"));
        }
    }
    found
}

/// Whether the code has the word, and not only as the end of a longer one.
fn has(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|before| before.chars().last());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(path: &str, source: &str) -> usize {
        check(&Tree::of(&[(path, source)])).len()
    }

    #[test]
    fn words_in_texts_and_longer_names_are_right() {
        let source = "fn a() { my_todo!(); b(\"todo!()\"); c.unwrap_or_default(); } // todo!";
        assert_eq!(number("a.rs", source), 0);
    }

    #[test]
    fn what_hides_is_wrong() {
        assert_eq!(number("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() { todo!() }"), 2);
        assert_eq!(number("a.rs", "#! [allow(dead_code)]\nfn a() { unimplemented!() }"), 2);
        assert_eq!(number("a/mod.rs", ""), 1);
        let source = "fn a(s: &str) -> u8 { s.parse().unwrap_or_default() + serde_json::from_str(s).unwrap_or_default() }";
        assert_eq!(number("a.rs", source), 2);
    }
}
