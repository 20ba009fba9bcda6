//! Macros and blocks: which do not exist, which nobody uses, as far as it can be proved.

use std::collections::{BTreeMap, BTreeSet};

use super::links::{self, Way};
use super::near;
use crate::syntax::ast::{Expr, ExprKind, Module, NodeKind};
use crate::tools::finding::Finding;
use crate::tools::rules;
use crate::tools::set::{Entry, TemplateSet};
use crate::tools::walk::{self, Unit};

/// What one template gets wrong.
pub(super) fn check(
    set: &TemplateSet,
    name: &str,
    entry: &Entry,
    module: &Module,
    relations: &Relations<'_>,
    found: &mut Vec<Finding>,
) {
    cycle(set, name, entry, module, found);
    let mut top = true;
    walk::modules(module, &mut |module| {
        macro_calls(set, name, entry, module, top, found);
        block_calls(set, name, entry, (module, top), relations, found);
        unused_blocks(set, name, entry, (module, top), relations, found);
        top = false;
    });
}

/// A template that extends itself.
fn cycle(set: &TemplateSet, name: &str, entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    let Some(parent) = &module.parent else { return };
    let mut seen: Vec<&str> = Vec::new();
    // Only what is certain: a parent that is one of several may never be taken.
    let one = |parent: &Expr| match links::target(parent).certain(set).as_deref() {
        Some([one]) => Some(*one),
        _ => None,
    };
    let mut open = one(parent);
    while let Some(next) = open {
        if next == name {
            let mut way = seen;
            way.push(name);
            let message = format!("The template extends itself: {}.", way.join(" → "));
            found.push(
                entry.finding_of(&rules::EXTENDS_CYCLE, parent.extent, message).help("name another parent"),
            );
            return;
        }
        if seen.contains(&next) {
            return;
        }
        seen.push(next);
        open = set.sound(next).and_then(|module| module.parent.as_ref()).and_then(one);
    }
}

/// Calls something with each expression of a unit and whether a test or fallback stands guard over it.
fn guarded<'a>(module: &'a Module, unit: Unit<'a>, call: &mut dyn FnMut(&'a Expr, bool)) {
    fn down<'a>(expr: &'a Expr, guard: bool, call: &mut dyn FnMut(&'a Expr, bool)) {
        call(expr, guard);
        let first_guarded = walk::guarded(expr).is_some();
        let mut first = true;
        walk::children(expr, &mut |inner| {
            down(inner, first && first_guarded, call);
            first = false;
        });
    }
    if let (Unit::Main, Some(parent)) = (unit, &module.parent) {
        down(parent, false, call);
    }
    walk::nodes(unit.body(module), &mut |node| walk::node_exprs(node, &mut |expr| down(expr, false, call)));
}

fn macro_calls(
    set: &TemplateSet,
    name: &str,
    entry: &Entry,
    module: &Module,
    top: bool,
    found: &mut Vec<Finding>,
) {
    let imports = links::imports(module);
    let Some((own, _)) = set.entries.get_key_value(name) else { return };
    for unit in walk::units(module) {
        guarded(module, unit, &mut |expr, guard| {
            let ExprKind::Macro { target, name: called, .. } = &expr.kind else { return };
            let (Some(called_name), false) = (links::text(called), guard) else { return };
            let sources = links::macro_sources(set, own, &imports, target).unwrap_or_default();
            for from in sources {
                // An embedded template's own macros are those of the embedded one.
                if from == name && !top {
                    continue;
                }
                let Some(known) = links::macros(set, from) else { continue };
                if known.contains(called_name) {
                    continue;
                }
                let known: Vec<&str> = known.into_iter().collect();
                let range = crate::num::at(expr.extent.start)..crate::num::at(expr.extent.end);
                let range = entry.source.name_in(called_name, range);
                let message = format!("Macro \"{called_name}\" is not defined in template \"{from}\".");
                let help = match near(called_name, &known) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None if known.is_empty() => "the template defines no macros".to_owned(),
                    None => format!("it defines {}", known.join(", ")),
                };
                found.push(entry.finding(&rules::UNDEFINED_MACRO, range, message).help(help));
            }
        });
    }
}

