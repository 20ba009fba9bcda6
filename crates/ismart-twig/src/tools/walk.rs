//! Ways through a syntax tree.

use crate::callable::{Code, Special};
use crate::syntax::ast::{Arg, Block, Expr, ExprKind, Macro, Module, Node, NodeKind};

/// What an expression asks to be there, the first expression inside of it: `… is defined`, `…|default`, `… ?? x`.
pub(crate) fn guarded(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Test { callable, input, .. } => {
            matches!(callable.code, Code::Special(Special::Defined)).then_some(input)
        }
        ExprKind::Filter { callable, input, .. } => {
            matches!(callable.code, Code::Special(Special::Default)).then_some(input)
        }
        ExprKind::Coalesce(input, _) => Some(input),
        _ => None,
    }
}

/// Calls something with each expression that stands directly in another one.
pub(crate) fn children<'a>(expr: &'a Expr, call: &mut dyn FnMut(&'a Expr)) {
    // table: the expressions inside an expression
    match &expr.kind {
        ExprKind::Const(_)
        | ExprKind::Name(_)
        | ExprKind::Hole
        | ExprKind::Parent(_)
        | ExprKind::Params(_) => {}
        ExprKind::Array(array) => {
            for item in &array.items {
                if let Some(key) = &item.key {
                    call(key);
                }
                call(&item.value);
            }
        }
        ExprKind::Not(inner) | ExprKind::Neg(inner) | ExprKind::Pos(inner) | ExprKind::Spread(inner) => {
            call(inner);
        }
        ExprKind::Binary(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b) => {
            call(a);
            call(b);
        }
        ExprKind::Concat(parts) => parts.iter().for_each(call),
        ExprKind::Cond(a, b, c) => {
            call(a);
            call(b);
            call(c);
        }
        ExprKind::Attr { object, name, args, .. } => {
            call(object);
            call(name);
            each_arg(args.as_deref().unwrap_or(&[]), call);
        }
        ExprKind::Filter { input, args, .. } | ExprKind::Test { input, args, .. } => {
            call(input);
            each_arg(args, call);
        }
        ExprKind::Function { args, .. } => each_arg(args, call),
        ExprKind::Macro { name, args, .. } => {
            call(name);
            each_arg(args, call);
        }
        ExprKind::Block { name, template } => {
            call(name);
            if let Some(template) = template {
                call(template);
            }
        }
        ExprKind::Arrow { body, .. } => call(body),
        ExprKind::Assign(_, value) | ExprKind::AssignList(_, value) | ExprKind::AssignMap(_, value) => {
            call(value);
        }
    }
}

fn each_arg<'a>(args: &'a [Arg], call: &mut dyn FnMut(&'a Expr)) {
    args.iter().for_each(|arg| call(&arg.value));
}

/// Calls something with an expression and all inside it, outer ones first.
pub(crate) fn deep<'a>(expr: &'a Expr, call: &mut dyn FnMut(&'a Expr)) {
    call(expr);
    children(expr, &mut |inner| deep(inner, call));
}

/// Calls something with each expression that stands directly in a node.
pub(crate) fn node_exprs<'a>(node: &'a Node, call: &mut dyn FnMut(&'a Expr)) {
    match &node.kind {
        NodeKind::Print(expr, _) | NodeKind::Do(expr) | NodeKind::Import { template: expr, .. } => call(expr),
        NodeKind::If(branches, _) => branches.iter().for_each(|(condition, _)| call(condition)),
        NodeKind::For(f) => call(&f.seq),
        NodeKind::Set(_, values) => values.iter().for_each(call),
        NodeKind::Include { template, with, .. } => {
            call(template);
            with.iter().for_each(call);
        }
        NodeKind::Embed { with: vars, .. } | NodeKind::With { vars, .. } => vars.iter().for_each(call),
        NodeKind::Apply { filters, .. } => filters.iter().for_each(|filter| each_arg(&filter.args, call)),
        NodeKind::Deprecated { message, package, version } => {
            call(message);
            package.iter().chain(version).for_each(call);
        }
        NodeKind::Cache { key, .. } => call(key),
        NodeKind::HostTag { args, .. } => each_arg(args, call),
        _ => {}
    }
}

/// Calls something with each body of a node.
pub(crate) fn bodies<'a>(node: &'a Node, call: &mut dyn FnMut(&'a [Node])) {
    match &node.kind {
        NodeKind::If(branches, otherwise) => {
            branches.iter().for_each(|(_, body)| call(body));
            if let Some(body) = otherwise {
                call(body);
            }
        }
        NodeKind::For(f) => {
            call(&f.body);
            if let Some(body) = &f.else_body {
                call(body);
            }
        }
        NodeKind::Capture(_, body)
        | NodeKind::With { body, .. }
        | NodeKind::Apply { body, .. }
        | NodeKind::AutoEscape { body, .. }
        | NodeKind::Sandbox(body)
        | NodeKind::Cache { body, .. }
        | NodeKind::Group(body) => call(body),
        NodeKind::HostTag { body: Some(body), .. } => call(body),
        _ => {}
    }
}

/// Calls something with each node and all inside it, outer ones first. What blocks, macros and embedded
/// templates hold is not inside: see [`modules`] and [`units`].
pub(crate) fn nodes<'a>(list: &'a [Node], call: &mut dyn FnMut(&'a Node)) {
    for node in list {
        call(node);
        bodies(node, &mut |body| nodes(body, call));
    }
}

/// Calls something with a module and those embedded in it.
pub(crate) fn modules<'a>(module: &'a Module, call: &mut dyn FnMut(&'a Module)) {
    call(module);
    module.embeds.iter().for_each(|embed| modules(embed, call));
}

/// A part of a module with variables of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit<'a> {
    /// The body, and the expression behind `extends`.
    Main,
    Block(&'a Block),
    Macro(&'a Macro),
}

impl<'a> Unit<'a> {
    pub(crate) fn body(self, module: &'a Module) -> &'a [Node] {
        match self {
            Self::Main => &module.body,
            Self::Block(block) => &block.body,
            Self::Macro(own) => &own.body,
        }
    }
}

/// The parts of a module, embedded ones left out.
pub(crate) fn units(module: &Module) -> impl Iterator<Item = Unit<'_>> {
    let blocks = module.blocks.iter().map(Unit::Block);
    std::iter::once(Unit::Main).chain(blocks).chain(module.macros.iter().map(Unit::Macro))
}

/// Calls something with each expression of a unit, outer ones first.
pub(crate) fn unit_exprs<'a>(module: &'a Module, unit: Unit<'a>, call: &mut dyn FnMut(&'a Expr)) {
    match unit {
        Unit::Main => module.parent.iter().for_each(|parent| deep(parent, call)),
        Unit::Macro(own) => {
            own.params.iter().filter_map(|(_, default)| default.as_ref()).for_each(|d| deep(d, call));
        }
        Unit::Block(_) => {}
    }
    nodes(unit.body(module), &mut |node| node_exprs(node, &mut |expr| deep(expr, call)));
}

/// Calls something with each expression of a module and of those embedded in it.
pub(crate) fn exprs<'a>(module: &'a Module, call: &mut dyn FnMut(&'a Expr)) {
    modules(module, &mut |module| {
        for unit in units(module) {
            unit_exprs(module, unit, call);
        }
    });
}

/// Calls something with each node of a module and of those embedded in it.
pub(crate) fn all_nodes<'a>(module: &'a Module, call: &mut dyn FnMut(&'a Node)) {
    modules(module, &mut |module| {
        for unit in units(module) {
            nodes(unit.body(module), call);
        }
    });
}
