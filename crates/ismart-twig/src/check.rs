//! What can be said of templates without rendering them.

use std::collections::BTreeSet;

use crate::env::Engine;
use crate::error::{Error, ErrorKind};
use crate::program::{Code, Ex, Op};
use crate::syntax::lexer;
use crate::value::Value;

/// Errors reported of one source at most.
const MOST: usize = 50;

/// The names of templates that a template names by constants.
pub(crate) fn references(code: &Code) -> Vec<String> {
    let mut found = BTreeSet::new();
    gather(code, &mut found);
    found.into_iter().collect()
}

fn gather(code: &Code, found: &mut BTreeSet<String>) {
    if let Some(parent) = &code.parent {
        name(&parent.expr, found);
    }
    for used in &code.uses {
        found.insert(used.template.to_string());
    }
    ops(&code.main.body, found);
    for block in &code.blocks {
        ops(&block.unit.body, found);
    }
    for m in &code.macros {
        ops(&m.unit.body, found);
    }
    for embed in &code.embeds {
        gather(embed, found);
    }
}

fn name(ex: &Ex, found: &mut BTreeSet<String>) {
    match ex {
        Ex::Const(Value::Str(text)) => {
            found.insert(text.to_string());
        }
        Ex::Const(Value::Array(names)) => {
            found.extend(names.values().filter_map(|v| v.as_str().map(str::to_owned)));
        }
        Ex::Cond(sides) => {
            name(&sides.1, found);
            name(&sides.2, found);
        }
        _ => {}
    }
}

fn ops(list: &[Op], found: &mut BTreeSet<String>) {
    for op in list {
        match op {
            Op::Include(op) => name(&op.template, found),
            Op::Import(op) => {
                if let Some(template) = &op.template {
                    name(template, found);
                }
            }
            Op::If(op) => {
                for (_, _, body) in &op.branches {
                    ops(body, found);
                }
                ops(&op.otherwise, found);
            }
            Op::For(op) => {
                ops(&op.body, found);
                if let Some(body) = &op.otherwise {
                    ops(body, found);
                }
            }
            Op::Capture(_, body) | Op::Sandbox(body) | Op::Group(body) => ops(body, found),
            Op::With(op) => ops(&op.unit.body, found),
            Op::Cache(op) => ops(&op.unit.body, found),
            Op::Apply(op) => ops(&op.body, found),
            Op::Print(ex, ..) | Op::Set(_, ex, _) | Op::Do(ex, _) => printed(ex, found),
            Op::Grow(op) => printed(&op.ex, found),
            _ => {}
        }
    }
}

fn printed(ex: &Ex, found: &mut BTreeSet<String>) {
    match ex {
        Ex::Include(include) => name(&include.template, found),
        Ex::Escape(_, inner, _) | Ex::Force(_, inner, _) | Ex::Line(_, inner) | Ex::Paren(inner) => {
            printed(inner, found)
        }
        Ex::Concat(parts) => parts.iter().for_each(|p| printed(p, found)),
        _ => {}
    }
}

/// The errors of a template and of those it refers to.
pub(crate) fn check(engine: &Engine, start: &str) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::from([start.to_owned()]);
    let mut open = vec![start.to_owned()];
    while let Some(current) = open.pop() {
        let source = match engine.loader.source(&current) {
            Ok(Some(source)) => source,
            Ok(None) => {
                errors.push(Error::new(ErrorKind::Loader, engine.loader.missing(&current)));
                continue;
            }
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        match engine.compile(&current, &source) {
            Ok(code) => {
                for next in references(&code) {
                    if seen.insert(next.clone()) {
                        open.push(next);
                    }
                }
            }
            Err(_) => errors.extend(check_source(engine, &current, &source)),
        }
    }
    errors
}

/// All errors of a source: after each the tag at fault is put out of the way and the rest read again.
pub(crate) fn check_source(engine: &Engine, name: &str, source: &str) -> Vec<Error> {
    let original = lexer::normalise(source);
    let mut text = original.clone();
    let mut errors: Vec<Error> = Vec::new();
    while errors.len() < MOST {
        let Err(error) = engine.compile(name, &text) else { break };
        let line = error.line().unwrap_or(1);
        let column = error.column();
        let repeated =
            errors.iter().any(|e| e.line() == Some(line) && e.raw_message() == error.raw_message());
        if repeated || error.kind() != ErrorKind::Syntax {
            break;
        }
        errors.push(error);
        let Some(next) = neutralise(&text, line, column) else { break };
        text = next;
    }
    // The lexer's complaints come before the parser's, whatever their lines.
    errors.sort_by_key(|e| (e.line(), e.column()));
    errors
}

/// The source with the tag at a place made harmless; `None` if there is none.
fn neutralise(text: &str, line: u32, column: Option<u32>) -> Option<String> {
    let line = crate::num::at(line.saturating_sub(1));
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let width = text.get(start..)?.lines().next().unwrap_or("").len();
    let wanted = column.map_or(start + width, |c| start + crate::num::at(c));
    // The tag that is open at the place, or the first after the line's start.
    let upto = text.get(..wanted.min(text.len())).or_else(|| text.get(..start))?;
    let opening = |at: usize| text.get(at..at + 2).is_some_and(|d| d == "{{" || d == "{%");
    let from = upto
        .char_indices()
        .rev()
        .map(|(at, _)| at)
        .find(|at| opening(*at))
        .filter(|at| *at >= start || column.is_none())
        .or_else(|| (start..text.len()).find(|at| text.is_char_boundary(*at) && opening(*at)))?;
    let tag = text.get(from..)?;
    let close = if tag.starts_with("{{") { "}}" } else { "%}" };
    let to = from + tag.find(close)? + 2;
    let inner = text.get(from + 2..to - 2)?.trim_matches(['-', '~']).trim();
    let word = inner.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
    let breaks = "\n".repeat(text.get(from..to)?.matches('\n').count());
    let instead = match (close, word) {
        ("%}", "if") => "{% if true %}",
        ("%}", "elseif") => "{% elseif true %}",
        ("%}", "for") => "{% for _ in [] %}",
        ("%}", "set") if !inner.contains('=') => "{% set _ %}",
        ("%}", "block") => "{% block _ %}",
        ("%}", "macro") => "{% macro _() %}",
        ("%}", "with") => "{% with %}",
        ("%}", "apply") => "{% apply raw %}",
        ("%}", "embed") => "{% embed '' %}",
        ("%}", "autoescape") => "{% autoescape %}",
        _ => "",
    };
    if text.get(from..to)? == instead {
        return None;
    }
    let mut next = String::with_capacity(text.len());
    next.push_str(text.get(..from)?);
    next.push_str(instead);
    next.push_str(&breaks);
    next.push_str(text.get(to..)?);
    Some(next)
}
