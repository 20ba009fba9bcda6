//! Which values a template makes itself, and which come from outside.

use std::collections::BTreeMap;

use crate::callable::{Code, Special, Strategy};
use crate::compile::safety;
use crate::syntax::ast::{Arg, Expr, ExprKind, Module, NodeKind};
use crate::tools::check::links::text;
use crate::tools::walk;
use crate::value::Value;

/// The flag of `json_encode` that leaves slashes as they are, so that `</script>` stays.
const UNESCAPED_SLASHES: i64 = 64;

/// What a variable is given in a template.
#[derive(Debug, Default)]
struct Given<'a> {
    values: Vec<&'a Expr>,
    /// Given by something that is not looked into: a loop, a parameter, a pattern.
    otherwise: bool,
}

/// The variables of a template and what they are given.
#[derive(Debug, Default)]
pub(crate) struct Trust<'a> {
    given: BTreeMap<&'a str, Given<'a>>,
}

impl<'a> Trust<'a> {
    pub(crate) fn new(module: &'a Module) -> Self {
        let mut given: BTreeMap<&'a str, Given<'a>> = BTreeMap::new();
        walk::all_nodes(module, &mut |node| match &node.kind {
            NodeKind::Set(names, values) => {
                for (name, value) in names.iter().zip(values) {
                    given.entry(name).or_default().values.push(value);
                }
            }
            // Captured text was escaped as it was made.
            NodeKind::Capture(name, _) => {
                given.entry(name).or_default();
            }
            NodeKind::For(f) => {
                // Of a loop over what the template lists itself, the values are its own.
                given.entry(&f.value).or_default().values.push(&f.seq);
                if let Some(key) = &f.key {
                    given.entry(key).or_default().values.push(&f.seq);
                }
            }
            _ => {}
        });
        walk::exprs(module, &mut |expr| match &expr.kind {
            ExprKind::Assign(name, value) => given.entry(name).or_default().values.push(value),
            ExprKind::AssignList(names, _) => {
                names.iter().flatten().for_each(|name| given.entry(name).or_default().otherwise = true);
            }
            ExprKind::AssignMap(pairs, _) => {
                pairs.iter().for_each(|(_, name)| given.entry(name).or_default().otherwise = true);
            }
            ExprKind::Arrow { params, .. } => {
                params.iter().for_each(|name| given.entry(name).or_default().otherwise = true);
            }
            _ => {}
        });
        walk::modules(module, &mut |module| {
            for own in &module.macros {
                let params = own.params.iter().map(|(name, _)| name).chain(&own.rest);
                params.for_each(|name| given.entry(name).or_default().otherwise = true);
            }
        });
        Self { given }
    }

    /// The part of an expression that comes from outside; `None` when the template makes all of it.
    pub(crate) fn outside<'e>(&self, expr: &'e Expr) -> Option<&'e Expr>
    where
        'a: 'e,
    {
        self.look(expr, 0)
    }

    fn look<'e>(&self, expr: &'e Expr, depth: u32) -> Option<&'e Expr>
    where
        'a: 'e,
    {
        // A variable that is given itself in a circle adds nothing.
        if depth > 12 {
            return None;
        }
        // table: the expressions and where their values come from
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Hole | ExprKind::Macro { .. } | ExprKind::Block { .. } => None,
            ExprKind::Parent(_) | ExprKind::Not(_) | ExprKind::Test { .. } | ExprKind::Neg(_) => None,
            ExprKind::Pos(_) | ExprKind::Binary(..) | ExprKind::Params(_) => None,
            ExprKind::Name(name) => match self.given.get(name.as_str()) {
                Some(given) if !given.otherwise => {
                    let found = given.values.iter().find_map(|value| self.look(value, depth + 1));
                    found.map(|_| expr)
                }
                _ if matches!(name.as_str(), "loop" | "_self" | "_charset") => None,
                _ => Some(expr),
            },
            ExprKind::Array(array) => array.items.iter().find_map(|item| self.look(&item.value, depth + 1)),
            ExprKind::Spread(inner) => self.look(inner, depth + 1),
            ExprKind::Concat(parts) => parts.iter().find_map(|part| self.look(part, depth + 1)),
            ExprKind::Cond(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b) => {
                self.look(a, depth + 1).or_else(|| self.look(b, depth + 1))
            }
            ExprKind::Attr { object, .. } => self.look(object, depth + 1).map(|_| expr),
            ExprKind::Filter { callable, input, args, .. } => {
                if makes_safe(&callable.name, args) {
                    return None;
                }
                let inside = self.look(input, depth + 1);
                let inside = inside.or_else(|| args.iter().find_map(|arg| self.look(&arg.value, depth + 1)));
                inside.map(|_| expr)
            }
            ExprKind::Function { callable, args, .. } => {
                if safety::safe(expr).covers(&Strategy::Html) || is_number(expr) {
                    return None;
                }
                if matches!(callable.code, Code::Host(_)) {
                    return Some(expr);
                }
                args.iter().find_map(|arg| self.look(&arg.value, depth + 1))
            }
            ExprKind::Arrow { body, .. } => self.look(body, depth + 1),
            ExprKind::Assign(_, value) | ExprKind::AssignList(_, value) | ExprKind::AssignMap(_, value) => {
                self.look(value, depth + 1)
            }
        }
    }
}

