//! Broken templates give errors, never panics, hangs or unplaced failures.

use std::time::Duration;

use ismart_twig::{Environment, Limits};
use serde_json::json;

/// A small repeatable generator (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }
}

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    "~",
    "|",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "#{",
    "\\",
    "..",
    "...",
    "??",
    "?",
    ":",
    "?.",
    "=>",
    "=",
    "==",
    "**",
    "if",
    "for",
    "in",
    "is not",
    "set",
    "block",
    "macro",
    "end",
    "include",
    "extends",
    "import",
    "_self",
    "loop",
    "é",
    "\u{1F600}",
    "\0",
    "\n",
    "9999999999999999999",
    "1e400",
    "null",
    "%}{%",
];

fn mutate(chance: &mut Chance, source: &str) -> String {
    let mut chars: Vec<char> = source.chars().collect();
    for _ in 0..=chance.below(4) {
        let at = chance.below(chars.len() + 1);
        match chance.below(4) {
            0 if at < chars.len() => {
                chars.remove(at);
            }
            1 => {
                let end = (at + chance.below(12)).min(chars.len());
                chars.drain(at..end);
            }
            2 => {
                let from = chance.below(chars.len() + 1);
                let part: Vec<char> = chars.iter().skip(from).take(chance.below(30)).copied().collect();
                chars.splice(at..at, part);
            }
            _ => {
                let piece = PIECES[chance.below(PIECES.len())];
                chars.splice(at..at, piece.chars());
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn mutated_templates_never_panic() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    let mut sources: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            text.split("--- ").map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|s| s.contains("{%") || s.contains("{{"))
        .collect();
    sources.sort();
    let mut env = Environment::new();
    env.set_limits(Limits {
        fuel: Some(20_000),
        items: 100_000,
        output: 1_000_000,
        time: Some(Duration::from_secs(20)),
        ..Limits::default()
    });
    let data = json!({"items": {"a": 1}, "rows": [["x"]], "s": "<a>", "user": null, "name": "n"});
    let mut chance = Chance(7);
    let (mut rendered, mut failed) = (0, 0);
    for _ in 0..4000 {
        let at = chance.below(sources.len());
        let source = mutate(&mut chance, &sources[at]);
        let result = env.template_from_named_string("m", &source).and_then(|t| t.render(&data));
        match result {
            Ok(_) => rendered += 1,
            Err(error) => {
                failed += 1;
                assert!(error.template().is_some(), "{source:?}: {error}");
            }
        }
        assert!(env.check_source("m", &source).len() <= 50);
    }
    assert!(rendered > 100 && failed > 100, "{rendered} rendered, {failed} failed");
}
