//! Generated pages of `docs/reference`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::goals::GOALS;
use crate::say;
use crate::tidy::RULES;

struct Page {
    path: &'static str,
    /// Makes the text; may build and run the product.
    text: fn(&Path) -> Result<String, String>,
    /// Whether making it builds the product.
    builds: bool,
}

const PAGES: &[Page] = &[
    Page { path: "docs/reference/goals.md", text: |_| goals(), builds: false },
    Page { path: "docs/reference/house-rules.md", text: |_| rules(), builds: false },
    Page { path: CONTRACTS, text: contract_rules, builds: false },
    Page { path: "docs/reference/twig-rules.md", text: |_| Ok(twig_rules()), builds: false },
    Page { path: "docs/reference/content-rules.md", text: |_| content_rules(), builds: false },
    Page { path: CONVENTIONS, text: conventions, builds: false },
    Page { path: "docs/reference/commands.md", text: commands, builds: true },
    Page { path: "docs/reference/openapi.json", text: openapi, builds: true },
];

const CONVENTIONS: &str = "CONVENTIONS.md";
const CONTRACTS: &str = "docs/reference/contracts.md";

/// `cargo xtask generate [--check]`: true when nothing differs (any more).
pub(crate) fn command(root: &Path, check: bool) -> Result<bool, String> {
    let mut current = true;
    for page in PAGES {
        if page.builds {
            say::note(format_args!("building ismart for {} …", page.path));
        }
        let text = (page.text)(root)?;
        if is_current(root, page.path, &text) {
            continue;
        }
        if check {
            current = false;
            say::line(format_args!("{}: differs\n  fix: cargo xtask generate", page.path));
        } else {
            write(root, page.path, &text)?;
            say::line(format_args!("wrote {}", page.path));
        }
    }
    Ok(current)
}

fn is_current(root: &Path, path: &str, text: &str) -> bool {
    std::fs::read_to_string(root.join(path)).is_ok_and(|there| there == text)
}

fn write(root: &Path, path: &str, text: &str) -> Result<(), String> {
    let place = root.join(path);
    let written =
        place.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&place, text));
    written.map_err(|e| format!("{path} cannot be written: {e}"))
}

/// The first lines of every generated page.
fn head(title: &str, source: &str) -> String {
    format!("# {title}\n\n<!-- Generated from {source} by `cargo xtask generate`; do not edit. -->\n\n")
}

fn goals() -> Result<String, String> {
    let mut text = head("Goals", "xtask/src/goals.rs");
    text.push_str(
        "`cargo xtask goals [GROUP…]` measures them and prints one line a goal: goal and bar, figure, reference of the \
         same run, and whether it holds. The exit code is 1 when one falls short. Goals whose measurement does not \
         exist yet are not here.\n",
    );
    let mut group = "";
    for goal in GOALS {
        if goal.group != group {
            group = goal.group;
            write!(
                text,
                "\n## {group}\n\n| Goal | Measured | Bar | Reference of the same run |\n|---|---|---|---|\n"
            )
            .map_err(|e| e.to_string())?;
        }
        writeln!(text, "| `{}` | {} | {} | {} |", goal.name, goal.what, goal.bar, goal.reference)
            .map_err(|e| e.to_string())?;
    }
    Ok(text)
}

fn rules() -> Result<String, String> {
    let mut text = head("House rules", "xtask/src/tidy.rs");
    text.push_str(
        "`cargo xtask tidy` checks them, and so does `cargo test --workspace`. A finding is mended, or stands in \
         `xtask/allowed.toml` with its reason; that list may only shrink.\n\n| Rule | What holds | Why |\n|---|---|---|\n",
    );
    for rule in RULES {
        writeln!(text, "| `{}` | {} | {} |", rule.name, rule.holds, rule.why).map_err(|e| e.to_string())?;
    }
    Ok(text)
}

/// The page of contracts with the table of their rules.
fn contract_rules(root: &Path) -> Result<String, String> {
    let mut table = String::from("| Rule | Weight | What holds |\n|---|---|---|\n");
    for rule in ismart_contracts::finding::RULES {
        let line = writeln!(table, "| `{}` | {} | {} |", rule.name, rule.severity.word(), rule.holds);
        line.map_err(|e| e.to_string())?;
    }
    between(root, CONTRACTS, "rules", &table)
}

