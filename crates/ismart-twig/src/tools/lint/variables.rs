//! Variables and imports that nothing reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::num::at;
use crate::syntax::ast::{Expr, ExprKind, MacroTarget, Module, Node, NodeKind};
use crate::syntax::token::{Kind, Token};
use crate::tools::check::links::{self, Way};
use crate::tools::finding::{Edit, Finding};
use crate::tools::rules;
use crate::tools::set::{Entry, TemplateSet};
use crate::tools::source::{Source, Tag};
use crate::tools::walk;

pub(super) fn check(set: &TemplateSet, name: &str, entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    unused_variables(set, name, entry, module, found);
    walk::modules(module, &mut |module| unused_imports(entry, module, found));
}

/// The variables that a module's expressions name; `None` when it reads all there are.
pub(super) fn reads(module: &Module) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    let mut all = false;
    walk::exprs(module, &mut |expr| match &expr.kind {
        ExprKind::Name(name) => {
            all |= name == "_context";
            names.insert(name.as_str());
        }
        ExprKind::Function { callable, args, .. } => {
            all |= callable.context || (callable.name == "dump" && args.is_empty());
        }
        ExprKind::Filter { callable, .. } | ExprKind::Test { callable, .. } => all |= callable.context,
        _ => {}
    });
    (!all).then_some(names)
}

/// The names that an expression or node gives a value, each with the stretch to look for it in.
pub(crate) fn each_assigned<'a>(module: &'a Module, call: &mut dyn FnMut(&'a str, Range<usize>)) {
    let range = |extent: crate::syntax::ast::Extent| at(extent.start)..at(extent.end);
    walk::all_nodes(module, &mut |node| match &node.kind {
        NodeKind::Set(names, _) => names.iter().for_each(|name| call(name, range(node.extent))),
        NodeKind::Capture(name, _) => call(name, range(node.extent)),
        _ => {}
    });
    walk::exprs(module, &mut |expr| match &expr.kind {
        ExprKind::Assign(name, _) => call(name, range(expr.extent)),
        ExprKind::AssignList(names, _) => {
            names.iter().flatten().for_each(|name| call(name, range(expr.extent)));
        }
        ExprKind::AssignMap(pairs, _) => pairs.iter().for_each(|(_, name)| call(name, range(expr.extent))),
        _ => {}
    });
}

/// The templates that see a template's variables: what it includes, its parents, its children. `None` when one
/// of them is not known.
fn seers<'s>(set: &'s TemplateSet, name: &'s str) -> Option<BTreeSet<&'s str>> {
    let mut seen = BTreeSet::from([name]);
    let mut open = vec![name];
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (child, entry) in &set.entries {
        let module = entry.sound()?;
        for reference in links::references(module).iter().filter(|r| matches!(r.way, Way::Extends | Way::Use))
        {
            for parent in reference.target.candidates(set, child)? {
                children.entry(parent).or_default().push(child);
            }
        }
    }
    while let Some(current) = open.pop() {
        let module = set.sound(current)?;
        let mut next: Vec<&str> = children.get(current).cloned().unwrap_or_default();
        for reference in links::references(module) {
            let sees = matches!(reference.way, Way::Extends | Way::Embed | Way::Use | Way::Block)
                || (reference.way == Way::Include && !reference.only);
            if sees {
                next.extend(reference.target.candidates(set, current)?);
            }
        }
        open.extend(next.into_iter().filter(|name| seen.insert(name)));
    }
    Some(seen)
}

fn unused_variables(set: &TemplateSet, name: &str, entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    let mut assigned: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    each_assigned(module, &mut |name, range| {
        assigned.entry(name).or_insert(range);
    });
    let Some(own) = reads(module) else { return };
    assigned.retain(|name, _| !own.contains(name) && !name.starts_with('_') && *name != "loop");
    if assigned.is_empty() {
        return;
    }
    let Some((own_name, _)) = set.entries.get_key_value(name) else { return };
    let Some(seers) = seers(set, own_name) else { return };
    for seer in seers {
        match set.sound(seer).map(reads) {
            Some(Some(theirs)) => assigned.retain(|name, _| !theirs.contains(name)),
            _ => return,
        }
    }
    for (variable, range) in assigned {
        let place = target_place(&entry.source, variable, range);
        let message = format!("Nothing reads the variable \"{variable}\".");
        let known: Vec<&str> = own.iter().copied().collect();
        let near = crate::tools::check::near(variable, &known);
        let help = near.map_or_else(
            || "remove it, or let its name start with `_`".to_owned(),
            |near| format!("\"{near}\" is read: is it meant?"),
        );
        found.push(entry.finding(&rules::UNUSED_VARIABLE, place, message).help(help));
    }
}

