//! Comments say why; they do not tell the story of an edit or repeat a name.

use super::Finding;
use crate::tree::Tree;

/// Beginnings by which an edit tells its own story.
const STORIES: &[&str] = &[
    "now ",
    "now,",
    "previously",
    "formerly",
    "new implementation",
    "new version",
    "old implementation",
    "as requested",
    "changed to",
    "changed from",
    "moved from",
    "moved to",
    "refactored",
    "updated to",
    "used to be",
    "no longer needed",
    "removed:",
    "fixed:",
    "fix:",
    "added:",
    "todo",
    "fixme",
    "xxx",
    "hack",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        // A comment of several lines has one beginning.
        let mut inside = false;
        for (at, line) in rust.lines.iter().enumerate() {
            let words = line.comment.as_deref().map(str::to_lowercase);
            if let Some(words) = words.as_deref().filter(|_| !inside)
                && let Some(story) = STORIES.iter().find(|story| begins(words, story))
            {
                let what = format!("the comment begins with `{}`", story.trim());
                let fix = "say why the code is as it is, or delete the comment";
                found.push(Finding::new(&file.path, at + 1, what, fix).about(story.trim()));
            }
            inside = words.is_some() && line.code.trim().is_empty();
        }
        for item in &rust.facts.items {
            if repeats(&item.doc, &item.name) {
                let what = format!("the documentation of `{}` only repeats its name", item.name);
                let fix = "say what it takes, gives, or is for";
                found.push(Finding::new(&file.path, item.line, what, fix).about(&item.name));
            }
        }
    }
    found
}

fn begins(words: &str, story: &str) -> bool {
    let rest = words.strip_prefix(story);
    rest.is_some_and(|rest| {
        !story.ends_with(char::is_alphanumeric) || !rest.starts_with(char::is_alphanumeric)
    })
}

fn repeats(doc: &str, name: &str) -> bool {
    let flat = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let doc = doc.trim().trim_start_matches("fn ").trim_start_matches("The ").trim_start_matches("A ");
    !doc.is_empty()
        && flat(doc) == flat(name)
        && doc.contains(['_', ' ', '`']) | doc.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(source: &str) -> usize {
        check(&Tree::of(&[("a.rs", source)])).len()
    }

    #[test]
    fn reasons_are_right() {
        assert_eq!(
            number("// The portal counts from zero,\n// now and for ever.\nfn a() {} // nowhere else"),
            0
        );
        assert_eq!(number("/// A lead, as the form sent it.\nstruct Lead;"), 0);
    }

    #[test]
    fn stories_and_echoes_are_wrong() {
        assert_eq!(number("// Now uses the new client\nfn a() {}\nb(); // TODO later"), 2);
        assert_eq!(number("/// Get headers.\nfn get_headers() {}\n/// `Lead`\nstruct Lead;"), 2);
    }
}
