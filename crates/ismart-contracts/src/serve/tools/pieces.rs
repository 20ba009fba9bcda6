//! Pieces of code instead of whole files: methods, blocks, tests.

use super::{Given, contract_of, file, number, text};
use crate::check::Tests;
use crate::code::{CodeFile, Item};
use crate::tree::Tree;

/// Most lines of code in one answer.
const MOST: usize = 200;

pub(super) fn code(tree: &Tree, given: &Given) -> Result<String, String> {
    let file = file(tree, given)?;
    match (text(given, "item"), text(given, "block")) {
        (Some(_), Some(_)) => Err("name an item or a block, not both".to_owned()),
        (Some(name), None) => {
            let item = item(file, name)?;
            lines(tree, &file.path, item.line, item.end_line)
        }
        (None, Some(name)) => {
            let blocks = &file.marks.blocks;
            let known: Vec<&str> = blocks.iter().map(|block| block.name.as_str()).collect();
            let block = blocks.iter().find(|block| block.name.eq_ignore_ascii_case(name));
            let block = block.ok_or_else(|| {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                format!("{} has no block `{name}`; its blocks: {known}", file.path)
            })?;
            lines(tree, &file.path, block.line, block.end_line)
        }
        (None, None) => Ok(overview(file)),
    }
}

fn item<'t>(file: &'t CodeFile, name: &str) -> Result<&'t Item, String> {
    let items = || file.units.iter().flat_map(|unit| &unit.items);
    let bare = name.trim_end_matches("()");
    let last = bare.rsplit("::").next().unwrap_or(bare).trim_start_matches('$');
    let exact = items().find(|item| item.path() == bare);
    exact.or_else(|| items().find(|item| item.name.trim_start_matches('$') == last)).ok_or_else(|| {
        let known: Vec<String> = items().map(Item::path).collect();
        format!("{} has no public `{name}`; it has {}", file.path, known.join(", "))
    })
}

/// What can be asked for in a file.
fn overview(file: &CodeFile) -> String {
    let mut text = format!("{}: name an item or a block\n", file.path);
    for item in file.units.iter().flat_map(|unit| &unit.items) {
        text.push_str(&format!("- {} (lines {}-{})\n", item.path(), item.line, item.end_line));
    }
    for block in &file.marks.blocks {
        let says = block.purpose.as_deref().map(|purpose| format!(": {purpose}")).unwrap_or_default();
        text.push_str(&format!("- block {}{says} (lines {}-{})\n", block.name, block.line, block.end_line));
    }
    text
}

/// Lines of a file of the tree, numbered.
fn lines(tree: &Tree, path: &str, from: usize, to: usize) -> Result<String, String> {
    let bytes =
        std::fs::read(tree.root.join(path)).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let source = String::from_utf8_lossy(&bytes);
    let mut text = format!("{path}:{from}\n");
    let wanted = source.lines().enumerate().skip(from.saturating_sub(1)).take((to + 1).saturating_sub(from));
    for (at, line) in wanted.take(MOST) {
        text.push_str(&format!("{} {line}\n", at + 1));
    }
    if to + 1 > from + MOST {
        text.push_str(&format!("… up to line {to}\n"));
    }
    Ok(text)
}

pub(super) fn promise(tree: &Tree, given: &Given) -> Result<String, String> {
    let file = file(tree, given)?;
    let contract = contract_of(tree, &file.path).ok_or_else(|| format!("{} has no contract", file.path))?;
    let Some(wanted) = number(given, "number") else {
        let mut text = format!("{}\n", contract.path);
        for promise in &contract.promises {
            text.push_str(&format!("P{}: {} [{}]\n", promise.number, promise.text, promise.tests.join(", ")));
        }
        return Ok(text);
    };
    let promise = contract.promises.iter().find(|promise| promise.number == wanted);
    let promise = promise.ok_or_else(|| {
        format!("{} has no P{wanted}; its promises: {}", contract.path, contract.promises.len())
    })?;
    let tests = Tests::of(tree);
    let mut text = format!("P{wanted}: {}\n", promise.text);
    for name in &promise.tests {
        match tests.find(name) {
            Some((path, test)) => text.push_str(&lines(tree, path, test.line, test.end_line)?),
            None => {
                text.push_str(&format!("`{name}` is no test of the tree\n"));
            }
        }
    }
    Ok(text)
}