/// `block('name')` and `parent()` that lead nowhere.
fn block_calls(
    set: &TemplateSet,
    name: &str,
    entry: &Entry,
    (module, top): (&Module, bool),
    relations: &Relations<'_>,
    found: &mut Vec<Finding>,
) {
    let above = links::above(set, if top { name } else { "" }, module);
    let mut over: Option<BTreeSet<String>> = above.complete.then(BTreeSet::new);
    for upper in &above.names {
        let theirs = set.sound(upper).and_then(|module| links::blocks(set, module));
        over = over.zip(theirs).map(|(mut all, theirs)| {
            all.extend(theirs);
            all
        });
    }
    let own = links::blocks(set, module);
    let nothing = BTreeSet::new();
    let below = relations.below.as_ref().map(|all| all.get(name).filter(|_| top).unwrap_or(&nothing));
    for unit in walk::units(module) {
        guarded(module, unit, &mut |expr, guard| match &expr.kind {
            ExprKind::Block { name: called, template: None } if !guard => {
                let (Some(called), Some(own), Some(over), Some(below)) =
                    (links::text(called), &own, &over, below)
                else {
                    return;
                };
                if own.contains(called) || over.contains(called) || below.contains(called) {
                    return;
                }
                let known: Vec<&str> = own.iter().chain(over).map(String::as_str).collect();
                let message = format!("Block \"{called}\" on template \"{name}\" does not exist.");
                let help = near(called, &known).map_or_else(
                    || "define the block, or guard the call with `is defined`".to_owned(),
                    |near| format!("did you mean \"{near}\"?"),
                );
                found.push(entry.finding_of(&rules::UNDEFINED_BLOCK, expr.extent, message).help(help));
            }
            ExprKind::Parent(block) if !guard => {
                let Some(over) = &over else { return };
                let used = module.uses.iter().any(|used| {
                    let theirs = set.sound(&used.template).and_then(|module| links::blocks(set, module));
                    let alias = used.targets.iter().any(|(_, alias)| alias == block);
                    alias || theirs.is_none_or(|theirs| theirs.contains(block.as_str()))
                });
                if over.contains(block.as_str()) || used {
                    return;
                }
                let known: Vec<&str> = over.iter().map(String::as_str).collect();
                let message =
                    format!("The template has no parent and no traits defining the \"{block}\" block.");
                let help = near(block, &known).map_or_else(
                    || "remove the call".to_owned(),
                    |near| format!("did you mean the block \"{near}\"?"),
                );
                found.push(entry.finding_of(&rules::PARENT_WITHOUT_BLOCK, expr.extent, message).help(help));
            }
            _ => {}
        });
    }
}

/// What the templates of a set say of each other's blocks, gathered once.
pub(super) struct Relations<'s> {
    /// The names that `block()` is called with; `None` when one is not constant.
    called: Option<BTreeSet<&'s str>>,
    /// The templates whose blocks others take; `None` when that may be any.
    used: Option<BTreeSet<&'s str>>,
    /// The blocks of the templates that extend one; `None` when that is not certain of one of them.
    below: Option<BTreeMap<&'s str, BTreeSet<String>>>,
}

impl<'s> Relations<'s> {
    pub(super) fn new(set: &'s TemplateSet) -> Self {
        Self { called: called_blocks(set), used: used_templates(set), below: below(set) }
    }
}

fn below(set: &TemplateSet) -> Option<BTreeMap<&str, BTreeSet<String>>> {
    let mut all: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, entry) in &set.entries {
        let root = entry.sound()?;
        let mut top = true;
        let mut clear = true;
        walk::modules(root, &mut |module| {
            let above = links::above(set, if top { name } else { "" }, module);
            top = false;
            clear &= module.parent.is_none() || above.complete;
            let Some(blocks) = links::blocks(set, module) else {
                clear &= above.names.is_empty();
                return;
            };
            for upper in above.names {
                all.entry(upper).or_default().extend(blocks.iter().cloned());
            }
        });
        if !clear {
            return None;
        }
    }
    Some(all)
}

