//! The variables of a template: read, given values, in slots, looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::{Given, Part, Read, line};
use crate::num::at;
use crate::syntax::ast::{CallType, Expr, ExprKind, Module, NodeKind};
use crate::tools::check::links::{self, Way};
use crate::tools::set::Entry;
use crate::tools::walk::{self, Unit};
use crate::value::Value;

/// The variables that are read, with what is asked of them, by name.
pub(super) fn reads(entry: &Entry, module: &Module, sets: &[Given]) -> Vec<Read> {
    let mut found: BTreeMap<String, Read> = BTreeMap::new();
    let mut note = |path: String, line: u32, guarded: bool| {
        let read = found.entry(path.clone()).or_insert_with(|| {
            let name = path.split(['.', '[']).next().unwrap_or("");
            let own = name == "loop" || sets.iter().any(|given| given.name == name);
            Read { path, lines: Vec::new(), guarded: true, own }
        });
        read.guarded &= guarded;
        if !read.lines.contains(&line) {
            read.lines.push(line);
        }
    };
    walk::modules(module, &mut |module| {
        if let Some(parent) = &module.parent {
            down(parent, false, &mut |expr, path, guard| note(path, line(entry, expr.extent), guard));
        }
        for unit in walk::units(module) {
            walk::nodes(unit.body(module), &mut |node| {
                walk::node_exprs(node, &mut |expr| {
                    down(expr, false, &mut |expr, path, guard| note(path, line(entry, expr.extent), guard));
                });
            });
        }
    });
    let mut all: Vec<Read> = found.into_values().collect();
    all.iter_mut().for_each(|read| read.lines.sort_unstable());
    all
}

/// Calls something with each variable of an expression, its path, and whether it has a guard.
fn down<'a>(expr: &'a Expr, guard: bool, call: &mut dyn FnMut(&'a Expr, String, bool)) {
    match &expr.kind {
        ExprKind::Name(name) => call(expr, name.to_string(), guard),
        ExprKind::Attr { .. } => {
            let mut inner = Vec::new();
            if let Some(path) = path(expr, &mut inner) {
                call(expr, path, guard);
            }
            inner.into_iter().for_each(|inner| down(inner, false, call));
        }
        _ => {
            let guards = walk::guarded(expr).is_some();
            let mut first = true;
            walk::children(expr, &mut |inner| {
                down(inner, first && guards, call);
                first = false;
            });
        }
    }
}

/// The path of a chain of attributes; what else is read on the way goes into `inner`.
fn path<'a>(expr: &'a Expr, inner: &mut Vec<&'a Expr>) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Attr { object, name, args, call, .. } => {
            inner.extend(args.iter().flatten().map(|arg| &arg.value));
            let step = match &name.kind {
                ExprKind::Const(Value::Str(key))
                    if key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
                {
                    format!(".{key}")
                }
                ExprKind::Const(key) => format!("[{}]", crate::tools::fold::shown(key)),
                _ => {
                    inner.push(name);
                    "[]".to_owned()
                }
            };
            let calls = if *call == CallType::Method { "()" } else { "" };
            match path(object, inner) {
                Some(start) => Some(format!("{start}{step}{calls}")),
                None => {
                    inner.push(object);
                    None
                }
            }
        }
        _ => None,
    }
}

/// The variables that are given values, by name.
pub(super) fn sets(entry: &Entry, module: &Module) -> Vec<Given> {
    let mut found: BTreeMap<(String, &'static str), Given> = BTreeMap::new();
    let mut note = |name: &str, by: &'static str, line: u32| {
        let key = (name.to_owned(), by);
        let given =
            found.entry(key).or_insert_with(|| Given { name: name.to_owned(), by, lines: Vec::new() });
        if !given.lines.contains(&line) {
            given.lines.push(line);
        }
    };
    crate::tools::lint::each_assigned(module, &mut |name, range| {
        note(name, "set", entry.source.line_of(range.start));
    });
    walk::all_nodes(module, &mut |node| match &node.kind {
        NodeKind::For(f) => {
            note(&f.value, "for", node.line);
            f.key.iter().for_each(|key| note(key, "for", node.line));
        }
        NodeKind::Import { .. } => {
            let scan = entry.source.scan.as_ref();
            let tag = scan.and_then(|scan| scan.tag_from(at(node.extent.start)));
            for alias in tag.into_iter().flat_map(|tag| crate::tools::lint::aliases(&entry.source, tag)) {
                note(&alias, "import", node.line);
            }
        }
        _ => {}
    });
    walk::exprs(module, &mut |expr| {
        if let ExprKind::Arrow { params, .. } = &expr.kind {
            params.iter().for_each(|name| note(name, "arrow", expr.line));
        }
    });
    for own in &module.macros {
        let names = own.params.iter().map(|(name, _)| name).chain(&own.rest);
        names.for_each(|name| note(name, "macro", line(entry, own.extent)));
    }
    found.into_values().collect()
}

