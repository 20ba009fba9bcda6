//! Contracts are complete and true, and every promise has its test: the product's own `ismart contracts check`.

use std::path::Path;

use ismart_contracts::{Config, Contract, config, contract};

use super::Finding;
use crate::tree::{File, Tree};

/// All contracts.
pub(super) fn all(tree: &Tree) -> impl Iterator<Item = (&File, Contract)> {
    let files = tree.files.iter().filter(|file| contract::is_contract(&file.path) && !file.is_test());
    files.map(|file| (file, contract::read(&file.path, &file.text)))
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.file(config::CONFIG).map_or("", |file| file.text.as_str());
    let config = match Config::parse(text, Path::new(config::CONFIG)) {
        Ok(config) => config,
        Err(error) => return vec![Finding::new(config::CONFIG, 1, error.to_string(), "mend the file")],
    };
    let files = tree.files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    let code = ismart_contracts::Tree::of(config, files);
    let found = ismart_contracts::check(&code);
    found
        .into_iter()
        .map(|finding| {
            Finding::new(&finding.path, finding.line, finding.reason, finding.fix).about(finding.rule)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: (&str, &str) =
        ("crates/a/tests/it/door.rs", "#[test]\nfn p1_opens() {}\n#[test]\nfn p2_shuts() {}\nfn p3_aid() {}");
    const CONFIG: (&str, &str) =
        (config::CONFIG, "[rules]\n\"contract.complete\" = \"error\"\n\"promise.none\" = \"error\"");

    fn found(contract: &str) -> Vec<String> {
        let code = ("crates/a/src/a.rs", "");
        let tree = Tree::of(&[("crates/a/src/a.contract.md", contract), code, CODE, CONFIG]);
        check(&tree).into_iter().map(|finding| format!("{}: {}", finding.item, finding.what)).collect()
    }

    #[test]
    fn all_three_forms_are_right() {
        let headings = "# A\n## PURPOSE\nx\n## API\nx\n## STATE\nnone\n## LINKS\n- `a.rs`, `ismart_a::b`, `crates/a/src/a.rs`\n## Promises\n- **P1** Opens. Proved by `p1_opens`.\n- **P2** Shuts. Proved by `door::p2_shuts`, `p1_opens`.\n## Failures\nnone\n";
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
        let rules: Vec<&str> = found.iter().filter_map(|what| what.split(':').next()).collect();
        assert_eq!(
            rules,
            [
                "contract.complete",
                "contract.section",
                "links.dead",
                "promise.test",
                "promise.number",
                "promise.unproved",
                "promise.test",
                "promise.test"
            ],
            "{found:#?}"
        );
    }

    #[test]
    fn a_wrong_configuration_is_told() {
        let tree = Tree::of(&[(config::CONFIG, "kye = 1")]);
        assert!(check(&tree)[0].what.contains("kye"));
    }
}
