//! Pages that must agree with each other.

use super::Finding;
use crate::tree::Tree;

const ENGLISH: &str = "README.md";
const RUSSIAN: &str = "README.ru.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = readmes(tree);
    for file in
        tree.files.iter().filter(|file| file.path.starts_with("docs/adr/") && file.name() != "README.md")
    {
        if !is_decision(file.name()) {
            let fix = "name it by a number of four digits and its decision: 0007-sqlite-first.md";
            found.push(Finding::new(&file.path, 1, "the name is not NNNN-title.md", fix));
        }
    }
    found
}

fn readmes(tree: &Tree) -> Vec<Finding> {
    let missing = [ENGLISH, RUSSIAN].into_iter().filter(|path| tree.file(path).is_none());
    let mut found: Vec<Finding> =
        missing.map(|path| Finding::new(path, 1, "there is no such page", "write it")).collect();
    let (Some(english), Some(russian)) = (tree.file(ENGLISH), tree.file(RUSSIAN)) else { return found };
    for (here, there) in [(english, russian), (russian, english)] {
        let other = commands(&there.text);
        for (line, command) in commands(&here.text) {
            if !other.iter().any(|(_, known)| *known == command) {
                let what = format!("`{command}` is not in {}", there.path);
                found.push(Finding::new(&here.path, line, what, "give both pages the same commands"));
            }
        }
    }
    found
}

/// Lines of code blocks in a shell's language, comments left out.
fn commands(text: &str) -> Vec<(usize, &str)> {
    let mut language: Option<&str> = None;
    let mut commands = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(fence) = line.trim().strip_prefix("```") {
            language = if language.is_some() { None } else { Some(fence.trim()) };
            continue;
        }
        let is_shell = language.is_some_and(|name| ["sh", "bash", "shell", "console", ""].contains(&name));
        let command = line.split(" #").next().unwrap_or("").trim().trim_start_matches("$ ");
        if is_shell && !command.is_empty() && !command.starts_with('#') {
            commands.push((at + 1, command));
        }
    }
    commands
}

fn is_decision(name: &str) -> bool {
    let Some((number, title)) = name.split_once('-') else { return false };
    let title = title.strip_suffix(".md").unwrap_or("");
    number.len() == 4
        && number.bytes().all(|b| b.is_ascii_digit())
        && !title.is_empty()
        && title.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(files: &[(&str, &str)]) -> usize {
        check(&Tree::of(files)).len()
    }

    #[test]
    fn equal_commands_and_numbered_decisions_are_right() {
        let english = "Run\n```sh\ncargo run # starts\n```\n```toml\na = 1\n```\n";
        let russian = "Так:\n```sh\ncargo run # запуск\n```\n";
        assert_eq!(number(&[(ENGLISH, english), (RUSSIAN, russian), ("docs/adr/0001-sqlite.md", "")]), 0);
    }

    #[test]
    fn missing_commands_and_names_are_wrong() {
        let (a, b) = ("```sh\ncargo run\ncargo test\n```", "```sh\ncargo run\n```");
        assert_eq!(number(&[(ENGLISH, a), (RUSSIAN, b)]), 1);
        assert_eq!(number(&[(ENGLISH, a)]), 1);
        assert_eq!(
            number(&[(ENGLISH, b), (RUSSIAN, b), ("docs/adr/1-x.md", ""), ("docs/adr/0001-X.md", "")]),
            2
        );
    }
}
