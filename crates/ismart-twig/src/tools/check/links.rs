//! What templates say of each other: names of templates, macros and blocks.

use std::collections::{BTreeMap, BTreeSet};

use crate::syntax::ast::{Arg, Expr, ExprKind, Extent, MacroTarget, Module, NodeKind};
use crate::tools::set::TemplateSet;
use crate::tools::walk;
use crate::value::Value;

/// How a template brings in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// `{% extends %}`
    Extends,
    /// `{% embed %}`
    Embed,
    /// `{% include %}` and the functions that show a template.
    Include,
    /// `{% import %}` and `{% from %}`.
    Import,
    /// `{% use %}`
    Use,
    /// `source()`
    Source,
    /// `block(name, template)`
    Block,
}

/// The templates that an expression can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Constants. Of the inner lists the first that exists is taken; the outer ones are branches of a condition.
    Names(Vec<Vec<(String, Extent)>>),
    /// A constant beginning and end around something that is not known.
    Pattern(String, String),
    /// The template itself.
    Own,
    /// Not known.
    Unknown,
}

/// A place where a template brings in another one.
#[derive(Debug)]
pub(crate) struct Reference<'a> {
    pub(crate) way: Way,
    pub(crate) target: Target,
    pub(crate) extent: Extent,
    pub(crate) ignore_missing: bool,
    pub(crate) with: Option<&'a Expr>,
    pub(crate) only: bool,
}

pub(crate) fn text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Const(Value::Str(text)) => Some(text),
        _ => None,
    }
}

pub(crate) fn target(expr: &Expr) -> Target {
    match &expr.kind {
        ExprKind::Const(Value::Str(name)) => Target::Names(vec![vec![(name.to_string(), expr.extent)]]),
        ExprKind::Name(name) if name == "_self" => Target::Own,
        ExprKind::Array(list) if !list.mapping => {
            let names: Option<Vec<_>> = list
                .items
                .iter()
                .map(|item| text(&item.value).map(|name| (name.to_owned(), item.value.extent)))
                .collect();
            names.map_or(Target::Unknown, |names| Target::Names(vec![names]))
        }
        ExprKind::Cond(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b) => {
            match (target(a), target(b)) {
                (Target::Names(mut a), Target::Names(b)) => {
                    a.extend(b);
                    Target::Names(a)
                }
                _ => Target::Unknown,
            }
        }
        ExprKind::Concat(parts) => {
            let first = parts.first().and_then(text).unwrap_or("");
            let last = parts.last().and_then(text).unwrap_or("");
            Target::Pattern(first.to_owned(), last.to_owned())
        }
        _ => Target::Unknown,
    }
}

impl Target {
    /// The templates of the set that may be meant; `None` when any may.
    pub(crate) fn candidates<'s>(&self, set: &'s TemplateSet, own: &'s str) -> Option<Vec<&'s str>> {
        match self {
            Self::Names(branches) => {
                let mut all = Vec::new();
                for names in branches {
                    let found = names.iter().find_map(|(name, _)| set.entries.get_key_value(name.as_str()));
                    all.extend(found.map(|(name, _)| name.as_str()));
                }
                Some(all)
            }
            Self::Pattern(first, last) => {
                let fits = |name: &&str| {
                    name.len() >= first.len() + last.len() && name.starts_with(first) && name.ends_with(last)
                };
                Some(set.names().filter(fits).collect())
            }
            Self::Own => Some(vec![own]),
            Self::Unknown => None,
        }
    }

    /// The one template that is meant, when it is certain and in the set.
    pub(crate) fn certain<'s>(&self, set: &'s TemplateSet) -> Option<Vec<&'s str>> {
        let Self::Names(branches) = self else { return None };
        let one = |names: &Vec<(String, Extent)>| match names.as_slice() {
            [(name, _)] => set.entries.get_key_value(name.as_str()).map(|(name, _)| name.as_str()),
            _ => None,
        };
        branches.iter().map(one).collect()
    }
}

fn argument<'a>(args: &'a [Arg], at: usize, name: &str) -> Option<&'a Expr> {
    let named = args.iter().find(|arg| arg.name.as_ref().is_some_and(|n| n == name));
    let placed = || args.get(at).filter(|arg| arg.name.is_none());
    named.or_else(placed).map(|arg| &arg.value)
}

fn is_false(expr: Option<&Expr>) -> bool {
    expr.is_some_and(|expr| matches!(expr.kind, ExprKind::Const(Value::Bool(false))))
}

