//! What the engine makes of a template.

mod escape;
mod text;
mod variables;

use std::collections::BTreeMap;

use serde::Serialize;

use super::check;
use super::check::links::{self, Target, Way};
use super::finding::Finding;
use super::fold::{fold, shown};
use super::set::{Entry, TemplateSet};
use super::walk;
use crate::callable::{CallKind, Callable, Safe};
use crate::syntax::ast::{Expr, ExprKind, Extent, Module, NodeKind};
use crate::value::Value;

/// A template as the engine sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The template's name.
    pub template: String,
    /// The templates above it, nearest first.
    pub parents: Vec<String>,
    /// What `extends` says when it is no constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_parent: Option<String>,
    /// Blocks, its own and those from above.
    pub blocks: Vec<BlockOrigin>,
    /// The templates it brings in.
    pub brings_in: Vec<Brought>,
    /// The macros it defines.
    pub macros: Vec<MacroShape>,
    /// The variables it reads, with the attributes it asks for.
    pub reads: Vec<Read>,
    /// The variables it gives values.
    pub sets: Vec<Given>,
    /// Filters, functions and tests.
    pub calls: Vec<Called>,
    /// Every printed expression: how it is escaped, or why not.
    pub prints: Vec<Printed>,
    /// Expressions that are computed when the template is compiled.
    pub constants: Vec<Folded>,
    /// How the parts of the template reach their variables.
    pub parts: Vec<Part>,
}

/// A block and the templates that define it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockOrigin {
    /// The name.
    pub name: String,
    /// The templates that define it, the one that is shown first.
    pub defined_in: Vec<BlockPlace>,
    /// Whether the one that is shown calls `parent()`.
    pub calls_parent: bool,
}

/// Where a block is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockPlace {
    /// The template.
    pub template: String,
    /// The line there.
    pub line: u32,
}

/// A template that is brought in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// How.
    pub way: Way,
    /// The line.
    pub line: u32,
    /// The expression that names it.
    pub named_by: String,
    /// The templates of the set that it can be.
    pub templates: Vec<String>,
    /// Whether it may be absent.
    pub ignore_missing: bool,
    /// Whether it sees nothing of this template's variables.
    pub only: bool,
    /// What it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// A macro and its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MacroShape {
    /// The name.
    pub name: String,
    /// The line.
    pub line: u32,
    /// The parameters; those with a default carry a `?`, one that takes the rest `...`.
    pub parameters: Vec<String>,
}

/// A variable that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The name with the attributes asked for: `a.b.c`, with `[]` for keys that are computed.
    pub path: String,
    /// The lines.
    pub lines: Vec<u32>,
    /// Whether all places have a guard: `is defined`, `??` or `default`.
    pub guarded: bool,
    /// Whether the template gives the variable a value itself somewhere.
    pub own: bool,
}

/// A variable that is given a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Given {
    /// The name.
    pub name: String,
    /// `set`, `for`, `macro`, `arrow` or `import`.
    pub by: &'static str,
    /// The lines.
    pub lines: Vec<u32>,
}

/// A filter, function or test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Called {
    /// `filter`, `function` or `test`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// The lines.
    pub lines: Vec<u32>,
    /// The strategies for which its result needs no escaping; `all` for every one.
    pub safe_for: Vec<String>,
}

/// A printed expression, or one branch of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Printed {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The expression.
    pub source: String,
    /// The strategy it is escaped by.
    pub escaped: Option<String>,
    /// Why it is escaped or not.
    pub because: String,
}

/// An expression of constants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folded {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The expression.
    pub source: String,
    /// Its value, as `json_encode` writes it.
    pub value: String,
}

/// A part of a template with variables of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `body`, `block NAME` or `macro NAME`.
    pub name: String,
    /// First line.
    pub line: u32,
    /// Variables that it gives values: they live in slots.
    pub slots: Vec<String>,
    /// Variables that it only reads: each is looked up in the context once.
    pub looked_up: Vec<String>,
    /// What makes it keep the whole context at hand, with its line; nothing when slots are enough.
    pub whole_context: Vec<String>,
}