/// Whether a filter gives markup or text that cannot break out, whatever its input is.
fn makes_safe(name: &str, args: &[Arg]) -> bool {
    match name {
        "e" | "escape" | "url_encode" | "length" | "abs" | "round" | "number_format" | "nl2br" | "slug" => {
            true
        }
        // Without tags that are let through, none is left.
        "striptags" => args.is_empty(),
        _ => false,
    }
}

/// Whether an expression gives a number or a truth value.
pub(crate) fn is_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(value) => !matches!(value, Value::Str(_) | Value::Bytes(_) | Value::Markup(_)),
        ExprKind::Binary(..)
        | ExprKind::Not(_)
        | ExprKind::Neg(_)
        | ExprKind::Pos(_)
        | ExprKind::Test { .. } => true,
        ExprKind::Filter { callable, .. } => matches!(callable.name.as_str(), "length" | "abs" | "round"),
        ExprKind::Function { callable, .. } => matches!(callable.name.as_str(), "gallery_visible_count"),
        ExprKind::Attr { object, name, .. } => {
            object.as_name().is_some_and(|name| name == "loop")
                && text(name).is_some_and(|field| field != "parent")
        }
        _ => false,
    }
}

/// How a value is made fit for a place, by the last filters of its expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'e> {
    /// `e('js')` and the like.
    Escaped(&'e str),
    /// `json_encode`, which leaves no way out of a script.
    Json,
    /// `json_encode` with slashes left as they are.
    OpenJson,
    /// A number, truth value or constant.
    Plain,
    /// Nothing special.
    Any,
}

/// How an expression's value is made fit.
pub(crate) fn shape(expr: &Expr) -> Shape<'_> {
    match &expr.kind {
        ExprKind::Filter { callable, input, args, .. } => match callable.name.as_str() {
            "e" | "escape" => {
                Shape::Escaped(args.first().map_or("html", |arg| text(&arg.value).unwrap_or("html")))
            }
            "json_encode" if open_json(args) => Shape::OpenJson,
            "json_encode" => Shape::Json,
            _ if matches!(callable.code, Code::Special(Special::Raw)) => shape(input),
            _ if is_number(expr) => Shape::Plain,
            _ => Shape::Any,
        },
        ExprKind::Cond(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b) => {
            match (shape(a), shape(b)) {
                (Shape::Plain, other) | (other, Shape::Plain) => other,
                (a, b) if a == b => a,
                _ => Shape::Any,
            }
        }
        ExprKind::Const(_) => Shape::Plain,
        _ if is_number(expr) => Shape::Plain,
        _ => Shape::Any,
    }
}

/// Whether the flags of `json_encode` leave slashes as they are, or are not known.
fn open_json(args: &[Arg]) -> bool {
    let Some(flags) = args.first().map(|arg| &arg.value) else { return false };
    let mut open = vec![flags];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Const(Value::Int(flags)) if flags & UNESCAPED_SLASHES == 0 => {}
            ExprKind::Binary(_, a, b) => open.extend([&**a, &**b]),
            ExprKind::Function { args, .. } => {
                let name = args.first().and_then(|arg| text(&arg.value));
                if name.is_none_or(|name| name.ends_with("UNESCAPED_SLASHES")) {
                    return true;
                }
            }
            _ => return true,
        }
    }
    false
}