/// Blocks of a child that nothing above shows.
fn unused_blocks(
    set: &TemplateSet,
    name: &str,
    entry: &Entry,
    (module, top): (&Module, bool),
    relations: &Relations<'_>,
    found: &mut Vec<Finding>,
) {
    if module.parent.is_none() {
        return;
    }
    let above = links::above(set, if top { name } else { "" }, module);
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for upper in &above.names {
        let Some(theirs) = set.sound(upper).and_then(|module| links::blocks(set, module)) else { return };
        shown.extend(theirs);
    }
    if !above.complete {
        return;
    }
    for unit in walk::units(module).filter(|unit| !matches!(unit, Unit::Main)) {
        walk::nodes(unit.body(module), &mut |node| {
            if let NodeKind::BlockRef(inner) = &node.kind {
                shown.insert(inner.to_string());
            }
        });
    }
    let Some(called) = &relations.called else { return };
    let used = top && relations.used.as_ref().is_none_or(|used| used.contains(name));
    for block in &module.blocks {
        let own = block.name.as_str();
        if used || shown.contains(own) || called.contains(own) {
            continue;
        }
        let known: Vec<&str> = shown.iter().map(String::as_str).collect();
        let list = above.names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
        let message = format!("Block \"{own}\" never appears: {list} shows no block of that name.");
        let help = match near(own, &known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if known.is_empty() => "the templates above define no blocks".to_owned(),
            None => format!("the templates above show {}", known.join(", ")),
        };
        found.push(entry.finding_of(&rules::UNUSED_BLOCK, block.extent, message).help(help));
    }
}

/// The names that `block()` is called with anywhere; `None` when one is not constant.
fn called_blocks(set: &TemplateSet) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    let mut unclear = false;
    for module in set.entries.values().filter_map(|entry| entry.module.as_ref()) {
        walk::exprs(module, &mut |expr| {
            if let ExprKind::Block { name, .. } = &expr.kind {
                match links::text(name) {
                    Some(name) => {
                        names.insert(name);
                    }
                    None => unclear = true,
                }
            }
        });
    }
    (!unclear).then_some(names)
}

/// The templates whose blocks others take.
fn used_templates(set: &TemplateSet) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    for module in set.entries.values().filter_map(|entry| entry.module.as_ref()) {
        for reference in links::references(module) {
            if matches!(reference.way, Way::Use | Way::Block) {
                names.extend(reference.target.candidates(set, "")?);
            }
        }
    }
    Some(names)
}

/// Macros that no template of the set calls; silent when a call's template or name is not known.
pub(super) fn unused_macros(set: &TemplateSet, found: &mut Vec<Finding>) {
    let mut called: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (name, entry) in &set.entries {
        let Some(root) = entry.sound() else { return };
        let mut unclear = false;
        walk::modules(root, &mut |module| {
            let imports = links::imports(module);
            for unit in walk::units(module) {
                walk::unit_exprs(module, unit, &mut |expr| {
                    let ExprKind::Macro { target, name: called_name, .. } = &expr.kind else { return };
                    let sources = links::macro_sources(set, name, &imports, target);
                    match (sources, links::text(called_name)) {
                        (Some(sources), Some(text)) => called.extend(sources.iter().map(|s| (*s, text))),
                        _ => unclear = true,
                    }
                });
            }
        });
        if unclear {
            return;
        }
    }
    // A macro of a parent is called through its children.
    let mut reached = called.clone();
    for (from, text) in &called {
        if let Some(module) = set.sound(from) {
            reached.extend(links::above(set, from, module).names.iter().map(|upper| (*upper, *text)));
        }
    }
    for (name, entry) in &set.entries {
        for own in entry.sound().map_or(&[][..], |module| module.macros.as_slice()) {
            if !reached.contains(&(name.as_str(), own.name.as_str())) && !own.name.starts_with('_') {
                let message = format!("No template calls the macro \"{}\".", own.name);
                let help = "remove it; a name that starts with `_` is left alone";
                found.push(entry.finding_of(&rules::UNUSED_MACRO, own.extent, message).help(help));
            }
        }
    }
}