/// Explains a template of a set.
///
/// ```
/// use ismart_twig::Environment;
/// use ismart_twig::tools::{Host, TemplateSet, explain};
/// let templates = [("page.twig", "{{ user.name }}{{ 1 + 2 }}")];
/// let set = TemplateSet::new(&Environment::new(), Host::default(), templates, []);
/// let page = explain(&set, "page.twig").unwrap();
/// assert_eq!(page.reads[0].path, "user.name");
/// assert_eq!(page.prints[0].escaped.as_deref(), Some("html"));
/// assert_eq!(page.constants[0].value, "3");
/// ```
///
/// # Errors
/// The errors of the template; none when the set has no template of the name.
pub fn explain(set: &TemplateSet, name: &str) -> Result<Explanation, Vec<Finding>> {
    let Some((name, entry)) = set.entries.get_key_value(name) else { return Err(Vec::new()) };
    let Some(module) = entry.sound() else {
        return Err(entry.faults.iter().map(|fault| check::fault(entry, fault)).collect());
    };
    let above = links::above(set, name, module);
    let sets = variables::sets(entry, module);
    let dynamic = module.parent.as_ref().filter(|parent| links::target(parent).certain(set).is_none());
    Ok(Explanation {
        template: name.clone(),
        parents: above.names.iter().map(|name| (*name).to_owned()).collect(),
        dynamic_parent: dynamic.map(|parent| one_line(entry, parent.extent)),
        blocks: blocks(set, name, entry, module, &above.names),
        brings_in: brought(set, name, entry, module),
        macros: macros(entry, module),
        reads: variables::reads(entry, module, &sets),
        sets,
        calls: calls(module),
        prints: escape::prints(set, name, entry, module),
        constants: constants(entry, module),
        parts: variables::parts(entry, module),
    })
}