/// How each part reaches its variables.
pub(super) fn parts(entry: &Entry, module: &Module) -> Vec<Part> {
    let mut all: Vec<Part> = walk::units(module).map(|unit| part(entry, module, unit)).collect();
    all.retain(|part| {
        part.name != "body"
            || !(part.slots.is_empty() && part.looked_up.is_empty() && part.whole_context.is_empty())
    });
    all
}

fn part(entry: &Entry, module: &Module, unit: Unit<'_>) -> Part {
    let (name, line) = match unit {
        Unit::Main => ("body".to_owned(), 1),
        Unit::Block(block) => (format!("block {}", block.name), line(entry, block.extent)),
        Unit::Macro(own) => (format!("macro {}", own.name), line(entry, own.extent)),
    };
    let mut slots: BTreeSet<String> = BTreeSet::new();
    let mut read: BTreeSet<String> = BTreeSet::new();
    let mut whole: Vec<(u32, &'static str)> = Vec::new();
    if let Unit::Macro(own) = unit {
        slots.extend(own.params.iter().map(|(name, _)| name.to_string()));
        slots.extend(own.rest.iter().map(ToString::to_string));
    }
    walk::nodes(unit.body(module), &mut |node| match &node.kind {
        NodeKind::Set(names, _) => slots.extend(names.iter().map(ToString::to_string)),
        NodeKind::Capture(name, _) => {
            slots.insert(name.to_string());
        }
        NodeKind::For(f) => {
            slots.insert(f.value.to_string());
            slots.extend(f.key.iter().map(ToString::to_string));
        }
        NodeKind::Include { only: false, .. } => whole.push((node.line, "include")),
        NodeKind::Embed { only: false, .. } => whole.push((node.line, "embed")),
        NodeKind::With { .. } => whole.push((node.line, "with")),
        NodeKind::BlockRef(_) => whole.push((node.line, "block")),
        _ => {}
    });
    let mut arrows: BTreeSet<String> = BTreeSet::new();
    walk::unit_exprs(module, unit, &mut |expr| match &expr.kind {
        ExprKind::Name(name) if name == "_context" => whole.push((expr.line, "_context")),
        ExprKind::Name(name) => {
            read.insert(name.to_string());
        }
        ExprKind::Assign(name, _) => {
            slots.insert(name.to_string());
        }
        ExprKind::AssignList(names, _) => slots.extend(names.iter().flatten().map(ToString::to_string)),
        ExprKind::AssignMap(pairs, _) => slots.extend(pairs.iter().map(|(_, name)| name.to_string())),
        ExprKind::Arrow { params, .. } => arrows.extend(params.iter().map(ToString::to_string)),
        ExprKind::Block { .. } => whole.push((expr.line, "block()")),
        ExprKind::Parent(_) => whole.push((expr.line, "parent()")),
        ExprKind::Function { .. }
            if links::called(expr).is_some_and(|r| r.way == Way::Include && !r.only) =>
        {
            whole.push((expr.line, "include()"));
        }
        _ => {}
    });
    let own = |name: &String| matches!(name.as_str(), "loop" | "_self" | "_charset");
    let looked_up: Vec<String> = read
        .into_iter()
        .filter(|name| !slots.contains(name) && !arrows.contains(name) && !own(name))
        .collect();
    whole.sort_unstable();
    whole.dedup();
    let whole_context = whole.into_iter().map(|(line, what)| format!("{what} at line {line}")).collect();
    Part { name, line, slots: slots.into_iter().collect(), looked_up, whole_context }
}
