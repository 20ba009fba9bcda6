//! What the tools print about the templates in `tests/tools`.
//!
//! A file holds parts after `--- name ---` lines: templates (`*.twig`), perhaps `host` (JSON), and outcomes: `check`,
//! `check json` (and `sarif`, `github`), `lint`, `lint strict`, `format NAME`, `fix NAME`, `explain NAME`,
//! `explain NAME json`. With `ISMART_BLESS=1` the outcomes are written as they are now.

use std::path::{Path, PathBuf};

use ismart_twig::tools::{self, Finding, Format, Host, LintOptions, TemplateSet};
use ismart_twig::{Callable, Environment, Value};
use serde_json::Value as Json;

struct Sheet {
    parts: Vec<(String, String)>,
}

impl Sheet {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let parts = text.split("\n--- ").map(|part| part.strip_prefix("--- ").unwrap_or(part));
        let parts = parts.map(|part| {
            let (name, body) =
                part.split_once(" ---\n").unwrap_or_else(|| (part.trim_end_matches(" ---"), ""));
            (name.to_owned(), body.trim_end_matches('\n').to_owned())
        });
        Self { parts: parts.collect() }
    }

    fn is_template(name: &str) -> bool {
        name.ends_with(".twig") && !name.contains(' ')
    }

    fn set(&self) -> TemplateSet {
        let host = self.parts.iter().find(|(name, _)| name == "host").map(|(_, body)| body.as_str());
        let host: Json = serde_json::from_str(host.unwrap_or("{}")).unwrap();
        let names = |key: &str| {
            let list = host[key].as_array().into_iter().flatten();
            list.map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let templates = self.parts.iter().filter(|(name, _)| Self::is_template(name));
        let mut environment = Environment::new();
        environment.add(Callable::tag("box", |_| Ok(Value::Null)).with_body());
        TemplateSet::new(
            &environment,
            Host {
                functions: names("functions"),
                filters: names("filters"),
                tests: names("tests"),
                context: names("context"),
            },
            templates.map(|(name, body)| (name.as_str(), body.as_str())),
            names("files"),
        )
    }

    fn outcome(set: &TemplateSet, wanted: &str) -> String {
        let words: Vec<&str> = wanted.split(' ').collect();
        let report = |findings: &[Finding], format: Format| {
            tools::report(findings, format, set.names().count(), &|name| format!("templates/{name}"))
        };
        let lint = |strict| tools::lint(set, &LintOptions { strict_context: strict });
        match words.as_slice() {
            ["check"] => report(&tools::check(set), Format::Text),
            ["check", "json"] => report(&tools::check(set), Format::Json),
            ["check", "sarif"] => report(&tools::check(set), Format::Sarif),
            ["check", "github"] => report(&tools::check(set), Format::Github),
            ["lint"] => report(&lint(false), Format::Text),
            ["lint", "strict"] => report(&lint(true), Format::Text),
            ["format", name] => match tools::format(set, name, set.source(name).unwrap()) {
                Ok(text) => text,
                Err(findings) => report(&findings, Format::Text),
            },
            ["fix", name] => {
                let findings = lint(false);
                let own: Vec<&Finding> =
                    findings.iter().filter(|finding| finding.template == *name).collect();
                tools::fix(set.source(name).unwrap(), &own)
            }
            ["explain", name] => match tools::explain(set, name) {
                Ok(explanation) => explanation.text(),
                Err(findings) => report(&findings, Format::Text),
            },
            ["explain", name, "line", line] => {
                tools::explain(set, name).unwrap().at_line(line.parse().unwrap()).text()
            }
            ["explain", name, "json"] => {
                serde_json::to_string_pretty(&tools::explain(set, name).unwrap()).unwrap()
            }
            _ => panic!("no such outcome: {wanted}"),
        }
    }
}

#[test]
fn tools_print_what_the_sheets_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools");
    #[expect(clippy::disallowed_methods, reason = "only this test knows the variable")]
    let bless = std::env::var("ISMART_BLESS").is_ok_and(|set| set == "1");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    for file in files {
        let sheet = Sheet::read(&file);
        let set = sheet.set();
        let mut written = String::new();
        for (name, body) in &sheet.parts {
            let got = match name.as_str() {
                "host" => body.clone(),
                name if Sheet::is_template(name) => body.clone(),
                name => Sheet::outcome(&set, name).trim_end_matches('\n').to_owned(),
            };
            if !bless && got != *body {
                panic!("{}: {name}\n--- want ---\n{body}\n--- got ---\n{got}", file.display());
            }
            written.push_str(&format!("--- {name} ---\n{got}\n"));
        }
        if bless {
            std::fs::write(&file, written).unwrap();
        }
    }
}