/// A stretch of the source with its white space put together.
fn one_line(entry: &Entry, extent: Extent) -> String {
    entry.source.of(extent).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(entry: &Entry, extent: Extent) -> u32 {
    entry.source.line_of(crate::num::at(extent.start))
}

fn blocks(set: &TemplateSet, name: &str, entry: &Entry, module: &Module, above: &[&str]) -> Vec<BlockOrigin> {
    let mut found: Vec<BlockOrigin> = Vec::new();
    let own = std::iter::once((name, entry, module));
    let upper = above.iter().filter_map(|name| {
        let entry = set.entries.get(*name)?;
        Some((*name, entry, entry.sound()?))
    });
    for (template, entry, module) in own.chain(upper) {
        for block in &module.blocks {
            let place = BlockPlace { template: template.to_owned(), line: line(entry, block.extent) };
            if let Some(known) = found.iter_mut().find(|known| block.name == known.name) {
                known.defined_in.push(place);
                continue;
            }
            let mut calls_parent = false;
            walk::unit_exprs(module, walk::Unit::Block(block), &mut |expr| {
                calls_parent |= matches!(&expr.kind, ExprKind::Parent(_));
            });
            let name = block.name.to_string();
            found.push(BlockOrigin { name, defined_in: vec![place], calls_parent });
        }
    }
    found
}

fn brought(set: &TemplateSet, name: &str, entry: &Entry, module: &Module) -> Vec<Brought> {
    let references = links::references(module).into_iter();
    references
        .map(|reference| {
            let templates = match &reference.target {
                // An absent template is named too, so that it is seen.
                Target::Names(branches) => branches.iter().flatten().map(|(name, _)| name.clone()).collect(),
                target => {
                    let names = target.candidates(set, name).unwrap_or_default();
                    names.into_iter().map(str::to_owned).collect()
                }
            };
            Brought {
                way: reference.way,
                line: line(entry, reference.extent),
                named_by: one_line(entry, reference.extent),
                templates,
                ignore_missing: reference.ignore_missing,
                only: reference.only,
                with: reference.with.map(|with| one_line(entry, with.extent)),
            }
        })
        .collect()
}

fn macros(entry: &Entry, module: &Module) -> Vec<MacroShape> {
    let shape = |own: &crate::syntax::ast::Macro| {
        let optional = |(name, default): &(ecow::EcoString, Option<Expr>)| {
            format!("{name}{}", if default.is_some() { "?" } else { "" })
        };
        let rest = own.rest.iter().map(|name| format!("...{name}"));
        MacroShape {
            name: own.name.to_string(),
            line: line(entry, own.extent),
            parameters: own.params.iter().map(optional).chain(rest).collect(),
        }
    };
    module.macros.iter().map(shape).collect()
}

fn calls(module: &Module) -> Vec<Called> {
    let mut found: BTreeMap<(&'static str, String), Called> = BTreeMap::new();
    let mut note = |callable: &Callable, called: &str, at: u32| {
        let kind = callable.kind.name();
        let called = found.entry((kind, called.to_owned())).or_insert_with(|| Called {
            kind,
            name: called.to_owned(),
            lines: Vec::new(),
            safe_for: if callable.kind == CallKind::Test { Vec::new() } else { safe_for(callable) },
        });
        if !called.lines.contains(&at) {
            called.lines.push(at);
        }
    };
    walk::exprs(module, &mut |expr| match &expr.kind {
        ExprKind::Filter { callable, shown, .. }
        | ExprKind::Function { callable, shown, .. }
        | ExprKind::Test { callable, shown, .. } => note(callable, shown, expr.line),
        _ => {}
    });
    walk::all_nodes(module, &mut |node| {
        if let NodeKind::Apply { filters, .. } = &node.kind {
            filters.iter().for_each(|filter| note(&filter.callable, &filter.shown, filter.line));
        }
    });
    let mut all: Vec<Called> = found.into_values().collect();
    all.iter_mut().for_each(|called| called.lines.sort_unstable());
    all
}

fn safe_for(callable: &Callable) -> Vec<String> {
    match &callable.safe {
        Safe::All => vec!["all".to_owned()],
        Safe::Escaped => vec!["the strategy of its argument".to_owned()],
        Safe::For(list) => list.iter().map(|strategy| strategy.name().to_owned()).collect(),
    }
}

/// The largest expressions of constants that are more than a constant.
fn constants(entry: &Entry, module: &Module) -> Vec<Folded> {
    fn down(expr: &Expr, call: &mut dyn FnMut(&Expr, Value)) {
        let plain = matches!(&expr.kind, ExprKind::Const(_))
            || matches!(&expr.kind, ExprKind::Neg(inner) if matches!(inner.kind, ExprKind::Const(_)));
        if plain {
            return;
        }
        match fold(expr) {
            Some(value) => call(expr, value),
            None => walk::children(expr, &mut |inner| down(inner, call)),
        }
    }
    let mut found = Vec::new();
    let mut note = |expr: &Expr, value: Value| {
        let (line, column) = entry.source.position(crate::num::at(expr.extent.start));
        let value = shown(&value);
        found.push(Folded { line, column, source: one_line(entry, expr.extent), value });
    };
    walk::modules(module, &mut |module| {
        for unit in walk::units(module) {
            walk::nodes(unit.body(module), &mut |node| {
                walk::node_exprs(node, &mut |expr| down(expr, &mut note));
            });
        }
    });
    found.sort_by_key(|folded| (folded.line, folded.column));
    found
}

impl Explanation {
    /// Only what concerns a line: what is read, set, called, printed or brought in there, and the blocks and
    /// macros that begin there.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        let own = self.template.clone();
        self.blocks
            .retain(|block| block.defined_in.iter().any(|place| place.template == own && place.line == line));
        self.brings_in.retain(|brought| brought.line == line);
        self.macros.retain(|own| own.line == line);
        self.reads.retain(|read| read.lines.contains(&line));
        self.sets.retain(|given| given.lines.contains(&line));
        self.calls.retain(|called| called.lines.contains(&line));
        self.prints.retain(|printed| printed.line == line);
        self.constants.retain(|folded| folded.line == line);
        self.parts.clear();
        self
    }
}