/// Where a name is given a value: not the tag's own word.
fn target_place(source: &Source, name: &str, range: Range<usize>) -> Range<usize> {
    let tag = source.scan.as_ref().and_then(|scan| scan.tag_from(range.start));
    let start = match tag {
        Some(tag) => source.names_in(tag.range()).next().map_or(range.start, |word| word.range.end),
        None => range.start,
    };
    let end = tag.map_or(range.end, |tag| tag.close.start);
    source.name_in(name, start..end)
}

/// One name that `from` or `import` makes known.
struct Imported {
    /// The macro, for `from`.
    name: Option<String>,
    alias: String,
    range: Range<usize>,
}

/// The names behind `as` or `import`, by the tag's tokens.
fn imported(source: &Source, tag: &Tag) -> Vec<Imported> {
    let Some(scan) = &source.scan else { return Vec::new() };
    let inner = scan.inner(tag);
    if tag.word == "import" {
        let alias = inner.last().filter(|token| token.kind == Kind::Name);
        return alias
            .map(|token| Imported { name: None, alias: token.text().to_owned(), range: token.range.clone() })
            .into_iter()
            .collect();
    }
    // The word that ends the template's expression is the last one of that text outside of brackets.
    let Some(at) = inner.iter().rposition(|token| token.is(Kind::Name, "import")) else { return Vec::new() };
    let list = inner.get(at + 1..).unwrap_or(&[]);
    list.split(|token| token.is(Kind::Punctuation, ","))
        .filter_map(|item: &[Token]| {
            let (first, last) = (item.first()?, item.last()?);
            Some(Imported {
                name: Some(first.text().to_owned()),
                alias: last.text().to_owned(),
                range: first.range.start..last.range.end,
            })
        })
        .collect()
}

/// The names that an `import` or `from` tag makes known.
pub(crate) fn aliases(source: &Source, tag: &Tag) -> Vec<String> {
    imported(source, tag).into_iter().map(|item| item.alias).collect()
}

fn unused_imports(entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    // Slots that something is called of, and the macros that are called by name.
    let mut touched: BTreeSet<u32> = BTreeSet::new();
    let mut called: BTreeSet<(u32, String)> = BTreeSet::new();
    let mut note = |expr: &Expr| {
        if let ExprKind::Macro { target: MacroTarget::Import(slot), name, .. } = &expr.kind {
            touched.insert(*slot);
            called.extend(links::text(name).map(|name| (*slot, name.to_owned())));
        }
    };
    for unit in walk::units(module) {
        walk::unit_exprs(module, unit, &mut |expr| note(expr));
    }
    let mut each = |node: &Node| {
        let NodeKind::Import { slot, .. } = &node.kind else { return };
        let tag = entry.source.scan.as_ref().and_then(|scan| scan.tag_from(at(node.extent.start)));
        let Some(tag) = tag else { return };
        let all = imported(&entry.source, tag);
        let is_used = |item: &Imported| match &item.name {
            None => touched.contains(slot),
            Some(name) => called.contains(&(*slot, name.clone())),
        };
        let unused: Vec<usize> =
            (0..all.len()).filter(|i| all.get(*i).is_some_and(|item| !is_used(item))).collect();
        for index in &unused {
            let Some(item) = all.get(*index) else { continue };
            let message = format!("Nothing calls \"{}\".", item.alias);
            let mut finding = entry.finding(&rules::UNUSED_IMPORT, item.range.clone(), message);
            let edit = if unused.len() == all.len() { whole(&entry.source, tag) } else { part(&all, *index) };
            if let Some(edit) = edit {
                finding = finding.fix(edit);
            }
            found.push(finding);
        }
    };
    for unit in walk::units(module) {
        walk::nodes(unit.body(module), &mut each);
    }
}

/// Takes a tag away with the line end that it swallows, if what stays reads the same.
fn whole(source: &Source, tag: &Tag) -> Option<Edit> {
    let plain = tag.open.len() == 2 && tag.close.len() == 2;
    let start = tag.open.start;
    let end = tag.close.end + usize::from(source.text.get(tag.close.end..)?.starts_with('\n'));
    let joins = source.text.get(..start)?.ends_with('{');
    (plain && !joins).then(|| Edit { start, end, text: String::new() })
}

/// Takes one name of a list away.
fn part(all: &[Imported], index: usize) -> Option<Edit> {
    let item = all.get(index)?;
    let (start, end) = match index.checked_sub(1).and_then(|before| all.get(before)) {
        Some(before) => (before.range.end, item.range.end),
        None => (item.range.start, all.get(index + 1)?.range.start),
    };
    Some(Edit { start, end, text: String::new() })
}
