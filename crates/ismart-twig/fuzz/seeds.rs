//! Writes the seeds of every target to `corpus/`: the templates of `../tests/inputs`, and of files of cases
//! (one JSON object with `templates` a line) given as arguments.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Inputs of the built-ins: a sign that chooses the use, then its texts.
const BUILTINS: &[&str] = &[
    " 2010-10-04 13:45:00.5 +02:00\0l, d F Y H:i:s e",
    "!@1286199907\0Europe/Moscow",
    "\"2010-01-31\0last day of next month +1 weekday noon",
    "#2008W101T05:30\0first monday of january 2011",
    "%%05.1f|%'*10s|%-8d|%x|%b|%e|%2$s|%%\0a",
    "&aaab\0/^(a+)+$/i",
    "'foo\0(?<name>o{2,3})|[[:alpha:]]\\d",
    "(1234567.891\02\0,",
    "*  xx a xx \0 x..z",
    "+a,b,c\0,\0-1",
    "-hello\0l\0LL",
    ".\u{e9}t\u{e9}\0ISO-8859-1",
    "0<p><b>x</b><!-- c --></p>\0<b>",
    "1\u{df} \u{1c6} o'neil \u{3a3}",
    "6aa\0zz\03",
];

/// Inputs of the extra packages.
const EXTRAS: &[&str] = &[
    " 2010-10-04 13:45\0d MMMM y, EEEE HH:mm:ss zzzz\0ru",
    "!2010-10-04\0relative_long\0short",
    "\"1234567.891\02\020",
    "#0.000123\03\0de",
    "$99.5\0EUR\01",
    "%Europe/Moscow\0uk",
    "&\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{43c}\u{438}\u{440}\0-\0ru",
    "'Lorem ipsum dolor\08\0...",
    "(one two\0-2\05",
    ")SymfonyString with_twig",
    "*a,b\0,\0;",
    "+abc\012\0*",
    ",# Title\n\n- *a*\n- [b](c)\n\n> q\n\n```\nx\n```",
    "-<h1>a</h1><ul><li>b<b>c</b></ul><table><tr><td>x</table>\0table",
    ".id\0x\0y",
    "/btn\0on\01",
    "0and\0or\0en",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sets: Vec<Vec<String>> = Vec::new();
    for file in fs::read_dir(root.join("../tests/inputs"))? {
        let text = fs::read_to_string(file?.path())?;
        sets.push(
            text.split("--- ").filter_map(|part| Some(part.split_once(" ---\n")?.1.to_owned())).collect(),
        );
    }
    for file in std::env::args().skip(1) {
        for line in fs::read_to_string(file)?.lines() {
            let case: serde_json::Value = serde_json::from_str(line)?;
            let sources = case["templates"].as_object().into_iter().flat_map(|t| t.values());
            sets.push(sources.filter_map(|s| Some(s.as_str()?.to_owned())).collect());
        }
    }
    for set in &sets {
        for source in set {
            write(root, "lexer", source)?;
            write(root, "parser", source)?;
        }
        write(root, "render", &set.iter().take(2).cloned().collect::<Vec<_>>().join("\0"))?;
    }
    for input in BUILTINS {
        write(root, "builtins", input)?;
    }
    for input in EXTRAS {
        write(root, "extras", input)?;
    }
    Ok(())
}

fn write(root: &Path, target: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = root.join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    let name = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    Ok(fs::write(folder.join(format!("{name:016x}")), text)?)
}
