//! What the tools print about the templates in `tests/tools`.
//!
//! A file holds parts after `--- name ---` lines: templates (`*.twig`), perhaps `host` (JSON), and outcomes: `check`,
//! `check json` (and `sarif`, `github`), `lint`, `lint strict`, `format NAME`, `fix NAME`, `explain NAME`,
//! `explain NAME json`. With `ISMART_BLESS=1` the outcomes are written as they are now.

use std::path::{Path, PathBuf};

use ismart_twig::tools::{self, Finding, Format, Host, LintOptions, TemplateSet};
use ismart_twig::{Callable, Environment, Value};
use serde_json::Value as Json;

use crate::cases::shared;
use crate::harness::{self, Case};

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

/// Cases of the repository and those beside it.
fn cases() -> Vec<(Case, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut texts: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    texts.extend(["fixtures.jsonl", "semantics.jsonl"].iter().filter_map(|name| shared(name)));
    let lines = |text: &str| -> Vec<Json> {
        let lines = text.split('\n').filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    texts.iter().flat_map(|text| harness::cases(text).into_iter().zip(lines(text))).collect()
}

#[test]
fn what_renders_has_no_errors_and_what_does_not_compile_has_them() {
    let (mut sound, mut broken) = (0, 0);
    let mut wrong = Vec::new();
    // The third class is PHP's own: its objects and enums.
    for (case, json) in cases().iter().filter(|(case, _)| case.class() != "c") {
        let templates = json["templates"].as_object().unwrap().iter();
        let templates = templates.map(|(name, source)| (name.as_str(), source.as_str().unwrap()));
        let text = |key: &str| json["error"][key].as_str().unwrap_or("");
        let error = json.get("error").map(|error| (text("class"), text("message"), error["line"].as_u64()));
        let set = TemplateSet::new(&case.environment(), Host::default(), templates, []);
        let found = tools::check(&set);
        let errors: Vec<&Finding> = found.iter().filter(|f| f.severity == tools::Severity::Error).collect();
        match error {
            None => {
                sound += 1;
                if !errors.is_empty() {
                    wrong.push(format!("{}: {:?}", case.id(), errors[0]));
                }
            }
            // What is compiled from a text of the template is only known when it is rendered.
            Some((class, message, line))
                if class.ends_with("SyntaxError")
                    && !message.contains("string template")
                    && !message.contains("__string_template__") =>
            {
                broken += 1;
                let told = |f: &&Finding| message.contains(f.message.trim_end_matches(['.', '?']));
                let placed = |f: &&Finding| Some(u64::from(f.twig_line.unwrap_or(f.span.line))) == line;
                if !errors.iter().any(|f| told(f) && placed(f)) {
                    wrong.push(format!(
                        "{}: {message:?} {:?}",
                        case.id(),
                        errors.iter().map(|f| f.twig_message()).collect::<Vec<_>>()
                    ));
                }
            }
            Some(_) => {}
        }
        for name in set.names() {
            assert!(tools::explain(&set, name).is_ok() || !errors.is_empty(), "{}", case.id());
        }
        tools::lint(&set, &LintOptions { strict_context: true });
    }
    assert!(sound > 100 && broken > 5, "{sound} sound, {broken} broken");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), sound + broken, wrong.join("\n"));
}
