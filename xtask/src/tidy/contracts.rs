//! Contracts are complete, and every promise has its test.

mod links;
mod reading;
mod tests_named;

use super::Finding;
use crate::tree::{File, Tree};

pub(super) use reading::Contract;

/// What every contract has.
pub(super) const SECTIONS: &[&str] = &["PURPOSE", "API", "STATE", "LINKS", "PROMISES", "FAILURES"];

/// All contracts.
pub(super) fn all(tree: &Tree) -> impl Iterator<Item = (&File, Contract<'_>)> {
    tree.files.iter().filter(|file| is_contract(file)).map(|file| (file, reading::read(&file.text)))
}

fn is_contract(file: &File) -> bool {
    file.path.ends_with(".contract.md") && !file.is_test()
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let tests = tests_named::Tests::of(tree);
    let mut found = Vec::new();
    for (file, contract) in all(tree) {
        for name in SECTIONS {
            let section = contract.sections.iter().find(|section| section.name == *name);
            if section.is_none_or(|section| section.text.iter().all(|(_, text)| text.trim().is_empty())) {
                let what = format!("the contract says nothing under {name}");
                let fix = format!("write `## {name}`; say so in words when there is none");
                found.push(Finding::new(&file.path, 1, what, fix).about(name));
            }
        }
        found.extend(promises(file, &contract, &tests));
        found.extend(links::check(tree, file, &contract));
    }
    found
}

fn promises(file: &File, contract: &Contract<'_>, tests: &tests_named::Tests<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let promises = contract.promises();
    if promises.is_empty() && contract.sections.iter().any(|section| section.name == "PROMISES") {
        let fix = "number them: P1, P2, … each with `Proved by` and the names of its tests";
        found.push(Finding::new(&file.path, 1, "the contract promises nothing that can be found", fix));
    }
    for (at, promise) in promises.iter().enumerate() {
        let name = format!("P{}", promise.number);
        if promise.number != at + 1 {
            let what = format!("{name} stands where P{} is expected", at + 1);
            found.push(
                Finding::new(&file.path, promise.line, what, "number promises from P1 on, without gaps")
                    .about(&name),
            );
        }
        if promise.tests.is_empty() {
            let what = format!("{name} names no test");
            found.push(
                Finding::new(&file.path, promise.line, what, "write the test and name it: Proved by `name`")
                    .about(&name),
            );
        }
        for test in promise.tests.iter().filter(|test| !tests.has(test)) {
            let what = format!("{name} names `{test}`, which is no test of the workspace");
            found.push(
                Finding::new(&file.path, promise.line, what, "name the test that proves it, or write it")
                    .about(test),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: (&str, &str) =
        ("crates/a/tests/it/door.rs", "#[test]\nfn p1_opens() {}\n#[test]\nfn p2_shuts() {}\nfn p3_aid() {}");

    fn found(contract: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/a/src/a.contract.md", contract), ("crates/a/src/lib.rs", ""), CODE]);
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn all_three_forms_are_right() {
        let headings = "# A\n## PURPOSE\nx\n## API\nx\n## STATE\nnone\n## LINKS\n- `lib.rs`, `ismart_a::b`, `crates/a/src/lib.rs`\n## Promises\n- **P1** Opens. Proved by `p1_opens`.\n- **P2** Shuts. Proved by `door::p2_shuts`, `p1_opens`.\n## Failures\nnone\n";
        assert_eq!(found(headings), Vec::<String>::new());
        let bold = "# A\n**PURPOSE**: x\n**API**\n- x\n**STATE**: x\n**LINKS**\n- x\n**PROMISES**\n- P1. opens. Tests:\n  `p1_opens`,\n  `p2_shuts`.\n**FAILURES**\n- x";
        assert_eq!(found(bold), Vec::<String>::new());
        let table = "- **PURPOSE**: x\n- **API**\n  - x\n- **STATE**: x\n- **LINKS**: x\n## PROMISES\n| | Promise | Proved by |\n|---|---|---|\n| P1 | `opens` | `p1_opens`, `door::p2_shuts` |\n## FAILURES\nx";
        assert_eq!(found(table), Vec::<String>::new());
    }

    #[test]
    fn gaps_wishes_and_dead_names_are_wrong() {
        let text = "## PURPOSE\nx\n## API\nx\n## STATE\n\n## LINKS\n`gone.rs`\n## PROMISES\n- P1: a. Proved by `p9_gone`.\n- P3: b.\n- P3: c. Proved by `p3_aid`, `window::p1_opens`.\n";
        let found = found(text);
        assert_eq!(found.len(), 8, "{found:#?}");
    }
}