fn content_rules() -> Result<String, String> {
    let mut text = head("Rules of content", "crates/ismart-sites/src/rules.rs");
    text.push_str(
        "`ismart check` holds them for every site, each finding with file, line, rule, reason and fix. `--fix` mends what \
         is safe: white space of JSON, and keys whose old name no template, no string, no script and no configuration \
         holds. `--strict` fails on warnings too.\n\n",
    );
    text.push_str(&ismart_sites::rules::markdown());
    Ok(text)
}

/// The section of CONVENTIONS.md about content, from the same table.
fn conventions(root: &Path) -> Result<String, String> {
    between(root, CONVENTIONS, "content", &ismart_sites::rules::conventions())
}

/// The page as it is, with a table between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
fn between(root: &Path, path: &str, name: &str, table: &str) -> Result<String, String> {
    let page = std::fs::read_to_string(root.join(path)).map_err(|e| format!("{path} cannot be read: {e}"))?;
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let parts = page.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let (head, tail) = parts.ok_or_else(|| format!("{path} has no {begin} … {end}"))?;
    Ok(format!("{head}{begin}{table}{end}{tail}"))
}

fn twig_rules() -> String {
    let mut text = head("Rules of templates", "crates/ismart-twig/src/tools/rules.rs");
    text.push_str(
        "`ismart twig check` finds what is wrong, `ismart twig lint` holds style and safety. Exit codes: 0 nothing \
         found, 1 something found, 2 the command was not understood. `--select RULE` and `--ignore RULE` choose; \
         `ismart-twig.toml` beside the templates declares what the host adds (`functions`, `filters`, `tests`, \
         `context`) and what is not held (`ignore`). An exception stands in the template, with its reason: \
         `{# lint-allow RULE: reason #}` for its line and the next, `{# lint-allow-file RULE: reason #}` for the \
         whole.\n\n",
    );
    text.push_str(&ismart_twig::tools::markdown());
    text
}

fn commands(root: &Path) -> Result<String, String> {
    let mut text = head("Commands", "the help texts of `ismart`");
    let main = help(root, &[])?;
    text.push_str("## ismart\n\n");
    fenced(&mut text, &main);
    for name in subcommands(&main) {
        write!(text, "\n## ismart {name}\n\n").map_err(|e| e.to_string())?;
        let help = help(root, &[name])?;
        fenced(&mut text, &help);
    }
    Ok(text)
}

fn fenced(text: &mut String, help: &str) {
    text.push_str("```text\n");
    for line in help.trim_end().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str("```\n");
}

/// The description of the API as the server serves it.
fn openapi(root: &Path) -> Result<String, String> {
    run(root, &["openapi"])
}

fn help(root: &Path, command: &[&str]) -> Result<String, String> {
    run(root, &[command, &["--help"]].concat())
}

/// What `ismart` prints.
fn run(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "-p", "ismart", "--"])
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`ismart {}` failed: {}", arguments.join(" "), why.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The names under `Commands:`.
fn subcommands(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| line.trim() != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_pages_are_current() {
        let root = crate::root();
        for page in PAGES.iter().filter(|page| !page.builds) {
            let text = (page.text)(&root).unwrap();
            assert!(is_current(&root, page.path, &text), "{} differs: run cargo xtask generate", page.path);
        }
    }

    #[test]
    fn drift_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_current(folder.path(), "a/b.md", "x"));
        write(folder.path(), "a/b.md", "x").unwrap();
        assert!(is_current(folder.path(), "a/b.md", "x"));
        assert!(!is_current(folder.path(), "a/b.md", "y"));
    }

    #[test]
    fn subcommands_are_read_off_the_help() {
        let help = "Usage: x\n\nCommands:\n  serve  Serve\n  user   Add\n  help   Print\n\nOptions:\n  -h";
        assert_eq!(subcommands(help), ["serve", "user"]);
    }
}