/// Every place of a module, embedded ones included, that brings in another template.
pub(crate) fn references(module: &Module) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let make = |way: Way, expr: Option<&Expr>, extent: Extent| Reference {
        way,
        target: expr.map_or(Target::Unknown, target),
        extent,
        ignore_missing: false,
        with: None,
        only: false,
    };
    if let Some(parent) = &module.parent {
        found.push(make(Way::Extends, Some(parent), parent.extent));
    }
    walk::modules(module, &mut |module| {
        for used in &module.uses {
            let target = Target::Names(vec![vec![(used.template.to_string(), used.extent)]]);
            found.push(Reference { target, ..make(Way::Use, None, used.extent) });
        }
        for unit in walk::units(module) {
            walk::nodes(unit.body(module), &mut |node| match &node.kind {
                NodeKind::Include { template, with, only, ignore_missing } => found.push(Reference {
                    ignore_missing: *ignore_missing,
                    with: with.as_ref(),
                    only: *only,
                    ..make(Way::Include, Some(template), template.extent)
                }),
                NodeKind::Import { template, .. } => {
                    found.push(Reference { ..make(Way::Import, Some(template), template.extent) })
                }
                NodeKind::Embed { index, with, only, ignore_missing } => {
                    let parent = module.embeds.get(*index).and_then(|embed| embed.parent.as_ref());
                    let extent = parent.map_or(node.extent, |parent| parent.extent);
                    found.push(Reference {
                        ignore_missing: *ignore_missing,
                        with: with.as_ref(),
                        only: *only,
                        ..make(Way::Embed, parent, extent)
                    });
                }
                _ => {}
            });
            walk::unit_exprs(module, unit, &mut |expr| found.extend(called(expr)));
        }
    });
    found.sort_by_key(|reference| reference.extent.start);
    found
}

/// The template that an expression brings in.
pub(crate) fn called(expr: &Expr) -> Option<Reference<'_>> {
    let make = |way: Way, template: &Expr| Reference {
        way,
        target: target(template),
        extent: template.extent,
        ignore_missing: false,
        with: None,
        only: false,
    };
    match &expr.kind {
        ExprKind::Block { template: Some(template), .. } => Some(make(Way::Block, template)),
        ExprKind::Function { callable, args, .. } => {
            let (way, missing) = match callable.name.as_str() {
                "include" => (Way::Include, 3),
                "include_only" | "render_sandboxed" => (Way::Include, 2),
                "source" => (Way::Source, 1),
                _ => return None,
            };
            let name = if way == Way::Source { "name" } else { "template" };
            let template = argument(args, 0, name)?;
            let missing = argument(args, missing, "ignore_missing");
            let closed = callable.name != "include" || is_false(argument(args, 2, "with_context"));
            Some(Reference {
                ignore_missing: missing.is_some() && !is_false(missing),
                with: argument(args, 1, "variables").filter(|_| way == Way::Include),
                only: closed,
                ..make(way, template)
            })
        }
        _ => None,
    }
}

/// The templates above one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Above<'s> {
    /// Nearest first.
    pub(crate) names: Vec<&'s str>,
    /// Whether these are all: none is unknown, missing or broken.
    pub(crate) complete: bool,
}

/// The templates above a module of a template.
pub(crate) fn above<'s>(set: &'s TemplateSet, own: &str, module: &Module) -> Above<'s> {
    let mut above = Above { names: Vec::new(), complete: true };
    let mut seen = BTreeSet::from([own.to_owned()]);
    climb(set, module, &mut above, &mut seen);
    above
}

fn climb<'s>(set: &'s TemplateSet, module: &Module, above: &mut Above<'s>, seen: &mut BTreeSet<String>) {
    let Some(parent) = &module.parent else { return };
    let Some(names) = target(parent).certain(set) else {
        above.complete = false;
        return;
    };
    for name in names {
        if !seen.insert(name.to_owned()) {
            continue;
        }
        above.names.push(name);
        match set.sound(name) {
            Some(next) => climb(set, next, above, seen),
            None => above.complete = false,
        }
    }
}

/// The names of the blocks that a module defines or uses; `None` when that is not certain.
pub(crate) fn blocks(set: &TemplateSet, module: &Module) -> Option<BTreeSet<String>> {
    let mut names: BTreeSet<String> = module.blocks.iter().map(|block| block.name.to_string()).collect();
    for used in &module.uses {
        let mut theirs = blocks(set, set.sound(&used.template)?)?;
        for (from, to) in &used.targets {
            theirs.remove(from.as_str());
            theirs.insert(to.to_string());
        }
        names.extend(theirs);
    }
    Some(names)
}

/// What a module's places of `import` and `from` bring in.
pub(crate) fn imports(module: &Module) -> BTreeMap<u32, Target> {
    let mut found = BTreeMap::new();
    for unit in walk::units(module) {
        walk::nodes(unit.body(module), &mut |node| {
            if let NodeKind::Import { template, slot, .. } = &node.kind {
                found.insert(*slot, target(template));
            }
        });
    }
    found
}

/// The templates that a macro can come from; `None` when that is not certain.
pub(crate) fn macro_sources<'s>(
    set: &'s TemplateSet,
    own: &'s str,
    imports: &BTreeMap<u32, Target>,
    from: &MacroTarget,
) -> Option<Vec<&'s str>> {
    match from {
        MacroTarget::Own => Some(vec![own]),
        MacroTarget::Import(slot) => match imports.get(slot)? {
            Target::Own => Some(vec![own]),
            target => target.certain(set),
        },
    }
}

/// The macros that a template of the set offers, its parents' among them; `None` when that is not certain.
pub(crate) fn macros<'s>(set: &'s TemplateSet, name: &str) -> Option<BTreeSet<&'s str>> {
    let module = set.sound(name)?;
    let above = above(set, name, module);
    if !above.complete {
        return None;
    }
    let mut names = BTreeSet::new();
    for module in std::iter::once(module).chain(above.names.iter().filter_map(|name| set.sound(name))) {
        names.extend(module.macros.iter().map(|own| own.name.as_str()));
    }
    Some(names)
}
