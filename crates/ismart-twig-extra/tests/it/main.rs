//! The packages against what PHP Twig and its extra packages give: every line of `tests/php` is a template with
//! PHP's output, or with its error.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of this is test code, its functions without #[test] too"
)]

mod html;
mod intl;
mod texts;

use ismart_twig::{Environment, Error};
use serde_json::Value as Json;

pub(crate) fn environment(locale: &str) -> Environment {
    let mut env = Environment::new();
    ismart_twig_extra::register(&mut env, locale);
    env
}

/// The cases of a file that differ from PHP.
fn differences(file: &str, locale: &str) -> (usize, Vec<String>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/php").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let env = environment(locale);
    let mut failed = Vec::new();
    let mut all = 0;
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        all += 1;
        let source = case["t"].as_str().unwrap();
        let got: Result<String, Error> =
            env.template_from_named_string("main", source).and_then(|t| t.render(()));
        let same = match (&got, case["out"].as_str()) {
            (Ok(got), Some(want)) => got == want,
            (Err(_), None) => true,
            _ => false,
        };
        if !same {
            let got = got.map_err(|e| e.to_string());
            failed.push(format!("{source}\n  want {} {}\n  got  {got:?}", case["out"], case["error"]));
        }
    }
    (all, failed)
}

fn agrees(file: &str, locale: &str) {
    let (all, failed) = differences(file, locale);
    assert!(all > 20);
    assert!(failed.is_empty(), "{} of {all} differ:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn strings_and_attributes() {
    agrees("strings.jsonl", "en");
}

#[test]
fn names_and_formats() {
    agrees("intl.jsonl", "en");
}
