//! Proof that formatting changes nothing that is rendered: the tree before is the tree after.

use std::path::{Path, PathBuf};

use crate::Environment;
use crate::syntax::lexer;
use crate::syntax::parser;
use crate::tools::{Host, LintOptions, TemplateSet, check, format, lint};

/// The tree of a source without the places of its parts; `None` for a source that is no template.
fn tree(env: &Environment, source: &str) -> Option<String> {
    let text = lexer::normalise(source);
    let lexed = lexer::tokenize(&text).ok()?;
    let parsed = parser::parse_tokens(&env.engine().registry, &text, lexed.tokens, true).ok()?;
    let shown = format!("{:?}", parsed.module);
    let mut tree = String::new();
    // Quoted texts are kept as they are; of the rest the places go.
    for (index, part) in shown.split("line: ").enumerate() {
        let part = if index > 0 { part.trim_start_matches(|c: char| c.is_ascii_digit()) } else { part };
        for (index, part) in part.split("extent: Extent { ").enumerate() {
            let part = if index > 0 { part.split_once('}').map_or(part, |(_, rest)| rest) } else { part };
            for (index, part) in part.split("Text(").enumerate() {
                match part.split_once(')').filter(|_| index > 0) {
                    Some((range, rest)) if range.contains("..") => {
                        let (from, to) = range.split_once("..").unwrap();
                        let shown = text.get(from.parse().unwrap()..to.parse().unwrap()).unwrap();
                        tree.push_str(&format!("Text({shown:?}){rest}"));
                    }
                    _ => tree.push_str(part),
                }
            }
        }
    }
    // A printed expression carries its place behind it.
    let mut bare = String::new();
    for (index, part) in tree.split("}, ").enumerate() {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let place = index > 0 && digits > 0 && part.get(digits..).unwrap().starts_with(')');
        bare.push_str(if index > 0 { "}, " } else { "" });
        bare.push_str(if place { part.get(digits..).unwrap() } else { part });
    }
    Some(bare)
}

fn set(env: &Environment) -> TemplateSet {
    TemplateSet::new(env, Host::default(), [("", ""); 0], [])
}

/// Formats and compares; whether there was a template to format.
fn prove(set: &TemplateSet, source: &str) -> bool {
    let env = &set.environment;
    let Ok(text) = format(set, "t", source) else { return false };
    assert_eq!(tree(env, source), tree(env, &text), "{source}\nbecame\n{text}");
    let again = format(set, "t", &text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    assert_eq!(again, text, "of {source}");
    true
}

/// The templates of files with parts: `--- name ---`.
fn parts(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let text = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
    files.iter().flat_map(|file| text(file).split("\n--- ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn samples() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut all = parts(&tests.join("inputs"));
    all.extend(parts(&tests.join("tools")));
    all
}

#[test]
fn own_samples_keep_their_tree() {
    let env = Environment::new();
    let set = set(&env);
    let proved = samples().iter().filter(|source| prove(&set, source)).count();
    assert!(proved > 40, "{proved}");
}

#[test]
fn samples_with_a_sign_missing_keep_their_tree_or_are_refused() {
    let env = Environment::new();
    let set = set(&env);
    let (mut proved, mut refused) = (0, 0);
    for source in samples() {
        for (at, _) in source.char_indices().step_by(23) {
            let mut broken = source.clone();
            broken.remove(at);
            if prove(&set, &broken) {
                proved += 1;
            } else {
                refused += 1;
                let own = TemplateSet::new(&env, Host::default(), [("t", &broken)], []);
                let found = check(&own);
                assert!(!found.is_empty(), "{broken}");
                assert!(found.iter().all(|f| f.span.end <= broken.len() && f.span.start <= f.span.end));
                assert!(!lint(&own, &LintOptions { strict_context: true }).is_empty());
            }
        }
    }
    assert!(proved > 150 && refused > 50, "{proved} proved, {refused} refused");
}

#[test]
fn line_ends_stay_as_they_are() {
    let set = set(&Environment::new());
    let mixed = "a\r\n{{ f(\r\n1,\r\n\r\n  2) }}\r\nb\n{{x}}";
    let want = "a\r\n{{ f(\r\n    1,\r\n    2) }}\r\nb\n{{ x }}";
    assert_eq!(format(&set, "t", mixed).unwrap(), want);
    assert_eq!(format(&set, "t", want).unwrap(), want);
    assert_eq!(format(&set, "t", "a\r{{x}}\r{{ [\r1] }}").unwrap(), "a\r{{ x }}\r{{ [\r    1] }}");
}

#[test]
fn cases_beside_the_repository_keep_their_tree() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/twig");
    let env = Environment::new();
    let set = set(&env);
    for name in ["fixtures.jsonl", "semantics.jsonl"] {
        let Ok(text) = std::fs::read_to_string(root.join(name)) else {
            eprintln!("case file {name} is absent: its templates were not formatted");
            continue;
        };
        let mut proved = 0;
        for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            for source in case["templates"].as_object().unwrap().values() {
                proved += usize::from(prove(&set, source.as_str().unwrap()));
            }
        }
        eprintln!("{name}: {proved} templates keep their tree");
        assert!(proved > 300, "{name}: {proved}");
    }
}

#[test]
fn sites_keep_their_tree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/avtograd/templates");
    let env = Environment::new();
    let set = set(&env);
    let mut open = vec![folder];
    let mut proved = 0;
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                proved += usize::from(prove(&set, &std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(proved > 30, "{proved}");
}
