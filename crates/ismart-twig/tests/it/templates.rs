//! Templates in `tests/inputs` with their expected output or error.
//!
//! A file holds parts after `--- name ---` lines: `data` (JSON), any number of templates, `expect` or `error`.

use std::path::Path;

use ismart_twig::{Environment, MemoryLoader};
use serde_json::Value as Json;

struct Input {
    templates: MemoryLoader,
    data: Json,
    expect: Option<String>,
    error: Option<String>,
}

fn read(path: &Path) -> Input {
    let text = std::fs::read_to_string(path).unwrap();
    let mut input = Input { templates: MemoryLoader::new(), data: Json::Null, expect: None, error: None };
    for part in text.split("\n--- ").map(|p| p.strip_prefix("--- ").unwrap_or(p)) {
        let (name, body) = part.split_once(" ---\n").unwrap();
        let body = body.trim_end_matches('\n');
        match name {
            "data" => input.data = serde_json::from_str(body).unwrap(),
            "expect" => input.expect = Some(body.to_owned()),
            "error" => input.error = Some(body.to_owned()),
            name => input.templates.add(name, body),
        }
    }
    input
}

#[test]
fn inputs_give_what_they_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10);
    for file in files {
        let input = read(&file);
        let mut env = Environment::with_loader(input.templates);
        env.set_strict_variables(true);
        let got = env.render("main", &input.data);
        let name = file.display();
        match (input.expect, input.error) {
            (Some(want), _) => assert_eq!(got.unwrap_or_else(|e| format!("{e:?}")), want, "{name}"),
            (None, Some(want)) => {
                let error = got.expect_err(&format!("{name} gives an error"));
                assert_eq!(format!("{error:?}").trim_end(), want, "{name}");
            }
            _ => panic!("{name} expects nothing"),
        }
    }
}
